//! Whether to colour.

use anstream::ColorChoice;

/// The values of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set; `CLICOLOR_FORCE` colours everywhere
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColourChoice {
    /// Decides for one stream; `found` is what its environment and kind speak for.
    pub(super) fn decide(self, found: ColorChoice) -> ColorChoice {
        match self {
            Self::Auto => found,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }
}

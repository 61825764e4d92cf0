//! Values to text. Pure: what a screen looks like follows from a report and a [`Screen`], nothing else.
//!
//! ```text
//! Report -> status  one workload: headline, head lines, table, notes, findings
//!        -> list    many workloads, a line each
//!        -> json    everything, for programs
//! ```
//!
//! Strings that came from a cluster reach a screen through [`text::clean`] only: cells and paragraphs call it
//! themselves, so that no view can forget to.

pub mod age;
pub mod candidates;
pub mod event;
pub mod history;
pub mod json;
pub mod list;
mod paragraph;
pub mod plan;
pub mod plural;
pub mod quantity;
pub mod refusal;
pub mod status;
mod style;
mod table;
pub mod text;

/// Says what a text will be shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Columns of the terminal; `None` when there is none: then nothing is cut or wrapped.
    pub width: Option<usize>,
    /// Whether colours may be used.
    pub colour: bool,
    /// Whether characters beyond ASCII may be used.
    pub unicode: bool,
}

impl Screen {
    /// What a program reading from a pipe gets.
    pub const PLAIN: Self = Self { width: None, colour: false, unicode: true };
}

/// How much a table shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Width {
    /// What fits; less important columns give way.
    #[default]
    Default,
    /// Everything, however wide (`-o wide`).
    Wide,
}

/// What the user asked to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// How much a table shows.
    pub width: Width,
    /// Rows of the table only, with the same columns whatever they hold: for scripts (`--no-headers`).
    pub no_headers: bool,
}

impl Layout {
    /// Gives the width that a table keeps to, if it keeps to any.
    fn room(self, screen: &Screen) -> Option<usize> {
        screen.width.filter(|_| self.width == Width::Default)
    }
}

//! What colours mean. They only repeat what the words say.

use anstyle::{AnsiColor, Style};

/// Nothing special.
pub(super) const PLAIN: Style = Style::new();
/// The answer.
pub(super) const HEADLINE: Style = Style::new().bold();
/// What is as it should be, or leads to something else.
pub(super) const QUIET: Style = Style::new().dimmed();
/// What is broken.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// What is broken, as a word that must be seen.
pub(super) const CRITICAL: Style = AnsiColor::Red.on_default().bold();
/// What wants care.
pub(super) const CARE: Style = AnsiColor::Yellow.on_default();
/// What is well and worth seeing.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();

/// Puts a style around a text, if colours may be used and there is anything to colour.
pub(super) fn paint(style: Style, text: &str, colour: bool) -> String {
    if colour && !style.is_plain() && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

//! Text that goes on, wrapped with a hanging indent.

use anstyle::Style;

use super::style::{PLAIN, paint};
use super::{Screen, text};

/// A text with a word before it.
pub(super) struct Paragraph<'a> {
    /// What stands before the text on its first line, blanks included; not from a cluster.
    pub(super) lead: &'a str,
    /// The lead's style.
    pub(super) lead_style: Style,
    /// The text, as it came from wherever.
    pub(super) body: &'a str,
    /// The text's style.
    pub(super) body_style: Style,
    /// Blanks before all further lines.
    pub(super) indent: usize,
}

impl Paragraph<'_> {
    /// Adds the paragraph to a screen, with a line break at the end.
    pub(super) fn write(&self, out: &mut String, screen: &Screen) {
        let body = text::clean(self.body);
        let room = |before: usize| screen.width.map_or(usize::MAX, |width| width.saturating_sub(before).max(1));
        let lines = text::wrap(&body, room(text::width(self.lead)), room(self.indent));
        for (index, line) in lines.iter().enumerate() {
            if index == 0 {
                out.push_str(&paint(self.lead_style, self.lead, screen.colour));
            } else {
                out.extend(std::iter::repeat_n(' ', self.indent));
            }
            out.push_str(&paint(self.body_style, line, screen.colour));
            out.push('\n');
        }
    }
}

/// Adds a command on a line of its own: never wrapped, never cut, so that it can be copied.
pub(super) fn command(out: &mut String, indent: usize, command: &str, screen: &Screen) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(&paint(PLAIN, &text::clean(command), screen.colour));
    out.push('\n');
}

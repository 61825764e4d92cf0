//! One screen after another: in place on a terminal, below each other elsewhere.
//!
//! The alternative screen is not used and the cursor is never hidden: whatever ends the program, the last screen stays
//! where it was read and there is nothing to restore.

use std::fmt::Write as _;
use std::io;

use super::{Ui, Written};
use crate::view::{plural, text};

const HOME: &str = "\x1b[H";
const CLEAR_TO_END_OF_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
/// Terminals that know it show what is between the two at once; others ignore it.
const BEGIN_FRAME: &str = "\x1b[?2026h";
const END_FRAME: &str = "\x1b[?2026l";

/// Shows one screen after another.
pub struct Redraw<'a> {
    ui: &'a Ui,
    began: bool,
    /// The last screen, if part of it could not be shown.
    cut: Option<String>,
}

impl<'a> Redraw<'a> {
    pub(super) fn new(ui: &'a Ui) -> Self {
        Self { ui, began: false, cut: None }
    }

    /// Shows a screen; `stamp` separates it from the one before where it cannot take its place.
    pub fn draw(&mut self, screen: &str, stamp: &str) -> io::Result<Written> {
        let Some((columns, rows)) = self.ui.size.now() else { return self.append(screen, stamp) };
        let mut frame = String::with_capacity(screen.len() + 256);
        if !self.began {
            // What was on the terminal moves up into its history instead of being overwritten.
            frame.extend(std::iter::repeat_n('\n', rows));
        }
        self.began = true;
        frame.push_str(BEGIN_FRAME);
        frame.push_str(HOME);
        let (shown, hidden) = fitting(screen, columns, rows);
        for line in &shown {
            _ = writeln!(frame, "{line}{CLEAR_TO_END_OF_LINE}");
        }
        if hidden > 0 {
            _ = write!(
                frame,
                "... {} more: make the window higher{CLEAR_TO_END_OF_LINE}",
                plural::count(hidden, "line")
            );
        }
        frame.push_str(CLEAR_BELOW);
        frame.push_str(END_FRAME);
        self.cut = (hidden > 0).then(|| screen.to_owned());
        self.ui.print(&frame)
    }

    fn append(&mut self, screen: &str, stamp: &str) -> io::Result<Written> {
        let gap = if self.began { "\n" } else { "" };
        self.began = true;
        self.ui.print(&format!("{gap}--- {}\n{screen}", text::clean(stamp)))
    }
}

impl Drop for Redraw<'_> {
    fn drop(&mut self) {
        if let Some(screen) = self.cut.take() {
            // The last screen is worth having as a whole: it scrolls now that nothing comes after it.
            let _ = self.ui.print(&format!("{HOME}{CLEAR_BELOW}{screen}"));
        }
    }
}

/// Takes the lines that fit, leaving the last row to the cursor, and counts the others.
fn fitting(screen: &str, columns: usize, rows: usize) -> (Vec<&str>, usize) {
    let lines: Vec<&str> = screen.lines().collect();
    let room = rows.saturating_sub(1).max(1);
    let mut used = 0;
    for (at, line) in lines.iter().enumerate() {
        let width = text::width(&anstream::adapter::strip_str(line).to_string());
        used += width.div_ceil(columns.max(1)).max(1);
        if used > room {
            return (lines[..at].to_vec(), lines.len() - at);
        }
    }
    (lines, 0)
}

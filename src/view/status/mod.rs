//! One workload: the answer first, then the table, then what is wrong.

mod cells;
mod findings;
mod head;
mod leftovers;
mod notes;
mod rows;

use super::{Layout, Screen};
use crate::analyze::report::Report;
use notes::Notes;

/// Writes the screen of one workload, with a line break at the end.
#[must_use]
pub fn render(report: &Report, layout: Layout, screen: &Screen) -> String {
    let mut out = String::new();
    let notes = Notes::of(report);
    if layout.no_headers {
        rows::write(&mut out, report, &notes, layout, screen);
        return out;
    }
    head::write(&mut out, report, screen);
    if !report.rows.is_empty() {
        out.push('\n');
        rows::write(&mut out, report, &notes, layout, screen);
    }
    notes.write(&mut out, screen);
    leftovers::write(&mut out, report, layout, screen);
    findings::write(&mut out, report, layout, screen);
    out
}

/// The word of the engine that stands for none.
const NO_ENGINE: &str = "generic";

/// Tells whether roles, lag and sessions could be known at all.
fn knows_engine(report: &Report) -> bool {
    report.head.engine.engine != NO_ENGINE
}

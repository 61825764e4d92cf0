//! Reasons below the table: said once, however many rows share them.

use crate::analyze::report::{PodState, Report, Row, Safe};
use crate::view::paragraph::{self, Paragraph};
use crate::view::style::{PLAIN, QUIET};
use crate::view::{Screen, text};

/// The numbered reasons of one table.
pub(super) struct Notes<'a> {
    notes: Vec<Note<'a>>,
    /// Pods whose state a finding explains already.
    explained: Vec<&'a str>,
}

#[derive(PartialEq)]
struct Note<'a> {
    why: &'a str,
    next: Option<&'a str>,
}

impl<'a> Notes<'a> {
    /// Gathers the reasons of all rows, in the order in which they are read.
    pub(super) fn of(report: &'a Report) -> Self {
        let explained = report.findings.iter().filter_map(|finding| finding.subject.strip_prefix("pod/")).collect();
        let mut gathered = Self { notes: Vec::new(), explained };
        for row in &report.rows {
            for note in gathered.state_note(row).into_iter().chain(holds(row)) {
                if !gathered.notes.contains(&note) {
                    gathered.notes.push(note);
                }
            }
        }
        gathered
    }

    /// Gives the sign behind a pod's state: ` (2)`, or nothing.
    pub(super) fn state_sign(&self, row: &'a Row) -> String {
        self.sign(self.state_note(row).into_iter())
    }

    /// Gives the sign behind the answer whether an ordinal may go: ` (1,2)`, or nothing.
    pub(super) fn safe_sign(&self, row: &'a Row) -> String {
        self.sign(holds(row))
    }

    fn state_note(&self, row: &'a Row) -> Option<Note<'a>> {
        let why = match &row.state {
            PodState::NotReady(why) | PodState::Pending(why) | PodState::Failed(why) | PodState::Unknown(why) => {
                why.as_str()
            }
            PodState::Ready | PodState::Terminating | PodState::Missing => "",
        };
        let told = why.is_empty() || self.explained.contains(&row.pod.as_str());
        (!told).then_some(Note { why, next: None })
    }

    fn sign(&self, notes: impl Iterator<Item = Note<'a>>) -> String {
        let mut numbers: Vec<usize> =
            notes.filter_map(|note| self.notes.iter().position(|known| *known == note)).map(|at| at + 1).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join(",")) }
    }

    /// Writes the reasons, numbered.
    pub(super) fn write(&self, out: &mut String, screen: &Screen) {
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for (at, note) in self.notes.iter().enumerate() {
            let lead = format!("({}) ", at + 1);
            let indent = text::width(&lead);
            Paragraph { lead: &lead, lead_style: QUIET, body: note.why, body_style: PLAIN, indent }.write(out, screen);
            if let Some(next) = note.next {
                paragraph::command(out, indent, next, screen);
            }
        }
    }
}

fn holds(row: &Row) -> impl Iterator<Item = Note<'_>> {
    let holds = match &row.safe {
        Safe::Yes => [].as_slice(),
        Safe::No(holds) | Safe::Unknown(holds) => holds.as_slice(),
    };
    holds.iter().map(|hold| Note { why: &hold.why, next: hold.next.as_deref() })
}

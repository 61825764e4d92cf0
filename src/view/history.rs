//! The runs of one workload, a line each.

use super::style::{BAD, CARE, GOOD, PLAIN};
use super::table::{self, Cell, Column};
use super::{Layout, Screen};
use crate::plan::{Fate, Goal, Run, Unreadable};

/// A run as it was found.
pub struct Line {
    /// The run's name.
    pub id: String,
    /// The run, or why it cannot be read.
    pub run: Result<Run, Unreadable>,
    /// Whether it is kept on this machine only.
    pub local: bool,
}

/// Draws the runs, the newest first.
#[must_use]
pub fn history(lines: &[Line], layout: Layout, screen: &Screen) -> String {
    let column = |title, rank, cell: &dyn Fn(&str, &Result<Run, Unreadable>) -> Cell| Column {
        title,
        rank,
        cells: lines.iter().rev().map(|line| cell(&line.id, &line.run)).collect(),
    };
    let of = |run: &Result<Run, Unreadable>, words: &dyn Fn(&Run) -> String| match run {
        Ok(run) => Cell::new(words(run)),
        Err(_) => Cell::unknown(),
    };
    let mut columns = vec![
        column("RUN", 0, &|id, _| Cell::new(id)),
        column("WHAT", 0, &|_, run| of(run, &|run| what(&run.plan.goal))),
        column("STEPS", 2, &|_, run| of(run, &|run| format!("{}/{}", run.steps_done(), run.plan.steps.len()))),
        column("BY", 3, &|_, run| of(run, &|run| by(run))),
        column("OUTCOME", 0, &|_, run| outcome(run)),
    ];
    if lines.iter().any(|line| line.local) {
        let word = |line: &Line| Cell::new(if line.local { "local" } else { "cluster" });
        columns.insert(1, Column { title: "JOURNAL", rank: 0, cells: lines.iter().rev().map(word).collect() });
    }
    let room = layout.room(screen);
    table::fit(&mut columns, room);
    let mut out = String::new();
    table::write(&mut out, &columns, !layout.no_headers, room, screen);
    out
}

/// Which run an undo took back is seen by that run's outcome.
fn what(goal: &Goal) -> String {
    match goal {
        Goal::ScaleDown { .. } | Goal::Promote { .. } | Goal::Migrate { .. } | Goal::Finish { .. } => goal.to_string(),
        Goal::Undo { .. } => "undo".to_owned(),
    }
}

/// Says who began a run; the process is only of interest while it lives.
fn by(run: &Run) -> String {
    let who = run.opened().map(|entry| entry.who.as_str()).unwrap_or_default();
    who.split(" pid ").next().unwrap_or_default().to_owned()
}

fn outcome(run: &Result<Run, Unreadable>) -> Cell {
    match run.as_ref().map(Run::fate) {
        Ok(Fate::Finished) => Cell::styled("done", GOOD),
        Ok(Fate::Undone { .. }) => Cell::styled("taken back", PLAIN),
        Ok(Fate::Left) => Cell::styled("left where it stood", CARE),
        Ok(Fate::Open) => Cell::styled("at work, or died at it", CARE),
        Ok(Fate::Stopped { step, why }) => Cell::styled(format!("stopped at step {}: {why}", step + 1), BAD),
        Err(error) => Cell::styled(error.to_string(), BAD),
    }
}

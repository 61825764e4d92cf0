//! The members that could become the primary, the best one first.

use super::quantity::bytes;
use super::style::{BAD, GOOD, HEADLINE, PLAIN, QUIET};
use super::table::{self, Cell, Column, NICE_TO_HAVE};
use super::{Layout, Screen, age};
use crate::model::{Known, SyncState};
use crate::plan::Objection;
use crate::planner::Candidate;

/// Draws the candidates; `chosen` is marked.
#[must_use]
pub fn candidates(found: &[Candidate], chosen: Option<&str>, screen: &Screen) -> String {
    let column = |title, rank, cell: &dyn Fn(&Candidate) -> Cell| Column {
        title,
        rank,
        cells: found.iter().map(cell).collect(),
    };
    let mut columns = vec![
        column("CANDIDATE", 0, &|candidate| {
            let pod = candidate.row.pod.as_str();
            let mark = if chosen == Some(pod) { "> " } else { "  " };
            Cell::styled(format!("{mark}{pod}"), if chosen == Some(pod) { HEADLINE } else { PLAIN })
        }),
        column("LAG", 0, &lag),
        column("TIMELINE", 3, &|candidate| {
            candidate.row.timeline.map_or_else(Cell::none, |line| Cell::new(line.to_string()))
        }),
        column("SYNC", NICE_TO_HAVE, &|candidate| candidate.row.sync.map_or_else(Cell::none, sync)),
        column("NODE", 2, &|candidate| {
            candidate.row.node.as_ref().map_or_else(Cell::none, |node| Cell::new(node.as_str()))
        }),
        column("ZONE", NICE_TO_HAVE, &|candidate| candidate.row.zone.as_ref().map_or_else(Cell::none, Cell::new)),
        column("FIT", 0, &fit),
    ];
    columns.retain(|column| column.rank == 0 || column.is_filled());
    let room = Layout::default().room(screen);
    table::fit(&mut columns, room);
    let mut out = String::new();
    table::write(&mut out, &columns, true, room, screen);
    out
}

fn lag(candidate: &Candidate) -> Cell {
    let Some(lag) = &candidate.row.lag else { return Cell::unknown() };
    let Known::Value(behind) = &lag.bytes else { return Cell::unknown() };
    let delay = lag.delay_ms.value().map(|delay| format!(" {}", age::delay(*delay))).unwrap_or_default();
    Cell::new(format!("{}{delay}", bytes(*behind)))
}

fn sync(state: SyncState) -> Cell {
    match state {
        SyncState::Async => Cell::styled("async", QUIET),
        SyncState::Potential => Cell::new("potential"),
        SyncState::Sync => Cell::new("sync"),
        SyncState::Quorum => Cell::new("quorum"),
    }
}

fn fit(candidate: &Candidate) -> Cell {
    match candidate.objections.as_slice() {
        [] => Cell::styled("yes", GOOD),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            Cell::styled(format!("no: {}{more}", measured(first)), BAD)
        }
    }
}

fn measured(objection: &Objection) -> &str {
    &objection.measured
}

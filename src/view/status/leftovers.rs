//! Claims that no ordinal of the set uses.

use super::cells;
use crate::analyze::report::{Leftover, Report};
use crate::model::{NodeName, PodName, VolumeName};
use crate::view::table::{self, Cell, Column};
use crate::view::{Layout, Screen, Width};

/// Writes the claims of ordinals outside the range.
pub(super) fn write(out: &mut String, report: &Report, layout: Layout, screen: &Screen) {
    if report.leftovers.is_empty() {
        return;
    }
    let column = |title, rank, cell: fn(&Leftover) -> Cell| Column {
        title,
        rank,
        cells: report.leftovers.iter().map(cell).collect(),
    };
    let mut columns = vec![
        column("LEFT-OVER", 0, |left| cells::claim(&left.claim, 0)),
        column("USE", 3, |left| cells::used(&left.claim)),
        column("SIZE", 2, |left| cells::size(&left.claim)),
        column("NODE", 1, |left| cells::or_none(left.node.as_ref().map(NodeName::as_str))),
    ];
    if layout.width == Width::Wide {
        columns.extend([
            column("CLASS", 0, |left| cells::or_none(left.claim.class.as_deref())),
            column("ACCESS", 0, |left| cells::or_none(Some(left.claim.access_modes.as_str()))),
            column("RECLAIM", 0, |left| cells::or_none(left.claim.reclaim_policy.as_deref())),
        ]);
    }
    columns.extend([
        column("VOLUME", 4, |left| cells::or_none(left.claim.volume.as_ref().map(VolumeName::as_str))),
        column("USED-BY", 1, |left| cells::or_none(left.used_by.as_ref().map(PodName::as_str))),
    ]);
    columns.retain(Column::is_filled);
    if layout == Layout::default() && screen.width.is_none() {
        columns.retain(|column| column.title != "VOLUME");
    }
    table::fit(&mut columns, layout.room(screen));
    out.push('\n');
    table::write(out, &columns, true, layout.room(screen), screen);
}

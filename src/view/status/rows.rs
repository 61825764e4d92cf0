//! One row per ordinal.

use super::notes::Notes;
use super::{cells, knows_engine};
use crate::analyze::report::{Report, Row, RowClaim};
use crate::model::{Known, NodeName, Sessions, VolumeName};
use crate::view::table::{self, Cell, Column, NICE_TO_HAVE};
use crate::view::{Layout, Screen, Width};

/// One line of the table: a row, or a further claim of the row above.
struct Line<'a> {
    row: &'a Row,
    claim: Option<&'a RowClaim>,
    /// How many claims the line stands for without naming them.
    more: usize,
    goes_on: bool,
}

/// Writes the table.
pub(super) fn write(out: &mut String, report: &Report, notes: &Notes, layout: Layout, screen: &Screen) {
    let lines = lines(&report.rows, layout.width);
    let maker = Maker { report, notes, signs: !layout.no_headers, lines: &lines };
    let mut columns = match layout.width {
        Width::Default => maker.default_columns(),
        Width::Wide => maker.wide_columns(),
    };
    // Scripts count columns: the same ones every time, whatever they hold and wherever they are shown.
    let room = layout.room(screen).filter(|_| !layout.no_headers);
    if !layout.no_headers {
        columns.retain(|column| column.rank == 0 || column.is_filled());
    }
    if layout.width == Width::Default && room.is_none() {
        columns.retain(|column| column.title != "VOLUME");
    }
    table::fit(&mut columns, room);
    table::write(out, &columns, !layout.no_headers, room, screen);
}

fn lines(rows: &[Row], width: Width) -> Vec<Line<'_>> {
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let further = row.claims.iter().skip(1);
        let more = if width == Width::Default { further.len() } else { 0 };
        lines.push(Line { row, claim: shown_claim(row, width), more, goes_on: false });
        if width == Width::Wide {
            lines.extend(further.map(|claim| Line { row, claim: Some(claim), more: 0, goes_on: true }));
        }
    }
    lines
}

/// Gives the claim that stands for all of a row's: the first, unless another is in trouble.
fn shown_claim(row: &Row, width: Width) -> Option<&RowClaim> {
    let troubled = row.claims.iter().find(|claim| claim.phase != "Bound" && width == Width::Default);
    troubled.or(row.claims.first())
}

struct Maker<'a> {
    report: &'a Report,
    notes: &'a Notes<'a>,
    signs: bool,
    lines: &'a [Line<'a>],
}

impl<'a> Maker<'a> {
    /// A column about the ordinal.
    fn of_row(&self, title: &'static str, rank: u8, cell: impl Fn(&'a Row) -> Cell) -> Column {
        let cells = self.lines.iter().map(|line| if line.goes_on { Cell::blank() } else { cell(line.row) });
        Column { title, rank, cells: cells.collect() }
    }

    /// A column about a claim.
    fn of_claim(&self, title: &'static str, rank: u8, cell: impl Fn(&RowClaim) -> Cell) -> Column {
        let cells = self.lines.iter().map(|line| line.claim.map_or_else(Cell::none, &cell));
        Column { title, rank, cells: cells.collect() }
    }

    fn default_columns(&self) -> Vec<Column> {
        let mut columns = self.pod_columns();
        columns.extend([
            self.role(),
            self.share(),
            self.lag(),
            self.sessions(cells::sessions),
            self.claim(),
            self.of_claim("USE", 8, cells::used),
            self.of_claim("SIZE", NICE_TO_HAVE, cells::size),
            self.node(),
            self.zone(),
            self.volume(),
            self.safe(),
        ]);
        columns
    }

    fn wide_columns(&self) -> Vec<Column> {
        let mut columns = self.pod_columns();
        columns.extend([
            self.role(),
            self.share(),
            self.lag(),
            self.of_row("POSITION", 1, |row| cells::or_none(row.position.as_deref())),
            self.of_row("TIMELINE", 1, |row| {
                cells::or_none(row.timeline.map(|timeline| timeline.to_string()).as_deref())
            }),
            self.sessions(cells::sessions_at_length),
            self.claim(),
            self.of_claim("CLASS", 1, |claim| cells::or_none(claim.class.as_deref())),
            self.of_claim("ACCESS", 1, |claim| cells::or_none(Some(&claim.access_modes))),
            self.of_claim("RECLAIM", 1, |claim| cells::or_none(claim.reclaim_policy.as_deref())),
            self.of_claim("USE", 8, cells::used_in_bytes),
            self.of_claim("SIZE", NICE_TO_HAVE, cells::size),
            self.volume(),
            self.node(),
            self.zone(),
            self.of_row("IP", 1, |row| cells::or_none(row.ip.as_deref())),
            self.of_row("DNS", 1, |row| cells::or_none(row.dns.as_deref())),
            self.of_row("REVISION", 1, |row| cells::or_none(row.revision.as_deref())),
            self.of_row("RESTARTS", 1, |row| Cell::new(row.restarts.to_string())),
            self.safe(),
        ]);
        columns
    }

    fn pod_columns(&self) -> Vec<Column> {
        vec![
            self.of_row("POD", 0, |row| Cell::new(row.pod.as_str())),
            self.of_row("READY", 0, |row| {
                cells::ready(row, &if self.signs { self.notes.state_sign(row) } else { String::new() })
            }),
        ]
    }

    fn safe(&self) -> Column {
        self.of_row("SAFE", 0, |row| {
            cells::safe(row, &if self.signs { self.notes.safe_sign(row) } else { String::new() })
        })
    }

    fn role(&self) -> Column {
        self.of_row("ROLE", 2, |row| cells::role(row, knows_engine(self.report)))
    }

    fn share(&self) -> Column {
        self.of_row("SHARE", 4, |row| cells::or_none(row.share.as_deref()))
    }

    fn lag(&self) -> Column {
        self.of_row("LAG", 3, |row| cells::lag(row, knows_engine(self.report)))
    }

    fn sessions(&self, write: fn(Sessions) -> String) -> Column {
        self.of_row("SESSIONS", 7, |row| match &row.sessions {
            Known::Value(sessions) => Cell::new(write(*sessions)),
            Known::Unknown(_) if knows_engine(self.report) => Cell::unknown(),
            Known::Unknown(_) => Cell::none(),
        })
    }

    /// A claim's name follows from the pod's, so it gives way before the node does: unless one is in trouble.
    fn claim(&self) -> Column {
        let troubled = self.report.rows.iter().flat_map(|row| &row.claims).any(|claim| claim.phase != "Bound");
        let cells =
            self.lines.iter().map(|line| line.claim.map_or_else(Cell::none, |claim| cells::claim(claim, line.more)));
        Column { title: "CLAIM", rank: if troubled { 3 } else { 6 }, cells: cells.collect() }
    }

    fn node(&self) -> Column {
        self.of_row("NODE", 5, |row| cells::or_none(row.node.as_ref().map(NodeName::as_str)))
    }

    fn zone(&self) -> Column {
        self.of_row("ZONE", NICE_TO_HAVE + 1, |row| cells::or_none(row.zone.as_deref()))
    }

    fn volume(&self) -> Column {
        self.of_claim("VOLUME", NICE_TO_HAVE + 2, |claim| cells::or_none(claim.volume.as_ref().map(VolumeName::as_str)))
    }
}

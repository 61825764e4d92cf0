//! Many workloads, a line each.

use std::fmt::Write as _;

use super::style::{BAD, CARE, CRITICAL, GOOD, PLAIN, QUIET, paint};
use super::table::{self, Cell, Column};
use super::{Layout, Screen, plural, quantity, text};
use crate::analyze::report::{Report, Row, Safe, is_of_equals};
use crate::model::{Known, Namespace, PodName, Role, Severity, WorkloadName};

/// What the list shows of one workload: a report can be dropped once its line is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    namespace: Namespace,
    name: WorkloadName,
    ready: u32,
    replicas: u32,
    primary: Primary,
    lag: WorstLag,
    claims: Option<(usize, usize)>,
    left_over: usize,
    safe: Option<SafeCount>,
    findings: Findings,
}

/// Whether lines name their namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// Lines of several namespaces (`-A`).
    Shown,
    /// All lines are of one namespace.
    Hidden,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Primary {
    NotKnown,
    /// A cluster of equals has none.
    NotWanted,
    Missing,
    Named(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WorstLag {
    NothingBehind,
    Bytes { bytes: u64, some_unknown: bool },
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SafeCount {
    safe: usize,
    unknown: usize,
    rows: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Findings {
    critical: usize,
    warnings: usize,
    notes: usize,
    worst: Option<String>,
}

impl Line {
    /// Takes what the list shows out of a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let head = &report.head;
        let claims: Vec<_> = report.rows.iter().flat_map(|row| &row.claims).collect();
        let bound = claims.iter().filter(|claim| claim.phase == "Bound").count();
        Self {
            namespace: head.namespace.clone(),
            name: head.name.clone(),
            ready: head.ready,
            replicas: head.replicas,
            primary: primary(report),
            lag: worst_lag(&report.rows),
            claims: (!claims.is_empty()).then_some((bound, claims.len())),
            left_over: report.leftovers.len(),
            safe: safe_count(&report.rows),
            findings: findings(report),
        }
    }

    /// Tells how bad the worst finding is.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        let Findings { critical, warnings, notes, .. } = self.findings;
        [(critical, Severity::Critical), (warnings, Severity::Warning), (notes, Severity::Note)]
            .into_iter()
            .find_map(|(count, severity)| (count > 0).then_some(severity))
    }
}

fn primary(report: &Report) -> Primary {
    if is_of_equals(&report.rows) {
        return Primary::NotWanted;
    }
    let Some(primaries) = report.head.primaries.value() else { return Primary::NotKnown };
    let names: Vec<&str> = primaries.iter().map(PodName::as_str).collect();
    let leader = report.rows.iter().find(|row| row.role == Known::Value(Role::StandbyLeader));
    match (names.is_empty(), leader) {
        (false, _) => Primary::Named(names.join(",")),
        (true, Some(leader)) => Primary::Named(leader.pod.to_string()),
        (true, None) if report.head.replicas == 0 => Primary::NotKnown,
        (true, None) => Primary::Missing,
    }
}

fn worst_lag(rows: &[Row]) -> WorstLag {
    let lags: Vec<_> = rows.iter().filter_map(|row| row.lag.as_ref()).collect();
    let some_unknown = lags.iter().any(|lag| lag.bytes.value().is_none());
    match lags.iter().filter_map(|lag| lag.bytes.value()).max() {
        Some(bytes) => WorstLag::Bytes { bytes: *bytes, some_unknown },
        None if some_unknown => WorstLag::Unknown,
        None => WorstLag::NothingBehind,
    }
}

fn safe_count(rows: &[Row]) -> Option<SafeCount> {
    let wanted = || rows.iter().filter(|row| row.wanted);
    let safe = wanted().filter(|row| row.safe == Safe::Yes).count();
    let unknown = wanted().filter(|row| matches!(row.safe, Safe::Unknown(_))).count();
    (!rows.is_empty()).then(|| SafeCount { safe, unknown, rows: wanted().count() })
}

fn findings(report: &Report) -> Findings {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    Findings {
        critical: count(Severity::Critical),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        worst: report
            .findings
            .iter()
            .find(|finding| finding.severity == Severity::Critical)
            .map(|finding| text::clean(&finding.message).into_owned()),
    }
}

/// Writes the lines below each other, and on a terminal what they come to.
#[must_use]
pub fn render(lines: &[Line], namespaces: Namespaces, layout: Layout, screen: &Screen) -> String {
    let mut columns = columns(lines, namespaces);
    if !layout.no_headers {
        columns.retain(|column| column.rank == 0 || column.is_filled());
    }
    // Findings get what the others leave, and the others leave them something.
    let room = layout.room(screen);
    columns.push(findings_column(lines, room.map(|_| FINDINGS_ROOM), screen));
    table::fit(&mut columns, room);
    let left = room.map(|room| table::room_for_last(&columns, room));
    columns.pop();
    columns.push(findings_column(lines, left, screen));
    let mut out = String::new();
    table::write(&mut out, &columns, !layout.no_headers, room, screen);
    if !layout.no_headers && screen.width.is_some() && lines.len() > 1 {
        out.push('\n');
        out.push_str(&paint(QUIET, &total(lines), screen.colour));
        out.push('\n');
    }
    out
}

/// Columns of the screen that findings get before the less important facts.
const FINDINGS_ROOM: usize = 28;
/// A message that is cut shorter says nothing.
const MESSAGE_ROOM: usize = 10;

fn findings_column(lines: &[Line], room: Option<usize>, screen: &Screen) -> Column {
    Column { title: "FINDINGS", rank: 0, cells: lines.iter().map(|line| line.findings.cell(room, screen)).collect() }
}

fn columns(lines: &[Line], namespaces: Namespaces) -> Vec<Column> {
    let column = |title, rank, cell: fn(&Line) -> Cell| Column { title, rank, cells: lines.iter().map(cell).collect() };
    let mut columns = Vec::new();
    if namespaces == Namespaces::Shown {
        columns.push(column("NAMESPACE", 0, |line| Cell::new(line.namespace.as_str())));
    }
    columns.extend([
        column("NAME", 0, |line| Cell::new(line.name.as_str())),
        column("READY", 0, |line| {
            let style = if line.ready < line.replicas { BAD } else { PLAIN };
            Cell::styled(format!("{}/{}", line.ready, line.replicas), style)
        }),
        column("PRIMARY", 2, |line| match &line.primary {
            Primary::NotKnown | Primary::NotWanted => Cell::none(),
            Primary::Missing => Cell::styled("NONE", BAD),
            Primary::Named(name) => Cell::new(name),
        }),
        column("LAG", 3, |line| match line.lag {
            WorstLag::NothingBehind => Cell::none(),
            WorstLag::Bytes { bytes, some_unknown: false } => Cell::new(quantity::bytes(bytes)),
            WorstLag::Bytes { bytes, some_unknown: true } => Cell::new(format!("{} ?", quantity::bytes(bytes))),
            WorstLag::Unknown => Cell::unknown(),
        }),
        column("CLAIMS", 4, |line| match line.claims {
            None => Cell::none(),
            Some((bound, all)) => Cell::styled(format!("{bound}/{all}"), if bound < all { BAD } else { PLAIN }),
        }),
        column("LEFT-OVER", 5, |line| match line.left_over {
            0 => Cell::none(),
            some => Cell::styled(some.to_string(), CARE),
        }),
        column("SAFE", 1, safe_cell),
    ]);
    columns
}

fn safe_cell(line: &Line) -> Cell {
    match line.safe {
        None => Cell::none(),
        Some(SafeCount { safe: 0, unknown, .. }) if unknown > 0 => Cell::unknown(),
        Some(SafeCount { safe: 0, .. }) => Cell::styled("none", CARE),
        Some(SafeCount { safe, rows, .. }) if safe == rows => Cell::styled("any", GOOD),
        Some(SafeCount { safe, rows, .. }) => Cell::new(format!("{safe}/{rows}")),
    }
}

impl Findings {
    fn counted(&self) -> String {
        let kinds = [(self.critical, "critical"), (self.warnings, "warning"), (self.notes, "note")];
        let (count, noun) = kinds.into_iter().find(|(count, _)| *count > 0).unwrap_or((0, ""));
        match noun {
            "critical" => format!("{count} critical"),
            noun => plural::count(count, noun),
        }
    }

    fn cell(&self, room: Option<usize>, screen: &Screen) -> Cell {
        let style = match (self.critical, self.warnings, self.notes) {
            (0, 0, 0) => return Cell::none(),
            (0, 0, _) => QUIET,
            (0, ..) => CARE,
            _ => CRITICAL,
        };
        let mut text = self.counted();
        if let Some(worst) = &self.worst {
            let left = room.map_or(usize::MAX, |room| room.saturating_sub(text.len() + 2));
            if left >= MESSAGE_ROOM {
                text = format!("{text}: {}", text::cut(worst, left, screen.unicode));
            }
        }
        Cell::styled(text, style)
    }
}

fn total(lines: &[Line]) -> String {
    let with = |severity| lines.iter().filter(|line| line.worst() == Some(severity)).count();
    let mut total = plural::count(lines.len(), "statefulset");
    let (critical, warned) = (with(Severity::Critical), with(Severity::Warning));
    match (critical, warned) {
        (0, 0) => total.push_str(", nothing to warn about"),
        (0, warned) => _ = write!(total, ", {warned} with warnings"),
        (critical, 0) => _ = write!(total, ", {critical} critical"),
        (critical, warned) => _ = write!(total, ", {critical} critical, {warned} with warnings"),
    }
    total
}

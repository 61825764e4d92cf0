//! How single facts of a row are written.

use crate::analyze::report::{PodState, Row, RowClaim, Safe};
use crate::model::{Known, Lag, Role, Sessions, SyncState};
use crate::view::style::{BAD, CARE, GOOD, PLAIN};
use crate::view::table::Cell;
use crate::view::{age, quantity};

/// Writes whether the pod is ready, and if not what it is.
pub(super) fn ready(row: &Row, sign: &str) -> Cell {
    let (word, style) = match &row.state {
        PodState::Ready => ("yes", PLAIN),
        PodState::NotReady(_) => ("no", BAD),
        PodState::Pending(_) => ("pending", BAD),
        PodState::Terminating => ("terminating", BAD),
        PodState::Failed(_) => ("failed", BAD),
        PodState::Missing => ("missing", BAD),
        PodState::Unknown(_) => ("unknown", CARE),
    };
    let surplus = if row.wanted { "" } else { ", surplus" };
    Cell::styled(format!("{word}{surplus}{sign}"), style)
}

/// Writes whether the ordinal could be taken down.
pub(super) fn safe(row: &Row, sign: &str) -> Cell {
    match &row.safe {
        Safe::Yes => Cell::styled("yes", GOOD),
        Safe::No(_) => Cell::styled(format!("no{sign}"), CARE),
        Safe::Unknown(_) => Cell::styled(format!("unknown{sign}"), CARE),
    }
}

/// Writes the role, with what commits wait for.
pub(super) fn role(row: &Row, engine_known: bool) -> Cell {
    if let Some(shown_as) = &row.shown_as {
        return Cell::new(shown_as);
    }
    match (&row.role, row.sync) {
        (Known::Value(Role::Replica), Some(SyncState::Sync)) => Cell::new("sync replica"),
        (Known::Value(Role::Replica), Some(SyncState::Quorum)) => Cell::new("quorum replica"),
        (Known::Value(role), _) => Cell::new(role.word()),
        (Known::Unknown(_), _) if engine_known => Cell::styled("unknown", CARE),
        (Known::Unknown(_), _) => Cell::none(),
    }
}

/// Writes how far the member is behind; what is unknown is never shown as nothing.
pub(super) fn lag(row: &Row, engine_known: bool) -> Cell {
    match (&row.lag, &row.role) {
        (Some(lag), _) => measured_lag(lag),
        (None, Known::Value(Role::Primary | Role::StandbyLeader | Role::Peer | Role::Detached)) => Cell::none(),
        (None, _) if engine_known => Cell::unknown(),
        (None, _) => Cell::none(),
    }
}

fn measured_lag(lag: &Lag) -> Cell {
    match (lag.bytes.value(), lag.delay_ms.value()) {
        (None, None) => Cell::unknown(),
        (Some(bytes), None) => Cell::new(format!("{} ?", quantity::bytes(*bytes))),
        (None, Some(delay)) => Cell::new(format!("? {}", age::delay(*delay))),
        (Some(bytes), Some(delay)) => Cell::new(format!("{} {}", quantity::bytes(*bytes), age::delay(*delay))),
    }
}

/// Writes the sessions in short: all of them, and in brackets those that work.
pub(super) fn sessions(sessions: Sessions) -> String {
    format!("{} ({})", sessions.total(), active(sessions))
}

/// Writes how many sessions work. Where some only were counted, it is not known.
fn active(sessions: Sessions) -> String {
    if sessions.unclassified == 0 { sessions.active.to_string() } else { "?".to_owned() }
}

/// Writes the sessions like [`sessions`], and those that hold locks without working.
pub(super) fn sessions_at_length(sessions: Sessions) -> String {
    let idle = match sessions.idle_in_transaction {
        0 => String::new(),
        some => format!(", {some} idle in tx"),
    };
    format!("{} ({}{idle})", sessions.total(), active(sessions))
}

/// Writes the sessions in full.
pub(super) fn sessions_in_words(sessions: Sessions) -> String {
    let idle = match sessions.idle_in_transaction {
        0 => String::new(),
        some => format!(", {some} idle in transaction"),
    };
    let active = if sessions.unclassified == 0 { format!(", {} active", sessions.active) } else { String::new() };
    format!("{} open{active}{idle}", sessions.total())
}

/// Writes a claim's name, its phase unless all is well, and how many more claims there are.
pub(super) fn claim(claim: &RowClaim, more: usize) -> Cell {
    let more = if more == 0 { String::new() } else { format!(" +{more}") };
    if claim.phase == "Bound" {
        Cell::new(format!("{}{more}", claim.name))
    } else {
        Cell::styled(format!("{} ({}){more}", claim.name, claim.phase), BAD)
    }
}

/// Writes how full the file system on a claim is.
pub(super) fn used(claim: &RowClaim) -> Cell {
    let of = claim.file_system_bytes.or(claim.size_bytes);
    let share = claim.used_bytes.value().zip(of).and_then(|(used, of)| quantity::percent(*used, of));
    share.map_or_else(Cell::unknown, Cell::new)
}

/// Writes the bytes in use and their share.
pub(super) fn used_in_bytes(claim: &RowClaim) -> Cell {
    let Some(used) = claim.used_bytes.value() else { return used(claim) };
    let of = claim.file_system_bytes.or(claim.size_bytes);
    let share = of.and_then(|of| quantity::percent(*used, of)).map_or_else(String::new, |share| format!(" ({share})"));
    Cell::new(format!("{}{share}", quantity::bytes(*used)))
}

/// Writes a claim's size.
pub(super) fn size(claim: &RowClaim) -> Cell {
    or_none(claim.size_bytes.map(quantity::bytes).as_deref())
}

/// Writes a text that may not be there.
pub(super) fn or_none(text: Option<&str>) -> Cell {
    text.filter(|text| !text.is_empty()).map_or_else(Cell::none, Cell::new)
}

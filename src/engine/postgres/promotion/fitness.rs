//! What speaks against a standby becoming the primary, and what people should know before.

use super::{Cast, names};
use crate::engine::postgres::server::Server;
use crate::model::{Known, Workload};
use crate::plan::{Objection, Weight};

/// More files of log than this that wait for the archiver slow the stop down: a clean stop archives them first.
const UNARCHIVED_LIMIT: u64 = 16;

/// A transaction older than this, in milliseconds, is worth knowing of before it is rolled back.
const LONG_TRANSACTION_MS: i64 = 30_000;

/// Settings that a standby must have at least as high as its primary, or it does not start.
pub(super) type Setting = fn(&Server) -> Option<&str>;

pub(super) const AT_LEAST: &[(&str, Setting)] = &[
    ("max_connections", |server| server.settings.max_connections.as_deref()),
    ("max_locks_per_transaction", |server| server.settings.max_locks_per_transaction.as_deref()),
    ("max_prepared_transactions", |server| server.settings.max_prepared_transactions.as_deref()),
    ("max_wal_senders", |server| server.settings.max_wal_senders.as_deref()),
    ("max_worker_processes", |server| server.settings.max_worker_processes.as_deref()),
];

/// Says everything that speaks against the candidate.
pub(super) fn objections(cast: &Cast<'_>) -> Vec<Objection> {
    let checks: [fn(&Cast<'_>) -> Vec<Objection>; 9] =
        [version, data, replay, settings, connections, sync, slots, archive, start_up];
    checks.iter().flat_map(|check| check(cast)).collect()
}

pub(super) fn no(code: &'static str, measured: impl Into<String>, limit: impl Into<String>) -> Objection {
    Objection::new(code, Weight::No, measured, limit)
}

fn version(cast: &Cast<'_>) -> Vec<Objection> {
    let old = cast.primary.major().filter(|major| *major < 12);
    old.map(|major| no("version", format!("PostgreSQL {major}"), "standby.signal and pg_promote() came with 12"))
        .into_iter()
        .collect()
}

/// The same data, the same timeline.
fn data(cast: &Cast<'_>) -> Vec<Objection> {
    let name = &cast.promoting.candidate.pod.name;
    let mut found = Vec::new();
    let ids = (&cast.candidate.system_identifier, &cast.primary.system_identifier);
    match ids {
        (Some(own), Some(other)) if own == other => {}
        (Some(_), Some(_)) => {
            found.push(no("otherData", format!("{name} holds other data than the primary"), "a copy"));
        }
        (_, _) => found.push(Objection::new(
            "otherData",
            Weight::Unknown,
            format!("whose data {name} holds is not known (`pg_control_system()`)"),
            "unknown counts as no",
        )),
    }
    let lines = (cast.candidate.timeline(), cast.primary.timeline());
    if lines.0 != lines.1 || lines.0.is_none() {
        let word = |line: Option<u32>| {
            line.map_or_else(|| "an unknown timeline".to_owned(), |line| format!("timeline {line}"))
        };
        found.push(no(
            "timeline",
            format!("{name} is on {}, the primary on {}", word(lines.0), word(lines.1)),
            "a candidate follows the primary on its own timeline",
        ));
    }
    found
}

/// It replays what it receives, now.
fn replay(cast: &Cast<'_>) -> Vec<Objection> {
    let name = &cast.promoting.candidate.pod.name;
    let mut found = applies(name, &cast.candidate);
    let streams = cast.candidate.wal_receiver.as_ref().and_then(|receiver| receiver.status.as_deref());
    if streams != Some("streaming") {
        let state = streams.unwrap_or("no walreceiver");
        found.push(Objection::new(
            "notStreaming",
            Weight::Passing,
            format!("{name} does not stream ({state})"),
            "only who is connected when the primary stops gets everything",
        ));
    }
    found
}

/// Whether a candidate applies what it has.
pub(super) fn applies(name: &str, candidate: &Server) -> Vec<Objection> {
    let mut found = Vec::new();
    if candidate.replay_paused != Some(false) {
        found.push(
            no("replayPaused", format!("replay is paused on {name}"), "it would have to catch up first")
                .way_out("`SELECT pg_wal_replay_resume()` there"),
        );
    }
    let delay = candidate.settings.recovery_min_apply_delay.as_deref().and_then(|delay| delay.parse::<i64>().ok());
    match delay {
        Some(0) => {}
        Some(delay) => found.push(no(
            "replayDelayed",
            format!("{name} replays {delay}ms late (recovery_min_apply_delay)"),
            "a candidate replays at once",
        )),
        None => found.push(Objection::new(
            "replayDelayed",
            Weight::Unknown,
            format!("whether {name} replays late is not known"),
            "unknown counts as no",
        )),
    }
    found
}

/// A member that must follow the candidate needs at least its settings, and so does the candidate follow now.
fn settings(cast: &Cast<'_>) -> Vec<Objection> {
    let name = &cast.promoting.candidate.pod.name;
    let mut found = Vec::new();
    let number = |server: &Server, read: Setting| read(server).and_then(|value| value.parse::<i64>().ok());
    let others = cast.siblings.iter().map(|(place, server)| (&place.pod.name, server));
    let all: Vec<_> = std::iter::once((&cast.from.pod.name, &cast.primary)).chain(others).collect();
    for (setting, read) in AT_LEAST {
        let Some(own) = number(&cast.candidate, *read) else {
            found.push(Objection::new(
                "settings",
                Weight::Unknown,
                format!("{setting} of {name} is not known"),
                "a standby does not start with less than its primary",
            ));
            continue;
        };
        for (other, server) in &all {
            let Some(value) = number(server, *read) else { continue };
            if **other == cast.from.pod.name && own < value {
                found.push(
                    no(
                        "settings",
                        format!("{setting} is {own} on {name} and {value} on {other}"),
                        "a primary that takes less than the old one turns clients away",
                    )
                    .way_out(format!("raise {setting} on {name} and restart it")),
                );
            } else if value < own {
                found.push(
                    no(
                        "settings",
                        format!("{setting} is {value} on {other} and {own} on {name}"),
                        "a standby does not start with less than its primary",
                    )
                    .way_out(format!("raise {setting} on {other} and restart it")),
                );
            }
        }
    }
    let settings = &cast.candidate.settings;
    if settings.wal_level.as_deref() == Some("minimal") {
        found.push(no("settings", format!("wal_level is minimal on {name}"), "nobody could follow it"));
    }
    if settings.default_transaction_read_only.as_deref() != Some("off") {
        found.push(
            no("settings", format!("default_transaction_read_only is not off on {name}"), "writes would fail there")
                .way_out("`ALTER SYSTEM RESET default_transaction_read_only`, then reload"),
        );
    }
    found
}

/// Everybody must find a place at the candidate.
fn connections(cast: &Cast<'_>) -> Vec<Objection> {
    let name = &cast.promoting.candidate.pod.name;
    let mut found = Vec::new();
    let followers = cast.siblings.len() + 1;
    let senders = cast.candidate.settings.max_wal_senders.as_deref().and_then(|value| value.parse::<usize>().ok());
    let taken = cast.candidate.standbys.len();
    if let Some(senders) = senders.filter(|senders| *senders < taken + followers) {
        found.push(
            no(
                "walSenders",
                format!("{name} has {senders} walsenders, {taken} of them in use"),
                format!("{followers} members are to follow it"),
            )
            .way_out("raise max_wal_senders there"),
        );
    }
    let slots = cast.candidate.settings.max_replication_slots.as_deref().and_then(|value| value.parse::<usize>().ok());
    let wanted = cast.missing_slots().len();
    let used = cast.candidate.slots.len();
    if let Some(slots) = slots.filter(|slots| *slots < used + wanted) {
        found.push(
            no(
                "slots",
                format!("{name} has room for {slots} replication slots, {used} of them in use"),
                format!("{wanted} more are needed"),
            )
            .way_out("raise max_replication_slots there"),
        );
    }
    if cast.host().is_none() {
        found.push(no("host", format!("{name} has no DNS name"), "the others must find it by a name that stays"));
    }
    if cast.primary.standbys.iter().any(|row| row.state.as_deref() == Some("backup")) {
        found.push(Objection::new(
            "backup",
            Weight::Passing,
            format!("a base backup of {} is being taken", cast.from.pod.name),
            "it would break off",
        ));
    }
    found
}

/// Commits must not hang on names that no standby has.
fn sync(cast: &Cast<'_>) -> Vec<Objection> {
    let rule = cast.rule().or_else(|| cast.candidate.settings.synchronous_standby_names.clone()).unwrap_or_default();
    let names = names::names(&rule);
    if names.is_empty() || names.iter().any(|name| name == "*") {
        return Vec::new();
    }
    let wanted = crate::engine::postgres::sync::wanted(&rule) as usize;
    let old = cast.name_of_old();
    let siblings = cast.primary.standbys.iter().filter_map(|row| row.application_name.as_deref());
    let there = siblings.filter(|name| cast.called.as_deref() != Some(*name)).chain([old.as_str()]);
    let confirming = there.filter(|name| names.iter().any(|one| one.eq_ignore_ascii_case(name))).count();
    if confirming >= wanted {
        return Vec::new();
    }
    vec![
        no(
            "syncStandby",
            format!("{confirming} of the standbys that would follow are named in synchronous_standby_names = '{rule}'"),
            format!("commits would wait for {wanted}, for ever"),
        )
        .way_out("change the rule first"),
    ]
}

fn slots(cast: &Cast<'_>) -> Vec<Objection> {
    let logical: Vec<&str> = cast
        .primary
        .slots
        .iter()
        .filter(|slot| slot.slot_type == "logical")
        .map(|slot| slot.slot_name.as_str())
        .collect();
    if logical.is_empty() {
        return Vec::new();
    }
    vec![
        no(
            "logicalSlots",
            format!("{} has logical slots: {}", cast.from.pod.name, logical.join(", ")),
            "they do not move with the role: their subscribers would miss changes",
        )
        .allow("logical-slots"),
    ]
}

/// A clean stop waits until everything is archived.
fn archive(cast: &Cast<'_>) -> Vec<Objection> {
    let waits = cast.primary.unarchived().filter(|files| *files > UNARCHIVED_LIMIT);
    let fails = cast.primary.archiver.as_ref().is_some_and(|archiver| archiver.fails == Some(true));
    let archives = matches!(cast.primary.settings.archive_mode.as_deref(), Some("on" | "always"));
    if !archives || (waits.is_none() && !fails) {
        return Vec::new();
    }
    let measured = match waits {
        Some(files) => format!("{files} files of log wait for the archiver of {}", cast.from.pod.name),
        None => format!("{} cannot archive its log", cast.from.pod.name),
    };
    vec![
        Objection::new(
            "archive",
            Weight::Passing,
            measured,
            format!("{UNARCHIVED_LIMIT} files, and no failures: a clean stop tries to archive everything first"),
        )
        .way_out("mend archive_command first")
        .allow("archive"),
    ]
}

/// Images whose start-up decides the role by itself.
fn start_up(cast: &Cast<'_>) -> Vec<Objection> {
    decides_by_itself(cast.promoting.workload)
}

/// Says when an image gives each member its role at each start.
pub(super) fn decides_by_itself(workload: &Workload) -> Vec<Objection> {
    let decides = |name: &&String| name.starts_with("POSTGRESQL_REPLICATION_") || name.starts_with("REPMGR_");
    let containers = &workload.template.containers;
    let found = containers.iter().flat_map(|container| &container.env_names).find(decides);
    found
        .map(|name| {
            no(
                "startUp",
                format!("the image decides the role at each start, by {name}"),
                "a promoted member would fall back into its old role when it restarts",
            )
            .way_out("change the role in the chart's values")
        })
        .into_iter()
        .collect()
}

/// Says what people should know before.
pub(super) fn notes(cast: &Cast<'_>, fast: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let from = &cast.from.pod.name;
    if let Some(age) = cast.primary.oldest_transaction_ms.filter(|age| *age >= LONG_TRANSACTION_MS) {
        notes.push(format!("a transaction on {from} is {}s old: it is rolled back", age / 1000));
    }
    if let Some(prepared) = cast.primary.prepared.as_ref().filter(|prepared| prepared.count > 0) {
        notes.push(format!("{} prepared transactions come along, and hold their locks", prepared.count));
    }
    if let Some(rule) = cast.rule() {
        let to = &cast.promoting.candidate.pod.name;
        notes.push(format!("commits on {to} will wait by synchronous_standby_names = '{rule}'"));
    }
    // Where nobody waits for it, writes go on meanwhile, with one copy less.
    match &cast.promoting.held_back {
        Known::Value(seconds @ 1..) if fast => notes.push(format!(
            "{from} comes back as a standby after some {seconds} s: it restarted a short time ago, and its kubelet holds it back"
        )),
        Known::Unknown(why) if fast => notes.push(format!("when {from} comes back as a standby is not known: {why}")),
        Known::Value(_) | Known::Unknown(_) => {}
    }
    notes
}

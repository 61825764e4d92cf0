//! What speaks against a replica becoming the primary, and what people should know before.

use super::Cast;
use crate::engine::mysql::channel::Channel;
use crate::engine::mysql::findings::errant_of;
use crate::engine::mysql::history::History;
use crate::engine::mysql::server::Server;
use crate::engine::mysql::subject::{Subject, source};
use crate::engine::{Place, Promoting};
use crate::plan::{Objection, Weight};

/// Says everything that speaks against the candidate.
pub(super) fn objections(cast: &Cast<'_>) -> Vec<Objection> {
    let mut found = numbered(all(cast));
    found.extend(replicates(cast));
    found.extend(own_transactions(cast));
    found.extend(can_lead(cast.promoting, &cast.candidate, &cast.siblings));
    found.extend(versions(&cast.candidate, all(cast)));
    found
}

pub(super) fn no(code: &'static str, measured: impl Into<String>, limit: impl Into<String>) -> Objection {
    Objection::new(code, Weight::No, measured, limit)
}

/// Gives everybody with a server.
fn all<'c>(cast: &'c Cast<'_>) -> impl Iterator<Item = (&'c Place, &'c Server)> + Clone {
    let two = [(cast.from, &cast.primary), (&cast.promoting.candidate, &cast.candidate)];
    two.into_iter().chain(cast.siblings.iter().map(|(place, server)| (*place, server)))
}

/// Transactions must have numbers everywhere: places in the old primary's log mean nothing in another's.
pub(super) fn numbered<'c>(all: impl Iterator<Item = (&'c Place, &'c Server)> + Clone) -> Vec<Objection> {
    let limit = "replicas find their place with a new source by GTID only";
    let without = all.clone().filter(|(_, server)| server.history().is_none());
    let by_place = all.filter(|(_, server)| server.channels.iter().any(|channel| !channel.by_gtid));
    let without = without.map(|(place, _)| no("gtid", format!("{} numbers no transactions", place.pod.name), limit));
    let by_place = by_place.map(|(place, _)| {
        no("gtid", format!("{} follows by place in the log, not by GTID", place.pod.name), limit)
            .way_out("`SOURCE_AUTO_POSITION = 1` on MySQL, `MASTER_USE_GTID = slave_pos` on MariaDB")
    });
    without.chain(by_place).collect()
}

/// Names the member that a channel receives from, or the host where that is none.
pub(super) fn source_of(subjects: &[Subject<'_>], channel: &Channel) -> String {
    source(subjects, channel).map_or_else(|| channel.host.clone(), |source| source.name().to_owned())
}

/// Every replica has one source, the primary, and takes from it.
fn replicates(cast: &Cast<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let replicas = || all(cast).filter(|(place, _)| place.pod.name != cast.from.pod.name);
    for (place, server) in replicas() {
        let name = &place.pod.name;
        let from = |channel| source_of(&cast.subjects, channel);
        match server.channels.as_slice() {
            [channel] if from(channel) != cast.from.pod.name => {
                let measured = format!("{name} follows {}, not {}", from(channel), cast.from.pod.name);
                found.push(no("source", measured, "everybody follows the primary before it moves"));
            }
            [channel] if channel.delay_seconds > 0 => {
                let measured = format!("{name} applies changes {}s late", channel.delay_seconds);
                found.push(no("replayDelayed", measured, "a candidate applies at once"));
            }
            [channel] if !channel.is_receiving() || !channel.is_applying() => {
                let measured = format!("{name} does not replicate ({})", channel.state());
                let limit = "only who receives and applies gets everything";
                found.push(Objection::new("notReplicating", Weight::Passing, measured, limit));
            }
            [_] => {}
            channels => {
                let measured = format!("{name} has {} sources", channels.len());
                found.push(no("source", measured, "everybody follows the primary, and nobody else"));
            }
        }
        if server.is_writable {
            let measured = format!("{name} takes writes: read_only is off");
            found.push(no("writable", measured, "two must never take writes"));
        }
    }
    found
}

/// What a replica has and the primary has not would come to everybody, or stop it.
fn own_transactions(cast: &Cast<'_>) -> Vec<Objection> {
    let replicas = all(cast).filter(|(place, _)| place.pod.name != cast.from.pod.name);
    let own = replicas.filter_map(|(place, server)| Some((place, errant_of(&cast.primary, server)?)));
    own.map(|(place, rest)| {
        let measured = format!("{} has transactions that the primary has not: {rest}", place.pod.name);
        no("errant", measured, "everybody has the same history").way_out("set it up anew")
    })
    .collect()
}

/// The candidate must have a log of everything that the others may still need, and a name that stays.
pub(super) fn can_lead(promoting: &Promoting<'_>, candidate: &Server, siblings: &[(&Place, Server)]) -> Vec<Objection> {
    let name = &promoting.candidate.pod.name;
    let mut found = Vec::new();
    if promoting.candidate.host.is_none() {
        let measured = format!("{name} has no name in the governing Service");
        found.push(no("noName", measured, "the others must find it after a restart, too"));
    }
    let passes_on = candidate.is_on("log_replica_updates") || candidate.is_on("log_slave_updates");
    if !candidate.is_on("log_bin") || !passes_on {
        let measured = format!("{name} writes no log of what it receives (log_bin, log_replica_updates)");
        found.push(no("log", measured, "the others take from its log"));
    }
    let purged = candidate.variable("gtid_purged").and_then(History::set);
    for (place, server) in siblings {
        let missing = purged.as_ref().zip(server.history()).and_then(|(purged, has)| purged.beyond(&has));
        if missing.is_some_and(|missing| !missing.is_empty()) {
            let measured = format!("{name} has thrown away log that {} still needs", place.pod.name);
            found.push(no("purged", measured, "everybody must find the rest with the candidate"));
        }
    }
    found
}

/// A replica may be newer than its source, and not older.
pub(super) fn versions<'c>(candidate: &Server, all: impl Iterator<Item = (&'c Place, &'c Server)>) -> Vec<Objection> {
    let number = |server: &Server| {
        let words = server.short_version().split('.').map(str::parse::<u32>);
        words.collect::<Result<Vec<_>, _>>().ok()
    };
    let Some(own) = number(candidate) else {
        return vec![Objection::new("version", Weight::Unknown, "the candidate's version", "unknown counts as no")];
    };
    let older = all.filter(|(_, server)| number(server).is_none_or(|version| version < own));
    older
        .map(|(place, server)| {
            let measured = format!(
                "{} has {}, the candidate {}",
                place.pod.name,
                server.short_version(),
                candidate.short_version()
            );
            no("version", measured, "a replica is not older than its source")
        })
        .collect()
}

/// What people should know besides.
pub(super) fn notes(cast: &Cast<'_>) -> Vec<String> {
    let mut notes = vec![format!(
        "who may write in spite of read_only can go on writing to {}: that no such write is lost is checked, not prevented",
        cast.from.pod.name
    )];
    if cast.primary.is_mariadb() {
        notes.push(
            "MariaDB does not keep read_only across restarts: what a pod starts with is for its configuration to say"
                .to_owned(),
        );
    }
    notes
}

//! What speaks against a replica becoming the master.

use super::Cast;
use crate::engine::Place;
use crate::engine::phrase::{count, few};
use crate::engine::redis::server::{Follower, Server};
use crate::model::{ContainerName, Known, Workload};
use crate::plan::{Objection, Weight};

/// `FAILOVER` is there from this version on.
const HANDS_OVER_FROM: (u32, u32) = (6, 2);

/// Variables by which images decide the role at every start.
const ROLE_GIVEN: &[&str] = &[
    "REDIS_REPLICATION_MODE",
    "REDIS_MASTER_HOST",
    "VALKEY_REPLICATION_MODE",
    "VALKEY_PRIMARY_HOST",
    "VALKEY_MASTER_HOST",
];

/// Says everything that speaks against the candidate, where the master itself hands over.
pub(super) fn objections(cast: &Cast<'_>) -> Vec<Objection> {
    let checks: [fn(&Cast<'_>) -> Vec<Objection>; 6] = [version, under_way, replicate, listed, needed, kept];
    checks.iter().flat_map(|check| check(cast)).collect()
}

pub(super) fn no(code: &'static str, measured: impl Into<String>, limit: impl Into<String>) -> Objection {
    Objection::new(code, Weight::No, measured, limit)
}

pub(super) fn passing(code: &'static str, measured: impl Into<String>, limit: impl Into<String>) -> Objection {
    Objection::new(code, Weight::Passing, measured, limit)
}

fn all<'c>(cast: &'c Cast<'_>) -> impl Iterator<Item = (&'c Place, &'c Server)> {
    let two = [(cast.from, &cast.primary), (&cast.promoting.candidate, &cast.candidate)];
    two.into_iter().chain(cast.siblings.iter().map(|(place, server)| (*place, server)))
}

fn version(cast: &Cast<'_>) -> Vec<Objection> {
    let old = all(cast).filter(|(_, server)| server.version.release().is_none_or(|release| release < HANDS_OVER_FROM));
    let limit = "a master hands over from version 6.2 on (`FAILOVER`)";
    old.map(|(place, server)| no("version", format!("{} has {}", place.pod.name, server.version.number), limit))
        .collect()
}

fn under_way(cast: &Cast<'_>) -> Vec<Objection> {
    let measured = match cast.primary.failover.as_deref() {
        Some("no-failover") => return Vec::new(),
        Some(state) => format!("{} hands over already ({state})", cast.from.pod.name),
        None => return vec![unknown("failover", format!("whether {} hands over is not known", cast.from.pod.name))],
    };
    vec![passing("failover", measured, "one hand-over at a time")]
}

fn unknown(code: &'static str, measured: String) -> Objection {
    Objection::new(code, Weight::Unknown, measured, "unknown counts as no")
}

/// Every replica follows the master, receives from it, and takes no writes of its own.
pub(super) fn replicate(cast: &Cast<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let master = cast.subject(cast.from);
    for (place, server) in all(cast).filter(|(place, _)| place.pod.name != cast.from.pod.name) {
        let name = &place.pod.name;
        let Some(upstream) = &server.upstream else {
            found.push(no("writable", format!("{name} is a master"), "two must never take writes"));
            continue;
        };
        if !upstream.read_only {
            let measured = format!("{name} takes writes of its own (replica-read-only no)");
            found.push(no("writable", measured, "two must never take writes"));
        }
        if !upstream.is_up || upstream.copies {
            let state = if upstream.copies { "copies from its master" } else { "has no link to its master" };
            found.push(passing("notReplicating", format!("{name} {state}"), "everybody receives when the role moves"));
        } else if !master.is_some_and(|master| master.is_at(&upstream.host)) {
            let measured = format!("{name} follows {}, not {}", upstream.host, cast.from.pod.name);
            found.push(no("chained", measured, "everybody follows the master before it moves"));
        }
    }
    found
}

/// Finds the candidate among the followers of its master.
pub(super) fn row<'c>(cast: &'c Cast<'_>) -> Option<&'c Follower> {
    let candidate = cast.subject(&cast.promoting.candidate)?;
    cast.primary.followers.iter().find(|follower| candidate.is_at(&follower.host))
}

fn listed(cast: &Cast<'_>) -> Vec<Objection> {
    let (from, to) = (&cast.from.pod.name, &cast.promoting.candidate.pod.name);
    let limit = "the master hands over only to who receives from it, and says how far it is";
    let measured = match row(cast) {
        Some(row) if row.state == "online" && row.offset.is_some() => return Vec::new(),
        Some(row) if row.state == "online" => {
            return vec![unknown("offset", format!("how far {to} is, {from} does not say"))];
        }
        Some(row) => format!("{from} lists {to} as {}", row.state),
        None => format!("{from} does not list {to}"),
    };
    vec![passing("notListed", measured, limit)]
}

fn needed(cast: &Cast<'_>) -> Vec<Objection> {
    enough(&cast.promoting.candidate.pod.name, &cast.candidate, cast.siblings.len() + 1)
}

/// The new master must not refuse writes for want of replicas.
pub(super) fn enough(name: &str, candidate: &Server, followers: usize) -> Vec<Objection> {
    let limit = "the new master takes writes";
    match &candidate.wants_followers {
        Known::Value(wanted) if *wanted as usize > followers => {
            let would = count(followers, "replica");
            let measured =
                format!("{name} wants {wanted} replicas for a write (min-replicas-to-write), and has {would} then");
            vec![no("minReplicas", measured, limit)]
        }
        Known::Value(_) => Vec::new(),
        Known::Unknown(why) => {
            vec![unknown("minReplicas", format!("min-replicas-to-write of {name} not known ({why})"))]
        }
    }
}

fn kept(cast: &Cast<'_>) -> Vec<Objection> {
    given(cast.promoting.workload, &cast.from.container)
}

/// A role that the start-up of the pods decides is back after the next restart, beside the new one.
pub(super) fn given(workload: &Workload, container: &ContainerName) -> Vec<Objection> {
    let container = workload.template.containers.iter().find(|one| one.name == *container);
    let names = container.map(|container| container.env_names.as_slice()).unwrap_or_default();
    let given = names.iter().find(|name| ROLE_GIVEN.contains(&name.as_str()));
    given
        .map(|name| {
            let measured = format!("the pods start with their old roles (variable {name})");
            no("roleGiven", measured, "a restart must not make a second master")
                .way_out("change the role where it is set")
        })
        .into_iter()
        .collect()
}

/// What people should know besides.
pub(super) fn notes(cast: &Cast<'_>) -> Vec<String> {
    let without: Vec<String> =
        all(cast).filter(|(_, server)| server.file.is_none()).map(|(place, _)| place.pod.name.clone()).collect();
    let mut notes = if without.is_empty() {
        vec!["what each is stands in its configuration file; `--replicaof` among a pod's arguments would undo it at a restart".to_owned()]
    } else {
        let have = if without.len() == 1 { "has" } else { "have" };
        vec![format!("{} {have} no configuration file: the new role is lost at a restart", few(&without))]
    };
    if let Known::Value(wanted @ 1..) = cast.candidate.wants_followers {
        notes.push(format!("writes are refused until {wanted} follow the new master (min-replicas-to-write)"));
    }
    notes
}

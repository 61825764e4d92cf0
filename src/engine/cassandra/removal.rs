//! How a node leaves the ring for good: it is decommissioned, and every node that stays must have seen it go.

use std::collections::BTreeSet;

use super::description::Replication;
use super::netstats::Netstats;
use super::topology::{Seat, Seats, Subject};
use super::{nodetool, seeds};
use crate::engine::phrase::{count, few};
use crate::engine::{Asked, Leaving, Removal};
use crate::model::Known;
use crate::plan::{Check, Effect, EngineCheck, Limit, Objection, Pin, Step, Trace, Undo, Verdict, Weight, When};

/// Streams of large nodes take hours; what takes longer is to be looked at.
const STREAM_LIMIT: Limit = Limit::seconds(24 * 60 * 60);

/// Begins the decommission.
const SCRIPT: &str = include_str!("leave.sh");

/// Says what has to happen when a node leaves.
pub(super) fn removal(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
    let subjects = Subject::all(asked.pods, asked.outputs);
    let seats = Seats::of(&subjects);
    let Some(subject) = subjects.iter().find(|subject| subject.pod.meta.name == leaving.name.0) else {
        return Removal { objections: vec![unknown("there is no pod to ask")], ..Removal::default() };
    };
    let poison = Some("a node that was decommissioned does not start again on its old volume".to_owned());
    if subject.is_out() {
        let id = subject.host_id.as_deref().unwrap_or_default();
        return Removal { settled: vec![left(&subject.pod.meta.name, id)], poison, ..Removal::default() };
    }
    let mut objections = objections(subject, &subjects, &seats, leaving);
    objections.extend(seeds::objections(subject, &subjects, leaving));
    let begin = leaving.container.clone().and_then(|container| step(subject, container));
    let moves = seats.of_pod(subject).and_then(|seat| seat.node.load.as_deref()).map(bytes);
    Removal {
        objections,
        before: begin.into_iter().collect(),
        moves: Some(moves.flatten().map_or_else(|| Known::unknown("its load is not known"), Known::Value)),
        poison,
        ..Removal::default()
    }
}

fn unknown(why: &str) -> Objection {
    Objection::new("ring", Weight::Unknown, why, "a node leaves only a ring that is known")
}

/// Makes the step that decommissions the node.
fn step(subject: &Subject<'_>, container: crate::model::ContainerName) -> Option<Step> {
    let name = &subject.pod.meta.name;
    let id = subject.host_id.as_deref()?;
    let begun = EngineCheck::new("leaving", &[("pod", name), ("id", id)], format!("{name} leaving the ring"));
    let argv = ["sh", "-c", SCRIPT, "kubectl-stateful", nodetool::SCRIPT].map(str::to_owned).to_vec();
    Some(Step {
        when: When::Always,
        requires: vec![Check::MayLeave { pod: subject.pod.name() }],
        effect: Effect::Command {
            pod: Pin::of(&subject.pod.meta),
            container,
            words: format!("decommission {name} (nodetool decommission)"),
            argv,
        },
        trace: Trace::Seen(Check::Engine(begun)),
        ensures: vec![left(name, id)],
        undo: Undo::Never { why: "it can join again only as a new, empty node".to_owned() },
        limit: STREAM_LIMIT,
    })
}

/// Makes the check that a node has left.
fn left(name: &str, id: &str) -> Check {
    let words = format!("{name} gone from the ring of every other node");
    Check::Engine(EngineCheck::new("left", &[("pod", name), ("id", id)], words))
}

/// Lists what speaks against a node leaving for good.
fn objections(
    subject: &Subject<'_>,
    subjects: &[Subject<'_>],
    seats: &Seats<'_>,
    leaving: &Leaving<'_>,
) -> Vec<Objection> {
    let stays = |seat: &Seat<'_>| seat.pod.and_then(|at| subjects.get(at)).is_none_or(|one| leaving.stays(one.pod));
    let left: Vec<&Seat<'_>> = seats.seats.values().filter(|seat| stays(seat)).collect();
    let mut found = Vec::new();
    let unwell: Vec<String> = seats
        .seats
        .values()
        .filter(|seat| !seat.is_normal() && !is_own(subject, seat))
        .map(|seat| format!("{} ({})", seat.node.address, seat.state()))
        .collect();
    if !unwell.is_empty() {
        let measured = format!("not up and normal: {}", few(&unwell));
        found.push(Objection::new("ring", Weight::Passing, measured, "every other node is up and normal (UN)"));
    }
    let descriptions = || subjects.iter().filter_map(|other| other.description.value());
    match descriptions().next() {
        None => found.push(unknown("schema and replication are not known")),
        Some(description) => {
            if descriptions().any(|description| description.schemas > 1) {
                found.push(Objection::new(
                    "schema",
                    Weight::Passing,
                    "the nodes disagree about the schema",
                    "all have the same version of the schema",
                ));
            }
            match (&description.keyspaces, seats.of_pod(subject)) {
                (Known::Value(keyspaces), Some(seat)) => {
                    found.extend(
                        keyspaces
                            .iter()
                            .filter_map(|keyspace| factor(&keyspace.name, &keyspace.replication, seat, &left)),
                    );
                }
                (Known::Unknown(why), _) => found.push(unknown(&format!("replication is not known ({why})"))),
                (Known::Value(_), None) => found.push(unknown("nobody sees it in the ring")),
            }
        }
    }
    found.extend(cleanups(subject, subjects));
    found
}

fn is_own(subject: &Subject<'_>, seat: &Seat<'_>) -> bool {
    subject.host_id.as_deref() == Some(&seat.node.host_id)
}

/// Says whether a keyspace wants more copies than nodes would be left; Cassandra refuses such a decommission itself, but
/// counts nodes that are down.
fn factor(name: &str, replication: &Replication, leaving: &Seat<'_>, staying: &[&Seat<'_>]) -> Option<Objection> {
    let datacenter = &leaving.node.datacenter;
    let others = |inside: &dyn Fn(&Seat<'_>) -> bool| {
        u32::try_from(staying.iter().filter(|seat| inside(seat)).count()).unwrap_or(u32::MAX)
    };
    let (factor, left) = match replication {
        Replication::Local | Replication::Everywhere => return None,
        Replication::Simple(factor) => (*factor, others(&|_| true)),
        Replication::Datacenters(factors) => {
            (*factors.get(datacenter)?, others(&|seat| seat.node.datacenter == *datacenter))
        }
        Replication::Other(class) => return Some(unknown(&format!("how {name} is replicated is not known ({class})"))),
    };
    (left < factor).then(|| {
        Objection::new(
            "replicationFactor",
            Weight::No,
            format!("{} would be left", count(usize::try_from(left).unwrap_or(usize::MAX), "node")),
            format!("keyspace {name} is kept {factor} times"),
        )
        .way_out(format!("lower its replication factor first (ALTER KEYSPACE {name}), and repair"))
    })
}

/// A cleanup that runs while another node leaves throws away what arrives (CASSANDRA-16418).
fn cleanups(subject: &Subject<'_>, subjects: &[Subject<'_>]) -> Vec<Objection> {
    let others = subjects.iter().filter(|other| other.pod.meta.name != subject.pod.meta.name);
    let judge = |other: &Subject<'_>| {
        let name = &other.pod.meta.name;
        let limit = "no cleanup runs: it throws away what a leaving node sends";
        match &other.compactions {
            Known::Value(compactions) if compactions.cleans_up => {
                Some(Objection::new("cleanup", Weight::Passing, format!("nodetool cleanup runs on {name}"), limit))
            }
            Known::Value(_) => None,
            Known::Unknown(why) => Some(Objection::new(
                "cleanup",
                Weight::Unknown,
                format!("what {name} compacts is not known ({why})"),
                limit,
            )),
        }
    };
    others.filter_map(judge).collect()
}

/// Judges whether a node leaves or has left. No information is not "left".
pub(super) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
    let subjects = Subject::all(asked.pods, asked.outputs);
    let (name, id) = (check.name("pod"), check.name("id"));
    let own = subjects.iter().find(|subject| subject.pod.meta.name == name);
    let netstats = own.and_then(|subject| subject.netstats.value());
    let mode = netstats.map(|netstats| netstats.mode.as_str());
    match check.code.as_str() {
        "leaving" => match mode {
            Some("LEAVING" | "DECOMMISSIONED") => Verdict::Holds,
            Some(mode) => Verdict::not_yet(format!("{name} is {mode}")),
            None => Verdict::not_yet(format!("{name} does not say what it does")),
        },
        "left" if mode == Some("DECOMMISSION_FAILED") => Verdict::broken(format!(
            "the decommission of {name} failed: see its log, then `resume` after a retry by hand"
        )),
        "left" => has_left(name, id, &subjects),
        other => Verdict::broken(format!("Cassandra knows no check {other}")),
    }
}

fn has_left(name: &str, id: &str, subjects: &[Subject<'_>]) -> Verdict {
    let own = subjects.iter().find(|subject| subject.pod.meta.name == name);
    let mut silent = BTreeSet::new();
    for other in subjects.iter().filter(|other| other.pod.meta.name != name) {
        match &other.ring {
            Err(_) => _ = silent.insert(other.pod.meta.name.clone()),
            Ok(ring) => {
                if let Some(node) = ring.node(id) {
                    let state = super::ring::state(node.life, node.phase);
                    let netstats = own.and_then(|own| own.netstats.value());
                    let progress = netstats.and_then(Netstats::progress);
                    let progress = progress.map(|progress| format!(", {progress}")).unwrap_or_default();
                    let why = format!("{} still has {name} in its ring ({state}{progress})", other.pod.meta.name);
                    return Verdict::measured(why, netstats.and_then(Netstats::measure));
                }
            }
        }
    }
    match (silent.first(), own.map(|own| &own.netstats)) {
        (Some(other), _) => Verdict::not_yet(format!("{other} does not say who is in its ring")),
        (None, Some(Known::Value(netstats))) if netstats.mode != "DECOMMISSIONED" => {
            Verdict::not_yet(format!("{name} is {}", netstats.mode))
        }
        (None, Some(Known::Unknown(why))) => Verdict::not_yet(format!("{name} does not say what it does ({why})")),
        (None, Some(Known::Value(_)) | None) if subjects.is_empty() => Verdict::not_yet("nobody was asked"),
        (None, Some(Known::Value(_)) | None) => Verdict::Holds,
    }
}

/// Reads a load as nodetool writes it: "26.55 MiB".
fn bytes(load: &str) -> Option<u64> {
    let (number, unit) = load.split_once(' ')?;
    let unit = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"].iter().position(|one| *one == unit)?;
    let (whole, rest) = number.split_once('.').unwrap_or((number, "0"));
    let scale = 1_u64.checked_shl(u32::try_from(unit).ok()? * 10)?;
    let tenth = rest.chars().next()?.to_digit(10)?;
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(scale / 10 * u64::from(tenth))
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn loads_are_read_as_nodetool_writes_them() {
        let read = ["512 bytes", "26.55 MiB", "1 GiB", "?", "x KiB"].map(bytes);
        assert_eq!(read, [Some(512), Some(27_787_261), Some(1 << 30), None, None]);
    }
}

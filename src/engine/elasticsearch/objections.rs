//! What speaks against taking a node down: copies that are nowhere else, votes, a cluster that is not whole.

use super::node::Coordination;
use super::topology::{Subject, View, answers};
use crate::engine::phrase::{count, few};
use crate::model::{Known, Objection};

/// Collects what speaks against one node.
struct Against<'s> {
    subject: &'s Subject<'s>,
    found: Vec<Objection>,
}

impl Against<'_> {
    fn no(&mut self, code: &'static str, why: String) {
        self.found.push(Objection { pod: self.subject.pod.name(), code, why: Known::Value(why) });
    }

    fn unknown(&mut self, code: &'static str, what: &str, why: &str) {
        let why = Known::unknown(format!("{what} not known ({why})"));
        self.found.push(Objection { pod: self.subject.pod.name(), code, why });
    }
}

/// Lists what speaks against taking down the node of a pod, with all others as they are.
pub(super) fn of(subject: &Subject<'_>, subjects: &[Subject<'_>], view: &View) -> Vec<Objection> {
    // Of a node that said nothing, nothing can be said: its role is unknown, which speaks against it by itself.
    if subject.node.is_err() {
        return Vec::new();
    }
    let mut against = Against { subject, found: Vec::new() };
    if subject.is_cut_off() {
        against.no("noMaster", "it knows no elected master: it may hold what the others do not have".to_owned());
        return against.found;
    }
    masters(subjects, &mut against);
    health(view, &mut against);
    copies(view, &mut against);
    votes(view, &mut against);
    against.found
}

/// Nodes that follow different masters are not one cluster.
fn masters(subjects: &[Subject<'_>], against: &mut Against<'_>) {
    let mut known: Vec<&str> = answers(subjects).filter_map(|node| node.master()).collect();
    known.sort_unstable();
    known.dedup();
    if known.len() > 1 {
        against.no("masters", format!("the nodes follow {} different masters", known.len()));
    }
}

fn health(view: &View, against: &mut Against<'_>) {
    let health = match &view.health {
        Known::Value(health) => health,
        Known::Unknown(why) => return against.unknown("health", "the cluster's health is", why),
    };
    let shards = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "shard");
    if health.status != "green" {
        let unassigned = match health.unassigned_shards {
            0 => String::new(),
            some => format!(": {} unassigned", shards(some)),
        };
        against.no("health", format!("the cluster is {}{unassigned}", health.status));
    }
    if health.relocating_shards > 0 {
        against.no("relocating", format!("{} being moved between nodes", shards_are(health.relocating_shards)));
    }
    if health.initializing_shards > 0 {
        against.no("relocating", format!("{} being copied", shards_are(health.initializing_shards)));
    }
}

fn shards_are(number: u64) -> String {
    let is = if number == 1 { "is" } else { "are" };
    format!("{} {is}", count(usize::try_from(number).unwrap_or(usize::MAX), "shard"))
}

fn copies(view: &View, against: &mut Against<'_>) {
    match &view.shards {
        Known::Value(shards) => {
            let alone = shards.only_on(against.subject.name());
            if !alone.is_empty() {
                let has = if alone.len() == 1 { "has its" } else { "have their" };
                against.no("lastCopy", format!("{} {has} only working copy here", few(&alone)));
            }
        }
        Known::Unknown(why) => against.unknown("lastCopy", "where the copies of shards are is", why),
    }
}

/// Whether a majority of the voters would be left, in the configuration that decides now and in the next one.
fn votes(view: &View, against: &mut Against<'_>) {
    let (coordination, rows) = match (&view.coordination, &view.nodes) {
        (Known::Value(coordination), Known::Value(rows)) => (coordination, rows),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => {
            return against.unknown("quorum", "who votes in the cluster is", why);
        }
    };
    let Some(own) = view.row(against.subject.name()) else {
        let why = "the master does not list the node";
        return against.unknown("quorum", "whether the node votes is", why);
    };
    let Coordination { last_committed_config, last_accepted_config, .. } = coordination;
    for voters in [last_committed_config, last_accepted_config] {
        if !voters.contains(&own.id) {
            continue;
        }
        let left = voters.iter().filter(|id| **id != own.id && rows.iter().any(|row| row.id == **id)).count();
        if left * 2 <= voters.len() {
            let would = format!("{left} of {} would be left, which is no majority", count(voters.len(), "voter"));
            return against.no("quorum", would);
        }
    }
}

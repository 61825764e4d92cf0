//! What speaks against taking a node down: a ring that is not whole, and quorums that would not be left.

use std::collections::BTreeMap;

use super::description::{Description, Keyspace, Replication};
use super::ring::Life;
use super::topology::{Seat, Seats, Subject};
use crate::engine::phrase::few;
use crate::model::{Known, Objection};

/// Keyspaces that hold traces and the history of repairs, of which no client's work depends.
const HISTORY: &[&str] = &["system_traces", "system_distributed"];

/// The keyspace of users and their rights.
const LOGINS: &str = "system_auth";

/// Collects what speaks against one node.
struct Against<'s> {
    subject: &'s Subject<'s>,
    found: Vec<Objection>,
}

impl Against<'_> {
    fn no(&mut self, code: &'static str, why: String) {
        self.found.push(Objection { pod: self.subject.pod.name(), code, why: Known::Value(why) });
    }

    fn unknown(&mut self, code: &'static str, why: String) {
        self.found.push(Objection { pod: self.subject.pod.name(), code, why: Known::Unknown(why) });
    }
}

/// Lists what speaks against taking down the node of a pod, with all others as they are.
pub(super) fn of(subject: &Subject<'_>, subjects: &[Subject<'_>], seats: &Seats<'_>) -> Vec<Objection> {
    // Of a node that said nothing, nothing can be said: its role is unknown, which speaks against it by itself.
    if subject.ring.is_err() || subject.host_id.is_none() {
        return Vec::new();
    }
    let mut against = Against { subject, found: Vec::new() };
    others(subject, subjects, seats, &mut against);
    let described = subjects.iter().filter(|other| !other.is_out()).find_map(|other| other.description.value());
    let Some(description) = described else {
        let why = subjects.iter().find_map(|other| other.description.why()).unwrap_or("not asked");
        against.unknown("schema", format!("schema and replication are not known ({why})"));
        return against.found;
    };
    let schemas = subjects.iter().filter(|other| !other.is_out()).filter_map(|other| other.description.value());
    let schemas = schemas.map(|description| description.schemas).max().unwrap_or(1);
    if schemas > 1 {
        against.no("schema", format!("the nodes have {schemas} versions of the schema"));
    }
    quorums(description, seats, &mut against);
    against.found
}

/// Whether all others are up and stay where they are.
fn others(subject: &Subject<'_>, subjects: &[Subject<'_>], seats: &Seats<'_>, against: &mut Against<'_>) {
    let is_own = |seat: &Seat<'_>| subject.host_id.as_deref() == Some(&seat.node.host_id);
    let called = |seat: &Seat<'_>| {
        let pod = seat.pod.and_then(|at| subjects.get(at)).map(|subject| subject.pod.meta.name.clone());
        format!("{} ({})", pod.unwrap_or_else(|| seat.node.address.clone()), seat.state())
    };
    let others = || seats.seats.values().filter(|seat| !is_own(seat));
    let down: Vec<String> = others().filter(|seat| seat.node.life != Life::Up).map(called).collect();
    if !down.is_empty() {
        against.no("memberDown", format!("{} {} not up", few(&down), is_or_are(&down)));
    }
    let up = |seat: &&Seat<'_>| seat.node.life == Life::Up && !seat.is_normal();
    let changing: Vec<String> = seats.seats.values().filter(up).map(called).collect();
    if !changing.is_empty() {
        against
            .no("membersChanging", format!("{} {} joining, leaving or moving", few(&changing), is_or_are(&changing)));
    }
}

fn is_or_are(names: &[String]) -> &'static str {
    if names.len() == 1 { "is" } else { "are" }
}

/// Whether each keyspace would keep a quorum of the copies of which one is on the node.
fn quorums(description: &Description, seats: &Seats<'_>, against: &mut Against<'_>) {
    let keyspaces = match &description.keyspaces {
        Known::Value(keyspaces) => keyspaces,
        Known::Unknown(why) => return against.unknown("quorum", format!("replication is not known ({why})")),
    };
    // What is not in the ring holds no copies that count.
    let Some(seat) = seats.of_pod(against.subject) else { return };
    let checks_logins = against.subject.info.value().map(|info| &info.checks_logins);
    let mut short: BTreeMap<Shortage, Vec<&str>> = BTreeMap::new();
    for keyspace in keyspaces.iter().filter(|keyspace| !HISTORY.contains(&keyspace.name.as_str())) {
        match shortage(keyspace, seat, seats) {
            Err(class) => {
                let why = format!("how {} is replicated is not known ({class})", keyspace.name);
                against.unknown("quorum", why);
            }
            Ok(None) => {}
            Ok(Some(found)) if keyspace.name == LOGINS => match checks_logins {
                Some(Known::Value(false)) => {}
                Some(Known::Value(true)) => short.entry(found).or_default().push(LOGINS),
                Some(Known::Unknown(why)) => against.unknown("quorum", logins_not_known(why)),
                None => against.unknown("quorum", logins_not_known("nodetool info did not answer")),
            },
            Ok(Some(found)) => short.entry(found).or_default().push(&keyspace.name),
        }
    }
    for (Shortage { factor, left, quorum }, names) in short {
        let names = few(&names);
        let copies = if factor == 1 { "copy" } else { "copies" };
        against.no("quorum", format!("{names} would keep {left} of {factor} {copies}, and a quorum is {quorum}"));
    }
}

fn logins_not_known(why: &str) -> String {
    format!("whether logins need {LOGINS} is not known ({why})")
}

/// How many copies of some rows would be left.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shortage {
    factor: u32,
    left: u32,
    quorum: u32,
}

/// Says how a keyspace would fall short if the node went: rows of which it has a copy would have too few of them left.
fn shortage(keyspace: &Keyspace, leaving: &Seat<'_>, seats: &Seats<'_>) -> Result<Option<Shortage>, String> {
    let datacenter = &leaving.node.datacenter;
    let nodes = |inside: &dyn Fn(&Seat<'_>) -> bool| {
        u32::try_from(seats.seats.values().filter(|seat| inside(seat)).count()).unwrap_or(u32::MAX)
    };
    let everywhere = || nodes(&|_| true);
    let (factor, nodes) = match &keyspace.replication {
        Replication::Local => return Ok(None),
        Replication::Everywhere => (everywhere(), everywhere()),
        Replication::Simple(factor) => (*factor, everywhere()),
        Replication::Datacenters(factors) => {
            let Some(factor) = factors.get(datacenter) else { return Ok(None) };
            (*factor, nodes(&|seat| seat.node.datacenter == *datacenter))
        }
        Replication::Other(class) => return Err(class.clone()),
    };
    if factor == 0 {
        return Ok(None);
    }
    let (left, quorum) = (factor.min(nodes).saturating_sub(1), factor / 2 + 1);
    Ok((left < quorum).then_some(Shortage { factor, left, quorum }))
}

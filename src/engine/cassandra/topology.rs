//! Puts the answers of all nodes together: who is in the ring, as those see it who are in it themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::compactions::Compactions;
use super::description::Description;
use super::info::Info;
use super::netstats::Netstats;
use super::nodetool::{Command, said};
use super::ring::{self, Life, Phase, Ring};
use super::{findings, objections};
use crate::model::{Known, Member, Pod, ProbeOutput, Role, Sessions, Topology, Workload};

/// One pod and what its node said.
pub(super) struct Subject<'a> {
    /// The pod.
    pub(super) pod: &'a Pod,
    /// Its identity, by its own word, or by its address where it gave none.
    pub(super) host_id: Option<String>,
    /// The ring as it sees it.
    pub(super) ring: Result<Ring, String>,
    /// What it says of itself.
    pub(super) info: Known<Info>,
    /// What it does.
    pub(super) netstats: Known<Netstats>,
    /// What it knows of the whole cluster.
    pub(super) description: Known<Description>,
    /// What it rewrites.
    pub(super) compactions: Known<Compactions>,
}

impl<'a> Subject<'a> {
    /// Reads what the nodes of all pods said, and finds out who each is.
    pub(super) fn all(pods: &[&'a Pod], outputs: &[&ProbeOutput]) -> Vec<Self> {
        let mut subjects: Vec<_> = pods.iter().map(|pod| Self::read(pod, outputs)).collect();
        identify(&mut subjects);
        subjects
    }

    fn read(pod: &'a Pod, outputs: &[&ProbeOutput]) -> Self {
        Self {
            pod,
            host_id: None,
            ring: said(outputs, pod, Command::Status).and_then(Ring::read),
            info: known(said(outputs, pod, Command::Info).and_then(Info::read)),
            netstats: known(said(outputs, pod, Command::Netstats).and_then(Netstats::read)),
            description: known(said(outputs, pod, Command::DescribeCluster).and_then(Description::read)),
            compactions: known(said(outputs, pod, Command::CompactionStats).and_then(Compactions::read)),
        }
    }

    /// Tells whether the node says that it is out of the ring.
    pub(super) fn is_out(&self) -> bool {
        self.netstats.value().is_some_and(Netstats::is_out)
    }

    /// Gives the ring as the node sees it, if it is in it: one that left or gossips no more shows what once was.
    fn sight(&self) -> Option<&Ring> {
        let gossips = self.info.value().is_none_or(|info| info.gossips != Some(false));
        let ring = self.ring.as_ref().ok().filter(|_| gossips && !self.is_out())?;
        self.host_id.as_ref().is_none_or(|id| ring.node(id).is_some()).then_some(ring)
    }
}

fn known<T>(read: Result<T, String>) -> Known<T> {
    read.map_or_else(Known::Unknown, Known::Value)
}

/// A member of the ring as all see it.
pub(super) struct Seat<'s> {
    /// The member, as the first sees it who sees it worst.
    pub(super) node: &'s ring::Node,
    /// The place of its pod among the subjects.
    pub(super) pod: Option<usize>,
    /// Names of the pods whose nodes see it down.
    pub(super) down_for: Vec<&'s str>,
    /// Names of the pods whose nodes see it up.
    pub(super) up_for: Vec<&'s str>,
}

impl Seat<'_> {
    /// Writes its state as nodetool does.
    pub(super) fn state(&self) -> String {
        ring::state(self.node.life, self.node.phase)
    }

    /// Tells whether it is up and neither comes nor goes nor moves.
    pub(super) fn is_normal(&self) -> bool {
        (self.node.life, self.node.phase) == (Life::Up, Phase::Normal)
    }
}

/// All members of the ring; nobody knows the ring when it is empty.
pub(super) struct Seats<'s> {
    /// The members, by identity.
    pub(super) seats: BTreeMap<&'s str, Seat<'s>>,
}

impl<'s> Seats<'s> {
    /// Lays the rings side by side; of two opinions the worse one counts.
    pub(super) fn of(subjects: &'s [Subject<'_>]) -> Self {
        let mut seats: BTreeMap<&str, Seat<'_>> = BTreeMap::new();
        let views = || subjects.iter().filter_map(|subject| Some((subject, subject.sight()?)));
        for (subject, ring) in views() {
            for node in &ring.nodes {
                let pod = subjects.iter().position(|subject| subject.host_id.as_deref() == Some(&node.host_id));
                let seat = seats.entry(&node.host_id).or_insert_with(|| Seat {
                    node,
                    pod,
                    down_for: Vec::new(),
                    up_for: Vec::new(),
                });
                let seen = if node.life == Life::Up { &mut seat.up_for } else { &mut seat.down_for };
                seen.push(&subject.pod.meta.name);
                if rank(node) > rank(seat.node) {
                    seat.node = node;
                }
            }
        }
        Self { seats }
    }

    /// Finds the seat of a pod.
    pub(super) fn of_pod(&self, subject: &Subject<'_>) -> Option<&Seat<'s>> {
        self.seats.get(subject.host_id.as_deref()?)
    }
}

/// Says how bad a state is.
fn rank(node: &ring::Node) -> (u8, u8) {
    let life = match node.life {
        Life::Up => 0,
        Life::Unknown => 1,
        Life::Down => 2,
    };
    (life, u8::from(node.phase != Phase::Normal))
}

/// Puts the answers together.
pub(super) fn topology(workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
    let subjects = Subject::all(pods, outputs);
    let seats = Seats::of(&subjects);
    Topology {
        version: version(&subjects),
        members: subjects.iter().map(|subject| member(subject, &seats)).collect(),
        cluster: summary(&subjects, &seats),
        strangers: strangers(&seats),
        objections: subjects.iter().flat_map(|subject| objections::of(subject, &subjects, &seats)).collect(),
        findings: findings::of(workload, &subjects, &seats),
        ..Topology::unknown([], "")
    }
}

/// Finds out who each pod is: by its node's word, otherwise by an address that only it has.
fn identify(subjects: &mut [Subject<'_>]) {
    let own = |subject: &Subject<'_>| subject.info.value().map(|info| info.host_id.clone());
    let by_address = |subject: &Subject<'_>| {
        let ip = subject.pod.ip.as_deref()?;
        subjects.iter().filter(|other| other.pod.ip.as_deref() == Some(ip)).nth(1).is_none().then_some(())?;
        let rings = subjects.iter().filter_map(|other| other.ring.as_ref().ok());
        let mut found = rings.flat_map(|ring| &ring.nodes).filter(|node| node.address == ip);
        found.next().map(|node| node.host_id.clone())
    };
    let ids: Vec<_> = subjects.iter().map(|subject| own(subject).or_else(|| by_address(subject))).collect();
    for (subject, host_id) in subjects.iter_mut().zip(ids) {
        subject.host_id = host_id;
    }
}

/// Makes the member of a pod.
fn member(subject: &Subject<'_>, seats: &Seats<'_>) -> Member {
    let seat = seats.of_pod(subject);
    let mode = subject.netstats.value().map(|netstats| netstats.mode.as_str());
    let role = match (&subject.ring, &subject.host_id) {
        (Err(why), _) => Known::unknown(why),
        (Ok(_), None) => Known::unknown("which member of the ring it is, is not known"),
        (Ok(_), Some(_)) if subject.is_out() || (seat.is_none() && !seats.seats.is_empty()) => {
            Known::Value(Role::Detached)
        }
        (Ok(_), Some(_)) if seat.is_none() => Known::unknown("nobody who is in the ring has answered"),
        (Ok(_), Some(_)) => Known::Value(Role::Peer),
    };
    let gone = mode.filter(|_| subject.is_out()).map(str::to_lowercase);
    let unclassified = subject.info.value().map(|info| &info.connections);
    Member {
        name: subject.host_id.clone(),
        shown_as: gone.or_else(|| seat.map(Seat::state)),
        share: seat.and_then(share),
        sessions: match (unclassified, &subject.info) {
            (Some(Known::Value(number)), _) => Known::Value(Sessions { unclassified: *number, ..Sessions::default() }),
            (Some(Known::Unknown(why)), _) | (None, Known::Unknown(why)) => Known::unknown(why),
            (None, Known::Value(_)) => Known::unknown("not counted"),
        },
        role,
        ..Member::unknown(subject.pod.name(), "")
    }
}

/// Says what a member holds: "26.55 MiB, 67.4%".
fn share(seat: &Seat<'_>) -> Option<String> {
    let parts: Vec<&str> = [&seat.node.load, &seat.node.owns].into_iter().flatten().map(String::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Gives the version that all servers have, by the first who knows them.
fn version(subjects: &[Subject<'_>]) -> Known<String> {
    let said = subjects.iter().find_map(|subject| subject.description.value().filter(|_| !subject.is_out()));
    let Some(description) = said else {
        let reason = subjects.iter().find_map(|subject| subject.description.why());
        return Known::unknown(reason.unwrap_or("no pods"));
    };
    match description.versions.as_slice() {
        [] => Known::unknown("nodetool of this version does not tell it"),
        [one] => Known::Value(one.clone()),
        several => Known::unknown(format!("members differ: {}", several.join(", "))),
    }
}

/// Says how the ring is: "ring shop, 3 of 3 nodes UN in datacenter1".
fn summary(subjects: &[Subject<'_>], seats: &Seats<'_>) -> Option<String> {
    let name = subjects.iter().find_map(|subject| Some(&subject.description.value()?.name));
    let mut parts = Vec::from_iter(name.map(|name| format!("cluster {name}")));
    let datacenters: BTreeSet<&str> = seats.seats.values().map(|seat| seat.node.datacenter.as_str()).collect();
    for datacenter in datacenters {
        let inside = || seats.seats.values().filter(|seat| seat.node.datacenter == datacenter);
        let normal = inside().filter(|seat| seat.is_normal()).count();
        parts.push(format!("{normal} of {} nodes UN in {datacenter}", inside().count()));
    }
    let elsewhere = seats.seats.values().filter(|seat| seat.pod.is_none() && seat.node.life == Life::Up).count();
    parts.extend((elsewhere > 0).then(|| format!("{elsewhere} of other sets")));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Names the members that no pod of the set stands for and that are down: what is up belongs to another rack or data
/// center, each of which mostly is a set of its own.
fn strangers(seats: &Seats<'_>) -> Vec<String> {
    let dead = seats.seats.values().filter(|seat| seat.pod.is_none() && seat.node.life == Life::Down);
    dead.map(|seat| format!("{} (host id {})", seat.node.address, seat.node.host_id)).collect()
}

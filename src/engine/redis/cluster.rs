//! Redis Cluster: masters that serve a part of the slots each, and replicas of them.

use std::collections::{BTreeMap, BTreeSet};

use super::nodes::{Node, Nodes, SLOTS};
use super::server::State;
use super::topology::{Subject, described};
use super::{findings, objections};
use crate::engine::phrase::{count, few};
use crate::model::{Known, Member, Role, Topology, Workload};

/// One node of the cluster, as the best of those who see it does.
pub(super) struct Seat<'s> {
    /// What it is: by its own word, if it answered.
    pub(super) node: &'s Node,
    /// The pod that it is, by its place among the subjects.
    pub(super) pod: Option<usize>,
    /// The pods whose nodes see it fail.
    pub(super) failing_for: Vec<&'s str>,
}

/// The cluster as those see it who are in it.
pub(super) struct View<'s> {
    subjects: &'s [Subject<'s>],
    /// The nodes, by their names.
    pub(super) seats: BTreeMap<&'s str, Seat<'s>>,
}

impl Subject<'_> {
    /// Gives the nodes as the pod's own sees them.
    pub(super) fn nodes(&self) -> Option<&Nodes> {
        self.server()?.nodes.value()
    }

    /// Gives the state as the pod's node sees it.
    pub(super) fn state(&self) -> Option<&State> {
        self.server()?.state.value()
    }

    /// Gives the node of the pod, by its own word.
    pub(super) fn node(&self) -> Option<&Node> {
        self.nodes().map(|nodes| &nodes.own)
    }
}

impl<'s> View<'s> {
    /// Lays the answers side by side. A node that is alone sees nothing of the cluster.
    pub(super) fn of(subjects: &'s [Subject<'s>]) -> Self {
        let mut seats: BTreeMap<&str, Seat<'_>> = BTreeMap::new();
        let views = || subjects.iter().filter_map(|subject| Some((subject, subject.nodes()?)));
        for (subject, nodes) in views().filter(|(_, nodes)| !nodes.is_alone()) {
            for node in nodes.all() {
                let is_own = |other: &Subject<'_>| other.node().is_some_and(|own| own.id == node.id);
                let by_word = subjects.iter().position(is_own);
                let silent = |other: &Subject<'_>| other.node().is_none() && other.is_at(&node.host);
                let pod = by_word.or_else(|| subjects.iter().position(silent));
                let seat = seats.entry(&node.id).or_insert_with(|| Seat { node, pod, failing_for: Vec::new() });
                if node.fails {
                    seat.failing_for.push(subject.name());
                }
                if node.id == nodes.own.id {
                    seat.node = node;
                }
            }
        }
        Self { subjects, seats }
    }

    /// Gives the seat of a pod.
    pub(super) fn of_pod(&self, subject: &Subject<'_>) -> Option<&Seat<'s>> {
        let at = self.subjects.iter().position(|one| one.name() == subject.name())?;
        self.seats.values().find(|seat| seat.pod == Some(at))
    }

    /// Gives the subject of a seat.
    pub(super) fn subject(&self, seat: &Seat<'_>) -> Option<&'s Subject<'s>> {
        self.subjects.get(seat.pod?)
    }

    /// Names a node: by its pod, else by its address.
    pub(super) fn called(&self, seat: &Seat<'_>) -> String {
        let by_address = || format!("{}:{}", seat.node.host, seat.node.port);
        self.subject(seat).map_or_else(by_address, |subject| subject.name().to_owned())
    }

    /// Gives the replicas of a master, those left out that are seen to fail.
    pub(super) fn replicas(&self, master: &str) -> impl Iterator<Item = &Seat<'s>> {
        let follows = move |seat: &&Seat<'_>| seat.node.master.as_deref() == Some(master);
        self.seats.values().filter(follows).filter(|seat| seat.failing_for.is_empty())
    }

    /// Gives the masters that serve slots.
    pub(super) fn serving(&self) -> impl Iterator<Item = &Seat<'s>> {
        self.seats.values().filter(|seat| seat.node.master.is_none() && seat.node.slots > 0)
    }

    /// Names the pods whose nodes say that the cluster does not serve.
    pub(super) fn down_for(&self) -> Vec<&'s str> {
        let down = |subject: &&Subject<'_>| {
            let is_in = subject.nodes().is_some_and(|nodes| !nodes.is_alone());
            is_in && subject.state().is_some_and(|state| !state.is_ok)
        };
        self.subjects.iter().filter(down).map(Subject::name).collect()
    }

    /// Names the pods whose nodes have slots on their way to or from them.
    pub(super) fn moving(&self) -> Vec<&'s str> {
        let moves = |subject: &&Subject<'_>| subject.node().is_some_and(|node| node.open_slots > 0);
        self.subjects.iter().filter(moves).map(Subject::name).collect()
    }

    /// Counts the slots that somebody serves, as the node sees it that misses most of them, and names its pod.
    pub(super) fn served(&self) -> Option<(u32, &'s str)> {
        let is_in = |subject: &&Subject<'_>| subject.nodes().is_some_and(|nodes| !nodes.is_alone());
        let served = self.subjects.iter().filter(is_in).filter_map(|one| Some((one.state()?.slots_served, one.name())));
        served.min_by_key(|(slots, _)| *slots)
    }
}

/// Puts the answers together.
pub(super) fn topology(workload: &Workload, subjects: &[Subject<'_>]) -> Topology {
    let view = View::of(subjects);
    Topology {
        members: subjects.iter().map(|subject| member(subject, subjects, &view)).collect(),
        cluster: summary(&view),
        strangers: strangers(&view),
        objections: subjects.iter().flat_map(|subject| objections::of_node(subject, &view)).collect(),
        findings: findings::of_cluster(workload, subjects, &view),
        ..Topology::unknown([], "")
    }
}

fn member(subject: &Subject<'_>, subjects: &[Subject<'_>], view: &View<'_>) -> Member {
    let seat = view.of_pod(subject);
    let server = match &subject.server {
        Ok(server) => server,
        Err(why) => {
            let share = seat.and_then(|seat| share(seat, subject, view));
            return Member { share, ..Member::unknown(subject.pod.name(), why) };
        }
    };
    let (role, shown_as, nodes) = match &server.nodes {
        Known::Unknown(why) => (Known::unknown(why), None, None),
        Known::Value(nodes) if nodes.is_alone() => (Known::Value(Role::Detached), Some("alone"), Some(nodes)),
        Known::Value(nodes) if nodes.own.master.is_some() => (Known::Value(Role::Replica), None, Some(nodes)),
        Known::Value(nodes) => (Known::Value(Role::Peer), Some("master"), Some(nodes)),
    };
    let id = nodes.and_then(|nodes| nodes.own.master.as_deref());
    let followed = subjects.iter().find(|other| id.is_some() && other.node().map(|node| node.id.as_str()) == id);
    let master = followed.and_then(Subject::server).ok_or_else(|| "its master did not answer".to_owned());
    Member {
        name: nodes.map(|nodes| nodes.own.id.clone()),
        role,
        shown_as: shown_as.map(str::to_owned),
        share: seat.and_then(|seat| share(seat, subject, view)),
        ..described(subject, server, subjects, &master)
    }
}

/// Says what a node holds: "5461 slots, 1200 keys", or "copy of rc-0".
fn share(seat: &Seat<'_>, subject: &Subject<'_>, view: &View<'_>) -> Option<String> {
    if let Some(master) = &seat.node.master {
        return view.seats.get(master.as_str()).map(|master| format!("copy of {}", view.called(master)));
    }
    let keys = subject.server().and_then(|server| server.keys.value().copied());
    let keys = keys.map(|keys| format!(", {}", count(usize::try_from(keys).unwrap_or(usize::MAX), "key")));
    Some(format!("{}{}", slots(seat.node.slots), keys.unwrap_or_default()))
}

/// Says how many slots.
pub(super) fn slots(number: u32) -> String {
    if number == 0 { "no slots".to_owned() } else { count(number as usize, "slot") }
}

/// Says how the cluster is: "cluster ok, 3 masters and 3 replicas, all slots served".
fn summary(view: &View<'_>) -> Option<String> {
    if view.seats.is_empty() {
        return None;
    }
    let down = view.down_for();
    let state = if down.is_empty() { "cluster ok".to_owned() } else { format!("cluster down for {}", few(&down)) };
    let masters = view.seats.values().filter(|seat| seat.node.master.is_none()).count();
    let replicas = view.seats.len() - masters;
    let mut parts = vec![state, format!("{} and {}", count(masters, "master"), count(replicas, "replica"))];
    parts.extend(view.served().map(|served| match served {
        (SLOTS, _) => "all slots served".to_owned(),
        (some, _) => format!("{some} of {SLOTS} slots served"),
    }));
    let elsewhere = view.seats.values().filter(|seat| seat.pod.is_none() && seat.failing_for.is_empty()).count();
    parts.extend((elsewhere > 0).then(|| format!("{} of other sets", count(elsewhere, "node"))));
    Some(parts.join(", "))
}

/// Names the nodes that no pod of the set stands for and that fail: what is well belongs to another set.
fn strangers(view: &View<'_>) -> Vec<String> {
    let dead = view.seats.values().filter(|seat| seat.pod.is_none() && !seat.failing_for.is_empty());
    let named = dead.map(|seat| format!("{} (node {})", view.called(seat), short(&seat.node.id)));
    named.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Cuts a node's name to what tells nodes apart.
pub(super) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

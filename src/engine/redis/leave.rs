//! How a node leaves a Redis Cluster: it serves no slots, every other node forgets it, and it forgets them.

use super::cluster::{View, slots};
use super::nodes::{Node, Nodes};
use super::probe::run;
use super::topology::Subject;
use crate::engine::phrase::{count, few};
use crate::engine::{Asked, Leaving, Removal};
use crate::model::Known;
use crate::plan::{Check, Effect, EngineCheck, Limit, Objection, Pin, Step, Trace, Undo, Verdict, Weight, When};

/// Every other node is told, one after the other; a node that was forgotten is known again only after a minute.
const LEAVE_LIMIT: Limit = Limit::seconds(180);

/// With fewer masters there is no majority left when one of them fails.
const LEAST_MASTERS: usize = 3;

/// Has every node forget the one in whose pod it runs.
const LEAVE: &str = concat!(include_str!("../given.sh"), include_str!("client.sh"), include_str!("leave.sh"));

/// Takes a node back that has left.
const REJOIN: &str = concat!(include_str!("../given.sh"), include_str!("client.sh"), include_str!("rejoin.sh"));

/// Says what has to happen when a node leaves.
pub(super) fn removal(asked: &Asked<'_>, leaving: &Leaving<'_>, subjects: &[Subject<'_>]) -> Removal {
    let view = View::of(subjects);
    let subject = subjects.iter().find(|subject| subject.name() == leaving.name.0);
    let nodes = subject.and_then(|subject| Some((subject, subject.nodes()?)));
    let Some((subject, nodes)) = nodes else {
        let why = "what the node sees of its cluster is not known";
        let unknown = Objection::new("cluster", Weight::Unknown, why, "a node leaves only a cluster that is known");
        return Removal { objections: vec![unknown], ..Removal::default() };
    };
    if nodes.is_alone() {
        return Removal { settled: vec![is_left(subject, &nodes.own)], ..Removal::default() };
    }
    let mut objections = needed(asked, leaving);
    objections.extend(serves(subject, &nodes.own, &view));
    objections.extend(few_masters(&nodes.own, &view));
    let followers: Vec<String> = view.replicas(&nodes.own.id).map(|seat| view.called(seat)).collect();
    if !followers.is_empty() {
        let measured = format!("{} follows {}", few(&followers), subject.name());
        let cascade = Objection::new("cascade", Weight::No, measured, "nobody may follow a member that leaves");
        objections.push(cascade.way_out("let it follow another master first (`CLUSTER REPLICATE`)"));
    }
    let before = step(leaving, subject, &nodes.own);
    Removal { objections, before: before.into_iter().collect(), empties: true, ..Removal::default() }
}

/// What speaks against taking the node down speaks against its leaving, too; of its slots more is to be said.
fn needed(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Vec<Objection> {
    let own = asked.topology.objections.iter().filter(|one| one.pod == leaving.name && one.code != "primary");
    own.map(|objection| {
        let (weight, measured) = match &objection.why {
            Known::Value(why) => (Weight::Passing, why),
            Known::Unknown(why) => (Weight::Unknown, why),
        };
        let limit = "a node leaves a cluster that is whole, and whose masters keep a replica each";
        match objection.code {
            "lastCopy" => Objection::new(objection.code, Weight::No, measured, limit).allow("no-replica"),
            "slotsMoving" => Objection::new(objection.code, weight, measured, limit)
                .way_out("wait for it, or end what was interrupted: `redis-cli --cluster fix HOST:PORT`"),
            code => Objection::new(code, weight, measured, limit),
        }
    })
    .collect()
}

/// A master that serves slots stays until they are elsewhere.
fn serves(subject: &Subject<'_>, own: &Node, view: &View<'_>) -> Option<Objection> {
    if own.master.is_some() || own.slots == 0 {
        return None;
    }
    let keys = match subject.server().map(|server| &server.keys) {
        Some(Known::Value(keys)) => count(usize::try_from(*keys).unwrap_or(usize::MAX), "key"),
        Some(Known::Unknown(_)) | None => "an unknown number of keys".to_owned(),
    };
    let measured = format!("{} is the master of {} with {keys}", subject.name(), slots(own.slots));
    let taker = view.serving().find(|seat| seat.node.id != own.id);
    let to = taker.map_or("ID", |seat| seat.node.id.as_str());
    let way_out = format!(
        "move them first: `redis-cli --cluster reshard 127.0.0.1:{} --cluster-from {} --cluster-to {to} \
         --cluster-slots {}` inside {}",
        own.port,
        own.id,
        own.slots,
        subject.name()
    );
    Some(Objection::new("slots", Weight::No, measured, "a master leaves when it serves no slots").way_out(way_out))
}

/// A master that leaves must leave enough of them to see a failure and to agree on it.
fn few_masters(own: &Node, view: &View<'_>) -> Option<Objection> {
    let left = view.serving().filter(|seat| seat.node.id != own.id).count();
    (own.master.is_none() && left < LEAST_MASTERS).then(|| {
        let measured = format!("{} with slots would be left", count(left, "master"));
        let limit = format!("{LEAST_MASTERS} masters: fewer cannot agree on a failure");
        Objection::new("masters", Weight::No, measured, limit).allow("few-masters")
    })
}

/// Makes the step that takes the node out. It keeps its name, and nothing else, neither in memory nor on its volume: so it
/// can be taken back in.
fn step(leaving: &Leaving<'_>, subject: &Subject<'_>, own: &Node) -> Option<Step> {
    let (place, container) = leaving.anywhere()?;
    let name = subject.name();
    let master = own.master.as_deref().unwrap_or_default();
    let host = format!("{name}.{}", leaving.workload.service);
    let joined = Check::Engine(EngineCheck::new(
        "joined",
        &[("pod", name), ("id", &own.id), ("master", master)],
        format!("{name} back in the cluster"),
    ));
    let back = Effect::Command {
        words: format!("take {name} back into the cluster (CLUSTER MEET, REPLICATE), from {}", place.name),
        pod: place,
        container,
        argv: run(REJOIN, &["server", &host, &own.id, master]),
    };
    let left = is_left(subject, own);
    Some(Step {
        when: When::Always,
        requires: vec![Check::MayLeave { pod: subject.pod.name() }],
        effect: Effect::Command {
            pod: Pin::of(&subject.pod.meta),
            container: leaving.container.clone()?,
            words: format!("have every node forget {name}, and empty it (CLUSTER FORGET, RESET, FLUSHALL)"),
            argv: run(LEAVE, &["server", &own.id]),
        },
        trace: Trace::Seen(left.clone()),
        ensures: vec![left],
        undo: Undo::by(back, Trace::Seen(joined.clone()), vec![joined]),
        limit: LEAVE_LIMIT,
    })
}

/// Makes the check that a node is gone from the cluster.
fn is_left(subject: &Subject<'_>, own: &Node) -> Check {
    let words = format!("{} unknown to every other node", subject.name());
    Check::Engine(EngineCheck::new("left", &[("pod", subject.name()), ("id", &own.id)], words))
}

/// Judges whether nobody knows a node any more.
pub(super) fn left(check: &EngineCheck, subjects: &[Subject<'_>]) -> Verdict {
    let (name, id) = (check.name("pod"), check.name("id"));
    let others = subjects.iter().filter(|subject| subject.name() != name);
    let others = others.fold(Verdict::Holds, |sum, subject| {
        sum.and(match subject.nodes() {
            None => Verdict::not_yet(format!("{} does not say whom it knows", subject.name())),
            Some(nodes) if nodes.node(id).is_some() => {
                Verdict::not_yet(format!("{} still knows {name}", subject.name()))
            }
            Some(_) => Verdict::Holds,
        })
    });
    // It may be gone already; while it is there, it has to have forgotten the others as well.
    let own = subjects.iter().find(|subject| subject.name() == name).and_then(Subject::nodes);
    let alone = own.is_none_or(Nodes::is_alone);
    others.and(if alone { Verdict::Holds } else { Verdict::not_yet(format!("{name} still knows others")) })
}

/// Judges whether a node is back: known to all, and fed.
pub(super) fn joined(check: &EngineCheck, subjects: &[Subject<'_>]) -> Verdict {
    let (name, id, master) = (check.name("pod"), check.name("id"), check.name("master"));
    let Some(subject) = subjects.iter().find(|subject| subject.name() == name) else {
        return Verdict::not_yet(format!("{name} is not there"));
    };
    let known = subjects.iter().fold(Verdict::Holds, |sum, subject| {
        sum.and(match subject.nodes().map(|nodes| nodes.node(id)) {
            Some(Some(node)) if !node.fails => Verdict::Holds,
            Some(_) => Verdict::not_yet(format!("{} does not know {name} yet", subject.name())),
            None => Verdict::not_yet(format!("{} does not say whom it knows", subject.name())),
        })
    });
    let upstream = subject.server().and_then(|server| server.upstream.as_ref());
    let fed = master.is_empty() || upstream.is_some_and(|upstream| upstream.is_up);
    known.and(if fed { Verdict::Holds } else { Verdict::not_yet(format!("{name} receives nothing yet")) })
}

//! The step where a replica of a Redis Cluster takes over from the master of its slots.

use super::Cast;
use super::check::{follows, leads};
use super::fitness::{no, passing};
use crate::engine::phrase::few;
use crate::engine::redis::cluster::{View, slots};
use crate::engine::redis::probe::run;
use crate::engine::{Place, Promotion};
use crate::plan::{Limit, Objection, Step, Trace, Undo, When};

/// How long it may take until everybody has heard of it.
const LIMIT: Limit = Limit::seconds(120);

const TAKE_OVER: &str =
    concat!(include_str!("../../given.sh"), include_str!("../client.sh"), include_str!("take-over.sh"));

/// Says what has to happen.
pub(super) fn promotion(cast: &Cast<'_>) -> Promotion {
    let view = View::of(&cast.subjects);
    let objections = objections(cast, &view);
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let served =
        cast.subject(from).and_then(|subject| subject.node()).map(|node| slots(node.slots)).unwrap_or_default();
    let take = |place: &Place| {
        let words = format!("let {} take over from its master (CLUSTER FAILOVER)", place.pod.name);
        place.command(words, run(TAKE_OVER, &["server"]))
    };
    let undo = Undo::by(take(from), Trace::Seen(leads(from)), vec![leads(from), follows(to, from)]);
    let lead = Step {
        when: When::Always,
        requires: Vec::new(),
        effect: take(to),
        trace: Trace::Seen(leads(to)),
        ensures: std::iter::once(leads(to)).chain(others(cast).map(|place| follows(place, to))).collect(),
        undo,
        limit: LIMIT,
    };
    Promotion {
        manner: format!("no write is lost; writes to {served} wait until {} has everything", to.pod.name),
        notes: vec!["clients of the cluster are told by its nodes where the slots are now".to_owned()],
        lead: vec![lead],
        leads_clients: true,
        ..Promotion::default()
    }
}

/// Gives those who follow the new master: the old one, and its other replicas.
fn others<'c>(cast: &'c Cast<'_>) -> impl Iterator<Item = &'c Place> {
    let id = cast.subject(cast.from).and_then(|subject| subject.node()).map(|node| node.id.clone());
    let follows = move |place: &&Place| {
        let node = cast.subject(place).and_then(|subject| subject.node());
        node.is_some_and(|node| node.master.is_some() && node.master == id)
    };
    std::iter::once(cast.from).chain(cast.siblings.iter().map(|(place, _)| *place).filter(follows))
}

fn objections(cast: &Cast<'_>, view: &View<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let down = view.down_for();
    if !down.is_empty() {
        let measured = format!("the cluster does not serve, as {} sees it", few(&down));
        found.push(passing("clusterDown", measured, "most masters must agree on the new one"));
    }
    let failing: Vec<String> =
        view.seats.values().filter(|seat| !seat.failing_for.is_empty()).map(|seat| view.called(seat)).collect();
    if !failing.is_empty() {
        found.push(passing("nodeFails", format!("{} fails", few(&failing)), "nobody fails while a role moves"));
    }
    let moving = view.moving();
    if !moving.is_empty() {
        let measured = format!("slots are being moved to or from {}", few(&moving));
        found.push(passing("slotsMoving", measured, "slots stay where they are while a role moves"));
    }
    let name = &cast.promoting.candidate.pod.name;
    match &cast.candidate.upstream {
        None => found.push(no("noReplica", format!("{name} is a master"), "only a replica can take over")),
        Some(upstream) if !upstream.is_up || upstream.copies => {
            let state = if upstream.copies { "copies from its master" } else { "has no link to its master" };
            found.push(passing("notReplicating", format!("{name} {state}"), "only who receives gets everything"));
        }
        Some(_) => {}
    }
    found
}

//! The step where a replica of a Redis Cluster takes over from a master that does not answer, and that the cluster has not
//! replaced by itself: its replicas may not, or are too far behind.
//!
//! Most masters vote for it. The old one learns from them that its slots are served by another, and follows that: so its pod is
//! ended only once another one leads, and may run again at once.

use super::check::{follows, follows_by_name};
use super::failover::Survivors;
use super::fitness::{no, passing};
use crate::engine::phrase::few;
use crate::engine::redis::cluster::{Seat, View};
use crate::engine::redis::probe::run;
use crate::engine::redis::server::Server;
use crate::engine::redis::topology::Subject;
use crate::engine::{Place, Promotion};
use crate::plan::{Limit, Objection, Step};

/// How long it may take until everybody has heard of it.
const LIMIT: Limit = Limit::seconds(120);

const TAKE_OVER: &str =
    concat!(include_str!("../../given.sh"), include_str!("../client.sh"), include_str!("take-over.sh"));

/// What people can do where most masters are gone.
pub(super) const TAKEOVER: &str = "bring others back first; only a person who has seen that they are off can say `CLUSTER FAILOVER TAKEOVER` at a replica: nobody votes then";

/// Says what has to happen.
pub(super) fn promotion(survivors: &Survivors<'_>) -> Promotion {
    let view = View::of(&survivors.subjects);
    let objections = objections(survivors, &view);
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    let (to, from) = (&survivors.promoting.candidate, survivors.lost.pod.as_str());
    let words = format!("let {} take over from its master (CLUSTER FAILOVER FORCE)", to.pod.name);
    let lead = survivors.lead(to.command(words, run(TAKE_OVER, &["server", "FORCE"])), LIMIT);
    let ensures = lead.ensures.into_iter().chain(beside(survivors).map(|(place, _)| follows(place, to))).collect();
    Promotion {
        notes: vec![
            "clients of the cluster are told by its nodes where the slots are now".to_owned(),
            format!("the cluster makes {from} a replica when it is back, and what only it has is gone then"),
        ],
        lead: vec![Step { ensures, ..lead }],
        leads_clients: true,
        returns: Some(follows_by_name(from, to)),
        ..survivors.given_up()
    }
}

/// Gives the other replicas of the same master.
fn beside<'s>(survivors: &'s Survivors<'_>) -> impl Iterator<Item = (&'s Place, &'s Server)> {
    let master = own(survivors).and_then(|own| own.node()?.master.clone());
    let same = move |place: &Place| {
        let node = survivors.subject(place).and_then(Subject::node);
        master.is_some() && node.is_some_and(|node| node.master == master)
    };
    survivors.siblings.iter().map(|(place, server)| (*place, server)).filter(move |(place, _)| same(place))
}

fn own<'s>(survivors: &'s Survivors<'_>) -> Option<&'s Subject<'s>> {
    survivors.subject(&survivors.promoting.candidate)
}

fn objections(survivors: &Survivors<'_>, view: &View<'_>) -> Vec<Objection> {
    let (name, from) = (&survivors.promoting.candidate.pod.name, survivors.lost.pod.as_str());
    let master = own(survivors).and_then(|own| own.node()?.master.as_deref());
    let Some(seat) = master.and_then(|master| view.seats.get(master)) else {
        return vec![no("noReplica", format!("{name} is a master"), "only a replica can take over")];
    };
    // A pod that is gone, or was made again, stands for no node.
    let is_lost = view.subject(seat).is_none_or(|subject| subject.name() == from);
    if !is_lost || seat.failing_for.is_empty() {
        let measured = format!("{name} is a replica of {}, which does not fail", view.called(seat));
        return vec![no(
            "otherMaster",
            measured,
            format!("a replica takes over from its own master, and {from} does not answer"),
        )];
    }
    let mut found = survivors.of_replica(&survivors.promoting.candidate, &survivors.candidate);
    found.extend(survivors.furthest(beside(survivors)));
    found.extend(majority(view));
    let moving = view.moving();
    if !moving.is_empty() {
        let measured = format!("slots are being moved to or from {}", few(&moving));
        found.push(passing("slotsMoving", measured, "slots stay where they are while a role moves"));
    }
    found
}

/// Most masters must be there to vote.
fn majority(view: &View<'_>) -> Option<Objection> {
    let votes = |seat: &&Seat<'_>| {
        seat.failing_for.is_empty() && view.subject(seat).is_none_or(|subject| subject.node().is_some())
    };
    let (all, there) = (view.serving().count(), view.serving().filter(votes).count());
    (there * 2 <= all).then(|| {
        no("majority", format!("{there} of {all} masters can vote"), "most masters must agree on a new one")
            .way_out(TAKEOVER)
    })
}

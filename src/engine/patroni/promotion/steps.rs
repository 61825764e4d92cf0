//! The steps of a switchover.

use super::Cast;
use super::check::check;
use super::failover::Left;
use crate::engine::Place;
use crate::engine::phrase::few;
use crate::plan::{Check, Effect, Limit, Reversal, Step, Trace, Undo, When};

/// How long a command may take that only tries.
const TRY_LIMIT: Limit = Limit::seconds(60);

/// How long Patroni may take: the server stops only when everything is archived.
const SWITCH_LIMIT: Limit = Limit::seconds(300);

/// How long a member may take to follow: it may have to be rewound, or copied anew.
const FOLLOW_LIMIT: Limit = Limit::seconds(180);

/// Makes a script of parts that are kept here.
macro_rules! script {
    ($($name:literal),+) => {
        concat!(include_str!("../../given.sh"), include_str!("../reach.sh"), $(include_str!($name)),+)
    };
}

fn argv(text: &str, arguments: &[&str]) -> Vec<String> {
    let words = ["sh", "-c", text, "kubectl-stateful"];
    words.iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

fn name(place: &Place) -> &str {
    &place.pod.name
}

fn leads(place: &Place) -> Check {
    check("leads", &[("pod", name(place))], format!("{} is the leader", name(place)))
}

fn streams(pod: &str, leader: &Place) -> Check {
    let about = [("pod", pod), ("leader", name(leader))];
    check("streams-from", &about, format!("{pod} streams from {}", name(leader)))
}

/// Patroni is seen to take orders, as long as nothing depends on it.
pub(super) fn rehearse(place: &Place) -> Step {
    let words = format!("see that Patroni of {} takes orders from inside its container", name(place));
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: place.command(words, argv(script!("order.sh", "rehearse.sh"), &[])),
        trace: Trace::Idempotent,
        ensures: Vec::new(),
        undo: Undo::Keep { why: "it only tries".to_owned() },
        limit: TRY_LIMIT,
    }
}

/// Patroni moves the role.
pub(super) fn switch(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let names = [cast.leader.as_str(), cast.candidate.as_str()];
    let order = serde_json::json!({ "leader": cast.leader, "candidate": cast.candidate }).to_string();
    let argv_of = argv(script!("order.sh", "leads.sh", "switch.sh"), &[names[0], names[1], &order]);
    let settled = Effect::Await {
        pod: from.pod.clone(),
        container: from.container.clone(),
        words: format!("see that {} goes on leading, and no switchover is on its way", name(from)),
        argv: argv(script!("leads.sh", "stay.sh"), &names),
    };
    let by = Reversal { effect: settled, trace: Trace::Idempotent, ensures: vec![leads(from)] };
    let why = format!("only a switchover back to {0}: `kubectl stateful promote --to {0}`", name(from));
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: from.command(format!("have Patroni move the leader from {} to {}", name(from), name(to)), argv_of),
        trace: Trace::Seen(leads(to)),
        ensures: vec![leads(to)],
        undo: Undo::Barrier { by: Box::new(by), why },
        limit: SWITCH_LIMIT,
    }
}

/// Everybody streams from the new leader.
pub(super) fn follow(cast: &Cast<'_>) -> Step {
    let to = &cast.promoting.candidate;
    let others = || std::iter::once(cast.from).chain(&cast.promoting.siblings);
    let words = format!("wait until everybody streams from {}", name(to));
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: to.wait(words, argv(script!("streams.sh"), &[&cast.candidate])),
        trace: Trace::Idempotent,
        ensures: others().map(|place| streams(name(place), to)).collect(),
        undo: Undo::Keep { why: "they follow whoever leads".to_owned() },
        limit: FOLLOW_LIMIT,
    }
}

/// Patroni makes a standby the leader, without one that hands over.
pub(super) fn take_over(left: &Left<'_>) -> Step {
    let (from, to) = (left.lost.pod.as_str(), &left.promoting.candidate);
    let order = serde_json::json!({ "candidate": left.candidate }).to_string();
    let argv = argv(script!("order.sh", "leads.sh", "fail-over.sh"), &[&left.candidate, &order]);
    let lapsed = Effect::Await {
        pod: to.pod.clone(),
        container: to.container.clone(),
        words: format!("see that {} stays a replica, and no failover is on its way", name(to)),
        argv: self::argv(script!("leads.sh", "lapse.sh"), &[&left.candidate]),
    };
    let by = Reversal { effect: lapsed, trace: Trace::Idempotent, ensures: Vec::new() };
    let why = format!("what only {from} had is given up; {from} is no leader any more");
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: to.command(format!("have Patroni make {} the leader", name(to)), argv),
        trace: Trace::Seen(leads(to)),
        ensures: vec![leads(to)],
        undo: Undo::Barrier { by: Box::new(by), why },
        limit: SWITCH_LIMIT,
    }
}

/// Everybody who can streams from the new leader.
pub(super) fn follow_without(left: &Left<'_>) -> Step {
    let to = &left.promoting.candidate;
    let lost = if left.comes_back() { "" } else { left.lost.pod.as_str() };
    let followers = left.followers();
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: to.wait(
            format!("wait until {} streams from {}", few(&followers), name(to)),
            argv(script!("streams.sh"), &[&left.candidate, lost]),
        ),
        trace: Trace::Idempotent,
        ensures: followers.iter().map(|pod| streams(pod, to)).collect(),
        undo: Undo::Keep { why: "they follow whoever leads".to_owned() },
        limit: FOLLOW_LIMIT,
    }
}

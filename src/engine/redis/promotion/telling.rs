//! The steps where a sentinel is told to replace a master that does not answer, and that sentinels have not replaced by
//! themselves: too few of them agreed.
//!
//! A sentinel that is told asks nobody. It makes a replica of the old master as soon as that answers: so the old master's pod
//! is ended only once another one leads, and may run again at once.

use super::check::{follows, follows_by_name, preferred_by, watched_by};
use super::failover::Survivors;
use super::fitness::{no, passing};
use super::handing::step;
use super::replacing::{FIRST, LIMIT, first};
use crate::engine::redis::probe::run;
use crate::engine::redis::recognise;
use crate::engine::redis::topology::{Subject, is_at};
use crate::engine::{Place, Promotion};
use crate::plan::{Effect, Objection, Pin, Process, Step, Trace, Undo, Weight};

/// Orders a sentinel to replace its master.
const ORDER: &str = concat!(include_str!("../../given.sh"), include_str!("../client.sh"), include_str!("order.sh"));

/// A sentinel that watches the old master, and knows the candidate.
struct Teller<'s> {
    subject: &'s Subject<'s>,
    process: Process,
}

/// Says what has to happen.
pub(super) fn promotion(survivors: &Survivors<'_>) -> Promotion {
    let to = &survivors.promoting.candidate;
    let mut objections = survivors.objections();
    objections.extend(under_way(survivors));
    let siblings = survivors.siblings.iter().map(|(place, server)| (*place, server));
    objections.extend(first(&to.pod.name, &survivors.candidate, siblings));
    let (Some(teller), Some(priority)) = (teller(survivors), survivors.candidate.priority) else {
        let measured = format!("no sentinel that answers watches {} and knows {}", survivors.lost.pod, to.pod.name);
        let limit = "a sentinel replaces the master, and the others learn of it from that one";
        objections.push(Objection::new("sentinel", Weight::Unknown, measured, limit).way_out("bring one back first"));
        return Promotion { objections, ..Promotion::default() };
    };
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    let name = teller.subject.name();
    Promotion {
        notes: vec![
            "clients that ask sentinels are told where the master is by them".to_owned(),
            format!(
                "sentinels make {} a replica when it is back, and what only it has is gone then; too few of them agreed to do \
                 all this by themselves: see which of them are missing, and the quorum",
                survivors.lost.pod
            ),
        ],
        before: vec![prefer(to, priority, name)],
        lead: vec![order(survivors, &teller)],
        after: vec![restore(survivors, priority, name)],
        returns: Some(follows_by_name(survivors.lost.pod.as_str(), to)),
        ..survivors.given_up()
    }
}

/// Says which sentinels are at it already, or have another master.
fn under_way(survivors: &Survivors<'_>) -> Vec<Objection> {
    let from = survivors.lost.pod.as_str();
    let mut found = Vec::new();
    for subject in &survivors.subjects {
        let name = subject.name();
        for watched in subject.sentinel.iter().flatten().flatten() {
            if watched.fails_over {
                let measured = format!("the sentinel of {name} replaces the master of {} already", watched.name);
                found.push(passing("failover", measured, "one hand-over at a time"));
            }
            if !is_at(from, survivors.ip, &watched.master.host) {
                let measured = format!("the sentinel of {name} takes {} for the master", watched.master.host);
                found.push(no("sentinel", measured, format!("it replaces its own master, not {from}")));
            }
        }
    }
    found
}

/// Finds a sentinel that can be told: not beside the old master, if there is another one.
fn teller<'s>(survivors: &'s Survivors<'_>) -> Option<Teller<'s>> {
    let mut all: Vec<&Subject<'_>> = survivors.subjects.iter().collect();
    all.sort_by_key(|subject| subject.name() == survivors.lost.pod.as_str());
    let candidate = all.iter().find(|subject| subject.name() == survivors.promoting.candidate.pod.name)?;
    all.iter().find_map(|subject| {
        let [watched] = subject.sentinel.as_ref()?.as_ref().ok()?.as_slice() else { return None };
        watched.replicas.iter().find(|replica| candidate.is_at(&replica.host))?;
        let argv = run(ORDER, &["sentinel", &watched.name]);
        let process = Process { pod: Pin::of(&subject.pod.meta), container: recognise::sentinel(subject.pod)?, argv };
        Some(Teller { subject, process })
    })
}

fn set_priority(to: &Place, words: String, value: &str) -> Effect {
    to.command(words, run(script!("prefer.sh"), &["server", value]))
}

/// The sentinel is made to choose the candidate.
fn prefer(to: &Place, priority: u32, teller: &str) -> Step {
    let name = &to.pod.name;
    let words = format!("have the sentinel of {teller} choose {name} first (replica-priority {FIRST})");
    let back = set_priority(to, format!("give {name} its replica-priority {priority} back"), &priority.to_string());
    let undo = Undo::by(back, Trace::Idempotent, Vec::new());
    step(set_priority(to, words, FIRST), Trace::Idempotent, vec![preferred_by(to, FIRST, teller)], undo, LIMIT)
}

/// The sentinel replaces the master.
fn order(survivors: &Survivors<'_>, teller: &Teller<'_>) -> Step {
    let to = &survivors.promoting.candidate;
    let words =
        format!("let the sentinel of {} make {} the master (SENTINEL FAILOVER)", teller.subject.name(), to.pod.name);
    let Process { pod, container, argv } = teller.process.clone();
    let effect = Effect::Command { pod, container, words, argv };
    survivors.lead(effect, LIMIT)
}

/// The new master is what it was to sentinels, and the one that was told, and everybody else, agree on it.
fn restore(survivors: &Survivors<'_>, priority: u32, teller: &str) -> Step {
    let to = &survivors.promoting.candidate;
    let words = format!("give {} its replica-priority {priority} back", to.pod.name);
    let others = survivors.siblings.iter().map(|(place, _)| follows(place, to));
    step(
        set_priority(to, words, &priority.to_string()),
        Trace::Idempotent,
        std::iter::once(watched_by(to, teller)).chain(others).collect(),
        Undo::Keep { why: "it is as before".to_owned() },
        LIMIT,
    )
}

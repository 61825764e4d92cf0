//! The steps where the master itself hands over.

use super::check::{follows, leads};
use super::{Cast, fitness};
use crate::engine::redis::probe::run;
use crate::engine::{Place, Promotion};
use crate::plan::{Check, Effect, Limit, Reversal, Step, Trace, Undo, When};

/// How long a command may take.
pub(super) const COMMAND_LIMIT: Limit = Limit::seconds(60);

/// How long a member may take to follow: it may need a whole copy.
pub(super) const FOLLOW_LIMIT: Limit = Limit::seconds(180);

/// How long writes may wait for the candidate, in milliseconds, before all is as it was.
const HAND_OVER_MS: &str = "20000";

fn name(place: &Place) -> &str {
    &place.pod.name
}

pub(super) fn step(effect: Effect, trace: Trace, ensures: Vec<Check>, undo: Undo, limit: Limit) -> Step {
    Step { when: When::Always, requires: Vec::new(), effect, trace, ensures, undo, limit }
}

/// Says what has to happen.
pub(super) fn promotion(cast: &Cast<'_>) -> Promotion {
    let mut objections = fitness::objections(cast);
    let way = fitness::row(cast).map(|row| (row.host.clone(), row.port.clone()));
    let host = cast.promoting.candidate.host.clone();
    let (Some(way), Some(host)) = (way, host) else {
        if objections.is_empty() {
            let measured = format!("{} has no name in the governing Service", name(&cast.promoting.candidate));
            objections.push(fitness::no("noName", measured, "the others must find it after a restart, too"));
        }
        return Promotion { objections, ..Promotion::default() };
    };
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let port = way.1.clone();
    Promotion {
        manner: format!(
            "no write is lost; writes wait until {} has everything, 20 s at the most, and mostly some milliseconds",
            name(to)
        ),
        notes: fitness::notes(cast),
        before: vec![rehearse(from, to, &host, &port), rewrite(to)],
        lead: vec![hand_over(from, to, &way)],
        after: after(cast, &host, &port),
        ..Promotion::default()
    }
}

/// The old master tries what it will connect with, as long as nothing depends on it.
pub(super) fn rehearse(from: &Place, to: &Place, host: &str, port: &str) -> Step {
    let words = format!("see that {} can connect to {} as its replica", name(from), name(to));
    let effect = from.command(words, run(script!("rehearse.sh"), &["server", host, port]));
    step(effect, Trace::Idempotent, Vec::new(), Undo::Keep { why: "it only tries".to_owned() }, COMMAND_LIMIT)
}

/// A member writes down what it is.
pub(super) fn rewrite(place: &Place) -> Step {
    let words = format!("see that {} can write down what it is (CONFIG REWRITE)", name(place));
    let effect = place.command(words, run(script!("rewrite.sh"), &["server"]));
    step(effect, Trace::Idempotent, Vec::new(), Undo::Keep { why: "it writes what is so".to_owned() }, COMMAND_LIMIT)
}

/// The master hands over.
fn hand_over(from: &Place, to: &Place, (host, port): &(String, String)) -> Step {
    let words = format!("let {} hand over to {} (FAILOVER)", name(from), name(to));
    let effect = from.command(words, run(script!("hand-over.sh"), &["server", host, port, HAND_OVER_MS]));
    let stay = Reversal {
        effect: from.wait(format!("leave {} the master", name(from)), run(script!("stay.sh"), &["server"])),
        trace: Trace::Idempotent,
        ensures: vec![leads(from)],
    };
    let why = format!("only a switchover back to {0}: `kubectl stateful promote --to {0}`", name(from));
    let undo = Undo::Barrier { by: Box::new(stay), why };
    step(effect, Trace::Seen(leads(to)), vec![leads(to)], undo, COMMAND_LIMIT)
}

/// Everybody follows the new master, which writes down that it is one.
fn after(cast: &Cast<'_>, host: &str, port: &str) -> Vec<Step> {
    let to = &cast.promoting.candidate;
    let words = format!("let {} write down that it is the master (CONFIG REWRITE)", name(to));
    let written = step(
        to.command(words, run(script!("rewrite.sh"), &["server"])),
        Trace::Idempotent,
        Vec::new(),
        Undo::Keep { why: "it writes what is so".to_owned() },
        COMMAND_LIMIT,
    );
    let others = std::iter::once(cast.from).chain(cast.siblings.iter().map(|(place, _)| *place));
    std::iter::once(written).chain(others.map(|place| follow(place, to, host, port))).collect()
}

/// A member follows the new master, and writes that down.
pub(super) fn follow(place: &Place, to: &Place, host: &str, port: &str) -> Step {
    let words = format!("let {} follow {}", name(place), name(to));
    step(
        place.command(words, run(script!("follow.sh"), &["server", host, port])),
        Trace::Idempotent,
        vec![follows(place, to)],
        Undo::Keep { why: "it follows whoever is the master".to_owned() },
        FOLLOW_LIMIT,
    )
}

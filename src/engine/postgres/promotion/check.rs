//! Whether what a switchover waits for has come.

use super::server;
use crate::engine::Asked;
use crate::engine::postgres::server::Server;
use crate::plan::{Check, EngineCheck, Verdict};

/// Makes a check of this engine.
pub(super) fn check(code: &str, about: &[(&str, &str)], words: String) -> Check {
    Check::Engine(EngineCheck::new(code, about, words))
}

/// Makes a check about slots.
pub(super) fn slots(code: &str, pod: &str, names: &[String]) -> Check {
    let verb = if code == "slots-there" { "on" } else { "gone from" };
    let list = names.join(", ");
    check(code, &[("pod", pod), ("slots", &list)], format!("slots {list} {verb} {pod}"))
}

/// Judges a check of a switchover; `None` for a check of something else.
pub(in crate::engine::postgres) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Option<Verdict> {
    let judge: fn(&EngineCheck, &Server, &Asked<'_>) -> Verdict = match check.code.as_str() {
        "slots-there" => |check, server, _| slots_are(check, server, true),
        "slots-gone" => |check, server, _| slots_are(check, server, false),
        "primary" => |check, server, _| is_in(check, server, false),
        "in-recovery" => |check, server, _| is_in(check, server, true),
        "standby-back" => standby_back,
        "hands-over" => hands_over,
        "received" => super::failover::received,
        "follows" => follows,
        "settled" => return Some(settled(check, asked)),
        _ => return None,
    };
    Some(with(asked, check.name("pod"), |server| judge(check, server, asked)))
}

/// Judges what a server says of itself; one that says nothing is waited for.
fn with(asked: &Asked<'_>, pod: &str, judge: impl FnOnce(&Server) -> Verdict) -> Verdict {
    match server(asked, pod) {
        Ok(server) => judge(&server),
        Err(why) => Verdict::not_yet(format!("{pod} does not answer ({why})")),
    }
}

fn slots_are(check: &EngineCheck, server: &Server, there: bool) -> Verdict {
    let pod = check.name("pod");
    let has = |name: &str| server.slots.iter().any(|slot| slot.slot_name == name);
    match check.name("slots").split(", ").find(|name| has(name) != there) {
        None => Verdict::Holds,
        Some(name) if there => Verdict::not_yet(format!("slot {name} is not on {pod}")),
        Some(name) => Verdict::not_yet(format!("slot {name} is still on {pod}")),
    }
}

fn is_in(check: &EngineCheck, server: &Server, recovery: bool) -> Verdict {
    let pod = check.name("pod");
    match server.in_recovery {
        found if found == recovery => Verdict::Holds,
        true => Verdict::not_yet(format!("{pod} is a standby")),
        false => Verdict::not_yet(format!("{pod} is the primary")),
    }
}

/// The old primary is a standby, and the candidate has all of its log.
fn standby_back(check: &EngineCheck, old: &Server, asked: &Asked<'_>) -> Verdict {
    let (pod, candidate) = (check.name("pod"), check.name("candidate"));
    if !old.in_recovery {
        let same = old.started.map(|started| started.to_string()).as_deref() == Some(check.name("started"));
        return if same {
            Verdict::not_yet(format!("{pod} is stopping"))
        } else {
            Verdict::broken(format!(
                "{pod} came back taking writes: its start-up removes standby.signal; it serves again"
            ))
        };
    }
    with(asked, candidate, |new| {
        let places = (old.checkpoint.as_ref().and_then(|checkpoint| checkpoint.lsn), old.has(), new.has());
        match places {
            (Some(end), Some(old_has), Some(new_has)) if new_has > end && new_has >= old_has => Verdict::Holds,
            (Some(_), Some(old_has), Some(new_has)) => Verdict::not_yet(format!(
                "{candidate} has the log up to {new_has}, {pod} up to {old_has}: it is catching up"
            )),
            _ => Verdict::not_yet("no place in the log reported"),
        }
    })
}

/// Right before the stop: the primary is one still, and the candidate is connected to it.
fn hands_over(check: &EngineCheck, old: &Server, asked: &Asked<'_>) -> Verdict {
    let (pod, candidate) = (check.name("pod"), check.name("candidate"));
    with(asked, candidate, |new| {
        if old.in_recovery && new.in_recovery {
            return Verdict::broken(format!(
                "{pod} is a standby already: `undo` makes it the primary again, then promote {candidate} anew"
            ));
        }
        let streams = new.wal_receiver.as_ref().and_then(|receiver| receiver.status.as_deref()) == Some("streaming");
        if !new.in_recovery {
            Verdict::broken(format!("{candidate} takes writes already"))
        } else if streams && new.timeline() == old.timeline() {
            Verdict::Holds
        } else {
            Verdict::not_yet(format!("{candidate} does not stream from {pod}"))
        }
    })
}

/// A standby streams on the timeline of the new primary, and has what it had a moment ago.
fn follows(check: &EngineCheck, own: &Server, asked: &Asked<'_>) -> Verdict {
    let (pod, primary) = (check.name("pod"), check.name("primary"));
    if !own.in_recovery {
        return Verdict::broken(format!("{pod} takes writes: there are two primaries"));
    }
    with(asked, primary, |leader| {
        let streams = own.wal_receiver.as_ref().and_then(|receiver| receiver.status.as_deref()) == Some("streaming");
        let listed =
            leader.standbys.iter().any(|row| row.state.as_deref() == Some("streaming") && is_of(row, pod, asked));
        if streams && listed && own.timeline() == leader.timeline() {
            Verdict::Holds
        } else {
            Verdict::not_yet(format!("{pod} does not stream from {primary} yet"))
        }
    })
}

/// Tells whether a walsender serves a pod.
fn is_of(row: &super::super::server::Standby, pod: &str, asked: &Asked<'_>) -> bool {
    let address = asked.pods.iter().find(|one| one.meta.name == pod).and_then(|pod| pod.ip.as_deref());
    let name = row.application_name.as_deref().unwrap_or_default();
    name == pod || name == pod.replace('-', "_") || (row.client_addr.is_some() && row.client_addr.as_deref() == address)
}

/// The end: one primary, and everybody else streams from it.
fn settled(check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
    let primary = check.name("primary");
    let verdicts = asked.pods.iter().filter(|pod| pod.meta.name != primary).map(|pod| {
        let about = EngineCheck::new("follows", &[("pod", &pod.meta.name), ("primary", primary)], "");
        with(asked, &pod.meta.name, |own| follows(&about, own, asked))
    });
    let leads = with(asked, primary, |leader| {
        if leader.in_recovery { Verdict::broken(format!("{primary} is a standby")) } else { Verdict::Holds }
    });
    verdicts.fold(leads, Verdict::and)
}

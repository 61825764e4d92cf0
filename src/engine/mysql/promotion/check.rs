//! Whether what a switchover waits for has come.

use crate::engine::Asked;
use crate::engine::mysql::history::History;
use crate::engine::mysql::server::Server;
use crate::engine::mysql::subject::{Subject, source};
use crate::engine::mysql::{group, subjects, topology};
use crate::model::Role;
use crate::plan::{Check, EngineCheck, Verdict};

/// Makes a check of this engine.
pub(super) fn check(code: &str, about: &[(&str, &str)], words: String) -> Check {
    Check::Engine(EngineCheck::new(code, about, words))
}

/// Judges a check of a switchover; `None` for a check of something else.
pub(in crate::engine::mysql) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Option<Verdict> {
    let judge: fn(&EngineCheck, &Server, &[Subject<'_>]) -> Verdict = match check.code.as_str() {
        "primary" => is_primary,
        "fenced" => is_fenced,
        "follows" => follows,
        "received" => received,
        "contained" => contained,
        "rejoined" => rejoined,
        _ => return None,
    };
    let subjects = subjects(asked.pods, asked.outputs);
    let pod = check.name("pod");
    let Some(subject) = subjects.iter().find(|one| one.name() == pod) else {
        return Some(Verdict::not_yet(format!("{pod} is not there")));
    };
    Some(match &subject.server {
        Ok(server) => judge(check, server, &subjects),
        Err(why) => Verdict::not_yet(format!("{pod} does not answer ({why})")),
    })
}

fn is_primary(check: &EngineCheck, server: &Server, subjects: &[Subject<'_>]) -> Verdict {
    let role = if server.is_of_group() { group::role(server) } else { topology::role(subjects, server) };
    match role {
        Role::Primary => Verdict::Holds,
        other @ (Role::Replica | Role::StandbyLeader | Role::Peer | Role::Detached) => {
            Verdict::not_yet(format!("{} is a {}", check.name("pod"), other.word()))
        }
    }
}

/// The old primary takes no writes. One that does again has been started anew, or somebody else is at work.
fn is_fenced(check: &EngineCheck, server: &Server, _subjects: &[Subject<'_>]) -> Verdict {
    if server.is_writable {
        return Verdict::broken(format!("{} takes writes again: take the switchover back", check.name("pod")));
    }
    Verdict::Holds
}

/// A replica receives from the new primary and applies it.
fn follows(check: &EngineCheck, server: &Server, subjects: &[Subject<'_>]) -> Verdict {
    let (pod, primary) = (check.name("pod"), check.name("primary"));
    if server.is_writable {
        return Verdict::broken(format!("{pod} takes writes beside {primary}"));
    }
    let from = |channel| source(subjects, channel).is_some_and(|source| source.name() == primary);
    match server.channels.iter().find(|channel| from(*channel)) {
        None => Verdict::not_yet(format!("{pod} does not follow {primary} yet")),
        Some(channel) if channel.is_receiving() && channel.is_applying() => Verdict::Holds,
        Some(channel) => Verdict::not_yet(format!("{pod} does not receive from {primary} yet ({})", channel.state())),
    }
}

/// What a given-up primary has and its successor has not; the reason where that is not known.
fn own_of(check: &EngineCheck, server: &Server, subjects: &[Subject<'_>]) -> Result<History, String> {
    let primary = check.name("primary");
    let subject = subjects.iter().find(|one| one.name() == primary);
    let successor = subject.ok_or_else(|| format!("{primary} is not there"))?;
    let successor = successor.server.as_ref().map_err(|why| format!("{primary} does not answer ({why})"))?;
    let unknown = || format!("what {} has and {primary} has not is not known", check.name("pod"));
    server.beyond(successor).ok_or_else(unknown)
}

/// A given-up primary may follow: it has nothing that its successor has not.
fn contained(check: &EngineCheck, server: &Server, subjects: &[Subject<'_>]) -> Verdict {
    match own_of(check, server, subjects) {
        Err(why) => Verdict::not_yet(why),
        Ok(rest) if rest.is_empty() => Verdict::Holds,
        Ok(rest) => {
            let (pod, primary) = (check.name("pod"), check.name("primary"));
            Verdict::broken(format!("{pod} has what {primary} has not, and has to be cloned anew: {rest}"))
        }
    }
}

/// A given-up primary follows, or is left taking no writes, for it has what its successor has not.
fn rejoined(check: &EngineCheck, server: &Server, subjects: &[Subject<'_>]) -> Verdict {
    match own_of(check, server, subjects) {
        Ok(rest) if !rest.is_empty() => is_fenced(check, server, subjects),
        Ok(_) | Err(_) => follows(check, server, subjects),
    }
}

/// Right before the candidate takes writes without a primary: nobody receives from that one any more, it has executed
/// everything, and nobody has more.
fn received(check: &EngineCheck, candidate: &Server, subjects: &[Subject<'_>]) -> Verdict {
    let (pod, from) = (check.name("pod"), check.name("from"));
    let Some(has) = candidate.history() else {
        return Verdict::not_yet(format!("what {pod} has executed is not known"));
    };
    for subject in subjects.iter().filter(|one| one.name() != from) {
        let name = subject.name();
        let server = match &subject.server {
            Ok(server) => server,
            Err(why) => return Verdict::not_yet(format!("{name} does not answer ({why})")),
        };
        let is_from = |channel| source(subjects, channel).is_some_and(|source| source.name() == from);
        if server.channels.iter().any(|channel| channel.is_receiving() && is_from(channel)) {
            return Verdict::not_yet(format!("{name} still receives from {from}"));
        }
        match server.known().and_then(|known| known.beyond(&has)) {
            None => return Verdict::not_yet(format!("what {name} has is not known")),
            Some(rest) if rest.is_empty() => {}
            Some(rest) if name == pod => return Verdict::not_yet(format!("{pod} has not executed {rest} yet")),
            Some(rest) => return Verdict::broken(format!("{name} has what {pod} has not: {rest}")),
        }
    }
    Verdict::Holds
}

//! Whether what a switchover waits for has come.

use crate::engine::redis::sentinel::Watched;
use crate::engine::redis::topology::{Subject, is_cluster};
use crate::engine::{Asked, Place};
use crate::plan::{Check, EngineCheck, Verdict};

/// Makes the check that a member is the master: the only one, or that of its slots.
pub(super) fn leads(place: &Place) -> Check {
    let pod = &place.pod.name;
    Check::Engine(EngineCheck::new("leads", &[("pod", pod)], format!("{pod} is the master")))
}

/// Makes the check that a member follows another one.
pub(super) fn follows(place: &Place, master: &Place) -> Check {
    follows_by_name(&place.pod.name, master)
}

/// Makes the check that a member follows another one, by its name: its pod may not be there yet.
pub(super) fn follows_by_name(pod: &str, master: &Place) -> Check {
    let master = master.pod.name.as_str();
    let words = format!("{pod} follows {master}");
    Check::Engine(EngineCheck::new("follows-master", &[("pod", pod), ("master", master)], words))
}

/// Makes the check that a replica has all that is left of a log that nobody writes any more.
pub(super) fn furthest(place: &Place, from: &str) -> Check {
    let pod = place.pod.name.as_str();
    let words = format!("nobody receiving from {from}, nobody further than {pod}");
    Check::Engine(EngineCheck::new("furthest", &[("pod", pod), ("from", from)], words))
}

/// Makes the check that every sentinel would choose a member before the others.
pub(super) fn preferred(place: &Place, priority: &str) -> Check {
    let pod = &place.pod.name;
    let words = format!("every sentinel knows {pod} as the first to choose");
    Check::Engine(EngineCheck::new("preferred", &[("pod", pod), ("priority", priority)], words))
}

/// Makes the check that one sentinel, that of a pod, would choose a member before the others.
pub(super) fn preferred_by(place: &Place, priority: &str, sentinel: &str) -> Check {
    let pod = place.pod.name.as_str();
    let words = format!("the sentinel of {sentinel} knows {pod} as the first to choose");
    let about = [("pod", pod), ("priority", priority), ("sentinel", sentinel)];
    Check::Engine(EngineCheck::new("preferred", &about, words))
}

/// Makes the check that one sentinel, that of a pod, has a member for the master, and replaces nobody.
pub(super) fn watched_by(place: &Place, sentinel: &str) -> Check {
    let pod = place.pod.name.as_str();
    let words = format!("the sentinel of {sentinel} has {pod} for the master");
    Check::Engine(EngineCheck::new("watched", &[("pod", pod), ("sentinel", sentinel)], words))
}

/// Makes the check that every sentinel has a member for the master, and replaces nobody.
pub(super) fn watched(place: &Place) -> Check {
    let pod = &place.pod.name;
    Check::Engine(EngineCheck::new("watched", &[("pod", pod)], format!("every sentinel has {pod} for the master")))
}

/// Judges a check of a switchover; `None` for a check of something else.
pub(in crate::engine::redis) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Option<Verdict> {
    let judge: fn(&EngineCheck, &Subject<'_>, &[Subject<'_>]) -> Verdict = match check.code.as_str() {
        "leads" => is_master,
        "follows-master" => is_behind,
        "furthest" => is_furthest,
        "preferred" => |check, subject, all| sentinels(check, all, |watched| is_preferred(check, subject, watched)),
        "watched" => |check, subject, all| sentinels(check, all, |watched| is_watched(subject, watched)),
        _ => return None,
    };
    let subjects = Subject::all(asked.pods, asked.outputs);
    let pod = check.name("pod");
    let Some(subject) = subjects.iter().find(|one| one.name() == pod) else {
        return Some(Verdict::not_yet(format!("{pod} is not there")));
    };
    Some(match &subject.server {
        Ok(_) => judge(check, subject, &subjects),
        Err(why) => Verdict::not_yet(format!("{pod} does not answer ({why})")),
    })
}

/// Judges what every sentinel says of its master, or the one that the check names.
fn sentinels(check: &EngineCheck, subjects: &[Subject<'_>], judge: impl Fn(&Watched) -> Result<(), String>) -> Verdict {
    let named = check.name("sentinel");
    let one = |subject: &Subject<'_>| {
        let of = |why: String| Verdict::not_yet(format!("the sentinel of {} {why}", subject.name()));
        match &subject.sentinel {
            None => Verdict::Holds,
            Some(Err(why)) => of(format!("does not answer ({why})")),
            Some(Ok(all)) if all.is_empty() => of("watches nobody".to_owned()),
            Some(Ok(all)) => match all.iter().try_for_each(&judge) {
                Ok(()) => Verdict::Holds,
                Err(why) => of(why),
            },
        }
    };
    let asked = subjects.iter().filter(|subject| named.is_empty() || subject.name() == named);
    asked.map(one).fold(Verdict::Holds, Verdict::and)
}

fn is_preferred(check: &EngineCheck, subject: &Subject<'_>, watched: &Watched) -> Result<(), String> {
    let replica = watched.replicas.iter().find(|address| subject.is_at(&address.host));
    match replica.and_then(|address| address.priority) {
        Some(priority) if priority.to_string() == check.name("priority") => Ok(()),
        Some(priority) => Err(format!("knows {} with priority {priority} still", subject.name())),
        None => Err(format!("does not know {}", subject.name())),
    }
}

fn is_watched(subject: &Subject<'_>, watched: &Watched) -> Result<(), String> {
    if watched.fails_over {
        return Err(format!("is replacing the master of {}", watched.name));
    }
    let same = subject.is_at(&watched.master.host);
    if same { Ok(()) } else { Err(format!("has {} for the master", watched.master.host)) }
}

fn is_master(check: &EngineCheck, subject: &Subject<'_>, subjects: &[Subject<'_>]) -> Verdict {
    let pod = check.name("pod");
    if !subject.leads() {
        return Verdict::not_yet(format!("{pod} is a replica"));
    }
    if is_cluster(subjects) {
        let serves = subject.node().is_some_and(|node| node.slots > 0);
        return if serves { Verdict::Holds } else { Verdict::not_yet(format!("{pod} serves no slots yet")) };
    }
    match subjects.iter().find(|other| other.leads() && other.name() != pod) {
        Some(other) => Verdict::broken(format!("{pod} and {} are masters", other.name())),
        None => Verdict::Holds,
    }
}

/// Tells whether others make a master that comes back a replica: the nodes of a cluster, or sentinels.
fn is_managed(subjects: &[Subject<'_>]) -> bool {
    is_cluster(subjects) || subjects.iter().any(|subject| subject.sentinel.is_some())
}

fn is_behind(check: &EngineCheck, subject: &Subject<'_>, subjects: &[Subject<'_>]) -> Verdict {
    let (pod, master) = (check.name("pod"), check.name("master"));
    let upstream = subject.server().and_then(|server| server.upstream.as_ref());
    let leader = subjects.iter().find(|one| one.name() == master);
    match (upstream, leader) {
        (None, _) if is_managed(subjects) => Verdict::not_yet(format!("{pod} is a master still")),
        (None, _) => Verdict::broken(format!("{pod} is a master beside {master}")),
        (Some(_), None) => Verdict::not_yet(format!("{master} is not there")),
        (Some(upstream), Some(leader)) if !leader.is_at(&upstream.host) => {
            Verdict::not_yet(format!("{pod} follows {}, not {master}", upstream.host))
        }
        (Some(upstream), Some(_)) if upstream.is_up && !upstream.copies => Verdict::Holds,
        (Some(_), Some(_)) => Verdict::not_yet(format!("{pod} does not receive from {master} yet")),
    }
}

fn is_furthest(check: &EngineCheck, subject: &Subject<'_>, subjects: &[Subject<'_>]) -> Verdict {
    let (pod, from) = (check.name("pod"), check.name("from"));
    let Some(own) = subject.server() else { return Verdict::not_yet(format!("{pod} does not answer")) };
    if own.upstream.is_none() {
        return Verdict::broken(format!("{pod} is a master already"));
    }
    let one = |other: &Subject<'_>| {
        let name = other.name();
        match &other.server {
            Err(why) => Verdict::not_yet(format!("{name} does not answer ({why})")),
            Ok(server) if server.upstream.as_ref().is_some_and(|upstream| upstream.is_up) => {
                Verdict::not_yet(format!("{name} still has a link to {from}"))
            }
            Ok(server) => match server.offset_beside(own) {
                None => Verdict::broken(format!("{name} has another history than {pod}")),
                Some(offset) if offset > own.offset => {
                    Verdict::broken(format!("{name} has more of the log than {pod}: promote that one"))
                }
                Some(_) => Verdict::Holds,
            },
        }
    };
    // In a cluster, those with the same master.
    let master = |subject: &Subject<'_>| subject.node().and_then(|node| node.master.clone());
    let of_it = |other: &&Subject<'_>| !is_cluster(subjects) || master(other) == master(subject);
    subjects.iter().filter(|other| other.name() != from).filter(of_it).map(one).fold(Verdict::Holds, Verdict::and)
}

//! How a replica leaves: nobody may receive from it or need it for writes, and sentinels have to forget it.

use super::objections::too_few;
use super::probe::run;
use super::sentinel::Watched;
use super::topology::{Subject, is_cluster};
use super::{leave, recognise};
use crate::engine::phrase::count;
use crate::engine::{Asked, Leaving, Removal};
use crate::model::{Known, Member, Role, Topology};
use crate::plan::{Check, Effect, EngineCheck, Limit, Objection, Pin, Step, Trace, Undo, Verdict, Weight, When};

/// Has a sentinel forget what it knows of a master, so that it finds anew what there is.
const RESET: &str = concat!(include_str!("../given.sh"), include_str!("client.sh"), include_str!("reset.sh"));

/// A sentinel finds replicas in the answers of the master, every 10 s, and other sentinels by their hellos, every 2 s.
const RESET_LIMIT: Limit = Limit::seconds(180);

/// Says what has to happen when a member leaves.
pub(super) fn removal(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
    let subjects = Subject::all(asked.pods, asked.outputs);
    if is_cluster(&subjects) {
        return leave::removal(asked, leaving, &subjects);
    }
    let own = subjects.iter().find(|subject| subject.name() == leaving.name.0);
    // Besides the one that leaves first more may be about to leave.
    let (staying, going): (Vec<_>, Vec<_>) = subjects.iter().partition(|subject| leaving.stays(subject.pod));
    let (mut objections, mut after) = (Vec::from_iter(cascade(asked, leaving)), Vec::new());
    objections.extend(needed(&subjects, &going));
    for subject in &staying {
        match &subject.sentinel {
            None => {}
            Some(Err(why)) => objections.push(Objection::new(
                "sentinel",
                Weight::Unknown,
                format!("what the sentinel of {} knows is not known ({why})", subject.name()),
                "every sentinel that stays has to forget the member",
            )),
            Some(Ok(all)) => {
                for watched in all {
                    objections.extend(votes(watched, subject, &going));
                    after.extend(own.and_then(|own| forget(watched, subject, own, &staying)));
                }
            }
        }
    }
    // All sentinels mostly say the same.
    objections.dedup_by(|one, other| one.measured == other.measured);
    let follows = asked.topology.member(&leaving.name).and_then(follows);
    Removal {
        objections,
        settled: own.and_then(released).into_iter().collect(),
        back: follows.into_iter().collect(),
        after,
        ..Removal::default()
    }
}

/// One that receives changes now has to do so again, when its removal is taken back: a pod is ready before that.
fn follows(member: &Member) -> Option<Check> {
    let receives = member.receiving == Some(Known::Value(true));
    let pod = member.pod.as_str();
    receives.then(|| Check::Engine(EngineCheck::new("follows", &[("pod", pod)], format!("{pod} receiving changes"))))
}

/// Those who receive from a replica would stop with it.
fn cascade(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Option<Objection> {
    let member = asked.topology.member(&leaving.name).filter(|member| member.role == Known::Value(Role::Replica))?;
    let feeds = member.feeds.as_ref().filter(|feeds| !feeds.is_empty())?;
    let measured = format!("{} receives changes through {}", feeds.join(", "), member.pod);
    let objection = Objection::new("cascade", Weight::No, measured, "nobody may receive from a member that leaves");
    Some(objection.way_out("let it follow the master first (`REPLICAOF`)"))
}

/// Writes must not be refused for want of replicas.
fn needed(subjects: &[Subject<'_>], going: &[&Subject<'_>]) -> Option<Objection> {
    let masters: Vec<&Subject<'_>> = subjects.iter().filter(|subject| subject.leads()).collect();
    let [Subject { server: Ok(master), .. }] = masters.as_slice() else { return None };
    let limit = "the master must keep as many replicas as a write needs";
    Some(match too_few(master, going)? {
        Known::Value(why) => Objection::new("minReplicas", Weight::No, why, limit)
            .way_out("lower min-replicas-to-write first, or keep more replicas"),
        Known::Unknown(why) => Objection::new("minReplicas", Weight::Unknown, why, limit),
    })
}

/// Says whether the sentinels that stay could still replace the master.
fn votes(watched: &Watched, subject: &Subject<'_>, going: &[&Subject<'_>]) -> Vec<Objection> {
    let mut found = Vec::new();
    if watched.fails_over {
        let measured = format!("the sentinel of {} replaces the master of {}", subject.name(), watched.name);
        found.push(Objection::new("failover", Weight::Passing, measured, "nobody leaves while the master changes"));
    }
    let known = watched.others.len() + 1;
    let leave = going.iter().filter(|one| one.sentinel.is_some() && watched.knows_sentinel(one)).count();
    let left = known - leave;
    if leave > 0 && (left < watched.quorum as usize || left * 2 <= known) {
        let measured = format!("{} of {known} would be left", count(left, "sentinel"));
        let limit = format!("a majority of them, and the quorum of {}, to replace the master", watched.quorum);
        let way_out = format!("lower the quorum (`SENTINEL SET {} quorum N`), or keep more of them", watched.name);
        found.push(Objection::new("sentinels", Weight::No, measured, limit).way_out(way_out).allow("sentinels"));
    }
    found
}

/// Makes the step that has one sentinel forget the member; the next one follows when this one has found all others
/// again, for sentinels that know nobody would agree on nothing.
fn forget(watched: &Watched, subject: &Subject<'_>, own: &Subject<'_>, staying: &[&Subject<'_>]) -> Option<Step> {
    let container = recognise::sentinel(subject.pod)?;
    let (pod, name) = (subject.name(), watched.name.as_str());
    let others = staying.iter().filter(|other| other.name() != pod && other.sentinel.is_some()).count();
    let ip = own.pod.ip.as_deref().unwrap_or_default();
    let about = [("pod", pod), ("name", name), ("gone", own.name()), ("ip", ip), ("others", &others.to_string())];
    let words = format!("{} unknown to the sentinel of {pod}, which has found the others again", own.name());
    Some(Step {
        when: When::Always,
        requires: Vec::new(),
        effect: Effect::Command {
            pod: Pin::of(&subject.pod.meta),
            container,
            words: format!("have the sentinel of {pod} forget {} (SENTINEL RESET {name})", own.name()),
            argv: run(RESET, &["sentinel", name]),
        },
        trace: Trace::Idempotent,
        ensures: vec![Check::Engine(EngineCheck::new("forgotten", &about, words))],
        undo: Undo::Keep { why: "sentinels find a replica that comes back by themselves".to_owned() },
        limit: RESET_LIMIT,
    })
}

/// Makes the check that no server feeds the member any more.
fn released(own: &Subject<'_>) -> Option<Check> {
    let ip = own.pod.ip.as_deref()?;
    let about = [("pod", own.name()), ("ip", ip)];
    Some(Check::Engine(EngineCheck::new("released", &about, format!("nobody feeds {}", own.name()))))
}

/// Judges one of the engine's checks. No information is not "gone".
pub(super) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
    let subjects = Subject::all(asked.pods, asked.outputs);
    match check.code.as_str() {
        "left" => leave::left(check, &subjects),
        "joined" => leave::joined(check, &subjects),
        "follows" => receives(check.name("pod"), asked.topology),
        "released" => is_released(check, &subjects),
        "forgotten" => is_forgotten(check, &subjects),
        other => Verdict::broken(format!("Redis knows no check {other}")),
    }
}

fn receives(pod: &str, now: &Topology) -> Verdict {
    let member = now.members.iter().find(|member| member.pod.as_str() == pod);
    match member.map(|member| (&member.role, &member.receiving)) {
        None => Verdict::not_yet(format!("{pod} is not there")),
        Some((Known::Unknown(why), _)) => Verdict::not_yet(format!("{pod} does not say what it is ({why})")),
        Some((Known::Value(Role::Primary), _)) => Verdict::broken(format!("{pod} is a master now")),
        Some((Known::Value(_), Some(Known::Value(true)))) => Verdict::Holds,
        Some((Known::Value(_), _)) => Verdict::not_yet(format!("{pod} does not receive changes yet")),
    }
}

fn is_released(check: &EngineCheck, subjects: &[Subject<'_>]) -> Verdict {
    let (name, ip) = (check.name("pod"), check.name("ip"));
    let others = subjects.iter().filter(|subject| subject.name() != name);
    others.fold(Verdict::Holds, |sum, subject| {
        sum.and(match &subject.server {
            Err(why) => Verdict::not_yet(format!("{} does not say whom it feeds ({why})", subject.name())),
            Ok(server) => {
                let feeds = |host: &str| super::topology::is_at(name, Some(ip), host);
                match server.followers.iter().find(|follower| feeds(&follower.host)) {
                    Some(_) => Verdict::not_yet(format!("{} still feeds {name}", subject.name())),
                    None => Verdict::Holds,
                }
            }
        })
    })
}

fn is_forgotten(check: &EngineCheck, subjects: &[Subject<'_>]) -> Verdict {
    let (pod, name, gone) = (check.name("pod"), check.name("name"), check.name("gone"));
    let Some(subject) = subjects.iter().find(|subject| subject.name() == pod) else {
        return Verdict::not_yet(format!("{pod} is not there"));
    };
    let watched = match &subject.sentinel {
        Some(Ok(all)) => all.iter().find(|watched| watched.name == name),
        Some(Err(why)) => return Verdict::not_yet(format!("the sentinel of {pod} does not answer ({why})")),
        None => return Verdict::not_yet(format!("{pod} has no sentinel")),
    };
    let Some(watched) = watched else { return Verdict::broken(format!("the sentinel of {pod} watches no {name}")) };
    let wanted = check.name("others").parse().unwrap_or(usize::MAX);
    if watched.knows(gone, check.name("ip")) {
        return Verdict::not_yet(format!("the sentinel of {pod} still knows {gone}"));
    }
    if watched.others.len() < wanted {
        return Verdict::not_yet(format!(
            "the sentinel of {pod} has found {} of {wanted} others",
            watched.others.len()
        ));
    }
    let replicas = subjects.iter().filter(|one| one.server().is_some_and(|server| server.upstream.is_some()));
    let lost = replicas.filter(|one| !watched.replicas.iter().any(|address| one.is_at(&address.host)));
    lost.fold(Verdict::Holds, |sum, one| {
        sum.and(Verdict::not_yet(format!("the sentinel of {pod} has not found {} yet", one.name())))
    })
}

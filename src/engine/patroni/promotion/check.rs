//! Whether what a switchover waits for has come.

use crate::model::{Known, Member, Role, Topology};
use crate::plan::{Check, EngineCheck, Verdict};

/// Makes a check of this engine.
pub(super) fn check(code: &str, about: &[(&str, &str)], words: String) -> Check {
    Check::Engine(EngineCheck::new(code, about, words))
}

/// Judges a check of a switchover, by what the servers say; `None` for a check of something else.
pub(in crate::engine::patroni) fn judge(check: &EngineCheck, now: &Topology) -> Option<Verdict> {
    let judge: fn(&Member, &EngineCheck, &Topology) -> Verdict = match check.code.as_str() {
        "leads" => leads,
        "streams-from" => streams,
        _ => return None,
    };
    let pod = check.name("pod");
    let member = now.members.iter().find(|member| member.pod.as_str() == pod);
    Some(member.map_or_else(
        || Verdict::not_yet(format!("{pod} is not there")),
        |member| match &member.role {
            Known::Unknown(why) => Verdict::not_yet(format!("{pod} does not say what it is ({why})")),
            Known::Value(_) => judge(member, check, now),
        },
    ))
}

/// It takes writes, and nobody else does.
fn leads(member: &Member, check: &EngineCheck, now: &Topology) -> Verdict {
    let pod = check.name("pod");
    let other = now.primaries().find(|primary| primary.pod != member.pod).map(|primary| &primary.pod);
    match (&member.role, other) {
        (Known::Value(Role::Primary), Some(other)) => Verdict::broken(format!("{pod} and {other} take writes")),
        (Known::Value(Role::Primary), None) => Verdict::Holds,
        (_, Some(other)) => Verdict::not_yet(format!("{other} leads, not {pod}")),
        (_, None) => Verdict::not_yet(format!("{pod} does not lead yet")),
    }
}

/// It receives from the leader, on the same timeline.
fn streams(member: &Member, check: &EngineCheck, now: &Topology) -> Verdict {
    let (pod, leader) = (check.name("pod"), check.name("leader"));
    let Some(lead) = now.primaries().find(|primary| primary.pod.as_str() == leader) else {
        return Verdict::not_yet(format!("{leader} does not lead"));
    };
    if member.role == Known::Value(Role::Primary) {
        return Verdict::broken(format!("{pod} takes writes beside {leader}"));
    }
    let receives = member.receiving == Some(Known::Value(true));
    match (member.timeline, lead.timeline) {
        (Some(own), Some(line)) if own == line && receives => Verdict::Holds,
        (Some(own), Some(line)) if own != line => Verdict::not_yet(format!("{pod} is on timeline {own}, not {line}")),
        _ => Verdict::not_yet(format!("{pod} does not stream from {leader} yet")),
    }
}

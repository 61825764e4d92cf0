//! What speaks against a member becoming the leader, and Patroni would refuse late, or not at all.

use super::Cast;
use crate::engine::answer::one_line;
use crate::engine::patroni::rest::{Cluster, Listed};
use crate::model::{PodName, SyncState, Topology, Workload};
use crate::plan::{Objection, Weight};

/// A label that every set of Crunchy's operator has.
const PGO: &str = "postgres-operator.crunchydata.com/cluster";

/// Says everything that speaks against the candidate.
pub(super) fn objections(cast: &Cast<'_>) -> Vec<Objection> {
    let mut found: Vec<Objection> = closed(cast.promoting.workload).into_iter().collect();
    found.extend(paused(cast));
    found.extend(scheduled(&cast.cluster));
    found.extend(leads(cast));
    found.extend(runs(cast));
    found.extend(choosable(cast.listed(&cast.candidate), &cast.candidate));
    found.extend(replays(cast.now, &cast.promoting.candidate.name()));
    found.extend(confirms(cast));
    found
}

fn no(code: &'static str, measured: impl Into<String>, limit: impl Into<String>) -> Objection {
    Objection::new(code, Weight::No, measured, limit)
}

fn passing(code: &'static str, measured: impl Into<String>, limit: impl Into<String>) -> Objection {
    Objection::new(code, Weight::Passing, measured, limit)
}

/// Crunchy's Patroni takes orders only from who shows a certificate of its operator.
pub(super) fn closed(workload: &Workload) -> Option<Objection> {
    let labels = &workload.meta.labels;
    let measured = format!("managed by Crunchy PGO (label {PGO})");
    let limit = "its Patroni takes orders only from who shows a certificate of the operator";
    let way_out = "let Patroni do it: `patronictl switchover` in container database";
    labels.contains_key(PGO).then(|| no("owner", measured, limit).way_out(way_out))
}

fn paused(cast: &Cast<'_>) -> Vec<Objection> {
    let paused = cast.cluster.pause == Some(true) || cast.rests.iter().any(|(_, rest)| rest.is_paused());
    let limit = "somebody keeps Patroni from acting, for a reason";
    paused.then(|| no("paused", "Patroni is paused", limit).way_out("`patronictl resume` first")).into_iter().collect()
}

/// An order now would take the place of the one that waits.
pub(super) fn scheduled(cluster: &Cluster) -> Option<Objection> {
    cluster.scheduled_switchover.as_ref().map(|plan| {
        let word = |text: &Option<String>, missing: &str| text.as_deref().map_or_else(|| missing.to_owned(), one_line);
        let (to, at) = (word(&plan.to, "any member"), word(&plan.at, "a time that it does not say"));
        let measured = format!("Patroni will switch over to {to} at {at}");
        no("scheduled", measured, "an order now would take its place")
            .way_out("`patronictl flush CLUSTER switchover` first")
    })
}

/// Patroni's leader is the server that takes writes, and holds the key.
fn leads(cast: &Cast<'_>) -> Vec<Objection> {
    let leaders: Vec<&str> =
        cast.cluster.members.iter().filter(|one| one.leads()).map(|one| one.name.as_str()).collect();
    let measured = match leaders.as_slice() {
        [one] if *one == cast.leader => return Vec::new(),
        [] => "Patroni has no leader".to_owned(),
        others => format!("Patroni has {} as the leader, and {} takes writes", others.join(" and "), cast.leader),
    };
    vec![passing("leader", measured, "the leader hands over")]
}

/// Every member runs and receives.
fn runs(cast: &Cast<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let lead = cast.listed(&cast.leader).and_then(|listed| listed.timeline);
    for listed in cast.cluster.members.iter().filter(|listed| !listed.leads()) {
        let name = one_line(&listed.name);
        if !listed.streams() {
            let state = listed.state.as_deref().map_or_else(|| "without a state".to_owned(), one_line);
            found.push(passing("notRunning", format!("{name} is {state}"), "every member streams when the role moves"));
        } else if lead.is_none() || listed.timeline != lead {
            let line = |line: Option<u32>| line.map_or_else(|| "unknown".to_owned(), |line| line.to_string());
            let measured = format!("{name} is on timeline {}, the leader on {}", line(listed.timeline), line(lead));
            found.push(passing("timeline", measured, "everybody is on one timeline"));
        }
    }
    found
}

/// The candidate is one that Patroni may choose.
pub(super) fn choosable(listed: Option<&Listed>, candidate: &str) -> Option<Objection> {
    match listed {
        None => {
            let measured = format!("Patroni does not list {candidate}");
            Some(passing("unlisted", measured, "Patroni chooses among its own members"))
        }
        Some(listed) if listed.is_barred() => {
            let measured = format!("{candidate} has the tag nofailover, or failover_priority 0");
            Some(no("nofailover", measured, "Patroni never makes it the leader").way_out("take the tag off it"))
        }
        Some(_) => None,
    }
}

/// The candidate applies what it received.
pub(super) fn replays(now: &Topology, pod: &PodName) -> Option<Objection> {
    now.member(pod).is_some_and(|member| member.replay_paused).then(|| {
        let measured = format!("replay is paused on {pod}");
        let limit = "it takes writes only when it has applied everything";
        no("replayPaused", measured, limit).way_out("`SELECT pg_wal_replay_resume()` on it")
    })
}

/// Where commits wait for one standby, that one becomes the leader.
fn confirms(cast: &Cast<'_>) -> Vec<Objection> {
    let confirm = cast.cluster.members.iter().filter(|one| one.role.as_deref() == Some("sync_standby"));
    let names: Vec<&str> = confirm.map(|one| one.name.as_str()).collect();
    let pod = PodName(cast.promoting.candidate.pod.name.clone());
    let by_server = cast.now.member(&pod).and_then(|member| member.sync) == Some(SyncState::Sync);
    if names.is_empty() || names.contains(&cast.candidate.as_str()) || by_server {
        return Vec::new();
    }
    let measured = format!("commits wait for {}, not for {}", names.join(", "), cast.candidate);
    vec![no("notSync", measured, "in synchronous mode Patroni promotes only a standby that commits wait for")]
}

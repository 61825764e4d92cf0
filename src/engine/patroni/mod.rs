//! PostgreSQL under Patroni (Spilo, Crunchy PGO and others included).
//!
//! Two questions per pod: the one of plain PostgreSQL, whose answer decides roles and lag, and the member's own REST
//! API (`GET /patroni`, `GET /cluster`), which adds names, pauses, plans and members without a pod. Patroni's list of
//! members shows the dead as healthy until their time to live is over, so nothing about life is taken from it.
//! Answers in `tests/data/patroni/4` were recorded from Patroni 4.1.5 with PostgreSQL 15.18.

mod promotion;
mod recognise;
mod removal;
mod rest;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::answer::one_line;
use super::postgres::{self, Server, Subject};
use super::{Asked, Engine, Leaving, Promoting, Promotion, Removal};
use crate::model::{
    Code, ContainerName, Finding, Known, Member, Pod, Probe, ProbeOutput, Role, Severity, SyncState, Topology, Workload,
};
use crate::plan::{EngineCheck, Verdict};
use rest::{Cluster, Listed, Rest};

/// The engine as the list takes it.
pub(super) const ENGINE: Patroni = Patroni;

/// Knows Patroni.
pub(super) struct Patroni;

impl Engine for Patroni {
    fn name(&self) -> &'static str {
        "patroni"
    }

    fn title(&self) -> &'static str {
        // The version behind it is that of PostgreSQL.
        "Patroni, PostgreSQL"
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        recognise::recognise(workload)
    }

    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        recognise::container(pod)
    }

    fn probes(&self, _workload: &Workload, _pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        vec![postgres::probe(container), rest::probe(container)]
    }

    fn read(&self, workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
        let rests: Vec<_> = pods.iter().map(|pod| Rest::read(outputs, pod)).collect();
        let alias = |rest: &Result<Rest, String>| rest.as_ref().ok().and_then(Rest::name).map(str::to_owned);
        let subject = |(pod, rest)| Subject { pod, alias: alias(rest), server: Server::read(outputs, pod) };
        let subjects: Vec<_> = pods.iter().copied().zip(&rests).map(subject).collect();
        let mut topology = postgres::topology(&subjects);
        let primary_known = topology.primaries().count() == 1;
        let cluster = cluster(&topology, &rests);
        for ((member, subject), rest) in topology.members.iter_mut().zip(&subjects).zip(&rests) {
            refine(member, subject, rest.as_ref().ok());
            if !primary_known && member.sync.is_none() {
                member.sync = cluster.and_then(|cluster| listed_sync(cluster, subject));
            }
        }
        keep_slots_of_primaries(&mut topology);
        topology.strangers = strangers(&topology, cluster, &subjects);
        topology.findings.extend(findings(workload, &subjects, &rests, cluster));
        topology
    }

    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        removal::removal(asked.topology, leaving)
    }

    fn promotes(&self) -> bool {
        true
    }

    fn promotion(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
        promotion::promotion(asked, promoting)
    }

    fn fails_over(&self) -> bool {
        true
    }

    fn asks_to_lead(&self, _asked: &Asked<'_>) -> bool {
        true
    }

    fn remains(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Option<Probe> {
        postgres::remains(asked, promoting)
    }

    fn judge(&self, check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
        promotion::judge(check, asked.topology).unwrap_or_else(|| removal::judge(check, asked.topology))
    }
}

/// Chooses whose list of members to believe: the primary's, otherwise the first.
fn cluster<'r>(topology: &Topology, rests: &'r [Result<Rest, String>]) -> Option<&'r Cluster> {
    let lists = || topology.members.iter().zip(rests).filter_map(|(member, rest)| Some((member, rest.as_ref().ok()?)));
    let of_primary = lists().find(|(member, _)| member.role == Known::Value(Role::Primary));
    of_primary
        .and_then(|(_, rest)| rest.cluster.as_ref())
        .or_else(|| lists().find_map(|(_, rest)| rest.cluster.as_ref()))
}

/// Adds what the member's own API says: who leads a standby cluster, where its log comes from, why it is silent.
fn refine(member: &mut Member, subject: &Subject<'_>, rest: Option<&Rest>) {
    let Some(own) = rest.map(|rest| &rest.own) else { return };
    if member.role == Known::Value(Role::Replica) {
        if own.role.as_deref() == Some("standby_leader") {
            member.role = Known::Value(Role::StandbyLeader);
        }
        member.replication = member.replication.take().or_else(|| own.replication_state.as_deref().map(one_line));
    }
    if let (Err(why), Some(state)) = (&subject.server, &own.state) {
        let why = format!("{why}; Patroni says {}", one_line(state));
        *member = Member { role: Known::unknown(why.clone()), sessions: Known::Unknown(why), ..member.clone() };
    }
}

/// Says whether commits wait for a member, where only the cluster's list can say it.
fn listed_sync(cluster: &Cluster, subject: &Subject<'_>) -> Option<SyncState> {
    let listed = cluster.members.iter().find(|listed| is_listed_as(subject, listed))?;
    match listed.role.as_deref()? {
        "sync_standby" => Some(SyncState::Sync),
        "quorum_standby" => Some(SyncState::Quorum),
        _ => None,
    }
}

/// Tells whether an entry of the cluster's list is this pod.
fn is_listed_as(subject: &Subject<'_>, listed: &Listed) -> bool {
    subject.is_called(&listed.name) || listed.host.as_deref().is_some_and(|host| subject.is_at(host))
}

/// Drops the slots on replicas: Patroni keeps them there for the next leader and moves them forward by itself.
fn keep_slots_of_primaries(topology: &mut Topology) {
    let primaries: BTreeSet<_> = topology.primaries().map(|member| member.pod.clone()).collect();
    topology.slots.retain(|slot| primaries.contains(&slot.pod));
}

/// Names the members that no pod stands for, as PostgreSQL and as Patroni know them.
fn strangers(topology: &Topology, cluster: Option<&Cluster>, subjects: &[Subject<'_>]) -> Vec<String> {
    let listed = cluster.into_iter().flat_map(|cluster| &cluster.members);
    let without_pod = listed.filter(|listed| !subjects.iter().any(|subject| is_listed_as(subject, listed)));
    let names = without_pod.map(|listed| listed.name.clone()).chain(topology.strangers.iter().cloned());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Lists what only Patroni can find.
fn findings(
    workload: &Workload,
    subjects: &[Subject<'_>],
    rests: &[Result<Rest, String>],
    cluster: Option<&Cluster>,
) -> Vec<Finding> {
    let paused = rests.iter().flatten().any(Rest::is_paused);
    let pause = paused.then(|| Finding {
        severity: Severity::Warning,
        code: Code::FailoverPaused,
        subject: workload.display(),
        message: format!("Patroni is paused on {}", workload.display()),
        why: "nobody is promoted when the primary fails, and a stopped server is not started again".to_owned(),
        next: None,
    });
    let pods = || subjects.iter().zip(rests);
    let unlisted = pods().filter_map(|(subject, rest)| unlisted(subject, rest.as_ref().ok()?, cluster?));
    let unanswered = pods().filter_map(|(subject, rest)| unanswered(subject, rest.as_ref().err()?));
    pause.into_iter().chain(scheduled(workload, cluster)).chain(unlisted).chain(unanswered).collect()
}

/// A switchover that will happen by itself.
fn scheduled(workload: &Workload, cluster: Option<&Cluster>) -> Option<Finding> {
    let plan = cluster?.scheduled_switchover.as_ref()?;
    let word = |text: &Option<String>, missing: &str| text.as_deref().map_or_else(|| missing.to_owned(), one_line);
    let (from, to) = (word(&plan.from, "the leader"), word(&plan.to, "any member"));
    let at = word(&plan.at, "a time that it does not say");
    Some(Finding {
        severity: Severity::Note,
        code: Code::SwitchoverScheduled,
        subject: workload.display(),
        message: format!("Patroni will switch {} over from {from} to {to} at {at}", workload.display()),
        why: String::new(),
        next: None,
    })
}

/// A member whose own API answers and that the cluster's list does not have.
fn unlisted(subject: &Subject<'_>, rest: &Rest, cluster: &Cluster) -> Option<Finding> {
    let listed = cluster.members.iter().any(|listed| is_listed_as(subject, listed));
    let name = rest.name().filter(|_| !listed)?;
    let pod = format!("pod/{}", subject.pod.meta.name);
    Some(Finding {
        severity: Severity::Warning,
        code: Code::PodWithoutMember,
        subject: pod.clone(),
        message: format!("{pod} runs and Patroni's cluster has no member {}", one_line(name)),
        why: "a failover does not count on it".to_owned(),
        next: None,
    })
}

/// A server that answers while its Patroni does not.
fn unanswered(subject: &Subject<'_>, why: &str) -> Option<Finding> {
    let pod = format!("pod/{}", subject.pod.meta.name);
    subject.server.is_ok().then(|| Finding {
        severity: Severity::Warning,
        code: Code::ProbeFailed,
        subject: pod.clone(),
        message: format!("Patroni of {pod} did not answer: {why}"),
        why: "PostgreSQL answers; whether Patroni watches over it is not known".to_owned(),
        next: None,
    })
}

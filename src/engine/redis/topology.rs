//! Puts the answers of all servers together: one master with its replicas, or the nodes of a cluster.

use std::collections::BTreeSet;

use super::sentinel::{self, Watched};
use super::server::{Follower, Server};
use super::{cluster, findings, objections};
use crate::engine::phrase::{count, few};
use crate::model::{Known, Lag, Member, Pod, ProbeOutput, Role, Sessions, Topology, Workload};

/// One pod and what its server and its sentinel said.
pub(super) struct Subject<'a> {
    /// The pod.
    pub(super) pod: &'a Pod,
    /// The server, or why it is unknown.
    pub(super) server: Result<Server, String>,
    /// What its sentinel watches, or why that is unknown; `None` where it has no sentinel.
    pub(super) sentinel: Option<Result<Vec<Watched>, String>>,
}

impl<'a> Subject<'a> {
    /// Reads what all pods said.
    pub(super) fn all(pods: &[&'a Pod], outputs: &[&ProbeOutput]) -> Vec<Self> {
        let read =
            |pod: &'a Pod| Self { pod, server: Server::read(outputs, pod), sentinel: sentinel::read(outputs, pod) };
        pods.iter().map(|pod| read(pod)).collect()
    }

    /// Gives the pod's name.
    pub(super) fn name(&self) -> &'a str {
        &self.pod.meta.name
    }

    /// Gives the server, if it answered.
    pub(super) fn server(&self) -> Option<&Server> {
        self.server.as_ref().ok()
    }

    /// Tells whether the pod is at a host, as servers name it.
    pub(super) fn is_at(&self, host: &str) -> bool {
        is_at(self.name(), self.pod.ip.as_deref(), host)
    }

    /// Tells whether it says that it is a master.
    pub(super) fn leads(&self) -> bool {
        self.server().is_some_and(|server| server.upstream.is_none())
    }
}

/// Tells whether a host, an address or a name, is that of a pod.
pub(super) fn is_at(pod: &str, ip: Option<&str>, host: &str) -> bool {
    let is_address = ip.is_some_and(|ip| !ip.is_empty() && ip == host);
    is_address || host == pod || host.strip_prefix(pod).is_some_and(|domain| domain.starts_with('.'))
}

/// Tells whether the servers are nodes of a Redis Cluster.
pub(super) fn is_cluster(subjects: &[Subject<'_>]) -> bool {
    subjects.iter().filter_map(Subject::server).any(|server| server.in_cluster)
}

/// Puts the answers together.
pub(super) fn topology(workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
    let subjects = Subject::all(pods, outputs);
    let whole = if is_cluster(&subjects) { cluster::topology(workload, &subjects) } else { led(workload, &subjects) };
    let title = subjects.iter().find_map(|subject| Some(subject.server()?.version.title.to_owned()));
    Topology { version: version(&subjects), title, ..whole }
}

/// Gives the version that all agree on.
fn version(subjects: &[Subject<'_>]) -> Known<String> {
    let versions: BTreeSet<&str> =
        subjects.iter().filter_map(Subject::server).map(|server| server.version.number.as_str()).collect();
    let reason = subjects.iter().find_map(|subject| subject.server.as_ref().err());
    match versions.len() {
        0 => Known::unknown(reason.map_or("no pods", String::as_str)),
        1 => Known::or_unknown(versions.first().map(|version| (*version).to_owned()), "no pods"),
        _ => Known::unknown(format!("members differ: {}", versions.into_iter().collect::<Vec<_>>().join(", "))),
    }
}

/// The one master that the others follow, or why there is nobody to compare with.
type Master<'s> = Result<&'s Server, String>;

/// Puts the answers of one master and its replicas together.
fn led(workload: &Workload, subjects: &[Subject<'_>]) -> Topology {
    let (master, upstream) = (master(subjects), upstream(subjects));
    Topology {
        members: subjects.iter().map(|subject| member(subject, subjects, &master)).collect(),
        cluster: summary(upstream.as_deref(), subjects),
        upstream,
        objections: objections::of_led(subjects),
        findings: findings::of_led(workload, subjects),
        ..Topology::unknown([], "")
    }
}

fn master<'s>(subjects: &'s [Subject<'_>]) -> Master<'s> {
    let found: Vec<&Server> = subjects.iter().filter(|subject| subject.leads()).filter_map(Subject::server).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] if subjects.iter().any(|subject| subject.server.is_err()) => Err("no master answered".to_owned()),
        [] => Err("no master in this set".to_owned()),
        several => Err(format!("{} masters", several.len())),
    }
}

/// Names the server outside this set that its replicas follow, where none of its members is a master and none might be.
/// Only a link that is up proves that there is such a server: one that is down may lead to a pod that is gone.
fn upstream(subjects: &[Subject<'_>]) -> Option<String> {
    if subjects.iter().any(|subject| subject.leads() || subject.server.is_err()) {
        return None;
    }
    let followed = subjects.iter().filter_map(|subject| subject.server()?.upstream.as_ref());
    let outside = |host: &str| !subjects.iter().any(|subject| subject.is_at(host));
    let found: BTreeSet<String> = followed
        .filter(|upstream| upstream.is_up && outside(&upstream.host))
        .map(|upstream| format!("{}:{}", upstream.host, upstream.port))
        .collect();
    (found.len() == 1).then(|| found.into_iter().next()).flatten()
}

fn member(subject: &Subject<'_>, subjects: &[Subject<'_>], master: &Master<'_>) -> Member {
    let server = match &subject.server {
        Ok(server) => server,
        Err(why) => return Member::unknown(subject.pod.name(), why),
    };
    let role = if server.upstream.is_some() { Role::Replica } else { Role::Primary };
    Member { role: Known::Value(role), ..described(subject, server, subjects, master) }
}

/// Says of a server what does not depend on whether it is in a cluster: everything but its role.
pub(super) fn described(
    subject: &Subject<'_>,
    server: &Server,
    subjects: &[Subject<'_>],
    master: &Result<&Server, String>,
) -> Member {
    let sessions = server.clients.clone().map(|unclassified| Sessions { unclassified, ..Sessions::default() });
    let mut member = Member {
        sessions,
        position: Some(server.offset.to_string()),
        feeds: Some(server.followers.iter().map(|follower| called(follower, subjects)).collect()),
        ..Member::unknown(subject.pod.name(), "")
    };
    if let Some(upstream) = &server.upstream {
        let is_up = upstream.is_up && !matches!(master, Ok(master) if master.history != server.history);
        member.replication = Some(match (upstream.is_up, upstream.copies) {
            (_, true) => "copying".to_owned(),
            (true, false) if is_up => "online".to_owned(),
            (true, false) => format!("follows {}:{}", upstream.host, upstream.port),
            (false, false) => "link down".to_owned(),
        });
        member.receiving = Some(Known::Value(is_up));
        member.lag = Some(lag(subject, server, is_up, master));
    }
    member
}

/// Says how far a replica is behind.
///
/// The servers were asked one after another, and the master's own word on a replica is up to a second old: what the
/// replica says it has counts, if that is more.
fn lag(subject: &Subject<'_>, server: &Server, is_up: bool, master: &Result<&Server, String>) -> Lag {
    let master = match master {
        Ok(_) if !is_up => Err("disconnected"),
        Ok(master) => server.offset_beside(master).map(|offset| (*master, offset)).ok_or("of another history"),
        Err(why) => Err(why.as_str()),
    };
    let (master, offset) = match master {
        Ok(both) => both,
        Err(why) => return Lag { bytes: Known::unknown(why), delay_ms: Known::unknown(why) },
    };
    let row = master.followers.iter().find(|follower| subject.is_at(&follower.host));
    let has = row.and_then(|row| row.offset).map_or(offset, |confirmed| confirmed.max(offset));
    let bytes = master.offset.saturating_sub(has);
    // The age of changes is not kept; how long the replica has been silent is, in whole seconds.
    let silent = row.and_then(|row| row.silent_seconds).map(|seconds| seconds * 1000);
    let delay_ms = if bytes == 0 { Some(0) } else { silent };
    Lag { bytes: Known::Value(bytes), delay_ms: Known::or_unknown(delay_ms, "the master does not list it") }
}

/// Names a follower: by its pod, else by its address.
fn called(follower: &Follower, subjects: &[Subject<'_>]) -> String {
    let pod = subjects.iter().find(|subject| subject.is_at(&follower.host));
    pod.map_or_else(|| format!("{}:{}", follower.host, follower.port), |subject| subject.name().to_owned())
}

/// Says whom all follow, where that is somebody else's member, and who watches.
fn summary(upstream: Option<&str>, subjects: &[Subject<'_>]) -> Option<String> {
    let upstream = upstream.map(|upstream| format!("all follow {upstream} outside this set"));
    let parts: Vec<String> = upstream.into_iter().chain(watchers(subjects)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Says who watches the master: "3 sentinels for mymaster, quorum 2".
fn watchers(subjects: &[Subject<'_>]) -> Option<String> {
    let sentinels: Vec<_> = subjects.iter().filter_map(|subject| subject.sentinel.as_ref()).collect();
    let watched: Vec<&Watched> = sentinels.iter().filter_map(|sentinel| sentinel.as_ref().ok()).flatten().collect();
    if sentinels.is_empty() {
        return None;
    }
    let names: BTreeSet<&str> = watched.iter().map(|watched| watched.name.as_str()).collect();
    let quorums: BTreeSet<u32> = watched.iter().map(|watched| watched.quorum).collect();
    let quorum = if let [quorum] = Vec::from_iter(quorums)[..] { format!(", quorum {quorum}") } else { String::new() };
    let whom = if names.is_empty() { "no master known".to_owned() } else { few(&Vec::from_iter(names)) };
    Some(format!("{} for {whom}{quorum}", count(sentinels.len(), "sentinel")))
}

//! Galera: every member takes writes, and a majority of them must see each other.

use super::findings;
use super::server::Server;
use super::subject::{Subject, answers, version};
use crate::engine::answer::one_line;
use crate::model::{Code, Finding, Known, Member, Objection, Role, Severity, Topology, Workload};

/// What a member calls itself that has everything and gives nothing away.
pub(super) const SYNCED: &str = "Synced";

/// What the component calls itself that may write.
pub(super) const PRIMARY: &str = "Primary";

/// Puts the members' words together.
pub(super) fn topology(workload: &Workload, subjects: &[Subject<'_>]) -> Topology {
    let sizes: Vec<_> =
        answers(subjects).filter(|(_, server)| serves(server)).map(|(_, server)| size(server)).collect();
    let members = subjects.iter().map(|subject| match &subject.server {
        Ok(server) => member(subject, server),
        Err(why) => Member::unknown(subject.pod.name(), why),
    });
    Topology {
        version: version(subjects, None),
        members: members.collect(),
        sync: None,
        slots: Vec::new(),
        strangers: Vec::new(),
        upstream: None,
        title: Some(title(subjects).to_owned()),
        cluster: sizes.first().and_then(|size| Some(format!("cluster of {}, {PRIMARY}", (*size)?))),
        objections: subjects.iter().flat_map(|leaving| objections(subjects, leaving)).collect(),
        findings: problems(workload, subjects).into_iter().chain(findings::of_servers(subjects)).collect(),
    }
}

/// Names the product.
pub(super) fn title(subjects: &[Subject<'_>]) -> &'static str {
    let percona =
        |server: &Server| server.variable("version_comment").is_some_and(|words| words.contains("XtraDB Cluster"));
    let is_percona = answers(subjects).any(|(_, server)| percona(server));
    if is_percona { "Percona XtraDB Cluster" } else { "MariaDB Galera" }
}

/// Gives how many members a server sees in its component.
pub(super) fn size(server: &Server) -> Option<usize> {
    server.status("wsrep_cluster_size")?.parse().ok()
}

/// Gives a member's own word for its state.
pub(super) fn state(server: &Server) -> Option<&str> {
    server.status("wsrep_local_state_comment")
}

/// Tells whether a member is in the component that may write, and answers.
pub(super) fn serves(server: &Server) -> bool {
    server.status("wsrep_cluster_status") == Some(PRIMARY) && server.status("wsrep_ready") == Some("ON")
}

fn member(subject: &Subject<'_>, server: &Server) -> Member {
    let takes_part = server.is_galera() && serves(server);
    Member {
        name: server.variable("wsrep_node_name").filter(|name| *name != subject.name()).map(one_line),
        role: Known::Value(if takes_part { Role::Peer } else { Role::Detached }),
        shown_as: state(server).map(one_line),
        position: server.status("wsrep_last_committed").map(one_line),
        sessions: server.count_sessions(),
        system_id: server.status("wsrep_cluster_state_uuid").map(one_line),
        replication: server.status("wsrep_cluster_status").map(one_line),
        ..Member::unknown(subject.pod.name(), "")
    }
}

/// Says what speaks against one member going: the others must be all there, in sync, and see each other.
pub(super) fn objections(subjects: &[Subject<'_>], leaving: &Subject<'_>) -> Vec<Objection> {
    let staying = || subjects.iter().filter(|one| one.name() != leaving.name());
    let object = |code: &'static str, why: Known<String>| Objection { pod: leaving.pod.name(), code, why };
    let mut found = Vec::new();
    for one in staying() {
        match &one.server {
            Err(why) => found.push(object("quorum", Known::unknown(format!("{} does not say: {why}", one.name())))),
            Ok(server) if !serves(server) => {
                found.push(object("quorum", Known::Value(format!("{} serves nothing", one.name()))));
            }
            Ok(server) if state(server) != Some(SYNCED) => {
                let state = state(server).map_or_else(|| "in an unknown state".to_owned(), one_line);
                found.push(object("quorum", Known::Value(format!("{} is {state}", one.name()))));
            }
            Ok(_) => {}
        }
    }
    if staying().next().is_none() {
        found.push(object("lastCopy", Known::Value("no other member is there".to_owned())));
    }
    found
}

/// Lists what is wrong with the cluster.
fn problems(workload: &Workload, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let serving: Vec<_> = answers(subjects).filter(|(_, server)| serves(server)).collect();
    let finding = |severity, code, subject: String, message: String, why: &str| Finding {
        severity,
        code,
        subject,
        message,
        why: why.to_owned(),
        next: None,
    };
    if serving.is_empty() && answers(subjects).next().is_some() {
        let message = format!("no member of {} is in a component that may write", workload.display());
        let why = "every statement fails until a majority is back, or somebody bootstraps the newest member";
        found.push(finding(Severity::Critical, Code::MemberNotServing, workload.display(), message, why));
    }
    for (subject, server) in answers(subjects) {
        let pod = format!("pod/{}", subject.name());
        let state = state(server).map_or_else(|| "in an unknown state".to_owned(), one_line);
        if !serves(server) && !serving.is_empty() {
            let message = format!("{pod} serves nothing: it is {state}, outside the component that may write");
            found.push(finding(Severity::Warning, Code::MemberNotServing, pod, message, "its clients meet errors"));
        } else if serves(server) && state != SYNCED {
            let message = format!("{pod} is {state}");
            let why = "it gives its data to another member, or catches up: no other one may go now";
            found.push(finding(Severity::Note, Code::MembersChanging, pod, message, why));
        }
    }
    found
}

//! MySQL Group Replication: one group, of which every member has a view of its own.

use std::collections::BTreeSet;

use super::findings;
use super::server::{GroupRow, Server};
use super::subject::{Subject, answers, version};
use super::topology::has_all;
use crate::engine::answer::one_line;
use crate::engine::phrase::{count, few};
use crate::model::{Code, Finding, Known, Lag, Member, Objection, Role, Severity, Topology, Workload};

/// A member that takes part.
const ONLINE: &str = "ONLINE";

/// A member that others have lost sight of: it counts for the majority until it is expelled.
const UNREACHABLE: &str = "UNREACHABLE";

/// Puts the views together.
pub(super) fn topology(workload: &Workload, subjects: &[Subject<'_>]) -> Topology {
    let leading: Vec<_> = answers(subjects).filter(|(_, server)| role(server) == Role::Primary).collect();
    let primary = match leading.as_slice() {
        [(_, server)] => Some(*server),
        [] | [_, ..] => None,
    };
    let members = subjects.iter().map(|subject| match &subject.server {
        Ok(server) => member(subject, server, primary),
        Err(why) => Member::unknown(subject.pod.name(), why),
    });
    Topology {
        version: version(subjects, primary),
        members: members.collect(),
        sync: None,
        slots: Vec::new(),
        strangers: strangers(subjects),
        upstream: None,
        title: Some("MySQL, Group Replication".to_owned()),
        cluster: view(subjects).map(|rows| format!("group of {}", count(rows.len(), "member"))),
        objections: subjects.iter().flat_map(|one| objections(subjects, one)).collect(),
        findings: problems(workload, subjects).into_iter().chain(findings::of_servers(subjects)).collect(),
    }
}

/// Tells the part that a member plays, as it says itself. Without a majority nothing commits, whatever it believes.
pub(super) fn role(server: &Server) -> Role {
    let alone = if server.is_writable { Role::Primary } else { Role::Detached };
    let Some(row) = server.own_row() else { return alone };
    if !has_majority(server) {
        return Role::Detached;
    }
    match (row.state.as_str(), row.role.as_str()) {
        (ONLINE, "PRIMARY") if !server.is_on("group_replication_single_primary_mode") => Role::Peer,
        (ONLINE, "PRIMARY") => Role::Primary,
        (ONLINE | "RECOVERING", _) => Role::Replica,
        // Who has left its group and takes writes takes them alone.
        _ => alone,
    }
}

/// Tells whether a row is that of a member that takes part.
pub(super) fn is_online(row: &GroupRow) -> bool {
    row.state == ONLINE
}

/// Tells whether a member sees most of its group.
fn has_majority(server: &Server) -> bool {
    let seen = server.group.iter().filter(|row| row.state != UNREACHABLE).count();
    seen * 2 > server.group.len()
}

fn member(subject: &Subject<'_>, server: &Server, primary: Option<&Server>) -> Member {
    let role = role(server);
    let state = server.own_row().map(|row| row.state.to_lowercase());
    let state = if has_majority(server) { state } else { Some(without_majority(server)) };
    let mut member = Member {
        role: Known::Value(role),
        position: server.history().map(|history| history.to_string()).filter(|position| !position.is_empty()),
        sessions: server.count_sessions(),
        system_id: server.variable("group_replication_group_name").map(str::to_owned),
        replication: state,
        ..Member::unknown(subject.pod.name(), "")
    };
    if role == Role::Replica {
        let online = server.own_row().is_some_and(|row| row.state == ONLINE);
        member.receiving = Some(Known::Value(online));
        member.lag = Some(lag(server, primary, online));
    }
    member
}

fn without_majority(server: &Server) -> String {
    let seen = server.group.iter().filter(|row| row.state != UNREACHABLE).count();
    format!("sees {seen} of {}", server.group.len())
}

/// Says how far a member is behind: every member has a log of its own, so that only "nothing" can be said in bytes.
fn lag(server: &Server, primary: Option<&Server>, online: bool) -> Lag {
    let all = primary.map(|primary| has_all(primary, server));
    let why = match all {
        Some(Some(true)) => return Lag { bytes: Known::Value(0), delay_ms: Known::Value(0) },
        Some(Some(false)) if online => "transactions wait to be applied; a group measures them in no bytes",
        Some(Some(false)) => "recovering",
        Some(None) => "transactions are not numbered",
        None => "no primary",
    };
    Lag { bytes: Known::unknown(why), delay_ms: Known::unknown(why) }
}

/// Chooses whose view to believe: the largest of a member that takes part and sees a majority.
fn view<'s>(subjects: &'s [Subject<'_>]) -> Option<&'s [GroupRow]> {
    let views = answers(subjects).map(|(_, server)| server);
    let taking = views.filter(|server| role(server) != Role::Detached);
    taking.map(|server| server.group.as_slice()).max_by_key(|rows| rows.len())
}

/// Finds the row of a pod in a view: by its UUID, else by its host.
fn row_of<'r>(rows: &'r [GroupRow], subject: &Subject<'_>) -> Option<&'r GroupRow> {
    let uuid = subject.server.as_ref().ok().and_then(Server::uuid);
    let same = |row: &&GroupRow| match uuid {
        Some(uuid) => row.uuid == uuid,
        None => subject.is_host(&row.host),
    };
    rows.iter().find(same)
}

fn strangers(subjects: &[Subject<'_>]) -> Vec<String> {
    let rows = view(subjects).unwrap_or_default();
    let unknown = rows.iter().filter(|row| !subjects.iter().any(|one| row_of(rows, one) == Some(row)));
    unknown.map(|row| one_line(&row.host)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Says what speaks against one member going: those that stay must be most of the group, and all of them well.
pub(super) fn objections(subjects: &[Subject<'_>], leaving: &Subject<'_>) -> Vec<Objection> {
    let object = |code: &'static str, why: Known<String>| Objection { pod: leaving.pod.name(), code, why };
    let Some(rows) = view(subjects) else {
        return vec![object("quorum", Known::unknown("no member sees a majority of its group"))];
    };
    let own = row_of(rows, leaving);
    let staying = || rows.iter().filter(|row| Some(*row) != own);
    let unwell: Vec<_> = staying().filter(|row| row.state != ONLINE).collect();
    let online = staying().count() - unwell.len();
    let mut found = Vec::new();
    if let Some(row) = unwell.first() {
        let why = format!("{} is {}", one_line(&row.host), row.state.to_lowercase());
        found.push(object("quorum", Known::Value(why)));
    }
    if own.is_some() && online * 2 < rows.len() {
        let why = format!("{online} of {} would stay online, which is no majority", rows.len() - 1);
        found.push(object("quorum", Known::Value(why)));
    }
    found
}

/// Lists what is wrong with the group.
fn problems(workload: &Workload, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let rows = view(subjects).unwrap_or_default();
    let down = rows.iter().filter(|row| row.state != ONLINE).map(|row| {
        let named = subjects.iter().find(|one| row_of(rows, one) == Some(row));
        let name = named.map_or_else(|| one_line(&row.host), |one| one.name().to_owned());
        let (severity, code) = match row.state.as_str() {
            "RECOVERING" => (Severity::Note, Code::MembersChanging),
            _ => (Severity::Warning, Code::MemberDown),
        };
        Finding {
            severity,
            code,
            subject: format!("pod/{name}"),
            message: format!("pod/{name} is {} to its group", row.state.to_lowercase()),
            why: "it counts for the majority and does not take part".to_owned(),
            next: None,
        }
    });
    let lost: Vec<_> = answers(subjects)
        .filter(|(_, server)| !server.group.is_empty() && !has_majority(server))
        .map(|(subject, server)| format!("{} {}", subject.name(), without_majority(server)))
        .collect();
    let lost = (!lost.is_empty() && rows.is_empty()).then(|| Finding {
        severity: Severity::Critical,
        code: Code::MemberNotServing,
        subject: workload.display(),
        message: format!("the group of {} has no majority: {}", workload.display(), few(&lost)),
        why: "writes wait until the others are back".to_owned(),
        next: None,
    });
    lost.into_iter().chain(down).collect()
}

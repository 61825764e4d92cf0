//! What only these servers can find wrong.

use super::channel::Channel;
use super::history::History;
use super::server::Server;
use super::subject::{Subject, answers};
use super::topology::{main_channel, role};
use crate::model::{Code, Finding, Role, Severity};

/// Lists what servers show that replicate from one another.
pub(super) fn of_replication(subjects: &[Subject<'_>], primary: Option<&Server>) -> Vec<Finding> {
    let of_one = |(subject, server): (&Subject<'_>, &Server)| {
        let pod = format!("pod/{}", subject.name());
        let role = role(subjects, server);
        let replica = matches!(role, Role::Replica | Role::StandbyLeader);
        let parted = primary.filter(|_| role == Role::Detached);
        let primary = primary.filter(|_| replica);
        let found = [
            primary.and_then(|primary| errant(&pod, primary, server)),
            parted.and_then(|primary| left_alone(&pod, primary, server)),
            main_channel(subjects, server).and_then(|channel| broken(&pod, channel)),
            main_channel(subjects, server).and_then(|channel| delayed(&pod, channel.delay_seconds)),
            (replica && server.is_writable).then(|| writable(&pod)),
            not_waited_for(&pod, server),
        ];
        found.into_iter().flatten()
    };
    answers(subjects).flat_map(of_one).chain(of_servers(subjects)).collect()
}

/// Lists what any server shows, whatever keeps it in step with others.
pub(super) fn of_servers(subjects: &[Subject<'_>]) -> Vec<Finding> {
    let twins = answers(subjects).filter_map(|(subject, server)| {
        let other = answers(subjects).find(|(one, other)| one.name() < subject.name() && other.id == server.id)?;
        (!server.is_galera()).then(|| Finding {
            severity: Severity::Warning,
            code: Code::ServerIdShared,
            subject: format!("pod/{}", subject.name()),
            message: format!("pod/{} has the server_id of {}: {}", subject.name(), other.0.name(), server.id),
            why: "each drops changes that it takes for its own".to_owned(),
            next: None,
        })
    });
    twins.collect()
}

/// Finds what a replica has executed and the primary has not. What the primary wrote itself is there as well: it was
/// asked earlier.
pub(super) fn errant_of(primary: &Server, replica: &Server) -> Option<History> {
    let beyond = replica.history()?.beyond(&primary.history()?)?;
    Some(beyond.not_of(primary.uuid(), primary.id)).filter(|rest| !rest.is_empty())
}

fn errant(pod: &str, primary: &Server, replica: &Server) -> Option<Finding> {
    let rest = errant_of(primary, replica)?;
    Some(Finding {
        severity: Severity::Warning,
        code: Code::ErrantTransactions,
        subject: pod.to_owned(),
        message: format!("{pod} has transactions that the primary has not: {rest}"),
        why: "they are nowhere else; if it is promoted, everybody gets them, and otherwise nobody".to_owned(),
        next: None,
    })
}

/// Who follows nobody and has transactions of its own, as a primary has that was given up, cannot simply follow.
fn left_alone(pod: &str, primary: &Server, server: &Server) -> Option<Finding> {
    let rest = server.beyond(primary).filter(|rest| !rest.is_empty())?;
    let number = match rest.count() {
        None => "transactions".to_owned(),
        Some(1) => "1 transaction".to_owned(),
        Some(number) => format!("{number} transactions"),
    };
    Some(Finding {
        severity: Severity::Warning,
        code: Code::ErrantTransactions,
        subject: pod.to_owned(),
        message: format!("{pod} follows nobody and has {number} that the primary has not: {rest}"),
        why: "it cannot follow: it has to be cloned anew, and what only it has goes with that".to_owned(),
        next: None,
    })
}

fn broken(pod: &str, channel: &Channel) -> Option<Finding> {
    let error = channel.applier_error.as_ref().filter(|_| !channel.is_applying())?;
    Some(Finding {
        severity: Severity::Critical,
        code: Code::ReplicationBroken,
        subject: pod.to_owned(),
        message: format!("{pod} has stopped applying changes: {error}"),
        why: "it falls behind without limit, and its data may differ from the primary's".to_owned(),
        next: None,
    })
}

fn delayed(pod: &str, seconds: u64) -> Option<Finding> {
    (seconds > 0).then(|| Finding {
        severity: Severity::Note,
        code: Code::ReplayDelayed,
        subject: pod.to_owned(),
        message: format!("{pod} applies changes {seconds}s late by its configured delay"),
        why: "its delay is wanted, and it would have to catch up before it could be promoted".to_owned(),
        next: None,
    })
}

fn writable(pod: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: Code::ReplicaWritable,
        subject: pod.to_owned(),
        message: format!("{pod} is a replica and takes writes: read_only is off"),
        why: "whoever writes to it makes it differ from the primary".to_owned(),
        next: None,
    }
}

/// Semi-synchronous replication that has given up waiting.
fn not_waited_for(pod: &str, server: &Server) -> Option<Finding> {
    let enabled = server.is_on("rpl_semi_sync_source_enabled") || server.is_on("rpl_semi_sync_master_enabled");
    let status = server.status("Rpl_semi_sync_source_status").or(server.status("Rpl_semi_sync_master_status"))?;
    (enabled && status == "OFF").then(|| Finding {
        severity: Severity::Warning,
        code: Code::SemiSyncOff,
        subject: pod.to_owned(),
        message: format!("{pod} is set to wait for replicas and has given up waiting"),
        why: "commits are acknowledged that no replica has: they are lost with it".to_owned(),
        next: None,
    })
}

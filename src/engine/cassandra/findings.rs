//! What only the ring shows to be wrong.

use super::description::Replication;
use super::ring::{Life, Phase};
use super::topology::{Seat, Seats, Subject};
use crate::engine::phrase::few;
use crate::model::{Code, Finding, Known, Severity, Workload};

/// Lists what is wrong.
pub(super) fn of(workload: &Workload, subjects: &[Subject<'_>], seats: &Seats<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for seat in seats.seats.values() {
        found.extend(down(subjects, seat));
        found.extend(changing(workload, subjects, seat));
    }
    for subject in subjects {
        found.extend(not_serving(subject));
        found.extend(unlisted(subject, seats));
        found.extend(cleaning(subject));
    }
    found.extend(schema(workload, subjects));
    found.extend(single(workload, subjects, seats));
    found
}

fn of_pod(severity: Severity, code: Code, subject: &Subject<'_>, predicate: &str, why: &str) -> Finding {
    let pod = format!("pod/{}", subject.pod.meta.name);
    let message = format!("{pod} {predicate}");
    Finding { severity, code, subject: pod, message, why: why.to_owned(), next: None }
}

fn of_set(severity: Severity, code: Code, workload: &Workload, message: String, why: &str) -> Finding {
    Finding { severity, code, subject: workload.display(), message, why: why.to_owned(), next: None }
}

/// A pod whose node the others see down; those without a pod are said to be so with the other strangers.
fn down(subjects: &[Subject<'_>], seat: &Seat<'_>) -> Option<Finding> {
    // One that is drained says so itself.
    let subject = subjects.get(seat.pod?).filter(|subject| seat.node.life != Life::Up && !subject.is_out())?;
    let own = subject.pod.meta.name.as_str();
    let others: Vec<&str> = seat.up_for.iter().copied().filter(|pod| *pod != own).collect();
    let but = if others.is_empty() { String::new() } else { format!(", but {} up", sees(&others)) };
    let predicate = format!("is {} in the ring: {} down{but}", seat.state(), sees(&seat.down_for));
    let why = if others.is_empty() {
        "rows on it have a copy less, and what is written meanwhile is kept for it only for some hours"
    } else {
        "nodes that do not see each other hold different writes until a repair"
    };
    Some(of_pod(Severity::Warning, Code::MemberDown, subject, &predicate, why))
}

fn sees(pods: &[&str]) -> String {
    let see = if pods.len() == 1 { "sees" } else { "see" };
    format!("{} {see} it", few(pods))
}

fn changing(workload: &Workload, subjects: &[Subject<'_>], seat: &Seat<'_>) -> Option<Finding> {
    let does = match seat.node.phase {
        Phase::Normal => return None,
        Phase::Leaving => "is leaving the ring",
        Phase::Joining => "is joining the ring",
        Phase::Moving => "is moving in the ring",
    };
    let subject = seat.pod.and_then(|at| subjects.get(at));
    let progress = subject.and_then(|subject| subject.netstats.value()?.progress());
    let progress = progress.map(|words| format!(", {words}")).unwrap_or_default();
    let predicate = format!("{does} ({}){progress}", seat.state());
    let why = "until it is done no other member may join, leave or be cleaned up";
    Some(if let Some(subject) = subject {
        of_pod(Severity::Note, Code::MembersChanging, subject, &predicate, why)
    } else {
        let message = format!("{} in the ring of {} {predicate}", seat.node.address, workload.display());
        of_set(Severity::Note, Code::MembersChanging, workload, message, why)
    })
}

/// A node that runs and serves nobody.
fn not_serving(subject: &Subject<'_>) -> Option<Finding> {
    let mode = subject.netstats.value()?.mode.as_str();
    let (predicate, why) = match mode {
        "DECOMMISSIONED" => (
            "is decommissioned: it runs and is in no ring",
            "started again on the same volume it refuses to run; only an empty volume lets it join anew",
        ),
        "DRAINED" | "DRAINING" => {
            ("is drained: it runs and takes neither reads nor writes", "it has to be started again to serve")
        }
        "DECOMMISSION_FAILED" => (
            "failed to leave the ring (DECOMMISSION_FAILED)",
            "it is still a member; what it has sent so far is on two members",
        ),
        _ if subject.info.value().is_some_and(|info| info.serves == Some(false)) && mode == "NORMAL" => {
            ("does not listen to clients (native transport is off)", "clients get no answer from it")
        }
        _ => return None,
    };
    Some(of_pod(Severity::Warning, Code::MemberNotServing, subject, predicate, why))
}

/// A node that answers, says nothing of having left, and that the ring does not have.
fn unlisted(subject: &Subject<'_>, seats: &Seats<'_>) -> Option<Finding> {
    let id = subject.host_id.as_ref().filter(|_| subject.ring.is_ok() && !subject.is_out())?;
    let missing = !seats.seats.is_empty() && seats.of_pod(subject).is_none();
    missing.then(|| {
        let predicate = format!("runs and the ring has no member of its host id {id}");
        let why = "it holds no copy that anybody counts on";
        of_pod(Severity::Warning, Code::PodWithoutMember, subject, &predicate, why)
    })
}

fn cleaning(subject: &Subject<'_>) -> Option<Finding> {
    subject.compactions.value().filter(|compactions| compactions.cleans_up)?;
    let why = "a member that leaves meanwhile can lose data (CASSANDRA-16418): take none out before it is done";
    Some(of_pod(Severity::Note, Code::CleanupRunning, subject, "runs a cleanup", why))
}

fn schema(workload: &Workload, subjects: &[Subject<'_>]) -> Option<Finding> {
    let described =
        subjects.iter().filter(|subject| !subject.is_out()).filter_map(|subject| subject.description.value());
    let schemas = described.map(|description| description.schemas).max().filter(|schemas| *schemas > 1)?;
    let message = format!("the members of {} have {schemas} versions of the schema", workload.display());
    let why = "reads and writes of tables that differ fail; a moment of it after a change is normal";
    Some(of_set(Severity::Warning, Code::SchemaDisagreement, workload, message, why))
}

/// Keyspaces of users that are kept once, in a ring that could keep them twice.
fn single(workload: &Workload, subjects: &[Subject<'_>], seats: &Seats<'_>) -> Option<Finding> {
    let Known::Value(keyspaces) = subjects.iter().find_map(|subject| Some(&subject.description.value()?.keyspaces))?
    else {
        return None;
    };
    let once = |replication: &Replication| match replication {
        Replication::Simple(factor) => *factor == 1,
        Replication::Datacenters(factors) => factors.values().sum::<u32>() == 1,
        Replication::Local | Replication::Everywhere | Replication::Other(_) => false,
    };
    let of_users =
        keyspaces.iter().filter(|keyspace| !keyspace.name.starts_with("system") && once(&keyspace.replication));
    let names: Vec<&str> = of_users.map(|keyspace| keyspace.name.as_str()).collect();
    (!names.is_empty() && seats.seats.len() > 1).then(|| {
        let (noun, has) = if names.len() == 1 { ("keyspace", "has") } else { ("keyspaces", "have") };
        let message = format!("{noun} {} of {} {has} replication factor 1", few(&names), workload.display());
        let why = "a node that goes takes its rows along, and one that is lost takes them for good";
        of_set(Severity::Warning, Code::SingleCopy, workload, message, why)
    })
}

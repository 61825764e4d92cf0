//! What only Redis shows to be wrong.

use super::cluster::{View, short};
use super::nodes::{Nodes, SLOTS};
use super::server::Server;
use super::topology::Subject;
use crate::engine::phrase::{count, few};
use crate::model::{Code, Finding, Known, Severity, Workload};

fn of_pod(severity: Severity, code: Code, subject: &Subject<'_>, predicate: &str, why: &str) -> Finding {
    let pod = format!("pod/{}", subject.name());
    let message = format!("{pod} {predicate}");
    Finding { severity, code, subject: pod, message, why: why.to_owned(), next: None }
}

fn of_set(severity: Severity, code: Code, workload: &Workload, predicate: &str, why: &str) -> Finding {
    let subject = workload.display();
    let message = format!("{subject} {predicate}");
    Finding { severity, code, subject, message, why: why.to_owned(), next: None }
}

/// Lists what is wrong with one master and its replicas.
pub(super) fn of_led(workload: &Workload, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let mut found = of_servers(subjects);
    found.extend(watching(workload, subjects));
    found
}

/// Lists what is wrong with a cluster.
pub(super) fn of_cluster(workload: &Workload, subjects: &[Subject<'_>], view: &View<'_>) -> Vec<Finding> {
    let mut found = of_servers(subjects);
    found.extend(unserved(workload, view));
    found.extend(failing(view));
    found.extend(single(workload, view));
    for subject in subjects {
        found.extend(alone(subject, view));
        found.extend(moving(subject));
    }
    found
}

fn of_servers(subjects: &[Subject<'_>]) -> Vec<Finding> {
    let servers = || subjects.iter().filter_map(|subject| Some((subject, subject.server()?)));
    let masters = servers().filter(|(_, server)| server.upstream.is_none());
    let of_masters = masters
        .flat_map(|(subject, server)| volatile(subject, server).into_iter().chain(followers_missing(subject, server)));
    of_masters.chain(servers().filter_map(|(subject, server)| unwritten(subject, server))).collect()
}

/// A master that keeps nothing on disk: Kubernetes starts it again, empty, before anybody takes over.
fn volatile(subject: &Subject<'_>, server: &Server) -> Option<Finding> {
    (server.persists == Known::Value(false)).then(|| {
        let why = if server.followers.is_empty() {
            "it starts empty after every restart of its container"
        } else {
            "it starts empty after every restart of its container, and its replicas throw their data away to be as it is"
        };
        of_pod(Severity::Warning, Code::PersistenceOff, subject, "writes nothing to disk (save \"\", appendonly no)", why)
    })
}

/// A master that refuses writes for want of replicas.
fn followers_missing(subject: &Subject<'_>, server: &Server) -> Option<Finding> {
    let wanted = server.wants_followers.value().copied().filter(|wanted| *wanted > 0)?;
    let good = server.good_followers.filter(|good| *good < wanted)?;
    let predicate = format!("has {good} of {wanted} replicas that keep up (min-replicas-to-write)");
    let why = "every write is refused (NOREPLICAS) until enough replicas do";
    Some(of_pod(Severity::Critical, Code::MinReplicasUnmet, subject, &predicate, why))
}

fn unwritten(subject: &Subject<'_>, server: &Server) -> Option<Finding> {
    let what = server.failed_to_write?;
    let why = "what is on disk is old, and by default a server that cannot write it refuses writes (MISCONF)";
    Some(of_pod(
        Severity::Warning,
        Code::PersistenceFails,
        subject,
        &format!("could not write to disk: {what} failed"),
        why,
    ))
}

/// Sentinels that could not replace the master, or that watch somebody else.
fn watching(workload: &Workload, subjects: &[Subject<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let watched = subjects.iter().filter_map(|subject| Some((subject, subject.sentinel.as_ref()?.as_ref().ok()?)));
    let masters: Vec<&Subject<'_>> = subjects.iter().filter(|subject| subject.leads()).collect();
    let mut helpless: Option<&str> = None;
    for (subject, one) in watched.flat_map(|(subject, all)| all.iter().map(move |one| (subject, one))) {
        if let Known::Value(Some(why)) = &one.helpless {
            helpless = helpless.or(Some(why));
        }
        let elsewhere = |master: &&Subject<'_>| !master.is_at(&one.master.host);
        if let [master] = masters.as_slice()
            && elsewhere(master)
        {
            let predicate = format!("has a sentinel that takes {} for the master of {}", one.master.host, one.name);
            let why = format!("the master is {}: clients who ask this sentinel are led astray", master.name());
            found.push(of_pod(Severity::Warning, Code::SentinelAstray, subject, &predicate, &why));
        }
    }
    found.extend(helpless.map(|why| {
        let predicate = format!("has sentinels that could not replace its master: {why}");
        let why = "with the master gone writes would stop until somebody promotes a replica";
        of_set(Severity::Warning, Code::SentinelQuorum, workload, &predicate, why)
    }));
    found
}

/// Slots that nobody serves, or a cluster that serves none of them for want of a majority.
fn unserved(workload: &Workload, view: &View<'_>) -> Option<Finding> {
    let (served, by) = view.served()?;
    let down = view.down_for();
    let why = "their keys are out of reach, and by default the whole cluster stops serving (CLUSTERDOWN)";
    let predicate = if served < SLOTS {
        let missing = count((SLOTS - served) as usize, "slot");
        format!("has {missing} of {SLOTS} that no master serves, as {by} sees it")
    } else if down.is_empty() {
        return None;
    } else {
        let see = if down.len() == 1 { "sees" } else { "see" };
        format!("serves no slot, as {} {see} it (cluster_state fail)", few(&down))
    };
    Some(of_set(Severity::Critical, Code::SlotsUnserved, workload, &predicate, why))
}

/// Nodes of this set that others see fail; those without a pod are said to be so with the other strangers.
fn failing(view: &View<'_>) -> Vec<Finding> {
    let failing = view.seats.values().filter(|seat| !seat.failing_for.is_empty());
    let of = failing.filter_map(|seat| Some((view.subject(seat)?, few(&seat.failing_for), seat.failing_for.len())));
    let say = |(subject, by, number): (&Subject<'_>, String, usize)| {
        let see = if number == 1 { "sees" } else { "see" };
        let why = "a cluster replaces a master only after most masters see it fail, and counts on no failing replica";
        of_pod(Severity::Warning, Code::MemberDown, subject, &format!("fails in the cluster: {by} {see} it so"), why)
    };
    of.map(say).collect()
}

/// Masters that nobody has a copy of.
fn single(workload: &Workload, view: &View<'_>) -> Option<Finding> {
    let alone = view.serving().filter(|seat| view.replicas(&seat.node.id).next().is_none());
    let names: Vec<String> = alone.map(|seat| view.called(seat)).collect();
    (!names.is_empty() && view.seats.len() > 1).then(|| {
        let (noun, has) = if names.len() == 1 { ("master", "has") } else { ("masters", "have") };
        let message = format!("{noun} {} of {} {has} no replica", few(&names), workload.display());
        let why = "their slots are out of reach while they are down, and lost with them";
        Finding {
            severity: Severity::Warning,
            code: Code::SingleCopy,
            subject: workload.display(),
            message,
            why: why.to_owned(),
            next: None,
        }
    })
}

/// A node that belongs to nobody, while others are a cluster.
fn alone(subject: &Subject<'_>, view: &View<'_>) -> Option<Finding> {
    subject.nodes().filter(|nodes| nodes.is_alone())?;
    let (predicate, why) = if view.seats.is_empty() {
        ("is in no cluster yet", "it serves nothing until `redis-cli --cluster create` has made one")
    } else {
        ("is in no cluster: it was never taken in, or it has left", "it serves nothing, and nobody counts on it")
    };
    Some(of_pod(Severity::Warning, Code::MemberNotServing, subject, predicate, why))
}

/// Slots on their way, and nodes that are being met.
fn moving(subject: &Subject<'_>) -> Option<Finding> {
    let Nodes { own, met, .. } = subject.nodes()?;
    let predicate = match (own.open_slots, met) {
        (0, 0) => return None,
        (0, met) => format!("is meeting {}, or was left with their names", count(*met, "node")),
        (open, _) => format!("({}) has {} on their way to or from it", short(&own.id), count(open, "slot")),
    };
    let why = "until that is done no node may be added or removed; `redis-cli --cluster fix` ends what was interrupted";
    Some(of_pod(Severity::Note, Code::MembersChanging, subject, &predicate, why))
}

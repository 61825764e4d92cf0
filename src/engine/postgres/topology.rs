//! Puts the answers of all servers together: who follows whom, and how far behind.

use std::collections::BTreeSet;

use super::server::{Server, SlotRow, Standby};
use super::{findings, sync};
use crate::model::{Known, Lag, Member, Pod, PodName, Role, Slot, SyncRule, SyncState, Topology};

/// Programs that read log from a server without being members.
const CLIENTS: &[&str] = &["pg_basebackup", "pg_receivewal", "barman_receive_wal"];

/// What a standby calls itself when nobody gave it a name.
const NAMELESS: &str = "walreceiver";

/// One pod and what its server said.
pub(in crate::engine) struct Subject<'a> {
    /// The pod.
    pub(in crate::engine) pod: &'a Pod,
    /// The name that a cluster manager gave the member, where it did.
    pub(in crate::engine) alias: Option<String>,
    /// The server, or why it is unknown.
    pub(in crate::engine) server: Result<Server, String>,
}

impl Subject<'_> {
    /// Tells whether a standby of that name is this pod's; slots and old setups write underscores for dashes.
    pub(in crate::engine) fn is_called(&self, name: &str) -> bool {
        let pod = self.pod.meta.name.as_str();
        name == pod || name == pod.replace('-', "_") || self.alias.as_deref() == Some(name)
    }

    /// Tells whether the pod has that address.
    pub(in crate::engine) fn is_at(&self, address: &str) -> bool {
        !address.is_empty() && self.pod.ip.as_deref() == Some(address)
    }

    /// Tells whether the server has that `cluster_name`, which standbys without another name call themselves.
    fn is_named(&self, name: &str) -> bool {
        let own = self.server.as_ref().ok().and_then(|server| server.settings.cluster_name.as_deref());
        !name.is_empty() && own == Some(name)
    }
}

/// The primary's answer, or why there is nobody to compare with.
type Primary<'a> = Result<&'a Server, String>;

/// Puts the answers together.
pub(in crate::engine) fn topology(subjects: &[Subject<'_>]) -> Topology {
    let primary = primary(subjects);
    let sync = primary.as_ref().ok().and_then(|server| sync::rule(server));
    let members = subjects.iter().map(|subject| {
        let row = primary.as_ref().ok().and_then(|server| row_of(server, subject, subjects));
        match &subject.server {
            Ok(server) => member(subject, server, &primary, row, sync.as_ref()),
            Err(why) => silent(subject, why, &primary, row, sync.as_ref()),
        }
    });
    Topology {
        version: version(subjects, &primary),
        members: members.collect(),
        slots: answers(subjects).flat_map(|(pod, server)| slots(pod, server, subjects)).collect(),
        strangers: strangers(subjects),
        upstream: None,
        title: None,
        cluster: None,
        objections: Vec::new(),
        findings: answers(subjects).flat_map(|(pod, server)| findings::of_server(pod, server)).collect(),
        sync,
    }
}

/// Gives the pods whose servers answered.
fn answers<'s>(subjects: &'s [Subject<'_>]) -> impl Iterator<Item = (&'s Pod, &'s Server)> {
    subjects.iter().filter_map(|subject| Some((subject.pod, subject.server.as_ref().ok()?)))
}

/// Finds the one primary; with none or several there is nobody to compare with.
fn primary<'s>(subjects: &'s [Subject<'_>]) -> Primary<'s> {
    let found: Vec<_> = answers(subjects).map(|(_, server)| server).filter(|server| !server.in_recovery).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] if subjects.iter().any(|subject| subject.server.is_err()) => Err("no primary answered".to_owned()),
        [] => Err("no primary".to_owned()),
        several => Err(format!("{} primaries", several.len())),
    }
}

/// Gives the primary's version, or the one that all agree on.
fn version(subjects: &[Subject<'_>], primary: &Primary<'_>) -> Known<String> {
    if let Ok(server) = primary {
        return Known::Value(server.short_version().to_owned());
    }
    let versions: BTreeSet<_> = answers(subjects).map(|(_, server)| server.short_version()).collect();
    let reason = subjects.iter().find_map(|subject| subject.server.as_ref().err());
    match versions.len() {
        0 => Known::unknown(reason.map_or("no pods", String::as_str)),
        1 => Known::or_unknown(versions.first().map(|version| (*version).to_owned()), "no pods"),
        _ => Known::unknown(format!("members differ: {}", versions.into_iter().collect::<Vec<_>>().join(", "))),
    }
}

/// Makes the member of a server that answered.
fn member(
    subject: &Subject<'_>,
    server: &Server,
    primary: &Primary<'_>,
    row: Option<&Standby>,
    sync: Option<&SyncRule>,
) -> Member {
    let mut member = Member {
        role: Known::Value(if server.in_recovery { Role::Replica } else { Role::Primary }),
        name: name(subject),
        replay_paused: server.replay_paused.unwrap_or_default(),
        timeline: server.timeline(),
        position: if server.in_recovery { server.replay_lsn } else { server.current_lsn }.map(|lsn| lsn.to_string()),
        sessions: server.count_sessions(),
        system_id: server.system_identifier.clone(),
        slot: slot_of(subject, primary),
        feeds: Some(server.standbys.iter().map(called).collect()),
        ..Member::unknown(subject.pod.name(), "")
    };
    if server.in_recovery {
        let receiving = receiving(server, primary);
        member.lag = Some(lag(server, primary, &receiving, row));
        member.replication = replication(server, &receiving, row);
        member.receiving = Some(receiving);
        member.sync = primary.as_ref().ok().and_then(|_| sync_state(row, sync));
    }
    member
}

/// Makes the member of a server that did not answer: only what the primary knows of it is said.
fn silent(
    subject: &Subject<'_>,
    why: &str,
    primary: &Primary<'_>,
    row: Option<&Standby>,
    sync: Option<&SyncRule>,
) -> Member {
    Member {
        name: name(subject),
        sync: row.and_then(|row| sync_state(Some(row), sync)),
        slot: slot_of(subject, primary),
        ..Member::unknown(subject.pod.name(), why)
    }
}

/// Finds the primary's slot that keeps log for a member: the one that it says it reads, else one that has its name.
fn slot_of(subject: &Subject<'_>, primary: &Primary<'_>) -> Option<String> {
    let slots = &primary.as_ref().ok()?.slots;
    let said = subject.server.as_ref().ok().and_then(|server| server.wal_receiver.as_ref()?.slot_name.as_deref());
    let reads = |slot: &&SlotRow| match said.filter(|name| !name.is_empty()) {
        Some(name) => slot.slot_name == name,
        None => slot.slot_type == "physical" && subject.is_called(&slot.slot_name),
    };
    slots.iter().find(reads).map(|slot| slot.slot_name.clone())
}

/// Gives the name that a cluster manager gave the member, where that is not the pod's.
fn name(subject: &Subject<'_>) -> Option<String> {
    subject.alias.clone().filter(|alias| *alias != subject.pod.meta.name)
}

/// Tells whether a standby receives the primary's log.
///
/// A diverged standby keeps a walreceiver that waits or even streams an old timeline from another standby.
fn receiving(server: &Server, primary: &Primary<'_>) -> Known<bool> {
    let Some(receiver) = &server.wal_receiver else { return Known::Value(false) };
    let Some(status) = &receiver.status else { return Known::unknown(server.lacks("pg_stat_wal_receiver")) };
    Known::Value(status == "streaming" && primary.as_ref().map_or(true, |primary| !timelines_differ(server, primary)))
}

fn timelines_differ(server: &Server, primary: &Server) -> bool {
    matches!((server.timeline(), primary.timeline()), (Some(own), Some(other)) if own != other)
}

fn data_differs(server: &Server, primary: &Server) -> bool {
    matches!((&server.system_identifier, &primary.system_identifier), (Some(own), Some(other)) if own != other)
}

/// Says how far a standby is behind.
///
/// The servers were asked one after another: a standby that was asked later may be ahead of what the primary said,
/// which counts as zero.
fn lag(server: &Server, primary: &Primary<'_>, receiving: &Known<bool>, row: Option<&Standby>) -> Lag {
    let primary = match comparable(server, primary, receiving) {
        Ok(primary) => primary,
        Err(why) => return Lag { bytes: Known::unknown(why.clone()), delay_ms: Known::Unknown(why) },
    };
    let Some((written, replayed)) = primary.current_lsn.zip(server.replay_lsn) else {
        let why = "no place in the log reported";
        return Lag { bytes: Known::unknown(why), delay_ms: Known::unknown(why) };
    };
    Lag { bytes: Known::Value(written.0.saturating_sub(replayed.0)), delay_ms: delay(server, primary, row) }
}

/// Gives the primary if the standby's place in the log means anything beside the primary's.
fn comparable<'p>(server: &Server, primary: &Primary<'p>, receiving: &Known<bool>) -> Primary<'p> {
    let primary = primary.clone()?;
    match (server.timeline(), primary.timeline(), receiving) {
        _ if data_differs(server, primary) => Err("holds other data than the primary".to_owned()),
        (Some(own), Some(other), _) if own != other => Err(format!("on timeline {own}, the primary on {other}")),
        // The last number of a standby that receives nothing says nothing about now.
        (_, _, Known::Value(false)) => Err("disconnected".to_owned()),
        (_, _, Known::Unknown(why)) => Err(why.clone()),
        (_, _, Known::Value(true)) => Ok(primary),
    }
}

/// Says how old the newest change is that a receiving standby has replayed, zero once it has everything.
///
/// "Everything" is what the primary had flushed, by the standby's own answer or by what it had told the primary:
/// otherwise the age of the last transaction would grow on a cluster that nobody writes to.
fn delay(server: &Server, primary: &Server, row: Option<&Standby>) -> Known<u64> {
    let has_all = |replayed| primary.flush_lsn.is_some_and(|flushed| replayed >= flushed);
    if [server.replay_lsn, row.and_then(|row| row.replay_lsn)].into_iter().flatten().any(has_all) {
        return Known::Value(0);
    }
    let age = server.replay_age_ms.map(|age| u64::try_from(age).unwrap_or_default());
    Known::or_unknown(age, "no transaction replayed since the start")
}

/// Gives the word for a standby's replication; the primary's is the finer one while they are connected.
fn replication(server: &Server, receiving: &Known<bool>, row: Option<&Standby>) -> Option<String> {
    let own = server.wal_receiver.as_ref().and_then(|receiver| receiver.status.clone());
    let seen = row.and_then(|row| row.state.clone());
    if *receiving == Known::Value(false) { own } else { seen.or(own) }
}

/// Says whether commits wait for a standby; without a rule they wait for nobody, whatever priorities say.
fn sync_state(row: Option<&Standby>, rule: Option<&SyncRule>) -> Option<SyncState> {
    if rule.is_none() {
        return Some(SyncState::Async);
    }
    match row?.sync_state.as_deref()? {
        "async" => Some(SyncState::Async),
        "potential" => Some(SyncState::Potential),
        "sync" => Some(SyncState::Sync),
        "quorum" => Some(SyncState::Quorum),
        _ => None,
    }
}

/// Finds the walsender that serves a pod.
fn row_of<'s>(primary: &'s Server, subject: &Subject<'_>, subjects: &[Subject<'_>]) -> Option<&'s Standby> {
    let serves = |row: &&Standby| {
        is_member(primary, row)
            && owner(row, subjects).is_some_and(|owner| owner.pod.meta.name == subject.pod.meta.name)
    };
    primary.standbys.iter().find(serves)
}

/// Tells a standby from programs that only read log.
fn is_member(server: &Server, row: &Standby) -> bool {
    let client = row.application_name.as_deref().is_some_and(|name| CLIENTS.contains(&name));
    !client && row.state.as_deref() != Some("backup") && !server.decodes(row.pid)
}

/// Finds the pod behind a walsender: by name, then by address, then by a `cluster_name` of its own; several fits are
/// none, because many clusters give all members one name, and pods on the host's network share addresses.
fn owner<'s, 'p>(row: &Standby, subjects: &'s [Subject<'p>]) -> Option<&'s Subject<'p>> {
    let only = |fits: &dyn Fn(&Subject<'_>) -> bool| {
        let mut found = subjects.iter().filter(|subject| fits(subject));
        found.next().filter(|_| found.next().is_none())
    };
    let name = row.application_name.as_deref().unwrap_or_default();
    let address = row.client_addr.as_deref().unwrap_or_default();
    only(&|subject| subject.is_called(name))
        .or_else(|| only(&|subject| subject.is_at(address)))
        .or_else(|| only(&|subject| subject.is_named(name)))
}

/// Names the standbys that no pod stands for.
fn strangers(subjects: &[Subject<'_>]) -> Vec<String> {
    let rows = answers(subjects).flat_map(|(_, server)| {
        server.standbys.iter().filter(|row| is_member(server, row) && owner(row, subjects).is_none())
    });
    rows.map(called).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Names a standby as its upstream does; one without a name of its own by its address.
fn called(row: &Standby) -> String {
    let name = row.application_name.as_deref().unwrap_or_default();
    let address = row.client_addr.as_deref().unwrap_or("local socket");
    if name.is_empty() || name == NAMELESS { format!("{NAMELESS} at {address}") } else { name.to_owned() }
}

/// Finds the member that a slot keeps log for: the one that reads it, else the one that has its name.
fn reader(row: &SlotRow, server: &Server, subjects: &[Subject<'_>]) -> Option<PodName> {
    if row.slot_type != "physical" {
        return None;
    }
    let reads = |standby: &&Standby| row.active_pid.is_some() && standby.pid == row.active_pid;
    let now = server.standbys.iter().find(reads).and_then(|standby| owner(standby, subjects));
    let named = || subjects.iter().find(|subject| subject.is_called(&row.slot_name));
    now.or_else(named).map(|subject| subject.pod.name())
}

/// Lists the slots that a server keeps.
fn slots(pod: &Pod, server: &Server, subjects: &[Subject<'_>]) -> Vec<Slot> {
    let slot = |row: &SlotRow| Slot {
        pod: pod.name(),
        name: row.slot_name.clone(),
        reader: reader(row, server, subjects),
        logical: row.slot_type == "logical",
        active: row.active,
        retained_bytes: row.retained_bytes.map(|bytes| u64::try_from(bytes).unwrap_or_default()),
        spare_bytes: row.safe_wal_size.map(|bytes| u64::try_from(bytes).unwrap_or_default()),
        state: row.wal_status.clone(),
    };
    server.slots.iter().map(slot).collect()
}

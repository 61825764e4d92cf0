//! Servers that replicate from one another: who follows whom, and how far behind.

use std::collections::BTreeSet;

use super::channel::Channel;
use super::findings;
use super::server::{Registered, Server};
use super::subject::{Subject, answers, called, member as registered_member, source, version};
use crate::model::{Known, Lag, Member, Role, SyncRule, SyncState, Topology};

/// The primary and its answer, or why there is nobody to compare with.
type Primary<'s, 'a> = Result<(&'s Subject<'a>, &'s Server), String>;

/// Puts the answers together.
pub(super) fn topology(subjects: &[Subject<'_>]) -> Topology {
    let primary = primary(subjects);
    let sync = primary.as_ref().ok().and_then(|(_, server)| rule(server));
    let members = subjects.iter().map(|subject| match &subject.server {
        Ok(server) => member(subjects, subject, server, &primary, sync.as_ref()),
        Err(why) => Member::unknown(subject.pod.name(), why),
    });
    Topology {
        version: version(subjects, primary.as_ref().ok().map(|(_, server)| *server)),
        members: members.collect(),
        slots: Vec::new(),
        strangers: strangers(subjects),
        upstream: None,
        title: None,
        cluster: None,
        objections: Vec::new(),
        findings: findings::of_replication(subjects, primary.as_ref().ok().map(|(_, server)| *server)),
        sync,
    }
}

/// Tells the part that a server plays. Who receives changes is a replica, even if it is left writable; who takes writes
/// and receives nothing is a primary, even if nobody follows it.
pub(super) fn role(subjects: &[Subject<'_>], server: &Server) -> Role {
    if server.channels.is_empty() {
        return if server.is_writable { Role::Primary } else { Role::Detached };
    }
    let outside = server.channels.iter().all(|channel| source(subjects, channel).is_none());
    let all_known = subjects.iter().all(|subject| subject.server.is_ok());
    let feeds = server.registered.iter().any(|row| registered_member(subjects, row).is_some());
    if outside && all_known && feeds { Role::StandbyLeader } else { Role::Replica }
}

/// Finds the one primary; with none or several there is nobody to compare with.
fn primary<'s, 'a>(subjects: &'s [Subject<'a>]) -> Primary<'s, 'a> {
    let found: Vec<_> = answers(subjects).filter(|(_, server)| role(subjects, server) == Role::Primary).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] if subjects.iter().any(|subject| subject.server.is_err()) => Err("no primary answered".to_owned()),
        [] => Err("no primary".to_owned()),
        several => Err(format!("{} primaries", several.len())),
    }
}

/// Makes the member of a server that answered.
fn member(
    subjects: &[Subject<'_>],
    subject: &Subject<'_>,
    server: &Server,
    primary: &Primary<'_, '_>,
    sync: Option<&SyncRule>,
) -> Member {
    let mut member = Member {
        role: Known::Value(role(subjects, server)),
        position: server.history().map(|history| history.to_string()).filter(|position| !position.is_empty()),
        sessions: server.count_sessions(),
        feeds: Some(followers(subjects, subject, server)),
        ..Member::unknown(subject.pod.name(), "")
    };
    if let Some(channel) = main_channel(subjects, server) {
        member.receiving = Some(Known::Value(channel.is_receiving()));
        member.lag = Some(lag(subjects, server, channel, primary));
        member.replication = Some(channel.state());
        // What an error has stopped is told with its error; what has none was stopped by somebody.
        member.replay_paused = !channel.is_applying() && channel.applier_error.is_none();
        member.sync = primary.as_ref().ok().map(|_| sync_state(server, sync));
    }
    member
}

/// Names those who receive from a server. One that has gone over to another source stays registered until the old one
/// notices: its own word counts.
fn followers(subjects: &[Subject<'_>], subject: &Subject<'_>, server: &Server) -> Vec<String> {
    let elsewhere = |row: &&Registered| {
        let follower = registered_member(subjects, row).and_then(|member| member.server.as_ref().ok());
        let from = |channel| source(subjects, channel).is_none_or(|source| source.name() == subject.name());
        follower.is_some_and(|follower| !follower.channels.iter().any(from))
    };
    server.registered.iter().filter(|row| !elsewhere(row)).map(|row| called(subjects, row)).collect()
}

/// Chooses the channel that counts: the one from a member of the set, else the first.
pub(super) fn main_channel<'s>(subjects: &[Subject<'_>], server: &'s Server) -> Option<&'s Channel> {
    let inside = server.channels.iter().find(|channel| source(subjects, channel).is_some());
    inside.or_else(|| server.channels.first())
}

/// Says how far a replica is behind.
///
/// The servers were asked one after another: a replica that was asked later may be ahead of what the primary said,
/// which counts as zero.
fn lag(subjects: &[Subject<'_>], server: &Server, channel: &Channel, primary: &Primary<'_, '_>) -> Lag {
    let unknown = |why: String| Lag { bytes: Known::unknown(why.clone()), delay_ms: Known::Unknown(why) };
    let (leader, leading) = match primary {
        Ok(primary) => primary,
        Err(why) => return unknown(why.clone()),
    };
    // The last number of a replica that receives nothing says nothing about now.
    if !channel.is_receiving() {
        return unknown("disconnected".to_owned());
    }
    // With transactions of its own, a replica's numbers say less than its place in the primary's log.
    if has_all(leading, server) == Some(true) && findings::errant_of(leading, server).is_none() {
        return Lag { bytes: Known::Value(0), delay_ms: Known::Value(0) };
    }
    let bytes = match source(subjects, channel) {
        Some(source) if source.name() == leader.name() => behind(leading, channel),
        Some(source) => Known::unknown(format!("receives through {}", source.name())),
        None => Known::unknown(format!("receives from {}, which is no member", channel.host)),
    };
    let delay_ms = delay(channel, &bytes);
    Lag { bytes, delay_ms }
}

/// Tells whether a replica has executed everything that the primary has; `None` where transactions have no numbers.
pub(super) fn has_all(primary: &Server, replica: &Server) -> Option<bool> {
    let missing = primary.history()?.beyond(&replica.history()?)?;
    Some(missing.is_empty())
}

/// Measures how many bytes of the primary's log come after what a replica has applied.
fn behind(primary: &Server, channel: &Channel) -> Known<u64> {
    let Some((file, place)) = &channel.applied else { return Known::unknown("no place in the log reported") };
    Known::or_unknown(primary.bytes_after(file, *place), &format!("the primary's log has no {file}"))
}

/// Says how old what is applied now is. It counts from what was received: zero while something is on its way is no
/// measurement.
fn delay(channel: &Channel, bytes: &Known<u64>) -> Known<u64> {
    match (channel.behind_seconds, bytes) {
        (Some(0), Known::Value(0)) => Known::Value(0),
        (Some(0), _) => Known::unknown("it counts from what it has received"),
        (Some(seconds), _) => Known::Value(seconds.saturating_mul(1000)),
        (None, _) => Known::unknown("the applier does not run"),
    }
}

/// Reads the rule that commits on a primary follow. After its time-out semi-synchronous replication waits for nobody.
fn rule(primary: &Server) -> Option<SyncRule> {
    let status = primary.status("Rpl_semi_sync_source_status").or(primary.status("Rpl_semi_sync_master_status"))?;
    let clients = primary.status("Rpl_semi_sync_source_clients").or(primary.status("Rpl_semi_sync_master_clients"));
    let count = primary
        .variable("rpl_semi_sync_source_wait_for_replica_count")
        .or(primary.variable("rpl_semi_sync_master_wait_for_slave_count"));
    let wanted = count.and_then(|count| count.parse().ok()).unwrap_or(1);
    let confirming = clients.and_then(|clients| clients.parse().ok());
    (status == "ON").then(|| SyncRule {
        setting: "semi-synchronous".to_owned(),
        wanted,
        confirming: Known::or_unknown(confirming, "the primary does not say how many"),
    })
}

/// Says whether commits wait for a replica; without a rule they wait for nobody.
fn sync_state(server: &Server, rule: Option<&SyncRule>) -> SyncState {
    let status = server.status("Rpl_semi_sync_replica_status").or(server.status("Rpl_semi_sync_slave_status"));
    if rule.is_some() && status == Some("ON") { SyncState::Quorum } else { SyncState::Async }
}

/// Names the servers that receive changes and that no pod stands for. A member that did not answer may be one of them.
fn strangers(subjects: &[Subject<'_>]) -> Vec<String> {
    if subjects.iter().any(|subject| subject.server.is_err()) {
        return Vec::new();
    }
    let rows = answers(subjects).flat_map(|(_, server)| &server.registered);
    let unknown = rows.filter(|row| registered_member(subjects, row).is_none());
    unknown.map(|row| called(subjects, row)).collect::<BTreeSet<_>>().into_iter().collect()
}

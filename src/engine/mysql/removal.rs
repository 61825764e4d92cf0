//! How a member leaves: nobody may receive from it, those that stay must carry on, and they must see that it has gone.
//!
//! A server that is stopped cleanly leaves its group or cluster by itself: nothing is done to it before its pod goes. The source of
//! a replica drops it when it next has something to send, or much later when its network went first; nobody waits for
//! that, because it holds nothing for a replica and takes one back that returns.

use super::server::Server;
use super::subject::Subject;
use super::{findings, galera, group, subjects, topology};
use crate::engine::{Asked, Leaving, Removal};
use crate::model::{self, Known, Member, Role};
use crate::plan::{Check, EngineCheck, Objection, Verdict, Weight};

/// Fewer members than this do not survive the loss of one.
const SAFE_SIZE: usize = 3;

/// Says what has to happen when a member leaves.
pub(super) fn removal(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
    let subjects = subjects(asked.pods, asked.outputs);
    let Some(subject) = subjects.iter().find(|one| one.name() == leaving.name.as_str()) else {
        return Removal::default();
    };
    let servers = || subjects.iter().filter_map(|one| one.server.as_ref().ok());
    if servers().any(Server::is_galera) {
        of_galera(&subjects, subject, leaving)
    } else if servers().any(Server::is_of_group) {
        of_group(&subjects, subject, leaving)
    } else {
        of_replica(asked, &subjects, subject)
    }
}

/// A replica: its followers would stop with it, and what only it has would be gone.
fn of_replica(asked: &Asked<'_>, subjects: &[Subject<'_>], subject: &Subject<'_>) -> Removal {
    let member = asked.topology.member(&subject.pod.name());
    let objections = member.and_then(followers).into_iter().chain(errant(subjects, subject)).collect();
    Removal { objections, ..Removal::default() }
}

fn followers(member: &Member) -> Option<Objection> {
    let feeds = member.feeds.as_deref().filter(|feeds| !feeds.is_empty())?;
    let follows = matches!(member.role, Known::Value(Role::Replica));
    follows.then(|| {
        Objection::new(
            "cascade",
            Weight::No,
            format!("{} receives changes through {}", feeds.join(", "), member.pod),
            "nobody may receive from a member that leaves",
        )
        .way_out("let it follow the primary first (`CHANGE REPLICATION SOURCE TO`, `CHANGE MASTER TO`)")
    })
}

fn errant(subjects: &[Subject<'_>], subject: &Subject<'_>) -> Option<Objection> {
    let server = subject.server.as_ref().ok()?;
    let mut primaries = subjects
        .iter()
        .filter_map(|one| one.server.as_ref().ok())
        .filter(|one| topology::role(subjects, one) == Role::Primary && one.id != server.id);
    let (Some(primary), None) = (primaries.next(), primaries.next()) else { return None };
    let rest = findings::errant_of(primary, server)?;
    Some(
        Objection::new(
            "errant",
            Weight::No,
            format!("{} has transactions that the primary has not: {rest}", subject.name()),
            "what is nowhere else does not leave",
        )
        .way_out("bring them to the primary, or set the member up anew"),
    )
}

fn of_group(subjects: &[Subject<'_>], subject: &Subject<'_>, leaving: &Leaving<'_>) -> Removal {
    let mut objections: Vec<_> = group::objections(subjects, subject).into_iter().map(weighed).collect();
    objections.extend(too_few(leaving));
    let uuid = subject.server.as_ref().ok().and_then(Server::uuid);
    let words = format!("{} gone from the group of those that stay", subject.name());
    let left = uuid.map(|uuid| Check::Engine(EngineCheck::new("left-group", &[("member", uuid)], words)));
    Removal { objections, settled: left.into_iter().collect(), ..Removal::default() }
}

fn of_galera(subjects: &[Subject<'_>], subject: &Subject<'_>, leaving: &Leaving<'_>) -> Removal {
    let mut objections: Vec<_> = galera::objections(subjects, subject).into_iter().map(weighed).collect();
    objections.extend(too_few(leaving));
    let serving: Vec<_> =
        subjects.iter().filter_map(|one| one.server.as_ref().ok()).filter(|server| galera::serves(server)).collect();
    // An arbitrator counts and has no pod.
    let others =
        serving.first().and_then(|server| galera::size(server)).unwrap_or_default().saturating_sub(serving.len());
    let size = (leaving.staying.len() + others).to_string();
    let words = format!("a cluster of {size}, in sync");
    let smaller = Check::Engine(EngineCheck::new("galera-size", &[("size", &size)], words));
    let settled = if leaving.staying.is_empty() { Vec::new() } else { vec![smaller] };
    Removal { objections, settled, ..Removal::default() }
}

/// What is wrong with those that stay may pass; that there are none does not.
fn weighed(objection: model::Objection) -> Objection {
    let limit = "those that stay must be able to carry on";
    match objection.why {
        Known::Value(why) if objection.code == "lastCopy" => Objection::new(objection.code, Weight::No, why, limit),
        Known::Value(why) => Objection::new(objection.code, Weight::Passing, why, limit),
        Known::Unknown(why) => Objection::new(objection.code, Weight::Unknown, why, limit),
    }
}

fn too_few(leaving: &Leaving<'_>) -> Option<Objection> {
    let left = leaving.staying.len();
    (0 < left && left < SAFE_SIZE).then(|| {
        Objection::new(
            "quorum",
            Weight::No,
            format!("{left} would stay"),
            format!("fewer than {SAFE_SIZE} members do not survive the loss of one"),
        )
        .allow("quorum")
    })
}

/// Judges whether a member has left, by what those say that stay.
pub(super) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
    let subjects = subjects(asked.pods, asked.outputs);
    match check.code.as_str() {
        "left-group" => all(&subjects, |server| {
            let listed = server.group.iter().any(|row| row.uuid == check.name("member"));
            listed.then(|| "still lists it".to_owned())
        }),
        "galera-size" => all(&subjects, |server| {
            let size = galera::size(server);
            let synced = galera::serves(server) && galera::state(server) == Some(galera::SYNCED);
            let fits = synced && size.is_some_and(|size| size.to_string() == check.name("size"));
            let state = galera::state(server).unwrap_or("in an unknown state");
            (!fits).then(|| format!("is {state} in a cluster of {}", size.unwrap_or_default()))
        }),
        other => Verdict::broken(format!("MySQL and MariaDB know no check {other}")),
    }
}

/// Asks all that stay; silence is not yet an answer.
fn all(subjects: &[Subject<'_>], missing: impl Fn(&Server) -> Option<String>) -> Verdict {
    subjects.iter().fold(Verdict::Holds, |sum, one| {
        sum.and(match one.server.as_ref().map(&missing) {
            Ok(None) => Verdict::Holds,
            Ok(Some(why)) => Verdict::not_yet(format!("{} {why}", one.name())),
            Err(why) => Verdict::not_yet(format!("{} does not say ({why})", one.name())),
        })
    })
}

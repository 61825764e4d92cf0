//! How a standby leaves: nobody may receive from it, and the slots that others keep for it go after it.

use super::probe;
use crate::engine::{Leaving, Removal};
use crate::model::{Known, Member, PodName, Role, Topology};
use crate::plan::{Check, Effect, EngineCheck, Limit, Objection, Step, Trace, Undo, Verdict, Weight, When};

/// How long a server may take to see that a standby is gone: its `wal_sender_timeout` is 60 s.
const SLOT_LIMIT: Limit = Limit::seconds(90);

/// Says what has to happen when a standby leaves.
pub(in crate::engine) fn removal(now: &Topology, leaving: &Leaving<'_>) -> Removal {
    let member = now.member(&leaving.name);
    Removal {
        objections: member.map(followers).unwrap_or_default(),
        back: member.and_then(streams).into_iter().collect(),
        after: slots(now, leaving).into_iter().filter_map(|(keeper, name)| slot(&keeper, &name, leaving)).collect(),
        ..Removal::default()
    }
}

/// One that receives changes now has to do so again, when its removal is taken back: a pod is ready before that.
pub(in crate::engine) fn streams(member: &Member) -> Option<Check> {
    let receives = member.receiving == Some(Known::Value(true));
    let pod = member.pod.as_str();
    receives.then(|| Check::Engine(EngineCheck::new("streams", &[("pod", pod)], format!("{pod} receiving changes"))))
}

/// Names the slots that keep log for the one that leaves, each with the member that has it: the primary, and standbys
/// that it receives through or once did.
fn slots(now: &Topology, leaving: &Leaving<'_>) -> Vec<(PodName, String)> {
    let own = now.member(&leaving.name).and_then(|member| member.slot.clone());
    let of_primary = now.primaries().next().zip(own).map(|(primary, name)| (primary.pod.clone(), name));
    let is_standby = |pod: &PodName| {
        now.member(pod).is_some_and(|member| member.role == Known::Value(Role::Replica) && *pod != leaving.name)
    };
    let of_standbys =
        now.slots.iter().filter(|slot| slot.reader.as_ref() == Some(&leaving.name) && is_standby(&slot.pod));
    of_primary.into_iter().chain(of_standbys.map(|slot| (slot.pod.clone(), slot.name.clone()))).collect()
}

/// Those who receive from a standby would stop with it.
pub(in crate::engine) fn followers(member: &Member) -> Vec<Objection> {
    let follows = matches!(member.role, Known::Value(Role::Replica));
    let feeds = member.feeds.iter().flatten().cloned().collect::<Vec<_>>();
    if !follows || feeds.is_empty() {
        return Vec::new();
    }
    vec![
        Objection::new(
            "cascade",
            Weight::No,
            format!("{} receives changes through {}", feeds.join(", "), member.pod),
            "nobody may receive from a member that leaves",
        )
        .way_out("let it follow the primary first (`primary_conninfo`)"),
    ]
}

/// Makes the step that drops the slot of a standby that is gone; without it its keeper keeps log for nobody.
fn slot(keeper: &PodName, name: &str, leaving: &Leaving<'_>) -> Option<Step> {
    if !is_plain(name) {
        return None;
    }
    let (pod, container) = leaving.place(keeper)?;
    let about = [("slot", name), ("pod", keeper.as_str())];
    let idle = Check::Engine(EngineCheck::new("slot-idle", &about, format!("slot {name} idle on {keeper}")));
    let gone = Check::Engine(EngineCheck::new("slot-gone", &about, format!("slot {name} gone from {keeper}")));
    let there = Check::Engine(EngineCheck::new("slot-there", &about, format!("slot {name} on {keeper}")));
    let command = |words: String, statement: String| Effect::Command {
        pod: pod.clone(),
        container: container.clone(),
        words,
        argv: probe::run(&statement),
    };
    let drop = command(
        format!("drop replication slot {name} on {keeper}"),
        format!(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{name}' AND NOT active"
        ),
    );
    let create = command(
        format!("recreate replication slot {name} on {keeper}"),
        format!(
            "SELECT pg_create_physical_replication_slot('{name}', true) \
             WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '{name}')"
        ),
    );
    Some(Step {
        when: When::Always,
        requires: vec![idle],
        effect: drop,
        trace: Trace::Seen(gone.clone()),
        ensures: vec![gone],
        undo: Undo::by(create, Trace::Seen(there.clone()), vec![there]),
        limit: SLOT_LIMIT,
    })
}

/// Tells whether a name can stand in a statement as it is: PostgreSQL allows no other slot names.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Judges one of PostgreSQL's checks.
pub(in crate::engine) fn judge(check: &EngineCheck, now: &Topology) -> Verdict {
    match check.code.as_str() {
        "streams" => receives(check.name("pod"), now),
        "slot-idle" | "slot-gone" | "slot-there" => judge_slot(check, now),
        other => Verdict::broken(format!("PostgreSQL knows no check {other}")),
    }
}

fn receives(pod: &str, now: &Topology) -> Verdict {
    let Some(member) = now.members.iter().find(|member| member.pod.as_str() == pod) else {
        return Verdict::not_yet(format!("{pod} is not there"));
    };
    match (&member.role, &member.receiving) {
        (Known::Value(Role::Primary), _) => Verdict::broken(format!("{pod} is a primary now")),
        (_, Some(Known::Value(true))) => Verdict::Holds,
        (_, Some(Known::Value(false))) => Verdict::not_yet(format!("{pod} does not receive changes yet")),
        (Known::Unknown(why), _) | (_, Some(Known::Unknown(why))) => {
            Verdict::not_yet(format!("{pod} does not say whether it receives changes ({why})"))
        }
        (Known::Value(_), None) => Verdict::not_yet(format!("{pod} does not say whether it receives changes")),
    }
}

fn judge_slot(check: &EngineCheck, now: &Topology) -> Verdict {
    let (name, pod) = (check.name("slot"), check.name("pod"));
    let Some(keeper) = now.members.iter().find(|member| member.pod.as_str() == pod) else {
        return Verdict::not_yet(format!("{pod} is not there"));
    };
    if let Some(why) = keeper.role.why() {
        return Verdict::not_yet(format!("{pod} does not say what slots it has ({why})"));
    }
    let slot = now.slots.iter().find(|slot| slot.name == name && slot.pod == keeper.pod);
    match (check.code.as_str(), slot) {
        ("slot-idle", Some(slot)) if slot.active => Verdict::not_yet(format!("slot {name} is still read on {pod}")),
        ("slot-gone", Some(_)) => Verdict::not_yet(format!("slot {name} is still on {pod}")),
        ("slot-there", None) => Verdict::not_yet(format!("slot {name} is not on {pod}")),
        _ => Verdict::Holds,
    }
}

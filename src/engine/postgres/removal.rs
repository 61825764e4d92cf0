//! How a standby leaves: nobody may receive from it, and what the primary keeps for it goes after it.

use super::probe;
use crate::engine::{Leaving, Removal};
use crate::model::{Known, Member, Topology};
use crate::plan::{Check, Effect, EngineCheck, Limit, Objection, Step, Trace, Undo, Verdict, Weight, When};

/// How long the primary may take to see that a standby is gone: its `wal_sender_timeout` is 60 s.
const SLOT_LIMIT: Limit = Limit::seconds(90);

/// Says what has to happen when a standby leaves.
pub(in crate::engine) fn removal(now: &Topology, leaving: &Leaving<'_>) -> Removal {
    let member = now.member(&leaving.name);
    Removal {
        objections: member.map(followers).unwrap_or_default(),
        after: slot(now, leaving).into_iter().collect(),
        ..Removal::default()
    }
}

/// Those who receive from a standby would stop with it.
pub(in crate::engine) fn followers(member: &Member) -> Vec<Objection> {
    let follows = matches!(member.role, Known::Value(crate::model::Role::Replica));
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

/// Makes the step that drops the slot of a standby that is gone; without it the primary keeps log for nobody.
fn slot(now: &Topology, leaving: &Leaving<'_>) -> Option<Step> {
    let name = now.member(&leaving.name)?.slot.as_deref().filter(|name| is_plain(name))?;
    let primary = now.primaries().next()?;
    let (pod, container) = leaving.place(&primary.pod)?;
    let about = [("slot", name), ("pod", primary.pod.as_str())];
    let idle = Check::Engine(EngineCheck::new("slot-idle", &about, format!("slot {name} idle on {}", primary.pod)));
    let gone = Check::Engine(EngineCheck::new("slot-gone", &about, format!("slot {name} gone from {}", primary.pod)));
    let there = Check::Engine(EngineCheck::new("slot-there", &about, format!("slot {name} on {}", primary.pod)));
    let command = |words: String, statement: String| Effect::Command {
        pod: pod.clone(),
        container: container.clone(),
        words,
        argv: probe::run(&statement),
    };
    let drop = command(
        format!("drop replication slot {name} on {}", primary.pod),
        format!(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{name}' AND NOT active"
        ),
    );
    let create = command(
        format!("recreate replication slot {name} on {}", primary.pod),
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

/// Judges a check about a slot.
pub(in crate::engine) fn judge(check: &EngineCheck, now: &Topology) -> Verdict {
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
        ("slot-idle" | "slot-gone" | "slot-there", _) => Verdict::Holds,
        (other, _) => Verdict::broken(format!("PostgreSQL knows no check {other}")),
    }
}

//! The end of a migration: the volumes of before go, with what is on them.

use jiff::Timestamp;

use crate::analyze::bytes;
use crate::model::{PodName, RETAINED_LABEL, Resource, Volume};
use crate::plan::{
    Check, Effect, FORMAT, Goal, Limit, Objection, Pin, Plan, RunId, Step, Subject, Trace, Undo, Weight, When,
};
use crate::planner::{Refusal, Situation};

/// How long whoever made a volume may take to remove it.
const REMOVE_LIMIT: Limit = Limit::seconds(300);

/// Makes the plan by which the volumes go that a member had before it was moved, or says everything that speaks against it.
///
/// # Errors
/// When anything speaks against it, or there is none.
pub fn finish(situation: &Situation<'_>, member: &PodName, id: RunId, now: Timestamp) -> Result<Plan, Refusal> {
    let set = situation.workload;
    let refused =
        |objections| Refusal { wanted: format!("{}: what {member} had before", situation.display()), objections };
    if let Some(gap) = situation.snapshot.gap(Resource::Volumes) {
        let measured = format!("volumes are not known ({})", gap.why);
        return Err(refused(vec![Objection::new("notRead", Weight::Unknown, measured, "unknown counts as no")]));
    }
    let of = format!("{}.{member}", set.meta.namespace);
    let is_kept = |volume: &&Volume| volume.meta.labels.get(RETAINED_LABEL) == Some(&of);
    let kept: Vec<&Volume> = situation.snapshot.volumes.iter().filter(is_kept).collect();
    let mut found = Vec::new();
    if kept.is_empty() {
        let measured = format!("{member} has no volume of before");
        found.push(Objection::new("nothing", Weight::No, measured, "there is something to remove"));
    }
    let row = situation.report.rows.iter().find(|row| row.pod == *member);
    if row.is_none_or(|row| row.state != crate::analyze::report::PodState::Ready) {
        let limit = "the member is well on what it has now";
        found.push(Objection::new("notReady", Weight::Passing, format!("{member} is not ready"), limit));
    }
    for volume in kept.iter().filter(|volume| volume.phase != "Released") {
        let measured = format!("{} is {}", volume.meta.name, volume.phase);
        found.push(Objection::new("volume", Weight::No, measured, "only a volume that nobody uses is removed"));
    }
    if !found.is_empty() {
        return Err(refused(found));
    }
    let steps = kept.iter().map(|volume| {
        let pin = Pin::of(&volume.meta);
        let gone = Check::VolumeGone { volume: pin.clone() };
        Step {
            when: When::Always,
            requires: Vec::new(),
            effect: Effect::DeleteVolume { volume: pin },
            trace: Trace::Idempotent,
            ensures: vec![gone],
            undo: Undo::Never { why: format!("what is on {} is gone", volume.meta.name) },
            limit: REMOVE_LIMIT,
        }
    });
    let note = |volume: &&Volume| {
        let size = volume.capacity_bytes.map(bytes).unwrap_or_default();
        format!("{} ({size}) holds what {member} had when it was moved", volume.meta.name)
    };
    Ok(Plan {
        format: FORMAT,
        id,
        made_at: now,
        goal: Goal::Finish { pod: member.clone() },
        subject: Subject::of(set),
        engine: situation.report.head.engine.engine.clone(),
        container: situation.container.map(str::to_owned),
        max_lag_bytes: situation.max_lag_bytes,
        overrides: Vec::new(),
        manner: String::new(),
        notes: kept.iter().map(note).collect(),
        typed: Vec::new(),
        pause: None,
        steps: steps.collect(),
    })
}

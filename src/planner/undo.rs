//! The plan back: what was done, taken back in the opposite order.

use jiff::Timestamp;

use crate::plan::{Check, Effect, FORMAT, Goal, Plan, Progress, Reversal, Run, RunId, Step, Trace, Undo, When};

/// Makes the plan that takes a run back. Steps whose effect may have been sent count as done: every reversal says by
/// its trace whether there is anything to take back.
#[must_use]
pub fn undo(run: &Run, id: RunId, now: Timestamp) -> Plan {
    let mut steps = Vec::new();
    let mut notes = Vec::new();
    for (at, step) in run.plan.steps.iter().enumerate().rev() {
        let when = match run.progress(at) {
            Progress::Waiting => continue,
            // Nobody knows whether it was done.
            Progress::Began => When::UnlessSeen,
            Progress::Done => When::Always,
        };
        match &step.undo {
            Undo::By(reversal) | Undo::Barrier { by: reversal, .. } => steps.push(Step {
                when,
                requires: requires(step),
                effect: reversal.effect.clone(),
                trace: reversal.trace.clone(),
                ensures: reversal.ensures.clone(),
                undo: Undo::By(Box::new(Reversal {
                    effect: step.effect.clone(),
                    trace: step.trace.clone(),
                    ensures: step.ensures.clone(),
                })),
                limit: step.limit,
            }),
            Undo::Keep { .. } => {}
            Undo::Never { why } => notes.push(format!("{} cannot be taken back: {why}", step.effect)),
        }
    }
    Plan {
        format: FORMAT,
        id,
        made_at: now,
        goal: Goal::Undo { of: run.plan.id.clone() },
        steps,
        manner: String::new(),
        notes,
        typed: Vec::new(),
        pause: None,
        ..run.plan.clone()
    }
}

/// What a reversal requires: that nobody else has changed the replicas in the meantime, and that a member that is moved is down still.
fn requires(step: &Step) -> Vec<Check> {
    let replicas = |check: &&Check| matches!(check, Check::Replicas { .. });
    let seen = if let Trace::Seen(check) = &step.trace { Some(check).filter(replicas) } else { None };
    let moves = matches!(step.effect, Effect::Relocate { .. });
    let held = step.requires.iter().filter(|_| moves).filter_map(|check| {
        let Check::Held { member, going, but_on: _ } = check else { return None };
        Some(Check::Held { member: member.clone(), going: going.clone(), but_on: None })
    });
    seen.cloned().into_iter().chain(held).collect()
}

//! The plan of a scale-down: one ordinal after the other, from the highest.

use jiff::Timestamp;

use super::objections::{of_set, overruled, policy};
use super::{Refusal, Situation, room};
use crate::analyze::bytes;
use crate::analyze::report::{PodState, Row, RowClaim};
use crate::engine::{Leaving, Removal};
use crate::model::PodName;
use crate::plan::{
    Check, Effect, FORMAT, Goal, Limit, Objection, Pin, Plan, RunId, Step, Subject, Trace, Undo, Weight, When,
};

/// How long a pod may take on top of its own grace period: detaching volumes, and the control plane's own pace.
const SLACK_SECONDS: u64 = 300;

/// Grace period of a pod whose template names none.
const DEFAULT_GRACE_SECONDS: u64 = 30;

/// How long a claim may take to go: its protection is lifted when no pod uses it.
const CLAIM_LIMIT: Limit = Limit::seconds(120);

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct ScaleDown {
    /// The replicas that are to stay.
    pub to: u32,
    /// Whether an empty set is meant (`--to-zero`).
    pub to_zero: bool,
    /// Whether the claims of those that leave are deleted (`--delete-claims`).
    pub delete_claims: bool,
    /// What somebody takes the responsibility for (`--allow`).
    pub allowed: Vec<String>,
    /// How long each step may take, where somebody said so.
    pub step_limit: Option<Limit>,
}

/// Makes the plan, or says everything that speaks against it.
///
/// # Errors
/// When anything speaks against it.
pub fn scale_down(situation: &Situation<'_>, wanted: &ScaleDown, id: RunId, now: Timestamp) -> Result<Plan, Refusal> {
    let set = situation.workload;
    let objections = objections(situation, wanted);
    if !objections.is_empty() {
        let words = format!("{} in {}, {} -> {} replicas", set.display(), set.meta.namespace, set.replicas, wanted.to);
        return Err(Refusal { wanted: words, objections });
    }
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    for (row, to) in situation.leaving(wanted.to).zip((wanted.to..set.replicas).rev()) {
        let removal = removal(situation, &row.pod, to);
        notes.extend(sessions(row));
        notes.extend(claims(situation, row, &removal, wanted));
        steps.extend(ordinal(situation, wanted, row, removal, to));
    }
    Ok(Plan {
        format: FORMAT,
        id,
        made_at: now,
        goal: Goal::ScaleDown { from: set.replicas, to: wanted.to },
        subject: Subject::of(set),
        engine: situation.report.head.engine.engine.clone(),
        container: situation.container.map(str::to_owned),
        max_lag_bytes: situation.max_lag_bytes,
        overrides: wanted.allowed.clone(),
        manner: String::new(),
        notes,
        typed: Vec::new(),
        pause: None,
        steps,
    })
}

fn objections(situation: &Situation<'_>, wanted: &ScaleDown) -> Vec<Objection> {
    let mut found = of_set(situation, wanted.to, &wanted.allowed);
    if !wanted.delete_claims {
        found.extend(policy(situation));
    }
    if wanted.to == 0 && !wanted.to_zero {
        let limit = "stopping everything is asked for by name";
        found.push(Objection::new("toZero", Weight::No, "no replica would stay", limit).way_out("say --to-zero"));
    }
    for row in situation.leaving(wanted.to) {
        for objection in overruled(removal(situation, &row.pod, wanted.to).objections, &wanted.allowed) {
            if !found.contains(&objection) {
                found.push(objection);
            }
        }
    }
    found
}

/// Asks the engine what has to happen when a member leaves and the first `replicas` ordinals stay.
pub(super) fn removal(situation: &Situation<'_>, pod: &PodName, replicas: u32) -> Removal {
    let staying = situation.staying(replicas).filter_map(|row| situation.pod(&row.pod));
    let staying = staying.map(|pod| (pod, situation.container(pod))).collect();
    let container = situation.pod(pod).and_then(|pod| situation.container(pod));
    let leaving = Leaving { workload: situation.workload, name: pod.clone(), container, staying };
    let mut removal = situation.asked(|asked| situation.engine.removal(asked, &leaving));
    removal.objections.extend(room::objections(situation, &removal, replicas));
    removal
}

/// Makes the steps of one ordinal: the engine's before, the set's, the engine's after, the claims'.
fn ordinal(situation: &Situation<'_>, wanted: &ScaleDown, row: &Row, removal: Removal, to: u32) -> Vec<Step> {
    let Removal { before, settled, back, after, poison, .. } = removal;
    let pod = situation.pod(&row.pod).map(|pod| Pin::of(&pod.meta));
    let mut steps = before;
    let undo = match poison {
        Some(why) => Undo::Never { why },
        None => grow(to, back),
    };
    steps.push(replicas(situation, row, pod.clone(), settled, undo, to));
    steps.extend(after);
    if wanted.delete_claims {
        steps.extend(row.claims.iter().filter_map(|claim| delete(situation, claim, pod.as_ref(), to)));
    }
    if let Some(limit) = wanted.step_limit {
        for step in &mut steps {
            step.limit = limit;
        }
    }
    steps
}

/// Takes one step back: so many replicas and one more, with all that the engine wants then.
fn grow(to: u32, back: Vec<Check>) -> Undo {
    let from = to + 1;
    let ready = [Check::Replicas { are: from }, Check::Ready { ordinals: from }];
    Undo::by(
        Effect::SetReplicas { from: to, to: from },
        Trace::Seen(Check::Replicas { are: from }),
        ready.into_iter().chain(back).collect(),
    )
}

fn replicas(situation: &Situation<'_>, row: &Row, pod: Option<Pin>, settled: Vec<Check>, undo: Undo, to: u32) -> Step {
    let (from, grace) = (to + 1, situation.workload.template.grace_seconds);
    let grace = grace.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(DEFAULT_GRACE_SECONDS);
    let gone = pod.map(|pod| Check::PodGone { pod });
    let ready = (to > 0).then_some(Check::Ready { ordinals: to });
    let ensures = std::iter::once(Check::Replicas { are: to }).chain(gone).chain(ready).chain(settled);
    Step {
        when: When::Always,
        requires: vec![Check::Replicas { are: from }, Check::MayLeave { pod: row.pod.clone() }],
        effect: Effect::SetReplicas { from, to },
        trace: Trace::Seen(Check::Replicas { are: to }),
        ensures: ensures.collect(),
        undo,
        limit: Limit::seconds(grace + SLACK_SECONDS),
    }
}

fn delete(situation: &Situation<'_>, claim: &RowClaim, pod: Option<&Pin>, to: u32) -> Option<Step> {
    let namespace = &situation.workload.meta.namespace;
    let found = situation
        .snapshot
        .claims
        .iter()
        .find(|one| one.meta.namespace == *namespace && one.meta.name == claim.name.0)?;
    let pin = Pin::of(&found.meta);
    let gone = Check::ClaimGone { claim: pin.clone() };
    let requires = std::iter::once(Check::Replicas { are: to }).chain(pod.cloned().map(|pod| Check::PodGone { pod }));
    Some(Step {
        when: When::Always,
        requires: requires.collect(),
        effect: Effect::DeleteClaim { claim: pin },
        trace: Trace::Seen(gone.clone()),
        ensures: vec![gone],
        undo: Undo::Never { why: format!("what was on {} is gone", claim.name) },
        limit: CLAIM_LIMIT,
    })
}

/// Says whose sessions end.
fn sessions(row: &Row) -> Option<String> {
    let sessions = row.sessions.value().filter(|sessions| sessions.total() > 0)?;
    let number = sessions.total();
    let ending = if number == 1 { "session ends" } else { "sessions end" };
    let busy = sessions.active + sessions.idle_in_transaction;
    let busy = if busy > 0 { format!(", {busy} of them at work") } else { String::new() };
    Some(format!("{number} {ending} with {}{busy}", row.pod))
}

/// Says what becomes of an ordinal's claims.
fn claims(situation: &Situation<'_>, row: &Row, removal: &Removal, wanted: &ScaleDown) -> Vec<String> {
    let Some(why) = removal.poison.as_deref().filter(|_| !wanted.delete_claims) else {
        return row.claims.iter().filter_map(|claim| fate(row, claim, removal, wanted)).collect();
    };
    let names: Vec<&str> = row.claims.iter().map(|claim| claim.name.as_str()).collect();
    let names = names.join(" ");
    let namespace = &situation.workload.meta.namespace;
    vec![format!("keeps {names}, but {why}: before scaling up, `kubectl delete pvc {names} -n {namespace}`")]
}

/// Says what becomes of a claim.
fn fate(row: &Row, claim: &RowClaim, removal: &Removal, wanted: &ScaleDown) -> Option<String> {
    if claim.phase == "Missing" {
        return None;
    }
    let size = claim.size_bytes.map(bytes).unwrap_or_default();
    let node = row.node.as_ref().map(|node| format!(", on {node}")).unwrap_or_default();
    let name = &claim.name;
    Some(if wanted.delete_claims {
        let volume = match claim.reclaim_policy.as_deref() {
            Some("Retain") => "; its volume stays (Retain)",
            Some(_) => ", and its volume and data with it",
            None => "",
        };
        format!("deletes {name} ({size}{node}){volume}")
    } else {
        let running = matches!(row.state, PodState::Ready | PodState::NotReady(_));
        let data = match (removal.empties, running) {
            (true, _) => "emptied",
            (false, true) => "with its data as of then",
            (false, false) => "with whatever is on it",
        };
        format!("keeps {name} ({size}{node}): {} takes it again, {data}, when scaled up", row.pod)
    })
}

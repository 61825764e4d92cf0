//! The plan of a migration: copy while the member runs, hold it, copy the rest, and give its claims the new volumes.

mod finish;
mod objections;
mod target;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::{Refusal, Situation};
use crate::analyze::report::Row;
use crate::analyze::{bound_node, bytes};
use crate::engine::Leaving;
use crate::model::{Claim, ClaimPolicy, FleetingKind, Node, NodeName, PodName, Volume};
use crate::plan::{
    Check, Effect, FORMAT, Goal, Limit, Pause, Pin, Place, Plan, Relocated, Relocation, Reversal, RunId, Stage, Step,
    Subject, Trace, Undo, When,
};

pub use finish::finish;
pub(super) use objections::objections_now;

/// How long a few requests may take.
const REQUESTS_LIMIT: Limit = Limit::seconds(60);

/// How long a new volume and the pods that copy may take: a node may have to fetch the image first.
const PREPARE_LIMIT: Limit = Limit::seconds(600);

/// How long copying a volume may take while its member runs.
const COPY_LIMIT: Limit = Limit::seconds(7 * 24 * 60 * 60);

/// How long a member may take to be ready again.
const START_LIMIT: Limit = Limit::seconds(600);

/// Grace period of a pod whose template names none, in seconds.
const DEFAULT_GRACE_SECONDS: u64 = 30;

/// What the kubelet may take to end a pod, on top of its grace period, in seconds.
const SLACK_SECONDS: u64 = 60;

/// What somebody wants.
#[derive(Clone, Debug)]
pub struct Migrate {
    /// The node to go to, where somebody named one.
    pub to: Option<NodeName>,
    /// What somebody takes the responsibility for (`--allow`).
    pub allowed: Vec<String>,
    /// The longest time for which the member may be down, in seconds.
    pub max_downtime_seconds: u64,
    /// How long an eviction may be refused by a budget.
    pub evict_limit: Option<Limit>,
    /// The image of the copying pods, where it is not the member's own.
    pub image: Option<String>,
    /// The most that is read from the volume in a second.
    pub bytes_per_second: Option<u64>,
    /// Whether the whole copy is read back once more while the member is down.
    pub verify_all: bool,
}

/// Makes the plan, or says everything that speaks against it.
///
/// # Errors
/// When anything speaks against it.
pub fn migrate(
    situation: &Situation<'_>,
    member: &PodName,
    wanted: &Migrate,
    id: RunId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let refused =
        |objections| Refusal { wanted: format!("{}: {member} stays where it is", situation.display()), objections };
    let holding = Holding::of(situation, member).map_err(|objection| refused(vec![objection]))?;
    let target =
        target::choose(situation, &holding, wanted.to.as_ref()).map_err(|objection| refused(vec![objection]))?;
    let found = objections::objections(situation, &holding, target, &wanted.allowed);
    if !found.is_empty() {
        return Err(refused(found));
    }
    let set = situation.workload;
    let relocation = holding.relocation(situation, target, wanted);
    let (steps, pause) = steps(situation, &holding, &relocation, wanted);
    Ok(Plan {
        format: FORMAT,
        id,
        made_at: now,
        goal: Goal::Migrate { pod: member.clone(), from: holding.node.name(), to: target.name() },
        subject: Subject::of(set),
        engine: situation.report.head.engine.engine.clone(),
        container: situation.container.map(str::to_owned),
        max_lag_bytes: situation.max_lag_bytes,
        overrides: wanted.allowed.clone(),
        manner: format!(
            "Only {member} is down: for its own stop and start, and while what changed during the copy is copied, {} s at \
             most, or it is taken back.",
            wanted.max_downtime_seconds
        ),
        notes: notes(situation, &holding, &relocation),
        typed: Vec::new(),
        pause: Some(pause),
        steps,
    })
}

/// A member with everything that it keeps on its node.
struct Holding<'a> {
    row: &'a Row,
    pod: Pin,
    node: &'a Node,
    volumes: Vec<Held<'a>>,
}

/// A claim with its volume.
struct Held<'a> {
    template: &'a str,
    claim: &'a Claim,
    volume: &'a Volume,
}

impl Holding<'_> {
    fn relocation(&self, situation: &Situation<'_>, target: &Node, wanted: &Migrate) -> Relocation {
        let pod = situation.pod(&self.row.pod);
        let own = pod.and_then(|pod| situation.container(pod));
        let first = || situation.workload.template.containers.first().map(|container| container.name.clone());
        let claims = self.volumes.iter().map(|held| {
            let template = situation.workload.claim_templates.iter().find(|one| one.name == held.template);
            let sizes =
                [held.claim.requested_bytes, held.volume.capacity_bytes, template.and_then(|one| one.size_bytes)];
            Relocated {
                template: held.template.to_owned(),
                claim: Pin::of(&held.claim.meta),
                volume: Pin::of(&held.volume.meta),
                policy: held.volume.reclaim_policy.clone(),
                bytes: sizes.into_iter().flatten().max().unwrap_or_default(),
            }
        });
        Relocation {
            member: self.row.pod.clone(),
            source: place(self.node),
            target: place(target),
            container: own.or_else(first).unwrap_or_default(),
            image: wanted.image.clone(),
            claims: claims.collect(),
            max_downtime_seconds: wanted.max_downtime_seconds,
            bytes_per_second: wanted.bytes_per_second,
            verify_all: wanted.verify_all,
        }
    }
}

fn place(node: &Node) -> Place {
    let architecture = node.meta.labels.get("kubernetes.io/arch").cloned().unwrap_or_default();
    Place { node: Pin::of(&node.meta), architecture }
}

/// Makes the steps, and says while which of them the member is down.
fn steps(situation: &Situation<'_>, holding: &Holding<'_>, of: &Relocation, wanted: &Migrate) -> (Vec<Step>, Pause) {
    let goes = || "it goes with what was made for the copy".to_owned();
    let keep = |why: String| Undo::Keep { why };
    let back = |stage| Undo::by(relocate(stage, of), Trace::Idempotent, Vec::new());
    // Whoever was down is well again, and has caught up as far as its engine can say.
    let well = well(situation, holding);
    let mut steps = vec![
        stage(Stage::Protect, of, back(Stage::Unprotect), REQUESTS_LIMIT),
        stage(Stage::Prepare, of, back(Stage::Discard), PREPARE_LIMIT),
    ];
    if !holding.node.unschedulable {
        steps.push(cordon(of, well.clone()));
    }
    steps.push(stage(Stage::Copy, of, keep(goes()), COPY_LIMIT));
    steps.push(stage(Stage::Hold, of, back(Stage::LiftHold), REQUESTS_LIMIT));
    let first = steps.len();
    let mut evict = evict(situation, holding, of, wanted);
    if holding.node.unschedulable {
        evict.undo = Undo::by(relocate(Stage::LetBack, of), Trace::Idempotent, well.clone());
    }
    steps.push(evict);
    steps.push(stage(Stage::Finish, of, keep(goes()), end_limit(situation)));
    steps.push(stage(Stage::Reserve, of, keep(goes()), REQUESTS_LIMIT));
    steps.push(swap(of, well));
    let last = steps.len() - 1;
    // Whoever goes on with the exchange may find it done: the member is where its new volumes are.
    let target = NodeName(of.target.node.name.clone());
    let but_on = |step: &Step| {
        let swaps = matches!(step.effect, Effect::Relocate { stage: Stage::Swap, .. });
        swaps.then(|| target.clone())
    };
    for step in &mut steps[first + 1..=last] {
        let pod = holding.pod.clone();
        step.requires = vec![
            Check::PodGone { pod: pod.clone() },
            Check::Held { member: of.member.clone(), going: Some(pod), but_on: but_on(step) },
            Check::Replicas { are: situation.workload.replicas },
        ];
    }
    steps.push(stage(Stage::LiftHold, of, keep("it was only for the time of the move".to_owned()), REQUESTS_LIMIT));
    steps.push(stage(Stage::Retire, of, keep("the volume before is kept".to_owned()), REQUESTS_LIMIT));
    (steps, Pause { first, last, together: None })
}

fn relocate(stage: Stage, of: &Relocation) -> Effect {
    Effect::Relocate { stage, relocation: Box::new(of.clone()) }
}

/// A part of the way that finds out by itself what of it is done.
fn stage(stage: Stage, of: &Relocation, undo: Undo, limit: Limit) -> Step {
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: relocate(stage, of),
        trace: Trace::Idempotent,
        ensures: Vec::new(),
        undo,
        limit,
    }
}

/// What holds when every member is there again.
fn well(situation: &Situation<'_>, holding: &Holding<'_>) -> Vec<Check> {
    let name = &holding.row.pod;
    let others = situation.report.rows.iter().filter(|row| row.wanted && row.pod != *name);
    let staying = others.filter_map(|row| situation.pod(&row.pod)).map(|pod| (pod, situation.container(pod))).collect();
    let container = situation.pod(name).and_then(|pod| situation.container(pod));
    let leaving = Leaving { workload: situation.workload, name: name.clone(), container, staying };
    let back = situation.asked(|asked| situation.engine.removal(asked, &leaving)).back;
    std::iter::once(Check::Ready { ordinals: situation.workload.replicas }).chain(back).collect()
}

fn cordon(of: &Relocation, well: Vec<Check>) -> Step {
    let node = &of.source.node;
    let is = |cordoned| Check::Cordoned { node: node.clone(), cordoned };
    let effect = |cordoned| Effect::Cordon { node: node.clone(), cordoned };
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: effect(true),
        trace: Trace::Seen(is(true)),
        ensures: Vec::new(),
        undo: Undo::by(effect(false), Trace::Seen(is(false)), well),
        limit: START_LIMIT,
    }
}

/// How long the member's pod may take to end.
fn end_limit(situation: &Situation<'_>) -> Limit {
    let grace = situation.workload.template.grace_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Limit::seconds(grace.unwrap_or(DEFAULT_GRACE_SECONDS) + SLACK_SECONDS)
}

fn evict(situation: &Situation<'_>, holding: &Holding<'_>, of: &Relocation, wanted: &Migrate) -> Step {
    Step {
        when: When::Always,
        requires: vec![Check::MayMove { pod: of.member.clone(), to: NodeName(of.target.node.name.clone()) }],
        effect: Effect::Evict { pod: holding.pod.clone() },
        trace: Trace::Seen(Check::PodGone { pod: holding.pod.clone() }),
        // The next step needs it gone, and has the time that it takes to end.
        ensures: Vec::new(),
        undo: Undo::Keep { why: "the set makes it again, on the volume before, once the node takes it".to_owned() },
        limit: wanted.evict_limit.unwrap_or_else(|| end_limit(situation)),
    }
}

fn swap(of: &Relocation, well: Vec<Check>) -> Step {
    let (member, target) = (&of.member, &of.target.node.name);
    let why = format!("what {member} writes on {target} is there only: move it back with `migrate`");
    let mut step = stage(Stage::Swap, of, Undo::Keep { why: String::new() }, START_LIMIT);
    let claims = of.claims.iter().map(|one| one.claim.clone()).collect();
    step.ensures = vec![Check::Moved { pod: member.clone(), to: NodeName(target.clone()), claims }];
    step.ensures.extend(well);
    let by = Reversal { effect: relocate(Stage::SwapBack, of), trace: Trace::Idempotent, ensures: Vec::new() };
    step.undo = Undo::Barrier { by: Box::new(by), why };
    step
}

/// Says what people should know besides the steps.
fn notes(situation: &Situation<'_>, holding: &Holding<'_>, of: &Relocation) -> Vec<String> {
    let (source, member) = (&of.source.node.name, &of.member);
    let mut notes: Vec<String> = of
        .claims
        .iter()
        .map(|one| {
            format!(
                "{} ({}): its volume of before, {}, stays on {source}, used by nobody, until `kubectl stateful migrate \
                 {member} --finish` removes it",
                one.claim.name,
                bytes(one.bytes),
                one.volume.name
            )
        })
        .collect();
    notes.push(format!("{source} stays cordoned: `kubectl uncordon {source}` when it may take pods again"));
    let fleeting = situation.workload.template.fleeting_volumes.iter();
    notes.extend(fleeting.filter(|volume| volume.kind == FleetingKind::EmptyDir).map(|volume| {
        format!("what {member} has on its emptyDir {} goes with the pod, as at every restart", volume.name)
    }));
    if situation.workload.when_scaled == ClaimPolicy::Delete {
        notes.push("do not change the replicas meanwhile: whenScaled is Delete".to_owned());
    }
    if holding.row.sessions.value().is_some_and(|sessions| sessions.total() > 0) {
        notes.push(format!("sessions with {member} end"));
    }
    notes
}

/// Names the one node that a volume is kept to.
fn node_of(situation: &Situation<'_>, volume: &Volume) -> Option<String> {
    bound_node(situation.snapshot, volume)
}

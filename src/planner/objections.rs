//! What speaks against a smaller set: the object's own state first, then who else changes it, then its members.

use super::{Situation, budget, members};
use crate::analyze::report::{PodState, Rollout, Row};
use crate::model::{ClaimPolicy, Code, Resource};
use crate::plan::{Objection, Weight};

/// Says everything that speaks against keeping only the first `replicas` ordinals, besides what the engine says.
pub(super) fn of_set(situation: &Situation<'_>, replicas: u32, allowed: &[String]) -> Vec<Objection> {
    let mut found = Vec::new();
    found.extend(deleting(situation));
    found.extend(unread(situation));
    found.extend(owner(situation));
    found.extend(autoscalers(situation));
    found.extend(rollout(situation));
    found.extend(pods(situation, replicas));
    found.extend(members::objections(situation, replicas));
    found.extend(budget::objections(situation, replicas));
    overruled(found, allowed)
}

/// Leaves out what somebody takes the responsibility for.
pub(super) fn overruled(mut found: Vec<Objection>, allowed: &[String]) -> Vec<Objection> {
    found.retain(|objection| objection.allow.is_none_or(|word| !allowed.iter().any(|one| one == word)));
    found
}

/// The policy under which the controller itself deletes the claims of a smaller set.
pub(super) fn policy(situation: &Situation<'_>) -> Option<Objection> {
    let set = situation.workload;
    let deletes = set.when_scaled == ClaimPolicy::Delete && !set.claim_templates.is_empty();
    deletes.then(|| {
        Objection::new(
            "claimsDeleted",
            Weight::No,
            "persistentVolumeClaimRetentionPolicy.whenScaled is Delete",
            "claims are kept unless their deletion is asked for",
        )
        .way_out(format!(
            "keep them: `kubectl patch statefulset {} -n {} --type merge -p \
             '{{\"spec\":{{\"persistentVolumeClaimRetentionPolicy\":{{\"whenScaled\":\"Retain\"}}}}}}'`, or delete \
             them with --delete-claims",
            set.meta.name, set.meta.namespace
        ))
    })
}

pub(super) fn deleting(situation: &Situation<'_>) -> Option<Objection> {
    situation
        .workload
        .meta
        .deleting
        .map(|_| Objection::new("deleting", Weight::No, "the set is being deleted", "only a set that stays is changed"))
}

/// Unknown blocks: what everything below counts on must have been read.
fn unread(situation: &Situation<'_>) -> Vec<Objection> {
    let needed = [(Resource::Pods, "pods"), (Resource::Claims, "claims")];
    let gaps = needed.iter().filter_map(|(resource, noun)| Some((noun, situation.snapshot.gap(*resource)?)));
    gaps.map(|(noun, gap)| {
        Objection::new(
            "notRead",
            Weight::Unknown,
            format!("{noun} are not known ({})", gap.why),
            "unknown counts as no",
        )
    })
    .collect()
}

fn owner(situation: &Situation<'_>) -> Option<Objection> {
    let owner = situation.report.head.owner.as_ref().filter(|owner| owner.reverts)?;
    let objection = Objection::new(
        "owner",
        Weight::No,
        format!("managed by {} ({})", owner.title, owner.by),
        "whoever manages a set puts changes of its replicas back",
    );
    let objection = match &owner.instead {
        Some(instead) => objection.way_out(format!("change {instead}")),
        None => objection,
    };
    Some(if owner.delivers { objection.allow("gitops") } else { objection })
}

fn autoscalers(situation: &Situation<'_>) -> Vec<Objection> {
    if let Some(gap) = situation.snapshot.gap(Resource::Autoscalers) {
        let unknown = Objection::new(
            "autoscaler",
            Weight::Unknown,
            format!("autoscalers are not known ({})", gap.why),
            "an autoscaler would scale the set up again",
        );
        return vec![unknown.allow("autoscaler")];
    }
    let found = situation.report.findings.iter().filter(|finding| finding.code == Code::AutoscalerPresent);
    found
        .map(|finding| {
            Objection::new(
                "autoscaler",
                Weight::No,
                finding.message.clone(),
                "an autoscaler changes the replicas again",
            )
            .way_out(format!("lower its minimum, or pause it: `kubectl edit {}`", finding.subject))
            .allow("autoscaler")
        })
        .collect()
}

pub(super) fn rollout(situation: &Situation<'_>) -> Option<Objection> {
    let (weight, measured) = match &situation.report.head.rollout {
        Rollout::Complete => return partition(situation),
        Rollout::InProgress { updated } => {
            (Weight::Passing, format!("a rollout is in progress ({updated} pods have the new revision)"))
        }
        Rollout::Stuck { pod, .. } => (Weight::No, format!("a rollout is stuck at {pod}")),
        Rollout::Partitioned { partition, .. } => (Weight::No, format!("a rollout stops at partition {partition}")),
        Rollout::WaitsForDeletion { updated } => {
            (Weight::No, format!("pods wait for their deletion (OnDelete; {updated} have the new revision)"))
        }
    };
    Some(Objection::new("rollout", weight, measured, "every pod has the same revision").way_out("finish it first"))
}

fn partition(situation: &Situation<'_>) -> Option<Objection> {
    let partition = situation.report.head.partition.filter(|partition| *partition > 0)?;
    Some(
        Objection::new("rollout", Weight::No, format!("partition {partition} is set"), "no partition is left behind")
            .way_out("set it to 0 first"),
    )
}

/// Those that stay must be well, and nobody else may be on the way out.
fn pods(situation: &Situation<'_>, replicas: u32) -> Vec<Objection> {
    let limit = "every member that stays must be ready before one leaves";
    let unwell = situation.staying(replicas).filter_map(|row| {
        let why = match &row.state {
            PodState::Ready => return None,
            PodState::NotReady(why) | PodState::Pending(why) | PodState::Failed(why) | PodState::Unknown(why) => {
                why.clone()
            }
            PodState::Terminating => "terminating".to_owned(),
            PodState::Missing => "no pod".to_owned(),
        };
        Some(Objection::new("notReady", Weight::Passing, format!("{} is not ready: {why}", row.pod), limit))
    });
    let going = |row: &&Row| !row.wanted || row.state == PodState::Terminating;
    let others =
        situation.report.rows.iter().filter(going).filter(|row| !situation.staying(replicas).any(|one| one == *row));
    let going = others.map(|row| {
        let measured = format!("{} is still going", row.pod);
        Objection::new("leaving", Weight::Passing, measured, "one member leaves at a time")
    });
    unwell.chain(going).collect()
}

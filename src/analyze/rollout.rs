//! How far a change of the template has come, and what keeps it.

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::report::Rollout;
use super::scene::{Place, Scene};
use super::state;
use crate::model::{Code, PodManagement, Resource, Severity, UpdateStrategy};

/// Says how far the rollout is.
pub(super) fn of(scene: &Scene<'_>) -> Rollout {
    let updated = u32::try_from(scene.wanted().filter(|place| is_updated(scene, place)).count()).unwrap_or(u32::MAX);
    let behind: Vec<&Place<'_>> = scene.wanted().filter(|place| is_behind(scene, place)).collect();
    if behind.is_empty() {
        return Rollout::Complete;
    }
    let UpdateStrategy::RollingUpdate { partition, .. } = &scene.workload.update else {
        return Rollout::WaitsForDeletion { updated };
    };
    if behind.iter().all(|place| place.ordinal < first_updated(scene, *partition)) {
        return Rollout::Partitioned { updated, partition: *partition };
    }
    match blocking(scene) {
        Some((place, _)) => Rollout::Stuck { updated, pod: place.name.clone() },
        None => Rollout::InProgress { updated },
    }
}

/// Tells whether a pod has the revision of the template as it is now.
pub(super) fn is_updated(scene: &Scene<'_>, place: &Place<'_>) -> bool {
    let revision = place.pod.and_then(|pod| pod.revision());
    revision.is_some_and(|revision| revision == scene.workload.status.update_revision)
}

/// Tells whether a pod is known to have another revision than the template as it is now.
fn is_behind(scene: &Scene<'_>, place: &Place<'_>) -> bool {
    let update = &scene.workload.status.update_revision;
    !update.is_empty() && place.pod.and_then(|pod| pod.revision()).is_some_and(|revision| revision != update)
}

/// Gives the first ordinal that a change reaches: the controller counts the partition from the first ordinal.
fn first_updated(scene: &Scene<'_>, partition: u32) -> u32 {
    scene.workload.first_ordinal.saturating_add(partition)
}

/// Finds the broken pod for which the controller waits, with the reason.
///
/// It goes from the highest ordinal down and waits for every pod that it has replaced. Under `OrderedReady` it first
/// waits for any pod that is not ready, even one of a revision that nobody wants any more.
fn blocking<'s, 'a>(scene: &'s Scene<'a>) -> Option<(&'s Place<'a>, String)> {
    let ordered = scene.workload.pod_management == PodManagement::OrderedReady;
    let broken = |place: &'s Place<'a>| Some((place, state::broken(place.pod?, scene.index.now())?));
    let mut places: Vec<_> = scene.wanted().filter_map(broken).collect();
    places.retain(|(place, _)| ordered || is_updated(scene, place));
    if ordered { places.into_iter().next() } else { places.pop() }
}

/// Says what keeps a rollout.
pub(super) fn find(scene: &Scene<'_>, rollout: &Rollout, findings: &mut Findings) {
    if !scene.index.has_read(Resource::Pods) {
        return;
    }
    let set = scene.workload.meta.name.as_str();
    let behind: Vec<String> =
        scene.wanted().filter(|place| is_behind(scene, place)).map(|place| place.name.to_string()).collect();
    match rollout {
        Rollout::Stuck { .. } => findings.say_some(stuck(scene)),
        Rollout::WaitsForDeletion { .. } => findings.say(
            Remark::new(
                Severity::Note,
                Code::OnDeletePending,
                Kind::Set,
                set,
                format!("waits for the deletion of {}, which {} older", phrase::names(&behind), have(&behind)),
            )
            .why("under OnDelete a pod gets the new revision only when somebody deletes it"),
        ),
        Rollout::Complete | Rollout::InProgress { .. } | Rollout::Partitioned { .. } => {}
    }
    findings.say_some(partition_left(scene, rollout, &behind));
}

fn have(names: &[String]) -> &'static str {
    if names.len() == 1 { "is" } else { "are" }
}

fn stuck(scene: &Scene<'_>) -> Option<Remark> {
    let (place, reason) = blocking(scene)?;
    let reason = if reason.is_empty() { "it is not ready".to_owned() } else { reason };
    let pod = place.name.as_str();
    let delete = scene.command(&format!("delete pod {pod}"));
    let set = &scene.workload.meta.name;
    let remark = |predicate: String| Remark::new(Severity::Warning, Code::RolloutStuck, Kind::Pod, pod, predicate);
    Some(if is_updated(scene, place) {
        remark(format!("has the new revision and keeps the rollout of {set} waiting: {reason}"))
            .why(format!(
                "when the template is right again, {pod} has to be deleted by hand (`{delete}`): the controller waits \
                 for it as it is"
            ))
            .next(scene.command(&format!("rollout undo statefulset/{set}")))
    } else {
        remark(format!("has an old revision and keeps the rollout of {set} waiting: {reason}"))
            .why("the controller waits until it is ready and does not replace it by itself; its claims stay")
            .next(delete)
    })
}

fn partition_left(scene: &Scene<'_>, rollout: &Rollout, behind: &[String]) -> Option<Remark> {
    let UpdateStrategy::RollingUpdate { partition, .. } = scene.workload.update else { return None };
    if partition == 0 || scene.workload.replicas == 0 {
        return None;
    }
    let first = scene.workload.pod_name(first_updated(scene, partition));
    let set = scene.workload.meta.name.as_str();
    let remark = |severity, predicate: String| {
        Remark::new(severity, Code::PartitionLeft, Kind::Set, set, predicate).next(scene.command(&format!(
            "patch statefulset {set} --type merge -p '{{\"spec\":{{\"updateStrategy\":{{\"rollingUpdate\":\
             {{\"partition\":0}}}}}}}}'"
        )))
    };
    let none = partition >= scene.workload.replicas;
    Some(match (rollout, none) {
        (Rollout::Partitioned { .. }, _) => remark(
            Severity::Warning,
            format!("has partition {partition}, which keeps {} on the old revision", phrase::names(behind)),
        )
        .why("the command lets the rollout go on"),
        (_, true) => remark(Severity::Note, format!("has partition {partition}, so that a change reaches no pod"))
            .why("the command lets changes reach every pod"),
        (_, false) => {
            remark(Severity::Note, format!("has partition {partition}, so that a change reaches only {first} and up"))
                .why("the command lets changes reach every pod")
        }
    })
}

/// Says what holds the set as a whole: its deletion, and a controller that has not seen it.
pub(super) fn find_set(scene: &Scene<'_>, findings: &mut Findings) {
    let meta = &scene.workload.meta;
    if meta.deleting.is_some() {
        let finalizers = match meta.finalizers.as_slice() {
            [] => String::new(),
            some => format!(", held by finalizer {}", phrase::list(some)),
        };
        let deletes = scene.workload.when_deleted == crate::model::ClaimPolicy::Delete;
        let (severity, why) = if deletes && !scene.workload.claim_templates.is_empty() {
            (Severity::Critical, "its claims are deleted with it (whenDeleted: Delete)")
        } else {
            (Severity::Warning, "its claims stay (whenDeleted: Retain); its pods do not come back")
        };
        let predicate = format!("is being deleted{finalizers}");
        findings.say(Remark::new(severity, Code::SetDeleting, Kind::Set, meta.name.as_str(), predicate).why(why));
    }
    let seen = scene.workload.status.observed_generation;
    if let Some(seen) = seen.filter(|seen| *seen < scene.workload.generation) {
        let wanted = scene.workload.generation;
        let predicate = format!("is at generation {wanted}, of which the controller has seen {seen}");
        findings.say(
            Remark::new(Severity::Note, Code::ControllerBehind, Kind::Set, meta.name.as_str(), predicate)
                .why("what is said here of its rollout may be old; when it stays so, the controller does not work"),
        );
    }
}

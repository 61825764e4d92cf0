use super::build::*;
use crate::analyze::report::Rollout;
use crate::model::{ClaimPolicy, Code, ContainerState, Phase, PodManagement, REVISION_LABEL, Severity, UpdateStrategy};

/// The template has changed: only the named ordinals have the new revision.
fn changed(world: &mut World, updated: &[usize]) {
    world.set().status.update_revision = "rev-2".to_owned();
    for ordinal in updated {
        world.pod(*ordinal).meta.labels.insert(REVISION_LABEL.to_owned(), "rev-2".to_owned());
    }
}

fn crash(world: &mut World, ordinal: usize) {
    world.not_ready(ordinal);
    world.pod(ordinal).container_states = vec![ContainerState {
        name: "postgres".into(),
        now: Phase::Waiting { reason: "ImagePullBackOff".to_owned(), message: String::new() },
        ..ContainerState::default()
    }];
}

fn partition(partition: u32) -> UpdateStrategy {
    UpdateStrategy::RollingUpdate { partition, max_unavailable: None }
}

#[test]
fn a_rollout_that_waits_for_a_broken_pod_of_an_unwanted_revision_names_the_pod_to_delete() {
    let world = World::with(|world| {
        changed(world, &[]);
        world.pod(2).meta.labels.insert(REVISION_LABEL.to_owned(), "rev-bad".to_owned());
        crash(world, 2);
    });
    let finding = world.finding(Code::RolloutStuck);
    assert_eq!(
        finding.message,
        "pod db-2 has an old revision and keeps the rollout of db waiting: container postgres: ImagePullBackOff"
    );
    assert_eq!(finding.next.as_deref(), Some("kubectl delete pod db-2 -n shop"));
    assert_eq!(world.report().head.rollout, Rollout::Stuck { updated: 0, pod: "db-2".into() });
}

#[test]
fn a_rollout_whose_new_revision_does_not_start_is_taken_back_first() {
    let world = World::with(|world| {
        changed(world, &[2]);
        crash(world, 2);
    });
    let finding = world.finding(Code::RolloutStuck);
    assert_eq!(finding.next.as_deref(), Some("kubectl rollout undo statefulset/db -n shop"));
    assert!(finding.why.contains("`kubectl delete pod db-2 -n shop`"));
}

#[test]
fn a_pod_that_is_being_replaced_does_not_make_a_rollout_stuck() {
    let world = World::with(|world| {
        changed(world, &[2]);
        world.not_ready(2);
        world.pod(2).conditions[0].since = ago(10);
    });
    assert!(!world.says(Code::RolloutStuck));
    assert_eq!(world.report().head.rollout, Rollout::InProgress { updated: 1 });
}

#[test]
fn a_container_that_ended_once_does_not_make_a_rollout_stuck() {
    let crashed = |times: u32| {
        World::with(|world| {
            changed(world, &[2]);
            crash(world, 2);
            world.pod(2).conditions[0].since = ago(10);
            let state = &mut world.pod(2).container_states[0];
            state.now = Phase::Waiting { reason: "CrashLoopBackOff".to_owned(), message: String::new() };
            state.restarts = times;
        })
    };
    assert!(!crashed(1).says(Code::RolloutStuck));
    assert!(crashed(2).says(Code::RolloutStuck));
}

#[test]
fn under_parallel_a_broken_pod_of_an_old_revision_is_replaced_without_help() {
    let world = World::with(|world| {
        changed(world, &[2]);
        crash(world, 0);
        world.set().pod_management = PodManagement::Parallel;
    });
    assert!(!world.says(Code::RolloutStuck));
}

#[test]
fn a_broken_pod_without_a_rollout_is_no_stuck_rollout() {
    let world = World::with(|world| crash(world, 2));
    assert!(!world.says(Code::RolloutStuck));
    assert_eq!(world.report().head.rollout, Rollout::Complete);
}

#[test]
fn a_partition_that_keeps_pods_on_the_old_revision_is_a_warning() {
    let world = World::with(|world| {
        changed(world, &[2]);
        world.set().update = partition(2);
    });
    let finding = world.finding(Code::PartitionLeft);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Warning, "set db has partition 2, which keeps db-0 and db-1 on the old revision")
    );
    assert_eq!(
        finding.next.as_deref(),
        Some(
            "kubectl patch statefulset db --type merge -p \
             '{\"spec\":{\"updateStrategy\":{\"rollingUpdate\":{\"partition\":0}}}}' -n shop"
        )
    );
    assert_eq!(world.report().head.rollout, Rollout::Partitioned { updated: 1, partition: 2 });
}

#[test]
fn a_partition_counts_from_the_first_ordinal() {
    let world = World::with(|world| {
        world.set().first_ordinal = 1;
        world.set().replicas = 2;
        world.set().update = partition(1);
        changed(world, &[2]);
    });
    assert_eq!(world.report().head.rollout, Rollout::Partitioned { updated: 1, partition: 1 });
}

#[test]
fn a_partition_without_a_rollout_is_a_note_and_no_partition_is_nothing() {
    let left = World::with(|world| world.set().update = partition(3));
    let finding = left.finding(Code::PartitionLeft);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Note, "set db has partition 3, so that a change reaches no pod")
    );
    assert!(!World::with(|world| world.set().update = partition(0)).says(Code::PartitionLeft));
}

#[test]
fn under_on_delete_pods_wait_for_somebody_to_delete_them() {
    let world = World::with(|world| {
        changed(world, &[2]);
        world.set().update = UpdateStrategy::OnDelete;
    });
    assert_eq!(
        world.finding(Code::OnDeletePending).message,
        "set db waits for the deletion of db-0 and db-1, which are older"
    );
    let complete = World::with(|world| {
        changed(world, &[0, 1, 2]);
        world.set().update = UpdateStrategy::OnDelete;
    });
    assert!(!complete.says(Code::OnDeletePending));
}

#[test]
fn a_set_that_is_being_deleted_says_what_becomes_of_its_claims() {
    let kept = World::with(|world| world.set().meta.deleting = ago(10));
    assert_eq!(kept.finding(Code::SetDeleting).severity, Severity::Warning);
    assert_eq!(kept.report().head.verdict, "being deleted, nothing may go");
    let deleted = World::with(|world| {
        world.set().meta.deleting = ago(10);
        world.set().when_deleted = ClaimPolicy::Delete;
    });
    assert_eq!(deleted.finding(Code::SetDeleting).severity, Severity::Critical);
    assert!(!World::healthy().says(Code::SetDeleting));
}

#[test]
fn a_controller_that_has_not_seen_the_last_change_is_behind() {
    let world = World::with(|world| world.set().generation = 4);
    assert_eq!(
        world.finding(Code::ControllerBehind).message,
        "set db is at generation 4, of which the controller has seen 1"
    );
    let silent = World::with(|world| world.set().status.observed_generation = None);
    assert!(!silent.says(Code::ControllerBehind));
}

#[test]
fn policies_that_delete_data_say_how_to_change_them() {
    let scaled = World::with(|world| world.set().when_scaled = ClaimPolicy::Delete);
    let finding = scaled.finding(Code::PolicyDeletesData);
    assert_eq!(finding.severity, Severity::Warning);
    assert!(finding.next.unwrap().contains("{\"whenScaled\":\"Retain\"}"));
    let deleted = World::with(|world| world.set().when_deleted = ClaimPolicy::Delete);
    assert_eq!(deleted.finding(Code::PolicyDeletesData).severity, Severity::Note);
    let no_claims = World::with(|world| {
        world.set().when_scaled = ClaimPolicy::Delete;
        world.set().claim_templates.clear();
    });
    assert!(!no_claims.says(Code::PolicyDeletesData));
}

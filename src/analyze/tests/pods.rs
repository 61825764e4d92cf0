use super::build::*;
use crate::analyze::report::PodState;
use crate::model::{Code, ContainerState, End, OwnerReference, Phase, PodManagement, Resource, Severity};

fn waiting(reason: &str, message: &str) -> Phase {
    Phase::Waiting { reason: reason.to_owned(), message: message.to_owned() }
}

fn end(exit_code: i32, reason: &str, seconds_ago: i64) -> End {
    End { exit_code, reason: reason.to_owned(), at: ago(seconds_ago), ..End::default() }
}

fn unscheduled(world: &mut World, ordinal: usize, message: &str) {
    let pod = world.pod(ordinal);
    pod.phase = "Pending".to_owned();
    pod.node = None;
    pod.container_states.clear();
    pod.conditions = vec![condition("PodScheduled", "False", "Unschedulable", message)];
}

#[test]
fn a_pending_pod_gives_the_schedulers_reason() {
    let world = World::with(|world| {
        let message = "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available.";
        unscheduled(world, 2, message);
        world.pod(2).meta.created = ago(300);
    });
    let finding = world.finding(Code::PodPending);
    assert_eq!(finding.message, "pod db-2 is pending for 5m: 0/3 nodes are available: 3 Insufficient memory");
    assert_eq!(finding.next.as_deref(), Some("kubectl describe pod db-2 -n shop"));
}

#[test]
fn a_pod_whose_image_cannot_be_pulled_is_pending_with_the_kubelets_reason() {
    let world = World::with(|world| {
        world.pod(2).phase = "Pending".to_owned();
        world.pod(2).conditions = vec![condition("Ready", "False", "", "")];
        world.pod(2).container_states[0].now = waiting("ImagePullBackOff", "Back-off pulling image \"x\"");
    });
    let why = "container postgres: ImagePullBackOff: Back-off pulling image \"x\"";
    assert_eq!(world.row(2).state, PodState::Pending(why.to_owned()));
}

#[test]
fn a_pod_that_has_only_just_been_made_may_be_pending() {
    let world = World::with(|world| {
        world.pod(2).phase = "Pending".to_owned();
        world.pod(2).conditions = vec![condition("Ready", "False", "", "")];
        world.pod(2).container_states[0].now = waiting("ContainerCreating", "");
        world.pod(2).conditions[0].since = ago(5);
        world.pod(2).meta.created = ago(5);
    });
    assert!(!world.says(Code::PodPending));
    assert_eq!(world.row(2).state, PodState::Pending("containers are being created".to_owned()));
}

#[test]
fn an_init_container_that_runs_is_named() {
    let world = World::with(|world| {
        world.pod(2).phase = "Pending".to_owned();
        world.pod(2).conditions = vec![condition("Ready", "False", "", "")];
        let init = ContainerState {
            name: "clone".into(),
            init: true,
            now: Phase::Running { since: ago(50) },
            ..ContainerState::default()
        };
        world.pod(2).container_states.insert(0, init);
    });
    assert_eq!(world.row(2).state, PodState::Pending("init container clone runs".to_owned()));
}

#[test]
fn a_pod_that_is_not_ready_says_since_when_and_why() {
    let world = World::with(|world| world.not_ready(1));
    assert_eq!(
        world.finding(Code::PodNotReady).message,
        "pod db-1 has not been ready for 10m: container postgres does not pass its readiness probe"
    );
    assert_eq!(world.report().head.ready, 2);
    assert!(!World::healthy().says(Code::PodNotReady));
}

#[test]
fn pods_of_a_node_that_is_down_say_so_once() {
    let world = World::with(|world| {
        world.not_ready(0);
        world.not_ready(1);
        world.pod(1).node = Some("node-1".into());
        world.node_down(0);
    });
    let finding = world.finding(Code::PodNotReady);
    assert_eq!(finding.message, "pods db-0 and db-1 have not been ready for 10m: node node-1 is not ready");
    assert_eq!(finding.next.as_deref(), Some("kubectl describe node node-1"));
}

#[test]
fn an_evicted_pod_has_ended() {
    let world = World::with(|world| {
        let pod = world.pod(1);
        pod.phase = "Failed".to_owned();
        pod.reason = "Evicted".to_owned();
        pod.message = "The node was low on resource: ephemeral-storage.".to_owned();
        pod.conditions.clear();
    });
    assert_eq!(
        world.finding(Code::PodNotReady).message,
        "pod db-1 has ended: Evicted: The node was low on resource: ephemeral-storage"
    );
}

#[test]
fn a_pod_past_its_grace_on_a_dead_node_is_stuck_and_says_what_the_node_has_to_do_with_it() {
    let world = World::with(|world| {
        world.pod(0).meta.deleting = ago(240);
        world.node_down(0);
    });
    let finding = world.finding(Code::PodStuckTerminating);
    assert_eq!(
        finding.message,
        "pod db-0 does not go away: its grace ended 4m ago and node-1 has not been ready for 10m"
    );
    assert_eq!(finding.severity, Severity::Critical);
    assert!(
        finding.why.contains("kubectl taint nodes node-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    );
    assert_eq!(finding.next.as_deref(), Some("kubectl describe node node-1"));
}

#[test]
fn a_pod_held_by_a_finalizer_names_it() {
    let world = World::with(|world| {
        world.pod(0).meta.deleting = ago(240);
        world.pod(0).meta.finalizers = vec!["example.com/backup".to_owned()];
    });
    assert_eq!(
        world.finding(Code::PodStuckTerminating).message,
        "pod db-0 does not go away: its grace ended 4m ago, and finalizer example.com/backup is set"
    );
}

#[test]
fn a_pod_of_a_node_that_is_gone_is_removed_by_kubernetes() {
    let world = World::with(|world| {
        world.pod(0).meta.deleting = ago(240);
        world.snapshot.nodes.remove(0);
    });
    assert!(world.finding(Code::PodStuckTerminating).message.contains("node-1 does not exist any more"));
}

#[test]
fn a_pod_within_its_grace_is_not_stuck() {
    let world = World::with(|world| world.pod(0).meta.deleting = ago(-20));
    assert!(!world.says(Code::PodStuckTerminating));
    assert_eq!(world.row(0).state, PodState::Terminating);
}

#[test]
fn a_crash_loop_gives_the_last_exit_code_and_the_log_to_read() {
    let world = World::with(|world| {
        world.not_ready(1);
        let state = &mut world.pod(1).container_states[0];
        state.now = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container");
        state.restarts = 7;
        state.last_end = Some(end(137, "OOMKilled", 90));
    });
    let finding = world.finding(Code::PodRestarting);
    assert_eq!(
        finding.message,
        "pod db-1 restarts again and again: container postgres 7 times, the last time with exit code 137 (OOMKilled) \
         90s ago"
    );
    assert_eq!(finding.why, "it needs more memory than its limit allows");
    assert_eq!(finding.next.as_deref(), Some("kubectl logs db-1 -c postgres --previous -n shop"));
    assert!(!world.says(Code::PodNotReady));
    let why = "container postgres: CrashLoopBackOff, exit code 137 (OOMKilled)";
    assert_eq!(world.row(1).state, PodState::NotReady(why.to_owned()));
}

#[test]
fn restarts_count_as_a_loop_when_they_are_many_and_recent() {
    let restarted = |times, seconds_ago| {
        World::with(|world| {
            let state = &mut world.pod(1).container_states[0];
            state.restarts = times;
            state.last_end = Some(end(1, "Error", seconds_ago));
        })
    };
    assert!(restarted(5, 600).says(Code::PodRestarting));
    assert!(!restarted(4, 10).says(Code::PodRestarting));
    assert!(!restarted(50, 601).says(Code::PodRestarting));
}

#[test]
fn a_pod_of_the_ordinals_name_that_somebody_else_owns_is_no_member() {
    let world = World::with(|world| {
        world.pod(1).meta.owners[0] = owner("ReplicaSet", "web");
    });
    let finding = world.finding(Code::PodNotOwned);
    assert_eq!(finding.message, "pod db-1 is not the set's but ReplicaSet web's");
    assert_eq!(world.row(1).state, PodState::Missing);
    assert!(!world.says(Code::PodMissing));
}

#[test]
fn a_pod_of_an_earlier_set_of_the_same_name_is_no_member() {
    let world = World::with(|world| world.pod(1).meta.owners[0].uid = "uid-before".into());
    assert!(world.says(Code::PodNotOwned));
}

#[test]
fn a_dump_without_uids_still_knows_whose_the_pods_are() {
    let world = World::with(|world| {
        world.set().meta.uid = "".into();
        for pod in &mut world.snapshot.pods {
            pod.meta.owners = vec![OwnerReference { uid: "".into(), ..owner("StatefulSet", "db") }];
        }
    });
    assert_eq!(world.report().head.ready, 3);
}

#[test]
fn a_gap_in_the_ordinals_gives_the_reason_why_the_pod_is_not_made() {
    let world = World::with(|world| {
        world.remove_pod(1);
        let message = "create Pod db-1 in StatefulSet db failed error: pods \"db-1\" is forbidden: exceeded quota";
        world.snapshot.events = vec![
            mk_event("StatefulSet", "db", "Warning", "FailedCreate", message),
            mk_event("StatefulSet", "db", "Warning", "FailedCreate", "create Pod db-11 failed error: something else"),
        ];
    });
    assert_eq!(
        world.finding(Code::PodMissing).message,
        "pod db-1 does not exist: pods \"db-1\" is forbidden: exceeded quota"
    );
}

#[test]
fn ordinals_that_wait_for_a_lower_one_are_one_finding() {
    let world = World::with(|world| {
        world.set().replicas = 5;
        world.not_ready(2);
    });
    assert_eq!(
        world.finding(Code::PodMissing).message,
        "pods db-3 and db-4 do not exist: OrderedReady waits for db-2, which is not ready"
    );
    let parallel = World::with(|world| {
        world.set().replicas = 5;
        world.set().pod_management = PodManagement::Parallel;
        world.not_ready(2);
    });
    assert_eq!(parallel.finding(Code::PodMissing).message, "pods db-3 and db-4 do not exist");
}

#[test]
fn a_pod_is_not_made_while_its_claim_is_being_deleted() {
    let world = World::with(|world| {
        world.remove_pod(1);
        world.claim(1).meta.deleting = ago(100);
    });
    assert_eq!(
        world.finding(Code::PodMissing).message,
        "pod db-1 does not exist: it is made when claim data-db-1, which is being deleted, is gone"
    );
}

#[test]
fn pods_that_could_not_be_read_are_not_missing() {
    let world = World::with(|world| {
        world.snapshot.pods.clear();
        world.topology.members.clear();
        world.gap(Resource::Pods, "not in the file");
    });
    assert!(!world.says(Code::PodMissing));
    assert_eq!(world.row(0).state, PodState::Unknown("not in the file".to_owned()));
    assert_eq!(world.report().head.verdict, "not known: pods unknown (not in the file)");
}

#[test]
fn ordinals_begin_where_the_set_says() {
    let world = World::with(|world| {
        world.set().first_ordinal = 1;
        world.set().replicas = 2;
    });
    let rows: Vec<_> = world.report().rows.iter().map(|row| (row.ordinal, row.wanted)).collect();
    assert_eq!(rows, [(0, false), (1, true), (2, true)]);
    assert!(!world.says(Code::PodMissing));
}

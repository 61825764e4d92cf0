use super::build::*;
use crate::model::{Code, Known, Phase, Resource, Role, Severity, StorageClass};

#[test]
fn a_claim_that_does_not_exist_beside_its_pod_is_missing() {
    let world = World::with(|world| drop(world.snapshot.claims.remove(1)));
    let finding = world.finding(Code::ClaimMissing);
    assert_eq!(finding.message, "claim data-db-1 does not exist");
    assert_eq!(finding.subject, "persistentvolumeclaim/data-db-1");
    assert_eq!(world.row(1).claims[0].phase, "Missing");
}

#[test]
fn the_claim_of_an_ordinal_that_never_was_is_not_missing() {
    let world = World::with(|world| world.set().replicas = 4);
    assert!(!world.says(Code::ClaimMissing));
}

#[test]
fn claims_that_could_not_be_read_are_not_missing() {
    let world = World::with(|world| {
        world.snapshot.claims.clear();
        world.gap(Resource::Claims, "forbidden: list persistentvolumeclaims");
    });
    assert!(!world.says(Code::ClaimMissing));
    assert_eq!(world.row(0).claims[0].phase, "Unknown");
}

#[test]
fn a_pending_claim_gives_the_event_as_its_reason() {
    let world = World::with(|world| {
        world.claim(2).phase = "Pending".to_owned();
        world.claim(2).volume = None;
        let event =
            |severity, reason, message| mk_event("PersistentVolumeClaim", "data-db-2", severity, reason, message);
        world.snapshot.events = vec![
            event("Warning", "ProvisioningFailed", "storageclass \"fast\" not found."),
            event("Normal", "ExternalProvisioning", "waiting"),
        ];
    });
    let finding = world.finding(Code::ClaimPending);
    assert_eq!(
        finding.message,
        "claim data-db-2 is pending, without a volume (ProvisioningFailed: storageclass \"fast\" not found)"
    );
    assert_eq!(finding.next.as_deref(), Some("kubectl describe pvc data-db-2 -n shop"));
}

#[test]
fn a_claim_that_waits_for_its_pod_is_no_warning() {
    let world = World::with(|world| {
        world.claim(2).phase = "Pending".to_owned();
        let event = mk_event("PersistentVolumeClaim", "data-db-2", "Normal", "WaitForFirstConsumer", "waiting");
        world.snapshot.events = vec![event];
    });
    assert_eq!(world.finding(Code::ClaimPending).severity, Severity::Note);
}

#[test]
fn a_claim_made_just_now_may_be_pending() {
    let world = World::with(|world| {
        world.claim(2).phase = "Pending".to_owned();
        world.claim(2).meta.created = ago(5);
    });
    assert!(!world.says(Code::ClaimPending));
}

#[test]
fn a_lost_claim_is_critical_and_its_volume_is_not_said_twice() {
    let world = World::with(|world| {
        world.claim(1).phase = "Lost".to_owned();
        world.snapshot.volumes.remove(1);
    });
    let finding = world.finding(Code::ClaimLost);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Critical, "claim data-db-1 is lost: volume pv-1 is gone")
    );
    assert!(!world.says(Code::VolumeMissing));
}

#[test]
fn a_claim_that_is_being_deleted_says_how_to_keep_its_volume() {
    let world = World::with(|world| world.claim(1).meta.deleting = ago(60));
    let finding = world.finding(Code::ClaimTerminating);
    assert_eq!(finding.message, "claim data-db-1 is being deleted and is gone as soon as db-1 goes");
    assert!(finding.next.unwrap().starts_with("kubectl patch pv pv-1 "));
    assert_eq!(world.row(1).claims[0].phase, "Terminating");
}

#[test]
fn a_volume_that_is_kept_anyway_needs_no_command() {
    let world = World::with(|world| {
        world.claim(1).meta.deleting = ago(60);
        world.volume(1).reclaim_policy = "Retain".to_owned();
    });
    assert_eq!(world.finding(Code::ClaimTerminating).next, None);
}

#[test]
fn a_claim_that_does_not_fit_its_template_names_every_difference() {
    let world = World::with(|world| {
        let claim = world.claim(1);
        claim.requested_bytes = Some(10 * GIB);
        claim.capacity_bytes = Some(10 * GIB);
        claim.class = Some("slow".to_owned());
        claim.access_modes = vec!["ReadWriteMany".to_owned()];
        claim.volume_mode = "Block".to_owned();
    });
    assert_eq!(
        world.finding(Code::ClaimDiffers).message,
        "claim data-db-1 does not fit template data: it asks for 10Gi, not 20Gi; class is slow, not fast; access modes \
         are ReadWriteMany, not ReadWriteOnce; volume mode is Block, not Filesystem"
    );
}

#[test]
fn a_claim_that_has_grown_still_fits_its_template() {
    let world = World::with(|world| {
        world.claim(1).requested_bytes = Some(40 * GIB);
        world.claim(1).capacity_bytes = Some(40 * GIB);
        world.claim(1).volume_mode = String::new();
    });
    assert!(!world.says(Code::ClaimDiffers));
}

#[test]
fn claims_that_differ_in_the_same_way_are_one_finding() {
    let world = World::with(|world| {
        for claim in &mut world.snapshot.claims {
            claim.class = Some("slow".to_owned());
        }
    });
    assert_eq!(
        world.finding(Code::ClaimDiffers).message,
        "claims data-db-0, data-db-1 and data-db-2 do not fit template data: class is slow, not fast"
    );
}

#[test]
fn claims_outside_the_range_are_left_over_and_may_be_deleted_when_the_data_is_safe_elsewhere() {
    let world = World::with(|world| {
        world.snapshot.claims.push(mk_claim("data-db-3", "pv-3"));
        world.snapshot.volumes.push(mk_volume("pv-3", "data-db-3", "node-2"));
    });
    let finding = world.finding(Code::ClaimsLeftOver);
    assert_eq!(finding.message, "claim data-db-3 (20Gi, node-2) is left over: the set has ordinals 0-2");
    assert_eq!(finding.next.as_deref(), Some("kubectl delete pvc data-db-3 -n shop"));
    assert_eq!(
        finding.why,
        "db-3 would start on this old data when the set is scaled up; the command deletes the claim and the data on \
         its volume for good"
    );
    let report = world.report();
    assert_eq!(report.leftovers.len(), 1);
    assert_eq!(report.leftovers[0].node.as_ref().unwrap().as_str(), "node-2");
}

#[test]
fn deleting_left_over_claims_is_not_suggested_while_nobody_knows_where_else_the_data_is() {
    let leftover = |world: &mut World| world.snapshot.claims.push(mk_claim("data-db-3", "pv-3"));
    let cases: [(&str, Change); 4] = [
        ("no roles", World::without_roles),
        ("a member is down", |world| world.not_ready(2)),
        ("no primary", |world| world.member(0).role = Known::Value(Role::Replica)),
        ("somebody else's claim", |world| world.snapshot.claims[3].meta.labels.clear()),
    ];
    for (case, change) in cases {
        let mut world = World::with(leftover);
        change(&mut world);
        assert_eq!(world.finding(Code::ClaimsLeftOver).next, None, "{case}");
    }
}

#[test]
fn claims_that_are_in_use_or_of_another_set_are_not_left_over() {
    let of_another_set = World::with(|world| {
        // Set `db-x`, template `data`: its claims look like those of a template `data-db` of a set `x`.
        world.set().meta.name = "x".to_owned();
        world.set().claim_templates[0].name = "data-db".to_owned();
        world.set().replicas = 0;
        world.snapshot.workloads[0].meta.uid = "uid-x".into();
        world.snapshot.pods[0] = mk_pod("db-x", 0, "node-1");
        world.snapshot.claims = vec![mk_claim("data-db-x-0", "pv-0")];
    });
    assert!(of_another_set.report().leftovers.is_empty());
    let in_use = World::with(|world| {
        world.set().replicas = 2;
    });
    assert_eq!(in_use.report().leftovers[0].used_by.as_ref().unwrap().as_str(), "db-2");
    assert!(!in_use.says(Code::ClaimsLeftOver));
}

#[test]
fn the_claims_of_a_set_scaled_to_nothing_are_only_noted() {
    let world = World::with(|world| {
        world.set().replicas = 0;
        world.snapshot.pods.clear();
        world.topology.members.clear();
    });
    let finding = world.finding(Code::ClaimsLeftOver);
    assert_eq!((finding.severity, finding.next), (Severity::Note, None));
    assert_eq!(world.report().head.verdict, "scaled to 0");
}

#[test]
fn a_claim_that_grows_is_noted_and_one_that_cannot_is_a_warning() {
    let growing = World::with(|world| world.claim(0).requested_bytes = Some(40 * GIB));
    let finding = growing.finding(Code::ResizePending);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Note, "claim data-db-0 has 20Gi of the 40Gi asked for")
    );
    let rigid = World::with(|world| {
        world.claim(0).requested_bytes = Some(40 * GIB);
        world.snapshot.classes = vec![StorageClass { meta: meta("fast"), ..StorageClass::default() }];
    });
    assert_eq!(rigid.finding(Code::ResizePending).severity, Severity::Warning);
    let waiting = World::with(|world| {
        world.claim(0).conditions = vec![condition("FileSystemResizePending", "True", "", "")];
    });
    assert_eq!(waiting.finding(Code::ResizePending).severity, Severity::Warning);
}

#[test]
fn a_resize_that_is_over_is_not_pending() {
    let world = World::with(|world| world.claim(0).conditions = vec![condition("Resizing", "False", "", "")]);
    assert!(!world.says(Code::ResizePending));
}

#[test]
fn a_pending_claim_explains_its_pending_pod_without_repeating_the_scheduler() {
    let world = World::with(|world| {
        world.claim(2).phase = "Pending".to_owned();
        world.claim(2).volume = None;
        let pod = world.pod(2);
        pod.phase = "Pending".to_owned();
        pod.node = None;
        pod.container_states[0].now = Phase::Unknown;
        pod.conditions = vec![condition(
            "PodScheduled",
            "False",
            "Unschedulable",
            "pod has unbound immediate PersistentVolumeClaims",
        )];
    });
    let finding = world.finding(Code::PodPending);
    assert_eq!(finding.message, "pod db-2 is pending for 24h: claim data-db-2 is pending");
    assert!(world.says(Code::ClaimPending));
}

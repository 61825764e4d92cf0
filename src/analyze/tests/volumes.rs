use super::build::*;
use crate::model::{
    Code, FleetingKind, FleetingVolume, HOLD_TAINT, RETAINED_LABEL, Requirement, Resource, Severity, Taint,
    VolumeUsage, ZONE_LABEL,
};

fn usage(used_percent: u64, used_inodes_percent: u64, capacity: u64) -> VolumeUsage {
    VolumeUsage {
        namespace: "shop".into(),
        pod: "db-1".into(),
        claim: "data-db-1".into(),
        used_bytes: capacity * used_percent / 100,
        capacity_bytes: capacity,
        used_inodes: Some(used_inodes_percent),
        inodes: Some(100),
        at: ago(30),
    }
}

#[test]
fn a_volume_that_a_claim_names_and_nobody_has_is_missing() {
    let world = World::with(|world| drop(world.snapshot.volumes.remove(1)));
    assert_eq!(world.finding(Code::VolumeMissing).message, "volume pv-1 (data-db-1) does not exist");
}

#[test]
fn volumes_that_could_not_be_read_are_not_missing() {
    let world = World::with(|world| {
        world.snapshot.volumes.clear();
        world.gap(Resource::Volumes, "forbidden: list persistentvolumes");
    });
    assert!(!world.says(Code::VolumeMissing));
    assert_eq!(world.finding(Code::NotRead).message, "volumes unknown (forbidden: list persistentvolumes)");
}

#[test]
fn a_released_volume_of_an_earlier_claim_is_where_the_data_may_be() {
    let world = World::with(|world| {
        world.claim(1).phase = "Pending".to_owned();
        world.claim(1).volume = None;
        world.volume(1).phase = "Released".to_owned();
        world.volume(1).claim.as_mut().unwrap().uid = "uid-before".into();
    });
    let finding = world.finding(Code::VolumeReleased);
    assert_eq!((finding.severity, finding.why.as_str()), (Severity::Warning, "the ordinal's data may be there"));
    let kept = |replicas| {
        let world = World::with(|world| {
            let mut old = mk_volume("pv-old", "data-db-0", "node-2");
            old.phase = "Released".to_owned();
            world.snapshot.volumes.push(old);
            world.set().replicas = replicas;
        });
        world.finding(Code::VolumeReleased).severity
    };
    assert_eq!((kept(3), kept(1)), (Severity::Note, Severity::Warning));
}

#[test]
fn a_released_volume_of_somebody_else_is_not_spoken_of() {
    let world = World::with(|world| {
        let mut other = mk_volume("pv-x", "data-other-1", "node-2");
        other.phase = "Released".to_owned();
        world.snapshot.volumes.push(other);
    });
    assert!(!world.says(Code::VolumeReleased));
}

#[test]
fn a_failed_volume_gives_its_message() {
    let world = World::with(|world| {
        world.volume(0).phase = "Failed".to_owned();
        world.volume(0).message = "could not be recycled.".to_owned();
    });
    assert_eq!(world.finding(Code::VolumeFailed).message, "volume pv-0 (data-db-0) has failed: could not be recycled");
    assert!(!World::with(|world| world.volume(0).phase = "Available".to_owned()).says(Code::VolumeFailed));
}

#[test]
fn a_volume_of_an_earlier_claim_of_the_same_name_is_another_claims() {
    let world = World::with(|world| world.volume(0).claim.as_mut().unwrap().uid = "uid-before".into());
    assert_eq!(
        world.finding(Code::VolumeOfAnotherClaim).message,
        "volume pv-0 (data-db-0) belongs to an earlier claim of the same name"
    );
    let renamed = World::with(|world| world.volume(0).claim.as_mut().unwrap().name = "other".into());
    assert_eq!(
        renamed.finding(Code::VolumeOfAnotherClaim).message,
        "volume pv-0 (data-db-0) belongs to claim other in namespace shop"
    );
}

#[test]
fn a_reference_without_uid_is_only_a_reservation() {
    let world = World::with(|world| world.volume(0).claim.as_mut().unwrap().uid = "".into());
    assert!(!world.says(Code::VolumeOfAnotherClaim));
}

#[test]
fn a_volume_is_full_from_85_percent_on_in_bytes_or_inodes() {
    let cases = [
        (84, 84, None),
        (85, 0, Some((Severity::Warning, "claim data-db-1 is 85% full (17Gi of 20Gi)"))),
        (95, 0, Some((Severity::Critical, "claim data-db-1 is 95% full (19Gi of 20Gi)"))),
        (
            10,
            90,
            Some((
                Severity::Warning,
                "claim data-db-1 is out of inodes soon (90% in use), with 10% of its bytes in use",
            )),
        ),
    ];
    for (bytes, inodes, expected) in cases {
        let world = World::with(|world| world.snapshot.usage = vec![usage(bytes, inodes, 20 * GIB)]);
        match expected {
            None => assert!(!world.says(Code::VolumeFull), "{bytes} {inodes}"),
            Some((severity, message)) => {
                let finding = world.finding(Code::VolumeFull);
                assert_eq!((finding.severity, finding.message.as_str()), (severity, message));
            }
        }
    }
}

#[test]
fn a_directory_of_the_node_is_as_full_as_the_nodes_disk() {
    let world = World::with(|world| world.snapshot.usage = vec![usage(90, 0, 400 * GIB)]);
    assert_eq!(
        world.finding(Code::VolumeFull).message,
        "claim data-db-1 is a directory on a disk of node-2 that is 90% full (360Gi of 400Gi)"
    );
}

#[test]
fn a_volume_kept_to_a_node_that_does_not_exist_can_be_used_nowhere() {
    let world = World::with(|world| drop(world.snapshot.nodes.remove(1)));
    let finding = world.finding(Code::VolumeNodeGone);
    assert_eq!(finding.message, "volume pv-1 (data-db-1) is kept to node node-2, which does not exist");
    let unread = World::with(|world| {
        world.snapshot.nodes.clear();
        world.gap(Resource::Nodes, "forbidden: list nodes");
    });
    assert!(!unread.says(Code::VolumeNodeGone));
}

#[test]
fn a_volume_kept_to_a_node_by_name_is_found_as_well() {
    let world = World::with(|world| {
        let term = &mut world.volume(1).node_terms[0];
        term.labels.clear();
        term.fields = vec![requirement("metadata.name", &["node-2"])];
        world.node(1).unschedulable = true;
    });
    assert_eq!(
        world.finding(Code::VolumeNodeCordoned).message,
        "volume pv-1 (data-db-1) is kept to node-2, which is cordoned"
    );
}

#[test]
fn volumes_of_a_node_that_is_down_say_since_when() {
    let world = World::with(|world| world.node_down(1));
    let finding = world.finding(Code::VolumeNodeNotReady);
    assert_eq!(finding.message, "volume pv-1 (data-db-1) is kept to node-2, which has not been ready for 10m");
    assert_eq!(finding.next.as_deref(), Some("kubectl describe node node-2"));
}

#[test]
fn a_volume_that_another_node_of_its_zone_can_use_is_within_reach() {
    let world = World::with(|world| {
        world.volume(1).node_terms[0].labels = vec![requirement(ZONE_LABEL, &["b"])];
        world.node_down(1);
        world.snapshot.nodes.push(mk_node("node-4", "b"));
    });
    assert!(!world.says(Code::VolumeNodeNotReady));
    assert!(!world.says(Code::VolumeNodeCordoned));
}

#[test]
fn terms_without_a_list_of_values_are_asked_of_every_node() {
    let exists = Requirement { key: "disk".to_owned(), operator: "Exists".to_owned(), values: Vec::new() };
    let world = World::with(|world| {
        world.volume(1).node_terms[0].labels = vec![exists.clone()];
    });
    assert!(world.says(Code::VolumeNodeGone));
    let labelled = World::with(|world| {
        world.volume(1).node_terms[0].labels = vec![exists];
        world.node(0).meta.labels.insert("disk".to_owned(), "ssd".to_owned());
    });
    assert!(!labelled.says(Code::VolumeNodeGone));
}

#[test]
fn all_volumes_in_one_zone_are_said_only_when_another_zone_has_nodes() {
    let in_zone_a = |world: &mut World| {
        for ordinal in 0..3 {
            world.volume(ordinal).node_terms[0].labels = vec![requirement(ZONE_LABEL, &["a"])];
        }
    };
    assert_eq!(
        World::with(in_zone_a).finding(Code::VolumesInOneZone).message,
        "set db has all of its volumes in zone a, though zones b and c have nodes too"
    );
    let only_zone = World::with(|world| {
        in_zone_a(world);
        world.snapshot.nodes.truncate(1);
    });
    assert!(!only_zone.says(Code::VolumesInOneZone));
    assert!(!World::healthy().says(Code::VolumesInOneZone));
}

#[test]
fn a_database_without_a_claim_loses_its_data_with_the_pod() {
    let homeless = |world: &mut World| {
        world.set().claim_templates.clear();
        for pod in &mut world.snapshot.pods {
            pod.claims.clear();
        }
    };
    let finding = World::with(homeless).finding(Code::DataWithoutClaim);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Critical, "set db keeps the data of container postgres (postgres) outside claims")
    );
    let cache = World::with(|world| {
        homeless(world);
        world.set().template.containers[0].image = "docker.io/library/redis:7".to_owned();
    });
    assert_eq!(cache.finding(Code::DataWithoutClaim).severity, Severity::Warning);
    let node_directory = World::with(|world| {
        homeless(world);
        let volume = FleetingVolume { name: "data".to_owned(), kind: FleetingKind::HostPath };
        world.set().template.fleeting_volumes = vec![volume];
    });
    assert_eq!(
        node_directory.finding(Code::DataWithoutClaim).message,
        "set db keeps the data of container postgres (postgres) in a directory of the node"
    );
}

#[test]
fn a_claim_that_only_a_sidecar_mounts_does_not_keep_the_data() {
    let world = World::with(|world| {
        world.set().template.containers[0].mounts = vec![("scratch".to_owned(), "/var/lib/postgresql/data".to_owned())];
    });
    assert!(world.says(Code::DataWithoutClaim));
}

#[test]
fn stateless_images_and_claims_named_by_the_pod_template_are_fine() {
    let stateless = World::with(|world| {
        world.engine = "generic";
        world.set().claim_templates.clear();
        world.set().template.containers[0].image = "nginx".to_owned();
        for pod in &mut world.snapshot.pods {
            pod.claims.clear();
        }
    });
    assert!(!stateless.says(Code::DataWithoutClaim));
    let named = World::with(|world| world.set().claim_templates.clear());
    assert!(!named.says(Code::DataWithoutClaim));
    assert_eq!(named.row(1).claims[0].name.as_str(), "data-db-1");
}

#[test]
fn the_hold_of_a_move_that_was_left_is_said_with_its_run() {
    let world = World::with(|world| {
        let key = format!("{HOLD_TAINT}20261121-093015-001");
        world.node(2).taints = vec![Taint { key, effect: "NoSchedule".to_owned(), ..Taint::default() }];
    });
    let finding = world.finding(Code::VolumeNodeHeld);
    assert!(finding.message.contains("node-3, which is held by run 20261121-093015-001"), "{}", finding.message);
    let other = World::with(|world| {
        world.node(2).taints =
            vec![Taint { key: "gpu".to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() }];
    });
    assert!(!other.says(Code::VolumeNodeHeld));
}

#[test]
fn a_volume_that_was_kept_when_its_member_moved_is_not_taken_for_lost_data() {
    let world = World::with(|world| {
        let mut volume = mk_volume("pv-old", "data-db-2", "node-1");
        volume.phase = "Released".to_owned();
        volume.meta.labels = labels(&[(RETAINED_LABEL, "shop.db-2")]);
        world.snapshot.volumes.push(volume);
    });
    let finding = world.finding(Code::VolumeRetained);
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(finding.next.as_deref(), Some("kubectl stateful migrate db-2 --finish -n shop"));
    assert!(!world.says(Code::VolumeReleased));
    assert!(!World::healthy().says(Code::VolumeRetained));
}

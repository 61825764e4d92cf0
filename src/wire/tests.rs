use serde_json::json;

use super::*;
use crate::model;

fn read(object: Value) -> Snapshot {
    let mut snapshot = Snapshot::default();
    read_any(object, &mut snapshot).expect("a kind we know").expect("well-formed");
    snapshot
}

#[test]
fn a_pod_is_read_from_json_without_the_values_of_its_environment() {
    let snapshot = read(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "db-0", "namespace": "shop", "uid": "u0", "creationTimestamp": "2026-05-01T10:00:00Z",
            "labels": null, "annotations": {"note": "is not read"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "s", "controller": true}]},
        "spec": {"nodeName": "node-1",
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}, {"name": "tmp", "emptyDir": {}}],
            "containers": [{"name": "pg", "image": "r.example:5000/x/postgres:15@sha256:00", "ports": [{"containerPort": 5432}],
                "env": [{"name": "POSTGRES_PASSWORD", "value": "hunter2"}], "readinessProbe": {"exec": {"command": ["true"]}}}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-05-01T10:00:09Z"}],
            "containerStatuses": [{"name": "pg", "ready": true, "restartCount": 2, "state": {"running": {"startedAt": "2026-05-01T10:00:05Z"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}
    }));
    let pod = &snapshot.pods[0];
    assert!(pod.is_ready());
    assert_eq!(pod.restarts(), 2);
    assert_eq!(pod.claims, [("data".to_owned(), "data-db-0".into())]);
    assert_eq!(pod.containers[0].image_base(), "postgres");
    assert_eq!(pod.containers[0].image_tag(), Some("15"));
    assert_eq!(pod.container_states[0].last_end.as_ref().map(|end| end.exit_code), Some(137));
    assert!(pod.meta.annotations.is_empty());
    assert!(!format!("{pod:?}").contains("hunter2"));
}

#[test]
fn a_set_is_read_with_ordinals_partition_and_retention() {
    let snapshot = read(json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop", "generation": 3,
            "annotations": {LAST_APPLIED: "{password}", "keep": "this"}},
        "spec": {"replicas": 0, "ordinals": {"start": 5}, "podManagementPolicy": "Parallel", "serviceName": "db",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 6, "maxUnavailable": "25%"}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Delete"},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                "storageClassName": "fast", "resources": {"requests": {"storage": "20Gi"}}}}]},
        "status": {"observedGeneration": 3, "updateRevision": "db-2"}
    }));
    let set = &snapshot.workloads[0];
    assert_eq!(set.meta.annotations.keys().collect::<Vec<_>>(), ["keep"]);
    assert_eq!(set.ordinals(), 5..5);
    assert_eq!(set.update, model::UpdateStrategy::RollingUpdate { partition: 6, max_unavailable: Some("25%".into()) });
    assert_eq!(set.when_scaled, model::ClaimPolicy::Delete);
    assert_eq!(set.claim_templates[0].size_bytes, Some(20 << 30));
    assert_eq!(set.ordinal_of("db-07"), None);
    assert_eq!(set.ordinal_of("db-7"), Some(7));
}

#[test]
fn kinds_of_other_groups_with_known_names_are_not_taken_for_ours() {
    let mut snapshot = Snapshot::default();
    let service = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "x"}});
    assert_eq!(read_any(service, &mut snapshot), None);
    assert!(snapshot.services.is_empty());
}

#[test]
fn a_field_of_a_wrong_type_is_an_error_and_not_a_default() {
    let mut snapshot = Snapshot::default();
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"replicas": "three"}});
    assert!(matches!(read_any(set, &mut snapshot), Some(Err(Malformed::Field(_)))));
    assert!(snapshot.workloads.is_empty());
}

/// Wraps messages as an API server does.
fn page(items: &[Vec<u8>], rest: &str) -> Bytes {
    let list = List {
        metadata: Some(ListMeta { rest: rest.to_owned() }),
        items: items.iter().cloned().map(Bytes::from).collect(),
    };
    let envelope = Envelope { raw: list.encode_to_vec().into() };
    [MAGIC, &envelope.encode_to_vec()].concat().into()
}

#[test]
fn a_bad_item_of_a_page_does_not_hide_the_good_ones() {
    let mut good = Vec::new();
    prost::encoding::string::encode(1, &"db-0".to_owned(), &mut good);
    let mut pod = Vec::new();
    prost::encoding::bytes::encode(1, &good, &mut pod);
    let mut snapshot = Snapshot::default();
    let (items, rest) = open_protobuf_page(page(&[vec![0x0a, 0xff], pod], "more")).unwrap();
    let bad: Vec<_> = items.into_iter().filter_map(|item| read_protobuf::<Pod>(item, &mut snapshot).err()).collect();
    assert_eq!((rest.as_deref(), bad.len()), (Some("more"), 1));
    assert_eq!(snapshot.pods[0].meta.name, "db-0");
}

#[test]
fn every_cut_of_a_page_is_an_error_or_fewer_objects_and_never_a_panic() {
    let mut good = Vec::new();
    prost::encoding::string::encode(1, &"db-0".to_owned(), &mut good);
    let mut pod = Vec::new();
    prost::encoding::bytes::encode(1, &good, &mut pod);
    let whole = page(&[pod.clone(), pod], "");
    for end in 0..whole.len() {
        let mut snapshot = Snapshot::default();
        for item in open_protobuf_page(whole.slice(..end)).map(|(items, _)| items).unwrap_or_default() {
            let _ = read_protobuf::<Pod>(item, &mut snapshot);
        }
        assert!(snapshot.pods.len() <= 2, "cut at {end}");
    }
}

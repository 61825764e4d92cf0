//! What programs get.

use jiff::Timestamp;
use kubectl_stateful::analyze::report::Report;
use kubectl_stateful::view::json;

use crate::support::reports;

#[test]
fn json_and_yaml_say_the_same() {
    let now: Timestamp = "2026-05-12T03:00:00.5Z".parse().unwrap();
    for report in reports::all() {
        let reports = [report];
        let from_json: serde_json::Value = serde_json::from_str(&json::json(&reports, now).unwrap()).unwrap();
        let from_yaml: serde_json::Value = serde_saphyr::from_str(&json::yaml(&reports, now).unwrap()).unwrap();
        assert_eq!(from_json, from_yaml);
        assert_eq!(from_json["takenAt"], "2026-05-12T03:00:00Z");
        assert_eq!(from_json["items"][0]["rows"].as_array().map(Vec::len), Some(reports[0].rows.len()));
    }
}

#[test]
fn programs_get_what_the_cluster_said() {
    let now = Timestamp::UNIX_EPOCH;
    let text = json::json(&[reports::hostile()], now).unwrap();
    assert!(text.chars().all(|c| c == '\n' || c >= ' '));
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["items"][0]["findings"][0]["next"], "kubectl logs db-1 -n shop\u{1b}[A");
}

#[test]
fn a_set_as_yaml() {
    let report = Report { rows: Vec::new(), ..reports::healthy() };
    insta::assert_snapshot!(json::yaml(&[report], Timestamp::UNIX_EPOCH).unwrap(), @r#"
    apiVersion: kubectl-stateful.io/v1
    items:
    - findings: []
      head:
        budgets:
          value:
          - disruptionsAllowed: 1
            name: db
            rule: maxUnavailable 1
        classes:
        - fast-local
        cluster: null
        engine:
          by: image postgres:15
          engine: postgres
          title: PostgreSQL
        firstOrdinal: 0
        maxUnavailable: null
        name: db
        namespace: shop
        nodeBound:
          value: true
        owner: null
        partition: null
        podManagement: OrderedReady
        primaries:
          value:
          - db-0
        ready: 3
        replicas: 3
        rollout:
          state: complete
        service:
          name: db
          namesAnswering:
            value: 3
        sessions:
          value:
            active: 3
            idle: 13
            idleInTransaction: 0
            unclassified: 0
        sync: null
        timeline: 4
        uid: 6f0c1d9e
        updateRevision: db-6d5f8b7c9
        updateStrategy: RollingUpdate
        verdict: one of db-1 and db-2 may go
        version:
          value: "15.18"
        whenDeleted: Retain
        whenScaled: Retain
      leftovers: []
      rows: []
    kind: StatusList
    takenAt: "1970-01-01T00:00:00Z"
    "#);
}

#[test]
fn a_row_as_yaml() {
    let yaml = json::yaml(&[reports::healthy()], Timestamp::UNIX_EPOCH).unwrap();
    let row = &yaml[yaml.rfind("claims:").unwrap()..];
    insta::assert_snapshot!(row, @r#"
    claims:
        - accessModes: RWO
          class: fast-local
          fileSystemBytes: 21474836480
          name: data-db-2
          phase: Bound
          reclaimPolicy: Delete
          sizeBytes: 21474836480
          usedBytes:
            value: 2576980377
          volume: pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11
        dns: db-2.db.shop.svc
        ip: "10.42.2.12"
        lag:
          bytes:
            value: 18874368
          delayMs:
            value: 4000
        node: node-3
        ordinal: 2
        pod: db-2
        position: 0/48F0000
        restarts: 0
        revision: db-6d5f8b7c9
        role:
          value: replica
        safe:
          answer: "yes"
        sessions:
          value:
            active: 0
            idle: 0
            idleInTransaction: 0
            unclassified: 0
        share: null
        shownAs: null
        state:
          state: ready
        sync: async
        timeline: 4
        wanted: true
        zone: c
    kind: StatusList
    takenAt: "1970-01-01T00:00:00Z"
    "#);
}

#[test]
fn names_are_written_as_kubectl_does() {
    assert_eq!(json::names(&[reports::healthy(), reports::generic()]), "statefulset.apps/db\nstatefulset.apps/queue\n");
}

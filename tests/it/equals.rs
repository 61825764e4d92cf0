//! Whole screens of clusters of equals, from what real ones answered (`tests/data`).

use std::collections::BTreeMap;
use std::path::Path;

use kubectl_stateful::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES, analyze};
use kubectl_stateful::model::{
    Answer, Budget, Claim, ClaimTemplate, Condition, ContainerSpec, Endpoint, Meta, OwnerReference, Pod, ProbeOutput,
    Selector, Service, Snapshot, Workload,
};
use kubectl_stateful::view::{Layout, Screen, Width, list, status};

const AT_80: Screen = Screen { width: Some(80), colour: false, unicode: true };
const WIDE: Layout = Layout { width: Width::Wide, no_headers: false };

fn recorded(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)).unwrap()
}

/// A set with ordinals 1 to 3, all of them ready.
fn set(name: &str, image: &str) -> Snapshot {
    let container = ContainerSpec { name: "main".into(), image: image.to_owned(), ..ContainerSpec::default() };
    let mut workload = Workload { replicas: 3, first_ordinal: 1, service: name.to_owned(), ..Workload::default() };
    workload.meta.namespace = "shop".into();
    name.clone_into(&mut workload.meta.name);
    workload.meta.uid = "u".into();
    workload.template.containers = vec![container.clone()];
    workload.claim_templates = vec![ClaimTemplate { name: "data".to_owned(), ..ClaimTemplate::default() }];
    let pods = (1..=3).map(|ordinal| {
        let ready = Condition { kind: "Ready".to_owned(), status: "True".to_owned(), ..Condition::default() };
        let mut pod = Pod {
            phase: "Running".to_owned(),
            conditions: vec![ready],
            containers: vec![container.clone()],
            claims: vec![("data".to_owned(), format!("data-{name}-{ordinal}").as_str().into())],
            ip: Some(format!("127.0.0.2{ordinal}")),
            ..Pod::default()
        };
        pod.meta.namespace = "shop".into();
        pod.meta.name = format!("{name}-{ordinal}");
        pod.meta.uid = format!("u{ordinal}").as_str().into();
        pod.meta.owners = vec![OwnerReference {
            api_version: "apps/v1".to_owned(),
            kind: "StatefulSet".to_owned(),
            name: name.to_owned(),
            uid: "u".into(),
            controller: true,
        }];
        pod
    });
    let mut snapshot = Snapshot { pods: pods.collect(), workloads: vec![workload], ..Snapshot::default() };
    surround(&mut snapshot, name);
    snapshot
}

/// Adds what every set needs and is not looked at here.
fn surround(snapshot: &mut Snapshot, name: &str) {
    let named = |name: &str| Meta { namespace: "shop".into(), name: name.to_owned(), ..Meta::default() };
    let all = || Selector { labels: BTreeMap::from([("app".to_owned(), name.to_owned())]), expressions: Vec::new() };
    for pod in &mut snapshot.pods {
        pod.meta.labels = all().labels;
        let claim = Claim { meta: named(pod.claims[0].1.as_str()), phase: "Bound".to_owned(), ..Claim::default() };
        snapshot.claims.push(claim);
        snapshot.endpoints.push(Endpoint {
            namespace: "shop".into(),
            service: name.to_owned(),
            hostname: Some(pod.meta.name.clone()),
            pod: Some(pod.name()),
            addresses: pod.ip.iter().cloned().collect(),
            ready: true,
            written: None,
        });
    }
    snapshot.services = vec![Service {
        meta: named(name),
        cluster_ip: "None".to_owned(),
        selector: all().labels,
        ..Service::default()
    }];
    snapshot.budgets = vec![Budget {
        meta: named(name),
        selector: all(),
        has_selector: true,
        max_unavailable: Some("1".to_owned()),
        disruptions_allowed: 1,
        observed: true,
        ..Budget::default()
    }];
}

fn output(pod: &str, id: &str, answer: Answer) -> ProbeOutput {
    let uid = format!("u{}", pod.rsplit('-').next().unwrap());
    ProbeOutput { namespace: "shop".into(), pod: pod.into(), pod_uid: uid.as_str().into(), id: id.to_owned(), answer }
}

fn printed(text: &str) -> Answer {
    Answer::Ended { exit_code: 0, stdout: text.to_owned(), stderr: String::new() }
}

/// A ring of which these pods answered.
fn cassandra(scene: &str, answering: &[&str]) -> Snapshot {
    let mut snapshot = set("ca", "cassandra:5.0.6");
    for pod in answering {
        let text = recorded(&format!("cassandra/5.0.6/{scene}-{pod}.txt"));
        for part in text.split("== ").skip(1) {
            let (id, text) = part.split_once('\n').unwrap();
            snapshot.probes.push(output(pod, id, printed(text)));
        }
    }
    without_answer(snapshot, answering, &["cassandra-status", "cassandra-info"])
}

/// A cluster of which these pods answered.
fn opensearch(scene: &str, answering: &[&str]) -> Snapshot {
    let mut snapshot = set("os", "opensearchproject/opensearch:2.19.1");
    for pod in answering {
        let text = recorded(&format!("elasticsearch/opensearch-2.19.1/{scene}-{pod}.txt"));
        snapshot.probes.push(output(pod, "elasticsearch", printed(&text)));
    }
    without_answer(snapshot, answering, &["elasticsearch"])
}

fn without_answer(mut snapshot: Snapshot, answering: &[&str], ids: &[&str]) -> Snapshot {
    let pods: Vec<String> = snapshot.pods.iter().map(|pod| pod.meta.name.clone()).collect();
    for pod in pods.iter().filter(|pod| !answering.contains(&pod.as_str())) {
        let failed = || Answer::Failed("no answer within 5s".to_owned());
        snapshot.probes.extend(ids.iter().map(|id| output(pod, id, failed())));
    }
    snapshot
}

fn render(snapshot: &Snapshot, layout: Layout) -> String {
    let criteria = Criteria { max_lag_bytes: DEFAULT_MAX_LAG_BYTES, engine: None };
    let reports = analyze(snapshot, &criteria);
    status::render(&reports[0], layout, &AT_80)
}

fn screen(snapshot: &Snapshot) -> String {
    render(snapshot, Layout::default())
}

#[test]
fn a_healthy_ring() {
    insta::assert_snapshot!(screen(&cassandra("healthy", &["ca-1", "ca-2", "ca-3"])), @"
    statefulset/ca in shop: 3 of 3 ready, any one of ca-1, ca-2 and ca-3 may go
      role      Cassandra 5.0.6 (image cassandra:5.0.6), cluster t, 3 of 3 nodes UN
                in datacenter1
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service ca: 3 of 3 names resolve
      sessions  0 open, 0 active
      rollout   complete; pdb/ca (maxUnavailable 1) allows 1

    POD    READY   ROLE   SHARE               SESSIONS   CLAIM       SAFE
    ca-1   yes     UN     95.71 KiB, 100.0%   0 (0)      data-ca-1   yes
    ca-2   yes     UN     80.04 KiB, 100.0%   0 (0)      data-ca-2   yes
    ca-3   yes     UN     30.89 KiB, 100.0%   0 (0)      data-ca-3   yes
    ");
}

#[test]
fn a_ring_that_a_member_leaves() {
    insta::assert_snapshot!(screen(&cassandra("leaving", &["ca-1", "ca-3"])), @"
    statefulset/ca in shop: 3 of 3 ready, not known what may go: cluster role not
      known (no answer within 5s)
      role      Cassandra 5.0.6 (image cassandra:5.0.6), cluster t, 2 of 3 nodes UN
                in datacenter1
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service ca: 3 of 3 names resolve
      sessions  unknown: ca-2 did not say
      rollout   complete; pdb/ca (maxUnavailable 1) allows 1

    POD    READY   ROLE   SHARE       SESSIONS   CLAIM       SAFE
    ca-1   yes     UN     25.35 MiB   4 (?)      data-ca-1   no (1,2,3)
    ca-2   yes     UN     23.37 MiB   unknown    data-ca-2   unknown (4)
    ca-3   yes     UL     29.89 MiB   4 (?)      data-ca-3   no (1,2,3)

    (1) ca-3 (UL) is joining, leaving or moving
    (2) k1 would keep 0 of 1 copy, and a quorum is 1
    (3) k2 and shop would keep 1 of 2 copies, and a quorum is 2
    (4) cluster role not known (no answer within 5s)

    WARNING  keyspace k1 of statefulset/ca has replication factor 1
             a node that goes takes its rows along, and one that is lost takes them
             for good
    WARNING  pod ca-2 gave no role: no answer within 5s
             what is not known is taken for unsafe
    NOTE     pod/ca-3 is leaving the ring (UL), 40% of its streams done
             until it is done no other member may join, leave or be cleaned up
    ");
}

#[test]
fn a_ring_that_a_member_has_left() {
    insta::assert_snapshot!(screen(&cassandra("left", &["ca-1", "ca-2", "ca-3"])), @"
    statefulset/ca in shop: 3 of 3 ready, ca-3 may go
      role      Cassandra 5.0.6 (image cassandra:5.0.6), cluster t, 2 of 2 nodes UN
                in datacenter1
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service ca: 3 of 3 names resolve
      sessions  9 open
      rollout   complete; pdb/ca (maxUnavailable 1) allows 1

    POD    READY   ROLE             SHARE       SESSIONS   CLAIM       SAFE
    ca-1   yes     UN               39.23 MiB   3 (?)      data-ca-1   no (1,2)
    ca-2   yes     UN               23.37 MiB   3 (?)      data-ca-2   no (1,2)
    ca-3   yes     decommissioned   -           3 (?)      data-ca-3   yes

    (1) k1 would keep 0 of 1 copy, and a quorum is 1
    (2) k2 and shop would keep 1 of 2 copies, and a quorum is 2

    WARNING  pod/ca-3 is decommissioned: it runs and is in no ring
             started again on the same volume it refuses to run; only an empty
             volume lets it join anew
    WARNING  keyspace k1 of statefulset/ca has replication factor 1
             a node that goes takes its rows along, and one that is lost takes them
             for good
    ");
}

#[test]
fn a_healthy_cluster_of_nodes_with_roles() {
    let snapshot = opensearch("healthy", &["os-1", "os-2", "os-3"]);
    insta::assert_snapshot!(screen(&snapshot), @"
    statefulset/os in shop: 3 of 3 ready, any one of os-1, os-2 and os-3 may go
      role      OpenSearch 2.19.1 (image opensearch:2.19.1), cluster t green,
                elected cluster manager os-1, 3 nodes, 12 shards
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service os: 3 of 3 names resolve
      sessions  0 open, 0 active
      rollout   complete; pdb/os (maxUnavailable 1) allows 1

    POD    READY   ROLE    SHARE      SESSIONS   CLAIM       SAFE
    os-1   yes     dimr*   4 shards   0 (0)      data-os-1   yes
    os-2   yes     dimr    4 shards   0 (0)      data-os-2   yes
    os-3   yes     dimr    4 shards   0 (0)      data-os-3   yes
    ");
    insta::assert_snapshot!(render(&snapshot, WIDE), @"
    statefulset/os in shop: 3 of 3 ready, any one of os-1, os-2 and os-3 may go
      role      OpenSearch 2.19.1 (image opensearch:2.19.1), cluster t green,
                elected cluster manager os-1, 3 nodes, 12 shards
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service os: 3 of 3 names resolve
      sessions  0 open, 0 active
      rollout   complete; pdb/os (maxUnavailable 1) allows 1

    POD    READY   ROLE    SHARE      SESSIONS   CLAIM       IP           DNS                RESTARTS   SAFE
    os-1   yes     dimr*   4 shards   0 (0)      data-os-1   127.0.0.21   os-1.os.shop.svc   0          yes
    os-2   yes     dimr    4 shards   0 (0)      data-os-2   127.0.0.22   os-2.os.shop.svc   0          yes
    os-3   yes     dimr    4 shards   0 (0)      data-os-3   127.0.0.23   os-3.os.shop.svc   0          yes
    ");
}

#[test]
fn a_cluster_whose_shards_move() {
    insta::assert_snapshot!(screen(&opensearch("draining", &["os-1", "os-3"])), @"
    statefulset/os in shop: 3 of 3 ready, not known what may go: cluster role not
      known (no answer within 5s)
      role      OpenSearch 2.19.1 (image opensearch:2.19.1), cluster t green,
                elected cluster manager os-1, 3 nodes, 12 shards
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service os: 3 of 3 names resolve
      sessions  unknown: os-2 did not say
      rollout   complete; pdb/os (maxUnavailable 1) allows 1

    POD   READY  ROLE     SHARE                SESSIONS  CLAIM      SAFE
    os-1  yes    dimr*    4 shards             0 (0)     data-os-1  no (1)
    os-2  yes    unknown  4 shards             unknown   data-os-2  unknown (2)
    os-3  yes    dimr     4 shards, 2 leaving  0 (0)     data-os-3  no (1)

    (1) 2 shards are being moved between nodes
    (2) cluster role not known (no answer within 5s)

    WARNING  statefulset/os keeps shards off os-3 (transient
             cluster.routing.allocation.exclude._name)
             fine while somebody works on it; left behind, nodes stay empty and
             copies are not made again
    WARNING  pod os-2 gave no role: no answer within 5s
             what is not known is taken for unsafe
    ");
}

#[test]
fn a_cluster_with_a_node_down() {
    insta::assert_snapshot!(screen(&opensearch("one-down", &["os-1", "os-2"])), @"
    statefulset/os in shop: 3 of 3 ready, not known what may go: cluster role not
      known (no answer within 5s)
      role      OpenSearch 2.19.1 (image opensearch:2.19.1), cluster t yellow,
                elected cluster manager os-1, 2 nodes, 8 shards
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service os: 3 of 3 names resolve
      sessions  unknown: os-3 did not say
      rollout   complete; pdb/os (maxUnavailable 1) allows 1

    POD    READY   ROLE      SHARE      SESSIONS   CLAIM       SAFE
    os-1   yes     dimr*     4 shards   0 (0)      data-os-1   no (1,2,3)
    os-2   yes     dimr      4 shards   0 (0)      data-os-2   no (1,3,4)
    os-3   yes     unknown   -          unknown    data-os-3   unknown (5)

    (1) the cluster is yellow: 4 shards unassigned
    (2) idx[1] has its only working copy here
    (3) 1 of 3 voters would be left, which is no majority
    (4) idx[2] has its only working copy here
    (5) cluster role not known (no answer within 5s)

    WARNING  the cluster of statefulset/os is yellow: 4 of 12 shards unassigned, 0
             being copied
             shards have fewer copies than they should: the next loss may be final
    WARNING  pod os-3 gave no role: no answer within 5s
             what is not known is taken for unsafe
    ");
}

#[test]
fn a_cluster_without_a_majority() {
    insta::assert_snapshot!(screen(&opensearch("no-quorum", &["os-1"])), @"
    statefulset/os in shop: 3 of 3 ready, not known what may go: cluster role not
      known (no answer within 5s)
      role      OpenSearch 2.19.1 (image opensearch:2.19.1), roles unknown: no
                answer within 5s, cluster t
      storage   node-bound or not is unknown: no ordinal has a volume; kept on
                scale-down and deletion
      identity  ordinals 1-3, Service os: 3 of 3 names resolve
      sessions  unknown: os-2 and os-3 did not say
      rollout   complete; pdb/os (maxUnavailable 1) allows 1

    POD    READY   ROLE        SESSIONS   CLAIM       SAFE
    os-1   yes     no master   0 (0)      data-os-1   no (1)
    os-2   yes     unknown     unknown    data-os-2   unknown (2)
    os-3   yes     unknown     unknown    data-os-3   unknown (2)

    (1) it knows no elected master: it may hold what the others do not have
    (2) cluster role not known (no answer within 5s)

    CRITICAL  the only node of statefulset/os that answered knows no elected cluster
              manager
              without a majority of the voting nodes nothing can be written
    WARNING   pods os-2 and os-3 gave no role: no answer within 5s
              what is not known is taken for unsafe
    ");
}

#[test]
fn in_the_list_equals_have_no_primary_and_miss_none() {
    let criteria = Criteria { max_lag_bytes: DEFAULT_MAX_LAG_BYTES, engine: None };
    let snapshot = opensearch("healthy", &["os-1", "os-2", "os-3"]);
    let lines: Vec<_> = analyze(&snapshot, &criteria).iter().map(list::Line::of).collect();
    let text = list::render(&lines, list::Namespaces::Hidden, Layout::default(), &AT_80);
    assert!(text.contains("any") && !text.contains("NONE"), "{text}");
}

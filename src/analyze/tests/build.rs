//! A healthy world in namespace `shop`: set `db` of three streaming members on three nodes in three zones.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::analyze::index::Index;
use crate::analyze::report::{Report, Row, Safe};
use crate::analyze::scene::Scene;
use crate::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES, assemble};
use crate::model::*;

pub(crate) const GIB: u64 = 1 << 30;

/// The moment at which the world is read.
pub(crate) fn now() -> Timestamp {
    "2025-05-12T03:00:00Z".parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "every moment of the model is optional")]
pub(crate) fn ago(seconds: i64) -> Option<Timestamp> {
    Some(now() - SignedDuration::from_secs(seconds))
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn meta(name: &str) -> Meta {
    Meta {
        namespace: "shop".into(),
        name: name.to_owned(),
        uid: Uid(format!("uid-{name}")),
        created: ago(86_400),
        ..Meta::default()
    }
}

pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        since: ago(600),
    }
}

pub(crate) fn requirement(key: &str, values: &[&str]) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator: "In".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

pub(crate) fn owner(kind: &str, name: &str) -> OwnerReference {
    OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: Uid(format!("uid-{name}")),
        controller: true,
    }
}

pub(crate) fn mk_set(name: &str, replicas: u32) -> Workload {
    let container = ContainerSpec {
        name: "postgres".into(),
        image: "postgres:15".to_owned(),
        mounts: vec![("data".to_owned(), "/var/lib/postgresql/data".to_owned())],
        readiness_probe: true,
        own_entrypoint: true,
        ..ContainerSpec::default()
    };
    Workload {
        meta: meta(name),
        replicas,
        selector: Selector { labels: labels(&[("app", name)]), expressions: Vec::new() },
        service: name.to_owned(),
        template: PodTemplate {
            labels: labels(&[("app", name)]),
            containers: vec![container],
            ..PodTemplate::default()
        },
        claim_templates: vec![ClaimTemplate {
            name: "data".to_owned(),
            class: Some("fast".to_owned()),
            size_bytes: Some(20 * GIB),
            access_modes: vec!["ReadWriteOnce".to_owned()],
            volume_mode: "Filesystem".to_owned(),
            ..ClaimTemplate::default()
        }],
        status: WorkloadStatus {
            observed_generation: Some(1),
            current_revision: "rev-1".to_owned(),
            update_revision: "rev-1".to_owned(),
            ..WorkloadStatus::default()
        },
        generation: 1,
        ..Workload::default()
    }
}

pub(crate) fn mk_pod(set: &str, ordinal: u32, node: &str) -> Pod {
    let name = format!("{set}-{ordinal}");
    let mut meta = meta(&name);
    meta.labels = labels(&[("app", set), (REVISION_LABEL, "rev-1"), ("statefulset.kubernetes.io/pod-name", &name)]);
    meta.owners = vec![owner("StatefulSet", set)];
    Pod {
        meta,
        node: Some(node.into()),
        phase: "Running".to_owned(),
        conditions: vec![condition("PodScheduled", "True", "", ""), condition("Ready", "True", "", "")],
        container_states: vec![ContainerState {
            name: "postgres".into(),
            ready: true,
            now: Phase::Running { since: ago(86_000) },
            ..ContainerState::default()
        }],
        claims: vec![("data".to_owned(), ClaimName(format!("data-{name}")))],
        ip: Some(format!("10.0.0.{ordinal}")),
        ..Pod::default()
    }
}

pub(crate) fn mk_claim(name: &str, volume: &str) -> Claim {
    let mut meta = meta(name);
    meta.labels = labels(&[("app", "db")]);
    Claim {
        meta,
        phase: "Bound".to_owned(),
        class: Some("fast".to_owned()),
        access_modes: vec!["ReadWriteOnce".to_owned()],
        volume_mode: "Filesystem".to_owned(),
        volume: Some(volume.into()),
        requested_bytes: Some(20 * GIB),
        capacity_bytes: Some(20 * GIB),
        conditions: Vec::new(),
    }
}

pub(crate) fn mk_volume(name: &str, claim: &str, node: &str) -> Volume {
    Volume {
        meta: Meta { namespace: Namespace::default(), ..meta(name) },
        phase: "Bound".to_owned(),
        claim: Some(ClaimReference { namespace: "shop".into(), name: claim.into(), uid: Uid(format!("uid-{claim}")) }),
        class: "fast".to_owned(),
        access_modes: vec!["ReadWriteOnce".to_owned()],
        capacity_bytes: Some(20 * GIB),
        reclaim_policy: "Delete".to_owned(),
        source: "local".to_owned(),
        node_terms: vec![NodeTerm { labels: vec![requirement("kubernetes.io/hostname", &[node])], fields: Vec::new() }],
        ..Volume::default()
    }
}

pub(crate) fn mk_node(name: &str, zone: &str) -> Node {
    Node {
        meta: Meta {
            namespace: Namespace::default(),
            labels: labels(&[("kubernetes.io/hostname", name), (ZONE_LABEL, zone)]),
            ..meta(name)
        },
        conditions: vec![condition("Ready", "True", "", "")],
        ..Node::default()
    }
}

pub(crate) fn mk_service(name: &str, selector: &[(&str, &str)]) -> Service {
    Service {
        meta: meta(name),
        kind: "ClusterIP".to_owned(),
        cluster_ip: "None".to_owned(),
        selector: labels(selector),
        publish_not_ready: false,
    }
}

pub(crate) fn mk_endpoint(service: &str, pod: &str) -> Endpoint {
    Endpoint {
        namespace: "shop".into(),
        service: service.to_owned(),
        hostname: Some(pod.to_owned()),
        pod: Some(pod.into()),
        addresses: vec!["10.0.0.9".to_owned()],
        ready: true,
        written: None,
    }
}

pub(crate) fn mk_budget(name: &str, allowed: i32) -> Budget {
    Budget {
        meta: meta(name),
        selector: Selector { labels: labels(&[("app", "db")]), expressions: Vec::new() },
        has_selector: true,
        max_unavailable: Some("1".to_owned()),
        disruptions_allowed: allowed,
        current_healthy: 2 + allowed,
        desired_healthy: 2,
        observed: true,
        ..Budget::default()
    }
}

pub(crate) fn mk_event(kind: &str, name: &str, severity: &str, reason: &str, message: &str) -> Event {
    Event {
        namespace: "shop".into(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: Uid(format!("uid-{name}")),
        severity: severity.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_seen: ago(20),
    }
}

pub(crate) fn mk_primary(pod: &str) -> Member {
    Member {
        role: Known::Value(Role::Primary),
        timeline: Some(4),
        sessions: Known::Value(Sessions { active: 3, idle: 9, ..Sessions::default() }),
        system_id: Some("71".to_owned()),
        ..Member::unknown(pod.into(), "")
    }
}

pub(crate) fn mk_replica(pod: &str, lag_bytes: u64) -> Member {
    Member {
        role: Known::Value(Role::Replica),
        lag: Some(Lag { bytes: Known::Value(lag_bytes), delay_ms: Known::Value(4_000) }),
        receiving: Some(Known::Value(true)),
        replication: Some("streaming".to_owned()),
        timeline: Some(4),
        sync: Some(SyncState::Async),
        sessions: Known::Value(Sessions::default()),
        system_id: Some("71".to_owned()),
        ..Member::unknown(pod.into(), "")
    }
}

pub(crate) fn gap(resource: Resource, why: &str) -> Gap {
    Gap { resource, why: why.to_owned(), asked: true }
}

/// One change of the healthy world.
pub(crate) type Change = fn(&mut World);

/// A snapshot and what its engine said.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    pub(crate) topology: Topology,
    pub(crate) engine: &'static str,
}

impl World {
    /// Everything as it should be: nothing is to be said.
    pub(crate) fn healthy() -> Self {
        let places = [(0, "node-1", "a"), (1, "node-2", "b"), (2, "node-3", "c")];
        let claim = |ordinal: u32| format!("data-db-{ordinal}");
        let snapshot = Snapshot {
            taken_at: now(),
            workloads: vec![mk_set("db", 3)],
            pods: places.iter().map(|(ordinal, node, _)| mk_pod("db", *ordinal, node)).collect(),
            claims: places.iter().map(|(ordinal, ..)| mk_claim(&claim(*ordinal), &format!("pv-{ordinal}"))).collect(),
            volumes: places
                .iter()
                .map(|(ordinal, node, _)| mk_volume(&format!("pv-{ordinal}"), &claim(*ordinal), node))
                .collect(),
            nodes: places.iter().map(|(_, node, zone)| mk_node(node, zone)).collect(),
            services: vec![mk_service("db", &[("app", "db")])],
            endpoints: places.iter().map(|(ordinal, ..)| mk_endpoint("db", &format!("db-{ordinal}"))).collect(),
            budgets: vec![mk_budget("db", 1)],
            ..Snapshot::default()
        };
        let topology = Topology {
            version: Known::Value("15.18".to_owned()),
            members: vec![mk_primary("db-0"), mk_replica("db-1", 0), mk_replica("db-2", 0)],
            ..Topology::unknown([], "")
        };
        Self { snapshot, topology, engine: "postgres" }
    }

    /// The healthy world with one change.
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::healthy();
        change(&mut world);
        world
    }

    pub(crate) fn set(&mut self) -> &mut Workload {
        &mut self.snapshot.workloads[0]
    }

    pub(crate) fn pod(&mut self, ordinal: usize) -> &mut Pod {
        &mut self.snapshot.pods[ordinal]
    }

    pub(crate) fn claim(&mut self, ordinal: usize) -> &mut Claim {
        &mut self.snapshot.claims[ordinal]
    }

    pub(crate) fn volume(&mut self, ordinal: usize) -> &mut Volume {
        &mut self.snapshot.volumes[ordinal]
    }

    pub(crate) fn node(&mut self, position: usize) -> &mut Node {
        &mut self.snapshot.nodes[position]
    }

    pub(crate) fn member(&mut self, ordinal: usize) -> &mut Member {
        &mut self.topology.members[ordinal]
    }

    /// Takes a pod away, and with it its member.
    pub(crate) fn remove_pod(&mut self, ordinal: usize) {
        let pod = self.snapshot.pods.remove(ordinal).name();
        self.topology.members.retain(|member| member.pod != pod);
    }

    pub(crate) fn not_ready(&mut self, ordinal: usize) {
        let pod = self.pod(ordinal);
        pod.conditions = vec![condition("Ready", "False", "ContainersNotReady", "")];
        pod.container_states[0].ready = false;
    }

    pub(crate) fn node_down(&mut self, position: usize) {
        self.node(position).conditions = vec![condition("Ready", "Unknown", "NodeStatusUnknown", "")];
    }

    pub(crate) fn gap(&mut self, resource: Resource, why: &str) {
        self.snapshot.gaps.push(gap(resource, why));
    }

    /// Every role unknown for one reason, as for an engine that nobody knows.
    pub(crate) fn without_roles(&mut self) {
        self.engine = "generic";
        self.topology = Topology::unknown(self.snapshot.pods.iter().map(Pod::name), "no engine recognised");
    }

    pub(crate) fn report(&self) -> Report {
        let index = Index::new(&self.snapshot);
        let criteria = Criteria { max_lag_bytes: DEFAULT_MAX_LAG_BYTES, engine: None };
        let scene = Scene::new(&index, &self.snapshot.workloads[0]);
        let recognised =
            Recognised { engine: self.engine.to_owned(), title: self.engine.to_owned(), by: "a test".to_owned() };
        assemble(&scene, recognised, &self.topology, &criteria)
    }

    pub(crate) fn findings(&self, code: Code) -> Vec<Finding> {
        self.report().findings.into_iter().filter(|finding| finding.code == code).collect()
    }

    /// The one finding of a code.
    pub(crate) fn finding(&self, code: Code) -> Finding {
        let all = self.report().findings;
        let mut found: Vec<_> = all.iter().filter(|finding| finding.code == code).cloned().collect();
        assert_eq!(found.len(), 1, "{code:?} once, in {all:#?}");
        found.remove(0)
    }

    pub(crate) fn says(&self, code: Code) -> bool {
        !self.findings(code).is_empty()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.report().findings.into_iter().map(|finding| finding.message).collect()
    }

    pub(crate) fn row(&self, ordinal: u32) -> Row {
        self.report().rows.into_iter().find(|row| row.ordinal == ordinal).unwrap()
    }

    /// The answer for one ordinal with the codes that speak against it: `yes`, `no primary`, `unknown lag`.
    pub(crate) fn safe(&self, ordinal: u32) -> String {
        let (answer, holds) = match self.row(ordinal).safe {
            Safe::Yes => return "yes".to_owned(),
            Safe::No(holds) => ("no", holds),
            Safe::Unknown(holds) => ("unknown", holds),
        };
        let codes: Vec<_> = holds.iter().map(|hold| hold.code).collect();
        format!("{answer} {}", codes.join(" "))
    }
}

//! What the set is written to do with its data, and data that no policy protects.

use super::findings::{Findings, Kind, Remark};
use super::scene::Scene;
use crate::engine;
use crate::model::{ClaimPolicy, Code, ContainerSpec, FleetingKind, Recognised, Resource, Severity};

/// Images that keep data, by the last part of their repository.
const DATABASE_IMAGES: &[&str] = &[
    "arangodb",
    "cassandra",
    "citus",
    "clickhouse",
    "clickhouse-keeper",
    "clickhouse-server",
    "cockroach",
    "couchbase",
    "couchdb",
    "cp-kafka",
    "cp-zookeeper",
    "dse-server",
    "elasticsearch",
    "etcd",
    "influxdb",
    "kafka",
    "mariadb",
    "mariadb-galera",
    "minio",
    "mongo",
    "mongodb",
    "mongodb-sharded",
    "mysql",
    "mysql-server",
    "neo4j",
    "opensearch",
    "percona-server",
    "percona-server-mongodb",
    "percona-xtradb-cluster",
    "pgvector",
    "postgis",
    "postgres",
    "postgresql",
    "postgresql-repmgr",
    "rabbitmq",
    "rethinkdb",
    "scylla",
    "solr",
    "spilo",
    "tikv",
    "timescaledb",
    "timescaledb-ha",
    "yugabyte",
    "zookeeper",
];

/// Images that are as often a cache, whose content may go.
const CACHE_IMAGES: &[&str] = &["dragonfly", "keydb", "redis", "redis-cluster", "redis-stack-server", "valkey"];

/// Says which policies delete data.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    let workload = scene.workload;
    if workload.claim_templates.is_empty() {
        return;
    }
    let name = workload.meta.name.as_str();
    let keep = |field: &str| {
        scene.command(&format!(
            "patch statefulset {name} --type merge -p \
             '{{\"spec\":{{\"persistentVolumeClaimRetentionPolicy\":{{\"{field}\":\"Retain\"}}}}}}'"
        ))
    };
    let remark = |severity, predicate: &str| Remark::new(severity, Code::PolicyDeletesData, Kind::Set, name, predicate);
    if workload.when_scaled == ClaimPolicy::Delete {
        findings.say(
            remark(Severity::Warning, "deletes claims when it is scaled down (whenScaled: Delete)")
                .why("a smaller number of replicas, typed by mistake or set by an autoscaler, deletes data")
                .next(keep("whenScaled")),
        );
    }
    if workload.when_deleted == ClaimPolicy::Delete && workload.meta.deleting.is_none() {
        findings.say(
            remark(Severity::Note, "deletes its claims when it is deleted (whenDeleted: Delete)")
                .why("deleting the set, also to make it anew, deletes its data")
                .next(keep("whenDeleted")),
        );
    }
}

/// Says that a database keeps its data where it goes with the pod.
pub(super) fn find_data_without_claim(scene: &Scene<'_>, recognised: &Recognised, findings: &mut Findings) {
    let Some(Homeless { container, cache, node_directory }) = homeless(scene, recognised) else { return };
    let severity = if cache || node_directory { Severity::Warning } else { Severity::Critical };
    let what = format!("keeps the data of container {} ({})", container.name, container.image_base());
    let (predicate, why) = if node_directory {
        (format!("{what} in a directory of the node"), "a pod that comes back on another node comes back empty")
    } else if cache {
        (format!("{what} outside claims"), "it goes with the pod; as a cache that may be meant so")
    } else {
        (
            format!("{what} outside claims"),
            "it goes with the pod: the next eviction, update or crash of a node loses it",
        )
    };
    let name = scene.workload.meta.name.as_str();
    findings.say(Remark::new(severity, Code::DataWithoutClaim, Kind::Set, name, predicate).why(why));
}

/// A container whose data goes with its pod.
pub(super) struct Homeless<'a> {
    pub(super) container: &'a ContainerSpec,
    pub(super) cache: bool,
    pub(super) node_directory: bool,
}

/// Finds the database container that mounts no claim. Without a pod nobody knows: a pod template may name claims
/// itself, and only pods say so.
pub(super) fn homeless<'a>(scene: &Scene<'a>, recognised: &Recognised) -> Option<Homeless<'a>> {
    if !scene.index.has_read(Resource::Pods) || scene.pods().next().is_none() {
        return None;
    }
    let container = database_container(scene, recognised)?;
    let templates = &scene.workload.claim_templates;
    let claimed = |volume: &str| {
        templates.iter().any(|template| template.name == volume)
            || scene.pods().any(|pod| pod.claims.iter().any(|(name, _)| name == volume))
    };
    let has_claims = !templates.is_empty() || scene.pods().any(|pod| !pod.claims.is_empty());
    let mounts_one = container.mounts.iter().any(|(volume, _)| claimed(volume));
    // A container of which no mount is known is given the benefit of the doubt.
    if has_claims && (mounts_one || container.mounts.is_empty()) {
        return None;
    }
    let fleeting = &scene.workload.template.fleeting_volumes;
    let node_directory = container.mounts.iter().any(|(volume, _)| {
        fleeting.iter().any(|fleeting| fleeting.name == *volume && fleeting.kind == FleetingKind::HostPath)
    });
    Some(Homeless { container, cache: CACHE_IMAGES.contains(&container.image_base()), node_directory })
}

fn database_container<'a>(scene: &Scene<'a>, recognised: &Recognised) -> Option<&'a ContainerSpec> {
    let containers = &scene.workload.template.containers;
    let known = |container: &&ContainerSpec| {
        let base = container.image_base();
        DATABASE_IMAGES.contains(&base) || CACHE_IMAGES.contains(&base)
    };
    containers.iter().find(known).or_else(|| {
        let engine = engine::by_name(&recognised.engine).filter(|engine| engine.name() != "generic")?;
        let name = engine::container(engine, scene.workload, scene.pods().next()?, None)?;
        containers.iter().find(|container| container.name == name)
    })
}

//! What gives Redis or Valkey away, and which containers of a pod are the server and the sentinel.

use crate::engine::postgres::words;
use crate::engine::signs::Signs;
use crate::model::{ContainerName, ContainerSpec, Pod};

/// The signs. Port 6379 alone is also that of proxies and of what only speaks the protocol.
pub(super) const SIGNS: Signs = Signs {
    labels: &[
        ("app.kubernetes.io/name", Some("redis")),
        ("app.kubernetes.io/name", Some("redis-cluster")),
        ("app.kubernetes.io/name", Some("valkey")),
        ("app.kubernetes.io/name", Some("valkey-cluster")),
    ],
    images: &["redis", "valkey"],
    around: &[
        SENTINEL,
        "exporter",
        "metrics",
        "operator",
        "proxy",
        "predixy",
        "twemproxy",
        "haproxy",
        "envoy",
        "commander",
        "insight",
        "ui",
        "admin",
        "backup",
        "init",
        "config",
        "client",
        "shake",
    ],
    ports: &[[6379, 16379], [6379, SENTINEL_PORT]],
    variables: &["REDIS_REPLICATION_MODE", "VALKEY_REPLICATION_MODE", "REDIS_AOF_ENABLED", "VALKEY_AOF_ENABLED"],
};

/// The word for a sentinel in the names of images and containers.
const SENTINEL: &str = "sentinel";

/// The port that sentinels listen on.
const SENTINEL_PORT: u16 = 26379;

/// Finds the container of the sentinel that runs beside a server.
pub(super) fn sentinel(pod: &Pod) -> Option<ContainerName> {
    let server = SIGNS.container(pod);
    let mut others = pod.containers.iter().filter(|container| Some(&container.name) != server.as_ref());
    others.find(|container| is_sentinel(container)).map(|container| container.name.clone())
}

fn is_sentinel(container: &ContainerSpec) -> bool {
    let (image, name) = (words(container.image_base()), words(container.name.as_str()));
    let exports = |word: &String| word == "exporter" || word == "metrics";
    let named = image.iter().chain(&name).any(|word| word == SENTINEL) && !image.iter().chain(&name).any(exports);
    named || container.ports.contains(&SENTINEL_PORT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Workload;

    fn spec(name: &str, image: &str, ports: &[u16]) -> ContainerSpec {
        ContainerSpec { name: name.into(), image: image.to_owned(), ports: ports.to_vec(), ..ContainerSpec::default() }
    }

    fn said(containers: Vec<ContainerSpec>) -> Option<String> {
        let mut workload = Workload::default();
        workload.template.containers = containers;
        SIGNS.recognise(&workload)
    }

    #[test]
    fn images_of_servers_are_known() {
        for (image, by) in [
            ("redis:7.2-alpine", "image redis:7.2-alpine"),
            ("docker.io/bitnami/redis:7.4.2", "image redis:7.4.2"),
            ("docker.io/bitnami/redis-cluster:7.4.2", "image redis-cluster:7.4.2"),
            ("redis/redis-stack-server:latest", "image redis-stack-server:latest"),
            ("valkey/valkey:8.1", "image valkey:8.1"),
        ] {
            assert_eq!(said(vec![spec("main", image, &[])]).as_deref(), Some(by), "{image}");
        }
    }

    #[test]
    fn what_stands_around_a_server_is_not_one() {
        for image in [
            "oliver006/redis_exporter:v1.66",
            "bitnami/redis-sentinel:7.4",
            "rediscommander/redis-commander",
            "redis/redisinsight:2",
            "quay.io/spotahome/redis-operator:v1",
        ] {
            assert_eq!(said(vec![spec("c", image, &[])]), None, "{image}");
        }
        assert_eq!(said(vec![spec("sentinel", "redis:7", &[26379])]), None, "sentinels of their own hold no data");
    }

    #[test]
    fn server_and_sentinel_of_one_pod_are_told_apart() {
        let of = |containers: Vec<ContainerSpec>| {
            let pod = Pod { containers, ..Pod::default() };
            (SIGNS.container(&pod).map(|name| name.0), sentinel(&pod).map(|name| name.0))
        };
        let words = |server: &str, beside: Option<&str>| (Some(server.to_owned()), beside.map(str::to_owned));
        let server = || spec("redis", "bitnami/redis:7", &[6379]);
        let exporter = || spec("metrics", "bitnami/redis-exporter:1", &[9121]);
        assert_eq!(of(vec![server(), exporter()]), words("redis", None));
        assert_eq!(
            of(vec![spec("sentinel", "bitnami/redis-sentinel:7", &[26379]), exporter(), server()]),
            words("redis", Some("sentinel"))
        );
        let watcher = spec("watcher", "redis:7", &[26379]);
        assert_eq!(of(vec![server(), watcher]), words("redis", Some("watcher")));
        let exporter = spec("sentinel-exporter", "oliver006/redis_exporter:v1", &[9121]);
        assert_eq!(of(vec![server(), exporter]), words("redis", None));
    }
}

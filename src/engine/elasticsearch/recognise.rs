//! What gives Elasticsearch or OpenSearch away.

use crate::engine::signs::Signs;

/// The signs of both.
pub(super) const SIGNS: Signs = Signs {
    labels: &[
        ("elasticsearch.k8s.elastic.co/cluster-name", None),
        ("opster.io/opensearch-cluster", None),
        ("app.kubernetes.io/name", Some("elasticsearch")),
        ("app.kubernetes.io/name", Some("opensearch")),
    ],
    images: &["elasticsearch", "opensearch"],
    around: &[
        "exporter",
        "metrics",
        "kibana",
        "dashboards",
        "operator",
        "curator",
        "cerebro",
        "init",
        "setup",
        "proxy",
        "snapshot",
        "metricbeat",
        "filebeat",
    ],
    ports: &[[9200, 9300]],
    variables: &[
        "discovery.seed_hosts",
        "cluster.initial_master_nodes",
        "cluster.initial_cluster_manager_nodes",
        "ES_JAVA_OPTS",
        "OPENSEARCH_JAVA_OPTS",
    ],
};

//! What gives Cassandra away.

use crate::engine::signs::Signs;

/// The signs. Port 9042 alone would also be YugabyteDB's or Scylla's.
pub(super) const SIGNS: Signs = Signs {
    labels: &[("cassandra.datastax.com/cluster", None), ("app.kubernetes.io/name", Some("cassandra"))],
    images: &["cassandra", "cass", "dse"],
    around: &[
        "yugabyte",
        "yugabytedb",
        "scylla",
        "exporter",
        "metrics",
        "operator",
        "reaper",
        "medusa",
        "stress",
        "web",
        "ui",
        "backup",
        "init",
        "config",
        "logger",
        "client",
        "proxy",
        "stargate",
    ],
    ports: &[[9042, 7000], [9042, 7001], [9042, 7199]],
    variables: &["CASSANDRA_SEEDS", "CASSANDRA_ENDPOINT_SNITCH", "CASSANDRA_DC", "CASSANDRA_RACK"],
};

//! Scale-down of engines that have to be drained: what was written before is all there after, and what would lose copies
//! is refused.

use std::collections::BTreeSet;

use crate::migrate::{node_of, the_mover_is_there};
use crate::support::{Beside, Namespace, Node, eventually, plain_set, proves, row, rows, short, workload};

/// Each question to Cassandra starts a JVM, and the machine is busy.
const PATIENT: [&str; 2] = ["--probe-timeout", "60s"];

fn scale_down(namespace: &Namespace, set: &str, flags: &[&str]) -> crate::support::Ran {
    let words: Vec<&str> = ["scale-down", set].iter().chain(flags).chain(&PATIENT).copied().collect();
    namespace.stateful(&words)
}

fn opensearch(namespace: &Namespace, words: &[&str]) -> String {
    let curl = ["exec", "os-0", "--", "curl", "-s", "-H", "Content-Type: application/json"];
    let words: Vec<&str> = curl.iter().chain(words).copied().collect();
    namespace.kubectl(&words).ok()
}

/// Gives a setting's value; an empty one takes the setting back.
fn value(text: &str) -> serde_json::Value {
    if text.is_empty() { serde_json::Value::Null } else { text.into() }
}

#[test]
fn opensearch_moves_its_shards_before_a_node_leaves() {
    let namespace = Namespace::new("opensearch");
    namespace.apply(&workload("opensearch"));
    let green = |report: &serde_json::Value| {
        rows(report).len() == 3 && rows(report).iter().all(|row| row["role"]["value"] == "peer")
    };
    namespace.until_with("os", &PATIENT, "three nodes in one cluster", green);
    opensearch(
        &namespace,
        &["-XPUT", "localhost:9200/shop", "-d", r#"{"settings":{"number_of_shards":3,"number_of_replicas":2}}"#],
    );
    let lines = (0..200).map(|n| format!("{{\"index\":{{}}}}\n{{\"n\":{n}}}\n")).collect::<Vec<_>>().concat();
    opensearch(&namespace, &["-XPOST", "localhost:9200/shop/_bulk?refresh=true", "--data-binary", &lines]);
    namespace
        .until_with("os", &PATIENT, "green", |report| rows(report).iter().all(|row| row["safe"]["answer"] == "yes"));

    let refused = scale_down(&namespace, "os", &["--by", "1", "--yes"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("index shop has 3 copies of a shard"), "{}", refused.stderr);
    proves("an index with as many copies as nodes lets none of them go");

    opensearch(&namespace, &["-XPUT", "localhost:9200/shop/_settings", "-d", r#"{"index":{"number_of_replicas":1}}"#]);
    let marks = |[enabled, low, high]: [&str; 3]| {
        let body = serde_json::json!({"transient": {"cluster.routing.allocation.disk": {
            "threshold_enabled": value(enabled),
            "watermark": {"low": value(low), "high": value(high), "flood_stage": value(high)},
        }}});
        opensearch(&namespace, &["-XPUT", "localhost:9200/_cluster/settings", "-d", &body.to_string()]);
    };
    marks(["true", "1%", "99%"]);
    namespace.refuses(
        "os",
        &["scale-down", "os", "--by", "1", PATIENT[0], PATIENT[1]],
        &["would move", "low 1%, high 99%"],
    );
    marks(["", "", ""]);
    proves("shards that the disks of the others may not take let their node not go");

    eventually("2 replicas", || {
        let ran = scale_down(&namespace, "os", &["--by", "1", "--yes"]);
        if ran.code == 0 { Ok(()) } else { Err(ran.stderr) }
    });
    let count = opensearch(&namespace, &["localhost:9200/shop/_count"]);
    assert!(count.contains("\"count\":200") && count.contains("\"failed\":0"), "{count}");
    let settings = opensearch(&namespace, &["localhost:9200/_cluster/settings"]);
    assert!(!settings.contains("exclude"), "{settings}");
    let voters =
        opensearch(&namespace, &["localhost:9200/_cluster/state/metadata?filter_path=**.voting_config_exclusions"]);
    assert!(voters.contains("\"voting_config_exclusions\":[]"), "{voters}");
    namespace.until_with("os", &PATIENT, "two nodes", |report| rows(report).len() == 2 && report["head"]["ready"] == 2);
    proves("OpenSearch 3 -> 2: every document is there, and no exclusion is left behind");

    let undone = namespace.stateful(&["undo", "os", "--yes"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    let report = namespace.until_with("os", &PATIENT, "three nodes again", green);
    assert_eq!(report["head"]["ready"], 3, "{}", short(&report));
    proves("OpenSearch 2 -> 3: undo brings the node back, and it may vote and hold shards");
}

fn cql(namespace: &Namespace, statement: &str) -> String {
    namespace.kubectl(&["exec", "ca-0", "--", "cqlsh", "-e", statement]).ok()
}

/// Moves a node of the ring to another machine while clients write.
fn a_node_moves_with_its_volume(namespace: &Namespace) {
    // With fewer copies no node may go: a quorum would be missing.
    cql(namespace, "CREATE KEYSPACE moved WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
    cql(namespace, "CREATE TABLE moved.written (n int PRIMARY KEY)");
    let report = namespace.until_with("ca", &PATIENT, "three nodes in one ring", |report| {
        rows(report).iter().all(|row| row["safe"]["answer"] == "yes")
    });
    let source = Node::new(&node_of(&report, "ca-2"));
    let _uncordoned = source.uncordoned_at_end();
    let clients = Beside { namespace, pod: "ca-0", container: "cassandra" };
    clients.begin(
        "n=$((${n-0} + 1)); cqlsh -e \"CONSISTENCY QUORUM; INSERT INTO moved.written (n) VALUES ($n)\" && echo $n >>/tmp/acknowledged",
    );
    clients.until_written(3);
    let host = || namespace.kubectl(&["exec", "ca-2", "--", "cqlsh", "-e", "SELECT host_id FROM system.local"]).ok();
    let uids = || ["ca-0", "ca-1"].map(|pod| namespace.field(&format!("pod/{pod}"), "{.metadata.uid}"));
    let (host_before, others_before) = (host(), uids());
    let done = eventually("ca-2 on another node", || {
        let ran = namespace.stateful(&["migrate", "ca-2", "--yes", "--max-downtime", "120s", PATIENT[0], PATIENT[1]]);
        if ran.code == 0 { Ok(ran) } else { Err(ran.everything()) }
    });
    clients.until_written(3);
    clients.end();
    namespace.until_with("ca", &PATIENT, "three nodes in one ring again", |report| {
        rows(report).iter().all(|row| row["safe"]["answer"] == "yes") && node_of(report, "ca-2") != source.name
    });
    assert_eq!((host(), uids()), (host_before, others_before), "the same node of the ring; nobody else was down");
    let there = cql(namespace, "CONSISTENCY ALL; SELECT n FROM moved.written");
    let there: BTreeSet<u64> = there.lines().filter_map(|line| line.trim().parse().ok()).collect();
    let acknowledged = clients.acknowledged();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "{lost:?} of {acknowledged:?}");
    // A keyspace of as many copies as nodes lets none of them leave for good.
    cql(namespace, "DROP KEYSPACE moved");
    proves(format!(
        "Cassandra's ca-2 moved: all {} acknowledged writes are there; {}",
        acknowledged.len(),
        done.stdout.trim()
    ));
}

#[test]
fn cassandra_decommissions_a_node_before_it_leaves() {
    the_mover_is_there();
    let namespace = Namespace::new("cassandra");
    namespace.apply(&workload("cassandra"));
    namespace.until_with("ca", &PATIENT, "three nodes in one ring", |report| {
        rows(report).len() == 3 && rows(report).iter().all(|row| row["safe"]["answer"] == "yes")
    });
    a_node_moves_with_its_volume(&namespace);
    cql(&namespace, "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}");
    cql(&namespace, "CREATE TABLE shop.t (id int PRIMARY KEY, v text)");
    let inserts = (0..200).map(|n| format!("INSERT INTO shop.t (id, v) VALUES ({n}, 'v'); "));
    let inserts = inserts.collect::<Vec<_>>().concat();
    cql(&namespace, &inserts);

    let refused = scale_down(&namespace, "ca", &["--by", "1", "--yes"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("keyspace system_distributed is kept 3 times"), "{}", refused.stderr);
    proves("a keyspace of three copies on three nodes lets none of them go");

    let seeds = |from: &str, to: &str| {
        for pod in ["ca-0", "ca-1"] {
            let script =
                format!("sed -i 's/seeds: \"{from}.ca\"/seeds: \"{to}.ca\"/' \"$CASSANDRA_CONF/cassandra.yaml\"");
            namespace.kubectl(&["exec", pod, "--", "sh", "-c", &script]).ok();
        }
    };
    seeds("ca-0", "ca-2");
    let refused = scale_down(&namespace, "ca", &["--by", "1", "--yes"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("ca-0 and ca-1 list ca-2 as the only seed"), "{}", refused.stderr);
    seeds("ca-2", "ca-0");
    proves("the only seed of those that stay does not go");

    cql(
        &namespace,
        "ALTER KEYSPACE system_distributed WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}",
    );
    eventually("3 -> 2", || {
        let ran = scale_down(&namespace, "ca", &["--by", "1", "--yes"]);
        if ran.code == 0 { Ok(()) } else { Err(ran.stderr) }
    });
    let count = cql(&namespace, "CONSISTENCY ALL; SELECT count(*) FROM shop.t");
    assert!(count.contains("200"), "{count}");
    let report = namespace.until_with("ca", &PATIENT, "two nodes", |report| rows(report).len() == 2);
    assert!(rows(&report).iter().all(|row| row["role"]["value"] == "peer"), "{}", short(&report));
    proves("Cassandra 3 -> 2: every row is there at consistency ALL");

    let back = namespace.stateful(&["undo", "ca", "--yes"]);
    assert!(back.stderr.contains("cannot be taken back"), "a decommission is for good: {back:?}");
    assert_eq!(namespace.kubectl(&["get", "sts", "ca", "-o", "jsonpath={.spec.replicas}"]).ok(), "2");
    proves("Cassandra: undo says what cannot be taken back, and does nothing");
}

#[test]
fn hooks_that_a_set_declares_drain_any_engine() {
    let namespace = Namespace::new("hooks");
    namespace.apply(&plain_set("web", 3, ""));
    for (hook, command) in [
        ("role", r#"["sh", "-c", "echo peer"]"#),
        ("before-removal", r#"["sh", "-c", "touch /data/leaving"]"#),
        ("removed", r#"["sh", "-c", "echo {pod} >> /data/asked; test $(wc -l < /data/asked) -ge 3"]"#),
        ("undo-removal", r#"["sh", "-c", "rm -f /data/asked"]"#),
    ] {
        namespace.kubectl(&["annotate", "sts", "web", &format!("kubectl-stateful.io/hook-{hook}={command}")]).ok();
    }
    let report = namespace.until("web", "three peers", |report| {
        report["head"]["ready"] == 3 && rows(report).iter().all(|row| row["role"]["value"] == "peer")
    });
    assert_eq!(report["head"]["engine"]["by"], "its own hooks");
    namespace.stateful(&["scale-down", "web", "--by", "1", "--yes"]).ok();
    let asked = namespace.kubectl(&["exec", "web-0", "--", "cat", "/data/asked"]).ok();
    assert_eq!(asked, "web-2\nweb-2\nweb-2\n", "asked until it said yes");
    namespace.stateful(&["undo", "web", "--yes"]).ok();
    let report = namespace.until_ready("web", 3);
    assert!(row(&report, "web-2")["state"]["state"] == "ready", "{}", short(&report));
    let left = namespace.kubectl(&["exec", "web-2", "--", "ls", "/data/leaving"]).ok();
    assert_eq!(left.trim(), "/data/leaving", "the hook ran in the pod that left, and its claim came back");
    assert_ne!(namespace.kubectl(&["exec", "web-0", "--", "ls", "/data/asked"]).code, 0, "the hook back ran, too");
    proves("hooks: the member is told, waited for, and taken back by the set's own commands");
}

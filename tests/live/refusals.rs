//! What `scale-down` refuses, each really provoked: exit code 4, and the set is the very same afterwards.

use crate::postgres::{cascade, start};
use crate::support::{Namespace, plain_set, proves, row};

const DOWN: [&str; 4] = ["scale-down", "db", "--replicas", "2"];

fn wait_for(namespace: &Namespace, names: &str) {
    namespace.sql("db-0", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
    namespace.sql("db-0", "SELECT pg_reload_conf()");
}

#[test]
fn scale_down_is_refused_for_what_the_members_are_to_each_other() {
    let namespace = Namespace::new("refused-pg");
    start(&namespace);
    let unasked = namespace.stateful(&DOWN);
    assert!(unasked.code == 4 && unasked.stderr.contains("nobody can be asked"), "{unasked:?}");
    assert_eq!(namespace.replicas("db"), 3);
    namespace.refuses("db", &["scale-down", "db", "--replicas", "1"], &["no replica would stay", "--allow no-replica"]);
    namespace.refuses("db", &["scale-down", "db", "--replicas", "0"], &["--to-zero"]);
    proves("refused: nobody to ask, no replica left, an empty set that was not asked for");

    wait_for(&namespace, "FIRST 2 (\"db-1\", \"db-2\")");
    namespace.refuses("db", &DOWN, &["1 standby that confirms would stay", "FIRST 2"]);
    wait_for(&namespace, "");
    proves("refused: a standby that commits wait for");

    namespace.sql("db-1", "SELECT pg_wal_replay_pause()");
    namespace.sql("db-0", "CREATE TABLE t AS SELECT generate_series(1, 300000) AS n");
    namespace.refuses("db", &DOWN, &["db-1 is ", " behind", "--max-lag"]);
    namespace.sql("db-1", "SELECT pg_wal_replay_resume()");
    proves("refused: the copy that would stay is behind");

    cascade(&namespace, "db-1", "db-2");
    namespace.refuses("db", &DOWN, &["db-1 receives changes through db-2"]);
    proves("refused: another member receives through the one that leaves");
}

/// Makes db-2 the only primary: it is promoted, and the others are made anew from it.
fn only_db_2_is_primary(namespace: &Namespace) {
    namespace.sql("db-2", "SELECT pg_promote()");
    namespace.refuses("db", &DOWN, &["db-0 and db-2 take writes"]);
    for ordinal in ["0", "1"] {
        let (pod, claim) = (format!("db-{ordinal}"), format!("data-db-{ordinal}"));
        namespace.kubectl(&["delete", "pvc", &claim, "--wait=false"]).ok();
        namespace.kubectl(&["delete", "pod", &pod, "--grace-period=5"]).ok();
        namespace.until("db", "a copy of db-2", |report| {
            report["head"]["ready"] == 3 && row(report, &pod)["role"]["value"] == "replica"
        });
    }
}

#[test]
fn scale_down_is_refused_where_the_primary_would_leave() {
    let namespace = Namespace::new("refused-primary");
    start(&namespace);
    only_db_2_is_primary(&namespace);
    namespace.refuses("db", &DOWN, &["db-2 is the primary"]);
    proves("refused: two primaries, and the primary among those that leave");
}

const KEPT: &str =
    r#"{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Retain","whenDeleted":"Retain"}}}"#;
const LOST: &str =
    r#"{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete","whenDeleted":"Retain"}}}"#;

fn around(name: &str) -> (String, String) {
    let budget = format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {name}}}\n\
         spec: {{minAvailable: 2, selector: {{matchLabels: {{app: q}}}}}}\n"
    );
    let scaler = format!(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec:\n  \
         scaleTargetRef: {{apiVersion: apps/v1, kind: StatefulSet, name: q}}\n  minReplicas: 1\n  maxReplicas: 5\n  \
         metrics: [{{type: Resource, resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 80}}}}}}]\n"
    );
    (budget, scaler)
}

#[test]
fn scale_down_is_refused_for_what_stands_around_the_set() {
    let namespace = Namespace::new("refused-around");
    let probe = "readinessProbe: {exec: {command: [test, '!', -e, /tmp/bad]}, periodSeconds: 1}\n          command:";
    namespace.apply(&plain_set("q", 2, "").replace("command:", probe));
    namespace.until_ready("q", 2);
    let down = ["scale-down", "q", "--replicas", "1", "--allow", "no-drain"];
    namespace.refuses("q", &["scale-down", "q", "--replicas", "1"], &["--allow no-drain takes the responsibility"]);

    let (budget, scaler) = around("q");
    namespace.apply(&scaler);
    namespace.refuses("q", &down, &["an autoscaler changes the replicas", "--allow autoscaler"]);
    namespace.kubectl(&["delete", "hpa", "q"]).ok();
    namespace.apply(&budget);
    namespace.refuses("q", &down, &["budget q wants 2 healthy (minAvailable)"]);
    namespace.kubectl(&["delete", "pdb", "q"]).ok();
    namespace.patch("statefulset/q", LOST);
    namespace.refuses("q", &down, &["whenScaled is Delete", "--delete-claims"]);
    namespace.patch("statefulset/q", KEPT);
    proves("refused: an autoscaler, a budget, a policy that deletes claims");

    namespace.kubectl(&["label", "statefulset/q", "mysql.oracle.com/cluster=ledger"]).ok();
    namespace.refuses("q", &down, &["managed by MySQL Operator", "change spec.instances of innodbcluster/ledger"]);
    namespace.kubectl(&["label", "statefulset/q", "mysql.oracle.com/cluster-"]).ok();
    namespace.kubectl(&["exec", "q-0", "--", "touch", "/tmp/bad"]).ok();
    namespace.refuses("q", &down, &["q-0 is not ready"]);
    namespace.kubectl(&["exec", "q-0", "--", "rm", "/tmp/bad"]).ok();
    proves("refused: an operator that would put it back, a lower ordinal that is not ready");

    let partition = r#"{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}"#;
    namespace.patch("statefulset/q", partition);
    namespace.refuses("q", &down, &["partition 1 is set"]);
    namespace.patch("statefulset/q", &partition.replace(":1", ":0"));
    namespace.kubectl(&["set", "image", "statefulset/q", "main=docker.io/library/busybox:no-such-tag"]).ok();
    namespace.refuses("q", &down, &["rollout", "every pod has the same revision"]);
    assert_eq!((namespace.replicas("q"), namespace.claims().len()), (2, 2));
    proves("refused: a partition, a rollout that has not ended");
}

//! `promote --failover` on real databases: what is lost is said before, and nothing else is. Nothing else runs
//! meanwhile: nodes take no pods for a time.

use std::collections::BTreeSet;

use crate::postgres::start;
use crate::promote::{Writer, led_through_service, until_led_by};
use crate::support::{Namespace, Node, eventually, look_at, proves, row, run};

/// Stops processes of a pod where they are: their connections stay open, and nobody answers. `is_one` is given the name
/// and the command line of each.
pub(crate) fn freeze(namespace: &Namespace, pod: &str, is_one: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let uid = namespace.field(&format!("pod/{pod}"), "{.metadata.uid}").replace('-', "_");
    let mut frozen = Vec::new();
    for process in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let path = process.path();
        let read = |file: &str| std::fs::read_to_string(path.join(file)).unwrap_or_default();
        let is_its = || read("cgroup").replace('-', "_").contains(&uid);
        if is_one(read("comm").trim(), &read("cmdline")) && is_its() {
            let number = process.file_name().to_str().expect("a number").to_owned();
            run("kill", &["-STOP", &number]).ok();
            frozen.push(number);
        }
    }
    assert!(!frozen.is_empty(), "no such process of {pod} found");
    frozen
}

/// Lets processes that were stopped go on. Those that went with their pod are no matter.
pub(crate) fn thaw(frozen: &[String]) {
    for process in frozen {
        run("kill", &["-CONT", process]);
    }
}

/// Has a standby receive from nobody.
fn cut_off(namespace: &Namespace, pod: &str) {
    let conninfo = namespace.sql(pod, "SHOW primary_conninfo");
    let elsewhere = format!("{} host=nowhere", conninfo.trim()).replace('\'', "''");
    namespace.sql(pod, &format!("ALTER SYSTEM SET primary_conninfo = '{elsewhere}'"));
    namespace.sql(pod, "SELECT pg_reload_conf()");
    eventually("nobody to receive from", || {
        let receivers = namespace.sql(pod, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'");
        if receivers.trim() == "0" { Ok(()) } else { Err(receivers) }
    });
}

/// Proves that what is agreed to beforehand is refused, in these words. A busy machine refuses for other reasons at first.
#[track_caller]
fn refused(namespace: &Namespace, arguments: &[&str], says: &[&str]) {
    eventually(&says.join(", "), || {
        let ran = namespace.stateful(&[&["promote", "db", "--failover", "--yes"], arguments].concat());
        let said = ran.stderr.replace('\n', " ");
        if ran.code == 4 && says.iter().all(|word| said.contains(word)) { Ok(()) } else { Err(ran.everything()) }
    });
    assert_eq!(namespace.journaled_plans().len(), 0, "nothing was begun");
}

pub(crate) fn numbers(namespace: &Namespace, pod: &str) -> BTreeSet<u64> {
    namespace.sql(pod, "SELECT n FROM written").lines().filter_map(|line| line.trim().parse().ok()).collect()
}

#[test]
fn exactly_what_was_announced_is_lost_with_a_primary_that_hangs() {
    let namespace = Namespace::alone("failover");
    let report = start(&namespace);
    let node = Node::new(row(&report, "db-0")["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    namespace.refuses(
        "db",
        &["promote", "db", "--failover"],
        &["db-0 is the primary, and answers", "without --failover"],
    );
    proves("a primary that answers is not given up");

    // Only what the test writes shall be counted.
    namespace.sql("db-0", "ALTER SYSTEM SET autovacuum = off");
    namespace.sql("db-0", "SELECT pg_reload_conf()");
    namespace.sql("db-0", "CREATE TABLE written (n bigint PRIMARY KEY)");
    namespace.sql("db-0", "INSERT INTO written SELECT generate_series(1, 100)");
    until_led_by(&namespace, "db-0");
    // The last one has what the server writes by itself meanwhile: it is the furthest.
    for pod in ["db-2", "db-1"] {
        cut_off(&namespace, pod);
    }
    for number in 101..=107 {
        namespace.sql("db-0", &format!("INSERT INTO written VALUES ({number})"));
    }
    freeze(&namespace, "db-0", |name, _| name == "postgres");
    namespace.refuses(
        "db",
        &["promote", "db", "--to", "1"],
        &["no member is known to be the primary", "--failover", "measures first what only it has"],
    );
    let dry = namespace.changes(&["promote", "db", "--failover", "--dry-run"]);
    assert!(dry.stdout.contains("7 committed transactions"), "{dry:?}");
    refused(&namespace, &[], &["7 transactions, are on db-0 alone"]);
    let mut asked = crate::support::Running::at_terminal(&namespace, &["promote", "db", "--failover", "--to", "1"]);
    asked.until_said("run these");
    asked.answer("y");
    asked.until_said("type db-0 to do it");
    asked.answer("no");
    let said = asked.end();
    assert!(said.everything().contains("nothing was changed: db-0 was not typed"), "{said:?}");
    proves(
        "seven transactions that only the old primary has are counted before anybody is asked, and refused unless accepted",
    );

    let done = namespace.changes(&["promote", "db", "--failover", "--to", "1", "--yes", "--accept-loss", "1MiB"]);
    assert!(done.everything().contains("failover db-0 -> db-1 done"), "{done:?}");
    until_led_by(&namespace, "db-1");
    assert_eq!(led_through_service(&namespace), "db-1");
    namespace.sql("db-1", "INSERT INTO written VALUES (200)");
    let expected: BTreeSet<u64> = (1..=100).chain([200]).collect();
    assert_eq!(numbers(&namespace, "db-1"), expected);
    eventually("the same on the old primary", || {
        let there = numbers(&namespace, "db-0");
        if there == expected { Ok(()) } else { Err(format!("{} rows", there.len())) }
    });
    let pods = namespace.kubectl(&["get", "pods", "-o", "name"]).ok();
    assert_eq!(pods.lines().count(), 3, "no helper is left: {pods}");
    let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
    assert_eq!(cordoned, "", "the node takes pods again");
    proves("exactly these seven are lost; the old primary was rewound, and follows");
}

#[test]
fn a_primary_whose_node_dies_comes_back_as_a_standby() {
    let namespace = Namespace::alone("failover-node");
    let report = start(&namespace);
    let node = Node::new(row(&report, "db-0")["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    let writer = Writer::begin(&namespace, "db-2");
    let dead = node.kill();
    namespace.until_found("db", "volume-node-not-ready");
    refused(
        &namespace,
        &["--accept-loss", "any", "--probe-timeout", "3s"],
        &["nobody can see whether db-0 still runs there", "--allow node-off"],
    );
    let stopped = eventually("a run that waits for the node", || {
        let ran = namespace.stateful(&[
            "promote",
            "db",
            "--failover",
            "--to",
            "1",
            "--yes",
            "--accept-loss",
            "any",
            "--allow",
            "node-off",
            "--probe-timeout",
            "3s",
        ]);
        if ran.code == 5 { Ok(ran) } else { Err(ran.everything()) }
    });
    look_at(&stopped.everything());
    assert!(stopped.stderr.contains(&format!("node {} is not ready", node.name)), "{stopped:?}");
    assert!(stopped.stderr.contains("resume db") && !stopped.stderr.contains("undo db"), "{stopped:?}");
    assert_eq!(led_through_service(&namespace), "db-1");
    writer.until_more();
    let undo = namespace.stateful(&["undo", "db", "--yes"]);
    assert!(undo.code == 4 && undo.stderr.contains("undo --leave"), "{undo:?}");
    proves("a node dies with its primary: writes go on at db-1, and the run waits for the node");

    drop(dead);
    eventually("db-0 is gone from its node, and held", || {
        let phase = namespace.field("pod/db-0", "{.status.phase} {.spec.nodeName}");
        if phase.trim() == "Pending" { Ok(()) } else { Err(phase) }
    });
    writer.until_more();
    let done = namespace.changes(&["resume", "db", "--yes"]);
    assert!(done.everything().contains("failover db-0 -> db-1 done"), "{done:?}");
    until_led_by(&namespace, "db-1");
    writer.until_more();
    let acknowledged = writer.end();
    let there = numbers(&namespace, "db-1");
    let lost = acknowledged.difference(&there).count();
    proves(format!(
        "the node is back: db-0 was held, rewound and follows; {lost} of {} acknowledged writes are lost, from before",
        acknowledged.len()
    ));
    assert!(lost <= 3, "standbys were streaming: {lost} writes are lost");
}

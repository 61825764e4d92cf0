//! `promote --failover` of Redis and Valkey: who is furthest goes on, and the old master comes back as a replica. Nothing
//! else runs meanwhile: nodes take no pods for a time.

use crate::failover::freeze;
use crate::redis::{ask, healthy};
use crate::support::{Namespace, Node, eventually, look_at, proves, row, rows, run, workload};

/// Runs `promote --failover` until it ends in a way; a busy machine refuses for other reasons at first.
#[track_caller]
fn ran(namespace: &Namespace, set: &str, arguments: &[&str], code: i32, says: &[&str]) -> String {
    eventually(&says.join(", "), || {
        let ran = namespace.stateful(&[&["promote", set, "--failover"], arguments].concat());
        let said = ran.everything().replace('\n', " ");
        let is_it = ran.code == code && says.iter().all(|word| said.contains(word));
        if is_it { Ok(ran.everything()) } else { Err(ran.everything()) }
    })
}

/// Waits until redis-1 leads, and the others follow it.
#[track_caller]
fn led(namespace: &Namespace, what: &str) {
    namespace.until("redis", what, |report| {
        report["head"]["ready"] == 3
            && report["head"]["primaries"]["value"] == serde_json::json!(["redis-1"])
            && ["redis-0", "redis-2"].iter().all(|pod| row(report, pod)["lag"]["bytes"]["value"].is_u64())
    });
}

#[test]
fn a_redis_master_that_hangs_is_given_up_and_comes_back_as_a_replica() {
    let namespace = Namespace::alone("redis-over");
    namespace.apply(&workload("redis"));
    let report = namespace.until("redis", "a master and two replicas", healthy("redis"));
    let node = Node::new(row(&report, "redis-0")["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    let failover = ["promote", "redis", "--failover"];
    namespace.refuses("redis", &failover, &["redis-0 is the primary, and answers", "without --failover"]);
    ask(&namespace, "redis-0", "SET kept 1");
    assert_eq!(ask(&namespace, "redis-0", "WAIT 2 5000"), "2");
    // The first replica gets what the other one does not, and the last write nobody: who is cut off still follows.
    for (pod, key) in [("redis-2", "copied"), ("redis-1", "lost")] {
        ask(&namespace, pod, "CONFIG SET masterauth wrong");
        ask(&namespace, "redis-0", "CLIENT KILL TYPE replica");
        let others = if pod == "redis-2" { "1" } else { "0" };
        eventually("who is still there", || {
            let said = ask(&namespace, "redis-0", "INFO replication");
            let online = said.matches("state=online").count().to_string();
            if online == others { Ok(()) } else { Err(said) }
        });
        ask(&namespace, "redis-0", &format!("SET {key} 1"));
        assert_eq!(ask(&namespace, "redis-0", &format!("WAIT {others} 5000")), others);
    }
    freeze(&namespace, "redis-0", |name, _| name == "redis-server");
    for pod in ["redis-1", "redis-2"] {
        ask(&namespace, pod, "CONFIG SET masterauth not-a-secret");
    }
    let dry = ran(
        &namespace,
        "redis",
        &["--dry-run"],
        0,
        &["failover from redis-0 to redis-1", "cannot be measured", "redis-1 has its log up to", "lost its link to it"],
    );
    look_at(&dry);
    ran(&namespace, "redis", &["--to", "2", "--dry-run"], 4, &["redis-2 has the log up to", "--to redis-1"]);
    ran(&namespace, "redis", &["--yes"], 4, &["how far redis-0 was, nobody else knows", "--accept-loss any"]);
    proves("what only a master has is said to be unknown, and refused unless accepted; who has less is refused");

    let done = namespace.changes(&[&failover[..], &["--yes", "--accept-loss", "any"]].concat());
    assert!(done.everything().contains("failover redis-0 -> redis-1 done"), "{done:?}");
    assert!(!done.everything().contains("not-a-secret"), "{done:?}");
    led(&namespace, "both follow redis-1");
    assert_eq!(
        namespace.field("service/redis-rw", "{.spec.selector.statefulset\\.kubernetes\\.io/pod-name}"),
        "redis-1"
    );
    let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
    assert_eq!(cordoned, "", "the node takes pods again");
    ask(&namespace, "redis-1", "SET after 1");
    assert_eq!(ask(&namespace, "redis-1", "WAIT 2 5000"), "2");
    for pod in ["redis-0", "redis-1", "redis-2"] {
        assert_eq!(ask(&namespace, pod, "EXISTS kept copied after"), "3", "{pod}");
        assert_eq!(ask(&namespace, pod, "EXISTS lost"), "0", "{pod}");
    }
    namespace.kubectl(&["delete", "pod", "redis-0", "redis-1"]).ok();
    led(&namespace, "the roles outlive restarts");
    proves(
        "redis-1 leads with all that anybody had, redis-2 and redis-0 follow; restarts leave the roles what they became",
    );
}

#[test]
fn a_redis_master_without_a_configuration_that_stays_is_turned_as_soon_as_it_answers() {
    let namespace = Namespace::alone("redis-turn");
    namespace.apply(&workload("redis").replace("redis.conf", "/tmp/redis.conf"));
    let report = namespace.until("redis", "a master and two replicas", healthy("redis"));
    let node = Node::new(row(&report, "redis-0")["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    ask(&namespace, "redis-0", "SET kept 1");
    assert_eq!(ask(&namespace, "redis-0", "WAIT 2 5000"), "2");
    for pod in ["redis-0", "redis-1", "redis-2"] {
        ask(&namespace, pod, "CONFIG SET repl-ping-replica-period 1 repl-timeout 20");
    }
    freeze(&namespace, "redis-0", |name, _| name == "redis-server");
    ran(&namespace, "redis", &["--dry-run"], 4, &["redis-1 still has a link to redis-0", "wait for repl-timeout"]);
    proves("a master that a replica has a link to is not given up");
    ran(&namespace, "redis", &["--dry-run"], 0, &["it comes back as a master, and is made to follow redis-1"]);
    let done = namespace.changes(&["promote", "redis", "--failover", "--to", "1", "--yes", "--accept-loss", "any"]);
    assert!(done.everything().contains("let redis-0 follow redis-1 as soon as it answers: done"), "{done:?}");
    led(&namespace, "both follow redis-1");
    for pod in ["redis-0", "redis-1", "redis-2"] {
        assert_eq!(ask(&namespace, pod, "EXISTS kept"), "1", "{pod}");
    }
    let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
    assert_eq!(cordoned, "", "the node takes pods again");
    proves("redis-0 comes back as the master that it was, and is turned");
}

#[test]
fn a_sentinel_is_told_to_replace_a_master_where_too_few_of_them_agree() {
    let namespace = Namespace::new("sentinel-over");
    namespace.apply(&workload("redis-sentinel"));
    namespace.until("node", "a master, two replicas and three sentinels", |report| {
        healthy("node")(report) && report["head"]["cluster"] == "3 sentinels for mymaster, quorum 2"
    });
    let nodes = ["node-0", "node-1", "node-2"];
    for pod in nodes {
        let quorum = ["SENTINEL", "SET", "mymaster", "quorum", "4"];
        namespace
            .kubectl(&[&["exec", pod, "-c", "sentinel", "--", "redis-cli", "-p", "26379"], &quorum[..]].concat())
            .ok();
        ask(&namespace, pod, "CONFIG SET repl-ping-replica-period 1 repl-timeout 10");
    }
    ask(&namespace, "node-0", "SET kept 1");
    assert_eq!(ask(&namespace, "node-0", "WAIT 2 5000"), "2");
    freeze(&namespace, "node-0", |name, line| name == "redis-server" && !line.contains("sentinel"));
    ran(&namespace, "node", &["--to", "1", "--dry-run"], 0, &["failover from node-0 to node-1", "(SENTINEL FAILOVER)"]);
    let done = namespace.changes(&["promote", "node", "--failover", "--to", "1", "--yes", "--accept-loss", "any"]);
    assert!(done.everything().contains("failover node-0 -> node-1 done"), "{done:?}");
    assert!(!done.everything().contains("not-a-secret"), "{done:?}");
    namespace.until("node", "both follow node-1", |report| {
        report["head"]["ready"] == 3
            && report["head"]["primaries"]["value"] == serde_json::json!(["node-1"])
            && ["node-0", "node-2"].iter().all(|pod| row(report, pod)["lag"]["bytes"]["value"].is_u64())
    });
    assert!(ask(&namespace, "node-1", "CONFIG GET replica-priority").ends_with("100"));
    for pod in nodes {
        assert_eq!(ask(&namespace, pod, "EXISTS kept"), "1", "{pod}");
    }
    proves(
        "sentinels that cannot agree do nothing; one that is told makes node-1 the master, and node-0 comes back as a replica",
    );
}

#[test]
fn a_replica_of_a_redis_cluster_that_may_not_take_over_is_made_to() {
    let namespace = Namespace::new("shard-over");
    namespace.apply(&workload("redis-cluster"));
    namespace.until("shard", "six nodes", |report| report["head"]["ready"] == 6);
    namespace.kubectl(&["exec", "shard-0", "--", "sh", "/scripts/create.sh"]).ok();
    let follows = |row: &&serde_json::Value| row["role"]["value"] == "replica" && row["lag"]["bytes"]["value"].is_u64();
    let whole =
        |report: &serde_json::Value| rows(report).len() == 6 && rows(report).iter().filter(follows).count() == 3;
    let report = namespace.until("shard", "three masters with a replica each", whole);
    let of = |share: &str| {
        let replica = rows(&report).iter().find(|row| row["share"] == share).expect("a replica");
        replica["pod"].as_str().expect("a name").to_owned()
    };
    let (second, other) = (of("copy of shard-0"), of("copy of shard-1"));
    let valkey = |pod: &str, words: &[&str]| {
        namespace.kubectl(&[&["exec", pod, "--", "valkey-cli"], words].concat()).ok().trim_end().to_owned()
    };
    valkey(&second, &["CONFIG", "SET", "cluster-replica-no-failover", "yes", "repl-timeout", "10"]);
    valkey("shard-0", &["CONFIG", "SET", "repl-ping-replica-period", "1"]);
    // Its slot, 5061, is shard-0's.
    // Each of them has to hear from the others first that every slot has a master.
    eventually("a cluster that takes writes", || {
        let said = valkey("shard-0", &["SET", "{bar}", "kept"]);
        if said == "OK" { Ok(()) } else { Err(said) }
    });
    assert_eq!(valkey("shard-0", &["WAIT", "1", "5000"]), "1");
    freeze(&namespace, "shard-0", |name, _| name == "valkey-server");
    let words = ["failover from shard-0 to", "(CLUSTER FAILOVER FORCE)"];
    ran(&namespace, "shard", &["--to", &second, "--dry-run"], 0, &words);
    ran(&namespace, "shard", &["--to", &other, "--dry-run"], 4, &["is a replica of shard-1, which does not fail"]);
    let done = namespace.changes(&["promote", "shard", "--failover", "--to", &second, "--yes", "--accept-loss", "any"]);
    assert!(done.everything().contains(&format!("failover shard-0 -> {second} done")), "{done:?}");
    namespace.until("shard", "shard-0 is back as a replica", |report| {
        whole(report) && row(report, "shard-0")["share"] == format!("copy of {second}")
    });
    assert_eq!(valkey("shard-1", &["-c", "GET", "{bar}"]), "kept");
    proves("the replica takes over once most masters vote for it, and shard-0 comes back as its replica");
}

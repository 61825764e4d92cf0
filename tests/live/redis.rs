//! Redis and Valkey: a master with replicas, Sentinel beside it, and Redis Cluster.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::{Namespace, codes, command, eventually, finding, proves, row, rows, short, workload};

/// Asks the server of a pod; the answers end without their last line break.
#[track_caller]
pub(crate) fn ask(namespace: &Namespace, pod: &str, words: &str) -> String {
    let script = format!("REDISCLI_AUTH=${{REDIS_PASSWORD-}} redis-cli {words}");
    namespace.kubectl(&["exec", pod, "-c", "redis", "--", "sh", "-c", &script]).ok().trim_end().to_owned()
}

/// Tells whether a replica has everything, but for the greetings of sentinels, which are changes as well.
fn follows(row: &Value) -> bool {
    let lag = row["lag"]["bytes"]["value"].as_u64();
    row["role"]["value"] == "replica" && lag.is_some_and(|lag| lag < 1024)
}

/// Tells whether the first member leads and the others have everything.
pub(crate) fn healthy(set: &str) -> impl Fn(&Value) -> bool {
    let (master, replicas) = (format!("{set}-0"), [1, 2].map(|at| format!("{set}-{at}")));
    move |report| {
        report["head"]["ready"] == 3
            && report["head"]["primaries"]["value"] == serde_json::json!([master])
            && replicas.iter().all(|pod| follows(row(report, pod)))
    }
}

/// Starts a master and two replicas.
fn redis(test: &str) -> Namespace {
    let namespace = Namespace::new(test);
    namespace.apply(&workload("redis"));
    namespace.until("redis", "a master and two replicas that follow", healthy("redis"));
    namespace
}

/// A client that stays connected until it is dropped.
struct Client(Child);

impl Client {
    fn open(namespace: &Namespace, pod: &str) -> Self {
        let script = "(echo PING; sleep 300) | REDISCLI_AUTH=$REDIS_PASSWORD redis-cli";
        let child = command("kubectl")
            .args(["-n", &namespace.name, "exec", pod, "-c", "redis", "--", "sh", "-c", script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("kubectl exec"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_master_with_replicas_is_read_and_what_breaks_is_found() {
    let namespace = redis("redis");
    let report = namespace.report("redis", &[]);
    assert_eq!(report["head"]["version"]["value"], "7.0.15", "{}", short(&report));
    assert_eq!(report["head"]["engine"]["title"], "Redis");
    assert_eq!(codes(&report), [] as [&str; 0], "{}", short(&report));
    assert_eq!(row(&report, "redis-1")["safe"]["answer"], "yes", "{}", short(&report));
    assert_eq!(row(&report, "redis-0")["safe"]["answer"], "no", "{}", short(&report));
    namespace.screen("redis");
    proves("a master and two replicas without lag, nothing found");

    let _clients = [Client::open(&namespace, "redis-0"), Client::open(&namespace, "redis-0")];
    namespace.until("redis", "two clients", |report| row(report, "redis-0")["sessions"]["value"]["unclassified"] == 2);
    proves("two clients are two sessions: the probe, replicas and readiness probes are none");

    ask(&namespace, "redis-1", "REPLICAOF nowhere.invalid 6379");
    let report = namespace.until_found("redis", "replica-disconnected");
    assert!(row(&report, "redis-1")["lag"]["bytes"]["unknown"].is_string(), "{}", short(&report));
    assert_eq!(row(&report, "redis-2")["safe"]["answer"], "no", "it is the only copy: {}", short(&report));
    namespace.screen("redis");
    ask(&namespace, "redis-1", "REPLICAOF redis-0.redis 6379");
    namespace.until("redis", "redis-1 follows again", healthy("redis"));
    proves("a replica that is cut off has unknown lag, not zero");

    ask(&namespace, "redis-0", "CONFIG SET min-replicas-to-write 3");
    let report = namespace.until_found("redis", "min-replicas-unmet");
    assert_eq!(finding(&report, "min-replicas-unmet")["severity"], "critical");
    assert!(ask(&namespace, "redis-0", "SET k v").contains("NOREPLICAS"), "writes are refused");
    ask(&namespace, "redis-0", "CONFIG SET min-replicas-to-write 2");
    let report = namespace.until("redis", "enough replicas", |report| !codes(report).contains(&"min-replicas-unmet"));
    assert!(row(&report, "redis-2")["safe"].to_string().contains("minReplicas"), "{}", short(&report));
    let down = ["scale-down", "redis", "--replicas", "2"];
    namespace.refuses("redis", &down, &["writes would be refused: 1 of 2 replicas would keep up"]);
    ask(&namespace, "redis-0", "CONFIG SET min-replicas-to-write 0");
    proves("writes that Redis refuses for want of replicas are critical, and no replica they need may go");

    ask(&namespace, "redis-0", "CONFIG SET appendonly no");
    ask(&namespace, "redis-0", "CONFIG SET save ''");
    let report = namespace.until_found("redis", "persistence-off");
    assert_eq!(finding(&report, "persistence-off")["subject"], "pod/redis-0");
    ask(&namespace, "redis-0", "CONFIG SET appendonly yes");
    namespace.until("redis", "persistence", |report| !codes(report).contains(&"persistence-off"));
    proves("a master that writes nothing to disk is found");

    ask(&namespace, "redis-2", "REPLICAOF NO ONE");
    let report = namespace.until_found("redis", "two-primaries");
    assert!(rows(&report).iter().all(|row| row["safe"]["answer"] != "yes"), "{}", short(&report));
    let screen = namespace.screen("redis");
    assert!(screen.contains("TWO PRIMARIES"), "{screen}");
    namespace.refuses("redis", &down, &["redis-0 and redis-2 take writes"]);
    proves("two masters are critical, and none of them may go");

    ask(&namespace, "redis-1", "CONFIG SET requirepass another-one");
    let report = namespace.until("redis", "redis-1 unknown", |report| {
        row(report, "redis-1")["role"]["unknown"].as_str().is_some_and(|why| why.contains("WRONGPASS"))
    });
    assert!(codes(&report).contains(&"probe-failed"), "{}", short(&report));
    proves("a password that does not fit leaves the role unknown, with Redis' own reason");
}

#[test]
fn scale_down_of_redis_keeps_every_key_and_undo_brings_the_replica_back() {
    let namespace = redis("down-redis");
    ask(&namespace, "redis-0", "EVAL \"for i=1,10000 do redis.call('SET', 'k' .. i, i) end\" 0");
    let claim = namespace.field("pvc/data-redis-2", "{.metadata.uid}");
    namespace.changes(&["scale-down", "redis", "--replicas", "2", "--yes"]);
    assert_eq!(namespace.replicas("redis"), 2);
    for pod in ["redis-0", "redis-1"] {
        assert_eq!(ask(&namespace, pod, "DBSIZE"), "10000", "{pod}");
    }
    assert!(ask(&namespace, "redis-0", "INFO replication").contains("connected_slaves:1"));
    proves("3 -> 2: every key is there, and nobody is fed in vain");

    ask(&namespace, "redis-0", "SET one more");
    namespace.changes(&["undo", "redis", "--yes"]);
    namespace.until("redis", "redis-2 follows again", healthy("redis"));
    assert_eq!(ask(&namespace, "redis-2", "DBSIZE"), "10001");
    assert_eq!(namespace.field("pvc/data-redis-2", "{.metadata.uid}"), claim);
    proves("undo brings redis-2 back on its old volume, with what was written meanwhile");

    ask(&namespace, "redis-2", "REPLICAOF NO ONE");
    for pod in ["redis-0", "redis-1"] {
        ask(&namespace, pod, "REPLICAOF redis-2.redis 6379");
    }
    let down = ["scale-down", "redis", "--replicas", "2"];
    namespace.refuses("redis", &down, &["redis-2 is the primary", "make a member that stays the primary first"]);
    proves("a master does not leave");

    ask(&namespace, "redis-1", "REPLICAOF redis-0.redis 6379");
    ask(&namespace, "redis-2", "REPLICAOF redis-1.redis 6379");
    ask(&namespace, "redis-0", "REPLICAOF NO ONE");
    ask(&namespace, "redis-1", "REPLICAOF redis-2.redis 6379");
    ask(&namespace, "redis-2", "REPLICAOF redis-0.redis 6379");
    namespace.refuses("redis", &down, &["redis-1 receives changes through redis-2"]);
    proves("a replica that feeds another one does not leave");
}

/// What the sentinel of a pod says of the master.
fn sentinel(namespace: &Namespace, pod: &str, field: &str) -> String {
    let all = namespace
        .kubectl(&["exec", pod, "-c", "sentinel", "--", "redis-cli", "-p", "26379", "SENTINEL", "MASTER", "mymaster"])
        .ok();
    let mut lines = all.lines().skip_while(|line| *line != field);
    lines.nth(1).unwrap_or_else(|| panic!("no {field} in {all}")).to_owned()
}

#[test]
fn sentinels_forget_the_replica_that_leaves_and_find_it_again() {
    let namespace = Namespace::new("sentinel");
    namespace.apply(&workload("redis-sentinel"));
    let complete =
        |report: &Value| healthy("node")(report) && report["head"]["cluster"] == "3 sentinels for mymaster, quorum 2";
    namespace.until("node", "a master, two replicas and three sentinels", |report| {
        complete(report) && codes(report).is_empty()
    });
    namespace.screen("node");
    ask(&namespace, "node-0", "SET kept 1");
    proves("three sentinels and whom they watch are read, nothing found");

    namespace.changes(&["scale-down", "node", "--replicas", "2", "--yes"]);
    for pod in ["node-0", "node-1"] {
        assert_eq!(sentinel(&namespace, pod, "num-slaves"), "1", "{pod}");
        assert_eq!(sentinel(&namespace, pod, "num-other-sentinels"), "1", "{pod}");
        assert_eq!(ask(&namespace, pod, "GET kept"), "1", "{pod}");
    }
    proves("3 -> 2: both sentinels have forgotten node-2, and know each other and the replica");

    let down = ["scale-down", "node", "--replicas", "1", "--allow", "no-replica"];
    namespace.refuses("node", &down, &["1 sentinel of 2 would be left", "the quorum of 2"]);
    proves("a sentinel that the others need does not leave");

    namespace.changes(&["undo", "node", "--yes"]);
    namespace.until("node", "node-2 is back", complete);
    eventually("the sentinels know node-2", || {
        let all: Vec<_> = ["node-0", "node-1", "node-2"]
            .iter()
            .map(|pod| (sentinel(&namespace, pod, "num-slaves"), sentinel(&namespace, pod, "num-other-sentinels")))
            .collect();
        if all.iter().all(|(replicas, others)| replicas == "2" && others == "2") {
            Ok(())
        } else {
            Err(format!("{all:?}"))
        }
    });
    proves("undo brings node-2 back, and every sentinel finds it");
}

#[test]
fn a_node_of_a_redis_cluster_leaves_only_without_slots_and_can_be_taken_back() {
    let namespace = Namespace::new("shard");
    namespace.apply(&workload("redis-cluster"));
    let report = namespace.until("shard", "six nodes that are alone", |report| {
        report["head"]["ready"] == 6 && rows(report).iter().all(|row| row["role"]["value"] == "detached")
    });
    assert!(codes(&report).contains(&"member-not-serving"), "{}", short(&report));
    let valkey = |pod: &str, words: &[&str]| {
        namespace.kubectl(&[&["exec", pod, "--", "valkey-cli"], words].concat()).ok().trim_end().to_owned()
    };
    namespace.kubectl(&["exec", "shard-0", "--", "sh", "/scripts/create.sh"]).ok();
    let whole = |report: &Value| {
        let roles: Vec<&str> = rows(report).iter().filter_map(|row| row["role"]["value"].as_str()).collect();
        let lag = rows(report)[3..].iter().all(follows);
        roles == ["peer", "peer", "peer", "replica", "replica", "replica"] && lag && codes(report).is_empty()
    };
    let report = namespace.until("shard", "three masters with a replica each", whole);
    assert_eq!(report["head"]["engine"]["title"], "Valkey");
    assert_eq!(report["head"]["cluster"], "cluster ok, 3 masters and 3 replicas, all slots served");
    namespace.screen("shard");
    for key in 0..30 {
        valkey("shard-0", &["-c", "SET", &format!("key{key}"), "value"]);
    }
    let keys = || -> u32 {
        ["shard-0", "shard-1", "shard-2"]
            .map(|pod| valkey(pod, &["DBSIZE"]).parse::<u32>().expect("a number"))
            .iter()
            .sum()
    };
    assert_eq!(keys(), 30);
    proves("a Redis Cluster is read, before it is made and after");

    let down = ["scale-down", "shard", "--replicas", "5"];
    namespace.refuses("shard", &down, &["would have no replica"]);
    namespace.changes(&["scale-down", "shard", "--replicas", "5", "--allow", "no-replica", "--yes"]);
    for pod in ["shard-0", "shard-1", "shard-2", "shard-3", "shard-4"] {
        assert!(valkey(pod, &["CLUSTER", "INFO"]).contains("cluster_known_nodes:5"), "{pod}");
    }
    let report = namespace.until_found("shard", "single-copy");
    assert_eq!(keys(), 30, "{}", short(&report));
    proves("6 -> 5: the replica is forgotten by every node");

    namespace.changes(&["undo", "shard", "--yes"]);
    namespace.until("shard", "three masters with a replica each, as before", whole);
    proves("undo takes the replica back into the cluster, following the same master");

    let report = namespace.until("shard", "shard-5 a master", |report| {
        let master = row(report, "shard-5")["role"]["value"] == "peer";
        if !master {
            // Asked again while it is not: masters that have not heard yet whose replica it is do not vote for it.
            valkey("shard-5", &["CLUSTER", "FAILOVER"]);
        }
        master && rows(report).iter().filter(|row| follows(row)).count() == 3
    });
    let share = row(&report, "shard-5")["share"].as_str().expect("a share").to_owned();
    assert!(share.contains("slots"), "{share}");
    let slots = share.split(' ').next().expect("a number");
    let says = [&format!("shard-5 is the master of {slots} slots with"), "redis-cli --cluster reshard"];
    namespace.refuses("shard", &[&down[..], &["--allow", "no-replica"]].concat(), &says);
    proves("a master leaves only after its slots, of which it says how many there are");
}

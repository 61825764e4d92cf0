//! `promote` of Redis and Valkey: a master that hands over, and a replica of a Redis Cluster that takes over.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{
    Beside, Namespace, Running, eventually, proves, row, rows, there_and_back, two_at_once, workload,
};

/// A set whose roles move, with the words that differ.
struct Set<'a> {
    namespace: &'a Namespace,
    container: &'static str,
    /// Logs in.
    login: &'static str,
    /// Asks a server: what follows is a host and a command.
    client: &'static str,
    /// The key that clients write to.
    key: &'static str,
}

impl Set<'_> {
    /// Asks the server of a pod.
    #[track_caller]
    fn ask(&self, pod: &str, words: &str) -> String {
        let script = format!("{}; {} 127.0.0.1 {words}", self.login, self.client);
        self.namespace.kubectl(&["exec", pod, "-c", self.container, "--", "bash", "-c", &script]).ok().trim().to_owned()
    }

    /// Writes by the way that clients have, and tries on each of some members whether it takes writes.
    fn watch<'b>(&'b self, pod: &'b str, way: &str, members: &[&str]) -> Beside<'b> {
        let beside = Beside { namespace: self.namespace, pod, container: self.container };
        let (login, client, key) = (self.login, self.client, self.key);
        beside.begin(&format!(
            "{login}; n=$((${{n-0}} + 1)); if [ \"$(timeout 2 {client} {way} SADD {key} $n | tail -n 1)\" = 1 ]; then \
             echo $n >>/tmp/acknowledged; fi; sleep 0.05"
        ));
        let direct = client.replace(" -c ", " ");
        beside.begin(&format!(
            "{login}; for pod in {}; do if [ \"$(timeout 1 {direct} $pod.${{HOSTNAME%-*}} SET {key}-seen 1)\" = OK ]; \
             then echo $pod 0; else echo $pod 1; fi >>/tmp/seen; sleep 0.05; done",
            members.join(" ")
        ));
        beside.until_written(20);
        beside
    }

    /// Proves that every acknowledged write is on a member.
    #[track_caller]
    fn nothing_lost(&self, pod: &str, acknowledged: &BTreeSet<u64>) {
        let there = self.ask(pod, &format!("SMEMBERS {}", self.key));
        let there: BTreeSet<u64> = there.lines().filter_map(|line| line.parse().ok()).collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{pod} lost {lost:?} of {}", acknowledged.len());
    }
}

const LOGIN: &str = "export REDISCLI_AUTH=$REDIS_PASSWORD";

fn follows(row: &Value) -> bool {
    row["role"]["value"] == "replica" && row["lag"]["bytes"]["value"].as_u64().is_some_and(|lag| lag < 4096)
}

fn is_led_by(report: &Value, master: &str) -> bool {
    report["head"]["ready"] == 3
        && report["head"]["primaries"]["value"] == serde_json::json!([master])
        && rows(report).iter().filter(|row| row["pod"] != master).all(follows)
}

/// Starts a master with two replicas.
fn led(namespace: &Namespace) -> Set<'_> {
    namespace.apply(&workload("redis"));
    namespace.until("redis", "a master and two replicas", |report| is_led_by(report, "redis-0"));
    Set { namespace, container: "redis", login: LOGIN, client: "redis-cli -h", key: "written" }
}

#[test]
fn redis_hands_over_there_and_back_without_losing_a_write() {
    let namespace = Namespace::new("redis-lead");
    let set = led(&namespace);
    let beside = set.watch("redis-2", "redis-rw", &["redis-0", "redis-1", "redis-2"]);
    let turns = there_and_back("redis-0", "redis-1", 2);
    for (from, to) in turns.iter().copied() {
        let done = namespace.changes(&["promote", "redis", "--to", to, "--expected-primary", from, "--yes"]);
        assert!(!done.everything().contains("not-a-secret"), "{done:?}");
        beside.until_written(20);
        namespace.until("redis", "everybody follows", |report| is_led_by(report, to));
    }
    beside.end();
    let (acknowledged, seen) = (beside.acknowledged(), beside.read("/tmp/seen"));
    assert!(seen.lines().any(|line| line == "redis-1 0"), "nobody saw redis-1 take writes: {seen}");
    assert_eq!(two_at_once(&seen), None);
    for pod in ["redis-0", "redis-1", "redis-2"] {
        set.nothing_lost(pod, &acknowledged);
    }
    proves(format!(
        "{} hand-overs between redis-0 and redis-1: all {} acknowledged writes are on all three, {} tries saw one master at a time",
        turns.len(),
        acknowledged.len(),
        seen.lines().count()
    ));

    namespace.changes(&["promote", "redis", "--to", "1", "--yes"]);
    namespace.kubectl(&["delete", "pod", "redis-0"]).ok();
    namespace.until("redis", "the old master is back as a replica", |report| is_led_by(report, "redis-1"));
    namespace.kubectl(&["delete", "pod", "redis-1"]).ok();
    namespace.until("redis", "the new master is back as the master", |report| is_led_by(report, "redis-1"));
    proves("restarts of both leave the roles what they became");
}

#[test]
fn a_hand_over_of_redis_that_was_left_is_continued_or_taken_back() {
    let namespace = Namespace::new("redis-kill");
    let set = led(&namespace);
    let beside = set.watch("redis-2", "redis-rw", &["redis-0", "redis-1"]);
    let begun = |words: &str| {
        let running = eventually("a run that begins", || {
            let mut running = Running::begin(&namespace, &["promote", "redis", "--to", "1", "--yes"]);
            if running.says(words) { Ok(running) } else { Err("refused".to_owned()) }
        });
        running.signal("-KILL");
        running.end();
    };
    begun("1/7 see that redis-0");
    namespace.changes(&["undo", "redis", "--take-over", "--yes"]);
    beside.until_written(20);
    namespace.until("redis", "redis-0 leads", |report| is_led_by(report, "redis-0"));
    proves("killed before the hand-over: undo leaves the master what it is");
    begun("4/7 let redis-0 hand over");
    namespace.changes(&["resume", "redis", "--take-over", "--yes"]);
    beside.until_written(20);
    namespace.until("redis", "redis-1 leads", |report| is_led_by(report, "redis-1"));
    beside.end();
    assert_eq!(two_at_once(&beside.read("/tmp/seen")), None);
    set.nothing_lost("redis-1", &beside.acknowledged());
    proves("killed during the hand-over: resume ends with redis-1 the only master and nothing lost");

    set.ask("redis-0", "CONFIG SET min-replicas-to-write 3");
    namespace.refuses("redis", &["promote", "redis", "--to", "0"], &["redis-0 wants 3 replicas for a write"]);
    set.ask("redis-0", "CONFIG SET min-replicas-to-write 0");
    set.ask("redis-0", "REPLICAOF redis-2.redis 6379");
    namespace.refuses("redis", &["promote", "redis", "--to", "0"], &["redis-0 follows redis-2.redis, not redis-1"]);
    set.ask("redis-0", "REPLICAOF nowhere.invalid 6379");
    namespace.refuses("redis", &["promote", "redis", "--to", "0"], &["lag of redis-0 unknown"]);
    proves("a replica that is cut off, chained or wants too many replicas does not become the master");
}

#[test]
fn a_replica_of_a_redis_cluster_takes_over_there_and_back_without_losing_a_write() {
    let namespace = Namespace::new("shard-lead");
    namespace.apply(&workload("redis-cluster"));
    namespace.until("shard", "six nodes", |report| report["head"]["ready"] == 6);
    namespace.kubectl(&["exec", "shard-0", "--", "sh", "/scripts/create.sh"]).ok();
    let whole = |report: &Value| rows(report).len() == 6 && rows(report).iter().filter(|row| follows(row)).count() == 3;
    let report = namespace.until("shard", "three masters with a replica each", whole);
    let replica = rows(&report).iter().find(|row| row["share"] == "copy of shard-0").expect("a replica of shard-0");
    let second = replica["pod"].as_str().expect("a name").to_owned();
    // Its slot, 5061, is shard-0's.
    let set =
        Set { namespace: &namespace, container: "valkey", login: "true", client: "valkey-cli -c -h", key: "{bar}" };
    let beside = set.watch("shard-1", "127.0.0.1", &["shard-0", &second]);
    let unnamed = namespace.stateful(&["promote", "shard", "--yes"]);
    assert!(unnamed.code == 2 && unnamed.stderr.contains("--to POD"), "{unnamed:?}");
    for (from, to) in [("shard-0", second.as_str()), (second.as_str(), "shard-0")] {
        namespace.changes(&["promote", "shard", "--to", to, "--expected-primary", from, "--yes"]);
        beside.until_written(20);
        namespace.until("shard", "one follows the other", |report| {
            whole(report) && row(report, from)["share"] == format!("copy of {to}")
        });
    }
    namespace.changes(&["promote", "shard", "--to", &second, "--yes"]);
    namespace.changes(&["undo", "shard", "--yes"]);
    namespace.until("shard", "shard-0 is back", |report| {
        whole(report) && row(report, &second)["share"] == "copy of shard-0"
    });
    beside.end();
    let (acknowledged, seen) = (beside.acknowledged(), beside.read("/tmp/seen"));
    assert!(seen.lines().any(|line| line == format!("{second} 0")), "nobody saw {second} take writes: {seen}");
    assert_eq!(two_at_once(&seen), None);
    set.nothing_lost("shard-0", &acknowledged);
    proves(format!(
        "shard-0 -> {second} -> shard-0, and once more with undo: all {} acknowledged writes are there, {} tries saw one \
         master at a time",
        acknowledged.len(),
        seen.lines().count()
    ));
}

#[test]
fn sentinels_make_the_wanted_replica_the_master_without_losing_a_write() {
    let namespace = Namespace::new("sentinel-lead");
    namespace.apply(&workload("redis-sentinel"));
    let complete = |report: &Value, master: &str| {
        is_led_by(report, master) && report["head"]["cluster"] == "3 sentinels for mymaster, quorum 2"
    };
    namespace.until("node", "a master, two replicas and three sentinels", |report| complete(report, "node-0"));
    let set = Set { namespace: &namespace, container: "redis", login: LOGIN, client: "redis-cli -h", key: "written" };
    set.ask("node-1", "CONFIG SET replica-priority 0");
    namespace.refuses("node", &["promote", "node", "--to", "1"], &["replica-priority of node-1 is 0"]);
    set.ask("node-1", "CONFIG SET replica-priority 100");
    let way = "$(redis-cli -h node-2.node -p 26379 SENTINEL GET-MASTER-ADDR-BY-NAME mymaster 2>/dev/null | head -n 1)";
    let beside = set.watch("node-2", way, &["node-0", "node-1", "node-2"]);
    let turns = there_and_back("node-0", "node-1", 2);
    for (from, to) in turns.iter().copied() {
        let done = namespace.changes(&["promote", "node", "--to", to, "--expected-primary", from, "--yes"]);
        assert!(!done.everything().contains("not-a-secret"), "{done:?}");
        beside.until_written(20);
        namespace.until("node", "everybody follows", |report| complete(report, to));
        assert!(set.ask(to, "CONFIG GET replica-priority").ends_with("100"));
    }
    beside.end();
    let (acknowledged, seen) = (beside.acknowledged(), beside.read("/tmp/seen"));
    assert!(seen.lines().any(|line| line == "node-1 0"), "nobody saw node-1 take writes: {seen}");
    assert_eq!(two_at_once(&seen), None);
    for pod in ["node-0", "node-1", "node-2"] {
        set.nothing_lost(pod, &acknowledged);
    }
    proves(format!(
        "{} moves of the master by sentinels: all {} acknowledged writes are there, {} tries saw one master at a time",
        turns.len(),
        acknowledged.len(),
        seen.lines().count()
    ));
}

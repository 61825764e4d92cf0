//! Patroni: its members, its leader, its pause.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{
    Beside, Namespace, Running, codes, eventually, finding, proves, row, rows, short, there_and_back, two_at_once,
    workload,
};

fn runs(report: &Value) -> bool {
    let count = |role: &str| rows(report).iter().filter(|row| row["role"]["value"] == role).count();
    let caught_up = |row: &Value| row["lag"].is_null() || row["lag"]["bytes"]["value"] == 0;
    count("primary") == 1 && count("replica") == 2 && rows(report).iter().all(caught_up)
}

fn leader(report: &Value) -> String {
    report["head"]["primaries"]["value"][0].as_str().expect("a leader").to_owned()
}

#[test]
fn patroni_is_asked_its_pause_its_lag_and_its_switchover_are_shown() {
    let namespace = Namespace::new("patroni");
    namespace.apply(&workload("patroni"));
    let report = namespace.until("pat", "a leader and two replicas", runs);
    assert_eq!(report["head"]["engine"]["engine"], "patroni");
    let leader = leader(&report);
    assert_eq!(row(&report, &leader)["safe"]["answer"], "no", "{}", short(&report));
    namespace.screen("pat");

    // Patroni's own list says the same.
    let exec = |pod: &str, words: &[&str]| namespace.kubectl(&[&["exec", pod, "--"], words].concat());
    let list = exec(&leader, &["patronictl", "list", "-f", "tsv"]).ok();
    let says_leader = |line: &&str| line.contains("Leader");
    assert!(list.lines().find(says_leader).is_some_and(|line| line.contains(&leader)), "{list}");
    proves(format!("{leader} leads, as patronictl says"));

    exec(&leader, &["patronictl", "pause"]).ok();
    let report = namespace.until_found("pat", "failover-paused");
    proves(&finding(&report, "failover-paused")["message"]);

    let replica = ["pat-0", "pat-1", "pat-2"].into_iter().find(|pod| *pod != leader).expect("a replica");
    let psql = |pod: &str, sql: &str| {
        let script = format!("PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -h 127.0.0.1 -U postgres -XAtqc '{sql}'");
        exec(pod, &["sh", "-c", &script]).ok()
    };
    psql(replica, "SELECT pg_wal_replay_pause()");
    psql(&leader, "CREATE TABLE t AS SELECT generate_series(1, 300000) AS n");
    let report = namespace.until_found("pat", "lag-high");
    assert_eq!(finding(&report, "lag-high")["subject"], format!("pod/{replica}"));
    namespace.screen("pat");
    proves("paused replay under Patroni is lag");

    psql(replica, "SELECT pg_wal_replay_resume()");
    exec(&leader, &["patronictl", "resume"]).ok();
    namespace.until("pat", "no pause and no lag", |report| {
        runs(report) && !codes(report).contains(&"failover-paused") && !codes(report).contains(&"lag-high")
    });
    exec(&leader, &["patronictl", "switchover", "--leader", &leader, "--candidate", replica, "--force"]).ok();
    let report = namespace.until("pat", "the new leader, and the others behind it", |report| {
        runs(report) && self::leader(report) == replica
    });
    assert_eq!(report["head"]["timeline"], 2, "{}", short(&report));
    proves(format!("the leader moved from {leader} to {replica}, on timeline 2"));
    for arguments in [&["status", "pat", "-v", "-o", "json"][..], &["snapshot", "pat"]] {
        assert!(!namespace.stateful(arguments).everything().contains("not-a-secret"), "{arguments:?}");
    }
}

/// Runs a statement on one member, by whoever may.
pub(crate) fn sql(namespace: &Namespace, pod: &str, statement: &str) -> String {
    let script = format!("PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -h 127.0.0.1 -U postgres -XAtqc \"{statement}\"");
    namespace.kubectl(&["exec", pod, "--", "sh", "-c", &script]).ok()
}

/// Begins a cluster with a table, whose REST API wants a name and password for orders, and gives its leader and the other
/// two.
fn led(namespace: &Namespace) -> (String, [String; 2]) {
    led_as(namespace, &workload("patroni"))
}

/// The same, of another manifest.
pub(crate) fn led_as(namespace: &Namespace, manifest: &str) -> (String, [String; 2]) {
    let name = "        - {name: PATRONI_RESTAPI_USERNAME, value: admin}\n";
    let password =
        "        - {name: PATRONI_RESTAPI_PASSWORD, valueFrom: {secretKeyRef: {name: pat, key: superuser}}}\n";
    let before = "        - {name: PATRONI_REPLICATION_USERNAME";
    let closed = manifest.replace(before, &format!("{name}{password}{before}"));
    assert!(closed.contains(password), "{closed}");
    namespace.apply(&closed);
    let report = namespace.until("pat", "a leader and two replicas", runs);
    let leader = leader(&report);
    sql(namespace, &leader, "CREATE TABLE written (n bigint PRIMARY KEY); CREATE TABLE tried (pod text)");
    let others: Vec<String> = (0..3).map(|at| format!("pat-{at}")).filter(|pod| *pod != leader).collect();
    (leader, others.try_into().expect("two others"))
}

/// Writes through the Service that Patroni leads, and tries a write on every member.
fn watch<'a>(namespace: &'a Namespace, pod: &'a str) -> Beside<'a> {
    let beside = Beside { namespace, pod, container: "patroni" };
    let psql = "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD PGCONNECT_TIMEOUT=1 psql -U postgres -XAtq";
    beside.begin(&format!(
        "n=$((${{n-0}} + 1)); {psql} -h pat -c \"INSERT INTO written VALUES ($n)\" && echo $n >>/tmp/acknowledged"
    ));
    beside.try_writes_of_postgres(["pat-0", "pat-1", "pat-2"], psql, "pat-members");
    beside.until_written(20);
    beside
}

#[track_caller]
pub(crate) fn until_led_by(namespace: &Namespace, to: &str) {
    namespace.until("pat", &format!("{to} leads, the others behind it"), |report| runs(report) && leader(report) == to);
    let labels = namespace.field("pods", "{range .items[*]}{.metadata.name}={.metadata.labels.role} {end}");
    assert!(labels.contains(&format!("{to}=primary")) && labels.matches("=replica").count() == 2, "{labels}");
}

#[track_caller]
fn nothing_lost(namespace: &Namespace, leader: &str, acknowledged: &BTreeSet<u64>) {
    let rows = sql(namespace, leader, "SELECT n FROM written");
    let rows: BTreeSet<u64> = rows.lines().map(|line| line.parse().expect("a number")).collect();
    let lost: Vec<_> = acknowledged.difference(&rows).collect();
    assert!(lost.is_empty(), "{leader} lost {lost:?} of {}", acknowledged.len());
}

#[test]
fn patroni_switches_over_there_and_back_without_losing_a_write() {
    let namespace = Namespace::new("patroni-lead");
    let (first, [second, third]) = led(&namespace);
    let beside = watch(&namespace, &third);
    let dry = namespace.changes(&["promote", "pat", "--to", &second, "--dry-run", "-o", "json"]);
    assert!(!dry.stdout.contains("not-a-secret") && dry.stdout.contains("have Patroni move the leader"), "{dry:?}");
    let turns = there_and_back(&first, &second, 2);
    for (from, to) in &turns {
        let done = namespace.changes(&["promote", "pat", "--to", to, "--expected-primary", from, "--yes"]);
        let says = format!("promote {from} -> {to} done; writes paused for at most");
        assert!(done.everything().contains(&says), "{done:?}");
        until_led_by(&namespace, to);
        beside.until_written(20);
    }
    beside.end();
    let (acknowledged, seen) = (beside.acknowledged(), beside.read("/tmp/seen"));
    assert!(seen.lines().any(|line| line == format!("{second} 0")), "nobody saw {second} take writes: {seen}");
    assert_eq!(two_at_once(&seen), None);
    nothing_lost(&namespace, &first, &acknowledged);
    proves(format!(
        "{} switchovers between {first} and {second} under load: all {} acknowledged writes are there, and {} tries of a write saw one leader \
         at a time",
        turns.len(),
        acknowledged.len(),
        seen.lines().count()
    ));
    let undo = namespace.stateful(&["undo", "pat", "--yes"]);
    assert!(undo.code == 4 && undo.stderr.contains(&format!("promote --to {second}")), "{undo:?}");
    proves("a switchover that is done is not taken back, only by another one");
}

#[test]
fn what_patroni_must_not_make_the_leader_is_refused_with_the_reason() {
    let namespace = Namespace::new("patroni-no");
    let (first, [second, third]) = led(&namespace);
    let to = |pod: &'static str| ["promote", "pat", "--to", pod];
    let pod: &'static str = ["pat-0", "pat-1", "pat-2"].into_iter().find(|pod| *pod == second).expect("a member");
    let patronictl = |words: &[&str]| namespace.kubectl(&[&["exec", &first, "--", "patronictl"], words].concat()).ok();
    patronictl(&["pause", "--wait"]);
    // While Patroni is paused it leaves a replay alone that somebody paused.
    sql(&namespace, &second, "SELECT pg_wal_replay_pause()");
    sql(&namespace, &first, "CREATE TABLE t AS SELECT generate_series(1, 600000) AS n");
    let behind = [&format!("{second} is"), "behind", "--max-lag", &format!("replay is paused on {second}")];
    namespace.refuses("pat", &to(pod), &[&behind[..], &["Patroni is paused", "patronictl resume"]].concat());
    proves("a candidate that is paused and behind is refused, and so is a cluster that is paused");
    sql(&namespace, &second, "SELECT pg_wal_replay_resume()");
    patronictl(&["resume", "--wait"]);
    namespace.until("pat", "nobody behind", runs);
    let words =
        ["switchover", "pat", "--leader", &first, "--candidate", &third, "--scheduled", "2099-01-01T00:00", "--force"];
    patronictl(&words);
    namespace.refuses("pat", &to(pod), &[&format!("Patroni will switch over to {third} at 2099"), "patronictl flush"]);
    patronictl(&["flush", "pat", "switchover", "--force"]);
    proves("a switchover that waits is respected");

    patronictl(&["edit-config", "--set", "synchronous_mode=true", "--force"]);
    let synchronous = namespace.until("pat", "a standby that commits wait for", |report| {
        rows(report).iter().filter(|row| row["sync"] == "sync").count() == 1
    });
    let sync = rows(&synchronous).iter().find(|row| row["sync"] == "sync").expect("one")["pod"].clone();
    let other = ["pat-0", "pat-1", "pat-2"].into_iter().find(|pod| *pod != first && sync != *pod).expect("another");
    namespace.refuses("pat", &to(other), &[&format!("commits wait for {}", sync.as_str().expect("a name"))]);
    namespace.changes(&["promote", "pat", "--yes"]);
    until_led_by(&namespace, sync.as_str().expect("a name"));
    proves("in synchronous mode only the standby that commits wait for becomes the leader");
}

#[test]
fn a_switchover_that_was_left_goes_on_by_itself_and_is_seen_to_its_end() {
    let namespace = Namespace::new("patroni-kill");
    let (first, [second, third]) = led(&namespace);
    let beside = watch(&namespace, &third);
    let begun = |to: &str, words: &str| {
        let running = eventually("a run that begins", || {
            let mut running = Running::begin(&namespace, &["promote", "pat", "--to", to, "--yes"]);
            if running.says(words) { Ok(running) } else { Err("refused".to_owned()) }
        });
        running.signal("-KILL");
        running.end();
    };
    begun(&second, "2/3 have Patroni move the leader");
    namespace.changes(&["resume", "pat", "--take-over", "--yes"]);
    until_led_by(&namespace, &second);
    beside.until_written(20);
    proves("killed while Patroni is ordered: resume ends with the candidate the only leader");

    begun(&first, "1/3 see that Patroni");
    namespace.changes(&["undo", "pat", "--take-over", "--yes"]);
    until_led_by(&namespace, &second);
    proves("killed before Patroni is ordered: undo leaves the leader what it is");
    beside.end();
    assert_eq!(two_at_once(&beside.read("/tmp/seen")), None);
    nothing_lost(&namespace, &second, &beside.acknowledged());
}

//! Patroni: its members, its leader, its pause.

use serde_json::Value;

use crate::support::{Namespace, codes, finding, proves, row, rows, short, workload};

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

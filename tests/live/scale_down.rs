//! `scale-down` and `undo` on real databases: nothing is lost, and the way back works.

use serde_json::Value;

use crate::postgres::{cascade, start, streams};
use crate::support::{Namespace, eventually, look_at, plain_set, proves, row, workload};

/// Drops what differs between two plans for the same: the notes tell of the sessions of the moment.
fn without_moment(plan: &Value) -> Value {
    let mut plan = plan.clone();
    let fields = plan.as_object_mut().expect("a plan");
    for moment in ["id", "madeAt", "notes"] {
        assert!(fields.remove(moment).is_some(), "{moment}");
    }
    plan
}

fn slots_on(namespace: &Namespace, pod: &str) -> String {
    namespace.sql(pod, "SELECT slot_name FROM pg_replication_slots ORDER BY 1").replace('\n', " ").trim().to_owned()
}

fn slots(namespace: &Namespace) -> String {
    slots_on(namespace, "db-0")
}

#[test]
fn scale_down_of_postgresql_keeps_every_row_and_undo_brings_the_member_back() {
    let namespace = Namespace::new("down-pg");
    start(&namespace);
    namespace.sql("db-0", "CREATE TABLE kept AS SELECT generate_series(1, 10000) AS n");
    let claim = namespace.field("pvc/data-db-2", "{.metadata.uid}");

    let there = namespace.stateful(&["scale-down", "db", "--replicas", "3"]);
    assert!(there.code == 0 && there.stderr.contains("has that size already"), "{there:?}");
    let mismatch = ["scale-down", "db", "--replicas", "2", "--current-replicas", "4"];
    namespace.refuses("db", &mismatch, &["there are 3 replicas, not 4 (--current-replicas)"]);
    let up = namespace.stateful(&["scale-down", "db", "--replicas", "4"]);
    assert!(up.code == 2 && up.stderr.contains("`kubectl scale` makes a set larger"), "{up:?}");
    proves("a set that has its size is left alone, and one that has another than expected, too");

    let dry = namespace.changes(&["scale-down", "db", "--replicas", "2", "--dry-run", "-o", "json"]).stdout;
    let server = namespace.changes(&["scale-down", "db", "--replicas", "2", "--dry-run=server"]);
    assert!(server.stderr.contains("the server judged"), "{server:?}");
    assert_eq!((namespace.replicas("db"), slots(&namespace).as_str()), (3, "db_1 db_2"));
    assert_eq!(namespace.journaled_plans(), [] as [Value; 0]);

    let down = namespace.changes(&["scale-down", "db", "--by", "1", "--yes"]);
    assert!(down.stderr.contains("keeps data-db-2"), "{down:?}");
    assert_eq!((namespace.replicas("db"), slots(&namespace).as_str()), (2, "db_1"));
    assert_eq!(namespace.kubectl(&["get", "pod", "db-2"]).code, 1);
    for pod in ["db-0", "db-1"] {
        assert_eq!(namespace.sql(pod, "SELECT count(*), sum(n) FROM kept").trim(), "10000|50005000");
    }
    assert_eq!(namespace.field("pvc/data-db-2", "{.metadata.uid}"), claim);
    proves("3 -> 2: every row is there, the slot of db-2 is gone, its claim is kept");

    let dry: Value = serde_json::from_str(&dry).expect("a plan");
    let stored = namespace.journaled_plans();
    assert_eq!(stored.iter().map(without_moment).collect::<Vec<_>>(), [without_moment(&dry)]);
    let history = namespace.stateful(&["history", "db"]).ok();
    look_at(&history);
    assert!(history.contains("scale-down 3 -> 2") && history.contains("2/2") && history.contains("done"), "{history}");
    assert!(namespace.events("db", "Changed").contains("scale-down 3 -> 2 done, 2/2 steps, by "));
    proves("the plan of a dry run is the one that the journal stores; history and an Event say what was done");

    namespace.sql("db-0", "INSERT INTO kept VALUES (0)");
    namespace.changes(&["undo", "db", "--yes"]);
    namespace.until("db", "db-2 streams again", |report| {
        report["head"]["ready"] == 3 && (1..3).all(|at| streams(row(report, &format!("db-{at}"))))
    });
    assert_eq!(slots(&namespace), "db_1 db_2");
    assert_eq!(namespace.sql("db-2", "SELECT count(*), sum(n) FROM kept").trim(), "10001|50005000");
    assert_eq!(namespace.field("pvc/data-db-2", "{.metadata.uid}"), claim);
    let history = namespace.stateful(&["history", "db"]).ok();
    look_at(&history);
    assert!(history.contains("taken back"), "{history}");
    proves("undo brings db-2 back on its old volume, streaming, with its slot");
}

#[test]
fn scale_down_drops_the_slot_of_a_standby_wherever_it_is_and_undo_waits_until_it_streams() {
    let namespace = Namespace::new("down-cascade");
    start(&namespace);
    cascade(&namespace, "db-2", "db-1");
    let sees_it = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    eventually("db-2 receives through db-1", || match namespace.sql("db-1", sees_it).trim() {
        "1" => Ok(()),
        other => Err(other.to_owned()),
    });
    assert_eq!(slots_on(&namespace, "db-1"), "db_2");
    namespace.changes(&["scale-down", "db", "--by", "1", "--yes"]);
    assert_eq!((slots(&namespace).as_str(), slots_on(&namespace, "db-1").as_str()), ("db_1", ""));
    proves("a standby that received through another one leaves no slot, neither there nor on the primary");

    namespace.changes(&["undo", "db", "--yes"]);
    assert_eq!(namespace.sql("db-1", sees_it).trim(), "1", "undo ends when it streams, not when it is ready");
    assert_eq!((slots(&namespace).as_str(), slots_on(&namespace, "db-1").as_str()), ("db_1 db_2", "db_2"));
    proves("undo brings both slots back, and waits until the standby streams");
}

#[test]
fn scale_down_deletes_exactly_the_claims_of_those_that_leave_when_asked_to() {
    let namespace = Namespace::new("down-claims");
    namespace.apply(&plain_set("q", 4, "  podManagementPolicy: Parallel"));
    namespace.until_ready("q", 4);
    let words = ["scale-down", "q", "--replicas", "2", "--allow", "no-drain", "--delete-claims"];
    let dry = namespace.changes(&[&words[..], &["--dry-run=server"]].concat());
    assert!(dry.stdout.contains("no way back"), "{dry:?}");
    assert_eq!(namespace.claims(), ["data-q-0", "data-q-1", "data-q-2", "data-q-3"]);
    namespace.changes(&[&words[..], &["--yes"]].concat());
    assert_eq!(namespace.claims(), ["data-q-0", "data-q-1"]);
    assert_eq!(namespace.replicas("q"), 2);
    proves("--delete-claims --yes deletes the claims of q-2 and q-3, and no other");

    let undo = namespace.changes(&["undo", "q", "--yes"]);
    assert!(undo.stderr.contains("cannot be taken back"), "{undo:?}");
    namespace.until_ready("q", 4);
    proves("undo says that deleted data cannot be brought back, and brings the members back");

    let zero = ["scale-down", "q", "--replicas", "0", "--allow", "no-drain", "--to-zero", "--yes"];
    namespace.changes(&zero);
    assert_eq!((namespace.replicas("q"), namespace.claims().len()), (0, 4));
    proves("--to-zero empties a set and keeps its claims");
}

fn members(namespace: &Namespace, pod: &str) -> String {
    let list = namespace.kubectl(&["exec", pod, "--", "patronictl", "list", "-f", "tsv"]).ok();
    let mut names: Vec<&str> = list.lines().skip(1).filter_map(|line| line.split('\t').nth(1)).collect();
    names.sort_unstable();
    names.join(" ")
}

#[test]
fn scale_down_of_patroni_waits_until_it_has_forgotten_the_member_and_undo_brings_it_back() {
    let namespace = Namespace::new("down-patroni");
    namespace.apply(&workload("patroni"));
    let healthy = |report: &Value| {
        let streaming = |at: u32| {
            let row = row(report, &format!("pat-{at}"));
            row["role"]["value"] == "primary" || streams(row)
        };
        report["head"]["ready"] == 3 && (0..3).all(streaming)
    };
    let report = namespace.until("pat", "a leader and two replicas", healthy);
    let leader = report["head"]["primaries"]["value"][0].as_str().expect("a leader").to_owned();
    if leader != "pat-0" {
        if leader == "pat-2" {
            namespace.refuses("pat", &["scale-down", "pat", "--replicas", "2"], &["pat-2 is the primary"]);
        }
        let switch = ["exec", &leader, "--", "patronictl", "switchover", "--leader", &leader];
        namespace.kubectl(&[&switch[..], &["--candidate", "pat-0", "--force"]].concat()).ok();
        namespace.until("pat", "pat-0 leads", |report| {
            healthy(report) && report["head"]["primaries"]["value"][0] == "pat-0"
        });
    }
    let sql = |pod: &str, sql: &str| {
        let script = format!("PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -h 127.0.0.1 -U postgres -XAtqc '{sql}'");
        namespace.kubectl(&["exec", pod, "--", "sh", "-c", &script]).ok()
    };
    sql("pat-0", "CREATE TABLE kept AS SELECT generate_series(1, 10000) AS n");
    namespace.changes(&["scale-down", "pat", "--replicas", "2", "--yes"]);
    assert_eq!(members(&namespace, "pat-0"), "pat-0 pat-1");
    for pod in ["pat-0", "pat-1"] {
        assert_eq!(sql(pod, "SELECT count(*) FROM kept").trim(), "10000");
    }
    proves("3 -> 2: Patroni has forgotten pat-2, and every row is there");
    namespace.changes(&["undo", "pat", "--yes"]);
    namespace.until("pat", "pat-2 streams again", healthy);
    assert_eq!(members(&namespace, "pat-0"), "pat-0 pat-1 pat-2");
    assert_eq!(sql("pat-2", "SELECT count(*) FROM kept").trim(), "10000");
    proves("undo brings pat-2 back");
}

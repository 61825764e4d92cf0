//! PostgreSQL with streaming replication: lag that is really there, members that hang, commits that wait.

use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Namespace, codes, command, finding, proves, row, rows, run, short, type_in, workload};

/// Starts the demo's PostgreSQL and waits until both replicas stream.
fn postgres(test: &str) -> Namespace {
    let namespace = Namespace::new(test);
    start(&namespace);
    namespace
}

/// Gives the PostgreSQL that all tests share who only look. It goes when nobody uses it; the next one has another name, for the
/// namespace may still be going.
pub(crate) fn shared() -> Arc<Namespace> {
    static SHARED: Mutex<(Weak<Namespace>, u32)> = Mutex::new((Weak::new(), 0));
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = shared.0.upgrade() {
        return there;
    }
    shared.1 += 1;
    let made = Arc::new(postgres(&format!("shared-{}", shared.1)));
    shared.0 = Arc::downgrade(&made);
    made
}

pub(crate) fn start(namespace: &Namespace) -> Value {
    namespace.apply(&workload("postgres"));
    namespace.until("db", "a primary and two replicas that stream", |report| {
        rows(report).len() == 3 && rows(report)[1..].iter().all(streams)
    })
}

/// Has a standby receive from another one, through a slot there.
pub(crate) fn cascade(namespace: &Namespace, standby: &str, through: &str) {
    let slot = standby.replace('-', "_");
    namespace.sql(through, &format!("SELECT pg_create_physical_replication_slot('{slot}')"));
    let script = format!(
        "echo \"SELECT format('ALTER SYSTEM SET primary_conninfo = %L', \
         replace(current_setting('primary_conninfo'), 'db-0.db', '{through}.db')) \\gexec\" \
         | psql -U postgres -Xq -v ON_ERROR_STOP=1"
    );
    namespace.kubectl(&["exec", standby, "-c", "postgres", "--", "sh", "-c", &script]).ok();
    namespace.sql(standby, "SELECT pg_reload_conf()");
}

pub(crate) fn streams(row: &Value) -> bool {
    row["role"]["value"] == "replica" && lag_bytes(row) == Some(0)
}

fn lag_bytes(row: &Value) -> Option<u64> {
    row["lag"]["bytes"]["value"].as_u64()
}

fn nobody_may_go(report: &Value) -> bool {
    rows(report).iter().all(|row| row["safe"]["answer"] != "yes")
}

#[test]
fn a_replica_whose_replay_is_paused_shows_the_lag_that_it_has() {
    let namespace = postgres("pg-lag");
    namespace.sql("db-1", "SELECT pg_wal_replay_pause()");
    namespace.sql("db-0", "CREATE TABLE t AS SELECT generate_series(1, 300000) AS n");
    let report = namespace.until("db", "lag over 16 MiB on db-1", |report| {
        codes(report).contains(&"lag-high") && codes(report).contains(&"replay-paused")
    });
    let screen = namespace.screen("db");
    assert!(screen.contains("--max-lag"), "{screen}");
    assert_eq!(finding(&report, "lag-high")["subject"], "pod/db-1");
    assert_eq!(namespace.stateful(&["status", "db", "--check", "--quiet"]).code, 8);
    assert_eq!(namespace.stateful(&["status", "db", "--check", "--max-lag", "1Gi"]).code, 8, "replay is still paused");
    // db-1 is no copy to rely on: db-2 is the only one that is up to date.
    assert_eq!(row(&report, "db-2")["safe"]["answer"], "no", "{}", short(&report));

    let lag = namespace.until("db", "the same lag as PostgreSQL sees", |report| {
        let measured = namespace.sql(
            "db-0",
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint FROM pg_stat_replication \
             WHERE application_name = 'db-1'",
        );
        let measured: u64 = measured.trim().parse().expect("bytes");
        lag_bytes(row(report, "db-1")).is_some_and(|lag| lag > 16 << 20 && measured.abs_diff(lag) < 1 << 16)
    });
    proves(format!("PostgreSQL itself measures the lag of db-1: {}", row(&lag, "db-1")["lag"]["bytes"]["value"]));

    namespace.sql("db-1", "SELECT pg_wal_replay_resume()");
    namespace.until("db", "db-1 caught up", |report| {
        lag_bytes(row(report, "db-1")) == Some(0) && !codes(report).contains(&"lag-high")
    });
    assert_eq!(namespace.stateful(&["status", "db", "--check"]).code, 0);
    proves("paused replay is lag that --check reports, and it is gone when replay goes on");
}

/// A session that stays open until it is dropped.
pub(crate) struct Session(Child);

impl Session {
    pub(crate) fn open(namespace: &Namespace, pod: &str, sql: &str) -> Self {
        let script = format!("(echo \"{sql}\"; sleep 300) | PGAPPNAME=live psql -U postgres -XAtq");
        let child = command("kubectl")
            .args(["-n", &namespace.name, "exec", pod, "-c", "postgres", "--", "sh", "-c", &script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("kubectl exec"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sessions_are_counted_by_what_they_do() {
    let namespace = shared();
    let _open = Session::open(&namespace, "db-0", "BEGIN; SELECT 1;");
    let _busy = Session::open(&namespace, "db-0", "SELECT pg_sleep(300);");
    let report = namespace.until("db", "one session idle in a transaction and one active", |report| {
        let sessions = &row(report, "db-0")["sessions"]["value"];
        sessions["idleInTransaction"] == 1 && sessions["active"] == 1
    });
    let counted = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'live'";
    assert_eq!(namespace.sql("db-0", counted).trim(), "2");
    proves(format!("the sessions of db-0 are {}", row(&report, "db-0")["sessions"]["value"]));
    namespace.sql("db-0", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'live'");
}

#[test]
fn commits_that_wait_for_a_missing_standby_are_critical() {
    let namespace = postgres("pg-sync");
    let wait_for = |names: &str| {
        namespace.sql("db-0", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        namespace.sql("db-0", "SELECT pg_reload_conf()");
    };
    wait_for("ANY 1 (nobody)");
    let report = namespace.until_found("db", "sync-standby-missing");
    assert_eq!(finding(&report, "sync-standby-missing")["severity"], "critical");
    // It is so: a commit does not return.
    let commit = "SET lock_timeout = 0; BEGIN; CREATE TABLE w (); COMMIT";
    let hangs = run(
        "timeout",
        &[
            "3",
            "kubectl",
            "-n",
            &namespace.name,
            "exec",
            "db-0",
            "-c",
            "postgres",
            "--",
            "psql",
            "-U",
            "postgres",
            "-c",
            commit,
        ],
    );
    assert_eq!(hangs.code, 124, "{hangs:?}");
    namespace.screen("db");

    wait_for("ANY 1 (\"db-1\", \"db-2\")");
    let report = namespace
        .until("db", "two quorum standbys", |report| rows(report)[1..].iter().all(|row| row["sync"] == "quorum"));
    assert!(!codes(&report).contains(&"sync-standby-missing"));
    assert_eq!(report["head"]["sync"]["wanted"], 1);
    assert_eq!(row(&report, "db-1")["safe"]["answer"], "yes", "the other one still confirms: {}", short(&report));

    wait_for("FIRST 2 (\"db-1\", \"db-2\")");
    let report = namespace.until("db", "two synchronous standbys that are both needed", |report| {
        report["head"]["sync"]["wanted"] == 2 && row(report, "db-2")["sync"] == "sync"
    });
    let holds = row(&report, "db-2")["safe"]["holds"].to_string();
    assert!(holds.contains("syncStandby"), "{}", short(&report));
    proves("commits that hang are critical, and the last confirming standby may not go");
}

#[test]
fn two_primaries_are_critical_and_none_of_them_may_go() {
    let namespace = postgres("pg-two");
    namespace.sql("db-2", "SELECT pg_promote()");
    let report = namespace.until_found("db", "two-primaries");
    assert_eq!(finding(&report, "two-primaries")["severity"], "critical");
    assert!(nobody_may_go(&report), "{}", short(&report));
    let screen = namespace.screen("db");
    assert!(screen.contains("TWO PRIMARIES") && screen.contains("timeline 2"), "{screen}");
    let list = namespace.stateful(&["status", "--probe"]).ok();
    assert!(list.contains("2 primaries") && list.contains("db-0,db-2"), "{list}");
    proves("two primaries are told with their timelines");
}

#[test]
fn a_replica_cut_off_from_its_primary_has_unknown_lag_not_zero() {
    let namespace = postgres("pg-cut");
    namespace.sql("db-1", "ALTER SYSTEM SET primary_conninfo = 'host=nowhere.invalid user=replicator'");
    namespace.sql("db-1", "SELECT pg_reload_conf()");
    let report = namespace.until("db", "db-1 disconnected, its slot left", |report| {
        codes(report).contains(&"replica-disconnected") && codes(report).contains(&"slot-inactive")
    });
    namespace.sql("db-0", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n");
    let cut_off = row(&report, "db-1");
    assert!(cut_off["lag"]["bytes"]["unknown"].is_string(), "{}", short(&report));
    assert_eq!(row(&report, "db-2")["safe"]["answer"], "no", "it is the only copy: {}", short(&report));
    namespace.screen("db");
    proves("a cut-off replica has unknown lag, and its slot keeps log for nobody");
}

#[test]
fn a_claim_left_over_by_a_scale_down_goes_with_the_suggested_command() {
    let namespace = postgres("pg-left");
    namespace.kubectl(&["scale", "statefulset/db", "--replicas=2"]).ok();
    let report = namespace.until("db", "a left-over claim that may go", |report| {
        codes(report).contains(&"claims-left-over") && finding(report, "claims-left-over")["next"].is_string()
    });
    assert_eq!(report["leftovers"][0]["claim"]["name"], "data-db-2");
    assert!(codes(&report).contains(&"slot-inactive"), "the slot of db-2 stays: {}", short(&report));
    namespace.screen("db");
    let typed = type_in(finding(&report, "claims-left-over"));
    namespace.until("db", "nothing left over", |report| report["leftovers"].as_array().is_some_and(Vec::is_empty));
    proves(format!("`{typed}` removes the claim that was left over"));
}

/// The processes of a pod, stopped like those of a machine that hangs, until it is dropped.
pub(crate) struct Stopped(Vec<String>);

impl Stopped {
    pub(crate) fn all_of(namespace: &Namespace, pod: &str) -> Self {
        let uid = namespace.kubectl(&["get", "pod", pod, "-o", "jsonpath={.metadata.uid}"]).ok();
        let pids: Vec<String> = processes_of(uid.trim());
        assert!(!pids.is_empty(), "no process of {pod} on this machine");
        let stopped = Self(pids);
        stopped.signal("-STOP");
        stopped
    }

    fn signal(&self, signal: &str) {
        let arguments: Vec<&str> = [signal].into_iter().chain(self.0.iter().map(String::as_str)).collect();
        // Some may have ended meanwhile; the others got the signal.
        run("kill", &arguments);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

/// Finds the server processes in the control groups of a pod: the nodes are on this very machine.
fn processes_of(uid: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("/proc");
    let pids = all.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let read = |pid: &str, file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    pids.filter(|pid| read(pid, "cgroup").contains(uid) && read(pid, "comm").trim() == "postgres").collect()
}

#[test]
fn a_member_that_hangs_is_unknown_within_the_limit_and_nobody_may_go() {
    let namespace = postgres("pg-hang");
    let stopped = Stopped::all_of(&namespace, "db-1");
    let began = Instant::now();
    let report = namespace.report("db", &["--probe-timeout", "2s"]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let why = row(&report, "db-1")["role"]["unknown"].as_str().unwrap_or_else(|| panic!("{}", short(&report)));
    assert!(why.contains("no answer within 2s"), "{why}");
    assert!(finding(&report, "probe-failed")["message"].to_string().contains("no answer within 2s"));
    assert_eq!(row(&report, "db-0")["role"]["value"], "primary", "the others did answer: {}", short(&report));
    assert!(nobody_may_go(&report), "{}", short(&report));
    namespace.screen("db");
    drop(stopped);
    namespace.until("db", "db-1 streams again", |report| streams(row(report, "db-1")));
    proves(format!("a member that hangs is unknown after {took:.1?} with --probe-timeout 2s"));
}

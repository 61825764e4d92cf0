//! `promote` on real databases: nothing that was acknowledged is lost, and no two members take writes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::permissions::changer;
use crate::postgres::{Session, start, streams};
use crate::support::{Namespace, Running, command, eventually, look_at, proves, row, rows, workload};

/// Writes numbers through a Service and to every member by itself, from inside a pod that keeps running, and says which
/// ones were acknowledged.
pub(crate) struct Writer {
    child: Child,
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
    listener: Option<JoinHandle<()>>,
}

impl Writer {
    /// Begins to write from one pod. Whoever takes a write is asked to: through the Service, and each member directly.
    pub(crate) fn begin(namespace: &Namespace, pod: &str) -> Self {
        namespace.sql("db-0", "CREATE TABLE IF NOT EXISTS written (n bigint PRIMARY KEY, through text)");
        let script = r#"
            export PGPASSWORD=$POSTGRES_PASSWORD PGCONNECT_TIMEOUT=2 PGOPTIONS='-c statement_timeout=3000'
            n=0
            while :; do
              for host in db-rw db-0.db db-rw db-1.db db-rw db-2.db; do
                n=$((n + 1))
                if psql -XAtq -h "$host" -U postgres -d postgres -c "INSERT INTO written VALUES ($n, '$host')" 2>/dev/null; then
                  echo "$n"
                fi
              done
            done"#;
        let mut child = command("kubectl")
            .args(["exec", "-n", &namespace.name, pod, "-c", "postgres", "--", "bash", "-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("kubectl");
        let acknowledged = Arc::<Mutex<BTreeSet<u64>>>::default();
        let into = Arc::clone(&acknowledged);
        let out = BufReader::new(child.stdout.take().expect("stdout"));
        let listener = thread::spawn(move || {
            for number in out.lines().map_while(Result::ok).filter_map(|line| line.parse().ok()) {
                into.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
            }
        });
        let writer = Self { child, acknowledged, listener: Some(listener) };
        writer.until_more();
        writer
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits until more writes have been acknowledged.
    #[track_caller]
    pub(crate) fn until_more(&self) {
        let before = self.count();
        eventually("more acknowledged writes", || {
            if self.count() > before + 10 { Ok(()) } else { Err(self.count().to_string()) }
        });
    }

    /// Ends, and gives the numbers that were acknowledged.
    pub(crate) fn end(mut self) -> BTreeSet<u64> {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(listener) = self.listener.take() {
            listener.join().expect("a listener");
        }
        std::mem::take(&mut self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Proves that every acknowledged write is on every member.
#[track_caller]
pub(crate) fn nothing_lost(namespace: &Namespace, primary: &str, acknowledged: &BTreeSet<u64>) {
    assert!(acknowledged.len() > 20, "only {} writes", acknowledged.len());
    let there = namespace.sql(primary, "SELECT n FROM written");
    let there: BTreeSet<u64> = there.lines().filter_map(|line| line.trim().parse().ok()).collect();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged writes are lost: {lost:?}", lost.len(), acknowledged.len());
}

/// Waits until one member is the primary and the others stream from it.
#[track_caller]
pub(crate) fn until_led_by(namespace: &Namespace, primary: &str) -> Value {
    namespace.until("db", &format!("{primary} leads, the others stream"), |report| {
        rows(report).len() == 3
            && report["head"]["ready"] == 3
            && rows(report)
                .iter()
                .all(|row| if row["pod"] == primary { row["role"]["value"] == "primary" } else { streams(row) })
    })
}

pub(crate) fn led_through_service(namespace: &Namespace) -> String {
    namespace.field("service/db-rw", "{.spec.selector.statefulset\\.kubernetes\\.io/pod-name}")
}

/// Services whose addresses somebody writes, in both of the kinds that there are; they name db-0.
const BY_HAND: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: by-endpoints}
spec: {ports: [{port: 5432}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: by-endpoints}
subsets: [{addresses: [{ip: ADDRESS, targetRef: {kind: Pod, name: db-0}}], ports: [{port: 5432}]}]
---
apiVersion: v1
kind: Service
metadata: {name: by-slice}
spec: {ports: [{port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: by-slice-1, labels: {kubernetes.io/service-name: by-slice}}
addressType: IPv4
endpoints: [{addresses: [ADDRESS]}]
ports: [{name: "", port: 5432, protocol: TCP}]
"#;

/// Proves that whoever comes through a Service whose addresses are written by hand comes to the primary.
#[track_caller]
fn led_by_hand(namespace: &Namespace, primary: &str) {
    let address = namespace.field(&format!("pod/{primary}"), "{.status.podIP}");
    assert_eq!(namespace.field("endpoints/by-endpoints", "{.subsets[*].addresses[*].ip}"), address);
    assert_eq!(namespace.field("endpoints/by-endpoints", "{.subsets[*].addresses[*].targetRef.name}"), primary);
    assert_eq!(namespace.field("endpointslice/by-slice-1", "{.endpoints[*].addresses[*]}"), address);
    for service in ["by-endpoints", "by-slice"] {
        let script =
            format!("PGPASSWORD=$POSTGRES_PASSWORD psql -XAtqh {service} -U postgres -c 'SELECT inet_server_addr()'");
        // kube-proxy learns of it a moment later.
        eventually("the primary behind a Service", || {
            let ran = namespace.kubectl(&["exec", "db-2", "-c", "postgres", "--", "bash", "-c", &script]);
            if ran.stdout.trim() == address { Ok(()) } else { Err(ran.everything()) }
        });
    }
}

#[test]
fn a_switchover_there_and_back_loses_no_acknowledged_write() {
    let namespace = Namespace::new("promote-pg");
    start(&namespace);
    namespace.apply(&BY_HAND.replace("ADDRESS", &namespace.field("pod/db-0", "{.status.podIP}")));
    led_by_hand(&namespace, "db-0");
    namespace.refuses(
        "db",
        &["promote", "db", "--expected-primary", "1"],
        &["db-0 is the primary", "--expected-primary"],
    );
    let there = namespace.stateful(&["promote", "db", "--to", "0"]);
    assert!(there.code == 0 && there.stderr.contains("db-0 is the primary already"), "{there:?}");
    let dry = namespace.changes(&["promote", "db", "--to", "db-1", "--dry-run", "-o", "json"]);
    let dry: Value = serde_json::from_str(&dry.stdout).expect("a plan");
    assert!(!dry.to_string().contains("not-a-secret"), "{dry}");
    assert_eq!((led_through_service(&namespace).as_str(), namespace.journaled_plans().len()), ("db-0", 0));
    proves("a dry run changes nothing, and the plan holds no secret");

    let writer = Writer::begin(&namespace, "db-2");
    let done = namespace.changes(&["promote", "db", "--to", "1", "--yes", "--verify-write"]);
    assert!(done.everything().contains("try a write by way of db-rw: done"), "{done:?}");
    assert!(done.everything().contains("promote db-0 -> db-1 done; writes paused for at most"), "{done:?}");
    assert_eq!(led_through_service(&namespace), "db-1");
    led_by_hand(&namespace, "db-1");
    until_led_by(&namespace, "db-1");
    writer.until_more();
    namespace.changes(&["promote", "db", "--to", "0", "--yes"]);
    until_led_by(&namespace, "db-0");
    led_by_hand(&namespace, "db-0");
    writer.until_more();
    let acknowledged = writer.end();
    nothing_lost(&namespace, "db-0", &acknowledged);
    assert_eq!(led_through_service(&namespace), "db-0");
    proves(format!("db-0 -> db-1 -> db-0 under load: all {} acknowledged writes are there", acknowledged.len()));
    proves(
        "Services whose addresses are written by hand, in Endpoints or an EndpointSlice, lead to whoever is the primary",
    );

    let slots = |pod| namespace.sql(pod, "SELECT slot_name FROM pg_replication_slots ORDER BY 1").replace('\n', " ");
    assert_eq!((slots("db-0").trim(), slots("db-1").trim()), ("db_1 db_2", ""));
    let held = namespace.sql("db-1", "SHOW default_transaction_read_only");
    let left = namespace
        .kubectl(&["exec", "db-1", "-c", "postgres", "--", "sh", "-c", "ls $PGDATA | grep -c kubectl || true"])
        .ok();
    assert_eq!((held.trim(), left.trim()), ("off", "0"));
    proves("no slot, no setting and no file of the switchover is left on the old primary");
    for pod in ["db-1", "db-2"] {
        let conninfo = namespace.sql(pod, "SHOW primary_conninfo");
        let count = |word: &str| conninfo.matches(word).count();
        assert_eq!((count("host="), count("application_name="), count("password=")), (1, 1, 1), "{pod}");
    }
    proves("a connection string has each word once, however often its member changed sides");

    let undo = namespace.stateful(&["undo", "db", "--yes"]);
    assert!(undo.code == 4 && undo.stderr.contains("past its point of no return"), "{undo:?}");
    assert!(undo.stderr.contains("promote --to db-1"), "{undo:?}");
    let history = namespace.stateful(&["history", "db"]).ok();
    look_at(&history);
    assert!(history.contains("promote db-0 -> db-1") && history.contains("promote db-1 -> db-0"), "{history}");
    proves("a switchover that is done is not taken back, and history names both");
}

/// PostgreSQL behind a start-up script that nobody knows.
fn behind_script(script: &str) -> String {
    let command = format!(
        "command: [bash, -c, '{script} exec docker-entrypoint.sh \"$@\"', postgres]\n        args: [-c, shared"
    );
    let text = workload("postgres").replace("args: [-c, shared", &command);
    assert!(text.contains("exec docker-entrypoint.sh"), "{text}");
    text
}

#[test]
fn a_start_up_that_nobody_knows_is_awaited_once_and_then_known() {
    let namespace = Namespace::new("promote-safe");
    namespace.apply(&behind_script(""));
    until_led_by(&namespace, "db-0");
    let writer = Writer::begin(&namespace, "db-2");
    let done = namespace.changes(&["promote", "db", "--to", "1", "--yes"]);
    assert!(done.stderr.contains("db-0 is awaited first"), "{done:?}");
    until_led_by(&namespace, "db-1");
    writer.until_more();
    nothing_lost(&namespace, "db-1", &writer.end());
    proves("the first switchover of a revision waits for the old primary, and loses nothing");
    let dry = namespace.changes(&["promote", "db", "--to", "0", "--dry-run"]);
    assert!(dry.stdout.contains("pods of this revision were seen to come back as standbys"), "{dry:?}");
    proves("the next one need not wait");
}

#[test]
fn a_start_up_that_forgets_the_role_is_noticed_before_anybody_is_promoted() {
    let namespace = Namespace::new("promote-trap");
    namespace.apply(&behind_script("if [ $HOSTNAME = db-0 ]; then rm -f $PGDATA/standby.signal; fi;"));
    until_led_by(&namespace, "db-0");
    let writer = Writer::begin(&namespace, "db-2");
    let stopped = eventually("a run that stops", || {
        let ran = namespace.stateful(&["promote", "db", "--to", "1", "--yes"]);
        if ran.code == 5 { Ok(ran) } else { Err(ran.everything()) }
    });
    look_at(&stopped.everything());
    assert!(stopped.stderr.contains("its start-up removes standby.signal; it serves again"), "{stopped:?}");
    assert_eq!(led_through_service(&namespace), "db-0");
    until_led_by(&namespace, "db-0");
    writer.until_more();
    proves("db-0 came back as the primary, and nobody else was promoted");
    namespace.changes(&["undo", "db", "--yes"]);
    until_led_by(&namespace, "db-0");
    nothing_lost(&namespace, "db-0", &writer.end());
    let slots = namespace.sql("db-1", "SELECT count(*) FROM pg_replication_slots");
    assert_eq!(slots.trim(), "0");
    proves("undo takes the rest back");
}

#[test]
fn a_killed_switchover_is_continued_or_taken_back() {
    let namespace = Namespace::new("promote-kill");
    start(&namespace);
    let writer = Writer::begin(&namespace, "db-2");
    let begun = |words: &str| {
        let running = eventually("a run that begins", || {
            let mut running = Running::begin(&namespace, &["promote", "db", "--to", "1", "--yes"]);
            if running.says(words) { Ok(running) } else { Err("refused".to_owned()) }
        });
        running.signal("-KILL");
        running.end();
    };
    begun("2/8 tell db-0");
    namespace.changes(&["undo", "db", "--take-over", "--yes"]);
    until_led_by(&namespace, "db-0");
    writer.until_more();
    proves("killed while db-0 is told to come back: undo leaves db-0 the primary");

    begun("4/8 stop db-0");
    namespace.changes(&["resume", "db", "--take-over", "--yes"]);
    until_led_by(&namespace, "db-1");
    writer.until_more();
    nothing_lost(&namespace, "db-1", &writer.end());
    assert_eq!(led_through_service(&namespace), "db-1");
    proves("killed during the hand-over: resume ends with db-1 the only primary and nothing lost");
}

#[test]
fn a_member_that_must_not_lead_is_refused_with_the_reason() {
    let namespace = Namespace::new("promote-no");
    start(&namespace);
    let to = |pod: &'static str| ["promote", "db", "--to", pod];
    namespace.sql("db-1", "SELECT pg_wal_replay_pause()");
    namespace.refuses("db", &to("1"), &["replay is paused on db-1", "pg_wal_replay_resume()"]);
    namespace.sql("db-0", "CREATE TABLE t AS SELECT generate_series(1, 300000) AS n");
    namespace.refuses("db", &to("1"), &["db-1 is", "behind", "--max-lag"]);
    let best = namespace.changes(&["promote", "db", "--dry-run"]);
    assert!(best.stderr.contains("> db-2") && best.stderr.contains("no: db-1 is"), "{best:?}");
    proves("a candidate that is paused and behind is refused, and another one is proposed");
    namespace.sql("db-1", "SELECT pg_wal_replay_resume()");
    until_led_by(&namespace, "db-0");

    namespace.sql("db-0", "ALTER SYSTEM SET synchronous_standby_names = '\"db-1\"'");
    namespace.sql("db-0", "SELECT pg_reload_conf()");
    namespace.until("db", "a rule", |report| row(report, "db-1")["sync"] == "sync");
    let dry = namespace.changes(&["promote", "db", "--to", "1", "--dry-run"]);
    assert!(dry.stdout.contains("set synchronous_standby_names = '\"db-0\"' on db-1"), "{dry:?}");
    proves("whom commits wait for is planned for the new roles");
    namespace.sql("db-0", "ALTER SYSTEM RESET synchronous_standby_names");
    namespace.sql("db-0", "SELECT pg_reload_conf()");

    namespace.sql("db-1", "ALTER SYSTEM SET recovery_min_apply_delay = '10min'");
    namespace.sql("db-1", "SELECT pg_reload_conf()");
    namespace.refuses("db", &to("1"), &["recovery_min_apply_delay"]);
    namespace.sql("db-1", "ALTER SYSTEM RESET recovery_min_apply_delay");
    namespace.sql("db-1", "SELECT pg_reload_conf()");
    proves("a delayed standby is refused");
}

/// Has a member's server start again, by itself and in its pod.
fn restart(namespace: &Namespace, pod: &str) {
    let before = namespace.sql(pod, "SELECT pg_postmaster_start_time()");
    // It ends while it is told to.
    namespace.kubectl(&["exec", pod, "-c", "postgres", "--", "sh", "-c", "kill -INT 1"]);
    eventually("another start", || {
        let now = namespace.kubectl(&[
            "exec",
            pod,
            "-c",
            "postgres",
            "--",
            "psql",
            "-U",
            "postgres",
            "-XAtqc",
            "SELECT pg_postmaster_start_time()",
        ]);
        if now.code == 0 && now.stdout != before { Ok(()) } else { Err(now.everything()) }
    });
}

fn alter(namespace: &Namespace, pod: &str, words: &str) {
    namespace.sql(pod, &format!("ALTER SYSTEM SET {words}"));
    namespace.sql(pod, "SELECT pg_reload_conf()");
}

/// Has the primary archive something, and then nothing any more. Before the first file nobody can say how many wait.
fn leave_unarchived(namespace: &Namespace) {
    namespace.sql("db-0", "SELECT txid_current(); SELECT pg_switch_wal()");
    eventually("log in the archive", || {
        let archived = namespace.sql("db-0", "SELECT last_archived_wal FROM pg_stat_archiver");
        if archived.trim().is_empty() { Err("none".to_owned()) } else { Ok(()) }
    });
    alter(namespace, "db-0", "archive_command = '/bin/false'");
    for _ in 0..20 {
        namespace.sql("db-0", "SELECT txid_current(); SELECT pg_switch_wal()");
    }
}

#[test]
fn what_would_hang_hurt_or_be_forbidden_is_told_before_and_what_only_ends_sessions_is_done() {
    let namespace = Namespace::new("promote-nasty");
    start(&namespace);
    let set = |pod: &str, words: &str| alter(&namespace, pod, words);
    set("db-0", "archive_mode = 'on'");
    set("db-0", "archive_command = '/bin/true'");
    restart(&namespace, "db-0");
    until_led_by(&namespace, "db-0");

    let services = "    resources: [services]\n    verbs: [get, patch]";
    let user = changer(&namespace, "unled", |role| {
        assert!(role.contains(services), "{role}");
        role.replace(services, "    resources: [services]\n    verbs: [get]")
    });
    let forbidden = eventually("a permission that is missing", || {
        let words = ["promote", "db", "--to", "1", "--yes", "--as", user.as_str()];
        let ran = namespace.stateful(&words);
        if ran.code == 4 { Err(ran.stderr) } else { Ok(ran) }
    });
    assert!(forbidden.code == 7 && forbidden.stderr.contains("missing permission to patch services"), "{forbidden:?}");
    assert_eq!((led_through_service(&namespace).as_str(), namespace.journaled_plans().len()), ("db-0", 0));
    proves("who may not switch the Service is told so before anything is done");

    set("db-0", "synchronous_standby_names = '2 (\"db-1\", elsewhere)'");
    namespace.refuses("db", &["promote", "db", "--to", "1"], &["elsewhere", "commits would wait for 2, for ever"]);
    set("db-0", "synchronous_standby_names = ''");
    proves("a rule for which commits would wait for ever is refused");

    namespace.sql("db-1", "SELECT pg_create_physical_replication_slot('db_2', true)");
    namespace.until("db", "a slot", |report| row(report, "db-1")["role"]["value"] == "replica");
    let dry = namespace.changes(&["promote", "db", "--to", "1", "--dry-run"]);
    assert!(dry.stdout.contains("create replication slots db_0 on db-1"), "{dry:?}");
    proves("only the slot that is missing is made");

    namespace.sql("db-0", "CREATE TABLE unfinished (n int)");
    let _idle = Session::open(&namespace, "db-0", "BEGIN; INSERT INTO unfinished VALUES (1);");
    let _long = Session::open(&namespace, "db-0", "BEGIN; INSERT INTO unfinished VALUES (2); SELECT pg_sleep(300);");
    leave_unarchived(&namespace);
    namespace.refuses(
        "db",
        &["promote", "db", "--to", "1"],
        &["files of log wait for the archiver of db-0", "--allow archive"],
    );
    proves("log that waits for a broken archiver is refused, with how much");
    eventually("a transaction that is old", || {
        let said = namespace.stateful(&["promote", "db", "--to", "1", "--allow", "archive", "--dry-run"]).everything();
        if said.contains("a transaction on db-0 is ") { Ok(()) } else { Err(said) }
    });
    let done = namespace.changes(&["promote", "db", "--to", "1", "--allow", "archive", "--yes"]);
    let said = done.everything().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "s old: it is rolled back",
        "1 idle in a transaction, which is rolled back",
        "db-0 comes back as a standby after some 10 s",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    until_led_by(&namespace, "db-1");
    assert_eq!(namespace.sql("db-1", "SELECT count(*) FROM unfinished").trim(), "0");
    proves("sessions in a transaction end with a switchover, are told before, and leave nothing behind");

    set("db-1", "max_connections = 150");
    restart(&namespace, "db-1");
    let settings = ["max_connections is 100 on db-0 and 150 on db-1", "raise max_connections on db-0"];
    namespace.refuses("db", &["promote", "db", "--to", "0"], &settings);
    proves("a candidate that takes fewer connections than its primary is refused");
}

//! MySQL and MariaDB with GTID replication: roles and lag that are really there, members that are cut off or take writes
//! beside the primary, and a replica that leaves and comes back.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{
    Beside, Namespace, Ran, codes, finding, proves, row, rows, short, there_and_back, two_at_once, workload,
};

/// One of the two families, with the words that differ.
#[derive(Clone, Copy)]
pub(crate) struct Family {
    /// The set, and the workload's manifest.
    pub(crate) set: &'static str,
    pub(crate) manifest: &'static str,
    pub(crate) container: &'static str,
    pub(crate) server: &'static str,
    engine: &'static str,
    password: &'static str,
    pub(crate) stop_receiver: &'static str,
    stop_applier: &'static str,
    start_applier: &'static str,
    /// Gives the replica another password, which is wrong.
    cut_off: &'static str,
    /// Makes a replica a server of its own that takes writes.
    make_primary: &'static str,
}

pub(crate) const MYSQL: Family = Family {
    set: "my",
    manifest: "mysql",
    container: "mysql",
    server: "mysqld",
    engine: "mysql",
    password: "MYSQL_ROOT_PASSWORD",
    stop_receiver: "STOP REPLICA IO_THREAD",
    stop_applier: "STOP REPLICA SQL_THREAD",
    start_applier: "START REPLICA SQL_THREAD",
    cut_off: "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'wrong'; START REPLICA",
    make_primary: "STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF",
};

pub(crate) const MARIADB: Family = Family {
    set: "maria",
    manifest: "mariadb",
    container: "mariadb",
    server: "mariadbd",
    engine: "mariadb",
    password: "MARIADB_ROOT_PASSWORD",
    stop_receiver: "STOP SLAVE IO_THREAD",
    stop_applier: "STOP SLAVE SQL_THREAD",
    start_applier: "START SLAVE SQL_THREAD",
    cut_off: "STOP SLAVE; CHANGE MASTER TO MASTER_PASSWORD = 'wrong'; START SLAVE",
    make_primary: "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF",
};

/// MySQL whose members are one group, which chooses its primary.
pub(crate) const GROUP: Family = Family { set: "gr", manifest: "mysql-group", ..MYSQL };

impl Family {
    pub(crate) fn pod(self, ordinal: u32) -> String {
        format!("{}-{ordinal}", self.set)
    }

    /// Starts the workload and waits until both replicas have everything.
    pub(crate) fn start(self, test: &str) -> Namespace {
        let namespace = Namespace::new(&format!("{}-{test}", self.set));
        namespace.apply(&workload(self.manifest));
        namespace.until(self.set, "a primary and two replicas that receive", |report| self.is_healthy(report));
        namespace
    }

    pub(crate) fn is_healthy(self, report: &Value) -> bool {
        let follows = |at| follows(row(report, &self.pod(at)));
        rows(report).len() == 3 && report["head"]["ready"] == 3 && (1..3).all(follows)
    }

    fn try_sql(self, namespace: &Namespace, pod: &str, statement: &str) -> Ran {
        let script = format!("MYSQL_PWD=${} exec mysql -u root -BN -e \"$1\"", self.password);
        namespace.kubectl(&["exec", pod, "-c", self.container, "--", "sh", "-c", &script, "sql", statement])
    }

    #[track_caller]
    pub(crate) fn sql(self, namespace: &Namespace, pod: &str, statement: &str) -> String {
        self.try_sql(namespace, pod, statement).ok().trim().to_owned()
    }

    /// Writes so many rows, numbered from 1.
    fn fill(self, namespace: &Namespace, rows: u32) {
        let digits: Vec<String> = (0..10).map(|digit| format!("SELECT {digit} AS n")).collect();
        let digits = digits.join(" UNION ALL ");
        let places: Vec<String> = ["a", "b", "c", "d", "e"].map(|name| format!("({digits}) AS {name}")).to_vec();
        let number = "1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n";
        let statements = format!(
            "CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE shop.kept (n INT PRIMARY KEY, filler VARCHAR(200)); \
             INSERT INTO shop.kept SELECT {number}, REPEAT('x', 200) FROM {} WHERE {number} <= {rows}",
            places.join(", ")
        );
        self.sql(namespace, &self.pod(0), &statements);
    }
}

fn follows(row: &Value) -> bool {
    row["role"]["value"] == "replica" && lag_bytes(row) == Some(0) && row["receiving"]["value"] != false
}

fn lag_bytes(row: &Value) -> Option<u64> {
    row["lag"]["bytes"]["value"].as_u64()
}

#[test]
fn mysql_shows_what_is() {
    shows_what_is(MYSQL);
}

#[test]
fn mariadb_shows_what_is() {
    shows_what_is(MARIADB);
}

/// Looks at a healthy set, then at one with a replica that applies nothing, one that is cut off, one whose password is
/// refused, and one that takes writes beside the primary.
fn shows_what_is(family: Family) {
    let namespace = family.start("status");
    let [first, second, third] = [0, 1, 2].map(|at| family.pod(at));
    let report = namespace.report(family.set, &[]);
    assert_eq!(report["head"]["engine"]["engine"], family.engine);
    assert_eq!(report["head"]["primaries"]["value"], serde_json::json!([first]));
    let version = family.sql(&namespace, &first, "SELECT VERSION()");
    assert_eq!(report["head"]["version"]["value"], version.split('-').next().expect("a version"));
    assert_eq!(codes(&report), [] as [&str; 0], "{}", short(&report));
    assert_eq!(row(&report, &first)["safe"]["holds"][0]["code"], "primary");
    assert_eq!(row(&report, &second)["safe"]["answer"], "yes", "{}", short(&report));
    let screen = namespace.screen(family.set);
    assert!(!screen.contains("not-a-secret"), "{screen}");
    proves(format!("{} {version}: roles and lag are as they are", family.engine));

    sessions_are_counted(family, &namespace, &first);
    a_stopped_applier_has_lag(family, &namespace, &third);
    a_refused_password_is_unknown(family, &namespace, &second);
    a_replica_that_is_cut_off_says_why(family, &namespace, &second);

    family.sql(&namespace, &third, family.make_primary);
    let report = namespace.until_found(family.set, "two-primaries");
    assert_eq!(finding(&report, "two-primaries")["severity"], "critical");
    assert!(rows(&report).iter().all(|row| row["safe"]["answer"] != "yes"), "{}", short(&report));
    namespace.screen(family.set);
    namespace.refuses(family.set, &["scale-down", family.set, "--replicas", "2"], &["take writes"]);
    proves("two members that take writes are two primaries, and nobody may go");
}

fn sessions_are_counted(family: Family, namespace: &Namespace, pod: &str) {
    let script = format!(
        "export MYSQL_PWD=${}; (mysql -u root -e 'SELECT SLEEP(300)' & (echo 'CREATE DATABASE IF NOT EXISTS s; CREATE \
         TABLE s.s (n INT PRIMARY KEY); BEGIN; INSERT INTO s.s VALUES (1);'; sleep 300) | mysql -u root) >/dev/null 2>&1 &",
        family.password
    );
    namespace.kubectl(&["exec", pod, "-c", family.container, "--", "sh", "-c", &script]).ok();
    namespace.until(family.set, "one session idle in a transaction and one active", |report| {
        let sessions = &row(report, pod)["sessions"]["value"];
        sessions["idleInTransaction"] == 1 && sessions["active"] == 1
    });
    let kill = "SELECT GROUP_CONCAT('KILL ', ID SEPARATOR ';') FROM information_schema.processlist \
                WHERE USER = 'root' AND ID <> CONNECTION_ID()";
    let kill = family.sql(namespace, pod, kill);
    family.sql(namespace, pod, &kill);
    proves("sessions are counted by what they do");
}

fn a_stopped_applier_has_lag(family: Family, namespace: &Namespace, pod: &str) {
    family.sql(namespace, pod, family.stop_applier);
    family.fill(namespace, 100_000);
    let set = family.set;
    let report = namespace.until(set, "lag over 16 MiB", |report| {
        codes(report).contains(&"lag-high") && codes(report).contains(&"replay-paused")
    });
    let lag = lag_bytes(row(&report, pod)).expect("bytes");
    let written = family.sql(namespace, &family.pod(0), "SHOW BINARY LOGS");
    let written: u64 = written.lines().filter_map(|line| line.split('\t').nth(1)?.parse::<u64>().ok()).sum();
    assert!(lag > 16 << 20 && lag <= written, "{lag} of {written}");
    namespace.screen(set);
    family.sql(namespace, pod, family.start_applier);
    namespace.until(set, "it caught up", |report| family.is_healthy(report) && !codes(report).contains(&"lag-high"));
    proves(format!("a stopped applier is {lag} bytes behind, of {written} in the primary's log"));
}

fn a_refused_password_is_unknown(family: Family, namespace: &Namespace, pod: &str) {
    // What is in the pod's environment is no longer the password of the server.
    let quiet = if family.engine == "mysql" {
        "SET GLOBAL super_read_only = OFF; SET sql_log_bin = 0;"
    } else {
        "SET sql_log_bin = 0;"
    };
    let changed = format!("{quiet} ALTER USER root@localhost IDENTIFIED BY 'another'");
    family.sql(namespace, pod, &changed);
    let report = namespace.until_found(family.set, "probe-failed");
    let why = row(&report, pod)["role"]["unknown"].as_str().unwrap_or_else(|| panic!("{}", short(&report)));
    assert!(why.contains("ERROR 1045") && why.contains("Access denied"), "{why}");
    namespace.screen(family.set);
    namespace.refuses(family.set, &["scale-down", family.set, "--replicas", "2"], &["role of", "unknown"]);
    let back = format!(
        "MYSQL_PWD=another exec mysql -u root -e \"{quiet} ALTER USER root@localhost IDENTIFIED BY '${}'{}\"",
        family.password,
        if family.engine == "mysql" { "; SET GLOBAL super_read_only = ON" } else { "" }
    );
    namespace.kubectl(&["exec", pod, "-c", family.container, "--", "sh", "-c", &back]).ok();
    namespace.until(family.set, "the password fits again", |report| family.is_healthy(report));
    proves(format!("a refused password is unknown: {why}"));
}

fn a_replica_that_is_cut_off_says_why(family: Family, namespace: &Namespace, pod: &str) {
    family.sql(namespace, pod, family.cut_off);
    let report = namespace.until(family.set, "a replica that is cut off", |report| {
        codes(report).contains(&"replica-disconnected")
            && finding(report, "replica-disconnected")["message"].to_string().contains("error 1045")
    });
    let row_of = row(&report, pod);
    assert_eq!(row_of["role"]["value"], "replica", "{}", short(&report));
    assert!(row_of["lag"]["bytes"]["unknown"].is_string(), "{}", short(&report));
    namespace.screen(family.set);
    namespace.refuses(
        family.set,
        &["scale-down", family.set, "--replicas", "2"],
        &["lag of", "unknown (disconnected)"],
    );
    proves("a replica that is cut off has unknown lag and says why");
}

#[test]
fn scale_down_of_mysql_keeps_every_row_and_undo_brings_the_member_back() {
    leaves_and_comes_back(MYSQL);
}

#[test]
fn scale_down_of_mariadb_keeps_every_row_and_undo_brings_the_member_back() {
    leaves_and_comes_back(MARIADB);
}

fn leaves_and_comes_back(family: Family) {
    let namespace = family.start("down");
    let (set, third) = (family.set, family.pod(2));
    family.fill(&namespace, 10_000);
    let count = "SELECT COUNT(*), SUM(n) FROM shop.kept";
    let claim = namespace.field(&format!("pvc/data-{third}"), "{.metadata.uid}");
    namespace.until(set, "every replica has the rows", |report| family.is_healthy(report));

    let down = namespace.changes(&["scale-down", set, "--replicas", "2", "--yes"]);
    assert!(down.stderr.contains(&format!("keeps data-{third}")), "{down:?}");
    assert_eq!(namespace.replicas(set), 2);
    for at in 0..2 {
        assert_eq!(family.sql(&namespace, &family.pod(at), count), "10000\t50005000");
    }
    proves("3 -> 2: every row is there");

    family.sql(&namespace, &family.pod(0), "INSERT INTO shop.kept VALUES (0, '')");
    namespace.changes(&["undo", set, "--yes"]);
    namespace.until(set, "it follows again", |report| family.is_healthy(report));
    assert_eq!(family.sql(&namespace, &third, count), "10001\t50005000");
    assert_eq!(namespace.field(&format!("pvc/data-{third}"), "{.metadata.uid}"), claim);
    proves("undo brings it back on its old volume, and it catches up");

    // The highest ordinal as the primary: it would leave first.
    family.sql(
        &namespace,
        &family.pod(0),
        if family.engine == "mysql" { "SET GLOBAL super_read_only = ON" } else { "SET GLOBAL read_only = ON" },
    );
    family.sql(&namespace, &third, family.make_primary);
    let says = format!("{third} is the primary");
    namespace.refuses(set, &["scale-down", set, "--replicas", "2"], &[&says]);
    proves("the primary does not leave");
}

#[test]
fn mysql_hands_over_without_losing_a_write() {
    hands_over(MYSQL);
}

#[test]
fn mariadb_hands_over_without_losing_a_write() {
    hands_over(MARIADB);
}

/// Moves the role there and back while clients write and somebody looks who takes writes.
pub(crate) fn hands_over(family: Family) {
    let namespace = family.start("lead");
    let (set, [first, second, third]) = (family.set, [0, 1, 2].map(|at| family.pod(at)));
    family.sql(
        &namespace,
        &first,
        "CREATE DATABASE shop; CREATE TABLE shop.written (n INT PRIMARY KEY); \
         CREATE TABLE shop.tried (n INT AUTO_INCREMENT PRIMARY KEY); CREATE USER app@'%' IDENTIFIED BY 'app'; \
         GRANT ALL ON shop.* TO app@'%'",
    );
    namespace.until(set, "both replicas have the table", |report| family.is_healthy(report));
    let beside = Beside { namespace: &namespace, pod: &third, container: family.container };
    beside.begin(&format!(
        "n=$((${{n-0}} + 1)); MYSQL_PWD=app mysql -h {set}-rw -u app --connect-timeout=1 shop \
         -e \"INSERT INTO written VALUES ($n)\" && echo $n >>/tmp/acknowledged"
    ));
    let write =
        format!("MYSQL_PWD=app mysql -h $pod.{set} -u app --connect-timeout=1 shop -e 'INSERT INTO tried VALUES ()'");
    beside.try_writes([&first, &second, &third], &write);
    beside.until_written(20);

    let turns = there_and_back(&first, &second, 2);
    for (from, to) in &turns {
        let done = namespace.changes(&["promote", set, "--to", to, "--expected-primary", from, "--yes"]);
        assert!(done.stderr.contains("no write is lost"), "{done:?}");
        beside.until_written(20);
        namespace.until(set, "everybody follows the new primary", |report| is_led_by(report, to));
    }
    beside.end();
    let acknowledged = beside.acknowledged();
    let seen = beside.read("/tmp/seen");
    assert!(seen.lines().any(|line| line == format!("{second} 0")), "nobody saw {second} take writes: {seen}");
    assert_eq!(two_at_once(&seen), None);
    for at in 0..3 {
        namespace.until(set, "everybody has everything", |report| is_led_by(report, &first));
        let rows = family.sql(&namespace, &family.pod(at), "SELECT n FROM shop.written");
        let rows: BTreeSet<u64> = rows.lines().map(|line| line.parse().expect("a number")).collect();
        let lost: Vec<_> = acknowledged.difference(&rows).collect();
        assert!(lost.is_empty(), "{} lost {lost:?} of {}", family.pod(at), acknowledged.len());
    }
    proves(format!(
        "{}: {} acknowledged writes are all there after {} switchovers, and {} tries of a write saw one member take it at a time",
        family.manifest,
        acknowledged.len(),
        turns.len(),
        seen.lines().count()
    ));

    namespace.changes(&["promote", set, "--to", &second, "--yes"]);
    namespace.kubectl(&["delete", "pod", &first]).ok();
    namespace.until(set, "the old primary is back as a replica", |report| {
        report["head"]["ready"] == 3 && is_led_by(report, &second)
    });
    proves("a restart of the old primary makes it no primary again");
}

pub(crate) fn is_led_by(report: &Value, primary: &str) -> bool {
    let others = || rows(report).iter().filter(|row| row["pod"] != primary);
    report["head"]["primaries"]["value"] == serde_json::json!([primary])
        && others().count() == 2
        && others().all(follows)
}

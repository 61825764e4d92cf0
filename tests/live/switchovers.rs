//! Many planned switchovers of PostgreSQL in a row, there and back, while clients write and somebody looks.

use crate::postgres::{start, streams};
use crate::promote::nothing_lost;
use crate::support::{Beside, Namespace, proves, row, rows, there_and_back, two_at_once};

/// How many there are, unless another number is asked for.
const SWITCHOVERS: usize = 4;

/// Has clients write through the Service, and somebody try a write on every member, from inside a pod that stays.
pub(crate) fn watch(namespace: &Namespace) -> Beside<'_> {
    namespace.sql("db-0", "CREATE TABLE written (n bigint PRIMARY KEY); CREATE TABLE tried (pod text)");
    let beside = Beside { namespace, pod: "db-2", container: "postgres" };
    // The wrapper of Debian takes longer than what it wraps.
    let psql = "PGPASSWORD=$POSTGRES_PASSWORD PGCONNECT_TIMEOUT=1 /usr/lib/postgresql/17/bin/psql -d postgres -U postgres -XAtq";
    beside.begin(&format!(
        "n=$((${{n-0}} + 1)); {psql} -h db-rw -c \"INSERT INTO written VALUES ($n)\" && echo $n >>/tmp/acknowledged; sleep 0.05"
    ));
    beside.try_writes_of_postgres(["db-0", "db-1", "db-2"], psql, "db");
    beside.until_written(20);
    beside
}

/// Waits until one member leads and the others stream from it.
#[track_caller]
pub(crate) fn until_led_by(namespace: &Namespace, primary: &str) {
    namespace.until("db", &format!("{primary} leads, the others stream"), |report| {
        report["head"]["ready"] == 3
            && rows(report).iter().all(|row| row["pod"] == primary || streams(row))
            && row(report, primary)["role"]["value"] == "primary"
    });
}

#[test]
fn many_switchovers_in_a_row_lose_nothing_and_have_one_primary_at_a_time() {
    let namespace = Namespace::new("promote-many");
    start(&namespace);
    let beside = watch(&namespace);
    let mut pauses = Vec::new();
    let turns = there_and_back("db-0", "db-1", SWITCHOVERS);
    for (from, to) in turns.iter().copied() {
        let done = namespace.changes(&["promote", "db", "--to", to, "--expected-primary", from, "--yes"]).everything();
        let pause =
            done.split("paused for at most ").nth(1).and_then(|rest| rest.split(" s").next()?.parse::<f64>().ok());
        pauses.push(pause.unwrap_or_else(|| panic!("no pause: {done}")));
        beside.until_written(5);
        // A pod that was made anew has no back-off: its kubelet would hold the tenth restart back for five minutes.
        namespace.kubectl(&["delete", "pod", from, "--wait=true"]).ok();
        until_led_by(&namespace, to);
    }
    beside.end();
    let (seen, acknowledged) = (beside.read("/tmp/seen"), beside.acknowledged());
    assert_eq!(two_at_once(&seen), None);
    nothing_lost(&namespace, "db-0", &acknowledged);
    let conninfo = namespace.sql("db-2", "SHOW primary_conninfo");
    assert_eq!(conninfo.matches("host=").count(), 1, "its connection string does not grow");
    pauses.sort_by(f64::total_cmp);
    proves(format!(
        "{} switchovers: all {} acknowledged writes are there, {} tries of a write saw one primary at a time; pauses {:.1} to {:.1} s",
        turns.len(),
        acknowledged.len(),
        seen.lines().count(),
        pauses[0],
        pauses[pauses.len() - 1]
    ));
}

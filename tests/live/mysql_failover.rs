//! `promote --failover` of MySQL: what only the old primary has is counted, and it comes back taking no writes. Nothing else
//! runs meanwhile: nodes take no pods for a time.

use crate::failover::freeze;
use crate::mysql::MYSQL;
use crate::support::{Namespace, Node, eventually, look_at, proves, row, run, workload};

const FAILOVER: [&str; 3] = ["promote", "my", "--failover"];

#[test]
fn a_mysql_primary_that_hangs_is_given_up_and_comes_back_taking_no_writes() {
    let namespace = Namespace::alone("my-over");
    namespace.apply(&workload("mysql"));
    let report = namespace.until("my", "a primary and two replicas", |report| MYSQL.is_healthy(report));
    let node = Node::new(row(&report, "my-0")["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    let sql = |pod: &str, statement: &str| MYSQL.sql(&namespace, pod, statement);
    namespace.refuses("my", &FAILOVER, &["my-0 is the primary, and answers", "without --failover"]);
    sql("my-0", "CREATE DATABASE shop; CREATE TABLE shop.written (n INT PRIMARY KEY)");
    for number in 1..=10 {
        sql("my-0", &format!("INSERT INTO shop.written VALUES ({number})"));
    }
    namespace.until("my", "both replicas have it", |report| MYSQL.is_healthy(report));
    // The first replica gets three more than the other one, and the last seven nobody.
    sql("my-2", "STOP REPLICA IO_THREAD");
    for number in 11..=13 {
        sql("my-0", &format!("INSERT INTO shop.written VALUES ({number})"));
    }
    eventually("three more", || {
        let count = sql("my-1", "SELECT COUNT(*) FROM shop.written");
        if count.trim() == "13" { Ok(()) } else { Err(count) }
    });
    sql("my-1", "STOP REPLICA IO_THREAD");
    for number in 101..=107 {
        sql("my-0", &format!("INSERT INTO shop.written VALUES ({number})"));
    }
    freeze(&namespace, "my-0", |name, _| name == "mysqld");

    let said = |arguments: &[&str], code: i32, says: &[&str]| {
        eventually(&says.join(", "), || {
            let ran = namespace.stateful(&[&FAILOVER[..], arguments].concat());
            let said = ran.everything().replace('\n', " ");
            let all = ran.code == code && says.iter().all(|word| said.contains(word));
            if all { Ok(said) } else { Err(ran.everything()) }
        })
    };
    let dry = said(&["--dry-run"], 0, &["failover from my-0 to my-1", "7 committed transactions that only it has"]);
    look_at(&dry);
    said(&["--to", "2", "--dry-run"], 4, &["my-1 has what my-2 has not"]);
    said(&["--yes"], 4, &["7 committed transactions, of a size", "--accept-loss any"]);
    proves(
        "seven transactions that only the old primary has are counted, and refused unless accepted; who has less is refused",
    );

    let done = namespace.changes(&[&FAILOVER[..], &["--yes", "--accept-loss", "any"]].concat());
    assert!(done.everything().contains("failover my-0 -> my-1 done"), "{done:?}");
    sql("my-1", "INSERT INTO shop.written VALUES (200)");
    let count = "SELECT COUNT(*), MAX(n) FROM shop.written";
    for pod in ["my-1", "my-2"] {
        eventually("thirteen, and the new one", || {
            let there = sql(pod, count);
            if there.trim() == "14\t200" { Ok(()) } else { Err(there) }
        });
    }
    assert_eq!(namespace.field("service/my-rw", "{.spec.selector.statefulset\\.kubernetes\\.io/pod-name}"), "my-1");
    let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
    assert_eq!(cordoned, "", "the node takes pods again");
    let old = "SELECT @@GLOBAL.read_only, @@GLOBAL.super_read_only, COUNT(*) FROM shop.written";
    assert_eq!(sql("my-0", old).trim(), "1\t1\t20", "what only it had is there still");
    namespace.kubectl(&["delete", "pod", "my-0"]).ok();
    namespace.until("my", "it is back after another restart", |report| report["head"]["ready"] == 3);
    assert_eq!(sql("my-0", old).trim(), "1\t1\t20");
    proves(
        "my-1 leads with everything that was received, my-2 follows; my-0 is back, takes no writes, and keeps what only it has",
    );
}

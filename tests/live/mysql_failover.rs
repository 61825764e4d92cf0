//! `promote --failover` of MySQL and MariaDB: an old primary with nothing of its own comes back and follows; what only it has is
//! counted otherwise, and it comes back taking no writes. Nothing else runs meanwhile: nodes take no pods for a time.

use crate::failover::freeze;
use crate::mysql::{Family, MARIADB, MYSQL, is_led_by};
use crate::support::{Namespace, Node, eventually, finding, look_at, proves, row, run, workload};

#[test]
fn a_mysql_primary_that_hangs_is_given_up_and_follows_unless_it_has_what_nobody_has() {
    is_given_up(MYSQL);
}

#[test]
fn a_mariadb_primary_that_hangs_is_given_up_and_follows_unless_it_has_what_nobody_has() {
    is_given_up(MARIADB);
}

fn is_given_up(family: Family) {
    let set = family.set;
    let [first, second, third] = [0, 1, 2].map(|at| family.pod(at));
    let failover = ["promote", set, "--failover"];
    let namespace = Namespace::alone(&format!("{set}-over"));
    namespace.apply(&workload(family.manifest));
    let report = namespace.until(set, "a primary and two replicas", |report| family.is_healthy(report));
    let node = Node::new(row(&report, &first)["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    let sql = |pod: &str, statement: &str| family.sql(&namespace, pod, statement);
    namespace.refuses(set, &failover, &[&format!("{first} is the primary, and answers"), "without --failover"]);
    sql(&first, "CREATE DATABASE shop; CREATE TABLE shop.written (n INT PRIMARY KEY)");
    for number in 1..=10 {
        sql(&first, &format!("INSERT INTO shop.written VALUES ({number})"));
    }
    namespace.until(set, "both replicas have it", |report| family.is_healthy(report));
    let said = |arguments: &[&str], code: i32, says: &[&str]| {
        eventually(&says.join(", "), || {
            let ran = namespace.stateful(&[&failover[..], arguments].concat());
            let said = ran.everything().replace('\n', " ");
            let all = ran.code == code && says.iter().all(|word| said.contains(word));
            if all { Ok(said) } else { Err(ran.everything()) }
        })
    };
    freeze(&namespace, &first, |name, _| name == family.server);
    said(&["--to", "1", "--yes"], 0, &["nothing is lost", &format!("failover {first} -> {second} done")]);
    sql(&second, "INSERT INTO shop.written VALUES (0)");
    let report = namespace.until(set, "the old primary follows, too", |report| is_led_by(report, &second));
    assert_eq!(sql(&first, "SELECT COUNT(*) FROM shop.written; SELECT @@GLOBAL.read_only"), "11\n1");
    proves(format!("{first} had nothing of its own: it is back, and follows {second}"));

    let [first, second] = [second, first];
    let node = Node::new(row(&report, &first)["node"].as_str().expect("node"));
    let _uncordoned = node.uncordoned_at_end();
    // The first replica gets three more than the other one, and the last seven nobody.
    sql(&third, family.stop_receiver);
    for number in 11..=13 {
        sql(&first, &format!("INSERT INTO shop.written VALUES ({number})"));
    }
    eventually("three more", || {
        let count = sql(&second, "SELECT COUNT(*) FROM shop.written");
        if count.trim() == "14" { Ok(()) } else { Err(count) }
    });
    sql(&second, family.stop_receiver);
    for number in 101..=107 {
        sql(&first, &format!("INSERT INTO shop.written VALUES ({number})"));
    }
    freeze(&namespace, &first, |name, _| name == family.server);

    let dry = said(
        &["--dry-run"],
        0,
        &[&format!("failover from {first} to {second}"), "7 committed transactions that only it has"],
    );
    look_at(&dry);
    said(&["--to", "2", "--dry-run"], 4, &[&format!("{second} has what {third} has not")]);
    said(&["--yes"], 4, &["7 committed transactions, of a size", "--accept-loss any"]);
    proves(
        "seven transactions that only the old primary has are counted, and refused unless accepted; who has less is refused",
    );

    let done = namespace.changes(&[&failover[..], &["--yes", "--accept-loss", "any"]].concat());
    assert!(done.everything().contains(&format!("failover {first} -> {second} done")), "{done:?}");
    sql(&second, "INSERT INTO shop.written VALUES (200)");
    let count = "SELECT COUNT(*), MAX(n) FROM shop.written";
    for pod in [&second, &third] {
        eventually("fourteen, and the new one", || {
            let there = sql(pod, count);
            if there.trim() == "15\t200" { Ok(()) } else { Err(there) }
        });
    }
    assert_eq!(
        namespace.field(&format!("service/{set}-rw"), "{.spec.selector.statefulset\\.kubernetes\\.io/pod-name}"),
        second
    );
    let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
    assert_eq!(cordoned, "", "the node takes pods again");
    // On MySQL the one stands for both.
    let read_only = if family.server == "mysqld" { "super_read_only" } else { "read_only" };
    let old = &format!("SELECT @@GLOBAL.{read_only}; SELECT COUNT(*) FROM shop.written");
    assert_eq!(sql(&first, old), "1\n21", "what only it had is there still");
    if family.server == "mariadbd" {
        let kept =
            namespace.kubectl(&["exec", &second, "-c", family.container, "--", "cat", "/var/lib/mysql/.my.cnf"]).ok();
        assert!(!kept.contains("read_only"), "{second} would take no writes after a restart: {kept}");
    }
    let errant = namespace.until_found(set, "errant-transactions");
    look_at(&errant["findings"].to_string());
    assert!(
        finding(&errant, "errant-transactions")["message"].to_string().contains(&format!("{first} follows nobody"))
    );
    namespace.kubectl(&["delete", "pod", &first]).ok();
    namespace.until(set, "it is back after another restart", |report| report["head"]["ready"] == 3);
    assert_eq!(sql(&first, old), "1\n21");
    proves(format!(
        "{second} leads with everything that was received, {third} follows; {first} is back, takes no writes, and keeps what only \
         it has"
    ));
}

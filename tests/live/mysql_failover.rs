//! `promote --failover` of MySQL and MariaDB: an old primary with nothing of its own comes back and follows; what only it has is
//! counted otherwise, and it comes back taking no writes. Nothing else runs meanwhile: nodes take no pods for a time.

use crate::failover::freeze;
use crate::migrate::node_of;
use crate::mysql::{Family, MARIADB, MYSQL, is_led_by};
use crate::support::{Namespace, Node, eventually, finding, look_at, proves, run, workload};

#[test]
fn a_mysql_primary_that_hangs_is_given_up_and_follows_unless_it_has_what_nobody_has() {
    is_given_up(MYSQL);
}

#[test]
fn a_mariadb_primary_that_hangs_is_given_up_and_follows_unless_it_has_what_nobody_has() {
    is_given_up(MARIADB);
}

/// A primary with two replicas, and what is asked for.
struct Given {
    family: Family,
    namespace: Namespace,
}

fn is_given_up(family: Family) {
    let set = family.set;
    let [first, second, third] = [0, 1, 2].map(|at| family.pod(at));
    let given = Given { family, namespace: Namespace::alone(&format!("{set}-over")) };
    let namespace = &given.namespace;
    namespace.apply(&workload(family.manifest));
    let report = namespace.until(set, "a primary and two replicas", |report| family.is_healthy(report));
    let node = Node::new(&node_of(&report, &first));
    let _uncordoned = node.uncordoned_at_end();
    let refused = [&format!("{first} is the primary, and answers")[..], "without --failover"];
    namespace.refuses(set, &["promote", set, "--failover"], &refused);
    given.sql(&first, "CREATE DATABASE shop; CREATE TABLE shop.written (n INT PRIMARY KEY)");
    given.insert(&first, 1..=10);
    namespace.until(set, "both replicas have it", |report| family.is_healthy(report));
    given.follows_again(&first, &second);

    let report = namespace.until(set, "everybody behind it", |report| is_led_by(report, &second));
    let node = Node::new(&node_of(&report, &second));
    let _uncordoned = node.uncordoned_at_end();
    given.counts([&second, &first, &third]);
    given.is_left_alone([&second, &first, &third], &node);
}

impl Given {
    #[track_caller]
    fn sql(&self, pod: &str, statement: &str) -> String {
        self.family.sql(&self.namespace, pod, statement)
    }

    #[track_caller]
    fn insert(&self, pod: &str, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            self.sql(pod, &format!("INSERT INTO shop.written VALUES ({number})"));
        }
    }

    /// Asks for a failover until it ends so, and says this.
    #[track_caller]
    fn said(&self, arguments: &[&str], code: i32, says: &[&str]) -> String {
        eventually(&says.join(", "), || {
            let ran = self.namespace.stateful(&[&["promote", self.family.set, "--failover"][..], arguments].concat());
            let said = ran.everything().replace('\n', " ");
            let all = ran.code == code && says.iter().all(|word| said.contains(word));
            if all { Ok(said) } else { Err(ran.everything()) }
        })
    }

    /// Gives up a primary that has nothing of its own.
    fn follows_again(&self, first: &str, second: &str) {
        freeze(&self.namespace, first, |name, _| name == self.family.server);
        self.said(&["--to", "1", "--yes"], 0, &["nothing is lost", &format!("failover {first} -> {second} done")]);
        self.sql(second, "INSERT INTO shop.written VALUES (0)");
        self.namespace.until(self.family.set, "the old primary follows, too", |report| is_led_by(report, second));
        assert_eq!(self.sql(first, "SELECT COUNT(*) FROM shop.written; SELECT @@GLOBAL.read_only"), "11\n1");
        proves(format!("{first} had nothing of its own: it is back, and follows {second}"));
    }

    /// Freezes a primary of which one replica has less and nobody the last seven transactions, and has those counted.
    fn counts(&self, [first, second, third]: [&str; 3]) {
        // The first replica gets three more than the other one, and the last seven nobody.
        self.sql(third, self.family.stop_receiver);
        self.insert(first, 11..=13);
        eventually("three more", || {
            let count = self.sql(second, "SELECT COUNT(*) FROM shop.written");
            if count.trim() == "14" { Ok(()) } else { Err(count) }
        });
        self.sql(second, self.family.stop_receiver);
        self.insert(first, 101..=107);
        freeze(&self.namespace, first, |name, _| name == self.family.server);

        let dry = self.said(
            &["--dry-run"],
            0,
            &[&format!("failover from {first} to {second}"), "7 committed transactions that only it has"],
        );
        look_at(&dry);
        self.said(&["--to", "2", "--dry-run"], 4, &[&format!("{second} has what {third} has not")]);
        self.said(&["--yes"], 4, &["7 committed transactions, of a size", "--accept-loss any"]);
        proves(
            "seven transactions that only the old primary has are counted, and refused unless accepted; who has less is refused",
        );
    }

    /// Accepts the loss: the old primary comes back taking no writes, and keeps what only it has.
    fn is_left_alone(&self, [first, second, third]: [&str; 3], node: &Node) {
        let set = self.family.set;
        let done = self.namespace.changes(&["promote", set, "--failover", "--yes", "--accept-loss", "any"]);
        assert!(done.everything().contains(&format!("failover {first} -> {second} done")), "{done:?}");
        self.sql(second, "INSERT INTO shop.written VALUES (200)");
        let count = "SELECT COUNT(*), MAX(n) FROM shop.written";
        for pod in [second, third] {
            eventually("fourteen, and the new one", || {
                let there = self.sql(pod, count);
                if there.trim() == "15\t200" { Ok(()) } else { Err(there) }
            });
        }
        assert_eq!(
            self.namespace
                .field(&format!("service/{set}-rw"), "{.spec.selector.statefulset\\.kubernetes\\.io/pod-name}"),
            second
        );
        let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
        assert_eq!(cordoned, "", "the node takes pods again");
        // On MySQL the one stands for both.
        let read_only = if self.family.server == "mysqld" { "super_read_only" } else { "read_only" };
        let old = &format!("SELECT @@GLOBAL.{read_only}; SELECT COUNT(*) FROM shop.written");
        assert_eq!(self.sql(first, old), "1\n21", "what only it had is there still");
        if self.family.server == "mariadbd" {
            let kept = self
                .namespace
                .kubectl(&["exec", second, "-c", self.family.container, "--", "cat", "/var/lib/mysql/.my.cnf"])
                .ok();
            assert!(!kept.contains("read_only"), "{second} would take no writes after a restart: {kept}");
        }
        let errant = self.namespace.until_found(set, "errant-transactions");
        look_at(&errant["findings"].to_string());
        assert!(
            finding(&errant, "errant-transactions")["message"].to_string().contains(&format!("{first} follows nobody"))
        );
        self.namespace.kubectl(&["delete", "pod", first]).ok();
        self.namespace.until(set, "it is back after another restart", |report| report["head"]["ready"] == 3);
        assert_eq!(self.sql(first, old), "1\n21");
        proves(format!(
            "{second} leads with everything that was received, {third} follows; {first} is back, takes no writes, and keeps what only \
             it has"
        ));
    }
}

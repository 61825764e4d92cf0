//! `migrate` of whoever leads, of other engines than PostgreSQL: it hands over, and goes with what is on its volume.

use serde_json::Value;

use crate::migrate::{node_of, the_mover_is_there};
use crate::support::{Namespace, Node, eventually, proves, row, rows, workload};

/// A set, and how its data is written and read in a pod.
struct Set {
    name: &'static str,
    manifest: &'static str,
    container: &'static str,
    write: &'static str,
    read: &'static str,
}

const SETS: [Set; 3] = [
    Set {
        name: "redis",
        manifest: "redis",
        container: "redis",
        write: "REDISCLI_AUTH=$REDIS_PASSWORD redis-cli SET kept here",
        read: "REDISCLI_AUTH=$REDIS_PASSWORD redis-cli GET kept",
    },
    Set {
        name: "my",
        manifest: "mysql",
        container: "mysql",
        write: "MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql -u root -e \"CREATE DATABASE shop; \
                CREATE TABLE shop.kept (word VARCHAR(9) PRIMARY KEY); INSERT INTO shop.kept VALUES ('here')\"",
        read: "MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysql -u root -BN -e 'SELECT word FROM shop.kept'",
    },
    Set {
        name: "pat",
        manifest: "patroni",
        container: "patroni",
        write: "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -h 127.0.0.1 -U postgres -XAtqc \"CREATE TABLE kept AS SELECT 'here' AS word\"",
        read: "PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD psql -h 127.0.0.1 -U postgres -XAtqc 'SELECT word FROM kept'",
    },
];

impl Set {
    #[track_caller]
    fn run(&self, namespace: &Namespace, pod: &str, script: &str) -> String {
        namespace.kubectl(&["exec", pod, "-c", self.container, "--", "sh", "-c", script]).ok().trim().to_owned()
    }

    /// Waits until one member leads and two have all that it has, and names the one that leads.
    #[track_caller]
    fn until_well(&self, namespace: &Namespace) -> (Value, String) {
        let is = |row: &&Value, role: &str| row["role"]["value"] == role;
        let report = namespace.until(self.name, "one that leads, two behind it", |report| {
            // The log of Redis grows by a word each second.
            let close = |row: &&Value| row["lag"]["bytes"]["value"].as_u64().is_some_and(|lag| lag < 4096);
            let behind = rows(report).iter().filter(|row| is(row, "replica") && close(row));
            report["head"]["ready"] == 3 && rows(report).iter().any(|row| is(&row, "primary")) && behind.count() == 2
        });
        let leads = rows(&report).iter().find(|row| is(row, "primary")).and_then(|row| row["pod"].as_str());
        let leads = leads.expect("a primary").to_owned();
        (report, leads)
    }

    fn moves(&self, namespace: &Namespace) {
        let (report, leads) = self.until_well(namespace);
        let source = Node::new(&node_of(&report, &leads));
        let _uncordoned = source.uncordoned_at_end();
        self.run(namespace, &leads, self.write);
        // On a busy machine a member may be unready for a moment, which refuses it.
        let done = eventually("a primary off its node", || {
            let ran = namespace.stateful(&["migrate", &leads, "--yes"]);
            if ran.code == 0 { Ok(ran) } else { Err(ran.everything()) }
        });
        let (report, now) = self.until_well(namespace);
        assert_ne!(now, leads, "{done:?}");
        assert_ne!(node_of(&report, &leads), source.name, "{}", row(&report, &leads));
        assert_eq!(self.run(namespace, &leads, self.read), "here");
        let last = done.stdout.lines().find(|line| line.contains("was down")).unwrap_or_default().to_owned();
        proves(format!("{leads} handed over to {now} and moved, with what was written on it: {last}"));
    }
}

#[test]
fn whoever_leads_hands_over_and_moves_with_its_volume() {
    the_mover_is_there();
    let namespace = Namespace::alone("moved");
    for set in &SETS {
        namespace.apply(&workload(set.manifest));
    }
    for set in &SETS {
        set.moves(&namespace);
    }
}

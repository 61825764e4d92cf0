//! A healthy set, the list of sets, and what must be in no output.

use crate::postgres::shared;
use crate::support::{codes, cut, proves, row, rows, run, short};

#[test]
fn roles_lag_and_safety_of_a_healthy_set_are_as_they_are() {
    let namespace = shared();
    let report = namespace.until("db", "every claim's use", |report| {
        rows(report).iter().all(|row| row["claims"][0]["usedBytes"]["value"].is_u64())
    });
    let head = &report["head"];
    assert_eq!(head["primaries"]["value"], serde_json::json!(["db-0"]));
    let version = namespace.sql("db-0", "SHOW server_version");
    let version = version.split_whitespace().next().expect("a version");
    assert_eq!(head["version"]["value"], version);
    assert_eq!(head["engine"]["engine"], "postgres");
    assert_eq!(head["timeline"], 1);
    assert_eq!(row(&report, "db-0")["safe"]["holds"][0]["code"], "primary");
    assert_eq!(row(&report, "db-1")["safe"]["answer"], "yes", "{}", short(&report));
    for row in rows(&report) {
        let zone = namespace
            .kubectl(&[
                "get",
                "node",
                row["node"].as_str().expect("node"),
                "-L",
                "topology.kubernetes.io/zone",
                "--no-headers",
            ])
            .ok();
        assert!(zone.trim().ends_with(row["zone"].as_str().expect("zone")), "{zone}");
    }
    let bad: Vec<&str> = codes(&report);
    assert!(bad.is_empty(), "nothing is wrong: {bad:?}");
    proves(format!("PostgreSQL {version}: roles, lag, zones and SAFE are as they are"));
}

#[test]
fn the_screen_through_kubectl_tells_the_same() {
    let namespace = shared();
    let screen = namespace.stateful(&["status", "sts/db"]).ok();
    for word in ["statefulset/db", "PostgreSQL 17", "db-0", "primary", "replica", "data-db-2", "Service db"] {
        assert!(screen.contains(word), "{word} is missing in\n{screen}");
    }
    let widest = screen.lines().skip_while(|line| !line.starts_with("POD")).map(str::len).max();
    assert!(widest.is_some_and(|widest| widest <= 120), "{screen}");
    assert_eq!(namespace.stateful(&["status", "db", "-o", "name"]).ok().trim(), "statefulset.apps/db");
    let rows = namespace.stateful(&["status", "db", "--no-headers"]).ok();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    proves("`kubectl stateful status sts/db` shows the whole set");
}

#[test]
fn sets_are_listed_by_namespace_by_label_and_everywhere() {
    let namespace = shared();
    let list = namespace.stateful(&["status"]).ok();
    assert!(list.lines().count() == 2 && list.contains("3/3"), "{list}");
    let everywhere = run("kubectl", &["stateful", "status", "-A"]).ok();
    let line = everywhere.lines().find(|line| line.starts_with(&namespace.name));
    assert!(line.is_some_and(|line| line.contains("db") && line.contains("3/3")), "{everywhere}");
    let labelled = namespace.stateful(&["status", "-l", "app=db", "-o", "name"]).ok();
    assert_eq!(labelled.trim(), "statefulset.apps/db");
    let none = namespace.stateful(&["status", "-l", "app=nothing"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""), "{none:?}");
    assert!(none.stderr.contains("No StatefulSet with labels app=nothing"), "{none:?}");
    let missing = namespace.stateful(&["status", "dbx"]);
    assert!(missing.code != 0 && missing.stderr.contains("there is db"), "{missing:?}");
    proves("-A, -l and a list without names show the sets that there are");
}

#[test]
fn a_password_is_in_no_output() {
    let namespace = shared();
    let secrets = namespace.kubectl(&["get", "secret", "db", "-o", "jsonpath={.data}"]).ok();
    assert!(secrets.contains("superuser"), "there is a secret to keep");
    for arguments in [
        &["status", "db", "-v", "-o", "wide"][..],
        &["status", "db", "-v", "-o", "json"],
        &["status", "db", "-o", "yaml"],
        &["status", "--probe", "-v"],
        &["snapshot", "db", "-v"],
        &["snapshot", "-v"],
    ] {
        let ran = namespace.stateful(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", cut(&ran.stderr));
        let everything = ran.everything();
        // In clear, and as Secrets and kubectl's last-applied copies have it.
        for secret in ["not-a-secret", "bm90LWEtc2VjcmV0"] {
            assert!(!everything.contains(secret), "{arguments:?} shows the password");
        }
    }
    proves("no output and no snapshot holds a password");
}

//! Sets that are being deleted, or scaled to nothing.

use crate::support::{Namespace, codes, finding, plain_set, proves, row, rows, run, short};

/// A set that nobody can delete until the finalizer goes, as it goes at the end.
struct Held<'a>(&'a Namespace);

impl<'a> Held<'a> {
    fn hold(namespace: &'a Namespace) -> Self {
        namespace.patch("statefulset/q", r#"{"metadata":{"finalizers":["example.com/backup"]}}"#);
        Self(namespace)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["patch", "statefulset/q", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
    }
}

#[test]
fn a_set_that_is_being_deleted_is_said_with_what_holds_it() {
    let namespace = Namespace::new("deleting");
    namespace.apply(&plain_set("q", 2, ""));
    namespace.until_ready("q", 2);
    let held = Held::hold(&namespace);
    namespace.kubectl(&["delete", "statefulset/q", "--cascade=orphan", "--wait=false"]).ok();
    let report = namespace.until("q", "a set that is being deleted without its pods", |report| {
        codes(report).contains(&"set-deleting") && codes(report).contains(&"pod-not-owned")
    });
    assert!(finding(&report, "set-deleting")["message"].to_string().contains("example.com/backup"));
    assert!(rows(&report).iter().all(|row| row["safe"]["answer"] != "yes"), "{}", short(&report));
    namespace.screen("q");
    proves(&finding(&report, "set-deleting")["message"]);

    drop(held);
    let gone = crate::support::eventually("the set is gone", || {
        let ran = namespace.stateful(&["status", "q"]);
        if ran.code == 0 { Err(ran.stdout) } else { Ok(ran) }
    });
    assert!(gone.stderr.contains("there is no statefulset/q"), "{gone:?}");
    // A set of the same name takes the orphans over.
    namespace.apply(&plain_set("q", 2, ""));
    let report = namespace.until_ready("q", 2);
    assert!(!codes(&report).contains(&"pod-not-owned"), "{}", short(&report));
    assert_eq!(row(&report, "q-0")["restarts"], 0);
    proves("pods without their set are taken over by the next set of that name");
}

#[test]
fn a_set_scaled_to_nothing_keeps_its_claims_and_says_so() {
    let namespace = Namespace::new("zero");
    namespace.apply(&plain_set("q", 1, ""));
    namespace.until_ready("q", 1);
    namespace.kubectl(&["scale", "statefulset/q", "--replicas=0"]).ok();
    let report = namespace.until("q", "nothing but a claim", |report| {
        report["rows"].as_array().is_some_and(Vec::is_empty) && codes(report).contains(&"claims-left-over")
    });
    assert_eq!(report["head"]["verdict"], "scaled to 0");
    assert_eq!(finding(&report, "claims-left-over")["severity"], "note");
    assert!(finding(&report, "claims-left-over")["next"].is_null(), "that would delete all there is");
    namespace.screen("q");
    assert_eq!(namespace.stateful(&["status", "q", "--check"]).code, 0);
    let list = run("kubectl", &["stateful", "status", "-n", &namespace.name]).ok();
    assert!(list.contains("0/0"), "{list}");
    proves("a set scaled to 0 is no trouble, and its claims are named");
}

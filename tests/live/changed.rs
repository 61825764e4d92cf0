//! What changes while a plan waits for an answer, or between two commands: it is told, and nothing stale is done.

use crate::support::{Namespace, Running, eventually, plain_set, proves};

const DOWN: [&str; 5] = ["scale-down", "q", "--by", "1", "--allow=no-drain"];

fn uid(namespace: &Namespace, pod: &str) -> String {
    namespace.kubectl(&["get", "pod", pod, "-o", "jsonpath={.metadata.uid}"]).stdout
}

/// Replaces a pod by another one of its name, and waits until that is ready.
fn replace(namespace: &Namespace, pod: &str) {
    let before = uid(namespace, pod);
    namespace.kubectl(&["delete", "pod", pod]).ok();
    eventually("another pod", || match uid(namespace, pod) {
        now if now.is_empty() || now == before => Err(now),
        _ => Ok(()),
    });
    namespace.kubectl(&["wait", "--for=condition=Ready", &format!("pod/{pod}"), "--timeout=60s"]).ok();
}

#[test]
fn scale_down_tells_what_changed_while_it_waited_for_an_answer() {
    let namespace = Namespace::new("changed");
    namespace.apply(&plain_set("q", 3, "  podManagementPolicy: Parallel"));
    namespace.until_ready("q", 3);
    let mut running = Running::at_terminal(&namespace, &DOWN);
    running.until_said("run this 1 step on");
    namespace.kubectl(&["scale", "statefulset/q", "--replicas=4"]).ok();
    namespace.until_ready("q", 4);
    running.answer("y");
    running.until_said("replicas is 4, not 3");
    running.until_said("step \"set replicas 4 -> 3\"");
    running.until_said("run these 2 steps on");
    proves("somebody scales while the prompt waits: told, and the new plan is asked for");

    replace(&namespace, "q-2");
    running.answer("y");
    running.until_said("pod q-2 is another one now");
    running.answer("y");
    let ended = running.end();
    assert_eq!((ended.code, namespace.replicas("q")), (0, 2), "{ended:?}");
    proves("a pod is replaced while the prompt waits: told, asked again, and then carried out");

    let mut running = Running::at_terminal(&namespace, &DOWN);
    running.until_said("run this 1 step on");
    namespace.kubectl(&["scale", "statefulset/q", "--replicas=1"]).ok();
    running.answer("y");
    let ended = running.end();
    assert_eq!((ended.code, namespace.replicas("q")), (4, 1), "{ended:?}");
    assert!(ended.stderr.contains("replicas is 1 by now"), "{ended:?}");
    proves("somebody else is faster: nothing is done");
}

/// A set whose run has stopped: its highest pod does not go.
fn stopped(namespace: &Namespace, set: &str) {
    namespace.apply(&plain_set(set, 2, "  podManagementPolicy: Parallel"));
    namespace.until_ready(set, 2);
    namespace.patch(&format!("pod/{set}-1"), r#"{"metadata":{"finalizers":["example.com/backup"]}}"#);
    let down = ["scale-down", set, "--by", "1", "--allow", "no-drain", "--yes", "--step-timeout", "2s"];
    let stopped = namespace.stateful(&down);
    assert_eq!(stopped.code, 5, "{stopped:?}");
}

fn free(namespace: &Namespace, set: &str) {
    namespace.patch(&format!("pod/{set}-1"), r#"{"metadata":{"finalizers":null}}"#);
}

#[test]
fn history_resume_and_undo_need_no_name_where_it_is_clear_which_set_is_meant() {
    let namespace = Namespace::new("nameless");
    let none = namespace.stateful(&["history"]);
    assert!(none.code == 0 && none.stderr.contains("no StatefulSet of this namespace"), "{none:?}");
    let none = namespace.stateful(&["resume", "--yes"]);
    assert!(none.code == 2 && none.stderr.contains("left unfinished"), "{none:?}");
    stopped(&namespace, "a");
    stopped(&namespace, "b");
    let both = namespace.stateful(&["history"]).ok();
    for set in ["statefulset/a in", "statefulset/b in"] {
        assert!(both.contains(set), "{both}");
    }
    assert!(!both.contains("JOURNAL"), "all are in the cluster: {both}");
    let which = namespace.stateful(&["resume", "--yes"]);
    assert!(which.code == 2 && which.stderr.contains("have not ended: a and b"), "{which:?}");
    free(&namespace, "a");
    free(&namespace, "b");
    namespace.stateful(&["resume", "a", "--yes"]).ok();
    assert_eq!((namespace.replicas("a"), namespace.replicas("b")), (1, 1));
    namespace.stateful(&["resume", "--yes"]).ok();
    proves("history without a name lists every set; resume without one goes on with the only run that has not ended");

    namespace.kubectl(&["scale", "statefulset/a", "--replicas=2"]).ok();
    namespace.until_ready("a", 2);
    namespace.patch("pod/a-1", r#"{"metadata":{"finalizers":["example.com/backup"]}}"#);
    let down = ["scale-down", "a", "--by", "1", "--allow", "no-drain", "--yes", "--step-timeout", "2s"];
    assert_eq!(namespace.stateful(&down).code, 5);
    free(&namespace, "a");
    namespace.stateful(&["undo", "--yes"]).ok();
    assert_eq!(namespace.replicas("a"), 2);
    proves("undo without a name takes back the only run that has not ended");
}

#[test]
fn a_run_that_is_kept_on_this_machine_is_seen_from_the_cluster_and_the_other_way_round() {
    let namespace = Namespace::new("homes");
    namespace.apply(&plain_set("q", 3, "  podManagementPolicy: Parallel"));
    namespace.until_ready("q", 3);
    let finalizers = r#"{"metadata":{"finalizers":["example.com/backup"]}}"#;
    namespace.patch("pod/q-2", finalizers);
    let stops = [&DOWN[..], &["--yes", "--step-timeout=2s"]].concat();
    let local = namespace.stateful(&[&stops[..], &["--journal=local"]].concat());
    assert_eq!(local.code, 5, "{local:?}");
    assert!(local.stderr.contains("stateful undo q -n") && local.stderr.matches("--journal local").count() == 2);
    let blocked = namespace.stateful(&stops);
    assert_eq!(blocked.code, 6, "{blocked:?}");
    let said = blocked.stderr.replace('\n', " ");
    assert!(said.contains("which is kept on this machine only, has not ended"), "{said}");
    for words in [&["history", "q"][..], &["history"]] {
        let history = namespace.stateful(words).ok();
        assert!(history.contains("JOURNAL") && history.contains("local"), "{history}");
    }
    namespace.patch("pod/q-2", r#"{"metadata":{"finalizers":null}}"#);
    namespace.stateful(&["resume", "q", "--yes"]).ok();
    assert_eq!((namespace.replicas("q"), namespace.journaled_plans().len()), (2, 0), "it went on where it was");
    proves(
        "a local run blocks one in the cluster, stands in the history, and is continued without being told where it is",
    );

    namespace.patch("pod/q-1", finalizers);
    assert_eq!(namespace.stateful(&stops).code, 5);
    let blocked = namespace.stateful(&[&stops[..], &["--journal=local"]].concat());
    assert_eq!(blocked.code, 6, "{blocked:?}");
    namespace.patch("pod/q-1", r#"{"metadata":{"finalizers":null}}"#);
    namespace.stateful(&["undo", "--yes", "--journal=local"]).ok();
    assert_eq!((namespace.replicas("q"), namespace.journaled_plans().len()), (2, 2));
    proves("a run in the cluster blocks a local one, and is taken back where it is");
}

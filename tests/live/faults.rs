//! Changes that are disturbed: whatever happens, they stop where they say, and can be continued or taken back.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{ApiServer, Namespace, Node, Running, plain_set, proves};

const HOLD: &str = r#"{"metadata":{"finalizers":["example.com/backup"]}}"#;
const FREE: &str = r#"{"metadata":{"finalizers":null}}"#;
const AWAY: Duration = Duration::from_secs(20);
const DOWN: [&str; 6] = ["scale-down", "q", "--by", "1", "--allow", "no-drain"];

/// A pod that does not go away until this is dropped, whatever became of the test: its namespace would never go.
struct Hold<'n>(&'n Namespace, String);

impl<'n> Hold<'n> {
    /// Makes a set whose highest pod does not go away.
    fn make(namespace: &'n Namespace, replicas: u32) -> Self {
        namespace.apply(&plain_set("q", replicas, "  podManagementPolicy: Parallel"));
        namespace.until_ready("q", replicas);
        Self::on(namespace, &format!("pod/q-{}", replicas - 1))
    }

    fn on(namespace: &'n Namespace, pod: &str) -> Self {
        namespace.patch(pod, HOLD);
        Self(namespace, pod.to_owned())
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["patch", &self.1, "--type=merge", "-p", FREE]);
    }
}

fn begin(namespace: &Namespace, more: &[&str]) -> Running {
    let mut running = Running::begin(namespace, &[&DOWN[..], &["--yes"], more].concat());
    running.until_said("finalizer example.com/backup is still set");
    running
}

#[test]
fn scale_down_stops_at_its_limit_and_goes_on_when_the_reason_is_gone() {
    let namespace = Namespace::new("fault-limit");
    let hold = Hold::make(&namespace, 2);
    let stopped = namespace.stateful(&[&DOWN[..], &["--yes", "--step-timeout", "5s"]].concat());
    assert_eq!(stopped.code, 5, "{stopped:?}");
    assert!(stopped.stderr.replace('\n', " ").contains("finalizer example.com/backup is still set, after 5s"));
    assert!(namespace.events("q", "Stopped").contains("finalizer example.com/backup"));
    let again = namespace.stateful(&[&DOWN[..], &["--yes"]].concat());
    assert_eq!(again.code, 6, "{again:?}");
    drop(hold);
    namespace.stateful(&["resume", "q", "--yes"]).ok();
    assert_eq!(namespace.replicas("q"), 1);
    assert!(namespace.stateful(&["history", "q"]).ok().contains("done"));
    proves("a pod that does not go stops the run at its limit with the reason; resume ends it when the reason is gone");
}

#[test]
fn scale_down_is_left_in_order_by_ctrl_c_and_continued_after_a_kill() {
    let namespace = Namespace::new("fault-signal");
    let hold = Hold::make(&namespace, 2);
    let running = begin(&namespace, &[]);
    running.signal("-INT");
    let ended = running.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("kubectl stateful resume q -n") && ended.stderr.contains("stateful undo q -n"));
    assert!(namespace.stateful(&["history", "q"]).ok().contains("stopped at step 1: interrupted"));
    proves("Ctrl-C ends a run with 130, and says how it goes on");

    let mut running = Running::begin(&namespace, &["resume", "q", "--yes"]);
    running.until_said("finalizer example.com/backup");
    running.signal("-KILL");
    let killed = running.end();
    assert_eq!(killed.code, -1, "{killed:?}");
    assert!(namespace.stateful(&["history", "q"]).ok().contains("at work, or died at it"));
    let mut running = Running::begin(&namespace, &["resume", "q", "--yes"]);
    running.until_said("finalizer example.com/backup");
    drop(hold);
    assert_eq!(running.end().code, 0);
    assert_eq!((namespace.replicas("q"), namespace.claims().len()), (1, 2));
    proves("a run that was killed is continued at once on the same machine, by whoever comes next");
}

#[test]
fn scale_down_ends_in_order_by_whatever_signal_asks_for_it() {
    let namespace = Namespace::new("fault-signals");
    let hold = Hold::make(&namespace, 2);
    let mut running = begin(&namespace, &[]);
    for (signal, next) in [("-TERM", true), ("-HUP", false)] {
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, 130, "{signal}: {ended:?}");
        assert!(ended.stderr.contains("interrupted at step 1 of 1"), "{signal}: {ended:?}");
        if !next {
            break;
        }
        running = Running::begin(&namespace, &["resume", "q", "--yes"]);
        running.until_said("finalizer example.com/backup");
    }
    drop(hold);
    namespace.stateful(&["undo", "--yes"]).ok();
    assert_eq!(namespace.replicas("q"), 2);
    proves("SIGTERM and SIGHUP end a run as Ctrl-C does");
}

#[test]
fn scale_down_says_who_does_not_answer_and_is_left_at_once_by_the_second_ctrl_c() {
    let namespace = Namespace::alone("fault-twice");
    let hold = Hold::make(&namespace, 2);
    let mut running = begin(&namespace, &["-o", "json"]);
    let frozen = ApiServer::freeze();
    running.until_said("does not answer");
    running.signal("-INT");
    std::thread::sleep(Duration::from_secs(3));
    let began = Instant::now();
    running.signal("-INT");
    let ended = running.end();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(ended.stderr.contains("left at once: what was begun is in the journal"), "{ended:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let silent = ended.stderr.lines().filter(|line| line.contains("does not answer"));
    let since: Vec<u64> =
        silent.filter_map(|line| serde_json::from_str::<Value>(line).ok()?["since"].as_u64()).collect();
    assert!(since.iter().any(|since| *since >= 1), "it counts on: {since:?}");
    drop(frozen);
    drop(hold);
    // What was under way when it left may still have reached the server.
    let history = namespace.stateful(&["history", "q"]).ok();
    assert!(history.contains("at work, or died at it") || history.contains("interrupted"), "{history}");
    namespace.stateful(&["resume", "q", "--yes"]).ok();
    assert_eq!(namespace.replicas("q"), 1);
    proves("while the server hangs it is said; a second Ctrl-C leaves at once, and the run can be continued");
}

#[test]
fn scale_down_of_a_set_that_somebody_works_on_names_who_and_since_when() {
    let namespace = Namespace::new("fault-two");
    let hold = Hold::make(&namespace, 3);
    let running = begin(&namespace, &[]);
    for words in [&DOWN[..], &["resume", "q"], &["undo", "q"]] {
        let second = namespace.stateful(&[words, &["--yes"]].concat());
        assert_eq!(second.code, 6, "{words:?}: {second:?}");
        assert!(second.stderr.contains(" pid ") && second.stderr.contains("works on it since 20"), "{second:?}");
    }
    drop(hold);
    assert_eq!((running.end().code, namespace.replicas("q")), (0, 2));

    let local = ["--journal", "local"];
    let hold = Hold::on(&namespace, "pod/q-1");
    let running = begin(&namespace, &local);
    for words in [&DOWN[..], &["resume", "q"], &["undo", "q"]] {
        let second = namespace.stateful(&[words, &local, &["--yes"]].concat());
        assert_eq!(second.code, 6, "{words:?}: {second:?}");
        assert!(second.stderr.contains("another process of this machine works on it"), "{second:?}");
    }
    drop(hold);
    assert_eq!((running.end().code, namespace.replicas("q")), (0, 1));
    proves("a second runner is refused with who works on the set since when, and the first one goes on");
}

#[test]
fn scale_down_never_fights_somebody_elses_number() {
    let namespace = Namespace::new("fault-number");
    let hold = Hold::make(&namespace, 3);
    let running = begin(&namespace, &[]);
    namespace.kubectl(&["scale", "statefulset/q", "--replicas=5"]).ok();
    let ended = running.end();
    assert_eq!(ended.code, 5, "{ended:?}");
    let said = ended.stderr.replace('\n', " ");
    assert!(said.contains("replicas is 5, not 2: somebody else changed it"), "{said}");
    let resumed = namespace.stateful(&["resume", "q", "--yes"]);
    assert_eq!((resumed.code, namespace.replicas("q")), (5, 5), "{resumed:?}");
    let undone = namespace.stateful(&["undo", "q", "--yes"]);
    assert_eq!((undone.code, namespace.replicas("q")), (4, 5), "nothing is begun that could not go on: {undone:?}");
    assert!(undone.stderr.contains("`undo --leave` ends the run where it stands"), "{undone:?}");
    namespace.stateful(&["undo", "--leave", "q", "--yes"]).ok();
    assert_eq!(namespace.replicas("q"), 5);
    drop(hold);
    proves("somebody else's number is said and stays, also with resume and undo");
}

#[test]
fn scale_down_outlives_an_api_server_that_is_away() {
    let namespace = Namespace::alone("fault-api");
    let hold = Hold::make(&namespace, 2);
    let mut running = begin(&namespace, &[]);
    let frozen = ApiServer::freeze();
    std::thread::sleep(AWAY);
    drop(frozen);
    let killed = ApiServer::kill();
    running.until_said("cannot be reached");
    std::thread::sleep(AWAY);
    drop(killed);
    drop(hold);
    let ended = running.end();
    assert_eq!((ended.code, namespace.replicas("q")), (0, 1), "{ended:?}");
    assert!(namespace.stateful(&["history", "q"]).ok().contains("done"));
    proves(format!("a run goes on after the API server hung for {AWAY:?}, and after it was gone for {AWAY:?}"));
}

#[test]
fn scale_down_stops_at_its_limit_when_the_node_of_the_pod_loses_its_power() {
    let namespace = Namespace::alone("fault-node");
    let slow = plain_set("q", 2, "")
        .replace("trap exit TERM", "trap : TERM")
        .replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: 10");
    namespace.apply(&slow);
    namespace.until_ready("q", 2);
    let node = Node::new(&namespace.field("pod/q-1", "{.spec.nodeName}"));
    // A node counts as not ready some time after it has fallen silent.
    let mut running = Running::begin(&namespace, &[&DOWN[..], &["--yes", "--step-timeout", "50s"]].concat());
    running.until_said("pod q-1 is terminating");
    let dead = node.kill();
    let ended = running.end();
    assert_eq!(ended.code, 5, "{ended:?}");
    let why = format!("pod q-1 is terminating on {0} beyond its grace; {0} is not ready", node.name);
    assert!(ended.stderr.replace('\n', " ").contains(&why), "{ended:?}");
    assert_eq!((namespace.replicas("q"), namespace.claims().len()), (1, 2));
    drop(dead);
    namespace.stateful(&["resume", "q", "--yes"]).ok();
    assert_eq!((namespace.replicas("q"), namespace.claims().len()), (1, 2));
    proves(format!("a node that dies during the run: {why}; it is continued when the node is back"));
}

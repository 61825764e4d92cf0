//! Every request of a switchover or failover that changes something, and every command in a container, goes wrong on the
//! real parts.

use std::time::Instant;

use crate::failover::{freeze, numbers, thaw};
use crate::postgres::start;
use crate::promote::nothing_lost;
use crate::support::{
    Case, FAULTS, Fault, Gate, Namespace, Node, Ran, Way, cases, cut, eventually, look_at, proves, row, run,
    two_at_once,
};
use crate::switchovers::{until_led_by, watch};

/// How many cases there are, unless `KUBECTL_STATEFUL_CASES` says which: each takes a switchover or two, and a pod made anew.
const CASES: usize = 8;

/// The same of failovers, each of which takes a helper pod besides, while nothing else may run.
const FAILOVERS: usize = 2;

/// Gives a primary that hangs up, whatever it has.
const FAILOVER: [&str; 3] = ["--failover", "--accept-loss", "any"];

impl Way<'_> {
    /// Promotes a member. On a busy machine one may be unready for a moment, which refuses it: then it is tried again, unless
    /// it is what went wrong that refuses it.
    fn promote(&self, to: &str, how: &[&str], fault: Option<(u32, Fault)>) -> Ran {
        let words = [&["promote", "db", "--to", to, "--yes"], how].concat();
        eventually("a promotion that begins", || match self.call(&words, fault) {
            refused if refused.code == 4 && !self.proxy.has_happened() => Err(refused.stderr),
            ran => Ok(ran),
        })
    }

    /// Finds the member that takes writes.
    fn primary(&self) -> String {
        let asked = ["db-0", "db-1", "db-2"].map(|pod| (pod, self.namespace.sql(pod, "SELECT pg_is_in_recovery()")));
        let found: Vec<&str> = asked.iter().filter(|(_, said)| said.trim() == "f").map(|(pod, _)| *pod).collect();
        assert_eq!(found.len(), 1, "one primary: {asked:?}");
        found[0].to_owned()
    }
}

/// Names who takes over from one of the two that take turns.
fn other(from: &str) -> &'static str {
    if from == "db-0" { "db-1" } else { "db-0" }
}

/// Lets one thing go wrong, then goes on or back; gives whether it happened.
fn case(way: &Way<'_>, from: &str, how: &[&str], (at, fault, back): Case) -> bool {
    let to = other(from);
    let case = format!("{fault:?} at {at}, {}", if back { "taken back" } else { "continued" });
    look_at(&case);
    let first = way.promote(to, how, Some((at, fault)));
    let happened = way.proxy.has_happened();
    // A member that was asked before anything was begun, and did not answer, is a reason to refuse.
    if first.code != 0 && first.code != 4 {
        way.on_or_back(&first, back, &case);
    }
    happened
}

#[test]
fn a_switchover_survives_faults_at_every_request_and_command() {
    let namespace = Namespace::new("promote-sweep");
    start(&namespace);
    let gate = Gate::open();
    let way = Way::new(&namespace, &gate);
    let beside = watch(&namespace);
    let began = Instant::now();
    let clean = way.promote("1", &[], None);
    assert_eq!(clean.code, 0, "{}", cut(&clean.everything()));
    let requests = way.proxy.seen();
    let (all, chosen) = cases(requests, CASES);
    let (mut ran, mut happened) = (0, 0);
    let mut from = "db-0".to_owned();
    let mut primary = way.primary();
    for chosen in chosen {
        // A pod that was made anew has no back-off.
        if primary != from {
            namespace.kubectl(&["delete", "pod", &from, "--wait=true"]).ok();
        }
        until_led_by(&namespace, &primary);
        from = primary;
        happened += usize::from(case(&way, &from, &[], chosen));
        ran += 1;
        primary = way.primary();
        beside.until_written(3);
    }
    until_led_by(&namespace, &primary);
    beside.end();
    let (seen, acknowledged) = (beside.read("/tmp/seen"), beside.acknowledged());
    assert_eq!(two_at_once(&seen), None);
    nothing_lost(&namespace, &primary, &acknowledged);
    assert!(happened * 2 >= ran, "only {happened} of {ran} faults happened");
    proves(format!(
        "{ran} of {all} cases ({happened} faults happened): {} faults at each of {requests} requests and commands, continued or \
         taken back; {} acknowledged writes are there, {} tries of a write saw one primary at a time, in {:.0?}",
        FAULTS.len(),
        acknowledged.len(),
        seen.lines().count(),
        began.elapsed()
    ));
}

/// Has the server of a primary hang while something is done, and go on afterwards where it is still there.
fn while_it_hangs<T>(namespace: &Namespace, pod: &str, act: impl FnOnce() -> T) -> T {
    let frozen = freeze(namespace, pod, |name, _| name == "postgres");
    let done = act();
    thaw(&frozen);
    done
}

#[test]
fn a_failover_survives_faults_at_every_request_and_command() {
    let namespace = Namespace::alone("failover-sweep");
    let report = start(&namespace);
    let nodes = ["db-0", "db-1"].map(|pod| Node::new(row(&report, pod)["node"].as_str().expect("node")));
    let _uncordoned = nodes.each_ref().map(Node::uncordoned_at_end);
    let gate = Gate::open();
    let way = Way::new(&namespace, &gate);
    let beside = watch(&namespace);
    let began = Instant::now();
    let clean = while_it_hangs(&namespace, "db-0", || way.promote("db-1", &FAILOVER, None));
    assert_eq!(clean.code, 0, "{}", cut(&clean.everything()));
    let requests = way.proxy.seen();
    let (all, chosen) = cases(requests, FAILOVERS);
    let (ran, mut happened) = (chosen.len(), 0);
    for chosen in chosen {
        namespace.until_ready("db", 3);
        let from = way.primary();
        until_led_by(&namespace, &from);
        beside.until_written(3);
        happened += usize::from(while_it_hangs(&namespace, &from, || case(&way, &from, &FAILOVER, chosen)));
    }
    namespace.until_ready("db", 3);
    let primary = way.primary();
    until_led_by(&namespace, &primary);
    for node in &nodes {
        let cordoned = run("kubectl", &["get", "node", &node.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
        assert_eq!(cordoned, "", "{} takes pods again", node.name);
    }
    beside.until_written(3);
    beside.end();
    let (seen, acknowledged) = (beside.read("/tmp/seen"), beside.acknowledged());
    assert_eq!(two_at_once(&seen), None);
    let lost = acknowledged.difference(&numbers(&namespace, &primary)).count();
    assert!(lost <= 3 * (ran + 1), "standbys were streaming: {lost} writes are lost");
    assert!(happened * 2 >= ran, "only {happened} of {ran} faults happened");
    proves(format!(
        "{ran} of {all} cases ({happened} faults happened): {} faults at each of {requests} requests and commands of a failover, \
         continued or taken back; {lost} of {} acknowledged writes are lost, {} tries of a write saw one primary at a time, in {:.0?}",
        FAULTS.len(),
        acknowledged.len(),
        seen.lines().count(),
        began.elapsed()
    ));
}

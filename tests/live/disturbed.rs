//! Every request of a planned switchover that changes something, and every command in a container, goes wrong on the real parts.

use std::time::Instant;

use crate::postgres::start;
use crate::promote::nothing_lost;
use crate::support::{Fault, Gate, Namespace, Ran, Way, cut, eventually, proves, two_at_once};
use crate::switchovers::{until_led_by, watch};

/// How many cases there are, unless `KUBECTL_STATEFUL_ALL_CASES` is set: each takes a switchover or two, and a pod made anew.
const CASES: usize = 8;

/// What goes wrong.
const FAULTS: [Fault; 4] = [Fault::Refused, Fault::AnswerLost, Fault::KilledBefore, Fault::KilledAfter];

impl Way<'_> {
    /// Promotes a member. On a busy machine one may be unready for a moment, which refuses it: then it is tried again, unless
    /// it is what went wrong that refuses it.
    fn promote(&self, to: &str, fault: Option<(u32, Fault)>) -> Ran {
        eventually("a switchover that begins", || match self.call(&["promote", "db", "--to", to, "--yes"], fault) {
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

/// Lets one thing go wrong, then goes on or back; gives whether it happened.
fn case(way: &Way<'_>, from: &str, (at, fault, back): (u32, Fault, bool)) -> bool {
    let to = if from == "db-0" { "db-1" } else { "db-0" };
    let case = format!("{fault:?} at {at}, {}", if back { "taken back" } else { "continued" });
    let first = way.promote(to, Some((at, fault)));
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
    let clean = way.promote("1", None);
    assert_eq!(clean.code, 0, "{}", cut(&clean.everything()));
    let requests = way.proxy.seen();
    let all: Vec<_> =
        (1..=requests).flat_map(|at| FAULTS.map(|fault| [(at, fault, false), (at, fault, true)])).flatten().collect();
    let stride = if std::env::var_os("KUBECTL_STATEFUL_ALL_CASES").is_some() { 1 } else { all.len() / CASES + 1 };
    let (mut ran, mut happened) = (0, 0);
    let mut from = "db-0".to_owned();
    let mut primary = way.primary();
    for chosen in all.iter().copied().step_by(stride) {
        // A pod that was made anew has no back-off.
        if primary != from {
            namespace.kubectl(&["delete", "pod", &from, "--wait=true"]).ok();
        }
        until_led_by(&namespace, &primary);
        from = primary;
        happened += usize::from(case(&way, &from, chosen));
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
        "{ran} of {} cases ({happened} faults happened): {} faults at each of {requests} requests and commands, continued or \
         taken back; {} acknowledged writes are there, {} looks saw one primary at a time, in {:.0?}",
        all.len(),
        FAULTS.len(),
        acknowledged.len(),
        seen.lines().count(),
        began.elapsed()
    ));
}

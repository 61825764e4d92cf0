//! `promote --failover` where Patroni is paused, and puts nobody in the place of a leader that hangs.

use crate::failover::freeze;
use crate::patroni::{led_as, sql, until_led_by};
use crate::support::{Namespace, eventually, look_at, proves, row, run, workload};

const FAILOVER: [&str; 3] = ["promote", "pat", "--failover"];

/// Waits until a run ends with a code, and says words.
#[track_caller]
fn until_said(namespace: &Namespace, arguments: &[&str], code: i32, says: &str) -> String {
    eventually(says, || {
        let ran = namespace.stateful(&[&FAILOVER[..], arguments].concat());
        let said = ran.everything().replace('\n', " ");
        if ran.code == code && said.contains(says) { Ok(said) } else { Err(ran.everything()) }
    })
}

#[test]
fn a_leader_that_hangs_while_patroni_is_paused_is_given_up_and_stays_stopped_until_it_is_resumed() {
    let namespace = Namespace::new("patroni-over");
    // Who hangs is not to be restarted meanwhile.
    let lines = workload("patroni");
    let kept: Vec<&str> = lines.lines().filter(|line| !line.contains("livenessProbe")).collect();
    let (first, others) = led_as(&namespace, &kept.join("\n"));
    let patronictl =
        |pod: &str, words: &[&str]| namespace.kubectl(&[&["exec", pod, "--", "patronictl"], words].concat()).ok();
    namespace.refuses("pat", &FAILOVER, &[&format!("{first} is the primary, and answers"), "without --failover"]);
    patronictl(&first, &["pause", "--wait"]);
    sql(&namespace, &first, "ALTER SYSTEM SET autovacuum = off");
    sql(&namespace, &first, "SELECT pg_reload_conf()");
    sql(&namespace, &first, "INSERT INTO written SELECT generate_series(1, 100)");
    until_led_by(&namespace, &first);

    // Nobody receives the next ones.
    let receives = |_: &str, line: &str| line.contains("walreceiver");
    let frozen: Vec<String> = others.iter().flat_map(|pod| freeze(&namespace, pod, receives)).collect();
    sql(&namespace, &first, "SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
    for number in 101..=107 {
        sql(&namespace, &first, &format!("INSERT INTO written VALUES ({number})"));
    }
    freeze(&namespace, &first, |name, _| ["postgres", "patroni", "python3"].contains(&name));
    for process in frozen {
        run("kill", &["-CONT", &process]).ok();
    }
    let locked = until_said(&namespace, &["--dry-run"], 4, &format!("Patroni still has {first} as the leader"));
    look_at(&locked);
    proves("nobody is given up as long as Patroni's store has a leader");
    let dry = until_said(&namespace, &["--dry-run"], 0, "7 committed transactions");
    look_at(&dry);
    assert!(dry.contains("Patroni is paused, and stays so") && dry.contains("leader lock"), "{dry}");
    let from = format!("failover from {first} to ");
    let second =
        dry.split(&from).nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a candidate").to_owned();
    until_said(&namespace, &["--yes"], 4, &format!("7 transactions, are on {first} alone"));
    proves("seven transactions that only the old leader has are counted, and refused unless accepted");

    let done = namespace.changes(&[&FAILOVER[..], &["--to", &second, "--yes", "--accept-loss", "1MiB"]].concat());
    assert!(done.everything().contains(&format!("failover {first} -> {second} done")), "{done:?}");
    sql(&namespace, &second, "INSERT INTO written VALUES (200)");
    let numbers = |pod: &str| sql(&namespace, pod, "SELECT count(*), max(n) FROM written");
    assert_eq!(numbers(&second).trim(), "101|200");
    let labels = namespace.field("pods", "{range .items[*]}{.metadata.name}={.metadata.labels.role} {end}");
    assert!(labels.contains(&format!("{second}=primary")), "{labels}");
    eventually("Patroni of the old leader runs, and its server does not", || {
        let list = patronictl(&second, &["list", "-f", "tsv"]);
        let own = list.lines().find(|line| line.contains(&first)).unwrap_or_default().to_owned();
        if own.contains("stopped") { Ok(()) } else { Err(list) }
    });
    let paused = namespace.report("pat", &[]);
    assert!(row(&paused, &first)["role"]["value"].is_null(), "{paused}");
    proves(format!("{second} leads and takes writes; {first} is back in its pod, and stopped: Patroni is paused"));

    patronictl(&second, &["resume", "--wait"]);
    until_led_by(&namespace, &second);
    eventually("the same on the old leader", || {
        let there = numbers(&first);
        if there.trim() == "101|200" { Ok(()) } else { Err(there) }
    });
    proves(format!("resumed, Patroni rewinds {first}, which follows without the seven"));
}

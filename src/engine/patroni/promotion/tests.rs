//! Recorded from Patroni 4.1.5 on PostgreSQL 15.18: pg-0 leads, pg-1 and pg-2 stream from it; in synchronous mode commits
//! wait for pg-2.

use super::super::ENGINE;
use crate::engine::tests::{pod, printed, recorded};
use crate::engine::{Asked, Engine as _, GivenUp, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Answer, Known, Pod, ProbeOutput, Workload};
use crate::plan::{Effect, EngineCheck, Pin, Undo, Verdict};

const NAMES: [&str; 3] = ["pg-0", "pg-1", "pg-2"];

/// What all members answered, with one text in place of another in what Patroni said.
fn outputs(scene: &str, (from, to): (&str, &str)) -> Vec<ProbeOutput> {
    let mut found = false;
    let both = |name: &&str| {
        let own = recorded(&format!("patroni/4/{scene}-{name}.rest.txt"));
        found |= own.contains(from);
        let server = recorded(&format!("patroni/4/{scene}-{name}.sql.json"));
        [printed(name, "patroni", &own.replace(from, to)), printed(name, "postgres", &server)]
    };
    let outputs = NAMES.iter().flat_map(both).collect();
    assert!(found, "nobody says {from}");
    outputs
}

fn asked<T>(outputs: &[ProbeOutput], use_it: impl FnOnce(&Asked<'_>) -> T) -> T {
    let pods = NAMES.map(pod);
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = ENGINE.read(&Workload::default(), &pods, &outputs);
    use_it(&Asked { pods: &pods, outputs: &outputs, topology: &topology })
}

fn place(name: &str) -> Place {
    Place {
        pod: Pin { name: name.to_owned(), uid: format!("uid-{name}").as_str().into() },
        container: "patroni".into(),
        host: None,
    }
}

fn promotion_in(workload: &Workload, outputs: &[ProbeOutput], to: &str) -> Promotion {
    promotion_by(workload, outputs, to, Handing::Over(place("pg-0")))
}

fn promotion_by(workload: &Workload, outputs: &[ProbeOutput], to: &str, handing: Handing) -> Promotion {
    let promoting = Promoting {
        workload,
        candidate: place(to),
        handing,
        siblings: NAMES.iter().filter(|name| **name != "pg-0" && **name != to).map(|name| place(name)).collect(),
        max_lag_bytes: 0,
        path: Path::Auto,
        proven: false,
        verify: None,
        held_back: Known::Value(0),
    };
    asked(outputs, |asked| ENGINE.promotion(asked, &promoting))
}

fn promotion(scene: &str, change: (&str, &str), to: &str) -> Promotion {
    promotion_in(&Workload::default(), &outputs(scene, change), to)
}

const SAME: (&str, &str) = ("pg-0", "pg-0");

fn against(promotion: &Promotion) -> Vec<(&str, &str)> {
    promotion.objections.iter().map(|one| (one.code, one.measured.as_str())).collect()
}

#[test]
fn patroni_is_tried_and_then_ordered_once_and_leads_clients_itself() {
    let promotion = promotion("quorum", SAME, "pg-1");
    assert_eq!(against(&promotion), []);
    let said = |steps: &[crate::plan::Step]| steps.iter().map(|step| step.effect.to_string()).collect::<Vec<_>>();
    assert_eq!(said(&promotion.before), ["see that Patroni of pg-0 takes orders from inside its container"]);
    assert_eq!(said(&promotion.lead), ["have Patroni move the leader from pg-0 to pg-1"]);
    assert_eq!(said(&promotion.after), ["wait until everybody streams from pg-1"]);
    assert!(promotion.fence.is_empty() && promotion.leads_clients);
    let Effect::Command { argv, .. } = &promotion.lead[0].effect else { panic!("no command") };
    assert_eq!(argv[4..], ["pg-0", "pg-1", r#"{"candidate":"pg-1","leader":"pg-0"}"#]);
    let Undo::Barrier { by, why } = &promotion.lead[0].undo else { panic!("a way back") };
    assert!(why.contains("promote --to pg-0"), "{why}");
    assert_eq!(by.effect.to_string(), "see that pg-0 goes on leading, and no switchover is on its way");
}

#[test]
fn a_standby_that_no_commit_waits_for_is_refused_in_synchronous_mode() {
    assert_eq!(against(&promotion("sync", SAME, "pg-2")), []);
    let refused = promotion("sync", SAME, "pg-1");
    assert_eq!(against(&refused), [("notSync", "commits wait for pg-2, not for pg-1")]);
    assert_eq!(refused.lead.len(), 0);
}

#[test]
fn what_patroni_would_refuse_late_or_not_at_all_is_refused_before() {
    fn codes(change: (&str, &str)) -> Vec<(&'static str, String)> {
        let promotion = promotion("quorum", change, "pg-1");
        promotion.objections.into_iter().map(|one| (one.code, one.measured)).collect()
    }
    let one = |code, measured: &str| vec![(code, measured.to_owned())];
    let plan = r#""scope": "demo", "scheduled_switchover": {"at": "2030-01-01T00:00:00+00:00", "from": "pg-0", "to": "pg-2"}}"#;
    let waits = "Patroni will switch over to pg-2 at 2030-01-01T00:00:00+00:00";
    let pause = r#""scope": "demo", "pause": true}"#;
    assert_eq!(codes((r#""scope": "demo"}"#, pause)), one("paused", "Patroni is paused"));
    assert_eq!(codes((r#""scope": "demo"}"#, plan)), one("scheduled", waits));
    let barred = "pg-1 has the tag nofailover, or failover_priority 0";
    let tagged = |tag: &str| codes((r#""name": "pg-1", "role""#, &format!(r#""name": "pg-1", "tags": {tag}, "role""#)));
    for tag in [r#"{"nofailover": true}"#, r#"{"failover_priority": 0}"#] {
        assert_eq!(tagged(tag), one("nofailover", barred), "{tag}");
    }
    assert_eq!(tagged(r#"{"nofailover": false, "failover_priority": 0}"#), []);
    let stopped =
        (r#""name": "pg-2", "role": "quorum_standby", "state": "streaming""#, r#""name": "pg-2", "state": "stopped""#);
    assert_eq!(codes(stopped), one("notRunning", "pg-2 is stopped"));
    let archive = (r#""role": "quorum_standby", "state": "streaming""#, r#""state": "in archive recovery""#);
    assert_eq!(codes(archive).len(), 2);
    let nobody = (r#""role": "leader""#, r#""role": "replica""#);
    assert_eq!(codes(nobody), one("leader", "Patroni has no leader"));
}

#[test]
fn members_that_do_not_answer_are_unknown_and_pgo_takes_no_orders() {
    let mut silent = outputs("quorum", SAME);
    silent.retain(|output| !(output.pod.as_str() == "pg-2" && output.id == "patroni"));
    let refused = promotion_in(&Workload::default(), &silent, "pg-1");
    assert_eq!(against(&refused), [("silent", "Patroni of pg-2 does not answer: not asked")]);
    let mut workload = Workload::default();
    workload.meta.labels.insert("postgres-operator.crunchydata.com/cluster".to_owned(), "hippo".to_owned());
    let refused = promotion_in(&workload, &outputs("quorum", SAME), "pg-1");
    assert_eq!(refused.objections[0].code, "owner");
    assert!(refused.objections[0].way_out.as_ref().is_some_and(|way| way.contains("patronictl switchover")));
}

#[test]
fn what_a_switchover_waits_for_is_judged_by_what_servers_say() {
    let judge = |scene, code, pod| {
        let check = EngineCheck::new(code, &[("pod", pod), ("leader", "pg-0")], "");
        asked(&outputs(scene, SAME), |asked| ENGINE.judge(&check, asked))
    };
    assert_eq!(judge("sync", "leads", "pg-0"), Verdict::Holds);
    assert_eq!(judge("sync", "leads", "pg-1"), Verdict::not_yet("pg-0 leads, not pg-1"));
    assert_eq!(judge("sync", "streams-from", "pg-1"), Verdict::Holds);
    assert_eq!(judge("sync", "streams-from", "pg-0"), Verdict::broken("pg-0 takes writes beside pg-0"));
    assert_eq!(judge("sync", "streams-from", "pg-9"), Verdict::not_yet("pg-9 is not there"));
}

/// What is said by those who are left when pg-0 says nothing; in the store nobody leads unless a change says so.
fn orphans(changes: &[(&str, &str)]) -> Vec<ProbeOutput> {
    let mut outputs = outputs("quorum", (r#""role": "leader""#, r#""role": "replica""#));
    outputs.retain(|output| output.pod.as_str() != "pg-0");
    for (from, to) in changes {
        let mut found = false;
        for output in &mut outputs {
            let Answer::Ended { stdout: text, .. } = &mut output.answer else { panic!("an answer") };
            found |= text.contains(from);
            *text = text.replace(from, to);
        }
        assert!(found, "nobody says {from}");
    }
    outputs
}

fn failover(changes: &[(&str, &str)], remains: Option<&str>, node_ready: bool) -> Promotion {
    failover_by(orphans(changes), remains, node_ready)
}

fn failover_by(mut outputs: Vec<ProbeOutput>, remains: Option<&str>, node_ready: bool) -> Promotion {
    outputs.extend(remains.map(|remains| printed("pg-0", "postgres-remains", remains)));
    let lost = GivenUp {
        pod: "pg-0".into(),
        place: remains.map(|_| place("pg-0")),
        container: "patroni".into(),
        claims: Vec::new(),
        node: Pin { name: "node-1".to_owned(), uid: "n1".into() },
        node_ready,
    };
    promotion_by(&Workload::default(), &outputs, "pg-1", Handing::Up(lost))
}

const PAUSED: (&str, &str) = (r#""scope": "demo"}"#, r#""scope": "demo", "pause": true}"#);

#[test]
fn a_leader_that_does_not_answer_is_given_up_only_when_nobody_has_the_lock() {
    let locked = (r#""name": "pg-0", "role": "replica""#, r#""name": "pg-0", "role": "leader""#);
    let refused = failover(&[locked], None, true);
    assert_eq!(against(&refused), [("leader", "Patroni still has pg-0 as the leader")]);
    let way_out = |refused: &Promotion| refused.objections[0].way_out.clone().unwrap_or_default();
    assert!(way_out(&refused).contains("by itself"), "{}", way_out(&refused));
    assert_eq!(way_out(&failover(&[locked, PAUSED], None, true)), "wait until it has run out");
    let mut storeless = orphans(&[]);
    for output in storeless.iter_mut().filter(|output| output.id == "patroni") {
        let Answer::Ended { stdout, .. } = &mut output.answer else { panic!("an answer") };
        *stdout = stdout.lines().next().map(str::to_owned).unwrap_or_default();
    }
    assert_eq!(against(&failover_by(storeless, None, true)), [("store", "Patroni of pg-1 does not reach its store")]);
    let tagged = failover(
        &[(r#""name": "pg-1", "role""#, r#""name": "pg-1", "tags": {"nofailover": true}, "role""#)],
        None,
        true,
    );
    assert_eq!(against(&tagged), [("nofailover", "pg-1 has the tag nofailover, or failover_priority 0")]);
}

#[test]
fn without_a_leader_patroni_is_ordered_to_make_one_and_a_pause_is_told() {
    let promotion = failover(&[PAUSED], None, true);
    assert_eq!(against(&promotion), []);
    assert!(promotion.leads_clients && promotion.notes.iter().any(|note| note.contains("patronictl resume")));
    let Effect::Command { argv, pod, .. } = &promotion.lead[0].effect else { panic!("no command") };
    assert_eq!((pod.name.as_str(), &argv[4..]), ("pg-1", &["pg-1", r#"{"candidate":"pg-1"}"#].map(str::to_owned)[..]));
    assert!(matches!(promotion.lead[0].undo, Undo::Barrier { .. }));
    assert_eq!(promotion.after[0].effect.to_string(), "wait until pg-2 streams from pg-1");
    assert!(promotion.failover.as_ref().is_some_and(|failover| failover.rejoin.is_none()));

    // Where Patroni may start it, the old leader is waited for.
    let words = |paused: &[_], ready| failover(paused, None, ready).after[0].ensures.len();
    assert_eq!((words(&[PAUSED], true), words(&[], true)), (1, 2));
}

#[test]
fn what_is_lost_is_measured_beside_the_server_or_at_least_so_much() {
    let unknown = failover(&[PAUSED, (r#""lag": 0"#, r#""lag": 32768"#)], None, true);
    assert!(unknown.manner.contains("cannot be measured (nothing runs in pg-0)"), "{}", unknown.manner);
    assert!(unknown.manner.contains("pg-1 lacks at least 32Ki of what Patroni last heard of"), "{}", unknown.manner);
    let loss = unknown.failover.expect("a failover").loss;
    assert_eq!(loss.bytes, Known::unknown("nothing runs in pg-0"));
    let measured = r#"{"from":"0/4000000","end":"0/4000900","commits":3,"said":""}"#;
    let manner = failover(&[PAUSED], Some(measured), true).manner;
    assert!(manner.contains("3 committed transactions") && manner.contains("last heard of"), "{manner}");
}

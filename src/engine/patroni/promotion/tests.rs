//! Recorded from Patroni 4.1.5 on PostgreSQL 15.18: pg-0 leads, pg-1 and pg-2 stream from it; in synchronous mode commits
//! wait for pg-2.

use super::super::ENGINE;
use crate::engine::tests::{pod, printed, recorded};
use crate::engine::{Asked, Engine as _, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Known, Pod, ProbeOutput, Workload};
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

fn promotion_in(workload: &Workload, outputs: &[ProbeOutput], to: &str) -> Promotion {
    let place = |name: &str| Place {
        pod: Pin { name: name.to_owned(), uid: format!("uid-{name}").as_str().into() },
        container: "patroni".into(),
        host: None,
    };
    let promoting = Promoting {
        workload,
        candidate: place(to),
        handing: Handing::Over(place("pg-0")),
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

use super::super::MYSQL;
use super::super::probe;
use super::super::tests::{BOTH, MARIA, MY, NAMES, answer, pods};
use crate::engine::tests::{printed, recorded};
use crate::engine::{Asked, Engine, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Known, Pod, ProbeOutput, Workload};
use crate::plan::{EngineCheck, Pin, Undo, Verdict};

fn place(name: &str) -> Place {
    let pod = Pin { name: name.to_owned(), uid: format!("uid-{name}").as_str().into() };
    Place { pod, container: "main".into(), host: Some(format!("{name}.db")) }
}

/// Asks what has to happen for db-1 to become the primary, by what these outputs say.
fn promotion_of(outputs: &[ProbeOutput]) -> Promotion {
    let pods = pods();
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let workload = Workload::default();
    let topology = MYSQL.read(&workload, &pods, &outputs);
    let promoting = Promoting {
        workload: &workload,
        candidate: place("db-1"),
        handing: Handing::Over(place("db-0")),
        siblings: vec![place("db-2")],
        max_lag_bytes: 0,
        path: Path::Auto,
        proven: false,
        verify: None,
        held_back: Known::Value(0),
    };
    MYSQL.promotion(&Asked { pods: &pods, outputs: &outputs, topology: &topology }, &promoting)
}

fn promotion(folder: &str, scene: &str) -> Promotion {
    promotion_of(&NAMES.map(|name| answer(folder, scene, name)))
}

fn against(promotion: &Promotion) -> Vec<(&'static str, &str)> {
    promotion.objections.iter().map(|one| (one.code, one.measured.as_str())).collect()
}

#[test]
fn a_replica_becomes_the_primary_after_the_old_one_is_fenced_and_turned() {
    for folder in BOTH {
        let promotion = promotion(folder, "healthy");
        assert_eq!(against(&promotion), [], "{folder}");
        let parts = [&promotion.before, &promotion.fence, &promotion.lead, &promotion.after];
        let said = parts.map(|steps| steps.iter().map(|step| step.effect.to_string()).collect::<Vec<_>>());
        assert_eq!(said[0], ["see that db-0 can connect to db-1 as its replica"]);
        let fence = [
            "let db-0 take no more writes, and send its clients away",
            "wait until db-1 has executed everything that db-0 has",
            "let db-0 follow db-1",
        ];
        assert_eq!(said[1], fence);
        assert_eq!(
            (said[2].clone(), said[3].clone()),
            (vec!["let db-1 take writes".to_owned()], vec!["let db-2 follow db-1".to_owned()])
        );
        assert!(matches!(promotion.lead[0].undo, Undo::Barrier { .. }));
        assert_eq!(promotion.lead[0].requires.len(), 1, "the old primary is seen to take no writes");
        assert!(promotion.fence.iter().all(|step| !step.undo.is_final()));
    }
}

#[test]
fn a_replica_that_could_not_lead_is_refused_with_the_reason() {
    let codes = |folder, scene| against(&promotion(folder, scene)).iter().map(|(code, _)| *code).collect::<Vec<_>>();
    assert_eq!(codes(MY, "stopped"), ["notReplicating"], "db-2 would not get everything");
    assert_eq!(codes(MY, "cut"), ["notReplicating"]);
    assert_eq!(codes(MY, "delayed"), ["replayDelayed"]);
    assert_eq!(codes(MY, "chained"), ["writable", "source", "errant"]);
    for folder in BOTH {
        assert_eq!(codes(folder, "errant"), ["writable", "errant"], "{folder}");
    }
    let with = |name: &str, from: &str, to: &str| {
        let text = |one: &str| recorded(&format!("mysql/9.7.4/healthy-{one}.txt"));
        let changed = |one: &str| if one == name { text(one).replace(from, to) } else { text(one) };
        let promotion = promotion_of(&NAMES.map(|one| printed(one, probe::ID, &changed(one))));
        promotion.objections.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(with("db-0", "gtid_mode\tON", "gtid_mode\tOFF"), ["gtid"]);
    assert_eq!(with("db-1", "log_bin\tON", "log_bin\tOFF"), ["log"]);
    assert_eq!(with("db-0", "version\t9.7.4", "version\t9.6.0"), ["version"]);
    assert_eq!(with("db-1", "gtid_purged\t", "gtid_purged\tb5265278-e5b3-11f1-a2bf-689dd8656f00:1-3"), ["purged"]);
    assert_eq!(with("db-2", "db-2", "db-2"), [] as [&str; 0]);
}

#[test]
fn a_group_moves_its_primary_by_itself_and_galera_has_none() {
    let group = promotion(MY, "group-healthy");
    assert_eq!((against(&group), group.fence.len(), group.lead.len()), (vec![], 0, 1));
    assert_eq!(group.lead[0].effect.to_string(), "let the group make db-1 its primary");
    let galera = promotion(MARIA, "galera-healthy");
    assert_eq!(against(&galera), [("noPromotion", "every member of a MariaDB Galera takes writes")]);
    let silent = promotion_of(&[answer(MY, "healthy", "db-0"), answer(MY, "healthy", "db-1")]);
    assert_eq!(against(&silent), [("silent", "db-2 does not answer: not asked")]);
}

#[test]
fn what_a_switchover_waits_for_is_judged_by_what_members_say() {
    let judge = |code, pod, scene: &str| {
        let pods = pods();
        let pods: Vec<&Pod> = pods.iter().collect();
        let outputs = NAMES.map(|name| answer(MY, scene, name));
        let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
        let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
        let check = EngineCheck::new(code, &[("pod", pod), ("primary", "db-0")], "");
        MYSQL.judge(&check, &Asked { pods: &pods, outputs: &outputs, topology: &topology })
    };
    assert_eq!(judge("primary", "db-0", "healthy"), Verdict::Holds);
    assert!(matches!(judge("primary", "db-1", "healthy"), Verdict::NotYet { .. }));
    assert_eq!(judge("fenced", "db-1", "healthy"), Verdict::Holds);
    assert!(matches!(judge("fenced", "db-0", "healthy"), Verdict::Broken { .. }));
    assert_eq!(judge("follows", "db-1", "healthy"), Verdict::Holds);
    assert!(matches!(judge("follows", "db-1", "cut"), Verdict::NotYet { .. }));
    assert!(matches!(judge("follows", "db-2", "chained"), Verdict::NotYet { .. }));
    assert!(matches!(judge("follows", "db-2", "split"), Verdict::Broken { .. }));
}

use super::super::MYSQL;
use super::super::probe;
use super::super::tests::{BOTH, MARIA, MY, NAMES, answer, pods};
use crate::engine::tests::{printed, recorded};
use crate::engine::{Asked, Engine, GivenUp, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Answer, Known, Pod, ProbeOutput, Workload};
use crate::plan::{EngineCheck, Pin, Undo, Verdict, When};

fn place(name: &str) -> Place {
    let pod = Pin { name: name.to_owned(), uid: format!("uid-{name}").as_str().into() };
    Place { pod, container: "main".into(), host: Some(format!("{name}.db")) }
}

/// Asks what has to happen for db-1 to become the primary, by what these outputs say.
fn promotion_of(outputs: &[ProbeOutput]) -> Promotion {
    promotion_by(outputs, Handing::Over(place("db-0")))
}

fn promotion_by(outputs: &[ProbeOutput], handing: Handing) -> Promotion {
    let pods = pods();
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let workload = Workload::default();
    let topology = MYSQL.read(&workload, &pods, &outputs);
    let promoting = Promoting {
        workload: &workload,
        candidate: place("db-1"),
        handing,
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

/// What the recorded members have executed and received.
const ALL: &str = "1542aa7d-e5b4-11f1-a545-30ba163deffa:1-3";

/// What is said by those who are left when db-0 says nothing, one of them with one text in place of another.
fn orphans(folder: &str, scene: &str, (name, from, to): (&str, &str, &str)) -> Vec<ProbeOutput> {
    let said = |one: &&str| {
        let text = recorded(&format!("{folder}/{scene}-{one}.txt"));
        assert!(*one != name || text.contains(from), "{one} does not say {from}");
        printed(one, probe::ID, &if *one == name { text.replace(from, to) } else { text })
    };
    NAMES[1..].iter().map(said).collect()
}

/// The failover to db-1; `remains` is what was found beside db-0's server.
fn failover(mut outputs: Vec<ProbeOutput>, remains: Option<&str>, node_ready: bool) -> Promotion {
    outputs.extend(remains.map(|remains| printed("db-0", "mysql-remains", remains)));
    let lost = GivenUp {
        pod: "db-0".into(),
        place: remains.map(|_| place("db-0")),
        container: "main".into(),
        claims: Vec::new(),
        node: Pin { name: "node-1".to_owned(), uid: "n1".into() },
        node_ready,
    };
    promotion_by(&outputs, Handing::Up(lost))
}

const SAME: (&str, &str, &str) = ("", "", "");

#[test]
fn a_primary_that_does_not_answer_is_given_up_and_made_to_stay_read_only() {
    let promotion = failover(orphans(MY, "healthy", SAME), None, true);
    assert_eq!(against(&promotion), []);
    assert!(promotion.before.is_empty() && promotion.fence.is_empty(), "the planner fences");
    assert_eq!(promotion.lead[0].effect.to_string(), "let db-1 take writes");
    let needs: Vec<String> = promotion.lead[0].requires.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["db-1 with all that it received, nobody receiving from db-0, nobody further"]);
    assert!(matches!(promotion.lead[0].undo, Undo::Barrier { .. }));
    assert_eq!(promotion.after[0].effect.to_string(), "let db-2 follow db-1");
    let failover = promotion.failover.expect("a failover");
    assert_eq!(failover.loss.bytes, Known::unknown("nothing runs in db-0"));
    let rejoin = failover.rejoin.expect("a helper");
    assert_eq!(rejoin.rejoined.iter().map(ToString::to_string).collect::<Vec<_>>(), ["db-0 takes no writes"]);
    let [step] = rejoin.after.as_slice() else { panic!("{:?}", rejoin.after) };
    assert_eq!((step.effect.to_string().as_str(), step.when), ("let db-0 follow db-1", When::UnlessSeen));
    let needs: Vec<String> = step.requires.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["db-0 takes no writes", "db-0 with nothing that db-1 has not"]);
}

#[test]
fn an_old_primary_with_transactions_of_its_own_is_left_alone() {
    let source = ALL.split(':').next().expect("a source");
    let of = |remains: &str| {
        let promotion = failover(orphans(MY, "healthy", SAME), Some(remains), true);
        let rejoin = promotion.failover.expect("a failover").rejoin.expect("a helper");
        (promotion.notes.concat(), rejoin.after.len())
    };
    let (note, steps) = of(&format!("before {ALL}\nlost {source}:4,{source}:5\n"));
    assert_eq!(steps, 0);
    assert!(note.ends_with("with 2 committed transactions that db-1 has not: it has to be cloned anew"), "{note}");
    let (note, steps) = of(&format!("before {ALL}\nlost \n"));
    assert_eq!(steps, 1);
    assert!(note.contains("follows db-1 if it has nothing that db-1 has not"), "{note}");
}

/// Judges a check of one member's way back to another one, who lead by what is said.
fn of_return(code: &str, pod: &str, primary: &str, outputs: &[ProbeOutput]) -> Verdict {
    let pods = pods();
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
    let check = EngineCheck::new(code, &[("pod", pod), ("primary", primary)], "");
    MYSQL.judge(&check, &Asked { pods: &pods, outputs: &outputs, topology: &topology })
}

#[test]
fn an_old_primary_follows_only_with_nothing_of_its_own() {
    let with = |number: u32| {
        let text = recorded("mysql/9.7.4/healthy-db-0.txt").replace("read_only\tOFF", "read_only\tON");
        let own = printed("db-0", probe::ID, &text.replace(ALL, &ALL.replace("1-3", &format!("1-{number}"))));
        [own, answer(MY, "healthy", "db-1"), answer(MY, "healthy", "db-2")]
    };
    let judge = |code, number| of_return(code, "db-0", "db-1", &with(number));
    assert_eq!(judge("contained", 3), Verdict::Holds);
    assert_eq!(judge("rejoined", 3), Verdict::not_yet("db-0 does not follow db-1 yet"));
    let rest = ALL.replace("1-3", "4-5");
    let why = format!("db-0 has what db-1 has not, and has to be cloned anew: {rest}");
    assert_eq!((judge("contained", 5), judge("rejoined", 5)), (Verdict::broken(why), Verdict::Holds));
    let silent = of_return("contained", "db-0", "db-1", &with(3)[..1]);
    assert_eq!(silent, Verdict::not_yet("db-1 does not answer (not asked)"));
    let following = NAMES.map(|name| answer(MY, "healthy", name));
    assert_eq!(of_return("rejoined", "db-1", "db-0", &following), Verdict::Holds);
}

#[test]
fn an_old_mariadb_primary_is_looked_for_in_the_log_of_the_new_one() {
    let contained = |pod, primary, said| of_return("contained", pod, primary, &orphans(MARIA, "orphaned", said));
    assert_eq!(contained("db-2", "db-1", SAME), Verdict::Holds);
    let why = "db-1 has what db-2 has not, and has to be cloned anew: 0-100-8";
    assert_eq!(contained("db-1", "db-2", SAME), Verdict::broken(why));
    // A higher number by another server is no proof.
    let parted = ("db-1", "gtid_binlog_state\t0-100-8", "gtid_binlog_state\t0-100-2,0-101-9");
    assert!(matches!(contained("db-2", "db-1", parted), Verdict::Broken { .. }));
    let unknown = ("db-1", "gtid_binlog_state\t0-100-8", "other\t");
    let why = "what db-2 has and db-1 has not is not known";
    assert_eq!(contained("db-2", "db-1", unknown), Verdict::not_yet(why));
}

#[test]
fn what_only_the_old_primary_has_is_counted_in_its_log() {
    let lost = |remains: &str| {
        let promotion = failover(orphans(MY, "healthy", SAME), Some(remains), true);
        let loss = promotion.failover.expect("a failover").loss;
        (promotion.manner, loss.transactions.value().copied(), loss.bytes.value().copied())
    };
    let source = ALL.split(':').next().expect("a source");
    let (manner, transactions, bytes) = lost(&format!("before {ALL}\nlost {source}:3,{source}:4,{source}:5\n"));
    assert_eq!((transactions, bytes), (Some(2), None), "one of them has come since");
    assert!(manner.ends_with("with it 2 committed transactions that only it has"), "{manner}");
    assert_eq!((lost(&format!("before {ALL}\nlost \n")).1, lost("before \nlost \n").2), (Some(0), Some(0)));
    let (manner, transactions, _) = lost(&format!("before {source}:1-9\nlost \n"));
    assert_eq!(transactions, None);
    assert!(manner.contains("db-1 lacks more than the last two files of its log hold"), "{manner}");
    assert_eq!(lost("mysqlbinlog: not found").1, None);
}

#[test]
fn what_only_an_old_mariadb_primary_has_is_counted_number_by_number() {
    let lost = |remains: &str, said: (&str, &str, &str)| {
        let promotion = failover(orphans(MARIA, "orphaned", said), Some(remains), true);
        let loss = promotion.failover.expect("a failover").loss;
        (promotion.manner, loss.transactions.value().copied(), loss.bytes.value().copied())
    };
    let recorded = recorded("mariadb/10.11.18/orphaned-remains.txt");
    let (manner, transactions, bytes) = lost(&recorded, SAME);
    assert_eq!((transactions, bytes), (Some(2), None));
    assert_eq!(manner, "db-0 is given up, and with it 2 committed transactions that only it has");
    let since = ("db-1", "Slave_Pos\t0-100-8", "Slave_Pos\t0-100-10");
    assert_eq!((lost(&recorded, since).1, lost(&recorded, since).2), (Some(0), Some(0)), "they have come since");
    let (manner, transactions, _) = lost("before 0-100-9\nlost 0-100-10\n", SAME);
    assert_eq!(transactions, None);
    assert!(manner.contains("db-1 lacks more than the last two files of its log hold"), "{manner}");
    assert_eq!(lost("before \nlost none\n", SAME).1, None);
}

#[test]
fn who_could_not_lead_without_a_primary_is_refused_with_the_reason() {
    let codes =
        |outputs, ready| failover(outputs, None, ready).objections.into_iter().map(|one| one.code).collect::<Vec<_>>();
    let more = ALL.replace("1-3", "1-4");
    assert_eq!(codes(orphans(MY, "healthy", ("db-2", ALL, &more)), true), ["behind"]);
    assert_eq!(codes(orphans(MY, "healthy", ("db-1", ALL, &more)), true), [] as [&str; 0]);
    assert_eq!(codes(orphans(MY, "healthy", SAME), false), ["alive", "alive"]);
    assert_eq!(codes(orphans(MY, "healthy", ("db-1", "log_bin\tON", "log_bin\tOFF")), true), ["log"]);
    assert_eq!(codes(orphans(MY, "healthy", ("db-2", "gtid_mode\tON", "gtid_mode\tOFF")), true)[0], "gtid");
    assert_eq!(codes(orphans(MY, "delayed", SAME), true), ["replayDelayed"]);
    assert_eq!(codes(orphans(MY, "group-healthy", SAME), true), ["noPromotion"]);
    assert_eq!(
        codes(orphans(MARIA, "healthy", SAME), true),
        ["comesBack"],
        "where it reads options was not looked for"
    );
    assert_eq!(codes(orphans(MARIA, "orphaned", SAME), true), [] as [&str; 0]);
    let elsewhere = ("db-1", "home\t/var/lib/mysql", "home\t/home/mysql");
    assert_eq!(codes(orphans(MARIA, "orphaned", elsewhere), true), ["comesBack"]);
    let further = ("db-2", "Slave_Pos\t0-100-3", "Slave_Pos\t0-100-9");
    assert_eq!(codes(orphans(MARIA, "orphaned", further), true), ["behind"]);
    assert_eq!(codes(orphans(MARIA, "galera-healthy", SAME), true), ["noPromotion"]);
    assert!(codes(vec![answer(MY, "healthy", "db-1")], true) == ["silent"]);
}

#[test]
fn nobody_leads_alone_before_everything_that_was_received_is_executed() {
    let judge = |outputs: &[ProbeOutput]| {
        let pods = pods();
        let pods: Vec<&Pod> = pods.iter().collect();
        let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
        let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
        let check = EngineCheck::new("received", &[("pod", "db-1"), ("from", "db-0")], "");
        MYSQL.judge(&check, &Asked { pods: &pods, outputs: &outputs, topology: &topology })
    };
    let receiving = orphans(MY, "healthy", SAME);
    assert_eq!(judge(&receiving), Verdict::not_yet("db-1 still receives from db-0"));
    let cut = |name: &str, from: &str, to: &str| {
        let mut outputs = receiving.clone();
        for output in &mut outputs {
            let Answer::Ended { stdout, .. } = &mut output.answer else { panic!("an answer") };
            *stdout = stdout.replace("\tYes\tYes\t", "\tConnecting\tYes\t");
            if output.pod.as_str() == name {
                assert!(stdout.contains(from), "{from}");
                *stdout = stdout.replace(from, to);
            }
        }
        outputs
    };
    assert_eq!(judge(&cut("", "", "")), Verdict::Holds);
    let source = ALL.split(':').next().expect("a source");
    let executed = |last| format!("gtid_executed\t{source}:1-{last}");
    let late = judge(&cut("db-1", &executed(3), &executed(2)));
    assert_eq!(late, Verdict::not_yet(format!("db-1 has not executed {source}:3 yet")));
    let further = judge(&cut("db-2", &executed(3), &executed(4)));
    assert_eq!(further, Verdict::broken(format!("db-2 has what db-1 has not: {source}:4")));
}

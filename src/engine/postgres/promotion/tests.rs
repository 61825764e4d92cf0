//! Recorded from PostgreSQL 17.11: db-0 the primary, db-1 and db-2 streaming from it through slots.

use serde_json::{Value, json};

use super::{check, promotion};
use crate::engine::postgres::{ENGINE, probe};
use crate::engine::tests::{pod, printed, recorded};
use crate::engine::{Asked, Engine as _, GivenUp, Handing, Path, Place, Promoting, Promotion};
use crate::model::{ContainerSpec, Known, Pod, ProbeOutput, Workload};
use crate::plan::{Check, Effect, EngineCheck, Pin, Undo, Verdict};

/// What each of the three servers said, to be changed.
struct Scene([Value; 3], Option<String>);

fn place(name: &str) -> Place {
    Place {
        pod: Pin { name: name.to_owned(), uid: format!("uid-{name}").as_str().into() },
        container: "postgres".into(),
        host: Some(format!("{name}.db.shop.svc")),
    }
}

const NAMES: [&str; 3] = ["db-0", "db-1", "db-2"];

impl Scene {
    fn new() -> Self {
        let said = NAMES.map(|name| {
            serde_json::from_str(&recorded(&format!("postgres/17/promote-{name}.json"))).expect("a recording")
        });
        Self(said, None)
    }

    /// Changes one field of one server's answer.
    fn with(mut self, server: usize, path: &str, value: Value) -> Self {
        *self.0[server].pointer_mut(path).expect("a field") = value;
        self
    }

    fn asked<T>(&self, use_it: impl FnOnce(&Asked<'_>) -> T) -> T {
        let pods: Vec<Pod> = NAMES.map(pod).to_vec();
        let pods: Vec<&Pod> = pods.iter().collect();
        let mut outputs: Vec<ProbeOutput> =
            NAMES.iter().zip(&self.0).map(|(name, said)| printed(name, probe::ID, &said.to_string())).collect();
        outputs.extend(self.1.iter().map(|remains| printed("db-0", "postgres-remains", remains)));
        let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
        let topology = ENGINE.read(&Workload::default(), &pods, &outputs);
        use_it(&Asked { pods: &pods, outputs: &outputs, topology: &topology })
    }

    fn promotion(&self, path: Path, image: &str) -> Promotion {
        self.promotion_of(path, image, Known::Value(0))
    }

    fn promotion_of(&self, path: Path, image: &str, held_back: Known<u64>) -> Promotion {
        self.promotion_by(Handing::Over(place("db-0")), path, image, held_back)
    }

    /// The promotion of db-1 when db-0 says nothing; `remains` is what was found beside its server.
    fn failover(mut self, remains: &str, node_ready: bool) -> Promotion {
        self.0[0] = Value::Null;
        self.1 = Some(remains.to_owned());
        let lost = GivenUp {
            pod: "db-0".into(),
            place: Some(place("db-0")),
            container: "postgres".into(),
            claims: Vec::new(),
            node: Pin { name: "node-1".to_owned(), uid: "n1".into() },
            node_ready,
        };
        self.promotion_by(Handing::Up(lost), Path::Auto, "postgres:17", Known::Value(0))
    }

    fn promotion_by(&self, handing: Handing, path: Path, image: &str, held_back: Known<u64>) -> Promotion {
        let mut workload = Workload::default();
        workload.template.containers = vec![ContainerSpec {
            name: "postgres".into(),
            image: image.to_owned(),
            own_entrypoint: true,
            ..ContainerSpec::default()
        }];
        let promoting = Promoting {
            workload: &workload,
            candidate: place("db-1"),
            handing,
            siblings: vec![place("db-2")],
            max_lag_bytes: 1 << 24,
            path,
            proven: false,
            verify: Some("db-rw".to_owned()),
            held_back,
        };
        self.asked(|asked| promotion(asked, &promoting))
    }

    fn refused(&self) -> Vec<&'static str> {
        self.promotion(Path::Auto, "postgres:17").objections.iter().map(|objection| objection.code).collect()
    }

    fn judge(&self, code: &str, about: &[(&str, &str)]) -> Verdict {
        let check = EngineCheck::new(code, about, "");
        self.asked(|asked| check::judge(&check, asked)).expect("a check of a switchover")
    }
}

fn words(promotion: &Promotion) -> Vec<String> {
    let Promotion { before, fence, lead, after, .. } = promotion;
    [before, fence, lead, after].into_iter().flatten().map(|step| step.effect.to_string()).collect()
}

#[test]
fn the_official_image_is_not_waited_for() {
    let promotion = Scene::new().promotion(Path::Auto, "docker.io/library/postgres:17");
    assert_eq!(promotion.objections, []);
    assert_eq!(
        words(&promotion),
        [
            "create replication slots db_0, db_2 on db-1",
            "tell db-0 to come back as a standby of db-1",
            "stop db-0, and promote db-1 once it holds the end of its log",
            "let db-2 follow db-1",
            "watch db-0 come back as a standby of db-1",
            "take away what held db-0 back and the slots db_1, db_2",
        ]
    );
    assert!(promotion.fence.is_empty() && matches!(promotion.lead[0].undo, Undo::Barrier { .. }));
    assert!(matches!(promotion.before[1].effect, Effect::Pass { .. }), "conninfo passes in memory only");
}

#[test]
fn any_other_start_up_is_seen_as_a_standby_before_anybody_is_promoted() {
    for (path, image, fences) in
        [(Path::Auto, "example/database:17", 1), (Path::Safe, "postgres:17", 1), (Path::Fast, "example/database:17", 0)]
    {
        let promotion = Scene::new().promotion(path, image);
        assert_eq!(promotion.fence.len(), fences, "{path:?} {image}");
    }
    let safe = Scene::new().promotion(Path::Safe, "postgres:17");
    let ensures: Vec<String> = safe.fence[0].ensures.iter().map(ToString::to_string).collect();
    assert_eq!(ensures, ["db-0 back as a standby, db-1 with everything it had"]);
}

#[test]
fn a_container_that_is_held_back_is_told_with_the_figure() {
    let held = |path, seconds| Scene::new().promotion_of(path, "postgres:17", seconds);
    let safe = held(Path::Safe, Known::Value(40));
    assert!(safe.manner.contains("writes pause for as long as its container takes to start, some 42 s"), "{safe:?}");
    let fast = held(Path::Auto, Known::Value(40));
    assert!(fast.manner.contains("about half a second") && fast.notes[0].contains("after some 40 s"), "{fast:?}");
    let unknown = held(Path::Safe, Known::Unknown("nobody says".to_owned()));
    assert!(unknown.manner.contains("2 s to 5 min: nobody says"), "{unknown:?}");
    assert_eq!(held(Path::Auto, Known::Value(0)).notes, [""; 0]);
}

#[test]
fn a_version_on_which_the_end_of_the_log_was_never_told_is_waited_for() {
    let mut scene = Scene::new();
    for server in 0..3 {
        scene = scene.with(server, "/settings/server_version_num", json!("180001"));
    }
    assert_eq!(scene.promotion(Path::Fast, "postgres:18").fence.len(), 1);
}

#[test]
fn what_makes_a_bad_primary_is_refused() {
    let cases = [
        ("replayPaused", 1, "/replay_paused", json!(true)),
        ("replayPaused", 1, "/replay_paused", json!(null)),
        ("replayDelayed", 1, "/settings/recovery_min_apply_delay", json!("60000")),
        ("notStreaming", 1, "/wal_receiver", json!(null)),
        ("otherData", 1, "/system_identifier", json!("1")),
        ("otherData", 1, "/system_identifier", json!(null)),
        ("timeline", 1, "/wal_receiver/received_tli", json!(99)),
        ("settings", 1, "/settings/max_connections", json!("50")),
        ("settings", 1, "/settings/max_connections", json!("150")),
        ("settings", 2, "/settings/max_worker_processes", json!("4")),
        ("settings", 1, "/settings/default_transaction_read_only", json!("on")),
        ("walSenders", 1, "/settings/max_wal_senders", json!("1")),
        ("slots", 1, "/settings/max_replication_slots", json!("1")),
        ("logicalSlots", 0, "/slots/0/slot_type", json!("logical")),
        ("backup", 0, "/standbys/1/state", json!("backup")),
        ("version", 0, "/settings/server_version_num", json!("110009")),
    ];
    for (code, server, path, value) in cases {
        let refused = Scene::new().with(server, path, value.clone()).refused();
        assert!(refused.contains(&code), "{code} by {path} = {value}: {refused:?}");
    }
}

#[test]
fn an_archive_that_is_behind_is_refused_unless_somebody_says_so() {
    let behind = Scene::new()
        .with(0, "/settings/archive_mode", json!("on"))
        .with(0, "/archiver/last_archived_wal", json!("000000010000000000000001"))
        .with(0, "/wal_file", json!("000000010000000000000030"));
    let promotion = behind.promotion(Path::Auto, "postgres:17");
    assert_eq!(
        (promotion.before.len(), promotion.lead.len(), promotion.after.len()),
        (2, 1, 3),
        "it is done all the same"
    );
    let archive = promotion.objections.iter().find(|objection| objection.code == "archive").expect("an objection");
    assert_eq!(
        (archive.measured.as_str(), archive.allow),
        ("46 files of log wait for the archiver of db-0", Some("archive"))
    );
}

#[test]
fn commits_that_would_wait_for_nobody_for_ever_are_refused() {
    let rule = |rule: &str| Scene::new().with(0, "/settings/synchronous_standby_names", json!(rule));
    assert_eq!(rule("ANY 1 (\"db-1\", \"db-2\")").refused(), [""; 0]);
    assert_eq!(rule("*").refused(), [""; 0]);
    assert_eq!(rule("\"db-1\"").refused(), [""; 0], "the old primary takes its place");
    assert_eq!(rule("2 (\"db-1\", elsewhere)").refused(), ["syncStandby"]);
    let planned = rule("\"db-1\"").promotion(Path::Auto, "postgres:17");
    assert!(words(&planned).contains(&"set synchronous_standby_names = '\"db-0\"' on db-1".to_owned()), "{planned:?}");
}

#[test]
fn a_server_that_does_not_answer_is_no_reason_to_go_on() {
    let mut scene = Scene::new();
    scene.0[2] = json!({});
    assert_eq!(scene.refused(), ["silent"]);
}

#[test]
fn the_old_primary_is_back_when_it_follows_and_the_candidate_has_all_of_its_log() {
    let about = [("pod", "db-0"), ("candidate", "db-1"), ("started", "1")];
    let stopping = Scene::new().with(0, "/started", json!(1)).judge("standby-back", &about);
    assert_eq!(stopping, Verdict::not_yet("db-0 is stopping"));
    let writable = Scene::new().judge("standby-back", &about);
    assert!(matches!(writable, Verdict::Broken { .. }), "{writable:?}");
    let back = |end: &str, old: &str, new: &str| {
        Scene::new()
            .with(0, "/in_recovery", json!(true))
            .with(0, "/checkpoint/lsn", json!(end))
            .with(0, "/replay_lsn", json!(old))
            .with(1, "/receive_lsn", json!("0/0"))
            .with(1, "/replay_lsn", json!(new))
            .judge("standby-back", &about)
    };
    assert_eq!(back("0/4027C38", "0/4027CB0", "0/4027CB0"), Verdict::Holds);
    for (end, old, new) in [("0/4027C38", "0/4027CB0", "0/4027C38"), ("0/4027C38", "0/4027CB0", "0/4027CA8")] {
        assert!(matches!(back(end, old, new), Verdict::NotYet { .. }), "{new} is not all of {old}");
    }
}

#[test]
fn the_end_is_one_primary_from_whom_everybody_streams() {
    assert_eq!(Scene::new().judge("settled", &[("primary", "db-0")]), Verdict::Holds);
    let two = Scene::new().with(2, "/in_recovery", json!(false)).judge("settled", &[("primary", "db-0")]);
    assert_eq!(two, Verdict::broken("db-2 takes writes: there are two primaries"));
    let loose = Scene::new().with(2, "/wal_receiver", json!(null)).judge("settled", &[("primary", "db-0")]);
    assert!(matches!(loose, Verdict::NotYet { .. }), "{loose:?}");
    assert!(matches!(Scene::new().judge("hands-over", &[("pod", "db-0"), ("candidate", "db-1")]), Verdict::Holds));
    let gone = Scene::new().with(0, "/in_recovery", json!(true));
    assert!(matches!(gone.judge("hands-over", &[("pod", "db-0"), ("candidate", "db-1")]), Verdict::Broken { .. }));
}

#[test]
fn checks_name_what_they_wait_for() {
    let promotion = Scene::new().promotion(Path::Auto, "postgres:17");
    let last = promotion.after.last().expect("a step");
    let ensures: Vec<String> = last.ensures.iter().map(Check::to_string).collect();
    assert_eq!(ensures, ["slots db_1, db_2 gone from db-0", "db-1 the only primary, everybody streaming from it"]);
}

/// Standbys that lost their primary: no receiver any more, db-1 a little further than db-2.
fn orphans() -> Scene {
    Scene::new()
        .with(1, "/wal_receiver", json!(null))
        .with(2, "/wal_receiver", json!(null))
        .with(1, "/receive_lsn", json!("0/5000100"))
        .with(1, "/replay_lsn", json!("0/5000100"))
        .with(2, "/receive_lsn", json!("0/5000000"))
        .with(2, "/replay_lsn", json!("0/5000000"))
}

const REMAINS: &str =
    r#"{"from":"0/5000100","end":"0/5000238","commits":3,"said":"invalid record length at 0/5000238"}"#;

#[test]
fn what_only_a_dead_primary_has_is_said_in_bytes_and_transactions() {
    let cases = [
        (REMAINS, Known::Value(312), Known::Value(3), "312B of log, 3 committed transactions"),
        (
            r#"{"from":"0/5000100","end":"0/5000100","commits":0,"said":"could not find a valid record after 0/5000100"}"#,
            Known::Value(0),
            Known::Value(0),
            "nothing is lost: db-1 has all of its log",
        ),
    ];
    for (remains, bytes, transactions, words) in cases {
        let promotion = orphans().failover(remains, true);
        assert_eq!(promotion.objections, []);
        let loss = promotion.failover.expect("a failover").loss;
        assert_eq!((loss.bytes, loss.transactions), (bytes, transactions));
        assert!(promotion.manner.contains(words), "{}", promotion.manner);
    }
    for remains in ["", "{", r#"{"from":"0/5000100","end":null,"commits":9,"said":"could not find file"}"#] {
        let promotion = orphans().failover(remains, true);
        let loss = promotion.failover.expect("a failover").loss;
        assert!(loss.bytes.value().is_none() && loss.transactions.value().is_none(), "{remains}: {loss:?}");
        assert!(promotion.manner.contains("cannot be measured"), "{}", promotion.manner);
    }
}

#[test]
fn only_the_furthest_standby_takes_over_and_only_from_a_primary_that_is_gone() {
    let codes = |scene: Scene, node_ready| -> Vec<_> {
        scene.failover(REMAINS, node_ready).objections.iter().map(|objection| objection.code).collect()
    };
    assert_eq!(codes(orphans().with(2, "/replay_lsn", json!("0/5000108")), true), ["behind"]);
    assert_eq!(codes(orphans().with(2, "/recovery_timeline", json!(9)), true), ["behind"]);
    assert_eq!(codes(orphans().with(1, "/replay_paused", json!(true)), true), ["replayPaused"]);
    assert_eq!(codes(orphans().with(2, "/settings/max_connections", json!("50")), true), ["settings"]);
    assert_eq!(codes(orphans().with(2, "/system_identifier", json!("1")), true), ["otherData"]);
    let receiving = || {
        let receiver = Scene::new().0[2]["wal_receiver"].clone();
        let line = receiver["received_tli"].clone();
        orphans().with(2, "/wal_receiver", receiver).with(1, "/recovery_timeline", line)
    };
    assert_eq!(codes(receiving(), false), ["alive"], "nobody on that node can say that it has stopped");
    assert_eq!(codes(receiving(), true), [""; 0], "its kubelet says when it has stopped");
}

#[test]
fn nobody_takes_over_before_nobody_receives_and_everything_is_applied() {
    let about = [("pod", "db-1"), ("from", "db-0")];
    let gone = |mut scene: Scene| {
        scene.0[0] = Value::Null;
        scene.judge("received", &about)
    };
    assert_eq!(gone(orphans()), Verdict::Holds);
    let receiver = Scene::new().0[2]["wal_receiver"].clone();
    assert!(matches!(gone(orphans().with(2, "/wal_receiver", receiver)), Verdict::NotYet { .. }));
    assert!(matches!(gone(orphans().with(1, "/replay_lsn", json!("0/50000F8"))), Verdict::NotYet { .. }));
    assert!(matches!(gone(orphans().with(2, "/replay_lsn", json!("0/5000200"))), Verdict::Broken { .. }));
    assert!(matches!(gone(orphans().with(1, "/in_recovery", json!(false))), Verdict::Broken { .. }));
}

#[test]
fn commits_do_not_hang_on_those_who_are_gone() {
    let steps = |rule: &str| {
        let scene = orphans().with(1, "/settings/synchronous_standby_names", json!(rule));
        let before = scene.failover(REMAINS, true).before;
        before.iter().any(|step| step.effect.to_string().starts_with("set synchronous_standby_names = ''"))
    };
    assert!(!steps("") && !steps("*") && !steps("ANY 1 (db_0, db_2)"));
    assert!(steps("db_0") && steps("2 (db_0, db_2)"));
}

#[test]
fn a_write_is_tried_by_the_way_that_clients_take() {
    let tried = |promotion: Promotion| promotion.verifies.expect("a step").effect.to_string();
    assert_eq!(tried(Scene::new().promotion(Path::Auto, "postgres:17")), "try a write by way of db-rw");
    assert_eq!(tried(orphans().failover(REMAINS, true)), "try a write by way of db-rw");
}

use super::{MARIADB, MYSQL, probe};
use crate::engine::tests::{answered, pod, printed, read, recorded};
use crate::engine::{Asked, Engine, Leaving};
use crate::model::{
    Answer, Code, ContainerSpec, Finding, Known, Lag, Member, Pod, ProbeOutput, Role, Sessions, SyncState, Topology,
    Workload,
};
use crate::plan::{Check, EngineCheck, Verdict};

pub(in crate::engine::mysql) const NAMES: [&str; 3] = ["db-0", "db-1", "db-2"];

pub(in crate::engine::mysql) fn pods() -> Vec<Pod> {
    NAMES.map(pod).to_vec()
}

pub(in crate::engine::mysql) fn answer(folder: &str, scene: &str, pod: &str) -> ProbeOutput {
    printed(pod, probe::ID, &recorded(&format!("{folder}/{scene}-{pod}.txt")))
}

/// Reads a scene that was recorded on some of the members.
fn scene_of(folder: &str, scene: &str, names: &[&str]) -> Topology {
    let outputs: Vec<_> = names.iter().map(|name| answer(folder, scene, name)).collect();
    let engine = if folder == MARIA { &MARIADB } else { &MYSQL };
    read(engine, &pods(), &outputs)
}

pub(in crate::engine::mysql) const MY: &str = "mysql/9.7.4";
pub(in crate::engine::mysql) const MARIA: &str = "mariadb/10.11.18";
pub(in crate::engine::mysql) const BOTH: [&str; 2] = [MY, MARIA];

fn scene(folder: &str, scene: &str) -> Topology {
    scene_of(folder, scene, &NAMES)
}

fn roles(topology: &Topology) -> Vec<Option<Role>> {
    topology.members.iter().map(|member| member.role.value().copied()).collect()
}

fn lag(bytes: u64, delay_ms: u64) -> Lag {
    Lag { bytes: Known::Value(bytes), delay_ms: Known::Value(delay_ms) }
}

fn no_lag(why: &str) -> Lag {
    Lag { bytes: Known::unknown(why), delay_ms: Known::unknown(why) }
}

fn codes(topology: &Topology) -> Vec<(Code, &str)> {
    topology.findings.iter().map(|Finding { code, subject, .. }| (*code, subject.as_str())).collect()
}

const PRIMARY_AND_TWO: [Option<Role>; 3] = [Some(Role::Primary), Some(Role::Replica), Some(Role::Replica)];

#[test]
fn healthy_members_are_known_in_full() {
    for (folder, version) in [(MY, "9.7.4"), (MARIA, "10.11.18")] {
        let topology = scene(folder, "healthy");
        assert_eq!(topology.version, Known::Value(version.to_owned()));
        assert_eq!(roles(&topology), PRIMARY_AND_TWO);
        assert_eq!((topology.title, topology.sync, topology.strangers), (None, None, vec![]), "{folder}");
        assert_eq!(topology.findings, [], "{folder}");
        let primary = &topology.members[0];
        let mut feeds = primary.feeds.clone().unwrap();
        feeds.sort();
        assert_eq!(feeds, ["db-1", "db-2"], "{folder}");
        assert_eq!((&primary.lag, &primary.receiving, primary.sync), (&None, &None, None), "{folder}");
        for replica in &topology.members[1..] {
            assert_eq!(replica.lag, Some(lag(0, 0)), "{folder}");
            assert_eq!(replica.receiving, Some(Known::Value(true)), "{folder}");
            assert_eq!(replica.replication.as_deref(), Some("receiving"), "{folder}");
            assert_eq!((replica.replay_paused, replica.sync), (false, Some(SyncState::Async)), "{folder}");
            assert_eq!((&replica.feeds, &replica.position), (&Some(vec![]), &primary.position), "{folder}");
        }
    }
}

#[test]
fn a_stopped_applier_is_paused_and_its_lag_is_measured_in_the_primarys_log() {
    for (folder, scene_name, bytes) in [
        (MY, "stopped", 1966 - 862),
        (MY, "rotated", 2010 + 477 - 862),
        (MARIA, "stopped", 1486 - 847),
        (MARIA, "rotated", 1530 + 581 - 847),
    ] {
        let topology = scene(folder, scene_name);
        let stopped = &topology.members[2];
        assert!(stopped.replay_paused, "{folder}");
        let delay_ms = Known::unknown("the applier does not run");
        assert_eq!(stopped.lag, Some(Lag { bytes: Known::Value(bytes), delay_ms }), "{folder} {scene_name}");
        assert_eq!(stopped.receiving, Some(Known::Value(true)), "{folder}");
        assert_eq!(stopped.replication.as_deref(), Some("receiving, applier stopped"), "{folder}");
        assert_eq!((topology.members[1].lag.clone(), codes(&topology)), (Some(lag(0, 0)), vec![]), "{folder}");
    }
}

#[test]
fn a_replica_that_is_cut_off_has_no_last_number_and_says_why() {
    for folder in BOTH {
        let topology = scene(folder, "cut");
        let cut = &topology.members[1];
        assert_eq!((cut.role.clone(), cut.receiving.clone()), (Known::Value(Role::Replica), Some(Known::Value(false))));
        assert_eq!(cut.lag, Some(no_lag("disconnected")), "{folder}");
        let state = cut.replication.as_deref().unwrap();
        assert!(state.starts_with("connecting: error 1045: ") && state.contains("rep@db-0.db:3306"), "{state}");
        assert_eq!(topology.members[2].lag, Some(lag(0, 0)), "{folder}");
    }
}

#[test]
fn an_error_of_the_applier_is_told_with_its_text() {
    for (folder, error) in [(MY, "error 1062: Coordinator stopped"), (MARIA, "error 1950: An attempt was made")] {
        let topology = scene(folder, "conflict");
        let broken = topology.findings.iter().find(|one| one.code == Code::ReplicationBroken).unwrap();
        assert!(broken.message.starts_with(&format!("pod/db-1 has stopped applying changes: {error}")), "{broken:?}");
        let member = &topology.members[1];
        assert!(!member.replay_paused, "{folder}: nobody paused it");
        assert!(member.lag.as_ref().is_some_and(|lag| lag.bytes.value().is_some_and(|bytes| *bytes > 0)), "{member:?}");
    }
}

#[test]
fn transactions_of_a_replicas_own_are_found_and_lag_is_not_taken_from_its_numbers() {
    for (folder, own) in [(MY, "1516187e-e5b4-11f1-8337-9655e88af944:1"), (MARIA, "0-101-8")] {
        let topology = scene(folder, "errant");
        let wanted = [(Code::ErrantTransactions, "pod/db-1"), (Code::ReplicaWritable, "pod/db-1")];
        assert_eq!(codes(&topology), wanted, "{folder}");
        assert!(topology.findings[0].message.ends_with(&format!("that the primary has not: {own}")), "{folder}");
        assert_eq!(roles(&topology), PRIMARY_AND_TWO, "{folder}: a replica that is left writable is a replica");
        assert_eq!(topology.members[1].lag, Some(lag(0, 0)), "{folder}");
        let conflict = scene(folder, "conflict");
        assert_ne!(conflict.members[1].lag, Some(lag(0, 0)), "{folder}: it has as many, and not the same");
    }
}

#[test]
fn a_replica_asked_after_the_primary_is_not_behind_and_not_errant() {
    for folder in BOTH {
        let outputs =
            [answer(folder, "healthy", "db-0"), answer(folder, "stopped", "db-1"), answer(folder, "healthy", "db-2")];
        let topology = read(&MYSQL, &pods(), &outputs);
        assert_eq!((topology.members[1].lag.clone(), codes(&topology)), (Some(lag(0, 0)), vec![]), "{folder}");
    }
}

#[test]
fn two_that_take_writes_leave_nothing_to_compare_with() {
    for folder in BOTH {
        let topology = scene(folder, "split");
        assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica), Some(Role::Primary)], "{folder}");
        assert_eq!(topology.members[1].lag, Some(no_lag("2 primaries")), "{folder}");
    }
}

#[test]
fn without_a_primary_nobody_knows_who_is_behind() {
    for (folder, scene) in [(MY, "cut"), (MARIA, "gone")] {
        let topology = scene_of(folder, scene, &["db-1"]);
        assert_eq!(roles(&topology), [None, Some(Role::Replica), None], "{folder}");
        assert_eq!(topology.members[1].lag, Some(no_lag("no primary answered")), "{folder}");
        assert_eq!(topology.members[1].receiving, Some(Known::Value(false)), "{folder}");
        assert_eq!(topology.members[0].role, Known::unknown("not asked"), "{folder}");
    }
}

#[test]
fn who_follows_whom_is_seen_in_a_chain() {
    let topology = scene(MY, "chained");
    assert_eq!(roles(&topology), PRIMARY_AND_TWO);
    assert_eq!(topology.members[0].feeds, Some(vec!["db-1".to_owned()]));
    assert_eq!(topology.members[1].feeds, Some(vec!["db-2".to_owned()]));
    assert_eq!(topology.strangers, Vec::<String>::new());
    // What only passes through another replica is not measured in the primary's log.
    let older = recorded("mysql/9.7.4/chained-db-2.txt").replace(":1-9", ":1-8");
    let outputs = [answer(MY, "chained", "db-0"), answer(MY, "chained", "db-1"), printed("db-2", probe::ID, &older)];
    let lag = read(&MYSQL, &pods(), &outputs).members[2].lag.clone().unwrap();
    assert_eq!(lag.bytes, Known::unknown("receives through db-1"));
}

#[test]
fn a_wanted_delay_is_found() {
    let topology = scene(MY, "delayed");
    assert_eq!(codes(&topology), [(Code::ReplayDelayed, "pod/db-2")]);
    assert_eq!(topology.findings[0].message, "pod/db-2 applies changes 600s late by its configured delay");
    let lag = topology.members[2].lag.clone().unwrap();
    assert!(lag.bytes.value().is_some_and(|bytes| *bytes > 0), "{lag:?}");
}

#[test]
fn semi_synchronous_commits_wait_for_those_that_confirm() {
    let states = |topology: &Topology| topology.members.iter().map(|member| member.sync).collect::<Vec<_>>();
    let both = scene(MY, "semisync");
    let rule = both.sync.clone().unwrap();
    assert_eq!((rule.wanted, rule.confirming), (1, Known::Value(2)));
    assert_eq!(states(&both), [None, Some(SyncState::Quorum), Some(SyncState::Quorum)]);
    let one = scene(MARIA, "semisync");
    assert_eq!(one.sync.clone().map(|rule| (rule.wanted, rule.confirming)), Some((1, Known::Value(1))));
    assert_eq!(states(&one), [None, Some(SyncState::Async), Some(SyncState::Quorum)]);
    let off = scene(MY, "semisync-off");
    assert_eq!((off.sync.clone(), off.members[1].sync), (None, Some(SyncState::Async)));
    assert!(codes(&off).contains(&(Code::SemiSyncOff, "pod/db-0")), "{:?}", codes(&off));
    assert!(!codes(&both).iter().any(|(code, _)| *code == Code::SemiSyncOff));
}

#[test]
fn sessions_are_counted_by_what_they_hold_up() {
    for folder in BOTH {
        let topology = scene_of(folder, "sessions", &["db-0"]);
        let sessions = Sessions { active: 1, idle: 1, idle_in_transaction: 1, unclassified: 0 };
        assert_eq!(topology.members[0].sessions, Known::Value(sessions), "{folder}");
    }
}

#[test]
fn who_receives_and_has_no_pod_is_a_stranger_unless_a_member_is_silent() {
    let two: Vec<_> = ["db-0", "db-1"].map(pod).to_vec();
    let outputs = [answer(MY, "healthy", "db-0"), answer(MY, "healthy", "db-1")];
    assert_eq!(read(&MYSQL, &two, &outputs).strangers, ["server 102 (db-2.db)"]);
    assert_eq!(read(&MYSQL, &two, &outputs[..1]).strangers, Vec::<String>::new());
}

#[test]
fn servers_that_share_a_number_are_found() {
    let twin = recorded("mysql/9.7.4/healthy-db-2.txt").replace("server_id\t102", "server_id\t101");
    let outputs = [answer(MY, "healthy", "db-0"), answer(MY, "healthy", "db-1"), printed("db-2", probe::ID, &twin)];
    assert_eq!(codes(&read(&MYSQL, &pods(), &outputs)), [(Code::ServerIdShared, "pod/db-2")]);
}

#[test]
fn a_replica_without_gtids_is_measured_by_its_place_in_the_log() {
    let plain = |name: &str| {
        let text = recorded(&format!("mysql/9.7.4/stopped-{name}.txt")).replace("gtid_mode\tON", "gtid_mode\tOFF");
        printed(name, probe::ID, &text)
    };
    let topology = read(&MYSQL, &pods(), &NAMES.map(plain));
    let bytes = |at: usize| topology.members[at].lag.as_ref().map(|lag: &Lag| lag.bytes.clone());
    assert_eq!((bytes(1), bytes(2)), (Some(Known::Value(0)), Some(Known::Value(1966 - 862))));
}

#[test]
fn a_read_only_server_that_follows_nobody_is_detached() {
    let fenced = recorded("mysql/9.7.4/healthy-db-0.txt").replace("read_only\tOFF", "read_only\tON");
    let topology = read(&MYSQL, &pods(), &[printed("db-0", probe::ID, &fenced)]);
    assert_eq!(roles(&topology)[0], Some(Role::Detached));
}

#[test]
fn who_follows_nobody_and_has_transactions_of_its_own_cannot_follow() {
    let left = |last: &str| {
        let fenced = recorded("mysql/9.7.4/healthy-db-0.txt").replace("read_only\tOFF", "read_only\tON");
        let leads = recorded("mysql/9.7.4/split-db-2.txt");
        let topology = read(
            &MYSQL,
            &pods(),
            &[printed("db-0", probe::ID, &fenced.replace(":1-3", last)), printed("db-1", probe::ID, &leads)],
        );
        topology.findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(left(":1-11"), [] as [&str; 0]);
    let found = left(":1-13");
    assert!(
        found[0].starts_with("pod/db-0 follows nobody and has 2 transactions that the primary has not: "),
        "{found:?}"
    );
}

#[test]
fn a_group_is_read_as_its_members_see_it() {
    let healthy = scene(MY, "group-healthy");
    assert_eq!(roles(&healthy), PRIMARY_AND_TWO);
    assert_eq!(healthy.title.as_deref(), Some("MySQL, Group Replication"));
    assert_eq!(healthy.cluster.as_deref(), Some("group of 3 members"));
    assert_eq!((healthy.members[1].lag.clone(), codes(&healthy)), (Some(lag(0, 0)), vec![]));
    assert_eq!((&healthy.objections, &healthy.strangers), (&vec![], &vec![]));

    let left = scene(MY, "group-left");
    assert_eq!(roles(&left), [Some(Role::Primary), Some(Role::Replica), Some(Role::Detached)]);
    assert_eq!(left.members[2].replication.as_deref(), Some("offline"));

    let killed = scene_of(MY, "group-killed", &["db-0", "db-1"]);
    assert_eq!(codes(&killed), [(Code::MemberDown, "pod/db-2")]);
    let against: Vec<_> = killed.objections.iter().map(|one| (one.pod.as_str(), one.why.clone())).collect();
    assert!(against.contains(&("db-1", Known::Value("db-2.db is unreachable".to_owned()))), "{against:?}");

    let lost = scene_of(MY, "group-lost", &["db-1"]);
    assert_eq!((roles(&lost)[1], lost.members[1].replication.as_deref()), (Some(Role::Detached), Some("sees 1 of 3")));
    assert_eq!(codes(&lost), [(Code::MemberNotServing, "statefulset/db")]);
}

#[test]
fn servers_that_are_set_up_for_a_group_and_in_none_take_writes_each_alone() {
    let offline = scene(MY, "group-offline");
    assert_eq!(roles(&offline), [Some(Role::Primary); 3]);
    // Unreachable is not the member's word for itself: it only shows where others have it.
    assert_eq!(roles(&scene(MY, "group-rejoined"))[2], Some(Role::Replica));
}

#[test]
fn members_of_a_galera_cluster_are_equals() {
    let healthy = scene(MARIA, "galera-healthy");
    assert_eq!(roles(&healthy), [Some(Role::Peer); 3]);
    assert_eq!(healthy.title.as_deref(), Some("MariaDB Galera"));
    assert_eq!(healthy.cluster.as_deref(), Some("cluster of 3, Primary"));
    assert_eq!((codes(&healthy), &healthy.objections), (vec![], &vec![]));
    assert!(healthy.members.iter().all(|member| member.shown_as.as_deref() == Some("Synced")));

    let desynced = scene(MARIA, "galera-desynced");
    assert_eq!(codes(&desynced), [(Code::MembersChanging, "pod/db-1")]);
    let against: Vec<_> = desynced.objections.iter().map(|one| one.pod.as_str()).collect();
    assert_eq!(against, ["db-0", "db-2"]);

    let lost = scene_of(MARIA, "galera-lost", &["db-0"]);
    assert_eq!(roles(&lost)[0], Some(Role::Detached));
    assert_eq!(codes(&lost), [(Code::MemberNotServing, "statefulset/db")]);
}

/// Asks what speaks against the highest ordinal leaving, and what has to hold then.
fn removal(folder: &str, scene: &str, names: &[&str]) -> (Vec<(&'static str, String)>, Vec<EngineCheck>) {
    let pods = pods();
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<_> = names.iter().map(|name| answer(folder, scene, name)).collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
    let asked = Asked { pods: &pods, outputs: &outputs, topology: &topology };
    let workload = Workload::default();
    let staying = pods[..2].iter().map(|pod| (*pod, None)).collect();
    let leaving = Leaving { workload: &workload, name: "db-2".into(), container: None, staying };
    let removal = MYSQL.removal(&asked, &leaving);
    let settled =
        removal.settled.into_iter().filter_map(|check| if let Check::Engine(one) = check { Some(one) } else { None });
    (removal.objections.into_iter().map(|one| (one.code, one.measured)).collect(), settled.collect())
}

/// Judges a check by what those said that stay.
fn judged(check: &EngineCheck, folder: &str, scene: &str) -> Verdict {
    let pods: Vec<Pod> = ["db-0", "db-1"].map(pod).to_vec();
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs = ["db-0", "db-1"].map(|name| answer(folder, scene, name));
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
    MYSQL.judge(check, &Asked { pods: &pods, outputs: &outputs, topology: &topology })
}

#[test]
fn a_replica_may_leave_and_nobody_waits_for_its_source_to_notice() {
    for folder in [MY, MARIA] {
        assert_eq!(removal(folder, "healthy", &NAMES), (vec![], vec![]), "{folder}");
    }
}

#[test]
fn who_feeds_others_or_has_what_nobody_has_does_not_leave() {
    // The chain with the two ends of its second half swapped.
    let turned = |name: &str| recorded(&format!("mysql/9.7.4/chained-{name}.txt")).replace("db-1.db", "db-2.db");
    let chained = [("db-1", turned("db-2")), ("db-2", turned("db-1"))];
    let swapped = chained.map(|(name, text)| printed(name, probe::ID, &text));
    let pods = pods();
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs = [answer(MY, "chained", "db-0"), swapped[0].clone(), swapped[1].clone()];
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
    let asked = Asked { pods: &pods, outputs: &outputs, topology: &topology };
    let workload = Workload::default();
    let leaving = Leaving { workload: &workload, name: "db-2".into(), container: None, staying: Vec::new() };
    let objections = MYSQL.removal(&asked, &leaving).objections;
    let cascade = objections.iter().find(|one| one.code == "cascade").unwrap();
    assert_eq!(cascade.measured, "db-1 receives changes through db-2");

    let with_own = recorded("mysql/9.7.4/errant-db-1.txt").replace("server_id\t101", "server_id\t102");
    let outputs = [answer(MY, "errant", "db-0"), printed("db-2", probe::ID, &with_own)];
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = MYSQL.read(&Workload::default(), &pods, &outputs);
    let asked = Asked { pods: &pods, outputs: &outputs, topology: &topology };
    let objections = MYSQL.removal(&asked, &leaving).objections;
    assert_eq!(objections.iter().map(|one| one.code).collect::<Vec<_>>(), ["errant"]);
}

#[test]
fn a_group_and_a_cluster_are_not_left_with_too_few_and_must_see_that_one_has_gone() {
    let (objections, settled) = removal(MY, "group-healthy", &NAMES);
    assert_eq!(objections, [("quorum", "2 would stay".to_owned())]);
    assert!(matches!(judged(&settled[0], MY, "group-healthy"), Verdict::NotYet { .. }));
    assert_eq!(judged(&settled[0], MY, "group-left"), Verdict::Holds);

    let (objections, settled) = removal(MARIA, "galera-healthy", &NAMES);
    assert_eq!(objections, [("quorum", "2 would stay".to_owned())]);
    assert_eq!(settled[0].name("size"), "2");
    assert!(matches!(judged(&settled[0], MARIA, "galera-healthy"), Verdict::NotYet { .. }));
    assert_eq!(judged(&settled[0], MARIA, "galera-left"), Verdict::Holds);
    let (objections, _) = removal(MARIA, "galera-desynced", &NAMES);
    assert!(objections.contains(&("quorum", "db-1 is Donor/Desynced".to_owned())), "{objections:?}");
    let unknown = EngineCheck::new("other", &[], "");
    assert!(matches!(judged(&unknown, MY, "healthy"), Verdict::Broken { .. }));
}

#[test]
fn an_answer_cut_off_anywhere_is_unknown() {
    for file in ["mysql/9.7.4/conflict-db-1", "mysql/9.7.4/group-healthy-db-0", "mariadb/10.11.18/galera-healthy-db-0"]
    {
        let whole = recorded(&format!("{file}.txt"));
        for end in (0..whole.trim_end().len()).filter(|end| whole.is_char_boundary(*end)) {
            let topology = read(&MYSQL, &[pod("db-0")], &[printed("db-0", probe::ID, &whole[..end])]);
            let why = topology.members[0].role.why().unwrap_or_else(|| panic!("{file} cut at {end}"));
            assert_eq!(topology.members[0], Member::unknown("db-0".into(), why));
            assert_eq!((topology.findings, topology.strangers, topology.sync), (vec![], vec![], None));
        }
    }
}

#[test]
fn mixed_up_answers_are_unknown() {
    let whole = recorded("mysql/9.7.4/healthy-db-1.txt");
    for text in [
        format!("Warning: hello\n{whole}"),
        format!("{whole}ERROR 1045 (28000)\n"),
        whole.replace("Replica_IO_Running", "Replica_IO"),
        whole.replace("read_only\tON", "read_only\t"),
        whole.replace("server_id\t101\n", ""),
        whole.replace("variables\n", "others\n"),
    ] {
        let topology = read(&MYSQL, &[pod("db-1")], &[printed("db-1", probe::ID, &text)]);
        assert!(topology.members[0].role.why().is_some(), "{text}");
    }
}

#[test]
fn a_refused_password_is_unknown_with_the_servers_words() {
    let stderr = "ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)\n";
    let refused = Answer::Ended { exit_code: 1, stdout: String::new(), stderr: stderr.to_owned() };
    let outputs = [answer(MY, "healthy", "db-0"), answered("db-1", probe::ID, refused)];
    let topology = read(&MYSQL, &pods(), &outputs);
    let why = format!("exit code 1: {}", stderr.trim());
    assert_eq!(topology.members[1], Member::unknown("db-1".into(), &why));
}

#[test]
fn the_server_says_which_of_the_two_it_is() {
    let outputs = [answer(MARIA, "healthy", "db-0")];
    assert_eq!(read(&MYSQL, &pods(), &outputs).title.as_deref(), Some("MariaDB"));
    assert_eq!(read(&MARIADB, &pods(), &outputs).title, None);
}

#[test]
fn images_of_servers_are_told_from_what_stands_around_them() {
    let recognised = |image: &str| {
        let mut workload = Workload::default();
        let container = ContainerSpec { image: image.to_owned(), ports: vec![3306], ..ContainerSpec::default() };
        workload.template.containers = vec![container];
        crate::engine::recognise(&workload, None).1.engine
    };
    for (image, engine) in [
        ("mysql:9", "mysql"),
        ("docker.io/bitnami/mysql:8.4", "mysql"),
        ("percona/percona-server:8.0", "mysql"),
        ("percona/percona-xtradb-cluster:8.0", "mysql"),
        ("mysql/mysql-server:8.0", "mysql"),
        ("mariadb:10.11", "mariadb"),
        ("bitnami/mariadb-galera:11", "mariadb"),
        ("prom/mysqld-exporter", "generic"),
        ("mysql/mysql-router:8", "generic"),
        ("percona/percona-server-mongodb:6", "generic"),
        ("percona/percona-xtrabackup:8", "generic"),
        ("phpmyadmin:5", "generic"),
    ] {
        assert_eq!(recognised(image), engine, "{image}");
    }
}

#[test]
fn recordings_hold_no_secret() {
    for folder in BOTH {
        for name in ["healthy-db-1", "cut-db-1"] {
            assert!(!recorded(&format!("{folder}/{name}.txt")).contains("hunter"), "{folder} {name}");
        }
    }
}

use super::ENGINE;
use crate::engine::tests::{answered, pod, printed, read, recorded};
use crate::model::{
    Answer, Code, Known, Lag, Member, Pod, PodName, ProbeOutput, Role, Sessions, SyncRule, SyncState, Topology,
};

fn answer(pod: &str, file: &str) -> ProbeOutput {
    printed(pod, super::probe::ID, &recorded(&format!("postgres/15/{file}-{pod}.json")))
}

/// Reads recordings of several pods; a recording is named after its scene and its pod.
fn scene(answers: &[(&str, &str)]) -> Topology {
    let outputs: Vec<_> = answers.iter().map(|(pod, file)| answer(pod, file)).collect();
    read(&ENGINE, &pods(), &outputs)
}

fn pods() -> [Pod; 3] {
    ["db-0", "db-1", "db-2"].map(pod)
}

fn all(file: &str) -> Topology {
    scene(&[("db-0", file), ("db-1", file), ("db-2", file)])
}

fn lag(bytes: u64, delay_ms: u64) -> Lag {
    Lag { bytes: Known::Value(bytes), delay_ms: Known::Value(delay_ms) }
}

fn no_lag(why: &str) -> Lag {
    Lag { bytes: Known::unknown(why), delay_ms: Known::unknown(why) }
}

fn roles(topology: &Topology) -> Vec<Option<Role>> {
    topology.members.iter().map(|member| member.role.value().copied()).collect()
}

#[test]
fn healthy_members_are_known_in_full() {
    let topology = all("healthy");
    assert_eq!(topology.version, Known::Value("15.18".to_owned()));
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica), Some(Role::Replica)]);
    assert_eq!((topology.sync, &topology.strangers, &topology.findings), (None, &vec![], &vec![]));
    let primary = Member {
        role: Known::Value(Role::Primary),
        timeline: Some(1),
        position: Some("0/4025A70".to_owned()),
        sessions: Known::Value(Sessions::default()),
        system_id: Some("7710407113430242395".to_owned()),
        feeds: Some(vec!["db-1".to_owned(), "db-2".to_owned()]),
        ..Member::unknown(PodName::from("db-0"), "")
    };
    assert_eq!(topology.members[0], primary);
    let replica = Member {
        pod: PodName::from("db-1"),
        role: Known::Value(Role::Replica),
        lag: Some(lag(0, 0)),
        receiving: Some(Known::Value(true)),
        replication: Some("streaming".to_owned()),
        sync: Some(SyncState::Async),
        slot: Some("db_1".to_owned()),
        feeds: Some(Vec::new()),
        ..primary
    };
    assert_eq!(topology.members[1], replica);
    let slots: Vec<_> =
        topology.slots.iter().map(|slot| (slot.name.as_str(), slot.active, slot.retained_bytes)).collect();
    assert_eq!(slots, [("db_1", true, Some(0)), ("db_2", true, Some(0))]);
}

#[test]
fn a_replica_asked_after_the_primary_is_not_behind() {
    let topology = scene(&[("db-0", "healthy"), ("db-1", "paused"), ("db-2", "healthy")]);
    assert_eq!(topology.members[1].lag, Some(lag(0, 0)));
}

#[test]
fn paused_replay_is_lag_in_bytes_and_time() {
    let topology = all("paused");
    assert!(topology.members[2].replay_paused);
    assert_eq!(topology.members[2].lag, Some(lag(0x0429_8878 - 0x0402_5AA8, 39_208)));
    assert_eq!(topology.members[2].receiving, Some(Known::Value(true)));
    assert!(!topology.members[1].replay_paused);
    assert_eq!(topology.members[1].lag, Some(lag(0, 0)));
}

#[test]
fn a_restarted_replica_of_an_idle_primary_has_everything() {
    // Its receive position is that of the segment's beginning, behind what it has replayed.
    let topology = scene(&[("db-0", "restarted"), ("db-1", "healthy"), ("db-2", "restarted")]);
    assert_eq!(topology.members[2].lag, Some(lag(0, 0)));
    assert_eq!(topology.members[2].position.as_deref(), Some("0/429A3A8"));
}

#[test]
fn a_replica_that_receives_nothing_has_no_last_number() {
    let topology = all("gone");
    assert_eq!(topology.members[2].receiving, Some(Known::Value(false)));
    assert_eq!(topology.members[2].lag, Some(no_lag("disconnected")));
    assert_eq!(topology.members[2].replication, None);
    let slot = topology.slots.iter().find(|slot| slot.name == "db_2").unwrap();
    assert_eq!((slot.active, slot.retained_bytes, slot.state.as_deref()), (false, Some(320_976), Some("reserved")));
}

#[test]
fn without_a_primary_nobody_knows_who_is_behind() {
    let topology = scene(&[("db-1", "disconnected"), ("db-2", "healthy")]);
    assert_eq!(roles(&topology), [None, Some(Role::Replica), Some(Role::Replica)]);
    assert_eq!(topology.members[1].receiving, Some(Known::Value(false)));
    for replica in &topology.members[1..] {
        assert_eq!(replica.lag, Some(no_lag("no primary answered")));
        assert_eq!(replica.sync, None);
    }
    assert_eq!(topology.version, Known::Value("15.18".to_owned()));
}

#[test]
fn two_primaries_leave_nothing_to_compare_with() {
    let topology = all("split");
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Primary), Some(Role::Replica)]);
    let timelines: Vec<_> = topology.members.iter().map(|member| member.timeline).collect();
    // The control data of db-1 still says 1 right after its promotion.
    assert_eq!(timelines, [Some(1), Some(2), Some(1)]);
    assert_eq!(topology.members[2].lag, Some(no_lag("2 primaries")));
    assert_eq!(topology.sync, None);
}

#[test]
fn diverged_members_do_not_receive_the_primarys_log() {
    let topology = all("diverged");
    assert_eq!(roles(&topology), [Some(Role::Replica), Some(Role::Primary), Some(Role::Replica)]);
    // db-0 keeps a walreceiver that waits; db-2 even streams, from db-0.
    assert_eq!(topology.members[0].replication.as_deref(), Some("waiting"));
    for diverged in [&topology.members[0], &topology.members[2]] {
        assert_eq!(diverged.receiving, Some(Known::Value(false)));
        assert_eq!(diverged.lag, Some(no_lag("on timeline 1, the primary on 2")));
    }
}

#[test]
fn a_replica_with_other_data_is_not_compared() {
    let other = recorded("postgres/15/healthy-db-1.json").replace("7710407113430242395", "1");
    let outputs = [answer("db-0", "healthy"), printed("db-1", super::probe::ID, &other)];
    let topology = read(&ENGINE, &pods(), &outputs);
    assert_eq!(topology.members[1].lag, Some(no_lag("holds other data than the primary")));
}

#[test]
fn rules_for_commits_are_read_with_their_standbys() {
    let sync = |file: &str| {
        let topology = scene(&[("db-0", file), ("db-1", "healthy"), ("db-2", "healthy")]);
        let states: Vec<_> = topology.members.iter().map(|member| member.sync).collect();
        (topology.sync.map(|SyncRule { setting, wanted, confirming }| (setting, wanted, confirming)), states)
    };
    let rule = |setting: &str, wanted, confirming| Some((setting.to_owned(), wanted, Known::Value(confirming)));
    let both = |first, second| vec![None, Some(first), Some(second)];
    let any = rule("ANY 1 (\"db-1\", \"db-2\")", 1, 2);
    assert_eq!(sync("sync-any"), (any, both(SyncState::Quorum, SyncState::Quorum)));
    let first = rule("FIRST 1 (\"db-1\", \"db-2\")", 1, 1);
    assert_eq!(sync("sync-first"), (first, both(SyncState::Sync, SyncState::Potential)));
    assert_eq!(sync("sync-missing"), (rule("absent", 1, 0), both(SyncState::Async, SyncState::Async)));
    assert_eq!(sync("sync-local"), (None, both(SyncState::Async, SyncState::Async)));
}

#[test]
fn a_silent_replica_is_unknown_but_known_to_hold_up_commits() {
    let silent = Answer::Ended { exit_code: 127, stdout: String::new(), stderr: "sh: 1: psql: not found\n".into() };
    let outputs = [answer("db-0", "sync-any"), answered("db-1", super::probe::ID, silent)];
    let topology = read(&ENGINE, &pods(), &outputs);
    let why = "exit code 127: sh: 1: psql: not found";
    let silent =
        Member { sync: Some(SyncState::Quorum), slot: Some("db_1".to_owned()), ..Member::unknown("db-1".into(), why) };
    assert_eq!(topology.members[1], silent);
    assert_eq!(topology.members[2].role, Known::unknown("not asked"));
    assert_eq!(topology.strangers, Vec::<String>::new());
}

#[test]
fn sessions_are_counted_by_what_they_hold_up() {
    let topology = scene(&[("db-0", "sessions")]);
    let sessions = Sessions { active: 1, idle: 1, idle_in_transaction: 2, ..Sessions::default() };
    assert_eq!(topology.members[0].sessions, Known::Value(sessions));
    let gone = topology.slots.iter().find(|slot| slot.name == "gone").unwrap();
    assert_eq!((gone.active, gone.logical, gone.retained_bytes), (false, false, Some(19_499_400)));
    // One prepared transaction, two seconds old: nothing to say yet.
    assert_eq!(topology.findings, []);
}

#[test]
fn what_a_user_may_not_see_is_not_zero() {
    let topology = scene(&[("db-0", "restricted"), ("db-1", "restricted")]);
    let lacks = |view: &str| format!("user app may not read {view}: it lacks `pg_monitor`");
    assert_eq!(roles(&topology)[..2], [Some(Role::Primary), Some(Role::Replica)]);
    assert_eq!(topology.members[0].sessions, Known::unknown(lacks("pg_stat_activity")));
    assert_eq!(topology.members[1].receiving, Some(Known::unknown(lacks("pg_stat_wal_receiver"))));
    assert_eq!(topology.members[1].lag, Some(no_lag(&lacks("pg_stat_wal_receiver"))));
}

#[test]
fn confirming_standbys_are_unknown_to_a_user_who_cannot_see_them() {
    let hidden = recorded("postgres/15/restricted-db-0.json")
        .replace("\"synchronous_standby_names\": \"\"", "\"synchronous_standby_names\": \"*\"");
    let topology = read(&ENGINE, &pods(), &[printed("db-0", super::probe::ID, &hidden)]);
    let confirming = topology.sync.map(|rule| rule.confirming);
    let why = "user app may not read pg_stat_replication: it lacks `pg_monitor`";
    assert_eq!(confirming, Some(Known::unknown(why)));
}

#[test]
fn programs_that_only_read_log_are_not_members() {
    let topology = scene(&[("db-0", "receivewal"), ("db-1", "healthy"), ("db-2", "healthy")]);
    assert_eq!(topology.strangers, Vec::<String>::new());
}

#[test]
fn standbys_without_a_pod_are_strangers() {
    let two = ["db-0", "db-1"].map(pod);
    let outputs = [answer("db-0", "healthy"), answer("db-1", "healthy")];
    assert_eq!(read(&ENGINE, &two, &outputs).strangers, ["db-2"]);
    let nameless = recorded("postgres/15/healthy-db-0.json").replace("\"db-2\"", "\"walreceiver\"");
    assert_eq!(read(&ENGINE, &two, &[printed("db-0", "postgres", &nameless)]).strangers, ["walreceiver at 127.0.0.1"]);
}

#[test]
fn standbys_are_found_by_underscored_name_and_by_address() {
    let by = |name: &str, address: &str| {
        let text = recorded("postgres/15/sync-first-db-0.json")
            .replace("\"application_name\": \"db-1\"", &format!("\"application_name\": \"{name}\""))
            .replace("127.0.0.1", "10.9.9.9");
        let mut pods = pods();
        pods[1].ip = Some(address.to_owned());
        let topology = read(&ENGINE, &pods, &[printed("db-0", "postgres", &text)]);
        (topology.members[1].sync, topology.strangers)
    };
    assert_eq!(by("db_1", "10.0.0.1"), (Some(SyncState::Sync), vec![]));
    assert_eq!(by("walreceiver", "10.9.9.9"), (Some(SyncState::Sync), vec![]));
    assert_eq!(by("walreceiver", "10.0.0.1"), (None, vec!["walreceiver at 10.9.9.9".to_owned()]));
}

#[test]
fn wanted_delay_and_failing_archive_are_found() {
    let topology = scene(&[("db-0", "delayed"), ("db-2", "delayed")]);
    assert_eq!(topology.members[2].lag, Some(lag(0x0433_6F48 - 0x042E_8950, 9_342)));
    let [delayed] = topology.findings.as_slice() else { panic!("{:?}", topology.findings) };
    assert_eq!(delayed.code, Code::ReplayDelayed);
    assert_eq!(delayed.message, "pod/db-2 applies changes 10m late by `recovery_min_apply_delay`");
    let archiver = scene(&[("db-1", "archiver")]);
    let [failing] = archiver.findings.as_slice() else { panic!("{:?}", archiver.findings) };
    assert_eq!(failing.code, Code::ArchivingFails);
    assert_eq!(failing.message, "pod/db-1 cannot archive 000000020000000000000004 (3 failed attempts)");
}

#[test]
fn newer_servers_answer_alike_and_decoders_are_not_members() {
    let recorded = |pod: &str, file: &str| printed(pod, "postgres", &recorded(&format!("postgres/17/{file}.json")));
    let outputs = [recorded("db-0", "logical-db-0"), recorded("db-1", "logical-db-1")];
    let topology = read(&ENGINE, &["db-0", "db-1"].map(pod), &outputs);
    assert_eq!(topology.version, Known::Value("17.11".to_owned()));
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica)]);
    assert_eq!(topology.members[1].lag, Some(lag(0, 0)));
    assert_eq!(topology.members[1].sync, Some(SyncState::Quorum));
    assert_eq!(topology.strangers, Vec::<String>::new());
    let kinds: Vec<_> = topology.slots.iter().map(|slot| (slot.name.as_str(), slot.logical, slot.active)).collect();
    assert_eq!(kinds, [("changes", true, true), ("db_1", false, true)]);
}

#[test]
fn a_rule_whose_standby_is_gone_confirms_nothing() {
    let lost = printed("db-0", "postgres", &recorded("postgres/17/lost-db-0.json"));
    let topology = read(&ENGINE, &["db-0", "db-1"].map(pod), &[lost]);
    assert_eq!(topology.sync.map(|rule| (rule.wanted, rule.confirming)), Some((1, Known::Value(0))));
    let silent = Member { slot: Some("db_1".to_owned()), ..Member::unknown("db-1".into(), "not asked") };
    assert_eq!(topology.members[1], silent);
}

#[test]
fn forgotten_prepared_transactions_are_found() {
    let old = recorded("postgres/15/sessions-db-0.json").replace("\"oldest_ms\": 2079", "\"oldest_ms\": 11520000");
    let topology = read(&ENGINE, &pods(), &[printed("db-0", "postgres", &old)]);
    let [finding] = topology.findings.as_slice() else { panic!("{:?}", topology.findings) };
    assert_eq!(finding.message, "pod/db-0 has 1 prepared transactions, the oldest since 3h12m");
}

#[test]
fn an_answer_cut_off_anywhere_is_unknown() {
    for (name, file) in [("db-0", "15/sessions-db-0"), ("db-1", "15/paused-db-1"), ("db-0", "17/logical-db-0")] {
        let whole = recorded(&format!("postgres/{file}.json"));
        for end in (0..whole.trim_end().len()).filter(|end| whole.is_char_boundary(*end)) {
            let topology = read(&ENGINE, &[pod(name)], &[printed(name, "postgres", &whole[..end])]);
            let why = topology.members[0].role.why().unwrap_or_else(|| panic!("{file} cut at {end}"));
            assert_eq!(topology.members[0], Member::unknown(name.into(), why));
            assert_eq!((topology.slots, topology.findings, topology.sync), (vec![], vec![], None));
        }
    }
}

#[test]
fn mixed_up_answers_are_unknown() {
    let whole = recorded("postgres/15/healthy-db-0.json");
    let half = whole.len() / 2;
    for text in [
        format!("{whole}{whole}"),
        format!("NOTICE: hello\n{whole}"),
        format!("{whole}ERROR: goodbye"),
        format!("{}WARNING\n{}", &whole[..half], &whole[half..]),
        whole.replace("\"in_recovery\": false", "\"in_recovery\": null"),
        whole.replace("\"in_recovery\": false, ", ""),
        whole.replace("0/4025A70", "nowhere"),
    ] {
        let topology = read(&ENGINE, &[pod("db-0")], &[printed("db-0", "postgres", &text)]);
        assert!(topology.members[0].role.why().is_some(), "{text}");
    }
}

#[test]
fn recordings_hold_no_secret() {
    // The standbys were recorded with `password=hunter2` in their primary_conninfo.
    for file in ["15/healthy-db-1", "15/gone-db-1", "15/diverged-db-0", "17/logical-db-1"] {
        let text = recorded(&format!("postgres/{file}.json"));
        assert!(!text.contains("conninfo") && !text.contains("hunter2"), "{file}");
    }
}

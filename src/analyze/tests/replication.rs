use super::build::*;
use crate::model::{
    Answer, Code, Finding, Known, Member, ProbeOutput, Resource, Role, Severity, Slot, SyncRule, Topology,
};

fn slot(pod: &str, active: bool, retained: u64) -> Slot {
    Slot {
        pod: pod.into(),
        name: "old".to_owned(),
        reader: None,
        logical: false,
        active,
        retained_bytes: Some(retained),
        spare_bytes: None,
        state: None,
    }
}

fn failed(pod: &str, why: &str) -> ProbeOutput {
    ProbeOutput {
        namespace: "shop".into(),
        pod: pod.into(),
        pod_uid: format!("uid-{pod}").into(),
        id: "state".to_owned(),
        answer: Answer::Failed(why.to_owned()),
    }
}

#[test]
fn two_members_that_take_writes_are_two_primaries() {
    let world = World::with(|world| {
        *world.member(1) = mk_primary("db-1");
        world.member(1).timeline = Some(5);
    });
    let finding = world.finding(Code::TwoPrimaries);
    assert_eq!(finding.message, "set db has 2 primaries: db-0 (timeline 4) and db-1 (timeline 5)");
    assert_eq!(world.report().head.verdict, "TWO PRIMARIES, nothing may go");
    assert!(!World::healthy().says(Code::TwoPrimaries));
}

#[test]
fn replicas_without_a_primary_have_no_primary() {
    let world = World::with(|world| {
        *world.member(0) = mk_replica("db-0", 0);
        for member in &mut world.topology.members {
            member.receiving = Some(Known::Value(false));
        }
    });
    let finding = world.finding(Code::NoPrimary);
    assert_eq!(finding.message, "set db has no primary: none of its 3 members takes writes");
    assert_eq!(world.report().head.verdict, "NO PRIMARY, nothing may go");
    assert_eq!(world.report().head.primaries, Known::Value(Vec::new()));
    assert!(!world.says(Code::ReplicaDisconnected));
}

#[test]
fn a_member_that_says_nothing_may_be_the_primary() {
    let silent = |fed: bool| {
        World::with(|world| {
            *world.member(0) = Member::unknown("db-0".into(), "no answer within 5s");
            for ordinal in 1..3 {
                world.member(ordinal).receiving = Some(Known::Value(fed));
            }
        })
    };
    let finding = silent(false).finding(Code::NoPrimary);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Critical, "set db has no known primary: the role of db-0 is unknown (no answer within 5s)")
    );
    assert_eq!(silent(true).finding(Code::NoPrimary).severity, Severity::Warning);
}

#[test]
fn a_standby_leader_or_no_roles_at_all_are_not_the_lack_of_a_primary() {
    let standby = World::with(|world| world.member(0).role = Known::Value(Role::StandbyLeader));
    assert!(!standby.says(Code::NoPrimary));
    assert!(!World::with(World::without_roles).says(Code::NoPrimary));
}

#[test]
fn a_replica_that_receives_nothing_is_disconnected() {
    let world = World::with(|world| {
        world.member(1).receiving = Some(Known::Value(false));
        world.member(1).replication = Some("in archive recovery".to_owned());
    });
    assert_eq!(world.finding(Code::ReplicaDisconnected).message, "pod db-1 receives no changes (in archive recovery)");
    let unknown = World::with(|world| world.member(1).receiving = Some(Known::unknown("not said")));
    assert!(!unknown.says(Code::ReplicaDisconnected));
}

#[test]
fn a_member_on_another_branch_of_history_has_diverged() {
    let newer = World::with(|world| world.member(1).timeline = Some(5));
    assert_eq!(newer.finding(Code::TimelineDiverged).message, "pod db-1 is on timeline 5, db-0 on 4");
    let older = World::with(|world| {
        world.member(1).timeline = Some(3);
        world.member(1).receiving = Some(Known::Value(false));
    });
    assert!(older.says(Code::TimelineDiverged));
    assert!(!older.says(Code::ReplicaDisconnected));
    let foreign = World::with(|world| world.member(1).system_id = Some("99".to_owned()));
    assert_eq!(
        foreign.finding(Code::TimelineDiverged).message,
        "pod db-1 holds the data of another cluster than db-0: 99, not 71"
    );
}

#[test]
fn a_replica_that_streams_catches_up_with_a_newer_timeline() {
    let world = World::with(|world| world.member(1).timeline = Some(3));
    assert!(!world.says(Code::TimelineDiverged));
}

#[test]
fn data_of_two_clusters_is_said_without_a_primary_as_well() {
    let world = World::with(|world| {
        world.member(0).role = Known::Value(Role::Replica);
        world.member(1).system_id = Some("99".to_owned());
    });
    assert_eq!(world.finding(Code::TimelineDiverged).message, "set db has members of 2 different clusters");
}

#[test]
fn lag_counts_from_the_limit_on() {
    let world = World::with(|world| *world.member(2) = mk_replica("db-2", 18 << 20));
    assert_eq!(world.finding(Code::LagHigh).message, "pod db-2 is 18Mi (4s) behind, over 16Mi (--max-lag)");
    assert!(!World::with(|world| *world.member(2) = mk_replica("db-2", 16 << 20)).says(Code::LagHigh));
    let unknown = World::with(|world| world.member(2).lag = None);
    assert!(!unknown.says(Code::LagHigh));
}

#[test]
fn a_paused_replay_is_said() {
    let world = World::with(|world| world.member(2).replay_paused = true);
    assert_eq!(world.finding(Code::ReplayPaused).message, "pod db-2 has its replay paused");
    assert!(!World::healthy().says(Code::ReplayPaused));
}

#[test]
fn commits_hang_when_too_few_standbys_confirm() {
    let rule = |confirming| {
        World::with(|world| {
            let setting = "ANY 2 (db_1, db_2)".to_owned();
            world.topology.sync = Some(SyncRule { setting, wanted: 2, confirming });
        })
    };
    let finding = rule(Known::Value(1)).finding(Code::SyncStandbyMissing);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Critical, "set db has 1 of 2 synchronous standbys (ANY 2 (db_1, db_2))")
    );
    assert!(!rule(Known::Value(2)).says(Code::SyncStandbyMissing));
    assert!(!rule(Known::unknown("not said")).says(Code::SyncStandbyMissing));
}

#[test]
fn a_slot_that_nobody_reads_keeps_log() {
    let with = |slot: Slot| World::with(|world| world.topology.slots = vec![slot]);
    let finding = with(slot("db-0", false, 2 * GIB)).finding(Code::SlotInactive);
    assert_eq!(
        (finding.severity, finding.message.as_str()),
        (Severity::Warning, "pod db-0 keeps 2Gi of log for slot old, which nobody reads")
    );
    assert_eq!(with(slot("db-0", false, 10 * GIB)).finding(Code::SlotInactive).severity, Severity::Critical);
    assert!(!with(slot("db-0", true, 10 * GIB)).says(Code::SlotInactive));
    assert!(!with(slot("db-1", false, 1024)).says(Code::SlotInactive));
    let two = World::with(|world| {
        world.topology.slots =
            vec![slot("db-0", false, GIB), Slot { name: "new".to_owned(), ..slot("db-0", false, 2 * GIB) }];
    });
    let said = two.findings(Code::SlotInactive);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].message, "pod db-0 keeps log that nobody reads: slot old (1Gi) and slot new (2Gi)");
    assert_eq!(with(slot("db-0", false, 96)).finding(Code::SlotInactive).severity, Severity::Note);
    let limited = with(Slot { spare_bytes: Some(GIB), ..slot("db-0", false, 10 * GIB) }).finding(Code::SlotInactive);
    assert_eq!(
        (limited.severity, limited.why.as_str()),
        (Severity::Warning, "after 1Gi more the server gives it up, and its reader has to start from a new copy")
    );
    let lost = with(Slot { state: Some("lost".to_owned()), ..slot("db-0", false, 0) });
    assert_eq!(lost.finding(Code::SlotInactive).message, "pod db-0 has slot old, which is lost");
}

#[test]
fn members_and_pods_that_do_not_know_each_other_are_said() {
    let stranger = World::with(|world| world.topology.strangers = vec!["db-9".to_owned()]);
    assert_eq!(stranger.finding(Code::MemberWithoutPod).message, "set db has member db-9, for which there is no pod");
    let unknown = World::with(|world| drop(world.topology.members.remove(2)));
    assert_eq!(unknown.finding(Code::PodWithoutMember).message, "pod db-2 runs and is no member of the cluster");
    assert!(!World::healthy().says(Code::MemberWithoutPod));
    assert!(!World::healthy().says(Code::PodWithoutMember));
}

#[test]
fn a_service_that_selects_the_primarys_label_must_not_lead_to_a_replica() {
    let mislabelled = |world: &mut World| {
        world.pod(1).meta.labels.insert("example.com/role".to_owned(), "primary".to_owned());
    };
    let finding = World::with(mislabelled).finding(Code::WritesToReplica);
    assert_eq!(finding.message, "pod db-1 is labelled example.com/role=primary and is a replica");
    let with_service = World::with(|world| {
        mislabelled(world);
        let selector = [("app", "db"), ("example.com/role", "primary")];
        world.snapshot.services.push(mk_service("db-rw", &selector));
    });
    assert_eq!(
        with_service.finding(Code::WritesToReplica).message,
        "Service db-rw sends writes to db-1, which is a replica"
    );
    let right = World::with(|world| {
        world.pod(0).meta.labels.insert("example.com/role".to_owned(), "primary".to_owned());
    });
    assert!(!right.says(Code::WritesToReplica));
}

#[test]
fn a_service_that_leads_to_one_pod_for_writes_must_lead_to_the_primary() {
    let pinned = |name: &str, pod: &str| {
        World::with(|world| {
            let selector = [("statefulset.kubernetes.io/pod-name", pod)];
            world.snapshot.services.push(mk_service(name, &selector));
        })
    };
    let finding = pinned("db-primary", "db-1").finding(Code::WritesToReplica);
    assert_eq!(
        finding.next.as_deref(),
        Some(
            "kubectl patch service db-primary --type merge -p \
             '{\"spec\":{\"selector\":{\"statefulset.kubernetes.io/pod-name\":\"db-0\"}}}' -n shop"
        )
    );
    assert!(!pinned("db-primary", "db-0").says(Code::WritesToReplica));
    assert!(!pinned("db-1-debug", "db-1").says(Code::WritesToReplica));
}

#[test]
fn engines_that_do_not_answer_are_said_once_for_each_reason() {
    let world = World::with(|world| {
        world.topology = Topology::unknown(["db-0".into(), "db-1".into(), "db-2".into()], "no answer");
        let why = "no answer within 5s";
        world.snapshot.probes = vec![failed("db-0", why), failed("db-1", why), failed("db-2", "psql: not found")];
    });
    let messages: Vec<_> = world.findings(Code::ProbeFailed).into_iter().map(|finding| finding.message).collect();
    assert_eq!(
        messages,
        ["pods db-0 and db-1 gave no role: no answer within 5s", "pod db-2 gave no role: psql: not found"]
    );
}

#[test]
fn engines_that_nobody_asked_have_not_failed() {
    let world = World::with(|world| {
        world.topology = Topology::unknown(["db-0".into(), "db-1".into(), "db-2".into()], "not asked");
        world.gap(Resource::Probes, "not asked (--no-probe)");
    });
    assert!(!world.says(Code::ProbeFailed));
    assert_eq!(world.finding(Code::NotRead).message, "roles unknown (not asked (--no-probe))");
    assert!(!World::with(World::without_roles).says(Code::ProbeFailed));
}

#[test]
fn an_answer_of_an_earlier_pod_is_no_answer() {
    let world = World::with(|world| {
        let mut old = failed("db-0", "no answer within 5s");
        old.pod_uid = "uid-before".into();
        world.snapshot.probes = vec![old];
    });
    assert!(!world.says(Code::ProbeFailed));
}

#[test]
fn what_the_engine_finds_itself_is_passed_on() {
    let world = World::with(|world| {
        world.topology.findings = vec![Finding {
            severity: Severity::Warning,
            code: Code::FailoverPaused,
            subject: "statefulset/db".to_owned(),
            message: "set db is paused".to_owned(),
            why: String::new(),
            next: None,
        }];
    });
    assert_eq!(world.finding(Code::FailoverPaused).message, "set db is paused");
    assert!(!World::healthy().says(Code::FailoverPaused));
}

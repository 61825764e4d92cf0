use super::build::*;
use crate::model::{
    ClaimPolicy, Known, Lag, Member, PodManagement, Resource, Role, SyncRule, SyncState, UpdateStrategy,
};

type Case = (&'static str, Change, [&'static str; 3]);

fn no_lag(world: &mut World, ordinal: usize) {
    world.member(ordinal).lag = Some(Lag { bytes: Known::unknown("not said"), delay_ms: Known::unknown("not said") });
}

fn sync(world: &mut World, wanted: u32, states: [SyncState; 2]) {
    let setting = "a test".to_owned();
    world.topology.sync = Some(SyncRule { setting, wanted, confirming: Known::Value(wanted) });
    world.member(1).sync = Some(states[0]);
    world.member(2).sync = Some(states[1]);
}

const SPEAKS_AGAINST: &[Case] = &[
    ("all as it should be", |_| {}, ["no primary", "yes", "yes"]),
    (
        "a replica lags: it is the other one's copy that is not good enough",
        |world| *world.member(2) = mk_replica("db-2", 18 << 20),
        ["no primary", "no lag", "yes"],
    ),
    ("a replica is down", |world| world.not_ready(2), ["no primary", "no lastCopy", "no alreadyDown"]),
    (
        "a lower ordinal is down under OrderedReady",
        |world| world.not_ready(1),
        ["no primary", "no alreadyDown", "no lowerOrdinals lastCopy"],
    ),
    (
        "a lower ordinal is down under Parallel",
        |world| {
            world.set().pod_management = PodManagement::Parallel;
            world.not_ready(1);
        },
        ["no primary", "no alreadyDown", "no lastCopy"],
    ),
    (
        "a replica is disconnected",
        |world| world.member(2).receiving = Some(Known::Value(false)),
        ["no primary", "no lastCopy", "yes"],
    ),
    ("the lag of a needed copy is unknown", |world| no_lag(world, 2), ["no primary", "unknown lag", "yes"]),
    (
        "the role of a possible copy is unknown",
        |world| *world.member(2) = Member::unknown("db-2".into(), "no answer within 5s"),
        ["no primary", "unknown lag", "unknown roleUnknown"],
    ),
    (
        "the primary is down",
        |world| world.not_ready(0),
        ["no primary alreadyDown", "no lowerOrdinals noPrimary", "no lowerOrdinals noPrimary"],
    ),
    (
        "there is no primary",
        |world| *world.member(0) = mk_replica("db-0", 0),
        ["no noPrimary", "no noPrimary", "no noPrimary"],
    ),
    (
        "one that runs has not said what it is",
        |world| *world.member(0) = Member::unknown("db-0".into(), "no answer within 5s"),
        ["unknown noPrimary roleUnknown", "unknown noPrimary", "unknown noPrimary"],
    ),
    (
        "one that is going has not said what it was",
        |world| {
            world.pod(0).meta.deleting = ago(10);
            *world.member(0) = Member::unknown("db-0".into(), "no answer within 5s");
        },
        ["no alreadyDown", "no lowerOrdinals noPrimary", "no lowerOrdinals noPrimary"],
    ),
    ("two primaries", |world| *world.member(1) = mk_primary("db-1"), ["no primary", "no primary", "no twoPrimaries"]),
    (
        "a standby cluster",
        |world| world.member(0).role = Known::Value(Role::StandbyLeader),
        ["no primary", "yes", "yes"],
    ),
    (
        "a budget allows nothing",
        |world| world.snapshot.budgets = vec![mk_budget("db", 0)],
        ["no primary budget", "no budget", "no budget"],
    ),
    (
        "two budgets",
        |world| world.snapshot.budgets.push(mk_budget("other", 1)),
        ["no primary budget", "no budget", "no budget"],
    ),
    (
        "budgets are forbidden",
        |world| world.gap(Resource::Budgets, "forbidden"),
        ["no primary", "unknown budget", "unknown budget"],
    ),
    (
        "a budget nobody counted",
        |world| world.snapshot.budgets[0].observed = false,
        ["no primary", "unknown budget", "unknown budget"],
    ),
    (
        "the only synchronous standby",
        |world| sync(world, 1, [SyncState::Sync, SyncState::Async]),
        ["no primary", "no syncStandby", "yes"],
    ),
    (
        "another standby would take over confirming",
        |world| sync(world, 1, [SyncState::Sync, SyncState::Potential]),
        ["no primary", "yes", "yes"],
    ),
    (
        "a quorum that needs both",
        |world| sync(world, 2, [SyncState::Quorum, SyncState::Quorum]),
        ["no primary", "no syncStandby", "no syncStandby"],
    ),
    (
        "another branch of history",
        |world| world.member(2).timeline = Some(9),
        ["no primary", "no lastCopy", "no diverged"],
    ),
    ("a volume on a cordoned node", |world| world.node(1).unschedulable = true, ["no primary", "no node", "yes"]),
    (
        "a claim that is being deleted",
        |world| world.claim(1).meta.deleting = ago(10),
        ["no primary", "no claim", "yes"],
    ),
    (
        "the set is being deleted",
        |world| world.set().meta.deleting = ago(10),
        ["no primary deleting", "no deleting", "no deleting"],
    ),
];

#[test]
fn every_reason_that_speaks_against_an_ordinal_is_given() {
    for (case, change, expected) in SPEAKS_AGAINST {
        let world = World::with(change);
        let answers = [world.safe(0), world.safe(1), world.safe(2)];
        assert_eq!(&answers.each_ref().map(String::as_str), expected, "{case}");
    }
}

const WITHOUT_ROLES: &[Case] = &[
    ("no roles", |_| {}, ["unknown roleUnknown", "unknown roleUnknown", "unknown roleUnknown"]),
    ("no majority would stay", |world| world.not_ready(2), ["no quorum", "no quorum", "no alreadyDown"]),
    (
        "one is left",
        |world| {
            world.not_ready(1);
            world.not_ready(2);
        },
        ["no lastCopy", "no alreadyDown", "no alreadyDown"],
    ),
];

#[test]
fn without_roles_nothing_is_ever_safe() {
    for (case, change, expected) in WITHOUT_ROLES {
        let world = World::with(|world| {
            world.without_roles();
            change(world);
        });
        let answers = [world.safe(0), world.safe(1), world.safe(2)];
        assert_eq!(&answers.each_ref().map(String::as_str), expected, "{case}");
    }
}

#[test]
fn roles_from_labels_alone_do_not_make_a_copy_known() {
    let world = World::with(|world| {
        for member in &mut world.topology.members {
            (member.receiving, member.lag, member.sync) = (None, None, None);
        }
    });
    assert_eq!(world.safe(1), "unknown lag");
}

#[test]
fn the_only_member_is_never_safe() {
    let world = World::with(|world| {
        world.set().replicas = 1;
        world.snapshot.pods.truncate(1);
        world.topology.members.truncate(1);
    });
    assert_eq!(world.safe(0), "no primary lastCopy");
    assert_eq!(world.report().head.verdict, "nothing may go");
}

#[test]
fn a_pod_that_would_come_back_with_a_broken_revision_stays() {
    let world = World::with(|world| {
        world.set().update = UpdateStrategy::default();
        world.set().status.update_revision = "rev-2".to_owned();
        world.pod(2).meta.labels.insert(crate::model::REVISION_LABEL.to_owned(), "rev-2".to_owned());
        world.not_ready(2);
    });
    assert_eq!(world.safe(1), "no rollout lastCopy");
}

#[test]
fn data_outside_claims_goes_with_the_pod() {
    let world = World::with(|world| {
        world.set().claim_templates.clear();
        for pod in &mut world.snapshot.pods {
            pod.claims.clear();
        }
    });
    assert_eq!(world.safe(1), "no noClaim");
}

#[test]
fn pods_that_were_not_read_are_unknown() {
    let world = World::with(|world| {
        world.snapshot.pods.clear();
        world.topology.members.clear();
        world.gap(Resource::Pods, "not in the file");
    });
    assert_eq!(world.safe(0), "unknown notRead");
}

#[test]
fn the_verdict_never_sounds_as_if_several_could_go_at_once() {
    let cases: [(Change, &str); 7] = [
        (|_| {}, "one of db-1 and db-2 may go"),
        (|world| *world.member(2) = mk_replica("db-2", 18 << 20), "db-2 may go"),
        (|world| world.snapshot.budgets = vec![mk_budget("db", 0)], "nothing may go"),
        (World::without_roles, "not known what may go: cluster role not known (no engine recognised)"),
        (|world| *world.member(0) = mk_replica("db-0", 0), "NO PRIMARY, nothing may go"),
        (
            |world| *world.member(0) = Member::unknown("db-0".into(), "no answer"),
            "NO KNOWN PRIMARY, not known what may go: it is not known which member is the primary",
        ),
        (|world| world.set().when_scaled = ClaimPolicy::Delete, "one of db-1 and db-2 may go"),
    ];
    for (change, words) in cases {
        assert_eq!(World::with(change).report().head.verdict, words);
    }
}

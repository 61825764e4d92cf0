//! Clusters of equals: no primary, and nobody misses one.

use super::build::*;
use crate::model::{Code, Finding, Known, Member, Objection, Role, Severity, Topology};

fn peer(pod: &str) -> Member {
    Member { role: Known::Value(Role::Peer), shown_as: Some("UN".to_owned()), ..Member::unknown(pod.into(), "") }
}

fn objection(pod: &str, code: &'static str, why: Known<String>) -> Objection {
    Objection { pod: pod.into(), code, why }
}

/// A set of equals with one change.
fn equals(change: impl FnOnce(&mut World)) -> World {
    World::with(|world| {
        world.engine = "cassandra";
        world.topology = Topology { members: ["db-0", "db-1", "db-2"].map(peer).to_vec(), ..Topology::unknown([], "") };
        change(world);
    })
}

#[test]
fn a_cluster_of_equals_misses_no_primary() {
    let world = equals(|_| {});
    let report = world.report();
    assert_eq!(report.findings, Vec::<Finding>::new());
    assert_eq!(report.head.verdict, "any one of db-0, db-1 and db-2 may go");
    assert_eq!(report.head.primaries.value().map(Vec::len), Some(3));
    assert_eq!([world.safe(0), world.safe(1), world.safe(2)], ["yes", "yes", "yes"]);
}

#[test]
fn what_the_engine_says_against_an_ordinal_counts_for_it_alone() {
    let world = equals(|world| {
        let known = Known::Value("k1 would keep 0 of 1 copies".to_owned());
        let unknown = Known::unknown("replication is not known (not asked)");
        world.topology.objections =
            vec![objection("db-0", "quorum", known.clone()), objection("db-1", "quorum", unknown)];
    });
    assert_eq!([world.safe(0), world.safe(1), world.safe(2)], ["no quorum", "unknown quorum", "yes"]);
    assert_eq!(world.report().head.verdict, "db-2 may go");
}

#[test]
fn a_member_that_says_nothing_is_unknown_and_the_others_are_not() {
    let world = equals(|world| *world.member(2) = Member::unknown("db-2".into(), "no answer within 5s"));
    assert_eq!([world.safe(0), world.safe(1), world.safe(2)], ["yes", "yes", "unknown roleUnknown"]);
    assert!(!world.says(Code::NoPrimary));
    assert_eq!(world.finding(Code::ProbeFailed).severity, Severity::Warning);
}

#[test]
fn a_member_that_is_detached_takes_no_writes() {
    let world = equals(|world| world.member(2).role = Known::Value(Role::Detached));
    assert_eq!(world.report().head.primaries.value().map(Vec::len), Some(2));
    assert!(!world.says(Code::NoPrimary));
}

#[test]
fn what_holds_for_every_set_holds_for_equals() {
    let world = equals(|world| {
        world.snapshot.budgets = vec![mk_budget("db", 0)];
        world.not_ready(2);
    });
    assert_eq!([world.safe(0), world.safe(1), world.safe(2)], ["no budget", "no budget", "no alreadyDown"]);
}

#[test]
fn members_of_different_clusters_are_found_among_equals() {
    let world = equals(|world| {
        for (ordinal, id) in ["a", "a", "b"].into_iter().enumerate() {
            world.member(ordinal).system_id = Some(id.to_owned());
        }
    });
    assert_eq!(world.finding(Code::TimelineDiverged).message, "set db has members of 2 different clusters");
}

//! What speaks against a move, each in a healthy world with one change; and the plan where nothing does.

use super::{Migrate, finish, migrate};
use crate::analyze::tests::build::{Change, GIB, World, mk_budget, mk_node, mk_pod, mk_volume};
use crate::engine;
use crate::model::{
    FleetingKind, FleetingVolume, NodeName, OwnerReference, PodName, RETAINED_LABEL, Resource, StorageClass, Taint,
    UpdateStrategy,
};
use crate::plan::{Effect, Entry, Goal, Happening, Plan, Run, RunId, Stage, Undo, Verdict};
use crate::planner::{Refusal, Situation, judge, undo};

/// A healthy world on nodes that could take each other's members.
fn world(change: impl FnOnce(&mut World)) -> World {
    World::with(|world| {
        world.snapshot.nodes.push(mk_node("node-4", "a"));
        for node in &mut world.snapshot.nodes {
            node.meta.labels.insert("kubernetes.io/arch".to_owned(), "amd64".to_owned());
        }
        let mut class = StorageClass { waits_for_consumer: true, ..StorageClass::default() };
        "fast".clone_into(&mut class.meta.name);
        world.snapshot.classes = vec![class];
        change(world);
    })
}

fn wanted() -> Migrate {
    Migrate {
        to: None,
        allowed: Vec::new(),
        max_downtime_seconds: 60,
        evict_limit: None,
        image: None,
        bytes_per_second: None,
        verify_all: false,
    }
}

fn situation(world: &World) -> Situation<'_> {
    Situation {
        snapshot: &world.snapshot,
        workload: &world.snapshot.workloads[0],
        report: world.report(),
        topology: world.topology.clone(),
        engine: engine::by_name("postgres").expect("PostgreSQL"),
        container: None,
        max_lag_bytes: 16 << 20,
    }
}

fn planned(world: &World, member: &str, wanted: &Migrate) -> Result<Plan, Refusal> {
    let id = RunId("20261121-093015-001".to_owned());
    migrate(&situation(world), &PodName(member.to_owned()), wanted, id, world.snapshot.taken_at)
}

/// The codes of what speaks against moving db-2.
fn against(change: impl FnOnce(&mut World)) -> Vec<&'static str> {
    match planned(&world(change), "db-2", &wanted()) {
        Ok(_) => Vec::new(),
        Err(refusal) => refusal.objections.iter().map(|one| one.code).collect(),
    }
}

fn stages(plan: &Plan) -> Vec<String> {
    let word = |effect: &Effect| {
        let first = effect.to_string().split(' ').next().unwrap_or_default().to_owned();
        if let Effect::Relocate { stage, .. } = effect { format!("{stage:?}") } else { first }
    };
    plan.steps.iter().map(|step| word(&step.effect)).collect()
}

#[test]
fn a_replica_goes_to_the_node_with_the_fewest_members() {
    let plan = planned(&world(|_| ()), "db-2", &wanted()).unwrap();
    assert_eq!(plan.goal.to_string(), "migrate db-2 node-3 -> node-4");
    let all =
        ["Protect", "Prepare", "cordon", "Copy", "Hold", "evict", "Finish", "Reserve", "Swap", "LiftHold", "Retire"];
    assert_eq!(stages(&plan), all);
    let pause = plan.pause.unwrap();
    assert_eq!((all[pause.first], all[pause.last]), ("evict", "Swap"), "the member is down for these");
    let last = plan.steps.iter().position(|step| matches!(step.undo, Undo::Barrier { .. })).unwrap();
    assert_eq!(all[last], "Swap", "until then everything can be taken back");
}

#[test]
fn a_node_that_somebody_has_cordoned_stays_so_and_lets_the_member_back_all_the_same() {
    let plan = planned(&world(|world| world.node(2).unschedulable = true), "db-2", &wanted()).unwrap();
    assert!(!stages(&plan).contains(&"cordon".to_owned()));
    let evict = plan.steps.iter().find(|step| matches!(step.effect, Effect::Evict { .. })).unwrap();
    let Undo::By(back) = &evict.undo else { panic!("{:?}", evict.undo) };
    assert!(matches!(back.effect, Effect::Relocate { stage: Stage::LetBack, .. }));
}

#[test]
fn the_new_volume_is_as_large_as_anything_that_was_asked_for() {
    let plan = planned(&world(|world| world.set().claim_templates[0].size_bytes = Some(30 * GIB)), "db-2", &wanted());
    let plan = plan.unwrap();
    let Effect::Relocate { relocation, .. } = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!(relocation.claims[0].bytes, 30 * GIB);
}

#[test]
fn what_cannot_be_moved_is_refused_by_name() {
    let cases: [(&str, Change); 21] = [
        ("block", |world| world.claim(2).volume_mode = "Block".to_owned()),
        ("accessMode", |world| world.claim(2).access_modes = vec!["ReadWriteOncePod".to_owned()]),
        ("resize", |world| {
            let resizing = crate::analyze::tests::build::condition("FileSystemResizePending", "True", "", "");
            world.claim(2).conditions = vec![resizing];
        }),
        ("dataSource", |world| world.set().claim_templates[0].has_source = true),
        ("class", |world| world.snapshot.classes[0].waits_for_consumer = false),
        ("class", |world| world.snapshot.classes.clear()),
        ("notLocal", |world| world.volume(2).node_terms.clear()),
        ("claim", |world| world.volume(2).claim = None),
        ("volume", |world| world.volume(2).phase = "Failed".to_owned()),
        ("tolerations", |world| world.set().template.bears_every_taint = true),
        ("onDelete", |world| world.set().update = UpdateStrategy::OnDelete),
        ("rollout", |world| {
            world.set().update = UpdateStrategy::RollingUpdate { partition: 1, max_unavailable: None };
        }),
        ("hostPath", |world| {
            let volume = FleetingVolume { name: "cache".to_owned(), kind: FleetingKind::HostPath };
            world.set().template.fleeting_volumes = vec![volume];
        }),
        ("budget", |world| world.snapshot.budgets.push(mk_budget("second", 1))),
        ("unsafe", |world| world.snapshot.budgets[0].disruptions_allowed = 0),
        ("unsafe", |world| world.not_ready(1)),
        ("source", |world| world.node_down(2)),
        ("shared", |world| {
            let mut other = mk_pod("report", 0, "node-3");
            other.claims = vec![("data".to_owned(), "data-db-2".into())];
            world.snapshot.pods.push(other);
        }),
        ("architecture", |world| {
            world.node(2).meta.labels.insert("kubernetes.io/arch".to_owned(), "s390x".to_owned());
        }),
        ("notRead", |world| world.gap(Resource::Volumes, "forbidden")),
        ("owner", |world| {
            world.set().meta.owners = vec![OwnerReference {
                api_version: "elasticsearch.k8s.elastic.co/v1".to_owned(),
                kind: "Elasticsearch".to_owned(),
                name: "db".to_owned(),
                uid: "u".into(),
                controller: true,
            }];
        }),
    ];
    for (code, change) in cases {
        let found = against(change);
        assert!(found.contains(&code), "{code}, not {found:?}");
    }
    assert_eq!(against(|_| ()), [""; 0], "and none of them in a healthy world");
}

#[test]
fn a_node_that_cannot_take_the_member_is_refused() {
    let to = |node: &str, change: fn(&mut World)| {
        let wanted = Migrate { to: Some(NodeName(node.to_owned())), ..wanted() };
        let refusal = planned(&world(change), "db-2", &wanted).unwrap_err();
        refusal.objections.iter().map(|one| format!("{}: {}", one.code, one.measured)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(to("node-3", |_| ()), "target: db-2 is on node-3 already");
    assert_eq!(to("node-9", |_| ()), "target: there is no node node-9");
    assert_eq!(to("node-2", |world| world.node(1).unschedulable = true), "target: node-2 takes no new pods");
    let tainted = |world: &mut World| {
        let taint = Taint { key: "gpu".to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
        world.node(1).taints = vec![taint];
    };
    assert_eq!(to("node-2", tainted), "target: node-2 takes no new pods");
}

#[test]
fn a_primary_is_refused_and_somebody_may_take_the_responsibility() {
    let refusal = planned(&world(|_| ()), "db-0", &wanted()).unwrap_err();
    let objection = &refusal.objections[0];
    assert_eq!((objection.code, objection.allow), ("unsafe", Some("downtime")));
    assert!(objection.way_out.as_deref().unwrap_or_default().contains("promote"), "{objection:?}");
    let allowed = Migrate { allowed: vec!["downtime".to_owned()], ..wanted() };
    assert!(planned(&world(|_| ()), "db-0", &allowed).is_ok());
}

#[test]
fn only_what_a_member_had_before_it_was_moved_is_removed() {
    let kept = |world: &mut World| {
        let mut volume = mk_volume("pv-old", "data-db-2", "node-1");
        "Released".clone_into(&mut volume.phase);
        volume.meta.labels.insert(RETAINED_LABEL.to_owned(), "shop.db-2".to_owned());
        world.snapshot.volumes.push(volume);
    };
    let end = |world: &World, member: &str| {
        let id = RunId("20261121-093015-001".to_owned());
        finish(&situation(world), &PodName(member.to_owned()), id, world.snapshot.taken_at)
    };
    let plan = end(&world(kept), "db-2").unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.effect.to_string()).collect::<Vec<_>>(), ["delete volume pv-old"]);
    assert!(matches!(plan.steps[0].undo, Undo::Never { .. }));
    assert_eq!(end(&world(kept), "db-1").unwrap_err().objections[0].code, "nothing");
    let used = world(|world| {
        kept(world);
        world.volume(3).phase = "Bound".to_owned();
    });
    assert_eq!(end(&used, "db-2").unwrap_err().objections[0].code, "volume");
    let unwell = world(|world| {
        kept(world);
        world.not_ready(2);
    });
    assert_eq!(end(&unwell, "db-2").unwrap_err().objections[0].code, "notReady");
}

#[test]
fn a_member_that_is_placed_where_its_new_volumes_are_is_gone_on_with_and_not_taken_back() {
    let mut world = world(|_| ());
    let (plan, now) = (planned(&world, "db-2", &wanted()).expect("a plan"), world.snapshot.taken_at);
    let Goal::Migrate { to, .. } = plan.goal.clone() else { panic!("{:?}", plan.goal) };
    let swaps = |effect: &Effect| matches!(effect, Effect::Relocate { stage: Stage::Swap, .. });
    let swap = plan.steps.iter().position(|step| swaps(&step.effect)).expect("a swap");
    let entry = |what| Entry { at: now, who: String::new(), what };
    let entries = vec![entry(Happening::Opened), entry(Happening::Began { step: swap })];
    let back = undo(&Run { plan: plan.clone(), entries }, RunId("20261121-093016-001".to_owned()), now);
    let mut may_go = |node: Option<NodeName>| {
        let pods = &mut world.snapshot.pods;
        let pod = pods.iter_mut().find(|pod| pod.meta.name == "db-2").expect("db-2");
        (pod.meta.uid, pod.node) = ("another".into(), node);
        [&plan.steps[swap].requires, &back.steps[0].requires]
            .map(|checks| judge(checks, &plan, &world.snapshot) == Verdict::Holds)
    };
    assert_eq!(may_go(None), [true, true]);
    assert_eq!(may_go(Some(to)), [true, false]);
    assert_eq!(may_go(Some("node-9".into())), [false, false]);
}

use std::collections::BTreeSet;

use super::build::*;
use crate::analyze::{Analysis, Criteria, DEFAULT_MAX_LAG_BYTES, analyze};
use crate::engine::ENGINE_ANNOTATION;
use crate::model::{Code, Known, PodName, Resource, Sessions, Snapshot};

fn criteria() -> Criteria {
    Criteria { max_lag_bytes: DEFAULT_MAX_LAG_BYTES, engine: None }
}

#[test]
fn nothing_is_said_of_a_healthy_world() {
    let report = World::healthy().report();
    assert_eq!(report.findings, []);
    assert_eq!(report.leftovers, []);
    assert_eq!(report.head.verdict, "one of db-1 and db-2 may go");
    assert_eq!(report.head.primaries, Known::Value(vec![PodName::from("db-0")]));
    assert_eq!(report.head.timeline, Some(4));
    assert_eq!(report.head.sessions, Known::Value(Sessions { active: 3, idle: 9, ..Sessions::default() }));
    assert_eq!(report.head.node_bound, Known::Value(true));
    assert_eq!(report.head.classes, ["fast"]);
    assert_eq!(report.rows[1].zone.as_deref(), Some("b"));
    assert_eq!(report.rows[1].claims[0].access_modes, "RWO");
}

#[test]
fn every_kind_that_could_not_be_read_is_said_once_and_nothing_of_it_is_found_missing() {
    let world = World::with(|world| {
        let snapshot = &mut world.snapshot;
        (snapshot.claims, snapshot.volumes, snapshot.nodes) = (Vec::new(), Vec::new(), Vec::new());
        (snapshot.budgets, snapshot.services, snapshot.endpoints) = (Vec::new(), Vec::new(), Vec::new());
        for resource in [
            Resource::Claims,
            Resource::Volumes,
            Resource::Classes,
            Resource::Nodes,
            Resource::Budgets,
            Resource::Autoscalers,
            Resource::Services,
            Resource::Endpoints,
            Resource::Events,
            Resource::Usage,
        ] {
            world.gap(resource, "forbidden");
        }
    });
    let codes: BTreeSet<Code> = world.report().findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, BTreeSet::from([Code::NotRead]), "{:#?}", world.messages());
    let notes = world.findings(Code::NotRead);
    assert_eq!(notes.len(), 1, "one reason is one note");
    for noun in ["claims", "volumes", "nodes", "budgets", "services", "endpoints", "volume use"] {
        assert!(notes[0].message.contains(noun), "{noun}: {}", notes[0].message);
    }
}

#[test]
fn kinds_that_a_set_has_no_use_for_are_not_spoken_of() {
    let world = World::with(|world| {
        world.without_roles();
        world.set().template.containers[0].image = "nginx".to_owned();
        world.set().claim_templates.clear();
        for pod in &mut world.snapshot.pods {
            pod.claims.clear();
        }
        world.gap(Resource::Volumes, "forbidden");
        world.gap(Resource::Probes, "refused");
    });
    assert!(!world.says(Code::NotRead));
}

#[test]
fn several_templates_make_several_claims_and_rows_keep_their_order() {
    let world = World::with(|world| {
        let mut wal = world.set().claim_templates[0].clone();
        wal.name = "awal".to_owned();
        world.set().claim_templates.push(wal);
    });
    let names: Vec<_> = world.row(1).claims.iter().map(|claim| claim.name.to_string()).collect();
    assert_eq!(names, ["data-db-1", "awal-db-1"]);
}

#[test]
fn an_absurd_number_of_replicas_does_not_eat_the_memory() {
    let world = World::with(|world| world.set().replicas = u32::MAX);
    assert_eq!(world.report().rows.len(), 10_000);
}

#[test]
fn of_a_thousand_sets_each_gets_what_it_gets_alone() {
    let world = World::healthy();
    let mut snapshot = Snapshot { taken_at: now(), nodes: world.snapshot.nodes.clone(), ..Snapshot::default() };
    for number in 0..1000 {
        let name = format!("db{number}");
        let mut set = mk_set(&name, 10);
        set.meta.annotations = labels(&[(ENGINE_ANNOTATION, "generic")]);
        snapshot.workloads.push(set);
        snapshot.services.push(mk_service(&name, &[("app", &name)]));
        let mut budget = mk_budget(&name, 1);
        budget.selector.labels = labels(&[("app", &name)]);
        snapshot.budgets.push(budget);
        for ordinal in 0..10 {
            let pod = format!("{name}-{ordinal}");
            let claim = format!("data-{pod}");
            snapshot.pods.push(mk_pod(&name, ordinal, "node-1"));
            snapshot.claims.push(mk_claim(&claim, &format!("pv-{pod}")));
            snapshot.volumes.push(mk_volume(&format!("pv-{pod}"), &claim, "node-1"));
            snapshot.endpoints.push(mk_endpoint(&name, &pod));
        }
    }
    let reports = analyze(&snapshot, &criteria());
    assert_eq!(reports.len(), 1000);
    assert_eq!(reports[999].head.ready, 10);
    let alone = Analysis::new(&snapshot, &criteria()).report(&snapshot.workloads[7]);
    assert_eq!(alone, reports[7]);
}

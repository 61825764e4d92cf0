use super::build::*;
use crate::model::{Autoscaler, ClaimPolicy, Code, Known, Resource, Selector, Severity, Taint};

#[test]
fn a_governing_service_that_does_not_exist_is_missing() {
    let world = World::with(|world| world.snapshot.services.clear());
    assert_eq!(world.finding(Code::ServiceMissing).message, "Service db does not exist");
    let unread = World::with(|world| {
        world.snapshot.services.clear();
        world.gap(Resource::Services, "forbidden: list services");
    });
    assert!(!unread.says(Code::ServiceMissing));
    let unnamed = World::with(|world| world.set().service.clear());
    assert_eq!(unnamed.finding(Code::ServiceMissing).severity, Severity::Note);
}

#[test]
fn a_governing_service_with_an_address_gives_no_names() {
    let world = World::with(|world| world.snapshot.services[0].cluster_ip = "10.96.0.7".to_owned());
    assert_eq!(world.finding(Code::ServiceNotHeadless).message, "Service db is not headless");
    assert!(!World::healthy().says(Code::ServiceNotHeadless));
}

#[test]
fn a_governing_service_that_selects_other_pods_selects_nothing() {
    let world = World::with(|world| world.snapshot.services[0].selector = labels(&[("app", "web")]));
    assert_eq!(world.finding(Code::ServiceSelectsNothing).message, "Service db selects no pod of the set");
    let by_hand = World::with(|world| world.snapshot.services[0].selector.clear());
    assert!(!by_hand.says(Code::ServiceSelectsNothing));
}

#[test]
fn a_ready_pod_without_an_endpoint_has_no_name() {
    let world = World::with(|world| drop(world.snapshot.endpoints.remove(1)));
    assert_eq!(world.finding(Code::NameMissing).message, "pod db-1 has no DNS name under Service db");
    assert_eq!(world.row(0).dns.as_deref(), Some("db-0.db.shop.svc"));
    assert_eq!(world.row(1).dns, None);
    assert_eq!(world.report().head.service.names_answering, Known::Value(2));
}

#[test]
fn a_pod_that_is_not_ready_needs_no_name_unless_the_service_publishes_it() {
    let down = |publish: bool| {
        World::with(|world| {
            world.not_ready(1);
            world.snapshot.endpoints.remove(1);
            world.snapshot.services[0].publish_not_ready = publish;
        })
    };
    assert!(!down(false).says(Code::NameMissing));
    assert!(down(true).says(Code::NameMissing));
    let unread = World::with(|world| {
        world.snapshot.endpoints.clear();
        world.gap(Resource::Endpoints, "forbidden: list endpointslices");
    });
    assert!(!unread.says(Code::NameMissing));
    let why = Known::unknown("forbidden: list endpointslices");
    assert_eq!(unread.report().head.service.names_answering, why);
}

#[test]
fn several_members_without_a_budget_are_noted() {
    let world = World::with(|world| world.snapshot.budgets.clear());
    let finding = world.finding(Code::BudgetMissing);
    assert_eq!(finding.next.as_deref(), Some("kubectl create pdb db --selector=app=db --max-unavailable=1 -n shop"));
    let single = World::with(|world| {
        world.snapshot.budgets.clear();
        world.set().replicas = 1;
    });
    assert!(!single.says(Code::BudgetMissing));
    let by_expression = World::with(|world| {
        world.snapshot.budgets.clear();
        world.set().selector.labels.clear();
    });
    assert_eq!(by_expression.finding(Code::BudgetMissing).next, None);
    let unread = World::with(|world| {
        world.snapshot.budgets.clear();
        world.gap(Resource::Budgets, "forbidden: list poddisruptionbudgets");
    });
    assert!(!unread.says(Code::BudgetMissing));
}

#[test]
fn a_budget_without_a_selector_protects_nothing_and_an_empty_one_everything() {
    let none = World::with(|world| world.snapshot.budgets[0].has_selector = false);
    assert!(none.says(Code::BudgetMissing));
    let all = World::with(|world| world.snapshot.budgets[0].selector = Selector::default());
    assert!(!all.says(Code::BudgetMissing));
}

#[test]
fn a_budget_that_allows_nothing_says_what_it_counts() {
    let world = World::with(|world| world.snapshot.budgets = vec![mk_budget("db", 0)]);
    let finding = world.finding(Code::BudgetBlocks);
    assert_eq!(finding.message, "budget db allows no eviction: 2 healthy, 2 must stay (maxUnavailable 1)");
    assert_eq!(finding.why, "draining a node waits until more pods are healthy");
    let rigid = World::with(|world| {
        world.snapshot.budgets[0] = {
            let mut budget = mk_budget("db", 0);
            (budget.current_healthy, budget.desired_healthy) = (3, 3);
            budget
        }
    });
    assert!(rigid.finding(Code::BudgetBlocks).why.starts_with("it needs every pod"));
    let uncounted = World::with(|world| {
        world.snapshot.budgets = vec![mk_budget("db", 0)];
        world.snapshot.budgets[0].observed = false;
    });
    assert!(!uncounted.says(Code::BudgetBlocks));
}

#[test]
fn two_budgets_over_one_pod_make_evictions_impossible() {
    let world = World::with(|world| world.snapshot.budgets.push(mk_budget("all", 1)));
    assert_eq!(world.finding(Code::BudgetsOverlap).message, "pods db-0, db-1 and db-2 are under 2 budgets: all and db");
    let elsewhere = World::with(|world| {
        let mut other = mk_budget("all", 1);
        other.meta.namespace = "web".into();
        world.snapshot.budgets.push(other);
    });
    assert!(!elsewhere.says(Code::BudgetsOverlap));
}

#[test]
fn an_autoscaler_is_critical_where_scaling_down_deletes_data() {
    let scaled = |world: &mut World, target: &str| {
        world.snapshot.autoscalers = vec![Autoscaler {
            meta: meta("keda"),
            target_kind: "StatefulSet".to_owned(),
            target_name: target.to_owned(),
            min_replicas: Some(2),
            max_replicas: 9,
        }];
    };
    let plain = World::with(|world| scaled(world, "db"));
    let finding = plain.finding(Code::AutoscalerPresent);
    assert_eq!(finding.message, "autoscaler keda changes the replicas of db between 2 and 9");
    assert_eq!(finding.severity, Severity::Note);
    let deleting = World::with(|world| {
        scaled(world, "db");
        world.set().when_scaled = ClaimPolicy::Delete;
    });
    assert_eq!(deleting.finding(Code::AutoscalerPresent).severity, Severity::Critical);
    assert!(!World::with(|world| scaled(world, "web")).says(Code::AutoscalerPresent));
}

#[test]
fn owners_are_known_by_their_labels_and_references() {
    type Labels<'a> = &'a [(&'a str, &'a str)];
    let labelled: [(Labels<'_>, &str, bool); 7] = [
        (&[("application", "spilo"), ("cluster-name", "acid")], "Zalando postgres-operator", true),
        (&[("postgres-operator.crunchydata.com/cluster", "hippo")], "Crunchy PGO", true),
        (&[("argocd.argoproj.io/instance", "shop")], "Argo CD", true),
        (&[("kustomize.toolkit.fluxcd.io/name", "apps")], "Flux", true),
        (&[("helm.toolkit.fluxcd.io/name", "db"), ("app.kubernetes.io/managed-by", "Helm")], "Flux", true),
        (&[("app.kubernetes.io/managed-by", "Helm")], "Helm", false),
        (&[("component", "stolon-keeper")], "stolon", false),
    ];
    for (pairs, title, reverts) in labelled {
        let world = World::with(|world| world.set().meta.labels = labels(pairs));
        let owner = world.report().head.owner.unwrap();
        assert_eq!((owner.title.as_str(), owner.reverts), (title, reverts));
        assert_eq!(world.says(Code::OwnedByOperator), reverts, "{title}");
    }
    let world = World::with(|world| world.set().meta.owners = vec![owner("CrdbCluster", "cockroach")]);
    let finding = world.finding(Code::OwnedByOperator);
    assert_eq!(finding.message, "set db is managed by CockroachDB operator (owner CrdbCluster cockroach)");
    assert_eq!(finding.why, "changes of the set are put back: change spec.nodes of crdbcluster/cockroach");
    let unknown = World::with(|world| world.set().meta.owners = vec![owner("Widget", "w")]);
    assert_eq!(unknown.report().head.owner.unwrap().title, "Widget w");
}

#[test]
fn an_argo_tracking_id_of_another_kind_is_only_copied_along() {
    let tracked = |id: &str| {
        World::with(|world| {
            world.set().meta.annotations = labels(&[("argocd.argoproj.io/tracking-id", id)]);
        })
    };
    let own = tracked("shop:apps/StatefulSet:shop/db").report().head.owner.unwrap();
    assert_eq!(own.instead.as_deref(), Some("the source of application shop"));
    assert_eq!(tracked("shop:example.com/Database:shop/db").report().head.owner, None);
    assert_eq!(World::healthy().report().head.owner, None);
}

#[test]
fn members_that_share_a_node_while_another_is_free_are_said() {
    let share = |world: &mut World| world.pod(2).node = Some("node-2".into());
    let world = World::with(share);
    let finding = world.finding(Code::NodeShared);
    assert_eq!(
        finding.message,
        "pods db-1 and db-2 share node-2 while node-3 is without a member; their volumes are kept to that node"
    );
    assert_eq!(finding.why, "one machine lost = 2 of 3 members lost");
    assert!(!world.says(Code::ZoneShared));
    let tainted = World::with(|world| {
        share(world);
        let taint = Taint { key: "gpu".to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
        world.node(2).taints = vec![taint];
    });
    assert!(!tainted.says(Code::NodeShared));
    let cordoned = World::with(|world| {
        share(world);
        world.node(2).unschedulable = true;
    });
    assert!(!cordoned.says(Code::NodeShared));
}

#[test]
fn members_that_share_a_zone_while_another_is_free_are_said() {
    let share = |world: &mut World| {
        world.snapshot.nodes.push(mk_node("node-4", "b"));
        world.pod(2).node = Some("node-4".into());
    };
    assert_eq!(
        World::with(share).finding(Code::ZoneShared).message,
        "pods db-1 and db-2 share zone b while zone c is without a member"
    );
    let no_other = World::with(|world| {
        share(world);
        world.node_down(2);
    });
    assert!(!no_other.says(Code::ZoneShared));
}

//! Who manages a set, if that is not the person who looks at it.

use std::collections::BTreeMap;

use super::report::Owner;
use crate::model::Workload;

/// One way to know an operator: a label, with its value where the key alone says too little, and the resource that
/// has to be changed instead, named by the value of another label.
struct Rule {
    title: &'static str,
    label: &'static str,
    value: Option<&'static str>,
    /// What to change, before ` of RESOURCE/NAME`.
    field: &'static str,
    resource: &'static str,
    /// The label that holds the resource's name.
    named_by: &'static str,
    /// How the primary is moved under it, where it decides which member that is.
    switch: Option<&'static str>,
}

const RULES: &[Rule] = &[
    Rule {
        title: "Zalando postgres-operator",
        label: "application",
        value: Some("spilo"),
        field: "numberOfInstances",
        resource: "postgresql",
        named_by: "cluster-name",
        switch: Some("let Patroni do it: `patronictl switchover` in one of its pods"),
    },
    Rule {
        title: "Crunchy PGO",
        label: "postgres-operator.crunchydata.com/cluster",
        value: None,
        field: "spec.instances",
        resource: "postgrescluster",
        named_by: "postgres-operator.crunchydata.com/cluster",
        switch: Some("let Patroni do it: `patronictl switchover` in container database"),
    },
    Rule {
        title: "cass-operator",
        label: "cassandra.datastax.com/datacenter",
        value: None,
        field: "spec.size",
        resource: "cassandradatacenter",
        named_by: "cassandra.datastax.com/datacenter",
        switch: None,
    },
    Rule {
        title: "ECK",
        label: "elasticsearch.k8s.elastic.co/cluster-name",
        value: None,
        field: "the nodeSet's count",
        resource: "elasticsearch",
        named_by: "elasticsearch.k8s.elastic.co/cluster-name",
        switch: None,
    },
    Rule {
        title: "MySQL Operator",
        label: "mysql.oracle.com/cluster",
        value: None,
        field: "spec.instances",
        resource: "innodbcluster",
        named_by: "mysql.oracle.com/cluster",
        switch: Some("`cluster.setPrimaryInstance()` in MySQL Shell"),
    },
    Rule {
        title: "MOCO",
        label: "app.kubernetes.io/created-by",
        value: Some("moco"),
        field: "spec.replicas",
        resource: "mysqlcluster",
        named_by: "app.kubernetes.io/instance",
        switch: Some("annotate the primary's pod: moco.cybozu.com/demote=true"),
    },
    Rule {
        title: "RabbitMQ cluster operator",
        label: "app.kubernetes.io/part-of",
        value: Some("rabbitmq"),
        field: "spec.replicas",
        resource: "rabbitmqcluster",
        named_by: "app.kubernetes.io/name",
        switch: None,
    },
];

/// A kind of controlling owner that has a name of its own.
struct Kind {
    word: &'static str,
    title: &'static str,
    /// The field to change.
    field: &'static str,
    /// How the primary is moved under it.
    switch: Option<&'static str>,
}

const KINDS: &[Kind] = &[
    Kind { word: "CrdbCluster", title: "CockroachDB operator", field: "spec.nodes", switch: None },
    Kind {
        word: "MariaDB",
        title: "mariadb-operator",
        field: "spec.replicas",
        switch: Some("change spec.replication.primary.podIndex of the MariaDB resource"),
    },
    Kind {
        word: "MySQLCluster",
        title: "MOCO",
        field: "spec.replicas",
        switch: Some("annotate the primary's pod: moco.cybozu.com/demote=true"),
    },
    Kind { word: "RabbitmqCluster", title: "RabbitMQ cluster operator", field: "spec.replicas", switch: None },
];

/// Finds out who manages a set: an operator, a delivery tool, or a chart.
pub(super) fn of(workload: &Workload) -> Option<Owner> {
    by_rule(workload)
        .or_else(|| by_controller(workload))
        .or_else(|| argo_cd(workload))
        .or_else(|| flux(workload))
        .or_else(|| stolon(workload))
        .or_else(|| helm(workload))
}

fn by_rule(workload: &Workload) -> Option<Owner> {
    let labels = &workload.meta.labels;
    RULES.iter().find_map(|rule| {
        let value = labels.get(rule.label).filter(|value| rule.value.is_none_or(|wanted| wanted == *value))?;
        // The label `part-of=rabbitmq` is also written by charts; only with its owner reference it is the operator's.
        let controlled = workload.meta.controller().is_some();
        if rule.label.starts_with("app.kubernetes.io/") && !controlled {
            return None;
        }
        let instead = labels.get(rule.named_by).map(|name| format!("{} of {}/{name}", rule.field, rule.resource));
        Some(Owner {
            title: rule.title.to_owned(),
            by: format!("label {}={value}", rule.label),
            instead,
            switch: rule.switch.map(str::to_owned),
            reverts: true,
            delivers: false,
        })
    })
}

fn by_controller(workload: &Workload) -> Option<Owner> {
    let owner = workload.meta.controller()?;
    let known = KINDS.iter().find(|known| known.word == owner.kind);
    let resource = format!("{}/{}", owner.kind.to_lowercase(), owner.name);
    let own_way = || format!("in the way that {} offers", owner.kind);
    Some(Owner {
        title: known.map_or_else(|| format!("{} {}", owner.kind, owner.name), |known| known.title.to_owned()),
        by: format!("owner {} {}", owner.kind, owner.name),
        instead: Some(known.map_or_else(|| resource.clone(), |known| format!("{} of {resource}", known.field))),
        switch: known.map_or_else(|| Some(own_way()), |known| known.switch.map(str::to_owned)),
        reverts: true,
        delivers: false,
    })
}

fn argo_cd(workload: &Workload) -> Option<Owner> {
    let label = "argocd.argoproj.io/instance";
    let annotation = "argocd.argoproj.io/tracking-id";
    let by_label = workload.meta.labels.get(label).map(|name| (name.as_str(), format!("label {label}={name}")));
    let (name, by) = by_label.or_else(|| {
        // The id reads APPLICATION:GROUP/KIND:NAMESPACE/NAME, and is copied along to objects that others derive.
        let id = workload.meta.annotations.get(annotation)?;
        let (application, object) = id.split_once(':')?;
        object.starts_with("apps/StatefulSet:").then(|| (application, format!("annotation {annotation}")))
    })?;
    let instead = Some(format!("the source of application {name}"));
    Some(Owner { title: "Argo CD".to_owned(), by, instead, switch: None, reverts: true, delivers: true })
}

fn flux(workload: &Workload) -> Option<Owner> {
    let labels = &workload.meta.labels;
    let owner = |prefix: &str, resource: &str| {
        let key = format!("{prefix}.toolkit.fluxcd.io/name");
        let name = labels.get(&key)?;
        Some(Owner {
            title: "Flux".to_owned(),
            by: format!("label {key}={name}"),
            instead: Some(format!("the source of {resource}/{name}")),
            switch: None,
            reverts: true,
            delivers: true,
        })
    };
    owner("kustomize", "kustomization").or_else(|| owner("helm", "helmrelease"))
}

/// Stolon's sentinel decides on the primary, but leaves the set alone.
fn stolon(workload: &Workload) -> Option<Owner> {
    let keeper = has(&workload.meta.labels, "component", "stolon-keeper")
        || has(&workload.template.labels, "component", "stolon-keeper");
    keeper.then(|| Owner {
        title: "stolon".to_owned(),
        by: "label component=stolon-keeper".to_owned(),
        instead: None,
        switch: Some("`stolonctl failkeeper KEEPER` makes another keeper the primary".to_owned()),
        reverts: false,
        delivers: false,
    })
}

fn helm(workload: &Workload) -> Option<Owner> {
    if !has(&workload.meta.labels, "app.kubernetes.io/managed-by", "Helm") {
        return None;
    }
    let release = workload.meta.annotations.get("meta.helm.sh/release-name");
    Some(Owner {
        title: "Helm".to_owned(),
        by: "label app.kubernetes.io/managed-by=Helm".to_owned(),
        instead: release.map(|release| format!("the values of release {release}")),
        switch: None,
        // Only the next upgrade puts changes back.
        reverts: false,
        delivers: true,
    })
}

fn has(labels: &BTreeMap<String, String>, key: &str, value: &str) -> bool {
    labels.get(key).is_some_and(|found| found == value)
}

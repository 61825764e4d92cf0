//! How clients find the primary, and what leads them to another one.

use std::collections::BTreeSet;

use super::Situation;
use crate::analyze::{POD_NAME_LABEL, is_primary_label, leads_to, leads_writes};
use crate::engine::Place;
use crate::model::{Pod, PodName, Resource, Service};
use crate::plan::{Check, Effect, Limit, Objection, Pin, Step, Trace, Undo, Weight, When};

/// How long a change of a label or a selector may take: it is one request.
const LIMIT: Limit = Limit::seconds(30);

/// Words in the name of a Service behind which connections are pooled.
const POOLERS: &[&str] =
    &["pgbouncer", "pooler", "pgpool", "pgcat", "odyssey", "proxysql", "haproxy", "maxscale", "router", "twemproxy"];

/// The ways on which clients come to the primary.
#[derive(Default)]
pub(super) struct Clients {
    /// What leads them over.
    pub(super) steps: Vec<Step>,
    /// What people should know.
    pub(super) notes: Vec<String>,
    /// A Service that leads to the primary, if there is one.
    pub(super) service: Option<String>,
    /// What is not known of them.
    pub(super) objections: Vec<Objection>,
}

impl Clients {
    /// Gives the steps that are left to do where somebody else swaps the labels of the roles, and what he brings about.
    pub(super) fn labelled_by_others(self) -> (Vec<Step>, Vec<Check>) {
        let (labels, own): (Vec<Step>, Vec<Step>) =
            self.steps.into_iter().partition(|step| matches!(step.effect, Effect::Label { .. }));
        let seen = |step: Step| match step.trace {
            Trace::Seen(check) => Some(check),
            Trace::Idempotent | Trace::Unknowable => None,
        };
        (own, labels.into_iter().filter_map(seen).collect())
    }
}

/// Finds the ways on which clients come to the primary so far.
pub(super) fn clients(situation: &Situation<'_>, from: Option<&Pod>, to: &Place) -> Clients {
    let mut clients = Clients::default();
    if let Some(gap) = situation.snapshot.gap(Resource::Services) {
        clients.objections.push(
            Objection::new(
                "clients",
                Weight::Unknown,
                format!("Services are not known ({})", gap.why),
                "clients must find the new primary",
            )
            .allow("clients"),
        );
        return clients;
    }
    let namespace = &situation.workload.meta.namespace;
    let services: Vec<&Service> =
        situation.snapshot.services.iter().filter(|service| service.meta.namespace == *namespace).collect();
    let candidate = situation.pod(&to.name());
    let mut ways = Vec::new();
    if let (Some(from), Some(candidate)) = (from, candidate) {
        for service in services.iter().filter(|service| leads_writes(service, from, &services)) {
            clients.steps.push(select(service, from, candidate));
            ways.push(format!("Service {}", service.meta.name));
            clients.service.get_or_insert_with(|| service.meta.name.clone());
        }
        for key in role_labels(situation, from, candidate) {
            let selecting = services
                .iter()
                .filter(|service| service.selector.contains_key(key) && leads_to(service, &from.meta.labels));
            for service in selecting {
                ways.push(format!("Service {} (label {key})", service.meta.name));
                clients.service.get_or_insert_with(|| service.meta.name.clone());
            }
            clients.steps.extend(labels(key, from, candidate));
        }
    }
    clients.notes.push(if ways.is_empty() {
        let host = to.host.clone().unwrap_or_else(|| to.pod.name.clone());
        format!("no Service leads to the primary alone: clients must be told to use {host}")
    } else {
        format!("clients come through {}", crate::analyze::listed(&ways))
    });
    let owned = |service: &&&Service| service.selector.is_empty() && service.kind != "ExternalName";
    for service in services.iter().filter(owned) {
        clients.notes.push(format!(
            "Service {} selects no pods: if its endpoints name {}, whoever writes them must change them",
            service.meta.name,
            from.map_or("the primary", |pod| pod.meta.name.as_str())
        ));
    }
    let poolers: BTreeSet<&str> = services
        .iter()
        .map(|service| service.meta.name.as_str())
        .filter(|name| name.split('-').any(|word| POOLERS.contains(&word)))
        .collect();
    for name in poolers {
        clients.notes.push(format!("{name} looks like a pooler: it may hold sessions to the old primary"));
    }
    clients
}

/// Finds the ways on which clients came to a primary that is given up. Its pod may be gone: Services are found by what
/// it is called, and nobody takes a label off it.
pub(super) fn clients_of_lost(situation: &Situation<'_>, lost: &PodName, to: &Place) -> Clients {
    let set = situation.workload;
    let mut pod = situation.pod(lost).cloned().unwrap_or_default();
    pod.meta.name.clone_from(&lost.0);
    pod.meta.namespace = set.meta.namespace.clone();
    pod.meta.labels.extend(set.template.labels.clone());
    pod.meta.labels.insert(POD_NAME_LABEL.to_owned(), lost.0.clone());
    let mut clients = clients(situation, Some(&pod), to);
    let about_it = |step: &Step| matches!(&step.effect, Effect::Label { pod, .. } if pod.name == lost.0);
    clients.steps.retain(|step| !about_it(step));
    clients
}

/// Says whose sessions end.
pub(super) fn sessions(situation: &Situation<'_>, from: &PodName) -> Option<String> {
    let row = situation.report.rows.iter().find(|row| row.pod == *from)?;
    let sessions = row.sessions.value().filter(|sessions| sessions.total() > 0)?;
    let idle = match sessions.idle_in_transaction {
        0 => String::new(),
        number => format!(", {number} idle in a transaction, which is rolled back"),
    };
    Some(format!(
        "sessions on {from} that must connect again: {} ({} at work{idle})",
        sessions.total(),
        sessions.active
    ))
}

/// Finds the labels that mark the primary alone, and that no controller needs as they are.
fn role_labels<'p>(situation: &Situation<'_>, from: &'p Pod, candidate: &Pod) -> Vec<&'p str> {
    let differs = |key: &str| from.meta.labels.get(key) != candidate.meta.labels.get(key);
    let selecting = &situation.workload.selector.labels;
    let marks = from.meta.labels.iter().filter(|(key, value)| is_primary_label(key, value));
    marks
        .map(|(key, _)| key.as_str())
        .filter(|key| differs(key) && !selecting.iter().any(|(one, _)| one.as_str() == *key))
        .collect()
}

fn select(service: &Service, from: &Pod, to: &Pod) -> Step {
    let pin = Pin::of(&service.meta);
    let key = POD_NAME_LABEL.to_owned();
    let leads = |pod: &Pod| Check::Selects { service: pin.clone(), key: key.clone(), value: pod.meta.name.clone() };
    let effect = |from: &Pod, to: &Pod| Effect::Select {
        service: pin.clone(),
        key: key.clone(),
        from: from.meta.name.clone(),
        to: to.meta.name.clone(),
    };
    step(effect(from, to), leads(to), effect(to, from), leads(from))
}

/// Swaps a label between two pods, the old primary's first: nobody is led to two members.
fn labels(key: &str, from: &Pod, to: &Pod) -> [Step; 2] {
    let value = |pod: &Pod| pod.meta.labels.get(key).cloned();
    let change = |pod: &Pod, before: Option<String>, after: Option<String>| {
        let pin = Pin::of(&pod.meta);
        let has = |value: Option<String>| Check::Labelled { pod: pin.clone(), key: key.to_owned(), value };
        let effect = |from, to| Effect::Label { pod: pin.clone(), key: key.to_owned(), from, to };
        step(effect(before.clone(), after.clone()), has(after.clone()), effect(after, before.clone()), has(before))
    };
    [change(from, value(from), value(to)), change(to, value(to), value(from))]
}

fn step(effect: Effect, holds: Check, back: Effect, held: Check) -> Step {
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect,
        trace: Trace::Seen(holds),
        ensures: Vec::new(),
        undo: Undo::by(back, Trace::Seen(held), Vec::new()),
        limit: LIMIT,
    }
}

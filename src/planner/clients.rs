//! How clients find the primary, and what leads them to another one.

use std::collections::BTreeSet;

use super::Situation;
use crate::analyze::{POD_NAME_LABEL, is_primary_label, leads_to, leads_writes};
use crate::engine::Place;
use crate::model::{AddressList, Endpoint, Pod, PodName, Resource, Service, Snapshot};
use crate::plan::{Check, Effect, Limit, Objection, Pin, Step, Target, Trace, Undo, Weight, When};

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
    /// Takes off what somebody else sees to, who swaps the labels of the roles and tells clients: gives what is to be seen in
    /// the end. Who writes addresses is not known: they are left to him.
    pub(super) fn led_by_others(&mut self) -> Vec<Check> {
        let mut awaited = Vec::new();
        let notes = &mut self.notes;
        notes.clear();
        self.steps.retain(|step| match (&step.effect, &step.trace) {
            (Effect::Label { .. }, Trace::Seen(check)) => {
                awaited.push(check.clone());
                false
            }
            (Effect::Label { .. }, Trace::Idempotent | Trace::Unknowable) => false,
            (Effect::Readdress { service, list, .. }, _) => {
                notes.push(format!("Service {service} leads where {list} says: whoever writes that must change it"));
                false
            }
            (_, _) => true,
        });
        awaited
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
    let selects_nothing = |service: &&&Service| service.selector.is_empty() && service.kind != "ExternalName";
    let unselecting: Vec<&Service> = services.iter().filter(selects_nothing).copied().collect();
    let mut written = Vec::new();
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
        for service in &unselecting {
            if let Some((list, step)) = readdress(situation.snapshot, service, from, candidate) {
                written.push(service.meta.name.as_str());
                clients.steps.push(step);
                ways.push(format!("Service {} ({list})", service.meta.name));
                clients.service.get_or_insert_with(|| service.meta.name.clone());
            }
        }
    }
    clients.notes.push(if ways.is_empty() {
        let host = to.host.clone().unwrap_or_else(|| to.pod.name.clone());
        format!("no Service leads to the primary alone: clients must be told to use {host}")
    } else {
        format!("clients come through {}", crate::analyze::listed(&ways))
    });
    for service in unselecting.iter().filter(|service| !written.contains(&service.meta.name.as_str())) {
        let lost = from.map_or("the primary", |pod| pod.meta.name.as_str());
        let name = &service.meta.name;
        clients.notes.push(match situation.snapshot.gap(Resource::Endpoints) {
            Some(gap) => {
                format!("Service {name} selects no pods, and whether it leads to {lost} is not known ({})", gap.why)
            }
            None => format!("Service {name} selects no pods and does not name {lost}: it is left as it is"),
        });
    }
    clients.notes.extend(poolers(&services));
    clients
}

/// Names the Services behind which connections seem to be pooled.
fn poolers(services: &[&Service]) -> impl Iterator<Item = String> {
    let names = services.iter().map(|service| service.meta.name.as_str());
    let poolers: BTreeSet<&str> = names.filter(|name| name.split('-').any(|word| POOLERS.contains(&word))).collect();
    poolers.into_iter().map(|name| format!("{name} looks like a pooler: it may hold sessions to the old primary"))
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

/// Finds where somebody wrote the address of the old primary for a Service that selects no pods, and makes the step that
/// puts the candidate's there. A Service that leads to the candidate as well is not one for the primary.
fn readdress(seen: &Snapshot, service: &Service, from: &Pod, to: &Pod) -> Option<(AddressList, Step)> {
    let target = |pod: &Pod| {
        let (address, node) = (pod.ip.clone()?, pod.node.clone()?);
        Some(Target { pod: Pin::of(&pod.meta), address, node })
    };
    let (from, to) = (target(from)?, target(to)?);
    let of_it = |one: &&Endpoint| one.namespace == service.meta.namespace && one.service == service.meta.name;
    let leads = |one: &&Endpoint, target: &Target| one.addresses.contains(&target.address);
    let mut behind = seen.endpoints.iter().filter(of_it);
    if behind.clone().any(|one| leads(&one, &to)) {
        return None;
    }
    let list = behind.find(|one| leads(one, &from))?.written.clone()?;
    let name = &service.meta.name;
    let led = |to: &Target, not: &Target| Check::Addressed {
        service: name.clone(),
        list: list.clone(),
        to: to.address.clone(),
        not: not.address.clone(),
    };
    let effect = |from: &Target, to: &Target| Effect::Readdress {
        service: name.clone(),
        list: list.clone(),
        from: from.clone(),
        to: to.clone(),
    };
    let step = Step {
        // A controller may have to carry it on.
        ensures: vec![led(&to, &from)],
        undo: Undo::by(effect(&to, &from), Trace::Seen(led(&from, &to)), vec![led(&from, &to)]),
        ..step(effect(&from, &to), led(&to, &from), effect(&to, &from), led(&from, &to))
    };
    Some((list, step))
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

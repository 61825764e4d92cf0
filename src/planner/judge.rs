//! Whether a check holds now.

use super::objections::{of_set, overruled};
use super::{Situation, migrate, promote, scale_down};
use crate::analyze::Criteria;
use crate::model::{AddressList, Claim, HELPER_LABEL, Node, NodeName, Phase, Pod, PodName, Resource, Snapshot};
use crate::plan::{Check, Objection, Pin, Plan, RunId, Verdict, Weight};

/// Judges checks of a plan against what was last seen; reads nothing itself. What is not known is not there yet.
#[must_use]
pub fn judge(checks: &[Check], plan: &Plan, seen: &Snapshot) -> Verdict {
    let criteria = Criteria { max_lag_bytes: plan.max_lag_bytes, engine: Some(plan.engine.clone()) };
    let container = plan.container.as_deref();
    let Some(situation) = Situation::new(seen, &plan.subject.uid, container, &criteria) else {
        return Verdict::broken(format!("statefulset/{} is gone, or another one of that name", plan.subject.name));
    };
    checks.iter().map(|check| one(check, plan, &situation)).fold(Verdict::Holds, Verdict::and)
}

fn one(check: &Check, plan: &Plan, situation: &Situation<'_>) -> Verdict {
    match check {
        Check::Replicas { are } => replicas(situation, *are),
        Check::Ready { ordinals } => ready(situation, *ordinals),
        Check::PodGone { pod } => pod_gone(situation, pod),
        Check::ClaimGone { claim } => claim_gone(situation.snapshot, claim),
        Check::VolumeGone { volume } => match situation.snapshot.gap(Resource::Volumes) {
            Some(gap) => Verdict::not_yet(format!("volumes are not known ({})", gap.why)),
            None => match situation.snapshot.volumes.iter().find(|one| one.meta.uid == volume.uid) {
                None => Verdict::Holds,
                Some(one) if one.phase == "Failed" => {
                    Verdict::broken(format!("volume {} cannot be removed: {}", volume.name, one.message))
                }
                Some(_) => Verdict::not_yet(format!("volume {} is being removed", volume.name)),
            },
        },
        Check::MayLeave { pod } => may_leave(situation, pod, &plan.overrides),
        Check::Selects { service, key, value } => selects(situation, service, key, value),
        Check::Addressed { service, list, to, not } => addressed(situation.snapshot, service, list, (to, not)),
        Check::Labelled { pod, key, value } => labelled(situation, pod, key, value.as_deref()),
        Check::Annotated { key, value } => match situation.workload.meta.annotations.get(key) {
            Some(found) if found == value => Verdict::Holds,
            Some(_) | None => Verdict::not_yet(format!("{key} is not noted on the set")),
        },
        Check::MayLead { pod } => may_lead(situation, pod, plan),
        Check::MayMove { pod, to } => {
            let objections = migrate::objections_now(situation, pod, to, plan);
            objections.iter().fold(Verdict::Holds, |sum, objection| sum.and(weigh(objection)))
        }
        Check::Moved { pod, to, claims } => moved(situation, pod, to, claims),
        Check::Cordoned { node, cordoned } => {
            let unlike = if *cordoned { "takes new pods" } else { "is cordoned" };
            of_node(situation, node, |found| if found.unschedulable == *cordoned { None } else { Some(unlike) })
        }
        Check::NodeReady { node } => {
            of_node(situation, node, |found| if found.is_ready() { None } else { Some("is not ready") })
        }
        Check::Held { member, going, but_on } => held(situation, member, going.as_ref(), but_on.as_ref()),
        Check::Helped { helper } => helped(situation, helper, &plan.id),
        Check::HelperGone { helper } => match helper_pod(situation, helper) {
            None => Verdict::Holds,
            Some(_) => Verdict::not_yet(format!("the helper pod {helper} is still there")),
        },
        Check::Engine(check) => situation.asked(|asked| situation.engine.judge(check, asked)),
    }
}

fn replicas(situation: &Situation<'_>, are: u32) -> Verdict {
    match situation.workload.replicas {
        found if found == are => Verdict::Holds,
        found => Verdict::broken(format!("replicas is {found}, not {are}: somebody else changed it")),
    }
}

fn ready(situation: &Situation<'_>, ordinals: u32) -> Verdict {
    if let Some(gap) = situation.snapshot.gap(Resource::Pods) {
        return Verdict::not_yet(format!("pods are not known ({})", gap.why));
    }
    let set = situation.workload;
    let names = (0..ordinals).map(|ordinal| set.pod_name(set.first_ordinal.saturating_add(ordinal)));
    names.fold(Verdict::Holds, |sum, name| {
        sum.and(match situation.pod(&name) {
            Some(pod) if pod.is_ready() => Verdict::Holds,
            Some(pod) => Verdict::not_yet(format!("{name} is not ready ({})", pod.phase)),
            None => Verdict::not_yet(format!("{name} is not there")),
        })
    })
}

fn pod_gone(situation: &Situation<'_>, pin: &Pin) -> Verdict {
    if let Some(gap) = situation.snapshot.gap(Resource::Pods) {
        return Verdict::not_yet(format!("pods are not known ({})", gap.why));
    }
    let found = situation.snapshot.pods.iter().find(|pod| pod.meta.uid == pin.uid);
    found.map_or(Verdict::Holds, |pod| Verdict::not_yet(format!("pod {} {}", pin.name, staying(situation, pod))))
}

/// Says why a pod is still there.
fn staying(situation: &Situation<'_>, pod: &Pod) -> String {
    if pod.meta.deleting.is_none() {
        return "is not being deleted yet".to_owned();
    }
    let over = pod.meta.deleting.is_some_and(|until| until < situation.snapshot.taken_at);
    let node = pod.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let state = over.then(|| node_state(situation.snapshot, pod)).flatten().unwrap_or_default();
    match (pod.meta.finalizers.as_slice(), over) {
        ([], true) => format!("is terminating{node} beyond its grace{state}"),
        ([], false) => format!("is terminating{node}"),
        (finalizers, _) => format!("is terminating{node}: finalizer {} is still set{state}", finalizers.join(", ")),
    }
}

/// Says what is wrong with the node of a pod that should have gone: only its kubelet can say that it has.
fn node_state(seen: &Snapshot, pod: &Pod) -> Option<String> {
    let name = pod.node.as_ref()?;
    if let Some(gap) = seen.gap(Resource::Nodes) {
        return Some(format!("; whether {name} is ready is not known ({})", gap.why));
    }
    match seen.nodes.iter().find(|node| node.name() == *name) {
        None => Some(format!("; there is no node {name} any more")),
        Some(node) if node.is_ready() => None,
        Some(_) => Some(format!("; {name} is not ready, and only its kubelet can say that the pod has ended")),
    }
}

fn selects(situation: &Situation<'_>, pin: &Pin, key: &str, value: &str) -> Verdict {
    if let Some(gap) = situation.snapshot.gap(Resource::Services) {
        return Verdict::not_yet(format!("Services are not known ({})", gap.why));
    }
    let Some(service) = situation.snapshot.services.iter().find(|service| service.meta.uid == pin.uid) else {
        return Verdict::broken(format!("Service {} is gone, or another one of that name", pin.name));
    };
    match service.selector.get(key) {
        Some(found) if found == value => Verdict::Holds,
        Some(found) => Verdict::not_yet(format!("Service {} leads to {found}", pin.name)),
        None => Verdict::broken(format!("Service {} no longer selects by {key}", pin.name)),
    }
}

fn addressed(seen: &Snapshot, service: &str, list: &AddressList, (to, not): (&str, &str)) -> Verdict {
    if let Some(gap) = seen.gap(Resource::Endpoints) {
        return Verdict::not_yet(format!("addresses of Services are not known ({})", gap.why));
    }
    let written = seen.endpoints.iter().filter(|one| one.written.as_ref().is_some_and(|it| it.uid == list.uid));
    let found: Vec<&str> = written.flat_map(|one| &one.addresses).map(String::as_str).collect();
    match (found.contains(&to), found.contains(&not)) {
        (true, false) => Verdict::Holds,
        _ if found.is_empty() => Verdict::not_yet(format!("{list} names nobody")),
        _ => Verdict::not_yet(format!("Service {service} leads to {}", found.join(", "))),
    }
}

fn labelled(situation: &Situation<'_>, pin: &Pin, key: &str, value: Option<&str>) -> Verdict {
    if let Some(gap) = situation.snapshot.gap(Resource::Pods) {
        return Verdict::not_yet(format!("pods are not known ({})", gap.why));
    }
    let Some(pod) = situation.snapshot.pods.iter().find(|pod| pod.meta.uid == pin.uid) else {
        return Verdict::broken(format!("pod {} is gone, or another one of that name", pin.name));
    };
    match pod.meta.labels.get(key).map(String::as_str) {
        found if found == value => Verdict::Holds,
        Some(found) => Verdict::not_yet(format!("{} is labelled {key}={found}", pin.name)),
        None => Verdict::not_yet(format!("{} has no label {key}", pin.name)),
    }
}

/// Judges anew, with what is known now, whether a member may become the primary.
fn may_lead(situation: &Situation<'_>, pod: &PodName, plan: &Plan) -> Verdict {
    let objections = promote::objections_now(situation, pod, plan);
    objections.iter().fold(Verdict::Holds, |sum, objection| sum.and(weigh(objection)))
}

/// Judges a node; `lacks` says what it lacks, if anything.
fn of_node(situation: &Situation<'_>, pin: &Pin, lacks: impl Fn(&Node) -> Option<&'static str>) -> Verdict {
    let name = &pin.name;
    if let Some(gap) = situation.snapshot.gap(Resource::Nodes) {
        return Verdict::not_yet(format!("nodes are not known ({})", gap.why));
    }
    match situation.snapshot.nodes.iter().find(|node| node.meta.uid == pin.uid) {
        None => Verdict::not_yet(format!("there is no node {name} any more")),
        Some(node) => lacks(node).map_or(Verdict::Holds, |lacks| Verdict::not_yet(format!("node {name} {lacks}"))),
    }
}

/// Judges whether a member is kept from running: a pod of it that tolerates everything would be given a node still.
fn held(situation: &Situation<'_>, member: &PodName, going: Option<&Pin>, but_on: Option<&NodeName>) -> Verdict {
    if let Some(gap) = situation.snapshot.gap(Resource::Pods) {
        return Verdict::not_yet(format!("pods are not known ({})", gap.why));
    }
    let is_going = |pod: &Pod| going.is_some_and(|pin| pin.uid == pod.meta.uid);
    match situation.pod(member).filter(|pod| !is_going(pod)).and_then(|pod| pod.node.as_ref()) {
        None => Verdict::Holds,
        Some(node) if but_on == Some(node) => Verdict::Holds,
        Some(node) => Verdict::broken(format!("{member} was given node {node}: it may have written there")),
    }
}

/// Judges whether a member runs on a node, on other volumes than before.
fn moved(situation: &Situation<'_>, name: &PodName, to: &NodeName, before: &[Pin]) -> Verdict {
    for resource in [Resource::Pods, Resource::Claims] {
        if let Some(gap) = situation.snapshot.gap(resource) {
            return Verdict::not_yet(format!("pods and claims are not known ({})", gap.why));
        }
    }
    let namespace = &situation.workload.meta.namespace;
    for pin in before {
        let own = |claim: &&Claim| claim.meta.namespace == *namespace && claim.meta.name == pin.name;
        match situation.snapshot.claims.iter().find(own) {
            Some(claim) if claim.meta.uid != pin.uid && claim.phase == "Bound" => {}
            Some(_) | None => return Verdict::not_yet(format!("{} is not bound to its new volume", pin.name)),
        }
    }
    match situation.pod(name) {
        Some(pod) if pod.node.as_ref().is_some_and(|node| node != to) => {
            Verdict::broken(format!("{name} is on another node than {to}"))
        }
        Some(pod) if pod.node.is_some() && pod.is_ready() => Verdict::Holds,
        Some(pod) if pod.node.is_some() => Verdict::not_yet(format!("{name} starts on {to}")),
        Some(_) => Verdict::not_yet(format!("{name} is being placed")),
        None => Verdict::not_yet(format!("{name} is being made")),
    }
}

fn helper_pod<'a>(situation: &Situation<'a>, name: &str) -> Option<&'a Pod> {
    situation.snapshot.pods.iter().find(|pod| pod.meta.name == name && pod.meta.labels.contains_key(HELPER_LABEL))
}

/// Tells how the helper of a run ended, by its last words.
fn helped(situation: &Situation<'_>, name: &str, run: &RunId) -> Verdict {
    let made = |pod: &&Pod| pod.meta.labels.get(HELPER_LABEL) == Some(&run.0);
    let Some(pod) = helper_pod(situation, name).filter(made) else {
        return Verdict::broken(format!("the helper pod {name} went before its end: `resume` makes it anew"));
    };
    let words = pod.container_states.iter().find_map(|state| match &state.now {
        Phase::Ended(end) => Some(last_line(&end.message)),
        Phase::Waiting { .. } | Phase::Running { .. } | Phase::Unknown => None,
    });
    match pod.phase.as_str() {
        "Succeeded" => Verdict::Holds,
        "Failed" => Verdict::broken(format!("the helper pod {name} failed: {}", words.unwrap_or_default())),
        phase => Verdict::not_yet(format!("the helper pod {name} is at work ({phase})")),
    }
}

/// Gives the last line that says something.
fn last_line(text: &str) -> String {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no word why").to_owned()
}

fn claim_gone(seen: &Snapshot, pin: &Pin) -> Verdict {
    if let Some(gap) = seen.gap(Resource::Claims) {
        return Verdict::not_yet(format!("claims are not known ({})", gap.why));
    }
    let found = seen.claims.iter().find(|claim| claim.meta.uid == pin.uid);
    found.map_or(Verdict::Holds, |claim| {
        let state = if claim.meta.deleting.is_some() { "is being deleted" } else { "is still there" };
        let finalizers = claim.meta.finalizers.join(", ");
        let held = if finalizers.is_empty() { String::new() } else { format!(" (finalizer {finalizers})") };
        Verdict::not_yet(format!("claim {} {state}{held}", pin.name))
    })
}

/// Judges anew, with what is known now, whether the highest ordinal may leave.
fn may_leave(situation: &Situation<'_>, pod: &PodName, allowed: &[String]) -> Verdict {
    let set = situation.workload;
    let highest = set.ordinals().next_back().map(|ordinal| set.pod_name(ordinal));
    if highest.as_ref() != Some(pod) {
        return Verdict::broken(format!("{pod} is not the highest ordinal of {} replicas", set.replicas));
    }
    let replicas = set.replicas.saturating_sub(1);
    let mut objections = of_set(situation, replicas, allowed);
    objections.extend(overruled(scale_down::removal(situation, pod, replicas).objections, allowed));
    objections.iter().fold(Verdict::Holds, |sum, objection| sum.and(weigh(objection)))
}

fn weigh(objection: &Objection) -> Verdict {
    match objection.weight {
        Weight::No => Verdict::broken(format!("{} ({})", objection.measured, objection.limit)),
        Weight::Unknown | Weight::Passing => Verdict::not_yet(objection.measured.clone()),
    }
}

//! What holds for the set as a whole.

use std::collections::BTreeSet;

use super::budgets;
use super::owners;
use super::phrase;
use super::reach;
use super::report::{Head, Rollout};
use super::scene::Scene;
use super::services;
use crate::model::{
    ClaimPolicy, Known, Member, PodManagement, PodName, Recognised, Resource, Role, Sessions, Topology, UpdateStrategy,
};

/// Makes the head of a report.
pub(super) fn head(
    scene: &Scene<'_>,
    recognised: Recognised,
    topology: &Topology,
    rollout: Rollout,
    verdict: String,
) -> Head {
    let workload = scene.workload;
    let (update_strategy, partition, max_unavailable) = update(&workload.update);
    Head {
        namespace: workload.meta.namespace.clone(),
        name: workload.name(),
        uid: workload.meta.uid.clone(),
        replicas: workload.replicas,
        ready: u32::try_from(scene.wanted().filter(|place| place.is_ready()).count()).unwrap_or(u32::MAX),
        first_ordinal: workload.first_ordinal,
        pod_management: match workload.pod_management {
            PodManagement::OrderedReady => "OrderedReady".to_owned(),
            PodManagement::Parallel => "Parallel".to_owned(),
        },
        update_strategy,
        partition,
        max_unavailable,
        when_deleted: policy(workload.when_deleted),
        when_scaled: policy(workload.when_scaled),
        rollout,
        update_revision: workload.status.update_revision.clone(),
        owner: owners::of(workload),
        engine: recognised,
        version: topology.version.clone(),
        primaries: primaries(topology),
        cluster: topology.cluster.clone(),
        timeline: timeline(topology),
        sync: topology.sync.clone(),
        sessions: sessions(topology),
        service: services::head(scene),
        classes: classes(scene),
        node_bound: node_bound(scene),
        budgets: budgets::heads(scene),
        verdict,
    }
}

fn update(strategy: &UpdateStrategy) -> (String, Option<u32>, Option<String>) {
    match strategy {
        UpdateStrategy::RollingUpdate { partition, max_unavailable } => {
            ("RollingUpdate".to_owned(), Some(*partition).filter(|partition| *partition > 0), max_unavailable.clone())
        }
        UpdateStrategy::OnDelete => ("OnDelete".to_owned(), None, None),
        UpdateStrategy::Other(name) => (name.clone(), None, None),
    }
}

/// Gives the timeline of the one who leads. Two primaries are mostly on two, and then there is no timeline of the set.
fn timeline(topology: &Topology) -> Option<u32> {
    let mut leaders = topology.members.iter().filter(|member| super::replication::leads(member));
    let first = leaders.next()?.timeline;
    if leaders.all(|other| other.timeline == first) { first } else { None }
}

fn policy(policy: ClaimPolicy) -> String {
    match policy {
        ClaimPolicy::Retain => "Retain".to_owned(),
        ClaimPolicy::Delete => "Delete".to_owned(),
    }
}

/// Names the members that take writes. That there is none is only known when every member has said what it is.
fn primaries(topology: &Topology) -> Known<Vec<PodName>> {
    let writes = |member: &&Member| matches!(member.role.value(), Some(Role::Primary | Role::Peer));
    let found: Vec<PodName> = topology.members.iter().filter(writes).map(|member| member.pod.clone()).collect();
    if !found.is_empty() {
        return Known::Value(found);
    }
    if topology.members.is_empty() {
        return Known::unknown("no pod runs");
    }
    let silent = topology.members.iter().find_map(|member| member.role.why());
    silent.map_or_else(|| Known::Value(Vec::new()), Known::unknown)
}

/// Adds up the sessions of all members; one unknown makes the sum unknown. The rows and findings say why.
fn sessions(topology: &Topology) -> Known<Sessions> {
    if topology.members.is_empty() {
        return Known::unknown("no pod runs");
    }
    let mut sum = Sessions::default();
    let mut silent: Vec<(String, &str)> = Vec::new();
    for member in &topology.members {
        match &member.sessions {
            Known::Value(sessions) => {
                sum.active += sessions.active;
                sum.idle += sessions.idle;
                sum.idle_in_transaction += sessions.idle_in_transaction;
                sum.unclassified += sessions.unclassified;
            }
            Known::Unknown(why) => silent.push((member.pod.to_string(), why)),
        }
    }
    match silent.first() {
        None => Known::Value(sum),
        // The same for all: nobody was asked, or nobody may ask.
        Some((_, why)) if silent.len() == topology.members.len() => Known::unknown(*why),
        Some(_) => {
            let names: Vec<String> = silent.into_iter().map(|(name, _)| name).collect();
            Known::unknown(format!("{} did not say", phrase::names(&names)))
        }
    }
}

/// Names the classes of the claims that there are, else those that the templates ask for.
fn classes(scene: &Scene<'_>) -> Vec<String> {
    let holdings = scene.places.iter().flat_map(|place| &place.holdings);
    let mut classes: BTreeSet<String> = holdings.filter_map(|holding| holding.claim?.class.clone()).collect();
    if classes.is_empty() {
        classes = scene.workload.claim_templates.iter().filter_map(|template| template.class.clone()).collect();
    }
    classes.into_iter().filter(|class| !class.is_empty()).collect()
}

fn node_bound(scene: &Scene<'_>) -> Known<bool> {
    if let Some(gap) = scene.index.gap(Resource::Volumes) {
        return Known::unknown(&gap.why);
    }
    let mut volumes =
        scene.places.iter().flat_map(|place| &place.holdings).filter_map(|holding| holding.volume).peekable();
    if volumes.peek().is_none() && !scene.workload.claim_templates.is_empty() {
        return Known::unknown("no ordinal has a volume");
    }
    Known::Value(volumes.any(reach::is_node_bound))
}

//! From a cluster to a snapshot: every kind read at once, engines asked in parallel, what is refused remembered.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, Filter, Scope};
use crate::engine;
use crate::model::{
    Answer, ContainerName, Gap, HELPER_LABEL, Namespace, NodeName, Pod, PodName, Probe, ProbeOutput, Resource,
    Snapshot, Workload, WorkloadName,
};
use crate::plan::Reading;
use crate::wire::{self, Malformed, Object};

/// Selects on the server: every pod of a StatefulSet carries this label, and most other pods do not.
const POD_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// How many containers are asked at once. Each holds a connection of the API server and of a kubelet.
const PROBES_AT_ONCE: usize = 16;

/// How many kubelets are asked at once.
const KUBELETS_AT_ONCE: usize = 16;

/// How long a kubelet may take to say how full its volumes are.
const KUBELET_LIMIT: Duration = Duration::from_secs(5);

/// How many missing pods are looked for by name. The first ones tell: under `OrderedReady` the others wait for them.
const STRANGERS_SOUGHT: usize = 8;

/// Says what is to be read.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which namespaces.
    pub scope: Scope,
    /// Which sets; empty means all.
    pub names: Vec<WorkloadName>,
    /// A label selector over the sets.
    pub labels: Option<String>,
    /// Whether engines are asked.
    pub probe: Probing,
    /// Whether kubelets are asked how full volumes are.
    pub usage: bool,
    /// The container to ask in, overruling what the engine finds.
    pub container: Option<String>,
    /// The engine, overruling what recognition finds.
    pub engine: Option<String>,
}

/// Whether engines are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probing {
    /// Yes, each with this much time to answer.
    Within(Duration),
    /// No, and why not: "not asked (--no-probe)".
    No(String),
}

/// What was read, and what was wrong with single objects of it.
#[derive(Debug, Default)]
pub struct Collected {
    /// What was read.
    pub snapshot: Snapshot,
    /// Objects that could not be understood, one sentence each.
    pub problems: Vec<String>,
    /// The objects as they are, without secrets; only when asked for.
    pub(crate) objects: Vec<Value>,
}

/// Whether objects are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only the model is made: fast and small.
    Nothing,
    /// For `snapshot`.
    Objects,
}

/// Reads the objects that are wanted, all kinds at once. `progress` is told what is being waited for.
///
/// # Errors
/// When StatefulSets cannot be read, or a named one does not exist. Anything else that is refused becomes a gap.
pub async fn read_cluster(
    cluster: &Cluster,
    wanted: &Wanted,
    keep: Keep,
    now: jiff::Timestamp,
    progress: &dyn Fn(&str),
) -> Result<Collected, ClusterError> {
    progress("reading the cluster's objects");
    let mut collected = Box::pin(read_objects(cluster, wanted, keep)).await?;
    collected.snapshot.taken_at = now;
    choose(&mut collected, wanted)?;
    if is_in_trouble(&collected.snapshot) {
        progress("reading events");
        read_events(cluster, wanted, keep, &mut collected).await?;
        read_strangers(cluster, keep, &mut collected).await?;
    } else {
        collected.snapshot.gaps.push(not_asked(Resource::Events, "nothing is in trouble"));
    }
    collected.snapshot.sort();
    Ok(collected)
}

/// Asks those who can be slow: kubelets how full volumes are, and engines for roles, lag and sessions. Each has its own
/// limit; whoever does not answer is a gap or an answer that failed, never an error of the whole.
pub async fn ask_members(cluster: &Cluster, wanted: &Wanted, snapshot: &mut Snapshot, progress: &dyn Fn(&str)) {
    let questions = questions(snapshot, wanted);
    let nodes: BTreeSet<NodeName> = members(snapshot).filter_map(|(_, pod)| pod.node.clone()).collect();
    progress(&format!("asking {}", waiting_for(&questions, &nodes)));
    let (usage, probes) = tokio::join!(read_usage(cluster, wanted, nodes), ask_engines(cluster, wanted, questions));
    snapshot.absorb(usage);
    snapshot.absorb(probes);
    snapshot.sort();
}

/// Reads the set, and only as much more as a wait needs to judge: it reads again and again.
///
/// # Errors
/// When it cannot be read. A set that does not exist is no error: the snapshot has none.
pub async fn read_part(
    cluster: &Cluster,
    wanted: &Wanted,
    reading: Reading,
    now: jiff::Timestamp,
) -> Result<Snapshot, ClusterError> {
    let names: Vec<String> = wanted.names.iter().map(|name| format!("metadata.name={name}")).collect();
    let this_one = Filter { labels: None, fields: names.first().map(String::as_str) };
    let mut snapshot = read::<wire::StatefulSet>(cluster, &wanted.scope, this_one, Keep::Nothing).await?.snapshot;
    snapshot.taken_at = now;
    let Some(set) = snapshot.workloads.first() else { return Ok(snapshot) };
    if reading.pods || reading.members {
        let labels: Vec<String> = set.selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let labels = labels.join(",");
        let own = Filter { labels: Some(&labels), fields: None };
        let pods = read::<wire::Pod>(cluster, &wanted.scope, own, Keep::Nothing).await?;
        snapshot.absorb(pods.snapshot);
    }
    if reading.helper_pods {
        let ours = Filter { labels: Some(HELPER_LABEL), fields: None };
        let pods = read::<wire::Pod>(cluster, &wanted.scope, ours, Keep::Nothing).await?;
        snapshot.absorb(pods.snapshot);
    }
    if reading.every_node {
        let nodes = read::<wire::Node>(cluster, &Scope::All, Filter::default(), Keep::Nothing).await?;
        snapshot.absorb(nodes.snapshot);
    } else if reading.nodes {
        read_nodes_of_overdue(cluster, &mut snapshot).await?;
    }
    if reading.claims {
        let claims = read::<wire::Claim>(cluster, &wanted.scope, Filter::default(), Keep::Nothing).await?;
        snapshot.absorb(claims.snapshot);
    }
    if reading.volumes {
        let volumes = read::<wire::Volume>(cluster, &Scope::All, Filter::default(), Keep::Nothing).await?;
        snapshot.absorb(volumes.snapshot);
    }
    if reading.services {
        let services = read::<wire::Service>(cluster, &wanted.scope, Filter::default(), Keep::Nothing).await?;
        snapshot.absorb(services.snapshot);
    }
    if reading.endpoints {
        let slices = read::<wire::EndpointSlice>(cluster, &wanted.scope, Filter::default(), Keep::Nothing).await?;
        snapshot.absorb(slices.snapshot);
    }
    if reading.members {
        let probes = ask_engines(cluster, wanted, questions(&snapshot, wanted)).await;
        snapshot.absorb(probes);
    }
    snapshot.sort();
    Ok(snapshot)
}

/// Reads the nodes of pods that should have gone by now, one by one: there are few, and a cluster may have many nodes.
async fn read_nodes_of_overdue(cluster: &Cluster, snapshot: &mut Snapshot) -> Result<(), ClusterError> {
    let overdue = |pod: &&Pod| pod.meta.deleting.is_some_and(|until| until < snapshot.taken_at);
    let nodes: BTreeSet<NodeName> = snapshot.pods.iter().filter(overdue).filter_map(|pod| pod.node.clone()).collect();
    for node in nodes {
        let named = format!("metadata.name={node}");
        let filter = Filter { labels: None, fields: Some(&named) };
        let found = read::<wire::Node>(cluster, &Scope::All, filter, Keep::Nothing).await;
        let mut collected = Collected { snapshot: std::mem::take(snapshot), ..Collected::default() };
        collected.take_or_miss(Resource::Nodes, found)?;
        *snapshot = collected.snapshot;
    }
    Ok(())
}

async fn read_objects(cluster: &Cluster, wanted: &Wanted, keep: Keep) -> Result<Collected, ClusterError> {
    let scope = &wanted.scope;
    let sets = Filter { labels: wanted.labels.as_deref(), fields: None };
    let pods = Filter { labels: Some(POD_LABEL), fields: None };
    let all = Filter::default();
    let (sets, pods, claims, volumes, classes, nodes, budgets, autoscalers, services, endpoints) = tokio::join!(
        read::<wire::StatefulSet>(cluster, scope, sets, keep),
        read::<wire::Pod>(cluster, scope, pods, keep),
        read::<wire::Claim>(cluster, scope, all, keep),
        read::<wire::Volume>(cluster, scope, all, keep),
        read::<wire::StorageClass>(cluster, scope, all, keep),
        read::<wire::Node>(cluster, scope, all, keep),
        read::<wire::Budget>(cluster, scope, all, keep),
        read::<wire::Autoscaler>(cluster, scope, all, keep),
        read::<wire::Service>(cluster, scope, all, keep),
        read::<wire::EndpointSlice>(cluster, scope, all, keep),
    );
    let mut collected = sets?;
    for (resource, part) in [
        (Resource::Pods, pods),
        (Resource::Claims, claims),
        (Resource::Volumes, volumes),
        (Resource::Classes, classes),
        (Resource::Nodes, nodes),
        (Resource::Budgets, budgets),
        (Resource::Autoscalers, autoscalers),
        (Resource::Services, services),
        (Resource::Endpoints, endpoints),
    ] {
        collected.take_or_miss(resource, part)?;
    }
    Ok(collected)
}

impl Collected {
    fn take(&mut self, part: Self) {
        self.snapshot.absorb(part.snapshot);
        self.problems.extend(part.problems);
        self.objects.extend(part.objects);
    }

    /// Takes a part over; one that is refused or not served becomes a gap, any other failure is one of the whole.
    fn take_or_miss(&mut self, resource: Resource, part: Result<Self, ClusterError>) -> Result<(), ClusterError> {
        match part {
            Ok(part) => self.take(part),
            Err(
                error @ (ClusterError::Forbidden { .. } | ClusterError::NotFound(_) | ClusterError::NotServed { .. }),
            ) => {
                self.snapshot.gaps.push(Gap { resource, why: error.to_string(), asked: true });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

async fn read<T: Object>(
    cluster: &Cluster,
    scope: &Scope,
    filter: Filter<'_>,
    keep: Keep,
) -> Result<Collected, ClusterError> {
    let mut collected = Collected::default();
    if keep == Keep::Nothing {
        let bad = cluster.list::<T>(scope, filter, &mut collected.snapshot).await?;
        collected.problems.extend(bad.iter().map(describe::<T>));
        return Ok(collected);
    }
    let mut rest = None;
    loop {
        let page = cluster.list_values::<T::Api>(scope, filter, rest.as_deref()).await?;
        for mut object in page.content {
            wire::scrub(&mut object);
            if let Err(error) = wire::read_json::<T>(object.clone(), &mut collected.snapshot) {
                collected.problems.push(describe::<T>(&error));
            }
            collected.objects.push(object);
        }
        rest = page.rest;
        if rest.is_none() {
            return Ok(collected);
        }
    }
}

fn describe<T: Object>(error: &Malformed) -> String {
    format!("one of the {} was left out: {error}", <T::Api as k8s_openapi::Resource>::URL_PATH_SEGMENT)
}

/// Keeps only the sets that were asked for.
fn choose(collected: &mut Collected, wanted: &Wanted) -> Result<(), ClusterError> {
    if wanted.names.is_empty() {
        return Ok(());
    }
    let sets = &mut collected.snapshot.workloads;
    let there: Vec<String> = sets.iter().map(|set| set.meta.name.clone()).collect();
    sets.retain(|set| wanted.names.contains(&set.name()));
    match wanted.names.iter().find(|name| !there.contains(&name.0)) {
        None => Ok(()),
        Some(missing) => Err(ClusterError::NotFound(no_such_set(missing, &wanted.scope, &there))),
    }
}

/// Says that a set does not exist, and which ones do.
#[must_use]
pub fn no_such_set(missing: &WorkloadName, scope: &Scope, there: &[String]) -> String {
    let place = match scope {
        Scope::All => "in any namespace".to_owned(),
        Scope::One(namespace) => format!("in namespace {namespace}"),
    };
    let others = match there {
        [] => "; there is none at all".to_owned(),
        [first @ .., last] if first.len() < 6 => {
            let first = first.iter().map(|name| name.clone() + ", ");
            format!("; there is {}{last}", first.collect::<String>())
        }
        many => format!("; there are {} others, see `kubectl stateful status`", many.len()),
    };
    format!("there is no statefulset/{missing} {place}{others}")
}

/// Tells whether events could explain something: pods or volumes are missing.
fn is_in_trouble(snapshot: &Snapshot) -> bool {
    snapshot.claims.iter().any(|claim| claim.phase != "Bound")
        || snapshot.workloads.iter().any(|set| set.status.replicas < set.replicas)
}

/// Reads the events that explain missing pods and volumes: two lists, whatever the number of objects.
async fn read_events(
    cluster: &Cluster,
    wanted: &Wanted,
    keep: Keep,
    collected: &mut Collected,
) -> Result<(), ClusterError> {
    let about = |fields| Filter { labels: None, fields: Some(fields) };
    let (claims, sets) = tokio::join!(
        read::<wire::Event>(cluster, &wanted.scope, about("involvedObject.kind=PersistentVolumeClaim"), keep),
        read::<wire::Event>(cluster, &wanted.scope, about("involvedObject.kind=StatefulSet,type=Warning"), keep),
    );
    for part in [claims, sets] {
        if collected.snapshot.has_read(Resource::Events) {
            collected.take_or_miss(Resource::Events, part)?;
        }
    }
    Ok(())
}

/// Looks for pods that took the name of a missing one: they need not carry the label by which members are selected.
async fn read_strangers(cluster: &Cluster, keep: Keep, collected: &mut Collected) -> Result<(), ClusterError> {
    if !collected.snapshot.has_read(Resource::Pods) {
        return Ok(());
    }
    let found: Vec<_> = stream::iter(missing_pods(&collected.snapshot))
        .map(|(namespace, pod)| async move {
            let named = format!("metadata.name={pod}");
            let filter = Filter { labels: None, fields: Some(&named) };
            read::<wire::Pod>(cluster, &Scope::One(namespace), filter, keep).await
        })
        .buffer_unordered(STRANGERS_SOUGHT)
        .collect()
        .await;
    for part in found {
        collected.take_or_miss(Resource::Pods, part)?;
    }
    Ok(())
}

/// Names the pods that their sets lack, but not more than can be looked for one by one.
fn missing_pods(snapshot: &Snapshot) -> Vec<(Namespace, PodName)> {
    let lacking = || snapshot.workloads.iter().filter(|set| set.status.replicas < set.replicas);
    if lacking().next().is_none() {
        return Vec::new();
    }
    let there: HashSet<(&str, &str)> =
        snapshot.pods.iter().map(|pod| (pod.meta.namespace.as_str(), pod.meta.name.as_str())).collect();
    let mut missing = Vec::new();
    for (set, ordinal) in lacking().flat_map(|set| set.ordinals().map(move |ordinal| (set, ordinal))) {
        let pod = set.pod_name(ordinal);
        if !there.contains(&(set.meta.namespace.as_str(), pod.as_str())) {
            missing.push((set.meta.namespace.clone(), pod));
        }
        if missing.len() == STRANGERS_SOUGHT {
            break;
        }
    }
    missing
}

fn not_asked(resource: Resource, why: &str) -> Gap {
    Gap { resource, why: why.to_owned(), asked: false }
}

/// Asks the kubelets of the members' nodes how full their volumes are.
async fn read_usage(cluster: &Cluster, wanted: &Wanted, nodes: BTreeSet<NodeName>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    if !wanted.usage {
        snapshot.gaps.push(not_asked(Resource::Usage, "not asked for many sets at once"));
        return snapshot;
    }
    let answers: Vec<_> = stream::iter(nodes)
        .map(|node| async move {
            let ask = cluster.volume_usage(&node);
            tokio::time::timeout(KUBELET_LIMIT, ask).await.unwrap_or_else(|_| {
                Err(ClusterError::TimedOut(format!("{KUBELET_LIMIT:?} from the kubelet of {node}")))
            })
        })
        .buffer_unordered(KUBELETS_AT_ONCE)
        .collect()
        .await;
    let mut refusals = BTreeSet::new();
    for answer in answers {
        match answer {
            Ok(usage) => snapshot.usage.extend(usage.into_iter().filter(|one| wanted.scope.covers(&one.namespace))),
            Err(error) => {
                refusals.insert(error.to_string());
            }
        }
    }
    if !refusals.is_empty() {
        let why = refusals.into_iter().collect::<Vec<_>>().join("; ");
        snapshot.gaps.push(Gap { resource: Resource::Usage, why, asked: true });
    }
    snapshot
}

/// Gives the pods of the chosen sets, each with its set.
fn members(snapshot: &Snapshot) -> impl Iterator<Item = (&Workload, &Pod)> {
    let sets: std::collections::BTreeMap<_, _> = snapshot.workloads.iter().map(|set| (&set.meta.uid, set)).collect();
    snapshot.pods.iter().filter_map(move |pod| Some((*sets.get(&pod.meta.controller()?.uid)?, pod)))
}

/// One question on its way.
struct Question {
    namespace: Namespace,
    pod: Pod,
    probe: Probe,
}

async fn ask_engines(cluster: &Cluster, wanted: &Wanted, questions: Vec<Question>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let limit = match &wanted.probe {
        Probing::Within(limit) => *limit,
        Probing::No(why) => {
            snapshot.gaps.push(not_asked(Resource::Probes, why));
            return snapshot;
        }
    };
    snapshot.probes = stream::iter(questions)
        .map(|question| async move {
            let pod = question.pod.name();
            let answer = cluster.ask(&question.namespace, &pod, &question.probe, limit).await;
            output(&question, answer)
        })
        .buffer_unordered(PROBES_AT_ONCE)
        .collect()
        .await;
    snapshot
}

/// How many names are told one by one.
const NAMES_TOLD: usize = 4;

fn waiting_for(questions: &[Question], nodes: &BTreeSet<NodeName>) -> String {
    let mut pods: Vec<&str> = questions.iter().map(|question| question.pod.meta.name.as_str()).collect();
    pods.dedup();
    match pods.as_slice() {
        [] => format!("the kubelets of {} nodes", nodes.len()),
        few if few.len() <= NAMES_TOLD => few.join(", "),
        many => format!("{} pods", many.len()),
    }
}

fn output(question: &Question, answer: Answer) -> ProbeOutput {
    ProbeOutput {
        namespace: question.namespace.clone(),
        pod: question.pod.name(),
        pod_uid: question.pod.meta.uid.clone(),
        id: question.probe.id.to_owned(),
        answer,
    }
}

/// Lists what to ask whom. A container that does not run is not asked: nothing in it could answer.
fn questions(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Question> {
    let mut questions = Vec::new();
    if matches!(wanted.probe, Probing::No(_)) {
        return questions;
    }
    for (set, pod) in members(snapshot) {
        let (engine, _) = engine::recognise(set, wanted.engine.as_deref());
        let running = |container: &ContainerName| pod.runs(container);
        let asked = wanted.container.as_deref();
        let Some(container) = engine::container(engine, set, pod, asked).filter(running) else {
            continue;
        };
        questions.extend(engine.probes(set, pod, &container).into_iter().map(|probe| Question {
            namespace: pod.meta.namespace.clone(),
            pod: pod.clone(),
            probe,
        }));
    }
    questions
}

//! Finds objects of a snapshot by what one knows of them, so that analysis never scans a list per workload.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{
    Autoscaler, Budget, Claim, Endpoint, Event, Gap, Meta, Node, Pod, ProbeOutput, Resource, Service, Snapshot,
    StorageClass, Volume, VolumeUsage, Workload, parse_ordinal,
};

/// Namespace and name.
type Name<'a> = (&'a str, &'a str);

/// Things by namespace and name: two steps, so that borrowed names of any lifetime can be looked up.
type Named<'a, V> = HashMap<&'a str, HashMap<&'a str, V>>;

/// Finds objects of one snapshot. Built once, in one pass over every list.
pub(super) struct Index<'a> {
    snapshot: &'a Snapshot,
    pods: HashMap<Name<'a>, &'a Pod>,
    /// Pods by the name of the set that controls them, whatever its uid.
    controlled: HashMap<Name<'a>, Vec<&'a Pod>>,
    claims: HashMap<Name<'a>, &'a Claim>,
    /// Claims by everything in their name that stands before the ordinal.
    families: Named<'a, Vec<(u32, &'a Claim)>>,
    claim_users: Named<'a, Vec<&'a Pod>>,
    volumes: HashMap<&'a str, &'a Volume>,
    volumes_of: Named<'a, Vec<&'a Volume>>,
    classes: HashMap<&'a str, &'a StorageClass>,
    nodes: HashMap<&'a str, &'a Node>,
    nodes_by_label: Named<'a, Vec<&'a Node>>,
    usable: Vec<&'a Node>,
    usable_zones: BTreeSet<&'a str>,
    budgets: ByLabel<'a, Budget>,
    services: HashMap<Name<'a>, &'a Service>,
    selecting: ByLabel<'a, Service>,
    autoscalers: Named<'a, Vec<&'a Autoscaler>>,
    endpoints: HashMap<(&'a str, &'a str, &'a str), &'a Endpoint>,
    events: HashMap<(&'a str, &'a str, &'a str), Vec<&'a Event>>,
    usage: HashMap<Name<'a>, Vec<&'a VolumeUsage>>,
    probes: HashMap<Name<'a>, Vec<&'a ProbeOutput>>,
}

fn name(meta: &Meta) -> Name<'_> {
    (meta.namespace.as_str(), meta.name.as_str())
}

fn gather<'a, V>(pairs: impl Iterator<Item = (Name<'a>, V)>) -> Named<'a, Vec<V>> {
    let mut groups: Named<'a, Vec<V>> = HashMap::new();
    for ((namespace, name), value) in pairs {
        groups.entry(namespace).or_default().entry(name).or_default().push(value);
    }
    groups
}

fn at<'m, V>(groups: &'m Named<'_, Vec<V>>, namespace: &str, name: &str) -> &'m [V] {
    groups.get(namespace).and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
}

fn group<K: std::hash::Hash + Eq, V>(pairs: impl Iterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}

impl<'a> Index<'a> {
    /// Reads every list of the snapshot once.
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let usable: Vec<&Node> = snapshot.nodes.iter().filter(|node| takes_pods(node)).collect();
        Self {
            snapshot,
            pods: snapshot.pods.iter().map(|pod| (name(&pod.meta), pod)).collect(),
            controlled: group(snapshot.pods.iter().filter_map(|pod| Some((controlling_set(pod)?, pod)))),
            claims: snapshot.claims.iter().map(|claim| (name(&claim.meta), claim)).collect(),
            families: gather(snapshot.claims.iter().filter_map(family)),
            claim_users: gather(snapshot.pods.iter().flat_map(|pod| {
                pod.claims.iter().map(move |(_, claim)| ((pod.meta.namespace.as_str(), claim.as_str()), pod))
            })),
            volumes: snapshot.volumes.iter().map(|volume| (volume.meta.name.as_str(), volume)).collect(),
            volumes_of: gather(snapshot.volumes.iter().filter_map(|volume| {
                let claim = volume.claim.as_ref()?;
                Some(((claim.namespace.as_str(), claim.name.as_str()), volume))
            })),
            classes: snapshot.classes.iter().map(|class| (class.meta.name.as_str(), class)).collect(),
            nodes: snapshot.nodes.iter().map(|node| (node.meta.name.as_str(), node)).collect(),
            nodes_by_label: gather(snapshot.nodes.iter().flat_map(|node| {
                node.meta.labels.iter().map(move |(key, value)| ((key.as_str(), value.as_str()), node))
            })),
            usable_zones: usable.iter().filter_map(|node| node.zone()).collect(),
            usable,
            budgets: ByLabel::new(
                snapshot
                    .budgets
                    .iter()
                    .filter(|budget| budget.has_selector)
                    .map(|budget| (budget.meta.namespace.as_str(), &budget.selector.labels, budget)),
            ),
            services: snapshot.services.iter().map(|service| (name(&service.meta), service)).collect(),
            selecting: ByLabel::new(
                snapshot
                    .services
                    .iter()
                    .filter(|service| !service.selector.is_empty())
                    .map(|service| (service.meta.namespace.as_str(), &service.selector, service)),
            ),
            autoscalers: gather(
                snapshot
                    .autoscalers
                    .iter()
                    .filter(|scaler| scaler.target_kind == "StatefulSet")
                    .map(|scaler| ((scaler.meta.namespace.as_str(), scaler.target_name.as_str()), scaler)),
            ),
            endpoints: endpoints(snapshot),
            events: group(
                snapshot
                    .events
                    .iter()
                    .map(|event| ((event.kind.as_str(), event.namespace.as_str(), event.name.as_str()), event)),
            ),
            usage: group(snapshot.usage.iter().map(|usage| ((usage.namespace.as_str(), usage.claim.as_str()), usage))),
            probes: group(
                snapshot.probes.iter().map(|output| ((output.namespace.as_str(), output.pod.as_str()), output)),
            ),
        }
    }

    /// Gives the moment at which everything was read.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.snapshot.taken_at
    }

    /// Counts the seconds since a moment; none for a moment that nobody noted.
    pub(super) fn seconds_since(&self, then: Option<jiff::Timestamp>) -> Option<i64> {
        Some(self.now().duration_since(then?).as_secs())
    }

    /// Says why objects of this kind are unknown, if they could not be read.
    pub(super) fn gap(&self, resource: Resource) -> Option<&'a Gap> {
        self.snapshot.gap(resource)
    }

    /// Gives everything that could not be read.
    pub(super) fn gaps(&self) -> &'a [Gap] {
        &self.snapshot.gaps
    }

    /// Tells whether objects of this kind were read, so that a missing one is really missing.
    pub(super) fn has_read(&self, resource: Resource) -> bool {
        self.snapshot.has_read(resource)
    }

    /// Finds a pod by its name, whoever owns it.
    pub(super) fn pod(&self, namespace: &str, pod: &str) -> Option<&'a Pod> {
        self.pods.get(&(namespace, pod)).copied()
    }

    /// Gives the pods that the set controls. A pod of an earlier set of the same name is not among them.
    pub(super) fn members(&self, workload: &Workload) -> Vec<&'a Pod> {
        let pods = self.controlled.get(&name(&workload.meta)).into_iter().flatten().copied();
        pods.filter(|pod| belongs(pod, workload)).collect()
    }

    /// Finds a claim.
    pub(super) fn claim(&self, namespace: &str, claim: &str) -> Option<&'a Claim> {
        self.claims.get(&(namespace, claim)).copied()
    }

    /// Gives the claims named `STEM-ORDINAL`, with their ordinals.
    pub(super) fn family(&self, namespace: &str, stem: &str) -> &[(u32, &'a Claim)] {
        at(&self.families, namespace, stem)
    }

    /// Gives the pods that name a claim among their volumes.
    pub(super) fn users(&self, namespace: &str, claim: &str) -> &[&'a Pod] {
        at(&self.claim_users, namespace, claim)
    }

    /// Finds a volume.
    pub(super) fn volume(&self, volume: &str) -> Option<&'a Volume> {
        self.volumes.get(volume).copied()
    }

    /// Gives the volumes that say they belong to a claim of this name, whatever the claim says.
    pub(super) fn volumes_of(&self, namespace: &str, claim: &str) -> &[&'a Volume] {
        at(&self.volumes_of, namespace, claim)
    }

    /// Finds a storage class.
    pub(super) fn class(&self, class: &str) -> Option<&'a StorageClass> {
        self.classes.get(class).copied()
    }

    /// Finds a node.
    pub(super) fn node(&self, node: &str) -> Option<&'a Node> {
        self.nodes.get(node).copied()
    }

    /// Gives every node.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &'a Node> {
        self.snapshot.nodes.iter()
    }

    /// Gives the nodes that carry a label.
    pub(super) fn labelled(&self, key: &str, value: &str) -> &[&'a Node] {
        at(&self.nodes_by_label, key, value)
    }

    /// Gives the nodes that any pod could be put on: ready, not cordoned, without a taint that keeps pods away.
    pub(super) fn usable_nodes(&self) -> &[&'a Node] {
        &self.usable
    }

    /// Names the zones of those nodes.
    pub(super) fn usable_zones(&self) -> &BTreeSet<&'a str> {
        &self.usable_zones
    }

    /// Gives the budgets over a pod with these labels.
    pub(super) fn budgets(&self, namespace: &str, labels: &BTreeMap<String, String>) -> Vec<&'a Budget> {
        self.budgets.find(namespace, labels, |budget| budget.selector.matches(labels))
    }

    /// Finds a Service.
    pub(super) fn service(&self, namespace: &str, service: &str) -> Option<&'a Service> {
        self.services.get(&(namespace, service)).copied()
    }

    /// Gives the Services that lead to a pod with these labels.
    pub(super) fn services_to(&self, namespace: &str, labels: &BTreeMap<String, String>) -> Vec<&'a Service> {
        self.selecting.find(namespace, labels, |service| leads_to(service, labels))
    }

    /// Gives the autoscalers of a set.
    pub(super) fn autoscalers(&self, workload: &Workload) -> &[&'a Autoscaler] {
        at(&self.autoscalers, workload.meta.namespace.as_str(), &workload.meta.name)
    }

    /// Finds the address that makes `hostname.service.namespace` answer.
    pub(super) fn endpoint(&self, namespace: &str, service: &str, hostname: &str) -> Option<&'a Endpoint> {
        self.endpoints.get(&(namespace, service, hostname)).copied()
    }

    /// Gives the events of an object, without those of an earlier object of the same name.
    pub(super) fn events(&self, kind: &'a str, meta: &'a Meta) -> impl Iterator<Item = &'a Event> {
        let (namespace, name) = name(meta);
        let events = self.events.get(&(kind, namespace, name)).into_iter().flatten().copied();
        events.filter(|event| event.uid.is_empty() || meta.uid.is_empty() || event.uid == meta.uid)
    }

    /// Finds how full a claim is; of several pods that mount it, the one asked for is preferred.
    pub(super) fn usage(&self, namespace: &str, claim: &str, pod: &str) -> Option<&'a VolumeUsage> {
        let found = self.usage.get(&(namespace, claim))?;
        found.iter().find(|usage| usage.pod.as_str() == pod).or(found.first()).copied()
    }

    /// Gives what exactly this pod answered, not an earlier pod of its name.
    pub(super) fn outputs(&self, pod: &'a Pod) -> impl Iterator<Item = &'a ProbeOutput> {
        let outputs = self.probes.get(&name(&pod.meta)).into_iter().flatten().copied();
        outputs.filter(|output| output.pod_uid == pod.meta.uid)
    }
}

/// Tells whether the scheduler could put a pod there that tolerates nothing.
pub(crate) fn takes_pods(node: &Node) -> bool {
    node.is_ready()
        && !node.unschedulable
        && node.meta.deleting.is_none()
        && !node.taints.iter().any(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
}

/// Tells whether a Service leads to pods with these labels.
pub(crate) fn leads_to(service: &Service, labels: &BTreeMap<String, String>) -> bool {
    !service.selector.is_empty() && service.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn controlling_set(pod: &Pod) -> Option<Name<'_>> {
    let owner = pod.meta.controller().filter(|owner| owner.kind == "StatefulSet")?;
    Some((pod.meta.namespace.as_str(), owner.name.as_str()))
}

/// Tells whether the set controls the pod: by uid, and by name only where a hand-written dump has no uids.
fn belongs(pod: &Pod, workload: &Workload) -> bool {
    let Some(owner) = pod.meta.controller() else { return false };
    let no_uids = owner.uid.is_empty() || workload.meta.uid.is_empty();
    let same = if no_uids { owner.name == workload.meta.name } else { owner.uid == workload.meta.uid };
    owner.kind == "StatefulSet" && same
}

fn family(claim: &Claim) -> Option<(Name<'_>, (u32, &Claim))> {
    let (stem, ordinal) = claim.meta.name.rsplit_once('-')?;
    Some(((claim.meta.namespace.as_str(), stem), (parse_ordinal(ordinal)?, claim)))
}

/// Keys addresses by the host name that they answer to; without a host name no pod has a DNS name. A pod can stand
/// in several slices (one per address family): one that answers wins.
fn endpoints(snapshot: &Snapshot) -> HashMap<(&str, &str, &str), &Endpoint> {
    let mut found = HashMap::new();
    for endpoint in &snapshot.endpoints {
        let Some(hostname) = endpoint.hostname.as_deref() else { continue };
        let known = found.entry((endpoint.namespace.as_str(), endpoint.service.as_str(), hostname)).or_insert(endpoint);
        if endpoint.ready {
            *known = endpoint;
        }
    }
    found
}

/// Objects that select pods, found by the first label that they ask for.
///
/// A namespace of a thousand sets has a thousand budgets and Services; asking each about each pod would be a million
/// questions.
struct ByLabel<'a, T> {
    by_first: HashMap<(&'a str, &'a str, &'a str), Vec<&'a T>>,
    /// Objects that ask for no label, by namespace.
    others: HashMap<&'a str, Vec<&'a T>>,
}

impl<'a, T> ByLabel<'a, T> {
    fn new(objects: impl Iterator<Item = (&'a str, &'a BTreeMap<String, String>, &'a T)>) -> Self {
        let mut found = Self { by_first: HashMap::new(), others: HashMap::new() };
        for (namespace, labels, object) in objects {
            match labels.first_key_value() {
                Some((key, value)) => found.by_first.entry((namespace, key, value)).or_default().push(object),
                None => found.others.entry(namespace).or_default().push(object),
            }
        }
        found
    }

    fn find(&self, namespace: &str, labels: &BTreeMap<String, String>, selects: impl Fn(&T) -> bool) -> Vec<&'a T> {
        let by_label = labels.iter().filter_map(|(key, value)| self.by_first.get(&(namespace, key, value)));
        by_label.chain(self.others.get(namespace)).flatten().copied().filter(|object| selects(object)).collect()
    }
}

//! Everything that was read at one moment, from a cluster or from a file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Autoscaler, Budget, Claim, ContainerName, Endpoint, Event, Meta, Namespace, Node, Pod, PodName, Service,
    StorageClass, Uid, Volume, VolumeUsage, Workload,
};

/// Holds everything that was read at one moment.
///
/// All lists are sorted by namespace and name, so equal clusters give equal screens.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When reading began; ages are counted from it.
    pub taken_at: Timestamp,
    /// StatefulSets.
    pub workloads: Vec<Workload>,
    /// Pods; not only those of StatefulSets when read from a file.
    pub pods: Vec<Pod>,
    /// Claims.
    pub claims: Vec<Claim>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Storage classes.
    pub classes: Vec<StorageClass>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Disruption budgets.
    pub budgets: Vec<Budget>,
    /// Autoscalers.
    pub autoscalers: Vec<Autoscaler>,
    /// Services.
    pub services: Vec<Service>,
    /// Addresses behind Services.
    pub endpoints: Vec<Endpoint>,
    /// Events about claims, pods and sets that are in trouble.
    pub events: Vec<Event>,
    /// How full volumes are.
    pub usage: Vec<VolumeUsage>,
    /// What engines answered.
    pub probes: Vec<ProbeOutput>,
    /// What could not be read, and why.
    pub gaps: Vec<Gap>,
}

impl Snapshot {
    /// Says why a kind of object is unknown, if it could not be read.
    #[must_use]
    pub fn gap(&self, resource: Resource) -> Option<&Gap> {
        self.gaps.iter().find(|gap| gap.resource == resource)
    }

    /// Tells whether objects of this kind were read: an empty list then means that there are none.
    #[must_use]
    pub fn has_read(&self, resource: Resource) -> bool {
        self.gap(resource).is_none()
    }

    /// Takes over everything that another reading brought.
    pub fn absorb(&mut self, other: Self) {
        let Self {
            taken_at: _,
            workloads,
            pods,
            claims,
            volumes,
            classes,
            nodes,
            budgets,
            autoscalers,
            services,
            endpoints,
            events,
            usage,
            probes,
            gaps,
        } = other;
        self.workloads.extend(workloads);
        self.pods.extend(pods);
        self.claims.extend(claims);
        self.volumes.extend(volumes);
        self.classes.extend(classes);
        self.nodes.extend(nodes);
        self.budgets.extend(budgets);
        self.autoscalers.extend(autoscalers);
        self.services.extend(services);
        self.endpoints.extend(endpoints);
        self.events.extend(events);
        self.usage.extend(usage);
        self.probes.extend(probes);
        self.gaps.extend(gaps);
    }

    /// Sorts every list, so that equal clusters give equal screens whatever order they were read in.
    pub fn sort(&mut self) {
        fn by_name<T>(list: &mut [T], meta: impl Fn(&T) -> &Meta) {
            list.sort_by(|a, b| {
                let (a, b) = (meta(a), meta(b));
                (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name))
            });
        }
        by_name(&mut self.workloads, |workload| &workload.meta);
        by_name(&mut self.pods, |pod| &pod.meta);
        by_name(&mut self.claims, |claim| &claim.meta);
        by_name(&mut self.volumes, |volume| &volume.meta);
        by_name(&mut self.classes, |class| &class.meta);
        by_name(&mut self.nodes, |node| &node.meta);
        by_name(&mut self.budgets, |budget| &budget.meta);
        by_name(&mut self.autoscalers, |autoscaler| &autoscaler.meta);
        by_name(&mut self.services, |service| &service.meta);
        self.endpoints.sort_by(|a, b| {
            (&a.namespace, &a.service, &a.hostname, &a.pod).cmp(&(&b.namespace, &b.service, &b.hostname, &b.pod))
        });
        self.events.sort_by(|a, b| {
            (&a.namespace, &a.kind, &a.name, a.last_seen, &a.message).cmp(&(
                &b.namespace,
                &b.kind,
                &b.name,
                b.last_seen,
                &b.message,
            ))
        });
        self.usage.sort_by(|a, b| (&a.namespace, &a.claim, &a.pod).cmp(&(&b.namespace, &b.claim, &b.pod)));
        self.probes.sort_by(|a, b| (&a.namespace, &a.pod, &a.id).cmp(&(&b.namespace, &b.pod, &b.id)));
        self.gaps.sort_by(|a, b| (a.resource, &a.why).cmp(&(b.resource, &b.why)));
    }
}

/// The kinds of facts that a snapshot is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// StatefulSets.
    StatefulSets,
    /// Pods.
    Pods,
    /// PersistentVolumeClaims.
    Claims,
    /// PersistentVolumes.
    Volumes,
    /// StorageClasses.
    Classes,
    /// Nodes.
    Nodes,
    /// PodDisruptionBudgets.
    Budgets,
    /// HorizontalPodAutoscalers.
    Autoscalers,
    /// Services.
    Services,
    /// EndpointSlices.
    Endpoints,
    /// Events.
    Events,
    /// The kubelets' volume statistics.
    Usage,
    /// What engines answer.
    Probes,
}

/// Says what could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// What is missing.
    pub resource: Resource,
    /// Why, as a lower-case fragment: "forbidden: list nodes".
    pub why: String,
    /// Whether it was asked for at all: what nobody wanted to know is unknown, but nothing is wrong.
    pub asked: bool,
}

/// One question to an engine: a command that runs in a container of one pod.
///
/// Credentials are expanded inside the container, so that no secret is ever on a local command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What is asked, a word that the engine knows its answer by.
    pub id: &'static str,
    /// The container to ask in.
    pub container: ContainerName,
    /// The command and its arguments.
    pub argv: Vec<String>,
}

/// What came back from one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeOutput {
    /// The pod's namespace.
    pub namespace: Namespace,
    /// The pod.
    pub pod: PodName,
    /// The pod's identity: an answer of an earlier pod of the same name is not an answer.
    pub pod_uid: Uid,
    /// What was asked.
    pub id: String,
    /// What came back.
    pub answer: Answer,
}

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The command ran to its end.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// Its exit code.
        exit_code: i32,
        /// What it printed.
        stdout: String,
        /// What it complained about.
        stderr: String,
    },
    /// There is no answer, and why: "no answer within 5s", "forbidden: create pods/exec".
    Failed(String),
}

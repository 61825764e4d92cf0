//! What surrounds a workload: budgets, autoscalers, services, events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Meta, Namespace, PodName, Selector, Uid};

/// Describes one PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Identity.
    pub meta: Meta,
    /// The pods that it protects. An empty selector protects every pod of the namespace.
    pub selector: Selector,
    /// Whether a selector is written at all; without one it protects nothing.
    pub has_selector: bool,
    /// `spec.minAvailable`, a number or a percentage, as written.
    pub min_available: Option<String>,
    /// `spec.maxUnavailable`, a number or a percentage, as written.
    pub max_unavailable: Option<String>,
    /// How many pods may be evicted now.
    pub disruptions_allowed: i32,
    /// Healthy pods now.
    pub current_healthy: i32,
    /// Healthy pods that must stay.
    pub desired_healthy: i32,
    /// Whether the controller has seen the budget as it is now.
    pub observed: bool,
}

/// Describes one HorizontalPodAutoscaler (KEDA makes them as well).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autoscaler {
    /// Identity, labels, owners.
    pub meta: Meta,
    /// Kind of what it scales.
    pub target_kind: String,
    /// Name of what it scales.
    pub target_name: String,
    /// The least it goes to.
    pub min_replicas: Option<i32>,
    /// The most it goes to.
    pub max_replicas: i32,
}

/// Describes one Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Identity and labels.
    pub meta: Meta,
    /// `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`.
    pub kind: String,
    /// `None` for a headless Service.
    pub cluster_ip: String,
    /// The pods that it leads to; empty when somebody else writes its endpoints.
    pub selector: std::collections::BTreeMap<String, String>,
    /// Whether pods have names before they are ready.
    pub publish_not_ready: bool,
}

impl Service {
    /// Tells whether the Service gives pods their names instead of an address of its own.
    #[must_use]
    pub fn is_headless(&self) -> bool {
        self.cluster_ip == "None"
    }
}

/// One address behind a Service, out of its EndpointSlices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Namespace of Service and pod.
    pub namespace: Namespace,
    /// The Service.
    pub service: String,
    /// The name under the Service, which makes the pod's DNS name.
    pub hostname: Option<String>,
    /// The pod behind it.
    pub pod: Option<PodName>,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Whether clients are sent there.
    pub ready: bool,
    /// Where it was written, unless Kubernetes found it by the Service's selector.
    pub written: Option<AddressList>,
}

/// An object in which somebody writes the addresses of a Service that selects no pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressList {
    /// What it is.
    pub kind: AddressListKind,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: Uid,
}

/// What addresses are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AddressListKind {
    /// The older kind, which a controller mirrors into EndpointSlices.
    Endpoints,
    /// The newer kind.
    EndpointSlice,
}

impl std::fmt::Display for AddressList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            AddressListKind::Endpoints => "Endpoints",
            AddressListKind::EndpointSlice => "EndpointSlice",
        };
        write!(f, "{kind} {}", self.name)
    }
}

/// One event, as the cluster keeps it for an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Namespace of the object.
    pub namespace: Namespace,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// Identity of the object.
    pub uid: Uid,
    /// `Normal` or `Warning`.
    pub severity: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When it was last seen.
    pub last_seen: Option<Timestamp>,
}

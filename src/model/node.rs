//! A node, as far as a pod or a volume depends on it.

use super::{Condition, Meta, NodeName};

/// The label that names a node's zone.
pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Begins the key of the taint that holds a member while it is moved; the run ends it, for a node has each key once, and several
/// sets may have members on their way from it.
pub const HOLD_TAINT: &str = "kubectl-stateful.io/migrating-";

/// Describes one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Identity and labels.
    pub meta: Meta,
    /// Whether it is cordoned.
    pub unschedulable: bool,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// The status' conditions.
    pub conditions: Vec<Condition>,
}

impl Node {
    /// Gives the node's name.
    #[must_use]
    pub fn name(&self) -> NodeName {
        NodeName(self.meta.name.clone())
    }

    /// Names the node's zone.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.meta.labels.get(ZONE_LABEL).map(String::as_str)
    }

    /// Finds the `Ready` condition.
    #[must_use]
    pub fn readiness(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == "Ready")
    }

    /// Tells whether the kubelet says that it can run pods; silence is not readiness.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness().is_some_and(|ready| ready.status == "True")
    }
}

/// One taint of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taint {
    /// The taint's key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

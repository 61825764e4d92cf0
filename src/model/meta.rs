//! What every Kubernetes object carries: identity, labels, owners.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Namespace, Uid};

/// Carries the metadata of one object, without managedFields and last-applied copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Empty for objects that live outside namespaces.
    pub namespace: Namespace,
    /// The object's name.
    pub name: String,
    /// The object's identity; empty only in hand-written dumps.
    pub uid: Uid,
    /// When the API server made the object.
    pub created: Option<Timestamp>,
    /// Set once deletion was asked for: the time at which the grace period ends.
    pub deleting: Option<Timestamp>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations of StatefulSets and storage classes, without `kubectl.kubernetes.io/last-applied-configuration`;
    /// those of other objects are not kept.
    pub annotations: BTreeMap<String, String>,
    /// Owners, the controller among them.
    pub owners: Vec<OwnerReference>,
    /// What still has to happen before a deleted object goes.
    pub finalizers: Vec<String>,
}

impl Meta {
    /// Finds the controller among the owners.
    #[must_use]
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owners.iter().find(|owner| owner.controller)
    }
}

/// Points at an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerReference {
    /// Group and version, as in `apps/v1`.
    pub api_version: String,
    /// Kind, as in `StatefulSet`.
    pub kind: String,
    /// Name in the same namespace.
    pub name: String,
    /// Identity of the owner.
    pub uid: Uid,
    /// Whether this owner manages the object.
    pub controller: bool,
}

/// States one condition of an object's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `Ready`, `PodScheduled`, `FileSystemResizePending`, ...
    pub kind: String,
    /// `True`, `False` or `Unknown`, as the API server says it.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Since when the status is what it is.
    pub since: Option<Timestamp>,
}

/// Selects objects by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Labels that must be equal.
    pub labels: BTreeMap<String, String>,
    /// Further requirements.
    pub expressions: Vec<Requirement>,
}

/// One requirement of a selector or of a node affinity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`.
    pub operator: String,
    /// The operator's operands.
    pub values: Vec<String>,
}

impl Selector {
    /// Tells whether nothing is required; such a selector selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }

    /// Tells whether `labels` satisfy the selector.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|requirement| requirement.holds_for(labels))
    }
}

impl Requirement {
    /// Tells whether `labels` satisfy this requirement; an operator nobody knows is not satisfied.
    #[must_use]
    pub fn holds_for(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let compared = || Some((value?.parse::<i64>().ok()?, self.values.first()?.parse::<i64>().ok()?));
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.contains(value)),
            "NotIn" => value.is_none_or(|value| !self.values.contains(value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => compared().is_some_and(|(have, limit)| have > limit),
            "Lt" => compared().is_some_and(|(have, limit)| have < limit),
            _ => false,
        }
    }
}

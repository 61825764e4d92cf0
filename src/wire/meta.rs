//! Metadata, selectors and conditions as they are sent.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::exactly;
use super::scalar::Time;
use crate::model;

/// The annotation that holds a whole copy of the object, secrets of careless users included: never kept.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ObjectMeta {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "5")]
    pub(super) uid: String,
    #[prost(int64, tag = "7")]
    pub(super) generation: i64,
    #[prost(message, optional, tag = "8")]
    pub(super) creation_timestamp: Option<Time>,
    #[prost(message, optional, tag = "9")]
    pub(super) deletion_timestamp: Option<Time>,
    #[prost(int64, optional, tag = "10")]
    pub(super) deletion_grace_period_seconds: Option<i64>,
    #[prost(btree_map = "string, string", tag = "11")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "12")]
    pub(super) annotations: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "13")]
    pub(super) owner_references: Vec<OwnerReference>,
    #[prost(string, repeated, tag = "14")]
    pub(super) finalizers: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OwnerReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
    #[prost(string, tag = "5")]
    api_version: String,
    #[prost(bool, tag = "6")]
    controller: bool,
}

impl ObjectMeta {
    /// Keeps the annotations as well, for the few kinds whose annotations mean something here.
    pub(super) fn annotated(mut self) -> model::Meta {
        let mut annotations = std::mem::take(&mut self.annotations);
        annotations.remove(LAST_APPLIED);
        model::Meta { annotations, ..self.into() }
    }
}

impl From<ObjectMeta> for model::Meta {
    fn from(sent: ObjectMeta) -> Self {
        Self {
            namespace: sent.namespace.into(),
            name: sent.name,
            uid: sent.uid.into(),
            created: sent.creation_timestamp.and_then(Time::timestamp),
            deleting: sent.deletion_timestamp.and_then(Time::timestamp),
            labels: sent.labels,
            annotations: BTreeMap::new(),
            owners: exactly(sent.owner_references),
            finalizers: sent.finalizers,
        }
    }
}

impl From<OwnerReference> for model::OwnerReference {
    fn from(sent: OwnerReference) -> Self {
        Self {
            api_version: sent.api_version,
            kind: sent.kind,
            name: sent.name,
            uid: sent.uid.into(),
            controller: sent.controller,
        }
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LabelSelector {
    #[prost(btree_map = "string, string", tag = "1")]
    match_labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "2")]
    match_expressions: Vec<Requirement>,
}

/// A requirement of a label selector or of a node selector: both have the same fields.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Requirement {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    operator: String,
    #[prost(string, repeated, tag = "3")]
    values: Vec<String>,
}

impl From<LabelSelector> for model::Selector {
    fn from(sent: LabelSelector) -> Self {
        Self { labels: sent.match_labels, expressions: exactly(sent.match_expressions) }
    }
}

impl From<Requirement> for model::Requirement {
    fn from(sent: Requirement) -> Self {
        Self { key: sent.key, operator: sent.operator, values: sent.values }
    }
}

/// A condition of a pod, a claim or a node: they number their fields alike.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    kind: String,
    #[prost(string, tag = "2")]
    status: String,
    #[prost(message, optional, tag = "4")]
    last_transition_time: Option<Time>,
    #[prost(string, tag = "5")]
    reason: String,
    #[prost(string, tag = "6")]
    message: String,
}

impl Condition {
    /// Tells whether the condition says more than that all is well.
    pub(super) fn is_telling(&self) -> bool {
        self.kind == "Ready" || self.status != "True" || !self.reason.is_empty() || !self.message.is_empty()
    }
}

impl From<Condition> for model::Condition {
    fn from(sent: Condition) -> Self {
        Self {
            kind: sent.kind,
            status: sent.status,
            reason: sent.reason,
            message: sent.message,
            since: sent.last_transition_time.and_then(Time::timestamp),
        }
    }
}

/// A reference to any object.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ObjectReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "2")]
    pub(super) namespace: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
}

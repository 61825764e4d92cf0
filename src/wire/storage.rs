//! Claims, volumes and storage classes as they are sent.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::meta::{Condition, ObjectMeta, ObjectReference, Requirement};
use super::scalar::Quantity;
use super::{Ignored, Object, exactly, given};
use crate::model::{self, Snapshot};

const STORAGE: &str = "storage";

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Claim {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<ClaimSpec>,
    #[prost(message, optional, tag = "3")]
    status: Option<ClaimStatus>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimSpec {
    #[prost(string, repeated, tag = "1")]
    access_modes: Vec<String>,
    #[prost(message, optional, tag = "2")]
    resources: Option<Resources>,
    #[prost(string, tag = "3")]
    volume_name: String,
    #[prost(string, optional, tag = "5")]
    storage_class_name: Option<String>,
    #[prost(string, tag = "6")]
    volume_mode: String,
    #[prost(message, optional, tag = "7")]
    data_source: Option<Ignored>,
    #[prost(message, optional, tag = "8")]
    data_source_ref: Option<Ignored>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resources {
    #[prost(btree_map = "string, message", tag = "2")]
    requests: BTreeMap<String, Quantity>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimStatus {
    #[prost(string, tag = "1")]
    phase: String,
    #[prost(btree_map = "string, message", tag = "3")]
    capacity: BTreeMap<String, Quantity>,
    #[prost(message, repeated, tag = "4")]
    conditions: Vec<Condition>,
}

impl Object for Claim {
    type Api = k8s_openapi::api::core::v1::PersistentVolumeClaim;

    fn store(self, snapshot: &mut Snapshot) {
        snapshot.claims.push(self.into());
    }
}

fn storage_bytes(quantities: &BTreeMap<String, Quantity>) -> Option<u64> {
    quantities.get(STORAGE).and_then(Quantity::bytes)
}

impl From<Claim> for model::Claim {
    fn from(sent: Claim) -> Self {
        let spec = sent.spec.unwrap_or_default();
        let status = sent.status.unwrap_or_default();
        Self {
            meta: sent.metadata.unwrap_or_default().into(),
            phase: status.phase,
            class: spec.storage_class_name,
            access_modes: spec.access_modes,
            volume_mode: spec.volume_mode,
            volume: given(spec.volume_name).map(Into::into),
            requested_bytes: spec.resources.and_then(|resources| storage_bytes(&resources.requests)),
            capacity_bytes: storage_bytes(&status.capacity),
            conditions: exactly(status.conditions),
        }
    }
}

impl From<Claim> for model::ClaimTemplate {
    fn from(sent: Claim) -> Self {
        let spec = sent.spec.unwrap_or_default();
        Self {
            name: sent.metadata.unwrap_or_default().name,
            class: spec.storage_class_name,
            size_bytes: spec.resources.and_then(|resources| storage_bytes(&resources.requests)),
            access_modes: spec.access_modes,
            volume_mode: spec.volume_mode,
            has_source: spec.data_source.is_some() || spec.data_source_ref.is_some(),
        }
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Volume {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<VolumeSpec>,
    #[prost(message, optional, tag = "3")]
    status: Option<VolumeStatus>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeSpec {
    #[prost(btree_map = "string, message", tag = "1")]
    capacity: BTreeMap<String, Quantity>,
    #[prost(message, optional, tag = "2")]
    #[serde(flatten)]
    source: Option<Source>,
    #[prost(string, repeated, tag = "3")]
    access_modes: Vec<String>,
    #[prost(message, optional, tag = "4")]
    claim_ref: Option<ObjectReference>,
    #[prost(string, tag = "5")]
    persistent_volume_reclaim_policy: String,
    #[prost(string, tag = "6")]
    storage_class_name: String,
    #[prost(message, optional, tag = "9")]
    node_affinity: Option<NodeAffinity>,
}

/// The sources that matter: those on one node, and the names of CSI drivers.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Source {
    #[prost(message, optional, tag = "3")]
    host_path: Option<Ignored>,
    #[prost(message, optional, tag = "5")]
    nfs: Option<Ignored>,
    #[prost(message, optional, tag = "20")]
    local: Option<Ignored>,
    #[prost(message, optional, tag = "22")]
    csi: Option<Csi>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Csi {
    #[prost(string, tag = "1")]
    driver: String,
}

impl Source {
    fn word(self) -> String {
        match self {
            Self { csi: Some(csi), .. } => csi.driver,
            Self { local: Some(_), .. } => "local".to_owned(),
            Self { host_path: Some(_), .. } => "hostPath".to_owned(),
            Self { nfs: Some(_), .. } => "nfs".to_owned(),
            Self { .. } => "other".to_owned(),
        }
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeAffinity {
    #[prost(message, optional, tag = "1")]
    required: Option<NodeSelector>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeSelector {
    #[prost(message, repeated, tag = "1")]
    node_selector_terms: Vec<NodeTerm>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeTerm {
    #[prost(message, repeated, tag = "1")]
    match_expressions: Vec<Requirement>,
    #[prost(message, repeated, tag = "2")]
    match_fields: Vec<Requirement>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeStatus {
    #[prost(string, tag = "1")]
    phase: String,
    #[prost(string, tag = "2")]
    message: String,
}

impl Object for Volume {
    type Api = k8s_openapi::api::core::v1::PersistentVolume;

    fn store(self, snapshot: &mut Snapshot) {
        snapshot.volumes.push(self.into());
    }
}

impl From<Volume> for model::Volume {
    fn from(sent: Volume) -> Self {
        let spec = sent.spec.unwrap_or_default();
        let status = sent.status.unwrap_or_default();
        let terms = spec.node_affinity.and_then(|affinity| affinity.required).unwrap_or_default().node_selector_terms;
        Self {
            meta: sent.metadata.unwrap_or_default().into(),
            phase: status.phase,
            message: status.message,
            claim: spec.claim_ref.map(|claim| model::ClaimReference {
                namespace: claim.namespace.into(),
                name: claim.name.into(),
                uid: claim.uid.into(),
            }),
            class: spec.storage_class_name,
            access_modes: spec.access_modes,
            capacity_bytes: storage_bytes(&spec.capacity),
            reclaim_policy: spec.persistent_volume_reclaim_policy,
            source: spec.source.unwrap_or_default().word(),
            node_terms: exactly(terms),
        }
    }
}

impl From<NodeTerm> for model::NodeTerm {
    fn from(sent: NodeTerm) -> Self {
        Self { labels: exactly(sent.match_expressions), fields: exactly(sent.match_fields) }
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StorageClass {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(string, tag = "2")]
    provisioner: String,
    #[prost(string, tag = "4")]
    reclaim_policy: String,
    #[prost(bool, tag = "6")]
    allow_volume_expansion: bool,
    #[prost(string, tag = "7")]
    volume_binding_mode: String,
}

impl Object for StorageClass {
    type Api = k8s_openapi::api::storage::v1::StorageClass;

    fn store(self, snapshot: &mut Snapshot) {
        snapshot.classes.push(model::StorageClass {
            meta: self.metadata.unwrap_or_default().annotated(),
            provisioner: self.provisioner,
            waits_for_consumer: self.volume_binding_mode == "WaitForFirstConsumer",
            reclaim_policy: self.reclaim_policy,
            expandable: self.allow_volume_expansion,
        });
    }
}

//! StatefulSets as they are sent.

use serde::Deserialize;

use super::meta::{LabelSelector, ObjectMeta};
use super::pod::{PodSpec, template};
use super::scalar::IntOrString;
use super::storage::Claim;
use super::{Object, given};
use crate::model::{self, ClaimPolicy, PodManagement, Snapshot, UpdateStrategy};

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StatefulSet {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<Spec>,
    #[prost(message, optional, tag = "3")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[prost(int32, optional, tag = "1")]
    replicas: Option<i32>,
    #[prost(message, optional, tag = "2")]
    selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "3")]
    template: Option<Template>,
    #[prost(message, repeated, tag = "4")]
    volume_claim_templates: Vec<Claim>,
    #[prost(string, tag = "5")]
    service_name: String,
    #[prost(string, tag = "6")]
    pod_management_policy: String,
    #[prost(message, optional, tag = "7")]
    update_strategy: Option<Strategy>,
    #[prost(message, optional, tag = "10")]
    persistent_volume_claim_retention_policy: Option<Retention>,
    #[prost(message, optional, tag = "11")]
    ordinals: Option<Ordinals>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Template {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<PodSpec>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    kind: String,
    #[prost(message, optional, tag = "2")]
    rolling_update: Option<RollingUpdate>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RollingUpdate {
    #[prost(int32, tag = "1")]
    partition: i32,
    #[prost(message, optional, tag = "2")]
    max_unavailable: Option<IntOrString>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Retention {
    #[prost(string, tag = "1")]
    when_deleted: String,
    #[prost(string, tag = "2")]
    when_scaled: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ordinals {
    #[prost(int32, tag = "1")]
    start: i32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[prost(int64, optional, tag = "1")]
    observed_generation: Option<i64>,
    #[prost(int32, tag = "2")]
    replicas: i32,
    #[prost(int32, tag = "3")]
    ready_replicas: i32,
    #[prost(int32, tag = "4")]
    current_replicas: i32,
    #[prost(int32, tag = "5")]
    updated_replicas: i32,
    #[prost(string, tag = "6")]
    current_revision: String,
    #[prost(string, tag = "7")]
    update_revision: String,
}

impl Object for StatefulSet {
    type Api = k8s_openapi::api::apps::v1::StatefulSet;

    fn store(self, snapshot: &mut Snapshot) {
        snapshot.workloads.push(self.into());
    }
}

/// The API server defaults `replicas` to one; only hand-written objects lack it.
const DEFAULT_REPLICAS: i32 = 1;

impl From<StatefulSet> for model::Workload {
    fn from(sent: StatefulSet) -> Self {
        let metadata = sent.metadata.unwrap_or_default();
        let spec = sent.spec.unwrap_or_default();
        let retention = spec.persistent_volume_claim_retention_policy.unwrap_or_default();
        let pods = spec.template.unwrap_or_default();
        Self {
            generation: metadata.generation,
            meta: metadata.annotated(),
            replicas: count(spec.replicas.unwrap_or(DEFAULT_REPLICAS)),
            first_ordinal: count(spec.ordinals.unwrap_or_default().start),
            selector: spec.selector.map(Into::into).unwrap_or_default(),
            service: spec.service_name,
            pod_management: match spec.pod_management_policy.as_str() {
                "Parallel" => PodManagement::Parallel,
                _ => PodManagement::OrderedReady,
            },
            update: update(spec.update_strategy.unwrap_or_default()),
            when_deleted: policy(&retention.when_deleted),
            when_scaled: policy(&retention.when_scaled),
            template: template(pods.metadata, pods.spec),
            claim_templates: spec.volume_claim_templates.into_iter().map(Into::into).collect(),
            status: sent.status.unwrap_or_default().into(),
        }
    }
}

impl From<Status> for model::WorkloadStatus {
    fn from(sent: Status) -> Self {
        Self {
            observed_generation: sent.observed_generation,
            replicas: count(sent.replicas),
            ready: count(sent.ready_replicas),
            current: count(sent.current_replicas),
            updated: count(sent.updated_replicas),
            current_revision: sent.current_revision,
            update_revision: sent.update_revision,
        }
    }
}

fn update(sent: Strategy) -> UpdateStrategy {
    match sent.kind.as_str() {
        "" | "RollingUpdate" => {
            let rolling = sent.rolling_update.unwrap_or_default();
            UpdateStrategy::RollingUpdate {
                partition: count(rolling.partition),
                max_unavailable: rolling.max_unavailable.and_then(|most| given(most.written())),
            }
        }
        "OnDelete" => UpdateStrategy::OnDelete,
        _ => UpdateStrategy::Other(sent.kind),
    }
}

fn policy(word: &str) -> ClaimPolicy {
    match word {
        "Delete" => ClaimPolicy::Delete,
        _ => ClaimPolicy::Retain,
    }
}

/// The API's counts are never negative.
fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

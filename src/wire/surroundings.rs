//! Nodes, budgets, autoscalers, services and events as they are sent.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::meta::{Condition, LabelSelector, ObjectMeta, ObjectReference};
use super::scalar::{IntOrString, Time};
use super::{Object, given};
use crate::model::{self, AddressList, AddressListKind, Snapshot};

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Node {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<NodeSpec>,
    #[prost(message, optional, tag = "3")]
    status: Option<NodeStatus>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeSpec {
    #[prost(bool, tag = "4")]
    unschedulable: bool,
    #[prost(message, repeated, tag = "5")]
    taints: Vec<Taint>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Taint {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
    #[prost(string, tag = "3")]
    effect: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeStatus {
    #[prost(message, repeated, tag = "4")]
    conditions: Vec<Condition>,
}

impl Object for Node {
    type Api = k8s_openapi::api::core::v1::Node;

    fn store(self, snapshot: &mut Snapshot) {
        let spec = self.spec.unwrap_or_default();
        snapshot.nodes.push(model::Node {
            meta: self.metadata.unwrap_or_default().into(),
            unschedulable: spec.unschedulable,
            taints: spec
                .taints
                .into_iter()
                .map(|taint| model::Taint { key: taint.key, value: taint.value, effect: taint.effect })
                .collect(),
            conditions: self.status.unwrap_or_default().conditions.into_iter().map(Into::into).collect(),
        });
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Budget {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<BudgetSpec>,
    #[prost(message, optional, tag = "3")]
    status: Option<BudgetStatus>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BudgetSpec {
    #[prost(message, optional, tag = "1")]
    min_available: Option<IntOrString>,
    #[prost(message, optional, tag = "2")]
    selector: Option<LabelSelector>,
    #[prost(message, optional, tag = "3")]
    max_unavailable: Option<IntOrString>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BudgetStatus {
    #[prost(int64, tag = "1")]
    observed_generation: i64,
    #[prost(int32, tag = "3")]
    disruptions_allowed: i32,
    #[prost(int32, tag = "4")]
    current_healthy: i32,
    #[prost(int32, tag = "5")]
    desired_healthy: i32,
}

impl Object for Budget {
    type Api = k8s_openapi::api::policy::v1::PodDisruptionBudget;

    fn store(self, snapshot: &mut Snapshot) {
        let metadata = self.metadata.unwrap_or_default();
        let spec = self.spec.unwrap_or_default();
        let status = self.status.unwrap_or_default();
        snapshot.budgets.push(model::Budget {
            observed: status.observed_generation >= metadata.generation,
            meta: metadata.into(),
            has_selector: spec.selector.is_some(),
            selector: spec.selector.map(Into::into).unwrap_or_default(),
            min_available: spec.min_available.map(|least| least.written()),
            max_unavailable: spec.max_unavailable.map(|most| most.written()),
            disruptions_allowed: status.disruptions_allowed,
            current_healthy: status.current_healthy,
            desired_healthy: status.desired_healthy,
        });
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Autoscaler {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<AutoscalerSpec>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AutoscalerSpec {
    #[prost(message, optional, tag = "1")]
    scale_target_ref: Option<ScaleTarget>,
    #[prost(int32, optional, tag = "2")]
    min_replicas: Option<i32>,
    #[prost(int32, tag = "3")]
    max_replicas: i32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScaleTarget {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    name: String,
}

impl Object for Autoscaler {
    type Api = k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;

    fn store(self, snapshot: &mut Snapshot) {
        let spec = self.spec.unwrap_or_default();
        let target = spec.scale_target_ref.unwrap_or_default();
        snapshot.autoscalers.push(model::Autoscaler {
            meta: self.metadata.unwrap_or_default().into(),
            target_kind: target.kind,
            target_name: target.name,
            min_replicas: spec.min_replicas,
            max_replicas: spec.max_replicas,
        });
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Service {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<ServiceSpec>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceSpec {
    #[prost(btree_map = "string, string", tag = "2")]
    selector: BTreeMap<String, String>,
    #[prost(string, tag = "3")]
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    #[prost(string, tag = "4")]
    #[serde(rename = "type")]
    kind: String,
    #[prost(bool, tag = "13")]
    publish_not_ready_addresses: bool,
}

impl Object for Service {
    type Api = k8s_openapi::api::core::v1::Service;

    fn store(self, snapshot: &mut Snapshot) {
        let spec = self.spec.unwrap_or_default();
        snapshot.services.push(model::Service {
            meta: self.metadata.unwrap_or_default().into(),
            kind: spec.kind,
            cluster_ip: spec.cluster_ip,
            selector: spec.selector,
            publish_not_ready: spec.publish_not_ready_addresses,
        });
    }
}

/// The label that names the Service of an EndpointSlice.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// The label that names who writes an EndpointSlice.
const MANAGER_LABEL: &str = "endpointslice.kubernetes.io/managed-by";

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EndpointSlice {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, repeated, tag = "2")]
    endpoints: Vec<Endpoint>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    #[prost(string, repeated, tag = "1")]
    addresses: Vec<String>,
    #[prost(message, optional, tag = "2")]
    conditions: Option<EndpointConditions>,
    #[prost(string, optional, tag = "3")]
    hostname: Option<String>,
    #[prost(message, optional, tag = "4")]
    target_ref: Option<ObjectReference>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EndpointConditions {
    #[prost(bool, optional, tag = "1")]
    ready: Option<bool>,
}

impl Object for EndpointSlice {
    type Api = k8s_openapi::api::discovery::v1::EndpointSlice;

    fn store(self, snapshot: &mut Snapshot) {
        let metadata = self.metadata.unwrap_or_default();
        let Some(service) = metadata.labels.get(SERVICE_LABEL) else {
            return;
        };
        let written = written(&metadata);
        // An address without a host name gives no pod its name; behind Deployments there are many of those.
        let wanted = |endpoint: &Endpoint| endpoint.hostname.is_some() || written.is_some();
        snapshot.endpoints.extend(self.endpoints.into_iter().filter(wanted).map(|endpoint| model::Endpoint {
            namespace: metadata.namespace.as_str().into(),
            service: service.clone(),
            hostname: endpoint.hostname,
            pod: endpoint.target_ref.filter(|target| target.kind == "Pod").map(|target| target.name.into()),
            addresses: endpoint.addresses,
            // The API says that an absent condition means ready.
            ready: endpoint.conditions.and_then(|conditions| conditions.ready).unwrap_or(true),
            written: written.clone(),
        }));
    }
}

/// Finds out where the addresses of a slice were written, unless a selector found them.
fn written(slice: &ObjectMeta) -> Option<AddressList> {
    match slice.labels.get(MANAGER_LABEL).map(String::as_str) {
        Some("endpointslice-controller.k8s.io") => None,
        Some("endpointslicemirroring-controller.k8s.io") => {
            let owner = slice.owner_references.iter().find(|owner| owner.kind == "Endpoints")?;
            let (name, uid) = (owner.name.clone(), owner.uid.as_str().into());
            Some(AddressList { kind: AddressListKind::Endpoints, name, uid })
        }
        Some(_) | None => {
            let (name, uid) = (slice.name.clone(), slice.uid.as_str().into());
            Some(AddressList { kind: AddressListKind::EndpointSlice, name, uid })
        }
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the API's own names")]
pub(crate) struct Event {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    #[serde(alias = "regarding")]
    involved_object: Option<ObjectReference>,
    #[prost(string, tag = "3")]
    reason: String,
    #[prost(string, tag = "4")]
    #[serde(alias = "note")]
    message: String,
    #[prost(message, optional, tag = "7")]
    #[serde(alias = "deprecatedLastTimestamp")]
    last_timestamp: Option<Time>,
    #[prost(string, tag = "9")]
    #[serde(rename = "type")]
    kind: String,
    #[prost(message, optional, tag = "10")]
    event_time: Option<Time>,
    #[prost(message, optional, tag = "11")]
    series: Option<EventSeries>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventSeries {
    #[prost(message, optional, tag = "2")]
    last_observed_time: Option<Time>,
}

impl Object for Event {
    type Api = k8s_openapi::api::core::v1::Event;

    fn store(self, snapshot: &mut Snapshot) {
        let object = self.involved_object.unwrap_or_default();
        let last_seen =
            [self.series.and_then(|series| series.last_observed_time), self.last_timestamp, self.event_time]
                .into_iter()
                .flatten()
                .find_map(Time::timestamp);
        snapshot.events.push(model::Event {
            namespace: given(object.namespace)
                .unwrap_or_else(|| self.metadata.map(|metadata| metadata.namespace).unwrap_or_default())
                .into(),
            kind: object.kind,
            name: object.name,
            uid: object.uid.into(),
            severity: self.kind,
            reason: self.reason,
            message: self.message,
            last_seen,
        });
    }
}

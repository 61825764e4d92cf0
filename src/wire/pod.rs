//! Pods and their containers as they are sent.

use serde::Deserialize;

use super::meta::{Condition, ObjectMeta};
use super::scalar::Time;
use super::{Ignored, Object, exactly};
use crate::model::{self, FleetingKind, FleetingVolume, Phase, Snapshot};

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Pod {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<PodSpec>,
    #[prost(message, optional, tag = "3")]
    status: Option<PodStatus>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    #[prost(message, repeated, tag = "1")]
    volumes: Vec<Volume>,
    #[prost(message, repeated, tag = "2")]
    containers: Vec<Container>,
    #[prost(int64, optional, tag = "4")]
    termination_grace_period_seconds: Option<i64>,
    #[prost(string, tag = "10")]
    node_name: String,
    #[prost(message, repeated, tag = "22")]
    tolerations: Vec<Toleration>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Toleration {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    operator: String,
    #[prost(string, tag = "4")]
    effect: String,
}

impl Toleration {
    /// Tells whether no taint keeps the scheduler from placing such a pod.
    fn bears_everything(&self) -> bool {
        self.key.is_empty() && self.operator == "Exists" && matches!(self.effect.as_str(), "" | "NoSchedule")
    }
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Volume {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    #[serde(flatten)]
    source: Option<VolumeSource>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeSource {
    #[prost(message, optional, tag = "1")]
    host_path: Option<Ignored>,
    #[prost(message, optional, tag = "2")]
    empty_dir: Option<Ignored>,
    #[prost(message, optional, tag = "10")]
    persistent_volume_claim: Option<ClaimSource>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClaimSource {
    #[prost(string, tag = "1")]
    claim_name: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    image: String,
    #[prost(string, repeated, tag = "3")]
    command: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    ports: Vec<Port>,
    #[prost(message, repeated, tag = "7")]
    env: Vec<EnvName>,
    #[prost(message, repeated, tag = "9")]
    volume_mounts: Vec<Mount>,
    #[prost(message, optional, tag = "11")]
    readiness_probe: Option<Ignored>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Port {
    #[prost(int32, tag = "3")]
    container_port: i32,
}

/// The name of an environment variable; its value is not even decoded.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EnvName {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Mount {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    mount_path: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    #[prost(string, tag = "1")]
    phase: String,
    #[prost(message, repeated, tag = "2")]
    conditions: Vec<Condition>,
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(string, tag = "6")]
    #[serde(rename = "podIP")]
    pod_ip: String,
    #[prost(message, repeated, tag = "8")]
    container_statuses: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "10")]
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    state: Option<State>,
    #[prost(message, optional, tag = "3")]
    last_state: Option<State>,
    #[prost(bool, tag = "4")]
    ready: bool,
    #[prost(int32, tag = "5")]
    restart_count: i32,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct State {
    #[prost(message, optional, tag = "1")]
    waiting: Option<Waiting>,
    #[prost(message, optional, tag = "2")]
    running: Option<Running>,
    #[prost(message, optional, tag = "3")]
    terminated: Option<Terminated>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Waiting {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    #[prost(message, optional, tag = "1")]
    started_at: Option<Time>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    #[prost(int32, tag = "1")]
    exit_code: i32,
    #[prost(string, tag = "3")]
    reason: String,
    #[prost(string, tag = "4")]
    message: String,
    #[prost(message, optional, tag = "6")]
    finished_at: Option<Time>,
}

impl Object for Pod {
    type Api = k8s_openapi::api::core::v1::Pod;

    fn store(self, snapshot: &mut Snapshot) {
        snapshot.pods.push(self.into());
    }
}

impl From<Pod> for model::Pod {
    fn from(sent: Pod) -> Self {
        let metadata = sent.metadata.unwrap_or_default();
        let spec = sent.spec.unwrap_or_default();
        let status = sent.status.unwrap_or_default();
        let read = |list: Vec<ContainerStatus>, init| list.into_iter().map(move |status| container_state(status, init));
        Self {
            node: super::given(spec.node_name).map(Into::into),
            phase: status.phase,
            reason: status.reason,
            message: status.message,
            conditions: exactly(status.conditions.into_iter().filter(Condition::is_telling).collect()),
            containers: exactly(spec.containers),
            container_states: read(status.init_container_statuses, true)
                .chain(read(status.container_statuses, false))
                .collect(),
            claims: spec.volumes.into_iter().filter_map(claim_of).collect(),
            deletion_grace_seconds: metadata.deletion_grace_period_seconds,
            ip: super::given(status.pod_ip),
            meta: metadata.into(),
        }
    }
}

fn claim_of(volume: Volume) -> Option<(String, model::ClaimName)> {
    Some((volume.name, volume.source?.persistent_volume_claim?.claim_name.into()))
}

fn container_state(sent: ContainerStatus, init: bool) -> model::ContainerState {
    let ended = |terminated: Terminated| model::End {
        exit_code: terminated.exit_code,
        reason: terminated.reason,
        message: terminated.message,
        at: terminated.finished_at.and_then(Time::timestamp),
    };
    let now = match sent.state.unwrap_or_default() {
        State { terminated: Some(end), .. } => Phase::Ended(ended(end)),
        State { running: Some(running), .. } => Phase::Running { since: running.started_at.and_then(Time::timestamp) },
        State { waiting: Some(waiting), .. } => Phase::Waiting { reason: waiting.reason, message: waiting.message },
        State { .. } => Phase::Unknown,
    };
    model::ContainerState {
        name: sent.name.into(),
        init,
        ready: sent.ready,
        restarts: u32::try_from(sent.restart_count).unwrap_or_default(),
        now,
        last_end: sent.last_state.and_then(|state| state.terminated).map(ended),
    }
}

impl From<Container> for model::ContainerSpec {
    fn from(sent: Container) -> Self {
        Self {
            name: sent.name.into(),
            image: sent.image,
            ports: sent.ports.iter().filter_map(|port| u16::try_from(port.container_port).ok()).collect(),
            env_names: exactly(sent.env),
            mounts: exactly(sent.volume_mounts),
            readiness_probe: sent.readiness_probe.is_some(),
            own_entrypoint: sent.command.is_empty(),
        }
    }
}

impl From<EnvName> for String {
    fn from(sent: EnvName) -> Self {
        sent.name
    }
}

impl From<Mount> for (String, String) {
    fn from(sent: Mount) -> Self {
        (sent.name, sent.mount_path)
    }
}

/// Puts a template's metadata and spec together.
pub(super) fn template(metadata: Option<ObjectMeta>, spec: Option<PodSpec>) -> model::PodTemplate {
    let meta = metadata.unwrap_or_default().annotated();
    let spec = spec.unwrap_or_default();
    model::PodTemplate {
        labels: meta.labels,
        annotations: meta.annotations,
        containers: exactly(spec.containers),
        bears_every_taint: spec.tolerations.iter().any(Toleration::bears_everything),
        fleeting_volumes: spec.volumes.into_iter().filter_map(fleeting).collect(),
        grace_seconds: spec.termination_grace_period_seconds,
    }
}

fn fleeting(volume: Volume) -> Option<FleetingVolume> {
    let kind = match volume.source? {
        VolumeSource { empty_dir: Some(_), .. } => FleetingKind::EmptyDir,
        VolumeSource { host_path: Some(_), .. } => FleetingKind::HostPath,
        VolumeSource { .. } => return None,
    };
    Some(FleetingVolume { name: volume.name, kind })
}

//! A StatefulSet: what it wants and what its controller says it has.

use std::collections::BTreeMap;

use super::{ContainerName, Meta, PodName, Selector, WorkloadName};

/// Describes one StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Identity, labels, owners.
    pub meta: Meta,
    /// How many ordinals are wanted (`spec.replicas`).
    pub replicas: u32,
    /// The first ordinal (`spec.ordinals.start`).
    pub first_ordinal: u32,
    /// Which pods belong to the set.
    pub selector: Selector,
    /// The governing Service (`spec.serviceName`); empty when none is named.
    pub service: String,
    /// Whether ordinals start and stop one after another.
    pub pod_management: PodManagement,
    /// How a change of the template reaches the pods.
    pub update: UpdateStrategy,
    /// What happens to claims when the set is deleted.
    pub when_deleted: ClaimPolicy,
    /// What happens to claims when the set is scaled down.
    pub when_scaled: ClaimPolicy,
    /// The pods' template.
    pub template: PodTemplate,
    /// The claims that every ordinal gets.
    pub claim_templates: Vec<ClaimTemplate>,
    /// What the controller reports.
    pub status: WorkloadStatus,
    /// `metadata.generation`: counts changes of the spec.
    pub generation: i64,
}

impl Workload {
    /// Gives the set's name.
    #[must_use]
    pub fn name(&self) -> WorkloadName {
        WorkloadName(self.meta.name.clone())
    }

    /// Gives the ordinals that the set wants.
    #[must_use]
    pub fn ordinals(&self) -> std::ops::Range<u32> {
        self.first_ordinal..self.first_ordinal.saturating_add(self.replicas)
    }

    /// Names the pod of an ordinal.
    #[must_use]
    pub fn pod_name(&self, ordinal: u32) -> PodName {
        PodName(format!("{}-{ordinal}", self.meta.name))
    }

    /// Reads the ordinal out of a pod's name, if the name is of this set.
    #[must_use]
    pub fn ordinal_of(&self, pod: &str) -> Option<u32> {
        parse_ordinal(pod.strip_prefix(self.meta.name.as_str())?.strip_prefix('-')?)
    }

    /// Says `statefulset/NAME`.
    #[must_use]
    pub fn display(&self) -> String {
        format!("statefulset/{}", self.meta.name)
    }
}

/// Reads an ordinal as the controller writes it: decimal, without sign or leading zeros.
#[must_use]
pub fn parse_ordinal(text: &str) -> Option<u32> {
    let plain =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// Whether ordinals start and stop one after another (`spec.podManagementPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodManagement {
    /// One after another; a broken lower ordinal holds up the rest.
    #[default]
    OrderedReady,
    /// All at once.
    Parallel,
}

/// How a change of the template reaches the pods (`spec.updateStrategy`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateStrategy {
    /// From the highest ordinal down to `partition`.
    RollingUpdate {
        /// Ordinals below it keep the old revision.
        partition: u32,
        /// How many pods may be down at once, a number or a percentage, as written.
        max_unavailable: Option<String>,
    },
    /// Only when somebody deletes the pod.
    OnDelete,
    /// A strategy of a newer Kubernetes, by its name.
    Other(String),
}

impl Default for UpdateStrategy {
    fn default() -> Self {
        Self::RollingUpdate { partition: 0, max_unavailable: None }
    }
}

/// What happens to claims (`spec.persistentVolumeClaimRetentionPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimPolicy {
    /// Claims stay.
    #[default]
    Retain,
    /// Claims are deleted, and with them, mostly, the data.
    Delete,
}

/// Describes the pods that the set makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodTemplate {
    /// Labels of the pods.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    pub annotations: BTreeMap<String, String>,
    /// The containers, without init containers.
    pub containers: Vec<ContainerSpec>,
    /// Volumes of the template that die with the pod or the node, by name.
    pub fleeting_volumes: Vec<FleetingVolume>,
    /// Whether no taint keeps the scheduler from placing its pods.
    pub bears_every_taint: bool,
    /// Seconds that a pod gets to stop.
    pub grace_seconds: Option<i64>,
}

/// Describes one container as far as recognising an engine needs it. Values of variables are never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerSpec {
    /// The container's name.
    pub name: ContainerName,
    /// The image as written.
    pub image: String,
    /// The ports it declares.
    pub ports: Vec<u16>,
    /// The names of its environment variables, never their values.
    pub env_names: Vec<String>,
    /// Where volumes are mounted: volume name and path.
    pub mounts: Vec<(String, String)>,
    /// Whether readiness is probed at all; without a probe "ready" only means "started".
    pub readiness_probe: bool,
    /// Whether it starts as its image says; a `command` of the template may do anything.
    pub own_entrypoint: bool,
}

impl ContainerSpec {
    /// Gives the last part of the image's repository, without registry, tag and digest.
    #[must_use]
    pub fn image_base(&self) -> &str {
        image_base(&self.image)
    }

    /// Gives the image's tag, if it has one.
    #[must_use]
    pub fn image_tag(&self) -> Option<&str> {
        let path = self.image.split('@').next().unwrap_or_default();
        path.rsplit('/').next()?.split_once(':').map(|(_, tag)| tag)
    }
}

/// Gives the last part of an image's repository, without registry, tag and digest.
#[must_use]
pub fn image_base(image: &str) -> &str {
    let path = image.split('@').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

/// A volume whose content is lost with the pod or tied to whatever node the pod is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetingVolume {
    /// The volume's name in the template.
    pub name: String,
    /// What it is.
    pub kind: FleetingKind,
}

/// Kinds of volumes that are not claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetingKind {
    /// Emptied with the pod.
    EmptyDir,
    /// A directory of the node.
    HostPath,
}

/// Describes the claim that every ordinal gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimTemplate {
    /// The template's name: claims are called `NAME-SET-ORDINAL`.
    pub name: String,
    /// The storage class asked for; `None` takes the cluster's default.
    pub class: Option<String>,
    /// The size asked for, in bytes.
    pub size_bytes: Option<u64>,
    /// The access modes asked for.
    pub access_modes: Vec<String>,
    /// `Filesystem` or `Block`; empty means `Filesystem`.
    pub volume_mode: String,
    /// Whether it is filled from something else, a snapshot or a populator.
    pub has_source: bool,
}

/// Says what the StatefulSet's controller reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkloadStatus {
    /// The generation that these numbers are about.
    pub observed_generation: Option<i64>,
    /// Pods that exist.
    pub replicas: u32,
    /// Pods that are ready.
    pub ready: u32,
    /// Pods of the current revision.
    pub current: u32,
    /// Pods of the update revision.
    pub updated: u32,
    /// The revision that pods below the partition have.
    pub current_revision: String,
    /// The revision of the template as it is now.
    pub update_revision: String,
}

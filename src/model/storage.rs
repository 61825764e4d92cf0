//! Claims, volumes and storage classes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ClaimName, Condition, Meta, Namespace, PodName, Requirement, Uid, VolumeName};

/// The label of a volume that was a member's before it was moved: `NAMESPACE.POD`.
pub const RETAINED_LABEL: &str = "kubectl-stateful.io/retained-for";

/// Describes one PersistentVolumeClaim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Identity, labels, owners.
    pub meta: Meta,
    /// `Pending`, `Bound` or `Lost`.
    pub phase: String,
    /// The storage class asked for.
    pub class: Option<String>,
    /// The access modes asked for.
    pub access_modes: Vec<String>,
    /// `Filesystem` or `Block`.
    pub volume_mode: String,
    /// The volume it is bound to.
    pub volume: Option<VolumeName>,
    /// Bytes asked for.
    pub requested_bytes: Option<u64>,
    /// Bytes there are.
    pub capacity_bytes: Option<u64>,
    /// The status' conditions (`Resizing`, `FileSystemResizePending`, ...).
    pub conditions: Vec<Condition>,
}

impl Claim {
    /// Gives the claim's name.
    #[must_use]
    pub fn name(&self) -> ClaimName {
        ClaimName(self.meta.name.clone())
    }
}

/// Describes one PersistentVolume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Identity and labels.
    pub meta: Meta,
    /// `Available`, `Bound`, `Released`, `Failed` or `Pending`.
    pub phase: String,
    /// Why it failed, if it did.
    pub message: String,
    /// The claim it belongs to.
    pub claim: Option<ClaimReference>,
    /// Its storage class.
    pub class: String,
    /// Its access modes.
    pub access_modes: Vec<String>,
    /// Bytes there are.
    pub capacity_bytes: Option<u64>,
    /// `Retain`, `Delete` or `Recycle`.
    pub reclaim_policy: String,
    /// What kind of storage it is: a CSI driver's name, `local`, `hostPath`, `nfs`, ...
    pub source: String,
    /// The nodes that can reach it: one of these terms must hold; empty means every node.
    pub node_terms: Vec<NodeTerm>,
}

impl Volume {
    /// Gives the volume's name.
    #[must_use]
    pub fn name(&self) -> VolumeName {
        VolumeName(self.meta.name.clone())
    }
}

/// One alternative of a node affinity: all of its requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeTerm {
    /// Requirements on the node's labels.
    pub labels: Vec<Requirement>,
    /// Requirements on the node's fields (`metadata.name`).
    pub fields: Vec<Requirement>,
}

/// Points from a volume at its claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimReference {
    /// The claim's namespace.
    pub namespace: Namespace,
    /// The claim's name.
    pub name: ClaimName,
    /// The claim's identity; empty while a volume is only reserved.
    pub uid: Uid,
}

/// Describes one StorageClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageClass {
    /// Identity and annotations.
    pub meta: Meta,
    /// Who makes its volumes.
    pub provisioner: String,
    /// Whether binding waits for a pod (`WaitForFirstConsumer`).
    pub waits_for_consumer: bool,
    /// What happens to a volume whose claim is deleted.
    pub reclaim_policy: String,
    /// Whether claims may grow.
    pub expandable: bool,
}

impl StorageClass {
    /// Tells whether claims without a class get this one.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.meta.annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|value| value == "true")
    }
}

/// How full a mounted volume is, from the kubelet of its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeUsage {
    /// Namespace of pod and claim.
    pub namespace: Namespace,
    /// The pod that mounts it.
    pub pod: PodName,
    /// The claim.
    pub claim: ClaimName,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes of the file system.
    pub capacity_bytes: u64,
    /// Inodes in use, where the file system counts them.
    pub used_inodes: Option<u64>,
    /// Inodes of the file system, where it counts them.
    pub inodes: Option<u64>,
    /// When the kubelet measured.
    pub at: Option<Timestamp>,
}

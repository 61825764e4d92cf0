//! The nouns of the domain. No I/O, no client, nothing that knows how an object is stored or sent.

mod finding;
mod known;
mod meta;
mod names;
mod node;
mod pod;
mod snapshot;
mod storage;
mod surroundings;
mod topology;
mod workload;

pub use finding::{Code, Finding, Severity};
pub use known::Known;
pub use meta::{Condition, Meta, OwnerReference, Requirement, Selector};
pub use names::{ClaimName, ContainerName, Namespace, NodeName, PodName, Uid, VolumeName, WorkloadName};
pub use node::{HOLD_TAINT, Node, Taint, ZONE_LABEL};
pub use pod::{ContainerState, End, HELPER_LABEL, Phase, Pod, REVISION_LABEL};
pub use snapshot::{Answer, Gap, Probe, ProbeOutput, Resource, Snapshot};
pub use storage::{Claim, ClaimReference, NodeTerm, RETAINED_LABEL, StorageClass, Volume, VolumeUsage};
pub use surroundings::{AddressList, AddressListKind, Autoscaler, Budget, Endpoint, Event, Service};
pub use topology::{Lag, Member, Objection, Recognised, Role, Sessions, Slot, SyncRule, SyncState, Topology};
pub use workload::{
    ClaimPolicy, ClaimTemplate, ContainerSpec, FleetingKind, FleetingVolume, PodManagement, PodTemplate,
    UpdateStrategy, Workload, WorkloadStatus, image_base, parse_ordinal,
};

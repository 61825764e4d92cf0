//! What `status` has to say about one workload, ready to be shown or serialised.

use serde::Serialize;

use crate::model::{
    ClaimName, Finding, Known, Lag, Namespace, NodeName, PodName, Recognised, Role, Sessions, SyncRule, SyncState, Uid,
    VolumeName, WorkloadName,
};

/// Holds everything that `status` says about one workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What holds for the set as a whole.
    pub head: Head,
    /// One row per ordinal, wanted or existing, in the order of ordinals.
    pub rows: Vec<Row>,
    /// Claims of ordinals outside the range.
    pub leftovers: Vec<Leftover>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
}

/// What holds for the set as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The set's namespace.
    pub namespace: Namespace,
    /// The set's name.
    pub name: WorkloadName,
    /// The set's identity.
    pub uid: Uid,
    /// Ordinals wanted.
    pub replicas: u32,
    /// Pods of wanted ordinals that are ready.
    pub ready: u32,
    /// The first ordinal.
    pub first_ordinal: u32,
    /// `OrderedReady` or `Parallel`.
    pub pod_management: String,
    /// `RollingUpdate`, `OnDelete` or the name of a newer strategy.
    pub update_strategy: String,
    /// The partition of a rolling update, when there is one.
    pub partition: Option<u32>,
    /// How many pods a rolling update may take down at once, as written.
    pub max_unavailable: Option<String>,
    /// `Retain` or `Delete`.
    pub when_deleted: String,
    /// `Retain` or `Delete`.
    pub when_scaled: String,
    /// How far the rollout is.
    pub rollout: Rollout,
    /// The revision that pods should come to have.
    pub update_revision: String,
    /// Who manages the set, if that is not its user.
    pub owner: Option<Owner>,
    /// The engine and how it was recognised.
    pub engine: Recognised,
    /// The engine's version.
    pub version: Known<String>,
    /// The members that take writes; empty where roles are known and nobody does.
    pub primaries: Known<Vec<PodName>>,
    /// The cluster as a whole in the engine's own words, where it has some.
    pub cluster: Option<String>,
    /// The timeline of the primary.
    pub timeline: Option<u32>,
    /// What a commit waits for.
    pub sync: Option<SyncRule>,
    /// Sessions over all members.
    pub sessions: Known<Sessions>,
    /// The governing Service.
    pub service: ServiceHead,
    /// The classes of its volumes.
    pub classes: Vec<String>,
    /// Whether its volumes can only be used on the node that they are on.
    pub node_bound: Known<bool>,
    /// The budgets over its pods.
    pub budgets: Known<Vec<BudgetHead>>,
    /// Which ordinals may be taken down now, in words: "one of db-1 and db-2 may go".
    pub verdict: String,
}

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Rollout {
    /// Every pod has the update revision.
    Complete,
    /// Pods are being replaced.
    InProgress {
        /// Pods that have the update revision.
        updated: u32,
    },
    /// A broken pod holds it up.
    Stuck {
        /// Pods that have the update revision.
        updated: u32,
        /// The pod that holds it up.
        pod: PodName,
    },
    /// It stops at a partition.
    Partitioned {
        /// Pods that have the update revision.
        updated: u32,
        /// Ordinals below it keep the old revision.
        partition: u32,
    },
    /// `OnDelete`: pods wait for somebody to delete them.
    WaitsForDeletion {
        /// Pods that have the update revision.
        updated: u32,
    },
}

/// Who manages a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Its name for people: "Zalando postgres-operator", "Helm".
    pub title: String,
    /// What gave it away: "label application=spilo".
    pub by: String,
    /// What to change instead of the set: "numberOfInstances of postgresql/db".
    pub instead: Option<String>,
    /// How the primary is moved under it, as a sentence, where it decides which member that is.
    pub switch: Option<String>,
    /// Whether it puts changes of the set back by itself.
    pub reverts: bool,
    /// Whether it only delivers what somebody wrote down elsewhere, so that a person may decide to be faster.
    pub delivers: bool,
}

/// The governing Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceHead {
    /// Its name; empty when the set names none.
    pub name: String,
    /// How many wanted pods have a DNS name under it.
    pub names_answering: Known<u32>,
}

/// A budget over the set's pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetHead {
    /// Its name.
    pub name: String,
    /// Evictions that it allows now.
    pub disruptions_allowed: i32,
    /// `minAvailable 2` or `maxUnavailable 1`.
    pub rule: String,
}

/// One ordinal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The ordinal.
    pub ordinal: u32,
    /// Whether the set wants it; pods above the range are being removed.
    pub wanted: bool,
    /// Its pod's name.
    pub pod: PodName,
    /// How its pod is.
    pub state: PodState,
    /// Its part in the cluster.
    pub role: Known<Role>,
    /// How the engine's own tools show it: `UN`, `dimr*`.
    pub shown_as: Option<String>,
    /// What it holds of the cluster's data, where members hold different parts.
    pub share: Option<String>,
    /// Whether commits wait for it.
    pub sync: Option<SyncState>,
    /// How far it is behind; `None` where nothing could be.
    pub lag: Option<Lag>,
    /// Its sessions.
    pub sessions: Known<Sessions>,
    /// Its claims, in the order of the templates.
    pub claims: Vec<RowClaim>,
    /// Where it runs.
    pub node: Option<NodeName>,
    /// The zone of that node.
    pub zone: Option<String>,
    /// The revision of its template.
    pub revision: Option<String>,
    /// Restarts of its containers.
    pub restarts: u32,
    /// Its address.
    pub ip: Option<String>,
    /// Its DNS name; `None` when it has none now.
    pub dns: Option<String>,
    /// Its place in the log.
    pub position: Option<String>,
    /// Its timeline.
    pub timeline: Option<u32>,
    /// Whether it could be taken down now.
    pub safe: Safe,
}

/// Tells whether the rows are those of a cluster of equals, which has no primary and needs none.
#[must_use]
pub fn is_of_equals(rows: &[Row]) -> bool {
    rows.iter().any(|row| matches!(row.role, Known::Value(Role::Peer | Role::Detached)))
}

/// How the pod of an ordinal is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state", content = "why")]
pub enum PodState {
    /// Ready.
    Ready,
    /// It runs and is not ready, with the reason.
    NotReady(String),
    /// Not scheduled, or its containers have not started, with the reason.
    Pending(String),
    /// Its deletion was asked for.
    Terminating,
    /// It ended and stays ended, with the reason.
    Failed(String),
    /// There is none.
    Missing,
    /// Pods could not be read, with the reason.
    Unknown(String),
}

/// A claim of an ordinal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowClaim {
    /// Its name.
    pub name: ClaimName,
    /// `Bound`, `Pending`, `Lost`, `Terminating`, or `Missing` when there is none.
    pub phase: String,
    /// Its volume.
    pub volume: Option<VolumeName>,
    /// Bytes that it has, or asks for while it has none.
    pub size_bytes: Option<u64>,
    /// Bytes in use.
    pub used_bytes: Known<u64>,
    /// Bytes of the file system on it, which are not those of the claim for directories of a node.
    pub file_system_bytes: Option<u64>,
    /// Its class.
    pub class: Option<String>,
    /// Its access modes, short: `RWO`.
    pub access_modes: String,
    /// What happens to the volume when the claim is deleted.
    pub reclaim_policy: Option<String>,
}

/// A claim of an ordinal outside the range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// The ordinal it belonged to.
    pub ordinal: u32,
    /// The claim.
    pub claim: RowClaim,
    /// The node that its volume is bound to, if it is.
    pub node: Option<NodeName>,
    /// Whether a pod uses it nevertheless.
    pub used_by: Option<PodName>,
}

/// Whether an ordinal could be taken down now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "answer", content = "holds")]
pub enum Safe {
    /// Nothing speaks against it.
    Yes,
    /// Something speaks against it.
    No(Vec<Hold>),
    /// What would be needed to say is not known; treated as no.
    Unknown(Vec<Hold>),
}

/// Something that speaks against taking an ordinal down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Stable word for scripts: `primary`, `budget`, `lastCopy`, `syncStandby`, `lowerOrdinals`, `lag`, `quorum`,
    /// `alreadyDown`, `roleUnknown`, `memberDown`, `membersChanging`, `schema`, `health`, ...
    pub code: &'static str,
    /// The reason with what was measured: "the primary".
    pub why: String,
    /// The next command to type, where there is one.
    pub next: Option<String>,
}

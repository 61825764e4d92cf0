//! A pod as its kubelet and the scheduler report it.

use jiff::Timestamp;

use super::workload::ContainerSpec;
use super::{ClaimName, Condition, ContainerName, Meta, NodeName, PodName};

/// The label that holds a pod's revision.
pub const REVISION_LABEL: &str = "controller-revision-hash";

/// The label of a pod that helps a run, with the run's name.
pub const HELPER_LABEL: &str = "kubectl-stateful.io/run";

/// Describes one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Identity, labels, owners.
    pub meta: Meta,
    /// Where it runs, once scheduled.
    pub node: Option<NodeName>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// One word of the status, as `Evicted` or `NodeLost`.
    pub reason: String,
    /// The status' sentence for people.
    pub message: String,
    /// `Ready`, and those of the status' conditions that say more than that all is well.
    pub conditions: Vec<Condition>,
    /// What its containers are; of the pod itself, which a change of the template does not touch.
    pub containers: Vec<ContainerSpec>,
    /// How its containers are, init containers first.
    pub container_states: Vec<ContainerState>,
    /// Its claims: the volume's name in the pod, and the claim.
    pub claims: Vec<(String, ClaimName)>,
    /// Seconds it was given to stop, once deletion was asked for.
    pub deletion_grace_seconds: Option<i64>,
    /// Its address.
    pub ip: Option<String>,
}

impl Pod {
    /// Gives the pod's name.
    #[must_use]
    pub fn name(&self) -> PodName {
        PodName(self.meta.name.clone())
    }

    /// Finds a condition by its kind.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Tells whether the kubelet reports the pod ready and nobody asked for its deletion.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.meta.deleting.is_none() && self.condition("Ready").is_some_and(|ready| ready.status == "True")
    }

    /// Gives the revision of the template that the pod was made from.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        self.meta.labels.get(REVISION_LABEL).map(String::as_str)
    }

    /// Counts restarts over all containers.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.container_states.iter().map(|state| state.restarts).sum()
    }

    /// Tells whether a container of that name runs now.
    #[must_use]
    pub fn runs(&self, container: &ContainerName) -> bool {
        self.container_states.iter().any(|state| state.name == *container && matches!(state.now, Phase::Running { .. }))
    }
}

/// Says how one container is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// The container's name.
    pub name: ContainerName,
    /// Whether it is an init container.
    pub init: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: u32,
    /// What it does now.
    pub now: Phase,
    /// How it ended the last time, if it did.
    pub last_end: Option<End>,
}

/// What a container does now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It has not started, with the reason (`ImagePullBackOff`, `CrashLoopBackOff`, ...).
    Waiting {
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// It runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It has ended.
    Ended(End),
    /// The kubelet has not said.
    #[default]
    Unknown,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Its exit code.
    pub exit_code: i32,
    /// `Error`, `OOMKilled`, `Completed`, ...
    pub reason: String,
    /// What it left as its last words, if anything.
    pub message: String,
    /// When.
    pub at: Option<Timestamp>,
}

//! One change to the world, as data.

use serde::{Deserialize, Serialize};

use super::{Check, Pin};
use crate::model::ContainerName;

/// One change to the world. It carries identities, so that it cannot hit a namesake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Effect {
    /// The set's number of ordinals, conditional on the number and version just read.
    SetReplicas {
        /// What it must be before.
        from: u32,
        /// What it is then.
        to: u32,
    },
    /// A command that runs in a container of a pod and ends by itself.
    Command {
        /// The pod.
        pod: Pin,
        /// The container.
        container: ContainerName,
        /// What it does, for people: "drop the replication slot".
        words: String,
        /// The command and its arguments; secrets are expanded inside the container.
        argv: Vec<String>,
    },
    /// A command that runs again and again, until it ends with 0.
    Await {
        /// The pod.
        pod: Pin,
        /// The container.
        container: ContainerName,
        /// What it waits for, for people.
        words: String,
        /// The command and its arguments.
        argv: Vec<String>,
    },
    /// A claim is deleted, and mostly its data with it.
    DeleteClaim {
        /// The claim.
        claim: Pin,
    },
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SetReplicas { from, to } => write!(f, "set replicas {from} -> {to}"),
            Self::Command { words, .. } | Self::Await { words, .. } => f.write_str(words),
            Self::DeleteClaim { claim } => write!(f, "delete claim {}", claim.name),
        }
    }
}

/// How a later run can tell whether an effect reached the cluster, when the run that sent it died before it could say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trace {
    /// It did when this holds, and did not when this does not.
    Seen(Check),
    /// Sending it twice does no harm.
    Idempotent,
    /// Nobody can tell: a person has to look.
    Unknowable,
}

/// A permission in the set's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `patch`.
    pub verb: &'static str,
    /// `apps`, or empty for the core group.
    pub group: &'static str,
    /// `statefulsets`.
    pub resource: &'static str,
    /// `scale`, or empty.
    pub subresource: &'static str,
}

impl Permission {
    /// Makes a permission; the resource may name a subresource behind a slash.
    #[must_use]
    pub fn new(verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Self { verb, group, resource, subresource }
    }
}

impl std::fmt::Display for Permission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        write!(f, "{} {}{slash}{}", self.verb, self.resource, self.subresource)
    }
}

impl Effect {
    /// Names what somebody must be permitted to do.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        match self {
            Self::SetReplicas { .. } => vec![
                Permission::new("get", "apps", "statefulsets/scale"),
                Permission::new("patch", "apps", "statefulsets/scale"),
            ],
            Self::Command { .. } | Self::Await { .. } => vec![Permission::new("create", "", "pods/exec")],
            Self::DeleteClaim { .. } => vec![Permission::new("delete", "", "persistentvolumeclaims")],
        }
    }
}

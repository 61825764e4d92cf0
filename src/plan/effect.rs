//! One change to the world, as data.

use serde::{Deserialize, Serialize};

use super::{Check, Pin, Relocation, Stage};
use crate::model::{AddressList, AddressListKind, ContainerName, NodeName, PodName};

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
    /// A command that reads what another one prints, in another pod. What passes between the two may be a secret: it
    /// is held in memory only.
    Pass {
        /// The command that prints.
        from: Process,
        /// The command that reads.
        into: Process,
        /// What it does, for people.
        words: String,
    },
    /// The same for a member's pod that is made only after the plan: whichever its set has made by then. Its volumes are what
    /// it is known by, and no two pods mount them.
    Tell {
        /// The command that prints.
        from: Process,
        /// The member in whose pod the other one reads.
        member: PodName,
        /// The container.
        container: ContainerName,
        /// What it does, for people.
        words: String,
        /// The command that reads, and its arguments.
        argv: Vec<String>,
    },
    /// Two commands at the same time: one waits for what the other brings about. Both are begun first, and lose no time.
    Handover {
        /// The command that waits, and says so on its standard error.
        waits: Process,
        /// The command that acts. It makes itself ready, and does nothing before it can read a line: it is written as soon
        /// as the other one says that it waits.
        acts: Process,
        /// What they do, for people.
        words: String,
    },
    /// One word of a Service's selector, conditional on what it was.
    Select {
        /// The Service.
        service: Pin,
        /// The label that it selects by.
        key: String,
        /// The value before.
        from: String,
        /// The value then.
        to: String,
    },
    /// One address of a Service whose addresses somebody writes, conditional on what it was.
    Readdress {
        /// The Service.
        service: String,
        /// Where its addresses are written.
        list: AddressList,
        /// The pod that it led to.
        from: Target,
        /// The pod that it leads to then.
        to: Target,
    },
    /// A label of a pod, conditional on what it was.
    Label {
        /// The pod.
        pod: Pin,
        /// The label.
        key: String,
        /// The value before; none where it was not there.
        from: Option<String>,
        /// The value then; none takes it away.
        to: Option<String>,
    },
    /// An annotation on the set, which no controller looks at.
    Annotate {
        /// The annotation.
        key: String,
        /// The value then.
        value: String,
    },
    /// A claim is deleted, and mostly its data with it.
    DeleteClaim {
        /// The claim.
        claim: Pin,
    },
    /// A volume that nobody uses is deleted, and its data with it.
    DeleteVolume {
        /// The volume.
        volume: Pin,
    },
    /// Whether a node takes new pods.
    Cordon {
        /// The node.
        node: Pin,
        /// Whether it takes none.
        cordoned: bool,
    },
    /// A pod is deleted, and with it whatever runs in it. Its set makes another one.
    DeletePod {
        /// The pod.
        pod: Pin,
        /// How long it may take to stop by itself, in seconds; never 0, which would be a claim that it has stopped.
        grace_seconds: u32,
    },
    /// A pod is asked to go by the way that disruption budgets guard. Its set makes another one.
    Evict {
        /// The pod.
        pod: Pin,
    },
    /// A part of a member's way to another node.
    Relocate {
        /// Which part.
        stage: Stage,
        /// Which way.
        relocation: Box<Relocation>,
    },
    /// A pod of our own, made like the set's, works on a member's volumes while the member itself does not run.
    Help(Box<Help>),
    /// That pod is deleted.
    EndHelp {
        /// Its name.
        helper: String,
        /// The member whose volumes it mounts.
        member: PodName,
    },
}

/// A pod of our own that works on the volumes of a member that does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Help {
    /// The name of that pod; the run that made it stands in its labels.
    pub helper: String,
    /// The member whose volumes it mounts.
    pub member: PodName,
    /// The member's claims.
    pub claims: Vec<Pin>,
    /// The node on which they can be mounted.
    pub node: Pin,
    /// The container of the set's template that it is made like.
    pub container: ContainerName,
    /// What it does, for people.
    pub words: String,
    /// The command that it runs; [`GIVEN`] is there once it may begin.
    pub argv: Vec<String>,
    /// What prints the text that it finds in [`GIVEN`]; it may be a secret, and is held in memory only.
    pub reads: Process,
}

/// Where a helper finds what it is given: in its memory, not on a disk.
pub const GIVEN: &str = "/dev/shm/kubectl-stateful";

/// A pod behind an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The pod.
    pub pod: Pin,
    /// Its address.
    pub address: String,
    /// Its node.
    pub node: NodeName,
}

/// A command in a container of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The pod.
    pub pod: Pin,
    /// The container.
    pub container: ContainerName,
    /// The command and its arguments; secrets are expanded inside the container.
    pub argv: Vec<String>,
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SetReplicas { from, to } => write!(f, "set replicas {from} -> {to}"),
            Self::Command { words, .. }
            | Self::Await { words, .. }
            | Self::Pass { words, .. }
            | Self::Tell { words, .. }
            | Self::Handover { words, .. } => f.write_str(words),
            Self::Select { service, to, .. } => write!(f, "Service {} leads to {to}", service.name),
            Self::Readdress { service, list, to, .. } => {
                write!(f, "Service {service} leads to {} ({list} names {})", to.pod.name, to.address)
            }
            Self::Label { pod, key, to: Some(value), .. } => write!(f, "label {} {key}={value}", pod.name),
            Self::Label { pod, key, to: None, .. } => write!(f, "take label {key} off {}", pod.name),
            Self::Annotate { key, .. } => write!(f, "note {key} on the set"),
            Self::DeleteClaim { claim } => write!(f, "delete claim {}", claim.name),
            Self::DeleteVolume { volume } => write!(f, "delete volume {}", volume.name),
            Self::Cordon { node, cordoned: true } => write!(f, "cordon node {}", node.name),
            Self::Cordon { node, cordoned: false } => write!(f, "uncordon node {}", node.name),
            Self::DeletePod { pod, .. } => write!(f, "delete pod {}", pod.name),
            Self::Evict { pod } => write!(f, "evict {}", pod.name),
            Self::Relocate { stage, relocation } => f.write_str(&stage.words(relocation)),
            Self::Help(help) => f.write_str(&help.words),
            Self::EndHelp { member, .. } => write!(f, "see that no helper works on the volumes of {member}"),
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
    /// Tells whether it may be left in its midst, and begun anew.
    #[must_use]
    pub fn may_be_left(&self) -> bool {
        matches!(self, Self::Relocate { stage, .. } if stage.may_be_left())
    }

    /// Names what somebody must be permitted to do.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        match self {
            Self::SetReplicas { .. } => vec![
                Permission::new("get", "apps", "statefulsets/scale"),
                Permission::new("patch", "apps", "statefulsets/scale"),
            ],
            Self::Command { .. }
            | Self::Await { .. }
            | Self::Pass { .. }
            | Self::Tell { .. }
            | Self::Handover { .. } => {
                vec![Permission::new("create", "", "pods/exec")]
            }
            Self::Select { .. } => {
                vec![Permission::new("get", "", "services"), Permission::new("patch", "", "services")]
            }
            Self::Readdress { list, .. } => {
                let (group, resource) = match list.kind {
                    AddressListKind::Endpoints => ("", "endpoints"),
                    AddressListKind::EndpointSlice => ("discovery.k8s.io", "endpointslices"),
                };
                vec![Permission::new("get", group, resource), Permission::new("patch", group, resource)]
            }
            Self::Label { .. } => vec![Permission::new("get", "", "pods"), Permission::new("patch", "", "pods")],
            Self::Annotate { .. } => vec![Permission::new("patch", "apps", "statefulsets")],
            Self::DeleteClaim { .. } => vec![Permission::new("delete", "", "persistentvolumeclaims")],
            Self::DeleteVolume { .. } => {
                let volumes = |verb| Permission::new(verb, "", "persistentvolumes");
                vec![volumes("get"), volumes("list"), volumes("patch")]
            }
            Self::Cordon { .. } => vec![Permission::new("get", "", "nodes"), Permission::new("patch", "", "nodes")],
            Self::DeletePod { .. } => vec![Permission::new("delete", "", "pods")],
            Self::Evict { .. } => vec![Permission::new("create", "", "pods/eviction")],
            Self::Relocate { stage, .. } => stage.permissions(),
            Self::Help(_) => vec![
                Permission::new("get", "apps", "statefulsets"),
                Permission::new("get", "", "persistentvolumeclaims"),
                Permission::new("get", "", "pods"),
                Permission::new("create", "", "pods"),
                Permission::new("create", "", "pods/exec"),
            ],
            Self::EndHelp { .. } => vec![Permission::new("get", "", "pods"), Permission::new("delete", "", "pods")],
        }
    }
}

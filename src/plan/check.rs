//! What has to hold, as data: what must be read to judge it, and how a judgement ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Pin;
use crate::model::{AddressList, NodeName, PodName};

/// Something that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Check {
    /// The set wants this many ordinals: anything else means that somebody else changed it.
    Replicas {
        /// How many.
        are: u32,
    },
    /// The pods of the first so many ordinals are ready.
    Ready {
        /// How many ordinals.
        ordinals: u32,
    },
    /// A pod is gone for good, not only replaced.
    PodGone {
        /// The pod.
        pod: Pin,
    },
    /// Nothing speaks against going from one number of replicas to the next lower one. Everything is judged anew.
    MayLeave {
        /// The pod of the ordinal that leaves.
        pod: PodName,
    },
    /// A claim is gone.
    ClaimGone {
        /// The claim.
        claim: Pin,
    },
    /// A volume is gone.
    VolumeGone {
        /// The volume.
        volume: Pin,
    },
    /// A Service selects by this word.
    Selects {
        /// The Service.
        service: Pin,
        /// The label that it selects by.
        key: String,
        /// The value.
        value: String,
    },
    /// A Service whose addresses somebody writes leads to one address, and to another one no longer.
    Addressed {
        /// The Service.
        service: String,
        /// Where its addresses are written.
        list: AddressList,
        /// The address that it leads to.
        to: String,
        /// The address that it does not lead to.
        not: String,
    },
    /// A pod has a label of this value, or has no such label.
    Labelled {
        /// The pod.
        pod: Pin,
        /// The label.
        key: String,
        /// The value; none where it is not to be there.
        value: Option<String>,
    },
    /// The set has an annotation of this value.
    Annotated {
        /// The annotation.
        key: String,
        /// The value.
        value: String,
    },
    /// Nothing speaks against this member becoming the primary. Everything is judged anew.
    MayLead {
        /// The pod.
        pod: PodName,
    },
    /// Nothing speaks against this member going to another node. Everything is judged anew.
    MayMove {
        /// The pod.
        pod: PodName,
        /// The node that it goes to.
        to: NodeName,
    },
    /// A member runs on a node, on other volumes than before, and is ready.
    Moved {
        /// The member.
        pod: PodName,
        /// The node.
        to: NodeName,
        /// Its claims of before.
        claims: Vec<Pin>,
    },
    /// A node takes no new pods, or takes them again.
    Cordoned {
        /// The node.
        node: Pin,
        /// Whether it takes none.
        cordoned: bool,
    },
    /// The kubelet of a node is there and says that it can run pods.
    NodeReady {
        /// The node.
        node: Pin,
    },
    /// No pod of a member has been given a node, besides the one that is going.
    Held {
        /// The member.
        member: PodName,
        /// The pod that is going; none where there was none.
        going: Option<Pin>,
        /// The node on which a pod of it may be already, for its volumes can be there only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        but_on: Option<NodeName>,
    },
    /// The helper pod of this run has ended well.
    Helped {
        /// Its name.
        helper: String,
    },
    /// There is no helper pod of that name.
    HelperGone {
        /// Its name.
        helper: String,
    },
    /// What only the engine can judge.
    Engine(EngineCheck),
}

/// What only an engine can judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineCheck {
    /// The engine's own word for what is to hold.
    pub code: String,
    /// What it is about: names that the engine needs, no secrets.
    pub about: BTreeMap<String, String>,
    /// What is waited for, for people.
    pub words: String,
}

impl EngineCheck {
    /// Makes a check; `about` names what it is about.
    #[must_use]
    pub fn new(code: &str, about: &[(&str, &str)], words: impl Into<String>) -> Self {
        let about = about.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { code: code.to_owned(), about, words: words.into() }
    }

    /// Gives one of the names that it is about.
    #[must_use]
    pub fn name(&self, key: &str) -> &str {
        self.about.get(key).map(String::as_str).unwrap_or_default()
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Replicas { are } => write!(f, "replicas {are}"),
            Self::Ready { ordinals: 1 } => write!(f, "the remaining pod ready"),
            Self::Ready { ordinals } => write!(f, "{ordinals} pods ready"),
            Self::PodGone { pod } => write!(f, "pod {} gone", pod.name),
            Self::MayLeave { pod } => write!(f, "nothing speaks against {pod} leaving"),
            Self::ClaimGone { claim } => write!(f, "claim {} gone", claim.name),
            Self::VolumeGone { volume } => write!(f, "volume {} gone", volume.name),
            Self::Selects { service, value, .. } => write!(f, "Service {} selects {value}", service.name),
            Self::Addressed { service, to, .. } => write!(f, "Service {service} leads to {to}"),
            Self::Labelled { pod, key, value: Some(value) } => write!(f, "{} labelled {key}={value}", pod.name),
            Self::Labelled { pod, key, value: None } => write!(f, "{} without label {key}", pod.name),
            Self::Annotated { key, .. } => write!(f, "{key} noted on the set"),
            Self::MayLead { pod } => write!(f, "nothing speaks against {pod} becoming the primary"),
            Self::MayMove { pod, to } => write!(f, "nothing speaks against {pod} going to {to}"),
            Self::Moved { pod, to, .. } => write!(f, "{pod} ready on {to}"),
            Self::Cordoned { node, cordoned: true } => write!(f, "{} takes no new pods", node.name),
            Self::Cordoned { node, cordoned: false } => write!(f, "{} takes pods again", node.name),
            Self::NodeReady { node } => write!(f, "node {} ready", node.name),
            Self::Held { member, .. } => write!(f, "{member} kept from running"),
            Self::Helped { helper } => write!(f, "the helper pod {helper} ended well"),
            Self::HelperGone { helper } => write!(f, "the helper pod {helper} gone"),
            Self::Engine(check) => f.write_str(&check.words),
        }
    }
}

/// What has to be read to judge checks. Each wants as little as it needs, because a wait reads it again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a list of its own")]
pub struct Reading {
    /// The set's pods.
    pub pods: bool,
    /// The claims of the namespace.
    pub claims: bool,
    /// The cluster's volumes.
    pub volumes: bool,
    /// The engine's answers.
    pub members: bool,
    /// The Services of the namespace.
    pub services: bool,
    /// The EndpointSlices of the namespace.
    pub endpoints: bool,
    /// The nodes of pods that do not go.
    pub nodes: bool,
    /// Every node.
    pub every_node: bool,
    /// The helper pods of the namespace.
    pub helper_pods: bool,
    /// Everything that `status` reads.
    pub everything: bool,
}

impl Check {
    /// Says what must be read to judge it; the set itself always is.
    #[must_use]
    pub fn reads(&self) -> Reading {
        let nothing = Reading::default();
        match self {
            Self::Replicas { .. } | Self::Annotated { .. } => nothing,
            Self::Ready { .. } | Self::Labelled { .. } | Self::Held { .. } => Reading { pods: true, ..nothing },
            Self::PodGone { .. } => Reading { pods: true, nodes: true, ..nothing },
            Self::Selects { .. } => Reading { services: true, ..nothing },
            Self::Addressed { .. } => Reading { endpoints: true, ..nothing },
            Self::VolumeGone { .. } => Reading { volumes: true, ..nothing },
            Self::ClaimGone { .. } => Reading { claims: true, ..nothing },
            Self::Cordoned { .. } | Self::NodeReady { .. } => Reading { every_node: true, ..nothing },
            Self::Helped { .. } | Self::HelperGone { .. } => Reading { helper_pods: true, ..nothing },
            Self::Engine(_) => Reading { pods: true, members: true, ..nothing },
            Self::Moved { .. } => Reading { pods: true, claims: true, ..nothing },
            Self::MayLeave { .. } | Self::MayLead { .. } | Self::MayMove { .. } => {
                Reading { everything: true, ..nothing }
            }
        }
    }
}

impl Reading {
    /// Reads what either of two needs.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            pods: self.pods || other.pods,
            claims: self.claims || other.claims,
            volumes: self.volumes || other.volumes,
            members: self.members || other.members,
            services: self.services || other.services,
            endpoints: self.endpoints || other.endpoints,
            nodes: self.nodes || other.nodes,
            every_node: self.every_node || other.every_node,
            helper_pods: self.helper_pods || other.helper_pods,
            everything: self.everything || other.everything,
        }
    }

    /// Reads what all checks need.
    #[must_use]
    pub fn of(checks: &[Check]) -> Self {
        checks.iter().fold(Self::default(), |sum, check| sum.and(check.reads()))
    }
}

/// How a judgement ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not hold yet, or it is not known whether it does: worth waiting for.
    NotYet {
        /// What is missing, as a fragment.
        why: String,
        /// How much of it is missing, where that can be measured.
        measure: Option<Measure>,
    },
    /// It will not come to hold by waiting.
    Broken {
        /// What is wrong, as a fragment.
        why: String,
    },
}

/// How much is still to be done, in whatever unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What is left.
    pub left: u64,
    /// What there was to do in all; `None` where only what is left is known.
    pub whole: Option<u64>,
}

impl Verdict {
    /// Makes a verdict that is worth waiting for.
    pub fn not_yet(why: impl Into<String>) -> Self {
        Self::NotYet { why: why.into(), measure: None }
    }

    /// Makes a verdict that is worth waiting for, with how much is missing.
    pub fn measured(why: impl Into<String>, measure: Option<Measure>) -> Self {
        Self::NotYet { why: why.into(), measure }
    }

    /// Makes a verdict that ends the wait.
    pub fn broken(why: impl Into<String>) -> Self {
        Self::Broken { why: why.into() }
    }

    /// Puts two together: broken weighs most, then what is missing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Broken { why }, _) | (_, Self::Broken { why }) => Self::Broken { why },
            (Self::NotYet { why, measure }, _) | (_, Self::NotYet { why, measure }) => Self::NotYet { why, measure },
            (Self::Holds, Self::Holds) => Self::Holds,
        }
    }
}

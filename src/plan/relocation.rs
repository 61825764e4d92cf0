//! A member and its volumes on the way from one node to another, as data.

use serde::{Deserialize, Serialize};

use super::{Permission, Pin};
use crate::model::{ContainerName, PodName};

/// A member and its volumes on the way from one node to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Relocation {
    /// The member.
    pub member: PodName,
    /// Where it is.
    pub source: Place,
    /// Where it goes.
    pub target: Place,
    /// The container of the set's template that the copying pods are made like.
    pub container: ContainerName,
    /// The image of the copying pods, where it is not the container's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The claims whose volumes are copied, all of them together.
    pub claims: Vec<Relocated>,
    /// The longest time for which the member may be down, in seconds.
    pub max_downtime_seconds: u64,
    /// The most that is read from the volume in a second; none where it is not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// Whether the whole copy is read back once more while the member is down.
    pub verify_all: bool,
}

/// A node, with what decides which program runs there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The node.
    pub node: Pin,
    /// Its architecture, as its label `kubernetes.io/arch` says: `amd64`.
    pub architecture: String,
}

/// A claim whose volume is copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Relocated {
    /// The claim template's name, which is the volume's name in the pod.
    pub template: String,
    /// The claim before.
    pub claim: Pin,
    /// The volume before.
    pub volume: Pin,
    /// What becomes of a volume of that kind when its claim goes, before: `Delete`.
    pub policy: String,
    /// How large the new volume has to be, in bytes.
    pub bytes: u64,
}

impl Relocated {
    /// Names the claim by which the new volume is made.
    #[must_use]
    pub fn copy(&self) -> String {
        format!("kubectl-stateful-{}", self.claim.name)
    }
}

impl Relocation {
    /// Names the pod that reads the volumes.
    #[must_use]
    pub fn reader(&self) -> String {
        format!("kubectl-stateful-{}-source", self.member)
    }

    /// Names the pod that writes them.
    #[must_use]
    pub fn writer(&self) -> String {
        format!("kubectl-stateful-{}-target", self.member)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.claims.iter().map(|one| one.claim.name.as_str()).collect();
        names.join(", ")
    }
}

/// One part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The volumes survive their claims.
    Protect,
    /// They do so no more than before.
    Unprotect,
    /// New volumes, and pods that copy.
    Prepare,
    /// Whatever was made for the copy goes.
    Discard,
    /// The volumes are copied again and again while the member runs, until little is left.
    Copy,
    /// Nobody's pod is placed on the source, whatever it is made to bear.
    Hold,
    /// Pods are placed there again.
    LiftHold,
    /// The member is let back on a node that somebody else has cordoned.
    LetBack,
    /// What changed since is copied, and everything compared.
    Finish,
    /// The copying pods go, and the new volumes are kept for the member's claims.
    Reserve,
    /// The claims take the new volumes.
    Swap,
    /// The claims take their volumes of before again.
    SwapBack,
    /// The new volumes live as long as the ones before did, and those are kept.
    Retire,
}

impl Stage {
    /// Says what it does, for people.
    #[must_use]
    pub fn words(self, of: &Relocation) -> String {
        let (member, source, target) = (&of.member, &of.source.node.name, &of.target.node.name);
        let names = of.names();
        match self {
            Self::Protect => format!("keep the volume of {names}, whatever becomes of the claim"),
            Self::Unprotect => format!("let the volume of {names} live as long as its claim again"),
            Self::Prepare => format!("make a volume on {target}, and two pods that copy"),
            Self::Discard => "delete the copy, and the pods that made it".to_owned(),
            Self::Copy => format!("copy {names} to {target} while {member} runs"),
            Self::Hold => format!("taint {source}: {member} waits while it is down"),
            Self::LiftHold => format!("take the taint off {source}"),
            Self::LetBack => format!("let {member} back on {source}, which is cordoned again then"),
            Self::Finish => "copy what changed since, and compare both sides".to_owned(),
            Self::Reserve => format!("end the copying pods, and keep the new volume for {names}"),
            Self::Swap => format!("{names} takes the volume on {target}"),
            Self::SwapBack => format!("{names} takes its volume on {source} again"),
            Self::Retire => format!("keep the volume on {source}, used by nobody"),
        }
    }

    /// Tells whether it may be left in its midst, and begun anew: it only copies.
    #[must_use]
    pub fn may_be_left(self) -> bool {
        matches!(self, Self::Copy | Self::Finish)
    }

    pub(super) fn permissions(self) -> Vec<Permission> {
        let claims = |verb| Permission::new(verb, "", "persistentvolumeclaims");
        let volumes = |verb| Permission::new(verb, "", "persistentvolumes");
        let pods = |verb| Permission::new(verb, "", "pods");
        match self {
            Self::Protect | Self::Unprotect => vec![volumes("get"), volumes("patch")],
            Self::Prepare => vec![
                Permission::new("get", "apps", "statefulsets"),
                claims("get"),
                claims("create"),
                volumes("get"),
                volumes("patch"),
                pods("get"),
                pods("create"),
                Permission::new("create", "", "pods/exec"),
            ],
            Self::Copy | Self::Finish => vec![pods("get"), Permission::new("create", "", "pods/exec")],
            Self::Hold | Self::LiftHold | Self::LetBack => {
                vec![pods("get"), Permission::new("get", "", "nodes"), Permission::new("patch", "", "nodes")]
            }
            Self::Discard | Self::Reserve | Self::Swap | Self::SwapBack => vec![
                claims("get"),
                claims("create"),
                claims("patch"),
                claims("delete"),
                volumes("list"),
                volumes("get"),
                volumes("patch"),
                pods("get"),
                pods("delete"),
            ],
            Self::Retire => vec![claims("get"), claims("patch"), volumes("list"), volumes("get"), volumes("patch")],
        }
    }
}

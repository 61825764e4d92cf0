//! What an engine says about its members: roles, lag, sessions.

use serde::Serialize;

use super::{Finding, Known, PodName};

/// Says which engine a workload runs, and how that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recognised {
    /// The engine's word, as `--engine` takes it.
    pub engine: String,
    /// The engine's name for people.
    pub title: String,
    /// What gave it away, as a fragment: "image postgres:15", "--engine", "annotation kubectl-stateful.io/engine".
    pub by: String,
}

/// Holds what an engine says about its members at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topology {
    /// The server's version.
    pub version: Known<String>,
    /// One entry for every pod of the workload, in the order of ordinals.
    pub members: Vec<Member>,
    /// What a commit on the primary waits for, where the engine has such a rule.
    pub sync: Option<SyncRule>,
    /// Replication slots, where the engine has them.
    pub slots: Vec<Slot>,
    /// Members that the engine knows and no pod stands for, as it names them.
    pub strangers: Vec<String>,
    /// Whom all members follow, where that is a primary outside this set, as the engine names it.
    pub upstream: Option<String>,
    /// The product's own name, where one engine stands for several.
    pub title: Option<String>,
    /// The cluster as a whole in the engine's own words ("cluster logs green, elected master es-1").
    pub cluster: Option<String>,
    /// What speaks against taking members down and only this engine can say.
    pub objections: Vec<Objection>,
    /// What only this engine can find wrong.
    pub findings: Vec<Finding>,
}

impl Topology {
    /// Makes a topology in which everything is unknown for the same reason.
    pub fn unknown(pods: impl IntoIterator<Item = PodName>, why: &str) -> Self {
        Self {
            version: Known::unknown(why),
            members: pods.into_iter().map(|pod| Member::unknown(pod, why)).collect(),
            sync: None,
            slots: Vec::new(),
            strangers: Vec::new(),
            upstream: None,
            title: None,
            cluster: None,
            objections: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Finds the member of a pod.
    #[must_use]
    pub fn member(&self, pod: &PodName) -> Option<&Member> {
        self.members.iter().find(|member| member.pod == *pod)
    }

    /// Tells whether it is a cluster of equals, which has no primary and needs none.
    #[must_use]
    pub fn is_of_equals(&self) -> bool {
        self.members.iter().any(|member| matches!(member.role.value(), Some(Role::Peer | Role::Detached)))
    }

    /// Gives the members that say they are primary.
    pub fn primaries(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.role == Known::Value(Role::Primary))
    }
}

/// Something that speaks against taking one member down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Objection {
    /// The member's pod.
    pub pod: PodName,
    /// Stable word for scripts, as in the report's holds: `quorum`, `lastCopy`, ...
    pub code: &'static str,
    /// The reason with what was measured, or what would be needed to say and is not known.
    pub why: Known<String>,
}

/// Says how one member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The pod.
    pub pod: PodName,
    /// What the engine calls the member, where that is not the pod's name.
    pub name: Option<String>,
    /// Its part in the cluster.
    pub role: Known<Role>,
    /// How the engine's own tools show it, in one word: `UN` in a ring, `dimr*` among nodes with roles.
    pub shown_as: Option<String>,
    /// What it holds of the cluster's data, where members hold different parts: "4 shards".
    pub share: Option<String>,
    /// How far it is behind; `None` where nothing could be behind, as on a primary.
    pub lag: Option<Lag>,
    /// Whether it receives changes now; `None` where it has nobody to receive from.
    pub receiving: Option<Known<bool>>,
    /// The engine's own word for its replication state ("streaming", "in archive recovery").
    pub replication: Option<String>,
    /// Whether somebody paused the application of changes.
    pub replay_paused: bool,
    /// The timeline (or term) it is on.
    pub timeline: Option<u32>,
    /// Its place in the log, as the engine writes it.
    pub position: Option<String>,
    /// Whether commits wait for it; `None` where the engine has no such thing or it is the primary.
    pub sync: Option<SyncState>,
    /// Its sessions.
    pub sessions: Known<Sessions>,
    /// Identity of the data: members of one cluster must agree.
    pub system_id: Option<String>,
    /// The slot of the primary that keeps log for it.
    pub slot: Option<String>,
    /// Who receives changes from it, as the engine names them; `None` where it did not say.
    pub feeds: Option<Vec<String>>,
}

impl Member {
    /// Makes a member of which nothing is known.
    #[must_use]
    pub fn unknown(pod: PodName, why: &str) -> Self {
        Self {
            pod,
            name: None,
            role: Known::unknown(why),
            shown_as: None,
            share: None,
            lag: None,
            receiving: None,
            replication: None,
            replay_paused: false,
            timeline: None,
            position: None,
            sync: None,
            sessions: Known::unknown(why),
            system_id: None,
            slot: None,
            feeds: None,
        }
    }
}

/// The part that a member plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Takes writes.
    Primary,
    /// Follows another member.
    Replica,
    /// Leads a cluster that follows another cluster; takes no writes.
    StandbyLeader,
    /// One of several equals, each of which takes writes: all of them, or those of its own part of the data.
    Peer,
    /// Runs and is no part of the cluster now: decommissioned, drained, without a master. Takes no writes.
    Detached,
}

impl Role {
    /// Gives the word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
            Self::StandbyLeader => "standby-leader",
            Self::Peer => "peer",
            Self::Detached => "detached",
        }
    }
}

/// How far a member is behind the primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lag {
    /// Bytes of log that it has not applied.
    pub bytes: Known<u64>,
    /// Age of the newest change that it has applied, zero when it has applied everything, in milliseconds.
    pub delay_ms: Known<u64>,
}

/// Whether commits wait for a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SyncState {
    /// No commit waits for it.
    Async,
    /// It would be waited for if another one went.
    Potential,
    /// Every commit waits for it.
    Sync,
    /// It is one of several, of which some must answer.
    Quorum,
}

/// What a commit on the primary waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncRule {
    /// The rule as it is written in the engine's configuration.
    pub setting: String,
    /// How many standbys must confirm.
    pub wanted: u32,
    /// How many standbys confirm now.
    pub confirming: Known<u32>,
}

/// Counts client sessions by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sessions {
    /// Running something.
    pub active: u32,
    /// Waiting for their client, outside a transaction.
    pub idle: u32,
    /// Waiting for their client inside a transaction: they hold locks and hold up a switchover.
    pub idle_in_transaction: u32,
    /// Open, and what they do is not known: some engines only count connections.
    pub unclassified: u32,
}

impl Sessions {
    /// Counts all of them.
    #[must_use]
    pub fn total(self) -> u32 {
        self.active + self.idle + self.idle_in_transaction + self.unclassified
    }
}

/// A place in the log that a member keeps for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// The member that keeps it.
    pub pod: PodName,
    /// Its name.
    pub name: String,
    /// The pod of the member that it keeps log for, where that is known.
    pub reader: Option<PodName>,
    /// Whether it is for logical decoding; such slots do not survive a promotion by themselves.
    pub logical: bool,
    /// Whether somebody reads from it.
    pub active: bool,
    /// Bytes of log that are kept for it.
    pub retained_bytes: Option<u64>,
    /// Bytes that may still be written before the server gives the slot up; none where it never does.
    pub spare_bytes: Option<u64>,
    /// The engine's own word for its state ("reserved", "extended", "lost").
    pub state: Option<String>,
}

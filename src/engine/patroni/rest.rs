//! What Patroni's REST API says: the member about itself, and the cluster.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::engine::answer;
use crate::model::{ContainerName, Pod, Probe, ProbeOutput};

/// The word by which the answer is known.
const ID: &str = "patroni";

/// Asks `/patroni` and `/cluster` inside the container, where no credentials are needed to read.
const SCRIPT: &str = concat!(include_str!("reach.sh"), include_str!("ask.sh"));

/// Makes the question.
pub(super) fn probe(container: &ContainerName) -> Probe {
    Probe { id: ID, container: container.clone(), argv: ["sh", "-c", SCRIPT].map(str::to_owned).to_vec() }
}

/// What the API of one pod said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    /// The member about itself, asked now.
    pub(super) own: Own,
    /// The cluster as its store has it: up to the time to live (30 s) old, so a dead member may still look well.
    /// Missing while the store does not answer.
    pub(super) cluster: Option<Cluster>,
}

/// The answer of `GET /patroni`, as far as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Own {
    /// `running`, `starting`, `stopped`, `crashed`, ...
    pub(super) state: Option<String>,
    /// `primary` (`master` before 4.0), `replica`, `standby_leader`.
    pub(super) role: Option<String>,
    /// `streaming` or `in archive recovery`, on a replica, from 3.0.4.
    pub(super) replication_state: Option<String>,
    /// Whether somebody paused the cluster; left out when not.
    pub(super) pause: Option<bool>,
    /// Who it is.
    pub(super) patroni: Option<Identity>,
}

/// Who a member is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Identity {
    /// The member's name.
    pub(super) name: Option<String>,
}

/// The answer of `GET /cluster`, as far as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Cluster {
    /// The members that the store knows.
    pub(super) members: Vec<Listed>,
    /// Whether somebody paused the cluster; left out when not.
    pub(super) pause: Option<bool>,
    /// A switchover that is to happen by itself.
    pub(super) scheduled_switchover: Option<Scheduled>,
}

/// A member in the cluster's list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    /// Its name.
    pub(super) name: String,
    /// `leader`, `standby_leader`, `replica`, `sync_standby`, `quorum_standby`.
    pub(super) role: Option<String>,
    /// Its address.
    pub(super) host: Option<String>,
    /// `running` on a leader, `streaming` or `in archive recovery` on a replica (`running` before 3.0.4), `stopped`, ...
    pub(super) state: Option<String>,
    /// The timeline that it is on.
    pub(super) timeline: Option<u32>,
    /// How far it is behind what the leader last told the store, in bytes, or a word where nobody knows.
    pub(super) lag: Option<Value>,
    /// What somebody has set for it alone, by names that people may choose, too; left out where there is nothing.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, Value>,
}

/// A switchover that is to happen by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Scheduled {
    /// When, as Patroni writes it.
    pub(super) at: Option<String>,
    /// The leader that is to go.
    pub(super) from: Option<String>,
    /// The member that is to lead; any when missing.
    pub(super) to: Option<String>,
}

impl Listed {
    /// Tells whether it leads, also where what it leads follows another cluster.
    pub(super) fn leads(&self) -> bool {
        matches!(self.role.as_deref(), Some("leader" | "standby_leader"))
    }

    /// Tells whether it receives changes; older versions say only that it runs.
    pub(super) fn streams(&self) -> bool {
        matches!(self.state.as_deref(), Some("streaming" | "running"))
    }

    /// Tells whether somebody has set that it must not become the leader: by one tag or, from 3.2, by another one, which
    /// counts where the first is not there.
    pub(super) fn is_barred(&self) -> bool {
        match self.tags.get("nofailover") {
            None | Some(Value::Null) => {
                let priority = self.tags.get("failover_priority").and_then(Value::as_i64);
                priority.is_some_and(|priority| priority <= 0)
            }
            Some(tag) => *tag != Value::Bool(false),
        }
    }
}

impl Rest {
    /// Reads the answer of one pod: only whole documents, each once, and nothing between them.
    pub(super) fn read(outputs: &[&ProbeOutput], pod: &Pod) -> Result<Self, String> {
        let mut lines = answer::printed(outputs, pod, ID)?.lines();
        let own = document(lines.next(), "patroni ")?.ok_or("empty answer")?;
        let cluster = document(lines.next(), "cluster ")?;
        match lines.next() {
            None => Ok(Self { own, cluster }),
            Some(_) => Err("answer not understood: more than two lines".to_owned()),
        }
    }

    /// Gives the member's name.
    pub(super) fn name(&self) -> Option<&str> {
        self.own.patroni.as_ref()?.name.as_deref()
    }

    /// Tells whether the member or its cluster says that somebody paused it.
    pub(super) fn is_paused(&self) -> bool {
        let cluster = self.cluster.as_ref().and_then(|cluster| cluster.pause);
        self.own.pause == Some(true) || cluster == Some(true)
    }
}

/// Reads the document behind a word, if there is a line.
fn document<'a, T: Deserialize<'a>>(line: Option<&'a str>, word: &str) -> Result<Option<T>, String> {
    let Some(line) = line else { return Ok(None) };
    let text = line.strip_prefix(word).ok_or_else(|| format!("answer not understood: no {word}document"))?;
    let read = serde_json::from_str(text);
    read.map(Some).map_err(|error| answer::one_line(&format!("answer not understood: {error}")))
}

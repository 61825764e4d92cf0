//! What one node said: about itself, and about the cluster as it knows it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::engine::answer::{self, one_line};
use crate::model::{ContainerName, Known, Pod, Probe, ProbeOutput};

/// The word by which the answer is known.
const ID: &str = "elasticsearch";

/// Asks the node of the very container over HTTP.
pub(super) const SCRIPT: &str = concat!(include_str!("../given.sh"), include_str!("ask.sh"));

/// The last line: without it the answer is not whole.
const END: &str = "end";

/// Makes the question.
pub(super) fn probe(container: &ContainerName) -> Probe {
    Probe { id: ID, container: container.clone(), argv: ["sh", "-c", SCRIPT].map(str::to_owned).to_vec() }
}

/// What one node said. A part that did not come or was refused is unknown with the reason.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Who it is.
    pub(super) root: Root,
    /// The cluster as the node knows it by itself.
    pub(super) state: Known<State>,
    /// Its own figures.
    pub(super) stats: Known<Stats>,
    /// The cluster's health, as the master gives it.
    pub(super) health: Known<Health>,
    /// The nodes of the cluster.
    pub(super) nodes: Known<Vec<Row>>,
    /// The copies of all shards, not read yet: they are the same from every node, and there may be many.
    pub(super) shards: Known<String>,
    /// Settings that were changed while the cluster ran.
    pub(super) settings: Known<Settings>,
    /// Settings as they are where nobody changed them.
    pub(super) defaults: Known<Defaults>,
    /// How full the nodes are.
    pub(super) disks: Known<Vec<Disk>>,
}

/// The answer of `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Root {
    /// The node's name.
    pub(super) name: String,
    /// The cluster's name.
    pub(super) cluster_name: String,
    /// Identity of the cluster; `_na_` before it has one.
    cluster_uuid: String,
    /// The version.
    pub(super) version: Version,
}

/// The version of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Version {
    /// As "2.19.1".
    pub(super) number: String,
    /// `opensearch`; Elasticsearch says nothing.
    pub(super) distribution: Option<String>,
}

/// What a node knows of the cluster by itself, from `GET /_cluster/state?local=true`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct State {
    /// The id of the elected master, or that there is none; saying nothing is not that.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) master_node: Option<String>,
    /// Who votes.
    metadata: Option<Metadata>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Metadata {
    cluster_coordination: Option<Coordination>,
}

/// Who votes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Coordination {
    /// Ids of the nodes whose majority decides now.
    pub(super) last_committed_config: Vec<String>,
    /// Ids of the nodes whose majority is about to decide; both must agree until then.
    pub(super) last_accepted_config: Vec<String>,
    /// Nodes that somebody took out of the voting.
    #[serde(default)]
    pub(super) voting_config_exclusions: Vec<Exclusion>,
}

/// A node that somebody took out of the voting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Exclusion {
    /// Its name.
    pub(super) node_name: String,
}

/// The answer of `GET /_nodes/_local/stats/http`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Stats {
    nodes: BTreeMap<String, Own>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Own {
    http: Option<Http>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Http {
    current_open: u32,
}

/// The answer of `GET /_cluster/health`, as far as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Health {
    /// `green`, `yellow`, `red`.
    pub(super) status: String,
    /// Copies of shards that work.
    pub(super) active_shards: u64,
    /// Copies that move from node to node.
    pub(super) relocating_shards: u64,
    /// Copies that are being made.
    pub(super) initializing_shards: u64,
    /// Copies that are nowhere.
    pub(super) unassigned_shards: u64,
    /// Nodes in the cluster.
    pub(super) number_of_nodes: u64,
}

/// A row of `_cat/nodes`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    /// The node's id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// A letter for each of its roles, or `-`.
    #[serde(rename = "node.role")]
    pub(super) roles: String,
}

/// The answer of `GET /_cluster/settings`, flat.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Settings {
    /// Those that a restart of all nodes does not end.
    pub(super) persistent: BTreeMap<String, serde_json::Value>,
    /// The others, which come first.
    pub(super) transient: BTreeMap<String, serde_json::Value>,
}

/// The defaults of `GET /_cluster/settings`, flat.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Defaults {
    /// The settings.
    pub(super) defaults: BTreeMap<String, serde_json::Value>,
}

/// A row of `_cat/allocation`, in bytes; the row of shards that are nowhere has no figures.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Disk {
    /// The node's name.
    pub(super) node: String,
    /// What its shards take.
    #[serde(rename = "disk.indices", deserialize_with = "number")]
    pub(super) shards: Option<u64>,
    /// What is used of its file system, by whomever.
    #[serde(rename = "disk.used", deserialize_with = "number")]
    pub(super) used: Option<u64>,
    /// The size of its file system.
    #[serde(rename = "disk.total", deserialize_with = "number")]
    pub(super) size: Option<u64>,
}

/// Reads a number that is written as a text.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// What comes instead of an answer.
#[derive(Deserialize)]
struct Refusal {
    status: u16,
    error: serde_json::Value,
}

impl Node {
    /// Reads the answer of one pod: only whole answers, and of these only whole documents.
    pub(super) fn read(outputs: &[&ProbeOutput], pod: &Pod) -> Result<Self, String> {
        let text = answer::printed(outputs, pod, ID)?;
        let mut lines: Vec<&str> = text.lines().collect();
        if lines.pop() != Some(END) {
            let why = if text.is_empty() { "empty answer" } else { "answer not understood: it has no end" };
            return Err(why.to_owned());
        }
        let parts: BTreeMap<&str, &str> = lines.iter().filter_map(|line| line.split_once(' ')).collect();
        let part = |word: &str| parts.get(word).copied();
        Ok(Self {
            root: document(part("root"))?,
            state: known(part("state")),
            stats: known(part("stats")),
            health: known(part("health")),
            nodes: known(part("nodes")),
            shards: Known::or_unknown(part("shards").map(str::to_owned), "not answered"),
            settings: known(part("settings")),
            defaults: known(part("defaults")),
            disks: known(part("disks")),
        })
    }

    /// Gives the id of the elected master, if the node knows one.
    pub(super) fn master(&self) -> Option<&str> {
        self.state.value()?.master_node.as_deref()
    }

    /// Gives the node's own id.
    pub(super) fn id(&self) -> Option<&str> {
        self.stats.value()?.nodes.keys().next().map(String::as_str)
    }

    /// Says who votes, as the node knows it.
    pub(super) fn coordination(&self) -> Option<&Coordination> {
        self.state.value()?.metadata.as_ref()?.cluster_coordination.as_ref()
    }

    /// Counts the open connections besides the one that asked.
    pub(super) fn connections(&self) -> Known<u32> {
        let open = |stats: &Stats| stats.nodes.values().next()?.http.as_ref().map(|http| http.current_open);
        match &self.stats {
            Known::Value(stats) => {
                Known::or_unknown(open(stats).map(|open| open.saturating_sub(1)), "no connections reported")
            }
            Known::Unknown(why) => Known::unknown(why),
        }
    }

    /// Gives the identity of the cluster that the node's data is of.
    pub(super) fn cluster_uuid(&self) -> Option<&str> {
        Some(self.root.cluster_uuid.as_str()).filter(|uuid| *uuid != "_na_")
    }
}

fn known<T: DeserializeOwned>(text: Option<&str>) -> Known<T> {
    document(text).map_or_else(Known::Unknown, Known::Value)
}

/// Reads one document; a refusal is told in its own words.
pub(super) fn document<T: DeserializeOwned>(text: Option<&str>) -> Result<T, String> {
    let text = text.ok_or("not answered")?;
    if let Ok(Refusal { status, error }) = serde_json::from_str(text) {
        let kind = error.get("type").and_then(serde_json::Value::as_str).or(error.as_str()).unwrap_or("no reason");
        return Err(one_line(&format!("refused with {status}: {kind}")));
    }
    serde_json::from_str(text).map_err(|error| one_line(&format!("answer not understood: {error}")))
}

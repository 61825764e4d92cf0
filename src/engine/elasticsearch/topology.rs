//! Puts the answers of all nodes together: who is in the cluster, who leads it, what is where.

use std::collections::BTreeSet;

use super::node::{Coordination, Defaults, Disk, Health, Node, Row, Settings};
use super::shards::Shards;
use super::{findings, objections};
use crate::engine::phrase::count;
use crate::model::{ContainerSpec, Known, Member, Pod, ProbeOutput, Role, Sessions, Topology, Workload};

/// One pod and what its node said.
pub(super) struct Subject<'a> {
    /// The pod.
    pub(super) pod: &'a Pod,
    /// The node, or why it is unknown.
    pub(super) node: Result<Node, String>,
}

impl<'a> Subject<'a> {
    /// Reads what the nodes of all pods said.
    pub(super) fn all(pods: &[&'a Pod], outputs: &[&ProbeOutput]) -> Vec<Self> {
        pods.iter().map(|pod| Self { pod, node: Node::read(outputs, pod) }).collect()
    }

    /// Gives the name of the pod's node; by convention that of the pod.
    pub(super) fn name(&self) -> &str {
        self.node.as_ref().map_or(&self.pod.meta.name, |node| &node.root.name)
    }

    /// Tells whether its node answered and knows no elected master.
    pub(super) fn is_cut_off(&self) -> bool {
        let state = self.node.as_ref().ok().and_then(|node| node.state.value());
        state.is_some_and(|state| state.master_node.is_none())
    }
}

/// The cluster as one node that knows a master has it; each part may be missing.
pub(super) struct View {
    /// The id of the elected master.
    pub(super) master: Known<String>,
    /// The nodes of the cluster.
    pub(super) nodes: Known<Vec<Row>>,
    /// The cluster's health.
    pub(super) health: Known<Health>,
    /// Where the copies of shards are.
    pub(super) shards: Known<Shards>,
    /// Who votes.
    pub(super) coordination: Known<Coordination>,
    /// Settings that were changed while the cluster ran.
    pub(super) settings: Known<Settings>,
    /// Settings as they are where nobody changed them.
    pub(super) defaults: Known<Defaults>,
    /// How full the nodes are.
    pub(super) disks: Known<Vec<Disk>>,
}

impl View {
    /// Chooses whom to believe: the elected master, then anybody who knows one. Each part comes from the first who has it.
    pub(super) fn of(subjects: &[Subject<'_>]) -> Self {
        let mut nodes: Vec<&Node> = answers(subjects).filter(|node| node.master().is_some()).collect();
        nodes.sort_by_key(|node| node.id() != node.master());
        let reason = subjects.iter().find_map(|subject| subject.node.as_ref().err());
        let nobody = reason.map_or("no node knows an elected master", String::as_str);
        let shards = |node: &&Node| match &node.shards {
            Known::Value(text) => Shards::read(text).map_or_else(Known::Unknown, Known::Value),
            Known::Unknown(why) => Known::unknown(why),
        };
        Self {
            master: first(&nodes, nobody, |node| Known::or_unknown(node.master().map(str::to_owned), nobody)),
            nodes: first(&nodes, nobody, |node| node.nodes.clone()),
            health: first(&nodes, nobody, |node| node.health.clone()),
            shards: first(&nodes, nobody, shards),
            coordination: first(&nodes, nobody, |node| {
                Known::or_unknown(node.coordination().cloned(), "the voting configuration was not told")
            }),
            settings: first(&nodes, nobody, |node| node.settings.clone()),
            defaults: first(&nodes, nobody, |node| node.defaults.clone()),
            disks: first(&nodes, nobody, |node| node.disks.clone()),
        }
    }

    /// Finds a node by its name.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.nodes.value()?.iter().find(|row| row.name == name)
    }

    /// Tells whether a node is the elected master.
    fn leads(&self, row: &Row) -> bool {
        self.master.value().is_some_and(|master| *master == row.id)
    }
}

/// Takes the first value that somebody has, otherwise the first reason.
fn first<'n, T>(nodes: &[&'n Node], nobody: &str, part: impl Fn(&&'n Node) -> Known<T>) -> Known<T> {
    let mut why = None;
    for known in nodes.iter().map(part) {
        match known {
            Known::Value(value) => return Known::Value(value),
            Known::Unknown(reason) => why = why.or(Some(reason)),
        }
    }
    Known::Unknown(why.unwrap_or_else(|| nobody.to_owned()))
}

/// Gives the nodes that answered.
pub(super) fn answers<'s>(subjects: &'s [Subject<'_>]) -> impl Iterator<Item = &'s Node> {
    subjects.iter().filter_map(|subject| subject.node.as_ref().ok())
}

/// Puts the answers together.
pub(super) fn topology(workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
    let subjects = Subject::all(pods, outputs);
    let view = View::of(&subjects);
    let product = product(workload, &subjects);
    Topology {
        version: version(&subjects),
        members: subjects.iter().map(|subject| member(subject, &view)).collect(),
        cluster: answers(&subjects).next().map(|node| summary(node, &subjects, &view, product)),
        title: Some(product.title().to_owned()),
        objections: subjects.iter().flat_map(|subject| objections::of(subject, &subjects, &view)).collect(),
        findings: findings::of(workload, &subjects, &view, product),
        ..Topology::unknown([], "")
    }
}

/// Makes the member of a pod.
fn member(subject: &Subject<'_>, view: &View) -> Member {
    let pod = subject.pod.name();
    let seen = view.row(subject.name());
    let letters = |row: &Row| format!("{}{}", row.roles, if view.leads(row) { "*" } else { "" });
    let share = || Some(view.shards.value()?.share(&seen?.name));
    let node = match &subject.node {
        Ok(node) => node,
        // What the others see of it is shown; that it takes part is its own to say.
        Err(why) => return Member { shown_as: None, share: share(), ..Member::unknown(pod, why) },
    };
    let role = match &node.state {
        Known::Value(state) if state.master_node.is_none() => Known::Value(Role::Detached),
        Known::Value(_) => Known::Value(Role::Peer),
        Known::Unknown(why) => Known::unknown(why),
    };
    let shown_as = if subject.is_cut_off() { Some("no master".to_owned()) } else { seen.map(letters) };
    let unclassified = node.connections();
    Member {
        name: Some(node.root.name.clone()).filter(|name| *name != subject.pod.meta.name),
        shown_as: shown_as.filter(|_| role.value().is_some()),
        role,
        share: share(),
        sessions: match unclassified {
            Known::Value(unclassified) => Known::Value(Sessions { unclassified, ..Sessions::default() }),
            Known::Unknown(why) => Known::Unknown(why),
        },
        system_id: node.cluster_uuid().map(str::to_owned),
        ..Member::unknown(pod, "")
    }
}

/// The two dialects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

impl Product {
    fn title(self) -> &'static str {
        match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        }
    }

    /// Gives the word for the node that leads the cluster.
    pub(super) fn master(self) -> &'static str {
        match self {
            Self::Elasticsearch => "master",
            Self::OpenSearch => "cluster manager",
        }
    }
}

/// Says which of the two it is: by a node's word, before anybody answers by the image.
fn product(workload: &Workload, subjects: &[Subject<'_>]) -> Product {
    let said = answers(subjects).next().map(|node| node.root.version.distribution.as_deref() == Some("opensearch"));
    let named = |container: &ContainerSpec| container.image_base().contains("opensearch");
    let is_opensearch = said.unwrap_or_else(|| workload.template.containers.iter().any(named));
    if is_opensearch { Product::OpenSearch } else { Product::Elasticsearch }
}

/// Gives the version that all agree on.
fn version(subjects: &[Subject<'_>]) -> Known<String> {
    let versions: BTreeSet<_> = answers(subjects).map(|node| node.root.version.number.as_str()).collect();
    let reason = subjects.iter().find_map(|subject| subject.node.as_ref().err());
    match versions.len() {
        0 => Known::unknown(reason.map_or("no pods", String::as_str)),
        1 => Known::or_unknown(versions.first().map(|version| (*version).to_owned()), "no pods"),
        _ => Known::unknown(format!("members differ: {}", versions.into_iter().collect::<Vec<_>>().join(", "))),
    }
}

/// Says how the cluster is: "cluster logs green, elected master es-1, 3 nodes, 12 shards".
fn summary(node: &Node, subjects: &[Subject<'_>], view: &View, product: Product) -> String {
    let mut parts = vec![match view.health.value() {
        Some(health) => format!("cluster {} {}", node.root.cluster_name, health.status),
        None => format!("cluster {}", node.root.cluster_name),
    }];
    let leader = view.nodes.value().and_then(|rows| rows.iter().find(|row| view.leads(row)));
    parts.extend(leader.map(|row| format!("elected {} {}", product.master(), row.name)));
    if let Some(rows) = view.nodes.value() {
        let elsewhere = rows.iter().filter(|row| !subjects.iter().any(|subject| subject.name() == row.name)).count();
        let elsewhere = if elsewhere == 0 { String::new() } else { format!(" ({elsewhere} of other sets)") };
        parts.push(format!("{}{elsewhere}", count(rows.len(), "node")));
    }
    let shards = view.health.value().map(|health| usize::try_from(health.active_shards).unwrap_or(usize::MAX));
    parts.extend(shards.map(|shards| count(shards, "shard")));
    parts.join(", ")
}

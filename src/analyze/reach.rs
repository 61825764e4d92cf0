//! Which nodes a volume can be used on, and how they are.

use std::collections::BTreeMap;

use super::index::Index;
use crate::model::{Node, NodeTerm, Requirement, Resource, Volume};

/// The label that names a node for volumes of its own disk.
pub(super) const HOSTNAME_LABEL: &str = "kubernetes.io/hostname";

/// How the nodes are that a volume can be used on.
pub(super) enum Reach<'a> {
    /// Some node could take the volume's pod, or nothing keeps the volume to nodes, or nodes are unknown.
    Open,
    /// No such node exists; the term names what it asks for.
    Gone(String),
    /// None of them is ready.
    NotReady(Vec<&'a Node>),
    /// Those that are ready are cordoned.
    Cordoned(Vec<&'a Node>),
}

/// Says how the nodes are that a volume can be used on.
pub(super) fn of<'a>(index: &Index<'a>, volume: &Volume) -> Reach<'a> {
    if volume.node_terms.is_empty() || !index.has_read(Resource::Nodes) {
        return Reach::Open;
    }
    let mut found = Vec::new();
    for node in volume.node_terms.iter().flat_map(|term| satisfying(index, term)) {
        if node.is_ready() && !node.unschedulable {
            return Reach::Open;
        }
        found.push(node);
    }
    if found.is_empty() {
        return Reach::Gone(asked_for(volume));
    }
    found.sort_by_key(|node| &node.meta.name);
    found.dedup_by_key(|node| &node.meta.name);
    let (ready, down): (Vec<&Node>, Vec<&Node>) = found.into_iter().partition(|node| node.is_ready());
    if ready.is_empty() { Reach::NotReady(down) } else { Reach::Cordoned(ready) }
}

/// Gives the nodes that a volume can be used on, for a volume that is kept to nodes.
pub(super) fn candidates<'a, 'b>(index: &'b Index<'a>, volume: &'b Volume) -> impl Iterator<Item = &'a Node> + 'b {
    volume.node_terms.iter().flat_map(|term| satisfying(index, term))
}

/// Tells whether a volume can only ever be used on one node.
pub(super) fn is_node_bound(volume: &Volume) -> bool {
    let names_one = |requirement: &Requirement| {
        requirement.operator == "In"
            && requirement.values.len() == 1
            && matches!(requirement.key.as_str(), HOSTNAME_LABEL | "metadata.name")
    };
    let bound = |term: &NodeTerm| term.labels.iter().chain(&term.fields).any(names_one);
    !volume.node_terms.is_empty() && volume.node_terms.iter().all(bound)
}

/// Names the node that a volume is bound to, if it is bound to one: the node's name where it exists, else what the
/// volume asks for.
pub(super) fn bound_node(index: &Index<'_>, volume: &Volume) -> Option<String> {
    if !is_node_bound(volume) {
        return None;
    }
    let existing = candidates(index, volume).next().map(|node| node.meta.name.clone());
    existing.or_else(|| {
        let mut requirements = volume.node_terms.iter().flat_map(|term| term.labels.iter().chain(&term.fields));
        requirements.find(|requirement| requirement.operator == "In")?.values.first().cloned()
    })
}

/// Gives the nodes of a term. A label that must have one of some values leads straight to them: with a thousand
/// nodes and ten thousand volumes, asking every node about every volume would take longer than reading them all.
fn satisfying<'a, 'b>(index: &'b Index<'a>, term: &'b NodeTerm) -> Box<dyn Iterator<Item = &'a Node> + 'b> {
    let by_name = term.fields.iter().find(|field| field.operator == "In" && field.key == "metadata.name");
    let by_label = term.labels.iter().find(|label| label.operator == "In");
    let holds = move |node: &&Node| satisfies(node, term);
    match (by_name, by_label) {
        (Some(field), _) => Box::new(field.values.iter().filter_map(|name| index.node(name)).filter(holds)),
        (None, Some(label)) => {
            let nodes = label.values.iter().flat_map(|value| index.labelled(&label.key, value)).copied();
            Box::new(nodes.filter(holds))
        }
        (None, None) => Box::new(index.nodes().filter(holds)),
    }
}

/// Tells whether a node satisfies a term; an empty term is satisfied by none, as the scheduler has it.
fn satisfies(node: &Node, term: &NodeTerm) -> bool {
    let empty = term.labels.is_empty() && term.fields.is_empty();
    let fields = || BTreeMap::from([("metadata.name".to_owned(), node.meta.name.clone())]);
    !empty
        && term.labels.iter().all(|requirement| requirement.holds_for(&node.meta.labels))
        && (term.fields.is_empty() || term.fields.iter().all(|requirement| requirement.holds_for(&fields())))
}

/// Says what a volume asks of its nodes: "node-1", or "zone=c" where it is not a node's name.
fn asked_for(volume: &Volume) -> String {
    let requirements = volume.node_terms.iter().flat_map(|term| term.labels.iter().chain(&term.fields));
    let mut words: Vec<String> = requirements
        .map(|requirement| {
            let values = requirement.values.join(" or ");
            match requirement.key.as_str() {
                HOSTNAME_LABEL | "metadata.name" => format!("node {values}"),
                key => format!("nodes with {key} {} {values}", requirement.operator),
            }
        })
        .collect();
    words.dedup();
    words.join(", ")
}

//! What a member keeps on its node, and which node it could go to.

use super::{Held, Holding, node_of};
use crate::analyze::{listed, takes_pods};
use crate::model::{Node, NodeName, PodName, Resource};
use crate::plan::{Objection, Pin, Weight};
use crate::planner::Situation;

/// What has to be read before anything can be said.
const NEEDED: [(Resource, &str); 5] = [
    (Resource::Pods, "pods"),
    (Resource::Claims, "claims"),
    (Resource::Volumes, "volumes"),
    (Resource::Classes, "storage classes"),
    (Resource::Nodes, "nodes"),
];

impl<'a> Holding<'a> {
    /// Finds a member with its claims and volumes, and the node that they are on.
    pub(super) fn of(situation: &'a Situation<'a>, member: &PodName) -> Result<Self, Objection> {
        let seen = situation.snapshot;
        if let Some((noun, gap)) = NEEDED.iter().find_map(|(resource, noun)| Some((noun, seen.gap(*resource)?))) {
            let measured = format!("{noun} are not known ({})", gap.why);
            return Err(Objection::new("notRead", Weight::Unknown, measured, "unknown counts as no"));
        }
        let row = situation.report.rows.iter().find(|row| row.pod == *member && row.wanted);
        let pod = situation.pod(member);
        let placed = pod.and_then(|pod| {
            let node = pod.node.as_ref()?;
            seen.nodes.iter().find(|one| one.meta.name == node.0)
        });
        let (Some(row), Some(pod), Some(node)) = (row, pod, placed) else {
            let measured = format!("{member} is on no node");
            return Err(Objection::new("notRunning", Weight::Passing, measured, "only a member that runs is moved"));
        };
        let set = situation.workload;
        let mut volumes = Vec::new();
        for template in &set.claim_templates {
            let name = format!("{}-{member}", template.name);
            let found = seen
                .claims
                .iter()
                .find(|claim| claim.meta.namespace == set.meta.namespace && claim.meta.name == name)
                .and_then(|claim| {
                    let volume = seen.volumes.iter().find(|volume| Some(volume.name()) == claim.volume)?;
                    let reference = volume.claim.as_ref()?;
                    (reference.uid == claim.meta.uid).then_some((claim, volume))
                });
            let Some((claim, volume)) = found else {
                let measured = format!("{name} has no volume that is bound to it, and only to it");
                return Err(Objection::new("claim", Weight::No, measured, "claim and volume name each other"));
            };
            volumes.push(Held { template: &template.name, claim, volume });
        }
        Ok(Self { row, pod: Pin::of(&pod.meta), node, volumes })
    }
}

/// Chooses the node to go to: the one that was named, or that with the fewest members of the set.
pub(super) fn choose<'a>(
    situation: &'a Situation<'a>,
    holding: &Holding<'_>,
    named: Option<&NodeName>,
) -> Result<&'a Node, Objection> {
    let nodes = &situation.snapshot.nodes;
    if let Some(name) = named {
        let node = nodes.iter().find(|node| node.meta.name == name.0);
        let node = node.ok_or_else(|| {
            let there: Vec<String> = nodes.iter().map(|node| node.meta.name.clone()).collect();
            Objection::new("target", Weight::No, format!("there is no node {name}"), "a node of this cluster")
                .way_out(format!("there are {}", listed(&there)))
        })?;
        return Ok(node);
    }
    let members = |node: &Node| {
        let here = |row: &&crate::analyze::report::Row| row.node.as_ref().is_some_and(|name| name.0 == node.meta.name);
        situation.report.rows.iter().filter(here).count()
    };
    let fit = nodes.iter().filter(|node| node.meta.uid != holding.node.meta.uid && takes_pods(node));
    fit.min_by_key(|node| (members(node), node.meta.name.clone())).ok_or_else(|| {
        let measured = format!("no node but {} takes pods", holding.node.meta.name);
        Objection::new("target", Weight::No, measured, "another node that is ready and not cordoned")
    })
}

/// Says what speaks against a node.
pub(super) fn objections(holding: &Holding<'_>, target: &Node) -> Vec<Objection> {
    let name = &target.meta.name;
    let mut found = Vec::new();
    if target.meta.uid == holding.node.meta.uid {
        let measured = format!("{} is on {name} already", holding.row.pod);
        found.push(Objection::new("target", Weight::No, measured, "another node"));
    } else if !takes_pods(target) {
        let why = if target.is_ready() { "takes no new pods" } else { "is not ready" };
        found.push(
            Objection::new("target", Weight::No, format!("{name} {why}"), "a node that is ready and takes pods")
                .way_out(format!("`kubectl describe node {name}` says why")),
        );
    }
    for (node, what) in [(holding.node, "it is on"), (target, "it goes to")] {
        let (name, architecture) = (&node.meta.name, node.meta.labels.get("kubernetes.io/arch"));
        if !architecture.is_some_and(|word| matches!(word.as_str(), "amd64" | "arm64")) {
            let measured =
                format!("{name}, which {what}, is {}", architecture.map_or("of no named architecture", |word| word));
            found.push(Objection::new("architecture", Weight::No, measured, "there is a mover for amd64 and arm64"));
        }
    }
    found
}

/// Says what speaks against leaving a node.
pub(super) fn leaving(situation: &Situation<'_>, holding: &Holding<'_>) -> Vec<Objection> {
    let name = &holding.node.meta.name;
    let mut found = Vec::new();
    if !holding.node.is_ready() {
        found.push(Objection::new(
            "source",
            Weight::Passing,
            format!("{name} is not ready"),
            "a volume is read on its node, and only its kubelet can say that a pod has ended",
        ));
    }
    for held in &holding.volumes {
        let volume = &held.volume.meta.name;
        match node_of(situation, held.volume) {
            Some(node) if node == *name => {}
            Some(node) => found.push(Objection::new(
                "volume",
                Weight::No,
                format!("{volume} is kept to {node}"),
                format!("{} runs on {name}", holding.row.pod),
            )),
            None => found.push(
                Objection::new(
                    "notLocal",
                    Weight::No,
                    format!("{volume} is not kept to one node"),
                    "only volumes of one node are copied",
                )
                .way_out(format!(
                    "it follows its pod: `kubectl cordon {name}`, then `kubectl drain` or delete the pod"
                )),
            ),
        }
    }
    if holding.volumes.is_empty() {
        found.push(
            Objection::new(
                "noClaim",
                Weight::No,
                format!("{} has no claim", holding.row.pod),
                "there is a volume to move",
            )
            .way_out(format!("`kubectl drain {name}` moves pods without volumes")),
        );
    }
    found
}

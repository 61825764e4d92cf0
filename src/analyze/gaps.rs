//! What could not be read, and what is therefore not said.

use super::findings::Findings;
use super::scene::{Place, Scene};
use crate::engine;
use crate::model::{Code, Finding, Gap, Node, Recognised, Resource, Severity};

/// Says once for each reason which kinds of objects could not be read, and what is not checked without them. What
/// nobody asked for is no finding: whoever asked for less knows.
pub(super) fn find(scene: &Scene<'_>, recognised: &Recognised, findings: &mut Findings) {
    let mut reasons: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for gap in scene.index.gaps().iter().filter(|gap| gap.asked) {
        let Some((noun, unchecked)) = consequence(scene, recognised, gap) else { continue };
        match reasons.iter_mut().find(|(why, ..)| *why == gap.why) {
            Some((_, nouns, unknown)) => {
                nouns.push(noun);
                unknown.push(unchecked);
            }
            None => reasons.push((&gap.why, vec![noun], vec![unchecked])),
        }
    }
    for (why, nouns, unchecked) in reasons {
        findings.add(Finding {
            severity: Severity::Note,
            code: Code::NotRead,
            subject: nouns.join(", "),
            message: format!("{} unknown ({why})", nouns.join(", ")),
            why: format!("not checked: {}", unchecked.join("; ")),
            next: None,
        });
    }
}

/// Tells whether the use of a volume is not known whose node is there: that of a node that is down is no news.
fn is_missed(scene: &Scene<'_>) -> bool {
    let there = |place: &&Place<'_>| place.pod.is_some() && place.node.is_none_or(Node::is_ready);
    scene.places.iter().filter(there).flat_map(|place| &place.holdings).any(|holding| holding.usage.is_none())
}

/// Names the objects and what they would have told; nothing where this set has no use for them.
fn consequence(scene: &Scene<'_>, recognised: &Recognised, gap: &Gap) -> Option<(&'static str, &'static str)> {
    let has_claims = scene.places.iter().any(|place| !place.holdings.is_empty());
    match gap.resource {
        Resource::StatefulSets => None,
        Resource::Pods => Some(("pods", "how its ordinals are, and nearly everything else")),
        Resource::Claims => has_claims.then_some(("claims", "missing, pending and left-over claims")),
        Resource::Volumes => has_claims.then_some(("volumes", "lost volumes, and nodes that volumes are kept to")),
        Resource::Classes => has_claims.then_some(("storage classes", "whether claims may grow")),
        Resource::Nodes => Some(("nodes", "volumes on broken or cordoned nodes, shared nodes and zones")),
        Resource::Budgets => Some(("budgets", "whether pods may be evicted")),
        Resource::Autoscalers => Some(("autoscalers", "whether one changes the replicas")),
        Resource::Services => Some(("services", "the governing Service, and where writes go")),
        Resource::Endpoints => (!scene.workload.service.is_empty()).then_some(("endpoints", "DNS names of pods")),
        Resource::Events => Some(("events", "why claims are pending and pods are not made")),
        Resource::Usage => (has_claims && is_missed(scene)).then_some(("volume use", "whether volumes are full")),
        Resource::Probes => {
            engine::asks(scene.workload, recognised).then_some(("roles", "primaries, lag, and whether a member may go"))
        }
    }
}

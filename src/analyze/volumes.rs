//! What is wrong with the volumes behind claims, and with the nodes that they are kept to.

use std::collections::BTreeSet;

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::reach::{self, Reach};
use super::scene::{Holding, Scene};
use crate::model::{Claim, Code, HOLD_TAINT, Node, RETAINED_LABEL, Resource, Severity, Volume};

/// Says what is wrong with volumes.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.index.has_read(Resource::Volumes) {
        return;
    }
    for holding in scene.places.iter().flat_map(|place| &place.holdings) {
        released(scene, holding, findings);
        let Some(claim) = holding.claim.filter(|claim| claim.phase != "Lost") else { continue };
        match (holding.volume, &claim.volume) {
            (Some(volume), _) => judge(scene, holding, claim, volume, findings),
            (None, Some(name)) => findings.say(
                Remark::new(Severity::Critical, Code::VolumeMissing, Kind::Volume, name.as_str(), "does not exist")
                    .aside(holding.name.as_str())
                    .why("the claim names it: its data is gone or out of reach, and no new pod can mount it"),
            ),
            (None, None) => {}
        }
    }
    in_one_zone(scene, findings);
}

fn judge(scene: &Scene<'_>, holding: &Holding<'_>, claim: &Claim, volume: &Volume, findings: &mut Findings) {
    if let Some(other) = other_claim(claim, volume) {
        findings.say(
            of_volume(Severity::Critical, Code::VolumeOfAnotherClaim, holding, volume, format!("belongs to {other}"))
                .why("no new pod can mount it under this claim"),
        );
    } else if volume.phase == "Failed" {
        let said =
            if volume.message.is_empty() { String::new() } else { format!(": {}", phrase::clause(&volume.message)) };
        findings.say(
            of_volume(Severity::Critical, Code::VolumeFailed, holding, volume, format!("has failed{said}"))
                .next(format!("kubectl describe pv {}", volume.meta.name)),
        );
    } else if volume.phase == "Released" {
        findings.say(
            of_volume(Severity::Critical, Code::VolumeReleased, holding, volume, "is released".to_owned())
                .why("it takes the claim for deleted: no new pod can mount it"),
        );
    }
    findings.say_some(out_of_reach(scene, holding, volume));
    findings.say_some(held(scene, holding, volume));
}

/// Finds the hold of a move: it lasts for seconds, unless the run was left where it stopped.
fn held(scene: &Scene<'_>, holding: &Holding<'_>, volume: &Volume) -> Option<Remark> {
    let (node, run) = reach::candidates(scene.index, volume).find_map(|node| {
        let run = node.taints.iter().find_map(|taint| taint.key.strip_prefix(HOLD_TAINT))?;
        Some((&node.meta.name, run))
    })?;
    let predicate = format!("is kept to {node}, which is held by run {run} of `migrate`");
    Some(
        of_volume(Severity::Warning, Code::VolumeNodeHeld, holding, volume, predicate)
            .why("a pod that goes from there does not come back before that run is continued or taken back")
            .next(format!("kubectl stateful history -n {}", scene.namespace())),
    )
}

fn of_volume(severity: Severity, code: Code, holding: &Holding<'_>, volume: &Volume, predicate: String) -> Remark {
    Remark::new(severity, code, Kind::Volume, volume.meta.name.as_str(), predicate).aside(holding.name.as_str())
}

/// Says whose the volume is, if it is not the claim's. A reference without a uid is only a reservation, and a
/// hand-written dump has no uids.
fn other_claim(claim: &Claim, volume: &Volume) -> Option<String> {
    let reference = volume.claim.as_ref()?;
    if reference.name != claim.name() || reference.namespace != claim.meta.namespace {
        return Some(format!("claim {} in namespace {}", reference.name, reference.namespace));
    }
    let known = !reference.uid.is_empty() && !claim.meta.uid.is_empty();
    (known && reference.uid != claim.meta.uid).then(|| "an earlier claim of the same name".to_owned())
}

/// Finds volumes of earlier claims of this name: what the ordinal had written may be there.
fn released(scene: &Scene<'_>, holding: &Holding<'_>, findings: &mut Findings) {
    let current = holding.claim.and_then(|claim| claim.volume.as_ref());
    for volume in scene.index.volumes_of(scene.namespace(), holding.name.as_str()) {
        if volume.phase != "Released" || current == Some(&volume.name()) {
            continue;
        }
        let size = volume.capacity_bytes.map(|size| format!(", {}", phrase::bytes(size))).unwrap_or_default();
        if let Some((_, pod)) = volume.meta.labels.get(RETAINED_LABEL).and_then(|label| label.split_once('.')) {
            let predicate = format!("is kept{size}: it holds what {pod} had before it was moved");
            findings.say(
                of_volume(Severity::Note, Code::VolumeRetained, holding, volume, predicate)
                    .why("it takes room that nobody uses")
                    .next(format!("kubectl stateful migrate {pod} --finish -n {}", scene.namespace())),
            );
            continue;
        }
        let predicate = format!("is released{size}: it holds what an earlier claim of that name wrote");
        let serves = holding.claim.is_some_and(|claim| claim.phase == "Bound");
        // A member that came back empty copies from the others; a single one has nobody to copy from.
        let (severity, why) = match (serves, scene.workload.replicas) {
            (true, 2..) => (Severity::Note, "it is kept until somebody deletes it"),
            (true, _) => (Severity::Warning, "no other member has it: what the current volume lacks may be there"),
            (false, _) => (Severity::Warning, "the ordinal's data may be there"),
        };
        findings.say(of_volume(severity, Code::VolumeReleased, holding, volume, predicate).why(why));
    }
}

fn out_of_reach(scene: &Scene<'_>, holding: &Holding<'_>, volume: &Volume) -> Option<Remark> {
    let (severity, code, what, nodes) = match reach::of(scene.index, volume) {
        Reach::Open => return None,
        Reach::Gone(asked) => {
            let predicate = format!("is kept to {asked}, which does not exist");
            return Some(
                of_volume(Severity::Critical, Code::VolumeNodeGone, holding, volume, predicate)
                    .why("its pod can run nowhere, and its data is on that machine or disk"),
            );
        }
        Reach::NotReady(nodes) => (Severity::Critical, Code::VolumeNodeNotReady, down_since(scene, &nodes), nodes),
        Reach::Cordoned(nodes) => (Severity::Warning, Code::VolumeNodeCordoned, "is cordoned".to_owned(), nodes),
    };
    let predicate = format!("is kept to {}, which {}", names(&nodes), phrase::agree(nodes.len(), &what));
    let remark = of_volume(severity, code, holding, volume, predicate);
    let first = nodes.first().map(|node| node.meta.name.as_str()).unwrap_or_default();
    Some(if code == Code::VolumeNodeCordoned {
        remark
            .why("a pod that goes from there does not come back before the node takes pods again")
            .next(format!("kubectl uncordon {first}"))
    } else {
        remark.why("its pod can run nowhere else").next(format!("kubectl describe node {first}"))
    })
}

fn names(nodes: &[&Node]) -> String {
    let names: Vec<String> = nodes.iter().map(|node| node.meta.name.clone()).collect();
    phrase::names(&names)
}

fn down_since(scene: &Scene<'_>, nodes: &[&Node]) -> String {
    let since = nodes.iter().filter_map(|node| scene.index.seconds_since(node.readiness()?.since)).min();
    since.map_or_else(
        || "is not ready".to_owned(),
        |seconds| format!("has not been ready for {}", phrase::span(seconds)),
    )
}

/// All volumes in one zone, while others could be used: the zone is lost, everything is lost.
fn in_one_zone(scene: &Scene<'_>, findings: &mut Findings) {
    let Some((zone, ordinals)) = only_zone(scene) else { return };
    let others = scene.index.usable_zones().iter().filter(|other| **other != zone);
    let others: Vec<String> = others.map(|zone| (*zone).to_owned()).collect();
    if ordinals < 2 || others.is_empty() {
        return;
    }
    let predicate = format!("has all of its volumes in zone {zone}, though {}", with_nodes(&others));
    findings.say(
        Remark::new(Severity::Warning, Code::VolumesInOneZone, Kind::Set, scene.workload.meta.name.as_str(), predicate)
            .why("one zone lost = every copy lost"),
    );
}

fn with_nodes(zones: &[String]) -> String {
    if zones.len() == 1 {
        format!("zone {} has nodes too", zones[0])
    } else {
        format!("zones {} have nodes too", phrase::list(zones))
    }
}

/// Names the one zone that every volume of the wanted ordinals is kept to, and counts these ordinals.
pub(super) fn only_zone(scene: &Scene<'_>) -> Option<(String, usize)> {
    let mut zones: BTreeSet<String> = BTreeSet::new();
    let mut ordinals = 0;
    for place in scene.wanted().filter(|place| !place.holdings.is_empty()) {
        ordinals += 1;
        for holding in &place.holdings {
            zones.insert(zone_of(scene, holding.volume?)?);
            if zones.len() > 1 {
                return None;
            }
        }
    }
    zones.pop_first().map(|zone| (zone, ordinals))
}

/// Names the zone that a volume is kept to: as it says itself, else of the one node that it is bound to.
fn zone_of(scene: &Scene<'_>, volume: &Volume) -> Option<String> {
    let mut labels = volume.node_terms.iter().flat_map(|term| &term.labels);
    let named = labels.find(|label| label.key == crate::model::ZONE_LABEL || label.key.ends_with("/zone"));
    if let Some(label) = named {
        return (label.operator == "In" && label.values.len() == 1).then(|| label.values.first().cloned()).flatten();
    }
    let node = reach::bound_node(scene.index, volume)?;
    Some(scene.index.node(&node)?.zone()?.to_owned())
}

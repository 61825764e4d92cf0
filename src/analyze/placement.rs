//! Members that would fall together though they need not.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::reach;
use super::scene::{Place, Scene};
use super::volumes;
use crate::model::{Code, Resource, Severity};

/// More free nodes or zones than this are not named.
const NAMED: usize = 3;

/// Says which members share a node or a zone while others are free.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.index.has_read(Resource::Nodes) || scene.workload.replicas < 2 {
        return;
    }
    let mut by_node: BTreeMap<&str, Vec<&Place<'_>>> = BTreeMap::new();
    let mut by_zone: BTreeMap<&str, Vec<&Place<'_>>> = BTreeMap::new();
    for place in scene.wanted() {
        let Some(node) = place.pod.and_then(|pod| pod.node.as_ref()) else { continue };
        by_node.entry(node.as_str()).or_default().push(place);
        if let Some(zone) = place.node.and_then(|node| node.zone()) {
            by_zone.entry(zone).or_default().push(place);
        }
    }
    shared_nodes(scene, &by_node, findings);
    // When every volume is kept to one zone, that finding says it already.
    if volumes::only_zone(scene).is_none() {
        shared_zones(scene, &by_zone, findings);
    }
}

fn shared_nodes(scene: &Scene<'_>, by_node: &BTreeMap<&str, Vec<&Place<'_>>>, findings: &mut Findings) {
    if by_node.values().all(|places| places.len() < 2) {
        return;
    }
    let usable = scene.index.usable_nodes().iter().map(|node| node.meta.name.as_str());
    let free: Vec<String> =
        usable.filter(|name| !by_node.contains_key(name)).map(str::to_owned).take(NAMED + 1).collect();
    if free.is_empty() {
        return;
    }
    for (node, places) in by_node.iter().filter(|(_, places)| places.len() > 1) {
        let bound = places.iter().any(|place| is_bound(scene, place));
        let bound = if bound { "; their volumes are kept to that node" } else { "" };
        let predicate = format!("share {node} while {} without a member{bound}", standing(&free));
        together(scene, Code::NodeShared, places, &predicate, "machine", findings);
    }
}

fn shared_zones(scene: &Scene<'_>, by_zone: &BTreeMap<&str, Vec<&Place<'_>>>, findings: &mut Findings) {
    let free = scene.index.usable_zones().iter().filter(|zone| !by_zone.contains_key(*zone));
    let free: Vec<String> = free.map(|zone| format!("zone {zone}")).take(NAMED + 1).collect();
    if free.is_empty() {
        return;
    }
    for (zone, places) in by_zone.iter().filter(|(_, places)| places.len() > 1) {
        // Members that share a node share its zone: said there.
        let nodes: BTreeSet<_> = places.iter().filter_map(|place| place.pod?.node.as_ref()).collect();
        if nodes.len() > 1 {
            let predicate = format!("share zone {zone} while {} without a member", standing(&free));
            together(scene, Code::ZoneShared, places, &predicate, "zone", findings);
        }
    }
}

/// Says who stands free: "node-3 is", "node-3 and node-4 are", "more than 3 others are".
fn standing(free: &[String]) -> String {
    match free.len() {
        1 => format!("{} is", free[0]),
        2..=NAMED => format!("{} are", phrase::list(free)),
        _ => format!("more than {NAMED} others are"),
    }
}

fn is_bound(scene: &Scene<'_>, place: &Place<'_>) -> bool {
    let mut volumes = place.holdings.iter().filter_map(|holding| holding.volume);
    volumes.any(|volume| reach::bound_node(scene.index, volume).is_some())
}

fn together(
    scene: &Scene<'_>,
    code: Code,
    places: &[&Place<'_>],
    predicate: &str,
    what: &str,
    findings: &mut Findings,
) {
    let why = format!("one {what} lost = {} of {} members lost", places.len(), scene.workload.replicas);
    for place in places {
        let name = place.name.as_str();
        findings.say(Remark::new(Severity::Warning, code, Kind::Pod, name, predicate).why(why.clone()));
    }
}

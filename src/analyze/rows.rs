//! The rows of a report: one per ordinal.

use super::report::{Row, RowClaim, Safe};
use super::scene::{Holding, Place, Scene};
use super::services;
use crate::model::{Known, Resource, Topology};

/// Makes the row of an ordinal.
pub(super) fn row(scene: &Scene<'_>, topology: &Topology, place: &Place<'_>, safe: Safe) -> Row {
    let member = topology.member(&place.name).filter(|_| place.pod.is_some());
    let absent = if place.pod.is_some() { "the engine does not know it" } else { "there is no pod" };
    let node = place.pod.and_then(|pod| pod.node.clone());
    Row {
        ordinal: place.ordinal,
        wanted: place.wanted,
        pod: place.name.clone(),
        state: place.state.clone(),
        role: member.map_or_else(|| Known::unknown(absent), |member| member.role.clone()),
        shown_as: member.and_then(|member| member.shown_as.clone()),
        share: member.and_then(|member| member.share.clone()),
        sync: member.and_then(|member| member.sync),
        lag: member.and_then(|member| member.lag.clone()),
        sessions: member.map_or_else(|| Known::unknown(absent), |member| member.sessions.clone()),
        claims: place.holdings.iter().map(|holding| claim(scene, holding)).collect(),
        zone: place.node.and_then(|node| node.zone()).map(str::to_owned),
        node,
        revision: place.pod.and_then(|pod| pod.revision()).map(str::to_owned),
        restarts: place.pod.map_or(0, crate::model::Pod::restarts),
        ip: place.pod.and_then(|pod| pod.ip.clone()),
        dns: services::dns(scene, place),
        position: member.and_then(|member| member.position.clone()),
        timeline: member.and_then(|member| member.timeline),
        safe,
    }
}

/// Describes a claim as rows and left-over claims show it.
pub(super) fn claim(scene: &Scene<'_>, holding: &Holding<'_>) -> RowClaim {
    let Some(claim) = holding.claim else { return without_claim(scene, holding) };
    let phase = if claim.meta.deleting.is_some() { "Terminating" } else { claim.phase.as_str() };
    let unused = || scene.index.gap(Resource::Usage).map_or("no kubelet reports it", |gap| gap.why.as_str());
    RowClaim {
        name: holding.name.clone(),
        phase: phase.to_owned(),
        volume: claim.volume.clone(),
        size_bytes: claim.capacity_bytes.or(claim.requested_bytes),
        used_bytes: holding.usage.map_or_else(|| Known::unknown(unused()), |usage| Known::Value(usage.used_bytes)),
        file_system_bytes: holding.usage.map(|usage| usage.capacity_bytes),
        class: claim.class.clone(),
        access_modes: short_modes(&claim.access_modes),
        reclaim_policy: holding.volume.map(|volume| volume.reclaim_policy.clone()),
    }
}

fn without_claim(scene: &Scene<'_>, holding: &Holding<'_>) -> RowClaim {
    let phase = if scene.index.has_read(Resource::Claims) { "Missing" } else { "Unknown" };
    let why = scene.index.gap(Resource::Claims).map_or("there is no claim", |gap| gap.why.as_str());
    RowClaim {
        name: holding.name.clone(),
        phase: phase.to_owned(),
        volume: None,
        size_bytes: None,
        used_bytes: Known::unknown(why),
        file_system_bytes: None,
        class: None,
        access_modes: String::new(),
        reclaim_policy: None,
    }
}

/// Shortens access modes as kubectl does: `RWO`, `RWX`.
fn short_modes(modes: &[String]) -> String {
    let short = |mode: &String| match mode.as_str() {
        "ReadWriteOnce" => "RWO".to_owned(),
        "ReadOnlyMany" => "ROX".to_owned(),
        "ReadWriteMany" => "RWX".to_owned(),
        "ReadWriteOncePod" => "RWOP".to_owned(),
        other => other.to_owned(),
    };
    modes.iter().map(short).collect::<Vec<_>>().join(",")
}

//! Volumes that are nearly full, in bytes or in inodes.

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::scene::{Holding, Place, Scene};
use crate::model::{Code, Severity, VolumeUsage};

/// From here on (in percent) somebody should act.
const FULL_PERCENT: u64 = 85;

/// From here on (in percent) databases are about to stop: little is left even for making room.
const CRITICAL_PERCENT: u64 = 95;

/// A file system larger than this many tenths of its claim is not the claim's own: a directory of the node.
const NODE_DISK_TENTHS: u64 = 15;

/// Says which volumes are nearly full.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for place in &scene.places {
        for holding in &place.holdings {
            let Some(usage) = holding.usage else { continue };
            findings.say_some(full(place, holding, usage));
        }
    }
}

/// Tells whether the file system is the node's, of which the claim is only a directory.
fn is_node_disk(holding: &Holding<'_>, usage: &VolumeUsage) -> bool {
    let size = holding.claim.and_then(|claim| claim.capacity_bytes);
    size.is_some_and(|size| u128::from(usage.capacity_bytes) * 10 > u128::from(size) * u128::from(NODE_DISK_TENTHS))
}

fn full(place: &Place<'_>, holding: &Holding<'_>, usage: &VolumeUsage) -> Option<Remark> {
    let bytes = percent(usage.used_bytes, usage.capacity_bytes)?;
    let inodes = usage.used_inodes.zip(usage.inodes).and_then(|(used, all)| percent(used, all)).unwrap_or(0);
    if bytes.max(inodes) < FULL_PERCENT {
        return None;
    }
    let severity = if bytes.max(inodes) >= CRITICAL_PERCENT { Severity::Critical } else { Severity::Warning };
    let measured = if bytes >= FULL_PERCENT {
        let (used, all) = (phrase::bytes(usage.used_bytes), phrase::bytes(usage.capacity_bytes));
        format!("{bytes}% full ({used} of {all})")
    } else {
        format!("out of inodes soon ({inodes}% in use), with {bytes}% of its bytes in use")
    };
    let node = place.pod.and_then(|pod| pod.node.as_ref());
    Some(match (is_node_disk(holding, usage), node) {
        (true, Some(node)) => Remark::new(
            severity,
            Code::VolumeFull,
            Kind::Claim,
            holding.name.as_str(),
            format!("is a directory on a disk of {node} that is {measured}"),
        )
        .why("the size of the claim is no limit there: everything on that disk stops when it is full"),
        _ => Remark::new(severity, Code::VolumeFull, Kind::Claim, holding.name.as_str(), format!("is {measured}"))
            .why(format!("a database that cannot write stops; warned from {FULL_PERCENT}% on")),
    })
}

/// Rounds down, so that 100 means full. None where nothing was measured.
fn percent(used: u64, all: u64) -> Option<u64> {
    let percent = (u128::from(used) * 100).checked_div(u128::from(all))?;
    u64::try_from(percent).ok()
}

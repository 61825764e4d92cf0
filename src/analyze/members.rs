//! What the engine says about the set's members.

use super::Criteria;
use super::scene::Scene;
use crate::engine;
use crate::model::{Known, Member, Recognised, Resource, Topology};

/// Recognises the engine and lets it read what its pods answered.
pub(super) fn read(scene: &Scene<'_>, criteria: &Criteria) -> (Recognised, Topology) {
    let (engine, mut recognised) = engine::recognise(scene.workload, criteria.engine.as_deref());
    let pods: Vec<_> = scene.pods().collect();
    let outputs: Vec<_> = pods.iter().flat_map(|pod| scene.index.outputs(pod)).collect();
    let mut topology = engine.read(scene.workload, &pods, &outputs);
    if engine::asks(scene.workload, &recognised)
        && let Some(gap) = scene.index.gap(Resource::Probes)
    {
        // The engine only sees silence; why nobody asked is known here.
        for member in &mut topology.members {
            let asked = outputs.iter().any(|output| output.pod == member.pod);
            if !asked {
                give_reason(member, &gap.why);
            }
        }
        if outputs.is_empty() {
            because(&mut topology.version, &gap.why);
        }
    }
    if let Some(title) = &topology.title {
        recognised.title.clone_from(title);
    }
    (recognised, topology)
}

fn give_reason(member: &mut Member, why: &str) {
    because(&mut member.role, why);
    because(&mut member.sessions, why);
    if let Some(lag) = &mut member.lag {
        because(&mut lag.bytes, why);
        because(&mut lag.delay_ms, why);
    }
}

fn because<T>(fact: &mut Known<T>, why: &str) {
    if let Known::Unknown(reason) = fact {
        why.clone_into(reason);
    }
}

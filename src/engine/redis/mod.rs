//! Redis and Valkey: a master with replicas, with or without Sentinel, and Redis Cluster.
//!
//! One question per pod, over one connection: `INFO`, three settings, and the nodes of a cluster (`ask.sh`); a pod with a
//! sentinel is asked whom that watches (`sentinel.sh`). What a server says about itself counts; sentinels only add who
//! would replace it. Answers in `tests/data/redis` were recorded from Redis 7.0.15 and Valkey 8.1.

mod cluster;
mod findings;
mod info;
mod leave;
mod nodes;
mod objections;
mod probe;
mod promotion;
mod recognise;
mod removal;
mod sentinel;
mod server;
mod topology;

#[cfg(test)]
mod tests;

use super::{Asked, Engine, Leaving, Promoting, Promotion, Removal};
use crate::model::{ContainerName, Pod, PodName, Probe, ProbeOutput, Topology, Workload};
use crate::plan::{EngineCheck, Verdict};

/// The engine as the list takes it.
pub(super) const ENGINE: Redis = Redis;

/// Knows Redis and Valkey.
pub(super) struct Redis;

impl Engine for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn title(&self) -> &'static str {
        "Redis"
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        recognise::SIGNS.recognise(workload)
    }

    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        recognise::SIGNS.container(pod)
    }

    fn probes(&self, _workload: &Workload, pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        probe::probes(pod, container)
    }

    fn read(&self, workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
        topology::topology(workload, pods, outputs)
    }

    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        removal::removal(asked, leaving)
    }

    fn promotes(&self) -> bool {
        true
    }

    fn promotion(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
        promotion::promotion(asked, promoting)
    }

    fn hands_over(&self, asked: &Asked<'_>, candidate: &PodName) -> Option<PodName> {
        promotion::hands_over(asked, candidate)
    }

    fn fails_over(&self) -> bool {
        true
    }

    fn asks_to_lead(&self, asked: &Asked<'_>) -> bool {
        promotion::asks_to_lead(asked)
    }

    fn without_most(&self, asked: &Asked<'_>) -> Option<&'static str> {
        promotion::without_most(asked)
    }

    fn judge(&self, check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
        promotion::judge(check, asked).unwrap_or_else(|| removal::judge(check, asked))
    }
}

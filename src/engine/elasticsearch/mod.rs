//! Elasticsearch and OpenSearch, which speak nearly one language: where they differ, the root answer says which it is.
//!
//! One question per pod: `curl` inside the container asks the node there for what it knows by itself and, when it knows
//! a master, for what holds for the cluster (`ask.sh`). Every node is asked, because one that was cut off has its own
//! opinion; what is the same from all is read once. Answers in `tests/data/elasticsearch` were recorded from OpenSearch
//! 2.19.1; Elasticsearch itself was never seen.

mod findings;
mod node;
mod objections;
mod recognise;
mod removal;
mod shards;
mod topology;
mod watermark;

#[cfg(test)]
mod tests;

use super::{Asked, Engine, Leaving, Removal};
use crate::model::{ContainerName, Pod, Probe, ProbeOutput, Topology, Workload};
use crate::plan::{EngineCheck, Verdict};

/// The engine as the list takes it.
pub(super) const ENGINE: Elasticsearch = Elasticsearch;

/// Knows Elasticsearch and OpenSearch.
pub(super) struct Elasticsearch;

impl Engine for Elasticsearch {
    fn name(&self) -> &'static str {
        "elasticsearch"
    }

    fn title(&self) -> &'static str {
        "Elasticsearch"
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        recognise::SIGNS.recognise(workload)
    }

    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        recognise::SIGNS.container(pod)
    }

    fn probes(&self, _workload: &Workload, _pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        vec![node::probe(container)]
    }

    fn read(&self, workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
        topology::topology(workload, pods, outputs)
    }

    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        removal::removal(asked, leaving)
    }

    fn judge(&self, check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
        removal::judge(check, asked)
    }
}

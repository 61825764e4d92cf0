//! Cassandra, and what speaks its nodetool.
//!
//! Five questions per pod, each a run of nodetool with a limit of its own, because each starts a JVM (`ask.sh`):
//! `status` and `info`, from which members and their pods follow, and after them `netstats`, `describecluster` and
//! `compactionstats`. A node that was decommissioned still answers, and shows the others as well as ever: what counts is
//! how those see the ring that are in it. Answers in `tests/data/cassandra` were recorded from Cassandra 5.0.6.

mod compactions;
mod description;
mod findings;
mod info;
mod netstats;
mod nodetool;
mod objections;
mod recognise;
mod removal;
mod ring;
mod seeds;
mod topology;

#[cfg(test)]
mod tests;

use super::{Asked, Engine, Leaving, Removal};
use crate::model::{ContainerName, Pod, Probe, ProbeOutput, Topology, Workload};
use crate::plan::{EngineCheck, Verdict};

/// The engine as the list takes it.
pub(super) const ENGINE: Cassandra = Cassandra;

/// Knows Cassandra.
pub(super) struct Cassandra;

impl Engine for Cassandra {
    fn name(&self) -> &'static str {
        "cassandra"
    }

    fn title(&self) -> &'static str {
        "Cassandra"
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        recognise::SIGNS.recognise(workload)
    }

    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        recognise::SIGNS.container(pod)
    }

    fn probes(&self, _workload: &Workload, _pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        nodetool::probes(container)
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

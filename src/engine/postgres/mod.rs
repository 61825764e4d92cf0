//! PostgreSQL with plain streaming replication.
//!
//! One question per pod: `psql` runs one statement over the local socket and prints one JSON document (`ask.sql`).
//! Answers in `tests/data/postgres` were recorded from PostgreSQL 15.18 and 17.11. The server's own word decides: in
//! recovery it is a replica, otherwise it takes writes.

mod findings;
mod probe;
mod promotion;
mod recognise;
mod removal;
mod server;
mod sync;
mod topology;

#[cfg(test)]
mod tests;

use super::{Asked, Engine, Leaving, Promoting, Promotion, Removal};
use crate::model::{ContainerName, Pod, Probe, ProbeOutput, Topology, Workload};
use crate::plan::{EngineCheck, Verdict};

pub(super) use probe::probe;
pub(super) use promotion::{Survivors, manner, remains};
pub(super) use recognise::{container, said_of_image, words};
pub(super) use removal::{followers, judge, streams};
pub(super) use server::Server;
pub(super) use topology::{Subject, topology};

/// The engine as the list takes it.
pub(super) const ENGINE: Postgres = Postgres;

/// Knows PostgreSQL.
pub(super) struct Postgres;

impl Engine for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn title(&self) -> &'static str {
        "PostgreSQL"
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        recognise::recognise(workload)
    }

    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        container(pod)
    }

    fn probes(&self, _workload: &Workload, _pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        vec![probe(container)]
    }

    fn read(&self, _workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
        let subjects: Vec<_> =
            pods.iter().map(|pod| Subject { pod, alias: None, server: Server::read(outputs, pod) }).collect();
        topology(&subjects)
    }

    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        removal::removal(asked.topology, leaving)
    }

    fn promotes(&self) -> bool {
        true
    }

    fn promotion(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
        promotion::promotion(asked, promoting)
    }

    fn fails_over(&self) -> bool {
        true
    }

    fn remains(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Option<Probe> {
        remains(asked, promoting)
    }

    fn judge(&self, check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
        promotion::judge(check, asked).unwrap_or_else(|| judge(check, asked.topology))
    }
}

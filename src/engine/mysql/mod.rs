//! MySQL and MariaDB, and the clusters that are made of them: replication by GTID, Group Replication, Galera.
//!
//! One question per pod: the server's own client prints a sheet of tables (`ask.sh`, `status.sh`). Both engines ask it,
//! and what a server says decides how it is understood: which family it is, whether it is part of a group or of a Galera
//! cluster, and otherwise its role: who receives changes is a replica, whatever its `read_only` says; who receives none
//! and takes writes is a primary. Answers in `tests/data/mysql` and `tests/data/mariadb` were recorded from MySQL 9.7.4
//! and MariaDB 10.11.18.

mod channel;
mod findings;
mod galera;
mod group;
mod history;
mod probe;
mod promotion;
mod recognise;
mod removal;
mod server;
mod sheet;
mod subject;
mod topology;

#[cfg(test)]
mod tests;

use super::signs::Signs;
use super::{Asked, Engine, Leaving, Promoting, Promotion, Removal};
use crate::model::{ContainerName, Pod, Probe, ProbeOutput, Topology, Workload};
use crate::plan::{EngineCheck, Verdict};
use server::Server;
use subject::Subject;

/// MySQL and Percona Server, as the list takes them.
pub(super) const MYSQL: Family = Family { name: "mysql", title: "MySQL", signs: &recognise::MYSQL };

/// MariaDB, as the list takes it.
pub(super) const MARIADB: Family = Family { name: "mariadb", title: "MariaDB", signs: &recognise::MARIADB };

/// Knows one of the two; they differ in what gives them away, and in the words of their servers.
pub(super) struct Family {
    name: &'static str,
    title: &'static str,
    signs: &'static Signs,
}

impl Engine for Family {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        self.signs.recognise(workload)
    }

    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        self.signs.container(pod)
    }

    fn probes(&self, _workload: &Workload, _pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        vec![probe::probe(container)]
    }

    fn read(&self, workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
        let subjects = subjects(pods, outputs);
        let servers = || subjects.iter().filter_map(|subject| subject.server.as_ref().ok());
        let mut topology = if servers().any(Server::is_galera) {
            galera::topology(workload, &subjects)
        } else if servers().any(Server::is_of_group) {
            group::topology(workload, &subjects)
        } else {
            topology::topology(&subjects)
        };
        topology.title = topology.title.or_else(|| {
            let maria = servers().next()?.is_mariadb();
            let found = if maria { MARIADB.title } else { MYSQL.title };
            (found != self.title).then(|| found.to_owned())
        });
        topology
    }

    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        removal::removal(asked, leaving)
    }

    fn promotion(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
        promotion::promotion(asked, promoting)
    }

    fn fails_over(&self) -> bool {
        true
    }

    fn remains(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Option<Probe> {
        promotion::remains(asked, promoting)
    }

    fn judge(&self, check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
        promotion::judge(check, asked).unwrap_or_else(|| removal::judge(check, asked))
    }
}

/// Reads what every pod's server said.
fn subjects<'a>(pods: &[&'a Pod], outputs: &[&ProbeOutput]) -> Vec<Subject<'a>> {
    pods.iter().map(|pod| Subject { pod, server: Server::read(outputs, pod) }).collect()
}

//! From what was read to what it means. Pure: a snapshot in, reports out.
//!
//! ```text
//! Snapshot -> Index (finds objects) -> Scene (one set and its ordinals) -> Topology (what its engine says)
//!                                        |-> findings: one file per noun
//!                                        |-> safety: whether an ordinal could be taken down
//!                                        `-> rows, head, left-over claims: Report
//! ```

pub mod report;

mod budgets;
mod claims;
mod findings;
mod gaps;
mod head;
mod index;
mod members;
mod ordinals;
mod owners;
mod phrase;
mod placement;
mod pods;
mod policies;
mod reach;
mod replication;
mod rollout;
mod rows;
mod safety;
mod scene;
mod services;
mod slots;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod usage;
mod verdict;
mod volumes;
mod writes;

pub(crate) use index::{leads_to, takes_pods};
pub(crate) use phrase::{bytes, list as listed};
pub(crate) use writes::{POD_NAME_LABEL, is_primary_label, leads_writes};

use crate::model::{Recognised, Snapshot, Topology, Volume, Workload};
use findings::Findings;
use index::Index;
use replication::Standing;
use report::Report;
use safety::Judge;
use scene::Scene;

/// What the user asked to judge by.
#[derive(Clone, Debug)]
pub struct Criteria {
    /// A replica further behind than this is a finding (`--max-lag`), in bytes.
    pub max_lag_bytes: u64,
    /// The engine that the user names for every workload (`--engine`).
    pub engine: Option<String>,
}

/// Default of `--max-lag`: one WAL segment of PostgreSQL, and what its switchover tools tolerate.
pub const DEFAULT_MAX_LAG_BYTES: u64 = 16 * 1024 * 1024;

/// Names the one node that a volume can be used on, if there is only one.
pub(crate) fn bound_node(snapshot: &Snapshot, volume: &Volume) -> Option<String> {
    reach::bound_node(&Index::new(snapshot), volume)
}

/// Analyses every workload of the snapshot, in its order.
#[must_use]
pub fn analyze(snapshot: &Snapshot, criteria: &Criteria) -> Vec<Report> {
    let analysis = Analysis::new(snapshot, criteria);
    snapshot.workloads.iter().map(|workload| analysis.report(workload)).collect()
}

/// Analyses the workloads of one snapshot one by one, for those who do not want to hold all reports at once.
pub struct Analysis<'a> {
    index: Index<'a>,
    criteria: &'a Criteria,
}

impl<'a> Analysis<'a> {
    /// Reads every list of the snapshot once, so that each report costs only what its workload has.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, criteria: &'a Criteria) -> Self {
        Self { index: Index::new(snapshot), criteria }
    }

    /// Analyses one workload of the snapshot.
    #[must_use]
    pub fn report(&self, workload: &Workload) -> Report {
        self.study(workload).report
    }

    /// Analyses one workload, and keeps what its engine says.
    #[must_use]
    pub fn study(&self, workload: &Workload) -> Study {
        let scene = Scene::new(&self.index, workload);
        let (recognised, topology) = members::read(&scene, self.criteria);
        Study { report: assemble(&scene, recognised, &topology, self.criteria), topology }
    }
}

/// One workload as it is: what there is to say about it, and what its engine says.
#[derive(Clone, Debug)]
pub struct Study {
    /// What there is to say.
    pub report: Report,
    /// What the engine says.
    pub topology: Topology,
}

/// Puts together what is to be said about one workload.
fn assemble(scene: &Scene<'_>, recognised: Recognised, topology: &Topology, criteria: &Criteria) -> Report {
    let rollout = rollout::of(scene);
    let standing = Standing::new(scene, topology);
    let leftovers = ordinals::leftovers(scene);
    let mut findings = Findings::default();
    rollout::find_set(scene, &mut findings);
    rollout::find(scene, &rollout, &mut findings);
    ordinals::find(scene, &mut findings);
    ordinals::find_leftovers(scene, topology, &leftovers, &mut findings);
    claims::find(scene, &mut findings);
    volumes::find(scene, &mut findings);
    usage::find(scene, &mut findings);
    pods::find(scene, &mut findings);
    policies::find(scene, &mut findings);
    policies::find_data_without_claim(scene, &recognised, &mut findings);
    services::find(scene, &mut findings);
    budgets::find(scene, &mut findings);
    budgets::find_others(scene, &mut findings);
    placement::find(scene, &mut findings);
    replication::find(scene, topology, &standing, criteria, &mut findings);
    replication::find_silent(scene, &recognised, topology, &mut findings);
    writes::find(scene, topology, &mut findings);
    gaps::find(scene, &recognised, &mut findings);
    let homeless = policies::homeless(scene, &recognised).is_some();
    let judge = Judge { scene, topology, standing: &standing, criteria, rollout: &rollout, homeless };
    let rows: Vec<_> = scene.places.iter().map(|place| rows::row(scene, topology, place, judge.judge(place))).collect();
    let verdict = verdict::words(scene, &standing, &rows);
    let head = head::head(scene, recognised, topology, rollout, verdict);
    Report { head, rows, leftovers, findings: findings.finish() }
}

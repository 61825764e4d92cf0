//! The one set that a change is about.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Context;
use crate::analyze::Criteria;
use crate::cluster::{Cluster, Scope};
use crate::collect::{Keep, Probing, Wanted, ask_members, read_cluster, read_part};
use crate::failure::{Failure, FailureKind};
use crate::model::{Snapshot, Uid, Workload, WorkloadName};
use crate::plan::Reading;

/// What is read for a plan: one set with everything around it.
pub(super) struct Look {
    /// The set's name.
    pub(super) name: WorkloadName,
    /// How long an engine may take.
    pub(super) probe_limit: Duration,
    /// The container that somebody named.
    pub(super) container: Option<String>,
}

impl Look {
    /// Reads one set with everything around it.
    pub(super) async fn take(
        &self,
        context: &Context,
        cluster: &Cluster,
        criteria: &Criteria,
    ) -> Result<Snapshot, Failure> {
        let wanted = Wanted {
            scope: context.one_namespace(cluster)?,
            names: vec![self.name.clone()],
            labels: None,
            probe: Probing::Within(self.probe_limit),
            usage: true,
            container: self.container.clone(),
            engine: criteria.engine.clone(),
        };
        let progress = context.ui.progress("reading the cluster's objects");
        let say = |what: &str| progress.set(what);
        let now = (context.now)();
        let mut collected = read_cluster(cluster, &wanted, Keep::Nothing, now, &say).await?;
        ask_members(cluster, &wanted, &mut collected.snapshot, &say).await;
        drop(progress);
        for problem in &collected.problems {
            context.ui.warn(problem);
        }
        Ok(collected.snapshot)
    }
}

impl Context {
    /// Finds the scope of a command that is about one set.
    pub(super) fn one_namespace(&self, cluster: &Cluster) -> Result<Scope, Failure> {
        if self.place.all_namespaces {
            return Err(Failure::new(
                FailureKind::Usage,
                "a change is about one set of one namespace: -A does not fit",
            ));
        }
        Ok(self.place.scope(cluster))
    }
}

/// Finds the set that a name stands for now.
pub(super) async fn the_set(name: &WorkloadName, context: &Context, cluster: &Cluster) -> Result<Workload, Failure> {
    let scope = context.one_namespace(cluster)?;
    sets(vec![name.clone()], context, cluster).await?.pop().ok_or_else(|| missing(name, &scope))
}

/// Finds the identities of the sets that there are in the namespace.
pub(super) async fn living(context: &Context, cluster: &Cluster) -> Result<BTreeSet<Uid>, Failure> {
    Ok(sets(Vec::new(), context, cluster).await?.into_iter().map(|set| set.meta.uid).collect())
}

/// Reads sets and nothing around them; without names all of the namespace.
async fn sets(names: Vec<WorkloadName>, context: &Context, cluster: &Cluster) -> Result<Vec<Workload>, Failure> {
    let wanted = Wanted {
        scope: context.one_namespace(cluster)?,
        names,
        labels: None,
        probe: Probing::No("not asked".to_owned()),
        usage: false,
        container: None,
        engine: None,
    };
    Ok(read_part(cluster, &wanted, Reading::default(), (context.now)()).await?.workloads)
}

fn missing(name: &WorkloadName, scope: &Scope) -> Failure {
    let place = match scope {
        Scope::All => String::new(),
        Scope::One(namespace) => format!(" in namespace {namespace}"),
    };
    Failure::new(FailureKind::Usage, format!("there is no statefulset/{name}{place}"))
        .hint("`kubectl stateful status` lists them")
}

//! `migrate`: a member goes to another node, with its volumes, and is down for what changed during the copy.

use std::time::Duration;

use super::asking::EngineArgs;
use super::changing::{Change, ChangeArgs, run_id};
use super::subject::{Look, the_set};
use super::{Context, promote};
use crate::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES};
use crate::cluster::{Cluster, parse_duration};
use crate::collect::{Keep, Probing, Wanted, read_cluster};
use crate::failure::{Failure, FailureKind};
use crate::model::{NodeName, Pod, PodName, Snapshot, Workload, WorkloadName, parse_ordinal};
use crate::mover::program::beside;
use crate::plan::{Effect, Limit, Plan, Relocation, Subject};
use crate::planner::{Migrate, Situation, finish, migrate};

/// What `migrate` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl stateful migrate db-2 -n shop               show where it would go and how, ask, carry it out
  kubectl stateful migrate db/2 --to node-3           let ordinal 2 of db go to node-3
  kubectl stateful migrate db-2 --dry-run             show the plan only
  kubectl stateful migrate --off-node node-3 -n shop  every StatefulSet's member on node-3, one after another
  kubectl stateful migrate db-2 --max-downtime 20s    down for 20 s at most, or taken back")]
pub struct Args {
    /// The member: its pod's name, or NAME/ORDINAL
    #[arg(value_name = "POD|NAME/ORDINAL", required_unless_present = "off_node", conflicts_with = "off_node")]
    member: Option<String>,
    /// Every member of the namespace's StatefulSets that is on this node, one after another
    #[arg(long, value_name = "NODE")]
    off_node: Option<String>,
    /// Remove the volumes that the member had before it was moved, with what is on them
    #[arg(long, conflicts_with_all = ["off_node", "to", "evict_timeout", "helper_image", "bwlimit", "allow"])]
    finish: bool,
    /// The node to go to [default: one that takes pods and has the fewest members of the set]
    #[arg(long, value_name = "NODE")]
    to: Option<String>,
    /// The longest time for which the member may be down; when it would take longer, it is not begun or taken back
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    max_downtime: Duration,
    /// How long disruption budgets may refuse the eviction [default: the pod's grace period and 1m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    evict_timeout: Option<Duration>,
    /// The image of the pods that copy: it needs sh, cat, chmod and mv [default: the member's own]
    #[arg(long, value_name = "IMAGE")]
    helper_image: Option<String>,
    /// The most that is read from the volume in a second (50MiB)
    #[arg(long, value_name = "SIZE", value_parser = super::status::parse_size)]
    bwlimit: Option<super::status::Size>,
    /// How much is read back while the member is down: what was sent last, or the whole copy
    #[arg(long, value_enum, value_name = "rest|full", default_value = "rest")]
    verify: Verify,
    /// Take the responsibility for something that would be refused
    #[arg(long, value_name = "WORD", value_delimiter = ',', value_parser = super::allowed_parser(ALLOWED_HERE))]
    allow: Vec<String>,
    #[command(flatten)]
    ask: EngineArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

/// How much is read back while the member is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Verify {
    /// What no verification has read before
    Rest,
    /// Everything
    Full,
}

/// The word behind `--allow` for a primary that is not to hand over first.
const CLIENTS_WAIT: &str = "downtime";

/// Words behind `--allow` that speak of a move.
const ALLOWED_HERE: &[&str] = &["autoscaler", CLIENTS_WAIT, "host-path", "on-delete", "operator"];

/// Moves a member with its volumes.
///
/// # Errors
/// When it is refused, stopped or cannot be done.
pub async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let cluster = Cluster::connect(&context.connect).await?;
    match (&args.member, &args.off_node) {
        (Some(word), _) => {
            let (name, ordinal) = member(word)?;
            Box::pin(one(&args, context, &cluster, &name, ordinal)).await
        }
        (None, Some(node)) => all_of(&args, context, &cluster, node.strip_prefix("node/").unwrap_or(node)).await,
        (None, None) => Err(Failure::new(FailureKind::Usage, "name a member")),
    }
}

/// Moves one member.
async fn one(
    args: &Args,
    context: &Context,
    cluster: &Cluster,
    name: &WorkloadName,
    ordinal: u32,
) -> Result<(), Failure> {
    let change = Change { context, cluster, args: &args.change };
    let look = args.ask.look(name);
    let criteria = args.ask.criteria(DEFAULT_MAX_LAG_BYTES);
    let set = the_set(name, context, cluster).await?;
    let wanted = Migrate {
        to: args.to.as_deref().map(|node| NodeName(node.strip_prefix("node/").unwrap_or(node).to_owned())),
        allowed: args.allow.clone(),
        max_downtime_seconds: args.max_downtime.as_secs().max(1),
        evict_limit: args.evict_timeout.map(|limit| Limit::seconds(limit.as_secs().max(1))),
        image: args.helper_image.clone(),
        bytes_per_second: args.bwlimit.map(|size| size.0),
        verify_all: args.verify == Verify::Full,
    };
    let pod = set.pod_name(ordinal);
    if args.finish {
        let make = async || done_with(&change, &look, &criteria, &pod, &look.take(context, cluster, &criteria).await?);
        return change.carry_out(Subject::of(&set), make).await;
    }
    if !args.allow.iter().any(|word| word == CLIENTS_WAIT)
        && handed_over(&change, &look, &criteria, &set, &pod, &wanted).await?
        && !change.is_real()
    {
        return Ok(());
    }
    let make = async || make(&change, &look, &criteria, &pod, &wanted, &look.take(context, cluster, &criteria).await?);
    change.carry_out(Subject::of(&set), make).await
}

/// Lets another member become the primary where the one that is to be moved is it, and where the move would be made then.
/// Tells whether there was somebody to hand over to.
async fn handed_over(
    change: &Change<'_>,
    look: &Look,
    criteria: &Criteria,
    set: &Workload,
    pod: &PodName,
    wanted: &Migrate,
) -> Result<bool, Failure> {
    let context = change.context;
    let seen = look.take(context, change.cluster, criteria).await?;
    let situation = situation(look, criteria, &seen)?;
    let node = situation.node_of(pod).filter(|_| situation.leads(pod));
    let Some(heir) = node.and_then(|node| promote::heir(&situation, pod, node)) else { return Ok(false) };
    let mut trial = wanted.clone();
    trial.allowed.push(CLIENTS_WAIT.to_owned());
    // What speaks against the move is said by the move's own way.
    let Ok(then) = make(change, look, criteria, pod, &trial, &seen) else { return Ok(false) };
    let journals = context.journals(change.cluster, Subject::of(set), &change.args.log).await;
    change.permitted(&then, &journals).await?;
    context
        .ui
        .status(&format!("{pod} is the primary: {heir} takes over first; then, by a plan of its own, {}", then.goal));
    promote::hand_over(change, look, criteria, set, (pod, &heir)).await?;
    Ok(true)
}

/// Moves every member that is on a node, one after another. One that is refused stays, and is named at the end; whatever else
/// goes wrong ends it.
async fn all_of(args: &Args, context: &Context, cluster: &Cluster, node: &str) -> Result<(), Failure> {
    let ui = &context.ui;
    let members = on_node(context, cluster, node).await?;
    ui.status(&format!("pods that no StatefulSet made are left to `kubectl drain {node}`"));
    if members.is_empty() {
        ui.status(&format!("no member of a StatefulSet of this namespace is on {node}: nothing to do"));
        return Ok(());
    }
    let mut stay = Vec::new();
    for (name, ordinal) in &members {
        ui.status(&format!("=== {name}-{ordinal} ==="));
        match Box::pin(one(args, context, cluster, name, *ordinal)).await {
            Ok(()) => {}
            Err(failure) if failure.kind == FailureKind::Refused => {
                ui.status(&failure.message);
                stay.push(format!("{name}-{ordinal}"));
            }
            Err(failure) => return Err(failure),
        }
    }
    if stay.is_empty() {
        return Ok(());
    }
    let message = format!("{} of {} stay on {node}: {}", stay.len(), members.len(), stay.join(", "));
    Err(Failure::new(FailureKind::Refused, message).hint("what was said of each of them says what to do"))
}

/// Finds the members of the namespace's sets that are on a node, the highest ordinals of each set first.
async fn on_node(context: &Context, cluster: &Cluster, node: &str) -> Result<Vec<(WorkloadName, u32)>, Failure> {
    let wanted = Wanted {
        scope: context.one_namespace(cluster)?,
        names: Vec::new(),
        labels: None,
        probe: Probing::No("not asked".to_owned()),
        usage: false,
        container: None,
        engine: None,
    };
    let seen = read_cluster(cluster, &wanted, Keep::Nothing, (context.now)(), &|_| ()).await?.snapshot;
    if !seen.nodes.iter().any(|one| one.meta.name == node) {
        return Err(Failure::new(FailureKind::Usage, format!("there is no node {node}")));
    }
    let here = seen.pods.iter().filter(|pod| pod.node.as_ref().is_some_and(|name| name.0 == node));
    let member = |pod: &Pod| {
        let set = seen.workloads.iter().find(|set| pod.meta.controller().is_some_and(|own| own.uid == set.meta.uid))?;
        Some((set.name(), set.ordinal_of(&pod.meta.name)?))
    };
    let mut members: Vec<_> = here.filter_map(member).collect();
    members.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.cmp(&one.1)));
    Ok(members)
}

/// Reads which member is meant.
fn member(word: &str) -> Result<(WorkloadName, u32), Failure> {
    let plain =
        ["pod/", "pods/", "sts/", "statefulset/"].iter().find_map(|kind| word.strip_prefix(kind)).unwrap_or(word);
    let parts = plain.rsplit_once('/').or_else(|| plain.rsplit_once('-'));
    let found =
        parts.and_then(|(name, ordinal)| Some((name, parse_ordinal(ordinal)?))).filter(|(name, _)| !name.is_empty());
    found.map(|(name, ordinal)| (WorkloadName(name.to_owned()), ordinal)).ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("{word} is no member of a StatefulSet"))
            .hint("name its pod, as db-2, or its set and ordinal, as db/2")
    })
}

fn make(
    change: &Change<'_>,
    look: &Look,
    criteria: &Criteria,
    pod: &PodName,
    wanted: &Migrate,
    seen: &Snapshot,
) -> Result<Plan, Failure> {
    let situation = situation(look, criteria, seen)?;
    let now = (change.context.now)();
    let plan = migrate(&situation, pod, wanted, run_id(now), now).map_err(|refusal| change.refused(&refusal))?;
    relocation(&plan).map_or(Ok(()), movers_are_there)?;
    Ok(plan)
}

fn done_with(
    change: &Change<'_>,
    look: &Look,
    criteria: &Criteria,
    pod: &PodName,
    seen: &Snapshot,
) -> Result<Plan, Failure> {
    let now = (change.context.now)();
    finish(&situation(look, criteria, seen)?, pod, run_id(now), now).map_err(|refusal| change.refused(&refusal))
}

fn situation<'s>(look: &'s Look, criteria: &Criteria, seen: &'s Snapshot) -> Result<Situation<'s>, Failure> {
    let uid = seen.workloads.first().map(|set| set.meta.uid.clone()).unwrap_or_default();
    Situation::new(seen, &uid, look.container.as_deref(), criteria)
        .ok_or_else(|| Failure::new(FailureKind::Usage, format!("there is no statefulset/{}", look.name)))
}

fn relocation(plan: &Plan) -> Option<&Relocation> {
    plan.steps.iter().find_map(|step| {
        if let Effect::Relocate { relocation, .. } = &step.effect { Some(relocation.as_ref()) } else { None }
    })
}

/// What copies has to be there before anything is begun.
fn movers_are_there(of: &Relocation) -> Result<(), Failure> {
    let own = std::env::current_exe()?;
    for place in [&of.source, &of.target] {
        beside(&own, &place.architecture)
            .map_err(|error| Failure::new(FailureKind::Refused, format!("nothing was changed: {error}")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_named_by_its_pod_or_by_set_and_ordinal() {
        for word in ["db-2", "pod/db-2", "db/2", "sts/db/2", "statefulset/db/2"] {
            let (name, ordinal) = member(word).unwrap_or_else(|error| panic!("{word}: {error:?}"));
            assert_eq!((name.as_str(), ordinal), ("db", 2), "{word}");
        }
        assert_eq!(member("my-db-10").map(|(name, ordinal)| (name.0, ordinal)).ok(), Some(("my-db".to_owned(), 10)));
        for word in ["db", "db-", "-2", "db-02", "db/x", ""] {
            assert!(member(word).is_err(), "{word}");
        }
    }
}

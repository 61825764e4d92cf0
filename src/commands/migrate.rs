//! `migrate`: a member goes to another node, with its volumes, and is down for what changed during the copy.

use std::time::Duration;

use super::Context;
use super::changing::{Change, ChangeArgs, run_id};
use super::subject::{Look, the_set};
use crate::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES};
use crate::cluster::{Cluster, parse_duration};
use crate::failure::{Failure, FailureKind};
use crate::model::{NodeName, PodName, Snapshot, WorkloadName, parse_ordinal};
use crate::mover::program::beside;
use crate::plan::{Effect, Limit, Plan, Relocation, Subject};
use crate::planner::{ALLOWED, Migrate, Situation, finish, migrate};

/// What `migrate` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl stateful migrate db-2 -n shop               show where it would go and how, ask, carry it out
  kubectl stateful migrate db/2 --to node-3           let ordinal 2 of db go to node-3
  kubectl stateful migrate db-2 --dry-run             show the plan only
  kubectl stateful migrate db-2 --max-downtime 20s    down for 20 s at most, or taken back")]
pub struct Args {
    /// The member: its pod's name, or NAME/ORDINAL
    #[arg(value_name = "POD|NAME/ORDINAL")]
    member: String,
    /// Remove the volumes that the member had before it was moved, with what is on them
    #[arg(long, conflicts_with_all = ["to", "evict_timeout", "helper_image", "bwlimit", "allow"])]
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
    #[arg(long, value_name = "WORD", value_delimiter = ',', value_parser = allowed_parser())]
    allow: Vec<String>,
    /// How long an engine may take to answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    probe_timeout: Duration,
    /// The engine, where it is not recognised
    #[arg(long, value_name = "ENGINE", value_parser = super::engine_parser())]
    engine: Option<String>,
    /// The container to ask, where it is not recognised
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
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

/// Words behind `--allow` that speak of a move.
const ALLOWED_HERE: &[&str] = &["autoscaler", "downtime", "host-path", "on-delete", "operator"];

fn allowed_parser() -> clap::builder::PossibleValuesParser {
    let here = ALLOWED.iter().filter(|(word, _)| ALLOWED_HERE.contains(word));
    clap::builder::PossibleValuesParser::new(
        here.map(|(word, help)| clap::builder::PossibleValue::new(*word).help(*help)),
    )
}

/// Moves a member with its volumes.
///
/// # Errors
/// When it is refused, stopped or cannot be done.
pub async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let (name, ordinal) = member(&args.member)?;
    let cluster = Cluster::connect(&context.connect).await?;
    let change = Change { context, cluster: &cluster, args: &args.change };
    let look = Look { name: name.clone(), probe_limit: args.probe_timeout, container: args.container.clone() };
    let criteria = Criteria { max_lag_bytes: DEFAULT_MAX_LAG_BYTES, engine: args.engine.clone() };
    let set = the_set(&name, context, &cluster).await?;
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
        let make = async || done_with(&change, &look, &criteria, &pod, &look.take(context, &cluster, &criteria).await?);
        return change.carry_out(Subject::of(&set), make).await;
    }
    let make = async || make(&change, &look, &criteria, &pod, &wanted, &look.take(context, &cluster, &criteria).await?);
    change.carry_out(Subject::of(&set), make).await
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

//! `scale-down`: fewer ordinals, one after the other, nothing lost.

use std::time::Duration;

use super::Context;
use super::asking::EngineArgs;
use super::changing::{Change, ChangeArgs, run_id};
use super::status::Size;
use super::subject::{Look, the_set};
use super::target::parse_names;
use crate::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES};
use crate::cluster::{Cluster, parse_duration};
use crate::failure::{Failure, FailureKind};
use crate::model::Snapshot;
use crate::plan::{Limit, Plan, Subject};
use crate::planner::{ScaleDown, Situation, scale_down};

/// What `scale-down` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl stateful scale-down db --by 1 -n shop               show the plan, ask, carry it out
  kubectl stateful scale-down db --replicas 2 --dry-run       show the plan only
  kubectl stateful scale-down db --replicas 2 --delete-claims delete the claims of those that left, too")]
pub struct Args {
    /// The StatefulSet: NAME, sts/NAME or statefulset/NAME
    #[arg(value_name = "NAME", required = true, num_args = 1..=2)]
    names: Vec<String>,
    /// How many replicas are to stay
    #[arg(long, value_name = "N", required_unless_present = "by", conflicts_with = "by")]
    replicas: Option<u32>,
    /// How many replicas are to leave
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    by: Option<u32>,
    /// Only when there are so many replicas now
    #[arg(long, value_name = "N")]
    current_replicas: Option<u32>,
    /// Leave no replica at all
    #[arg(long)]
    to_zero: bool,
    /// Delete the claims of those that leave, each asked for by name
    #[arg(long)]
    delete_claims: bool,
    /// Take the responsibility for something that would be refused
    #[arg(long, value_name = "WORD", value_delimiter = ',', value_parser = super::allowed_parser(ALLOWED_HERE))]
    allow: Vec<String>,
    /// Lag above which a replica that stays is no copy (16MiB, 500M)
    #[arg(long, value_name = "SIZE", value_parser = super::status::parse_size, default_value_t = Size(DEFAULT_MAX_LAG_BYTES))]
    max_lag: Size,
    /// How long each step may take [default: the pods' grace period and 5m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    step_timeout: Option<Duration>,
    #[command(flatten)]
    ask: EngineArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Words behind `--allow` that speak of a smaller set.
const ALLOWED_HERE: &[&str] = &[
    "autoscaler",
    "budget",
    "few-masters",
    "gitops",
    "lag",
    "no-drain",
    "no-replica",
    "quorum",
    "room",
    "sentinels",
    "unknown-seeds",
    "unknown-role",
];

/// Scales a set down.
///
/// # Errors
/// When it is refused, stopped or cannot be done.
pub async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let names = parse_names(&args.names)?;
    let [name] = names.as_slice() else {
        return Err(Failure::new(FailureKind::Usage, "name one StatefulSet"));
    };
    let cluster = Cluster::connect(&context.connect).await?;
    let change = Change { context, cluster: &cluster, args: &args.change };
    let look = args.ask.look(name);
    let criteria = args.ask.criteria(args.max_lag.0);
    let set = the_set(name, context, &cluster).await?;
    let Some(to) = goal(&args, set.replicas)? else {
        context.ui.status(&format!("{name} has that size already: nothing to do"));
        return Ok(());
    };
    let wanted = ScaleDown {
        to,
        to_zero: args.to_zero,
        delete_claims: args.delete_claims,
        allowed: args.allow.clone(),
        step_limit: args.step_timeout.map(|limit| Limit::seconds(limit.as_secs().max(1))),
    };
    let make = async || make(&change, &look, &criteria, &wanted, &look.take(context, &cluster, &criteria).await?);
    change.carry_out(Subject::of(&set), make).await
}

fn make(
    change: &Change<'_>,
    look: &Look,
    criteria: &Criteria,
    wanted: &ScaleDown,
    seen: &Snapshot,
) -> Result<Plan, Failure> {
    let uid = seen.workloads.first().map(|set| set.meta.uid.clone()).unwrap_or_default();
    let situation = Situation::new(seen, &uid, look.container.as_deref(), criteria)
        .ok_or_else(|| Failure::new(FailureKind::Usage, format!("there is no statefulset/{}", look.name)))?;
    let replicas = seen.workloads.first().map(|set| set.replicas).unwrap_or_default();
    if replicas <= wanted.to {
        let message = format!("nothing was changed: replicas is {replicas} by now, somebody else changed it");
        return Err(Failure::new(FailureKind::Refused, message));
    }
    let now = (change.context.now)();
    scale_down(&situation, wanted, run_id(now), now).map_err(|refusal| change.refused(&refusal))
}

/// Finds out how many replicas are to stay; `None` when they are so many already.
fn goal(args: &Args, now: u32) -> Result<Option<u32>, Failure> {
    if let Some(expected) = args.current_replicas.filter(|expected| *expected != now) {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("nothing was changed: there are {now} replicas, not {expected} (--current-replicas)"),
        ));
    }
    let to = match (args.replicas, args.by) {
        (Some(to), _) => to,
        (None, by) => now.checked_sub(by.unwrap_or_default()).ok_or_else(|| {
            Failure::new(FailureKind::Usage, format!("there are only {now} replicas: --by {} is more", by.unwrap_or(0)))
        })?,
    };
    match to {
        to if to == now => Ok(None),
        to if to > now => {
            Err(Failure::new(FailureKind::Usage, format!("{to} is more than the {now} replicas there are"))
                .hint("`kubectl scale` makes a set larger"))
        }
        to => Ok(Some(to)),
    }
}

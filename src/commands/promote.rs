//! `promote`: another member becomes the primary, by plan and with nothing lost.

use std::time::Duration;

use super::Context;
use super::asking::EngineArgs;
use super::changing::{Change, ChangeArgs, run_id};
use super::status::Size;
use super::subject::{Look, the_set};
use super::target::parse_names;
use crate::analyze::{Criteria, DEFAULT_MAX_LAG_BYTES};
use crate::cluster::{Cluster, parse_duration};
use crate::engine::Path;
use crate::failure::{Failure, FailureKind};
use crate::model::{NodeName, PodName, ProbeOutput, Snapshot, Workload, parse_ordinal};
use crate::plan::{Limit, Plan, Subject};
use crate::planner::{Accepted, Candidate, Promote, Refusal, Situation, candidates, promote, remains};
use crate::view;

/// What `promote` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  kubectl stateful promote db -n shop             show who could take over, ask, carry it out
  kubectl stateful promote db --to db-1           let db-1 become the primary
  kubectl stateful promote db --to 1 --dry-run    show the plan only
  kubectl stateful promote db --failover          the primary does not answer: measure what is lost, ask, go on without it")]
pub struct Args {
    /// The StatefulSet: NAME, sts/NAME or statefulset/NAME
    #[arg(value_name = "NAME", required = true, num_args = 1..=2)]
    names: Vec<String>,
    /// The member that is to become the primary, by its pod's name or its ordinal [default: the best one]
    #[arg(long, value_name = "POD|ORDINAL")]
    to: Option<String>,
    /// Only when this pod is the primary now
    #[arg(long, value_name = "POD|ORDINAL")]
    expected_primary: Option<String>,
    /// The primary does not answer: give it up, with what only it has, which is measured before anybody is asked
    #[arg(long, conflicts_with = "path")]
    failover: bool,
    /// How much of the old primary's log may be lost with --failover, in bytes [default: asked at the prompt; 0 with --yes]
    #[arg(long, value_name = "SIZE|any", requires = "failover", value_parser = accepted)]
    accept_loss: Option<Accepted>,
    /// Whether the old primary is awaited as a standby first [default: by what is known of its start-up]
    #[arg(long, value_enum, value_name = "safe|fast")]
    path: Option<PathArg>,
    /// Try a write at the end, by the way that clients take; it leaves nothing behind
    #[arg(long)]
    verify_write: bool,
    /// Take the responsibility for something that would be refused
    #[arg(long, value_name = "WORD", value_delimiter = ',', value_parser = super::allowed_parser(ALLOWED_HERE))]
    allow: Vec<String>,
    /// Lag above which a member does not become the primary (16MiB, 500M)
    #[arg(long, value_name = "SIZE", value_parser = super::status::parse_size, default_value_t = Size(DEFAULT_MAX_LAG_BYTES))]
    max_lag: Size,
    /// How long each step may take [default: by what it does]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    step_timeout: Option<Duration>,
    #[command(flatten)]
    ask: EngineArgs,
    #[command(flatten)]
    change: ChangeArgs,
}

/// How long reading the log of a server that does not answer may take.
const MEASURE_LIMIT: Duration = Duration::from_secs(60);

/// Ways of a planned switchover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PathArg {
    /// Nobody takes writes before the old primary is seen as a standby
    Safe,
    /// The new primary takes writes as soon as it is shown to hold everything
    Fast,
}

/// Words behind `--allow` that speak of a promotion.
const ALLOWED_HERE: &[&str] = &["archive", "clients", "logical-slots", "node-off"];

/// Reads how much may be lost.
fn accepted(text: &str) -> Result<Accepted, String> {
    if text == "any" { Ok(Accepted::Any) } else { super::status::parse_size(text).map(|size| Accepted::Bytes(size.0)) }
}

/// Lets another member become the primary.
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
    let wanted = Promote {
        expected: args.expected_primary.as_deref().map(|word| member(&set, word)).transpose()?,
        allowed: args.allow.clone(),
        path: match args.path {
            None => Path::Auto,
            Some(PathArg::Safe) => Path::Safe,
            Some(PathArg::Fast) => Path::Fast,
        },
        verify_write: args.verify_write,
        failover: args.failover.then_some(match args.accept_loss {
            Some(accepted) => accepted,
            None if args.change.is_agreed() => Accepted::Bytes(0),
            None => Accepted::Asked,
        }),
        step_limit: args.step_timeout.map(|limit| Limit::seconds(limit.as_secs().max(1))),
    };
    let command = Promotion { change: &change, look: &look, criteria: &criteria, wanted: &wanted };
    let asked = args.to.as_deref().map(|word| member(&set, word)).transpose()?;
    let Some(to) = command.choose(asked).await? else { return Ok(()) };
    let make = async || command.plan(look.take(context, &cluster, &criteria).await?, &to).await;
    change.carry_out(Subject::of(&set), make).await
}

/// Finds who could take over from a primary that leaves its node: the best one on another node.
pub(super) fn heir(situation: &Situation<'_>, leaving: &PodName, node: &NodeName) -> Option<PodName> {
    if situation.has_parts() {
        return None;
    }
    let found = candidates(situation, &planned(leaving)).ok()?;
    let elsewhere = |one: &&Candidate| one.is_fit() && one.row.node.as_ref().is_some_and(|own| own != node);
    found.iter().find(elsewhere).map(|one| one.row.pod.clone())
}

/// Lets a primary that is about to leave hand over: a planned promotion, shown, asked for and journaled as any other.
///
/// # Errors
/// When it is refused, stopped or cannot be done.
pub(super) async fn hand_over(
    change: &Change<'_>,
    look: &Look,
    criteria: &Criteria,
    set: &Workload,
    (from, to): (&PodName, &PodName),
) -> Result<(), Failure> {
    let wanted = planned(from);
    let command = Promotion { change, look, criteria, wanted: &wanted };
    let make = async || command.plan(look.take(change.context, change.cluster, criteria).await?, to).await;
    change.carry_out(Subject::of(set), make).await
}

/// A planned promotion with nothing special wanted.
fn planned(from: &PodName) -> Promote {
    Promote {
        expected: Some(from.clone()),
        allowed: Vec::new(),
        path: Path::Auto,
        verify_write: false,
        failover: None,
        step_limit: None,
    }
}

/// Reads the name or the ordinal of a member.
fn member(set: &Workload, word: &str) -> Result<PodName, Failure> {
    if let Some(ordinal) = parse_ordinal(word) {
        return Ok(set.pod_name(ordinal));
    }
    let word = word.strip_prefix("pod/").unwrap_or(word);
    set.ordinal_of(word).map(|_| PodName(word.to_owned())).ok_or_else(|| {
        Failure::new(FailureKind::Usage, format!("{word} is no pod of {}", set.display()))
            .hint(format!("name one as {} or by its ordinal", set.pod_name(set.first_ordinal)))
    })
}

/// One promotion on its way.
struct Promotion<'a> {
    change: &'a Change<'a>,
    look: &'a Look,
    criteria: &'a Criteria,
    wanted: &'a Promote,
}

impl Promotion<'_> {
    /// Shows who could become the primary, and lets one be chosen; `None` when there is nothing to do.
    async fn choose(&self, asked: Option<PodName>) -> Result<Option<PodName>, Failure> {
        let ui = &self.change.context.ui;
        let seen = self.look.take(self.change.context, self.change.cluster, self.criteria).await?;
        let situation = self.situation(&seen)?;
        if let Some(to) = asked.as_ref().filter(|to| situation.leads(to)) {
            ui.status(&format!("{to} is the primary already: nothing to do"));
            return Ok(None);
        }
        if asked.is_none() && situation.has_parts() {
            return Err(Failure::new(FailureKind::Usage, "every part of the data has a primary of its own")
                .hint("name the replica that is to take over from its own: --to POD"));
        }
        let found = candidates(&situation, self.wanted).map_err(|refusal| self.change.refused(&refusal))?;
        let fit: Vec<&Candidate> = found.iter().filter(|candidate| candidate.is_fit()).collect();
        let chosen = asked.clone().or_else(|| fit.first().map(|candidate| candidate.row.pod.clone()));
        ui.aside(&view::candidates::candidates(&found, chosen.as_ref().map(PodName::as_str), &ui.aside_screen()));
        ui.aside("\n");
        let Some(chosen) = chosen else { return Err(self.change.refused(&nobody(&situation, &found))) };
        if asked.is_some() || fit.len() < 2 || !self.change.asks() {
            return Ok(Some(chosen));
        }
        let names: Vec<String> = fit.iter().map(|candidate| candidate.row.pod.to_string()).collect();
        match ui.choose("who becomes the primary?", &names)? {
            Some(index) => Ok(fit.get(index).map(|candidate| candidate.row.pod.clone())),
            // Nobody can be asked: the plan's own question says so.
            None => Ok(Some(chosen)),
        }
    }

    fn situation<'s>(&'s self, seen: &'s Snapshot) -> Result<Situation<'s>, Failure> {
        let uid = seen.workloads.first().map(|set| set.meta.uid.clone()).unwrap_or_default();
        Situation::new(seen, &uid, self.look.container.as_deref(), self.criteria)
            .ok_or_else(|| Failure::new(FailureKind::Usage, format!("there is no statefulset/{}", self.look.name)))
    }

    async fn plan(&self, mut seen: Snapshot, to: &PodName) -> Result<Plan, Failure> {
        let question = remains(&self.situation(&seen)?, to, self.wanted);
        if let Some((pod, probe)) = question {
            let namespace = seen.workloads.first().map(|set| set.meta.namespace.clone()).unwrap_or_default();
            let progress = self.change.context.ui.progress(&format!("measuring what only {} has", pod.name));
            let name = PodName(pod.name);
            let answer = self.change.cluster.ask(&namespace, &name, &probe, MEASURE_LIMIT).await;
            drop(progress);
            let id = probe.id.to_owned();
            seen.probes.push(ProbeOutput { namespace, pod: name, pod_uid: pod.uid, id, answer });
        }
        let now = (self.change.context.now)();
        let situation = self.situation(&seen)?;
        promote(&situation, to, self.wanted, run_id(now), now).map_err(|refusal| self.change.refused(&refusal))
    }
}

/// Says why no member can become the primary.
fn nobody(situation: &Situation<'_>, found: &[Candidate]) -> Refusal {
    let objections = found.iter().flat_map(|candidate| candidate.objections.clone()).collect();
    Refusal { wanted: format!("{}: no member can become the primary", situation.display()), objections }
}

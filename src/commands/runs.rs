//! `resume`, `undo` and `history`: what became of earlier runs, and how they go on.

use super::Context;
use super::changing::{Change, ChangeArgs, run_id};
use super::log::{LogArgs, held, warn_unseen};
use super::subject::{living, the_set};
use super::target::parse_names;
use crate::cluster::{Cluster, Scope};
use crate::failure::{Failure, FailureKind};
use crate::journal::{self, Found, Home, Journals, Stored};
use crate::plan::{Fate, Goal, Happening, Run, Subject};
use crate::planner;
use crate::ui::{Ui, Written};
use crate::view::{Layout, Screen, history, plan, plural};

/// What `resume` and `undo` take.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The StatefulSet: NAME, sts/NAME or statefulset/NAME [default: the one whose run has not ended]
    #[arg(value_name = "NAME", num_args = 0..=2)]
    names: Vec<String>,
    /// The run [default: the newest one that fits]
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What `undo` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct UndoArgs {
    /// End a run where it stands that can neither be taken back nor go on: a node is gone for good, or somebody changed the set
    #[arg(long)]
    leave: bool,
    #[command(flatten)]
    of: Args,
}

/// What `history` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct HistoryArgs {
    /// The StatefulSet: NAME, sts/NAME or statefulset/NAME [default: every one of the namespace]
    #[arg(value_name = "NAME", num_args = 0..=2)]
    names: Vec<String>,
    /// Show the steps of one run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    #[command(flatten)]
    log: LogArgs,
}

/// Continues a run where it stopped.
///
/// # Errors
/// When there is none, or it stops again.
pub async fn resume(args: Args, context: &Context) -> Result<(), Failure> {
    let cluster = Cluster::connect(&context.connect).await?;
    let change = Change { context, cluster: &cluster, args: &args.change };
    let mut journals = journals_of(&args.names, &args.change.log, context, &cluster).await?;
    let run = choose(&context.ui, &mut journals, args.run.as_deref(), "continued", Run::is_unfinished).await?;
    change.go_on(run, &journals).await
}

/// Takes back what a run did.
///
/// # Errors
/// When there is none, or it cannot be taken back.
pub async fn undo(args: UndoArgs, context: &Context) -> Result<(), Failure> {
    let UndoArgs { leave, of: args } = args;
    let cluster = Cluster::connect(&context.connect).await?;
    let change = Change { context, cluster: &cluster, args: &args.change };
    let mut journals = journals_of(&args.names, &args.change.log, context, &cluster).await?;
    let may_be_undone =
        |run: &Run| !matches!(run.fate(), Fate::Undone { .. }) && !matches!(run.plan.goal, Goal::Undo { .. });
    let run = choose(&context.ui, &mut journals, args.run.as_deref(), "taken back", may_be_undone).await?;
    if let Some(why) = run.past_return() {
        if leave && run.is_unfinished() {
            return change.leave(&run, &journals).await;
        }
        let message = format!("nothing was changed: run {} is past its point of no return", run.plan.id);
        let failure = Failure::new(FailureKind::Refused, message).hint(why);
        return Err(if run.is_unfinished() {
            failure.hint("`resume` does the rest; `undo --leave` ends the run where it stands")
        } else {
            failure
        });
    }
    let now = (context.now)();
    let plan = planner::undo(&run, run_id(now), now);
    if leave {
        if run.is_unfinished() && change.hindrance(&plan).await?.is_some() {
            return change.leave(&run, &journals).await;
        }
        let message = format!("nothing was changed: run {} can be taken back", run.plan.id);
        return Err(Failure::new(FailureKind::Refused, message).hint("--leave is for a run that cannot"));
    }
    if plan.steps.is_empty() {
        journals.mark(&run, Happening::Undone { by: plan.id.clone() }).await.map_err(|error| held(&error))?;
        context.ui.status(&format!("run {} has changed nothing that could be taken back", run.plan.id));
        for note in &plan.notes {
            context.ui.status(&format!("  {note}"));
        }
        return Ok(());
    }
    change.take_back(plan, &run, &journals).await
}

/// Lists runs, or shows one.
///
/// # Errors
/// When they cannot be read.
pub async fn list(args: HistoryArgs, context: &Context) -> Result<(), Failure> {
    let cluster = Cluster::connect(&context.connect).await?;
    let screen = context.ui.screen();
    if args.names.is_empty() && args.run.is_none() {
        let sets = changed_sets(args.log.home(), context, &cluster).await?;
        if sets.is_empty() {
            context.ui.status("no StatefulSet of this namespace has a run of this program");
        }
        for (Subject { name, namespace, .. }, found) in sets {
            let title = format!("statefulset/{name} in {namespace}\n");
            let (Written::All | Written::ReaderGone) = context.ui.print(&(title + &drawn(found, &screen) + "\n"))?;
        }
        return Ok(());
    }
    let mut journals = journals_of(&args.names, &args.log, context, &cluster).await?;
    if let Some(id) = &args.run {
        let run = choose(&context.ui, &mut journals, Some(id), "shown", |_| true).await?;
        let text = plan::plan(&run.plan, &screen) + "\n" + &plan::run(&run, &screen);
        let (Written::All | Written::ReaderGone) = context.ui.print(&text)?;
        return Ok(());
    }
    let found = journals.runs().await.map_err(|error| held(&error))?;
    warn_unseen(&context.ui, found.unseen.as_deref());
    if found.runs.is_empty() {
        context.ui.status(&format!("statefulset/{} has no run of this program", journals.subject.name));
        return Ok(());
    }
    let (Written::All | Written::ReaderGone) = context.ui.print(&drawn(found, &screen))?;
    Ok(())
}

/// Draws the runs of one set.
fn drawn(found: Found, screen: &Screen) -> String {
    let line = |Stored { id, run, home, .. }| history::Line { id, run, local: home == Home::Local };
    let lines: Vec<_> = found.runs.into_iter().map(line).collect();
    history::history(&lines, Layout::default(), screen)
}

/// Opens the journals of the set that is named, or of the one that has a run which has not ended.
async fn journals_of<'c>(
    words: &[String],
    log: &LogArgs,
    context: &Context,
    cluster: &'c Cluster,
) -> Result<Journals<'c>, Failure> {
    let names = parse_names(words)?;
    let subject = match names.as_slice() {
        [name] => Subject::of(&the_set(name, context, cluster).await?),
        [] => the_unfinished(changed_sets(log.home(), context, cluster).await?)?,
        [_, _, ..] => return Err(Failure::new(FailureKind::Usage, "name one StatefulSet")),
    };
    Ok(context.journals(cluster, subject, log).await)
}

/// Finds the one set whose run has not ended.
fn the_unfinished(sets: Vec<(Subject, Found)>) -> Result<Subject, Failure> {
    let mut open: Vec<Subject> =
        sets.into_iter().filter(|(_, found)| found.unfinished().is_some()).map(|(subject, _)| subject).collect();
    let names: Vec<String> = open.iter().map(|subject| subject.name.to_string()).collect();
    match (open.pop(), names.as_slice()) {
        (Some(only), [_]) => Ok(only),
        (None, _) => Err(Failure::new(FailureKind::Usage, "no run of this namespace is left unfinished")
            .hint("name the StatefulSet; `kubectl stateful history` lists every run")),
        (Some(_), several) => Err(Failure::new(
            FailureKind::Usage,
            format!("runs of several sets have not ended: {}", plural::list(several)),
        )
        .hint("name one of them")),
    }
}

/// Reads the runs of every set of the namespace that was changed: what is in the cluster with one request.
async fn changed_sets(home: Home, context: &Context, cluster: &Cluster) -> Result<Vec<(Subject, Found)>, Failure> {
    let Scope::One(namespace) = context.one_namespace(cluster)? else { return Ok(Vec::new()) };
    let found = journal::of_namespace(cluster, &namespace, home).await.map_err(|error| held(&error))?;
    let (mut sets, unseen) = found;
    warn_unseen(&context.ui, unseen.as_deref());
    // The journals in the cluster go with their set; files stay, and may be of another cluster.
    let only_files = |found: &Found| found.runs.iter().all(|stored| stored.home == Home::Local);
    if sets.iter().any(|(_, found)| only_files(found)) {
        let living = living(context, cluster).await?;
        sets.retain(|(subject, found)| !only_files(found) || living.contains(&subject.uid));
    }
    Ok(sets)
}

/// Chooses a run: the one that is named, else the newest that fits. Its journal is gone on with where it is.
async fn choose(
    ui: &Ui,
    journals: &mut Journals<'_>,
    id: Option<&str>,
    what: &str,
    fits: impl Fn(&Run) -> bool,
) -> Result<Run, Failure> {
    let found = journals.runs().await.map_err(|error| held(&error))?;
    warn_unseen(ui, found.unseen.as_deref());
    let subject = &journals.subject;
    let see = format!("`kubectl stateful history {} -n {}` lists the runs", subject.name, subject.namespace);
    let none = |message: String| Failure::new(FailureKind::Usage, message).hint(see.clone());
    let chosen = match id {
        Some(id) => found.runs.iter().find(|stored| stored.id == id),
        None => found.runs.iter().rev().find(|stored| stored.run.as_ref().map_or(true, &fits)),
    };
    let chosen = chosen.ok_or_else(|| none(format!("statefulset/{} has no run that could be {what}", subject.name)))?;
    let run = chosen.run.clone().map_err(|error| {
        Failure::new(FailureKind::Refused, format!("run {}: {error}", chosen.id))
            .hint("the program that wrote it can read it; nothing is guessed")
    })?;
    if !fits(&run) {
        return Err(none(format!("run {} cannot be {what}", chosen.id)));
    }
    journals.home = chosen.home;
    Ok(run)
}

//! `resume`, `undo` and `history`: what became of earlier runs, and how they go on.

use super::Context;
use super::changing::{Change, ChangeArgs, LogArgs, held, run_id, who};
use super::subject::the_set;
use super::target::parse_names;
use crate::cluster::{Cluster, Scope};
use crate::failure::{Failure, FailureKind};
use crate::journal::{self, Journals, Stored};
use crate::plan::{Fate, Goal, Happening, Run, Subject};
use crate::planner;
use crate::ui::Written;
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
    let journals = journals_of(&args.names, &args.change.log, context, &cluster).await?;
    let run = choose(&journals, args.run.as_deref(), "continued", Run::is_unfinished).await?;
    change.go_on(run, &journals).await
}

/// Takes back what a run did.
///
/// # Errors
/// When there is none, or it cannot be taken back.
pub async fn undo(args: Args, context: &Context) -> Result<(), Failure> {
    let cluster = Cluster::connect(&context.connect).await?;
    let change = Change { context, cluster: &cluster, args: &args.change };
    let journals = journals_of(&args.names, &args.change.log, context, &cluster).await?;
    let may_be_undone =
        |run: &Run| !matches!(run.fate(), Fate::Undone { .. }) && !matches!(run.plan.goal, Goal::Undo { .. });
    let run = choose(&journals, args.run.as_deref(), "taken back", may_be_undone).await?;
    let now = (context.now)();
    let plan = planner::undo(&run, run_id(now), now);
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
        let found = changed_sets(&args.log, context, &cluster).await?;
        if found.is_empty() {
            context.ui.status("no StatefulSet of this namespace was changed by this program");
        }
        for journals in found {
            let Subject { name, namespace, .. } = &journals.subject;
            let title = format!("statefulset/{name} in {namespace}\n");
            let (Written::All | Written::ReaderGone) =
                context.ui.print(&(title + &runs_of(&journals, &screen).await? + "\n"))?;
        }
        return Ok(());
    }
    let journals = journals_of(&args.names, &args.log, context, &cluster).await?;
    if let Some(id) = &args.run {
        let run = choose(&journals, Some(id), "shown", |_| true).await?;
        let text = plan::plan(&run.plan, &screen) + "\n" + &plan::run(&run, &screen);
        let (Written::All | Written::ReaderGone) = context.ui.print(&text)?;
        return Ok(());
    }
    let text = runs_of(&journals, &screen).await?;
    if text.is_empty() {
        context.ui.status(&format!("statefulset/{} was never changed by this program", journals.subject.name));
    }
    let (Written::All | Written::ReaderGone) = context.ui.print(&text)?;
    Ok(())
}

/// Draws the runs of one set; nothing where there are none.
async fn runs_of(journals: &Journals<'_>, screen: &Screen) -> Result<String, Failure> {
    let runs = journals.runs().await.map_err(|error| held(&error))?;
    if runs.is_empty() {
        return Ok(String::new());
    }
    let runs: Vec<_> = runs.into_iter().map(|Stored { id, run, .. }| (id, run)).collect();
    Ok(history::history(&runs, Layout::default(), screen))
}

/// Opens the journals of the set that is named, or of the one that has a run which has not ended.
async fn journals_of<'c>(
    words: &[String],
    log: &LogArgs,
    context: &Context,
    cluster: &'c Cluster,
) -> Result<Journals<'c>, Failure> {
    let names = parse_names(words)?;
    match names.as_slice() {
        [name] => {
            let subject = Subject::of(&the_set(name, context, cluster).await?);
            Ok(context.journals(cluster, subject, log).await)
        }
        [] => the_unfinished(changed_sets(log, context, cluster).await?).await,
        [_, _, ..] => Err(Failure::new(FailureKind::Usage, "name one StatefulSet")),
    }
}

/// Finds the one set whose run has not ended.
async fn the_unfinished(found: Vec<Journals<'_>>) -> Result<Journals<'_>, Failure> {
    let mut open = Vec::new();
    for journals in found {
        let runs = journals.runs().await.map_err(|error| held(&error))?;
        if runs.iter().any(|stored| stored.run.as_ref().map_or(true, Run::is_unfinished)) {
            open.push(journals);
        }
    }
    let names: Vec<String> = open.iter().map(|journals| journals.subject.name.to_string()).collect();
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

/// Opens the journals of every set of the namespace that has some in the cluster.
async fn changed_sets<'c>(
    log: &LogArgs,
    context: &Context,
    cluster: &'c Cluster,
) -> Result<Vec<Journals<'c>>, Failure> {
    let Scope::One(namespace) = context.one_namespace(cluster)? else { return Ok(Vec::new()) };
    let subjects = journal::subjects(cluster, &namespace).await.map_err(|error| held(&error))?;
    let who = who(cluster).await;
    let open = |subject| context.journals_as(who.clone(), cluster, subject, log);
    Ok(subjects.into_iter().map(open).collect())
}

/// Chooses a run: the one that is named, else the newest that fits.
async fn choose(
    journals: &Journals<'_>,
    id: Option<&str>,
    what: &str,
    fits: impl Fn(&Run) -> bool,
) -> Result<Run, Failure> {
    let subject = &journals.subject;
    let runs = journals.runs().await.map_err(|error| held(&error))?;
    let see = format!("`kubectl stateful history {} -n {}` lists the runs", subject.name, subject.namespace);
    let none = |message: String| Failure::new(FailureKind::Usage, message).hint(see.clone());
    let found = match id {
        Some(id) => runs.into_iter().find(|stored| stored.id == id),
        None => runs.into_iter().rev().find(|stored| stored.run.as_ref().map_or(true, &fits)),
    };
    let found = found.ok_or_else(|| none(format!("statefulset/{} has no run that could be {what}", subject.name)))?;
    let run = found.run.map_err(|error| {
        Failure::new(FailureKind::Refused, format!("run {}: {error}", found.id))
            .hint("the program that wrote it can read it; nothing is guessed")
    })?;
    if fits(&run) { Ok(run) } else { Err(none(format!("run {} cannot be {what}", found.id))) }
}

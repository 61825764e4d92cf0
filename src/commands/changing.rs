//! The way of every change: look, plan, show, ask, lock, look again, carry out, say how it ended.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::log::{LOCAL_HINT, LogArgs, held, resume_hint, undo_hint, warn_unseen};
use crate::cluster::{Cluster, Trial, parse_duration};
use crate::execute::{Interrupt, Live, NotSent, Stop, Terms, execute, hindrance};
use crate::failure::{Failure, FailureKind};
use crate::journal::{Home, Journals, Ledger};
use crate::plan::{
    Approved, Consent, Effect, Event, Goal, Happening, Permission, Plan, Run, RunId, Subject, Typed, Undo,
};
use crate::planner::{self, Refusal};
use crate::ui::{Progress, Written};
use crate::view::{Screen, event, plan, plural, refusal};

/// How a change is carried out.
#[derive(Clone, Debug, clap::Args)]
pub struct ChangeArgs {
    /// Do not ask: carry the shown plan out
    #[arg(long, short)]
    yes: bool,
    /// Only show the plan; `server` also lets the API server judge each change
    #[arg(long, value_enum, value_name = "client|server", num_args = 0..=1, require_equals = true,
          default_missing_value = "client")]
    dry_run: Option<DryRun>,
    /// Output for programs: the plan of a dry run, or one event per line
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// How long everything may take together [default: the sum of the steps]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Where the journal is.
    #[command(flatten)]
    pub log: LogArgs,
}

impl ChangeArgs {
    /// Tells whether whatever is planned is agreed to beforehand (`--yes`), and carried out.
    pub(super) fn is_agreed(&self) -> bool {
        self.yes && self.dry_run.is_none()
    }
}

/// What a dry run asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum DryRun {
    /// Nobody
    Client,
    /// The API server
    Server,
}

/// Formats for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// One change on its way.
pub struct Change<'a> {
    /// What every command gets.
    pub context: &'a Context,
    /// The cluster.
    pub cluster: &'a Cluster,
    /// How it is carried out.
    pub args: &'a ChangeArgs,
}

/// Names a run after the time at which its plan is made.
pub(super) fn run_id(now: jiff::Timestamp) -> RunId {
    RunId(format!("{}-{:03}", now.strftime("%Y%m%d-%H%M%S"), now.subsec_millisecond()))
}

impl Change<'_> {
    /// Tells whether somebody is asked before anything is done.
    pub(super) fn asks(&self) -> bool {
        !self.args.yes && self.args.dry_run.is_none()
    }

    /// Tells whether it is carried out, not only shown.
    pub(super) fn is_real(&self) -> bool {
        self.args.dry_run.is_none()
    }

    /// Shows a plan, asks, and carries out what was agreed to. `make` makes the plan from what is there when it is called.
    pub(super) async fn carry_out<F>(&self, subject: Subject, make: F) -> Result<(), Failure>
    where
        F: AsyncFn() -> Result<Plan, Failure>,
    {
        if let Some(dry_run) = self.args.dry_run {
            return self.show(&make().await?, dry_run).await;
        }
        let journals = self.context.journals(self.cluster, subject, &self.args.log).await;
        // First of all: half of another plan explains whatever would speak against this one.
        let unseen = self.unfinished(&journals, None).await?;
        warn_unseen(&self.context.ui, unseen.as_deref());
        let first = make().await?;
        self.permitted(&first, &journals).await?;
        let mut plan = first;
        let approved = loop {
            let consent = self.ask(&plan)?;
            // Somebody may have thought for an hour: nothing stale is carried out.
            let fresh = make().await?;
            if fresh.does_the_same(&plan) {
                self.unfinished(&journals, None).await?;
                break plan.approve(consent);
            }
            self.changed(&plan, &fresh)?;
            plan = fresh;
        };
        let ledger = journals.open(approved.plan().clone()).await.map_err(|error| held(&error))?;
        self.work(&approved, ledger, &journals).await
    }

    /// Says what has changed since a plan was shown, before the one that fits now is.
    fn changed(&self, before: &Plan, now: &Plan) -> Result<(), Failure> {
        let ui = &self.context.ui;
        let refused = |message: &str| Failure::new(FailureKind::Refused, format!("nothing was changed: {message}"));
        if now.subject != before.subject {
            return Err(refused("the set was deleted, and is another one of that name now"));
        }
        ui.warn("what was planned no longer fits; since then");
        ui.aside(&plan::changes(before, now, &ui.aside_screen()));
        if self.args.yes {
            return Err(refused("the set changes while it is planned").hint("run it again when it has come to rest"));
        }
        Ok(())
    }

    /// Continues a run where it stopped.
    pub(super) async fn go_on(&self, run: Run, journals: &Journals<'_>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        if let Some(dry_run) = self.args.dry_run {
            return self.show(&run.plan, dry_run).await;
        }
        self.permitted(&run.plan, journals).await?;
        ui.aside(&plan::run(&run, &ui.aside_screen()));
        let consent = self.consent(&run.plan, "continue")?;
        let approved = run.plan.clone().approve(consent);
        let ledger = journals.go_on(run).await.map_err(|error| held(&error))?;
        self.work(&approved, ledger, journals).await
    }

    /// Carries out the plan that takes a run back.
    pub(super) async fn take_back(&self, back: Plan, run: &Run, journals: &Journals<'_>) -> Result<(), Failure> {
        if let Some(dry_run) = self.args.dry_run {
            return self.show(&back, dry_run).await;
        }
        self.unfinished(journals, Some(&run.plan.id)).await?;
        self.permitted(&back, journals).await?;
        self.can_begin(&back, journals).await?;
        let consent = self.ask(&back)?;
        // Somebody may have gone on with it meanwhile: then this is not what takes it back.
        journals.is_still(run).await.map_err(|error| held(&error))?;
        self.carry_back(back, consent, run, journals).await
    }

    /// Refuses what could not even be begun: a run that stops at its first step would only be in the way of another one.
    async fn can_begin(&self, plan: &Plan, journals: &Journals<'_>) -> Result<(), Failure> {
        let Some(why) = self.hindrance(plan).await? else { return Ok(()) };
        let failure = Failure::new(FailureKind::Refused, format!("nothing was changed: {why}"));
        let resume = resume_hint(&journals.subject, journals.home);
        Err(failure.hint(format!("{resume}; `undo --leave` ends the run where it stands")))
    }

    /// Why a plan could not even be begun; `None` when it could.
    pub(super) async fn hindrance(&self, plan: &Plan) -> Result<Option<String>, Failure> {
        Ok(hindrance(plan, &Live::new(self.cluster, plan, self.context.now)).await?)
    }

    async fn carry_back(
        &self,
        back: Plan,
        consent: Consent,
        run: &Run,
        journals: &Journals<'_>,
    ) -> Result<(), Failure> {
        let by = back.id.clone();
        let ledger = journals.open(back.clone()).await.map_err(|error| held(&error))?;
        self.work(&back.approve(consent), ledger, journals).await?;
        journals.mark(run, Happening::Undone { by }).await.map_err(|error| held(&error))
    }

    /// Ends a run where it stands: what it has not done is not done, and nothing is in the way of another plan.
    pub(super) async fn leave(&self, run: &Run, journals: &Journals<'_>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        ui.aside(&plan::run(run, &ui.aside_screen()));
        if self.args.dry_run.is_some() {
            return Ok(());
        }
        self.consent(&run.plan, "leave what is not done undone")?;
        journals.is_still(run).await.map_err(|error| held(&error))?;
        journals.mark(run, Happening::Left).await.map_err(|error| held(&error))?;
        ui.status(&format!("run {} is ended where it stood", run.plan.id));
        Ok(())
    }

    /// Carries out, or continues, a run whose journal is open.
    async fn work(&self, approved: &Approved, mut ledger: Ledger<'_>, journals: &Journals<'_>) -> Result<(), Failure> {
        let interrupt = Interrupt::default();
        let progress = self.context.ui.progress("");
        let told = RefCell::default();
        let tell = |event: Event| self.tell(&event, approved.plan(), &progress, &told);
        let deadline = self.args.timeout.map(|timeout| Instant::now() + timeout);
        let terms = Terms { deadline, interrupt: &interrupt, tell: &tell };
        let world = Live::new(self.cluster, approved.plan(), self.context.now);
        let run = ledger.run().clone();
        let outcome = {
            let work = Box::pin(execute(approved, &run, &world, &mut ledger, &terms));
            let first = || progress.set("stopping: nothing new is begun (again to leave at once)");
            tokio::select! {
                outcome = work => outcome,
                listened = interrupt.listen(first) => {
                    listened?;
                    // The journal says what was begun; the lock ends by itself.
                    return Err(Failure::new(FailureKind::Interrupted, "left at once: what was begun is in the journal")
                        .hint(resume_hint(&journals.subject, journals.home)));
                }
            }
        };
        drop(progress);
        let run = ledger.run().clone();
        self.record(&outcome, &run, journals).await;
        ledger.close().await;
        match outcome {
            Ok(()) => self.done(&run),
            Err(Stop::Failed { step, why }) if goes_back(&run, step) => self.go_back(step, &why, &run, journals).await,
            Err(stop) => Err(self.stopped(&stop, &run, journals)),
        }
    }

    /// Takes a run back that failed while a member was down for it: that was agreed to with the plan.
    async fn go_back(&self, step: usize, why: &str, run: &Run, journals: &Journals<'_>) -> Result<(), Failure> {
        let ui = &self.context.ui;
        ui.warn(&format!("step {} failed, and everything is taken back: {why}", step + 1));
        let now = (self.context.now)();
        let back = planner::undo(run, run_id(now), now);
        Box::pin(self.carry_back(back, Consent::Earlier, run, journals)).await?;
        Err(Failure::new(FailureKind::Stopped, format!("{why}; everything was taken back, and is as it was before")))
    }

    /// Leaves on the set what was done, and by whom.
    async fn record(&self, outcome: &Result<(), Stop>, run: &Run, journals: &Journals<'_>) {
        let Plan { goal, id, .. } = &run.plan;
        let done = format!("{}/{} steps", run.steps_done(), run.plan.steps.len());
        let (reason, message, warning) = match outcome {
            Ok(()) => ("Changed", format!("{goal} done, {done}, by {} (run {id})", journals.who), false),
            Err(stop) => {
                let why = match stop {
                    Stop::Interrupted { .. } => "interrupted".to_owned(),
                    Stop::Failed { why, .. } => why.clone(),
                    Stop::Journal { why, .. } => why.to_string(),
                };
                ("Stopped", format!("{goal} stopped, {done}, by {} (run {id}): {why}", journals.who), true)
            }
        };
        self.cluster.record(&journals.subject, reason, &message, warning, (self.context.now)()).await;
    }

    /// Says what happens: on one line that changes where somebody watches, else a line whenever there is news.
    fn tell(&self, event: &Event, plan: &Plan, progress: &Progress, told: &RefCell<String>) {
        if self.args.output.is_some() {
            let line = serde_json::to_string(event).expect("events are plain data");
            // A reader that is gone must not stop a change half-way.
            let _ = self.context.ui.print(&(line + "\n"));
            return;
        }
        let line = event::line(event, plan);
        match event {
            Event::Done { .. } | Event::TriesAgain { .. } => progress.suspend(|| self.context.ui.status(&line)),
            Event::Begins { .. } if self.context.ui.is_watched() => progress.set(&line),
            Event::Waits { progress: measured, .. } if self.context.ui.is_watched() => {
                progress.set_with(&line, *measured);
            }
            Event::Begins { .. } => self.context.ui.status(&line),
            Event::Waits { why, progress: measured, .. } => {
                // Of what is measured, only what it is: how much of it changes all the time.
                let news = if measured.is_some() { why.split(':').next().unwrap_or_default() } else { why };
                if told.replace(news.to_owned()) != news {
                    self.context.ui.status(&line);
                }
            }
        }
    }

    async fn show(&self, shown: &Plan, dry_run: DryRun) -> Result<(), Failure> {
        if dry_run == DryRun::Server {
            self.judged_by_server(shown).await?;
        }
        let text = match self.args.output {
            None => plan::plan(shown, &self.context.ui.screen()),
            Some(Format::Json) => serde_json::to_string_pretty(shown).map(|text| text + "\n").map_err(unexpected)?,
            Some(Format::Yaml) => serde_saphyr::to_string(shown).map_err(unexpected)?,
        };
        let (Written::All | Written::ReaderGone) = self.context.ui.print(&text)?;
        let judged = if dry_run == DryRun::Server {
            "dry run: nothing was changed; the server judged each change by today's state"
        } else {
            "dry run: nothing was changed"
        };
        self.context.ui.status(judged);
        Ok(())
    }

    /// Lets the server judge each change as if it came first: later ones are judged by today's state.
    async fn judged_by_server(&self, shown: &Plan) -> Result<(), Failure> {
        let world = Live::new(self.cluster, shown, self.context.now);
        let number = |effect: &Effect| if let Effect::SetReplicas { from, .. } = effect { Some(*from) } else { None };
        let replicas = shown.steps.iter().find_map(|step| number(&step.effect)).unwrap_or_default();
        for step in &shown.steps {
            let mut today = step.effect.clone();
            if let Effect::SetReplicas { from, to: _ } = &mut today {
                *from = replicas;
            }
            if let Err(NotSent::Refused(why) | NotSent::Unsettled(why) | NotSent::NotYet(why)) =
                world.send_as(&today, Trial::ServerDryRun).await
            {
                return Err(Failure::new(FailureKind::Refused, format!("the server would not {}: {why}", step.effect)));
            }
        }
        Ok(())
    }

    /// An earlier run that has not ended comes first: two plans for one set do not mix. Gives why some may be unseen.
    async fn unfinished(&self, journals: &Journals<'_>, but: Option<&RunId>) -> Result<Option<String>, Failure> {
        let mut found = journals.runs().await.map_err(|error| held(&error))?;
        found.runs.retain(|stored| Some(stored.id.as_str()) != but.map(|id| id.0.as_str()));
        let Some(open) = found.unfinished() else { return Ok(found.unseen) };
        if let Some(at_work) = journals.holder(open.home).await {
            return Err(held(&at_work));
        }
        let subject = &journals.subject;
        let local = if open.home == Home::Local { ", which is kept on this machine only," } else { "" };
        let message = format!("run {} of statefulset/{}{local} has not ended", open.id, subject.name);
        Err(Failure::new(FailureKind::Held, message)
            .hint(resume_hint(subject, open.home))
            .hint(undo_hint(subject, open.home)))
    }

    /// Checks every permission that the plan and its journal need, before anything is done.
    /// Sees that everything that a plan does is permitted.
    pub(super) async fn permitted(&self, plan: &Plan, journals: &Journals<'_>) -> Result<(), Failure> {
        let mut needed: Vec<Permission> = plan.steps.iter().flat_map(|step| step.effect.permissions()).collect();
        needed.extend(journals.permissions());
        needed.sort();
        needed.dedup();
        let mut missing = Vec::new();
        for permission in &needed {
            if !self.cluster.may(&plan.subject.namespace, permission).await? {
                missing.push(permission.to_string());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let what = missing.join(", ");
        let failure =
            Failure::new(FailureKind::Unreachable, format!("nothing was changed: missing permission to {what}"))
                .hint("docs/rbac.md has the least Role for this command");
        let journal = missing.iter().all(|one| one.contains("configmaps") || one.contains("leases"));
        Err(if journal { failure.hint(LOCAL_HINT) } else { failure })
    }

    fn ask(&self, shown: &Plan) -> Result<Consent, Failure> {
        let ui = &self.context.ui;
        ui.aside(&plan::plan(shown, &ui.aside_screen()));
        let steps = plural::count(shown.steps.len(), "step");
        let consent =
            self.consent(shown, &format!("run {} {steps}", if shown.steps.len() == 1 { "this" } else { "these" }))?;
        if matches!(consent, Consent::Typed) {
            return Ok(consent);
        }
        for Typed { what, word } in typed(shown) {
            let typed = ui.typed(&format!("{what}: type {word} to do it"))?;
            if typed.as_deref() != Some(word.as_str()) {
                return Err(Failure::new(FailureKind::Refused, format!("nothing was changed: {word} was not typed")));
            }
        }
        Ok(consent)
    }

    /// Gets somebody's yes: from the command line, or at the prompt.
    fn consent(&self, plan: &Plan, question: &str) -> Result<Consent, Failure> {
        if self.args.yes {
            return Ok(Consent::Typed);
        }
        let question =
            format!("{question} on statefulset/{} in namespace {}?", plan.subject.name, plan.subject.namespace);
        match self.context.ui.confirm(&question)? {
            Some(true) => Ok(Consent::Answered),
            Some(false) => Err(Failure::new(FailureKind::Refused, "nothing was changed")),
            None => Err(Failure::new(FailureKind::Refused, "nothing was changed: nobody can be asked here")
                .hint("--yes carries the plan out without asking")),
        }
    }

    fn done(&self, run: &Run) -> Result<(), Failure> {
        let plan = &run.plan;
        let text = match self.args.output {
            Some(_) => "{\"event\":\"finished\"}\n".to_owned(),
            None => format!(
                "statefulset/{} in namespace {}: {} done{}\n",
                plan.subject.name,
                plan.subject.namespace,
                plan.goal,
                paused(run)
                    .map(|pause| {
                        let what = match &plan.goal {
                            Goal::Migrate { pod, .. } => format!("{pod} was down"),
                            Goal::ScaleDown { .. } | Goal::Promote { .. } | Goal::Finish { .. } | Goal::Undo { .. } => {
                                "writes paused".to_owned()
                            }
                        };
                        format!("; {what} for at most {:.1} s", pause.as_secs_f64())
                    })
                    .unwrap_or_default()
            ),
        };
        let (Written::All | Written::ReaderGone) = self.context.ui.print(&text)?;
        let ui = &self.context.ui;
        if self.args.output.is_none() {
            ui.aside(&plan::notes(plan, &ui.aside_screen()));
        }
        Ok(())
    }

    fn stopped(&self, stop: &Stop, run: &Run, journals: &Journals<'_>) -> Failure {
        let subject = &journals.subject;
        let steps = run.plan.steps.len();
        let (kind, message) = match stop {
            Stop::Interrupted { step, waited } => {
                let waited = if waited.is_empty() { String::new() } else { format!(", while {waited}") };
                (FailureKind::Interrupted, format!("interrupted at step {} of {steps}{waited}", step + 1))
            }
            Stop::Failed { step, why } => {
                (FailureKind::Stopped, format!("stopped at step {} of {steps}: {why}", step + 1))
            }
            Stop::Journal { step, why } => {
                (FailureKind::Stopped, format!("stopped at step {} of {steps}: {why}", (step + 1).min(steps)))
            }
        };
        self.context.ui.aside(&plan::run(run, &self.context.ui.aside_screen()));
        let failure = Failure::new(kind, message).hint(resume_hint(subject, journals.home));
        match run.past_return() {
            None => failure.hint(undo_hint(subject, journals.home)),
            Some(_) => failure,
        }
    }

    /// Words a refusal: the headline as the error, the reasons before it.
    pub(super) fn refused(&self, refused: &Refusal) -> Failure {
        let screen = Screen { colour: false, ..self.context.ui.aside_screen() };
        let reasons = refusal::refusal(refused, &screen);
        let message = format!("refused, nothing was changed: {}\n{}", refused.wanted, reasons.trim_end());
        Failure::new(FailureKind::Refused, message)
    }
}

/// Lists the words that have to be typed: the plan's own, and the name of each claim or volume that is deleted.
fn typed(plan: &Plan) -> Vec<Typed> {
    let claims = plan.steps.iter().filter_map(|step| match (&step.undo, &step.effect) {
        (Undo::Never { .. }, Effect::DeleteClaim { claim: gone } | Effect::DeleteVolume { volume: gone }) => {
            Some(Typed { what: format!("{} cannot be taken back", step.effect), word: gone.name.clone() })
        }
        _ => None,
    });
    plan.typed.iter().cloned().chain(claims).collect()
}

/// Tells whether a run that failed there is taken back at once: a member is down for it, and nothing keeps it from coming back.
fn goes_back(run: &Run, step: usize) -> bool {
    let down = run.plan.pause.filter(|pause| (pause.first..pause.last).contains(&step));
    matches!(run.plan.goal, Goal::Migrate { .. }) && down.is_some() && run.past_return().is_none()
}

/// Says how long nobody took writes, at most: from the first entry of the pause to the last one.
fn paused(run: &Run) -> Option<Duration> {
    let pause = run.plan.pause?;
    let at = |what: &Happening| run.entries.iter().find(|entry| entry.what == *what).map(|entry| entry.at);
    let (first, last) = (at(&Happening::Began { step: pause.first })?, at(&Happening::Done { step: pause.last })?);
    Duration::try_from(last.duration_since(first)).ok()
}

fn unexpected(error: impl std::fmt::Display) -> Failure {
    Failure::from(io::Error::other(error.to_string()))
}

//! Carrying a plan out: the one loop that every change goes through.
//!
//! ```text
//! for each step:  done before?            skip
//!                 begun before?           look at its trace: landed -> settle, else as if never begun
//!                 settle what it requires -> journal Began -> send the effect -> settle what it ensures -> journal Done
//! steps that are begun together: the same with all of them at each arrow
//! settle = read what the checks need, judge, pause; until all hold, one is broken, the limit, or somebody stops it
//! Whatever is awaited meanwhile, the world says once a moment who does not answer.
//! ```

mod hindrance;
mod interrupt;
mod live;
mod wait;

use std::ops::RangeInclusive;
use std::pin::pin;
use std::slice;
use std::time::Duration;

use tokio::time::Instant;

pub use hindrance::hindrance;
pub use interrupt::Interrupt;
pub use live::Live;

use crate::cluster::ClusterError;
use crate::journal::{Journal, JournalError};
use crate::model::Snapshot;
use crate::plan::{
    Approved, Check, Effect, Event, Happening, Measure, Plan, Progress, Reading, Run, Step, Trace, Verdict, When,
};
use crate::planner;
use wait::{Wait, heard};

/// The first pause between two looks; what is quick is seen quickly.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause: how late the end of a long wait may be seen.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often an effect is sent again when the server was busy or its answer was lost.
const TRIES: u32 = 5;

/// The world that a plan is carried out in.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so that no future has to be Send")]
pub trait World {
    /// Reads what is needed to judge; always the set itself.
    ///
    /// # Errors
    /// When it cannot be read now.
    async fn observe(&self, reading: Reading) -> Result<Snapshot, ClusterError>;

    /// Sends one effect, once.
    ///
    /// # Errors
    /// When it was refused, or when nobody knows whether it landed.
    async fn send(&self, effect: &Effect) -> Result<(), NotSent>;

    /// Sends effects in their order, once each, and none after one that did not land.
    ///
    /// # Errors
    /// With the number of the one that was refused, or of which nobody knows.
    async fn send_all(&self, effects: &[&Effect]) -> Result<(), (usize, NotSent)> {
        one_by_one(self, effects).await
    }

    /// Says what is being done right now where that takes long, as a fragment, and how much of it is left.
    fn doing(&self) -> Option<(String, Option<Measure>)> {
        None
    }

    /// Says who has been asked and has not answered yet, as a fragment.
    fn silent(&self) -> Option<String>;
}

async fn one_by_one<W: World + ?Sized>(world: &W, effects: &[&Effect]) -> Result<(), (usize, NotSent)> {
    for (at, effect) in effects.iter().enumerate() {
        world.send(effect).await.map_err(|not_sent| (at, not_sent))?;
    }
    Ok(())
}

/// Why an effect may not have landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It did not, and will not by trying again.
    Refused(String),
    /// It did not, or nobody knows: look, and perhaps try again.
    Unsettled(String),
    /// It is to be sent again until the step's limit.
    NotYet(String),
}

/// Why an execution ended before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody stopped it.
    Interrupted {
        /// The step that was at work.
        step: usize,
        /// What it waited for; empty when for nothing.
        waited: String,
    },
    /// A step could not be done.
    Failed {
        /// The step.
        step: usize,
        /// Why.
        why: String,
    },
    /// The journal could not be written: what cannot be written down is not done.
    Journal {
        /// The step.
        step: usize,
        /// Why.
        why: JournalError,
    },
}

/// How long everything together may take, and what is told while it goes on.
pub struct Terms<'a> {
    /// When it must have ended, if there is such a time.
    pub deadline: Option<Instant>,
    /// Somebody's wish to stop.
    pub interrupt: &'a Interrupt,
    /// Told what happens.
    pub tell: &'a dyn Fn(Event),
}

/// Carries a plan out, from where `run` says that it came to.
///
/// # Errors
/// When it stopped before its end. The journal says where.
pub async fn execute<W: World, J: Journal>(
    approved: &Approved,
    run: &Run,
    world: &W,
    journal: &mut J,
    terms: &Terms<'_>,
) -> Result<(), Stop> {
    let mut execution = Execution { plan: approved.plan(), world, journal, terms, waits: String::new() };
    let mut at = 0;
    while let Some(step) = approved.plan().steps.get(at) {
        let group = group(run, at);
        let next = group.as_ref().map_or(at, |group| *group.end()) + 1;
        let outcome = match (group, run.progress(at)) {
            (Some(group), _) => execution.together(group).await,
            (None, Progress::Done) => Ok(()),
            (None, progress) => execution.step(at, step, &progress).await,
        };
        if let Err(stop) = outcome {
            return Err(execution.stopped(stop).await);
        }
        at = next;
    }
    let last = approved.plan().steps.len();
    execution.write(last, vec![Happening::Finished]).await
}

/// Finds the steps that are begun together with this one. Once one of them was begun, each goes on by itself.
fn group(run: &Run, at: usize) -> Option<RangeInclusive<usize>> {
    let pause = run.plan.pause.filter(|pause| pause.together == Some(at) && pause.last > at)?;
    let group = at..=pause.last;
    group.clone().all(|at| run.progress(at) == Progress::Waiting).then_some(group)
}

struct Execution<'e, W, J> {
    plan: &'e Plan,
    world: &'e W,
    journal: &'e mut J,
    terms: &'e Terms<'e>,
    /// What is waited for.
    waits: String,
}

/// Whether an effect has reached the cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Landed {
    Yes,
    No,
}

impl<W: World, J: Journal> Execution<'_, W, J> {
    async fn step(&mut self, at: usize, step: &Step, progress: &Progress) -> Result<(), Stop> {
        let began = Instant::now();
        self.waits.clear();
        (self.terms.tell)(Event::Begins { step: at });
        let landed = match (progress, step.when) {
            (Progress::Waiting, When::Always) => Landed::No,
            (Progress::Waiting, When::UnlessSeen) | (Progress::Began | Progress::Done, _) => {
                self.landed(at, step).await?
            }
        };
        if landed == Landed::No {
            self.settle(at, &step.requires).await?;
            self.stop_if_asked(at)?;
            self.write(at, vec![Happening::Began { step: at }]).await?;
            self.send(at, step).await?;
        }
        self.settle(at, &step.ensures).await?;
        self.write(at, vec![Happening::Done { step: at }]).await?;
        (self.terms.tell)(Event::Done { step: at, took: began.elapsed() });
        Ok(())
    }

    /// Carries steps out that are begun together: what they require is seen before the first one, what they ensure after
    /// the last one. When it is not known what became of one, each is gone on with by itself.
    async fn together(&mut self, group: RangeInclusive<usize>) -> Result<(), Stop> {
        let began = Instant::now();
        let (first, last) = (*group.start(), *group.end());
        let steps = self.plan.steps.get(group.clone()).unwrap_or_default();
        self.waits.clear();
        (self.terms.tell)(Event::Begins { step: first });
        let all = |of: fn(&Step) -> &[Check]| steps.iter().flat_map(of).cloned().collect::<Vec<_>>();
        self.settle(last, &all(|step| &step.requires)).await?;
        self.stop_if_asked(first)?;
        self.write(first, group.clone().map(|step| Happening::Began { step }).collect()).await?;
        (self.terms.tell)(Event::Begins { step: last });
        let effects: Vec<&Effect> = steps.iter().map(|step| &step.effect).collect();
        let wait = Wait::of(self.plan, last, "it is sent");
        let (world, terms) = (self.world, self.terms);
        match heard(world.send_all(&effects), || wait.tick(world, terms)).await {
            Ok(()) => {}
            Err((at, NotSent::Refused(why))) => return Err(Stop::Failed { step: first + at, why }),
            Err((at, NotSent::Unsettled(why) | NotSent::NotYet(why))) => {
                (self.terms.tell)(Event::TriesAgain { step: first + at, why });
                for (at, step) in group.zip(steps) {
                    self.step(at, step, &Progress::Began).await?;
                }
                return Ok(());
            }
        }
        self.settle(last, &all(|step| &step.ensures)).await?;
        self.write(last, group.clone().map(|step| Happening::Done { step }).collect()).await?;
        group.for_each(|step| (self.terms.tell)(Event::Done { step, took: began.elapsed() }));
        Ok(())
    }

    /// Writes down why it stopped. A journal that cannot be written then does not hide the reason.
    async fn stopped(&mut self, stop: Stop) -> Stop {
        let what = match &stop {
            Stop::Interrupted { step, waited: _ } => Happening::Interrupted { step: *step },
            Stop::Failed { step, why } => Happening::Failed { step: *step, why: why.clone() },
            Stop::Journal { .. } => return stop,
        };
        match (self.journal.append(vec![what]).await, stop) {
            (Ok(()), stop) => stop,
            (Err(error), Stop::Failed { step, why }) => Stop::Failed { step, why: format!("{why}; and {error}") },
            (Err(why), Stop::Interrupted { step, .. } | Stop::Journal { step, .. }) => Stop::Journal { step, why },
        }
    }

    async fn write(&mut self, step: usize, what: Vec<Happening>) -> Result<(), Stop> {
        let wait = Wait::of(self.plan, step, "the journal is written");
        let (world, terms) = (self.world, self.terms);
        let written = heard(self.journal.append(what), || wait.tick(world, terms)).await;
        written.map_err(|why| Stop::Journal { step, why })
    }

    fn interrupted(&self, step: usize) -> Stop {
        Stop::Interrupted { step, waited: self.waits.clone() }
    }

    fn stop_if_asked(&self, step: usize) -> Result<(), Stop> {
        if self.terms.interrupt.is_asked() { Err(self.interrupted(step)) } else { Ok(()) }
    }

    /// Sends the effect until it is known to have landed or to have been refused.
    async fn send(&mut self, at: usize, step: &Step) -> Result<(), Stop> {
        let mut wait = Wait::of(self.plan, at, "it is sent");
        let mut pause = FIRST_PAUSE;
        let mut attempt = 0;
        loop {
            let (world, terms) = (self.world, self.terms);
            let sent = if step.effect.may_be_left() {
                self.send_long(&wait, step).await?
            } else {
                heard(world.send(&step.effect), || wait.tick(world, terms)).await
            };
            let why = match sent {
                Ok(()) => return Ok(()),
                Err(NotSent::Refused(why)) => return Err(Stop::Failed { step: at, why }),
                Err(NotSent::NotYet(why)) => {
                    wait.is_for(why, None);
                    let pause = if self.writes_pause(at) { FIRST_PAUSE } else { LONGEST_PAUSE };
                    self.wait(&wait, pause).await?;
                    continue;
                }
                Err(NotSent::Unsettled(why)) => why,
            };
            attempt += 1;
            if self.landed(at, step).await? == Landed::Yes {
                return Ok(());
            }
            if attempt == TRIES {
                return Err(Stop::Failed { step: at, why });
            }
            (self.terms.tell)(Event::TriesAgain { step: at, why });
            self.pause(at, pause).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends an effect that takes long, and may be left: the lock is renewed meanwhile.
    async fn send_long(&mut self, wait: &Wait, step: &Step) -> Result<Result<(), NotSent>, Stop> {
        let (world, terms) = (self.world, self.terms);
        let mut sending = pin!(heard(world.send(&step.effect), || wait.tick(world, terms)));
        loop {
            tokio::select! {
                sent = &mut sending => return Ok(sent),
                () = terms.interrupt.asked() => return Err(self.interrupted(wait.step)),
                () = tokio::time::sleep(LONGEST_PAUSE) => {
                    self.journal.keep().await.map_err(|why| Stop::Journal { step: wait.step, why })?;
                }
            }
        }
    }

    /// Finds out whether an effect that may have been sent has landed.
    async fn landed(&mut self, at: usize, step: &Step) -> Result<Landed, Stop> {
        let check = match &step.trace {
            Trace::Idempotent => return Ok(Landed::No),
            Trace::Unknowable => {
                let why = format!("it is not known whether \"{}\" was done: look, then `undo`", step.effect);
                return Err(Stop::Failed { step: at, why });
            }
            Trace::Seen(check) => check,
        };
        let mut wait = Wait::of(self.plan, at, "whether it has landed");
        loop {
            let (world, terms) = (self.world, self.terms);
            match heard(world.observe(check.reads()), || wait.tick(world, terms)).await {
                Ok(seen) => {
                    let holds = planner::judge(slice::from_ref(check), self.plan, &seen) == Verdict::Holds;
                    return Ok(if holds { Landed::Yes } else { Landed::No });
                }
                Err(error) => {
                    wait.is_for(format!("cannot see whether it landed: {error}"), None);
                    self.wait(&wait, LONGEST_PAUSE).await?;
                }
            }
        }
    }

    /// Waits until all checks hold. Where nothing is to hold, nobody looks.
    async fn settle(&mut self, at: usize, checks: &[Check]) -> Result<(), Stop> {
        if checks.is_empty() {
            return Ok(());
        }
        let mut wait = Wait::of(self.plan, at, "the set is looked at");
        let mut pause = FIRST_PAUSE;
        loop {
            let (world, terms) = (self.world, self.terms);
            let looked = tokio::select! {
                looked = heard(world.observe(Reading::of(checks)), || wait.tick(world, terms)) => looked,
                () = terms.interrupt.asked() => return Err(self.interrupted(at)),
            };
            let verdict = match looked {
                Ok(seen) => planner::judge(checks, self.plan, &seen),
                Err(error) => Verdict::not_yet(error.to_string()),
            };
            match verdict {
                Verdict::Holds => return Ok(()),
                Verdict::Broken { why } => return Err(Stop::Failed { step: at, why }),
                Verdict::NotYet { why, measure } => {
                    wait.is_for(why, measure);
                    self.wait(&wait, pause).await?;
                }
            }
            pause = if self.writes_pause(at) { pause } else { (pause * 3 / 2).min(LONGEST_PAUSE) };
        }
    }

    /// Tells whether nobody takes writes at a step: then what comes is to be seen soon.
    fn writes_pause(&self, at: usize) -> bool {
        self.plan.pause.is_some_and(|pause| (pause.first..=pause.last).contains(&at))
    }

    /// Says what is waited for and pauses, unless it has taken too long.
    async fn wait(&mut self, wait: &Wait, pause: Duration) -> Result<(), Stop> {
        let (step, why) = (wait.step, &wait.why);
        if wait.is_over() {
            return Err(Stop::Failed { step, why: format!("{why}, after {:?}", wait.limit) });
        }
        if self.terms.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Stop::Failed { step, why: format!("{why}, and the time for everything is over (--timeout)") });
        }
        self.waits.clone_from(why);
        (self.terms.tell)(wait.event(why.clone()));
        self.pause(step, pause).await
    }

    async fn pause(&mut self, at: usize, pause: Duration) -> Result<(), Stop> {
        let wait = Wait::of(self.plan, at, "the lock is renewed");
        let (world, terms) = (self.world, self.terms);
        heard(self.journal.keep(), || wait.tick(world, terms)).await.map_err(|why| Stop::Journal { step: at, why })?;
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.terms.interrupt.asked() => Err(self.interrupted(at)),
        }
    }
}

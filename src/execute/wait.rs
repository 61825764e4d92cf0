//! One wait of a step: what for, since when, how long at most, and how much of it is done.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::{Terms, World};
use crate::plan::{Amount, Event, Measure, Plan};

/// How often it is told that a wait goes on while nothing comes.
const PULSE: Duration = Duration::from_secs(2);

/// One wait of a step.
pub(super) struct Wait {
    /// The step.
    pub(super) step: usize,
    /// What for, as a fragment.
    pub(super) why: String,
    /// How long at most.
    pub(super) limit: Duration,
    began: Instant,
    progress: Option<Amount>,
}

impl Wait {
    /// Begins a wait of a step.
    pub(super) fn of(plan: &Plan, step: usize, why: &str) -> Self {
        // What comes behind the last step is told as part of it.
        let step = step.min(plan.steps.len().saturating_sub(1));
        let limit = plan.steps.get(step).map(|step| step.limit.duration()).unwrap_or_default();
        Self { step, why: why.to_owned(), limit, began: Instant::now(), progress: None }
    }

    /// Says anew what is waited for. Where only what is left is known, the most that was ever left counts as the whole.
    pub(super) fn is_for(&mut self, why: String, measure: Option<Measure>) {
        self.why = why;
        let before = self.progress.map_or(0, |amount| amount.total);
        self.progress = measure.map(|Measure { left, whole }| {
            let total = whole.unwrap_or(before.max(left));
            Amount { done: total.saturating_sub(left), total }
        });
    }

    /// Tells whether it has taken too long.
    pub(super) fn is_over(&self) -> bool {
        self.began.elapsed() >= self.limit
    }

    /// Makes the event that tells of it.
    pub(super) fn event(&self, why: String) -> Event {
        let (step, since, limit, progress) = (self.step, self.began.elapsed(), self.limit, self.progress);
        Event::Waits { step, why, since, limit, progress }
    }

    /// Tells that it goes on, and who does not answer.
    pub(super) fn tick<W: World>(&self, world: &W, terms: &Terms<'_>) {
        if let Some((what, measure)) = world.doing() {
            let (step, since, limit) = (self.step, self.began.elapsed(), self.limit);
            let progress = measure.map(|Measure { left, whole }| {
                let total = whole.unwrap_or(left);
                Amount { done: total.saturating_sub(left), total }
            });
            return (terms.tell)(Event::Waits { step, why: what, since, limit, progress });
        }
        let silent = world.silent().map(|silent| format!("; {silent}")).unwrap_or_default();
        (terms.tell)(self.event(format!("{}{silent}", self.why)));
    }
}

/// Awaits something, and calls `tick` again and again while it takes long.
pub(super) async fn heard<T>(work: impl Future<Output = T>, tick: impl Fn()) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(PULSE) => tick(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait() -> Wait {
        Wait { step: 0, why: String::new(), limit: Duration::from_secs(9), began: Instant::now(), progress: None }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_counts_against_the_most_that_was_left() {
        let mut wait = wait();
        let mut seen = Vec::new();
        for left in [4, 6, 3, 0] {
            wait.is_for("shards".to_owned(), Some(Measure { left, whole: None }));
            seen.extend(wait.progress.map(|amount| (amount.done, amount.total)));
        }
        assert_eq!(seen, [(0, 4), (0, 6), (3, 6), (6, 6)]);
        wait.is_for("bytes".to_owned(), Some(Measure { left: 30, whole: Some(100) }));
        assert_eq!(wait.progress, Some(Amount { done: 70, total: 100 }));
        wait.is_for("pods".to_owned(), None);
        assert_eq!(wait.progress, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_long_is_told_again_and_again() {
        let ticks = std::cell::Cell::new(0);
        let count = || ticks.set(ticks.get() + 1);
        heard(tokio::time::sleep(PULSE / 2), count).await;
        assert_eq!(ticks.get(), 0);
        heard(tokio::time::sleep(PULSE * 3 + PULSE / 2), count).await;
        assert_eq!(ticks.get(), 3);
    }
}

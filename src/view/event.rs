//! What an execution says while it goes on, in words.

use super::age;
use crate::plan::{Event, Plan};

/// Says what is being done or waited for, on one line: `1/2 set replicas 3 -> 2, 12s of 6m: pod db-2 is terminating`.
#[must_use]
pub fn line(event: &Event, plan: &Plan) -> String {
    let step = |at: usize| {
        let effect = plan.steps.get(at).map(|step| step.effect.to_string()).unwrap_or_default();
        format!("{}/{} {effect}", at + 1, plan.steps.len())
    };
    match event {
        Event::Begins { step: at } => step(*at),
        Event::Waits { step: at, why, since, limit, progress: _ } => {
            let (since, limit) = (age::seconds(since.as_secs()), age::seconds(limit.as_secs()));
            format!("{}, {since} of {limit}: {why}", step(*at))
        }
        Event::Done { step: at, took } => {
            let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            format!("{}: done in {}", step(*at), age::delay(took))
        }
        Event::TriesAgain { step: at, why } => format!("{}: tried again: {why}", step(*at)),
    }
}

//! One change, with what must hold before and after it, and how to take it back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Check, Effect, Trace};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// When its effect is sent.
    pub when: When,
    /// What must hold right before the effect.
    pub requires: Vec<Check>,
    /// The effect.
    pub effect: Effect,
    /// How a later run can tell whether the effect reached the cluster.
    pub trace: Trace,
    /// What must come to hold before the next step.
    pub ensures: Vec<Check>,
    /// How it is taken back.
    pub undo: Undo,
    /// How long each of the two waits may take.
    pub limit: Limit,
}

/// When the effect of a step is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Always: what it leads to must not be there already, or somebody else is at work.
    Always,
    /// Unless its trace is there: what it takes back was perhaps never done.
    UnlessSeen,
}

/// How long a wait may take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limit {
    seconds: u64,
}

impl Limit {
    /// Makes a limit.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// Gives the limit.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// How a step is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Undo {
    /// By a step of its own.
    By(Box<Reversal>),
    /// There is nothing to take back, and why.
    Keep {
        /// Why.
        why: String,
    },
    /// It cannot be taken back, and why; what came before it still can.
    Never {
        /// Why.
        why: String,
    },
    /// A point of no return: once it is done, nothing of the plan is taken back any more. Until then, this takes back
    /// what was begun of it.
    Barrier {
        /// What stops it.
        by: Box<Reversal>,
        /// Why, and what to do instead.
        why: String,
    },
}

/// The step that takes another one back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reversal {
    /// The effect.
    pub effect: Effect,
    /// How a later run can tell whether it reached the cluster.
    pub trace: Trace,
    /// What must come to hold.
    pub ensures: Vec<Check>,
}

impl Undo {
    /// Makes an undo out of what takes the step back.
    #[must_use]
    pub fn by(effect: Effect, trace: Trace, ensures: Vec<Check>) -> Self {
        Self::By(Box::new(Reversal { effect, trace, ensures }))
    }

    /// Tells whether there is no way back once the step is done.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Never { .. } | Self::Barrier { .. })
    }
}

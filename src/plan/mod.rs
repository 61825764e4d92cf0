//! The words that every change is written in: plans, steps, checks, effects, and what became of them.
//!
//! ```text
//! Plan = Step, Step, ...          a value: shown, compared, stored, and executed as it is
//! Step = requires -> effect -> ensures, with an undo and a limit
//! Run  = Plan + Entries           what the journal holds: how far a plan came
//! ```
//!
//! Nothing here acts. The same value is what a dry run prints, what a person approves, what the journal stores and
//! what is executed; there is no second way through the code.

mod check;
mod difference;
mod effect;
mod event;
mod objection;
mod relocation;
mod run;
mod step;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use check::{Check, EngineCheck, Measure, Reading, Verdict};
pub use difference::{Difference, Turn, differences};
pub use effect::{Effect, GIVEN, Help, Permission, Process, Target, Trace};
pub use event::{Amount, Event};
pub use objection::{Objection, Weight};
pub use relocation::{Place, Relocated, Relocation, Stage};
pub use run::{Entry, Fate, Happening, Progress, Run, Unreadable};
pub use step::{Limit, Reversal, Step, Undo, When};

use crate::model::{Meta, Namespace, NodeName, PodName, Uid, Workload, WorkloadName};

/// The version of the stored format. A journal of another version is refused, never guessed at.
pub const FORMAT: u32 = 1;

/// Identifies one run: the time at which its plan was made, as `20261121-093015`, and a word that tells two of the same
/// second apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// One object for good: a name can be used again, a uid never.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pin {
    /// The object's name, for people.
    pub name: String,
    /// The object's identity.
    pub uid: Uid,
}

impl Pin {
    /// Pins an object.
    #[must_use]
    pub fn of(meta: &Meta) -> Self {
        Self { name: meta.name.clone(), uid: meta.uid.clone() }
    }
}

/// The workload that a plan is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The set's namespace.
    pub namespace: Namespace,
    /// The set's name.
    pub name: WorkloadName,
    /// The set's identity.
    pub uid: Uid,
}

impl Subject {
    /// Pins a set.
    #[must_use]
    pub fn of(set: &Workload) -> Self {
        Self { namespace: set.meta.namespace.clone(), name: set.name(), uid: set.meta.uid.clone() }
    }
}

/// What a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Goal {
    /// Fewer ordinals.
    ScaleDown {
        /// Replicas before.
        from: u32,
        /// Replicas after.
        to: u32,
    },
    /// Another member takes the writes.
    Promote {
        /// The primary so far; none where it is not known any more.
        from: Option<PodName>,
        /// The member that becomes the primary.
        to: PodName,
        /// Whether the primary so far is given up, and with it what only it has.
        failover: bool,
    },
    /// A member goes to another node, with its volumes.
    Migrate {
        /// The member.
        pod: PodName,
        /// The node that it leaves.
        from: NodeName,
        /// The node that it goes to.
        to: NodeName,
    },
    /// What a member had before it was moved goes.
    Finish {
        /// The member.
        pod: PodName,
    },
    /// What another run did is taken back.
    Undo {
        /// That run.
        of: RunId,
    },
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ScaleDown { from, to } => write!(f, "scale-down {from} -> {to}"),
            Self::Promote { from, to, failover } => {
                let word = if *failover { "failover" } else { "promote" };
                let from = from.as_ref().map(|from| format!("{from} -> ")).unwrap_or_default();
                write!(f, "{word} {from}{to}")
            }
            Self::Migrate { pod, from, to } => write!(f, "migrate {pod} {from} -> {to}"),
            Self::Finish { pod } => write!(f, "finish the move of {pod}"),
            Self::Undo { of } => write!(f, "undo of {of}"),
        }
    }
}

/// A word that somebody has to type at the prompt, besides saying yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// What is agreed to by typing it, as a clause: "what only db-0 has is lost".
    pub what: String,
    /// The word.
    pub word: String,
}

/// A span of steps, both counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// The step with which writes stop.
    pub first: usize,
    /// The step after which they go on.
    pub last: usize,
    /// The step from which on all of them are looked at beforehand, written down at once, and sent without a look in
    /// between; none where each waits for the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub together: Option<usize>,
}

/// Everything that is going to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The run that the plan is for.
    pub id: RunId,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it is for.
    pub goal: Goal,
    /// The workload.
    pub subject: Subject,
    /// The engine's word, which says who judges the engine's checks.
    pub engine: String,
    /// The container to ask in, where somebody named one.
    pub container: Option<String>,
    /// How far a replica may be behind, in bytes (`--max-lag`).
    pub max_lag_bytes: u64,
    /// What was decided on top of what is checked by itself: the named overrides.
    pub overrides: Vec<String>,
    /// How it is done and what it costs, in one sentence; empty where the steps say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manner: String,
    /// What people should know besides the steps: which claims stay, what cannot be taken back.
    pub notes: Vec<String>,
    /// What has to be typed, where no `--yes` and its flags say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typed: Vec<Typed>,
    /// The steps while which nobody takes writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Tells whether another plan does the same to the same workload, whenever it was made. Notes may differ: sessions
    /// come and go.
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        let same = |one: &Self| {
            (one.goal.clone(), one.subject.clone(), one.engine.clone(), one.steps.clone(), one.typed.clone())
        };
        same(self) == same(other)
    }

    /// Makes it one that may be executed.
    #[must_use]
    pub fn approve(self, _consent: Consent) -> Approved {
        Approved(self)
    }
}

/// Somebody's yes to a plan that was shown. Only a prompt, `--yes` and tests make one.
#[derive(Clone, Copy, Debug)]
pub enum Consent {
    /// Given at the prompt.
    Answered,
    /// Given on the command line (`--yes`).
    Typed,
    /// Given when the run was begun: it is only continued.
    Earlier,
}

/// A plan that was shown and agreed to. Nothing else is executed.
#[derive(Clone, Debug)]
pub struct Approved(Plan);

impl Approved {
    /// Gives the plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}

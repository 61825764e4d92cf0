//! A plan and what became of it: what the journal holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FORMAT, Plan, RunId, Undo};

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who, as the API server knows the user, and from which machine.
    pub who: String,
    /// What happened.
    pub what: Happening,
}

/// What happened. Steps count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happening {
    /// The run was approved and begun.
    Opened,
    /// Somebody goes on with it.
    Resumed,
    /// The effect of a step is about to be sent. It may or may not have reached the cluster when nothing follows.
    Began {
        /// The step.
        step: usize,
    },
    /// A step is done: its effect landed, and what it ensures holds.
    Done {
        /// The step.
        step: usize,
    },
    /// A step could not be done.
    Failed {
        /// The step.
        step: usize,
        /// Why.
        why: String,
    },
    /// Somebody stopped it.
    Interrupted {
        /// The step that was being waited for.
        step: usize,
    },
    /// All steps are done.
    Finished,
    /// What was done has been taken back by another run.
    Undone {
        /// That run.
        by: RunId,
    },
    /// Somebody ended it where it stood: what it had not done is not done.
    Left,
}

/// A plan and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The plan.
    pub plan: Plan,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

/// How far a step came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Its effect was never sent.
    Waiting,
    /// Its effect was about to be sent, and perhaps was.
    Began,
    /// It is done.
    Done,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Somebody works on it, or died while doing so.
    Open,
    /// It stopped at a step; why.
    Stopped {
        /// The step.
        step: usize,
        /// Why.
        why: String,
    },
    /// Everything is done.
    Finished,
    /// It was taken back.
    Undone {
        /// By which run.
        by: RunId,
    },
    /// It was ended where it stood.
    Left,
}

/// Why a stored run cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It was written by another version.
    #[error("the journal has format {0}, and this program knows only format {FORMAT}")]
    Format(u64),
    /// It is not a journal, or broken.
    #[error("the journal cannot be read: {0}")]
    Broken(String),
}

impl Run {
    /// Reads a plan and its entries, one per line, as they are stored.
    ///
    /// # Errors
    /// When they are of another version, or broken. Nothing is guessed.
    pub fn read(plan: &str, entries: &str) -> Result<Self, Unreadable> {
        let broken = |error: serde_json::Error| Unreadable::Broken(error.to_string());
        let value: serde_json::Value = serde_json::from_str(plan).map_err(broken)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(Unreadable::Format(format)),
            None => return Err(Unreadable::Broken("it names no format".to_owned())),
        }
        let plan = serde_json::from_value(value).map_err(broken)?;
        let entries = entries.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(broken)?;
        Ok(Self { plan, entries })
    }

    /// Says how far a step came.
    #[must_use]
    pub fn progress(&self, step: usize) -> Progress {
        let mut progress = Progress::Waiting;
        for entry in &self.entries {
            match &entry.what {
                Happening::Began { step: one } if *one == step => progress = Progress::Began,
                Happening::Done { step: one } if *one == step => progress = Progress::Done,
                Happening::Opened
                | Happening::Resumed
                | Happening::Began { .. }
                | Happening::Done { .. }
                | Happening::Failed { .. }
                | Happening::Interrupted { .. }
                | Happening::Finished
                | Happening::Left
                | Happening::Undone { .. } => {}
            }
        }
        progress
    }

    /// Says how the run stands.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self.entries.last().map(|entry| &entry.what) {
            Some(Happening::Finished) => Fate::Finished,
            Some(Happening::Undone { by }) => Fate::Undone { by: by.clone() },
            Some(Happening::Left) => Fate::Left,
            Some(Happening::Failed { step, why }) => Fate::Stopped { step: *step, why: why.clone() },
            Some(Happening::Interrupted { step }) => Fate::Stopped { step: *step, why: "interrupted".to_owned() },
            Some(Happening::Opened | Happening::Resumed | Happening::Began { .. } | Happening::Done { .. }) | None => {
                Fate::Open
            }
        }
    }

    /// Tells whether it can be continued.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self.fate(), Fate::Open | Fate::Stopped { .. })
    }

    /// Says why nothing can be taken back any more, when a point of no return is behind.
    #[must_use]
    pub fn past_return(&self) -> Option<&str> {
        self.plan.steps.iter().enumerate().find_map(|(at, step)| match &step.undo {
            Undo::Barrier { why, .. } if self.progress(at) == Progress::Done => Some(why.as_str()),
            Undo::Barrier { .. } | Undo::By(_) | Undo::Keep { .. } | Undo::Never { .. } => None,
        })
    }

    /// Counts the steps that are done.
    #[must_use]
    pub fn steps_done(&self) -> usize {
        (0..self.plan.steps.len()).filter(|step| self.progress(*step) == Progress::Done).count()
    }

    /// Says who began it and when.
    #[must_use]
    pub fn opened(&self) -> Option<&Entry> {
        self.entries.first()
    }
}

//! The write-ahead log of runs: where it is kept, and who may write it.
//!
//! A run is a `ConfigMap` beside its set, so that the next person on call finds it from any machine, and a file on this
//! machine, which is written first. A Lease per set says who is at work. With `--journal local` there is only the file.
//! Wherever a new journal is kept, those of both places are looked at: an unfinished run of either comes first.

mod disk;
mod journals;
mod lease;
mod ledger;
mod process;

pub use journals::{Found, Home, Journals, Stored, of_namespace};
pub use ledger::Ledger;

use crate::cluster::ClusterError;
use crate::plan::Happening;

/// The domain of our labels.
const LABEL: &str = "kubectl-stateful.io/set-uid";

/// Takes down what happens, before it counts.
#[expect(async_fn_in_trait, reason = "everything runs on one thread, so that no future has to be Send")]
pub trait Journal {
    /// Writes lines for good: all of them or none.
    ///
    /// # Errors
    /// When they may not be there, or somebody else writes this journal: then nothing more may be done.
    async fn append(&mut self, what: Vec<Happening>) -> Result<(), JournalError>;

    /// Says that somebody is still at work.
    ///
    /// # Errors
    /// When somebody else has taken over.
    async fn keep(&mut self) -> Result<(), JournalError>;
}

/// Why a journal cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Somebody else works on the set.
    #[error("{holder} works on it since {since}")]
    Held {
        /// Who.
        holder: String,
        /// Since when, as the Lease says.
        since: String,
    },
    /// Somebody else wrote this journal.
    #[error("somebody else has written the journal of this run")]
    Overtaken,
    /// The cluster does not take it.
    #[error("the journal cannot be written: {0}")]
    Cluster(ClusterError),
    /// The file cannot be written.
    #[error("the journal cannot be written to {path}: {why}")]
    Disk {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

/// Writes a plan or an entry as it is stored: on one line.
fn line(value: &impl serde::Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("plans and entries are plain data");
    line.push('\n');
    line
}

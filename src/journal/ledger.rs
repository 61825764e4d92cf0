//! The open journal of one run.

use std::fs::File;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::journals::entries;
use super::lease::Lease;
use super::{Journal, JournalError, disk};
use crate::cluster::{Address, Cluster, ClusterError};
use crate::plan::{Entry, Happening, Run};

/// How long a server that cannot be reached is waited for. Nothing is done meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// The open journal of one run. Only one process has it: the lock says so, and each line names the version that it
/// was written upon.
pub struct Ledger<'c> {
    run: Run,
    file: File,
    /// Held until the run ends.
    _lock: File,
    remote: Option<Remote<'c>>,
    who: String,
    now: fn() -> Timestamp,
}

/// The part of a journal that is in the cluster.
pub(super) struct Remote<'c> {
    pub(super) cluster: &'c Cluster,
    pub(super) address: Address,
    pub(super) version: String,
    pub(super) lease: Lease,
}

impl<'c> Ledger<'c> {
    pub(super) fn new(
        run: Run,
        file: File,
        lock: File,
        remote: Option<Remote<'c>>,
        who: String,
        now: fn() -> Timestamp,
    ) -> Self {
        Self { run, file, _lock: lock, remote, who, now }
    }

    /// Gives the run as it is written so far.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Ends the work on it.
    pub async fn close(self) {
        if let Some(remote) = self.remote {
            remote.lease.give_back(remote.cluster).await;
        }
    }
}

impl Journal for Ledger<'_> {
    async fn append(&mut self, what: Vec<Happening>) -> Result<(), JournalError> {
        let at = (self.now)();
        let new: Vec<Entry> = what.into_iter().map(|what| Entry { at, who: self.who.clone(), what }).collect();
        disk::append(&mut self.file, &self.run, &new)?;
        let before = entries(&self.run.entries);
        self.run.entries.extend(new);
        let after = entries(&self.run.entries);
        match &mut self.remote {
            Some(remote) => remote.write(&before, &after).await,
            None => Ok(()),
        }
    }

    async fn keep(&mut self) -> Result<(), JournalError> {
        match &mut self.remote {
            Some(remote) => remote.lease.keep(remote.cluster, (self.now)()).await,
            None => Ok(()),
        }
    }
}

impl Remote<'_> {
    /// Writes the entries, however often it takes to know that they are there.
    async fn write(&mut self, before: &str, after: &str) -> Result<(), JournalError> {
        let began = Instant::now();
        loop {
            let patch = json!({"metadata": {"resourceVersion": self.version}, "data": {"entries": after}});
            let error = match self.cluster.patch_object(&self.address, &patch).await {
                Ok(map) => {
                    self.version = text(&map, "/metadata/resourceVersion");
                    return Ok(());
                }
                // Perhaps our own line, whose answer was lost.
                Err(ClusterError::Conflict(_)) => match self.cluster.read_object(&self.address).await {
                    Ok(map) if text(&map, "/data/entries") == after => {
                        self.version = text(&map, "/metadata/resourceVersion");
                        return Ok(());
                    }
                    Ok(map) if text(&map, "/data/entries") == before => {
                        self.version = text(&map, "/metadata/resourceVersion");
                        continue;
                    }
                    Ok(_) => return Err(JournalError::Overtaken),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !error.is_unsettled() || began.elapsed() > PATIENCE {
                return Err(JournalError::Cluster(error));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn text(object: &Value, path: &str) -> String {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

//! The journals of one set: finding runs, opening new ones, throwing old ones away.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::lease::{Lease, TakeOver};
use super::ledger::Remote;
use super::{JournalError, LABEL, Ledger, disk, line};
use crate::cluster::{Address, Cluster};
use crate::model::Namespace;
use crate::plan::{Entry, Happening, Permission, Run, Subject, Unreadable};

/// The label by which journals are known, and its value.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const MANAGER: &str = "kubectl-stateful";

/// How many ended runs are kept.
const KEPT: usize = 10;

/// Where journals are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    /// In the cluster beside the set, and on this machine.
    #[default]
    Cluster,
    /// On this machine only.
    Local,
}

/// The journals of one set.
pub struct Journals<'c> {
    /// The cluster.
    pub cluster: &'c Cluster,
    /// The set.
    pub subject: Subject,
    /// Where they are kept.
    pub home: Home,
    /// Who writes, as `alice@laptop pid 4242`.
    pub who: String,
    /// Reads the clock.
    pub now: fn() -> Timestamp,
    /// Whether somebody else's lock is broken (`--take-over`).
    pub take_over: bool,
}

/// A run as it was found.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The run's name.
    pub id: String,
    /// The run, or why it cannot be read.
    pub run: Result<Run, Unreadable>,
    /// The `ConfigMap`'s uid.
    uid: Option<String>,
}

impl Journals<'_> {
    /// Names what somebody must be permitted to do to keep a journal.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        if self.home == Home::Local {
            return Vec::new();
        }
        let verbs = |group, resource| ["get", "create", "patch"].map(|verb| Permission::new(verb, group, resource));
        let list = Permission::new("list", "", "configmaps");
        verbs("", "configmaps").into_iter().chain([list]).chain(verbs("coordination.k8s.io", "leases")).collect()
    }

    fn maps(&self, name: Option<&str>) -> Address {
        Address::new("/api/v1", &self.subject.namespace, "configmaps", name)
    }

    fn map(&self, run: &Run) -> Address {
        self.maps(Some(&self.map_name(&run.plan.id.0)))
    }

    fn map_name(&self, id: &str) -> String {
        format!("kubectl-stateful.{}.{id}", self.subject.name)
    }

    /// Reads every run, the oldest first.
    ///
    /// # Errors
    /// When they cannot be listed. A run that cannot be read is among them, with the reason.
    pub async fn runs(&self) -> Result<Vec<Stored>, JournalError> {
        if self.home == Home::Local {
            let stored = |(id, run)| Stored { id, run, uid: None };
            return Ok(disk::runs(&self.subject)?.into_iter().map(stored).collect());
        }
        let maps = self.cluster.list_labelled(&self.maps(None), LABEL, self.subject.uid.as_str()).await;
        let mut runs: Vec<Stored> =
            maps.map_err(JournalError::Cluster)?.iter().filter_map(|map| self.stored(map)).collect();
        runs.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(runs)
    }

    fn stored(&self, map: &Value) -> Option<Stored> {
        let text = |path: &str| map.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let id = text("/metadata/name").strip_prefix(&self.map_name(""))?.to_owned();
        let run = Run::read(text("/data/plan"), text("/data/entries"));
        Some(Stored { id, run, uid: Some(text("/metadata/uid").to_owned()) })
    }

    /// Locks the set and begins the journal of a new run.
    ///
    /// # Errors
    /// When somebody else works on the set, or the journal cannot be written.
    pub async fn open(&self, plan: crate::plan::Plan) -> Result<Ledger<'_>, JournalError> {
        let file_lock = self.file_lock()?;
        let lock = self.lock().await?;
        let opened = Entry { at: (self.now)(), who: self.who.clone(), what: Happening::Opened };
        let run = Run { plan, entries: vec![opened] };
        let file = disk::open(&run)?;
        let remote = match lock {
            None => None,
            Some(lease) => {
                let map = json!({
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {
                        "name": self.map_name(&run.plan.id.0),
                        "labels": {LABEL: self.subject.uid, MANAGED_BY: MANAGER},
                        "ownerReferences": [owner(&self.subject)],
                    },
                    "data": {"plan": line(&run.plan).trim_end(), "entries": entries(&run.entries)},
                });
                match self.cluster.create_object(&self.maps(None), &map).await {
                    Ok(made) => Some(self.remote(lease, &run, &made)),
                    Err(error) => {
                        lease.give_back(self.cluster).await;
                        return Err(JournalError::Cluster(error));
                    }
                }
            }
        };
        let ledger = Ledger::new(run, file, file_lock, remote, self.who.clone(), self.now);
        self.prune().await;
        Ok(ledger)
    }

    /// Locks the set and goes on with the journal of a run that was found.
    ///
    /// # Errors
    /// When somebody else works on the set, or has written the journal since it was found.
    pub async fn go_on(&self, run: Run) -> Result<Ledger<'_>, JournalError> {
        let file_lock = self.file_lock()?;
        let remote = match self.lock().await? {
            None => None,
            Some(lease) => {
                // Read again under the lock: what was found before may be old.
                match self.unchanged(&run).await {
                    Ok(map) => Some(self.remote(lease, &run, &map)),
                    Err(error) => {
                        lease.give_back(self.cluster).await;
                        return Err(error);
                    }
                }
            }
        };
        let file = disk::open(&run)?;
        let mut ledger = Ledger::new(run, file, file_lock, remote, self.who.clone(), self.now);
        super::Journal::append(&mut ledger, Happening::Resumed).await?;
        Ok(ledger)
    }

    /// Makes sure that nobody has written the journal of a run since it was found.
    ///
    /// # Errors
    /// When somebody has, or it cannot be read.
    pub async fn is_still(&self, run: &Run) -> Result<(), JournalError> {
        let same = |stored: &Stored| stored.run.as_ref() == Ok(run);
        if self.runs().await?.iter().any(same) { Ok(()) } else { Err(JournalError::Overtaken) }
    }

    /// Writes one more line into the journal of a run that nobody works on.
    ///
    /// # Errors
    /// When somebody has written it since, or it cannot be written.
    pub async fn mark(&self, run: &Run, what: Happening) -> Result<(), JournalError> {
        let entry = Entry { at: (self.now)(), who: self.who.clone(), what };
        let mut file = disk::open(run)?;
        disk::append(&mut file, run, &entry)?;
        if self.home == Home::Local {
            return Ok(());
        }
        let version = self.unchanged(run).await?.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
        let entries = entries(&run.entries) + &line(&entry);
        let patch = json!({"metadata": {"resourceVersion": version}, "data": {"entries": entries}});
        self.cluster.patch_object(&self.map(run), &patch).await.map_err(JournalError::Cluster)?;
        Ok(())
    }

    /// Reads the `ConfigMap` of a run, if nobody has written it since the run was found.
    async fn unchanged(&self, run: &Run) -> Result<Value, JournalError> {
        let map = self.cluster.read_object(&self.map(run)).await.map_err(JournalError::Cluster)?;
        let found = self.stored(&map).and_then(|stored| stored.run.ok());
        if found.as_ref() == Some(run) { Ok(map) } else { Err(JournalError::Overtaken) }
    }

    /// Says who works on the set now, if somebody does and it can be seen.
    pub async fn holder(&self) -> Option<JournalError> {
        match self.home {
            Home::Local => disk::lock(&self.subject).err(),
            Home::Cluster => Lease::holder(self.cluster, &self.subject, &self.who, (self.now)()).await,
        }
    }

    async fn lock(&self) -> Result<Option<Lease>, JournalError> {
        if self.home == Home::Local {
            return Ok(None);
        }
        let take_over = if self.take_over { TakeOver::Yes } else { TakeOver::No };
        Lease::take(self.cluster, &self.subject, &self.who, (self.now)(), take_over).await.map(Some)
    }

    fn file_lock(&self) -> Result<Option<std::fs::File>, JournalError> {
        if self.home == Home::Local { disk::lock(&self.subject).map(Some) } else { Ok(None) }
    }

    fn remote(&self, lease: Lease, run: &Run, map: &Value) -> Remote<'_> {
        let version = map.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        Remote { cluster: self.cluster, address: self.map(run), version: version.to_owned(), lease }
    }

    /// Throws away the oldest of the runs that have ended. That it fails is no reason to stop.
    async fn prune(&self) {
        let Ok(runs) = self.runs().await else { return };
        let ended: Vec<&Stored> =
            runs.iter().filter(|stored| stored.run.as_ref().is_ok_and(|run| !run.is_unfinished())).collect();
        for old in ended.iter().rev().skip(KEPT) {
            match &old.uid {
                Some(uid) => _ = self.cluster.delete_object(&self.maps(Some(&self.map_name(&old.id))), uid).await,
                None => _ = disk::remove(&self.subject, &old.id),
            }
        }
    }
}

/// Names every set of a namespace that has journals in the cluster.
///
/// # Errors
/// When they cannot be listed.
pub async fn subjects(cluster: &Cluster, namespace: &Namespace) -> Result<Vec<Subject>, JournalError> {
    let maps = Address::new("/api/v1", namespace, "configmaps", None);
    let maps = cluster.list_labelled(&maps, MANAGED_BY, MANAGER).await.map_err(JournalError::Cluster)?;
    let text = |map: &Value, path: &str| map.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = |map: &Value| Run::read(&text(map, "/data/plan"), "").ok().map(|run| run.plan.subject);
    let mut subjects: Vec<Subject> = maps.iter().filter_map(read).collect();
    subjects.sort_by(|one, other| (&one.name, &one.uid).cmp(&(&other.name, &other.uid)));
    subjects.dedup();
    Ok(subjects)
}

/// Makes an owner reference to a set: its journals go with it.
pub(super) fn owner(subject: &Subject) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": subject.name, "uid": subject.uid})
}

/// Writes entries as they are stored: one per line.
pub(super) fn entries(entries: &[Entry]) -> String {
    entries.iter().map(line).collect()
}

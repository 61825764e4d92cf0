//! The journals of one set: finding runs, opening new ones, throwing old ones away.

use std::fs::File;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::lease::{Lease, TakeOver};
use super::ledger::Remote;
use super::{JournalError, LABEL, Ledger, disk, line};
use crate::cluster::{Address, Cluster, ClusterError};
use crate::model::{Namespace, WorkloadName};
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
    /// Where it is kept.
    pub home: Home,
    /// The `ConfigMap`'s uid.
    uid: Option<String>,
}

/// The runs that were found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The runs, the oldest first.
    pub runs: Vec<Stored>,
    /// Why those in the cluster could not be seen, where somebody keeps them on this machine for that very reason.
    pub unseen: Option<String>,
}

impl Found {
    /// Finds the newest run that has not ended, or of which nobody can say so.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Stored> {
        self.runs.iter().rev().find(|stored| stored.run.as_ref().map_or(true, Run::is_unfinished))
    }

    fn of(maps: Vec<Stored>, files: Vec<Stored>, unseen: Option<String>) -> Self {
        let mut runs: Vec<Stored> = maps.into_iter().chain(files).collect();
        runs.sort_by(|one, other| one.id.cmp(&other.id));
        Self { runs, unseen }
    }
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

    /// Reads every run, in the cluster and on this machine.
    ///
    /// # Errors
    /// When they cannot be listed. A run that cannot be read is among them, with the reason.
    pub async fn runs(&self) -> Result<Found, JournalError> {
        let maps = self.cluster.list_labelled(&self.maps(None), LABEL, self.subject.uid.as_str()).await;
        let (maps, unseen) = seen(maps, self.home)?;
        let maps = maps.iter().filter_map(|map| stored(map, &self.subject.name)).collect();
        Ok(Found::of(maps, disk::runs(&self.subject)?.into_iter().map(on_disk).collect(), unseen))
    }

    /// Locks the set and begins the journal of a new run.
    ///
    /// # Errors
    /// When somebody else works on the set, or the journal cannot be written.
    pub async fn open(&self, plan: crate::plan::Plan) -> Result<Ledger<'_>, JournalError> {
        let (file_lock, lock) = self.lock().await?;
        let opened = Entry { at: (self.now)(), who: self.who.clone(), what: Happening::Opened };
        let run = Run { plan, entries: vec![opened] };
        let file = disk::open(&run, self.home)?;
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
        let (file_lock, lock) = self.lock().await?;
        let remote = match lock {
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
        let file = disk::open(&run, self.home)?;
        let mut ledger = Ledger::new(run, file, file_lock, remote, self.who.clone(), self.now);
        super::Journal::append(&mut ledger, vec![Happening::Resumed]).await?;
        Ok(ledger)
    }

    /// Makes sure that nobody has written the journal of a run since it was found.
    ///
    /// # Errors
    /// When somebody has, or it cannot be read.
    pub async fn is_still(&self, run: &Run) -> Result<(), JournalError> {
        let same = |stored: &Stored| stored.run.as_ref() == Ok(run);
        if self.runs().await?.runs.iter().any(same) { Ok(()) } else { Err(JournalError::Overtaken) }
    }

    /// Writes one more line into the journal of a run that nobody works on.
    ///
    /// # Errors
    /// When somebody has written it since, or it cannot be written.
    pub async fn mark(&self, run: &Run, what: Happening) -> Result<(), JournalError> {
        let entry = Entry { at: (self.now)(), who: self.who.clone(), what };
        let mut file = disk::open(run, self.home)?;
        disk::append(&mut file, run, std::slice::from_ref(&entry))?;
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
        let found = stored(&map, &self.subject.name).and_then(|stored| stored.run.ok());
        if found.as_ref() == Some(run) { Ok(map) } else { Err(JournalError::Overtaken) }
    }

    /// Says who works now on a run that is kept there, if somebody does and it can be seen.
    pub async fn holder(&self, home: Home) -> Option<JournalError> {
        match home {
            Home::Local => disk::lock(&self.subject).err(),
            Home::Cluster => Lease::holder(self.cluster, &self.subject, (self.now)()).await,
        }
    }

    /// Locks the set: on this machine always, so that runs of both homes exclude each other at least here.
    async fn lock(&self) -> Result<(File, Option<Lease>), JournalError> {
        let lease = match self.home {
            Home::Local => None,
            Home::Cluster => {
                let take_over = if self.take_over { TakeOver::Yes } else { TakeOver::No };
                Some(Lease::take(self.cluster, &self.subject, &self.who, (self.now)(), take_over).await?)
            }
        };
        match (disk::lock(&self.subject), lease) {
            (Ok(file), lease) => Ok((file, lease)),
            (Err(error), lease) => {
                if let Some(lease) = lease {
                    lease.give_back(self.cluster).await;
                }
                Err(error)
            }
        }
    }

    fn remote(&self, lease: Lease, run: &Run, map: &Value) -> Remote<'_> {
        let version = map.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        Remote { cluster: self.cluster, address: self.map(run), version: version.to_owned(), lease }
    }

    /// Throws away the oldest of the runs that have ended. That it fails is no reason to stop.
    async fn prune(&self) {
        let Ok(found) = self.runs().await else { return };
        let ended = |stored: &&Stored| stored.run.as_ref().is_ok_and(|run| !run.is_unfinished());
        for old in found.runs.iter().rev().filter(ended).skip(KEPT) {
            if let Some(uid) = &old.uid {
                let _ = self.cluster.delete_object(&self.maps(Some(&self.map_name(&old.id))), uid).await;
            }
            let _ = disk::remove(&self.subject, &old.id, old.home);
        }
    }
}

/// Takes what was listed in the cluster. Somebody who keeps journals on this machine may be somebody who may not see
/// them in the cluster: then why.
fn seen(listed: Result<Vec<Value>, ClusterError>, home: Home) -> Result<(Vec<Value>, Option<String>), JournalError> {
    match listed {
        Ok(maps) => Ok((maps, None)),
        Err(error @ ClusterError::Forbidden { .. }) if home == Home::Local => Ok((Vec::new(), Some(error.to_string()))),
        Err(error) => Err(JournalError::Cluster(error)),
    }
}

fn text<'m>(map: &'m Value, path: &str) -> &'m str {
    map.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Reads the `ConfigMap` of a run of a set.
fn stored(map: &Value, set: &WorkloadName) -> Option<Stored> {
    let id = text(map, "/metadata/name").strip_prefix(&format!("kubectl-stateful.{set}."))?.to_owned();
    let run = Run::read(text(map, "/data/plan"), text(map, "/data/entries"));
    Some(Stored { id, run, home: Home::Cluster, uid: Some(text(map, "/metadata/uid").to_owned()) })
}

fn on_disk((id, run): (String, Result<Run, Unreadable>)) -> Stored {
    Stored { id, run, home: Home::Local, uid: None }
}

/// Reads every run of a namespace, in the cluster with one request, and on this machine; by set, in the order of names.
/// A set of which no run can be read is left out: nobody can say which one it is. Sets may be gone meanwhile of which
/// there are only files. Beside them: why those in the cluster could not be seen, as in [`Found`].
///
/// # Errors
/// When they cannot be listed.
pub async fn of_namespace(
    cluster: &Cluster,
    namespace: &Namespace,
    home: Home,
) -> Result<(Vec<(Subject, Found)>, Option<String>), JournalError> {
    let maps = Address::new("/api/v1", namespace, "configmaps", None);
    let (maps, unseen) = seen(cluster.list_labelled(&maps, MANAGED_BY, MANAGER).await, home)?;
    let files: Vec<Stored> = disk::runs_of_namespace(namespace)?.into_iter().map(on_disk).collect();
    let of_map = |map: &Value| Run::read(text(map, "/data/plan"), "").ok().map(|run| run.plan.subject);
    let of_file = |file: &Stored| file.run.as_ref().ok().map(|run| run.plan.subject.clone());
    let mut subjects: Vec<Subject> = maps.iter().filter_map(of_map).chain(files.iter().filter_map(of_file)).collect();
    subjects.sort_by(|one, other| (&one.name, &one.uid).cmp(&(&other.name, &other.uid)));
    subjects.dedup();
    let found = |subject: Subject| {
        let own = |map: &&Value| {
            map.pointer("/metadata/labels").and_then(|labels| labels.get(LABEL)?.as_str()) == Some(subject.uid.as_str())
        };
        let maps = maps.iter().filter(own).filter_map(|map| stored(map, &subject.name)).collect();
        let files = files.iter().filter(|file| of_file(file).as_ref() == Some(&subject)).cloned().collect();
        (subject, Found::of(maps, files, unseen.clone()))
    };
    Ok((subjects.into_iter().map(found).collect(), unseen.clone()))
}

/// Makes an owner reference to a set: its journals go with it.
pub(super) fn owner(subject: &Subject) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": subject.name, "uid": subject.uid})
}

/// Writes entries as they are stored: one per line.
pub(super) fn entries(entries: &[Entry]) -> String {
    entries.iter().map(line).collect()
}

//! A world in memory that knows nothing of controllers: it stores what it is told, and plays what it was given to play.
//!
//! The one script: a pod above the number of replicas is gone one look after the number was lowered, and one below it is
//! there one look after it was raised. Everything else about Kubernetes is tested on the real one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use kubectl_stateful::cluster::ClusterError;
use kubectl_stateful::execute::{NotSent, World};
use kubectl_stateful::journal::{Journal, JournalError};
use kubectl_stateful::model::{
    Condition, Meta, OwnerReference, Pod, PodTemplate, REVISION_LABEL, Selector, Snapshot, Workload, WorkloadStatus,
};
use kubectl_stateful::plan::{Effect, Entry, Happening, Reading};
use tokio::sync::Notify;

/// What goes wrong at one operation: an effect that is sent, or a line that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before it.
    DiesBefore,
    /// It takes place, and the process dies.
    DiesAfter,
    /// It takes place, and the answer is lost.
    AnswerLost,
    /// It does not take place; the server was busy.
    Busy,
    /// It is refused for good.
    Refused,
}

impl Fault {
    pub(crate) const ALL: [Self; 5] = [Self::DiesBefore, Self::DiesAfter, Self::AnswerLost, Self::Busy, Self::Refused];
}

/// A world in memory, with the journal of one run in it.
pub(crate) struct Double {
    replicas: Cell<u32>,
    /// The uids of the pods that there are, by ordinal.
    pods: RefCell<BTreeMap<u32, u32>>,
    born: Cell<u32>,
    notes: RefCell<BTreeMap<String, String>>,
    /// How often the number of replicas or a note really changed.
    pub(crate) changes: Cell<u32>,
    /// Lines that are written for good.
    pub(crate) lines: RefCell<Vec<Entry>>,
    operations: Cell<usize>,
    fault: Cell<Option<(usize, Fault)>>,
    /// How long the world takes to show itself.
    pub(crate) slowness: Cell<Duration>,
    dead: Cell<bool>,
    death: Notify,
}

impl Double {
    /// Makes a world with a set of so many ready pods.
    pub(crate) fn new(replicas: u32) -> Self {
        Self {
            replicas: Cell::new(replicas),
            pods: RefCell::new((0..replicas).map(|ordinal| (ordinal, ordinal)).collect()),
            born: Cell::new(replicas),
            notes: RefCell::default(),
            changes: Cell::default(),
            lines: RefCell::default(),
            operations: Cell::default(),
            fault: Cell::default(),
            slowness: Cell::default(),
            dead: Cell::default(),
            death: Notify::new(),
        }
    }

    /// Lets one operation, counted from 0, go wrong.
    pub(crate) fn breaks(&self, at: usize, fault: Fault) {
        self.fault.set(Some((at, fault)));
    }

    /// Ends what went wrong; whoever comes next is another process.
    pub(crate) fn heals(&self) {
        self.fault.set(None);
        self.dead.set(false);
    }

    /// Lets somebody else change the number of replicas.
    pub(crate) fn is_scaled_by_somebody(&self, replicas: u32) {
        self.replicas.set(replicas);
    }

    pub(crate) fn replicas(&self) -> u32 {
        self.replicas.get()
    }

    /// Names what is noted on the set.
    pub(crate) fn noted(&self) -> Vec<String> {
        self.notes.borrow().keys().cloned().collect()
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations.get()
    }

    /// Waits until the process dies.
    pub(crate) async fn died(&self) {
        let bell = self.death.notified();
        if !self.dead.get() {
            bell.await;
        }
    }

    /// Takes part in one operation: `take` makes it take place. `Err` says that its answer does not arrive.
    async fn operate(&self, take: impl FnOnce()) -> Result<(), Fault> {
        let at = self.operations.get();
        self.operations.set(at + 1);
        match self.fault.get().filter(|(when, _)| *when == at).map(|(_, fault)| fault) {
            None => take(),
            Some(Fault::DiesBefore) => self.die().await,
            Some(Fault::DiesAfter) => {
                take();
                self.die().await;
            }
            Some(Fault::AnswerLost) => {
                take();
                return Err(Fault::AnswerLost);
            }
            Some(fault @ (Fault::Busy | Fault::Refused)) => return Err(fault),
        }
        Ok(())
    }

    async fn die(&self) {
        self.dead.set(true);
        self.death.notify_waiters();
        std::future::pending::<()>().await;
    }

    /// What controllers and kubelets would have done since the last look.
    fn play(&self) {
        let replicas = self.replicas.get();
        let mut pods = self.pods.borrow_mut();
        pods.retain(|ordinal, _| *ordinal < replicas);
        for ordinal in 0..replicas {
            pods.entry(ordinal).or_insert_with(|| {
                self.born.set(self.born.get() + 1);
                self.born.get()
            });
        }
    }

    /// Gives what there is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let pods = self.pods.borrow();
        let snapshot = Snapshot {
            taken_at: Timestamp::UNIX_EPOCH,
            workloads: vec![set(self.replicas.get(), self.notes.borrow().clone())],
            pods: pods.iter().map(|(ordinal, uid)| pod(*ordinal, *uid)).collect(),
            ..Snapshot::default()
        };
        drop(pods);
        snapshot
    }
}

fn meta(name: &str, uid: String) -> Meta {
    Meta {
        namespace: "shop".into(),
        name: name.to_owned(),
        uid: uid.into(),
        labels: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
        ..Meta::default()
    }
}

fn set(replicas: u32, annotations: BTreeMap<String, String>) -> Workload {
    let labels = BTreeMap::from([("app".to_owned(), "web".to_owned())]);
    Workload {
        meta: Meta { annotations, ..meta("web", "set".to_owned()) },
        replicas,
        selector: Selector { labels: labels.clone(), expressions: Vec::new() },
        template: PodTemplate { labels, ..PodTemplate::default() },
        status: WorkloadStatus {
            observed_generation: Some(1),
            replicas,
            ready: replicas,
            current: replicas,
            updated: replicas,
            current_revision: "one".to_owned(),
            update_revision: "one".to_owned(),
        },
        generation: 1,
        ..Workload::default()
    }
}

fn pod(ordinal: u32, uid: u32) -> Pod {
    let mut meta = meta(&format!("web-{ordinal}"), format!("pod-{uid}"));
    meta.labels.insert(REVISION_LABEL.to_owned(), "one".to_owned());
    meta.owners = vec![OwnerReference {
        api_version: "apps/v1".to_owned(),
        kind: "StatefulSet".to_owned(),
        name: "web".to_owned(),
        uid: "set".to_owned().into(),
        controller: true,
    }];
    let ready = Condition { kind: "Ready".to_owned(), status: "True".to_owned(), ..Condition::default() };
    Pod { meta, phase: "Running".to_owned(), conditions: vec![ready], ..Pod::default() }
}

impl World for Double {
    async fn observe(&self, _reading: Reading) -> Result<Snapshot, ClusterError> {
        tokio::time::sleep(self.slowness.get()).await;
        let seen = self.snapshot();
        self.play();
        Ok(seen)
    }

    async fn send(&self, effect: &Effect) -> Result<(), NotSent> {
        let take = || {
            if let Effect::SetReplicas { to, .. } = effect {
                self.replicas.set(*to);
            } else if let Effect::Annotate { key, value } = effect {
                self.notes.borrow_mut().insert(key.clone(), value.clone());
            } else {
                panic!("the script knows no {effect}");
            }
            self.changes.set(self.changes.get() + 1);
        };
        if let Effect::SetReplicas { from, .. } = effect
            && self.replicas.get() != *from
        {
            return Err(NotSent::Refused(format!("replicas is {}, not {from}", self.replicas.get())));
        }
        self.operate(take).await.map_err(|fault| match fault {
            Fault::Refused => NotSent::Refused("forbidden".to_owned()),
            Fault::DiesBefore | Fault::DiesAfter | Fault::AnswerLost | Fault::Busy => {
                NotSent::Unsettled(format!("{fault:?}"))
            }
        })
    }

    fn silent(&self) -> Option<String> {
        (!self.slowness.get().is_zero()).then(|| "the world does not answer".to_owned())
    }
}

/// The journal in a world; it lives as long as the world, not as the process that writes it.
pub(crate) struct Pen<'d>(pub(crate) &'d Double);

impl Journal for Pen<'_> {
    async fn append(&mut self, what: Vec<Happening>) -> Result<(), JournalError> {
        let entry = |what| Entry { at: Timestamp::UNIX_EPOCH, who: "test".to_owned(), what };
        let take = || self.0.lines.borrow_mut().extend(what.into_iter().map(entry));
        match self.0.operate(take).await {
            // A line whose answer is lost is found by reading again: for the executor it is written.
            Ok(()) | Err(Fault::AnswerLost) => Ok(()),
            Err(_) => Err(JournalError::Overtaken),
        }
    }

    async fn keep(&mut self) -> Result<(), JournalError> {
        Ok(())
    }
}

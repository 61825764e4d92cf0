//! What an engine wants done when a member leaves for good.

use crate::model::{ContainerName, Known, Pod, PodName, ProbeOutput, Topology, Workload};
use crate::plan::{Check, Objection, Pin, Step, Weight};

/// What the pods of a set answered, as text and as it was understood.
pub struct Asked<'a> {
    /// The pods, in the order of ordinals.
    pub pods: &'a [&'a Pod],
    /// Their answers.
    pub outputs: &'a [&'a ProbeOutput],
    /// What the engine made of them.
    pub topology: &'a Topology,
}

/// A member that is about to leave for good, and those that stay.
pub struct Leaving<'a> {
    /// The set.
    pub workload: &'a Workload,
    /// The name of the pod that leaves.
    pub name: PodName,
    /// The container to ask in it, as far as there is one.
    pub container: Option<ContainerName>,
    /// The pods that stay, each with the container to ask in, as far as there is one.
    pub staying: Vec<(&'a Pod, Option<ContainerName>)>,
}

impl Leaving<'_> {
    /// Tells whether a pod of the set stays: besides the one that leaves first, more may be about to leave.
    #[must_use]
    pub fn stays(&self, pod: &Pod) -> bool {
        self.staying.iter().any(|(one, _)| one.meta.uid == pod.meta.uid)
    }

    /// Finds where to run a command in whatever pod stays.
    #[must_use]
    pub fn anywhere(&self) -> Option<(Pin, ContainerName)> {
        self.staying.iter().find_map(|(pod, _)| self.place(&pod.name()))
    }

    /// Finds where to run a command in a pod that stays.
    #[must_use]
    pub fn place(&self, pod: &PodName) -> Option<(Pin, ContainerName)> {
        let (pod, container) = self.staying.iter().find(|(one, _)| one.meta.name == pod.0)?;
        Some((Pin::of(&pod.meta), container.clone()?))
    }
}

/// What an engine wants done when a member leaves for good.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// What speaks against it.
    pub objections: Vec<Objection>,
    /// What happens while the member still runs.
    pub before: Vec<Step>,
    /// What else must hold when its pod is gone.
    pub settled: Vec<Check>,
    /// What else must hold when its pod is there again, because the removal is taken back.
    pub back: Vec<Check>,
    /// What happens when its pod is gone.
    pub after: Vec<Step>,
    /// Bytes that those who stay have to take over; `None` where nothing moves.
    pub moves: Option<Known<u64>>,
    /// Whether the member is emptied before its pod goes: nothing of its data is left on its volume.
    pub empties: bool,
    /// Why its volume must not come back, where it must not: scaling up again needs the claim deleted before.
    pub poison: Option<String>,
}

impl Removal {
    /// Makes the answer of an engine that knows nothing about removal.
    #[must_use]
    pub fn unknown(title: &str) -> Self {
        let objection = Objection::new(
            "noDrain",
            Weight::No,
            format!("how a member leaves {title} is not known"),
            "a member must leave its cluster before its pod goes, or quorum and copies are lost",
        )
        .way_out("if its members hold nothing that others count on, say so")
        .allow("no-drain");
        Self { objections: vec![objection], ..Self::default() }
    }
}

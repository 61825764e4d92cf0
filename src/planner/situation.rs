//! One workload as it is now, with everything that plans and checks are judged by.

use crate::analyze::report::{Report, Row};
use crate::analyze::{Analysis, Criteria, Study};
use crate::engine::{self, Asked, Engine};
use crate::model::{ContainerName, NodeName, Pod, PodName, ProbeOutput, Snapshot, Topology, Uid, Workload};

/// One workload as it is now.
pub struct Situation<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) workload: &'a Workload,
    pub(super) report: Report,
    pub(super) topology: Topology,
    pub(super) engine: &'static dyn Engine,
    /// The container that somebody named.
    pub(super) container: Option<&'a str>,
    pub(super) max_lag_bytes: u64,
}

impl<'a> Situation<'a> {
    /// Looks at one workload of a snapshot; `None` when it is not there.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, uid: &Uid, container: Option<&'a str>, criteria: &Criteria) -> Option<Self> {
        let workload = snapshot.workloads.iter().find(|workload| workload.meta.uid == *uid)?;
        let Study { report, topology } = Analysis::new(snapshot, criteria).study(workload);
        let (engine, _) = engine::recognise(workload, criteria.engine.as_deref());
        let max_lag_bytes = criteria.max_lag_bytes;
        Some(Self { snapshot, workload, report, topology, engine, container, max_lag_bytes })
    }

    /// Tells whether a member is the primary.
    #[must_use]
    pub fn leads(&self, pod: &PodName) -> bool {
        self.topology.primaries().any(|member| member.pod == *pod)
    }

    /// Names who would hand over to a replica, where there are several primaries, each for a part of the data.
    pub(super) fn hands_over(&self, to: &PodName) -> Option<PodName> {
        self.asked(|asked| self.engine.hands_over(asked, to))
    }

    /// Tells whether there are several primaries, each for a part of the data, some with a replica.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.report.rows.iter().any(|row| self.hands_over(&row.pod).is_some())
    }

    /// Says which set it is: `statefulset/db in shop`.
    #[must_use]
    pub fn display(&self) -> String {
        format!("{} in {}", self.workload.display(), self.workload.meta.namespace)
    }

    /// Gives the rows of the first so many ordinals.
    pub(super) fn staying(&self, replicas: u32) -> impl Iterator<Item = &Row> {
        let end = self.workload.first_ordinal.saturating_add(replicas);
        self.report.rows.iter().filter(move |row| row.ordinal < end)
    }

    /// Gives the rows of wanted ordinals from there on, the highest first: the order in which they leave.
    pub(super) fn leaving(&self, replicas: u32) -> impl Iterator<Item = &Row> {
        let end = self.workload.first_ordinal.saturating_add(replicas);
        self.report.rows.iter().rev().filter(move |row| row.wanted && row.ordinal >= end)
    }

    /// Names the node that a member is on.
    #[must_use]
    pub fn node_of(&self, member: &PodName) -> Option<&'a NodeName> {
        self.pod(member)?.node.as_ref()
    }

    /// Finds a pod of the set.
    pub(super) fn pod(&self, name: &PodName) -> Option<&'a Pod> {
        self.snapshot.pods.iter().find(|pod| {
            pod.meta.namespace == self.workload.meta.namespace
                && pod.meta.name == name.0
                && pod.meta.controller().is_some_and(|owner| owner.uid == self.workload.meta.uid)
        })
    }

    /// Gives what the set's pods answered to whoever wants it.
    pub(super) fn asked<T>(&self, use_it: impl FnOnce(&Asked<'_>) -> T) -> T {
        let own = |pod: &&Pod| pod.meta.controller().is_some_and(|owner| owner.uid == self.workload.meta.uid);
        let mut pods: Vec<&Pod> = self.snapshot.pods.iter().filter(own).collect();
        pods.sort_by_key(|pod| self.workload.ordinal_of(&pod.meta.name));
        let answers = |output: &&ProbeOutput| pods.iter().any(|pod| pod.meta.uid == output.pod_uid);
        let outputs: Vec<&ProbeOutput> = self.snapshot.probes.iter().filter(answers).collect();
        use_it(&Asked { pods: &pods, outputs: &outputs, topology: &self.topology })
    }

    /// Chooses the container of a pod to run commands in.
    pub(super) fn container(&self, pod: &Pod) -> Option<ContainerName> {
        engine::container(self.engine, self.workload, pod, self.container)
    }
}

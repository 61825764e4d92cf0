//! One workload with everything that belongs to its ordinals: the picture that all judgements look at.

use std::collections::BTreeMap;

use super::index::Index;
use super::report::PodState;
use super::state;
use crate::model::{
    Budget, Claim, ClaimName, ClaimTemplate, Node, Pod, PodName, Resource, Service, Volume, VolumeUsage, Workload,
};

/// Ordinals that are wanted and have no pod are listed up to this many: `replicas` is whatever somebody wrote.
const WANTED_LIMIT: u32 = 10_000;

/// One workload with what belongs to its ordinals.
pub(super) struct Scene<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) workload: &'a Workload,
    /// One per ordinal, wanted or existing, in the order of ordinals.
    pub(super) places: Vec<Place<'a>>,
    /// The governing Service, if it exists.
    pub(super) service: Option<&'a Service>,
}

/// One ordinal and what belongs to it.
pub(super) struct Place<'a> {
    pub(super) ordinal: u32,
    pub(super) wanted: bool,
    pub(super) name: PodName,
    /// Its pod, if the set controls it.
    pub(super) pod: Option<&'a Pod>,
    /// A pod that has the ordinal's name and is not the set's.
    pub(super) foreign: Option<&'a Pod>,
    pub(super) state: PodState,
    /// The node of the pod, as far as nodes were read.
    pub(super) node: Option<&'a Node>,
    pub(super) holdings: Vec<Holding<'a>>,
}

impl Place<'_> {
    /// Tells whether the ordinal's pod serves.
    pub(super) fn is_ready(&self) -> bool {
        self.state == PodState::Ready
    }

    /// Tells whether an engine could run in the ordinal's pod.
    pub(super) fn is_running(&self) -> bool {
        self.pod.is_some_and(|pod| pod.phase == "Running")
    }
}

/// One claim of an ordinal and what is behind it.
pub(super) struct Holding<'a> {
    /// The template that it was made from; none for a claim that the pod template names itself.
    pub(super) template: Option<&'a ClaimTemplate>,
    pub(super) name: ClaimName,
    pub(super) claim: Option<&'a Claim>,
    /// The volume that the claim names, if it exists.
    pub(super) volume: Option<&'a Volume>,
    pub(super) usage: Option<&'a VolumeUsage>,
}

impl<'a> Scene<'a> {
    /// Gathers what belongs to a workload.
    pub(super) fn new(index: &'a Index<'a>, workload: &'a Workload) -> Self {
        let own =
            index.members(workload).into_iter().filter_map(|pod| Some((workload.ordinal_of(&pod.meta.name)?, pod)));
        let mut pods: BTreeMap<u32, Option<&Pod>> = own.map(|(ordinal, pod)| (ordinal, Some(pod))).collect();
        for ordinal in workload.ordinals().take(WANTED_LIMIT as usize) {
            pods.entry(ordinal).or_insert(None);
        }
        let mut scene = Self { index, workload, places: Vec::new(), service: None };
        scene.service = index.service(scene.namespace(), &workload.service);
        scene.places = pods.into_iter().map(|(ordinal, pod)| scene.place(ordinal, pod)).collect();
        scene
    }

    /// Borrows the namespace's name.
    pub(super) fn namespace(&self) -> &'a str {
        self.workload.meta.namespace.as_str()
    }

    /// Gives the ordinals that the set wants.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Place<'a>> {
        self.places.iter().filter(|place| place.wanted)
    }

    /// Gives the set's pods in the order of ordinals.
    pub(super) fn pods(&self) -> impl Iterator<Item = &'a Pod> {
        self.places.iter().filter_map(|place| place.pod)
    }

    /// Finds the ordinal of a pod.
    pub(super) fn place_of(&self, pod: &PodName) -> Option<&Place<'a>> {
        let ordinal = self.workload.ordinal_of(pod.as_str())?;
        let found = self.places.binary_search_by_key(&ordinal, |place| place.ordinal).ok()?;
        self.places.get(found)
    }

    /// Ends a command with the namespace.
    pub(super) fn command(&self, words: &str) -> String {
        format!("kubectl {words} -n {}", self.namespace())
    }

    /// Gives the labels by which budgets and Services find the set's pods: of a pod, else of the template.
    pub(super) fn labels_of(&self, place: &Place<'a>) -> &'a BTreeMap<String, String> {
        place.pod.map_or(&self.workload.template.labels, |pod| &pod.meta.labels)
    }

    /// Gives the budgets over the set's pods, each once.
    pub(super) fn budgets(&self) -> Vec<&'a Budget> {
        let mut budgets: Vec<&Budget> = self.places.iter().flat_map(|place| self.budgets_over(place)).collect();
        if self.places.is_empty() {
            budgets = self.index.budgets(self.namespace(), &self.workload.template.labels);
        }
        budgets.sort_by_key(|budget| &budget.meta.name);
        budgets.dedup_by_key(|budget| &budget.meta.name);
        budgets
    }

    /// Gives the budgets over one pod.
    pub(super) fn budgets_over(&self, place: &Place<'a>) -> Vec<&'a Budget> {
        let mut budgets = self.index.budgets(self.namespace(), self.labels_of(place));
        budgets.sort_by_key(|budget| &budget.meta.name);
        budgets
    }

    fn place(&self, ordinal: u32, pod: Option<&'a Pod>) -> Place<'a> {
        let name = self.workload.pod_name(ordinal);
        let node = pod.and_then(|pod| self.index.node(pod.node.as_ref()?.as_str()));
        let state = match (pod, self.index.gap(Resource::Pods)) {
            (Some(pod), _) => state::of(pod, node),
            (None, Some(gap)) => PodState::Unknown(gap.why.clone()),
            (None, None) => PodState::Missing,
        };
        let foreign = if pod.is_none() { self.index.pod(self.namespace(), name.as_str()) } else { None };
        let holdings = self.holdings(ordinal, &name, pod);
        let wanted = self.workload.ordinals().contains(&ordinal);
        Place { ordinal, wanted, name, pod, foreign, state, node, holdings }
    }

    /// Finds the claims of an ordinal: one per template, then those that the pod template names itself.
    fn holdings(&self, ordinal: u32, pod_name: &PodName, pod: Option<&'a Pod>) -> Vec<Holding<'a>> {
        let templates = &self.workload.claim_templates;
        let made = templates.iter().map(|template| {
            let name = ClaimName(format!("{}-{}-{ordinal}", template.name, self.workload.meta.name));
            (Some(template), name)
        });
        let mut names: Vec<_> = made.collect();
        for (_, claim) in pod.iter().flat_map(|pod| &pod.claims) {
            if !names.iter().any(|(_, name)| name == claim) {
                names.push((None, claim.clone()));
            }
        }
        let holding = |(template, name): (_, ClaimName)| {
            let claim = self.index.claim(self.namespace(), name.as_str());
            let volume = claim.and_then(|claim| self.index.volume(claim.volume.as_ref()?.as_str()));
            let usage = self.index.usage(self.namespace(), name.as_str(), pod_name.as_str());
            Holding { template, name, claim, volume, usage }
        };
        names.into_iter().map(holding).collect()
    }
}

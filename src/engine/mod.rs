//! Pure knowledge of engines: how each is recognised, asked and understood.
//!
//! An engine never does I/O. It says which commands to run in which container ([`Engine::probes`]) and reads their
//! answers ([`Engine::read`]). A new engine is one module here and one entry in the list below.

use crate::model::{ContainerName, Pod, PodName, Probe, ProbeOutput, Recognised, Topology, Workload};
use crate::plan::{EngineCheck, Verdict};

mod answer;
mod cassandra;
mod elasticsearch;
mod generic;
mod hooks;
mod mysql;
mod patroni;
mod phrase;
mod postgres;
mod promotion;
mod redis;
mod removal;
mod signs;

pub(crate) use phrase::bytes;
pub use promotion::{Failover, GivenUp, Handing, Loss, Path, Place, Promoting, Promotion, Rejoin};
pub use removal::{Asked, Leaving, Removal};

/// Every engine, in the order in which recognition asks them; `generic` recognises everything and is last.
pub const ENGINES: &[&dyn Engine] = &[
    &patroni::ENGINE,
    &postgres::ENGINE,
    &mysql::MARIADB,
    &mysql::MYSQL,
    &cassandra::ENGINE,
    &elasticsearch::ENGINE,
    &redis::ENGINE,
    &generic::ENGINE,
];

/// Knows one database system.
pub trait Engine: Sync {
    /// Gives the word that `--engine` takes.
    fn name(&self) -> &'static str;

    /// Gives the name for people.
    fn title(&self) -> &'static str;

    /// Says what in the workload gives this engine away, as a fragment ("image postgres:15"), if anything does.
    fn recognise(&self, workload: &Workload) -> Option<String>;

    /// Chooses the container of a pod that runs the engine, by image and port.
    fn container(&self, pod: &Pod) -> Option<ContainerName>;

    /// Lists the questions for one pod, to be asked in `container`.
    fn probes(&self, workload: &Workload, pod: &Pod, container: &ContainerName) -> Vec<Probe>;

    /// Understands what the pods of one workload answered.
    ///
    /// Total: cut-off, mixed-up or missing answers become unknown with the reason, never a value.
    /// `pods` are those of the workload, in the order of ordinals; `outputs` only answers of exactly these pods.
    fn read(&self, workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology;

    /// Says what has to happen around the removal of a member, and what speaks against it.
    ///
    /// What holds for every engine (readiness, roles, confirmations, budgets) is judged elsewhere. An engine that has
    /// nothing to say about removal is none whose members may be removed: that is an objection, too.
    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        let _ = (asked, leaving);
        Removal::unknown(self.title())
    }

    /// Tells whether `promote` can move the role of primary.
    fn promotes(&self) -> bool {
        false
    }

    /// Says what has to happen for another member to become the primary, and what speaks against this candidate.
    ///
    /// What holds for every engine (owners, readiness, two primaries) is judged elsewhere. An engine that has nothing
    /// to say about promotion is none whose roles may be moved: that is an objection, too.
    fn promotion(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
        let _ = (asked, promoting);
        Promotion::none(
            format!("how a member of {} becomes the primary is not known", self.title()),
            "a role is moved only where it is known how nothing is lost",
            None,
        )
    }

    /// Names the member that would hand over to a replica, where the members of a set have several primaries, each for a
    /// part of the data.
    fn hands_over(&self, asked: &Asked<'_>, candidate: &PodName) -> Option<PodName> {
        let _ = (asked, candidate);
        None
    }

    /// Tells whether `promote` can do without a primary that does not answer.
    fn fails_over(&self) -> bool {
        false
    }

    /// Tells whether a member takes writes only while whoever manages the members lets it: whoever comes back asks for that
    /// first, and need not be kept from running.
    fn asks_to_lead(&self, asked: &Asked<'_>) -> bool {
        let _ = asked;
        false
    }

    /// Says what people can do where too few members are left for `promote` to go on without the primary, as a fragment.
    fn without_most(&self, asked: &Asked<'_>) -> Option<&'static str> {
        let _ = asked;
        None
    }

    /// Makes the question by which it is measured what only a primary that does not answer has: a command that runs
    /// beside its server, and changes nothing. `None` where there is nobody to ask.
    fn remains(&self, asked: &Asked<'_>, promoting: &Promoting<'_>) -> Option<Probe> {
        let _ = (asked, promoting);
        None
    }

    /// Judges one of the engine's own checks.
    fn judge(&self, check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
        let _ = asked;
        Verdict::broken(format!("{} knows no check {}", self.title(), check.code))
    }
}

/// The annotation of a StatefulSet that names its engine.
pub const ENGINE_ANNOTATION: &str = "kubectl-stateful.io/engine";

/// The annotation of a StatefulSet that names the container to ask.
pub const CONTAINER_ANNOTATION: &str = "kubectl-stateful.io/container";

/// Finds an engine by its word.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.name() == name)
}

/// Finds out which engine a workload runs: what the user says, then the annotation, then the first engine that
/// recognises it.
///
/// # Panics
/// Never: `generic` recognises everything.
#[must_use]
pub fn recognise(workload: &Workload, asked: Option<&str>) -> (&'static dyn Engine, Recognised) {
    let annotated = workload.meta.annotations.get(ENGINE_ANNOTATION).map(String::as_str);
    let named = [(asked, "--engine"), (annotated, "annotation kubectl-stateful.io/engine")];
    let by_word = named.into_iter().find_map(|(word, by)| Some((by_name(word?)?, by.to_owned())));
    let (engine, by) = by_word
        .or_else(|| ENGINES.iter().find_map(|engine| Some((*engine, engine.recognise(workload)?))))
        .expect("generic recognises everything");
    (engine, Recognised { engine: engine.name().to_owned(), title: engine.title().to_owned(), by })
}

/// Tells whether a workload's members have to be asked; otherwise there are only labels to read.
#[must_use]
pub fn asks(workload: &Workload, recognised: &Recognised) -> bool {
    recognised.engine != generic::ENGINE.name() || hooks::asks(workload)
}

/// Chooses the container to ask: what the user says, then the annotation, then what the engine finds.
#[must_use]
pub fn container(engine: &dyn Engine, workload: &Workload, pod: &Pod, asked: Option<&str>) -> Option<ContainerName> {
    let annotated = workload.meta.annotations.get(CONTAINER_ANNOTATION).map(String::as_str);
    asked.or(annotated).map(ContainerName::from).or_else(|| engine.container(pod))
}

#[cfg(test)]
mod tests;

//! What an engine wants done when another member becomes the primary.

use crate::model::{ContainerName, Known, PodName, Workload};
use crate::plan::{Effect, Objection, Pin, Process, Step, Weight};

/// A member's server, and how others reach it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The pod.
    pub pod: Pin,
    /// The container to run commands in.
    pub container: ContainerName,
    /// The name under which the other members find it; `None` when it has none now.
    pub host: Option<String>,
}

impl Place {
    /// Gives the pod's name.
    #[must_use]
    pub fn name(&self) -> PodName {
        PodName(self.pod.name.clone())
    }

    /// Makes a command that runs here.
    #[must_use]
    pub fn process(&self, argv: Vec<String>) -> Process {
        Process { pod: self.pod.clone(), container: self.container.clone(), argv }
    }

    /// Makes the effect of a command that runs here and ends by itself.
    #[must_use]
    pub fn command(&self, words: impl Into<String>, argv: Vec<String>) -> Effect {
        Effect::Command { pod: self.pod.clone(), container: self.container.clone(), words: words.into(), argv }
    }

    /// Makes the effect of a command that runs here again and again, until it ends with 0.
    #[must_use]
    pub fn wait(&self, words: impl Into<String>, argv: Vec<String>) -> Effect {
        Effect::Await { pod: self.pod.clone(), container: self.container.clone(), words: words.into(), argv }
    }
}

/// What an engine may choose between when a primary hands over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// What the evidence allows.
    #[default]
    Auto,
    /// Nobody takes writes before the old primary is seen as a follower.
    Safe,
    /// The new primary takes writes as soon as it is shown to hold everything.
    Fast,
}

/// How the primary so far ends.
#[derive(Clone, Debug)]
pub enum Handing {
    /// It answers, and hands over.
    Over(Place),
    /// It is given up, and with it what only it has. Its place, if commands still run there.
    Up(Option<Place>),
}

/// A member that is to become the primary, and everybody else.
pub struct Promoting<'a> {
    /// The set.
    pub workload: &'a Workload,
    /// The member that becomes the primary.
    pub candidate: Place,
    /// The primary so far.
    pub handing: Handing,
    /// The members that follow, now and then.
    pub siblings: Vec<Place>,
    /// How far the candidate may be behind, in bytes.
    pub max_lag_bytes: u64,
    /// The path that somebody asked for.
    pub path: Path,
    /// Whether this revision of the pods was seen to come back as a follower.
    pub proven: bool,
    /// For how many seconds the kubelet would hold the old primary's container back, should it end now.
    pub held_back: Known<u64>,
}

impl Promoting<'_> {
    /// Gives the primary that hands over; `None` in a failover.
    #[must_use]
    pub fn primary(&self) -> Option<&Place> {
        match &self.handing {
            Handing::Over(place) => Some(place),
            Handing::Up(_) => None,
        }
    }
}

/// What an engine wants done when another member becomes the primary. The steps stand in the order in which they are
/// carried out; clients are led over between `fence` and `lead`.
#[derive(Clone, Debug, Default)]
pub struct Promotion {
    /// What speaks against this candidate.
    pub objections: Vec<Objection>,
    /// How it is done and what it costs, as a sentence: "no write is lost; writes pause for about 3 s".
    pub manner: String,
    /// What people should know besides.
    pub notes: Vec<String>,
    /// What happens while the primary still takes writes.
    pub before: Vec<Step>,
    /// The old primary stops taking writes.
    pub fence: Vec<Step>,
    /// The candidate becomes the primary.
    pub lead: Vec<Step>,
    /// The others follow it.
    pub after: Vec<Step>,
    /// Whether clients are led over and the candidate becomes the primary without a look in between: nothing of `lead`
    /// has to be seen before the rest of it is sent.
    pub at_once: bool,
    /// Whether whoever manages the members leads clients over as well, by labels of its own.
    pub leads_clients: bool,
    /// Whether the run proves that this revision's pods come back as followers.
    pub proves: bool,
}

impl Promotion {
    /// Makes the answer of an engine that has nothing to promote, or knows no way; `why` and `way_out` are sentences.
    #[must_use]
    pub fn none(why: impl Into<String>, limit: impl Into<String>, way_out: Option<&str>) -> Self {
        let objection = Objection::new("noPromotion", Weight::No, why, limit);
        let objection = match way_out {
            Some(words) => objection.way_out(words),
            None => objection,
        };
        Self { objections: vec![objection], ..Self::default() }
    }
}

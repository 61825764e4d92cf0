//! What an engine wants done when another member becomes the primary.

use crate::model::{ContainerName, Known, PodName, Workload};
use crate::plan::{Check, Effect, Limit, Objection, Pin, Process, Step, Weight};

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
    /// It does not answer, and is given up.
    Up(GivenUp),
}

/// A primary that does not answer.
#[derive(Clone, Debug)]
pub struct GivenUp {
    /// The name of its pod.
    pub pod: PodName,
    /// Where commands still run beside its server, if they do.
    pub place: Option<Place>,
    /// The container that its server runs in.
    pub container: ContainerName,
    /// Its claims.
    pub claims: Vec<Pin>,
    /// The one node on which its volumes can be mounted, or where it runs.
    pub node: Pin,
    /// Whether that node's kubelet is there, so that the pod's end can be seen.
    pub node_ready: bool,
}

impl GivenUp {
    /// Names the helper pod that works on its volumes.
    #[must_use]
    pub fn helper(&self) -> String {
        format!("kubectl-stateful-{}", self.pod)
    }
}

/// What only a primary that is given up has, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Bytes of its log.
    pub bytes: Known<u64>,
    /// Transactions that were committed in them.
    pub transactions: Known<u64>,
    /// What else is known of it, as a sentence: up to when the candidate has everything.
    pub bound: Option<String>,
}

/// What a failover costs, and how the member that was given up comes back.
#[derive(Clone, Debug)]
pub struct Failover {
    /// What is lost.
    pub loss: Loss,
    /// How its data become those of a follower; `None` where whoever manages the members sees to it.
    pub rejoin: Option<Rejoin>,
}

/// How the data of a member that was given up become those of a follower, before its pod may run again.
#[derive(Clone, Debug)]
pub struct Rejoin {
    /// What a helper pod does on the member's volumes, for people.
    pub words: String,
    /// The command of the helper pod.
    pub argv: Vec<String>,
    /// What prints what it has to know.
    pub reads: Process,
    /// How long it may take.
    pub limit: Limit,
    /// Why what it does cannot be taken back.
    pub why: String,
    /// What must hold once the member's pod runs again.
    pub rejoined: Vec<Check>,
    /// What happens then, where its volumes alone do not make it follow.
    pub after: Vec<Step>,
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
    /// By way of which host a write is to be tried at the end, where somebody wants that.
    pub verify: Option<String>,
    /// For how many seconds the kubelet would hold the old primary's container back, should it end now.
    pub held_back: Known<u64>,
}

/// The members of a switchover, with what each of them said.
pub(super) struct Said<'a, T> {
    /// The primary that hands over.
    pub(super) from: &'a Place,
    /// What it said.
    pub(super) primary: T,
    /// What the candidate said.
    pub(super) candidate: T,
    /// The others, and what they said.
    pub(super) siblings: Vec<(&'a Place, T)>,
}

impl Promoting<'_> {
    /// Gives the primary that hands over.
    ///
    /// # Errors
    /// When it is given up.
    pub(super) fn from(&self) -> Result<&Place, Objection> {
        match &self.handing {
            Handing::Over(place) => Ok(place),
            Handing::Up(lost) => {
                let measured = format!("{} does not answer", lost.pod);
                Err(Objection::new("noPrimary", Weight::Unknown, measured, "a switchover needs one that hands over"))
            }
        }
    }

    /// Reads what everybody said; `read` gives the reason where it cannot be read.
    ///
    /// # Errors
    /// When somebody did not answer.
    pub(super) fn said<T>(&self, read: impl Fn(&Place) -> Result<T, String>) -> Result<Said<'_, T>, Objection> {
        let read = |place: &Place| {
            read(place).map_err(|why| {
                let measured = format!("{} does not answer: {why}", place.pod.name);
                Objection::new("silent", Weight::Unknown, measured, "every member must answer")
            })
        };
        let from = self.from()?;
        let (primary, candidate) = (read(from)?, read(&self.candidate)?);
        let siblings = self.siblings.iter().map(|place| Ok((place, read(place)?))).collect::<Result<_, _>>()?;
        Ok(Said { from, primary, candidate, siblings })
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
    /// A write is tried, where somebody wants that.
    pub verifies: Option<Step>,
    /// In a failover: what is lost, and how the given-up member comes back.
    pub failover: Option<Failover>,
    /// In a failover: what makes the given-up member a follower once it runs again, where nothing on its volumes can say so
    /// before.
    pub turn: Option<Step>,
    /// In a failover where others make a follower of whoever comes back: what then holds. The given-up member's pod is ended
    /// only once another one leads, for should it be back before, it would be the primary still.
    pub returns: Option<Check>,
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

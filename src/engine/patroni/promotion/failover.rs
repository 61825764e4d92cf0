//! How a standby becomes the leader where the leader does not answer, and Patroni puts nobody in its place by itself: it is
//! paused, or nobody was left whom it would choose.
//!
//! ```text
//! before  Patroni is seen to take orders from inside the candidate's container
//! (fence) the old leader's pod goes: while Patroni is paused it lets a server go on that has lost the leader lock
//! lead    Patroni is ordered once to make the candidate the leader
//! after   everybody who can streams from it
//! ```
//!
//! The pod may run again at once: a Patroni that starts makes its server a primary only when it has the lock, and rewinds it
//! otherwise.

use super::{fitness, rest, steps};
use crate::engine::answer::one_line;
use crate::engine::patroni::rest::{Cluster, Listed, Rest};
use crate::engine::postgres::{Survivors, manner};
use crate::engine::{Asked, Failover, GivenUp, Loss, Place, Promoting, Promotion, bytes};
use crate::plan::{Objection, Weight};

/// Those who are left, by what Patroni says of them.
pub(super) struct Left<'a> {
    pub(super) promoting: &'a Promoting<'a>,
    pub(super) lost: &'a GivenUp,
    cluster: Cluster,
    rests: Vec<Rest>,
    /// The candidate, by the name that Patroni has for it.
    pub(super) candidate: String,
}

/// Says what has to happen for a standby to become the leader without one.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>, lost: &GivenUp) -> Promotion {
    let refused = |objections| Promotion { objections, ..Promotion::default() };
    let left = Left::new(asked, promoting, lost);
    let (left, survivors) = match left.and_then(|left| Ok((left, Survivors::new(asked, promoting, lost)?))) {
        Ok(both) => both,
        Err(objection) => return refused(vec![objection]),
    };
    let mut objections = left.objections();
    objections.extend(fitness::replays(asked.topology, &promoting.candidate.name()));
    objections.extend(survivors.furthest());
    objections.extend(survivors.alive());
    if !objections.is_empty() {
        return refused(objections);
    }
    left.promotion(Loss { bound: left.bound(), ..survivors.loss(asked) })
}

impl<'a> Left<'a> {
    fn new(asked: &Asked<'_>, promoting: &'a Promoting<'a>, lost: &'a GivenUp) -> Result<Self, Objection> {
        let places = std::iter::once(&promoting.candidate).chain(&promoting.siblings);
        let rests: Vec<Rest> = places.map(|place| rest(asked, place)).collect::<Result<_, _>>()?;
        let own = rests.first();
        let cluster = own.and_then(|rest| rest.cluster.clone()).ok_or_else(|| {
            let measured = format!("Patroni of {} does not reach its store", promoting.candidate.pod.name);
            let limit = "a leader is made in Patroni's store: while nobody reaches it, there can be none";
            Objection::new("store", Weight::Unknown, measured, limit).way_out("bring the store back first")
        })?;
        let candidate = own.and_then(Rest::name).unwrap_or(&promoting.candidate.pod.name).to_owned();
        Ok(Self { promoting, lost, cluster, rests, candidate })
    }

    fn own(&self) -> Option<&Listed> {
        self.cluster.members.iter().find(|listed| listed.name == self.candidate)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.rests.iter().any(Rest::is_paused)
    }

    fn objections(&self) -> Vec<Objection> {
        let mut found: Vec<Objection> = fitness::closed(self.promoting.workload).into_iter().collect();
        found.extend(fitness::scheduled(&self.cluster));
        found.extend(self.locked());
        found.extend(fitness::choosable(self.own(), &self.candidate));
        found
    }

    /// Nobody has the leader lock: who has it may take writes, and lets go of it before another one leads.
    fn locked(&self) -> Option<Objection> {
        let leader = self.cluster.members.iter().find(|listed| listed.leads())?;
        let measured = format!("Patroni still has {} as the leader", one_line(&leader.name));
        let limit = "the lock of one that does not answer runs out with its time to live, 30 s by default";
        let way_out = if self.is_paused() {
            "wait until it has run out"
        } else {
            "wait: Patroni then makes another one the leader by itself, where it finds one that it may choose"
        };
        Some(Objection::new("leader", Weight::Passing, measured, limit).way_out(way_out))
    }

    /// Says what Patroni knows of the old leader's end: at least so much, for it was told only now and then.
    fn bound(&self) -> Option<String> {
        let own = self.own()?;
        let behind = match own.lag.as_ref()?.as_u64()? {
            0 => format!("{} has all that Patroni last heard of", self.candidate),
            lag => format!("{} lacks at least {} of what Patroni last heard of", self.candidate, bytes(lag)),
        };
        let confirmed = matches!(own.role.as_deref(), Some("sync_standby"));
        Some(if confirmed { format!("{behind}; commits waited for it") } else { behind })
    }

    fn promotion(&self, loss: Loss) -> Promotion {
        let (from, to) = (self.lost.pod.as_str(), &self.promoting.candidate.pod.name);
        let manner = manner(from, to, &loss);
        let mut notes = vec![
            "Patroni leads its Services and labels over".to_owned(),
            format!(
                "the leader lock keeps {from} from coming back as a second leader: Patroni rewinds it (use_pg_rewind), or it \
                 has to be copied anew (`patronictl reinit`)"
            ),
        ];
        if self.is_paused() {
            notes.push(format!(
                "Patroni is paused, and stays so: it does not start {from} again before `patronictl resume`, and nobody takes \
                 over from {to} by itself"
            ));
        }
        Promotion {
            manner,
            notes,
            before: vec![steps::rehearse(&self.promoting.candidate)],
            lead: vec![steps::take_over(self)],
            after: vec![steps::follow_without(self)],
            leads_clients: true,
            failover: Some(Failover { loss, rejoin: None }),
            ..Promotion::default()
        }
    }

    /// Names who is to follow: the old leader, too, where Patroni is there and may start it.
    pub(super) fn followers(&self) -> Vec<&str> {
        let siblings = self.promoting.siblings.iter().map(|place: &Place| place.pod.name.as_str());
        siblings.chain(self.comes_back().then_some(self.lost.pod.as_str())).collect()
    }

    pub(super) fn comes_back(&self) -> bool {
        self.lost.node_ready && !self.is_paused()
    }
}

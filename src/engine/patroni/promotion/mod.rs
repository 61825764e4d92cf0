//! How a standby becomes the leader: Patroni moves the role by itself, at one word to it.
//!
//! ```text
//! before  Patroni is seen to take orders from inside the leader's container
//! lead    it is ordered once, from the leader to the candidate, and what its store says afterwards decides
//! after   everybody streams from the new leader
//! ```
//!
//! A leader that does not answer, and that Patroni puts nobody in the place of by itself, is given up (`failover`).
//!
//! It stops the leader's server in order and lets go of the leader key when the candidate has the end of the log. Nothing
//! of that is done for it here, and nothing can be taken back on the way.

mod check;
mod failover;
mod fitness;
mod steps;

#[cfg(test)]
mod tests;

use super::rest::{Cluster, Listed, Rest};
use crate::engine::{Asked, Handing, Place, Promoting, Promotion};
use crate::model::Topology;
use crate::plan::{Objection, Weight};

pub(super) use check::judge;

/// Everybody who has a part in it, by the names that Patroni has for them.
struct Cast<'a> {
    promoting: &'a Promoting<'a>,
    now: &'a Topology,
    from: &'a Place,
    cluster: Cluster,
    /// What each member says of itself, the leader's first, then the candidate's.
    rests: Vec<(&'a Place, Rest)>,
    leader: String,
    candidate: String,
}

/// Says what has to happen for a standby to become the leader.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
    if let Handing::Up(lost) = &promoting.handing {
        return failover::promotion(asked, promoting, lost);
    }
    match Cast::new(asked, promoting) {
        Ok(cast) => cast.promotion(),
        Err(objection) => Promotion { objections: vec![objection], ..Promotion::default() },
    }
}

/// Reads what Patroni of a member says.
fn rest(asked: &Asked<'_>, place: &Place) -> Result<Rest, Objection> {
    let pod = asked.pods.iter().find(|pod| pod.meta.name == place.pod.name);
    let rest = pod.map_or_else(|| Err("no pod".to_owned()), |pod| Rest::read(asked.outputs, pod));
    rest.map_err(|why| {
        let measured = format!("Patroni of {} does not answer: {why}", place.pod.name);
        Objection::new("silent", Weight::Unknown, measured, "every member must answer")
    })
}

impl<'a> Cast<'a> {
    fn new(asked: &Asked<'a>, promoting: &'a Promoting<'a>) -> Result<Self, Objection> {
        let from = promoting.from()?;
        let read = |place: &'a Place| Ok((place, rest(asked, place)?));
        let places = [from, &promoting.candidate].into_iter().chain(&promoting.siblings);
        let rests = places.map(read).collect::<Result<Vec<_>, Objection>>()?;
        let cluster = rests.first().and_then(|(_, rest)| rest.cluster.clone()).ok_or_else(|| {
            let measured = format!("Patroni of {} does not list its members: its store does not answer", from.pod.name);
            Objection::new("store", Weight::Unknown, measured, "the role moves in Patroni's store")
        })?;
        let name = |at: usize| {
            let (place, rest) = rests.get(at)?;
            Some(rest.name().unwrap_or(&place.pod.name).to_owned())
        };
        let (leader, candidate) = (name(0).unwrap_or_default(), name(1).unwrap_or_default());
        Ok(Self { promoting, now: asked.topology, from, cluster, rests, leader, candidate })
    }

    /// Finds a member in Patroni's list.
    fn listed(&self, name: &str) -> Option<&Listed> {
        self.cluster.members.iter().find(|listed| listed.name == name)
    }

    fn promotion(&self) -> Promotion {
        let objections = fitness::objections(self);
        if !objections.is_empty() {
            return Promotion { objections, ..Promotion::default() };
        }
        let (from, to) = (&self.from.pod.name, &self.promoting.candidate.pod.name);
        Promotion {
            manner: format!(
                "no write is lost; writes pause for some seconds: Patroni stops {from} in order, and promotes {to} once it \
                 has the end of the log"
            ),
            notes: vec!["Patroni leads its Services and labels over".to_owned()],
            before: vec![steps::rehearse(self.from)],
            lead: vec![steps::switch(self)],
            after: vec![steps::follow(self)],
            leads_clients: true,
            ..Promotion::default()
        }
    }
}

//! How a replica becomes the master, with nothing lost.
//!
//! ```text
//! before  the old master is seen to be able to connect to the candidate, and both to write down what they are
//! lead    the master hands over: writes wait until the candidate has everything (`FAILOVER`)
//! after   everybody follows the candidate by the name that stays, and writes that down
//! ```
//!
//! Where sentinels watch, they replace the master, while writes wait on it. In a Redis Cluster a replica takes over from the master
//! of its own slots, at one word to it, and everybody hears of it. A master that does not answer is given up (`failover`).

/// Makes a script out of one that is kept here.
macro_rules! script {
    ($name:literal) => {
        concat!(
            include_str!("../../given.sh"),
            include_str!("../client.sh"),
            include_str!("keep.sh"),
            include_str!($name)
        )
    };
}

mod check;
mod failover;
mod fitness;
mod forcing;
mod handing;
mod replacing;
mod taking;
mod telling;

#[cfg(test)]
mod tests;

use super::server::Server;
use super::topology::{Subject, is_cluster};
use crate::engine::promotion::Said;
use crate::engine::{Asked, Handing, Place, Promoting, Promotion};
use crate::model::PodName;
use crate::plan::Objection;

pub(super) use check::judge;

/// Everybody who has a part in it, with what each server said.
struct Cast<'a> {
    promoting: &'a Promoting<'a>,
    subjects: Vec<Subject<'a>>,
    from: &'a Place,
    primary: Server,
    candidate: Server,
    siblings: Vec<(&'a Place, Server)>,
}

/// Says what has to happen for a replica to become the master.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
    if let Handing::Up(lost) = &promoting.handing {
        return failover::promotion(asked, promoting, lost);
    }
    match Cast::new(asked, promoting) {
        Ok(cast) => cast.promotion(),
        Err(objection) => Promotion { objections: vec![objection], ..Promotion::default() },
    }
}

/// Tells whether a master that comes back is made a replica by others: sentinels, or the nodes of its cluster.
pub(super) fn asks_to_lead(asked: &Asked<'_>) -> bool {
    let subjects = Subject::all(asked.pods, asked.outputs);
    is_cluster(&subjects) || subjects.iter().any(|subject| subject.sentinel.is_some())
}

/// Says what people can do where more than one node of a Redis Cluster does not answer.
pub(super) fn without_most(asked: &Asked<'_>) -> Option<&'static str> {
    is_cluster(&Subject::all(asked.pods, asked.outputs)).then_some(forcing::TAKEOVER)
}

/// Names the master that a replica of a Redis Cluster has: there are several.
pub(super) fn hands_over(asked: &Asked<'_>, candidate: &PodName) -> Option<PodName> {
    let subjects = Subject::all(asked.pods, asked.outputs);
    let own = subjects.iter().find(|subject| subject.name() == candidate.0)?.node()?;
    let master = own.master.as_deref()?;
    let leads = |subject: &&Subject<'_>| subject.node().is_some_and(|node| node.id == master);
    subjects.iter().find(leads).map(|subject| subject.pod.name())
}

impl<'a> Cast<'a> {
    fn new(asked: &Asked<'a>, promoting: &'a Promoting<'a>) -> Result<Self, Objection> {
        let subjects = Subject::all(asked.pods, asked.outputs);
        let read = |place: &Place| {
            let found = subjects.iter().find(|one| one.name() == place.pod.name);
            let server = found.map_or(Err("no pod"), |one| one.server.as_ref().map_err(String::as_str));
            server.cloned().map_err(str::to_owned)
        };
        let Said { from, primary, candidate, siblings } = promoting.said(read)?;
        Ok(Self { promoting, subjects, from, primary, candidate, siblings })
    }

    fn promotion(&self) -> Promotion {
        if is_cluster(&self.subjects) {
            return taking::promotion(self);
        }
        if self.subjects.iter().any(|subject| subject.sentinel.is_some()) {
            return replacing::promotion(self);
        }
        handing::promotion(self)
    }

    /// Finds a member by its place.
    fn subject(&self, place: &Place) -> Option<&Subject<'a>> {
        self.subjects.iter().find(|subject| subject.name() == place.pod.name)
    }
}

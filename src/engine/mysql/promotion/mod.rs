//! How a replica becomes the primary, and the primary a replica, with nothing lost.
//!
//! ```text
//! before  the candidate is shown to have what it connects with: the old primary will connect with the same
//! fence   the primary takes no more writes and sends its clients away; the candidate executes all that there is;
//!         the primary follows the candidate, which takes no writes yet either
//! lead    the candidate follows nobody any more and takes writes
//! after   the others follow it
//! ```
//!
//! A group does the same by itself, at one word to the candidate. A primary that does not answer is given up (`failover`).

mod check;
mod failover;
mod fitness;
mod steps;

#[cfg(test)]
mod tests;

use super::server::Server;
use super::subject::Subject;
use super::{galera, subjects};
use crate::engine::promotion::Said;
use crate::engine::{Asked, Handing, Place, Promoting, Promotion};
use crate::plan::Objection;

pub(super) use check::judge;
pub(super) use failover::remains;

/// Everybody who has a part in it, with what each server said.
struct Cast<'a> {
    promoting: &'a Promoting<'a>,
    subjects: Vec<Subject<'a>>,
    from: &'a Place,
    primary: Server,
    candidate: Server,
    siblings: Vec<(&'a Place, Server)>,
}

/// Says what has to happen for a replica to become the primary.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
    if let Handing::Up(lost) = &promoting.handing {
        return failover::promotion(asked, promoting, lost);
    }
    match Cast::new(asked, promoting) {
        Ok(cast) => cast.promotion(),
        Err(objection) => Promotion { objections: vec![objection], ..Promotion::default() },
    }
}

/// Reads what the server of a place said.
fn server_of(asked: &Asked<'_>, place: &Place) -> Result<Server, String> {
    let pod = asked.pods.iter().find(|pod| pod.meta.name == place.pod.name).ok_or("no pod")?;
    Server::read(asked.outputs, pod)
}

impl<'a> Cast<'a> {
    fn new(asked: &Asked<'a>, promoting: &'a Promoting<'a>) -> Result<Self, Objection> {
        let subjects = subjects(asked.pods, asked.outputs);
        let Said { from, primary, candidate, siblings } = promoting.said(|place| server_of(asked, place))?;
        Ok(Self { promoting, subjects, from, primary, candidate, siblings })
    }

    fn promotion(&self) -> Promotion {
        if self.primary.is_galera() {
            let why = format!("every member of a {} takes writes", galera::title(&self.subjects));
            let way_out = Some("lead the writers elsewhere in the proxy in front of it");
            return Promotion::none(why, "there is nothing to promote", way_out);
        }
        if self.primary.is_of_group() {
            return steps::of_group(self);
        }
        let objections = fitness::objections(self);
        if !objections.is_empty() {
            return Promotion { objections, ..Promotion::default() };
        }
        Promotion {
            manner: "no write is lost; writes pause for some seconds, until the candidate has executed the last ones"
                .to_owned(),
            notes: fitness::notes(self),
            before: vec![steps::rehearse(self)],
            fence: vec![steps::fence(self), steps::catch_up(self), steps::turn(self)],
            lead: vec![steps::lead(self)],
            after: steps::after(self),
            ..Promotion::default()
        }
    }
}

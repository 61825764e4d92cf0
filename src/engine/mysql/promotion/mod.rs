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
//! A group does the same by itself, at one word to the candidate.

mod check;
mod fitness;
mod steps;

#[cfg(test)]
mod tests;

use super::server::Server;
use super::subject::Subject;
use super::{galera, subjects};
use crate::engine::promotion::Said;
use crate::engine::{Asked, Place, Promoting, Promotion};
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

/// Says what has to happen for a replica to become the primary.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>) -> Promotion {
    match Cast::new(asked, promoting) {
        Ok(cast) => cast.promotion(),
        Err(objection) => Promotion { objections: vec![objection], ..Promotion::default() },
    }
}

impl<'a> Cast<'a> {
    fn new(asked: &Asked<'a>, promoting: &'a Promoting<'a>) -> Result<Self, Objection> {
        let subjects = subjects(asked.pods, asked.outputs);
        let read = |place: &Place| {
            let found = subjects.iter().find(|one| one.name() == place.pod.name);
            let server = found.map_or(Err("no pod"), |one| one.server.as_ref().map_err(String::as_str));
            server.cloned().map_err(str::to_owned)
        };
        let Said { from, primary, candidate, siblings } = promoting.said(read)?;
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

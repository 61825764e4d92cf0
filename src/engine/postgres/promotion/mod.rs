//! How a standby becomes the primary, and the primary a standby, with nothing lost and nothing rewound.
//!
//! ```text
//! before  the candidate keeps log for everybody; the primary is told to come back as a standby
//! fence   the primary stops in order: every standby has everything before it ends        (safe path: seen back as standby)
//! lead    the candidate takes over, once it is shown to hold the end of the primary's log (fast path: without waiting)
//! after   the old primary and the others follow; what is left over is taken away
//! ```

mod check;
mod failover;
mod fitness;
mod names;
mod steps;

use super::Server;
use crate::engine::promotion::Said;
use crate::engine::{Asked, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Known, Pod, ProbeOutput};
use crate::plan::Objection;

#[cfg(test)]
mod tests;

pub(super) use check::judge;
pub(in crate::engine) use failover::{Survivors, manner, remains};

/// Majors on which the fast path's rule for the end of the log was seen to hold.
const PROVEN_MAJORS: std::ops::RangeInclusive<u32> = 15..=17;

/// Everybody who has a part in it, with what each server said.
struct Cast<'a> {
    promoting: &'a Promoting<'a>,
    from: &'a Place,
    primary: Server,
    candidate: Server,
    siblings: Vec<(&'a Place, Server)>,
    /// The name by which the candidate finds itself named in its primary's list, if it has one of its own.
    called: Option<String>,
}

/// Says what has to happen for a standby to become the primary.
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
fn server(asked: &Asked<'_>, pod: &str) -> Result<Server, String> {
    let pod: &Pod = asked.pods.iter().find(|one| one.meta.name == pod).ok_or("no pod")?;
    let outputs: Vec<&ProbeOutput> = asked.outputs.to_vec();
    Server::read(&outputs, pod)
}

impl<'a> Cast<'a> {
    fn new(asked: &Asked<'_>, promoting: &'a Promoting<'a>) -> Result<Self, Objection> {
        let Said { from, primary, candidate, siblings } = promoting.said(|place| server(asked, &place.pod.name))?;
        let called = names::called(asked, &primary, &promoting.candidate.pod.name);
        Ok(Self { promoting, from, primary, candidate, siblings, called })
    }

    /// Tells whether nobody has to wait for the old primary to be seen as a standby, and why.
    fn is_fast(&self) -> (bool, String) {
        let from = &self.from.pod.name;
        let major = self.primary.major();
        if !major.is_some_and(|major| PROVEN_MAJORS.contains(&major)) {
            return (false, format!("the end of the log is not told by itself on this version; {from} is awaited"));
        }
        match self.promoting.path {
            Path::Safe => (false, format!("--path safe: {from} is awaited as a standby first")),
            Path::Fast => (true, format!("--path fast: nobody waits for {from}")),
            Path::Auto if self.promoting.proven => {
                (true, format!("pods of this revision were seen to come back as standbys: nobody waits for {from}"))
            }
            Path::Auto if self.keeps_signal() => {
                (true, format!("the image's entrypoint keeps standby.signal: nobody waits for {from}"))
            }
            Path::Auto => (
                false,
                format!("whether pods of this revision come back as standbys was never seen: {from} is awaited first"),
            ),
        }
    }

    /// Says how long the old primary takes to be back as a standby.
    fn start(&self) -> String {
        let start = "as long as its container takes to start";
        match &self.promoting.held_back {
            Known::Value(0) => format!("{start}, some 2 s"),
            Known::Value(seconds) => {
                format!("{start}, some {} s: it restarted a short time ago, and its kubelet holds it back", seconds + 2)
            }
            Known::Unknown(why) => format!("{start}, 2 s to 5 min: {why}"),
        }
    }

    /// Tells whether the servers start by the official image's entrypoint, which leaves `standby.signal` alone.
    fn keeps_signal(&self) -> bool {
        let containers = &self.promoting.workload.template.containers;
        let container = containers.iter().find(|container| container.name == self.from.container);
        container.is_some_and(|container| container.image_base() == "postgres" && container.own_entrypoint)
    }

    fn promotion(&self) -> Promotion {
        let (fast, why) = self.is_fast();
        let pause = if fast { "about half a second".to_owned() } else { self.start() };
        Promotion {
            // Somebody may take the responsibility for some of them: then the steps are needed all the same.
            objections: fitness::objections(self),
            manner: format!("no write is lost; writes pause for {pause} ({why})"),
            notes: fitness::notes(self, fast),
            before: steps::before(self, fast),
            fence: if fast { Vec::new() } else { vec![steps::stop(self)] },
            lead: vec![if fast { steps::hand_over(self) } else { steps::take_over(self) }],
            after: steps::after(self),
            verifies: steps::verify(self.promoting, &steps::way_to(self).1),
            at_once: true,
            proves: !self.promoting.proven,
            ..Promotion::default()
        }
    }
}

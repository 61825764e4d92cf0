//! How a standby becomes the primary when the primary does not answer: the most advanced one, with what is lost measured
//! before anybody agrees to it.
//!
//! ```text
//! before   the candidate keeps log for everybody; commits on it will wait only for those who are there
//! (fence)  the old primary's pod goes, and is kept from coming back
//! lead     nobody receives from it any more, nobody is further: the candidate takes over
//! after    the others follow
//! (rejoin) the old primary's data are rewound or copied anew in a helper pod; only then its pod may run again
//! ```

use serde::Deserialize;

use super::fitness::{self, no};
use super::{names, server, steps};
use crate::engine::postgres::server::{Lsn, Server};
use crate::engine::{Asked, Failover, GivenUp, Handing, Loss, Place, Promoting, Promotion, Rejoin, answer};
use crate::model::{Known, Pod, Probe};
use crate::plan::{EngineCheck, Limit, Objection, Verdict, Weight};

/// The word by which the measure of what is lost is known.
const REMAINS: &str = "postgres-remains";

/// How long copying a whole server may take.
const COPY_LIMIT: Limit = Limit::seconds(24 * 60 * 60);

/// Those who are left.
pub(in crate::engine) struct Survivors<'a> {
    promoting: &'a Promoting<'a>,
    lost: &'a GivenUp,
    candidate: Server,
    siblings: Vec<(&'a Place, Server)>,
}

/// Says what has to happen for a standby to become the primary without one.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>, lost: &GivenUp) -> Promotion {
    let survivors = match Survivors::new(asked, promoting, lost) {
        Ok(survivors) => survivors,
        Err(objection) => return Promotion { objections: vec![objection], ..Promotion::default() },
    };
    let objections = survivors.objections();
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    survivors.promotion(asked)
}

/// Makes the question what only the old primary has, to be asked beside its server.
pub(in crate::engine) fn remains(asked: &Asked<'_>, promoting: &Promoting<'_>) -> Option<Probe> {
    let Handing::Up(GivenUp { place: Some(place), .. }) = &promoting.handing else { return None };
    let candidate = server(asked, &promoting.candidate.pod.name).ok()?;
    let has = candidate.has()?;
    let argv = ["sh", "-c", include_str!("remains.sh"), "kubectl-stateful"].map(str::to_owned);
    let argv = argv.into_iter().chain([has.to_string()]).collect();
    Some(Probe { id: REMAINS, container: place.container.clone(), argv })
}

/// What `remains.sh` prints.
#[derive(Deserialize)]
struct Remains {
    /// Where the candidate's log ended when it was asked.
    from: Lsn,
    /// The end of the log.
    end: Option<Lsn>,
    /// Transactions committed in between.
    commits: u64,
    /// What the reader of the log said last.
    said: String,
}

impl<'a> Survivors<'a> {
    /// Reads what they said.
    ///
    /// # Errors
    /// When somebody did not answer.
    pub(in crate::engine) fn new(
        asked: &Asked<'_>,
        promoting: &'a Promoting<'a>,
        lost: &'a GivenUp,
    ) -> Result<Self, Objection> {
        let read = |place: &Place| {
            server(asked, &place.pod.name).map_err(|why| {
                let measured = format!("{} does not answer: {why}", place.pod.name);
                Objection::new("silent", Weight::Unknown, measured, "every member that is left must answer")
            })
        };
        let candidate = read(&promoting.candidate)?;
        let siblings = promoting.siblings.iter().map(|place| Ok((place, read(place)?))).collect::<Result<_, _>>()?;
        Ok(Self { promoting, lost, candidate, siblings })
    }

    fn name(&self) -> &str {
        &self.promoting.candidate.pod.name
    }

    fn objections(&self) -> Vec<Objection> {
        let mut found = fitness::decides_by_itself(self.promoting.workload);
        found.extend(fitness::applies(self.name(), &self.candidate));
        found.extend(self.furthest());
        found.extend(self.alive());
        for (place, server) in &self.siblings {
            found.extend(self.can_follow(&place.pod.name, server));
        }
        if self.promoting.candidate.host.is_none() {
            let measured = format!("{} has no DNS name", self.name());
            found.push(no("host", measured, "the others must find it by a name that stays"));
        }
        found
    }

    /// Nobody else has more of the log: who has could not follow.
    pub(in crate::engine) fn furthest(&self) -> Vec<Objection> {
        let name = self.name();
        let (Some(own), Some(line)) = (self.candidate.has(), self.candidate.timeline()) else {
            let measured = format!("how far {name} has the log is not known");
            return vec![Objection::new("position", Weight::Unknown, measured, "unknown counts as no")];
        };
        let others = self.siblings.iter().filter_map(|(place, server)| {
            let other = &place.pod.name;
            match (server.timeline(), server.has()) {
                (Some(others), Some(has)) if (others, has) <= (line, own) => None,
                (Some(others), Some(has)) => Some(
                    no(
                        "behind",
                        format!("{name} has the log up to {own}, {other} up to {has} (timelines {line}, {others})"),
                        "who is furthest loses least, and who is further than the primary cannot follow it",
                    )
                    .way_out(format!("--to {other}")),
                ),
                (_, _) => Some(Objection::new(
                    "position",
                    Weight::Unknown,
                    format!("how far {other} has the log is not known"),
                    "unknown counts as no",
                )),
            }
        });
        others.collect()
    }

    /// Where nobody can see the old primary's end, those who received from it must have lost it.
    pub(in crate::engine) fn alive(&self) -> Vec<Objection> {
        if self.lost.node_ready {
            return Vec::new();
        }
        let all = std::iter::once((self.name(), &self.candidate))
            .chain(self.siblings.iter().map(|(place, server)| (place.pod.name.as_str(), server)));
        let receiving = all.filter(|(_, server)| receives(server, self.name()));
        receiving
            .map(|(name, _)| {
                Objection::new(
                    "alive",
                    Weight::Passing,
                    format!("{name} still counts as receiving from {}", self.lost.pod),
                    format!(
                        "node {} cannot say that it has stopped: nobody may be connected to it",
                        self.lost.node.name
                    ),
                )
                .way_out("wait for wal_receiver_timeout, 60 s by default; if it goes on, the node lives")
            })
            .collect()
    }

    /// A standby does not start with less than its primary has.
    fn can_follow(&self, other: &str, server: &Server) -> Vec<Objection> {
        let number = |server: &Server, read: fitness::Setting| read(server).and_then(|value| value.parse::<i64>().ok());
        let short = fitness::AT_LEAST.iter().filter_map(|(setting, read)| {
            let (own, value) = (number(&self.candidate, *read)?, number(server, *read)?);
            (value < own).then(|| {
                no(
                    "settings",
                    format!("{setting} is {value} on {other} and {own} on {}", self.name()),
                    "a standby does not start with less than its primary",
                )
                .way_out(format!("--to {other}"))
            })
        });
        let ids = (&server.system_identifier, &self.candidate.system_identifier);
        let same = matches!(ids, (Some(own), Some(other)) if own == other);
        let differs = (!same).then(|| no("otherData", format!("{other} and {} are no copies", self.name()), "a copy"));
        short.chain(differs).collect()
    }

    /// Whether members have slots at the primary; without them, log is kept for nobody.
    fn uses_slots(&self) -> bool {
        let mut all = std::iter::once(&self.candidate).chain(self.siblings.iter().map(|(_, server)| server));
        all.any(|server| server.settings.primary_slot_name.as_deref().is_some_and(|name| !name.is_empty()))
    }

    /// Names the slot that a member is to have at the candidate; empty for none.
    fn slot(&self, pod: &str) -> String {
        if self.uses_slots() { pod.replace('-', "_") } else { String::new() }
    }

    /// Tells whether commits on the candidate would wait for members that are not there.
    fn would_hang(&self) -> bool {
        let rule = self.candidate.settings.synchronous_standby_names.as_deref().unwrap_or_default();
        let named = names::names(rule);
        if named.is_empty() {
            return false;
        }
        let is_named =
            |pod: &str| named.iter().any(|name| name == "*" || name == pod || *name == pod.replace('-', "_"));
        let there = self.siblings.iter().filter(|(place, _)| is_named(&place.pod.name)).count();
        there < crate::engine::postgres::sync::wanted(rule) as usize
    }

    fn promotion(&self, asked: &Asked<'_>) -> Promotion {
        let (to, from) = (&self.promoting.candidate, self.lost.pod.as_str());
        let port = self.candidate.settings.port.clone().unwrap_or_else(|| "5432".to_owned());
        let way = (to.host.clone().unwrap_or_default(), port);
        let members = self.siblings.iter().map(|(place, _)| place.pod.name.as_str()).chain([from]);
        let mut slots: Vec<String> = members.map(|pod| self.slot(pod)).filter(|slot| !slot.is_empty()).collect();
        slots.retain(|name| !self.candidate.slots.iter().any(|slot| slot.slot_name == *name));
        let loss = self.loss(asked);
        let mut notes = Vec::new();
        if self.would_hang() {
            notes.push(format!(
                "commits on {} would wait for members that are gone: synchronous_standby_names is emptied there; set it \
                 again when everybody is back",
                to.pod.name
            ));
        }
        if self.uses_slots() {
            notes.push(format!("{} keeps log for {from} until it is back: watch its disk", to.pod.name));
        }
        let hangs = self.would_hang().then(|| steps::set_rule(to, ""));
        let directory = self.candidate.settings.data_directory.clone().unwrap_or_default();
        Promotion {
            manner: manner(from, &to.pod.name, &loss),
            notes,
            before: steps::create_slots(to, &slots).into_iter().chain(hangs).collect(),
            lead: vec![steps::take_over_alone(self.promoting, from)],
            after: self
                .siblings
                .iter()
                .map(|(place, _)| steps::follow(place, &to.pod.name, &way, &self.slot(&place.pod.name)))
                .collect(),
            verifies: steps::verify(self.promoting, &way.1),
            failover: Some(Failover {
                loss,
                rejoin: Some(Rejoin {
                    words: format!("rewind {from}'s data to {}'s, or copy them anew, in a helper pod", to.pod.name),
                    argv: steps::rejoin(&directory, &way, &self.slot(from)),
                    reads: to.process(steps::conninfo(&way, from)),
                    limit: COPY_LIMIT,
                    why: format!("what only {from} had is gone then"),
                    rejoined: vec![steps::follows(from, &to.pod.name), steps::settled(&to.pod.name)],
                    after: Vec::new(),
                }),
            }),
            ..Promotion::default()
        }
    }

    /// Says what only the old primary has, as far as it was measured.
    pub(in crate::engine) fn loss(&self, asked: &Asked<'_>) -> Loss {
        let age = self.candidate.replay_age_ms.and_then(|age| u64::try_from(age).ok());
        let bound = age.map(|age| format!("the last transaction that {} has is {} s old", self.name(), age / 1000));
        let read =
            |text: &str| serde_json::from_str::<Remains>(text).map_err(|error| answer::one_line(&error.to_string()));
        let outputs: Vec<_> = asked.outputs.to_vec();
        let pod = asked.pods.iter().find(|pod| pod.meta.name == self.lost.pod.0);
        let printed = |pod: &&Pod| answer::printed(&outputs, pod, REMAINS);
        let remains = match (&self.lost.place, pod.map(printed)) {
            (None, _) | (_, None) => Err(format!("nothing runs in {}", self.lost.pod)),
            (Some(_), Some(printed)) => printed.and_then(read),
        };
        let (bytes, transactions) = match remains {
            Ok(Remains { from, end: Some(end), commits, said: _ }) => {
                // It may have received more since.
                let has = self.candidate.has().unwrap_or(from).max(from);
                (Known::Value(end.0.saturating_sub(has.0)), Known::Value(commits))
            }
            Ok(Remains { said, .. }) => {
                let why = format!("the end of {}'s log was not found: {}", self.lost.pod, answer::one_line(&said));
                (Known::unknown(why.clone()), Known::unknown(why))
            }
            Err(why) => (Known::unknown(why.clone()), Known::unknown(why)),
        };
        Loss { bytes, transactions, bound }
    }
}

/// Says what it costs.
pub(in crate::engine) fn manner(from: &str, to: &str, loss: &Loss) -> String {
    let bound = loss.bound.as_ref().map(|bound| format!("; {bound}")).unwrap_or_default();
    match (&loss.bytes, &loss.transactions) {
        (Known::Value(0), _) => format!("{from} is given up; nothing is lost: {to} has all of its log"),
        (Known::Value(bytes), Known::Value(transactions)) => format!(
            "{from} is given up, and with it what only it has: {} of log, {}{bound}",
            crate::engine::bytes(*bytes),
            match transactions {
                1 => "1 committed transaction".to_owned(),
                number => format!("{number} committed transactions"),
            }
        ),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => {
            format!("{from} is given up, and with it what only it has, which cannot be measured ({why}){bound}")
        }
    }
}

/// Tells whether a standby receives from somebody else than the candidate.
fn receives(server: &Server, candidate: &str) -> bool {
    server.wal_receiver.as_ref().is_some_and(|receiver| {
        let host = receiver.sender_host.as_deref().unwrap_or_default();
        receiver.status.as_deref() == Some("streaming") && host.split('.').next() != Some(candidate)
    })
}

/// Right before the candidate takes over: nobody receives any more, it has applied everything, and nobody has more.
pub(super) fn received(check: &EngineCheck, candidate: &Server, asked: &Asked<'_>) -> Verdict {
    let (pod, from) = (check.name("pod"), check.name("from"));
    if !candidate.in_recovery {
        return Verdict::broken(format!("{pod} takes writes already"));
    }
    let (Some(has), Some(replayed)) = (candidate.has(), candidate.replay_lsn) else {
        return Verdict::not_yet(format!("how far {pod} has the log is not known"));
    };
    let others = asked.pods.iter().filter(|one| one.meta.name != pod && one.meta.name != from);
    let others = others.map(|other| (other.meta.name.as_str(), server(asked, &other.meta.name)));
    for (name, server) in others.chain([(pod, Ok(candidate.clone()))]) {
        match server {
            Err(why) => return Verdict::not_yet(format!("{name} does not answer ({why})")),
            Ok(server) if receives(&server, pod) => {
                return Verdict::not_yet(format!("{name} still counts as receiving from {from}"));
            }
            Ok(server) if server.has() > Some(has) => {
                return Verdict::broken(format!("{name} has more of the log than {pod}: promote that one"));
            }
            Ok(_) => {}
        }
    }
    if replayed < has {
        return Verdict::not_yet(format!("{pod} has applied its log up to {replayed}, of {has}"));
    }
    Verdict::Holds
}

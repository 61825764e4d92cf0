//! How a replica becomes the master when the master does not answer: the one that has most of its log.
//!
//! ```text
//! before   the others are seen to be able to connect to the candidate, and all to write down what they are
//! (fence)  the old master's pod goes, and is kept from coming back
//! lead     nobody receives from it any more, and nobody is further: the candidate follows nobody, and takes writes
//! after    the others follow it
//! (rejoin) a helper pod writes into the old master's configuration whom it follows; only then its pod may run again
//! ```
//!
//! Where its configuration is not on its volume, it comes back as a master, and is turned as soon as it answers (`turn`):
//! clients are elsewhere by then. Where sentinels watch, one of them is told (`telling`); in a Redis Cluster a replica takes over
//! from the master of its own slots, if most masters vote for it (`forcing`).

use super::check::{follows_by_name, furthest, leads};
use super::fitness::{self, no, passing};
use super::handing::{COMMAND_LIMIT, FOLLOW_LIMIT, follow, rehearse, rewrite, step};
use super::{forcing, telling};
use crate::engine::redis::probe::run;
use crate::engine::redis::server::{Server, Upstream};
use crate::engine::redis::topology::{Subject, is_at, is_cluster};
use crate::engine::{Asked, Failover, GivenUp, Loss, Place, Promoting, Promotion, Rejoin};
use crate::model::{Known, Workload};
use crate::plan::{Effect, GIVEN, Limit, Objection, Reversal, Step, Trace, Undo, Weight};

/// How long writing one line may take, with the start of a pod.
const HELP_LIMIT: Limit = Limit::seconds(300);

/// Those who are left.
pub(super) struct Survivors<'a> {
    pub(super) promoting: &'a Promoting<'a>,
    pub(super) lost: &'a GivenUp,
    /// The address of the old master's pod, if it has one still.
    pub(super) ip: Option<&'a str>,
    pub(super) subjects: Vec<Subject<'a>>,
    pub(super) candidate: Server,
    pub(super) siblings: Vec<(&'a Place, Server)>,
}

/// Says what has to happen for a replica to become the master without one.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>, lost: &GivenUp) -> Promotion {
    let refused = |objections| Promotion { objections, ..Promotion::default() };
    let subjects = Subject::all(asked.pods, asked.outputs);
    let survivors = match Survivors::new(asked, subjects, promoting, lost) {
        Ok(survivors) => survivors,
        Err(objection) => return refused(vec![objection]),
    };
    if is_cluster(&survivors.subjects) {
        return forcing::promotion(&survivors);
    }
    if survivors.subjects.iter().any(|subject| subject.sentinel.is_some()) {
        return telling::promotion(&survivors);
    }
    let mut objections = survivors.objections();
    if promoting.candidate.host.is_none() {
        let measured = format!("{} has no name in the governing Service", survivors.name());
        objections.push(no("noName", measured, "the others must find it after a restart, too"));
    }
    match (&promoting.candidate.host, &survivors.candidate.upstream) {
        (Some(host), Some(upstream)) if objections.is_empty() => survivors.promotion(host, upstream),
        (_, _) => refused(objections),
    }
}

impl<'a> Survivors<'a> {
    fn new(
        asked: &Asked<'a>,
        subjects: Vec<Subject<'a>>,
        promoting: &'a Promoting<'a>,
        lost: &'a GivenUp,
    ) -> Result<Self, Objection> {
        let read = |place: &Place| {
            let found = subjects.iter().find(|one| one.name() == place.pod.name);
            let server = found.map_or(Err("no pod"), |one| one.server.as_ref().map_err(String::as_str));
            server.cloned().map_err(|why| {
                let measured = format!("{} does not answer: {why}", place.pod.name);
                Objection::new("silent", Weight::Unknown, measured, "every member that is left must answer")
            })
        };
        let candidate = read(&promoting.candidate)?;
        let siblings = promoting.siblings.iter().map(|place| Ok((place, read(place)?))).collect::<Result<_, _>>()?;
        let pod = asked.pods.iter().find(|pod| pod.meta.name == lost.pod.0);
        let ip = pod.and_then(|pod| pod.ip.as_deref());
        Ok(Self { promoting, lost, ip, subjects, candidate, siblings })
    }

    fn name(&self) -> &str {
        &self.promoting.candidate.pod.name
    }

    fn all(&self) -> impl Iterator<Item = (&Place, &Server)> {
        let siblings = self.siblings.iter().map(|(place, server)| (*place, server));
        std::iter::once((&self.promoting.candidate, &self.candidate)).chain(siblings)
    }

    /// Finds a member by its place.
    pub(super) fn subject(&self, place: &Place) -> Option<&Subject<'a>> {
        self.subjects.iter().find(|subject| subject.name() == place.pod.name)
    }

    pub(super) fn objections(&self) -> Vec<Objection> {
        let mut found: Vec<Objection> = self.all().flat_map(|(place, server)| self.of_replica(place, server)).collect();
        for (place, server) in self.all() {
            let upstream = server.upstream.as_ref().map(|upstream| upstream.host.as_str());
            if let Some(host) = upstream.filter(|host| !is_at(self.lost.pod.as_str(), self.ip, host)) {
                let measured = format!("{} follows {host}, not {}", place.pod.name, self.lost.pod);
                found.push(no("chained", measured, "everybody follows the master before it is given up"));
            }
        }
        found.extend(self.furthest(self.siblings.iter().map(|(place, server)| (*place, server))));
        // The old master follows the new one in the end.
        found.extend(fitness::enough(self.name(), &self.candidate, self.siblings.len() + 1));
        found.extend(fitness::given(self.promoting.workload, &self.lost.container));
        found
    }

    /// Everybody has lost the old master, has a whole copy, and takes no writes.
    pub(super) fn of_replica(&self, place: &Place, server: &Server) -> Vec<Objection> {
        let (name, from) = (&place.pod.name, &self.lost.pod);
        let writable = |measured| vec![no("writable", measured, "two must never take writes")];
        let Some(upstream) = &server.upstream else { return writable(format!("{name} is a master")) };
        let mut found = Vec::new();
        if !upstream.read_only {
            found.extend(writable(format!("{name} takes writes of its own (replica-read-only no)")));
        }
        if upstream.copies {
            found.push(passing("notReplicating", format!("{name} copies from {from}"), "a whole copy goes on alone"));
        } else if upstream.is_up {
            let measured = format!("{name} still has a link to {from}");
            found.push(
                passing("alive", measured, "a master that is heard from is not given up")
                    .way_out("wait for repl-timeout, 60 s by default; if the link stays up, the master lives"),
            );
        }
        found
    }

    /// None of the others has more of the log.
    pub(super) fn furthest<'s>(&self, others: impl Iterator<Item = (&'s Place, &'s Server)>) -> Vec<Objection> {
        let name = self.name();
        let unknown = |measured| Objection::new("position", Weight::Unknown, measured, "unknown counts as no");
        // A replica that was started again without what it knew says 1, as one that never had a copy.
        if self.candidate.offset <= 1 {
            return vec![unknown(format!("how far {name} has the log is not known"))];
        }
        let others = others.filter_map(|(place, server)| {
            let other = &place.pod.name;
            match server.offset_beside(&self.candidate) {
                None => Some(
                    unknown(format!(
                        "{name} and {other} have logs of different histories: who is further is not known"
                    ))
                    .way_out(format!("bring {} back", self.lost.pod)),
                ),
                Some(offset) if offset > self.candidate.offset => Some(
                    no(
                        "behind",
                        format!("{name} has the log up to {}, {other} up to {offset}", self.candidate.offset),
                        "who is furthest loses least",
                    )
                    .way_out(format!("--to {other}")),
                ),
                Some(_) => None,
            }
        });
        others.collect()
    }

    fn promotion(&self, host: &str, upstream: &Upstream) -> Promotion {
        let (to, from) = (&self.promoting.candidate, self.lost.pod.as_str());
        // Servers of a set have the same port.
        let port = upstream.port.as_str();
        let file = self.file();
        let rejoin = file.map(|file| Rejoin {
            words: format!("have {from} follow {} when it comes back, in a helper pod", to.pod.name),
            argv: run(include_str!("come-back.sh"), &[GIVEN, file, host, port]),
            reads: to.process(run(script!("role.sh"), &["server"])),
            limit: HELP_LIMIT,
            why: format!("{from} must not be a master beside {}", to.pod.name),
            rejoined: vec![follows_by_name(from, to)],
            after: Vec::new(),
        });
        let turn = file.is_none().then(|| self.turn(host, port));
        let places: Vec<&Place> = self.siblings.iter().map(|(place, _)| *place).collect();
        let tries = places.iter().map(|place| rehearse(place, to, host, port));
        let words = format!("make {} the master (REPLICAOF NO ONE)", to.pod.name);
        let lead = self.lead(to.command(words, run(script!("lead.sh"), &["server"])), COMMAND_LIMIT);
        let given_up = self.given_up();
        Promotion {
            notes: self.notes(file.is_some()),
            before: tries.chain([rewrite(to)]).collect(),
            lead: vec![lead],
            after: places.iter().map(|place| follow(place, to, host, port)).collect(),
            failover: given_up.failover.map(|failover| Failover { rejoin, ..failover }),
            turn,
            ..given_up
        }
    }

    /// Says what it costs, whoever makes the candidate the master.
    pub(super) fn given_up(&self) -> Promotion {
        let loss = self.loss();
        let bound = loss.bound.as_ref().map(|bound| format!("; {bound}")).unwrap_or_default();
        let from = &self.lost.pod;
        Promotion {
            manner: format!("{from} is given up, and with it what only it has, which cannot be measured{bound}"),
            failover: Some(Failover { loss, rejoin: None }),
            ..Promotion::default()
        }
    }

    /// A master's own log is in its memory only: what it took last is not known to anybody else.
    fn loss(&self) -> Loss {
        let why = format!("how far {} was, nobody else knows", self.lost.pod);
        let since = match self.candidate.upstream.as_ref().and_then(|upstream| upstream.down_seconds) {
            Some(seconds) => format!("lost its link to it {seconds} s ago"),
            None => "does not say since when it has no link to it".to_owned(),
        };
        Loss {
            bytes: Known::unknown(why.clone()),
            transactions: Known::Unknown(why),
            bound: Some(format!("{} has its log up to {}, and {since}", self.name(), self.candidate.offset)),
        }
    }

    /// Gives the configuration file, where it is the same for all and on a volume that stays.
    fn file(&self) -> Option<&str> {
        let file = self.candidate.file.as_deref()?;
        let same = self.siblings.iter().all(|(_, server)| server.file.as_deref() == Some(file));
        (same && is_kept(self.promoting.workload, self.lost, file)).then_some(file)
    }

    fn notes(&self, is_kept: bool) -> Vec<String> {
        let (to, from) = (self.name(), self.lost.pod.as_str());
        let back = if is_kept {
            format!("what only {from} has is gone once it follows: it takes over a copy of what {to} has")
        } else {
            format!(
                "{from} keeps no configuration on its volume: it comes back as a master, and is made to follow {to} as soon \
                 as it answers; until then only who connects to it by its own name can write there, and loses that; it is a \
                 master again after each restart"
            )
        };
        let mut notes = vec![back];
        let followers = self.siblings.len();
        if let Known::Value(wanted) = self.candidate.wants_followers
            && wanted as usize > followers
        {
            notes.push(format!("{to} refuses writes until {from} follows it (min-replicas-to-write {wanted})"));
        }
        notes
    }

    /// The candidate becomes the master by an effect, once it is seen that nobody can give it more.
    pub(super) fn lead(&self, effect: Effect, limit: Limit) -> Step {
        let (to, from) = (&self.promoting.candidate, self.lost.pod.as_str());
        let name = &to.pod.name;
        let stay = Reversal {
            effect: to.command(format!("leave {name} a replica"), run(script!("stay-behind.sh"), &["server"])),
            trace: Trace::Idempotent,
            ensures: Vec::new(),
        };
        let why = format!("what only {from} had is given up; it follows {name} when it is back");
        let undo = Undo::Barrier { by: Box::new(stay), why };
        let step = step(effect, Trace::Seen(leads(to)), vec![leads(to)], undo, limit);
        Step { requires: vec![furthest(to, from)], ..step }
    }

    /// The old master follows as soon as it answers.
    fn turn(&self, host: &str, port: &str) -> Step {
        let (to, from) = (&self.promoting.candidate, self.lost.pod.as_str());
        // By the name that it has in the same Service.
        let domain = host.strip_prefix(to.pod.name.as_str()).unwrap_or_default();
        let words = format!("let {from} follow {} as soon as it answers", to.pod.name);
        let arguments = ["server", &format!("{from}{domain}"), port, host, port];
        step(
            to.wait(words, run(script!("turn.sh"), &arguments)),
            Trace::Idempotent,
            vec![follows_by_name(from, to)],
            Undo::Never { why: format!("{from} must not be a master beside {}", to.pod.name) },
            FOLLOW_LIMIT,
        )
    }
}

/// Tells whether a file is on a volume that a claim keeps.
fn is_kept(workload: &Workload, lost: &GivenUp, file: &str) -> bool {
    let container = workload.template.containers.iter().find(|one| one.name == lost.container);
    let mounts = container.map(|one| one.mounts.as_slice()).unwrap_or_default();
    let holds = |path: &str| {
        let rest = file.strip_prefix(path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let around = mounts.iter().filter(|(_, path)| holds(path));
    let closest = around.max_by_key(|(_, path)| path.len());
    closest.is_some_and(|(volume, _)| workload.claim_templates.iter().any(|template| template.name == *volume))
}

//! How a replica becomes the primary when the primary does not answer: one that has, or has received, what anybody is left to
//! give.
//!
//! ```text
//! (fence)  the old primary's pod goes, and is kept from coming back
//! lead     nobody receives from it any more, and the candidate has executed all that anybody has: it takes writes
//! after    the others follow it
//! (rejoin) a helper pod has the old primary take no writes when it starts; only then its pod may run again, and follows, if
//!          it has no transactions of its own
//! ```

use super::fitness::{self, no};
use super::{galera, server_of, steps, subjects};
use crate::engine::mysql::server::Server;
use crate::engine::{Asked, Failover, GivenUp, Handing, Loss, Place, Promoting, Promotion, Rejoin, answer};
use crate::model::{Known, Probe};
use crate::plan::{Limit, Objection, Weight};

/// The word by which the measure of what is lost is known.
const REMAINS: &str = "mysql-remains";

/// How long writing one small file may take, with the start of a pod.
const HELP_LIMIT: Limit = Limit::seconds(300);

/// Those who are left.
struct Survivors<'a> {
    promoting: &'a Promoting<'a>,
    lost: &'a GivenUp,
    candidate: Server,
    siblings: Vec<(&'a Place, Server)>,
}

/// Says what has to happen for a replica to become the primary without one.
pub(super) fn promotion(asked: &Asked<'_>, promoting: &Promoting<'_>, lost: &GivenUp) -> Promotion {
    let survivors = match Survivors::new(asked, promoting, lost) {
        Ok(survivors) => survivors,
        Err(objection) => return Promotion { objections: vec![objection], ..Promotion::default() },
    };
    if let Some(promotion) = survivors.of_cluster(asked) {
        return promotion;
    }
    let objections = survivors.objections(asked);
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    survivors.promotion(asked)
}

/// Makes the question what only the old primary has, to be asked beside its server.
pub(in crate::engine::mysql) fn remains(asked: &Asked<'_>, promoting: &Promoting<'_>) -> Option<Probe> {
    let Handing::Up(GivenUp { place: Some(place), .. }) = &promoting.handing else { return None };
    let candidate = server_of(asked, &promoting.candidate).ok()?;
    let (file, _) = candidate.logs.last()?;
    let (name, _) = file.rsplit_once('.')?;
    let has = candidate.known()?.to_string();
    let script = if candidate.is_mariadb() { include_str!("remains-mariadb.sh") } else { include_str!("remains.sh") };
    let argv = ["sh", "-c", script, "kubectl-stateful", name, has.as_str()];
    Some(Probe { id: REMAINS, container: place.container.clone(), argv: argv.map(str::to_owned).to_vec() })
}

impl<'a> Survivors<'a> {
    fn new(asked: &Asked<'_>, promoting: &'a Promoting<'a>, lost: &'a GivenUp) -> Result<Self, Objection> {
        let read = |place: &Place| {
            server_of(asked, place).map_err(|why| {
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

    fn all(&self) -> impl Iterator<Item = (&Place, &Server)> + Clone {
        let siblings = self.siblings.iter().map(|(place, server)| (*place, server));
        std::iter::once((&self.promoting.candidate, &self.candidate)).chain(siblings)
    }

    /// Says why a cluster that chooses its primary itself is left to do so.
    fn of_cluster(&self, asked: &Asked<'_>) -> Option<Promotion> {
        if self.candidate.is_galera() {
            let title = galera::title(&subjects(asked.pods, asked.outputs));
            return Some(Promotion::none(
                format!("every member of a {title} takes writes"),
                "there is nothing to promote",
                None,
            ));
        }
        self.candidate.is_of_group().then(|| {
            Promotion::none(
                "a group chooses another primary by itself, as long as most of its members are there",
                "without them only a person can say who is left",
                Some("`SET GLOBAL group_replication_force_members`, once the others are seen to be down"),
            )
        })
    }

    fn objections(&self, asked: &Asked<'_>) -> Vec<Objection> {
        let mut found = fitness::numbered(self.all());
        found.extend(self.comes_back());
        found.extend(self.replicates(asked));
        if found.is_empty() {
            found.extend(self.furthest());
        }
        found.extend(fitness::can_lead(self.promoting, &self.candidate, &self.siblings));
        found.extend(fitness::versions(&self.candidate, self.all()));
        found
    }

    /// The old primary's volume must be able to say that it takes no writes. It starts like the candidate: one template makes
    /// them both.
    fn comes_back(&self) -> Option<Objection> {
        if self.candidate.may_stay_read_only() {
            return None;
        }
        let (name, version) = (self.name(), self.candidate.short_version());
        let measured = if self.candidate.is_mariadb() {
            format!(
                "{version} does not keep read_only across restarts, and is not seen to read options where its data are (its \
                 home, on {name})"
            )
        } else {
            format!("{version} does not keep read_only across restarts")
        };
        let objection = no("comesBack", measured, "the old primary must not come back as a second one");
        Some(objection.way_out(
            "keep the old primary from running; then, on the replica that is furthest, stop replication, forget it and set \
             read_only = OFF (`STOP SLAVE; RESET SLAVE ALL`), and on the others `CHANGE MASTER TO MASTER_HOST`",
        ))
    }

    /// Everybody takes from the old primary alone, applies what it has, and takes no writes.
    fn replicates(&self, asked: &Asked<'_>) -> Vec<Objection> {
        let subjects = subjects(asked.pods, asked.outputs);
        let mut found = Vec::new();
        for (place, server) in self.all() {
            let name = &place.pod.name;
            if server.is_writable {
                found.push(no(
                    "writable",
                    format!("{name} takes writes: read_only is off"),
                    "two must never take writes",
                ));
            }
            let [channel] = server.channels.as_slice() else {
                let measured = format!("{name} has {} sources", server.channels.len());
                found.push(no("source", measured, "everybody follows the primary, and nobody else"));
                continue;
            };
            let source = fitness::source_of(&subjects, channel);
            if source != self.lost.pod.as_str() {
                let measured = format!("{name} follows {source}, not {}", self.lost.pod);
                found.push(no("source", measured, "everybody follows the primary before it is given up"));
            }
            if channel.delay_seconds > 0 {
                let measured = format!("{name} applies changes {}s late", channel.delay_seconds);
                found.push(no("replayDelayed", measured, "everybody applies at once"));
            }
            if !channel.is_applying() {
                let measured = format!("{name} does not apply ({})", channel.state());
                found.push(no("notApplying", measured, "what was received is executed before anybody takes writes"));
            }
            if !self.lost.node_ready && channel.is_receiving() {
                let node = &self.lost.node.name;
                found.push(
                    Objection::new(
                        "alive",
                        Weight::Passing,
                        format!("{name} still counts as receiving from {}", self.lost.pod),
                        format!("node {node} cannot say that it has stopped: nobody may be connected to it"),
                    )
                    .way_out("wait for replica_net_timeout, 60 s by default; if it goes on, the node lives"),
                );
            }
        }
        found
    }

    /// The candidate has, or has received, all that anybody has.
    fn furthest(&self) -> Vec<Objection> {
        let name = self.name();
        let own = self.candidate.known();
        let others = self.siblings.iter().filter_map(|(place, server)| {
            let other = &place.pod.name;
            let Some(rest) = own.as_ref().and_then(|own| server.known()?.beyond(own)) else {
                let measured = format!("what {other} has and {name} has not is not known");
                return Some(Objection::new("position", Weight::Unknown, measured, "unknown counts as no"));
            };
            (!rest.is_empty()).then(|| {
                no("behind", format!("{other} has what {name} has not: {rest}"), "who has everything loses least")
                    .way_out(format!("--to {other}"))
            })
        });
        others.collect()
    }

    fn promotion(&self, asked: &Asked<'_>) -> Promotion {
        let (to, from) = (&self.promoting.candidate, self.lost.pod.as_str());
        let loss = self.loss(asked);
        let own = loss.transactions.value().copied().filter(|number| *number > 0);
        // Whoever leads has forgotten what it connected with.
        let replica = self.siblings.first().map(|(place, _)| *place).filter(|_| own.is_none());
        let notes = vec![match (own, replica) {
            (Some(number), _) => format!(
                "{from} comes back taking no writes and following nobody, with {} that {} has not: it has to be cloned anew",
                transactions(number),
                to.pod.name
            ),
            (None, Some(_)) => format!(
                "{from} comes back taking no writes, and follows {} if it has nothing that {} has not; otherwise it follows \
                 nobody and has to be cloned anew: `kubectl stateful status` says what only it has",
                to.pod.name, to.pod.name
            ),
            (None, None) => self.left_alone(),
        }];
        Promotion {
            manner: manner(from, &to.pod.name, &loss),
            notes,
            lead: vec![steps::lead_alone(to, from)],
            after: self.siblings.iter().map(|(place, _)| steps::follow(place, to, &self.candidate)).collect(),
            failover: Some(Failover {
                loss,
                rejoin: Some(Rejoin {
                    words: format!("have {from} take no writes when it comes back, in a helper pod"),
                    argv: steps::stay_read_only(&self.candidate),
                    reads: steps::describe(to),
                    limit: HELP_LIMIT,
                    why: format!("{from} must not take writes beside {}", to.pod.name),
                    rejoined: vec![steps::fenced(from)],
                    after: replica
                        .map(|replica| steps::rejoin(self.lost, replica, to, &self.candidate))
                        .into_iter()
                        .collect(),
                }),
            }),
            ..Promotion::default()
        }
    }

    /// Says what becomes of the old primary where no replica is left that says what it connects with.
    fn left_alone(&self) -> String {
        let (from, to) = (&self.lost.pod, self.name());
        let (nothing, follows) = if self.candidate.is_mariadb() {
            let nothing = format!(
                "@@gtid_binlog_state of {to} has the last number of its server in its own @@gtid_current_pos, or more,"
            );
            (nothing, "CHANGE MASTER TO")
        } else {
            (format!("GTID_SUBSET(its @@gtid_executed, that of {to}) is 1"), "CHANGE REPLICATION SOURCE TO")
        };
        format!(
            "{from} comes back taking no writes and following nobody. What only it has is on its volume still: where \
             {nothing} there is nothing, and {follows} makes it follow; otherwise it has to be cloned anew"
        )
    }

    /// Says what only the old primary has, as far as it was measured.
    fn loss(&self, asked: &Asked<'_>) -> Loss {
        let pod = asked.pods.iter().find(|pod| pod.meta.name == self.lost.pod.0);
        let printed = match (&self.lost.place, pod) {
            (Some(_), Some(pod)) => answer::printed(asked.outputs, pod, REMAINS).and_then(|text| self.rest(text)),
            (None, _) | (_, None) => Err(format!("nothing runs in {}", self.lost.pod)),
        };
        let (bytes, transactions) = match printed {
            Ok(0) => (Known::Value(0), Known::Value(0)),
            Ok(number) => (
                Known::unknown(format!("{}, of a size that was not measured", transactions(number))),
                Known::Value(number),
            ),
            Err(why) => (Known::unknown(why.clone()), Known::Unknown(why)),
        };
        Loss { bytes, transactions, bound: None }
    }

    /// Counts the transactions in what `remains.sh` prints that the candidate has not.
    fn rest(&self, text: &str) -> Result<u64, String> {
        let line = |word: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(word));
            found.map(str::trim).ok_or_else(not_understood)
        };
        let (before, lost) = (line("before")?, line("lost")?);
        let own = self.candidate.known().ok_or("what the candidate has is not known")?;
        let before = self.candidate.read_history(before).ok_or_else(not_understood)?;
        if before.beyond(&own).is_none_or(|rest| !rest.is_empty()) {
            return Err(format!("{} lacks more than the last two files of its log hold", self.name()));
        }
        // It may have received more since.
        own.lacks(lost).ok_or_else(not_understood)
    }
}

fn not_understood() -> String {
    "answer not understood".to_owned()
}

fn transactions(number: u64) -> String {
    if number == 1 { "1 committed transaction".to_owned() } else { format!("{number} committed transactions") }
}

fn manner(from: &str, to: &str, loss: &Loss) -> String {
    match &loss.transactions {
        Known::Value(0) => format!("{from} is given up; nothing is lost: {to} has all of its log"),
        Known::Value(number) => format!("{from} is given up, and with it {} that only it has", transactions(*number)),
        Known::Unknown(why) => {
            format!("{from} is given up, and with it what only it has, which cannot be measured ({why})")
        }
    }
}

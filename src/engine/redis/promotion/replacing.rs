//! The steps where sentinels replace the master, and have to choose the one that somebody wants.
//!
//! Told to, sentinels act as if the master were dead: what is not copied is lost, and the old master goes on for seconds.
//! So writes wait on it meanwhile, from before the candidate has everything until it follows the candidate itself.

use super::Cast;
use super::check::{follows, leads, preferred, watched};
use super::fitness::{self, no, passing};
use crate::engine::redis::probe::run;
use crate::engine::redis::recognise;
use crate::engine::redis::sentinel::Watched;
use crate::engine::redis::server::Server;
use crate::engine::redis::topology::Subject;
use crate::engine::{Place, Promotion};
use crate::model::Known;
use crate::plan::{Effect, Limit, Objection, Pin, Process, Reversal, Step, Trace, Undo, Weight, When};

/// A sentinel looks at servers every 10 s.
pub(super) const LIMIT: Limit = Limit::seconds(120);

/// Sentinels choose the lowest number but 0; servers have 100 when nobody says otherwise.
pub(super) const FIRST: &str = "1";

/// Tells a sentinel to replace its master.
const TELL: &str = concat!(include_str!("../../given.sh"), include_str!("../client.sh"), include_str!("tell.sh"));

/// A sentinel, and the master that it watches.
struct Teller<'c> {
    process: Process,
    pod: &'c str,
}

/// Says what has to happen.
pub(super) fn promotion(cast: &Cast<'_>) -> Promotion {
    let mut objections = fitness::objections(cast);
    objections.extend(against(cast));
    let (way, priority) = (fitness::row(cast), cast.candidate.priority);
    let (Some(way), Some(priority), Some(teller)) = (way, priority, teller(cast)) else {
        if objections.is_empty() {
            let measured = format!("replica-priority of {} is not known", cast.promoting.candidate.pod.name);
            objections.push(Objection::new("priority", Weight::Unknown, measured, "sentinels choose by it"));
        }
        return Promotion { objections, ..Promotion::default() };
    };
    if !objections.is_empty() {
        return Promotion { objections, ..Promotion::default() };
    }
    let to = &cast.promoting.candidate;
    let candidate = [way.host.clone(), way.port.clone()];
    Promotion {
        manner: format!(
            "no write is lost; writes wait from before {} has everything until the sentinels have made it the master, \
             some seconds",
            to.pod.name
        ),
        notes: vec!["clients that ask sentinels are told where the master is by them".to_owned()],
        before: vec![prefer(to, priority)],
        lead: vec![replace(cast, &candidate, &teller)],
        after: vec![restore(cast, priority)],
        ..Promotion::default()
    }
}

fn sentinels<'c>(cast: &'c Cast<'_>) -> impl Iterator<Item = (&'c Subject<'c>, &'c Result<Vec<Watched>, String>)> {
    cast.subjects.iter().filter_map(|subject| Some((subject, subject.sentinel.as_ref()?)))
}

/// Finds a sentinel that watches the master, beside the master if there is one.
fn teller<'c>(cast: &'c Cast<'_>) -> Option<Teller<'c>> {
    let mut all: Vec<_> = sentinels(cast).collect();
    all.sort_by_key(|(subject, _)| subject.name() != cast.from.pod.name);
    all.into_iter().find_map(|(subject, said)| {
        let watched = said.as_ref().ok()?.first()?;
        let argv = run(TELL, &["sentinel", &watched.name]);
        let process = Process { pod: Pin::of(&subject.pod.meta), container: recognise::sentinel(subject.pod)?, argv };
        Some(Teller { process, pod: subject.name() })
    })
}

/// Says what speaks against it among the sentinels.
fn against(cast: &Cast<'_>) -> Vec<Objection> {
    let mut found = Vec::new();
    let from = cast.subject(cast.from);
    for (subject, said) in sentinels(cast) {
        let name = subject.name();
        let unknown =
            |measured: String| Objection::new("sentinel", Weight::Unknown, measured, "every sentinel must agree");
        let all = match said {
            Ok(all) => all,
            Err(why) => {
                found.push(unknown(format!("the sentinel of {name} does not answer ({why})")));
                continue;
            }
        };
        let [watched] = all.as_slice() else {
            let measured = format!("the sentinel of {name} watches {} masters", all.len());
            found.push(no("sentinel", measured, "it has to be known which one is meant"));
            continue;
        };
        if watched.fails_over {
            let measured = format!("the sentinel of {name} replaces the master of {} already", watched.name);
            found.push(passing("failover", measured, "one hand-over at a time"));
        }
        if !from.is_some_and(|from| from.is_at(&watched.master.host)) {
            let measured = format!("the sentinel of {name} takes {} for the master", watched.master.host);
            found.push(passing("sentinel", measured, "all sentinels know the master"));
        }
        match &watched.helpless {
            Known::Value(None) => {}
            Known::Value(Some(why)) => found.push(passing("quorum", why.clone(), "most sentinels must agree")),
            Known::Unknown(why) => found.push(unknown(format!("whether sentinels would agree is not known ({why})"))),
        }
    }
    let siblings = cast.siblings.iter().map(|(place, server)| (*place, server));
    found.extend(first(&cast.promoting.candidate.pod.name, &cast.candidate, siblings));
    found
}

/// Sentinels must be willing to choose the candidate, and before everybody else.
pub(super) fn first<'s>(
    name: &str,
    candidate: &Server,
    siblings: impl Iterator<Item = (&'s Place, &'s Server)>,
) -> Vec<Objection> {
    let mut found = Vec::new();
    if candidate.priority == Some(0) {
        let way_out = "`CONFIG SET replica-priority 100` on it";
        let measured = format!("replica-priority of {name} is 0");
        found.push(no("priority", measured, "sentinels never choose such a one").way_out(way_out));
    }
    let first = FIRST.parse().unwrap_or_default();
    let rivals = siblings.filter(|(_, server)| server.priority.is_some_and(|one| (1..=first).contains(&one)));
    for (place, _) in rivals {
        let measured = format!("replica-priority of {} is {FIRST}", place.pod.name);
        found.push(no("priority", measured, format!("sentinels must choose {name} before it")));
    }
    found
}

/// Sentinels are made to choose the candidate.
fn prefer(to: &Place, priority: u32) -> Step {
    let name = &to.pod.name;
    let set = |words: String, value: &str| to.command(words, run(script!("prefer.sh"), &["server", value]));
    let back = set(format!("give {name} its replica-priority {priority} back"), &priority.to_string());
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: set(format!("have sentinels choose {name} first (replica-priority {FIRST})"), FIRST),
        trace: Trace::Idempotent,
        ensures: vec![preferred(to, FIRST)],
        undo: Undo::by(back, Trace::Idempotent, Vec::new()),
        limit: LIMIT,
    }
}

/// Sentinels replace the master while writes wait.
fn replace(cast: &Cast<'_>, candidate: &[String; 2], teller: &Teller<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let others = cast.primary.followers.iter().filter(|one| one.host != candidate[0]);
    let pairs = others.flat_map(|one| [one.host.as_str(), one.port.as_str()]);
    let words: Vec<&str> = ["server"].into_iter().chain(candidate.iter().map(String::as_str)).chain(pairs).collect();
    let effect = Effect::Handover {
        waits: from.process(run(script!("hold.sh"), &words)),
        acts: teller.process.clone(),
        words: format!(
            "keep writes waiting on {} while the sentinel of {} makes {} the master",
            from.pod.name, teller.pod, to.pod.name
        ),
    };
    let stay = Reversal {
        effect: from.wait(format!("leave {} the master", from.pod.name), run(script!("stay.sh"), &["server"])),
        trace: Trace::Idempotent,
        ensures: vec![leads(from), watched(from)],
    };
    let why = format!("only a switchover back to {0}: `kubectl stateful promote --to {0}`", from.pod.name);
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect,
        trace: Trace::Seen(leads(to)),
        ensures: vec![leads(to)],
        undo: Undo::Barrier { by: Box::new(stay), why },
        limit: LIMIT,
    }
}

/// The new master is what it was to sentinels, and they and everybody else agree on it.
fn restore(cast: &Cast<'_>, priority: u32) -> Step {
    let to = &cast.promoting.candidate;
    let words = format!("give {} its replica-priority {priority} back", to.pod.name);
    let others = std::iter::once(cast.from).chain(cast.siblings.iter().map(|(place, _)| *place));
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: to.command(words, run(script!("prefer.sh"), &["server", &priority.to_string()])),
        trace: Trace::Idempotent,
        ensures: std::iter::once(watched(to)).chain(others.map(|place| follows(place, to))).collect(),
        undo: Undo::Keep { why: "it is as before".to_owned() },
        limit: LIMIT,
    }
}

//! The steps of a switchover.

use super::Cast;
use super::check::check;
use crate::engine::mysql::group;
use crate::engine::mysql::server::Server;
use crate::engine::mysql::subject::Subject;
use crate::engine::{GivenUp, Place, Promotion};
use crate::plan::{Check, Effect, GIVEN, Limit, Objection, Process, Reversal, Step, Trace, Undo, Weight, When};

/// How long a command may take that changes roles.
const COMMAND_LIMIT: Limit = Limit::seconds(60);

/// How long a member may take to follow.
const FOLLOW_LIMIT: Limit = Limit::seconds(120);

/// How long a group waits for transactions that run, in seconds.
const GROUP_SECONDS: u32 = 30;

/// Makes the command that runs one of the scripts here.
macro_rules! script {
    ($name:literal) => {
        concat!(
            include_str!("../../given.sh"),
            include_str!("../ask.sh"),
            include_str!("words.sh"),
            include_str!($name)
        )
    };
}

fn argv(text: &str, arguments: &[&str]) -> Vec<String> {
    let words = ["sh", "-c", text, "kubectl-stateful"];
    words.iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

fn step(effect: Effect, trace: Trace, ensures: Vec<Check>, undo: Undo, limit: Limit) -> Step {
    Step { when: When::Always, requires: Vec::new(), effect, trace, ensures, undo, limit }
}

fn name(place: &Place) -> &str {
    &place.pod.name
}

fn primary(place: &Place) -> Check {
    check("primary", &[("pod", name(place))], format!("{} is the primary", name(place)))
}

pub(super) fn fenced(pod: &str) -> Check {
    check("fenced", &[("pod", pod)], format!("{pod} takes no writes"))
}

fn follows(place: &Place, leader: &Place) -> Check {
    let about = [("pod", name(place)), ("primary", name(leader))];
    check("follows", &about, format!("{} follows {}", name(place), name(leader)))
}

/// Names the candidate for those who will follow it.
fn way_to<'c>(cast: &'c Cast<'_>) -> (&'c str, &'c str) {
    let host = cast.promoting.candidate.host.as_deref().unwrap_or_default();
    (host, cast.candidate.variable("port").unwrap_or("3306"))
}

/// The old primary tries what it will connect with, as long as nothing depends on it.
pub(super) fn rehearse(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let (host, port) = way_to(cast);
    let effect = Effect::Pass {
        from: to.process(argv(script!("account.sh"), &[])),
        into: from.process(argv(script!("rehearse.sh"), &[host, port])),
        words: format!("see that {} can connect to {} as its replica", name(from), name(to)),
    };
    step(effect, Trace::Idempotent, Vec::new(), Undo::Keep { why: "it only tries".to_owned() }, COMMAND_LIMIT)
}

/// The primary takes no more writes.
pub(super) fn fence(cast: &Cast<'_>) -> Step {
    let from = cast.from;
    let words = format!("let {} take no more writes, and send its clients away", name(from));
    let back = from.command(format!("let {} take writes again", name(from)), argv(script!("unfence.sh"), &[]));
    step(
        from.command(words, argv(script!("fence.sh"), &[])),
        Trace::Idempotent,
        vec![fenced(name(from))],
        Undo::by(back, Trace::Idempotent, vec![primary(from)]),
        COMMAND_LIMIT,
    )
}

/// The candidate executes all that the primary has.
pub(super) fn catch_up(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let effect = Effect::Pass {
        from: from.process(argv(script!("executed.sh"), &[])),
        into: to.process(argv(script!("catch-up.sh"), &[])),
        words: format!("wait until {} has executed everything that {} has", name(to), name(from)),
    };
    step(effect, Trace::Idempotent, Vec::new(), Undo::Keep { why: "it only waits".to_owned() }, COMMAND_LIMIT)
}

/// The old primary follows the candidate, which takes no writes yet: a restart of it now makes no second primary.
pub(super) fn turn(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let (host, port) = way_to(cast);
    let effect = Effect::Pass {
        from: to.process(argv(script!("credentials.sh"), &[])),
        into: from.process(argv(script!("turn.sh"), &[host, port])),
        words: format!("let {} follow {}", name(from), name(to)),
    };
    let back = from.command(format!("let {} follow nobody", name(from)), argv(script!("unturn.sh"), &[]));
    let undo = Undo::by(back, Trace::Idempotent, Vec::new());
    step(effect, Trace::Idempotent, vec![follows(from, to)], undo, FOLLOW_LIMIT)
}

/// The candidate takes writes.
pub(super) fn lead(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let effect = to.command(format!("let {} take writes", name(to)), argv(script!("lead.sh"), &[]));
    let stay = Reversal {
        effect: to.command(format!("leave {} a replica", name(to)), argv(script!("stay.sh"), &[])),
        trace: Trace::Idempotent,
        ensures: vec![follows(to, from)],
    };
    let why = format!("only a switchover back to {}: `kubectl stateful promote --to {}`", name(from), name(from));
    let undo = Undo::Barrier { by: Box::new(stay), why };
    let step = step(effect, Trace::Seen(primary(to)), vec![primary(to)], undo, COMMAND_LIMIT);
    Step { requires: vec![fenced(name(from))], ..step }
}

/// The others follow.
pub(super) fn after(cast: &Cast<'_>) -> Vec<Step> {
    let to = &cast.promoting.candidate;
    let mut steps: Vec<Step> = cast.siblings.iter().map(|(place, _)| follow(place, to, &cast.candidate)).collect();
    if let Some(last) = steps.last_mut() {
        last.ensures.push(follows(cast.from, to));
    }
    steps
}

/// A replica follows another source, with what it connects with now.
pub(super) fn follow(place: &Place, to: &Place, server: &Server) -> Step {
    let words = format!("let {} follow {}", name(place), name(to));
    let (host, port) = (to.host.as_deref().unwrap_or_default(), server.variable("port").unwrap_or("3306"));
    step(
        place.command(words, argv(script!("follow.sh"), &[host, port])),
        Trace::Idempotent,
        vec![follows(place, to)],
        Undo::Keep { why: "it follows whoever is the primary".to_owned() },
        FOLLOW_LIMIT,
    )
}

/// The candidate takes writes without a primary, once it has everything that anybody is left to give.
pub(super) fn lead_alone(to: &Place, from: &str) -> Step {
    let stay = Reversal {
        effect: to.command(format!("leave {} a replica", name(to)), argv(script!("stay.sh"), &[])),
        trace: Trace::Idempotent,
        ensures: vec![fenced(name(to))],
    };
    let about = [("pod", name(to)), ("from", from)];
    let words = format!("{} with all that it received, nobody receiving from {from}, nobody further", name(to));
    let why = format!("what only {from} had is given up; {from} takes no writes any more");
    Step {
        requires: vec![check("received", &about, words)],
        ..step(
            to.command(format!("let {} take writes", name(to)), argv(script!("lead.sh"), &[])),
            Trace::Seen(primary(to)),
            vec![primary(to)],
            Undo::Barrier { by: Box::new(stay), why },
            FOLLOW_LIMIT,
        )
    }
}

/// Makes the command of a helper pod that has a given-up primary take no writes when it comes back.
pub(super) fn stay_read_only(family: &Server) -> Vec<String> {
    let text =
        if family.is_mariadb() { include_str!("read-only-options.sh") } else { include_str!("stay-read-only.sh") };
    argv(text, &[GIVEN])
}

/// A given-up primary follows its successor once its pod is there again, with what a replica connects with. One that has
/// transactions of its own is left alone.
pub(super) fn rejoin(lost: &GivenUp, replica: &Place, to: &Place, server: &Server) -> Step {
    let from = lost.pod.as_str();
    let about = [("pod", from), ("primary", name(to))];
    let contained = check("contained", &about, format!("{from} with nothing that {} has not", name(to)));
    let words = format!("{from} follows {}, or is left taking no writes with what only it has", name(to));
    let rejoined = check("rejoined", &about, words);
    let (host, port) = (to.host.as_deref().unwrap_or_default(), server.variable("port").unwrap_or("3306"));
    let effect = Effect::Tell {
        from: replica.process(argv(script!("credentials.sh"), &[])),
        member: lost.pod.clone(),
        container: lost.container.clone(),
        words: format!("let {from} follow {}", name(to)),
        argv: argv(script!("turn.sh"), &[host, port]),
    };
    Step {
        when: When::UnlessSeen,
        requires: vec![fenced(from), contained],
        effect,
        trace: Trace::Seen(rejoined.clone()),
        ensures: vec![rejoined],
        undo: Undo::Keep { why: "it follows whoever is the primary".to_owned() },
        limit: FOLLOW_LIMIT,
    }
}

/// Makes the command that prints what the helper pod has to know.
pub(super) fn describe(place: &Place) -> Process {
    place.process(argv(script!("describe.sh"), &[]))
}

/// A group moves the role by itself.
pub(super) fn of_group(cast: &Cast<'_>) -> Promotion {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let subject = cast.subjects.iter().find(|one| one.name() == name(to));
    let objections = subject.map(|subject| unfit(&cast.subjects, subject)).unwrap_or_default();
    let uuids = (cast.primary.uuid(), cast.candidate.uuid());
    let (Some(old), Some(new)) = uuids else {
        return Promotion::none("a member has no UUID", "a group knows its members by them", None);
    };
    let choose = |place: &Place, uuid: &str| {
        let words = format!("let the group make {} its primary", name(place));
        place.command(words, argv(script!("choose.sh"), &[uuid, &GROUP_SECONDS.to_string()]))
    };
    let undo = Undo::by(choose(from, old), Trace::Seen(primary(from)), vec![primary(from)]);
    let lead = step(choose(to, new), Trace::Seen(primary(to)), vec![primary(to)], undo, FOLLOW_LIMIT);
    Promotion {
        objections,
        manner: "no write is lost; the group moves the role by itself, when running transactions have ended".to_owned(),
        lead: vec![lead],
        ..Promotion::default()
    }
}

fn unfit(subjects: &[Subject<'_>], candidate: &Subject<'_>) -> Vec<Objection> {
    let online = candidate.server.as_ref().is_ok_and(|server| server.own_row().is_some_and(group::is_online));
    let offline = (!online).then(|| {
        let measured = format!("{} is not online in its group", candidate.name());
        Objection::new("notOnline", Weight::Passing, measured, "only who takes part can be chosen")
    });
    let quorum = group::objections(subjects, candidate).into_iter().next().map(|objection| {
        let why = objection.why.value().cloned().unwrap_or_else(|| "the group is not known".to_owned());
        Objection::new("quorum", Weight::Passing, why, "every member is online when the role moves")
    });
    offline.into_iter().chain(quorum).collect()
}

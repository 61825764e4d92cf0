//! The steps of a switchover.

use super::Cast;
use super::check::{check, slots};
use crate::engine::postgres::probe;
use crate::engine::{Place, Promoting};
use crate::plan::{Check, Effect, GIVEN, Limit, Step, Trace, Undo, When};

/// How long a command may take that changes a setting.
const SETTING_LIMIT: Limit = Limit::seconds(60);

/// How long a stopped server may take to come back: its kubelet may hold it back for minutes after several restarts.
const RETURN_LIMIT: Limit = Limit::seconds(600);

/// How long the stop and the take-over may take.
const STOP_LIMIT: Limit = Limit::seconds(120);

/// How long a standby may take to follow: it tries again every 5 s.
const FOLLOW_LIMIT: Limit = Limit::seconds(120);

/// How long the candidate waits for the end of the log, in seconds.
const END_SECONDS: u32 = 20;

/// Bytes of the record of a checkpoint, without what aligns it: a header of 24, 2 that say how long it is, and 88. Seen
/// to be so on 15 and 17.
const CHECKPOINT_BYTES: u32 = 24 + 2 + 88;

/// How long a promotion may take, in seconds.
const PROMOTE_SECONDS: u32 = 60;

const TAKE_OVER: &str = include_str!("take-over.sql");
const PROMOTE: &str = include_str!("promote.sql");

/// Makes the command that runs one of the scripts here.
macro_rules! script {
    ($name:literal, $($argument:expr),*) => {{
        let text = concat!(
            include_str!("../../given.sh"),
            include_str!("../server.sh"),
            include_str!("settings.sh"),
            include_str!($name)
        );
        let mut argv = ["sh", "-c", text, "kubectl-stateful"].map(str::to_owned).to_vec();
        argv.extend([$($argument.to_string()),*] as [String; count!($($argument),*)]);
        argv
    }};
}

macro_rules! count {
    () => { 0 };
    ($head:expr $(, $tail:expr)*) => { 1 + count!($($tail),*) };
}

fn step(effect: Effect, trace: Trace, ensures: Vec<Check>, undo: Undo, limit: Limit) -> Step {
    Step { when: When::Always, requires: Vec::new(), effect, trace, ensures, undo, limit }
}

/// What happens while the primary still takes writes.
pub(super) fn before(cast: &Cast<'_>, fast: bool) -> Vec<Step> {
    prepare(cast).into_iter().chain(confirm(cast)).chain([come_back(cast, fast)]).collect()
}

/// The candidate keeps log for those that will follow it, and has little left to write down.
fn prepare(cast: &Cast<'_>) -> Option<Step> {
    create_slots(&cast.promoting.candidate, &cast.missing_slots())
}

/// Makes slots on a standby, which keep log from now on.
pub(super) fn create_slots(to: &Place, names: &[String]) -> Option<Step> {
    if names.is_empty() {
        return None;
    }
    let list = names.iter().map(|name| format!("('{name}')")).collect::<Vec<_>>().join(", ");
    let create = format!(
        "SELECT pg_create_physical_replication_slot(wanted.name, true) FROM (VALUES {list}) AS wanted (name) \
         WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = wanted.name)"
    );
    let drop = format!(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots JOIN (VALUES {list}) AS wanted (name) \
         ON slot_name = wanted.name WHERE NOT active"
    );
    let (there, gone) = (slots("slots-there", &to.pod.name, names), slots("slots-gone", &to.pod.name, names));
    let words = |verb: &str| format!("{verb} replication slots {} on {}", names.join(", "), to.pod.name);
    Some(step(
        to.command(words("create"), probe::run(&create)),
        Trace::Seen(there.clone()),
        vec![there],
        Undo::by(to.command(words("drop"), probe::run(&drop)), Trace::Seen(gone.clone()), vec![gone]),
        SETTING_LIMIT,
    ))
}

/// Commits on the candidate will wait for the right standbys.
fn confirm(cast: &Cast<'_>) -> Option<Step> {
    Some(set_rule(&cast.promoting.candidate, &cast.rule()?))
}

/// Sets the rule by which commits will wait on a standby.
pub(super) fn set_rule(to: &Place, rule: &str) -> Step {
    let words = format!("set synchronous_standby_names = '{rule}' on {}", to.pod.name);
    let back = format!("put synchronous_standby_names back on {}", to.pod.name);
    step(
        to.command(words, script!("confirm.sh", rule)),
        Trace::Idempotent,
        Vec::new(),
        Undo::by(to.command(back, script!("unconfirm.sh",)), Trace::Idempotent, Vec::new()),
        SETTING_LIMIT,
    )
}

/// The primary is told to come back as a standby of the candidate when it starts again.
fn come_back(cast: &Cast<'_>, fast: bool) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let show = probe::run("SHOW primary_conninfo");
    let (host, port) = way_to(cast);
    let tell = script!(
        "return.sh",
        host,
        port,
        cast.name_of_old(),
        cast.slot_of_old().unwrap_or_default(),
        if fast { "fast" } else { "safe" }
    );
    let effect = Effect::Pass {
        from: to.process(show),
        into: from.process(tell),
        words: format!("tell {} to come back as a standby of {}", from.pod.name, to.pod.name),
    };
    let words = format!("tell {} to be the primary, and start it again if it is not", from.pod.name);
    let primary = check("primary", &[("pod", &from.pod.name)], format!("{} is the primary", from.pod.name));
    let back = Undo::by(from.wait(words, script!("primary.sh",)), Trace::Idempotent, vec![primary]);
    step(effect, Trace::Idempotent, Vec::new(), back, RETURN_LIMIT)
}

/// Names the candidate for those who will follow it.
pub(super) fn way_to(cast: &Cast<'_>) -> (String, String) {
    let port = cast.candidate.settings.port.clone().unwrap_or_else(|| "5432".to_owned());
    (cast.host().unwrap_or_default(), port)
}

/// The primary stops, and is seen as a standby before anybody else takes writes.
pub(super) fn stop(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let started = cast.primary.started.unwrap_or_default().to_string();
    let about = [("pod", from.pod.name.as_str()), ("candidate", to.pod.name.as_str()), ("started", started.as_str())];
    let words = format!("{} back as a standby, {} with everything it had", from.pod.name, to.pod.name);
    let why = format!("{} is started again as the primary by what takes back the step before", from.pod.name);
    step(
        from.command(format!("stop {}: its standbys get everything first", from.pod.name), script!("stop.sh",)),
        Trace::Idempotent,
        vec![check("standby-back", &about, words)],
        Undo::Keep { why },
        RETURN_LIMIT,
    )
}

/// The candidate, which is known to hold everything, takes over.
pub(super) fn take_over(cast: &Cast<'_>) -> Step {
    let to = &cast.promoting.candidate;
    lead(cast.promoting, &cast.from.pod.name, promote(to), Vec::new())
}

fn promote(to: &Place) -> Effect {
    to.command(format!("promote {}", to.pod.name), probe::run_long(&promotes()))
}

fn promotes() -> String {
    PROMOTE.replace("{seconds}", &PROMOTE_SECONDS.to_string())
}

/// The candidate takes over without a primary, once it has applied everything that it has.
pub(super) fn take_over_alone(promoting: &Promoting<'_>, from: &str) -> Step {
    let to = &promoting.candidate;
    let words = format!("{} with all that it received, nobody receiving from {from}, nobody further", to.pod.name);
    let received = check("received", &[("pod", &to.pod.name), ("from", from)], words);
    lead(promoting, from, promote(to), vec![received])
}

/// The candidate takes over the moment that it holds the end of the primary's log.
pub(super) fn hand_over(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate);
    let statement =
        TAKE_OVER.replace("{seconds}", &END_SECONDS.to_string()).replace("{record}", &CHECKPOINT_BYTES.to_string());
    let effect = Effect::Handover {
        waits: to.process(probe::run_long(&(statement + &promotes()))),
        acts: from.process(script!("stop.sh", "told")),
        words: format!("stop {}, and promote {} once it holds the end of its log", from.pod.name, to.pod.name),
    };
    let about = [("pod", from.pod.name.as_str()), ("candidate", to.pod.name.as_str())];
    let words = format!("{} the primary, {} streaming from it", from.pod.name, to.pod.name);
    lead(cast.promoting, &from.pod.name, effect, vec![check("hands-over", &about, words)])
}

fn lead(promoting: &Promoting<'_>, from: &str, effect: Effect, requires: Vec<Check>) -> Step {
    let to = &promoting.candidate;
    let leads = check("primary", &[("pod", &to.pod.name)], format!("{} is the primary", to.pod.name));
    let follows = check("in-recovery", &[("pod", &to.pod.name)], format!("{} is a standby", to.pod.name));
    // What waits in the candidate to take over must not do so later.
    let cancel = format!(
        "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = 'kubectl-stateful promote' AND pid <> pg_backend_pid(); PERFORM pg_sleep(1); \
         IF NOT pg_is_in_recovery() THEN RAISE EXCEPTION '{} is the primary already', '{}'; END IF; END $$",
        "%", to.pod.name
    );
    let by = crate::plan::Reversal {
        effect: to.command(format!("keep {} a standby", to.pod.name), probe::run(&cancel)),
        trace: Trace::Idempotent,
        ensures: vec![follows],
    };
    let why = format!("only a switchover back to {from}: `kubectl stateful promote --to {from}`");
    Step {
        when: When::Always,
        requires,
        effect,
        trace: Trace::Seen(leads),
        // The command ends well when the server itself has said so.
        ensures: Vec::new(),
        undo: Undo::Barrier { by: Box::new(by), why },
        limit: STOP_LIMIT,
    }
}

/// The others follow, the old primary first, and what it has left over goes.
pub(super) fn after(cast: &Cast<'_>) -> Vec<Step> {
    let way = way_to(cast);
    let to = &cast.promoting.candidate.pod.name;
    let siblings = cast.siblings.iter();
    let mut steps: Vec<Step> =
        siblings.map(|(place, server)| follow(place, to, &way, server.slot().unwrap_or_default())).collect();
    steps.push(watch(cast));
    steps.push(tidy(cast));
    steps
}

/// A standby follows another primary, found by host and port, with a slot there or none.
pub(super) fn follow(place: &Place, to: &str, (host, port): &(String, String), slot: &str) -> Step {
    step(
        place.command(format!("let {} follow {to}", place.pod.name), script!("follow.sh", host, port, slot)),
        Trace::Idempotent,
        vec![follows(&place.pod.name, to)],
        Undo::Keep { why: "it follows whoever is the primary".to_owned() },
        FOLLOW_LIMIT,
    )
}

pub(super) fn follows(pod: &str, primary: &str) -> Check {
    check("follows", &[("pod", pod), ("primary", primary)], format!("{pod} streams from {primary}"))
}

/// The old primary comes back as a standby; one that does not is stopped.
fn watch(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate.pod.name);
    step(
        from.wait(format!("watch {} come back as a standby of {to}", from.pod.name), script!("watch.sh",)),
        Trace::Idempotent,
        vec![follows(&from.pod.name, to)],
        Undo::Keep { why: "it is only watched".to_owned() },
        RETURN_LIMIT,
    )
}

/// One primary, and everybody else streams from it.
pub(super) fn settled(primary: &str) -> Check {
    let words = format!("{primary} the only primary, everybody streaming from it");
    check("settled", &[("primary", primary)], words)
}

fn tidy(cast: &Cast<'_>) -> Step {
    let (from, to) = (cast.from, &cast.promoting.candidate.pod.name);
    let names = cast.leftover_slots();
    let mut argv = script!("tidy.sh",);
    argv.extend(names.iter().cloned());
    let left = if names.is_empty() { String::new() } else { format!(" and the slots {}", names.join(", ")) };
    let settled = settled(to);
    let gone = (!names.is_empty()).then(|| slots("slots-gone", &from.pod.name, &names));
    step(
        from.command(format!("take away what held {} back{left}", from.pod.name), argv),
        Trace::Idempotent,
        gone.into_iter().chain([settled]).collect(),
        Undo::Keep { why: "nothing needs it".to_owned() },
        FOLLOW_LIMIT,
    )
}

/// A write is tried, by the way that clients take.
pub(super) fn verify(promoting: &Promoting<'_>, port: &str) -> Option<Step> {
    let (to, host) = (&promoting.candidate, promoting.verify.as_ref()?);
    Some(step(
        to.wait(format!("try a write by way of {host}"), script!("verify.sh", host, port)),
        Trace::Idempotent,
        Vec::new(),
        Undo::Keep { why: "it leaves nothing behind".to_owned() },
        SETTING_LIMIT,
    ))
}

/// Makes the command of a helper pod that makes the data of a given-up primary those of a standby.
pub(super) fn rejoin(directory: &str, (host, port): &(String, String), slot: &str) -> Vec<String> {
    let text = concat!(include_str!("../../given.sh"), include_str!("../server.sh"), include_str!("rejoin.sh"));
    let argv = ["sh", "-c", text, "kubectl-stateful", directory, host, port, slot, GIVEN];
    argv.map(str::to_owned).to_vec()
}

/// Makes the command that prints what a standby of that name connects with.
pub(super) fn conninfo((host, port): &(String, String), name: &str) -> Vec<String> {
    script!("conninfo.sh", host, port, name)
}

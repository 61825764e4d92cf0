//! What changed between a plan that was shown and the one that fits now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Check, Goal, Plan, Step, Undo};

/// What became of something that a plan spoke of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is another one, or has another value.
    Changed,
    /// It was not there before.
    New,
    /// It is no longer there.
    Gone,
}

/// One thing in which two plans differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What became of it.
    pub turn: Turn,
    /// What it is, as a fragment.
    pub words: String,
}

impl Difference {
    fn new(turn: Turn, words: impl Into<String>) -> Self {
        Self { turn, words: words.into() }
    }
}

/// Lists in what a plan differs from an earlier one for the same set: the set first, then objects, steps and notes.
#[must_use]
pub fn differences(before: &Plan, now: &Plan) -> Vec<Difference> {
    let mut found = Vec::new();
    found.extend(replicas(&before.goal, &now.goal));
    if before.engine != now.engine {
        found.push(Difference::new(Turn::Changed, format!("the engine is {}, not {}", now.engine, before.engine)));
    }
    let replaced = replaced(before, now);
    found.extend(replaced.iter().map(|name| Difference::new(Turn::Changed, format!("{name} is another one now"))));
    found.extend(steps(before, now, replaced.is_empty()));
    found.extend(notes(before, now));
    found
}

fn replicas(before: &Goal, now: &Goal) -> Option<Difference> {
    match (before, now) {
        (Goal::ScaleDown { from: before, .. }, Goal::ScaleDown { from: now, .. }) if before != now => {
            Some(Difference::new(Turn::Changed, format!("replicas is {now}, not {before}")))
        }
        (before, now) if before == now => None,
        (_, now) => Some(Difference::new(Turn::Changed, format!("it is for {now}"))),
    }
}

/// Names the objects that have another identity: all that both plans pin by the same name.
fn replaced(before: &Plan, now: &Plan) -> Vec<String> {
    let (before, now) = (pins(before), pins(now));
    let another = |(name, uid): &(&String, &String)| now.get(*name).is_some_and(|other| other != *uid);
    before.iter().filter(another).map(|(name, _)| name.clone()).collect()
}

/// Collects whatever a plan pins, `pod db-2` with its uid, wherever in its steps.
fn pins(plan: &Plan) -> BTreeMap<String, String> {
    let mut pins = BTreeMap::new();
    for step in &plan.steps {
        collect(&serde_json::to_value(step).unwrap_or_default(), &mut pins);
    }
    pins
}

fn collect(value: &Value, pins: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (kind, inner) in fields {
                let text = |key: &str| inner.get(key).and_then(Value::as_str);
                match (text("name"), text("uid")) {
                    (Some(name), Some(uid)) => _ = pins.insert(format!("{kind} {name}"), uid.to_owned()),
                    _ => collect(inner, pins),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, pins)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Compares steps that do the same; `identities` says whether another identity would be news.
fn steps(before: &Plan, now: &Plan, identities: bool) -> Vec<Difference> {
    let same = |one: &Step, other: &Step| one.effect.to_string() == other.effect.to_string();
    let mut found = Vec::new();
    for old in &before.steps {
        match now.steps.iter().find(|new| same(old, new)) {
            None => found.push(Difference::new(Turn::Gone, format!("step \"{}\"", old.effect))),
            Some(new) if old != new => {
                let inside = inside(old, new);
                if !inside.is_empty() {
                    found.push(Difference::new(
                        Turn::Changed,
                        format!("step \"{}\": {}", old.effect, inside.join(", ")),
                    ));
                } else if identities {
                    let words = format!("step \"{}\" is sent to another place or about another member", old.effect);
                    found.push(Difference::new(Turn::Changed, words));
                }
            }
            Some(_) => {}
        }
    }
    let new = now.steps.iter().filter(|new| !before.steps.iter().any(|old| same(old, new)));
    found.extend(new.map(|step| Difference::new(Turn::New, format!("step \"{}\"", step.effect))));
    found
}

/// Says in what two steps with the same effect differ, as far as it can be said in words.
fn inside(old: &Step, new: &Step) -> Vec<String> {
    let mut words = Vec::new();
    for (verb, old, new) in [("needs", &old.requires, &new.requires), ("waits for", &old.ensures, &new.ensures)] {
        let (old, new) = (said(old), said(new));
        words.extend(new.difference(&old).map(|check| format!("now {verb} {check}")));
        words.extend(old.difference(&new).map(|check| format!("no longer {verb} {check}")));
    }
    if old.limit != new.limit {
        let seconds = |step: &Step| step.limit.duration().as_secs();
        words.push(format!("at most {}s, not {}s", seconds(new), seconds(old)));
    }
    if undo(old) != undo(new) {
        words.push(format!("is taken back by: {}", undo(new)));
    }
    words
}

fn said(checks: &[Check]) -> BTreeSet<String> {
    checks.iter().map(ToString::to_string).collect()
}

fn undo(step: &Step) -> String {
    match &step.undo {
        Undo::By(reversal) | Undo::Barrier { by: reversal, .. } => reversal.effect.to_string(),
        Undo::Keep { why } | Undo::Never { why } => format!("nothing ({why})"),
    }
}

fn notes(before: &Plan, now: &Plan) -> Vec<Difference> {
    let missing = |turn, from: &Plan, other: &Plan| {
        let only = from.notes.iter().filter(|note| !other.notes.contains(note));
        only.map(|note| Difference::new(turn, note.clone())).collect::<Vec<_>>()
    };
    [missing(Turn::Gone, before, now), missing(Turn::New, now, before)].concat()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::plan::{Effect, FORMAT, Limit, Pin, RunId, Subject, Trace, When};

    fn step(from: u32, pod: &str, uid: &str) -> Step {
        Step {
            when: When::Always,
            requires: vec![Check::Replicas { are: from }],
            effect: Effect::SetReplicas { from, to: from - 1 },
            trace: Trace::Idempotent,
            ensures: vec![Check::PodGone { pod: Pin { name: pod.to_owned(), uid: uid.into() } }],
            undo: Undo::Keep { why: "a test".to_owned() },
            limit: Limit::seconds(60),
        }
    }

    fn plan(from: u32, steps: Vec<Step>, notes: &[&str]) -> Plan {
        Plan {
            format: FORMAT,
            id: RunId("one".to_owned()),
            made_at: Timestamp::UNIX_EPOCH,
            goal: Goal::ScaleDown { from, to: 2 },
            subject: Subject { namespace: "shop".into(), name: "db".into(), uid: "u".into() },
            engine: "generic".to_owned(),
            container: None,
            max_lag_bytes: 0,
            overrides: Vec::new(),
            manner: String::new(),
            typed: Vec::new(),
            pause: None,
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
            steps,
        }
    }

    fn told(before: &Plan, now: &Plan) -> Vec<String> {
        let word = |one: &Difference| format!("{:?}: {}", one.turn, one.words);
        differences(before, now).iter().map(word).collect()
    }

    #[test]
    fn the_same_plan_differs_in_nothing() {
        let one = plan(3, vec![step(3, "db-2", "a")], &["keeps data-db-2"]);
        assert_eq!(told(&one, &one), [] as [&str; 0]);
    }

    #[test]
    fn a_larger_set_has_more_steps_and_notes() {
        let before = plan(3, vec![step(3, "db-2", "a")], &["keeps data-db-2"]);
        let now = plan(4, vec![step(4, "db-3", "b"), step(3, "db-2", "a")], &["keeps data-db-3", "keeps data-db-2"]);
        assert_eq!(
            told(&before, &now),
            ["Changed: replicas is 4, not 3", "New: step \"set replicas 4 -> 3\"", "New: keeps data-db-3"]
        );
        assert_eq!(
            told(&now, &before),
            ["Changed: replicas is 3, not 4", "Gone: step \"set replicas 4 -> 3\"", "Gone: keeps data-db-3"]
        );
    }

    #[test]
    fn a_pod_that_was_replaced_is_named_once() {
        let before = plan(3, vec![step(3, "db-2", "a")], &[]);
        let now = plan(3, vec![step(3, "db-2", "b")], &[]);
        assert_eq!(told(&before, &now), ["Changed: pod db-2 is another one now"]);
    }

    #[test]
    fn what_a_step_needs_and_how_long_it_may_take_is_told() {
        let before = plan(3, vec![step(3, "db-2", "a")], &[]);
        let mut other = step(3, "db-2", "a");
        other.ensures.push(Check::Ready { ordinals: 2 });
        other.limit = Limit::seconds(90);
        let now = plan(3, vec![other], &[]);
        let step = "Changed: step \"set replicas 3 -> 2\"";
        assert_eq!(told(&before, &now), [format!("{step}: now waits for 2 pods ready, at most 90s, not 60s")]);
    }

    #[test]
    fn no_difference_of_steps_is_silent() {
        let before = plan(3, vec![step(3, "db-2", "a")], &[]);
        let mut other = step(3, "db-2", "a");
        other.trace = Trace::Unknowable;
        let now = plan(3, vec![other], &[]);
        assert_eq!(told(&before, &now).len(), 1);
    }
}

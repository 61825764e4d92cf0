//! A plan, before it is carried out and after: what is done, what is waited for, how it is taken back.

use super::paragraph::Paragraph;
use super::style::{BAD, CARE, GOOD, HEADLINE, PLAIN, QUIET};
use super::{Screen, age, plural};
use crate::plan::{Fate, Goal, Plan, Progress, Run, Step, Turn, Undo, When, differences};

/// Columns before the words of a step.
const INDENT: usize = 6;

/// Draws a plan that nobody has begun.
#[must_use]
pub fn plan(plan: &Plan, screen: &Screen) -> String {
    let mut out = String::new();
    Paragraph { lead: "", lead_style: PLAIN, body: &headline(plan), body_style: HEADLINE, indent: 2 }
        .write(&mut out, screen);
    if !plan.manner.is_empty() {
        Paragraph { lead: "  ", lead_style: PLAIN, body: &plan.manner, body_style: PLAIN, indent: 2 }
            .write(&mut out, screen);
    }
    for (at, step) in plan.steps.iter().enumerate() {
        if plan.pause.is_some_and(|pause| pause.first == at) {
            line(&mut out, &format!("--- {} ---", spans(plan).0), screen);
        }
        point_of_no_return(&mut out, plan, at, screen);
        draw_step(&mut out, at, step, screen);
        if plan.pause.is_some_and(|pause| pause.last == at) {
            line(&mut out, &format!("--- {} ---", spans(plan).1), screen);
        }
    }
    out + &notes(plan, screen)
}

/// Says what begins and ends with the span of steps that a plan marks.
fn spans(plan: &Plan) -> (String, String) {
    match &plan.goal {
        Goal::Migrate { pod, .. } => (format!("{pod} goes down"), format!("{pod} is up again")),
        Goal::ScaleDown { .. } | Goal::Promote { .. } | Goal::Finish { .. } | Goal::Undo { .. } => {
            ("writes pause".to_owned(), "writes go on".to_owned())
        }
    }
}

/// Draws in what a plan differs from the one that was shown before it, a line each.
#[must_use]
pub fn changes(before: &Plan, now: &Plan, screen: &Screen) -> String {
    let mut out = String::new();
    for difference in differences(before, now) {
        let (lead, style) = match difference.turn {
            Turn::Changed => ("  changed  ", CARE),
            Turn::New => ("  new      ", GOOD),
            Turn::Gone => ("  gone     ", BAD),
        };
        Paragraph { lead, lead_style: style, body: &difference.words, body_style: PLAIN, indent: lead.len() }
            .write(&mut out, screen);
    }
    out
}

/// Draws how far a run came: one line per step.
#[must_use]
pub fn run(run: &Run, screen: &Screen) -> String {
    let mut out = String::new();
    let stopped = match run.fate() {
        Fate::Stopped { step, .. } => Some(step),
        Fate::Open | Fate::Finished | Fate::Left | Fate::Undone { .. } => None,
    };
    for (at, step) in run.plan.steps.iter().enumerate() {
        let (word, style) = match run.progress(at) {
            Progress::Done => ("done", GOOD),
            Progress::Began if stopped == Some(at) => ("stopped here", BAD),
            Progress::Began => ("begun", CARE),
            Progress::Waiting if stopped == Some(at) => ("stopped before it", BAD),
            Progress::Waiting => ("not begun", QUIET),
        };
        let lead = format!("  {:>2}  {word:<18}", at + 1);
        let body = step.effect.to_string();
        Paragraph { lead: &lead, lead_style: style, body: &body, body_style: PLAIN, indent: lead.len() }
            .write(&mut out, screen);
    }
    out
}

/// Says what a plan is for: `plan for statefulset/db in namespace shop: 3 -> 2 replicas`.
fn headline(plan: &Plan) -> String {
    let goal = match &plan.goal {
        Goal::ScaleDown { from, to } => format!("{from} -> {to} replicas"),
        Goal::Promote { from, to, failover } => {
            let from = from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
            format!("{}{from} to {to}", if *failover { "failover" } else { "planned switchover" })
        }
        Goal::Migrate { pod, from, to } => format!("move {pod} with its volumes from {from} to {to}"),
        Goal::Finish { pod } => format!("remove what {pod} had before it was moved"),
        Goal::Undo { of } => format!("take back run {of}"),
    };
    format!("plan for statefulset/{} in namespace {}: {goal}", plan.subject.name, plan.subject.namespace)
}

fn point_of_no_return(out: &mut String, plan: &Plan, at: usize, screen: &Screen) {
    let first = plan.steps.iter().position(|step| step.undo.is_final());
    if first == Some(at) {
        line(out, "=== from here there is no way back ===", screen);
    }
}

fn line(out: &mut String, words: &str, screen: &Screen) {
    Paragraph { lead: "  ", lead_style: PLAIN, body: words, body_style: CARE, indent: 2 }.write(out, screen);
}

fn draw_step(out: &mut String, at: usize, step: &Step, screen: &Screen) {
    let lead = format!("  {:>2}  ", at + 1);
    let body = match step.when {
        When::Always => step.effect.to_string(),
        When::UnlessSeen => format!("{}, unless it is so already", step.effect),
    };
    Paragraph { lead: &lead, lead_style: QUIET, body: &body, body_style: HEADLINE, indent: INDENT }.write(out, screen);
    let words = |checks: &[crate::plan::Check]| {
        let words: Vec<String> = checks.iter().map(ToString::to_string).collect();
        plural::list(&words)
    };
    let limit = age::seconds(step.limit.duration().as_secs());
    let until = if step.ensures.is_empty() { "it ends well".to_owned() } else { words(&step.ensures) };
    let lines = [
        ("needs  ", words(&step.requires)),
        ("until  ", format!("{until}; at most {limit}")),
        ("undo   ", undo(&step.undo)),
    ];
    for (word, body) in lines.iter().filter(|(_, body)| !body.is_empty()) {
        let lead = format!("{:INDENT$}{word}", "");
        Paragraph { lead: &lead, lead_style: QUIET, body, body_style: PLAIN, indent: lead.len() }.write(out, screen);
    }
}

fn undo(undo: &Undo) -> String {
    match undo {
        Undo::By(reversal) => reversal.effect.to_string(),
        Undo::Keep { why } => format!("nothing to take back: {why}"),
        Undo::Never { why } => format!("none: {why}"),
        Undo::Barrier { by, why } => format!("until it is done, {}; then {why}", by.effect),
    }
}

/// Draws what people should know besides the steps.
#[must_use]
pub fn notes(plan: &Plan, screen: &Screen) -> String {
    let mut out = String::new();
    for note in &plan.notes {
        Paragraph { lead: "  ", lead_style: PLAIN, body: note, body_style: PLAIN, indent: 4 }.write(&mut out, screen);
    }
    out
}

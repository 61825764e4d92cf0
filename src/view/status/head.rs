//! The answer, and what holds for the set as a whole: a quiet line each.

use super::{cells, knows_engine};
use crate::analyze::report::{BudgetHead, Head, Owner, Report, Rollout, is_of_equals};
use crate::model::{Code, Known, PodName, Role};
use crate::view::paragraph::Paragraph;
use crate::view::style::{HEADLINE, PLAIN, QUIET};
use crate::view::{Screen, plural};

/// Columns before the text of a head line.
const INDENT: usize = 12;

/// Writes the headline and the head lines.
pub(super) fn write(out: &mut String, report: &Report, screen: &Screen) {
    let body = headline(report);
    Paragraph { lead: "", lead_style: PLAIN, body: &body, body_style: HEADLINE, indent: 2 }.write(out, screen);
    let lines = [
        ("role", role(report)),
        ("commits", commits(&report.head)),
        ("storage", storage(report)),
        ("identity", identity(report)),
        ("sessions", sessions(report)),
        ("rollout", rollout(report)),
        ("owner", report.head.owner.as_ref().map(owner).unwrap_or_default()),
    ];
    for (label, body) in lines.iter().filter(|(_, body)| !body.is_empty()) {
        let lead = format!("{:INDENT$}", format!("  {label}"));
        Paragraph { lead: &lead, lead_style: QUIET, body, body_style: PLAIN, indent: INDENT }.write(out, screen);
    }
}

fn headline(report: &Report) -> String {
    let head = &report.head;
    let place = if head.namespace.is_empty() { String::new() } else { format!(" in {}", head.namespace) };
    let ready = match head.replicas {
        // The verdict says that it is scaled to 0.
        0 => None,
        replicas => Some(format!("{} of {replicas} ready", head.ready)),
    };
    let verdict = (!head.verdict.is_empty()).then(|| head.verdict.clone());
    let parts: Vec<String> = [ready, verdict].into_iter().flatten().collect();
    format!("statefulset/{}{place}: {}", head.name, parts.join(", "))
}

fn standby_leader(report: &Report) -> Option<&str> {
    let leader = report.rows.iter().find(|row| row.role == Known::Value(Role::StandbyLeader))?;
    Some(leader.pod.as_str())
}

fn role(report: &Report) -> String {
    let head = &report.head;
    let mut parts = Vec::new();
    if knows_engine(report) {
        let version = head.version.value().map_or_else(String::new, |version| format!(" {version}"));
        parts.push(format!("{}{version} ({})", head.engine.title, head.engine.by));
    } else {
        parts.push(head.engine.title.clone());
    }
    match &head.primaries {
        Known::Value(pods) if pods.is_empty() => {
            parts.extend(standby_leader(report).map(|pod| format!("led by {pod}, a standby of another cluster")));
        }
        // In a cluster of equals that says nothing.
        Known::Value(_) if is_of_equals(&report.rows) => {}
        Known::Value(pods) => {
            let names: Vec<&str> = pods.iter().map(PodName::as_str).collect();
            let noun = if names.len() == 1 { "primary" } else { "primaries" };
            parts.push(format!("{noun} {}", plural::list(&names)));
        }
        Known::Unknown(_) if head.replicas == 0 => {}
        Known::Unknown(_) if !knows_engine(report) => {
            return format!("{}: roles, lag and sessions are not known", head.engine.title);
        }
        Known::Unknown(why) => parts.push(format!("roles unknown: {why}")),
    }
    parts.extend(head.cluster.clone());
    parts.extend(head.timeline.map(|timeline| format!("timeline {timeline}")));
    parts.join(", ")
}

fn commits(head: &Head) -> String {
    let Some(rule) = &head.sync else { return String::new() };
    let standbys = plural::count(rule.wanted as usize, "standby");
    let confirming = match &rule.confirming {
        Known::Value(1) => "1 confirms".to_owned(),
        Known::Value(some) => format!("{some} confirm"),
        Known::Unknown(why) => format!("how many confirm is unknown: {why}"),
    };
    format!("wait for {standbys}, {confirming} ({})", rule.setting)
}

fn storage(report: &Report) -> String {
    let head = &report.head;
    let claims: Vec<_> = report.rows.iter().flat_map(|row| &row.claims).collect();
    if !report.rows.is_empty() && claims.is_empty() && head.classes.is_empty() {
        return "no claims: what the pods write goes with them".to_owned();
    }
    let mut parts = Vec::new();
    if !head.classes.is_empty() {
        let noun = if head.classes.len() == 1 { "class" } else { "classes" };
        parts.push(format!("{noun} {}", plural::list(&head.classes)));
    }
    match &head.node_bound {
        Known::Value(true) => parts.push("node-bound".to_owned()),
        Known::Value(false) => {}
        Known::Unknown(why) => parts.push(format!("node-bound or not is unknown: {why}")),
    }
    let place = parts.join(", ");
    let fate = match (head.when_scaled.as_str(), head.when_deleted.as_str()) {
        ("Retain", "Retain") => "kept on scale-down and deletion".to_owned(),
        ("Delete", "Delete") => "DELETED on scale-down and on deletion of the set".to_owned(),
        ("Delete", _) => "DELETED on scale-down, kept on deletion of the set".to_owned(),
        (_, "Delete") => "kept on scale-down, DELETED with the set".to_owned(),
        (scaled, deleted) => format!("{scaled} on scale-down, {deleted} on deletion"),
    };
    let shared = claims.iter().any(|claim| {
        let sizes = claim.file_system_bytes.zip(claim.size_bytes);
        // File systems take some of the claim for themselves; one that is larger is somebody else's.
        sizes.is_some_and(|(file_system, size)| file_system > size.saturating_add(size / 10))
    });
    let measured = shared.then(|| "USE is of the node's disk".to_owned());
    [Some(place), Some(fate), measured]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

fn identity(report: &Report) -> String {
    let head = &report.head;
    let last = head.first_ordinal.saturating_add(head.replicas.saturating_sub(1));
    let ordinals = match head.replicas {
        0 => "no ordinals".to_owned(),
        1 => format!("ordinal {last}"),
        _ => format!("ordinals {}-{last}", head.first_ordinal),
    };
    let parallel = if head.pod_management == "Parallel" { " (Parallel)" } else { "" };
    let service = match (head.service.name.as_str(), &head.service.names_answering) {
        ("", _) => "no governing Service".to_owned(),
        (name, _) if head.replicas == 0 => format!("Service {name}"),
        (name, Known::Value(names)) => format!("Service {name}: {names} of {} names resolve", head.replicas),
        (name, Known::Unknown(why)) => format!("Service {name}: names unknown: {why}"),
    };
    format!("{ordinals}{parallel}, {service}")
}

fn sessions(report: &Report) -> String {
    let head = &report.head;
    match &head.sessions {
        Known::Value(sessions) => cells::sessions_in_words(*sessions),
        // Said once, in the line about roles.
        Known::Unknown(why) if head.primaries.why() == Some(why) || !knows_engine(report) => String::new(),
        Known::Unknown(_) if head.replicas == 0 => String::new(),
        Known::Unknown(why) => format!("unknown: {why}"),
    }
}

fn rollout(report: &Report) -> String {
    let head = &report.head;
    let of = |updated: &u32| format!("{updated} of {} updated", head.replicas);
    let mut parts = Vec::new();
    if head.replicas > 0 {
        parts.push(match &head.rollout {
            Rollout::Complete => "complete".to_owned(),
            Rollout::InProgress { updated } => of(updated),
            Rollout::Stuck { updated, pod } => format!("stuck at {pod}, {}", of(updated)),
            Rollout::Partitioned { updated, partition } => format!("{}, stops at partition {partition}", of(updated)),
            Rollout::WaitsForDeletion { updated } => format!("{}, the others wait to be deleted", of(updated)),
        });
        let revision = head.update_revision.strip_prefix(head.name.as_str()).unwrap_or(&head.update_revision);
        if let Some(state) = parts.last_mut().filter(|_| !revision.is_empty()) {
            *state = format!("revision {} {state}", revision.trim_start_matches('-'));
        }
    }
    if head.update_strategy != "RollingUpdate" {
        parts.push(head.update_strategy.clone());
    }
    if !matches!(head.rollout, Rollout::Partitioned { .. }) {
        parts.extend(head.partition.filter(|partition| *partition > 0).map(|at| format!("partition {at}")));
    }
    // One at a time is how it is unless somebody said otherwise.
    parts.extend(head.max_unavailable.as_ref().filter(|max| *max != "1").map(|max| format!("maxUnavailable {max}")));
    [parts.join(", "), budgets(report)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn budgets(report: &Report) -> String {
    match &report.head.budgets {
        Known::Unknown(why) => format!("budgets unknown: {why}"),
        Known::Value(budgets) if budgets.is_empty() => {
            let told = report.findings.iter().any(|finding| finding.code == Code::BudgetMissing);
            if told || report.head.replicas == 0 { String::new() } else { "no budget".to_owned() }
        }
        Known::Value(budgets) => budgets.iter().map(budget).collect::<Vec<_>>().join(", "),
    }
}

fn budget(budget: &BudgetHead) -> String {
    format!("pdb/{} ({}) allows {}", budget.name, budget.rule, budget.disruptions_allowed)
}

fn owner(owner: &Owner) -> String {
    let reverts = if owner.reverts { ", puts changes back" } else { "" };
    let instead = owner.instead.as_ref().map_or_else(String::new, |instead| format!("; change {instead} instead"));
    format!("{} ({}){reverts}{instead}", owner.title, owner.by)
}

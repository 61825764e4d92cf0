//! What only the cluster's own answers show to be wrong.

use super::node::Settings;
use super::topology::{Product, Subject, View};
use crate::engine::answer::one_line;
use crate::engine::phrase::{count, few};
use crate::model::{Code, Finding, Known, Severity, Workload};

/// How the operator of Elastic writes that nobody is kept out.
const NOBODY: &str = "none_excluded";

/// What a setting begins with that keeps shards off nodes.
const EXCLUDE: &str = "cluster.routing.allocation.exclude.";

/// The setting that says which shards may be given a place at all.
const ENABLE: &str = "cluster.routing.allocation.enable";

/// Lists what is wrong.
pub(super) fn of(workload: &Workload, subjects: &[Subject<'_>], view: &View, product: Product) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(masterless(workload, subjects, product));
    found.extend(cut_off(subjects, product));
    found.extend(unassigned(workload, view));
    found.extend(single(workload, view));
    found.extend(view.settings.value().into_iter().flat_map(|settings| restricted(workload, settings)));
    found.extend(not_voting(workload, view));
    found
}

fn of_set(workload: &Workload, severity: Severity, code: Code, message: String, why: &str) -> Finding {
    Finding { severity, code, subject: workload.display(), message, why: why.to_owned(), next: None }
}

/// Every node that answered says that there is no master.
fn masterless(workload: &Workload, subjects: &[Subject<'_>], product: Product) -> Option<Finding> {
    let answered = subjects.iter().filter(|subject| subject.node.is_ok()).count();
    let cut_off = subjects.iter().filter(|subject| subject.is_cut_off()).count();
    (answered > 0 && cut_off == answered).then(|| {
        let master = product.master();
        let message = match cut_off {
            1 => format!("the only node of {} that answered knows no elected {master}", workload.display()),
            all => format!("none of the {all} nodes of {} that answered knows an elected {master}", workload.display()),
        };
        let why = "without a majority of the voting nodes nothing can be written";
        of_set(workload, Severity::Critical, Code::NoPrimary, message, why)
    })
}

/// A node that knows no master while others do.
fn cut_off(subjects: &[Subject<'_>], product: Product) -> Vec<Finding> {
    let led = subjects.iter().any(|subject| subject.node.as_ref().is_ok_and(|node| node.master().is_some()));
    let alone = subjects.iter().filter(|subject| led && subject.is_cut_off());
    alone
        .map(|subject| {
            let pod = format!("pod/{}", subject.pod.meta.name);
            Finding {
                severity: Severity::Warning,
                code: Code::PodWithoutMember,
                message: format!("{pod} runs and is not in the cluster: it knows no elected {}", product.master()),
                subject: pod,
                why: "what is on it serves nobody".to_owned(),
                next: None,
            }
        })
        .collect()
}

fn unassigned(workload: &Workload, view: &View) -> Option<Finding> {
    let health = view.health.value().filter(|health| health.status != "green")?;
    let severity = if health.status == "red" { Severity::Critical } else { Severity::Warning };
    let all = health.active_shards.saturating_add(health.unassigned_shards).saturating_add(health.initializing_shards);
    let all = count(usize::try_from(all).unwrap_or(usize::MAX), "shard");
    let lost = view.shards.value().map(super::shards::Shards::lost_in_words).unwrap_or_default();
    let message = format!(
        "the cluster of {} is {}: {} of {all} unassigned, {} being copied{lost}",
        workload.display(),
        one_line(&health.status),
        health.unassigned_shards,
        health.initializing_shards,
    );
    let why = match severity {
        Severity::Critical => "what is in shards without a copy cannot be read or written",
        Severity::Warning | Severity::Note => "shards have fewer copies than they should: the next loss may be final",
    };
    Some(of_set(workload, severity, Code::ShardsUnassigned, message, why))
}

fn single(workload: &Workload, view: &View) -> Option<Finding> {
    let several = view.nodes.value().is_some_and(|rows| rows.len() > 1);
    let single = view.shards.value()?.single();
    (several && !single.is_empty()).then(|| {
        let (noun, has) = if single.len() == 1 { ("index", "has") } else { ("indices", "have") };
        let message = format!("{noun} {} of {} {has} no second copy (replicas 0)", few(&single), workload.display());
        let why = "a node that goes takes its shards along, and one that is lost takes them for good";
        of_set(workload, Severity::Warning, Code::SingleCopy, message, why)
    })
}

/// Settings by which somebody keeps shards off nodes, or from being given a place at all.
fn restricted(workload: &Workload, settings: &Settings) -> Vec<Finding> {
    let kinds = [("transient", &settings.transient), ("persistent", &settings.persistent)];
    let mut found = Vec::new();
    for (kind, values) in kinds {
        for (key, value) in values {
            let Some(value) = value.as_str().filter(|value| !value.is_empty() && *value != NOBODY) else { continue };
            let what = if key.starts_with(EXCLUDE) {
                format!("keeps shards off {}", one_line(value))
            } else if key == ENABLE && value != "all" {
                format!("gives a place to {} shards only", one_line(value))
            } else {
                continue;
            };
            let message = format!("{} {what} ({kind} {})", workload.display(), one_line(key));
            let why = "fine while somebody works on it; left behind, nodes stay empty and copies are not made again";
            found.push(of_set(workload, Severity::Warning, Code::ExclusionLeft, message, why));
        }
    }
    found
}

fn not_voting(workload: &Workload, view: &View) -> Option<Finding> {
    let Known::Value(coordination) = &view.coordination else { return None };
    let names: Vec<&str> =
        coordination.voting_config_exclusions.iter().map(|exclusion| exclusion.node_name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let message = format!("{} keeps {} from voting (voting_config_exclusions)", workload.display(), few(&names));
        let why = "fine while a node is being removed; left behind, fewer nodes can elect and too few may be left";
        of_set(workload, Severity::Warning, Code::ExclusionLeft, message, why)
    })
}

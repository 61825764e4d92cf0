//! Budgets over the set's pods, and whoever else changes how many there are.

use super::findings::{Findings, Kind, Remark};
use super::owners;
use super::phrase;
use super::report::BudgetHead;
use super::scene::{Place, Scene};
use crate::model::{Budget, ClaimPolicy, Code, Known, Resource, Severity};

/// Lists the budgets over the set's pods.
pub(super) fn heads(scene: &Scene<'_>) -> Known<Vec<BudgetHead>> {
    if let Some(gap) = scene.index.gap(Resource::Budgets) {
        return Known::unknown(&gap.why);
    }
    let head = |budget: &Budget| BudgetHead {
        name: budget.meta.name.clone(),
        disruptions_allowed: budget.disruptions_allowed,
        rule: rule(budget),
    };
    Known::Value(scene.budgets().into_iter().map(head).collect())
}

/// Writes a budget's rule as its fields say it.
pub(super) fn rule(budget: &Budget) -> String {
    match (&budget.min_available, &budget.max_unavailable) {
        (Some(min), _) => format!("minAvailable {min}"),
        (None, Some(max)) => format!("maxUnavailable {max}"),
        // What the API server takes for a budget that says neither.
        (None, None) => "minAvailable 1".to_owned(),
    }
}

/// Says which budgets are missing, block or overlap.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.index.has_read(Resource::Budgets) {
        return;
    }
    let budgets = scene.budgets();
    let name = scene.workload.meta.name.as_str();
    if budgets.is_empty() && scene.workload.replicas > 1 {
        let remark = Remark::new(Severity::Note, Code::BudgetMissing, Kind::Set, name, "has no PodDisruptionBudget")
            .why("draining two nodes at once takes down two members at once");
        findings.say(Remark { next: example(scene), ..remark });
    }
    let running = scene.pods().next().is_some();
    for budget in budgets.iter().filter(|budget| running && budget.observed && budget.disruptions_allowed <= 0) {
        findings.say(blocking(scene, budget));
    }
    overlapping(scene, findings);
}

/// Gives the command that makes a budget, where the set's selector can be written on a command line.
fn example(scene: &Scene<'_>) -> Option<String> {
    let name = &scene.workload.meta.name;
    let labels: Vec<String> =
        scene.workload.selector.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let plain = !labels.is_empty() && scene.workload.selector.expressions.is_empty();
    plain.then(|| scene.command(&format!("create pdb {name} --selector={} --max-unavailable=1", labels.join(","))))
}

fn blocking(scene: &Scene<'_>, budget: &Budget) -> Remark {
    let (have, need) = (budget.current_healthy, budget.desired_healthy);
    let predicate = format!("allows no eviction: {have} healthy, {need} must stay ({})", rule(budget));
    let rigid = i64::from(need) >= i64::from(scene.workload.replicas);
    let why = if rigid {
        "it needs every pod: draining a node never ends, even when all are healthy"
    } else {
        "draining a node waits until more pods are healthy"
    };
    Remark::new(Severity::Warning, Code::BudgetBlocks, Kind::Budget, budget.meta.name.as_str(), predicate).why(why)
}

fn overlapping(scene: &Scene<'_>, findings: &mut Findings) {
    for place in scene.places.iter().filter(|place| place.pod.is_some()) {
        let budgets = scene.budgets_over(place);
        if budgets.len() < 2 {
            continue;
        }
        let names: Vec<String> = budgets.iter().map(|budget| budget.meta.name.clone()).collect();
        findings.say(
            Remark::new(
                Severity::Warning,
                Code::BudgetsOverlap,
                Kind::Pod,
                place.name.as_str(),
                format!("is under {}: {}", phrase::count(names.len(), "budget"), phrase::list(&names)),
            )
            .why("the API server refuses every eviction of a pod under more than one budget: a drain never ends"),
        );
    }
}

/// Says what speaks against evicting one pod: `Ok(None)` for nothing, `Err` when it is not known.
pub(super) fn against(scene: &Scene<'_>, place: &Place<'_>) -> Result<Option<String>, String> {
    if let Some(gap) = scene.index.gap(Resource::Budgets) {
        return Err(format!("budgets are not known ({})", gap.why));
    }
    match scene.budgets_over(place).as_slice() {
        [] => Ok(None),
        [budget] if !budget.observed => Err(format!("budget {} has not been counted yet", budget.meta.name)),
        [budget] if budget.disruptions_allowed > 0 => Ok(None),
        [budget] => Ok(Some(format!(
            "budget {} allows no eviction ({} healthy, {} must stay)",
            budget.meta.name, budget.current_healthy, budget.desired_healthy
        ))),
        several => {
            let names: Vec<String> = several.iter().map(|budget| budget.meta.name.clone()).collect();
            Ok(Some(format!("budgets {} overlap: no eviction is possible", phrase::list(&names))))
        }
    }
}

/// Says who else changes the set: autoscalers, and owners that put changes back.
pub(super) fn find_others(scene: &Scene<'_>, findings: &mut Findings) {
    let deletes = scene.workload.when_scaled == ClaimPolicy::Delete && !scene.workload.claim_templates.is_empty();
    for scaler in scene.index.autoscalers(scene.workload) {
        let least = scaler.min_replicas.unwrap_or(1);
        let predicate =
            format!("changes the replicas of {} between {least} and {}", scene.workload.meta.name, scaler.max_replicas);
        let (severity, why) = if deletes {
            (Severity::Critical, "with whenScaled: Delete it deletes data whenever load falls")
        } else {
            (Severity::Note, "it undoes scaling by hand")
        };
        let name = scaler.meta.name.as_str();
        findings.say(Remark::new(severity, Code::AutoscalerPresent, Kind::Autoscaler, name, predicate).why(why));
    }
    if let Some(owner) = owners::of(scene.workload).filter(|owner| owner.reverts) {
        let predicate = format!("is managed by {} ({})", owner.title, owner.by);
        let why = owner.instead.map_or_else(
            || "changes of the set are put back".to_owned(),
            |instead| format!("changes of the set are put back: change {instead}"),
        );
        let name = scene.workload.meta.name.as_str();
        findings.say(Remark::new(Severity::Note, Code::OwnedByOperator, Kind::Set, name, predicate).why(why));
    }
}

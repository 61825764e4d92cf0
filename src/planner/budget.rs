//! How many pods a disruption budget wants healthy when the set is smaller.

use super::Situation;
use crate::model::{Budget, Resource};
use crate::plan::{Objection, Weight};

/// Says which budgets could no longer be kept with so many replicas.
pub(super) fn objections(situation: &Situation<'_>, replicas: u32) -> Vec<Objection> {
    if let Some(gap) = situation.snapshot.gap(Resource::Budgets) {
        let unknown = Objection::new(
            "budget",
            Weight::Unknown,
            format!("budgets are not known ({})", gap.why),
            "no budget may be broken",
        );
        return vec![unknown.allow("budget")];
    }
    let over = |budget: &&Budget| {
        budget.meta.namespace == situation.workload.meta.namespace
            && budget.has_selector
            && budget.selector.matches(&situation.workload.template.labels)
    };
    let broken = situation.snapshot.budgets.iter().filter(over).filter_map(|budget| {
        let wanted = least(budget.min_available.as_deref()?, replicas)?;
        (wanted > replicas).then(|| {
            Objection::new(
                "budget",
                Weight::No,
                format!("{replicas} would stay"),
                format!("budget {} wants {wanted} healthy (minAvailable)", budget.meta.name),
            )
            .way_out(format!("lower minAvailable of poddisruptionbudget/{} first", budget.meta.name))
            .allow("budget")
        })
    });
    broken.collect()
}

/// Reads `minAvailable`: a number, or a percentage of the replicas, rounded up as the controller does.
fn least(rule: &str, replicas: u32) -> Option<u32> {
    match rule.strip_suffix('%') {
        None => rule.parse().ok(),
        Some(percent) => {
            let share = u64::from(percent.parse::<u32>().ok()?) * u64::from(replicas);
            u32::try_from(share.div_ceil(100)).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::least;

    #[test]
    fn percentages_count_of_the_new_size_and_round_up() {
        let cases = [("2", 3, Some(2)), ("50%", 3, Some(2)), ("100%", 2, Some(2)), ("x", 3, None)];
        for (rule, replicas, wanted) in cases {
            assert_eq!(least(rule, replicas), wanted, "{rule} of {replicas}");
        }
    }
}

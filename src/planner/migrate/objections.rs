//! What speaks against moving a member: its set's state first, then who else is at work, its volumes, its place in the cluster.

use super::{Holding, target};
use crate::analyze::report::{PodState, Safe};
use crate::model::{Budget, FleetingKind, Node, NodeName, PodName, Resource, UpdateStrategy};
use crate::plan::{Objection, Plan, Weight};
use crate::planner::Situation;
use crate::planner::objections::{deleting, overruled, rollout};

/// Holds of `status` that say nothing of a move: it is this command that cordons.
const OF_ANOTHER_KIND: &[&str] = &["node"];

/// Holds that only mean that clients wait.
const CLIENTS_WAIT: &[&str] = &["primary", "lastCopy"];

/// Says everything that speaks against moving a member.
pub(super) fn objections(
    situation: &Situation<'_>,
    holding: &Holding<'_>,
    to: &Node,
    allowed: &[String],
) -> Vec<Objection> {
    let mut found = Vec::new();
    found.extend(deleting(situation));
    found.extend(owner(situation));
    found.extend(autoscalers(situation));
    found.extend(rollout(situation));
    found.extend(on_delete(situation));
    found.extend(tolerations(situation));
    found.extend(host_paths(situation));
    found.extend(state(holding));
    found.extend(target::objections(holding, to));
    found.extend(target::leaving(situation, holding));
    found.extend(holding.volumes.iter().flat_map(|held| of_claim(situation, holding, held)));
    found.extend(budgets(situation));
    found.extend(safety(holding));
    overruled(found, allowed)
}

/// Says what speaks against it right before the member is taken down.
pub(in crate::planner) fn objections_now(
    situation: &Situation<'_>,
    member: &PodName,
    to: &NodeName,
    plan: &Plan,
) -> Vec<Objection> {
    let holding = match Holding::of(situation, member) {
        Ok(holding) => holding,
        Err(objection) => return vec![objection],
    };
    match target::choose(situation, &holding, Some(to)) {
        Ok(target) => objections(situation, &holding, target, &plan.overrides),
        Err(objection) => vec![objection],
    }
}

fn owner(situation: &Situation<'_>) -> Option<Objection> {
    let owner = situation.report.head.owner.as_ref().filter(|owner| owner.reverts && !owner.delivers)?;
    Some(
        Objection::new(
            "owner",
            Weight::No,
            format!("managed by {} ({})", owner.title, owner.by),
            "an operator has its own way of moving a member, and acts on a pod that is away",
        )
        .allow("operator"),
    )
}

fn autoscalers(situation: &Situation<'_>) -> Vec<Objection> {
    let gap = situation.snapshot.gap(Resource::Autoscalers).map(|gap| {
        let measured = format!("autoscalers are not known ({})", gap.why);
        Objection::new("autoscaler", Weight::Unknown, measured, "the replicas stay as they are").allow("autoscaler")
    });
    let found = situation.report.findings.iter().filter(|one| one.code == crate::model::Code::AutoscalerPresent);
    let found = found.map(|one| {
        Objection::new("autoscaler", Weight::No, one.message.clone(), "the replicas stay as they are")
            .way_out(format!("pause it: `kubectl edit {}`", one.subject))
            .allow("autoscaler")
    });
    gap.into_iter().chain(found).collect()
}

fn on_delete(situation: &Situation<'_>) -> Option<Objection> {
    let other = match &situation.workload.update {
        UpdateStrategy::RollingUpdate { .. } => return None,
        UpdateStrategy::OnDelete => "OnDelete",
        UpdateStrategy::Other(name) => name.as_str(),
    };
    let is_new = situation.report.head.update_revision.is_empty();
    let limit = if is_new { "its revision is known" } else { "a pod comes back as it was" };
    Some(
        Objection::new("onDelete", Weight::No, format!("the update strategy is {other}"), limit)
            .way_out("a pod that is made again takes the newest revision: see that there is no other, and say so")
            .allow("on-delete"),
    )
}

fn tolerations(situation: &Situation<'_>) -> Option<Objection> {
    situation.workload.template.bears_every_taint.then(|| {
        Objection::new(
            "tolerations",
            Weight::No,
            "its pods tolerate every taint",
            "a cordoned and tainted node is what keeps the member down while the rest is copied",
        )
    })
}

fn host_paths(situation: &Situation<'_>) -> Vec<Objection> {
    let volumes = situation.workload.template.fleeting_volumes.iter();
    let paths = volumes.filter(|volume| volume.kind == FleetingKind::HostPath);
    paths
        .map(|volume| {
            Objection::new(
                "hostPath",
                Weight::No,
                format!("volume {} is a directory of the node", volume.name),
                "what is on it stays behind",
            )
            .allow("host-path")
        })
        .collect()
}

fn state(holding: &Holding<'_>) -> Option<Objection> {
    (holding.row.state != PodState::Ready).then(|| {
        let measured = format!("{} is not ready", holding.row.pod);
        Objection::new("notReady", Weight::Passing, measured, "only a member that is well is moved")
    })
}

fn of_claim(situation: &Situation<'_>, holding: &Holding<'_>, held: &super::Held<'_>) -> Vec<Objection> {
    let (claim, volume) = (held.claim, held.volume);
    let name = &claim.meta.name;
    let mut found = Vec::new();
    let mut no = |code, measured: String, limit: &str| found.push(Objection::new(code, Weight::No, measured, limit));
    if claim.phase != "Bound" || claim.meta.deleting.is_some() {
        no(
            "claim",
            format!("{name} is {}", if claim.meta.deleting.is_some() { "being deleted" } else { &claim.phase }),
            "a claim that is bound and stays",
        );
    }
    if claim.volume_mode == "Block" {
        no("block", format!("{name} is a block device"), "only file systems are copied");
    }
    if claim.access_modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        no("accessMode", format!("{name} is ReadWriteOncePod"), "a second pod reads the volume while the member runs");
    }
    if let Some(condition) = claim.conditions.iter().find(|condition| condition.status == "True") {
        no("resize", format!("{name}: {}", condition.kind), "a claim whose size is settled");
    }
    let template = situation.workload.claim_templates.iter().find(|template| template.name == held.template);
    if template.is_some_and(|template| template.has_source) {
        no("dataSource", format!("{name} is filled from something else by its template"), "a claim that begins empty");
    }
    let class = situation.snapshot.classes.iter().find(|class| Some(&class.meta.name) == claim.class.as_ref());
    match class {
        None => no("class", format!("{name} has no storage class that exists"), "its class makes the new volume"),
        Some(class) if !class.waits_for_consumer => no(
            "class",
            format!("class {} binds at once", class.meta.name),
            "a volume is made on the node that its pod is given (WaitForFirstConsumer)",
        ),
        Some(_) => {}
    }
    if volume.phase != "Bound" {
        no("volume", format!("{} is {}", volume.meta.name, volume.phase), "a volume that is bound");
    }
    let others = situation.snapshot.pods.iter().filter(|pod| {
        pod.meta.namespace == claim.meta.namespace
            && pod.meta.uid != holding.pod.uid
            && !pod.meta.labels.contains_key(crate::model::HELPER_LABEL)
            && pod.claims.iter().any(|(_, one)| one.0 == *name)
    });
    let others: Vec<String> = others.map(|pod| pod.meta.name.clone()).collect();
    if !others.is_empty() {
        no("shared", format!("{name} is used by {} too", others.join(", ")), "one pod writes a volume");
    }
    found
}

fn budgets(situation: &Situation<'_>) -> Option<Objection> {
    let set = situation.workload;
    let over = |budget: &&Budget| {
        budget.meta.namespace == set.meta.namespace
            && budget.has_selector
            && budget.selector.matches(&set.template.labels)
    };
    let names: Vec<&str> = situation.snapshot.budgets.iter().filter(over).map(|one| one.meta.name.as_str()).collect();
    (names.len() > 1).then(|| {
        Objection::new(
            "budget",
            Weight::No,
            format!("{} budgets cover its pods: {}", names.len(), names.join(", ")),
            "a pod under several budgets cannot be evicted at all",
        )
    })
}

/// What `status` says of taking the member down.
fn safety(holding: &Holding<'_>) -> Vec<Objection> {
    let (holds, weight) = match &holding.row.safe {
        Safe::Yes => return Vec::new(),
        Safe::No(holds) => (holds, Weight::No),
        Safe::Unknown(holds) => (holds, Weight::Unknown),
    };
    let member = &holding.row.pod;
    let found = holds.iter().filter(|hold| !OF_ANOTHER_KIND.contains(&hold.code)).map(|hold| {
        let objection = Objection::new(
            "unsafe",
            weight,
            format!("{member}: {}", hold.why),
            "the others go on without it while it is down",
        );
        let objection = match &hold.next {
            Some(next) => objection.way_out(format!("`{next}`")),
            None if hold.code == "primary" => objection.way_out("hand over first: `kubectl stateful promote`"),
            None => objection,
        };
        if CLIENTS_WAIT.contains(&hold.code) { objection.allow("downtime") } else { objection }
    });
    found.collect()
}

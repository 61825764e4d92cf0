//! A failover: whose primary is given up, how it is kept from coming back as one, and how it comes back as a follower.

use super::Situation;
use super::promote::{Accepted, Parts, Promote, place};
use crate::analyze::{bound_node, bytes, listed};
use crate::engine::{Failover, GivenUp, Handing, Rejoin};
use crate::model::{Claim, ContainerName, Known, PodName, Resource};
use crate::plan::{Check, Effect, Help, Limit, Objection, Pin, Step, Trace, Typed, Undo, Weight, When};

/// How long one request may take.
const REQUEST_LIMIT: Limit = Limit::seconds(30);

/// How long a kubelet may take to end a pod that gets [`GRACE_SECONDS`].
const END_LIMIT: Limit = Limit::seconds(120);

/// How long the given-up member's node is waited for: it may be off for days, and the run can be resumed then.
const RETURN_LIMIT: Limit = Limit::seconds(60);

/// How long a server that does not answer may take to stop by itself, in seconds.
const GRACE_SECONDS: u32 = 1;

/// Finds the primary that does not answer: the one member whose role is not known, while everybody else follows.
pub(super) fn given_up(situation: &Situation<'_>) -> Result<GivenUp, Objection> {
    if !situation.engine.fails_over() {
        let title = situation.engine.title();
        let measured = format!("how {title} goes on without its primary is not known here");
        let limit = "a primary is given up only where it is known how nobody comes back as a second one";
        return Err(Objection::new("noFailover", Weight::No, measured, limit));
    }
    if let Some(primary) = situation.topology.primaries().next() {
        return Err(Objection::new(
            "answers",
            Weight::No,
            format!("{} is the primary, and answers", primary.pod),
            "only a primary that does not answer is given up: it may have what nobody else has",
        )
        .way_out("without --failover it hands over, and nothing is lost"));
    }
    let silent: Vec<&PodName> = situation
        .report
        .rows
        .iter()
        .filter(|row| row.wanted && row.role.value().is_none())
        .map(|row| &row.pod)
        .collect();
    match silent.as_slice() {
        [one] => lost(situation, one),
        [] => Err(Objection::new(
            "noPrimary",
            Weight::No,
            "every member answers, and none is the primary",
            "a failover gives up a member that does not answer",
        )
        .way_out("`kubectl stateful history` says whether a switchover was interrupted: `resume` or `undo` it")),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Objection::new(
                "silent",
                Weight::Unknown,
                format!("{} do not answer", listed(&names)),
                "whoever does not answer may have more of the log: only one member is given up",
            )
            .way_out(
                situation.asked(|asked| situation.engine.without_most(asked)).unwrap_or("bring the others back first"),
            ))
        }
    }
}

/// Finds where the volumes of the given-up member are.
fn lost(situation: &Situation<'_>, name: &PodName) -> Result<GivenUp, Objection> {
    let seen = situation.snapshot;
    for (resource, noun) in [(Resource::Claims, "claims"), (Resource::Volumes, "volumes"), (Resource::Nodes, "nodes")] {
        if let Some(gap) = seen.gap(resource) {
            let measured = format!("{noun} are not known ({})", gap.why);
            let limit = "the member that is given up is held where its volume is";
            return Err(Objection::new("notRead", Weight::Unknown, measured, limit));
        }
    }
    let set = situation.workload;
    let claim = |template: &str| {
        let wanted = format!("{template}-{name}");
        let mut own = seen.claims.iter().filter(|claim| claim.meta.namespace == set.meta.namespace);
        own.find(|claim| claim.meta.name == wanted)
    };
    let claims: Vec<&Claim> = set.claim_templates.iter().filter_map(|template| claim(&template.name)).collect();
    let node_of = |claim: &&Claim| {
        let volume = seen.volumes.iter().find(|volume| Some(volume.name()) == claim.volume)?;
        bound_node(seen, volume)
    };
    let mut nodes: Vec<Option<String>> = claims.iter().map(node_of).collect();
    if asks_to_lead(situation) {
        let runs = situation.pod(name).and_then(|pod| pod.node.as_ref()).map(ToString::to_string);
        nodes.extend(runs.map(Some));
        nodes.retain(Option::is_some);
    }
    nodes.dedup();
    let [Some(node)] = nodes.as_slice() else {
        return Err(Objection::new(
            "notHeld",
            Weight::No,
            format!("the volumes of {name} are not kept to one node"),
            "only a pod that can run nowhere else can be kept from coming back as a second primary",
        )
        .way_out(format!("keep {name} from running by other means, and promote by hand")));
    };
    let Some(node) = seen.nodes.iter().find(|one| one.meta.name == *node) else {
        return Err(Objection::new(
            "notHeld",
            Weight::No,
            format!("the volumes of {name} are kept to {node}, which does not exist"),
            "a node that is not there cannot be told to take no pods, should it come back",
        ));
    };
    let place = situation.pod(name).filter(|_| node.is_ready()).and_then(|_| place(situation, name).ok());
    let running = place.filter(|place| situation.pod(name).is_some_and(|pod| pod.runs(&place.container)));
    let container = match &running {
        Some(place) => Some(place.container.clone()),
        None => situation.report.rows.iter().find_map(|row| place_container(situation, &row.pod)),
    };
    Ok(GivenUp {
        pod: name.clone(),
        place: running,
        container: container.unwrap_or_default(),
        claims: claims.iter().map(|claim| Pin::of(&claim.meta)).collect(),
        node: Pin::of(&node.meta),
        node_ready: node.is_ready(),
    })
}

fn place_container(situation: &Situation<'_>, pod: &PodName) -> Option<ContainerName> {
    situation.container(situation.pod(pod)?)
}

/// Tells whether somebody else has the node take no new pods already.
fn is_cordoned(situation: &Situation<'_>, lost: &GivenUp) -> bool {
    situation.snapshot.nodes.iter().any(|node| node.meta.uid == lost.node.uid && node.unschedulable)
}

/// The member is kept from running, where it would not ask whether it may take writes.
pub(super) fn must_be_held(situation: &Situation<'_>, lost: &GivenUp) -> Option<Check> {
    (!asks_to_lead(situation)).then(|| held(situation, lost))
}

fn held(situation: &Situation<'_>, lost: &GivenUp) -> Check {
    Check::Held {
        member: lost.pod.clone(),
        going: situation.pod(&lost.pod).map(|pod| Pin::of(&pod.meta)),
        but_on: None,
    }
}

/// What has to be typed, where no flag says it.
pub(super) fn typed(lost: &GivenUp) -> Vec<Typed> {
    let given_up =
        Typed { what: format!("{} is given up, with what only it has", lost.pod), word: lost.pod.to_string() };
    let off = (!lost.node_ready).then(|| Typed {
        what: format!("node {} is off, and nothing runs on it", lost.node.name),
        word: lost.node.name.clone(),
    });
    std::iter::once(given_up).chain(off).collect()
}

/// Says what is lost without anybody having agreed to it.
pub(super) fn loss(parts: &Parts, wanted: &Promote) -> Vec<Objection> {
    let (Some(accepted), Some(failover)) = (wanted.failover, &parts.promotion.failover) else { return Vec::new() };
    let Handing::Up(lost) = &parts.handing else { return Vec::new() };
    let mut found = Vec::new();
    let from = &lost.pod;
    match (accepted, &failover.loss.bytes) {
        (Accepted::Asked | Accepted::Any, _) => {}
        (Accepted::Bytes(limit), Known::Value(lost)) if *lost <= limit => {}
        (Accepted::Bytes(limit), Known::Value(lost)) => found.push(
            Objection::new(
                "loss",
                Weight::No,
                format!("{} of log, {} transactions, are on {from} alone", bytes(*lost), transactions(failover)),
                format!("{} may be lost (--accept-loss)", bytes(limit)),
            )
            .way_out(format!("bring {from} back, or say --accept-loss {lost}")),
        ),
        (Accepted::Bytes(_), Known::Unknown(why)) => found.push(
            Objection::new(
                "loss",
                Weight::Unknown,
                format!("what only {from} has cannot be measured ({why})"),
                "unknown counts as too much",
            )
            .way_out(format!("bring {from} back, or say --accept-loss any")),
        ),
    }
    if !lost.node_ready && accepted != Accepted::Asked {
        found.push(
            Objection::new(
                "nodeOff",
                Weight::Unknown,
                format!("node {} is not ready: nobody can see whether {from} still runs there", lost.node.name),
                "a primary that still runs goes on taking writes from whoever is connected",
            )
            .way_out("switch it off, and say so")
            .allow("node-off"),
        );
    }
    found
}

fn transactions(failover: &Failover) -> String {
    failover.loss.transactions.value().map_or_else(|| "unknown".to_owned(), ToString::to_string)
}

/// Tells whether whoever comes back takes writes only when others let it.
fn asks_to_lead(situation: &Situation<'_>) -> bool {
    situation.asked(|asked| situation.engine.asks_to_lead(asked))
}

/// The member's pod goes once another one leads, and whoever manages the members makes it a follower when it is back.
pub(super) fn end(situation: &Situation<'_>, lost: &GivenUp, returns: Check) -> Vec<Step> {
    let mut steps = fence(situation, lost);
    if let Some(step) = steps.last_mut().filter(|_| lost.node_ready && !is_cordoned(situation, lost)) {
        step.ensures.push(returns);
    }
    steps
}

/// The member's pod goes, and can run nowhere: its volumes are kept to a node that takes no new pods. One that asks first
/// whether it may take writes may run again at once.
pub(super) fn fence(situation: &Situation<'_>, lost: &GivenUp) -> Vec<Step> {
    let may_run = is_cordoned(situation, lost) || asks_to_lead(situation);
    let hold = (!may_run).then(|| cordon(lost, true));
    let end = situation.pod(&lost.pod).map(|pod| {
        let pin = Pin::of(&pod.meta);
        let gone = Check::PodGone { pod: pin.clone() };
        Step {
            when: When::Always,
            requires: Vec::new(),
            effect: Effect::DeletePod { pod: pin, grace_seconds: GRACE_SECONDS },
            // Asking twice does no harm while it is there; another pod of its name is none of ours.
            trace: Trace::Seen(gone.clone()),
            // The kubelet of a node that is off says nothing: there, nobody being connected any more has to do.
            ensures: if lost.node_ready { vec![gone] } else { Vec::new() },
            undo: Undo::Keep { why: "the set makes it again".to_owned() },
            limit: END_LIMIT,
        }
    });
    hold.into_iter().chain(end).collect()
}

/// Has the member's node take no new pods, or take them again.
fn cordon(lost: &GivenUp, cordoned: bool) -> Step {
    let is = |cordoned| Check::Cordoned { node: lost.node.clone(), cordoned };
    let effect = |cordoned| Effect::Cordon { node: lost.node.clone(), cordoned };
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: effect(cordoned),
        trace: Trace::Seen(is(cordoned)),
        ensures: Vec::new(),
        undo: Undo::by(effect(!cordoned), Trace::Seen(is(!cordoned)), Vec::new()),
        limit: REQUEST_LIMIT,
    }
}

/// What has to be seen of the member's end where only its node can tell, once that is back.
fn there(situation: &Situation<'_>, lost: &GivenUp) -> Vec<Check> {
    let gone = situation.pod(&lost.pod).map(|pod| Check::PodGone { pod: Pin::of(&pod.meta) });
    std::iter::once(Check::NodeReady { node: lost.node.clone() }).chain(gone).collect()
}

/// The member runs again as it was, and is made a follower as soon as it answers.
pub(super) fn turn(situation: &Situation<'_>, lost: &GivenUp, turn: Step) -> Vec<Step> {
    let may_run = (!is_cordoned(situation, lost)).then(|| cordon(lost, false));
    let mut steps: Vec<Step> = may_run.into_iter().chain([turn]).collect();
    if let Some(step) = steps.first_mut().filter(|_| !lost.node_ready) {
        step.requires.extend(there(situation, lost));
        step.limit = RETURN_LIMIT;
    }
    steps
}

/// The member comes back as a follower, once its node is there.
pub(super) fn rejoin(situation: &Situation<'_>, lost: &GivenUp, rejoin: Rejoin) -> Vec<Step> {
    let helper = lost.helper();
    let gone = Check::HelperGone { helper: helper.clone() };
    let end = |requires: Vec<Check>, limit| Step {
        when: When::Always,
        requires,
        effect: Effect::EndHelp { helper: helper.clone(), member: lost.pod.clone() },
        trace: Trace::Idempotent,
        ensures: vec![gone.clone()],
        undo: Undo::Keep { why: "it is of no use any more".to_owned() },
        limit,
    };
    let Rejoin { words, argv, reads, limit, why, rejoined, after } = rejoin;
    let help = Step {
        when: When::Always,
        requires: vec![held(situation, lost)],
        effect: Effect::Help(Box::new(Help {
            helper: helper.clone(),
            member: lost.pod.clone(),
            claims: lost.claims.clone(),
            node: lost.node.clone(),
            container: lost.container.clone(),
            words,
            argv,
            reads,
        })),
        trace: Trace::Idempotent,
        ensures: vec![Check::Helped { helper: helper.clone() }],
        undo: Undo::Never { why },
        limit,
    };
    let mut steps = Vec::new();
    // Where the kubelet is there, it has said that the pod has ended.
    if !lost.node_ready {
        steps.push(end(there(situation, lost), RETURN_LIMIT));
    }
    steps.extend([help, end(Vec::new(), END_LIMIT)]);
    if !is_cordoned(situation, lost) {
        steps.push(cordon(lost, false));
    }
    if let Some(last) = steps.last_mut() {
        last.ensures.extend(rejoined);
        last.limit = END_LIMIT;
    }
    steps.extend(after);
    steps
}

/// Says what people should know besides.
pub(super) fn note(situation: &Situation<'_>, lost: &GivenUp) -> Option<String> {
    let (node, pod) = (&lost.node.name, &lost.pod);
    is_cordoned(situation, lost)
        .then(|| format!("node {node} is cordoned already, and stays so: {pod} runs again once somebody uncordons it"))
}

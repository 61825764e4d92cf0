//! Ordinals without their pod, and claims without their ordinal.

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::reach;
use super::report::{Leftover, PodState};
use super::rows;
use super::scene::{Holding, Place, Scene};
use crate::model::{Code, Event, Finding, NodeName, Pod, PodManagement, Role, Severity, Topology};

/// Says which ordinals have no pod, and whose the pod is that took an ordinal's name.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    let nobody = scene.pods().next().is_none();
    let mut waits_for: Option<&Place<'_>> = None;
    for place in scene.wanted() {
        if let Some(foreign) = place.foreign {
            findings.say(not_owned(scene, place, foreign));
        } else if place.state == PodState::Missing && scene.workload.meta.deleting.is_none() {
            findings.say(missing(scene, place, waits_for, nobody));
        }
        if waits_for.is_none() && !place.is_ready() {
            waits_for = Some(place);
        }
    }
}

fn not_owned(scene: &Scene<'_>, place: &Place<'_>, foreign: &Pod) -> Remark {
    let name = place.name.as_str();
    let remark = |severity, predicate: String| Remark::new(severity, Code::PodNotOwned, Kind::Pod, name, predicate);
    match foreign.meta.controller() {
        None if scene.workload.meta.deleting.is_some() => {
            remark(Severity::Warning, "is left without the set that is being deleted".to_owned())
                .why("still running: a new set of this name and selector takes such pods over")
        }
        owner => {
            let whose = owner.map_or_else(|| "nobody's".to_owned(), |owner| format!("{} {}'s", owner.kind, owner.name));
            remark(Severity::Critical, format!("is not the set's but {whose}"))
                .why("the set cannot make its own pod while one of this name exists")
                .next(scene.command(&format!("get pod {name} -o yaml")))
        }
    }
}

fn missing(scene: &Scene<'_>, place: &Place<'_>, lower: Option<&Place<'_>>, nobody: bool) -> Remark {
    let severity = if nobody { Severity::Critical } else { Severity::Warning };
    let going = place.holdings.iter().find(|holding| holding.claim.is_some_and(|claim| claim.meta.deleting.is_some()));
    let ordered = scene.workload.pod_management == PodManagement::OrderedReady;
    let behind = scene.workload.status.observed_generation.is_some_and(|seen| seen < scene.workload.generation);
    let reason = if let Some(event) = refused(scene, place) {
        let (_, error) = event.message.split_once("error: ").unwrap_or(("", &event.message));
        format!(": {}", phrase::clause(error))
    } else if let Some(holding) = going {
        format!(": it is made when claim {}, which is being deleted, is gone", holding.name)
    } else if let Some(lower) = lower.filter(|_| ordered) {
        format!(": OrderedReady waits for {}, which is not ready", lower.name)
    } else if behind {
        ": the controller has not seen the set as it is now".to_owned()
    } else {
        String::new()
    };
    Remark::new(severity, Code::PodMissing, Kind::Pod, place.name.as_str(), format!("does not exist{reason}"))
        .why(if nobody { "nothing of the set runs" } else { "" })
        .next(scene.command(&format!("describe statefulset {}", scene.workload.meta.name)))
}

/// Finds the newest event in which making this very pod, or one of its claims, was refused.
fn refused<'a>(scene: &Scene<'a>, place: &Place<'a>) -> Option<&'a Event> {
    let about = |event: &&Event| {
        event.reason == "FailedCreate"
            && event.message.split([' ', '"', ',']).any(|word| {
                word == place.name.as_str() || place.holdings.iter().any(|holding| word == holding.name.as_str())
            })
    };
    scene.index.events("StatefulSet", &scene.workload.meta).filter(about).max_by_key(|event| event.last_seen)
}

/// Lists the claims of ordinals outside the range. Claims that another set's pod uses only look alike.
pub(super) fn leftovers(scene: &Scene<'_>) -> Vec<Leftover> {
    let set = &scene.workload.meta.name;
    let range = scene.workload.ordinals();
    let mut found = Vec::new();
    for template in &scene.workload.claim_templates {
        let stem = format!("{}-{set}", template.name);
        for (ordinal, claim) in scene.index.family(scene.namespace(), &stem) {
            let users = scene.index.users(scene.namespace(), &claim.meta.name);
            let of_others = users.iter().any(|pod| {
                pod.meta.controller().is_some_and(|owner| owner.kind == "StatefulSet" && owner.name != *set)
            });
            if range.contains(ordinal) || of_others {
                continue;
            }
            let volume = claim.volume.as_ref().and_then(|volume| scene.index.volume(volume.as_str()));
            let usage = scene.index.usage(scene.namespace(), &claim.meta.name, "");
            let holding = Holding { template: Some(template), name: claim.name(), claim: Some(claim), volume, usage };
            let node = volume.and_then(|volume| reach::bound_node(scene.index, volume)).map(NodeName::from);
            let used_by = users.first().map(|pod| pod.name());
            found.push(Leftover { ordinal: *ordinal, claim: rows::claim(scene, &holding), node, used_by });
        }
    }
    found.sort_by(|a, b| (a.ordinal, &a.claim.name).cmp(&(b.ordinal, &b.claim.name)));
    found
}

/// Says which claims are left over. Those of pods that are still being removed are not yet.
pub(super) fn find_leftovers(scene: &Scene<'_>, topology: &Topology, leftovers: &[Leftover], findings: &mut Findings) {
    let left: Vec<&Leftover> = leftovers
        .iter()
        .filter(|left| left.used_by.is_none() && left.claim.phase != "Terminating")
        .filter(|left| scene.place_of(&scene.workload.pod_name(left.ordinal)).is_none())
        .collect();
    let [first, ..] = left.as_slice() else { return };
    let names: Vec<String> = left.iter().map(|left| left.claim.name.to_string()).collect();
    let shown: Vec<String> = left.iter().map(|left| shown(left)).collect();
    let listed = if shown.len() <= 3 { phrase::list(&shown) } else { phrase::names(&names) };
    let noun = if left.len() == 1 { "claim" } else { "claims" };
    let is = if left.len() == 1 { "is" } else { "are" };
    let idle = scene.workload.replicas == 0;
    let removable = !idle && left.iter().all(|left| is_removable(scene, topology, left));
    let old = if left.len() == 1 { "this old data" } else { "their old data" };
    let why = if idle {
        format!("the set is scaled to 0 and starts on {old} again")
    } else {
        let pods: Vec<String> = left.iter().map(|left| scene.workload.pod_name(left.ordinal).to_string()).collect();
        let would = format!("{} would start on {old} when the set is scaled up", phrase::names(&unique(pods)));
        if removable { format!("{would}; the command deletes {}", what_goes(&left)) } else { would }
    };
    findings.add(Finding {
        severity: if idle { Severity::Note } else { Severity::Warning },
        code: Code::ClaimsLeftOver,
        subject: format!("{}/{}", Kind::Claim.resource(), first.claim.name),
        message: format!("{noun} {listed} {is} left over: {}", range(scene)),
        why,
        next: removable.then(|| scene.command(&format!("delete pvc {}", names.join(" ")))),
    });
}

fn unique(mut words: Vec<String>) -> Vec<String> {
    words.dedup();
    words
}

fn range(scene: &Scene<'_>) -> String {
    let ordinals = scene.workload.ordinals();
    match ordinals.end.checked_sub(1) {
        Some(last) if last > ordinals.start => format!("the set has ordinals {}-{last}", ordinals.start),
        Some(last) if last == ordinals.start => format!("the set has only ordinal {last}"),
        _ => "the set has no ordinals".to_owned(),
    }
}

fn shown(left: &Leftover) -> String {
    let size = left.claim.size_bytes.map(phrase::bytes);
    let facts: Vec<String> = size.into_iter().chain(left.node.as_ref().map(ToString::to_string)).collect();
    if facts.is_empty() { left.claim.name.to_string() } else { format!("{} ({})", left.claim.name, facts.join(", ")) }
}

/// Tells whether deleting a left-over claim may be suggested: only where every ordinal holds the same data, which is
/// known to be safe elsewhere. The shards of a database that splits its data are nowhere else.
fn is_removable(scene: &Scene<'_>, topology: &Topology, left: &Leftover) -> bool {
    let claim = scene.index.claim(scene.namespace(), left.claim.name.as_str());
    let made_by_set = claim.is_some_and(|claim| {
        !scene.workload.selector.is_empty() && scene.workload.selector.matches(&claim.meta.labels)
    });
    let one_primary = topology.primaries().count() == 1;
    let copies = topology.members.iter().any(|member| {
        member.role.value() == Some(&Role::Replica)
            && member.receiving.as_ref().is_some_and(|receiving| receiving.value() == Some(&true))
    });
    made_by_set && one_primary && copies && scene.wanted().all(Place::is_ready)
}

fn what_goes(left: &[&Leftover]) -> String {
    let with_volume = left.iter().all(|left| left.claim.reclaim_policy.as_deref() == Some("Delete"));
    let kept = left.iter().all(|left| left.claim.reclaim_policy.as_deref() == Some("Retain"));
    let (it, its) = if left.len() == 1 { ("the claim", "its volume") } else { ("the claims", "their volumes") };
    if with_volume {
        format!("{it} and the data on {its} for good")
    } else if kept {
        format!("{it} and keeps {its} (reclaim policy Retain)")
    } else {
        format!("{it} and perhaps the data on {its}")
    }
}

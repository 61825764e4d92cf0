//! What is wrong with pods that exist.

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::report::PodState;
use super::scene::{Place, Scene};
use super::state::{self, YOUNG_SECONDS};
use crate::model::{Code, Pod, Resource, Severity};

/// A pod may outlive its grace period by so long before it counts as stuck: the kubelet kills its containers then, and
/// unmounting takes time.
const STUCK_SECONDS: i64 = 30;

/// Says what is wrong with pods.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for place in &scene.places {
        let Some(pod) = place.pod else { continue };
        findings.say_some(match &place.state {
            PodState::Terminating => stuck(scene, place, pod),
            PodState::Ready => restarting(scene, place, pod),
            PodState::Pending(why) => restarting(scene, place, pod).or_else(|| pending(scene, place, pod, why)),
            PodState::NotReady(why) => restarting(scene, place, pod).or_else(|| not_ready(scene, place, pod, why)),
            PodState::Failed(why) => Some(
                remark(place, Severity::Warning, Code::PodNotReady, format!("has ended: {why}"))
                    .next(scene.command(&format!("describe pod {}", place.name))),
            ),
            PodState::Missing | PodState::Unknown(_) => None,
        });
    }
}

fn remark(place: &Place<'_>, severity: Severity, code: Code, predicate: String) -> Remark {
    Remark::new(severity, code, Kind::Pod, place.name.as_str(), predicate)
}

fn is_young(scene: &Scene<'_>, pod: &Pod) -> bool {
    scene.index.seconds_since(pod.meta.created).is_some_and(|age| age < YOUNG_SECONDS)
}

fn pending(scene: &Scene<'_>, place: &Place<'_>, pod: &Pod, why: &str) -> Option<Remark> {
    let refused = pod.condition("PodScheduled").is_some_and(|condition| condition.reason == "Unschedulable");
    if is_young(scene, pod) && !refused && state::broken(pod, scene.index.now()).is_none() {
        return None;
    }
    // A claim's own finding says what keeps it; here it is only named.
    let unbound = place.holdings.iter().find(|holding| {
        let absent = holding.claim.is_none() && scene.index.has_read(Resource::Claims);
        absent || holding.claim.is_some_and(|claim| claim.phase != "Bound" || claim.meta.deleting.is_some())
    });
    let waits = |claim: &crate::model::Claim| {
        let mut events = scene.index.events("PersistentVolumeClaim", &claim.meta);
        events.any(|event| event.reason == "WaitForFirstConsumer")
    };
    let reason = match unbound {
        Some(holding) if !holding.claim.is_some_and(waits) => {
            let phase = holding.claim.map_or("missing".to_owned(), |claim| {
                if claim.meta.deleting.is_some() { "being deleted".to_owned() } else { claim.phase.to_lowercase() }
            });
            format!("claim {} is {phase}", holding.name)
        }
        Some(_) | None => why.to_owned(),
    };
    Some(
        remark(place, Severity::Warning, Code::PodPending, format!("is pending{}: {reason}", age(scene, pod)))
            .next(scene.command(&format!("describe pod {}", place.name))),
    )
}

fn age(scene: &Scene<'_>, pod: &Pod) -> String {
    let age = scene.index.seconds_since(pod.meta.created);
    age.map(|seconds| format!(" for {}", phrase::span(seconds))).unwrap_or_default()
}

fn not_ready(scene: &Scene<'_>, place: &Place<'_>, pod: &Pod, why: &str) -> Option<Remark> {
    if is_young(scene, pod) && state::broken(pod, scene.index.now()).is_none() {
        return None;
    }
    let since = pod.condition("Ready").and_then(|ready| scene.index.seconds_since(ready.since));
    let is_not_ready = since.map_or_else(
        || "is not ready".to_owned(),
        |seconds| format!("has not been ready for {}", phrase::span(seconds)),
    );
    let remark = remark(place, Severity::Warning, Code::PodNotReady, format!("{is_not_ready}: {why}"));
    Some(match place.node.filter(|node| !node.is_ready()) {
        Some(node) => remark.next(format!("kubectl describe node {}", node.meta.name)),
        None => remark.next(scene.command(&format!("describe pod {}", place.name))),
    })
}

fn restarting(scene: &Scene<'_>, place: &Place<'_>, pod: &Pod) -> Option<Remark> {
    let container = state::looping(pod, scene.index.now())?;
    let end = state::last_end(container);
    let last = if container.restarts > 1 { "the last time with" } else { "after" };
    let ending = end.map(|end| format!(", {last} {}", state::ending(end))).unwrap_or_default();
    let ended = end.and_then(|end| scene.index.seconds_since(end.at));
    let ago = ended.map(|seconds| format!(" {} ago", phrase::span(seconds))).unwrap_or_default();
    let times =
        if container.restarts == 1 { "once so far".to_owned() } else { format!("{} times", container.restarts) };
    let predicate = format!("restarts again and again: container {} {times}{ending}{ago}", container.name);
    let remark = remark(place, Severity::Warning, Code::PodRestarting, predicate)
        .next(scene.command(&format!("logs {} -c {} --previous", place.name, container.name)));
    let killed = end.is_some_and(|end| end.reason == "OOMKilled");
    Some(if killed { remark.why("it needs more memory than its limit allows") } else { remark })
}

fn stuck(scene: &Scene<'_>, place: &Place<'_>, pod: &Pod) -> Option<Remark> {
    let past = scene.index.seconds_since(pod.meta.deleting).filter(|past| *past > STUCK_SECONDS)?;
    let begin = format!("does not go away: its grace ended {} ago", phrase::span(past));
    let say = |severity, end: String| remark(place, severity, Code::PodStuckTerminating, format!("{begin}{end}"));
    let describe = scene.command(&format!("describe pod {}", place.name));
    let Some(node) = &pod.node else {
        return Some(say(Severity::Warning, finalizers(pod)).next(describe));
    };
    let replaced = format!("no other {} is started", place.name);
    Some(match place.node {
        None if scene.index.has_read(Resource::Nodes) => {
            say(Severity::Critical, format!(" and {node} does not exist any more{}", finalizers(pod)))
                .why(format!("{replaced} until it is gone; Kubernetes removes pods of such nodes within minutes"))
                .next(describe)
        }
        Some(seen) if !seen.is_ready() => {
            let since = seen.readiness().and_then(|ready| scene.index.seconds_since(ready.since));
            let down = since.map(|seconds| format!(" for {}", phrase::span(seconds))).unwrap_or_default();
            say(Severity::Critical, format!(" and {node} has not been ready{down}{}", finalizers(pod)))
                .why(format!(
                    "{replaced} until {node} is back or declared dead; only when that machine is certainly off: \
                     `kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`"
                ))
                .next(format!("kubectl describe node {node}"))
        }
        Some(_) if pod.meta.finalizers.is_empty() => say(Severity::Warning, format!(", and {node} is ready"))
            .why("its containers do not stop, or its volumes cannot be unmounted")
            .next(describe),
        Some(_) | None => say(Severity::Warning, finalizers(pod))
            .why(if pod.meta.finalizers.is_empty() {
                "the state of its node is not known"
            } else {
                "it goes when whoever set the finalizer takes it away"
            })
            .next(describe),
    })
}

fn finalizers(pod: &Pod) -> String {
    match pod.meta.finalizers.as_slice() {
        [] => String::new(),
        [one] => format!(", and finalizer {one} is set"),
        several => format!(", and finalizers {} are set", phrase::list(several)),
    }
}

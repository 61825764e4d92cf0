//! How a pod is, and in whose words: the scheduler's, the kubelet's, or the container's last breath.

use super::phrase;
use super::report::PodState;
use crate::model::{ContainerState, End, Node, Phase, Pod};

/// A pod younger than this is given time: every start passes through states that would be trouble later.
pub(super) const YOUNG_SECONDS: i64 = 30;

/// A container that ended this often, the last time within [`RESTARTED_LATELY_SECONDS`], is in a loop: the kubelet
/// waits up to five minutes between restarts, so that a loop shows as running most of the time.
pub(super) const RESTARTS_OF_A_LOOP: u32 = 5;

/// See [`RESTARTS_OF_A_LOOP`]: twice the longest wait of the kubelet.
pub(super) const RESTARTED_LATELY_SECONDS: i64 = 600;

/// A pod that is not ready for so long will not become ready by waiting.
const BROKEN_SECONDS: i64 = 300;

/// Says how a pod is.
pub(super) fn of(pod: &Pod, node: Option<&Node>) -> PodState {
    if pod.meta.deleting.is_some() {
        return PodState::Terminating;
    }
    if pod.is_ready() {
        return PodState::Ready;
    }
    match pod.phase.as_str() {
        "Succeeded" | "Failed" => PodState::Failed(ended(pod)),
        "Pending" => PodState::Pending(pending(pod)),
        _ => PodState::NotReady(not_ready(pod, node)),
    }
}

/// Says why a pod counts as broken rather than as starting, if it does.
pub(super) fn broken(pod: &Pod, now: jiff::Timestamp) -> Option<String> {
    if pod.is_ready() || pod.meta.deleting.is_some() {
        return None;
    }
    if let Some(trouble) = pod.container_states.iter().filter(|container| is_refused(container)).find_map(trouble) {
        return Some(trouble);
    }
    let age = pod.meta.created.map(|created| now.duration_since(created).as_secs());
    let since = pod.condition("Ready").and_then(|ready| ready.since);
    let waited = since.map(|since| now.duration_since(since).as_secs()).or(age);
    (waited? >= BROKEN_SECONDS).then(|| match of(pod, None) {
        PodState::Pending(why) | PodState::NotReady(why) | PodState::Failed(why) | PodState::Unknown(why) => why,
        PodState::Ready | PodState::Terminating | PodState::Missing => String::new(),
    })
}

/// Tells whether the kubelet has given up starting a container for now. One that ended for the first time may only be
/// waiting for another member.
fn is_refused(container: &ContainerState) -> bool {
    match &container.now {
        Phase::Waiting { reason, .. } => reason != "CrashLoopBackOff" || container.restarts > 1,
        Phase::Running { .. } | Phase::Ended(_) | Phase::Unknown => false,
    }
}

/// Finds the container that ends again and again.
pub(super) fn looping(pod: &Pod, now: jiff::Timestamp) -> Option<&ContainerState> {
    pod.container_states.iter().find(|container| {
        let waits = matches!(&container.now, Phase::Waiting { reason, .. } if reason == "CrashLoopBackOff");
        let lately = last_end(container)
            .and_then(|end| end.at)
            .is_some_and(|at| now.duration_since(at).as_secs() <= RESTARTED_LATELY_SECONDS);
        waits || (container.restarts >= RESTARTS_OF_A_LOOP && lately)
    })
}

/// Gives the newest end of a container.
pub(super) fn last_end(container: &ContainerState) -> Option<&End> {
    match &container.now {
        Phase::Ended(end) => Some(end),
        Phase::Waiting { .. } | Phase::Running { .. } | Phase::Unknown => container.last_end.as_ref(),
    }
}

/// Says how something ended: `exit code 137 (OOMKilled)`.
pub(super) fn ending(end: &End) -> String {
    let said = !end.reason.is_empty() && end.reason != "Error" && end.reason != "Completed";
    let reason = if said { format!(" ({})", end.reason) } else { String::new() };
    format!("exit code {}{reason}", end.exit_code)
}

fn ended(pod: &Pod) -> String {
    let said = [&pod.reason, &pod.message].into_iter().filter(|text| !text.is_empty()).map(|text| phrase::clause(text));
    let said: Vec<_> = said.collect();
    if !said.is_empty() {
        return said.join(": ");
    }
    let container = pod.container_states.iter().find_map(trouble);
    container.unwrap_or_else(|| format!("phase {}", pod.phase))
}

fn pending(pod: &Pod) -> String {
    let scheduled = pod.condition("PodScheduled").filter(|condition| condition.status == "False");
    if let Some(condition) = scheduled {
        let text = if condition.message.is_empty() { &condition.reason } else { &condition.message };
        // What the scheduler says about preemption repeats why no node fits, and the claims that it then names are not
        // claims of volumes.
        let ends = [" no new claims to deallocate", " preemption:"];
        let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
        return phrase::clause(&text[..end]);
    }
    if let Some(trouble) = pod.container_states.iter().find_map(trouble) {
        return trouble;
    }
    if pod.node.is_none() {
        return "the scheduler has not seen it yet".to_owned();
    }
    let starting = |state: &&ContainerState| state.init && !matches!(state.now, Phase::Ended(_));
    match pod.container_states.iter().find(starting) {
        Some(state) if matches!(state.now, Phase::Running { .. }) => format!("init container {} runs", state.name),
        Some(_) | None => "containers are being created".to_owned(),
    }
}

fn not_ready(pod: &Pod, node: Option<&Node>) -> String {
    if let Some(node) = node.filter(|node| !node.is_ready()) {
        // What the kubelet said last about containers is old then.
        return format!("node {} is not ready", node.meta.name);
    }
    if let Some(trouble) = pod.container_states.iter().find_map(trouble) {
        return trouble;
    }
    if let Some(container) = pod.container_states.iter().find(|container| !container.ready && !container.init) {
        return format!("container {} does not pass its readiness probe", container.name);
    }
    let said = pod.condition("Ready").map(|ready| phrase::clause(&ready.message)).filter(|text| !text.is_empty());
    said.unwrap_or_else(|| "the kubelet does not say why".to_owned())
}

/// Says what is wrong with a container that is neither running nor on its way.
fn trouble(container: &ContainerState) -> Option<String> {
    let kind = if container.init { "init container" } else { "container" };
    let name = &container.name;
    match &container.now {
        Phase::Waiting { reason, .. } if reason == "CrashLoopBackOff" => {
            let end = container.last_end.as_ref().map(|end| format!(", {}", ending(end))).unwrap_or_default();
            Some(format!("{kind} {name}: CrashLoopBackOff{end}"))
        }
        Phase::Waiting { reason, .. } if matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing") => {
            None
        }
        Phase::Waiting { reason, message } if message.is_empty() => Some(format!("{kind} {name}: {reason}")),
        Phase::Waiting { reason, message } => Some(format!("{kind} {name}: {reason}: {}", phrase::clause(message))),
        Phase::Ended(end) if container.init && end.exit_code == 0 => None,
        Phase::Ended(end) => Some(format!("{kind} {name} ended with {}", ending(end))),
        Phase::Running { .. } | Phase::Unknown => None,
    }
}

//! Anything that no other engine recognises: roles are what pod labels say, unless the set declares commands of its own
//! to ask and to drain its members by ([`hooks`]).

use super::{Asked, Engine, Leaving, Removal, answer, hooks};
use crate::model::{ContainerName, Known, Lag, Member, Pod, Probe, ProbeOutput, Role, Topology, Workload};
use crate::plan::{Check, Effect, Limit, Objection, Pin, Step, Trace, Undo, Weight, When};

/// The engine as the list takes it.
pub(super) const ENGINE: Generic = Generic;

/// Knows nothing but labels.
pub(super) struct Generic;

/// Labels in which operators and sidecars keep a member's role.
const ROLE_LABELS: &[&str] = &[
    "kubeblocks.io/role",
    "cnpg.io/instanceRole",
    "postgres-operator.crunchydata.com/role",
    "k8s.mariadb.com/role",
    "moco.cybozu.com/role",
    "mysql.oracle.com/cluster-role",
    "redis-role",
    "spilo-role",
    "app.kubernetes.io/role",
    "role",
];

impl Engine for Generic {
    fn name(&self) -> &'static str {
        "generic"
    }

    fn title(&self) -> &'static str {
        "generic"
    }

    fn recognise(&self, workload: &Workload) -> Option<String> {
        let by = if hooks::are_declared(workload) { "its own hooks" } else { "nothing known fits" };
        Some(by.to_owned())
    }

    /// Several containers leave open which one is meant: then somebody has to name it.
    fn container(&self, pod: &Pod) -> Option<ContainerName> {
        match pod.containers.as_slice() {
            [only] => Some(only.name.clone()),
            [] | [_, _, ..] => None,
        }
    }

    fn probes(&self, workload: &Workload, _pod: &Pod, container: &ContainerName) -> Vec<Probe> {
        let probe = |(id, annotation): (&'static str, &str)| {
            let argv = hooks::command(workload, annotation, "")?.ok()?;
            Some(Probe { id, container: container.clone(), argv })
        };
        [(ROLE_ID, hooks::ROLE), (LAG_ID, hooks::LAG)].into_iter().filter_map(probe).collect()
    }

    fn read(&self, workload: &Workload, pods: &[&Pod], outputs: &[&ProbeOutput]) -> Topology {
        let why = "no engine asked";
        let member = |pod: &&Pod| {
            let role = if workload.meta.annotations.contains_key(hooks::ROLE) { told(outputs, pod) } else { role(pod) };
            let lag = workload.meta.annotations.contains_key(hooks::LAG).then(|| lag(outputs, pod));
            let lag = lag.filter(|_| role == Known::Value(Role::Replica));
            Member { role, lag, ..Member::unknown(pod.name(), why) }
        };
        Topology { members: pods.iter().map(member).collect(), ..Topology::unknown([], why) }
    }

    fn removal(&self, asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
        removal(asked, leaving)
    }
}

/// The word by which the answer of the role's hook is known.
const ROLE_ID: &str = "hook-role";

/// The word by which the answer of the lag's hook is known.
const LAG_ID: &str = "hook-lag";

/// How long a drain by hooks may take.
const DRAIN_LIMIT: Limit = Limit::seconds(60 * 60);

/// Reads what the role's hook printed.
fn told(outputs: &[&ProbeOutput], pod: &Pod) -> Known<Role> {
    match answer::printed(outputs, pod, ROLE_ID) {
        Err(why) => Known::Unknown(why),
        Ok(word) => named(word.trim()).unwrap_or_else(|| {
            Known::unknown(format!("hook-role printed {:?}, which is no role", answer::one_line(word)))
        }),
    }
}

/// Reads what the lag's hook printed.
fn lag(outputs: &[&ProbeOutput], pod: &Pod) -> Lag {
    let bytes = answer::printed(outputs, pod, LAG_ID).and_then(|text| {
        text.trim().parse().map_err(|_| format!("hook-lag printed {:?}, which is no number", answer::one_line(text)))
    });
    Lag { bytes: bytes.map_or_else(Known::Unknown, Known::Value), delay_ms: Known::unknown("not asked") }
}

/// Makes the steps that the set's own hooks are.
fn removal(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
    let set = leaving.workload;
    let name = leaving.name.as_str();
    let before = hooks::command(set, hooks::BEFORE_REMOVAL, name);
    let removed = hooks::command(set, hooks::REMOVED, name);
    let back = hooks::command(set, hooks::UNDO_REMOVAL, name);
    if before.is_none() && removed.is_none() {
        return Removal::unknown("this engine");
    }
    let declared = [&before, &removed, &back];
    let wrong: Vec<&String> = declared.into_iter().flatten().filter_map(|command| command.as_ref().err()).collect();
    if let Some(why) = wrong.first() {
        let limit = "hooks are commands as JSON arrays: [\"sh\", \"-c\", \"...\"]";
        return Removal {
            objections: vec![Objection::new("hook", Weight::No, (*why).clone(), limit)],
            ..Removal::default()
        };
    }
    let pod = asked.pods.iter().find(|pod| pod.meta.name == name);
    let own = pod.map(|pod| Pin::of(&pod.meta)).zip(leaving.container.clone());
    let wanted = before.is_some() && own.is_none() || removed.is_some() && leaving.anywhere().is_none();
    if wanted {
        let measured = "no container to run a hook in is known";
        let limit = "annotation kubectl-stateful.io/container, or --container, names it";
        return Removal {
            objections: vec![Objection::new("hook", Weight::Unknown, measured, limit)],
            ..Removal::default()
        };
    }
    let undo = match back.and_then(Result::ok).zip(leaving.anywhere()) {
        Some((argv, (pod, container))) => {
            let words = format!("run hook-undo-removal for {name} in {}", pod.name);
            Undo::by(Effect::Command { pod, container, words, argv }, Trace::Idempotent, Vec::new())
        }
        None => Undo::Keep { why: "no hook-undo-removal is declared".to_owned() },
    };
    let drain = before.and_then(Result::ok).zip(own).map(|(argv, (pod, container))| {
        let words = format!("run hook-before-removal in {name}");
        let effect = Effect::Command { pod, container, words, argv };
        step(leaving, effect, undo)
    });
    let wait = removed.and_then(Result::ok).zip(leaving.anywhere()).map(|(argv, (pod, container))| {
        let words = format!("wait until hook-removed says that {name} has left");
        step(leaving, Effect::Await { pod, container, words, argv }, Undo::Keep { why: "it only looks".to_owned() })
    });
    Removal { before: drain.into_iter().chain(wait).collect(), ..Removal::default() }
}

fn step(leaving: &Leaving<'_>, effect: Effect, undo: Undo) -> Step {
    Step {
        when: When::Always,
        requires: vec![Check::MayLeave { pod: leaving.name.clone() }],
        effect,
        trace: Trace::Idempotent,
        ensures: Vec::new(),
        undo,
        limit: DRAIN_LIMIT,
    }
}

/// Reads the role out of a pod's labels.
fn role(pod: &Pod) -> Known<Role> {
    let labelled = ROLE_LABELS.iter().find_map(|label| Some((label, pod.meta.labels.get(*label)?)));
    let Some((label, word)) = labelled else { return Known::unknown("no role label") };
    named(word).unwrap_or_else(|| Known::unknown(format!("label {label}={word} is no role")))
}

/// Reads a word that stands for a role.
fn named(word: &str) -> Option<Known<Role>> {
    match word.to_ascii_lowercase().as_str() {
        "primary" | "master" | "leader" => Some(Known::Value(Role::Primary)),
        "replica" | "slave" | "secondary" | "standby" | "follower" => Some(Known::Value(Role::Replica)),
        "peer" => Some(Known::Value(Role::Peer)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(label: &str, word: &str) -> Known<Role> {
        let mut pod = Pod::default();
        pod.meta.labels.insert(label.to_owned(), word.to_owned());
        role(&pod)
    }

    #[test]
    fn roles_come_from_labels_only() {
        assert_eq!(labelled("kubeblocks.io/role", "leader"), Known::Value(Role::Primary));
        assert_eq!(labelled("role", "Slave"), Known::Value(Role::Replica));
        assert_eq!(labelled("role", "learner"), Known::unknown("label role=learner is no role"));
        assert_eq!(role(&Pod::default()), Known::unknown("no role label"));
    }

    #[test]
    fn a_label_made_for_roles_comes_before_the_common_word() {
        let mut pod = Pod::default();
        pod.meta.labels.insert("role".into(), "database".into());
        pod.meta.labels.insert("spilo-role".into(), "master".into());
        assert_eq!(role(&pod), Known::Value(Role::Primary));
    }
}

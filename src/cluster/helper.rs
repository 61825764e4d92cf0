//! A pod of our own that works on the volumes of a member which does not run: the set's own pod, made to do something
//! else.

use serde_json::{Value, json};

use super::{Address, Cluster, ClusterError};
use crate::model::HELPER_LABEL;
use crate::plan::{Help, RunId, Subject};

/// Fields of a pod that say where it may run and how the set finds it: a helper runs where it is sent.
const PLACING: &[&str] = &[
    "affinity",
    "hostname",
    "initContainers",
    "nodeSelector",
    "readinessGates",
    "schedulingGates",
    "subdomain",
    "tolerations",
    "topologySpreadConstraints",
];

/// Fields of a container that are about its server.
const SERVING: &[&str] = &["args", "lifecycle", "livenessProbe", "ports", "readinessProbe", "startupProbe"];

/// How a helper stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Helper {
    /// It is being started, and why it does not run yet.
    Starts(String),
    /// It runs.
    Runs,
    /// It has ended well.
    Done,
}

impl Cluster {
    /// Makes a helper, unless the run has made it already. One that failed, or that an earlier run left behind, is taken
    /// away first.
    ///
    /// # Errors
    /// When it cannot be made, or a claim is another one than planned.
    pub(crate) async fn help(&self, subject: &Subject, run: &RunId, help: &Help) -> Result<Helper, ClusterError> {
        if let Some(pod) = self.helper(subject, &help.helper).await? {
            let state = state(&pod).filter(|_| made_by(&pod) == Some(run.0.as_str()));
            if let Some(state) = state {
                return Ok(state);
            }
            self.end_help(subject, &help.helper).await?;
            return Ok(Helper::Starts("an earlier one, which failed or was left, is taken away".to_owned()));
        }
        for claim in &help.claims {
            let address = Address::new("/api/v1", &subject.namespace, "persistentvolumeclaims", Some(&claim.name));
            self.read_same(&address, claim).await?;
        }
        let set = self.read_set(subject).await?;
        let pod = manifest(&set, help, run).map_err(ClusterError::Malformed)?;
        self.create_object(&Address::new("/api/v1", &subject.namespace, "pods", None), &pod).await?;
        Ok(Helper::Starts("the helper pod starts".to_owned()))
    }

    /// Deletes a helper, whichever run made it. A pod that is none of ours is left alone; one that is gone is no error.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub(crate) async fn end_help(&self, subject: &Subject, name: &str) -> Result<(), ClusterError> {
        let Some(pod) = self.helper(subject, name).await? else { return Ok(()) };
        let uid = pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let address = Address::new("/api/v1", &subject.namespace, "pods", Some(name));
        self.delete_object(&address, uid).await
    }

    /// Reads a helper pod; `None` when there is none.
    async fn helper(&self, subject: &Subject, name: &str) -> Result<Option<Value>, ClusterError> {
        let address = Address::new("/api/v1", &subject.namespace, "pods", Some(name));
        let pod = self.read_if_there(&address).await?;
        if pod.as_ref().is_some_and(|pod| made_by(pod).is_none()) {
            return Err(ClusterError::Conflict(format!("pod {name} is none of ours")));
        }
        Ok(pod)
    }
}

fn made_by(pod: &Value) -> Option<&str> {
    pod.pointer("/metadata/labels")?.get(HELPER_LABEL)?.as_str()
}

/// Says how a helper stands; `None` for one that failed.
fn state(pod: &Value) -> Option<Helper> {
    let text = |path: &str| pod.pointer(path).and_then(Value::as_str);
    match text("/status/phase") {
        Some("Failed") => None,
        Some("Running") => Some(Helper::Runs),
        Some("Succeeded") => Some(Helper::Done),
        phase => {
            let waits = text("/status/containerStatuses/0/state/waiting/reason").or(phase).unwrap_or("Pending");
            Some(Helper::Starts(format!("the helper pod starts ({waits})")))
        }
    }
}

/// Makes the helper out of a set as the server has it: its image, its user, its variables and its volumes, but another
/// command. What variables hold is not looked at.
fn manifest(set: &Value, help: &Help, run: &RunId) -> Result<Value, String> {
    let mut spec = set.pointer("/spec/template/spec").cloned().ok_or("the set has no template")?;
    let containers = spec.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = |container: &&Value| container["name"] == help.container.as_str();
    let mut container = containers.iter().find(named).cloned().ok_or("the template has no such container")?;
    let fields = container.as_object_mut().ok_or("the template's container is no object")?;
    fields.retain(|field, _| !SERVING.contains(&field.as_str()));
    container["command"] = json!(help.argv);
    container["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    let fields = spec.as_object_mut().ok_or("the template is no object")?;
    fields.retain(|field, _| !PLACING.contains(&field.as_str()));
    let templates = set.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let claimed = templates.into_iter().flatten().filter_map(|template| {
        let name = template.pointer("/metadata/name")?.as_str()?;
        Some(json!({"name": name, "persistentVolumeClaim": {"claimName": format!("{name}-{}", help.member)}}))
    });
    let mut volumes: Vec<Value> = claimed.collect();
    let taken = |volume: &Value| volumes.iter().any(|one| one["name"] == volume["name"]);
    let others = spec.get("volumes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let others: Vec<Value> = others.iter().filter(|volume| !taken(volume)).cloned().collect();
    volumes.extend(others);
    spec["containers"] = json!([container]);
    spec["volumes"] = json!(volumes);
    spec["nodeName"] = json!(help.node.name);
    spec["restartPolicy"] = json!("Never");
    spec["tolerations"] = json!([{"operator": "Exists"}]);
    spec["automountServiceAccountToken"] = json!(false);
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": help.helper,
            "labels": {HELPER_LABEL: run.0, "app.kubernetes.io/managed-by": "kubectl-stateful"},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "name": set.pointer("/metadata/name"), "uid": set.pointer("/metadata/uid"),
            }],
        },
        "spec": spec,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Pin, Process};

    #[test]
    fn a_helper_that_failed_is_made_anew_and_one_that_is_done_is_left_alone() {
        let phase = |phase: &str| state(&json!({"status": {"phase": phase}}));
        assert_eq!(
            (phase("Failed"), phase("Running"), phase("Succeeded")),
            (None, Some(Helper::Runs), Some(Helper::Done))
        );
        let waiting = json!({"status": {"phase": "Pending", "containerStatuses": [
            {"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
        assert_eq!(state(&waiting), Some(Helper::Starts("the helper pod starts (ImagePullBackOff)".to_owned())));
    }

    fn pin(name: &str) -> Pin {
        Pin { name: name.to_owned(), uid: format!("{name}-uid").into() }
    }

    #[test]
    fn a_helper_is_the_sets_own_pod_that_does_something_else() {
        let set = json!({
            "metadata": {"name": "db", "uid": "u"},
            "spec": {
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
                "template": {
                    "metadata": {"labels": {"app": "db"}},
                    "spec": {
                        "securityContext": {"fsGroup": 999},
                        "affinity": {},
                        "initContainers": [{"name": "init"}],
                        "volumes": [{"name": "conf", "configMap": {"name": "conf"}}],
                        "containers": [
                            {"name": "exporter", "image": "x"},
                            {
                                "name": "postgres", "image": "postgres:17", "args": ["-c", "x=y"],
                                "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                                "readinessProbe": {}, "volumeMounts": [{"name": "data", "mountPath": "/d"}],
                            },
                        ],
                    },
                },
            },
        });
        let help = Help {
            helper: "kubectl-stateful-db-0".to_owned(),
            member: "db-0".into(),
            claims: vec![pin("data-db-0")],
            node: pin("n1"),
            container: "postgres".into(),
            words: String::new(),
            argv: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
            reads: Process { pod: pin("db-1"), container: "postgres".into(), argv: Vec::new() },
        };
        let made = manifest(&set, &help, &RunId("20261121-093015-001".to_owned())).expect("a pod");
        assert_eq!(
            made["metadata"]["labels"],
            json!({
                HELPER_LABEL: "20261121-093015-001", "app.kubernetes.io/managed-by": "kubectl-stateful",
            }),
            "none of the set's labels: no Service and no budget may take it for a member"
        );
        assert_eq!(
            made["spec"]["containers"],
            json!([{
                "name": "postgres", "image": "postgres:17", "command": ["sh", "-c", "true"],
                "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "volumeMounts": [{"name": "data", "mountPath": "/d"}],
                "terminationMessagePolicy": "FallbackToLogsOnError",
            }])
        );
        assert_eq!(
            made["spec"]["volumes"],
            json!([
                {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}},
                {"name": "conf", "configMap": {"name": "conf"}},
            ])
        );
        let spec = made["spec"].as_object().expect("a spec");
        assert!(!spec.contains_key("affinity") && !spec.contains_key("initContainers"), "{made}");
        assert_eq!((&made["spec"]["nodeName"], &made["spec"]["restartPolicy"]), (&json!("n1"), &json!("Never")));
    }
}

//! The two pods that copy: made like the member's, so that its image is there, and the scheduler proves that it would fit.

use serde_json::{Map, Value, json};

use crate::model::HELPER_LABEL;
use crate::plan::{Relocation, RunId};

/// Where a copying pod has what it works with.
pub(super) const WORK: &str = "/kubectl-stateful/work";

/// Where it has the volumes, each under the name of its template.
pub(super) const VOLUMES: &str = "/kubectl-stateful/volumes";

/// What `root` needs to copy owners, modes and attributes: all of it is allowed by the policy `baseline`.
const CAPABILITIES: &[&str] = &["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP"];

/// Fields of the template by which the scheduler chooses.
const PLACING: &[&str] = &["affinity", "nodeSelector", "tolerations", "topologySpreadConstraints", "schedulerName"];

/// Fields of the template that any pod of it needs.
const COMMON: &[&str] = &["imagePullSecrets", "priorityClassName", "runtimeClassName"];

/// A side of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Reads the volumes, beside the member.
    Reader,
    /// Writes the new ones, and holds the member's place on the node.
    Writer,
}

impl Side {
    /// Names the pod.
    pub(super) fn pod(self, of: &Relocation) -> String {
        match self {
            Self::Reader => of.reader(),
            Self::Writer => of.writer(),
        }
    }
}

/// Makes one of the two out of a set as the server has it.
pub(super) fn manifest(set: &Value, of: &Relocation, run: &RunId, side: Side) -> Result<Value, String> {
    let template = set.pointer("/spec/template/spec").ok_or("the set has no template")?;
    let containers = template.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let own = containers.iter().find(|container| container["name"] == of.container.as_str());
    let own = own.ok_or("the template has no such container")?;
    let mut spec = Map::new();
    let mut take = |fields: &[&str]| {
        for field in fields {
            if let Some(value) = template.get(field) {
                spec.insert((*field).to_owned(), value.clone());
            }
        }
    };
    take(COMMON);
    if side == Side::Writer {
        take(PLACING);
    }
    match side {
        Side::Reader => {
            spec.insert("nodeName".to_owned(), json!(of.source.node.name));
            spec.insert("tolerations".to_owned(), json!([{"operator": "Exists"}]));
        }
        Side::Writer => pin(&mut spec, &of.target.node.name),
    }
    let (pod_context, context) = contexts(template, own, side);
    spec.insert("securityContext".to_owned(), pod_context);
    let volumes = of.claims.iter().map(|one| {
        let claim = if side == Side::Reader { one.claim.name.clone() } else { one.copy() };
        json!({"name": one.template, "persistentVolumeClaim": {"claimName": claim}})
    });
    spec.insert("containers".to_owned(), json!([container(own, of, side, &context)]));
    let work = json!({"name": "kubectl-stateful", "emptyDir": {}});
    spec.insert("volumes".to_owned(), json!(volumes.chain([work]).collect::<Vec<_>>()));
    spec.insert("restartPolicy".to_owned(), json!("Never"));
    spec.insert("automountServiceAccountToken".to_owned(), json!(false));
    spec.insert("enableServiceLinks".to_owned(), json!(false));
    spec.insert("terminationGracePeriodSeconds".to_owned(), json!(1));
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": side.pod(of),
            "labels": {HELPER_LABEL: run.0, "app.kubernetes.io/managed-by": "kubectl-stateful"},
            "annotations": {
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                "karpenter.sh/do-not-disrupt": "true",
                "linkerd.io/inject": "disabled",
                "sidecar.istio.io/inject": "false",
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "name": set.pointer("/metadata/name"), "uid": set.pointer("/metadata/uid"),
            }],
        },
        "spec": spec,
    }))
}

/// Makes its one container.
fn container(own: &Value, of: &Relocation, side: Side, context: &Value) -> Value {
    let mounts = of.claims.iter().map(|one| {
        json!({"name": one.template, "mountPath": format!("{VOLUMES}/{}", one.template), "readOnly": side == Side::Reader})
    });
    let work = json!({"name": "kubectl-stateful", "mountPath": WORK});
    let resources = match side {
        Side::Reader => json!({"requests": {"cpu": "10m", "memory": "64Mi"}}),
        Side::Writer => own.get("resources").cloned().unwrap_or_else(|| json!({})),
    };
    let image = of.image.as_ref().map_or_else(|| own["image"].clone(), |image| json!(image));
    json!({
        "name": of.container,
        "image": image,
        "imagePullPolicy": own.get("imagePullPolicy"),
        // It waits for a line that does not come: what works is started in there.
        "command": ["sh", "-c", "trap 'exit 0' TERM; read -r line"],
        "stdin": true,
        "securityContext": context,
        "resources": resources,
        "volumeMounts": mounts.chain([work]).collect::<Vec<_>>(),
    })
}

/// Lets the scheduler choose one node only, with all that the template asks for besides. A pod that names its node itself is
/// never given a new volume.
fn pin(spec: &mut Map<String, Value>, node: &str) {
    let this = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    let affinity = spec.entry("affinity").or_insert_with(|| json!({}));
    let path = "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    if let Some(terms) = affinity.pointer_mut(path).and_then(Value::as_array_mut).filter(|terms| !terms.is_empty()) {
        for term in terms {
            match term.get_mut("matchFields").and_then(Value::as_array_mut) {
                Some(fields) => fields.push(this.clone()),
                None => term["matchFields"] = json!([this]),
            }
        }
        return;
    }
    affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": [{"matchFields": [this]}]});
}

/// Says as whom the pod runs: as root with what copying needs, or as the member where it says that it is not root. Groups that a
/// kubelet would give the volume to are left out beside the running member.
fn contexts(template: &Value, own: &Value, side: Side) -> (Value, Value) {
    let mut pod = template.get("securityContext").cloned().unwrap_or_else(|| json!({}));
    let mut container = own.get("securityContext").cloned().unwrap_or_else(|| json!({}));
    let strict = |context: &Value| context["runAsNonRoot"] == json!(true);
    let as_member = strict(&pod) || strict(&container);
    if let Some(fields) = pod.as_object_mut().filter(|_| side == Side::Reader || !as_member) {
        fields.retain(|field, _| !matches!(field.as_str(), "fsGroup" | "fsGroupChangePolicy"));
    }
    if !as_member {
        for field in ["runAsUser", "runAsGroup"] {
            container[field] = json!(0);
        }
        container["allowPrivilegeEscalation"] = json!(false);
        container["privileged"] = json!(false);
        container["capabilities"] = json!({"drop": ["ALL"], "add": CAPABILITIES});
    }
    (pod, container)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Pin, Place, Relocated};

    fn relocation() -> Relocation {
        let pin = |name: &str| Pin { name: name.to_owned(), uid: format!("{name}-uid").into() };
        let place = |name: &str| Place { node: pin(name), architecture: "amd64".to_owned() };
        Relocation {
            member: "db-2".into(),
            source: place("n1"),
            target: place("n2"),
            container: "postgres".into(),
            image: None,
            claims: vec![Relocated {
                template: "data".to_owned(),
                claim: pin("data-db-2"),
                volume: pin("pv-1"),
                policy: "Delete".to_owned(),
                bytes: 1 << 30,
            }],
            max_downtime_seconds: 60,
            bytes_per_second: None,
            verify_all: false,
        }
    }

    fn made(template: &Value, side: Side) -> Value {
        let set = json!({"metadata": {"name": "db", "uid": "u"}, "spec": {"template": {"spec": template}}});
        manifest(&set, &relocation(), &RunId("20261121-093015-001".to_owned()), side).expect("a pod")
    }

    #[test]
    fn the_writer_is_placed_as_the_member_would_be_and_on_one_node_only() {
        let template = json!({
            "nodeSelector": {"disk": "ssd"},
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}}},
            "containers": [{"name": "postgres", "image": "postgres:17", "resources": {"requests": {"cpu": "2"}}}],
        });
        let spec = &made(&template, Side::Writer)["spec"];
        assert_eq!(spec["nodeSelector"], json!({"disk": "ssd"}));
        let terms = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
        let term = &terms["nodeSelectorTerms"][0];
        assert_eq!(term["matchExpressions"][0]["key"], "zone");
        assert_eq!(term["matchFields"], json!([{"key": "metadata.name", "operator": "In", "values": ["n2"]}]));
        assert_eq!(spec["containers"][0]["resources"], json!({"requests": {"cpu": "2"}}));
        assert_eq!(spec["volumes"][0]["persistentVolumeClaim"]["claimName"], "kubectl-stateful-data-db-2");
        assert!(spec.get("nodeName").is_none(), "the scheduler has to place it");
    }

    #[test]
    fn the_reader_leaves_the_members_volume_as_it_is() {
        let template = json!({
            "securityContext": {"fsGroup": 999, "runAsUser": 999},
            "containers": [{"name": "postgres", "image": "postgres:17"}],
        });
        let pod = made(&template, Side::Reader);
        let spec = &pod["spec"];
        assert_eq!(spec["securityContext"], json!({"runAsUser": 999}), "a group would be given to every file");
        assert_eq!(spec["containers"][0]["volumeMounts"][0]["readOnly"], json!(true));
        assert_eq!(
            (&spec["nodeName"], &spec["containers"][0]["securityContext"]["runAsUser"]),
            (&json!("n1"), &json!(0))
        );
        assert_eq!(pod["metadata"]["labels"].as_object().map(Map::len), Some(2), "none of the set's labels");
    }

    #[test]
    fn where_root_is_not_allowed_the_copy_runs_as_the_member() {
        let template = json!({
            "securityContext": {"fsGroup": 999, "runAsUser": 999, "runAsNonRoot": true},
            "containers": [{"name": "postgres", "image": "postgres:17"}],
        });
        let spec = &made(&template, Side::Writer)["spec"];
        assert_eq!(spec["securityContext"]["fsGroup"], json!(999), "or it could not write to the new volume");
        assert_eq!(spec["containers"][0]["securityContext"], json!({}));
    }
}

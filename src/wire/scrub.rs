//! Taking out of objects what nobody should send to somebody else.

use serde_json::{Map, Value, json};

use super::LAST_APPLIED;

/// What is kept of a container: commands, arguments, hooks and variables' values may all hold passwords.
const CONTAINER_FIELDS: [&str; 5] = ["name", "image", "ports", "volumeMounts", "resources"];

/// The lists of containers of a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Removes managed fields, last-applied copies, and of containers everything that may hold a secret.
pub(crate) fn scrub(object: &mut Value) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        scrub_metadata(metadata);
    }
    let is_set = object.get("kind").and_then(Value::as_str) == Some("StatefulSet");
    let pod = if is_set { "/spec/template/spec" } else { "/spec" };
    if is_set && let Some(Value::Object(metadata)) = object.pointer_mut("/spec/template/metadata") {
        scrub_metadata(metadata);
    }
    let Some(Value::Object(spec)) = object.pointer_mut(pod) else {
        return;
    };
    for list in CONTAINER_LISTS {
        if let Some(Value::Array(containers)) = spec.get_mut(list) {
            containers.iter_mut().for_each(scrub_container);
        }
    }
}

fn scrub_metadata(metadata: &mut Map<String, Value>) {
    metadata.remove("managedFields");
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.remove(LAST_APPLIED);
    }
}

fn scrub_container(container: &mut Value) {
    let Value::Object(fields) = container else {
        return;
    };
    let names: Vec<Value> = fields
        .get("env")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|variable| Some(json!({"name": variable.get("name")?})))
        .collect();
    let probed = fields.contains_key("readinessProbe");
    fields.retain(|field, _| CONTAINER_FIELDS.contains(&field.as_str()));
    if !names.is_empty() {
        fields.insert("env".to_owned(), Value::Array(names));
    }
    if probed {
        fields.insert("readinessProbe".to_owned(), json!({}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_may_hold_a_secret_is_kept() {
        let container = json!({"name": "pg", "image": "postgres:15", "command": ["sh", "-c", "hunter2"], "args": ["hunter2"],
            "env": [{"name": "PGPASSWORD", "value": "hunter2"}, {"name": "X", "valueFrom": {"secretKeyRef": {"name": "hunter2"}}}],
            "readinessProbe": {"exec": {"command": ["hunter2"]}}, "lifecycle": {"preStop": {"exec": {"command": ["hunter2"]}}}});
        for kind in ["Pod", "StatefulSet"] {
            let spec = json!({"containers": [container], "initContainers": [container]});
            let metadata =
                json!({"name": "db", "managedFields": ["hunter2"], "annotations": {LAST_APPLIED: "hunter2"}});
            let mut object = if kind == "Pod" {
                json!({"kind": kind, "metadata": metadata, "spec": spec})
            } else {
                json!({"kind": kind, "metadata": metadata, "spec": {"template": {"metadata": metadata, "spec": spec}}})
            };
            scrub(&mut object);
            let text = object.to_string();
            assert!(!text.contains("hunter2"), "{text}");
            assert!(text.contains("PGPASSWORD") && text.contains("readinessProbe"), "{text}");
        }
    }
}

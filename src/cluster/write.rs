//! Changing things: conditional, never retried in silence, and never a decoded object written back.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use kube::client::Body;
use serde_json::{Value, json};

use super::{Cluster, ClusterError, JSON};
use crate::model::Namespace;
use crate::plan::{Permission, Pin, Subject};

/// What changes are written as, for `managedFields`.
const MANAGER: &str = "kubectl-stateful";

const MERGE_PATCH: &str = "application/merge-patch+json";

const JSON_PATCH: &str = "application/json-patch+json";

/// Whether the server only judges a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It is carried out.
    No,
    /// The server judges it as if, and forgets it.
    ServerDryRun,
}

impl Trial {
    fn query(self) -> String {
        let dry = if self == Self::ServerDryRun { "&dryRun=All" } else { "" };
        format!("?fieldManager={MANAGER}{dry}")
    }
}

/// One object of the API, by its path.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    path: String,
    /// The resource's name, for messages.
    resource: &'static str,
}

impl Address {
    /// Addresses a list or, with a name behind a slash, one object in it.
    pub(crate) fn new(root: &str, namespace: &Namespace, resource: &'static str, name: Option<&str>) -> Self {
        let name = name.map(|name| format!("/{name}")).unwrap_or_default();
        Self { path: format!("{root}/namespaces/{namespace}/{resource}{name}"), resource }
    }

    /// Addresses a list of objects that are in no namespace or, with a name, one object in it.
    pub(crate) fn of_cluster(resource: &'static str, name: Option<&str>) -> Self {
        let name = name.map(|name| format!("/{name}")).unwrap_or_default();
        Self { path: format!("/api/v1/{resource}{name}"), resource }
    }
}

/// One word of a map in an object, before and then; none where it is not there.
struct Word<'a> {
    place: [&'static str; 2],
    key: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
}

impl Cluster {
    /// Sets a StatefulSet's replicas, if the set is still the same and has the number that it must have.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] when somebody else changed it in between.
    pub(crate) async fn scale(&self, subject: &Subject, from: u32, to: u32, trial: Trial) -> Result<(), ClusterError> {
        let Subject { namespace, name, uid } = subject;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/scale");
        let scale = self.get(&path, JSON, "get statefulsets/scale").await?;
        let scale: Value =
            serde_json::from_slice(&scale).map_err(|error| self.foreign("get statefulsets/scale", error))?;
        if scale.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid.as_str()) {
            return Err(ClusterError::NotFound(format!("statefulset/{name} is another one now")));
        }
        let found = scale.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(0);
        if found != u64::from(from) {
            return Err(ClusterError::Conflict(format!("replicas is {found}, not {from}: somebody else changed it")));
        }
        let version = scale.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
        let wanted = json!({"metadata": {"resourceVersion": version}, "spec": {"replicas": to}});
        let path = format!("{path}{}", trial.query());
        self.change(Method::PATCH, &path, MERGE_PATCH, Some(&wanted), "patch statefulsets/scale").await?;
        Ok(())
    }

    /// Deletes a claim, if it is still the same. One that is gone already is no error.
    pub(crate) async fn delete_claim(
        &self,
        namespace: &Namespace,
        claim: &Pin,
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let address = Address::new("/api/v1", namespace, "persistentvolumeclaims", Some(&claim.name));
        self.delete(&address, claim.uid.as_str(), &json!({}), trial).await
    }

    /// Deletes a pod, if it is still the same, which gets so many seconds to stop. One that is gone already is no error.
    pub(crate) async fn delete_pod(
        &self,
        namespace: &Namespace,
        pod: &Pin,
        grace_seconds: u32,
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let address = Address::new("/api/v1", namespace, "pods", Some(&pod.name));
        self.delete(&address, pod.uid.as_str(), &json!({"gracePeriodSeconds": grace_seconds}), trial).await
    }

    /// Asks for a pod to go by the way that disruption budgets guard, if it is still the same. One that is gone already is no
    /// error; `false` when a budget does not allow it now.
    pub(crate) async fn evict(&self, namespace: &Namespace, pod: &Pin, trial: Trial) -> Result<bool, ClusterError> {
        let name = format!("{}/eviction", pod.name);
        let address = Address::new("/api/v1", namespace, "pods", Some(&name));
        let dry = if trial == Trial::ServerDryRun { json!(["All"]) } else { json!([]) };
        let eviction = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": pod.uid}, "dryRun": dry},
        });
        match self.change(Method::POST, &address.path, JSON, Some(&eviction), "create pods/eviction").await {
            Ok(_) | Err(ClusterError::NotFound(_)) => Ok(true),
            Err(ClusterError::Server { code: 429, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes one word of a Service's selector, if it is still the same Service and has the word that it must have.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] when somebody else changed it in between.
    pub(crate) async fn select(
        &self,
        namespace: &Namespace,
        service: &Pin,
        key: &str,
        (from, to): (&str, &str),
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let address = Address::new("/api/v1", namespace, "services", Some(&service.name));
        let word = Word { place: ["spec", "selector"], key, from: Some(from), to: Some(to) };
        self.change_word(&address, service, &word, trial).await
    }

    /// Changes a label of a pod, if it is still the same pod and has the value that it must have.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] when somebody else changed it in between.
    pub(crate) async fn label(
        &self,
        namespace: &Namespace,
        pod: &Pin,
        key: &str,
        (from, to): (Option<&str>, Option<&str>),
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let address = Address::new("/api/v1", namespace, "pods", Some(&pod.name));
        self.change_word(&address, pod, &Word { place: ["metadata", "labels"], key, from, to }, trial).await
    }

    /// Has a node take no new pods, or take them again, if it is still the same and is not so already.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] when somebody else changed it in between.
    pub(crate) async fn cordon(&self, node: &Pin, cordoned: bool, trial: Trial) -> Result<(), ClusterError> {
        let address = Address::of_cluster("nodes", Some(&node.name));
        let found = self.read_same(&address, node).await?;
        let is = found.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false);
        if is == cordoned {
            let words = if cordoned { "is cordoned already" } else { "takes pods already" };
            return Err(ClusterError::Conflict(format!("node {} {words}: somebody else changed it", node.name)));
        }
        let merge = json!({
            "metadata": {"resourceVersion": found.pointer("/metadata/resourceVersion")},
            "spec": {"unschedulable": if cordoned { json!(true) } else { Value::Null }},
        });
        self.patch_as(&address, &merge, trial).await.map(|_| ())
    }

    /// Annotates a set, if it is still the same.
    pub(crate) async fn annotate(
        &self,
        subject: &Subject,
        key: &str,
        value: &str,
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let address = Address::new("/apis/apps/v1", &subject.namespace, "statefulsets", Some(subject.name.as_str()));
        // The server compares the uid: it cannot be changed.
        let merge = json!({"metadata": {"uid": subject.uid, "annotations": {key: value}}});
        self.patch_as(&address, &merge, trial).await.map(|_| ())
    }

    /// Changes one word of a map in an object, conditional on the object's identity, version and the word before.
    async fn change_word(
        &self,
        address: &Address,
        pin: &Pin,
        word: &Word<'_>,
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let object = self.read_same(address, pin).await?;
        let [outer, inner] = word.place;
        let found = object.get(outer).and_then(|outer| outer.get(inner)?.get(word.key)?.as_str());
        if found != word.from {
            let say = |value: Option<&str>| value.map_or_else(|| "not set".to_owned(), |value| format!("\"{value}\""));
            return Err(ClusterError::Conflict(format!(
                "{} of {}/{} is {}, not {}: somebody else changed it",
                word.key,
                address.resource,
                pin.name,
                say(found),
                say(word.from)
            )));
        }
        let mut merge = json!({"metadata": {"resourceVersion": object.pointer("/metadata/resourceVersion")}});
        merge[outer][inner] = json!({word.key: word.to});
        self.patch_as(address, &merge, trial).await.map(|_| ())
    }

    /// Leaves an Event on a set, for whoever looks at it with kubectl. It is a courtesy: who may not write Events, or
    /// cannot now, leaves none.
    pub(crate) async fn record(
        &self,
        subject: &Subject,
        reason: &str,
        message: &str,
        warning: bool,
        at: jiff::Timestamp,
    ) {
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": format!("{}.", subject.name)},
            "involvedObject": {
                "apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": subject.namespace, "name": subject.name,
                "uid": subject.uid,
            },
            "reason": reason,
            "message": message,
            "type": if warning { "Warning" } else { "Normal" },
            "source": {"component": MANAGER},
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        });
        let _ = self.create_object(&Address::new("/api/v1", &subject.namespace, "events", None), &event).await;
    }

    /// Reads the uid of a pod.
    pub(crate) async fn pod_uid(&self, namespace: &Namespace, name: &str) -> Result<String, ClusterError> {
        let address = Address::new("/api/v1", namespace, "pods", Some(name));
        let pod = self.read_object(&address).await?;
        Ok(pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Reads one object, if it is still the same.
    ///
    /// # Errors
    /// [`ClusterError::NotFound`] when it is another one of that name.
    pub(super) async fn read_same(&self, address: &Address, pin: &Pin) -> Result<Value, ClusterError> {
        let object = self.read_object(address).await?;
        if object.pointer("/metadata/uid").and_then(Value::as_str) != Some(pin.uid.as_str()) {
            return Err(ClusterError::NotFound(format!("{}/{} is another one now", address.resource, pin.name)));
        }
        Ok(object)
    }

    /// Reads a set, if it is still the same.
    ///
    /// # Errors
    /// [`ClusterError::NotFound`] when it is another one of that name.
    pub(super) async fn read_set(&self, subject: &Subject) -> Result<Value, ClusterError> {
        let own = Pin { name: subject.name.to_string(), uid: subject.uid.clone() };
        self.read_same(&Address::new("/apis/apps/v1", &subject.namespace, "statefulsets", Some(&own.name)), &own).await
    }

    /// Reads one object, or a list with the labels of a selector.
    pub(crate) async fn read_object(&self, address: &Address) -> Result<Value, ClusterError> {
        let action = format!("get {}", address.resource);
        let body = self.get(&address.path, JSON, &action).await?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(&action, error))
    }

    /// Lists the objects with a label.
    pub(crate) async fn list_labelled(
        &self,
        address: &Address,
        label: &str,
        value: &str,
    ) -> Result<Vec<Value>, ClusterError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("labelSelector", &format!("{label}={value}"))
            .finish();
        self.list_all(&Address { path: format!("{}?{query}", address.path), resource: address.resource }).await
    }

    /// Lists objects as the server has them.
    pub(crate) async fn list_all(&self, address: &Address) -> Result<Vec<Value>, ClusterError> {
        let action = format!("list {}", address.resource);
        let body = self.get(&address.path, JSON, &action).await?;
        let mut list: Value = serde_json::from_slice(&body).map_err(|error| self.foreign(&action, error))?;
        match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// Makes an object and gives it back as the server has it.
    pub(crate) async fn create_object(&self, list: &Address, object: &Value) -> Result<Value, ClusterError> {
        let path = format!("{}{}", list.path, Trial::No.query());
        self.change(Method::POST, &path, JSON, Some(object), &format!("create {}", list.resource)).await
    }

    /// Changes an object by a merge patch, which names the version that it is based on.
    pub(crate) async fn patch_object(&self, address: &Address, merge: &Value) -> Result<Value, ClusterError> {
        self.patch_as(address, merge, Trial::No).await
    }

    async fn patch_as(&self, address: &Address, merge: &Value, trial: Trial) -> Result<Value, ClusterError> {
        let path = format!("{}{}", address.path, trial.query());
        self.change(Method::PATCH, &path, MERGE_PATCH, Some(merge), &format!("patch {}", address.resource)).await
    }

    /// Changes an object by a JSON patch, which tests what it is based on.
    pub(super) async fn patch_json(
        &self,
        address: &Address,
        operations: &Value,
        trial: Trial,
    ) -> Result<Value, ClusterError> {
        let path = format!("{}{}", address.path, trial.query());
        self.change(Method::PATCH, &path, JSON_PATCH, Some(operations), &format!("patch {}", address.resource)).await
    }

    /// Deletes an object by name and uid. One that is gone already is no error.
    pub(crate) async fn delete_object(&self, address: &Address, uid: &str) -> Result<(), ClusterError> {
        self.delete(address, uid, &json!({}), Trial::No).await
    }

    /// Deletes an object if it is exactly the one that was seen. One that is gone already is no error.
    pub(crate) async fn delete_version(&self, address: &Address, uid: &str, version: &str) -> Result<(), ClusterError> {
        let seen = json!({"preconditions": {"uid": uid, "resourceVersion": version}});
        self.delete(address, uid, &seen, Trial::No).await
    }

    /// Reads one object; `None` where there is none.
    pub(crate) async fn read_if_there(&self, address: &Address) -> Result<Option<Value>, ClusterError> {
        match self.read_object(address).await {
            Ok(object) => Ok(Some(object)),
            Err(ClusterError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, address: &Address, uid: &str, besides: &Value, trial: Trial) -> Result<(), ClusterError> {
        let dry = if trial == Trial::ServerDryRun { json!(["All"]) } else { json!([]) };
        let mut options =
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}, "dryRun": dry});
        for (option, value) in besides.as_object().into_iter().flatten() {
            options[option] = value.clone();
        }
        let action = format!("delete {}", address.resource);
        match self.change(Method::DELETE, &address.path, JSON, Some(&options), &action).await {
            Ok(_) | Err(ClusterError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells whether the user may do something in a namespace.
    pub(crate) async fn may(&self, namespace: &Namespace, permission: &Permission) -> Result<bool, ClusterError> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": namespace, "verb": permission.verb, "group": permission.group,
                "resource": permission.resource, "subresource": permission.subresource,
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.change(Method::POST, path, JSON, Some(&review), "create selfsubjectaccessreviews").await?;
        Ok(answer.pointer("/status/allowed").and_then(Value::as_bool) == Some(true))
    }

    /// Asks the server for the user's name.
    pub(crate) async fn user(&self) -> Result<String, ClusterError> {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.change(Method::POST, path, JSON, Some(&review), "create selfsubjectreviews").await?;
        let name = answer.pointer("/status/userInfo/username").and_then(Value::as_str);
        name.map(str::to_owned).ok_or_else(|| self.foreign("create selfsubjectreviews", "no user name"))
    }

    /// Sends one change. It is never sent twice: whether the first one landed is for the caller to find out.
    async fn change(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Option<&Value>,
        action: &str,
    ) -> Result<Value, ClusterError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body.into_bytes()))
            .map_err(|error| ClusterError::Malformed(format!("{action}: no such path: {error}")))?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(JSON));
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let answer: Bytes = self.send(request, action).await?;
        serde_json::from_slice(&answer).map_err(|error| self.foreign(action, error))
    }
}

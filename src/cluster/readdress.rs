//! Addresses that somebody wrote for a Service that selects no pods.

use serde_json::{Value, json};

use super::write::Trial;
use super::{Address, Cluster, ClusterError};
use crate::model::{AddressList, AddressListKind, Namespace};
use crate::plan::{Pin, Target};

impl Cluster {
    /// Puts one pod's address where another one's is, if it is still there.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] when somebody else changed it in between.
    pub(crate) async fn readdress(
        &self,
        namespace: &Namespace,
        list: &AddressList,
        (from, to): (&Target, &Target),
        trial: Trial,
    ) -> Result<(), ClusterError> {
        let (root, resource) = match list.kind {
            AddressListKind::Endpoints => ("/api/v1", "endpoints"),
            AddressListKind::EndpointSlice => ("/apis/discovery.k8s.io/v1", "endpointslices"),
        };
        let address = Address::new(root, namespace, resource, Some(&list.name));
        let found = self.read_same(&address, &Pin { name: list.name.clone(), uid: list.uid.clone() }).await?;
        let changes = changes(&found, list.kind, from, to)
            .ok_or_else(|| ClusterError::Conflict(format!("{list} no longer names {}", from.address)))?;
        self.patch_json(&address, &changes, trial).await.map(|_| ())
    }
}

/// Finds the operations of a JSON patch that put one address in the place of another; `None` where that one is not there.
fn changes(object: &Value, kind: AddressListKind, from: &Target, to: &Target) -> Option<Value> {
    let (entry, of_address) = match kind {
        AddressListKind::Endpoints => nested(object, "subsets", "addresses", |entry| entry["ip"] == from.address)
            .map(|place| (place.clone(), format!("{place}/ip")))?,
        AddressListKind::EndpointSlice => {
            let place = nested(object, "endpoints", "addresses", |address| address == &from.address)?;
            (place.split("/addresses/").next()?.to_owned(), place)
        }
    };
    let mut operations = vec![
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": object.pointer("/metadata/resourceVersion")}),
        json!({"op": "test", "path": of_address, "value": from.address}),
        json!({"op": "replace", "path": of_address, "value": to.address}),
    ];
    let mut besides = |field: &str, value: Value| {
        let path = format!("{entry}/{field}");
        if object.pointer(&path).is_some() {
            operations.push(json!({"op": "replace", "path": path, "value": value}));
        }
    };
    besides("nodeName", json!(to.node));
    besides("targetRef/name", json!(to.pod.name));
    besides("targetRef/uid", json!(to.pod.uid));
    Some(Value::Array(operations))
}

/// Finds the path of an element in a list within the elements of a list.
fn nested(object: &Value, outer: &str, inner: &str, is_it: impl Fn(&Value) -> bool) -> Option<String> {
    object[outer].as_array()?.iter().enumerate().find_map(|(at, one)| {
        let found = one[inner].as_array()?.iter().position(&is_it)?;
        Some(format!("/{outer}/{at}/{inner}/{found}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(pod: &str, address: &str) -> Target {
        let pod = Pin { name: pod.to_owned(), uid: format!("uid-{pod}").as_str().into() };
        Target { pod, address: address.to_owned(), node: "node-9".into() }
    }

    fn operations(object: &Value, kind: AddressListKind) -> Vec<String> {
        let changes = changes(object, kind, &target("db-0", "10.0.0.1"), &target("db-1", "10.0.0.2"));
        let Some(Value::Array(operations)) = changes else { return Vec::new() };
        let told = |one: &Value| format!("{} {} {}", one["op"], one["path"], one["value"]).replace('"', "");
        operations.iter().map(told).collect()
    }

    #[test]
    fn one_address_takes_the_place_of_another_and_nothing_else_changes() {
        let old = json!({
            "metadata": {"resourceVersion": "7"},
            "subsets": [
                {"addresses": [{"ip": "10.9.9.9"}], "ports": [{"port": 1}]},
                {"addresses": [{"ip": "10.9.9.8"}, {"ip": "10.0.0.1", "targetRef": {"kind": "Pod", "name": "db-0"}}]},
            ],
        });
        assert_eq!(
            operations(&old, AddressListKind::Endpoints),
            [
                "test /metadata/resourceVersion 7",
                "test /subsets/1/addresses/1/ip 10.0.0.1",
                "replace /subsets/1/addresses/1/ip 10.0.0.2",
                "replace /subsets/1/addresses/1/targetRef/name db-1",
            ]
        );
        let new = json!({
            "metadata": {"resourceVersion": "8"},
            "endpoints": [{"addresses": ["10.0.0.1"], "nodeName": "node-1", "conditions": {"ready": true}}],
        });
        assert_eq!(
            operations(&new, AddressListKind::EndpointSlice),
            [
                "test /metadata/resourceVersion 8",
                "test /endpoints/0/addresses/0 10.0.0.1",
                "replace /endpoints/0/addresses/0 10.0.0.2",
                "replace /endpoints/0/nodeName node-9",
            ]
        );
    }

    #[test]
    fn an_address_that_somebody_took_away_is_not_written_over() {
        let other = json!({"subsets": [{"addresses": [{"ip": "10.9.9.9"}]}]});
        assert_eq!(operations(&other, AddressListKind::Endpoints), Vec::<String>::new());
        assert_eq!(operations(&json!({"endpoints": null}), AddressListKind::EndpointSlice), Vec::<String>::new());
    }
}

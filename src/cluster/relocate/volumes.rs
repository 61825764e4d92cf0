//! Claims and volumes on the way: what is kept, what is made, and which claim has which volume.
//!
//! A claim cannot be given another volume; it is deleted, and one of its name is made that names the new one. The volume names the
//! claim beforehand, so that whoever makes that claim, we or the set's controller, gets it.

use serde_json::{Map, Value, json};

use super::{Wait, Way};
use crate::cluster::{Address, Cluster, ClusterError};
use crate::model::{HELPER_LABEL, RETAINED_LABEL};
use crate::plan::{Pin, Relocated};

/// What a new volume remembers of the claim that it is for.
const CLAIM: &str = "kubectl-stateful.io/claim";

/// By this a volume's controller knows that it may forget the claim.
const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";

/// Where a claim remembers the node that it was made on.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Annotations of a claim that are about its binding. With the first of these a new claim would be lost at once.
const OF_BINDING: &[&str] = &[
    "pv.kubernetes.io/bind-completed",
    BOUND_BY_CONTROLLER,
    SELECTED_NODE,
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
];

fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn volume_address(name: &str) -> Address {
    Address::of_cluster("persistentvolumes", Some(name))
}

impl Cluster {
    fn claim_address(way: &Way<'_>, name: Option<&str>) -> Address {
        Address::new("/api/v1", &way.subject.namespace, "persistentvolumeclaims", name)
    }

    async fn claim(&self, way: &Way<'_>, name: &str) -> Result<Option<Value>, ClusterError> {
        self.read_if_there(&Self::claim_address(way, Some(name))).await
    }

    async fn volume(&self, name: &str) -> Result<Option<Value>, ClusterError> {
        self.read_if_there(&volume_address(name)).await
    }

    /// Says what becomes of a volume when its claim goes, if it is still the same volume.
    pub(super) async fn reclaim(&self, volume: &Pin, policy: &str) -> Result<(), ClusterError> {
        let address = volume_address(&volume.name);
        let found = self.read_same(&address, volume).await?;
        if text(&found, "/spec/persistentVolumeReclaimPolicy") == policy {
            return Ok(());
        }
        let merge = json!({
            "metadata": {"resourceVersion": found.pointer("/metadata/resourceVersion")},
            "spec": {"persistentVolumeReclaimPolicy": policy},
        });
        self.patch_object(&address, &merge).await.map(|_| ())
    }

    /// Makes the claim by which the new volume is made, unless it is there.
    pub(super) async fn make_copy(&self, way: &Way<'_>, one: &Relocated) -> Result<(), ClusterError> {
        let old = self.read_same(&Self::claim_address(way, Some(&one.claim.name)), &one.claim).await?;
        if let Some(found) = self.claim(way, &one.copy()).await? {
            return way.is_ours(&found, &one.copy());
        }
        let mut spec = Map::new();
        for field in ["accessModes", "storageClassName", "volumeMode", "volumeAttributesClassName"] {
            spec.extend(old["spec"].get(field).map(|value| (field.to_owned(), value.clone())));
        }
        spec.insert("resources".to_owned(), json!({"requests": {"storage": quantity(one.bytes)}}));
        let claim = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": one.copy(),
                "labels": {HELPER_LABEL: way.run.0, "app.kubernetes.io/managed-by": "kubectl-stateful"},
            },
            "spec": spec,
        });
        self.create_object(&Self::claim_address(way, None), &claim).await.map(|_| ())
    }

    /// Keeps the new volume whatever becomes of its claim, and notes on it which claim it is for.
    pub(super) async fn keep_copy(&self, way: &Way<'_>, one: &Relocated) -> Result<(), ClusterError> {
        let copy = self.claim(way, &one.copy()).await?.ok_or_else(|| gone(&one.copy()))?;
        let name = text(&copy, "/spec/volumeName").to_owned();
        let volume = self.volume(&name).await?.ok_or_else(|| gone(&name))?;
        if text(&volume, "/spec/claimRef/uid") != text(&copy, "/metadata/uid") {
            return Err(ClusterError::Conflict(format!("volume {name} is not bound to {}", one.copy())));
        }
        let old = self.read_same(&Self::claim_address(way, Some(&one.claim.name)), &one.claim).await?;
        let merge = json!({
            "metadata": {
                "resourceVersion": volume.pointer("/metadata/resourceVersion"),
                "labels": {HELPER_LABEL: way.run.0},
                "annotations": {CLAIM: successor(&old, &name).to_string()},
            },
            "spec": {"persistentVolumeReclaimPolicy": "Retain"},
        });
        self.patch_object(&volume_address(&name), &merge).await.map(|_| ())
    }

    /// Finds the new volume of a claim; `None` where there is none, or none yet.
    async fn new_volume(&self, way: &Way<'_>, one: &Relocated) -> Result<Option<Value>, ClusterError> {
        let list = Address::of_cluster("persistentvolumes", None);
        let found = self.list_labelled(&list, HELPER_LABEL, &way.run.0).await?;
        Ok(found.into_iter().find(|volume| text(&noted(volume), "/metadata/name") == one.claim.name))
    }

    /// Deletes the claim by which the new volume was made, and keeps that volume for the member's claim.
    pub(super) async fn reserve(&self, way: &Way<'_>, one: &Relocated) -> Result<Wait, ClusterError> {
        let volume =
            self.new_volume(way, one).await?.ok_or_else(|| gone(&format!("the new volume of {}", one.claim.name)))?;
        if text(&volume, "/spec/persistentVolumeReclaimPolicy") != "Retain" {
            let name = text(&volume, "/metadata/name");
            return Err(ClusterError::Conflict(format!("volume {name} would go with its claim: somebody changed it")));
        }
        if let Some(copy) = self.claim(way, &one.copy()).await? {
            way.is_ours(&copy, &one.copy())?;
            self.delete_object(&Self::claim_address(way, Some(&one.copy())), text(&copy, "/metadata/uid")).await?;
            return Ok(Wait::For(format!("{} goes", one.copy())));
        }
        self.lead_to(way, &volume, &one.claim.name).await?;
        Ok(Wait::Over)
    }

    /// Has a volume name a claim that is still to be made. There is no moment in which it names none.
    async fn lead_to(&self, way: &Way<'_>, volume: &Value, claim: &str) -> Result<(), ClusterError> {
        let reference = &volume["spec"]["claimRef"];
        if reference["name"] == claim && reference.get("uid").is_none() {
            return Ok(());
        }
        let merge = json!({
            "metadata": {
                "resourceVersion": volume.pointer("/metadata/resourceVersion"),
                "annotations": {BOUND_BY_CONTROLLER: null},
            },
            "spec": {"claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": way.subject.namespace, "name": claim,
                "uid": null, "resourceVersion": null,
            }},
        });
        self.patch_object(&volume_address(text(volume, "/metadata/name")), &merge).await.map(|_| ())
    }

    /// Gives a claim its new volume.
    pub(super) async fn swap(&self, way: &Way<'_>, one: &Relocated) -> Result<Wait, ClusterError> {
        let volume =
            self.new_volume(way, one).await?.ok_or_else(|| gone(&format!("the new volume of {}", one.claim.name)))?;
        let wanted = noted(&volume);
        let is_old = |claim: &Value| text(claim, "/metadata/uid") == one.claim.uid.as_str();
        self.exchange(way, &one.claim.name, &volume, wanted, is_old).await
    }

    /// Gives a claim its volume of before again.
    pub(super) async fn swap_back(&self, way: &Way<'_>, one: &Relocated) -> Result<Wait, ClusterError> {
        let old = self.read_same(&volume_address(&one.volume.name), &one.volume).await?;
        let new =
            self.new_volume(way, one).await?.ok_or_else(|| gone(&format!("the new volume of {}", one.claim.name)))?;
        let mut wanted = noted(&new);
        wanted["spec"]["volumeName"] = json!(one.volume.name);
        if let Some(claim) = self.claim(way, &one.claim.name).await?
            && text(&claim, "/metadata/uid") == one.claim.uid.as_str()
            && claim.pointer("/metadata/deletionTimestamp").is_none()
        {
            return Ok(Wait::Over);
        }
        let is_new = |claim: &Value| claim["spec"]["volumeName"] == new["metadata"]["name"];
        self.exchange(way, &one.claim.name, &old, wanted, is_new).await
    }

    /// Deletes the claim of that name unless it has this volume, and makes the one that has. Only a claim that `may_go` is deleted: one
    /// that somebody else made may have what is nowhere else.
    async fn exchange(
        &self,
        way: &Way<'_>,
        name: &str,
        volume: &Value,
        wanted: Value,
        may_go: impl Fn(&Value) -> bool,
    ) -> Result<Wait, ClusterError> {
        let own = text(volume, "/metadata/name");
        let address = Self::claim_address(way, Some(name));
        let Some(claim) = self.claim(way, name).await? else {
            self.lead_to(way, volume, name).await?;
            return match self.create_object(&Self::claim_address(way, None), &wanted).await {
                // The set's controller makes claims of pods that wait, and may be first.
                Ok(_) | Err(ClusterError::Conflict(_)) => Ok(Wait::For(format!("{name} is bound to its volume"))),
                Err(error) => Err(error),
            };
        };
        if claim.pointer("/metadata/deletionTimestamp").is_some() {
            return Ok(Wait::For(format!("{name} of before goes")));
        }
        let (has, uid) = (text(&claim, "/spec/volumeName"), text(&claim, "/metadata/uid"));
        if has.is_empty() {
            let merge = json!({
                "metadata": {"resourceVersion": claim.pointer("/metadata/resourceVersion")},
                "spec": {"volumeName": own},
            });
            self.patch_object(&address, &merge).await?;
            return Ok(Wait::For(format!("{name} is bound to its volume")));
        }
        if has != own {
            if !may_go(&claim) {
                let words = format!("{name} is another claim than planned, with volume {has}: it is left alone");
                return Err(ClusterError::Conflict(words));
            }
            self.lead_to(way, volume, name).await?;
            let version = text(&claim, "/metadata/resourceVersion").to_owned();
            self.delete_version(&address, uid, &version).await?;
            return Ok(Wait::For(format!("{name} of before goes")));
        }
        if text(&claim, "/status/phase") != "Bound" {
            return Ok(Wait::For(format!("{name} is bound to its volume")));
        }
        self.resemble(&address, &claim, &wanted).await?;
        Ok(Wait::Over)
    }

    /// Gives a claim that the set's controller made the labels and annotations of the one before.
    async fn resemble(&self, address: &Address, claim: &Value, wanted: &Value) -> Result<(), ClusterError> {
        let lacks = |map: &str| {
            let (there, wanted) = (&claim["metadata"][map], wanted["metadata"][map].as_object());
            wanted.is_some_and(|wanted| wanted.iter().any(|(key, value)| there.get(key) != Some(value)))
        };
        if !lacks("labels") && !lacks("annotations") {
            return Ok(());
        }
        let merge = json!({"metadata": {
            "resourceVersion": claim.pointer("/metadata/resourceVersion"),
            "labels": wanted["metadata"]["labels"],
            "annotations": wanted["metadata"]["annotations"],
        }});
        self.patch_object(address, &merge).await.map(|_| ())
    }

    /// Has a volume that nobody uses any more go, with what is on it: whoever made it removes it.
    ///
    /// # Errors
    /// When somebody uses it, or another volume has its data too.
    pub(crate) async fn delete_volume(&self, pin: &Pin) -> Result<(), ClusterError> {
        let Some(volume) = self.volume(&pin.name).await?.filter(|one| text(one, "/metadata/uid") == pin.uid.as_str())
        else {
            return Ok(());
        };
        if text(&volume, "/status/phase") != "Released" {
            return Err(ClusterError::Conflict(format!("volume {} is not released any more", pin.name)));
        }
        let others = self.list_all(&Address::of_cluster("persistentvolumes", None)).await?;
        let data = data_of(&volume);
        let twin = others.iter().find(|one| text(one, "/metadata/uid") != pin.uid.as_str() && data_of(one) == data);
        if let Some(twin) = twin {
            let name = text(twin, "/metadata/name");
            return Err(ClusterError::Conflict(format!("volume {name} has the same data as {}: it stays", pin.name)));
        }
        self.reclaim(pin, "Delete").await
    }

    /// Lets the new volume live as long as the one before would have, and labels that one.
    pub(super) async fn retire(&self, way: &Way<'_>, one: &Relocated) -> Result<(), ClusterError> {
        let address = Self::claim_address(way, Some(&one.claim.name));
        let claim = self.read_object(&address).await?;
        let target = &way.of.target.node.name;
        let merge = json!({"metadata": {
            "uid": claim.pointer("/metadata/uid"), "annotations": {SELECTED_NODE: target},
        }});
        self.patch_object(&address, &merge).await?;
        let of = format!("{}.{}", way.subject.namespace, way.of.member);
        let old = volume_address(&one.volume.name);
        let merge = json!({"metadata": {"uid": one.volume.uid, "labels": {RETAINED_LABEL: of}}});
        self.patch_object(&old, &merge).await?;
        let Some(volume) = self.new_volume(way, one).await? else { return Ok(()) };
        if volume["spec"]["claimRef"]["uid"] != claim["metadata"]["uid"] || text(&volume, "/status/phase") != "Bound" {
            return Err(ClusterError::Conflict(format!("{} is not bound to its new volume any more", one.claim.name)));
        }
        let merge = json!({
            "metadata": {
                "resourceVersion": volume.pointer("/metadata/resourceVersion"),
                "labels": {HELPER_LABEL: null},
                "annotations": {CLAIM: null},
            },
            "spec": {"persistentVolumeReclaimPolicy": one.policy},
        });
        self.patch_object(&volume_address(text(&volume, "/metadata/name")), &merge).await.map(|_| ())
    }

    /// Deletes the claim by which the new volume was made, and that volume with it.
    pub(super) async fn discard(&self, way: &Way<'_>, one: &Relocated) -> Result<Wait, ClusterError> {
        let copy = self.claim(way, &one.copy()).await?;
        if let Some(copy) = &copy {
            way.is_ours(copy, &one.copy())?;
        }
        let Some(volume) = self.new_volume(way, one).await? else {
            let Some(copy) = copy else { return Ok(Wait::Over) };
            self.delete_object(&Self::claim_address(way, Some(&one.copy())), text(&copy, "/metadata/uid")).await?;
            return Ok(Wait::For(format!("{} goes", one.copy())));
        };
        let name = text(&volume, "/metadata/name");
        let deletes = text(&volume, "/spec/persistentVolumeReclaimPolicy") == "Delete";
        let going = volume.pointer("/metadata/deletionTimestamp").is_some()
            || (deletes && text(&volume, "/status/phase") == "Released");
        let Some(copy) = copy else {
            if going {
                return Ok(Wait::For(format!("volume {name} goes")));
            }
            // Only a volume whose claim goes is deleted with what is on it: it gets one for that.
            self.lead_to(way, &volume, &one.copy()).await?;
            let mut claim = noted(&volume);
            claim["metadata"] = json!({
                "name": one.copy(),
                "labels": {HELPER_LABEL: way.run.0, "app.kubernetes.io/managed-by": "kubectl-stateful"},
            });
            self.create_object(&Self::claim_address(way, None), &claim).await?;
            return Ok(Wait::For(format!("volume {name} is given to {}", one.copy())));
        };
        if volume["spec"]["claimRef"]["uid"] != copy["metadata"]["uid"] || text(&volume, "/status/phase") != "Bound" {
            return Ok(Wait::For(format!("volume {name} is given to {}", one.copy())));
        }
        if !deletes {
            let uid = text(&volume, "/metadata/uid").to_owned().into();
            self.reclaim(&Pin { name: name.to_owned(), uid }, "Delete").await?;
        }
        self.delete_object(&Self::claim_address(way, Some(&one.copy())), text(&copy, "/metadata/uid")).await?;
        Ok(Wait::For(format!("volume {name} goes")))
    }
}

/// Writes a size as people do where nothing is lost by that: `1Gi`.
fn quantity(bytes: u64) -> String {
    let units = [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let unit = units.into_iter().find(|(_, size)| bytes.is_multiple_of(*size));
    unit.map_or_else(|| bytes.to_string(), |(word, size)| format!("{}{word}", bytes / size))
}

fn gone(what: &str) -> ClusterError {
    ClusterError::NotFound(format!("{what} is gone: somebody deleted it"))
}

/// Says where the data of a volume is: two volumes with the same place share it.
fn data_of(volume: &Value) -> Value {
    let places = ["/spec/local/path", "/spec/hostPath/path", "/spec/csi/volumeHandle"];
    let place = places.iter().find_map(|path| volume.pointer(path)).cloned();
    json!([place.unwrap_or_else(|| volume["metadata"]["uid"].clone()), volume.pointer("/spec/nodeAffinity")])
}

/// Reads on a new volume which claim it is for.
fn noted(volume: &Value) -> Value {
    let note = volume.pointer("/metadata/annotations").and_then(|notes| notes.get(CLAIM)?.as_str());
    note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
}

/// Makes the claim that follows another one, with its name and everything but its binding. Owners are the set controller's to add.
fn successor(old: &Value, volume: &str) -> Value {
    let mut annotations = old.pointer("/metadata/annotations").and_then(Value::as_object).cloned().unwrap_or_default();
    annotations.retain(|key, _| {
        !OF_BINDING.contains(&key.as_str()) && key != "kubectl.kubernetes.io/last-applied-configuration"
    });
    let mut spec = Map::new();
    for field in ["accessModes", "resources", "storageClassName", "volumeMode", "volumeAttributesClassName"] {
        spec.extend(old["spec"].get(field).map(|value| (field.to_owned(), value.clone())));
    }
    spec.insert("volumeName".to_owned(), json!(volume));
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": old.pointer("/metadata/name"),
            "labels": old.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({})),
            "annotations": annotations,
        },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_people_do_and_lose_nothing() {
        for (bytes, words) in [(1 << 30, "1Gi"), (1536 << 20, "1536Mi"), (5_000_000_000, "5000000000"), (1025, "1025")]
        {
            assert_eq!(quantity(bytes), words);
        }
    }

    #[test]
    fn the_claim_that_follows_has_everything_but_the_binding() {
        let old = json!({
            "metadata": {
                "name": "data-db-2", "uid": "u", "labels": {"app": "db"}, "finalizers": ["kubernetes.io/pvc-protection"],
                "ownerReferences": [{"kind": "StatefulSet"}],
                "annotations": {
                    "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
                    "volume.kubernetes.io/selected-node": "n1", "volume.kubernetes.io/storage-provisioner": "p",
                    "team": "payments",
                },
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                "storageClassName": "local-path", "volumeMode": "Filesystem", "volumeName": "pv-1",
            },
        });
        assert_eq!(
            successor(&old, "pv-2"),
            json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data-db-2", "labels": {"app": "db"}, "annotations": {"team": "payments"}},
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                    "storageClassName": "local-path", "volumeMode": "Filesystem", "volumeName": "pv-2",
                },
            })
        );
    }
}

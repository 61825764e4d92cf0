//! A member on its way to another node: every part finds out what of it is done, and does what is next.

mod copy;
mod pods;
mod volumes;

use serde_json::{Value, json};

pub(crate) use copy::{Copying, NotCopied};
use pods::{Side, manifest};

use super::{Address, Cluster, ClusterError, Trial};
use crate::model::{HELPER_LABEL, HOLD_TAINT};
use crate::plan::{Relocation, RunId, Stage, Subject};

/// Who goes where, and in which run.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    /// The set.
    pub(crate) subject: &'a Subject,
    /// The run.
    pub(crate) run: &'a RunId,
    /// The member and its volumes.
    pub(crate) of: &'a Relocation,
}

impl Way<'_> {
    /// Refuses an object of our name that another run made, or somebody else.
    fn is_ours(&self, object: &Value, name: &str) -> Result<(), ClusterError> {
        let by = object.pointer("/metadata/labels").and_then(|labels| labels.get(HELPER_LABEL)?.as_str());
        if by == Some(self.run.0.as_str()) {
            return Ok(());
        }
        let whose = by.map_or_else(|| "is none of ours".to_owned(), |run| format!("is run {run}'s"));
        Err(ClusterError::Conflict(format!("{name} is there and {whose}: it is left alone")))
    }
}

/// Whether a part of the way is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It is.
    Over,
    /// It is to be looked at again, and what is waited for.
    For(String),
}

impl Cluster {
    /// Does what is next in a part of the way; copying is not one of them.
    ///
    /// # Errors
    /// When it cannot be done, or somebody else has changed what it is about.
    pub(crate) async fn relocate(&self, way: Way<'_>, stage: Stage) -> Result<Wait, ClusterError> {
        let claims = &way.of.claims;
        match stage {
            Stage::Protect => {
                for one in claims {
                    self.reclaim(&one.volume, "Retain").await?;
                }
            }
            Stage::Unprotect => {
                for one in claims {
                    self.reclaim(&one.volume, &one.policy).await?;
                }
            }
            Stage::Prepare => return self.prepare(&way).await,
            Stage::Hold => self.taint(&way, true).await?,
            Stage::LiftHold => self.taint(&way, false).await?,
            Stage::LetBack => return self.let_back(&way).await,
            Stage::Copy | Stage::Finish => {}
            Stage::Discard => {
                if let Wait::For(why) = self.end_copying(&way).await? {
                    return Ok(Wait::For(why));
                }
                for one in claims {
                    if let Wait::For(why) = self.discard(&way, one).await? {
                        return Ok(Wait::For(why));
                    }
                }
            }
            Stage::Reserve => {
                if let Wait::For(why) = self.end_copying(&way).await? {
                    return Ok(Wait::For(why));
                }
                for one in claims {
                    if let Wait::For(why) = self.reserve(&way, one).await? {
                        return Ok(Wait::For(why));
                    }
                }
            }
            Stage::Swap | Stage::SwapBack => return self.exchange_all(&way, stage).await,
            Stage::Retire => {
                for one in claims {
                    self.retire(&way, one).await?;
                }
            }
        }
        Ok(Wait::Over)
    }

    /// Makes the new volumes, and the pods that copy; done when both run and the new volumes are safe.
    async fn prepare(&self, way: &Way<'_>) -> Result<Wait, ClusterError> {
        for one in &way.of.claims {
            self.make_copy(way, one).await?;
        }
        for side in [Side::Writer, Side::Reader] {
            if let Wait::For(why) = self.make_pod(way, side).await? {
                return Ok(Wait::For(why));
            }
        }
        for one in &way.of.claims {
            self.keep_copy(way, one).await?;
        }
        Ok(Wait::Over)
    }

    /// Makes one of the pods that copy, unless it is there, and says whether it runs.
    async fn make_pod(&self, way: &Way<'_>, side: Side) -> Result<Wait, ClusterError> {
        let name = side.pod(way.of);
        let pods = |name| Address::new("/api/v1", &way.subject.namespace, "pods", name);
        let Some(pod) = self.read_if_there(&pods(Some(&name))).await? else {
            let set = self.read_set(way.subject).await?;
            let pod = manifest(&set, way.of, way.run, side).map_err(ClusterError::Malformed)?;
            self.create_object(&pods(None), &pod).await?;
            return Ok(Wait::For(format!("{name} starts")));
        };
        way.is_ours(&pod, &name)?;
        let text = |path: &str| pod.pointer(path).and_then(Value::as_str);
        match text("/status/phase") {
            Some("Running") if text("/metadata/deletionTimestamp").is_none() => Ok(Wait::Over),
            Some("Failed" | "Succeeded") => {
                let uid = text("/metadata/uid").unwrap_or_default();
                self.delete_object(&pods(Some(&name)), uid).await?;
                Ok(Wait::For(format!("{name} ended, and is made again")))
            }
            _ => {
                let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
                let unplaced = conditions
                    .filter(|one| one["type"] == "PodScheduled" && one["status"] == "False")
                    .find_map(|one| one["message"].as_str());
                let waits = text("/status/containerStatuses/0/state/waiting/reason");
                Ok(Wait::For(format!("{name} starts ({})", unplaced.or(waits).unwrap_or("Pending"))))
            }
        }
    }

    /// Ends the pods that copy; done when they are gone, for a claim that a pod names is not let go.
    async fn end_copying(&self, way: &Way<'_>) -> Result<Wait, ClusterError> {
        let mut going = None;
        for side in [Side::Reader, Side::Writer] {
            let name = side.pod(way.of);
            let address = Address::new("/api/v1", &way.subject.namespace, "pods", Some(&name));
            let Some(pod) = self.read_if_there(&address).await? else { continue };
            way.is_ours(&pod, &name)?;
            if pod.pointer("/metadata/deletionTimestamp").is_none() {
                let uid = pod.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
                self.delete_object(&address, uid).await?;
            }
            going = Some(Wait::For(format!("{name} goes")));
        }
        Ok(going.unwrap_or(Wait::Over))
    }

    /// Taints the source, or takes our taint off it.
    async fn taint(&self, way: &Way<'_>, hold: bool) -> Result<(), ClusterError> {
        let node = &way.of.source.node;
        let address = Address::of_cluster("nodes", Some(&node.name));
        let found = self.read_same(&address, node).await?;
        let taints = found.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
        let key = format!("{HOLD_TAINT}{}", way.run);
        let is_ours = |taint: &Value| taint["key"] == key;
        if taints.iter().any(is_ours) == hold {
            return Ok(());
        }
        let mut wanted: Vec<Value> = taints.into_iter().filter(|taint| !is_ours(taint)).collect();
        if hold {
            wanted.push(json!({"key": key, "effect": "NoSchedule"}));
        }
        let merge = json!({
            "metadata": {"resourceVersion": found.pointer("/metadata/resourceVersion")},
            "spec": {"taints": wanted},
        });
        self.patch_object(&address, &merge).await.map(|_| ())
    }

    /// Lets the member back on a node that somebody else has cordoned: it takes pods until the member is placed.
    async fn let_back(&self, way: &Way<'_>) -> Result<Wait, ClusterError> {
        self.taint(way, false).await?;
        let pod = Address::new("/api/v1", &way.subject.namespace, "pods", Some(way.of.member.as_str()));
        let pod = self.read_if_there(&pod).await?;
        let is_going = |pod: &Value| pod.pointer("/metadata/deletionTimestamp").is_some();
        let placed = pod.filter(|pod| !is_going(pod)).is_some_and(|pod| pod.pointer("/spec/nodeName").is_some());
        let node = &way.of.source.node;
        let address = Address::of_cluster("nodes", Some(&node.name));
        let found = self.read_same(&address, node).await?;
        let cordoned = found.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false);
        if cordoned != placed {
            self.cordon(node, placed, Trial::No).await?;
        }
        Ok(if placed { Wait::Over } else { Wait::For(format!("{} is placed on {}", way.of.member, node.name)) })
    }

    /// Gives all claims their new volumes, or those of before; never while the member has a node.
    async fn exchange_all(&self, way: &Way<'_>, stage: Stage) -> Result<Wait, ClusterError> {
        let address = Address::new("/api/v1", &way.subject.namespace, "pods", Some(way.of.member.as_str()));
        let pod = self.read_if_there(&address).await?;
        if let Some(node) = pod.as_ref().and_then(|pod| pod.pointer("/spec/nodeName")?.as_str()) {
            if stage == Stage::SwapBack || node != way.of.target.node.name {
                return Err(has_node(way, node));
            }
            // All of its claims have volumes there, or it would have no node.
            return Ok(Wait::Over);
        }
        let mut waits = None;
        for one in &way.of.claims {
            let wait =
                if stage == Stage::SwapBack { self.swap_back(way, one).await? } else { self.swap(way, one).await? };
            waits = waits.or(if let Wait::For(why) = wait { Some(why) } else { None });
        }
        if let Some(why) = waits {
            return Ok(Wait::For(why));
        }
        // A pod that was tried in vain is tried again later and later; one that is new is tried at once.
        if let (Stage::Swap, Some(pod)) = (stage, &pod) {
            let word = |path| pod.pointer(path).and_then(Value::as_str).unwrap_or_default();
            match self.delete_version(&address, word("/metadata/uid"), word("/metadata/resourceVersion")).await {
                Ok(()) | Err(ClusterError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Wait::Over)
    }
}

fn has_node(way: &Way<'_>, node: &str) -> ClusterError {
    ClusterError::Conflict(format!("{} was given node {node}, and may have written there", way.of.member))
}

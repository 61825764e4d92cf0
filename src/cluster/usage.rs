//! How full volumes are, from the kubelets' summaries.

use serde::Deserialize;

use super::{Cluster, ClusterError, JSON};
use crate::model::{NodeName, VolumeUsage};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Summary {
    pods: Vec<PodStats>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStats {
    pod_ref: Reference,
    volume: Vec<VolumeStats>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeStats {
    time: Option<jiff::Timestamp>,
    pvc_ref: Option<Reference>,
    used_bytes: Option<u64>,
    capacity_bytes: Option<u64>,
    inodes_used: Option<u64>,
    inodes: Option<u64>,
}

impl Cluster {
    /// Asks the kubelet of a node for the claims that its pods mount.
    pub(crate) async fn volume_usage(&self, node: &NodeName) -> Result<Vec<VolumeUsage>, ClusterError> {
        let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
        // Once: a kubelet that is away stays away for longer than anybody wants to wait for a percentage.
        let summary = self.get_once(&path, JSON, "get nodes/proxy").await.map_err(|error| {
            let ClusterError::Server { message, .. } = &error else { return error };
            ClusterError::kubelet_away(message, node.as_str()).unwrap_or(error)
        })?;
        // A summary tells much about each container; what is not asked for is not even built.
        let summary: Summary = serde_json::from_slice(&summary)
            .map_err(|error| ClusterError::Malformed(format!("the summary of {node} is not understood: {error}")))?;
        Ok(summary.pods.into_iter().flat_map(usage_of).collect())
    }
}

/// Numbers that the kubelet leaves out are not zero: such volumes stay unknown.
fn usage_of(pod: PodStats) -> Vec<VolumeUsage> {
    let PodStats { pod_ref, volume } = pod;
    let one = |stats: VolumeStats| {
        let claim = stats.pvc_ref?;
        Some(VolumeUsage {
            namespace: claim.namespace.into(),
            pod: pod_ref.name.as_str().into(),
            claim: claim.name.into(),
            used_bytes: stats.used_bytes?,
            capacity_bytes: stats.capacity_bytes?,
            used_inodes: stats.inodes_used,
            inodes: stats.inodes,
            at: stats.time,
        })
    };
    volume.into_iter().filter_map(one).collect()
}

//! Snapshots as files: a plain Kubernetes List, and reading what others printed.

mod encoding;
mod read;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Gap, ProbeOutput, Snapshot, VolumeUsage};

pub use read::{ArchiveError, Contents, read};

/// The group and version of the one object in a snapshot that is not Kubernetes' own.
pub const API_VERSION: &str = "kubectl-stateful.io/v1";

/// The kind of that object.
const INFO: &str = "SnapshotInfo";

/// What a snapshot holds beside objects of the API server.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Info {
    taken_at: Timestamp,
    gaps: Vec<Gap>,
    usage: Vec<VolumeUsage>,
    probes: Vec<ProbeOutput>,
}

/// Writes a snapshot as a Kubernetes List: the objects as they were, and what engines and kubelets said.
///
/// # Errors
/// When a value cannot be written as JSON, which none of ours can be.
pub(crate) fn write(snapshot: &Snapshot, objects: Vec<Value>) -> serde_json::Result<String> {
    let mut info = serde_json::to_value(Info {
        taken_at: snapshot.taken_at,
        gaps: snapshot.gaps.clone(),
        usage: snapshot.usage.clone(),
        probes: snapshot.probes.clone(),
    })?;
    info["apiVersion"] = API_VERSION.into();
    info["kind"] = INFO.into();
    info["metadata"] = json!({"name": "info"});
    let items: Vec<Value> = std::iter::once(info).chain(objects).collect();
    let mut text = serde_json::to_string_pretty(&json!({"apiVersion": "v1", "kind": "List", "items": items}))?;
    text.push('\n');
    Ok(text)
}

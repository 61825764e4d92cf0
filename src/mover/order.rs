//! What a mover is told: one line of JSON on its stdin, which is also where its keys come from.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::key::{PrivateKey, PublicKey};

/// The version of this program; both movers and whoever drives them have to be of the same.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How many connections carry files when the order does not say.
pub const STREAMS: u32 = 4;
/// How long a receiver waits for its sender when the order does not say.
pub const WAIT_SECONDS: u32 = 120;

fn streams() -> u32 {
    STREAMS
}

fn wait_seconds() -> u32 {
    WAIT_SECONDS
}

/// How careful a pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PassKind {
    /// The source is in use: what vanishes or changes under the copy is for the next pass.
    Live,
    /// All writers stopped: what changes is a failure, and everything is durable and verified at the end.
    Final,
}

/// How much a verification reads again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// What was sent and never read back.
    #[default]
    Unverified,
    /// Everything.
    Full,
}

/// Orders for the side that writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiveOrder {
    /// The version of whoever gives the order.
    pub version: String,
    /// The volume to write to.
    pub root: PathBuf,
    /// This side's key.
    pub key: PrivateKey,
    /// The only key that the other side may have.
    pub peer: PublicKey,
    /// Where to listen; any port of any address when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// How long to wait for the sender.
    #[serde(default = "wait_seconds")]
    pub wait_seconds: u32,
}

/// Orders for the side that reads; also those of a verification, which reads the index only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendOrder {
    /// The version of whoever gives the order.
    pub version: String,
    /// The volume to read from.
    pub root: PathBuf,
    /// This side's key.
    pub key: PrivateKey,
    /// The only key that the other side may have.
    pub peer: PublicKey,
    /// Address and port of the receiver; no names, since there is no resolver.
    pub connect: SocketAddr,
    /// A file outside of the volume that remembers between passes what was sent.
    pub index: PathBuf,
    /// How careful to be.
    pub pass: PassKind,
    /// What a verification reads again.
    #[serde(default)]
    pub verify: Extent,
    /// How many connections carry files.
    #[serde(default = "streams")]
    pub streams: u32,
    /// The most that is read from the source, and thereby sent, in a second; no limit when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

/// Orders for looking at a volume without another mover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManifestOrder {
    /// The version of whoever gives the order.
    pub version: String,
    /// The volume to look at.
    pub root: PathBuf,
    /// Whether every file is read, for a digest of everything.
    #[serde(default)]
    pub digest: bool,
}

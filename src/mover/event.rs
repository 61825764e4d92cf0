//! What a mover says: one line of JSON on stdout for each event, the last of them `done`, `manifest` or `failed`.

use serde::{Deserialize, Serialize};

use super::order::PassKind;

/// Why a mover stopped; whoever drives it decides by this word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// The order cannot be read or followed.
    Order,
    /// The versions differ.
    Version,
    /// Another mover works on this volume or this index.
    Busy,
    /// The other mover cannot be reached, went away, or is not the one with the right key.
    Connection,
    /// The other mover said something that it may not say.
    Protocol,
    /// The target has too little room or too few inodes.
    NoRoom,
    /// A permission is missing, on either side.
    Permission,
    /// The volume holds something that this mover does not copy.
    Unsupported,
    /// The source changes although its writers should have stopped.
    Changing,
    /// What lies on the target is not what was sent.
    Mismatch,
    /// Reading or writing failed in another way.
    Io,
}

/// What a pass or a verification is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Lists the source.
    Scan,
    /// Brings the target's tree into shape.
    Reconcile,
    /// Reads files and sends what changed.
    Copy,
    /// Sets metadata on the target and makes everything durable.
    Settle,
    /// Reads back on the target what was sent.
    Verify,
    /// Compares the whole listing of both sides.
    Check,
}

/// How it is found out which files changed since the last pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangeRule {
    /// By size, inode and times: a file system whose times are known to move with every write.
    Times,
    /// By reading every file: nothing is known about the times of this file system.
    Content,
}

/// What a volume holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Regular files, each name of a hard link counted.
    pub files: u64,
    /// Directories, the volume's own included.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Named pipes.
    pub fifos: u64,
    /// Device nodes.
    pub devices: u64,
    /// Sockets, which are not copied: they mean something to a running process only.
    pub sockets: u64,
    /// Names beyond the first of files with several.
    pub links: u64,
    /// Sizes of files, holes included, hard links once.
    pub bytes: u64,
    /// What they take on the file system.
    pub allocated_bytes: u64,
    /// Inodes in use.
    pub inodes: u64,
    /// Numeric owners, ascending.
    pub owners: Vec<u32>,
    /// Numeric groups, ascending.
    pub groups: Vec<u32>,
    /// How many symbolic links lead out of the volume: what they lead to does not move along.
    pub leaving: u64,
    /// The first few of those.
    pub leaving_examples: Vec<String>,
}

/// How a pass ended; what changed in it predicts how long the next one takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// How careful it was; a verification has none.
    pub pass: Option<PassKind>,
    /// How changes were found.
    pub rule: ChangeRule,
    /// Files that were read because they may have changed.
    pub files_read: u64,
    /// Files of which something was sent.
    pub files_changed: u64,
    /// What was read from the source.
    pub bytes_read: u64,
    /// What was sent of it.
    pub bytes_sent: u64,
    /// What was read back on the target and found equal.
    pub bytes_verified: u64,
    /// Blocks found different on the target and sent again.
    pub blocks_repaired: u64,
    /// Entries that the target had and the source had not.
    pub removed: u64,
    /// Files that vanished or shrank while they were read: for the next pass.
    pub unsettled: u64,
    /// Time per stage.
    pub seconds: Seconds,
}

/// How long the stages of a pass took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seconds {
    /// Listing the source, at the end of a final pass a second time.
    pub scan: f64,
    /// Bringing the target's tree into shape.
    pub reconcile: f64,
    /// Reading and sending.
    pub copy: f64,
    /// Metadata and durability.
    pub settle: f64,
    /// Reading back.
    pub verify: f64,
    /// Comparing the listings.
    pub check: f64,
}

/// One line on stdout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// The receiver can be connected to.
    Listening {
        /// Its version.
        version: String,
        /// Its port.
        port: u16,
    },
    /// The source was listed.
    Scanned {
        /// What it holds.
        contents: Contents,
        /// How changes are found.
        rule: ChangeRule,
    },
    /// About once a second while files are read.
    Progress {
        /// What is being done.
        stage: Stage,
        /// Files that are finished, of those that are to be read.
        files: u64,
        /// How many are to be read.
        files_total: u64,
        /// Bytes that are finished.
        bytes: u64,
        /// How many there are, holes included.
        bytes_total: u64,
        /// Bytes of them that were sent.
        bytes_sent: u64,
        /// Since the last line.
        bytes_per_second: u64,
    },
    /// It ended well.
    Done(Outcome),
    /// The receiver's session ended well.
    Received {
        /// Bytes that were written.
        bytes: u64,
    },
    /// What `manifest` found.
    Manifest {
        /// What the volume holds.
        contents: Contents,
        /// Over names, kinds, modes, owners, times, attributes and contents of everything, if it was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<String>,
    },
    /// It ended badly; nothing follows.
    Failed {
        /// The word to decide by.
        kind: FaultKind,
        /// What happened, as a lower-case fragment.
        message: String,
    },
}

//! One name in a volume: what it is, and everything about it that the copy has to have too.

use rustix::fs::{FileType, Statx};

use super::attribute::Attributes;
use super::clock::Time;
use super::codec::{Decoder, Encoder};
use super::fault::Fault;

/// The bits of a mode that are not the kind.
pub(super) const PERMISSIONS: u32 = 0o7777;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File {
        size: u64,
        /// The place in the listing of the first name of the same file; none if this is it.
        leader: Option<u32>,
    },
    Symlink {
        target: Vec<u8>,
    },
    Fifo,
    Device {
        node: Node,
        major: u32,
        minor: u32,
    },
    /// Is listed, never copied.
    Socket,
}

/// The two kinds of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Character,
    Block,
}

/// Everything about an entry beside its contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) accessed: Time,
    pub(super) modified: Time,
    pub(super) attributes: Attributes,
}

/// A name with all that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// From the volume's directory, without a slash at either end; its own path is empty.
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) metadata: Metadata,
}

impl Metadata {
    /// Takes over what was found.
    pub(super) fn of(found: &Statx, attributes: Attributes) -> Self {
        Self {
            mode: u32::from(found.stx_mode) & PERMISSIONS,
            owner: found.stx_uid,
            group: found.stx_gid,
            accessed: Time { seconds: found.stx_atime.tv_sec, nanoseconds: found.stx_atime.tv_nsec },
            modified: Time { seconds: found.stx_mtime.tv_sec, nanoseconds: found.stx_mtime.tv_nsec },
            attributes,
        }
    }

    /// Names the first thing in which two differ; the time of access is not one.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let checks = [
            (self.mode == other.mode, "mode"),
            (self.owner == other.owner, "owner"),
            (self.group == other.group, "group"),
            (self.modified == other.modified, "modification time"),
            (self.attributes == other.attributes, "extended attributes"),
        ];
        checks.iter().find(|(equal, _)| !equal).map(|(_, what)| *what)
    }
}

impl Kind {
    /// Gives the kind of what was found; a link's target is read by the caller.
    pub(super) fn of(found: &Statx, target: Vec<u8>) -> Option<Self> {
        let device = |node| Self::Device { node, major: found.stx_rdev_major, minor: found.stx_rdev_minor };
        Some(match FileType::from_raw_mode(found.stx_mode.into()) {
            FileType::Directory => Self::Directory,
            FileType::RegularFile => Self::File { size: found.stx_size, leader: None },
            FileType::Symlink => Self::Symlink { target },
            FileType::Fifo => Self::Fifo,
            FileType::CharacterDevice => device(Node::Character),
            FileType::BlockDevice => device(Node::Block),
            FileType::Socket => Self::Socket,
            FileType::Unknown => return None,
        })
    }

    /// Says whether an entry of one kind can become one of the other without being made anew.
    pub(super) fn same_make(&self, other: &Self) -> bool {
        matches!((self, other), (Self::File { .. }, Self::File { .. })) || self == other
    }
}

impl Entry {
    /// Writes it down.
    pub(super) fn encode(&self, to: &mut Encoder) {
        to.bytes(&self.path);
        match &self.kind {
            Kind::Directory => _ = to.u8(0),
            Kind::File { size, leader: None } => _ = to.u8(1).u64(*size),
            Kind::File { size, leader: Some(leader) } => _ = to.u8(2).u64(*size).u32(*leader),
            Kind::Symlink { target } => _ = to.u8(3).bytes(target),
            Kind::Fifo => _ = to.u8(4),
            Kind::Device { node: Node::Character, major, minor } => _ = to.u8(5).u32(*major).u32(*minor),
            Kind::Device { node: Node::Block, major, minor } => _ = to.u8(6).u32(*major).u32(*minor),
            Kind::Socket => _ = to.u8(7),
        }
        let metadata = &self.metadata;
        to.u32(metadata.mode).u32(metadata.owner).u32(metadata.group);
        to.time(metadata.accessed).time(metadata.modified).count(metadata.attributes.len());
        for (name, value) in &metadata.attributes {
            to.bytes(name).bytes(value);
        }
    }

    /// Reads it.
    pub(super) fn decode(from: &mut Decoder<'_>) -> Result<Self, Fault> {
        let path = from.bytes()?.to_vec();
        let kind = match from.u8()? {
            0 => Kind::Directory,
            1 => Kind::File { size: from.u64()?, leader: None },
            2 => Kind::File { size: from.u64()?, leader: Some(from.u32()?) },
            3 => Kind::Symlink { target: from.bytes()?.to_vec() },
            4 => Kind::Fifo,
            5 => Kind::Device { node: Node::Character, major: from.u32()?, minor: from.u32()? },
            6 => Kind::Device { node: Node::Block, major: from.u32()?, minor: from.u32()? },
            7 => Kind::Socket,
            other => return Err(Fault::protocol(format!("an entry is of the unknown kind {other}"))),
        };
        let mut metadata =
            Metadata { mode: from.u32()?, owner: from.u32()?, group: from.u32()?, ..Metadata::default() };
        metadata.accessed = from.time()?;
        metadata.modified = from.time()?;
        for _ in 0..from.count()? {
            metadata.attributes.push((from.bytes()?.to_vec(), from.bytes()?.to_vec()));
        }
        Ok(Self { path, kind, metadata })
    }
}

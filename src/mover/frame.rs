//! What two movers say to each other: frames of a length, a number for the kind, and values one after another (docs/mover.md).

use std::ops::Range;

use super::block::Hash;
use super::clock::Time;
use super::codec::{Decoder, Encoder};
use super::entry::Entry;
use super::event::FaultKind;
use super::fault::Fault;
use super::order::PassKind;

/// The most that one frame may be long: far above what is sent, far below what would hurt.
pub(super) const LONGEST: u32 = 8 * 1024 * 1024;
/// Where a batch of entries or of files to read back is sent off.
pub(super) const BATCH: usize = 256 * 1024;

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Copy(PassKind),
    /// Nothing is written.
    Verify,
}

/// A file of the target as the receiver found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Had {
    pub(super) file: u32,
    pub(super) size: u64,
    pub(super) modified: Time,
}

/// Blocks of a file to be read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    pub(super) path: Vec<u8>,
    pub(super) size: u64,
    pub(super) first: u32,
    pub(super) hashes: Vec<Hash>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The first on every connection, from both sides; 0 is the one that leads.
    Hello { version: String, stream: u32 },
    /// The last: this side stops.
    Failed(Fault),
    /// What the session is for, and what the source takes on its file system.
    Begin { purpose: Purpose, allocated: u64, inodes: u64 },
    /// Part of the listing.
    Entries(Vec<Entry>),
    /// The listing is complete.
    Listed,
    /// Files that the target had already.
    Have(Vec<Had>),
    /// The tree has its shape; so many entries were removed for it.
    Shaped { removed: u64 },
    /// Asks for the hashes of blocks as they lie on the target.
    Ask { file: u32, blocks: Range<u32> },
    /// The answer.
    Hashes(Vec<Hash>),
    /// A block: the parts that are not holes, and their bytes.
    Block { file: u32, index: u32, parts: Vec<Range<u32>>, bytes: &'a [u8] },
    /// Blocks that are holes.
    Holes { file: u32, blocks: Range<u32> },
    /// Nothing more on this connection; answered by the same once everything was written.
    Written,
    /// Asks for links, metadata and durability; every file on its own if it is for the last time.
    Settle { thorough: bool },
    /// The answer.
    Settled,
    /// Asks to read blocks back from the disk.
    Verify(Vec<Portion>),
    /// The answer: which blocks of which portion differ.
    Verified(Vec<(u32, u32)>),
    /// Asks to compare the whole listing.
    Check,
    /// The answer: how many entries differ, and the first of them.
    Checked { count: u64, examples: Vec<String> },
    /// The end.
    Bye,
}

const FAULTS: [FaultKind; 11] = [
    FaultKind::Order,
    FaultKind::Version,
    FaultKind::Busy,
    FaultKind::Connection,
    FaultKind::Protocol,
    FaultKind::NoRoom,
    FaultKind::Permission,
    FaultKind::Unsupported,
    FaultKind::Changing,
    FaultKind::Mismatch,
    FaultKind::Io,
];

impl Frame<'_> {
    /// Writes a frame behind what is there: length, kind, values.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let mut to = Encoder(std::mem::take(out));
        to.u32(0);
        self.values(&mut to);
        *out = to.0;
        let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    fn values(&self, to: &mut Encoder) {
        match self {
            Self::Hello { version, stream } => _ = to.u8(1).bytes(version.as_bytes()).u32(*stream),
            Self::Failed(fault) => {
                let kind = FAULTS.iter().position(|kind| *kind == fault.kind).unwrap_or(FAULTS.len() - 1);
                to.u8(2).count(kind).bytes(fault.message.as_bytes());
            }
            Self::Begin { purpose, allocated, inodes } => {
                let purpose = match purpose {
                    Purpose::Copy(PassKind::Live) => 0,
                    Purpose::Copy(PassKind::Final) => 1,
                    Purpose::Verify => 2,
                };
                to.u8(3).u8(purpose).u64(*allocated).u64(*inodes);
            }
            Self::Entries(entries) => {
                to.u8(4).count(entries.len());
                for entry in entries {
                    entry.encode(to);
                }
            }
            Self::Listed => _ = to.u8(5),
            Self::Have(files) => {
                to.u8(6).count(files.len());
                for had in files {
                    to.u32(had.file).u64(had.size).time(had.modified);
                }
            }
            Self::Shaped { removed } => _ = to.u8(7).u64(*removed),
            Self::Ask { file, blocks } => _ = to.u8(8).u32(*file).u32(blocks.start).u32(blocks.end),
            Self::Hashes(hashes) => to.u8(9).hashes(hashes),
            Self::Block { file, index, parts, bytes } => {
                to.u8(10).u32(*file).u32(*index).count(parts.len());
                for part in parts {
                    to.u32(part.start).u32(part.end);
                }
                to.0.extend_from_slice(bytes);
            }
            Self::Holes { file, blocks } => _ = to.u8(11).u32(*file).u32(blocks.start).u32(blocks.end),
            Self::Written => _ = to.u8(12),
            Self::Settle { thorough } => _ = to.u8(13).u8(u8::from(*thorough)),
            Self::Settled => _ = to.u8(14),
            Self::Verify(portions) => {
                to.u8(15).count(portions.len());
                for portion in portions {
                    to.bytes(&portion.path).u64(portion.size).u32(portion.first).hashes(&portion.hashes);
                }
            }
            Self::Verified(different) => {
                to.u8(16).count(different.len());
                for (portion, block) in different {
                    to.u32(*portion).u32(*block);
                }
            }
            Self::Check => _ = to.u8(17),
            Self::Checked { count, examples } => {
                to.u8(18).u64(*count).count(examples.len());
                for example in examples {
                    to.bytes(example.as_bytes());
                }
            }
            Self::Bye => _ = to.u8(19),
        }
    }
}

impl<'a> Frame<'a> {
    /// Reads what follows the length.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut from = Decoder::new(bytes);
        let frame = match from.u8()? {
            // Its bytes are all that is left.
            10 => return Self::block(from),
            1 => Self::Hello { version: from.text()?, stream: from.u32()? },
            2 => {
                let kind = from.u32()? as usize;
                Self::Failed(Fault::new(FAULTS.get(kind).copied().unwrap_or(FaultKind::Io), from.text()?))
            }
            3 => Self::Begin { purpose: purpose(from.u8()?)?, allocated: from.u64()?, inodes: from.u64()? },
            4 => Self::Entries(many(&mut from, Entry::decode)?),
            5 => Self::Listed,
            6 => Self::Have(many(&mut from, |from| {
                Ok(Had { file: from.u32()?, size: from.u64()?, modified: from.time()? })
            })?),
            7 => Self::Shaped { removed: from.u64()? },
            8 => Self::Ask { file: from.u32()?, blocks: from.u32()?..from.u32()? },
            9 => Self::Hashes(hashes(&mut from)?),
            11 => Self::Holes { file: from.u32()?, blocks: from.u32()?..from.u32()? },
            12 => Self::Written,
            13 => Self::Settle { thorough: from.u8()? != 0 },
            14 => Self::Settled,
            15 => Self::Verify(many(&mut from, |from| {
                let path = from.bytes()?.to_vec();
                Ok(Portion { path, size: from.u64()?, first: from.u32()?, hashes: hashes(from)? })
            })?),
            16 => Self::Verified(many(&mut from, |from| Ok((from.u32()?, from.u32()?)))?),
            17 => Self::Check,
            18 => Self::Checked { count: from.u64()?, examples: many(&mut from, Decoder::text)? },
            19 => Self::Bye,
            other => return Err(Fault::protocol(format!("a message is of the unknown kind {other}"))),
        };
        from.end()?;
        Ok(frame)
    }

    fn block(mut from: Decoder<'a>) -> Result<Self, Fault> {
        let (file, index) = (from.u32()?, from.u32()?);
        let parts = many(&mut from, |from| Ok(from.u32()?..from.u32()?))?;
        Ok(Self::Block { file, index, parts, bytes: from.rest() })
    }
}

fn purpose(number: u8) -> Result<Purpose, Fault> {
    match number {
        0 => Ok(Purpose::Copy(PassKind::Live)),
        1 => Ok(Purpose::Copy(PassKind::Final)),
        2 => Ok(Purpose::Verify),
        other => Err(Fault::protocol(format!("a session has the unknown purpose {other}"))),
    }
}

fn many<'a, T>(
    from: &mut Decoder<'a>,
    mut one: impl FnMut(&mut Decoder<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let count = from.count()?;
    (0..count).map(|_| one(from)).collect()
}

/// Reads hashes, as [`Encoder::hashes`] wrote them.
pub(super) fn hashes(from: &mut Decoder<'_>) -> Result<Vec<Hash>, Fault> {
    many(from, |from| {
        let mut hash = Hash::default();
        hash.copy_from_slice(from.take(size_of::<Hash>())?);
        Ok(hash)
    })
}

impl Encoder {
    /// Puts a number of hashes.
    pub(super) fn hashes(&mut self, hashes: &[Hash]) {
        self.count(hashes.len());
        for hash in hashes {
            self.0.extend_from_slice(hash);
        }
    }
}

#[cfg(test)]
mod tests;

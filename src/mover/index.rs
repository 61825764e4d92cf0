//! What was sent, as the sender remembers it between passes: for each file how it looked, the hash of every block, and which of those
//! were never read back. It is a file beside the mover, never in the volume.
//!
//! It is trusted only after a pass that ended: while one is under way it lies there under another name, and whoever finds it so asks
//! the target for hashes instead. Losing it costs reading, never correctness.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::block::{self, Hash, UNKNOWN};
use super::clock::Time;
use super::codec::{Decoder, Encoder};
use super::entry::Kind;
use super::event::FaultKind;
use super::fault::Fault;
use super::frame::hashes;
use super::walk::Seen;

/// The first bytes; the number is that of the format.
const MAGIC: &[u8; 8] = b"KSMOVER1";

/// A file as it was when it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) size: u64,
    pub(super) inode: u64,
    pub(super) modified: Time,
    pub(super) changed: Time,
    pub(super) blocks: Vec<Hash>,
    /// Ascending, and apart from each other.
    pub(super) unverified: Vec<Range<u32>>,
}

impl Record {
    /// Begins one for a file as it looked before it was read.
    pub(super) fn of(seen: &Seen) -> Self {
        let size = if let Kind::File { size, .. } = seen.entry.kind { size } else { 0 };
        let (modified, changed) = (seen.entry.metadata.modified, seen.changed);
        Self { size, inode: seen.inode, modified, changed, blocks: Vec::new(), unverified: Vec::new() }
    }

    /// Says whether a file looks as it did, and everything of it is known.
    pub(super) fn matches(&self, seen: &Seen) -> bool {
        let now = Self::of(seen);
        (now.size, now.inode, now.modified, now.changed) == (self.size, self.inode, self.modified, self.changed)
            && self.blocks.len() == block::count(self.size) as usize
            && !self.blocks.contains(&UNKNOWN)
    }

    /// Takes down that these blocks were sent and not read back.
    pub(super) fn doubt(&mut self, blocks: Range<u32>) {
        let at = self.unverified.partition_point(|range| range.end < blocks.start);
        let mut joined = blocks;
        while let Some(next) = self.unverified.get(at).filter(|next| next.start <= joined.end) {
            joined = joined.start.min(next.start)..joined.end.max(next.end);
            self.unverified.remove(at);
        }
        self.unverified.insert(at, joined);
    }
}

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// When the last pass began.
    pub(super) began: Time,
    /// The directory that it was about: an index of another volume is none.
    pub(super) volume: u64,
    pub(super) records: HashMap<Vec<u8>, Record>,
}

impl Index {
    fn encode(&self) -> Vec<u8> {
        let mut to = Encoder(MAGIC.to_vec());
        to.time(self.began).u64(self.volume).u64(self.records.len() as u64);
        for (path, record) in &self.records {
            to.bytes(path).u64(record.size).u64(record.inode).time(record.modified).time(record.changed);
            to.hashes(&record.blocks);
            to.count(record.unverified.len());
            record.unverified.iter().for_each(|range| _ = to.u32(range.start).u32(range.end));
        }
        let sum = blake3::hash(&to.0);
        to.0.extend_from_slice(sum.as_bytes());
        to.0
    }

    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let damaged = || Fault::new(FaultKind::Io, "the index is damaged");
        let (content, sum) = bytes.split_at_checked(bytes.len().saturating_sub(32)).ok_or_else(damaged)?;
        if blake3::hash(content).as_bytes() != sum {
            return Err(damaged());
        }
        let mut from = Decoder::new(content);
        if from.take(MAGIC.len())? != MAGIC {
            return Err(damaged());
        }
        let mut index = Self { began: from.time()?, volume: from.u64()?, records: HashMap::new() };
        for _ in 0..from.u64()? {
            let path = from.bytes()?.to_vec();
            let mut record = Record { size: from.u64()?, inode: from.u64()?, ..Record::default() };
            record.modified = from.time()?;
            record.changed = from.time()?;
            record.blocks = hashes(&mut from)?;
            for _ in 0..from.count()? {
                record.unverified.push(from.u32()?..from.u32()?);
            }
            index.records.insert(path, record);
        }
        from.end()?;
        Ok(index)
    }
}

/// What was found of an earlier pass.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) index: Index,
    /// Whether the last pass ended: if not, the target may hold more than this knows of.
    pub(super) trusted: bool,
}

/// Where an index is kept; nobody else works with it while this is there.
#[derive(Debug)]
pub(super) struct Shelf {
    path: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Takes the place.
    pub(super) fn at(path: &Path) -> Result<Self, Fault> {
        let lock = beside(path, "lock");
        let file = File::create(&lock).map_err(|error| failed("write", &lock, &error))?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Fault::new(FaultKind::Busy, format!("another mover works with the index {}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    /// Reads what an earlier pass left; a damaged index is as good as none.
    pub(super) fn load(&self, volume: u64) -> Result<Option<Found>, Fault> {
        for (path, trusted) in [(self.path.clone(), true), (beside(&self.path, "open"), false)] {
            match fs::read(&path) {
                Ok(bytes) => {
                    let index = Index::decode(&bytes).ok().filter(|index| index.volume == volume);
                    return Ok(index.map(|index| Found { index, trusted }));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed("read", &path, &error)),
            }
        }
        Ok(None)
    }

    /// Says that a pass began: until it ends, the index is not to be trusted.
    pub(super) fn open(&self) -> Result<(), Fault> {
        let renamed = fs::rename(&self.path, beside(&self.path, "open")).and_then(|()| self.sync());
        match renamed {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            renamed => renamed.map_err(|error| failed("rename", &self.path, &error)),
        }
    }

    /// Writes an index that can be trusted.
    pub(super) fn save(&self, index: &Index) -> Result<(), Fault> {
        let new = beside(&self.path, "new");
        let written = File::create(&new).and_then(|mut file| {
            file.write_all(&index.encode())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            self.sync()?;
            match fs::remove_file(beside(&self.path, "open")) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        });
        written.map_err(|error| failed("write", &self.path, &error))
    }

    fn sync(&self) -> io::Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Fault {
    Fault::new(FaultKind::Io, format!("cannot {doing} the index {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{Index, Record, Shelf};
    use crate::mover::clock::Time;
    use crate::mover::event::FaultKind;

    fn index() -> Index {
        let time = Time { seconds: 5, nanoseconds: 6 };
        let record = Record {
            size: 300_000,
            inode: 12,
            modified: time,
            changed: time,
            blocks: vec![[1; 16], [0; 16], [3; 16]],
            unverified: vec![0..1, 2..3],
        };
        let records = [(b"base/\xff".to_vec(), record), (b"empty".to_vec(), Record::default())].into();
        Index { began: time, volume: 77, records }
    }

    #[test]
    fn an_index_comes_back_and_a_damaged_one_is_none() {
        let bytes = index().encode();
        assert_eq!(Index::decode(&bytes).unwrap(), index());
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Index::decode(&damaged).is_err(), "byte {at}");
        }
        assert!(Index::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Index::decode(b"").is_err());
    }

    #[test]
    fn it_is_trusted_only_after_a_pass_that_ended() {
        let place = tempfile::TempDir::new().unwrap();
        let path = place.path().join("index");
        let shelf = Shelf::at(&path).unwrap();
        assert!(shelf.load(77).unwrap().is_none());
        shelf.open().unwrap();
        shelf.save(&index()).unwrap();
        let found = shelf.load(77).unwrap().unwrap();
        assert!(found.trusted && found.index == index());
        assert!(shelf.load(78).unwrap().is_none(), "another volume");
        shelf.open().unwrap();
        assert!(!shelf.load(77).unwrap().unwrap().trusted);
        shelf.save(&index()).unwrap();
        assert!(shelf.load(77).unwrap().unwrap().trusted);
        assert_eq!(Shelf::at(&path).unwrap_err().kind, FaultKind::Busy);
    }

    #[test]
    fn doubts_are_joined() {
        let mut record = Record::default();
        for blocks in [5..6, 1..2, 9..12, 2..3, 6..9] {
            record.doubt(blocks);
        }
        assert_eq!(record.unverified, [1..3, 5..12]);
        record.doubt(0..20);
        assert_eq!((record.unverified.len(), record.unverified[0].clone()), (1, 0..20));
    }
}

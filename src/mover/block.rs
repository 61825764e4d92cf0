//! Files as blocks of one size: what is hashed, compared, sent and read back. A block that is a hole is known without reading it.

use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// Small enough that a dirty page costs little to send, large enough that a terabyte has eight million of them: 128 MiB of hashes.
pub(super) const SIZE: u32 = 128 * 1024;
/// How many blocks are one piece of work: 64 MiB, so that one large file keeps every connection busy.
pub(super) const UNIT: u32 = 512;

/// The first half of a BLAKE3 hash.
pub(super) type Hash = [u8; 16];

/// Stands for a block that is a hole; it reads as zeros.
pub(super) const HOLE: Hash = [0; 16];
/// Stands for a block of which nothing is known, so that it is sent whatever it holds.
pub(super) const UNKNOWN: Hash = [0xff; 16];

/// Hashes a block's contents.
pub(super) fn hash(contents: &[u8]) -> Hash {
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(contents).as_bytes()[..16]);
    half
}

/// Gives the number of blocks of a file.
pub(super) fn count(size: u64) -> u32 {
    u32::try_from(size.div_ceil(SIZE.into())).unwrap_or(u32::MAX)
}

/// Gives where a block begins.
pub(super) fn offset(index: u32) -> u64 {
    u64::from(index) * u64::from(SIZE)
}

/// Gives the length of a block of a file; the last one is shorter.
pub(super) fn length(size: u64, index: u32) -> usize {
    usize::try_from(size.saturating_sub(offset(index)).min(SIZE.into())).unwrap_or_default()
}

/// A stretch of an open file, with its holes.
#[derive(Debug)]
pub(super) struct Stretch<'f> {
    file: &'f OwnedFd,
    size: u64,
    data: Vec<Range<u64>>,
}

/// What a block was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    Hole,
    /// The parts of the block that are not holes.
    Data(Vec<Range<u32>>),
    /// The file ended before the block did.
    Short,
}

impl<'f> Stretch<'f> {
    /// Finds the holes of these blocks of a file that is taken to be of this size.
    pub(super) fn of(file: &'f OwnedFd, size: u64, blocks: Range<u32>) -> Result<Self, Errno> {
        let end = offset(blocks.end).min(size);
        let mut data = Vec::new();
        let mut at = offset(blocks.start);
        while at < end {
            let start = match rustix::fs::seek(file, SeekFrom::Data(at)) {
                // Nothing but a hole up to the end of the file.
                Err(Errno::NXIO) => break,
                start => start?,
            };
            let stop = rustix::fs::seek(file, SeekFrom::Hole(start))?;
            if start >= end || stop <= start {
                break;
            }
            data.push(start..stop.min(end));
            at = stop;
        }
        Ok(Self { file, size, data })
    }

    /// Reads a block; holes in it are zeros in the buffer, which is left alone if all of the block is one.
    pub(super) fn read(&self, index: u32, buffer: &mut Vec<u8>) -> Result<Contents, Errno> {
        let (start, length) = (offset(index), length(self.size, index));
        let end = start + length as u64;
        let first = self.data.partition_point(|range| range.end <= start);
        if self.data.get(first).is_none_or(|range| range.start >= end) {
            return Ok(Contents::Hole);
        }
        buffer.clear();
        buffer.resize(length, 0);
        let mut parts = Vec::new();
        for range in self.data[first..].iter().take_while(|range| range.start < end) {
            let part = within(start, range.start.max(start))..within(start, range.end.min(end));
            let into = &mut buffer[part.start as usize..part.end as usize];
            if !fill(self.file, into, start + u64::from(part.start))? {
                return Ok(Contents::Short);
            }
            parts.push(part);
        }
        Ok(Contents::Data(parts))
    }

    /// Gives the hash by which a block is known; `UNKNOWN` if the file ends before it.
    pub(super) fn hash(&self, index: u32, buffer: &mut Vec<u8>) -> Result<Hash, Errno> {
        Ok(match self.read(index, buffer)? {
            Contents::Hole => HOLE,
            Contents::Data(_) => hash(buffer),
            Contents::Short => UNKNOWN,
        })
    }
}

fn within(start: u64, at: u64) -> u32 {
    u32::try_from(at - start).unwrap_or(SIZE)
}

/// Reads until the buffer is full; says whether the file had that much.
fn fill(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<bool, Errno> {
    let mut done = 0;
    while done < buffer.len() {
        match rustix::io::pread(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => return Ok(false),
            Ok(read) => done += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::FileExt;

    use super::{Contents, HOLE, SIZE, Stretch, UNKNOWN, count, hash, length};

    #[test]
    fn blocks_cover_a_file_exactly() {
        for size in [0, 1, u64::from(SIZE) - 1, SIZE.into(), u64::from(SIZE) + 1, 10 * u64::from(SIZE) + 7] {
            let lengths: u64 = (0..count(size)).map(|index| length(size, index) as u64).sum();
            assert_eq!(lengths, size);
            assert!(size == 0 || length(size, count(size) - 1) > 0);
        }
    }

    #[test]
    fn holes_are_known_without_reading_and_missing_ends_are_noticed() {
        let file = tempfile::tempfile().unwrap();
        let size = 4 * u64::from(SIZE) + 100;
        file.set_len(size).unwrap();
        file.write_all_at(b"x", u64::from(SIZE) + 5).unwrap();
        let file: OwnedFd = file.into();
        let stretch = Stretch::of(&file, size, 0..5).unwrap();
        let mut buffer = Vec::new();
        assert_eq!(stretch.hash(0, &mut buffer).unwrap(), HOLE);
        let Contents::Data(parts) = stretch.read(1, &mut buffer).unwrap() else { panic!("no data") };
        assert!(parts[0].contains(&5));
        assert_eq!((buffer.len(), buffer[5]), (SIZE as usize, b'x'));
        assert_eq!(stretch.hash(1, &mut buffer).unwrap(), hash(&buffer));
        assert_eq!(stretch.hash(4, &mut buffer).unwrap(), HOLE);
        rustix::fs::ftruncate(&file, u64::from(SIZE) + 6).unwrap();
        assert_eq!(stretch.hash(1, &mut buffer).unwrap(), UNKNOWN);
    }
}

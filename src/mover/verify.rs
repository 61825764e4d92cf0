//! Lets the receiver read back what was sent, and compares it with the hashes of what was read here. The source is not read.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::block::{self, UNIT, UNKNOWN};
use super::channel::{Channel, unexpected};
use super::copy::died;
use super::fault::Fault;
use super::frame::{Frame, Portion};
use super::index::Record;
use super::order::Extent;

/// How many small files one message names.
const PORTIONS: usize = 256;

/// What reading back found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) bytes: u64,
    /// Blocks that differ; they are marked as unknown, so that they are sent again.
    pub(super) different_blocks: u64,
    pub(super) different_files: u64,
}

/// Blocks of one file that are verified at once; the hashes stay where they are until they are sent.
#[derive(Clone, Debug)]
struct Piece<'r> {
    path: &'r [u8],
    record: &'r Record,
    blocks: Range<u32>,
}

impl Piece<'_> {
    fn length(&self) -> u64 {
        self.blocks.clone().map(|index| block::length(self.record.size, index) as u64).sum()
    }

    fn portion(&self) -> Portion {
        let hashes = self.record.blocks[self.blocks.start as usize..self.blocks.end as usize].to_vec();
        Portion { path: self.path.to_vec(), size: self.record.size, first: self.blocks.start, hashes }
    }
}

/// Verifies records, marks in them what was found, and counts bytes while it goes on.
pub(super) fn verify(
    channels: &mut [Channel],
    records: &mut HashMap<Vec<u8>, Record>,
    extent: Extent,
    bytes: &AtomicU64,
) -> Result<Verified, Fault> {
    let batches = batches(records, extent);
    let (next, different) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let results: Vec<Result<(), Fault>> = std::thread::scope(|scope| {
        let workers: Vec<_> = channels
            .iter_mut()
            .map(|channel| {
                let (batches, next, different) = (&batches, &next, &different);
                scope.spawn(move || {
                    while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let found = ask(channel, batch)?;
                        different.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                        bytes.fetch_add(batch.iter().map(Piece::length).sum(), Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(died()))).collect()
    });
    results.into_iter().collect::<Result<(), Fault>>()?;
    let all = batches.iter().flatten().map(Piece::length).sum();
    Ok(note(records, all, different.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Says how much there is to verify: files and bytes.
pub(super) fn amount(records: &HashMap<Vec<u8>, Record>, extent: Extent) -> (u64, u64) {
    let files = records.values().filter(|record| extent == Extent::Full || !record.unverified.is_empty()).count();
    (files as u64, batches(records, extent).iter().flatten().map(Piece::length).sum())
}

fn batches(records: &HashMap<Vec<u8>, Record>, extent: Extent) -> Vec<Vec<Piece<'_>>> {
    let mut batches: Vec<Vec<Piece<'_>>> = Vec::new();
    let mut room = 0;
    for (path, record) in records {
        let whole = vec![Range { start: 0, end: u32::try_from(record.blocks.len()).unwrap_or(u32::MAX) }];
        let ranges = if extent == Extent::Full { &whole } else { &record.unverified };
        for range in ranges {
            for first in range.clone().step_by(UNIT as usize) {
                let blocks = first..(first + UNIT).min(range.end);
                let length = blocks.len();
                let piece = Piece { path, record, blocks };
                if let Some(batch) = batches.last_mut().filter(|batch| batch.len() < PORTIONS && length <= room) {
                    batch.push(piece);
                } else {
                    batches.push(vec![piece]);
                    room = UNIT as usize;
                }
                room -= length;
            }
        }
    }
    batches
}

fn ask(channel: &mut Channel, batch: &[Piece<'_>]) -> Result<Vec<(Vec<u8>, u32)>, Fault> {
    channel.send(&Frame::Verify(batch.iter().map(Piece::portion).collect()))?;
    let different = match channel.receive()? {
        Frame::Verified(different) => different,
        other => return Err(unexpected(&other)),
    };
    let named = |(piece, block): (u32, u32)| {
        let piece = batch.get(piece as usize).ok_or_else(|| Fault::protocol("a file that was not named differs"))?;
        Ok((piece.path.to_vec(), block))
    };
    different.into_iter().map(named).collect()
}

/// Either extent covers everything that was in doubt, so that only what differs is left in it.
fn note(records: &mut HashMap<Vec<u8>, Record>, bytes: u64, different: Vec<(Vec<u8>, u32)>) -> Verified {
    for record in records.values_mut() {
        record.unverified.clear();
    }
    let mut verified = Verified { bytes, ..Verified::default() };
    let mut files = HashSet::new();
    for (path, index) in different {
        if let Some(record) = records.get_mut(&path)
            && let Some(hash) = record.blocks.get_mut(index as usize)
        {
            *hash = UNKNOWN;
            verified.different_blocks += 1;
            verified.bytes = verified.bytes.saturating_sub(block::length(record.size, index) as u64);
            record.doubt(index..index + 1);
            files.insert(path);
        }
    }
    verified.different_files = files.len() as u64;
    verified
}

//! Reads files that may have changed, and sends the blocks that did, over several connections at once.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::block::{self, Contents, HOLE, Hash, Stretch, UNIT, UNKNOWN};
use super::channel::{Channel, unexpected};
use super::entry::Kind;
use super::event::FaultKind;
use super::fault::{Fault, Shown};
use super::frame::Frame;
use super::order::PassKind;
use super::progress::Tally;
use super::root::Root;
use super::throttle::Throttle;
use super::walk::Seen;

/// What the target is known to hold of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Nothing but a hole: the file was just made.
    Nothing,
    /// Something; the target has to be asked.
    Ask,
    /// Blocks with these hashes; beyond them nothing is known.
    Known(Vec<Hash>),
}

/// A file to read.
#[derive(Debug)]
pub(super) struct Task<'a> {
    /// Its place in the listing.
    pub(super) at: u32,
    pub(super) seen: &'a Seen,
    pub(super) basis: Basis,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) blocks: Vec<Hash>,
    /// Which blocks were sent.
    pub(super) sent: Vec<Range<u32>>,
    /// Whether it vanished or changed its looks while it was read.
    pub(super) unsettled: bool,
}

impl Task<'_> {
    pub(super) fn size(&self) -> u64 {
        if let Kind::File { size, .. } = self.seen.entry.kind { size } else { 0 }
    }

    fn path(&self) -> &[u8] {
        &self.seen.entry.path
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Copy<'a> {
    pub(super) root: &'a Root,
    pub(super) care: PassKind,
    pub(super) throttle: &'a Throttle,
    pub(super) tally: &'a Tally,
}

struct Unit {
    task: usize,
    blocks: Range<u32>,
}

impl Copy<'_> {
    /// Copies files; gives what became of each, in the same order.
    pub(super) fn run(&self, channels: &mut [Channel], tasks: &[Task<'_>]) -> Result<Vec<Copied>, Fault> {
        let mut copied = vec![Copied::default(); tasks.len()];
        let mut units = Vec::new();
        let mut open = Vec::new();
        for (number, (task, copied)) in tasks.iter().zip(&mut copied).enumerate() {
            let count = block::count(task.size());
            copied.blocks = vec![UNKNOWN; count as usize];
            open.push(AtomicU32::new(count.div_ceil(UNIT)));
            let starts = (0..count).step_by(UNIT as usize);
            units.extend(starts.map(|first| Unit { task: number, blocks: first..(first + UNIT).min(count) }));
            self.tally.files.fetch_add(u64::from(count == 0), Ordering::Relaxed);
        }
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let results = std::thread::scope(|scope| {
            let workers: Vec<_> = channels
                .iter_mut()
                .map(|channel| {
                    let (units, open, next, stop) = (&units, &open, &next, &stop);
                    scope.spawn(move || {
                        let done = self.work(channel, tasks, units, open, next, stop);
                        stop.fetch_or(done.is_err(), Ordering::Relaxed);
                        done
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(died()))).collect::<Vec<_>>()
        });
        for result in results {
            for (unit, part) in result? {
                let Unit { task, blocks } = &units[unit];
                let into = &mut copied[*task];
                into.blocks[blocks.start as usize..blocks.end as usize].copy_from_slice(&part.blocks);
                into.sent.extend(part.sent);
                into.unsettled |= part.unsettled;
            }
        }
        Ok(copied)
    }

    fn work(
        &self,
        channel: &mut Channel,
        tasks: &[Task<'_>],
        units: &[Unit],
        open: &[AtomicU32],
        next: &AtomicUsize,
        stop: &AtomicBool,
    ) -> Result<Vec<(usize, Copied)>, Fault> {
        let root = self.root.another();
        let (mut done, mut buffer) = (Vec::new(), Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = units.get(number) else { break };
            let task = &tasks[unit.task];
            done.push((number, self.unit(&root, channel, task, unit.blocks.clone(), &mut buffer, stop)?));
            let last = open[unit.task].fetch_sub(1, Ordering::Relaxed) == 1;
            self.tally.files.fetch_add(u64::from(last), Ordering::Relaxed);
        }
        channel.send(&Frame::Written)?;
        match channel.receive()? {
            Frame::Written => Ok(done),
            other => Err(unexpected(&other)),
        }
    }

    fn unit(
        &self,
        root: &Root,
        channel: &mut Channel,
        task: &Task<'_>,
        blocks: Range<u32>,
        buffer: &mut Vec<u8>,
        stop: &AtomicBool,
    ) -> Result<Copied, Fault> {
        let mut part = Copied { blocks: vec![UNKNOWN; blocks.len()], ..Copied::default() };
        let failed = |errno| Fault::at("read", task.path(), errno);
        let (file, found) = match root.file(task.path(), OFlags::RDONLY) {
            Err(Errno::NOENT | Errno::NXIO | Errno::LOOP | Errno::NOTDIR) => {
                self.unsettle(task, &mut part)?;
                return Ok(part);
            }
            opened => opened.map_err(failed)?,
        };
        if (found.stx_size, found.stx_ino) != (task.size(), task.seen.inode) {
            self.unsettle(task, &mut part)?;
        }
        let stretch = Stretch::of(&file, task.size(), blocks.clone()).map_err(failed)?;
        let known = known(channel, task, &blocks)?;
        let mut holes = blocks.start..blocks.start;
        for (number, index) in blocks.enumerate() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let before = known.get(number).copied();
            let contents = stretch.read(index, buffer).map_err(failed)?;
            let length = block::length(task.size(), index);
            self.tally.bytes.fetch_add(length as u64, Ordering::Relaxed);
            let parts = match contents {
                Contents::Short => {
                    self.unsettle(task, &mut part)?;
                    continue;
                }
                Contents::Hole => {
                    part.blocks[number] = HOLE;
                    if before.is_some_and(|before| before != HOLE) {
                        send_holes(channel, task, &mut part, &mut holes, index)?;
                    }
                    continue;
                }
                Contents::Data(parts) => parts,
            };
            self.tally.read.fetch_add(length as u64, Ordering::Relaxed);
            self.throttle.pay(length);
            part.blocks[number] = block::hash(buffer);
            if before != Some(part.blocks[number]) {
                let sent = send_block(channel, task, index, parts, buffer)?;
                self.tally.sent.fetch_add(sent, Ordering::Relaxed);
                extend(&mut part.sent, index);
            }
        }
        send_rest(channel, task, &holes)?;
        Ok(part)
    }

    /// In use, a file that vanishes or changes its size is for the next pass; afterwards it means that somebody still writes.
    fn unsettle(&self, task: &Task<'_>, part: &mut Copied) -> Result<(), Fault> {
        part.unsettled = true;
        match self.care {
            PassKind::Live => Ok(()),
            PassKind::Final => Err(changing(task.path())),
        }
    }
}

/// Somebody writes although nobody should.
pub(super) fn changing(path: &[u8]) -> Fault {
    let message = format!("{} changes although every writer should have stopped", Shown(path));
    Fault::new(FaultKind::Changing, message)
}

/// A thread ended in a way that it should not.
pub(super) fn died() -> Fault {
    Fault::new(FaultKind::Io, "a part of the mover ended unexpectedly")
}

fn known(channel: &mut Channel, task: &Task<'_>, blocks: &Range<u32>) -> Result<Vec<Hash>, Fault> {
    match &task.basis {
        Basis::Nothing => Ok(vec![HOLE; blocks.len()]),
        Basis::Known(hashes) => {
            let known = |index| hashes.get(index as usize).copied().unwrap_or(UNKNOWN);
            Ok(blocks.clone().map(known).collect())
        }
        Basis::Ask => {
            channel.send(&Frame::Ask { file: task.at, blocks: blocks.clone() })?;
            match channel.receive()? {
                Frame::Hashes(hashes) if hashes.len() == blocks.len() => Ok(hashes),
                other => Err(unexpected(&other)),
            }
        }
    }
}

fn extend(ranges: &mut Vec<Range<u32>>, index: u32) {
    match ranges.last_mut() {
        Some(last) if last.end == index => last.end += 1,
        _ => ranges.push(index..index + 1),
    }
}

/// Takes down another hole, and sends those before it if it does not follow them.
fn send_holes(
    channel: &mut Channel,
    task: &Task<'_>,
    part: &mut Copied,
    holes: &mut Range<u32>,
    index: u32,
) -> Result<(), Fault> {
    extend(&mut part.sent, index);
    if holes.start < holes.end && holes.end == index {
        holes.end += 1;
        return Ok(());
    }
    send_rest(channel, task, holes)?;
    *holes = index..index + 1;
    Ok(())
}

fn send_rest(channel: &mut Channel, task: &Task<'_>, holes: &Range<u32>) -> Result<(), Fault> {
    if holes.start < holes.end { channel.send(&Frame::Holes { file: task.at, blocks: holes.clone() }) } else { Ok(()) }
}

fn send_block(
    channel: &mut Channel,
    task: &Task<'_>,
    index: u32,
    parts: Vec<Range<u32>>,
    buffer: &mut [u8],
) -> Result<u64, Fault> {
    if channel.interrupted() {
        return Err(match channel.receive() {
            Ok(frame) => unexpected(&frame),
            Err(fault) => fault,
        });
    }
    // What is a hole between them is not sent.
    let mut length = 0;
    for part in &parts {
        buffer.copy_within(part.start as usize..part.end as usize, length);
        length += part.len();
    }
    channel.send(&Frame::Block { file: task.at, index, parts, bytes: &buffer[..length] })?;
    Ok(length as u64)
}

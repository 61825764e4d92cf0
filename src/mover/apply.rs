//! Blocks written where they belong. A file is only ever written within the size that the listing gave it.

use std::collections::HashSet;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rustix::fs::{FallocateFlags, OFlags};
use rustix::io::Errno;

use super::block::{self, SIZE, Stretch};
use super::channel::{Channel, unexpected};
use super::check::read_back;
use super::fault::{Fault, Shown};
use super::frame::Frame;
use super::listing::Listing;
use super::root::Root;
use super::session::Session;

/// The file that was written to last; the next block is mostly for it too.
struct Open {
    at: u32,
    file: OwnedFd,
    size: u64,
    path: Vec<u8>,
}

/// Serves one of the sender's connections until the sender closes it.
pub(super) fn serve(channel: &mut Channel, session: &Session) -> Result<(), Fault> {
    let listing = session.listing()?;
    let root = session.root.another();
    let mut open = None;
    let mut touched = HashSet::new();
    loop {
        let answer = match channel.receive()? {
            Frame::Block { file, index, parts, bytes } => {
                touched.insert(file);
                let open = opened(&mut open, &root, listing, file)?;
                write(open, index, &parts, bytes)?;
                session.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                continue;
            }
            Frame::Holes { file, blocks } => {
                touched.insert(file);
                punch(opened(&mut open, &root, listing, file)?, &blocks)?;
                continue;
            }
            Frame::Ask { file, blocks } => {
                // It may be the one that is open for writing; it is read through a view of its own.
                Frame::Hashes(hashes(&root, listing, file, blocks)?)
            }
            Frame::Verify(portions) => Frame::Verified(read_back(&root, &portions)?),
            Frame::Written => {
                open = None;
                session.touched.lock().unwrap_or_else(PoisonError::into_inner).extend(touched.drain());
                Frame::Written
            }
            Frame::Bye => return Ok(()),
            other => return Err(unexpected(&other)),
        };
        channel.send(&answer)?;
        channel.flush()?;
    }
}

fn opened<'o>(open: &'o mut Option<Open>, root: &Root, listing: &Listing, at: u32) -> Result<&'o Open, Fault> {
    if open.as_ref().is_some_and(|open| open.at != at) {
        *open = None;
    }
    if open.is_none() {
        let (entry, size) = listing.file(at)?;
        let (file, _) =
            root.file(&entry.path, OFlags::WRONLY).map_err(|errno| Fault::at("write to", &entry.path, errno))?;
        *open = Some(Open { at, file, size, path: entry.path.clone() });
    }
    open.as_ref().ok_or_else(|| Fault::protocol("no file is open"))
}

fn outside(open: &Open) -> Fault {
    Fault::protocol(format!("a block of {} lies outside of it", Shown(&open.path)))
}

fn write(open: &Open, index: u32, parts: &[Range<u32>], bytes: &[u8]) -> Result<(), Fault> {
    let failed = |errno| Fault::at("write to", &open.path, errno);
    let length = u32::try_from(block::length(open.size, index)).unwrap_or(SIZE);
    let start = block::offset(index);
    let (mut at, mut rest) = (0, bytes);
    for part in parts {
        if part.start < at || part.end <= part.start || part.end > length {
            return Err(outside(open));
        }
        let (now, later) = rest.split_at_checked(part.len()).ok_or_else(|| outside(open))?;
        clear(open, start + u64::from(at), part.start - at)?;
        pwrite(&open.file, now, start + u64::from(part.start)).map_err(failed)?;
        (at, rest) = (part.end, later);
    }
    if !rest.is_empty() {
        return Err(outside(open));
    }
    clear(open, start + u64::from(at), length - at)
}

fn pwrite(file: &OwnedFd, bytes: &[u8], offset: u64) -> Result<(), Errno> {
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::pwrite(file, &bytes[done..], offset + done as u64) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => done += written,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn punch(open: &Open, blocks: &Range<u32>) -> Result<(), Fault> {
    if blocks.start >= blocks.end || blocks.end > block::count(open.size) {
        return Err(outside(open));
    }
    let mut at = block::offset(blocks.start);
    let end = block::offset(blocks.end).min(open.size);
    while at < end {
        let length = u32::try_from(end - at).unwrap_or(u32::MAX);
        clear(open, at, length)?;
        at += u64::from(length);
    }
    Ok(())
}

/// Makes a part of a file a hole, or zeros where the file system knows no holes.
fn clear(open: &Open, offset: u64, length: u32) -> Result<(), Fault> {
    if length == 0 {
        return Ok(());
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let cleared = match rustix::fs::fallocate(&open.file, flags, offset, length.into()) {
        Err(Errno::OPNOTSUPP) => zeros(&open.file, offset, length),
        cleared => cleared,
    };
    cleared.map_err(|errno| Fault::at("write to", &open.path, errno))
}

fn zeros(file: &OwnedFd, offset: u64, length: u32) -> Result<(), Errno> {
    let block = vec![0; SIZE as usize];
    let mut done = 0;
    while done < length {
        let now = (length - done).min(SIZE);
        pwrite(file, &block[..now as usize], offset + u64::from(done))?;
        done += now;
    }
    Ok(())
}

fn hashes(root: &Root, listing: &Listing, file: u32, blocks: Range<u32>) -> Result<Vec<block::Hash>, Fault> {
    let (entry, size) = listing.file(file)?;
    let failed = |errno| Fault::at("read", &entry.path, errno);
    if blocks.start >= blocks.end || blocks.end > block::count(size) || blocks.len() > block::UNIT as usize {
        return Err(Fault::protocol(format!("hashes of {} are asked for outside of it", Shown(&entry.path))));
    }
    let (file, _) = root.file(&entry.path, OFlags::RDONLY).map_err(failed)?;
    let stretch = Stretch::of(&file, size, blocks.clone()).map_err(failed)?;
    let mut buffer = Vec::new();
    blocks.map(|index| stretch.hash(index, &mut buffer).map_err(failed)).collect()
}

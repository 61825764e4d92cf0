//! What lies on the target, looked at once more: blocks read back from the disk, and the tree against the listing.

use std::num::NonZeroU64;

use rustix::fs::{Advice, OFlags};
use rustix::io::Errno;

use super::block::{self, HOLE, Stretch, UNKNOWN};
use super::entry::{Entry, Kind};
use super::fault::{Fault, Shown};
use super::frame::Portion;
use super::listing::Listing;
use super::root::Root;
use super::walk::{Vanishing, link, walk};

/// How many differences are put into words.
const EXAMPLES: usize = 10;

/// Reads blocks from the disk rather than from memory, and gives those that are not as they should be, as portion and block.
pub(super) fn read_back(root: &Root, portions: &[Portion]) -> Result<Vec<(u32, u32)>, Fault> {
    let mut different = Vec::new();
    for (number, portion) in (0_u32..).zip(portions) {
        let end = portion.first.saturating_add(u32::try_from(portion.hashes.len()).unwrap_or(u32::MAX));
        if end > block::count(portion.size) {
            return Err(Fault::protocol(format!("{} is to be read back beyond its end", Shown(&portion.path))));
        }
        match differing(root, portion, end) {
            Ok(blocks) => different.extend(blocks.into_iter().map(|block| (number, block))),
            // Not there, or something else: none of it is as it should be.
            Err(Errno::NOENT | Errno::NXIO | Errno::LOOP | Errno::NOTDIR) => {
                different.extend((portion.first..end).map(|block| (number, block)));
            }
            Err(errno) => return Err(Fault::at("read back", &portion.path, errno)),
        }
    }
    Ok(different)
}

fn differing(root: &Root, portion: &Portion, end: u32) -> Result<Vec<u32>, Errno> {
    let (file, found) = root.file(&portion.path, OFlags::RDONLY)?;
    if found.stx_size != portion.size {
        return Ok((portion.first..end).collect());
    }
    let start = block::offset(portion.first);
    let length = block::offset(end).min(portion.size) - start;
    // Only what is written can be dropped from memory.
    rustix::fs::fdatasync(&file)?;
    rustix::fs::fadvise(&file, start, NonZeroU64::new(length), Advice::DontNeed)?;
    let stretch = Stretch::of(&file, portion.size, portion.first..end)?;
    let mut buffer = Vec::new();
    let mut different = Vec::new();
    for (index, expected) in (portion.first..).zip(&portion.hashes) {
        let found = stretch.hash(index, &mut buffer)?;
        let length = block::length(portion.size, index);
        // Hashing zeros is for the rare case in which one side has a hole and the other has not.
        let equal = found == *expected || plain(found, length) == plain(*expected, length);
        if found == UNKNOWN || !equal {
            different.push(index);
        }
    }
    Ok(different)
}

/// A hole and a block of zeros read the same, and a file system may have made one of the other.
fn plain(hash: block::Hash, length: usize) -> block::Hash {
    if hash == HOLE { block::hash(&vec![0; length]) } else { hash }
}

/// Compares the whole tree with the listing: how many entries differ, and the first of them in words.
pub(super) fn listings(root: &Root, listing: &Listing) -> Result<(u64, Vec<String>), Fault> {
    let mut there = walk(root, Vanishing::Fault)?;
    link(&mut there);
    let mut differences = Vec::new();
    let mut found = there.iter().map(|seen| &seen.entry).peekable();
    let name = |entries: &dyn Fn(u32) -> Vec<u8>, entry: &Entry| match entry.kind {
        Kind::File { leader: Some(leader), .. } => Some(entries(leader)),
        Kind::File { leader: None, .. }
        | Kind::Directory
        | Kind::Symlink { .. }
        | Kind::Fifo
        | Kind::Device { .. }
        | Kind::Socket => None,
    };
    let on_source = |at: u32| listing.entries()[at as usize].path.clone();
    let on_target = |at: u32| there[at as usize].entry.path.clone();
    for wanted in listing.entries() {
        while let Some(extra) = found.next_if(|entry| entry.path < wanted.path) {
            differences.push(format!("{}: not on the source", Shown(&extra.path)));
        }
        let Some(entry) = found.next_if(|entry| entry.path == wanted.path) else {
            differences.push(format!("{}: missing", Shown(&wanted.path)));
            continue;
        };
        let linked = name(&on_source, wanted) == name(&on_target, entry);
        if let Some(what) = difference(wanted, entry, linked) {
            differences.push(format!("{}: {what}", Shown(&wanted.path)));
        }
    }
    differences.extend(found.map(|extra| format!("{}: not on the source", Shown(&extra.path))));
    let count = differences.len() as u64;
    differences.truncate(EXAMPLES);
    Ok((count, differences))
}

fn difference(wanted: &Entry, found: &Entry, linked: bool) -> Option<&'static str> {
    match (&wanted.kind, &found.kind) {
        (Kind::File { size, .. }, Kind::File { size: other, .. }) if size != other => return Some("size"),
        (Kind::File { .. }, Kind::File { .. }) if !linked => return Some("hard link"),
        (Kind::File { .. }, Kind::File { .. }) => {}
        (kind, other) if kind != other => return Some("kind"),
        _ => {}
    }
    wanted.metadata.difference(&found.metadata)
}

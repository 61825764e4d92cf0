//! Everything that a volume holds, in the order of its paths, so that a directory comes before what is in it.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{Dir, FileType, Statx};
use rustix::io::Errno;

use super::attribute;
use super::clock::Time;
use super::entry::{Entry, Kind, Metadata};
use super::event::FaultKind;
use super::fault::{Fault, Shown};
use super::root::{Root, file_type, stat};

/// Belongs to the file system, not to its contents.
const LOST_AND_FOUND: &[u8] = b"lost+found";

/// What to make of an entry that is gone when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vanishing {
    /// The volume is in use.
    Allowed,
    /// Nobody should have written to it.
    Fault,
}

/// An entry with what only its own file system knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) entry: Entry,
    pub(super) inode: u64,
    pub(super) changed: Time,
    /// How many names the inode has.
    pub(super) names: u32,
    /// What it takes on its file system.
    pub(super) allocated: u64,
}

/// Lists a volume.
pub(super) fn walk(root: &Root, vanishing: Vanishing) -> Result<Vec<Seen>, Fault> {
    let own = look(root.own(), b".", &[]).map_err(|errno| Fault::at("look at", b"", errno))?;
    let mut seen = vec![own];
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        match names(root, &path) {
            Ok((directory, names)) => {
                for name in names {
                    let full = if path.is_empty() { name.clone() } else { [&path, b"/".as_slice(), &name].concat() };
                    enter(root, &directory, &name, full, vanishing, &mut seen, &mut waiting)?;
                }
            }
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if vanishing == Vanishing::Allowed => {}
            Err(Errno::NOENT) => return Err(gone(&path)),
            Err(errno) => return Err(Fault::at("list", &path, errno)),
        }
    }
    seen.sort_unstable_by(|one, other| one.entry.path.cmp(&other.entry.path));
    Ok(seen)
}

fn gone(path: &[u8]) -> Fault {
    Fault::new(FaultKind::Changing, format!("{} vanished although nobody should write to the volume", Shown(path)))
}

fn names(root: &Root, path: &[u8]) -> Result<(std::sync::Arc<OwnedFd>, Vec<Vec<u8>>), Errno> {
    let directory = root.directory(path)?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok((directory, names))
}

fn enter(
    root: &Root,
    directory: &OwnedFd,
    name: &[u8],
    path: Vec<u8>,
    vanishing: Vanishing,
    seen: &mut Vec<Seen>,
    waiting: &mut Vec<Vec<u8>>,
) -> Result<(), Fault> {
    let found = match stat(directory, name) {
        Err(Errno::NOENT) if vanishing == Vanishing::Allowed => return Ok(()),
        Err(Errno::NOENT) => return Err(gone(&path)),
        found => found.map_err(|errno| Fault::at("look at", &path, errno))?,
    };
    if !root.holds(&found) {
        let message = format!("{} is a mount point: another file system is not copied along", Shown(&path));
        return Err(Fault::new(FaultKind::Unsupported, message));
    }
    if path == LOST_AND_FOUND && file_type(&found) == FileType::Directory {
        return Ok(());
    }
    match seen_as(directory, name, &path, &found) {
        Ok(one) => {
            if one.entry.kind == Kind::Directory {
                waiting.push(path);
            }
            seen.push(one);
            Ok(())
        }
        Err(Errno::NOENT) if vanishing == Vanishing::Allowed => Ok(()),
        Err(errno) => Err(Fault::at("read the attributes of", &path, errno)),
    }
}

/// Looks at one entry of a directory.
pub(super) fn look(directory: &OwnedFd, name: &[u8], path: &[u8]) -> Result<Seen, Errno> {
    seen_as(directory, name, path, &stat(directory, name)?)
}

fn seen_as(directory: &OwnedFd, name: &[u8], path: &[u8], found: &Statx) -> Result<Seen, Errno> {
    let is_link = file_type(found) == FileType::Symlink;
    let target = if is_link { rustix::fs::readlinkat(directory, name, Vec::new())?.into_bytes() } else { Vec::new() };
    let kind = Kind::of(found, target).ok_or(Errno::OPNOTSUPP)?;
    let metadata = Metadata::of(found, attribute::read(directory, name)?);
    Ok(Seen {
        entry: Entry { path: path.to_vec(), kind, metadata },
        inode: found.stx_ino,
        changed: Time { seconds: found.stx_ctime.tv_sec, nanoseconds: found.stx_ctime.tv_nsec },
        names: found.stx_nlink,
        // The kernel counts in 512 bytes whatever the file system's blocks are.
        allocated: found.stx_blocks.saturating_mul(512),
    })
}

/// Lets every further name of a file point to its first.
pub(super) fn link(seen: &mut [Seen]) {
    let mut first: HashMap<u64, u32> = HashMap::new();
    for (at, one) in (0_u32..).zip(seen) {
        if let Kind::File { leader, .. } = &mut one.entry.kind
            && one.names > 1
        {
            match first.get(&one.inode) {
                Some(of) => *leader = Some(*of),
                None => _ = first.insert(one.inode, at),
            }
        }
    }
}

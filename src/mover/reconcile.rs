//! The target's tree brought into the shape of the source's: what is too much goes, what is missing is made, empty. Contents come after.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dev, FileType, Gid, Mode, OFlags, makedev};
use rustix::io::Errno;

use super::entry::{Entry, Kind, Node};
use super::event::FaultKind;
use super::fault::{Fault, Shown};
use super::frame::Had;
use super::listing::Listing;
use super::metadata::chmod;
use super::root::Root;
use super::walk::Seen;

/// Whoever is no superuser has to be let in to its own files first; their modes are set at the end.
const OWN_FILE: u32 = 0o600;
const OWN_DIRECTORY: u32 = 0o700;

/// What the tree was like.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Files that were there already.
    pub(super) had: Vec<Had>,
    /// Entries that had to go.
    pub(super) removed: u64,
}

/// Refuses owners that this process cannot give files to, before anything is written.
pub(super) fn owners(listing: &Listing) -> Result<(), Fault> {
    let own = rustix::process::geteuid();
    if own.is_root() {
        return Ok(());
    }
    let mut groups = rustix::process::getgroups().map_err(|errno| Fault::system("list the groups", errno))?;
    groups.push(rustix::process::getegid());
    for entry in listing.entries() {
        let metadata = &entry.metadata;
        let foreign = if metadata.owner != own.as_raw() {
            format!("owner {}", metadata.owner)
        } else if !groups.contains(&Gid::from_raw(metadata.group)) {
            format!("group {}", metadata.group)
        } else {
            continue;
        };
        let message = format!(
            "{} belongs to {foreign}, and only root can give files to others: this mover runs as {}",
            Shown(&entry.path),
            own.as_raw()
        );
        return Err(Fault::new(FaultKind::Permission, message));
    }
    Ok(())
}

/// Shapes the tree; `there` is how it was found.
pub(super) fn shape(root: &Root, listing: &Listing, there: &[Seen]) -> Result<Shape, Fault> {
    let mut shape = Shape::default();
    if !rustix::process::geteuid().is_root() {
        let_in(root, there)?;
    }
    let kept = clear(root, listing, there, &mut shape)?;
    for (at, entry) in (0_u32..).zip(listing.entries()).skip(1) {
        if matches!(entry.kind, Kind::File { leader: Some(_), .. }) {
            // Made at the end, when what it links to is there.
            continue;
        }
        match (kept.get(&at), &entry.kind) {
            (None, _) => make(root, entry)?,
            (Some(seen), Kind::File { size, .. }) => {
                let Kind::File { size: was, .. } = seen.entry.kind else { continue };
                shape.had.push(Had { file: at, size: was, modified: seen.entry.metadata.modified });
                if was != *size {
                    resize(root, &entry.path, *size)?;
                }
            }
            (Some(_), _) => {}
        }
    }
    Ok(shape)
}

fn let_in(root: &Root, there: &[Seen]) -> Result<(), Fault> {
    for seen in there {
        let needed = match seen.entry.kind {
            Kind::Directory => OWN_DIRECTORY,
            Kind::File { .. } => OWN_FILE,
            Kind::Symlink { .. } | Kind::Fifo | Kind::Device { .. } | Kind::Socket => continue,
        };
        let mode = seen.entry.metadata.mode;
        if mode & needed != needed {
            let path = &seen.entry.path;
            let (directory, name) = root.holder(path).map_err(|errno| Fault::at("open", path, errno))?;
            chmod(&directory, name, mode | needed).map_err(|errno| Fault::at("set the mode of", path, errno))?;
        }
    }
    Ok(())
}

/// Removes what is not listed, is of another kind, or shares a file with a name that it should not share it with. What is left is given
/// by its place in the listing.
fn clear<'s>(
    root: &Root,
    listing: &Listing,
    there: &'s [Seen],
    shape: &mut Shape,
) -> Result<HashMap<u32, &'s Seen>, Fault> {
    let mut kept: HashMap<u32, &Seen> = HashMap::new();
    let mut shared: HashMap<u64, u32> = HashMap::new();
    let mut gone: Vec<&Seen> = Vec::new();
    for seen in there.iter().skip(1) {
        let listed = listing.find(&seen.entry.path).filter(|(_, entry)| entry.kind.same_make(&seen.entry.kind));
        let Some((at, entry)) = listed else {
            gone.push(seen);
            continue;
        };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        if let Kind::File { leader, .. } = entry.kind
            && seen.names > 1
            && *shared.entry(seen.inode).or_insert(leader.unwrap_or(at)) != leader.unwrap_or(at)
        {
            gone.push(seen);
            continue;
        }
        kept.insert(at, seen);
    }
    // What is in a directory comes after it in the listing, and has to go before it.
    for seen in gone.iter().rev() {
        remove(root, &seen.entry)?;
        shape.removed += 1;
    }
    Ok(kept)
}

fn remove(root: &Root, entry: &Entry) -> Result<(), Fault> {
    let flags = if entry.kind == Kind::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    let removed = root.holder(&entry.path).and_then(|(holder, name)| rustix::fs::unlinkat(&holder, name, flags));
    removed.map_err(|errno| Fault::at("remove", &entry.path, errno))
}

fn resize(root: &Root, path: &[u8], size: u64) -> Result<(), Fault> {
    let resized = root.file(path, OFlags::WRONLY).and_then(|(file, _)| rustix::fs::ftruncate(&file, size));
    resized.map_err(|errno| Fault::at("set the size of", path, errno))
}

fn make(root: &Root, entry: &Entry) -> Result<(), Fault> {
    let made = root.holder(&entry.path).and_then(|(holder, name)| make_in(&holder, name, entry));
    made.map_err(|errno| Fault::at("make", &entry.path, errno))
}

fn make_in(holder: &OwnedFd, name: &[u8], entry: &Entry) -> Result<(), Errno> {
    let private = Mode::from_raw_mode(OWN_FILE);
    let node = |kind: FileType, device: Dev| rustix::fs::mknodat(holder, name, kind, private, device);
    match &entry.kind {
        Kind::Directory => rustix::fs::mkdirat(holder, name, Mode::from_raw_mode(OWN_DIRECTORY)),
        Kind::File { size, .. } => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(holder, name, flags, private)?;
            if *size > 0 { rustix::fs::ftruncate(&file, *size) } else { Ok(()) }
        }
        Kind::Symlink { target } => rustix::fs::symlinkat(target.as_slice(), holder, name),
        Kind::Fifo => node(FileType::Fifo, 0),
        Kind::Device { node: Node::Character, major, minor } => {
            node(FileType::CharacterDevice, makedev(*major, *minor))
        }
        Kind::Device { node: Node::Block, major, minor } => node(FileType::BlockDevice, makedev(*major, *minor)),
        Kind::Socket => Err(Errno::OPNOTSUPP),
    }
}

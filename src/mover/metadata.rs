//! Owner, mode, attributes and times of one entry of the target made those of the source, in an order in which none undoes another:
//! a change of owner takes set-user-id bits and capabilities away, and every change of contents moves the times.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timestamps, Uid};
use rustix::io::Errno;

use super::attribute;
use super::entry::{Entry, Kind, Metadata};
use super::fault::Fault;
use super::root::entry_path;
use super::walk::{Seen, look};

/// Sets what differs; `found` is how the entry is now.
pub(super) fn set(directory: &OwnedFd, name: &[u8], wanted: &Entry, found: Seen) -> Result<(), Fault> {
    let path = wanted.path.as_slice();
    let is_link = matches!(wanted.kind, Kind::Symlink { .. });
    let mut found = found.entry.metadata;
    let goal = &wanted.metadata;
    if (found.owner, found.group) != (goal.owner, goal.group) {
        give(directory, name, goal).map_err(|errno| {
            let doing = format!("give to owner {} and group {}:", goal.owner, goal.group);
            Fault::at(&doing, path, errno)
        })?;
        found = look(directory, name, path).map_err(|errno| Fault::at("look at", path, errno))?.entry.metadata;
    }
    if found.mode != goal.mode && !is_link {
        chmod(directory, name, goal.mode).map_err(|errno| Fault::at("set the mode of", path, errno))?;
    }
    if found.attributes != goal.attributes {
        attribute::write(directory, name, &goal.attributes, &found.attributes)
            .map_err(|errno| Fault::at("set the extended attributes of", path, errno))?;
    }
    if found.modified != goal.modified {
        date(directory, name, goal).map_err(|errno| Fault::at("set the times of", path, errno))?;
    }
    Ok(())
}

fn give(directory: &OwnedFd, name: &[u8], goal: &Metadata) -> Result<(), Errno> {
    let (owner, group) = (Uid::from_raw(goal.owner), Gid::from_raw(goal.group));
    rustix::fs::chownat(directory, name, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW)
}

fn date(directory: &OwnedFd, name: &[u8], goal: &Metadata) -> Result<(), Errno> {
    let times = Timestamps { last_access: goal.accessed.timespec(), last_modification: goal.modified.timespec() };
    rustix::fs::utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW)
}

/// Sets a mode, of the entry itself: the kernel has no call for that which takes a name, before 6.6.
pub(super) fn chmod(directory: &OwnedFd, name: &[u8], mode: u32) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let entry = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    let mut path = entry_path(&entry, b"");
    path.pop();
    rustix::fs::chmod(path, Mode::from_raw_mode(mode))
}

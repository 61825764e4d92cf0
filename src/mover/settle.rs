//! The end of a pass on the target: hard links, metadata of everything, and all of it on the disk.

use std::collections::HashSet;
use std::sync::PoisonError;

use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;

use super::entry::{Entry, Kind};
use super::fault::Fault;
use super::metadata;
use super::root::Root;
use super::session::Session;
use super::walk::look;

/// Finishes the tree. `thorough` also waits for each file and directory on its own, so that an error of the disk has a name.
pub(super) fn settle(session: &Session, thorough: bool) -> Result<(), Fault> {
    let (root, listing) = (&session.root, session.listing()?);
    for entry in listing.entries() {
        if let Kind::File { leader: Some(leader), .. } = entry.kind {
            link(root, &listing.file(leader)?.0.path, &entry.path)?;
        }
    }
    if thorough {
        let touched: HashSet<u32> =
            std::mem::take(&mut *session.touched.lock().unwrap_or_else(PoisonError::into_inner));
        for at in touched {
            let (entry, _) = listing.file(at)?;
            let synced = root.file(&entry.path, OFlags::WRONLY).and_then(|(file, _)| rustix::fs::fsync(&file));
            synced.map_err(|errno| Fault::at("sync", &entry.path, errno))?;
        }
    }
    // A directory's own comes after what is made in it, and the volume's own last of all: until then it does not look finished.
    for entry in listing.entries().iter().rev() {
        if !matches!(entry.kind, Kind::File { leader: Some(_), .. }) {
            describe(root, entry)?;
        }
    }
    if thorough {
        for entry in listing.entries().iter().rev().filter(|entry| entry.kind == Kind::Directory) {
            let synced = root.directory(&entry.path).and_then(rustix::fs::fsync);
            synced.map_err(|errno| Fault::at("sync", &entry.path, errno))?;
        }
    }
    rustix::fs::syncfs(root.own()).map_err(|errno| Fault::system("sync the target's file system", errno))
}

fn link(root: &Root, first: &[u8], further: &[u8]) -> Result<(), Fault> {
    let linked = || -> Result<(), Errno> {
        let (from, old) = root.holder(first)?;
        let (to, new) = root.holder(further)?;
        let inode = look(&from, old, first)?.inode;
        match look(&to, new, further) {
            Ok(there) if there.inode == inode => return Ok(()),
            Ok(_) => rustix::fs::unlinkat(&to, new, AtFlags::empty())?,
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        rustix::fs::linkat(&from, old, &to, new, AtFlags::empty())
    };
    linked().map_err(|errno| Fault::at("link", further, errno))
}

fn describe(root: &Root, entry: &Entry) -> Result<(), Fault> {
    let (holder, name) = root.holder(&entry.path).map_err(|errno| Fault::at("open", &entry.path, errno))?;
    let found = look(&holder, name, &entry.path).map_err(|errno| Fault::at("look at", &entry.path, errno))?;
    metadata::set(&holder, name, entry, found)
}

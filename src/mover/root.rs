//! A volume, and the only way into it: from its own directory, one component after another, never through a symbolic link and never
//! into another file system. What a name means cannot change between two looks at it, whoever writes to the volume meanwhile.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Statx, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::event::FaultKind;
use super::fault::Fault;

/// How directories are opened.
const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory that a path led to, kept since the next path mostly leads there too.
type Visited = Option<(Vec<u8>, Arc<OwnedFd>)>;

/// A volume.
#[derive(Debug)]
pub(super) struct Root {
    directory: Arc<OwnedFd>,
    device: (u32, u32),
    visited: Mutex<Visited>,
}

impl Root {
    /// Opens a volume by the path at which it is mounted.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let doing = format!("open {}", path.display());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| Fault::system(&doing, errno))?;
        let found = stat(&directory, b".").map_err(|errno| Fault::system(&doing, errno))?;
        let root = Self { directory: Arc::new(directory), device: device(&found), visited: Mutex::new(None) };
        // Attributes and modes are reached through it; where it is missing, every file would look as if it were gone.
        rustix::fs::stat(entry_path(&root.directory, b".")).map_err(|errno| {
            Fault::new(FaultKind::Order, format!("/proc is not mounted here: {}", std::io::Error::from(errno)))
        })?;
        Ok(root)
    }

    /// Gives the same volume to another thread, with a memory of its own.
    pub(super) fn another(&self) -> Self {
        Self { directory: Arc::clone(&self.directory), device: self.device, visited: Mutex::new(None) }
    }

    /// Gives the volume's own directory.
    pub(super) fn own(&self) -> &OwnedFd {
        &self.directory
    }

    /// Opens a directory of the volume; the empty path is the volume's own.
    pub(super) fn directory(&self, path: &[u8]) -> Result<Arc<OwnedFd>, Errno> {
        let mut visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((last, directory)) = visited.as_ref().filter(|(last, _)| last == path) {
            debug_assert_eq!(last, path);
            return Ok(Arc::clone(directory));
        }
        let mut directory = Arc::clone(&self.directory);
        for component in path.split(|byte| *byte == b'/').filter(|component| !component.is_empty()) {
            if component == b".." || component == b"." {
                return Err(Errno::INVAL);
            }
            let next = rustix::fs::openat(&directory, component, DIRECTORY, Mode::empty())?;
            if device(&stat(&next, b"")?) != self.device {
                return Err(Errno::XDEV);
            }
            directory = Arc::new(next);
        }
        *visited = Some((path.to_vec(), Arc::clone(&directory)));
        Ok(directory)
    }

    /// Opens the directory that holds an entry, and gives the entry's name in it; that of the volume itself is `.`.
    pub(super) fn holder<'p>(&self, path: &'p [u8]) -> Result<(Arc<OwnedFd>, &'p [u8]), Errno> {
        if path.is_empty() {
            return Ok((Arc::clone(&self.directory), b"."));
        }
        match path.iter().rposition(|byte| *byte == b'/') {
            None => Ok((Arc::clone(&self.directory), path)),
            Some(slash) => Ok((self.directory(&path[..slash])?, &path[slash + 1..])),
        }
    }

    /// Opens a regular file; anything else in its place is `ELOOP` or `ENXIO`, never waited for.
    pub(super) fn file(&self, path: &[u8], access: OFlags) -> Result<(OwnedFd, Statx), Errno> {
        let (holder, name) = self.holder(path)?;
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match rustix::fs::openat(&holder, name, flags | OFlags::NOATIME, Mode::empty()) {
            // Only an owner may leave the time of access alone.
            Err(Errno::PERM) => rustix::fs::openat(&holder, name, flags, Mode::empty())?,
            opened => opened?,
        };
        let found = stat(&file, b"")?;
        if file_type(&found) == FileType::RegularFile { Ok((file, found)) } else { Err(Errno::NXIO) }
    }

    /// Says whether something is on this file system, and not a mount point.
    pub(super) fn holds(&self, found: &Statx) -> bool {
        // A file's device is not looked at: on overlay file systems it is that of a layer.
        let elsewhere = file_type(found) == FileType::Directory && device(found) != self.device;
        !elsewhere && !found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)
    }
}

fn device(found: &Statx) -> (u32, u32) {
    (found.stx_dev_major, found.stx_dev_minor)
}

/// Gives the kind of what was found.
pub(super) fn file_type(found: &Statx) -> FileType {
    FileType::from_raw_mode(found.stx_mode.into())
}

/// Looks at an entry of a directory, not through it; the empty name is the opened thing itself.
pub(super) fn stat(directory: &OwnedFd, name: &[u8]) -> Result<Statx, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::empty() };
    rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS)
}

/// Names an entry of an open directory for calls that take paths only; not through a link, if the call does not follow the last one.
pub(super) fn entry_path(directory: &OwnedFd, name: &[u8]) -> Vec<u8> {
    let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    path
}

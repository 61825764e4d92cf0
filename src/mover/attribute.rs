//! Extended attributes, access lists and capabilities among them, of any kind of entry.

use std::os::fd::OwnedFd;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::root::entry_path;

/// The kernel's limits of a list of names and of one value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const LARGEST: usize = 65_536;
/// Enough for nearly all of them.
const USUAL: usize = 1_024;
/// The label of a volume is set by the kubelet for each pod anew; that of the source means nothing on the target.
const NOT_COPIED: &[u8] = b"security.selinux";

/// Name and value, sorted by name.
pub(super) type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads all attributes that this process may see.
pub(super) fn read(directory: &OwnedFd, name: &[u8]) -> Result<Attributes, Errno> {
    let path = entry_path(directory, name);
    let names = match sized(|buffer| rustix::fs::llistxattr(path.as_slice(), buffer)) {
        // A file system without attributes has none.
        Err(Errno::OPNOTSUPP) => return Ok(Attributes::new()),
        names => names?,
    };
    let mut attributes = Attributes::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty() && *name != NOT_COPIED) {
        match sized(|buffer| rustix::fs::lgetxattr(path.as_slice(), name, buffer)) {
            Ok(value) => attributes.push((name.to_vec(), value)),
            // Removed since the names were listed.
            Err(Errno::NODATA) => {}
            Err(errno) => return Err(errno),
        }
    }
    attributes.sort();
    Ok(attributes)
}

fn sized(call: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut small = [0; USUAL];
    match call(&mut small) {
        Err(Errno::RANGE) => {
            let mut large = vec![0; LARGEST];
            let length = call(&mut large)?;
            large.truncate(length);
            Ok(large)
        }
        length => Ok(small[..length?].to_vec()),
    }
}

/// Makes the attributes of an entry those that are wanted.
pub(super) fn write(directory: &OwnedFd, name: &[u8], wanted: &Attributes, found: &Attributes) -> Result<(), Errno> {
    let path = entry_path(directory, name);
    for (attribute, _) in found.iter().filter(|(attribute, _)| !wanted.iter().any(|(other, _)| other == attribute)) {
        rustix::fs::lremovexattr(path.as_slice(), attribute.as_slice())?;
    }
    for (attribute, value) in wanted.iter().filter(|pair| !found.contains(pair)) {
        rustix::fs::lsetxattr(path.as_slice(), attribute.as_slice(), value, XattrFlags::empty())?;
    }
    Ok(())
}

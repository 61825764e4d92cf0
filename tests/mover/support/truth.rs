//! What a volume really holds, found out with other means than the mover's own.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Everything about one name that has to be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    device: u64,
    size: u64,
    content: Vec<u8>,
    attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The first name of the same file.
    first: Option<PathBuf>,
}

/// Reads a whole volume; sockets and lost+found are not part of it.
pub(crate) fn truth(volume: &Path) -> BTreeMap<PathBuf, Fact> {
    let mut facts = BTreeMap::new();
    let mut firsts = BTreeMap::new();
    let mut paths = vec![volume.to_path_buf()];
    list(volume, &mut paths);
    paths.sort();
    for path in paths {
        let inside = path.strip_prefix(volume).unwrap().to_path_buf();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let kind = metadata.file_type();
        if kind.is_socket() || inside.as_os_str() == "lost+found" {
            continue;
        }
        let (kind, content) = if kind.is_dir() {
            ("directory", Vec::new())
        } else if kind.is_file() {
            ("file", blake3::hash(&fs::read(&path).unwrap()).as_bytes().to_vec())
        } else if kind.is_symlink() {
            ("link", fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
        } else if kind.is_fifo() {
            ("fifo", Vec::new())
        } else if kind.is_char_device() {
            ("character device", Vec::new())
        } else {
            ("block device", Vec::new())
        };
        let first = (kind == "file").then(|| firsts.entry(metadata.ino()).or_insert_with(|| inside.clone()).clone());
        let fact = Fact {
            kind,
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            device: metadata.rdev(),
            // What a directory takes is its file system's business.
            size: if kind == "directory" { 0 } else { metadata.size() },
            content,
            attributes: attributes(&path),
            first,
        };
        facts.insert(inside, fact);
    }
    facts
}

fn list(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        into.push(entry.path());
        if entry.file_type().unwrap().is_dir() && entry.file_name() != OsStr::new("lost+found") {
            list(&entry.path(), into);
        }
    }
}

fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 65_536];
    let Ok(length) = rustix::fs::llistxattr(path, &mut names[..]) else { return BTreeMap::new() };
    let mut attributes = BTreeMap::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 65_536];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap();
        attributes.insert(name.to_vec(), value[..length].to_vec());
    }
    attributes
}

/// Asserts that two volumes hold the same.
pub(crate) fn assert_equal(source: &Path, target: &Path, context: &str) {
    let (wanted, found) = (truth(source), truth(target));
    for (path, fact) in &wanted {
        let other = found.get(path).unwrap_or_else(|| panic!("{context}: {} is missing", path.display()));
        assert_eq!(fact, other, "{context}: {}", path.display());
    }
    for path in found.keys() {
        assert!(wanted.contains_key(path), "{context}: {} is not on the source", path.display());
    }
}

/// Gives what a file takes on its file system.
pub(crate) fn allocated(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks() * 512
}

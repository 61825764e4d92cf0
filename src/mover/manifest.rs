//! What a volume holds, counted; and, if it is asked for, one digest of all of it, equal for equal volumes wherever they lie.

use std::collections::BTreeSet;

use rustix::fs::OFlags;

use super::block::{self, Contents as Found, Stretch};
use super::codec::Encoder;
use super::entry::{Entry, Kind, Metadata};
use super::event::{Contents, Event};
use super::fault::{Fault, Shown};
use super::order::ManifestOrder;
use super::progress::Voice;
use super::root::Root;
use super::walk::{Seen, Vanishing, link, walk};

/// How many links that lead out of the volume are named.
const EXAMPLES: usize = 10;

/// Looks at a volume that nobody writes to, and says what it holds.
pub(super) fn manifest(order: &ManifestOrder, voice: &Voice) -> Result<(), Fault> {
    let root = Root::open(&order.root)?;
    let mut seen = walk(&root, if order.digest { Vanishing::Fault } else { Vanishing::Allowed })?;
    let sockets = without_sockets(&mut seen);
    link(&mut seen);
    let digest = if order.digest { Some(digest(&root, &seen)?) } else { None };
    voice.say(&Event::Manifest { contents: contents(&seen, sockets), digest });
    Ok(())
}

/// Takes the sockets out of a listing, and says how many there were.
pub(super) fn without_sockets(seen: &mut Vec<Seen>) -> u64 {
    let before = seen.len();
    seen.retain(|one| one.entry.kind != Kind::Socket);
    (before - seen.len()) as u64
}

/// Counts what a listing holds.
pub(super) fn contents(seen: &[Seen], sockets: u64) -> Contents {
    let mut contents = Contents { sockets, ..Contents::default() };
    let (mut owners, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for one in seen {
        owners.insert(one.entry.metadata.owner);
        groups.insert(one.entry.metadata.group);
        let mut further = false;
        match &one.entry.kind {
            Kind::Directory => contents.directories += 1,
            Kind::File { size, leader } => {
                contents.files += 1;
                further = leader.is_some();
                contents.links += u64::from(further);
                contents.bytes += if further { 0 } else { *size };
            }
            Kind::Symlink { target } => {
                contents.symlinks += 1;
                if leaves(&one.entry.path, target) {
                    contents.leaving += 1;
                    if contents.leaving_examples.len() < EXAMPLES {
                        contents.leaving_examples.push(format!("{} -> {}", Shown(&one.entry.path), Shown(target)));
                    }
                }
            }
            Kind::Fifo => contents.fifos += 1,
            Kind::Device { .. } => contents.devices += 1,
            Kind::Socket => contents.sockets += 1,
        }
        if !further {
            contents.inodes += 1;
            contents.allocated_bytes += one.allocated;
        }
    }
    contents.owners = owners.into_iter().collect();
    contents.groups = groups.into_iter().collect();
    contents
}

/// Says whether a link leads out of the volume, by its words alone.
fn leaves(path: &[u8], target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return true;
    }
    let mut depth = path.split(|byte| *byte == b'/').count().saturating_sub(1);
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

fn digest(root: &Root, seen: &[Seen]) -> Result<String, Fault> {
    let mut whole = blake3::Hasher::new();
    for one in seen {
        // When something was last read is no part of it.
        let accessed = super::clock::Time::default();
        let metadata = Metadata { accessed, ..one.entry.metadata.clone() };
        let mut line = Encoder::default();
        Entry { metadata, ..one.entry.clone() }.encode(&mut line);
        whole.update(&line.0);
        if let Kind::File { size, leader: None } = one.entry.kind {
            let content = file(root, &one.entry.path, size)?;
            whole.update(content.as_bytes());
        }
    }
    Ok(whole.finalize().to_string())
}

fn file(root: &Root, path: &[u8], size: u64) -> Result<blake3::Hash, Fault> {
    let failed = |errno| Fault::at("read", path, errno);
    let (file, _) = root.file(path, OFlags::RDONLY).map_err(failed)?;
    let stretch = Stretch::of(&file, size, 0..block::count(size)).map_err(failed)?;
    let mut content = blake3::Hasher::new();
    let mut buffer = Vec::new();
    for index in 0..block::count(size) {
        match stretch.read(index, &mut buffer).map_err(failed)? {
            Found::Short => return Err(super::copy::changing(path)),
            Found::Hole => _ = content.update(&vec![0; block::length(size, index)]),
            Found::Data(_) => _ = content.update(&buffer),
        }
    }
    Ok(content.finalize())
}

#[cfg(test)]
mod tests {
    use super::leaves;

    #[test]
    fn a_link_that_leaves_the_volume_is_told_from_one_that_does_not() {
        let cases: [(&[u8], &[u8], bool); 8] = [
            (b"pg_wal", b"/wal", true),
            (b"pg_wal", b"wal", false),
            (b"a", b"..", true),
            (b"a/b", b"..", false),
            (b"a/b", b"../..", true),
            (b"a/b/c", b"./../../d", false),
            (b"a/b", b"x/../../../y", true),
            (b"a", b"", false),
        ];
        for (path, target, expected) in cases {
            assert_eq!(leaves(path, target), expected, "{path:?} -> {target:?}");
        }
    }
}

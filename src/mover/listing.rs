//! The source's listing as the receiver has it: sorted, whole, and without a name that could lead out of the volume.

use super::entry::{Entry, Kind};
use super::fault::{Fault, Shown};

/// What the volume is to hold.
#[derive(Debug, Default)]
pub(super) struct Listing(Vec<Entry>);

impl Listing {
    /// Accepts entries in the order of their paths, each in a directory that was listed before it, links behind what they link to.
    pub(super) fn accept(entries: Vec<Entry>) -> Result<Self, Fault> {
        let wrong = |entry: &Entry, why: &str| Err(Fault::protocol(format!("{} {why}", Shown(&entry.path))));
        for (at, entry) in entries.iter().enumerate() {
            if at == 0 {
                if !entry.path.is_empty() || entry.kind != Kind::Directory {
                    return wrong(entry, "is listed first, where the volume itself should be");
                }
                continue;
            }
            if entries[at - 1].path >= entry.path {
                return wrong(entry, "is listed out of order");
            }
            let named = |component: &[u8]| !matches!(component, b"" | b"." | b"..") && !component.contains(&0);
            if !entry.path.split(|byte| *byte == b'/').all(named) {
                return wrong(entry, "is no path inside of a volume");
            }
            let holder =
                entry.path.iter().rposition(|byte| *byte == b'/').map_or(&[][..], |slash| &entry.path[..slash]);
            if find(&entries[..at], holder).is_none_or(|(_, holder)| holder.kind != Kind::Directory) {
                return wrong(entry, "is listed without its directory");
            }
            match entry.kind {
                Kind::Socket => return wrong(entry, "is a socket, which is not copied"),
                Kind::File { leader: Some(leader), .. } => {
                    let first = entries[..at].get(leader as usize).map(|first| &first.kind);
                    if !matches!(first, Some(Kind::File { leader: None, .. })) {
                        return wrong(entry, "links to what is no file before it");
                    }
                }
                Kind::File { leader: None, .. }
                | Kind::Directory
                | Kind::Symlink { .. }
                | Kind::Fifo
                | Kind::Device { .. } => {}
            }
        }
        Ok(Self(entries))
    }

    /// Gives every entry.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Gives an entry with its place.
    pub(super) fn find(&self, path: &[u8]) -> Option<(usize, &Entry)> {
        find(&self.0, path)
    }

    /// Gives a file with contents of its own, by its place.
    pub(super) fn file(&self, at: u32) -> Result<(&Entry, u64), Fault> {
        match self.0.get(at as usize) {
            Some(entry) => {
                if let Kind::File { size, leader: None } = entry.kind {
                    return Ok((entry, size));
                }
                Err(Fault::protocol(format!("{} has no contents of its own", Shown(&entry.path))))
            }
            None => Err(Fault::protocol(format!("entry {at} was never listed"))),
        }
    }
}

fn find<'a>(entries: &'a [Entry], path: &[u8]) -> Option<(usize, &'a Entry)> {
    let at = entries.binary_search_by(|entry| entry.path.as_slice().cmp(path)).ok()?;
    Some((at, &entries[at]))
}

#[cfg(test)]
mod tests {
    use super::Listing;
    use crate::mover::entry::{Entry, Kind, Metadata};

    fn entry(path: &[u8], kind: Kind) -> Entry {
        Entry { path: path.to_vec(), kind, metadata: Metadata::default() }
    }

    fn file(leader: Option<u32>) -> Kind {
        Kind::File { size: 0, leader }
    }

    #[test]
    fn a_whole_listing_is_accepted() {
        let entries = vec![
            entry(b"", Kind::Directory),
            entry(b"a", Kind::Directory),
            entry(b"a.b", file(None)),
            entry(b"a/\xff", file(Some(2))),
        ];
        let listing = Listing::accept(entries).unwrap();
        assert_eq!(listing.find(b"a.b").map(|(at, _)| at), Some(2));
        assert!(listing.file(2).is_ok());
        assert!(listing.file(3).is_err() && listing.file(0).is_err() && listing.file(9).is_err());
    }

    #[test]
    fn a_listing_that_could_lead_elsewhere_is_not() {
        let own = || entry(b"", Kind::Directory);
        let link = || entry(b"l", Kind::Symlink { target: b"/".to_vec() });
        let wrong = [
            vec![entry(b"a", Kind::Directory)],
            vec![entry(b"", file(None))],
            vec![own(), entry(b"..", file(None))],
            vec![own(), entry(b"/etc", file(None))],
            vec![own(), entry(b"a\0b", file(None))],
            vec![own(), entry(b"d", Kind::Directory), entry(b"d/../../x", file(None))],
            vec![own(), link(), entry(b"l/x", file(None))],
            vec![own(), entry(b"b", file(None)), entry(b"a", file(None))],
            vec![own(), entry(b"a", file(None)), entry(b"a", file(None))],
            vec![own(), entry(b"a", file(Some(1)))],
            vec![own(), entry(b"a", file(Some(0)))],
            vec![own(), entry(b"a", Kind::Socket)],
        ];
        for entries in wrong {
            let text = format!("{entries:?}");
            assert!(Listing::accept(entries).is_err(), "{text}");
        }
        assert!(Listing::accept(Vec::new()).is_ok());
    }
}

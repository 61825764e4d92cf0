//! Whether the target has room for what the source takes: asked before the first byte, since a full disk is found out late otherwise.

use rustix::fs::fstatvfs;

use super::event::FaultKind;
use super::fault::Fault;
use super::root::Root;
use super::walk::Seen;

/// File systems differ in what a tree takes: every twentieth part more is asked for.
const MARGIN: u64 = 20;

/// Refuses a copy that would not fit beside, or in place of, what the target holds already.
pub(super) fn check(root: &Root, there: &[Seen], allocated: u64, inodes: u64) -> Result<(), Fault> {
    let free = fstatvfs(root.own()).map_err(|errno| Fault::system("ask for the room on the target", errno))?;
    let used = there.iter().map(|seen| seen.allocated / u64::from(seen.names.max(1))).sum();
    let as_root = rustix::process::geteuid().is_root();
    let blocks = if as_root { free.f_bfree } else { free.f_bavail };
    let available = blocks.saturating_mul(free.f_frsize);
    if let Some(missing) = missing(allocated, used, available) {
        let message = format!(
            "the target has {available} bytes free and holds {used} of the copy, the source takes {allocated}: \
             {missing} are missing, with a margin of 5 %"
        );
        return Err(Fault::new(FaultKind::NoRoom, message));
    }
    // Some file systems make inodes as they need them, and say that there are none.
    if free.f_files > 0
        && let Some(missing) = missing(inodes, there.len() as u64, free.f_ffree)
    {
        let message =
            format!("the target has {} inodes free, the source needs {inodes}: {missing} are missing", free.f_ffree);
        return Err(Fault::new(FaultKind::NoRoom, message));
    }
    Ok(())
}

fn missing(wanted: u64, used: u64, available: u64) -> Option<u64> {
    let more = wanted.saturating_sub(used);
    let more = more.saturating_add(more / MARGIN);
    (more > available).then(|| more - available)
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn only_what_is_not_there_yet_needs_room_and_a_little_more() {
        assert_eq!(missing(1000, 0, 1050), None);
        assert_eq!(missing(1000, 0, 1049), Some(1));
        assert_eq!(missing(1000, 1000, 0), None);
        assert_eq!(missing(1000, 900, 0), Some(105));
        assert_eq!(missing(0, 500, 0), None);
    }
}

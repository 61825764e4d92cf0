//! Disks that are full, files of others, mount points: what only root can set up, and says so when it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubectl_stateful::mover::event::{Event, FaultKind};
use kubectl_stateful::mover::order::{Extent, PassKind};

use crate::support::dice::Dice;
use crate::support::pair::{Pair, User};
use crate::support::tree::Tree;
use crate::support::truth::assert_equal;

/// Nobody, as most systems number it.
const NOBODY: u32 = 65_534;

fn is_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: {test} needs root");
    }
    is_root
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A file system in a file, mounted for as long as this is there.
struct Disk {
    place: tempfile::TempDir,
}

impl Disk {
    fn new(megabytes: u64, options: &[&str]) -> Self {
        let place = tempfile::TempDir::new().unwrap();
        let (image, mounted) = (place.path().join("image"), place.path().join("mounted"));
        fs::File::create(&image).unwrap().set_len(megabytes << 20).unwrap();
        fs::create_dir(&mounted).unwrap();
        let image = image.to_str().unwrap();
        run("mkfs.ext4", &[&["-q", "-F", "-m", "0"], options, &[image]].concat());
        run("mount", &["-o", "loop", image, mounted.to_str().unwrap()]);
        Self { place }
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("mounted")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &[self.path().to_str().unwrap()]);
    }
}

#[test]
fn a_target_that_is_too_small_is_refused_before_anything_is_written() {
    if !is_root("a target that is too small") {
        return;
    }
    let disk = Disk::new(16, &[]);
    let mut pair = Pair::new();
    pair.target = disk.path();
    fs::write(pair.source.join("a"), Dice::new(41).bytes(24 << 20)).unwrap();
    let (kind, message) = pair.live().unwrap_err();
    assert_eq!(kind, FaultKind::NoRoom, "{message}");
    assert!(!pair.target.join("a").exists());
    assert!(pair.target.join("lost+found").exists());
    fs::remove_file(pair.source.join("a")).unwrap();
    pair.last().unwrap();
    assert!(pair.target.join("lost+found").exists());
    // Files without contents need inodes all the same.
    let few = Disk::new(16, &["-N", "64"]);
    pair.target = few.path();
    (0..100).for_each(|number| fs::write(pair.source.join(number.to_string()), b"").unwrap());
    let (kind, message) = pair.live().unwrap_err();
    assert!(kind == FaultKind::NoRoom && message.contains("inodes"), "{message}");
}

#[test]
fn a_disk_that_fills_up_under_the_copy_fails_it_and_room_mends_it() {
    if !is_root("a disk that fills up") {
        return;
    }
    let disk = Disk::new(64, &[]);
    let mut pair = Pair::new();
    pair.target = disk.path().join("volume");
    fs::create_dir(&pair.target).unwrap();
    fs::write(pair.source.join("a"), Dice::new(42).bytes(20 << 20)).unwrap();
    pair.bytes_per_second = Some(20 << 20);
    let (receiver, sender) = pair.start("send", PassKind::Live, Extent::Unverified);
    std::thread::sleep(std::time::Duration::from_millis(300));
    let filler = disk.path().join("filler");
    let written = fs::write(&filler, vec![1; 60 << 20]);
    assert!(written.is_err(), "the disk is larger than it should be");
    let ended = sender.end();
    assert!(matches!(ended, Some(Event::Failed { kind: FaultKind::NoRoom, .. })), "{ended:?}");
    assert!(matches!(receiver.end(), Some(Event::Failed { kind: FaultKind::NoRoom, .. })));
    fs::remove_file(filler).unwrap();
    pair.bytes_per_second = None;
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "after there was room");
}

#[test]
fn another_file_system_inside_of_the_volume_is_refused() {
    if !is_root("a mount point") {
        return;
    }
    let pair = Pair::new();
    let inner = pair.source.join("inner");
    fs::create_dir(&inner).unwrap();
    run("mount", &["-t", "tmpfs", "none", inner.to_str().unwrap()]);
    let refused = pair.live();
    run("umount", &[inner.to_str().unwrap()]);
    let (kind, message) = refused.unwrap_err();
    assert_eq!(kind, FaultKind::Unsupported, "{message}");
    pair.last().unwrap();
}

/// Makes both volumes those of a user without privileges, who also runs the movers.
fn unprivileged(pair: &mut Pair) {
    let place = pair.index.parent().unwrap();
    for path in [place, &pair.source, &pair.target] {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let program = place.join("mover");
    fs::copy(env!("CARGO_BIN_EXE_kubectl-stateful-mover"), &program).unwrap();
    pair.user = Some(User { id: NOBODY, program });
}

fn give(path: &Path) {
    run("chown", &["-hR", &format!("{NOBODY}:{NOBODY}"), path.to_str().unwrap()]);
}

#[test]
fn without_privileges_files_of_one_owner_are_copied_whatever_their_modes() {
    if !is_root("another user") {
        return;
    }
    let mut pair = Pair::new();
    unprivileged(&mut pair);
    fs::create_dir(pair.source.join("closed")).unwrap();
    fs::write(pair.source.join("closed/read-only"), Dice::new(43).bytes(300_000)).unwrap();
    fs::hard_link(pair.source.join("closed/read-only"), pair.source.join("linked")).unwrap();
    fs::set_permissions(pair.source.join("linked"), fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(pair.source.join("closed"), fs::Permissions::from_mode(0o500)).unwrap();
    give(&pair.source);
    pair.live().unwrap();
    assert_equal(&pair.source, &pair.target, "first pass");
    fs::write(pair.source.join("closed/read-only"), b"changed").unwrap();
    fs::write(pair.source.join("closed/new"), b"new").unwrap();
    give(&pair.source);
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "last pass");
}

#[test]
fn a_file_that_cannot_be_read_or_given_away_fails_the_pass() {
    if !is_root("a file of somebody else") {
        return;
    }
    let mut pair = Pair::new();
    unprivileged(&mut pair);
    fs::write(pair.source.join("of-root"), b"secret").unwrap();
    let (kind, message) = pair.live().unwrap_err();
    assert_eq!(kind, FaultKind::Permission, "{message}");
    assert!(message.contains("of-root belongs to owner 0"), "{message}");
    give(&pair.source);
    fs::set_permissions(pair.source.join("of-root"), fs::Permissions::from_mode(0o000)).unwrap();
    let (kind, message) = pair.live().unwrap_err();
    assert_eq!((kind, message.contains("cannot read of-root")), (FaultKind::Permission, true), "{message}");
    fs::create_dir(pair.source.join("closed")).unwrap();
    give(&pair.source);
    fs::set_permissions(pair.source.join("of-root"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(pair.source.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let (kind, message) = pair.live().unwrap_err();
    assert_eq!((kind, message.contains("cannot list closed")), (FaultKind::Permission, true), "{message}");
}

#[test]
fn a_big_random_tree_moves_between_two_disks() {
    if !is_root("two disks") {
        return;
    }
    let (from, to) = (Disk::new(256, &[]), Disk::new(256, &[]));
    let mut pair = Pair::new();
    (pair.source, pair.target) = (from.path(), to.path());
    let mut dice = Dice::new(44);
    let mut tree = Tree::new(&pair.source);
    tree.grow(&mut dice, 300);
    pair.live().unwrap();
    tree.change(&mut dice, 100);
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "two disks");
}

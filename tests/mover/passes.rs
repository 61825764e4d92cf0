//! What a pass reads and sends, what it misses on no account, and what the last one refuses.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kubectl_stateful::mover::event::{ChangeRule, FaultKind};
use kubectl_stateful::mover::order::Extent;

use crate::support::dice::Dice;
use crate::support::pair::Pair;
use crate::support::truth::{allocated, assert_equal};

const BLOCK: u64 = 128 * 1024;

fn write(path: &Path, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

/// Changes a file without moving its modification time.
fn write_secretly(path: &Path, at: u64, bytes: &[u8]) {
    let before = fs::metadata(path).unwrap().modified().unwrap();
    write(path, at, bytes);
    File::open(path).unwrap().set_modified(before).unwrap();
}

#[test]
fn a_later_pass_reads_only_what_was_touched_and_sends_only_blocks_that_changed() {
    let pair = Pair::new();
    let mut dice = Dice::new(1);
    for name in ["a", "b", "c"] {
        fs::write(pair.source.join(name), dice.bytes(2_000_000)).unwrap();
    }
    // Passes overlap by two seconds: what is younger is read again.
    std::thread::sleep(Duration::from_millis(2_200));
    let first = pair.live().unwrap();
    assert_eq!((first.files_read, first.bytes_read, first.bytes_sent), (3, 6_000_000, 6_000_000));
    if first.rule == ChangeRule::Content {
        eprintln!("skipped: the file system below {} has no times that can be relied on", pair.source.display());
        return;
    }
    let second = pair.live().unwrap();
    assert_eq!((second.files_read, second.bytes_read, second.bytes_sent), (0, 0, 0));
    write(&pair.source.join("b"), 3 * BLOCK + 5, b"changed");
    let third = pair.live().unwrap();
    assert_eq!((third.files_read, third.bytes_read, third.bytes_sent), (1, 2_000_000, BLOCK));
    write_secretly(&pair.source.join("c"), 10, b"changed without a modification time that tells");
    let last = pair.last().unwrap();
    assert_eq!((last.files_changed, last.bytes_sent), (1, BLOCK));
    // Everything was sent, nothing read back before: now all of it was.
    assert_eq!(last.bytes_verified, 6_000_000);
    assert_equal(&pair.source, &pair.target, "after the last pass");
    assert_eq!(pair.last().unwrap().bytes_verified, 0);
}

#[test]
fn writes_in_the_moment_of_a_pass_are_not_missed() {
    let pair = Pair::new();
    let path = pair.source.join("table");
    fs::write(&path, vec![0; 300_000]).unwrap();
    for round in 0..5_u8 {
        pair.live().unwrap();
        write_secretly(&path, 200_000, &[round + 1; 8_192]);
    }
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "same size, same times");
}

#[test]
fn a_source_in_use_is_copied_and_the_last_pass_makes_it_exact() {
    let pair = Pair::new();
    let mut dice = Dice::new(3);
    for number in 0..20 {
        fs::write(pair.source.join(number.to_string()), dice.bytes(400_000)).unwrap();
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| churn(&pair.source, &stop));
        for _ in 0..4 {
            pair.live().unwrap();
        }
        let (kind, message) = pair.last().unwrap_err();
        assert_eq!(kind, FaultKind::Changing, "{message}");
        stop.store(true, Ordering::Relaxed);
    });
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "after the writer stopped");
}

/// Writes, cuts, renames and replaces, as a database does.
fn churn(volume: &Path, stop: &AtomicBool) {
    let mut dice = Dice::new(4);
    while !stop.load(Ordering::Relaxed) {
        let path = volume.join(dice.below(20).to_string());
        match dice.below(5) {
            0 => _ = fs::rename(&path, volume.join(dice.below(20).to_string())),
            1 => _ = fs::remove_file(&path),
            2 => fs::write(&path, dice.bytes(300_000)).unwrap(),
            3 => _ = File::options().write(true).open(&path).map(|file| file.set_len(dice.next() % 500_000).unwrap()),
            _ => _ = File::options().write(true).open(&path).map(|file| file.write_all_at(b"page", 70_000).unwrap()),
        }
        fs::write(volume.join("log"), dice.bytes(1_000)).unwrap();
    }
}

#[test]
fn without_an_index_the_target_is_asked_and_nothing_is_sent_twice() {
    let pair = Pair::new();
    let mut dice = Dice::new(5);
    fs::write(pair.source.join("a"), dice.bytes(3_000_000)).unwrap();
    File::create(pair.source.join("hole")).unwrap().set_len(1 << 28).unwrap();
    pair.live().unwrap();
    fs::remove_file(&pair.index).unwrap();
    let again = pair.live().unwrap();
    assert_eq!((again.files_read, again.bytes_sent), (2, 0));
    fs::write(&pair.index, b"not an index").unwrap();
    assert_eq!(pair.live().unwrap().bytes_sent, 0);
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "without an index");
}

#[test]
fn what_an_index_remembers_of_another_target_does_not_count() {
    let pair = Pair::new();
    fs::write(pair.source.join("a"), Dice::new(6).bytes(500_000)).unwrap();
    std::thread::sleep(Duration::from_millis(2_200));
    pair.live().unwrap();
    fs::remove_dir_all(&pair.target).unwrap();
    fs::create_dir(&pair.target).unwrap();
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "an empty target");
    fs::write(pair.target.join("a"), vec![1; 500_000]).unwrap();
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "another content");
}

#[test]
fn blocks_that_rotted_on_the_target_are_found_and_sent_again() {
    let pair = Pair::new();
    fs::write(pair.source.join("a"), Dice::new(7).bytes(1_000_000)).unwrap();
    pair.live().unwrap();
    write_secretly(&pair.target.join("a"), 600_000, b"rotten");
    let (kind, message) = pair.verify(Extent::Unverified).unwrap_err();
    assert_eq!(kind, FaultKind::Mismatch);
    assert!(message.starts_with("1 blocks of 1 files"), "{message}");
    let repair = pair.live().unwrap();
    assert_eq!(repair.bytes_sent, BLOCK);
    assert_eq!(pair.verify(Extent::Unverified).unwrap().bytes_verified, BLOCK);
    // Verified once, rotten afterwards: only reading everything finds it.
    write_secretly(&pair.target.join("a"), 10, b"rotten again");
    assert_eq!(pair.verify(Extent::Unverified).unwrap().bytes_verified, 0);
    assert_eq!(pair.verify(Extent::Full).unwrap_err().0, FaultKind::Mismatch);
    let last = pair.last().unwrap();
    assert_eq!(last.bytes_sent, BLOCK);
    assert_equal(&pair.source, &pair.target, "after the repair");
}

#[test]
fn the_last_pass_repairs_what_it_finds_rotten() {
    let pair = Pair::new();
    fs::write(pair.source.join("a"), Dice::new(8).bytes(1_000_000)).unwrap();
    std::thread::sleep(Duration::from_millis(2_200));
    pair.live().unwrap();
    write_secretly(&pair.target.join("a"), 600_000, b"rotten");
    let last = pair.last().unwrap();
    assert_eq!(last.blocks_repaired, u64::from(last.rule == ChangeRule::Times), "{last:?}");
    assert_equal(&pair.source, &pair.target, "after the repair");
}

#[test]
fn verifying_needs_a_pass_that_ended() {
    let pair = Pair::new();
    assert_eq!(pair.verify(Extent::Full).unwrap_err().0, FaultKind::Order);
}

#[test]
fn holes_stay_holes_and_zeros_stay_where_they_were_written() {
    let pair = Pair::new();
    let file = File::create(pair.source.join("sparse")).unwrap();
    file.set_len(1 << 29).unwrap();
    file.write_all_at(b"x", 1 << 28).unwrap();
    fs::write(pair.source.join("zeros"), vec![0; 1 << 20]).unwrap();
    pair.live().unwrap();
    assert!(allocated(&pair.target.join("sparse")) <= 2 * BLOCK);
    assert!(allocated(&pair.target.join("zeros")) >= 1 << 20);
    // What becomes a hole becomes one over there too.
    let flags = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(File::options().write(true).open(pair.source.join("zeros")).unwrap(), flags, 0, 1 << 19)
        .unwrap();
    pair.last().unwrap();
    assert!(allocated(&pair.target.join("zeros")) <= (1 << 19) + BLOCK);
    assert_eq!(fs::metadata(pair.target.join("sparse")).unwrap().size(), 1 << 29);
}

#[test]
fn nothing_is_written_through_a_link_and_lost_and_found_is_left_alone() {
    let pair = Pair::new();
    let outside = tempfile::TempDir::new().unwrap();
    fs::write(outside.path().join("kept"), b"kept").unwrap();
    for name in ["d", "lost+found"] {
        fs::create_dir(pair.source.join(name)).unwrap();
        fs::write(pair.source.join(name).join("kept"), b"from the source").unwrap();
    }
    fs::write(pair.source.join("f"), b"from the source").unwrap();
    std::os::unix::fs::symlink(outside.path(), pair.target.join("d")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("kept"), pair.target.join("f")).unwrap();
    fs::create_dir(pair.target.join("lost+found")).unwrap();
    fs::write(pair.target.join("lost+found/found"), b"of the target").unwrap();
    pair.last().unwrap();
    assert_eq!(fs::read(outside.path().join("kept")).unwrap(), b"kept");
    assert_eq!(fs::read(pair.target.join("lost+found/found")).unwrap(), b"of the target");
    assert_equal(&pair.source, &pair.target, "links replaced");
}

#[test]
fn a_limit_is_kept_to() {
    let mut pair = Pair::new();
    pair.bytes_per_second = Some(2_000_000);
    fs::write(pair.source.join("a"), Dice::new(9).bytes(3_000_000)).unwrap();
    let outcome = pair.live().unwrap();
    assert!(outcome.seconds.copy > 1.2, "{outcome:?}");
}

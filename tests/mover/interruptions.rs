//! Movers that are killed, and copies that go on where they were.

use std::fs;
use std::time::Duration;

use kubectl_stateful::mover::event::Event;
use kubectl_stateful::mover::order::{Extent, PassKind};

use crate::support::dice::Dice;
use crate::support::pair::Pair;
use crate::support::tree::Tree;
use crate::support::truth::assert_equal;

#[test]
fn movers_killed_at_any_moment_leave_nothing_that_a_later_pass_does_not_mend() {
    let seed = 21;
    let mut dice = Dice::new(seed);
    let mut pair = Pair::new();
    let mut tree = Tree::new(&pair.source);
    tree.grow(&mut dice, 60);
    pair.bytes_per_second = Some(20_000_000);
    for round in 0..6 {
        let pass = if dice.once_in(3) { PassKind::Final } else { PassKind::Live };
        let (mut receiver, mut sender) = pair.start("send", pass, Extent::Unverified);
        std::thread::sleep(Duration::from_millis(dice.next() % 250));
        let survivor = if dice.once_in(2) {
            sender.kill();
            receiver.end()
        } else {
            receiver.kill();
            sender.end()
        };
        // Whoever was left said so, unless it was finished before.
        let ended = matches!(survivor, Some(Event::Failed { .. } | Event::Done(_) | Event::Received { .. }));
        assert!(ended, "seed {seed}, round {round}: {survivor:?}");
        tree.change(&mut dice, 6);
    }
    pair.bytes_per_second = None;
    let last = pair.last().unwrap();
    assert_eq!(last.blocks_repaired, 0);
    assert_equal(&pair.source, &pair.target, &format!("seed {seed}"));
}

#[test]
fn a_block_that_changed_back_after_a_killed_pass_is_not_taken_for_unchanged() {
    let mut pair = Pair::new();
    let path = pair.source.join("table");
    let before = Dice::new(22).bytes(4_000_000);
    fs::write(&path, &before).unwrap();
    pair.live().unwrap();
    fs::write(&path, Dice::new(23).bytes(4_000_000)).unwrap();
    pair.bytes_per_second = Some(4_000_000);
    let (receiver, mut sender) = pair.start("send", PassKind::Live, Extent::Unverified);
    std::thread::sleep(Duration::from_millis(700));
    sender.kill();
    drop((sender, receiver));
    // The index knows these blocks as sent; meanwhile the target holds others.
    fs::write(&path, &before).unwrap();
    pair.bytes_per_second = None;
    let live = pair.live().unwrap();
    assert!(live.bytes_sent > 0, "the killed pass had sent nothing: {live:?}");
    assert_equal(&pair.source, &pair.target, "changed back");
    assert_eq!(pair.last().unwrap().blocks_repaired, 0);
}

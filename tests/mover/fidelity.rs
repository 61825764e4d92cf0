//! The copy is the source, whatever the source holds and whatever happens to it between the passes.

use crate::support::dice::Dice;
use crate::support::pair::Pair;
use crate::support::tree::Tree;
use crate::support::truth::assert_equal;

#[test]
fn random_trees_arrive_whole_and_follow_every_change() {
    for seed in 0..3 {
        let pair = Pair::new();
        let mut dice = Dice::new(seed);
        let mut tree = Tree::new(&pair.source);
        tree.grow(&mut dice, 60);
        // What the target held before is not part of it.
        Tree::new(&pair.target).grow(&mut dice, 10);
        for round in 0..3 {
            let context = format!("seed {seed}, round {round}, {}", tree.describe_size());
            if round < 2 {
                pair.live().unwrap_or_else(|fault| panic!("{context}: {fault:?}"));
                assert_equal(&pair.source, &pair.target, &context);
            } else {
                let outcome = pair.last().unwrap_or_else(|fault| panic!("{context}: {fault:?}"));
                assert_eq!(outcome.blocks_repaired, 0, "{context}");
                assert_equal(&pair.source, &pair.target, &context);
            }
            tree.change(&mut dice, 25);
        }
    }
}

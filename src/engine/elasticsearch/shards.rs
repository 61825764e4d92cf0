//! Where the copies of shards are.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::node;
use crate::engine::phrase::{count, few};

/// A row of `_cat/shards`: one copy of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Copy {
    index: String,
    shard: String,
    state: String,
    /// The node, while it moves `FROM -> ADDRESS ID TO`; none while it is nowhere.
    node: Option<String>,
}

impl Copy {
    /// Gives the node that the copy is on, and leaves from while it moves.
    fn node(&self) -> Option<&str> {
        let node = self.node.as_deref()?;
        Some(node.split_once(" -> ").map_or(node, |(from, _)| from))
    }

    /// Tells whether it can serve: one that moves serves from where it leaves.
    fn serves(&self) -> bool {
        matches!(self.state.as_str(), "STARTED" | "RELOCATING")
    }
}

/// The copies of all shards.
pub(super) struct Shards {
    copies: Vec<Copy>,
}

impl Shards {
    /// Reads `_cat/shards`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Ok(Self { copies: node::document(Some(text))? })
    }

    /// Says what a node has: "4 shards, 2 of them leaving".
    pub(super) fn share(&self, node: &str) -> String {
        let here = || self.copies.iter().filter(|copy| copy.node() == Some(node));
        let leaving = here().filter(|copy| copy.state == "RELOCATING").count();
        let leaving = if leaving == 0 { String::new() } else { format!(", {leaving} leaving") };
        format!("{}{leaving}", count(here().count(), "shard"))
    }

    /// Counts the copies on a node.
    pub(super) fn number_on(&self, node: &str) -> usize {
        self.copies.iter().filter(|copy| copy.node() == Some(node)).count()
    }

    /// Names the indices of which a shard is wanted more often than so many times, and how often. Copies that are nowhere
    /// are wanted as well.
    pub(super) fn copied_more_than(&self, nodes: usize) -> BTreeMap<&str, usize> {
        let mut copies: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for copy in &self.copies {
            *copies.entry((copy.index.as_str(), copy.shard.as_str())).or_default() += 1;
        }
        let many = copies.into_iter().filter(|(_, number)| *number > nodes);
        many.map(|((index, _), number)| (index, number)).collect()
    }

    /// Names the shards that no other node could serve if this one went: `index[0]`.
    pub(super) fn only_on(&self, node: &str) -> Vec<String> {
        let mut serving: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        let mut here: BTreeSet<(&str, &str)> = BTreeSet::new();
        for copy in &self.copies {
            let shard = (copy.index.as_str(), copy.shard.as_str());
            here.extend((copy.node() == Some(node)).then_some(shard));
            serving.entry(shard).or_default().extend(copy.node().filter(|_| copy.serves()));
        }
        let alone = |shard: &&(&str, &str)| serving.get(*shard).is_none_or(|nodes| nodes.iter().all(|on| *on == node));
        here.iter().filter(alone).map(|(index, shard)| format!("{index}[{shard}]")).collect()
    }

    /// Names the indices of which some shard has one copy and is wanted once only.
    pub(super) fn single(&self) -> Vec<&str> {
        let mut copies: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for copy in &self.copies {
            *copies.entry((copy.index.as_str(), copy.shard.as_str())).or_default() += 1;
        }
        let single = copies.iter().filter(|(_, number)| **number == 1).map(|((index, _), _)| *index);
        single.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Names the shards of which no copy serves.
    pub(super) fn lost(&self) -> Vec<String> {
        let mut serves: BTreeMap<(&str, &str), bool> = BTreeMap::new();
        for copy in &self.copies {
            *serves.entry((copy.index.as_str(), copy.shard.as_str())).or_default() |= copy.serves();
        }
        serves.iter().filter(|(_, serves)| !**serves).map(|((index, shard), _)| format!("{index}[{shard}]")).collect()
    }

    /// Says where none of them is served: "; no copy of a[0] works", or nothing.
    pub(super) fn lost_in_words(&self) -> String {
        let lost = self.lost();
        if lost.is_empty() { String::new() } else { format!("; no copy of {} works", few(&lost)) }
    }
}

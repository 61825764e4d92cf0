//! Two volumes, the two movers, and what a volume really holds.

pub(crate) mod dice;
pub(crate) mod pair;
pub(crate) mod tree;
pub(crate) mod truth;

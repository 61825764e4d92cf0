//! Tests of the analysis on snapshots built by hand: a healthy world, and what is said when one thing is changed.

pub(crate) mod build;
mod claims;
mod documentation;
mod equals;
mod pods;
mod replication;
mod rollout;
mod safety;
mod surroundings;
mod volumes;
mod whole;

//! What a node rewrites (`nodetool compactionstats`).

use super::ring::is_host_id;

/// What one node rewrites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compactions {
    /// Whether it throws away data that is no longer its own.
    pub(super) cleans_up: bool,
}

impl Compactions {
    /// Reads what the node rewrites: each compaction is a line that begins with its identity.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let pending = |line: &str| line.starts_with("pending tasks");
        if !text.lines().any(pending) {
            return Err("answer not understood: no pending tasks".to_owned());
        }
        let running = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut running = running.filter(|words| words.first().is_some_and(|word| is_host_id(word)));
        Ok(Self { cleans_up: running.any(|words| words.get(1) == Some(&"Cleanup")) })
    }
}

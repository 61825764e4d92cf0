//! What a node does and what it streams (`nodetool netstats`).

use crate::engine::answer::one_line;
use crate::plan::Measure;

/// What one node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Netstats {
    /// `NORMAL`, `JOINING`, `LEAVING`, `MOVING`, `DECOMMISSIONED`, `DRAINED`, ...
    pub(super) mode: String,
    /// Bytes that sessions of streaming are to move.
    total: u64,
    /// Bytes of these that they have moved.
    moved: u64,
}

impl Netstats {
    /// Reads what the node does.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mode = text.lines().find_map(|line| line.strip_prefix("Mode: ")).ok_or("answer not understood: no mode")?;
        let mut netstats = Self { mode: one_line(mode), total: 0, moved: 0 };
        for (total, moved) in text.lines().filter_map(stream) {
            netstats.total = netstats.total.saturating_add(total);
            netstats.moved = netstats.moved.saturating_add(moved);
        }
        Ok(netstats)
    }

    /// Says how much of its streams is done, where there are any: "28% of its streams done".
    pub(super) fn progress(&self) -> Option<String> {
        let percent = u128::from(self.moved) * 100 / u128::from(Some(self.total).filter(|total| *total > 0)?);
        Some(format!("{percent}% of its streams done"))
    }

    /// Says how many bytes its streams have still to move, where there are any.
    pub(super) fn measure(&self) -> Option<Measure> {
        let left = self.total.saturating_sub(self.moved);
        (self.total > 0).then_some(Measure { left, whole: Some(self.total) })
    }

    /// Tells whether the node is out of the ring or about to be, and serves nothing.
    pub(super) fn is_out(&self) -> bool {
        matches!(self.mode.as_str(), "DECOMMISSIONED" | "DRAINED" | "DRAINING")
    }
}

/// Reads `Sending 3 files, 100 bytes total. Already sent 0 files (0.00%), 25 bytes total (25.00%)`.
fn stream(line: &str) -> Option<(u64, u64)> {
    let line = line.trim_start();
    let begins = line.starts_with("Sending ") || line.starts_with("Receiving ");
    let (all, done) = line.split_once(" bytes total. Already ").filter(|_| begins)?;
    let total = all.rsplit(' ').next()?.parse().ok()?;
    let moved = done.split(" bytes total").next()?.rsplit(' ').next()?.parse().ok()?;
    Some((total, moved))
}

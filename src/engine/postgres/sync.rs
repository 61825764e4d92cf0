//! `synchronous_standby_names`: what a commit waits for.

use super::server::Server;
use crate::model::{Known, SyncRule};

/// Reads the rule that commits on a primary follow; `None` where they wait for nobody.
pub(super) fn rule(primary: &Server) -> Option<SyncRule> {
    let settings = &primary.settings;
    let setting = settings.synchronous_standby_names.as_deref()?.trim();
    let waits = !matches!(settings.synchronous_commit.as_deref(), Some("local" | "off"));
    (waits && !setting.is_empty()).then(|| SyncRule {
        setting: setting.to_owned(),
        wanted: wanted(setting),
        confirming: confirming(primary),
    })
}

/// Counts how many standbys a rule asks for.
///
/// `FIRST n (..)`, `ANY n (..)` and `n (..)` say it; a bare list means one. The server has checked the grammar, so
/// what is read wrongly here still waits for one at least.
pub(super) fn wanted(setting: &str) -> u32 {
    let head = setting.split(['(', '"']).next().unwrap_or_default();
    let number = |word: &str| word.parse().ok();
    if setting.contains('(') { head.split_whitespace().find_map(number).unwrap_or(1) } else { 1 }
}

/// Counts the standbys that confirm commits now, whether or not a pod stands for them.
fn confirming(primary: &Server) -> Known<u32> {
    if !primary.sees_all && !primary.standbys.is_empty() {
        return Known::unknown(primary.lacks("pg_stat_replication"));
    }
    let confirms = primary.standbys.iter().filter(|row| {
        row.state.as_deref() == Some("streaming") && matches!(row.sync_state.as_deref(), Some("sync" | "quorum"))
    });
    Known::or_unknown(u32::try_from(confirms.count()).ok(), "too many standbys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_standbys_that_a_rule_asks_for() {
        for (setting, number) in [
            ("a", 1),
            ("a, b", 1),
            ("*", 1),
            ("FIRST 2 (a, b)", 2),
            ("first 2(a, b)", 2),
            ("ANY 1 (a,b)", 1),
            ("2 (a,b)", 2),
            ("3(*)", 3),
            ("ANY 2 (\"db-1\", \"db-2\", \"db-3\")", 2),
            ("\"2 (\"", 1),
        ] {
            assert_eq!(wanted(setting), number, "{setting}");
        }
    }
}

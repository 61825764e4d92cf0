//! What one server said about itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::probe;
use crate::engine::answer;
use crate::model::{Known, Pod, ProbeOutput, Sessions};

/// Holds the document that `ask.sql` makes; a field that is missing was not readable, never zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(in crate::engine) struct Server {
    /// `server_version`, as "15.18 (Debian 15.18-0+deb12u1)".
    pub(super) version: String,
    /// When the server was started, in seconds since 1970.
    pub(super) started: Option<i64>,
    /// The user that asked.
    pub(super) user: String,
    /// Whether that user may read what other users' sessions and walsenders do.
    pub(super) sees_all: bool,
    /// Whether the server is in recovery; the one truth about its role.
    pub(super) in_recovery: bool,
    /// Identity of the data, from `pg_control_system()`.
    pub(super) system_identifier: Option<String>,
    /// Timeline of the last checkpoint: stale after a promotion until the next one.
    checkpoint_timeline: Option<u32>,
    /// Timeline up to which recovery must go; zero on a primary.
    recovery_timeline: Option<u32>,
    /// The file that a primary writes; its first eight digits are the timeline.
    wal_file: Option<String>,
    /// Where a primary writes.
    pub(super) current_lsn: Option<Lsn>,
    /// Up to where a primary has flushed.
    pub(super) flush_lsn: Option<Lsn>,
    /// Up to where a standby has received; after a restart, the beginning of a segment.
    receive_lsn: Option<Lsn>,
    /// Up to where a standby has replayed.
    pub(super) replay_lsn: Option<Lsn>,
    /// Whether somebody paused replay.
    pub(super) replay_paused: Option<bool>,
    /// Age of the last transaction replayed, in milliseconds by the standby's clock.
    pub(super) replay_age_ms: Option<i64>,
    /// The walreceiver; `None` when there is none.
    pub(super) wal_receiver: Option<Receiver>,
    /// Walsenders.
    #[serde(default)]
    pub(super) standbys: Vec<Standby>,
    /// Replication slots.
    #[serde(default)]
    pub(super) slots: Vec<SlotRow>,
    /// Client sessions of others, counted by their state.
    sessions: Option<BTreeMap<String, u32>>,
    /// Settings that matter here.
    pub(super) settings: Settings,
    /// Prepared transactions.
    pub(super) prepared: Option<Prepared>,
    /// The archiver.
    pub(super) archiver: Option<Archiver>,
    /// The last checkpoint; on a standby, the last one that it has made its own.
    pub(super) checkpoint: Option<Checkpoint>,
    /// Age of the oldest transaction of a client, in milliseconds.
    pub(super) oldest_transaction_ms: Option<i64>,
}

/// The last checkpoint, from `pg_control_checkpoint()`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Checkpoint {
    /// Where its record begins.
    pub(super) lsn: Option<Lsn>,
}

/// A row of `pg_stat_wal_receiver`; users without `pg_monitor` see nothing but its process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Receiver {
    /// `streaming`, `waiting`, `starting`, ...
    pub(super) status: Option<String>,
    /// The timeline that it receives.
    received_tli: Option<u32>,
    /// The slot that its upstream keeps for it.
    pub(super) slot_name: Option<String>,
    /// Whom it asked for its upstream: a name or an address.
    pub(super) sender_host: Option<String>,
}

/// A row of `pg_stat_replication`; users without `pg_monitor` see only who it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Standby {
    /// The walsender's process.
    pub(super) pid: Option<i64>,
    /// What the standby calls itself.
    pub(super) application_name: Option<String>,
    /// Where it connects from.
    pub(super) client_addr: Option<String>,
    /// `startup`, `catchup`, `streaming`, `backup` or `stopping`.
    pub(super) state: Option<String>,
    /// `async`, `potential`, `sync` or `quorum`.
    pub(super) sync_state: Option<String>,
    /// Up to where it says that it has replayed.
    pub(super) replay_lsn: Option<Lsn>,
}

/// A row of `pg_replication_slots`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct SlotRow {
    /// Its name.
    pub(super) slot_name: String,
    /// `physical` or `logical`.
    pub(super) slot_type: String,
    /// Whether somebody reads from it.
    pub(super) active: bool,
    /// The walsender that reads from it.
    pub(super) active_pid: Option<i64>,
    /// `reserved`, `extended`, `unreserved` or `lost`; from 13.
    pub(super) wal_status: Option<String>,
    /// Bytes until `max_slot_wal_keep_size` ends it; from 13, nothing where there is no such limit.
    pub(super) safe_wal_size: Option<i64>,
    /// Bytes between the place it keeps and the end of the log; negative while the two are read apart.
    pub(super) retained_bytes: Option<i64>,
}

/// Settings that matter here, as `pg_settings` writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Settings {
    /// `on`, `always` or `off`.
    pub(super) archive_mode: Option<String>,
    /// What a standby calls itself where its connection does not say.
    pub(super) cluster_name: Option<String>,
    /// Where the server keeps its data.
    pub(super) data_directory: Option<String>,
    /// Whether transactions are read-only unless they say otherwise.
    pub(super) default_transaction_read_only: Option<String>,
    /// A standby needs at least the primary's value, as for the next five.
    pub(super) max_connections: Option<String>,
    /// See there.
    pub(super) max_locks_per_transaction: Option<String>,
    /// See there.
    pub(super) max_prepared_transactions: Option<String>,
    /// How many slots there may be.
    pub(super) max_replication_slots: Option<String>,
    /// See `max_connections`.
    pub(super) max_wal_senders: Option<String>,
    /// See `max_connections`.
    pub(super) max_worker_processes: Option<String>,
    /// The slot that its upstream keeps for it.
    pub(super) primary_slot_name: Option<String>,
    /// Where it listens.
    pub(super) port: Option<String>,
    /// In milliseconds.
    pub(super) recovery_min_apply_delay: Option<String>,
    /// `on`, `remote_apply`, `remote_write`, `local` or `off`.
    pub(super) synchronous_commit: Option<String>,
    /// The version as a number: 150018.
    pub(super) server_version_num: Option<String>,
    /// Whom commits wait for.
    pub(super) synchronous_standby_names: Option<String>,
    /// `replica` or `logical`; with `minimal` nobody can follow.
    pub(super) wal_level: Option<String>,
}

/// Prepared transactions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Prepared {
    /// How many.
    pub(super) count: u32,
    /// Age of the oldest, in milliseconds.
    pub(super) oldest_ms: Option<i64>,
}

/// A row of `pg_stat_archiver`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Archiver {
    /// Whether the last attempt failed; `None` when there never was a failure.
    pub(super) fails: Option<bool>,
    /// How many attempts failed since the statistics began.
    pub(super) failed_count: Option<u64>,
    /// The file that was archived last.
    pub(super) last_archived_wal: Option<String>,
    /// The file that could not be archived.
    pub(super) last_failed_wal: Option<String>,
}

impl Server {
    /// Reads the answer of one pod: a whole document or nothing.
    pub(in crate::engine) fn read(outputs: &[&ProbeOutput], pod: &Pod) -> Result<Self, String> {
        let text = answer::printed(outputs, pod, probe::ID)?.trim();
        if text.is_empty() {
            return Err("empty answer".to_owned());
        }
        serde_json::from_str(text).map_err(|error| answer::one_line(&format!("answer not understood: {error}")))
    }

    /// Says up to where it has the log: a standby will replay what it has received before it is promoted.
    pub(super) fn has(&self) -> Option<Lsn> {
        if self.in_recovery { self.receive_lsn.max(self.replay_lsn) } else { self.current_lsn }
    }

    /// Names the slot that its upstream keeps for it.
    pub(super) fn slot(&self) -> Option<&str> {
        self.wal_receiver.as_ref()?.slot_name.as_deref().filter(|name| !name.is_empty())
    }

    /// Gives the major version.
    pub(super) fn major(&self) -> Option<u32> {
        self.settings.server_version_num.as_deref()?.parse::<u32>().ok().map(|number| number / 10_000)
    }

    /// Says how many files of log wait for the archiver; `None` where nothing is archived or it is not known.
    pub(super) fn unarchived(&self) -> Option<u64> {
        let archives = matches!(self.settings.archive_mode.as_deref(), Some("on" | "always"));
        let done = segment(self.archiver.as_ref().filter(|_| archives)?.last_archived_wal.as_deref()?)?;
        let now = segment(self.wal_file.as_deref()?)?;
        Some(now.saturating_sub(done).saturating_sub(1))
    }

    /// Gives the version without the packager's words.
    pub(super) fn short_version(&self) -> &str {
        self.version.split_whitespace().next().unwrap_or(&self.version)
    }

    /// Finds the timeline.
    ///
    /// A primary's is that of the file it writes. A standby's is the highest that it has received, must replay or has
    /// checkpointed: each of them lags behind at some time, and none is ever ahead.
    pub(super) fn timeline(&self) -> Option<u32> {
        if !self.in_recovery {
            return u32::from_str_radix(self.wal_file.as_deref()?.get(..8)?, 16).ok();
        }
        let received = self.wal_receiver.as_ref().and_then(|receiver| receiver.received_tli);
        [received, self.recovery_timeline, self.checkpoint_timeline]
            .into_iter()
            .flatten()
            .max()
            .filter(|line| *line > 0)
    }

    /// Counts client sessions; unknown where the server hides or does not track what sessions do.
    pub(super) fn count_sessions(&self) -> Known<Sessions> {
        let Some(states) = self.sessions.as_ref() else { return Known::unknown("sessions not reported") };
        if !self.sees_all {
            return Known::unknown(self.lacks("pg_stat_activity"));
        }
        if states.contains_key("disabled") {
            return Known::unknown("`track_activities` is off");
        }
        let mut sessions = Sessions::default();
        for (state, number) in states {
            match state.as_str() {
                "idle" => sessions.idle += number,
                "idle in transaction" | "idle in transaction (aborted)" => sessions.idle_in_transaction += number,
                _ => sessions.active += number,
            }
        }
        Known::Value(sessions)
    }

    /// Says that the user may not read a view in full.
    pub(super) fn lacks(&self, view: &str) -> String {
        format!("user {} may not read {view}: it lacks `pg_monitor`", answer::one_line(&self.user))
    }

    /// Tells whether the rows of a walsender's process belong to a logical slot.
    pub(super) fn decodes(&self, pid: Option<i64>) -> bool {
        pid.is_some() && self.slots.iter().any(|slot| slot.slot_type == "logical" && slot.active_pid == pid)
    }
}

/// Numbers a file of log by its name, counted in files of the default size, 16 MiB.
fn segment(file: &str) -> Option<u64> {
    let part = |range| u64::from_str_radix(file.get(range)?, 16).ok();
    Some(part(8..16)? * 256 + part(16..24)?)
}

/// A place in the log, in bytes since its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Lsn(pub(super) u64);

impl TryFrom<String> for Lsn {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let part = |digits: &str| u32::from_str_radix(digits, 16).ok().map(u64::from);
        let read = || {
            let (high, low) = text.split_once('/')?;
            Some(Self(part(high)? << 32 | part(low)?))
        };
        read().ok_or_else(|| format!("`{text}` is no place in the log"))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_log_are_read_and_written_as_the_server_does() {
        let lsn = Lsn::try_from("16/B374D848".to_owned()).unwrap();
        assert_eq!(lsn, Lsn(0x16_B374_D848));
        assert_eq!(lsn.to_string(), "16/B374D848");
        for text in ["", "16", "16/", "/1", "x/1", "100000000/0"] {
            assert!(Lsn::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}

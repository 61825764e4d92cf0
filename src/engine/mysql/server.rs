//! What one server said about itself.

use std::collections::BTreeMap;

use super::channel::Channel;
use super::history::History;
use super::probe;
use super::sheet::{Row, Sheet, cell};
use crate::engine::answer;
use crate::model::{Known, Pod, ProbeOutput, Sessions};

/// Holds the tables that `status.sh` asks for; what a server does not have is missing, never zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    variables: BTreeMap<String, String>,
    status: BTreeMap<String, String>,
    /// Its number among the servers that replicate from each other.
    pub(super) id: u32,
    /// Whether clients may write: neither `read_only` nor `super_read_only` is on.
    pub(super) is_writable: bool,
    /// What it receives.
    pub(super) channels: Vec<Channel>,
    /// Those that have registered with it to receive its changes.
    pub(super) registered: Vec<Registered>,
    /// How it sees its group; nothing where there is none.
    pub(super) group: Vec<GroupRow>,
    /// Its binary log: files with their sizes, in order.
    pub(super) logs: Vec<(String, u64)>,
    /// Client sessions of others, counted by their state.
    sessions: BTreeMap<String, u32>,
    /// The home of its process, where it reads options there and none of its own arguments has it take writes; MariaDB only,
    /// and only where that can be seen.
    home: Option<String>,
}

/// A server that has registered to receive changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registered {
    /// Its number.
    pub(super) id: u32,
    /// What it calls itself, where it does.
    pub(super) host: Option<String>,
}

/// A row of `replication_group_members`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GroupRow {
    /// The member's UUID.
    pub(super) uuid: String,
    /// What the member calls its host.
    pub(super) host: String,
    /// `ONLINE`, `RECOVERING`, `OFFLINE`, `ERROR` or `UNREACHABLE`.
    pub(super) state: String,
    /// `PRIMARY` or `SECONDARY`.
    pub(super) role: String,
}

impl Server {
    /// Reads the answer of one pod: a whole document or nothing.
    pub(super) fn read(outputs: &[&ProbeOutput], pod: &Pod) -> Result<Self, String> {
        Self::parse(answer::printed(outputs, pod, probe::ID)?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let sheet = Sheet::read(text)?;
        let variables = sheet.pairs("variables")?;
        let needed = |name: &str| {
            variables.get(name).cloned().ok_or_else(|| format!("answer not understood: no variable {name}"))
        };
        let off = |name: &str| is_off(&needed(name)?).ok_or_else(|| format!("answer not understood: {name}"));
        needed("version")?;
        // MariaDB has no `super_read_only`, and from 12 on more words than ON and OFF for the other one.
        let is_writable = off("read_only")? && (!variables.contains_key("super_read_only") || off("super_read_only")?);
        let channels = sheet.rows("replication")?.iter().filter_map(Channel::read).collect::<Result<_, _>>()?;
        Ok(Self {
            id: needed("server_id")?.parse().map_err(|_| "answer not understood: server_id")?,
            is_writable,
            channels,
            registered: sheet.rows("replicas")?.iter().filter_map(registered).collect(),
            group: sheet.rows("group")?.iter().filter_map(group).collect(),
            logs: sheet.rows("logs")?.iter().filter_map(log).collect(),
            sessions: sheet
                .rows("sessions")?
                .iter()
                .map(sessions)
                .collect::<Option<_>>()
                .ok_or("sessions not understood")?,
            status: sheet.pairs("status")?,
            // Older answers, and those of MySQL, have no such table.
            home: sheet.pairs("options").ok().and_then(|options| options.get("home").cloned()),
            variables,
        })
    }

    /// Gives a variable that is set.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Gives a figure of its status.
    pub(super) fn status(&self, name: &str) -> Option<&str> {
        self.status.get(name).map(String::as_str)
    }

    /// Tells whether a variable is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.variable(name), Some("ON" | "1"))
    }

    /// Tells which of the two families it belongs to.
    pub(super) fn is_mariadb(&self) -> bool {
        self.variable("version").is_some_and(|version| version.contains("MariaDB"))
    }

    /// Gives its UUID, which MariaDB has not.
    pub(super) fn uuid(&self) -> Option<&str> {
        self.variable("server_uuid")
    }

    /// Gives the version without the packager's words.
    pub(super) fn short_version(&self) -> &str {
        let version = self.variable("version").unwrap_or_default();
        version.split('-').next().unwrap_or(version)
    }

    /// Gives what it has executed; `None` where it does not number transactions.
    pub(super) fn history(&self) -> Option<History> {
        if self.is_mariadb() {
            return History::positions(self.variables.get("gtid_current_pos")?);
        }
        let numbers = self.variable("gtid_mode")?.starts_with("ON");
        History::set(self.variables.get("gtid_executed")?).filter(|_| numbers)
    }

    /// Gives what it has executed or has received; `None` where that is not known.
    pub(super) fn known(&self) -> Option<History> {
        let mut known = self.history()?;
        for channel in &self.channels {
            known = known.with(&self.read_history(channel.received.as_deref().unwrap_or_default())?)?;
        }
        Some(known)
    }

    /// Gives what it has executed and another server has not; `None` where that is not known.
    pub(super) fn beyond(&self, other: &Self) -> Option<History> {
        let own = self.history()?;
        if self.is_mariadb() {
            return own.beyond_log(other.variables.get("gtid_binlog_state")?);
        }
        own.beyond(&other.history()?)
    }

    /// Reads transactions as its family writes them.
    pub(super) fn read_history(&self, text: &str) -> Option<History> {
        if self.is_mariadb() { History::positions(text) } else { History::set(text) }
    }

    /// Tells whether its volume can say that it takes no writes when it starts: MySQL persists that from 8.0 on, MariaDB reads
    /// options in the home of its process, which may be where its data are.
    pub(super) fn may_stay_read_only(&self) -> bool {
        if !self.is_mariadb() {
            return !self.short_version().starts_with("5.");
        }
        let path = |text: &str| text.trim_end_matches('/').to_owned();
        self.home.as_deref().map(path).is_some_and(|home| self.variable("datadir").map(path) == Some(home))
    }

    /// Tells whether it is part of a Galera cluster.
    pub(super) fn is_galera(&self) -> bool {
        self.is_on("wsrep_on")
    }

    /// Tells whether it is, or is set up to be, part of a group.
    pub(super) fn is_of_group(&self) -> bool {
        self.variable("group_replication_group_name").is_some()
    }

    /// Finds its own row of its view of the group.
    pub(super) fn own_row(&self) -> Option<&GroupRow> {
        self.group.iter().find(|row| Some(row.uuid.as_str()) == self.uuid())
    }

    /// Counts client sessions.
    pub(super) fn count_sessions(&self) -> Known<Sessions> {
        let count = |state: &str| self.sessions.get(state).copied().unwrap_or_default();
        Known::Value(Sessions {
            active: count("active"),
            idle: count("idle"),
            idle_in_transaction: count("idle in transaction"),
            unclassified: 0,
        })
    }

    /// Measures how many bytes of its log come after a place; `None` where its log has no such place.
    pub(super) fn bytes_after(&self, file: &str, place: u64) -> Option<u64> {
        let at = self.logs.iter().position(|(name, _)| name == file)?;
        let all: u64 = self.logs.get(at..)?.iter().map(|(_, size)| size).sum();
        Some(all.saturating_sub(place))
    }
}

fn is_off(value: &str) -> Option<bool> {
    match value {
        "OFF" | "0" => Some(true),
        "" => None,
        _ => Some(false),
    }
}

fn registered(row: &Row) -> Option<Registered> {
    let id = cell(row, &["Server_Id", "Server_id"])?.parse().ok()?;
    Some(Registered { id, host: cell(row, &["Host"]).map(str::to_owned) })
}

/// A server that has the plugin and no group has a row without a member.
fn group(row: &Row) -> Option<GroupRow> {
    let word = |name: &str| cell(row, &[name]).unwrap_or_default().to_owned();
    let uuid = cell(row, &["MEMBER_ID"])?.to_owned();
    Some(GroupRow { uuid, host: word("MEMBER_HOST"), state: word("MEMBER_STATE"), role: word("MEMBER_ROLE") })
}

fn log(row: &Row) -> Option<(String, u64)> {
    Some((cell(row, &["Log_name"])?.to_owned(), cell(row, &["File_size"])?.parse().ok()?))
}

fn sessions(row: &Row) -> Option<(String, u32)> {
    Some((cell(row, &["state"])?.to_owned(), cell(row, &["number"])?.parse().ok()?))
}

//! What one server said about itself.

use std::collections::BTreeMap;

use super::info::{Info, parts};
use super::nodes::Nodes;
use super::probe;
use crate::engine::answer::{self, one_line};
use crate::model::{Known, Pod, ProbeOutput};

/// What one server said. Its role and what follows from it are there or nothing is; each other part may be unknown.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// The product and its version.
    pub(super) version: Version,
    /// Whether it has a part of the keys only, as a node of Redis Cluster.
    pub(super) in_cluster: bool,
    /// Whom it follows; `None` on a master.
    pub(super) upstream: Option<Upstream>,
    /// Identity of the history that its place in the log counts from.
    pub(super) history: String,
    /// Its place in the log, in bytes.
    pub(super) offset: u64,
    /// Whether it hands its role over now, as it names that; `None` where it does not say.
    pub(super) failover: Option<String>,
    /// How willingly sentinels choose it, the lower the sooner, 0 never; told by replicas only.
    pub(super) priority: Option<u32>,
    /// Its configuration file, in which it can write down what it is, if it has one.
    pub(super) file: Option<String>,
    /// Who follows it.
    pub(super) followers: Vec<Follower>,
    /// Followers that answer fast enough to count for `min-replicas-to-write`; told only where there is such a rule.
    pub(super) good_followers: Option<u32>,
    /// How many followers a write needs; 0 where there is no such rule.
    pub(super) wants_followers: Known<u32>,
    /// Whether what it holds is on disk as well.
    pub(super) persists: Known<bool>,
    /// What last failed of writing to disk, as it names that.
    pub(super) failed_to_write: Option<&'static str>,
    /// Connections of clients.
    pub(super) clients: Known<u32>,
    /// How many keys it holds.
    pub(super) keys: Known<u64>,
    /// The state of the cluster as it sees it.
    pub(super) state: Known<State>,
    /// The nodes of the cluster as it sees them.
    pub(super) nodes: Known<Nodes>,
}

/// The product and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// "Redis" or "Valkey".
    pub(super) title: &'static str,
    /// As "7.0.15".
    pub(super) number: String,
}

/// Whom a replica follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upstream {
    /// The host, as the replica was told.
    pub(super) host: String,
    /// The port.
    pub(super) port: String,
    /// Whether the link is up: then changes come.
    pub(super) is_up: bool,
    /// For how many seconds it has been down; told only then.
    pub(super) down_seconds: Option<u64>,
    /// Whether it takes over a whole copy now.
    pub(super) copies: bool,
    /// Whether it refuses writes of its own.
    pub(super) read_only: bool,
}

/// A follower as its upstream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Follower {
    /// Where it connects from, or what it announces.
    pub(super) host: String,
    /// Its port.
    pub(super) port: String,
    /// `wait_bgsave`, `send_bulk` or `online`.
    pub(super) state: String,
    /// Up to where it has confirmed.
    pub(super) offset: Option<u64>,
    /// Seconds since it last did.
    pub(super) silent_seconds: Option<u64>,
}

/// The state of the cluster as one node sees it, from `CLUSTER INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Whether it serves: `cluster_state:ok`.
    pub(super) is_ok: bool,
    /// Slots that some master serves.
    pub(super) slots_served: u32,
}

impl Server {
    /// Reads the answer of one pod.
    pub(super) fn read(outputs: &[&ProbeOutput], pod: &Pod) -> Result<Self, String> {
        let text = answer::printed(outputs, pod, probe::ID)?;
        let parts = parts(text)?;
        Self::of(&parts).map_err(|what| format!("answer not understood: {what}"))
    }

    fn of(parts: &BTreeMap<&str, &str>) -> Result<Self, String> {
        let section = |name: &str| Info::read(parts.get(name).copied().unwrap_or_default());
        let (server, replication, persistence) = (section("server"), section("replication"), section("persistence"));
        let mode = server.text("redis_mode").or_else(|| server.text("server_mode"));
        let in_cluster = match mode {
            Some("standalone") => false,
            Some("cluster") => true,
            Some("sentinel") => return Err("it is a sentinel".to_owned()),
            Some(other) => return Err(format!("mode {}", one_line(other))),
            None => return Err(refused(parts, "server").unwrap_or_else(|| "no mode".to_owned())),
        };
        let upstream = match replication.text("role") {
            Some("master") => None,
            Some("slave" | "replica") => Some(Upstream::of(&replication).ok_or("no link to a master")?),
            Some(other) => return Err(format!("role {}", one_line(other))),
            None => return Err(refused(parts, "replication").unwrap_or_else(|| "no role".to_owned())),
        };
        // A replica's own count goes on from what it received; before its first copy it is no number.
        let offset = replication.number("slave_repl_offset").filter(|_| upstream.is_some());
        let cluster = |name: &str| if in_cluster { said(parts, name) } else { Known::unknown("it is in no cluster") };
        Ok(Self {
            version: Version::of(&server).ok_or("no version")?,
            in_cluster,
            history: replication.text("master_replid").ok_or("no master_replid")?.to_owned(),
            offset: offset.or_else(|| replication.number("master_repl_offset")).ok_or("no master_repl_offset")?,
            failover: replication.text("master_failover_state").map(str::to_owned),
            priority: replication.number("slave_priority"),
            file: server.text("config_file").filter(|file| !file.is_empty()).map(str::to_owned),
            followers: replication.counted("slave").filter_map(Follower::of).collect(),
            good_followers: replication.number("min_slaves_good_slaves"),
            wants_followers: setting(parts, "min-replicas", |value| value.parse().ok()),
            persists: persists(parts),
            failed_to_write: failed_to_write(&persistence),
            clients: number(parts, "clients"),
            keys: number(parts, "keys"),
            state: understood(cluster("cluster"), State::of),
            nodes: understood(cluster("nodes"), Nodes::read),
            upstream,
        })
    }

    /// Gives its place in the log where that is one of the same history as another server's.
    pub(super) fn offset_beside(&self, other: &Self) -> Option<u64> {
        (self.history == other.history).then_some(self.offset)
    }
}

impl Version {
    fn of(server: &Info<'_>) -> Option<Self> {
        let of = |title, field| server.text(field).map(|number| Self { title, number: number.to_owned() });
        of("Valkey", "valkey_version").or_else(|| of("Redis", "redis_version"))
    }

    /// Gives the first two numbers.
    pub(super) fn release(&self) -> Option<(u32, u32)> {
        let mut numbers = self.number.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    }
}

impl Upstream {
    fn of(replication: &Info<'_>) -> Option<Self> {
        Some(Self {
            host: replication.text("master_host")?.to_owned(),
            port: replication.text("master_port")?.to_owned(),
            is_up: replication.text("master_link_status")? == "up",
            down_seconds: replication.number("master_link_down_since_seconds"),
            copies: replication.text("master_sync_in_progress") == Some("1"),
            read_only: replication.text("slave_read_only") != Some("0"),
        })
    }
}

impl Follower {
    /// Reads `ip=10.0.0.7,port=6379,state=online,offset=42,lag=0`.
    fn of(line: &str) -> Option<Self> {
        let fields: BTreeMap<&str, &str> = line.split(',').filter_map(|field| field.split_once('=')).collect();
        let text = |name: &str| fields.get(name).map(|value| (*value).to_owned());
        Some(Self {
            host: text("ip")?,
            port: text("port")?,
            state: text("state")?,
            offset: text("offset").and_then(|offset| offset.parse().ok()),
            silent_seconds: text("lag").and_then(|lag| lag.parse().ok()),
        })
    }
}

impl State {
    fn of(text: &str) -> Result<Self, String> {
        let info = Info::read(text);
        let state = info.text("cluster_state").zip(info.number("cluster_slots_ok"));
        let (state, slots_served) = state.ok_or_else(|| one_line(text))?;
        Ok(Self { is_ok: state == "ok", slots_served })
    }
}

/// Takes a part that an error may stand in for.
fn said<'a>(parts: &BTreeMap<&str, &'a str>, name: &str) -> Known<&'a str> {
    Known::or_unknown(parts.get(name).copied().filter(|text| !text.is_empty()), "not told")
}

/// Reads a part, and keeps the reason where there is none.
fn understood<T>(part: Known<&str>, read: impl Fn(&str) -> Result<T, String>) -> Known<T> {
    match part {
        Known::Value(text) => read(text).map_or_else(Known::Unknown, Known::Value),
        Known::Unknown(why) => Known::Unknown(why),
    }
}

/// Gives the error that stands where a part should be.
fn refused(parts: &BTreeMap<&str, &str>, name: &str) -> Option<String> {
    parts.get(name).filter(|text| !text.is_empty()).map(|text| one_line(text))
}

/// Reads a part that is one number.
fn number<T: std::str::FromStr>(parts: &BTreeMap<&str, &str>, name: &str) -> Known<T> {
    understood(said(parts, name), |text| text.trim().parse().map_err(|_| one_line(text)))
}

/// Reads a part that is the name of a setting and, on the next line, its value.
fn setting<T>(parts: &BTreeMap<&str, &str>, name: &str, read: impl Fn(&str) -> Option<T>) -> Known<T> {
    understood(said(parts, name), |text| {
        // An empty value leaves nothing but the name of its setting; an error has blanks.
        let (key, value) = text.split_once('\n').unwrap_or((text, ""));
        let value = if key.trim().contains(' ') { None } else { read(value.trim()) };
        value.ok_or_else(|| one_line(text))
    })
}

/// Says whether what a server holds is on disk as well: by a log of its writes, or by copies from time to time.
fn persists(parts: &BTreeMap<&str, &str>) -> Known<bool> {
    let log = setting(parts, "appendonly", |value| match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    });
    let copies = setting(parts, "save", |value| Some(!value.is_empty()));
    match (log, copies) {
        (Known::Value(true), _) | (_, Known::Value(true)) => Known::Value(true),
        (Known::Value(false), Known::Value(false)) => Known::Value(false),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => Known::Unknown(why),
    }
}

/// Says what last failed of writing to disk.
fn failed_to_write(persistence: &Info<'_>) -> Option<&'static str> {
    let writes = [
        ("rdb_last_bgsave_status", "BGSAVE"),
        ("aof_last_write_status", "writing the append-only file"),
        ("aof_last_bgrewrite_status", "BGREWRITEAOF"),
    ];
    let failed = writes.into_iter().find(|(field, _)| persistence.text(field).is_some_and(|status| status != "ok"));
    failed.map(|(_, what)| what)
}

//! One stream of changes that a server receives, as `SHOW REPLICA STATUS` and its older names tell it.

use super::sheet::{Row, cell};
use crate::engine::answer::one_line;

/// Channels that Group Replication keeps for itself.
const OF_THE_GROUP: &str = "group_replication_";

/// One stream of changes that a server receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    /// Its name; most servers have one without.
    pub(super) name: Option<String>,
    /// The host that it connects to.
    pub(super) host: String,
    /// The source's UUID, once it has been connected; MySQL only.
    pub(super) source_uuid: Option<String>,
    /// The source's number, once it has been connected.
    pub(super) source_id: Option<u32>,
    /// `Yes`, `No`, `Connecting` or `Preparing`.
    receives: String,
    /// `Yes` or `No`.
    applies: String,
    /// Why it receives nothing, number and text.
    receiver_error: Option<String>,
    /// Why it applies nothing, number and text.
    pub(super) applier_error: Option<String>,
    /// Up to where in the source's log it has applied: file and place.
    pub(super) applied: Option<(String, u64)>,
    /// Age of what it applies now, in seconds, of what it has received.
    pub(super) behind_seconds: Option<u64>,
    /// How late it is told to be, in seconds.
    pub(super) delay_seconds: u64,
    /// What it has received, by GTIDs: on MySQL since its source was set, on MariaDB the last one of each domain.
    pub(super) received: Option<String>,
    /// Whether it says by GTIDs what it wants; otherwise a change of its source needs places in logs.
    pub(super) by_gtid: bool,
}

impl Channel {
    /// Reads a row; `None` for a channel of Group Replication.
    pub(super) fn read(row: &Row) -> Option<Result<Self, String>> {
        let name = cell(row, &["Channel_Name", "Connection_name"]);
        if name.is_some_and(|name| name.starts_with(OF_THE_GROUP)) {
            return None;
        }
        let word = |names: &[&str]| {
            let missing = || format!("answer not understood: replication has no {}", names[0]);
            cell(row, names).map(str::to_owned).ok_or_else(missing)
        };
        let number = |names: &[&str]| cell(row, names).and_then(|text| text.parse::<u64>().ok());
        let error = |number: &str, text: &str| {
            let number = cell(row, &[number]).filter(|number| *number != "0")?;
            Some(format!("error {number}: {}", one_line(cell(row, &[text]).unwrap_or_default())))
        };
        let file = cell(row, &["Relay_Source_Log_File", "Relay_Master_Log_File"]).map(str::to_owned);
        let read = || {
            Ok(Self {
                name: name.map(str::to_owned),
                host: cell(row, &["Source_Host", "Master_Host"]).unwrap_or_default().to_owned(),
                source_uuid: cell(row, &["Source_UUID", "Master_UUID"]).map(str::to_owned),
                source_id: number(&["Source_Server_Id", "Master_Server_Id"])
                    .and_then(|id| u32::try_from(id).ok())
                    .filter(|id| *id != 0),
                receives: word(&["Replica_IO_Running", "Slave_IO_Running"])?,
                applies: word(&["Replica_SQL_Running", "Slave_SQL_Running"])?,
                receiver_error: error("Last_IO_Errno", "Last_IO_Error"),
                applier_error: error("Last_SQL_Errno", "Last_SQL_Error"),
                applied: file.zip(number(&["Exec_Source_Log_Pos", "Exec_Master_Log_Pos"])),
                behind_seconds: number(&["Seconds_Behind_Source", "Seconds_Behind_Master"]),
                delay_seconds: number(&["SQL_Delay"]).unwrap_or_default(),
                received: cell(row, &["Retrieved_Gtid_Set", "Gtid_IO_Pos"]).map(str::to_owned),
                by_gtid: cell(row, &["Auto_Position"]) == Some("1")
                    || matches!(cell(row, &["Using_Gtid"]), Some("Slave_Pos" | "Current_Pos")),
            })
        };
        Some(read())
    }

    /// Tells whether it receives changes now.
    pub(super) fn is_receiving(&self) -> bool {
        self.receives == "Yes"
    }

    /// Tells whether what it receives is applied.
    pub(super) fn is_applying(&self) -> bool {
        self.applies == "Yes"
    }

    /// Words its state, the receiving half first: without it the other half soon has nothing to do.
    pub(super) fn state(&self) -> String {
        let state = match (self.receives.as_str(), self.is_applying()) {
            ("Yes", true) => return "receiving".to_owned(),
            ("Yes", false) => "receiving, applier stopped".to_owned(),
            ("No", _) => "receiver stopped".to_owned(),
            (other, _) => one_line(other).to_lowercase(),
        };
        let error = if self.is_receiving() { &self.applier_error } else { &self.receiver_error };
        error.as_ref().map_or(state.clone(), |error| format!("{state}: {error}"))
    }
}

//! From what is, and what somebody wants, to a plan or the reasons why there is none. Pure.
//!
//! ```text
//! Snapshot -> Situation (what analysis and engine say) -> objections  why not
//!                                                      -> scale_down  the steps
//!                                                      -> judge       whether a check holds now
//!                                                      -> promote     who may take the writes, and the steps
//!                                                      -> migrate     where a member could go, and the steps
//! Run -> undo                                             the steps back
//! ```

mod budget;
mod clients;
mod failover;
mod judge;
mod members;
mod migrate;
mod objections;
mod promote;
mod proof;
mod restart;
mod room;
mod scale_down;
mod situation;
mod undo;

pub use judge::judge;
pub use migrate::{Migrate, finish, migrate};
pub use promote::{Accepted, Candidate, Promote, candidates, promote, remains};
pub use scale_down::{ScaleDown, scale_down};
pub use situation::Situation;
pub use undo::undo;

use crate::plan::Objection;

/// The words behind `--allow`, with what somebody takes the responsibility for.
pub const ALLOWED: &[(&str, &str)] = &[
    ("archive", "log that is not archived yet slows the stop of the primary"),
    ("autoscaler", "an autoscaler may scale the set up again"),
    ("budget", "a disruption budget can no longer be kept"),
    ("clients", "how clients find the primary is not known"),
    ("downtime", "clients wait while the primary, or the only member, is down"),
    ("few-masters", "a Redis Cluster of fewer masters than it takes to replace one that fails"),
    ("gitops", "the set's source still says the old number"),
    ("host-path", "what is on a directory of the node stays behind"),
    ("lag", "the copies that stay may be behind"),
    ("logical-slots", "subscribers of logical replication lose their place"),
    ("no-drain", "nothing is known of how a member leaves this engine"),
    ("node-off", "the node of the primary that is given up is off, and will not come back by itself"),
    ("no-replica", "no copy of the primary stays"),
    ("on-delete", "a pod that is made again takes the newest revision"),
    ("operator", "an operator may act on a member that is away"),
    ("quorum", "what stays may not survive the loss of one more member"),
    ("room", "the members that stay may have no room for what the leaving one holds"),
    ("sentinels", "the sentinels that stay may not agree on a new master"),
    ("unknown-seeds", "whom the members that stay turn to when they start is not known"),
    ("unknown-role", "the role of the member that leaves is not known"),
];

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was wanted, as a fragment: "statefulset/db in shop, 3 -> 1 replicas".
    pub wanted: String,
    /// The reasons, each once.
    pub objections: Vec<Objection>,
}

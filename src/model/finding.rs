//! Something that is wrong, or about to hurt.

use serde::{Serialize, Serializer};

/// States one thing that is wrong, where it was seen and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding it is; stable, for scripts.
    pub code: Code,
    /// The object, as `pod/db-2` or `persistentvolumeclaim/data-db-2`.
    pub subject: String,
    /// What was measured, as a sentence without a full stop that names the object.
    pub message: String,
    /// Why it matters, as a fragment; empty when the message says it.
    pub why: String,
    /// The next command to type, where there is one.
    pub next: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Data or service is lost or will be with the next fault.
    Critical,
    /// It will hurt if nothing is done.
    Warning,
    /// Worth knowing before touching anything.
    Note,
}

impl Severity {
    /// Gives the word that stands at the beginning of the line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::Warning => "WARNING",
            Self::Note => "NOTE",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// The kinds of findings; docs/findings.md explains each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Gives the stable word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// An ordinal's claim does not exist.
    ClaimMissing = "claim-missing";
    /// A claim has no volume yet.
    ClaimPending = "claim-pending";
    /// A claim's volume is gone.
    ClaimLost = "claim-lost";
    /// A claim is being deleted.
    ClaimTerminating = "claim-terminating";
    /// A claim is not what its template asks for.
    ClaimDiffers = "claim-differs";
    /// Claims of ordinals outside the range.
    ClaimsLeftOver = "claims-left-over";
    /// A claim grows and has not finished.
    ResizePending = "resize-pending";
    /// A claim names a volume that does not exist.
    VolumeMissing = "volume-missing";
    /// A volume lost its claim.
    VolumeReleased = "volume-released";
    /// A volume was kept when its member was moved.
    VolumeRetained = "volume-retained";
    /// A volume failed.
    VolumeFailed = "volume-failed";
    /// A volume belongs to another claim of the same name.
    VolumeOfAnotherClaim = "volume-of-another-claim";
    /// A volume is nearly full.
    VolumeFull = "volume-full";
    /// A volume can only be used on a node that does not exist.
    VolumeNodeGone = "volume-node-gone";
    /// A volume can only be used on a node that is not ready.
    VolumeNodeNotReady = "volume-node-not-ready";
    /// A volume can only be used on a node that is cordoned.
    VolumeNodeCordoned = "volume-node-cordoned";
    /// A volume can only be used on a node that a move holds.
    VolumeNodeHeld = "volume-node-held";
    /// A policy deletes claims on scale-down or deletion.
    PolicyDeletesData = "policy-deletes-data";
    /// A known database keeps its data outside claims.
    DataWithoutClaim = "data-without-claim";
    /// All volumes are in one zone.
    VolumesInOneZone = "volumes-in-one-zone";
    /// A pod is not scheduled or not started.
    PodPending = "pod-pending";
    /// A pod does not go away.
    PodStuckTerminating = "pod-stuck-terminating";
    /// A pod's containers end again and again.
    PodRestarting = "pod-restarting";
    /// A pod runs and is not ready.
    PodNotReady = "pod-not-ready";
    /// A pod of that name is not the set's.
    PodNotOwned = "pod-not-owned";
    /// An ordinal has no pod.
    PodMissing = "pod-missing";
    /// A rollout cannot go on.
    RolloutStuck = "rollout-stuck";
    /// A partition was left behind.
    PartitionLeft = "partition-left";
    /// Pods wait for their deletion under `OnDelete`.
    OnDeletePending = "on-delete-pending";
    /// The set is being deleted.
    SetDeleting = "set-deleting";
    /// The controller has not seen the set as it is now.
    ControllerBehind = "controller-behind";
    /// The governing Service does not exist.
    ServiceMissing = "service-missing";
    /// The governing Service is not headless.
    ServiceNotHeadless = "service-not-headless";
    /// The governing Service selects no pod of the set.
    ServiceSelectsNothing = "service-selects-nothing";
    /// A pod has no DNS name.
    NameMissing = "name-missing";
    /// No budget protects the pods.
    BudgetMissing = "budget-missing";
    /// The budget allows no eviction now.
    BudgetBlocks = "budget-blocks";
    /// Two budgets on one pod make its eviction impossible.
    BudgetsOverlap = "budgets-overlap";
    /// An autoscaler changes the replicas.
    AutoscalerPresent = "autoscaler-present";
    /// Somebody else manages the set.
    OwnedByOperator = "owned-by-operator";
    /// Members share a node.
    NodeShared = "node-shared";
    /// Members share a zone.
    ZoneShared = "zone-shared";
    /// More than one member takes writes.
    TwoPrimaries = "two-primaries";
    /// No member takes writes.
    NoPrimary = "no-primary";
    /// A replica receives nothing.
    ReplicaDisconnected = "replica-disconnected";
    /// A member is on another timeline, or holds other data.
    TimelineDiverged = "timeline-diverged";
    /// A replica is too far behind.
    LagHigh = "lag-high";
    /// Somebody paused replay on a replica.
    ReplayPaused = "replay-paused";
    /// A replica is told to apply changes late.
    ReplayDelayed = "replay-delayed";
    /// Commits wait for standbys that are not there.
    SyncStandbyMissing = "sync-standby-missing";
    /// A replica has stopped applying changes because of an error.
    ReplicationBroken = "replication-broken";
    /// A replica has executed what the primary has not.
    ErrantTransactions = "errant-transactions";
    /// A replica takes writes of clients.
    ReplicaWritable = "replica-writable";
    /// A primary that is to wait for replicas no longer does.
    SemiSyncOff = "semi-sync-off";
    /// Servers that replicate from one another have one number.
    ServerIdShared = "server-id-shared";
    /// A slot keeps log for nobody.
    SlotInactive = "slot-inactive";
    /// The engine has a member without a pod.
    MemberWithoutPod = "member-without-pod";
    /// A pod runs and the engine does not know it.
    PodWithoutMember = "pod-without-member";
    /// Other members see a member as down.
    MemberDown = "member-down";
    /// Members join, leave or move, and data with them.
    MembersChanging = "members-changing";
    /// A member runs and serves nothing.
    MemberNotServing = "member-not-serving";
    /// Members do not agree on the schema.
    SchemaDisagreement = "schema-disagreement";
    /// A member throws away data that is no longer its own.
    CleanupRunning = "cleanup-running";
    /// Copies of shards are nowhere.
    ShardsUnassigned = "shards-unassigned";
    /// Data exists only once.
    SingleCopy = "single-copy";
    /// Members are kept from taking data or votes.
    ExclusionLeft = "exclusion-left";
    /// The primary keeps nothing on disk.
    PersistenceOff = "persistence-off";
    /// A server could not write to disk.
    PersistenceFails = "persistence-fails";
    /// Writes are refused for want of replicas.
    MinReplicasUnmet = "min-replicas-unmet";
    /// The sentinels could not replace the primary.
    SentinelQuorum = "sentinel-quorum";
    /// A sentinel watches somebody else.
    SentinelAstray = "sentinel-astray";
    /// Slots of the cluster that nobody serves.
    SlotsUnserved = "slots-unserved";
    /// A Service or label sends writes to a replica.
    WritesToReplica = "writes-to-replica";
    /// The cluster manager does not act on failures.
    FailoverPaused = "failover-paused";
    /// The cluster manager will move the primary at a set time.
    SwitchoverScheduled = "switchover-scheduled";
    /// Log cannot be archived and piles up.
    ArchivingFails = "archiving-fails";
    /// Prepared transactions that nobody finishes.
    PreparedTransactions = "prepared-transactions";
    /// An engine did not answer.
    ProbeFailed = "probe-failed";
    /// Something could not be read.
    NotRead = "not-read";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

//! What the roles of members say about a smaller set.

use super::Situation;
use crate::analyze::bytes;
use crate::analyze::report::Row;
use crate::model::{Known, Member, Role, SyncState};
use crate::plan::{Objection, Weight};

/// Says what the members' roles say against keeping only the first so many ordinals.
pub(super) fn objections(situation: &Situation<'_>, replicas: u32) -> Vec<Objection> {
    let members = Members { situation, replicas };
    let primaries: Vec<&Member> = situation.topology.primaries().collect();
    let mut objections = members.unknown_roles();
    match primaries.as_slice() {
        [primary] => {
            objections.extend(members.primary_leaves(primary));
            objections.extend(members.copies());
            objections.extend(members.confirmations());
        }
        [] if situation.topology.is_of_equals() => {}
        [] if members.has_roles() && !members.led_from_outside() => objections.push(no_primary()),
        [] => {}
        several => objections.push(two_primaries(several)),
    }
    objections
}

/// The members of a workload, of which the first so many ordinals stay.
struct Members<'s, 'a> {
    situation: &'s Situation<'a>,
    replicas: u32,
}

fn no_primary() -> Objection {
    Objection::new(
        "noPrimary",
        Weight::Unknown,
        "no member is known to be the primary",
        "the member that leaves may hold the newest copy",
    )
    .way_out("bring the primary back first; `kubectl stateful status` says what is wrong")
}

fn two_primaries(primaries: &[&Member]) -> Objection {
    let names: Vec<&str> = primaries.iter().map(|member| member.pod.as_str()).collect();
    Objection::new(
        "twoPrimaries",
        Weight::No,
        format!("{} take writes", names.join(" and ")),
        "each may hold writes that nobody else has",
    )
}

impl Members<'_, '_> {
    fn has_roles(&self) -> bool {
        self.situation.topology.members.iter().any(|member| member.role.value().is_some())
    }

    /// Tells whether a primary elsewhere leads: all follow it, or a member that takes no writes does so for them.
    fn led_from_outside(&self) -> bool {
        if self.situation.topology.upstream.is_some() {
            return true;
        }
        let stays = |member: &Member| self.stays(member);
        let members = &self.situation.topology.members;
        members.iter().any(|member| member.role == Known::Value(Role::StandbyLeader) && stays(member))
    }

    fn stays(&self, member: &Member) -> bool {
        self.situation.staying(self.replicas).any(|row| row.pod == member.pod)
    }

    fn staying_replicas(&self) -> impl Iterator<Item = &Row> {
        self.situation.staying(self.replicas).filter(|row| row.role == Known::Value(Role::Replica))
    }

    /// An engine without any role to tell has none; one that is silent about a member may hide the primary there.
    fn unknown_roles(&self) -> Vec<Objection> {
        if !self.has_roles() && self.situation.report.head.engine.engine == "generic" {
            return Vec::new();
        }
        let limit = "a member whose role is not known may be the one with the newest data";
        let unknown = |row: &&Row| row.role.value().is_none();
        let why = |row: &Row| row.role.why().unwrap_or_default().to_owned();
        let stays = self.situation.staying(self.replicas).filter(unknown).map(|row| {
            Objection::new("roleUnknown", Weight::Unknown, format!("role of {} unknown ({})", row.pod, why(row)), limit)
        });
        let leaves = self.situation.leaving(self.replicas).filter(unknown).map(|row| {
            Objection::new("roleUnknown", Weight::Unknown, format!("role of {} unknown ({})", row.pod, why(row)), limit)
                .allow("unknown-role")
        });
        stays.chain(leaves).collect()
    }

    /// The primary leaves only with everybody else, and then as the last one.
    fn primary_leaves(&self, primary: &Member) -> Option<Objection> {
        if self.stays(primary) {
            return None;
        }
        let lowest = self.situation.workload.pod_name(self.situation.workload.first_ordinal);
        if self.replicas == 0 && primary.pod == lowest {
            return None;
        }
        Some(
            Objection::new(
                "primary",
                Weight::No,
                format!("{} is the primary", primary.pod),
                "a primary does not leave: writes would stop, and its last ones might be lost",
            )
            .way_out(self.another_primary()),
        )
    }

    /// Says how a member that stays becomes the primary.
    fn another_primary(&self) -> String {
        let words = format!("make a member that stays the primary first: one below {}", self.first_to_leave());
        if !self.situation.engine.promotes() {
            return words;
        }
        let set = self.situation.workload;
        format!("{words}, with `kubectl stateful promote {} -n {} --to POD`", set.meta.name, set.meta.namespace)
    }

    fn first_to_leave(&self) -> String {
        let first = self.situation.workload.first_ordinal.saturating_add(self.replicas);
        self.situation.workload.pod_name(first).to_string()
    }

    /// With a primary that stays, a copy of its data must stay, too.
    fn copies(&self) -> Option<Objection> {
        let leaves = self.situation.leaving(self.replicas).any(|row| row.role == Known::Value(Role::Replica));
        if self.replicas == 0 || !leaves {
            return None;
        }
        let mut least: Option<&Row> = None;
        for row in self.staying_replicas() {
            match row.lag.as_ref().and_then(|lag| lag.bytes.value()) {
                Some(lag) if *lag <= self.situation.max_lag_bytes => return None,
                Some(_) | None => least = least.or(Some(row)),
            }
        }
        let Some(row) = least else {
            return Some(
                Objection::new("lastReplica", Weight::No, "no replica would stay", "one copy besides the primary")
                    .allow("no-replica"),
            );
        };
        let lag = row.lag.as_ref().map(|lag| &lag.bytes);
        let (weight, measured) = match lag {
            Some(Known::Value(lag)) => (Weight::Passing, format!("{} is {} behind", row.pod, bytes(*lag))),
            Some(Known::Unknown(why)) => (Weight::Unknown, format!("lag of {} unknown ({why})", row.pod)),
            None => (Weight::Unknown, format!("lag of {} unknown", row.pod)),
        };
        let limit = format!("one replica that stays within {} (--max-lag)", bytes(self.situation.max_lag_bytes));
        Some(Objection::new("lag", weight, measured, limit).allow("lag"))
    }

    /// Commits must go on: enough standbys that confirm must stay.
    fn confirmations(&self) -> Option<Objection> {
        let rule = self.situation.topology.sync.as_ref().filter(|rule| rule.wanted > 0)?;
        if self.replicas == 0 {
            return None;
        }
        let confirms = |row: &&Row| !matches!(row.sync, None | Some(SyncState::Async));
        let left = self.staying_replicas().filter(confirms).count();
        (left < rule.wanted as usize).then(|| {
            Objection::new(
                "syncStandby",
                Weight::No,
                format!(
                    "{left} {} would stay",
                    if left == 1 { "standby that confirms" } else { "standbys that confirm" }
                ),
                format!("commits wait for {} ({})", rule.wanted, rule.setting),
            )
            .way_out("loosen the rule first, or keep more replicas")
        })
    }
}

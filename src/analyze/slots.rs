//! Log that members keep for somebody who does not come for it.

use std::collections::BTreeMap;

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use crate::model::{Code, PodName, Role, Severity, Slot, Topology};

/// An inactive slot that keeps so much log is about to fill a volume of usual size.
const CRITICAL_BYTES: u64 = 10 << 30;

/// Slots on replicas are copies that their manager keeps; only one that keeps so much is worth a word.
const ON_REPLICA_BYTES: u64 = 1 << 30;

/// Below one segment of log nothing is kept that would not be there without the slot.
const SEGMENT_BYTES: u64 = 16 << 20;

/// What becomes of the log that is kept for an inactive slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It grows as long as there is space.
    Grows,
    /// The server gives the slot up at a limit.
    Ends,
}

impl Fate {
    fn of(slot: &Slot) -> Self {
        if slot.spare_bytes.is_some() { Self::Ends } else { Self::Grows }
    }

    fn why(self, slots: &[&Slot]) -> String {
        match self {
            Self::Grows => "the log grows until the volume is full".to_owned(),
            Self::Ends => {
                let spare = slots.iter().filter_map(|slot| slot.spare_bytes).min().unwrap_or_default();
                let spare = phrase::bytes(spare);
                format!("after {spare} more the server gives it up, and its reader has to start from a new copy")
            }
        }
    }
}

/// Says which slots nobody reads, once for each member that keeps some.
pub(super) fn find(topology: &Topology, findings: &mut Findings) {
    let mut kept: BTreeMap<(&PodName, Severity, Fate), Vec<&Slot>> = BTreeMap::new();
    for slot in topology.slots.iter().filter(|slot| !slot.active && counts(topology, slot)) {
        if slot.state.as_deref() == Some("lost") {
            findings.say(lost(slot));
        } else {
            kept.entry((&slot.pod, severity(slot), Fate::of(slot))).or_default().push(slot);
        }
    }
    for ((pod, severity, fate), slots) in kept {
        let remark = Remark::new(severity, Code::SlotInactive, Kind::Pod, pod.as_str(), predicate(&slots));
        findings.say(remark.why(fate.why(&slots)));
    }
}

fn counts(topology: &Topology, slot: &Slot) -> bool {
    let role = topology.member(&slot.pod).map(|member| member.role.value());
    let on_replica = role.is_some_and(|role| role == Some(&Role::Replica));
    role.is_some() && (!on_replica || slot.retained_bytes.unwrap_or(0) >= ON_REPLICA_BYTES)
}

fn severity(slot: &Slot) -> Severity {
    match slot.retained_bytes {
        Some(kept) if kept >= CRITICAL_BYTES && Fate::of(slot) == Fate::Grows => Severity::Critical,
        Some(kept) if kept < SEGMENT_BYTES => Severity::Note,
        Some(_) | None => Severity::Warning,
    }
}

fn lost(slot: &Slot) -> Remark {
    let predicate = format!("has {} {}, which is lost", kind(slot), slot.name);
    Remark::new(Severity::Warning, Code::SlotInactive, Kind::Pod, slot.pod.as_str(), predicate)
        .why("whoever reads from it has to start from a new copy")
}

fn predicate(slots: &[&Slot]) -> String {
    let amount = |slot: &Slot| slot.retained_bytes.map(phrase::bytes);
    if let [slot] = slots {
        let kept =
            amount(slot).map_or_else(|| "an unknown amount of log".to_owned(), |bytes| format!("{bytes} of log"));
        return format!("keeps {kept} for {} {}, which nobody reads", kind(slot), slot.name);
    }
    let named = |slot: &&Slot| {
        format!("{} {} ({})", kind(slot), slot.name, amount(slot).unwrap_or_else(|| "unknown".to_owned()))
    };
    let (last, first) = slots.split_last().map_or((String::new(), Vec::new()), |(last, first)| {
        (named(last), first.iter().map(named).collect::<Vec<_>>())
    });
    format!("keeps log that nobody reads: {} and {last}", first.join(", "))
}

fn kind(slot: &Slot) -> &'static str {
    if slot.logical { "logical slot" } else { "slot" }
}

//! How a member leaves Patroni: its pod goes, and the cluster forgets it when its time to live is over.

use crate::engine::{Leaving, Removal, postgres};
use crate::model::{Code, Topology};
use crate::plan::{Check, EngineCheck, Objection, Verdict, Weight};

/// Says what has to happen when a member leaves. Patroni drops the member's slot by itself.
pub(super) fn removal(now: &Topology, leaving: &Leaving<'_>) -> Removal {
    let member = now.member(&leaving.name);
    let name = member.and_then(|member| member.name.as_deref()).unwrap_or(leaving.name.as_str());
    let words = format!("Patroni has forgotten {name}");
    let forgotten = Check::Engine(EngineCheck::new("forgotten", &[("member", name)], words));
    let mut objections = member.map(postgres::followers).unwrap_or_default();
    objections.extend(paused(now));
    let back = member.and_then(postgres::streams).into_iter().collect();
    Removal { objections, settled: vec![forgotten], back, ..Removal::default() }
}

/// While Patroni is paused it removes no slots and chooses no new synchronous standby.
fn paused(now: &Topology) -> Option<Objection> {
    let paused = now.findings.iter().any(|finding| finding.code == Code::FailoverPaused);
    paused.then(|| {
        Objection::new("paused", Weight::No, "Patroni is paused", "Patroni must act when a member leaves")
            .way_out("`patronictl resume` first")
    })
}

/// Judges whether the cluster's own list has lost the member; a list that nobody could read has not.
pub(super) fn judge(check: &EngineCheck, now: &Topology) -> Verdict {
    let name = check.name("member");
    if check.code != "forgotten" {
        return postgres::judge(check, now);
    }
    let asked = now.findings.iter().any(|finding| finding.code == Code::ProbeFailed);
    if now.members.iter().all(|member| member.role.value().is_none()) || asked {
        return Verdict::not_yet("not every member says whom it knows");
    }
    if now.strangers.iter().any(|stranger| stranger == name) {
        return Verdict::not_yet(format!(
            "Patroni still lists {name}: it forgets a member when its time to live is over"
        ));
    }
    Verdict::Holds
}

//! The note on a set that its pods come back as followers.

use jiff::Timestamp;

use super::Situation;
use crate::plan::{Check, Effect, Limit, Step, Trace, Undo, When};

/// The annotation by which a set remembers that pods of a revision come back as followers.
const PROOF: &str = "kubectl-stateful.io/comes-back-as-follower";

/// How long a note on the set may take: it is one request.
const NOTE_LIMIT: Limit = Limit::seconds(30);

/// Tells whether pods of this revision were seen to come back as followers.
pub(super) fn is_there(situation: &Situation<'_>) -> bool {
    let revision = &situation.report.head.update_revision;
    let proof = situation.workload.meta.annotations.get(PROOF).and_then(|proof| proof.split(' ').next());
    !revision.is_empty() && proof == Some(revision.as_str())
}

/// Notes on the set, with the date, that its pods come back as followers: the next switchover need not wait to see it.
pub(super) fn note(situation: &Situation<'_>, now: Timestamp) -> Step {
    let value = format!("{} seen {}", situation.report.head.update_revision, now.strftime("%Y-%m-%d"));
    let noted = Check::Annotated { key: PROOF.to_owned(), value: value.clone() };
    Step {
        when: When::Always,
        requires: Vec::new(),
        effect: Effect::Annotate { key: PROOF.to_owned(), value },
        trace: Trace::Seen(noted),
        ensures: Vec::new(),
        undo: Undo::Keep { why: "it stays true".to_owned() },
        limit: NOTE_LIMIT,
    }
}

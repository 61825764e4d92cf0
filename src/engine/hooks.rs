//! Commands that a set itself declares, by which any engine can be asked and drained.
//!
//! Each is an annotation of the StatefulSet whose value is a command as a JSON array, without a shell unless it names
//! one; `{pod}` in it stands for the pod that leaves.

use crate::model::Workload;

/// Prints the role of the member in whose pod it runs: `primary`, `replica` or `peer`.
pub(super) const ROLE: &str = "kubectl-stateful.io/hook-role";

/// Prints how many bytes the member is behind.
pub(super) const LAG: &str = "kubectl-stateful.io/hook-lag";

/// Runs in the pod that leaves, before it goes; it may be run twice.
pub(super) const BEFORE_REMOVAL: &str = "kubectl-stateful.io/hook-before-removal";

/// Runs in a pod that stays, again and again, until it ends with 0: the member that leaves has left.
pub(super) const REMOVED: &str = "kubectl-stateful.io/hook-removed";

/// Runs in a pod that stays, when a removal is taken back and the pod is there again; it may be run twice.
pub(super) const UNDO_REMOVAL: &str = "kubectl-stateful.io/hook-undo-removal";

/// Reads one of the commands: `None` when it is not declared.
///
/// # Errors
/// When it is declared, and is no array of words: a command that is not understood is not run in part.
pub(super) fn command(workload: &Workload, annotation: &str, leaving: &str) -> Option<Result<Vec<String>, String>> {
    let text = workload.meta.annotations.get(annotation)?;
    let words = serde_json::from_str::<Vec<String>>(text).ok().filter(|words| !words.is_empty());
    Some(match words {
        Some(words) => Ok(words.into_iter().map(|word| word.replace("{pod}", leaving)).collect()),
        None => Err(format!("annotation {annotation} is no JSON array of words")),
    })
}

/// Tells whether a set declares how its members are asked.
pub(super) fn asks(workload: &Workload) -> bool {
    [ROLE, LAG].iter().any(|annotation| workload.meta.annotations.contains_key(*annotation))
}

/// Tells whether a set declares anything.
pub(super) fn are_declared(workload: &Workload) -> bool {
    asks(workload)
        || [BEFORE_REMOVAL, REMOVED].iter().any(|annotation| workload.meta.annotations.contains_key(*annotation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Option<Result<Vec<String>, String>> {
        let mut workload = Workload::default();
        workload.meta.annotations.insert(REMOVED.to_owned(), text.to_owned());
        command(&workload, REMOVED, "web-2")
    }

    #[test]
    fn commands_are_arrays_of_words_and_name_the_pod_that_leaves() {
        let words = declared(r#"["sh", "-c", "test ! -e /members/{pod}"]"#);
        assert_eq!(words, Some(Ok(["sh", "-c", "test ! -e /members/web-2"].map(str::to_owned).to_vec())));
        for bad in ["", "[]", "sh -c true", r#"["sh", 1]"#, r#"{"a": "b"}"#] {
            assert!(declared(bad).is_some_and(|read| read.is_err()), "{bad}");
        }
        assert_eq!(command(&Workload::default(), REMOVED, "web-2"), None);
    }
}

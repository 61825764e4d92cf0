//! What goes wrong when, and which of these cases are tried.

use super::Fault;

/// Everything that may go wrong with a request or a command.
pub(crate) const FAULTS: [Fault; 4] = [Fault::Refused, Fault::AnswerLost, Fault::KilledBefore, Fault::KilledAfter];

/// One thing that goes wrong: at which request, what, and whether the run is taken back then, or continued.
pub(crate) type Case = (u32, Fault, bool);

/// Gives how many cases there are, and those that are tried: a sample of about so many, or with `KUBECTL_STATEFUL_CASES=2/5` every
/// fifth from the second on, so that 1/5 to 5/5 are all.
pub(crate) fn cases(requests: u32, sample: usize) -> (usize, Vec<Case>) {
    let of = |at| FAULTS.into_iter().flat_map(move |fault| [(at, fault, false), (at, fault, true)]);
    let all: Vec<Case> = (1..=requests).flat_map(of).collect();
    let (part, parts) = match std::env::var("KUBECTL_STATEFUL_CASES") {
        Ok(wanted) => {
            let (part, parts) = wanted.split_once('/').expect("KUBECTL_STATEFUL_CASES=PART/PARTS");
            (part.parse().expect("a number"), parts.parse().expect("a number"))
        }
        Err(_) => (1, all.len() / sample + 1),
    };
    assert!((1..=parts).contains(&part), "part {part} of {parts}");
    (all.len(), all.into_iter().skip(part - 1).step_by(parts).collect())
}

//! The words that findings are made of: lists of names, sizes, ages, and verbs that agree with their subjects.

pub(crate) use crate::engine::bytes;
use crate::model::parse_ordinal;

/// Runs of at least this many consecutive ordinals are written as a range.
const RANGE_FROM: usize = 4;

/// Joins words as people do: "a", "a and b", "a, b and c".
pub(crate) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Lists names in the order of their ordinals; long runs become `db-1..db-9`, so that no name is left out.
pub(super) fn names(names: &[String]) -> String {
    let mut sorted: Vec<(&str, Option<u32>, &str)> = names.iter().map(|name| split(name)).collect();
    sorted.sort_unstable();
    let mut words = Vec::new();
    let mut rest = sorted.as_slice();
    while let [first, ..] = rest {
        let run = rest.windows(2).take_while(|pair| follows(&pair[0], &pair[1])).count() + 1;
        let (taken, left) = rest.split_at(if run >= RANGE_FROM { run } else { 1 });
        words.push(match taken {
            [_, .., last] => format!("{}..{}", first.2, last.2),
            _ => first.2.to_owned(),
        });
        rest = left;
    }
    list(&words)
}

/// Orders names as their ordinals count, so that `db-10` stands behind `db-2`.
pub(super) fn natural(name: &str) -> (&str, Option<u32>) {
    let (stem, ordinal, _) = split(name);
    (stem, ordinal)
}

fn split(name: &str) -> (&str, Option<u32>, &str) {
    match name.rsplit_once('-').map(|(stem, end)| (stem, parse_ordinal(end))) {
        Some((stem, Some(ordinal))) => (stem, Some(ordinal), name),
        _ => (name, None, name),
    }
}

fn follows(one: &(&str, Option<u32>, &str), next: &(&str, Option<u32>, &str)) -> bool {
    one.0 == next.0 && one.1.and_then(|ordinal| ordinal.checked_add(1)) == next.1 && next.1.is_some()
}

/// Makes the verb that begins a predicate agree with its number of subjects: "is full" becomes "are full".
pub(super) fn agree(subjects: usize, predicate: &str) -> String {
    if subjects == 1 {
        return predicate.to_owned();
    }
    let (verb, rest) = predicate.split_once(' ').unwrap_or((predicate, ""));
    let many = match verb {
        "is" => "are",
        "has" => "have",
        "does" => "do",
        "was" => "were",
        _ => verb.strip_suffix('s').unwrap_or(verb),
    };
    format!("{many} {rest}").trim_end().to_owned()
}

/// Says a count with its noun: "1 pod", "3 pods".
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Writes a span of time as kubectl writes ages: `45s`, `5m`, `3h`, `2d`.
pub(super) fn span(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7_200 => format!("{}m", seconds / 60),
        seconds @ 7_200..172_800 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// Puts a reason of Kubernetes into a sentence: one line, without the full stop at its end.
pub(super) fn clause(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn names_stand_in_the_order_of_ordinals_and_long_runs_become_ranges() {
        assert_eq!(names(&owned(&["db-10", "db-2"])), "db-2 and db-10");
        assert_eq!(names(&owned(&["db-3", "db-0", "db-1", "db-2", "db-7"])), "db-0..db-3 and db-7");
        assert_eq!(names(&owned(&["db-0", "db-1", "db-2"])), "db-0, db-1 and db-2");
        assert_eq!(names(&owned(&["pvc-1 (a)", "x"])), "pvc-1 (a) and x");
    }

    #[test]
    fn verbs_agree_with_their_subjects() {
        assert_eq!(agree(1, "is full"), "is full");
        assert_eq!(agree(2, "is full"), "are full");
        assert_eq!(agree(2, "has no volume"), "have no volume");
        assert_eq!(agree(3, "waits for db-0"), "wait for db-0");
    }

    #[test]
    fn sizes_are_short_and_never_rounded_up() {
        let cases = [(0, "0B"), (1023, "1023B"), (1024, "1Ki"), (1_572_864, "1.5Mi"), (20 << 30, "20Gi")];
        for (number, text) in cases {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(bytes(18 * 1024 * 1024 + 1), "18Mi");
        assert_eq!(bytes((1 << 30) - 1), "1023Mi");
    }

    #[test]
    fn spans_use_the_unit_that_tells_most() {
        let cases = [(-3, "0s"), (119, "119s"), (120, "2m"), (7_200, "2h"), (200_000, "2d")];
        for (seconds, text) in cases {
            assert_eq!(span(seconds), text);
        }
    }
}

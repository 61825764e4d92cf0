//! The words that reasons are made of.

/// Lists of names end here: a reason stands in one line.
const NAMES_SHOWN: usize = 3;

/// Names the first few of many: "a", "a and b", "a, b, c and 4 more".
pub(super) fn few<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).map(AsRef::as_ref).collect();
    let rest = names.len().saturating_sub(shown.len());
    match (shown.as_slice(), rest) {
        ([], _) => String::new(),
        ([one], 0) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (shown, rest) => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// Says a count with its noun: "1 shard", "3 shards".
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Writes bytes as Kubernetes does, with one decimal where it tells something: `20Gi`, `1.5Mi`, `0B`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["Ki", "Mi", "Gi", "Ti", "Pi"];
    if number < 1024 {
        return format!("{number}B");
    }
    let mut tenths = u128::from(number) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if tenths % 10 == 0 || tenths >= 1000 {
        format!("{}{}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::few;

    #[test]
    fn long_lists_say_how_many_they_leave_out() {
        let names = ["a", "b", "c", "d", "e"];
        let said: Vec<_> = (0..=5).map(|end| few(&names[..end])).collect();
        assert_eq!(said, ["", "a", "a and b", "a, b and c", "a, b, c and 1 more", "a, b, c and 2 more"]);
    }
}

//! Who hands over to whom, again and again.

/// Gives so many turns there and back between two members, or as many as `KUBECTL_STATEFUL_SWITCHOVERS` says. The first one
/// leads again in the end: there is an even number of them.
pub(crate) fn there_and_back<'a>(first: &'a str, second: &'a str, turns: usize) -> Vec<(&'a str, &'a str)> {
    let wanted = std::env::var("KUBECTL_STATEFUL_SWITCHOVERS").ok().and_then(|number| number.parse().ok());
    let pairs = wanted.unwrap_or(turns).div_ceil(2);
    (0..pairs).flat_map(|_| [(first, second), (second, first)]).collect()
}

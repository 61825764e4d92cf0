//! Which transactions a server has executed, as GTIDs say it.

use std::collections::BTreeMap;
use std::fmt;

/// Which transactions a server has executed. The two families of servers number them in ways that do not compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum History {
    /// MySQL: for each source, identified by its UUID and perhaps a tag, ranges of numbers, both ends included.
    Sets(BTreeMap<String, Vec<(u64, u64)>>),
    /// MariaDB: for each domain the last transaction, which server wrote it and its number.
    Positions(BTreeMap<u32, Position>),
}

/// The last transaction of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The server that wrote it.
    server: u32,
    /// Its number.
    number: u64,
}

impl History {
    /// Reads `gtid_executed`; `None` for what is no set.
    pub(super) fn set(text: &str) -> Option<Self> {
        let mut sets = BTreeMap::<String, Vec<(u64, u64)>>::new();
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        for part in parts {
            let mut words = part.split(':').map(str::trim);
            let source = words.next().filter(|word| word.len() == 36)?.to_lowercase();
            let mut key = source.clone();
            for word in words {
                if word.starts_with(|first: char| first.is_ascii_digit()) {
                    sets.entry(key.clone()).or_default().push(range(word)?);
                } else {
                    key = format!("{source}:{word}");
                }
            }
        }
        for ranges in sets.values_mut() {
            ranges.sort_unstable();
        }
        Some(Self::Sets(sets))
    }

    /// Reads `gtid_current_pos`; `None` for what is no position.
    pub(super) fn positions(text: &str) -> Option<Self> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(position).collect::<Option<_>>().map(Self::Positions)
    }

    /// Says which of its transactions another server lacks; `None` where the two do not compare.
    pub(super) fn beyond(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Sets(own), Self::Sets(other)) => {
                let rest = |(source, ranges): (&String, &Vec<(u64, u64)>)| {
                    let rest = minus(ranges, other.get(source).map_or(&[], Vec::as_slice));
                    (!rest.is_empty()).then(|| (source.clone(), rest))
                };
                Some(Self::Sets(own.iter().filter_map(rest).collect()))
            }
            (Self::Positions(own), Self::Positions(other)) => {
                // One number by two servers are two transactions: the members have parted.
                let ahead = |(domain, position): &(&u32, &Position)| {
                    let same = |seen: &Position| seen.number == position.number && seen.server == position.server;
                    other.get(domain).is_none_or(|seen| seen.number <= position.number && !same(seen))
                };
                Some(Self::Positions(own.iter().filter(ahead).map(|(domain, position)| (*domain, *position)).collect()))
            }
            (Self::Sets(_), Self::Positions(_)) | (Self::Positions(_), Self::Sets(_)) => None,
        }
    }

    /// Leaves out which of the last transactions a log has that names the last number of every server in every domain, as
    /// `gtid_binlog_state` does; `None` for anything else. A higher number by another server says nothing: members may have
    /// parted before it.
    pub(super) fn beyond_log(&self, state: &str) -> Option<Self> {
        let Self::Positions(own) = self else { return None };
        let words = state.split(',').map(str::trim).filter(|word| !word.is_empty());
        let log: Vec<_> = words.map(position).collect::<Option<_>>()?;
        let lacks = |(domain, position): &(&u32, &Position)| {
            let has = |(of, seen): &(u32, Position)| {
                of == *domain && seen.server == position.server && seen.number >= position.number
            };
            !log.iter().any(has)
        };
        Some(Self::Positions(own.iter().filter(lacks).map(|(domain, position)| (*domain, *position)).collect()))
    }

    /// Adds what another history has; `None` where the two do not compare.
    pub(super) fn with(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Sets(own), Self::Sets(other)) => {
                let mut sets = own.clone();
                for (source, ranges) in other {
                    let own = sets.entry(source.clone()).or_default();
                    // What both have stands there once.
                    let more = minus(ranges, own);
                    own.extend(more);
                    own.sort_unstable();
                }
                Some(Self::Sets(sets))
            }
            (Self::Positions(own), Self::Positions(other)) => {
                let mut positions = own.clone();
                for (domain, position) in other {
                    let own = positions.entry(*domain).or_insert(*position);
                    if own.number < position.number {
                        *own = *position;
                    }
                }
                Some(Self::Positions(positions))
            }
            (Self::Sets(_), Self::Positions(_)) | (Self::Positions(_), Self::Sets(_)) => None,
        }
    }

    /// Counts which of the transactions of a list it lacks; `None` for what is no such list.
    pub(super) fn lacks(&self, list: &str) -> Option<u64> {
        if let Self::Sets(_) = self {
            return Self::set(list)?.beyond(self)?.count();
        }
        // Each stands there by itself: a domain would keep the last one only.
        let words = list.split(',').filter(|word| !word.is_empty());
        let lacked = words.map(|word| Some(u64::from(!Self::positions(word)?.beyond(self)?.is_empty())));
        lacked.sum()
    }

    /// Counts its transactions; `None` where only the last ones are known.
    pub(super) fn count(&self) -> Option<u64> {
        let Self::Sets(sets) = self else { return None };
        Some(sets.values().flatten().map(|(first, last)| last - first + 1).sum())
    }

    /// Leaves out what one server wrote, known by its UUID or by its number.
    pub(super) fn not_of(mut self, uuid: Option<&str>, server: u32) -> Self {
        match &mut self {
            Self::Sets(sets) => sets.retain(|source, _| {
                let source = source.split(':').next();
                source != uuid.map(str::to_lowercase).as_deref()
            }),
            Self::Positions(positions) => positions.retain(|_, position| position.server != server),
        }
        self
    }

    /// Tells whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Sets(sets) => sets.is_empty(),
            Self::Positions(positions) => positions.is_empty(),
        }
    }
}

/// Writes it as the server does, in one line.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = match self {
            Self::Sets(sets) => {
                sets.iter()
                    .map(|(source, ranges)| {
                        let ranges = ranges.iter().map(|(first, last)| {
                            if first == last { format!(":{first}") } else { format!(":{first}-{last}") }
                        });
                        format!("{source}{}", ranges.collect::<String>())
                    })
                    .collect()
            }
            Self::Positions(positions) => positions
                .iter()
                .map(|(domain, position)| format!("{domain}-{}-{}", position.server, position.number))
                .collect(),
        };
        f.write_str(&words.join(","))
    }
}

fn range(word: &str) -> Option<(u64, u64)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 < first && first <= last).then_some((first, last))
}

fn position(part: &str) -> Option<(u32, Position)> {
    let mut words = part.split('-');
    let domain = words.next()?.parse().ok()?;
    let server = words.next()?.parse().ok()?;
    let number = words.next()?.parse().ok()?;
    words.next().is_none().then_some((domain, Position { server, number }))
}

/// Takes sorted ranges out of sorted ranges.
fn minus(ranges: &[(u64, u64)], taken: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut left = Vec::new();
    for &(first, last) in ranges {
        let mut next = first;
        for &(from, to) in taken.iter().filter(|(from, to)| *to >= first && *from <= last) {
            if from > next {
                left.push((next, from - 1));
            }
            next = next.max(to.saturating_add(1));
        }
        if next <= last {
            left.push((next, last));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "a5265278-e5b3-11f1-a2bf-689dd8656f00";
    const TWO: &str = "b5265278-e5b3-11f1-a2bf-689dd8656f00";

    fn set(text: &str) -> History {
        History::set(&text.replace('A', ONE).replace('B', TWO)).unwrap_or_else(|| panic!("{text}"))
    }

    fn beyond(own: &str, other: &str) -> String {
        let rest = set(own).beyond(&set(other)).unwrap();
        rest.to_string().replace(ONE, "A").replace(TWO, "B")
    }

    #[test]
    fn sets_are_subtracted_by_source_and_tag() {
        for (own, other, rest) in [
            ("A:1-5", "A:1-5", ""),
            ("A:1-5", "A:1-3", "A:4-5"),
            ("A:1-3", "A:1-5", ""),
            ("A:1-10", "A:3-4:6", "A:1-2:5:7-10"),
            ("A:1-5,\nB:1-2", "A:1-5", "B:1-2"),
            ("A:1-5:tag:1-2:5", "A:1-5:tag:1", "A:tag:2:5"),
            ("A:7:1-2", "A:1", "A:2:7"),
            ("", "A:1", ""),
            ("A:1", "", "A:1"),
        ] {
            assert_eq!(beyond(own, other), rest, "{own} without {other}");
        }
        assert!(set("A:1-5").not_of(Some(&ONE.to_uppercase()), 1).is_empty());
        assert_eq!(set("A:t:1,B:2").not_of(Some(ONE), 1), set("B:2"));
    }

    #[test]
    fn sets_are_added_and_counted_once() {
        for (own, other, both, count) in [
            ("A:1-5", "A:4-7", "A:1-5:6-7", 7),
            ("A:1", "B:2-3", "A:1,B:2-3", 3),
            ("", "A:3", "A:3", 1),
            ("A:3", "", "A:3", 1),
        ] {
            let sum = set(own).with(&set(other)).unwrap();
            assert_eq!(sum.to_string().replace(ONE, "A").replace(TWO, "B"), both, "{own} and {other}");
            assert_eq!((sum.count(), set(both).beyond(&sum)), (Some(count), History::set("")));
        }
        let positions = |text| History::positions(text).unwrap();
        assert_eq!(
            positions("0-1-2,1-1-5").with(&positions("0-1-4,1-1-3,2-1-1")),
            Some(positions("0-1-4,1-1-5,2-1-1"))
        );
        assert!(positions("0-1-2").with(&set("A:1")).is_none());
    }

    #[test]
    fn positions_compare_within_their_domain() {
        let positions = |text: &str| History::positions(text).unwrap_or_else(|| panic!("{text}"));
        let beyond = |own: &str, other: &str| positions(own).beyond(&positions(other)).unwrap().to_string();
        assert_eq!(beyond("0-100-7", "0-100-7"), "");
        assert_eq!(beyond("0-101-8", "0-100-7"), "0-101-8");
        assert_eq!(beyond("0-100-7,1-100-2", "0-100-9"), "1-100-2");
        assert_eq!(beyond("0-101-8", "0-100-8"), "0-101-8");
        assert!(positions("0-100-7").not_of(None, 100).is_empty());
        let beyond_log = |own: &str, log| positions(own).beyond_log(log).map(|rest| rest.to_string());
        assert_eq!(beyond_log("0-100-7", "0-100-7,0-101-30"), Some(String::new()));
        assert_eq!(
            beyond_log("0-100-7,1-100-2", "0-100-6, 0-101-30,1-100-2"),
            Some("0-100-7".to_owned()),
            "they parted"
        );
        assert_eq!((beyond_log("0-100-7", "x"), set("A:1").beyond_log("0-100-7")), (None, None));
        assert_eq!(positions("0-100-7").lacks("0-100-7,0-100-8,0-100-9,1-100-1,"), Some(3));
        assert_eq!((positions("0-100-7").lacks(""), positions("0-100-7").lacks("x")), (Some(0), None));
        assert_eq!(positions("0-1-2").beyond(&set("A:1")), None);
    }

    #[test]
    fn what_is_no_history_is_none() {
        for text in ["x", "A:", "A:0", "A:2-1", "A:1-", "a5265278:1"] {
            let text = text.replace('A', ONE);
            let read = History::set(&text);
            assert!(read.is_none() || read.as_ref().is_some_and(History::is_empty), "{text}: {read:?}");
        }
        for text in ["0-1", "0-1-2-3", "a-1-2", "0-1-2,3"] {
            assert_eq!(History::positions(text), None, "{text}");
        }
    }
}

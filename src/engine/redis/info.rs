//! The lines of `INFO` and `CLUSTER INFO`: a name, a colon and a value.

use std::collections::BTreeMap;
use std::str::FromStr;

/// The fields of one section.
pub(super) struct Info<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    /// Reads a section; what is no field is left out.
    pub(super) fn read(text: &'a str) -> Self {
        Self(text.lines().filter_map(|line| line.trim_end().split_once(':')).collect())
    }

    /// Gives a field.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    /// Gives a field that is a number.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Gives the fields whose names are a word and a count: `slave0`, `slave1`, ...
    pub(super) fn counted(&self, word: &str) -> impl Iterator<Item = &'a str> {
        let is_counted = move |name: &str| {
            name.strip_prefix(word)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        self.0.iter().filter(move |(name, _)| is_counted(name)).map(|(_, value)| *value)
    }
}

/// Cuts an answer into its parts, each after `== NAME`, and makes sure that it is whole.
///
/// # Errors
/// When its last line is missing: what is cut off is not an answer.
pub(super) fn parts<'a>(answer: &'a str) -> Result<BTreeMap<&'a str, &'a str>, String> {
    let whole = answer.trim_end().strip_suffix("\n== end").and_then(|rest| rest.strip_prefix("== "));
    let rest = whole.ok_or_else(|| match answer.trim() {
        "" => "empty answer".to_owned(),
        _ => "answer not understood: it is not whole".to_owned(),
    })?;
    let cut = |text: &'a str| {
        let (name, text) = text.split_once('\n').unwrap_or((text, ""));
        (name.trim_end(), text.trim_end())
    };
    Ok(rest.split("\n== ").map(cut).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_fields() {
        let info = Info::read(
            "# Replication\r\nrole:master\r\nslave0:ip=::1,port=6379\r\nslave10:x\r\nslave_priority:100\r\n",
        );
        assert_eq!(info.text("role"), Some("master"));
        assert_eq!(info.number::<u32>("slave_priority"), Some(100));
        assert_eq!(info.number::<u32>("role"), None);
        assert_eq!(info.counted("slave").collect::<Vec<_>>(), ["ip=::1,port=6379", "x"]);
    }

    #[test]
    fn answers_are_whole_or_none() {
        let text = "== keys\n3\n== nodes\na b\nc d\n\n== end\n";
        assert_eq!(parts(text).unwrap(), BTreeMap::from([("keys", "3"), ("nodes", "a b\nc d")]));
        for end in 0..text.len() - 1 {
            assert!(parts(&text[..end]).is_err(), "{end}");
        }
    }
}

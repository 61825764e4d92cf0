//! What a node says of itself (`nodetool info`), with what the container shows without asking it.

use super::ring::is_host_id;
use crate::model::Known;

/// What one node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Info {
    /// Its identity.
    pub(super) host_id: String,
    /// Whether it tells others and is told.
    pub(super) gossips: Option<bool>,
    /// Whether it listens to clients.
    pub(super) serves: Option<bool>,
    /// Connections of clients.
    pub(super) connections: Known<u32>,
    /// Whom it turns to when it starts, as they are written.
    pub(super) seeds: Known<Vec<String>>,
    /// Whether logins are checked, for which `system_auth` is needed.
    pub(super) checks_logins: Known<bool>,
}

impl Info {
    /// Reads what the node said.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let behind = |key: &str| {
            let fits = |line: &&str| line.split_once(':').is_some_and(|(name, _)| name.trim_end() == key);
            text.lines().find(fits).and_then(|line| Some(line.split_once(':')?.1.trim()))
        };
        let word = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let host_id = behind("ID").filter(|id| is_host_id(id)).ok_or("answer not understood: no host id")?;
        let connections = word("connections ").and_then(|number| number.parse().ok());
        let authenticator = word("authenticator ").map(|class| class.rsplit('.').next().unwrap_or_default());
        Ok(Self {
            host_id: host_id.to_owned(),
            gossips: behind("Gossip active").and_then(|word| word.parse().ok()),
            serves: behind("Native Transport active").and_then(|word| word.parse().ok()),
            connections: Known::or_unknown(connections, "not counted"),
            seeds: Known::or_unknown(
                word("seeds ").map(seeds).filter(|seeds| !seeds.is_empty()),
                "cassandra.yaml was not found, or names none",
            ),
            checks_logins: Known::or_unknown(
                authenticator.map(|class| !matches!(class, "AllowAllAuthenticator" | "default")),
                "cassandra.yaml was not found",
            ),
        })
    }
}

/// Reads what stands behind `seeds:`, in quotes mostly: `"ca-0.ca,ca-1.ca:7000"}]`.
fn seeds(text: &str) -> Vec<String> {
    let quoted = text.split(['"', '\'']).nth(1);
    let bare = || text.split(['}', ']', '#']).next().unwrap_or_default();
    let list = quoted.unwrap_or_else(bare).split(',').map(str::trim);
    list.filter(|seed| !seed.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::seeds;

    #[test]
    fn seeds_are_read_from_both_styles_of_yaml() {
        for text in ["\"ca-0.ca, ca-1.ca:7000\"", " 'ca-0.ca,ca-1.ca:7000' # two", "ca-0.ca,ca-1.ca:7000}]"] {
            assert_eq!(seeds(text), ["ca-0.ca", "ca-1.ca:7000"], "{text}");
        }
        assert_eq!(seeds(" # none"), [] as [&str; 0]);
        assert_eq!(seeds("\"\""), [] as [&str; 0]);
    }
}

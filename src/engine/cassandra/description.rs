//! What holds for the whole cluster (`nodetool describecluster`): schema, versions, keyspaces.

use std::collections::BTreeMap;

use crate::engine::answer::one_line;
use crate::model::Known;

/// What one node knows of the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description {
    /// The cluster's name.
    pub(super) name: String,
    /// How many versions of the schema the members that can be reached have.
    pub(super) schemas: usize,
    /// The servers' versions.
    pub(super) versions: Vec<String>,
    /// The keyspaces; nodetool lists them from 4.0 on.
    pub(super) keyspaces: Known<Vec<Keyspace>>,
}

/// How often a keyspace is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keyspace {
    /// Its name.
    pub(super) name: String,
    /// How often it is kept.
    pub(super) replication: Replication,
}

/// How often a keyspace is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replication {
    /// On each node for itself.
    Local,
    /// On every node.
    Everywhere,
    /// So often in the whole ring.
    Simple(u32),
    /// So often in each data center.
    Datacenters(BTreeMap<String, u32>),
    /// As a class does that is not known here.
    Other(String),
}

impl Description {
    /// Reads what the node knows.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let name = text.lines().find_map(|line| line.trim_start().strip_prefix("Name: "));
        let name = name.ok_or("answer not understood: no name of the cluster")?;
        let schemas = section(text, "Schema versions:").ok_or("answer not understood: no schema versions")?;
        let reached = schemas.iter().filter_map(|line| line.split_once(": [")).filter(|(key, _)| *key != "UNREACHABLE");
        let reached = reached.count();
        if reached == 0 {
            return Err("answer not understood: no schema version".to_owned());
        }
        let versions = section(text, "Database versions:").unwrap_or_default();
        let keyspaces = section(text, "Keyspaces:").map(|lines| lines.into_iter().map(keyspace).collect());
        Ok(Self {
            name: one_line(name),
            schemas: reached,
            versions: versions.iter().filter_map(|line| Some(line.split_once(": [")?.0.to_owned())).collect(),
            keyspaces: match keyspaces {
                Some(Ok(keyspaces)) => Known::Value(keyspaces),
                Some(Err(why)) => Known::Unknown(why),
                None => Known::unknown("nodetool of this version does not list them"),
            },
        })
    }
}

/// Gives the lines of a section, up to the next one, without their indent. Blank lines may stand between them.
fn section<'a>(text: &'a str, title: &str) -> Option<Vec<&'a str>> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().skip_while(|line| line.trim() != title);
    let own = depth(lines.next()?);
    let inside = lines.take_while(|line| line.trim().is_empty() || depth(line) > own);
    Some(inside.map(str::trim).filter(|line| !line.is_empty()).collect())
}

/// Reads `k2 -> Replication class: SimpleStrategy {replication_factor=2}`.
fn keyspace(line: &str) -> Result<Keyspace, String> {
    let parts = line.split_once(" -> Replication class: ").and_then(|(name, rest)| {
        let (class, options) = rest.trim_end().strip_suffix('}')?.split_once(" {")?;
        Some((name, class.rsplit('.').next()?, options))
    });
    let (name, class, options) = parts.ok_or_else(|| format!("answer not understood: {}", one_line(line)))?;
    let factors: Option<BTreeMap<String, u32>> =
        options.split(", ").filter(|option| !option.is_empty()).map(factor).collect();
    let replication = match (class, factors) {
        ("LocalStrategy", _) => Replication::Local,
        ("EverywhereStrategy", _) => Replication::Everywhere,
        ("SimpleStrategy", Some(factors)) => {
            let factor = factors.get("replication_factor").copied();
            factor.map_or_else(|| Replication::Other(class.to_owned()), Replication::Simple)
        }
        ("NetworkTopologyStrategy", Some(factors)) if !factors.contains_key("replication_factor") => {
            Replication::Datacenters(factors)
        }
        _ => Replication::Other(one_line(class)),
    };
    Ok(Keyspace { name: name.to_owned(), replication })
}

/// Reads `dc1=3`, and `dc1=3/1`, where one of three copies is transient.
fn factor(option: &str) -> Option<(String, u32)> {
    let (key, value) = option.split_once('=')?;
    let number = value.split('/').next()?.parse().ok()?;
    Some((key.to_owned(), number))
}

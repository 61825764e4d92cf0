//! What one sentinel said: whom it watches, and whom it knows.

use super::info::parts;
use super::probe;
use super::topology::{Subject, is_at};
use crate::engine::answer::{self, one_line};
use crate::model::{Known, Pod, ProbeOutput};

/// What one sentinel said of one master that it watches. Mostly there is only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    /// The master's name, by which sentinels and clients know it.
    pub(super) name: String,
    /// Where it is.
    pub(super) master: Address,
    /// How many sentinels must see it down.
    pub(super) quorum: u32,
    /// Whether it is being replaced now.
    pub(super) fails_over: bool,
    /// The replicas that the sentinel knows, also those that are gone for long.
    pub(super) replicas: Vec<Address>,
    /// The other sentinels that it knows.
    pub(super) others: Vec<Address>,
    /// Why there would be no failover; `None` where the sentinels could do it.
    pub(super) helpless: Known<Option<String>>,
}

/// Where somebody is, as a sentinel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// An address or a name.
    pub(super) host: String,
    /// The port.
    pub(super) port: String,
    /// How willingly the sentinel would choose it, the lower the sooner, where it is a replica.
    pub(super) priority: Option<u32>,
}

/// Reads what the sentinel of a pod said; `None` where it has none.
pub(super) fn read(outputs: &[&ProbeOutput], pod: &Pod) -> Option<Result<Vec<Watched>, String>> {
    let asked = outputs.iter().any(|output| output.pod.0 == pod.meta.name && output.id == probe::SENTINEL_ID);
    asked.then(|| {
        let parts = parts(answer::printed(outputs, pod, probe::SENTINEL_ID)?)?;
        let masters = parts.get("masters").ok_or("answer not understood: no masters")?;
        let part = |what: &str, name: &str| parts.get(format!("{what} {name}").as_str()).copied();
        let watched = records(masters).into_iter().map(|record| {
            let name = record.text("name")?;
            Some(Watched {
                name: name.to_owned(),
                master: record.address()?,
                quorum: record.text("quorum")?.parse().ok()?,
                fails_over: record.text("flags")?.split(',').any(|flag| flag.starts_with("failover")),
                replicas: addresses(part("replicas", name)?)?,
                others: addresses(part("sentinels", name)?)?,
                helpless: match part("ckquorum", name) {
                    Some(said) if said.starts_with("OK ") => Known::Value(None),
                    Some(said) if said.starts_with("NOQUORUM ") => Known::Value(Some(one_line(said))),
                    Some(said) => Known::Unknown(one_line(said)),
                    None => Known::unknown("not told"),
                },
            })
        });
        watched.collect::<Option<Vec<_>>>().ok_or_else(|| format!("answer not understood: {}", one_line(masters)))
    })
}

impl Watched {
    /// Tells whether one of the other sentinels runs in a pod.
    pub(super) fn knows_sentinel(&self, subject: &Subject<'_>) -> bool {
        self.others.iter().any(|address| subject.is_at(&address.host))
    }

    /// Tells whether the sentinel still knows a pod, as a replica or as the place of another sentinel.
    pub(super) fn knows(&self, name: &str, ip: &str) -> bool {
        self.replicas.iter().chain(&self.others).any(|address| is_at(name, Some(ip), &address.host))
    }
}

/// A list of names and values.
struct Record<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Record<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn address(&self) -> Option<Address> {
        let priority = self.text("slave-priority").and_then(|priority| priority.parse().ok());
        Some(Address { host: self.text("ip")?.to_owned(), port: self.text("port")?.to_owned(), priority })
    }
}

/// Reads lists of names and values, each on a line of its own; every record begins with `name`.
fn records(text: &str) -> Vec<Record<'_>> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut records: Vec<Record<'_>> = Vec::new();
    for pair in lines.chunks_exact(2) {
        if pair[0] == "name" {
            records.push(Record(Vec::new()));
        }
        if let Some(record) = records.last_mut() {
            record.0.push((pair[0], pair[1]));
        }
    }
    records
}

/// Reads where the members of a list are; an error is no empty list.
fn addresses(text: &str) -> Option<Vec<Address>> {
    let records = records(text);
    if records.is_empty() && !text.trim().is_empty() {
        return None;
    }
    records.iter().map(Record::address).collect()
}

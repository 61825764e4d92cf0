//! One pod and what its server said, and who is meant by the names that servers have for each other.

use std::collections::BTreeSet;

use super::channel::Channel;
use super::server::{Registered, Server};
use crate::engine::answer::one_line;
use crate::model::{Known, Pod};

/// One pod and what its server said.
pub(super) struct Subject<'a> {
    /// The pod.
    pub(super) pod: &'a Pod,
    /// The server, or why it is unknown.
    pub(super) server: Result<Server, String>,
}

impl Subject<'_> {
    /// Gives the pod's name.
    pub(super) fn name(&self) -> &str {
        self.pod.meta.name.as_str()
    }

    /// Tells whether a host is this pod: by its name, alone or before its domain, or by its address.
    pub(super) fn is_host(&self, host: &str) -> bool {
        let name = host.split('.').next().unwrap_or(host);
        !host.is_empty() && (name == self.name() || self.pod.ip.as_deref() == Some(host))
    }

    /// Tells whether the server has that number.
    fn is_server(&self, id: u32) -> bool {
        self.server.as_ref().is_ok_and(|server| server.id == id)
    }
}

/// Finds what fits exactly once: members that share a number, or an address, tell nothing by it.
fn only<'s, 'a>(subjects: &'s [Subject<'a>], fits: impl Fn(&Subject<'_>) -> bool) -> Option<&'s Subject<'a>> {
    let mut found = subjects.iter().filter(|subject| fits(subject));
    found.next().filter(|_| found.next().is_none())
}

/// Finds the member that a channel receives from. The host is what it was told, which may be a Service; the UUID and the
/// number are whom it last met there.
pub(super) fn source<'s, 'a>(subjects: &'s [Subject<'a>], channel: &Channel) -> Option<&'s Subject<'a>> {
    let uuid = channel.source_uuid.as_deref();
    only(subjects, |subject| subject.is_host(&channel.host))
        .or_else(|| only(subjects, |one| uuid.is_some() && one.server.as_ref().ok().and_then(Server::uuid) == uuid))
        .or_else(|| only(subjects, |subject| channel.source_id.is_some_and(|id| subject.is_server(id))))
}

/// Finds the member that has registered.
pub(super) fn member<'s, 'a>(subjects: &'s [Subject<'a>], row: &Registered) -> Option<&'s Subject<'a>> {
    let host = row.host.as_deref().unwrap_or_default();
    only(subjects, |subject| subject.is_server(row.id)).or_else(|| only(subjects, |subject| subject.is_host(host)))
}

/// Names whoever has registered, as the member or by its number.
pub(super) fn called(subjects: &[Subject<'_>], row: &Registered) -> String {
    match (member(subjects, row), row.host.as_deref()) {
        (Some(member), _) => member.name().to_owned(),
        (None, Some(host)) => format!("server {} ({})", row.id, one_line(host)),
        (None, None) => format!("server {}", row.id),
    }
}

/// Gives the subjects whose servers answered.
pub(super) fn answers<'s, 'a>(subjects: &'s [Subject<'a>]) -> impl Iterator<Item = (&'s Subject<'a>, &'s Server)> {
    subjects.iter().filter_map(|subject| Some((subject, subject.server.as_ref().ok()?)))
}

/// Gives the version of the one that decides, or the one that all agree on.
pub(super) fn version(subjects: &[Subject<'_>], primary: Option<&Server>) -> Known<String> {
    if let Some(server) = primary {
        return Known::Value(server.short_version().to_owned());
    }
    let versions: BTreeSet<_> = answers(subjects).map(|(_, server)| server.short_version()).collect();
    let reason = subjects.iter().find_map(|subject| subject.server.as_ref().err());
    match versions.len() {
        0 => Known::unknown(reason.map_or("no pods", String::as_str)),
        1 => Known::or_unknown(versions.first().map(|version| (*version).to_owned()), "no pods"),
        _ => Known::unknown(format!("members differ: {}", versions.into_iter().collect::<Vec<_>>().join(", "))),
    }
}

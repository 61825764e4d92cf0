//! Whom nodes turn to when they start: the seeds of `cassandra.yaml`.

use super::topology::Subject;
use crate::engine::Leaving;
use crate::engine::phrase::few;
use crate::model::{Known, Pod};
use crate::plan::{Objection, Weight};

const LIMIT: &str = "a node that starts needs a seed that is there";

/// Says whether nodes that stay would have no seed but the one that leaves.
pub(super) fn objections(subject: &Subject<'_>, subjects: &[Subject<'_>], leaving: &Leaving<'_>) -> Vec<Objection> {
    let (mut alone, mut unknown) = (Vec::new(), Vec::new());
    for other in subjects.iter().filter(|other| leaving.stays(other.pod)) {
        let name = other.pod.meta.name.as_str();
        match &other.info {
            Known::Value(info) => match &info.seeds {
                Known::Value(seeds) if seeds.iter().all(|seed| is_of(seed, subject.pod)) => alone.push(name),
                Known::Value(_) => {}
                Known::Unknown(why) => unknown.push((name, why)),
            },
            Known::Unknown(why) => unknown.push((name, why)),
        }
    }
    let mut found = Vec::new();
    if !alone.is_empty() {
        let lists = if alone.len() == 1 { "lists" } else { "list" };
        let measured = format!("{} {lists} {} as the only seed", few(&alone), subject.pod.meta.name);
        found.push(
            Objection::new("seed", Weight::No, measured, LIMIT)
                .way_out("name a member that stays as a seed first (`seeds` of cassandra.yaml, CASSANDRA_SEEDS)"),
        );
    }
    if let Some((name, why)) = unknown.first() {
        let measured = format!("the seeds of {name} are not known ({why})");
        found.push(Objection::new("seed", Weight::Unknown, measured, LIMIT).allow("unknown-seeds"));
    }
    found
}

/// Tells whether a seed is the node of a pod: by its address, or by the pod's name before the Service's.
fn is_of(seed: &str, pod: &Pod) -> bool {
    let host = match seed.rsplit_once(':') {
        // An IPv6 address has colons of its own; with a port it is in brackets.
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => seed,
    };
    pod.ip.as_deref() == Some(host) || host.split('.').next() == Some(pod.meta.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_known_by_address_and_by_name() {
        let mut pod = Pod { ip: Some("10.1.2.3".to_owned()), ..Pod::default() };
        pod.meta.name = "ca-2".to_owned();
        let cases = [
            ("ca-2.ca", true),
            ("ca-2.ca.shop.svc.cluster.local:7000", true),
            ("ca-2", true),
            ("10.1.2.3", true),
            ("10.1.2.3:7000", true),
            ("ca-20.ca", false),
            ("ca", false),
            ("10.1.2.30", false),
            ("fd00::3", false),
        ];
        for (seed, own) in cases {
            assert_eq!(is_of(seed, &pod), own, "{seed}");
        }
    }
}

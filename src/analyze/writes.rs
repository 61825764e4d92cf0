//! Ways on which writes come to a member that takes none.

use std::collections::BTreeSet;

use super::findings::{Findings, Kind, Remark};
use super::scene::{Place, Scene};
use crate::model::{Code, Pod, Role, Service, Severity, Topology};

/// The label by which a Service can lead to one pod.
pub(crate) const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// Values of a role label that stand for the member that takes writes.
const PRIMARY_WORDS: [&str; 3] = ["primary", "master", "leader"];

/// Says which Services and labels send writes to a replica.
pub(super) fn find(scene: &Scene<'_>, topology: &Topology, findings: &mut Findings) {
    let mut primaries = topology.primaries();
    let primary = primaries.next().filter(|_| primaries.next().is_none()).map(|member| member.pod.as_str());
    let mut services = BTreeSet::new();
    for place in replicas(scene, topology) {
        let labels = scene.labels_of(place);
        let misled: Vec<&Service> = scene
            .index
            .services_to(scene.namespace(), labels)
            .into_iter()
            .filter(|service| is_for_writes(service))
            .collect();
        for service in &misled {
            if services.insert(&service.meta.name) {
                findings.say(misleading(scene, place, service, primary));
            }
        }
        let label = labels.iter().find(|(key, value)| is_primary_label(key, value));
        if let Some((key, value)) = label.filter(|_| misled.is_empty()) {
            findings.say(
                Remark::new(
                    Severity::Critical,
                    Code::WritesToReplica,
                    Kind::Pod,
                    place.name.as_str(),
                    format!("is labelled {key}={value} and is a replica"),
                )
                .why("whoever goes by this label sends writes where they fail"),
            );
        }
    }
}

fn replicas<'s, 'a>(scene: &'s Scene<'a>, topology: &'s Topology) -> impl Iterator<Item = &'s Place<'a>> {
    let members = topology.members.iter().filter(|member| member.role.value() == Some(&Role::Replica));
    members.filter_map(|member| scene.place_of(&member.pod)).filter(|place| place.pod.is_some())
}

fn misleading(scene: &Scene<'_>, place: &Place<'_>, service: &Service, primary: Option<&str>) -> Remark {
    let name = service.meta.name.as_str();
    let predicate = format!("sends writes to {}, which is a replica", place.name);
    let remark = Remark::new(Severity::Critical, Code::WritesToReplica, Kind::Service, name, predicate)
        .why("writes of its clients fail");
    match primary {
        Some(primary) if service.selector.contains_key(POD_NAME_LABEL) => remark.next(scene.command(&format!(
            "patch service {name} --type merge -p '{{\"spec\":{{\"selector\":{{\"{POD_NAME_LABEL}\":\"{primary}\"}}}}}}'"
        ))),
        _ => remark.next(scene.command(&format!("describe service {name}"))),
    }
}

/// Tells whether clients take a Service for the way to write: it selects the primary's label, or it leads to one pod
/// and its name says so.
fn is_for_writes(service: &Service) -> bool {
    let by_label = service.selector.iter().any(|(key, value)| is_primary_label(key, value));
    let words = service.meta.name.split('-');
    let named = words.into_iter().any(|word| word == "rw" || PRIMARY_WORDS.contains(&word));
    by_label || (named && service.selector.contains_key(POD_NAME_LABEL))
}

/// Tells whether a Service leads to one pod as the place for writes: its name says so, or no other member has a Service
/// of that kind.
pub(crate) fn leads_writes(service: &Service, primary: &Pod, all: &[&Service]) -> bool {
    let pod_of = |service: &Service| service.selector.get(POD_NAME_LABEL).cloned();
    let others = || all.iter().filter_map(|one| pod_of(one)).any(|pod| pod != primary.meta.name);
    pod_of(service).as_ref() == Some(&primary.meta.name) && (is_for_writes(service) || !others())
}

/// Tells whether a label marks the member that takes writes.
pub(crate) fn is_primary_label(key: &str, value: &str) -> bool {
    let last = key.rsplit('/').next().unwrap_or_default();
    let is_role = last == "role" || last == "component" || last.ends_with("-role");
    is_role && PRIMARY_WORDS.contains(&value)
}

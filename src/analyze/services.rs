//! The governing Service, and the names that it gives to pods.

use super::findings::{Findings, Kind, Remark};
use super::index::leads_to;
use super::report::ServiceHead;
use super::scene::{Place, Scene};
use crate::model::{Code, Known, Resource, Severity};

/// Describes the governing Service.
pub(super) fn head(scene: &Scene<'_>) -> ServiceHead {
    let answering = scene.wanted().filter(|place| dns(scene, place).is_some()).count();
    let names_answering = match scene.index.gap(Resource::Endpoints) {
        Some(gap) => Known::unknown(&gap.why),
        None => Known::Value(u32::try_from(answering).unwrap_or(u32::MAX)),
    };
    ServiceHead { name: scene.workload.service.clone(), names_answering }
}

/// Gives the DNS name under which a pod answers now. The cluster's domain, which follows it, is known to nobody here.
pub(super) fn dns(scene: &Scene<'_>, place: &Place<'_>) -> Option<String> {
    let service = scene.workload.service.as_str();
    place.pod?;
    let endpoint = scene.index.endpoint(scene.namespace(), service, place.name.as_str())?;
    let same = endpoint.pod.as_ref().is_none_or(|named| *named == place.name);
    let early = scene.service.is_some_and(|service| service.publish_not_ready);
    (same && !endpoint.addresses.is_empty() && (endpoint.ready || early))
        .then(|| format!("{}.{service}.{}.svc", place.name, scene.namespace()))
}

/// Says what is wrong with the governing Service.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.index.has_read(Resource::Services) {
        return;
    }
    let name = scene.workload.service.as_str();
    let remark = |severity, code, predicate: &str| Remark::new(severity, code, Kind::Service, name, predicate);
    if name.is_empty() {
        let set = scene.workload.meta.name.as_str();
        findings.say(
            Remark::new(Severity::Note, Code::ServiceMissing, Kind::Set, set, "names no governing Service")
                .why("its pods have no DNS names of their own"),
        );
        return;
    }
    let Some(service) = scene.service else {
        findings.say(
            remark(Severity::Warning, Code::ServiceMissing, "does not exist").why(
                "it governs the set: without it no pod has a DNS name, and members find each other by these names",
            ),
        );
        return;
    };
    if !service.is_headless() {
        findings.say(
            remark(Severity::Warning, Code::ServiceNotHeadless, "is not headless")
                .why("it governs the set: only a headless Service (clusterIP: None) gives pods DNS names"),
        );
        return;
    }
    if selects_nothing(scene) {
        findings.say(
            remark(Severity::Warning, Code::ServiceSelectsNothing, "selects no pod of the set")
                .why("it governs the set: no pod has a DNS name")
                .next(scene.command(&format!("describe service {name}"))),
        );
        return;
    }
    nameless(scene, findings);
}

/// A Service without a selector has its endpoints written by somebody else.
fn selects_nothing(scene: &Scene<'_>) -> bool {
    let Some(service) = scene.service.filter(|service| !service.selector.is_empty()) else { return false };
    let by_template = leads_to(service, &scene.workload.template.labels);
    let mut pods = scene.pods().peekable();
    if pods.peek().is_none() { !by_template } else { !pods.any(|pod| leads_to(service, &pod.meta.labels)) }
}

/// Says which pods should have a name and have none. Pods that are not ready have one only where the Service publishes
/// them.
fn nameless(scene: &Scene<'_>, findings: &mut Findings) {
    let Some(service) = scene.service.filter(|_| scene.index.has_read(Resource::Endpoints)) else { return };
    for place in scene.wanted() {
        let running = place.is_running() && place.pod.is_some_and(|pod| pod.meta.deleting.is_none());
        let should = place.is_ready() || (service.publish_not_ready && running);
        if should && dns(scene, place).is_none() {
            findings.say(
                Remark::new(
                    Severity::Warning,
                    Code::NameMissing,
                    Kind::Pod,
                    place.name.as_str(),
                    format!("has no DNS name under Service {}", service.meta.name),
                )
                .why("members and clients that look for it by name do not find it")
                .next(
                    scene.command(&format!("get endpointslices -l kubernetes.io/service-name={}", service.meta.name)),
                ),
            );
        }
    }
}

//! What gives Patroni away, and which container of a pod it is in.

use crate::engine::postgres::{self, said_of_image, words};
use crate::model::{ContainerName, ContainerSpec, Pod, Workload};

/// The ports of PostgreSQL and of Patroni's REST API: alone each of them means little.
const PORTS: [u16; 2] = [5432, 8008];

/// Labels that only setups with Patroni have: key, and the value where the key alone means little.
const LABELS: &[(&str, Option<&str>)] =
    &[("application", Some("spilo")), ("postgres-operator.crunchydata.com/patroni", None)];

/// Says what gives Patroni away.
pub(super) fn recognise(workload: &Workload) -> Option<String> {
    let containers = &workload.template.containers;
    let labels = || [&workload.meta.labels, &workload.template.labels];
    let label = LABELS.iter().find_map(|(key, wanted)| {
        let value = labels().into_iter().find_map(|labels| labels.get(*key))?;
        wanted.is_none_or(|wanted| wanted == value).then(|| format!("label {key}={value}"))
    });
    label
        .or_else(|| containers.iter().find(|container| has_image(container)).map(said_of_image))
        .or_else(|| containers.iter().find_map(variable).map(|name| format!("variable {name}")))
        .or_else(|| containers.iter().any(has_ports).then(|| format!("ports {} and {}", PORTS[0], PORTS[1])))
        .or_else(|| containers.iter().any(has_name).then(|| "container patroni".to_owned()))
}

/// Chooses the container that has Patroni, otherwise the one that has PostgreSQL.
pub(super) fn container(pod: &Pod) -> Option<ContainerName> {
    let signs: [fn(&ContainerSpec) -> bool; 4] =
        [has_ports, has_image, |container| variable(container).is_some(), has_name];
    let found = signs.iter().find_map(|sign| pod.containers.iter().find(|container| sign(container)));
    found.map(|container| container.name.clone()).or_else(|| postgres::container(pod))
}

fn has_image(container: &ContainerSpec) -> bool {
    let words = words(container.image_base());
    let is = |name: &str| words.iter().any(|word| word == name);
    (is("spilo") || is("patroni")) && !is("exporter") && !is("operator")
}

/// Finds a variable that only Patroni or Spilo reads.
fn variable(container: &ContainerSpec) -> Option<&str> {
    let told = |name: &&String| name.starts_with("PATRONI_") || name.starts_with("SPILO_");
    container.env_names.iter().find(told).map(String::as_str)
}

fn has_ports(container: &ContainerSpec) -> bool {
    PORTS.iter().all(|port| container.ports.contains(port))
}

fn has_name(container: &ContainerSpec) -> bool {
    container.name.as_str() == "patroni"
}

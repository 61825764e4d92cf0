//! What gives an engine away in a workload, and which container of a pod it is.

use std::collections::BTreeMap;

use super::postgres::{said_of_image, words};
use crate::model::{ContainerName, ContainerSpec, Pod, Workload};

/// What gives one engine away.
pub(super) struct Signs {
    /// Labels: key, and the value where the key alone means little.
    pub(super) labels: &'static [(&'static str, Option<&'static str>)],
    /// Words of an image's name that stand for a server.
    pub(super) images: &'static [&'static str],
    /// Words of an image's or a container's name that say that it is something around a server.
    pub(super) around: &'static [&'static str],
    /// Ports that only a server declares together; each of them alone is others' too.
    pub(super) ports: &'static [[u16; 2]],
    /// Variables that only a server has.
    pub(super) variables: &'static [&'static str],
}

impl Signs {
    /// Says what gives the engine away, image first because it says most.
    pub(super) fn recognise(&self, workload: &Workload) -> Option<String> {
        let servers: Vec<_> =
            workload.template.containers.iter().filter(|container| !self.is_around(container)).collect();
        let image = || servers.iter().find(|container| self.has_image(container)).map(|server| said_of_image(server));
        let label = || self.label(&[&workload.meta.labels, &workload.template.labels]).filter(|_| !servers.is_empty());
        let port = || servers.iter().find_map(|container| self.declared(container));
        let variable = || servers.iter().find_map(|container| self.variable(container));
        image()
            .or_else(label)
            .or_else(|| port().map(|[one, other]| format!("ports {one} and {other}")))
            .or_else(|| variable().map(|name| format!("variable {name}")))
    }

    /// Chooses the container of the server: by image and ports, by image, by ports, and last the only one that there is.
    pub(super) fn container(&self, pod: &Pod) -> Option<ContainerName> {
        let servers = || pod.containers.iter().filter(|container| !self.is_around(container));
        let only = || if let [only] = pod.containers.as_slice() { Some(only) } else { None };
        servers()
            .filter(|container| self.has_image(container))
            .find(|container| self.declared(container).is_some())
            .or_else(|| servers().find(|container| self.has_image(container)))
            .or_else(|| servers().find(|container| self.declared(container).is_some()))
            .or_else(only)
            .map(|container| container.name.clone())
    }

    fn label(&self, labels: &[&BTreeMap<String, String>]) -> Option<String> {
        self.labels.iter().find_map(|(key, wanted)| {
            let value = labels.iter().find_map(|labels| labels.get(*key))?;
            wanted.is_none_or(|wanted| wanted == value).then(|| format!("label {key}={value}"))
        })
    }

    fn has_image(&self, container: &ContainerSpec) -> bool {
        words(container.image_base()).iter().any(|word| self.images.contains(&word.as_str()))
    }

    fn is_around(&self, container: &ContainerSpec) -> bool {
        let (image, name) = (words(container.image_base()), words(container.name.as_str()));
        image.iter().chain(&name).any(|word| self.around.contains(&word.as_str()))
    }

    fn declared(&self, container: &ContainerSpec) -> Option<[u16; 2]> {
        self.ports.iter().copied().find(|both| both.iter().all(|port| container.ports.contains(port)))
    }

    fn variable<'c>(&self, container: &'c ContainerSpec) -> Option<&'c str> {
        container.env_names.iter().map(String::as_str).find(|name| self.variables.contains(name))
    }
}

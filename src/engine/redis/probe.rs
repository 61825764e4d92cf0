//! The questions to a server and to the sentinel beside it.

use super::recognise;
use crate::model::{ContainerName, Pod, Probe};

/// The word by which the server's answer is known.
pub(super) const ID: &str = "redis";

/// The word by which the sentinel's answer is known.
pub(super) const SENTINEL_ID: &str = "redis-sentinel";

/// Asks the server.
const ASK: &str = concat!(include_str!("../given.sh"), include_str!("client.sh"), include_str!("ask.sh"));

/// Asks the sentinel.
const ASK_SENTINEL: &str = concat!(include_str!("../given.sh"), include_str!("client.sh"), include_str!("sentinel.sh"));

/// Makes the questions for a pod: one to its server, and one to its sentinel, if it has one.
pub(super) fn probes(pod: &Pod, container: &ContainerName) -> Vec<Probe> {
    let server = Probe { id: ID, container: container.clone(), argv: run(ASK, &["server"]) };
    let sentinel = recognise::sentinel(pod).map(|container| Probe {
        id: SENTINEL_ID,
        container,
        argv: run(ASK_SENTINEL, &["sentinel"]),
    });
    std::iter::once(server).chain(sentinel).collect()
}

/// Makes the command that runs a script; its first argument says whom it talks to.
pub(super) fn run(script: &str, arguments: &[&str]) -> Vec<String> {
    ["sh", "-c", script, "kubectl-stateful"].iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

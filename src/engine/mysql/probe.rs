//! The one question to a server.

use crate::model::{ContainerName, Probe};

/// The word by which the answer is known.
pub(super) const ID: &str = "mysql";

/// Finds the client, user and password inside the container, and asks for the tables.
const SCRIPT: &str = concat!(include_str!("../given.sh"), include_str!("ask.sh"), include_str!("status.sh"));

/// Makes the question: two connections of the server's own client, one sheet of tables.
pub(super) fn probe(container: &ContainerName) -> Probe {
    let argv = ["sh", "-c", SCRIPT, "kubectl-stateful"].map(str::to_owned).to_vec();
    Probe { id: ID, container: container.clone(), argv }
}

//! The one question to a server.

use crate::model::{ContainerName, Probe};

/// The word by which the answer is known.
pub(in crate::engine) const ID: &str = "postgres";

/// Finds the server, user and password inside the container, and runs psql.
const SCRIPT: &str = concat!(include_str!("../given.sh"), include_str!("server.sh"), include_str!("ask.sh"));

/// The statement; it answers with one JSON document on one line.
const STATEMENT: &str = include_str!("ask.sql");

/// Makes the question: one process in the container, one connection, one statement, one document.
pub(in crate::engine) fn probe(container: &ContainerName) -> Probe {
    Probe { id: ID, container: container.clone(), argv: run(STATEMENT) }
}

/// Makes the command that runs one statement that takes its time and has a limit of its own.
pub(super) fn run_long(statement: &str) -> Vec<String> {
    let script = SCRIPT.replace("statement_timeout=4000", "statement_timeout=0");
    ["sh", "-c", &script, "kubectl-stateful", statement].map(str::to_owned).to_vec()
}

/// Makes the command that runs one statement.
pub(super) fn run(statement: &str) -> Vec<String> {
    ["sh", "-c", SCRIPT, "kubectl-stateful", statement].map(str::to_owned).to_vec()
}

//! `kubectl-stateful-mover`, as the plugin starts it in a pod.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use kubectl_stateful::mover::command;

    command::main(std::env::args_os().collect(), std::io::stdin().lock(), Box::new(std::io::stdout()))
}

/// It runs in pods of Linux nodes; elsewhere the plugin only carries it.
#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::from(2)
}

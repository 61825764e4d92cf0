//! `kubectl stateful`, as kubectl starts it.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "the one place where the program reads the clock")]
fn main() -> ExitCode {
    kubectl_stateful::cli::main(std::env::args_os().collect(), jiff::Timestamp::now)
}

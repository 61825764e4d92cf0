//! Names of real sets, completed through the real kubectl.

use crate::postgres::shared;
use crate::support::{command, proves};

#[test]
fn names_are_completed_by_the_real_kubectl() {
    let namespace = shared();
    let output = command("kubectl")
        .args(["__complete", "stateful", "status", "-n", &namespace.name, "d"])
        .env("PATH", with_completer())
        .output()
        .expect("kubectl");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.lines().any(|line| line.split('\t').next() == Some("db")), "{answer}\n{output:?}");
    assert!(answer.contains(":4"), "{answer}");
    proves("kubectl completes the names of sets");
}

/// Puts `kubectl_complete-stateful` on PATH beside the program.
fn with_completer() -> std::ffi::OsString {
    let shims = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    let path = command("true")
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, value)| value)
        .expect("PATH")
        .to_owned();
    std::env::join_paths(std::iter::once(shims.into()).chain(std::env::split_paths(&path))).expect("a path")
}

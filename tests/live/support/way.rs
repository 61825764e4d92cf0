//! The program on a way to the server that can be broken.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Fault, Gate, Namespace, Proxy, Ran, command};

/// The program, on a way to the server that can be broken.
pub(crate) struct Way<'n> {
    pub(crate) namespace: &'n Namespace,
    pub(crate) proxy: Proxy,
    directory: PathBuf,
}

impl<'n> Way<'n> {
    pub(crate) fn new(namespace: &'n Namespace, gate: &Gate) -> Self {
        let proxy = Proxy::open(gate);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&namespace.name);
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join("kubeconfig"), proxy.kubeconfig()).expect("a kubeconfig");
        Self { namespace, proxy, directory }
    }

    /// Calls it, and lets one thing go wrong.
    pub(crate) fn call(&self, words: &[&str], fault: Option<(u32, Fault)>) -> Ran {
        self.proxy.breaks(fault);
        let child = command(env!("CARGO_BIN_EXE_kubectl-stateful"))
            .args(words)
            .args(["-n", &self.namespace.name])
            .env("KUBECONFIG", self.directory.join("kubeconfig"))
            .env("XDG_STATE_HOME", &self.directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        self.proxy.client_is(child.id());
        Ran::of(&child.wait_with_output().expect("the program"))
    }

    /// Goes on with a run that stopped, or takes it back; where that way is closed, the other one.
    #[track_caller]
    pub(crate) fn on_or_back(&self, first: &Ran, back: bool, case: &str) {
        let ways: [&[&str]; 2] = [&["resume", "db", "--yes", "--take-over"], &["undo", "db", "--yes", "--take-over"]];
        let order = if back { [ways[1], ways[0]] } else { ways };
        let mut ended = self.call(order[0], None);
        // Past the point of no return there is only the way on, and before a hand-over that half took place only the way back.
        if ended.code != 0 && ended.code != 2 {
            let before = ended;
            ended = self.call(order[1], None);
            let tail = |ran: &Ran| {
                let lines: Vec<&str> = ran.stderr.lines().collect();
                format!("{}: {}", ran.code, lines[lines.len().saturating_sub(6)..].join(" / "))
            };
            let says = [first, &before, &ended].map(tail).join("; then ");
            // 2: nothing was begun, or everything had ended.
            assert!(matches!(ended.code, 0 | 2), "{case}: neither on nor back: {says}");
        }
    }
}

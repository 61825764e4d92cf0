//! The program itself, started as a user starts it, in an environment that holds nothing of the developer's.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-stateful");

/// A home directory of its own, and what the program says in it.
pub(crate) struct Desk {
    home: TempDir,
    environment: Vec<(String, String)>,
    hidden: Vec<(String, String)>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { home: TempDir::new().unwrap(), environment: Vec::new(), hidden: Vec::new() }
    }

    /// A desk whose kubeconfig leads to this server.
    pub(crate) fn at(server: &str) -> Self {
        let mut desk = Self::new();
        desk.kubeconfig(&kubeconfig(server, "{}"));
        desk.hide(server, "SERVER");
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Puts an executable file into `bin`, which is on the program's PATH.
    pub(crate) fn executable(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(&format!("bin/{name}"), content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub(crate) fn kubeconfig(&mut self, content: &str) -> PathBuf {
        self.file(".kube/config", content)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Replaces what differs from run to run in what is shown.
    pub(crate) fn hide(&mut self, what: &str, by: &str) {
        self.hidden.push((what.to_owned(), by.to_owned()));
    }

    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home.path()).current_dir(self.home.path()).stdin(Stdio::null());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display()));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.finish(self.command(PROGRAM).args(words))
    }

    pub(crate) fn finish(&self, command: &mut Command) -> Said {
        let start = Instant::now();
        let output = command.output().unwrap();
        Said { output, took: start.elapsed(), hidden: self.replacements() }
    }

    fn replacements(&self) -> Vec<(String, String)> {
        let home = (self.home.path().display().to_string(), "HOME".to_owned());
        self.hidden.iter().cloned().chain([home]).collect()
    }
}

/// How a run ended.
pub(crate) struct Said {
    output: Output,
    /// How long it took.
    pub(crate) took: Duration,
    hidden: Vec<(String, String)>,
}

impl Said {
    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        self.shown(&self.output.stdout)
    }

    pub(crate) fn stderr(&self) -> String {
        self.shown(&self.output.stderr)
    }

    fn shown(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.hidden.iter().fold(text, |text, (what, by)| text.replace(what, by))
    }

    /// Everything a user sees, for a snapshot.
    pub(crate) fn screen(&self) -> String {
        let mut screen = format!("exit code {:?}\n", self.code().unwrap_or(-1));
        for (name, text) in [("stdout", self.stdout()), ("stderr", self.stderr())] {
            if !text.is_empty() {
                write!(screen, "--- {name}\n{text}").unwrap();
            }
        }
        screen
    }
}

/// A kubeconfig with one context, `here`, in namespace shop; `user` is YAML in flow style.
pub(crate) fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: here
contexts:
- name: here
  context: {{cluster: main, user: me, namespace: shop}}
clusters:
- name: main
  cluster: {{server: '{server}'}}
users:
- name: me
  user: {user}
"
    )
}

/// Finds a program that a test cannot do without.
pub(crate) fn needed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is not installed: this test says nothing without it (`make packages`; kubectl also: `tests/cluster/cluster build`)")
    })
}

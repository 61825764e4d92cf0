//! What the live tests share: a namespace, kubectl, the program, and waiting with a limit.

mod beside;
mod cases;
mod change;
mod cluster;
mod proxy;
mod report;
mod switchovers;
mod turn;
mod way;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use beside::{Beside, two_at_once};
pub(crate) use cases::{Case, FAULTS, cases};
pub(crate) use change::Running;
pub(crate) use cluster::{ApiServer, Made, Node, fake_nodes};
pub(crate) use proxy::{Fault, Gate, Proxy};
pub(crate) use report::{codes, finding, row, rows, short, steady};
pub(crate) use switchovers::there_and_back;
use turn::Turn;
pub(crate) use way::Way;

/// How long anything may take to come true on the cluster, also when other tests keep it busy.
const LIMIT: Duration = Duration::from_secs(240);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(500);

/// More than this of what was seen last helps nobody.
const SHOWN: usize = 2000;

/// A namespace that is deleted at the end, also of a failed test.
pub(crate) struct Namespace {
    pub(crate) name: String,
    // Behind the name: whoever waits for its turn shall find this namespace on its way out.
    _turn: Turn,
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", cut(&self.stdout), cut(&self.stderr));
        self.stdout
    }

    /// Gives both outputs, for what must be in neither.
    pub(crate) fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Cuts a text to what helps.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} [...]", &text[..end]),
        None => text.to_owned(),
    }
}

/// Prints a screen for whoever wants to look at it: `LIVE_SCREENS=1`.
pub(crate) fn look_at(screen: &str) {
    if std::env::var_os("LIVE_SCREENS").is_some() {
        println!("{screen}");
    }
}

/// Says in one line what a test has shown.
pub(crate) fn proves(what: impl std::fmt::Display) {
    println!("proved: {what}");
}

/// Prepares a command with this build of the program first on PATH, as kubectl finds plugins.
pub(crate) fn command(program: &str) -> Command {
    assert!(std::env::var_os("KUBECONFIG").is_some(), "no cluster: run these tests with `make test`");
    let plugin = PathBuf::from(env!("CARGO_BIN_EXE_kubectl-stateful"));
    let mut path = vec![plugin.parent().expect("a folder").to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(program);
    command.env("PATH", std::env::join_paths(path).expect("a path")).env_remove("COLUMNS").stdin(Stdio::null());
    // Journals are not for the home of whoever runs the tests.
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs a command to its end.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Ran {
    let output = command(program).args(arguments).output();
    Ran::of(&output.unwrap_or_else(|error| panic!("{program}: {error}")))
}

/// Waits until `look` gives something, and fails with what it saw last.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if began.elapsed() > LIMIT => {
                panic!("{what}: not within {LIMIT:?}; last seen: {}", cut(&seen));
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

impl Namespace {
    /// Makes a namespace for a test that runs beside others.
    pub(crate) fn new(test: &str) -> Self {
        Self::make(test, Turn::beside())
    }

    /// Makes a namespace for a test that takes nodes away: it runs alone.
    pub(crate) fn alone(test: &str) -> Self {
        Self::make(test, Turn::alone())
    }

    /// Makes one more namespace for the test that has another one, which must outlive this.
    pub(crate) fn beside(_whole: &Self, test: &str) -> Self {
        Self::make(test, Turn::Within)
    }

    fn make(test: &str, turn: Turn) -> Self {
        cluster::sweep();
        let name = format!("live-{test}-{}", std::process::id());
        run("kubectl", &["create", "namespace", &name]).ok();
        cluster::mark("namespace", &name);
        Self { name, _turn: turn }
    }

    /// Runs kubectl in the namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Ran {
        let arguments: Vec<&str> = ["-n", &self.name].into_iter().chain(arguments.iter().copied()).collect();
        run("kubectl", &arguments)
    }

    /// Applies a manifest.
    #[track_caller]
    pub(crate) fn apply(&self, manifest: &str) {
        let mut child = command("kubectl")
            .args(["-n", &self.name, "apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl");
        child.stdin.take().expect("stdin").write_all(manifest.as_bytes()).expect("write");
        Ran::of(&child.wait_with_output().expect("kubectl")).ok();
    }

    /// Patches an object as JSON merge patches do.
    #[track_caller]
    pub(crate) fn patch(&self, object: &str, patch: &str) {
        self.kubectl(&["patch", object, "--type=merge", "-p", patch]).ok();
    }

    /// Runs the program as people do: through kubectl.
    pub(crate) fn stateful(&self, arguments: &[&str]) -> Ran {
        let arguments: Vec<&str> =
            ["stateful"].into_iter().chain(arguments.iter().copied()).chain(["-n", &self.name]).collect();
        run("kubectl", &arguments)
    }

    /// Gives the report on one set.
    #[track_caller]
    pub(crate) fn report(&self, set: &str, flags: &[&str]) -> Value {
        self.try_report(set, flags).unwrap_or_else(|seen| panic!("no report: {}", cut(&seen)))
    }

    fn try_report(&self, set: &str, flags: &[&str]) -> Result<Value, String> {
        let arguments: Vec<&str> = ["status", set, "-o", "json"].into_iter().chain(flags.iter().copied()).collect();
        let ran = self.stateful(&arguments);
        let json: Result<Value, _> = serde_json::from_str(&ran.stdout);
        json.map(|list| list["items"][0].clone()).map_err(|error| format!("{error}: {}", ran.everything()))
    }

    /// Waits until the report on one set is as it should be, and gives it.
    #[track_caller]
    pub(crate) fn until(&self, set: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.until_with(set, &[], what, holds)
    }

    /// The same with more flags.
    #[track_caller]
    pub(crate) fn until_with(&self, set: &str, flags: &[&str], what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || {
            let report = self.try_report(set, flags)?;
            if holds(&report) { Ok(report) } else { Err(short(&report)) }
        })
    }

    /// Waits until a finding is there.
    #[track_caller]
    pub(crate) fn until_found(&self, set: &str, code: &str) -> Value {
        self.until(set, code, |report| codes(report).contains(&code))
    }

    /// Waits until so many members are ready.
    #[track_caller]
    pub(crate) fn until_ready(&self, set: &str, members: u32) -> Value {
        self.until(set, "members that are ready", |report| report["head"]["ready"] == members)
    }

    /// Gives the screen that a person would see; `LIVE_SCREENS=1` prints it too.
    #[track_caller]
    pub(crate) fn screen(&self, set: &str) -> String {
        let screen = self.stateful(&["status", set]).ok();
        look_at(&screen);
        screen
    }

    /// Runs SQL in a pod.
    #[track_caller]
    pub(crate) fn sql(&self, pod: &str, statement: &str) -> String {
        self.kubectl(&["exec", pod, "-c", "postgres", "--", "psql", "-U", "postgres", "-XAtqc", statement]).ok()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Volumes go with their claims; waiting for that would only be waiting.
        run("kubectl", &["delete", "namespace", &self.name, "--wait=false", "--ignore-not-found"]);
    }
}

/// Types a command that a finding suggests, in a shell as a person would.
#[track_caller]
pub(crate) fn type_in(finding: &Value) -> String {
    let line = finding["next"].as_str().unwrap_or_else(|| panic!("no command in {finding}"));
    let ran = run("sh", &["-c", line]);
    assert_eq!(ran.code, 0, "{line}: {}", cut(&ran.everything()));
    line.to_owned()
}

/// Reads a manifest that the demo uses as well.
pub(crate) fn workload(name: &str) -> String {
    let path = format!("{}/tests/cluster/workloads/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Makes a set of busybox pods: quick to start, with one small volume each. `extra` goes into the set's spec.
pub(crate) fn plain_set(name: &str, replicas: u32, extra: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec: {{clusterIP: None, selector: {{app: {name}}}, ports: [{{port: 80}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  replicas: {replicas}
  serviceName: {name}
  selector: {{matchLabels: {{app: {name}}}}}
{extra}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: docker.io/library/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, 'trap exit TERM; while true; do sleep 1; done']
          volumeMounts: [{{name: data, mountPath: /data}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {{requests: {{storage: 64Mi}}}}
"
    )
}

//! Changes of a set: while they go on, refused, and written down.

use std::io::{Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use super::{Namespace, Ran, command, cut, eventually, look_at, run};

/// A change that goes on, and what it has said so far.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    listeners: Vec<JoinHandle<()>>,
}

impl Running {
    /// Begins `kubectl stateful ...`; the plugin takes kubectl's process over.
    pub(crate) fn begin(namespace: &Namespace, arguments: &[&str]) -> Self {
        Self::listened_to(command("kubectl").arg("stateful").args(arguments).args(["-n", &namespace.name]))
    }

    /// Begins it at a terminal of its own, where it can ask.
    pub(crate) fn at_terminal(namespace: &Namespace, arguments: &[&str]) -> Self {
        let line = format!("kubectl stateful {} -n {}", arguments.join(" "), namespace.name);
        Self::listened_to(command("script").args(["-qefc", &line, "/dev/null"]).stdin(Stdio::piped()))
    }

    fn listened_to(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kubectl");
        let said = Arc::<Mutex<String>>::default();
        let (stdout, stderr) = (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
        let listeners = vec![listen(stdout, &said), listen(stderr, &said)];
        Self { child, said, listeners }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said something.
    #[track_caller]
    pub(crate) fn until_said(&mut self, words: &str) {
        eventually(words, || {
            let said = self.said();
            if said.contains(words) {
                return Ok(());
            }
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none() || self.said().contains(words), "ended without \"{words}\": {}", self.said());
            Err(said)
        });
    }

    /// Waits until it has said something; false when it was refused before: on a busy machine a member may be unready for
    /// a moment.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) -> bool {
        eventually(words, || match (self.said().contains(words), self.child.try_wait().expect("a child")) {
            (true, _) => Ok(true),
            (false, Some(status)) if status.code() == Some(4) => Ok(false),
            (false, Some(_)) => panic!("ended without \"{words}\": {}", self.said()),
            (false, None) => Err(self.said()),
        })
    }

    /// Types a line, and presses enter.
    pub(crate) fn answer(&mut self, line: &str) {
        let keyboard = self.child.stdin.as_mut().expect("a terminal");
        keyboard.write_all(format!("{line}\r").as_bytes()).expect("a keyboard");
    }

    /// Sends a signal: `-INT`.
    pub(crate) fn signal(&self, signal: &str) {
        run("kill", &[signal, &self.child.id().to_string()]).ok();
    }

    /// Waits for its end. Both outputs are given as one.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ran {
        let code = eventually("the end of a change", || match self.child.try_wait().expect("a child") {
            Some(status) => Ok(status.code().unwrap_or(-1)),
            None => Err(self.said()),
        });
        for listener in self.listeners.drain(..) {
            listener.join().expect("a listener");
        }
        look_at(&self.said());
        Ran { code, stdout: String::new(), stderr: self.said() }
    }
}

fn listen(mut from: impl Read + Send + 'static, into: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]);
            into.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    })
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Namespace {
    /// Reads one field of an object: `{.spec.replicas}`.
    #[track_caller]
    pub(crate) fn field(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, "-o", &format!("jsonpath={path}")]).ok()
    }

    /// Reads how many replicas a set wants.
    #[track_caller]
    pub(crate) fn replicas(&self, set: &str) -> u32 {
        self.field(&format!("statefulset/{set}"), "{.spec.replicas}").parse().expect("a number")
    }

    /// Lists the claims, sorted.
    #[track_caller]
    pub(crate) fn claims(&self) -> Vec<String> {
        let names = self.field("pvc", "{.items[*].metadata.name}");
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// Proves that a change is refused, with these words, and that the set is the very same afterwards. It is tried
    /// without `--yes` until what is provoked has come true, and then once more with it.
    #[track_caller]
    pub(crate) fn refuses(&self, set: &str, arguments: &[&str], says: &[&str]) {
        let set = format!("statefulset/{set}");
        let version = || self.field(&set, "{.metadata.uid} {.metadata.resourceVersion} {.spec.replicas}");
        let words = says.join(", ");
        let try_it = |more: &[&str]| {
            let before = version();
            let ran = self.stateful(&[arguments, more].concat());
            let refused = ran.code == 4 && says.iter().all(|word| ran.stderr.replace('\n', " ").contains(word));
            (refused, before == version(), ran)
        };
        // A set whose pods come and go has a new version for every change of its status.
        eventually(&words, || match try_it(&[]) {
            (true, true, _) => Ok(()),
            (_, same, ran) => Err(format!("the same: {same}; {} {}", ran.code, ran.everything())),
        });
        eventually(&words, || match try_it(&["--yes"]) {
            (true, true, ran) => {
                look_at(&ran.stderr);
                Ok(())
            }
            (true, false, _) => Err("the set is not at rest".to_owned()),
            (false, _, ran) => panic!("{words}: not refused: {} {}", ran.code, cut(&ran.everything())),
        });
    }

    /// Carries a change out. On a busy machine a member may be unready for a moment, which refuses it: nothing was
    /// changed then, and it is tried again.
    #[track_caller]
    pub(crate) fn changes(&self, arguments: &[&str]) -> Ran {
        let ran = eventually("a change", || match self.stateful(arguments) {
            refused if refused.code == 4 => Err(refused.stderr),
            ran => Ok(ran),
        });
        look_at(&ran.everything());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", cut(&ran.everything()));
        ran
    }

    /// Reads the plans of the journals of a set, the oldest first.
    #[track_caller]
    pub(crate) fn journaled_plans(&self) -> Vec<Value> {
        let query = "{range .items[*]}{.data.plan}{\"\\n\"}{end}";
        let maps = ["get", "configmaps", "-l", "app.kubernetes.io/managed-by=kubectl-stateful"];
        let plans = self.kubectl(&[&maps[..], &["-o", &format!("jsonpath={query}")]].concat()).ok();
        plans.lines().map(|line| serde_json::from_str(line).expect("a plan")).collect()
    }

    /// Reads the messages of a reason's Events on a set.
    #[track_caller]
    pub(crate) fn events(&self, set: &str, reason: &str) -> String {
        let which = format!("involvedObject.kind=StatefulSet,involvedObject.name={set},reason={reason}");
        let path = "jsonpath={range .items[*]}{.message}{\"\\n\"}{end}";
        self.kubectl(&["get", "events", "--field-selector", &which, "-o", path]).ok()
    }
}

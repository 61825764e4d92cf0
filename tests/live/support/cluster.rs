//! The cluster itself: its script, nodes that come and go, and what earlier runs left on it.

use std::path::Path;
use std::sync::Once;

use super::{eventually, run};

/// Marks what a run makes, with the run's process id.
const MARK: &str = "kubectl-stateful-live";

/// What a run makes outside namespaces, and the namespaces.
const MARKED: &str = "namespaces,persistentvolumes,clusterroles,clusterrolebindings,storageclasses";

fn name() -> String {
    std::env::var("KUBECTL_STATEFUL_CLUSTER").unwrap_or_else(|_| "stateful".to_owned())
}

/// Runs the script that runs the cluster, for nodes that come and go.
#[track_caller]
fn script(arguments: &[&str]) -> String {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/cluster");
    let script = std::env::var("KUBECTL_STATEFUL_CLUSTER_SCRIPT").unwrap_or_else(|_| here.to_owned());
    let name = name();
    let arguments: Vec<&str> = ["--name", &name].into_iter().chain(arguments.iter().copied()).collect();
    run(&script, &arguments).ok()
}

/// Marks an object as this run's, so that a later run finds it when this one is killed.
pub(super) fn mark(kind: &str, name: &str) {
    run("kubectl", &["label", kind, name, &format!("{MARK}={}", std::process::id())]).ok();
}

/// An object outside namespaces that is deleted at the end, also of a failed test.
pub(crate) struct Made {
    kind: &'static str,
    name: String,
}

impl Made {
    /// Takes care of an object that exists.
    pub(crate) fn new(kind: &'static str, name: &str) -> Self {
        mark(kind, name);
        Self { kind, name: name.to_owned() }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        run("kubectl", &["delete", self.kind, &self.name, "--wait=false", "--ignore-not-found"]);
    }
}

/// One of the cluster's nodes.
pub(crate) struct Node {
    pub(crate) name: String,
    number: String,
}

/// A node without power. It comes back when this is dropped, whatever became of the test.
pub(crate) struct Dead<'a>(&'a Node);

/// A node that takes no pods until this is dropped.
pub(crate) struct Cordoned<'a>(&'a Node);

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        let number = name.rsplit('-').next().expect("a number").to_owned();
        Self { name: name.to_owned(), number }
    }

    /// Takes the node's power away.
    pub(crate) fn kill(&self) -> Dead<'_> {
        let dead = Dead(self);
        script(&["node", "kill", &self.number]);
        dead
    }

    /// Has it take no pods.
    pub(crate) fn cordon(&self) -> Cordoned<'_> {
        let cordoned = Cordoned(self);
        run("kubectl", &["cordon", &self.name]).ok();
        cordoned
    }

    /// Has it take pods again at the end, whoever has it take none meanwhile.
    pub(crate) fn uncordoned_at_end(&self) -> Cordoned<'_> {
        Cordoned(self)
    }

    fn start(&self) {
        script(&["node", "start", &self.number]);
        eventually("the node is ready again", || {
            let node = format!("node/{}", self.name);
            let ready = run("kubectl", &["wait", "--for=condition=Ready", &node, "--timeout=5s"]);
            if ready.code == 0 { Ok(()) } else { Err(ready.stderr) }
        });
    }

    /// Runs a command where the node's containers run: its mounts are in a mount namespace of its own.
    #[track_caller]
    pub(crate) fn enter(&self, arguments: &[&str]) {
        let netns = format!("{}-node-{}", name(), self.number);
        let pids = run("ip", &["netns", "pids", &netns]).ok();
        let inside = pids.lines().find(|pid| is_containerd(pid)).expect("the node's containerd");
        let enter = ["--target", inside, "--mount", "--"].into_iter();
        run("nsenter", &enter.chain(arguments.iter().copied()).collect::<Vec<_>>()).ok();
    }
}

fn is_containerd(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "containerd")
}

impl Drop for Dead<'_> {
    fn drop(&mut self) {
        self.0.start();
    }
}

impl Drop for Cordoned<'_> {
    fn drop(&mut self) {
        run("kubectl", &["uncordon", &self.0.name]);
    }
}

/// The API server's process.
pub(crate) struct ApiServer;

/// An API server that does not answer. It comes back when this is dropped, whatever became of the test.
pub(crate) struct Away(Option<String>);

impl ApiServer {
    fn pid() -> String {
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let root = if unified { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/pids" };
        let processes = format!("{root}/kubectl-stateful/{}/control-plane/apiserver/cgroup.procs", name());
        std::fs::read_to_string(&processes).unwrap_or_else(|error| panic!("{processes}: {error}")).trim().to_owned()
    }

    /// Stops it where it is: connections stay open, nobody answers.
    pub(crate) fn freeze() -> Away {
        let pid = Self::pid();
        run("kill", &["-STOP", &pid]).ok();
        Away(Some(pid))
    }

    /// Ends it: whoever comes is refused.
    pub(crate) fn kill() -> Away {
        run("kill", &["-KILL", &Self::pid()]).ok();
        Away(None)
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        match &self.0 {
            Some(pid) => _ = run("kill", &["-CONT", pid]),
            None => _ = script(&["up"]),
        }
        mend_nodes();
    }
}

/// Has so many nodes on which pods exist in the API only, named kwok-1 and so on.
pub(crate) fn fake_nodes(count: u32) {
    script(&["kwok", &count.to_string()]);
}

/// Removes what a killed run left on the cluster, once for each run.
pub(super) fn sweep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let query = format!(
            "jsonpath={{range .items[*]}}{{.kind}}/{{.metadata.name}} {{.metadata.labels.{MARK}}}{{\"\\n\"}}{{end}}"
        );
        let all = run("kubectl", &["get", MARKED, "-l", MARK, "-o", &query]).ok();
        for (object, run_id) in all.lines().filter_map(|line| line.split_once(' ')) {
            if !Path::new("/proc").join(run_id).exists() {
                run("kubectl", &["delete", object, "--wait=false", "--ignore-not-found"]).ok();
            }
        }
        mend_nodes();
    });
}

/// Brings back the nodes that a killed run took away.
fn mend_nodes() {
    let query = "jsonpath={range .items[*]}{.metadata.name} {.spec.unschedulable} \
                 {.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}";
    let nodes = run("kubectl", &["get", "nodes", "-l", "type!=kwok", "-o", query]).ok();
    for line in nodes.lines() {
        let node = Node::new(line.split(' ').next().expect("a name"));
        if line.contains("true") {
            run("kubectl", &["uncordon", &node.name]).ok();
        }
        if !line.ends_with("True") {
            node.start();
        }
    }
}

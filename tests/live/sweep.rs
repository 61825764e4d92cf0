//! Every request of a scale-down that changes something goes wrong in every way, on the real control plane.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::support::{Fault, Gate, Namespace, Proxy, Ran, command, cut, eventually, fake_nodes, plain_set, proves};

/// How many sets are scaled at the same time: most of the time is waiting.
const BESIDE: usize = 6;

/// More requests than a scale-down 4 -> 2 has, with one old journal thrown away.
const REQUESTS: u32 = 13;

const DOWN: [&str; 5] = ["scale-down", "--replicas=2", "--allow=no-drain", "--yes", "--request-timeout=10s"];

/// One set, with a way to the server of its own.
struct Set<'n> {
    /// One of its own: in a crowd every look would read the Events of all.
    namespace: Namespace,
    gate: &'n Gate,
    name: String,
    proxy: Proxy,
    directory: PathBuf,
}

/// What a set was made of before a case.
struct Before {
    generation: u64,
    claims: Vec<String>,
}

impl<'n> Set<'n> {
    fn new(whole: &Namespace, gate: &'n Gate, number: usize) -> Self {
        let namespace = Namespace::beside(whole, &format!("sweep-{number}"));
        let proxy = Proxy::open(gate);
        let name = format!("s{number}");
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", namespace.name));
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join("kubeconfig"), proxy.kubeconfig()).expect("a kubeconfig");
        Self { namespace, gate, name, proxy, directory }
    }

    fn read(&self) -> Value {
        self.gate.get(&format!("/apis/apps/v1/namespaces/{}/statefulsets/{}", self.namespace.name, self.name))
    }

    fn replicas(&self) -> u64 {
        self.read()["spec"]["replicas"].as_u64().expect("replicas")
    }

    /// Lists the claims with their uids.
    fn claims(&self) -> Vec<String> {
        let path = format!("/api/v1/namespaces/{}/persistentvolumeclaims", self.namespace.name);
        let list = self.gate.get(&format!("{path}?labelSelector=app%3D{}", self.name));
        let claims = list["items"].as_array().expect("claims").iter();
        claims.map(|claim| format!("{} {}", claim["metadata"]["name"], claim["metadata"]["uid"])).collect()
    }

    /// Runs the program on the set, and lets one of its changes go wrong.
    fn call(&self, words: &[&str], fault: Option<(u32, Fault)>) -> Ran {
        self.proxy.breaks(fault);
        // Whoever comes afterwards sits at another machine, without the copy of the journal that is on this one.
        let home = if fault.is_some() { "one" } else { "other" };
        let child = command(env!("CARGO_BIN_EXE_kubectl-stateful"))
            .args(words)
            .args([&self.name, "-n", &self.namespace.name])
            .env("KUBECONFIG", self.directory.join("kubeconfig"))
            .env("XDG_STATE_HOME", self.directory.join(home))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        self.proxy.client_is(child.id());
        Ran::of(&child.wait_with_output().expect("the program"))
    }

    /// Waits until the set has four ready members, and says what it is made of.
    fn rest(&self) -> Before {
        let generation = eventually("four ready members", || {
            let set = self.read();
            let status = &set["status"];
            let ready = status["readyReplicas"] == 4 && status["replicas"] == 4;
            let seen = status["observedGeneration"] == set["metadata"]["generation"];
            if ready && seen {
                Ok(set["metadata"]["generation"].as_u64().expect("a number"))
            } else {
                Err(set["status"].to_string())
            }
        });
        Before { generation, claims: self.claims() }
    }

    /// Proves that nobody but us has changed the set, and that no claim was lost.
    fn holds(&self, case: &str, before: &Before, landed: usize) {
        let generation = self.read()["metadata"]["generation"].as_u64().expect("a number");
        assert_eq!(generation, before.generation + landed as u64, "{case}: every change of replicas landed once");
        assert_eq!(self.claims(), before.claims, "{case}: claims");
    }
}

/// Continues what went wrong, to the same end; then takes it back.
fn continued(set: &Set<'_>, at: u32, fault: Fault) -> bool {
    let case = format!("{fault:?} at {at}, continued");
    let before = set.rest();
    let first = set.call(&DOWN, Some((at, fault)));
    let happened = set.proxy.has_happened();
    let mut landed = set.proxy.landed();
    if first.code != 0 {
        let resumed = set.call(&["resume", "--yes"], None);
        landed.extend(set.proxy.landed());
        if resumed.code == 2 {
            assert!(resumed.stderr.contains("has no run that could be continued"), "{case}: {resumed:?}");
            // It had ended, or was never begun.
            if landed != [3, 2] {
                assert!(landed.is_empty() && set.replicas() == 4, "{case}: nothing was begun: {landed:?}");
                let again = set.call(&DOWN, None);
                assert_eq!(again.code, 0, "{case}: {first:?} {}", cut(&again.everything()));
                landed.extend(set.proxy.landed());
            }
        } else {
            assert_eq!(resumed.code, 0, "{case}: {first:?} {}", cut(&resumed.everything()));
        }
    }
    assert_eq!((landed.as_slice(), set.replicas()), ([3, 2].as_slice(), 2), "{case}: {first:?}");
    set.holds(&case, &before, 2);
    let undone = set.call(&["undo", "--yes"], None);
    assert_eq!(undone.code, 0, "{case}: {first:?} {}", cut(&undone.everything()));
    assert_eq!((set.proxy.landed().as_slice(), set.replicas()), ([3, 4].as_slice(), 4), "{case}");
    set.holds(&case, &before, 4);
    happened
}

/// Takes back what went wrong, wherever it stopped.
fn taken_back(set: &Set<'_>, at: u32, fault: Fault) -> bool {
    let case = format!("{fault:?} at {at}, taken back");
    let before = set.rest();
    let first = set.call(&DOWN, Some((at, fault)));
    let happened = set.proxy.has_happened();
    let down = set.proxy.landed();
    assert!([3, 2].starts_with(&down), "{case}: {down:?}");
    let undone = set.call(&["undo", "--yes"], None);
    if undone.code == 2 {
        assert!(undone.stderr.contains("has no run that could be taken back"), "{case}: {undone:?}");
        assert!(down.is_empty(), "{case}: nothing was begun: {down:?}");
    } else {
        assert_eq!(undone.code, 0, "{case}: {first:?} {}", cut(&undone.everything()));
    }
    let up = set.proxy.landed();
    let back: Vec<u64> = down.iter().rev().map(|replicas| replicas + 1).collect();
    assert_eq!((up, set.replicas()), (back, 4), "{case}: {first:?}");
    set.holds(&case, &before, down.len() * 2);
    happened
}

fn fake_set(name: &str) -> String {
    plain_set(name, 4, "  podManagementPolicy: Parallel")
        .replace("terminationGracePeriodSeconds: 1", "terminationGracePeriodSeconds: 0\n      nodeName: kwok-1")
}

#[test]
fn scale_down_survives_every_fault_at_every_request() {
    fake_nodes(1);
    let namespace = Namespace::new("sweep");
    let gate = Gate::open();
    let sets: Vec<Set<'_>> = (0..BESIDE).map(|number| Set::new(&namespace, &gate, number)).collect();
    for set in &sets {
        set.namespace.apply(&fake_set(&set.name));
    }
    let began = Instant::now();
    sets[0].rest();
    let clean = sets[0].call(&DOWN, None);
    assert_eq!(clean.code, 0, "{clean:?}");
    let requests = sets[0].proxy.seen();
    assert!(requests < REQUESTS, "{requests} requests are more than expected");
    sets[0].proxy.landed();
    assert_eq!(sets[0].call(&["undo", "--yes"], None).code, 0);
    sets[0].proxy.landed();

    let way = [continued as fn(&Set<'_>, u32, Fault) -> bool, taken_back];
    let cases = (1..=REQUESTS).flat_map(|at| Fault::ALL.map(|fault| way.map(|way| (at, fault, way)))).flatten();
    let left: Mutex<VecDeque<_>> = Mutex::new(cases.collect());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let count: usize = std::thread::scope(|scope| {
        let work = |set| {
            let mut happened = 0;
            while let Some((at, fault, way)) = next() {
                happened += usize::from(way(set, at, fault));
            }
            happened
        };
        let workers: Vec<_> = sets.iter().map(|set| scope.spawn(move || work(set))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    });
    let took = began.elapsed();
    assert!(count >= requests as usize * Fault::ALL.len() * 2, "{count} cases");
    proves(format!(
        "{count} cases: {} faults at each of {requests} requests that change something, each continued and taken back, \
         in {took:.0?}",
        Fault::ALL.len()
    ));
}

//! What runs in a pod beside its server while roles move: clients that write, and somebody who looks who takes writes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Namespace, eventually};

/// A container in which loops run, until a file says that they end.
pub(crate) struct Beside<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) pod: &'a str,
    pub(crate) container: &'a str,
}

impl Beside<'_> {
    fn run(&self, script: &str) -> String {
        self.namespace.kubectl(&["exec", self.pod, "-c", self.container, "--", "bash", "-c", script]).ok()
    }

    /// Begins to run a script again and again.
    pub(crate) fn begin(&self, script: &str) {
        self.run(&format!("(while [ ! -e /tmp/end ]; do {script}; done) >/dev/null 2>&1 &"));
    }

    /// Has somebody try a write on every member again and again, and note in `/tmp/seen` who took it: the member, and 0 where it
    /// did or 1 where it is read-only. Whoever does not answer says nothing.
    pub(crate) fn try_writes(&self, members: [&str; 3], write: &str) {
        let members = members.join(" ");
        self.begin(&format!(
            "for pod in {members}; do said=$({write} 2>&1) && echo $pod 0 >>/tmp/seen || \
             case $said in *read-only*) echo $pod 1 >>/tmp/seen ;; esac; done; sleep 0.05"
        ));
    }

    /// The same of PostgreSQL, found behind a Service, in a table `tried`: what is tried waits for no standby.
    pub(crate) fn try_writes_of_postgres(&self, members: [&str; 3], psql: &str, service: &str) {
        let alone = "PGOPTIONS='-c synchronous_commit=local -c statement_timeout=1s'";
        let write = format!("{alone} {psql} -h $pod.{service} -c \"INSERT INTO tried VALUES ('$pod')\"");
        self.try_writes(members, &write);
    }

    /// Reads a file.
    pub(crate) fn read(&self, file: &str) -> String {
        self.run(&format!("touch {file}; cat {file}"))
    }

    /// Gives the numbers that were written into `/tmp/acknowledged`.
    pub(crate) fn acknowledged(&self) -> BTreeSet<u64> {
        self.read("/tmp/acknowledged").lines().map(|line| line.parse().expect("a number")).collect()
    }

    /// Waits until clients have written so much more.
    #[track_caller]
    pub(crate) fn until_written(&self, more: usize) {
        let before = self.acknowledged().len();
        eventually("clients write", || {
            let now = self.acknowledged().len();
            if now >= before + more { Ok(()) } else { Err(format!("{now} acknowledged, {before} before")) }
        });
    }

    /// Ends all that was begun.
    pub(crate) fn end(&self) {
        self.run("touch /tmp/end");
    }
}

/// Finds a moment at which two members took writes: one was seen to before and after another one was. A line for each
/// look: the member, and 0 where it took writes.
pub(crate) fn two_at_once(seen: &str) -> Option<String> {
    let polls: Vec<(&str, bool)> =
        seen.lines().filter_map(|line| line.split_once(' ')).map(|(pod, read_only)| (pod, read_only == "0")).collect();
    let (mut last, mut found) = (BTreeMap::new(), None);
    for (at, (pod, writable)) in polls.iter().enumerate() {
        if let Some((before, true)) = last.insert(*pod, (at, *writable)).filter(|_| *writable) {
            let between = polls[before..at].iter().find(|(other, writable)| other != pod && *writable);
            found = found.or(between.map(|(other, _)| format!("{pod} and {other}, at {at} of {}", polls.len())));
        }
    }
    found
}

#[test]
fn two_at_once_are_told_from_one_after_the_other() {
    assert_eq!(two_at_once("a 0\nb 1\na 0\nb 1\na 1\nb 0\na 1\nb 0\n"), None);
    assert_eq!(two_at_once("a 0\nb 0\na 1\nb 0\n"), None);
    assert!(two_at_once("a 0\nb 0\na 0\n").is_some());
}

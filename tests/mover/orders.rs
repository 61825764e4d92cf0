//! Orders, versions, and movers that meet where only one may be; and what `manifest` says of a volume.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use kubectl_stateful::mover::event::{Event, FaultKind};
use kubectl_stateful::mover::order::{ManifestOrder, PassKind, VERSION};

use crate::support::dice::Dice;
use crate::support::pair::{Keys, Mover, Pair};
use crate::support::tree::Tree;

fn failure(event: Option<Event>) -> (FaultKind, String) {
    match event {
        Some(Event::Failed { kind, message }) => (kind, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_that_cannot_be_read_is_refused_without_repeating_it() {
    let secret = "302e020100300506032b657004220420deadbeef";
    for line in ["", "{}", "no JSON", &format!("{{\"version\":\"1\",\"key\":\"{secret}\"}}")] {
        let mut mover = Command::new(env!("CARGO_BIN_EXE_kubectl-stateful-mover"))
            .arg("receive")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(mover.stdin.take().unwrap(), "{line}").unwrap();
        let output = mover.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("\"kind\":\"order\"") && !text.contains(secret), "{text}");
    }
}

#[test]
fn an_order_of_another_version_is_refused() {
    let pair = Pair::new();
    let keys = Keys::new();
    let mut receive = pair.receive_order(&keys);
    receive.version = "0.0.1".to_owned();
    let (kind, message) = failure(Mover::start("receive", &receive, None).end());
    assert_eq!(kind, FaultKind::Version);
    assert!(message.contains(VERSION) && message.contains("0.0.1"), "{message}");
    let mut send = pair.send_order(&keys, 1, PassKind::Live);
    send.version = "0.0.1".to_owned();
    assert_eq!(failure(Mover::start("send", &send, None).end()).0, FaultKind::Version);
}

#[test]
fn one_target_and_one_index_serve_one_mover() {
    let pair = Pair::new();
    let keys = Keys::new();
    let (receiver, port) = pair.receiver(&keys).unwrap();
    assert_eq!(pair.receiver(&keys).err().unwrap().0, FaultKind::Busy);
    let lock = fs::File::create(pair.index.with_file_name("index.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let order = pair.send_order(&keys, port, PassKind::Live);
    assert_eq!(failure(Mover::start("send", &order, None).end()).0, FaultKind::Busy);
    drop((lock, receiver));
    pair.last().unwrap();
}

#[test]
fn nobody_there_is_said_on_both_sides() {
    let pair = Pair::new();
    let keys = Keys::new();
    let order = pair.send_order(&keys, 1, PassKind::Live);
    assert_eq!(failure(Mover::start("send", &order, None).end()).0, FaultKind::Connection);
    let mut order = pair.receive_order(&keys);
    order.wait_seconds = 1;
    let (kind, message) = failure(Mover::start("receive", &order, None).end());
    assert_eq!(kind, FaultKind::Connection);
    assert!(message.contains("within 1 s"), "{message}");
}

#[test]
fn a_manifest_counts_and_its_digest_is_that_of_the_copy() {
    let pair = Pair::new();
    let mut tree = Tree::new(&pair.source);
    tree.grow(&mut Dice::new(11), 40);
    std::os::unix::fs::symlink("/wal", pair.source.join("pg_wal")).unwrap();
    pair.last().unwrap();
    let manifest = |root: &std::path::Path| {
        let order = ManifestOrder { version: VERSION.to_owned(), root: root.to_owned(), digest: true };
        match Mover::start("manifest", &order, None).end() {
            Some(Event::Manifest { contents, digest }) => (contents, digest.unwrap()),
            other => panic!("{other:?}"),
        }
    };
    let (source, digest) = manifest(&pair.source);
    let (target, copied) = manifest(&pair.target);
    assert_eq!(digest, copied);
    assert_eq!((source.files, source.symlinks, source.bytes), (target.files, target.symlinks, target.bytes));
    assert_eq!((source.owners.clone(), target.sockets), (target.owners, 0));
    assert!(source.leaving >= 1 && source.leaving_examples.contains(&"pg_wal -> /wal".to_owned()), "{source:?}");
    fs::write(pair.target.join("one more"), b"").unwrap();
    assert_ne!(manifest(&pair.target).1, digest);
}

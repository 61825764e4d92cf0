//! Two volumes and the two movers between them, driven as the plugin does it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use kubectl_stateful::mover::event::{Event, FaultKind, Outcome};
use kubectl_stateful::mover::key::OneTime;
use kubectl_stateful::mover::order::{Extent, PassKind, ReceiveOrder, SendOrder, VERSION};
use tempfile::TempDir;

/// Another user, who may not be let in to where the mover was built and so has one elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) program: PathBuf,
}

/// How a mover ended.
pub(crate) type Ended<T> = Result<T, (FaultKind, String)>;

/// A source, a target, and a place for the index.
pub(crate) struct Pair {
    _place: TempDir,
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) index: PathBuf,
    /// The user that both movers run as, if not as the one of this test.
    pub(crate) user: Option<User>,
    pub(crate) bytes_per_second: Option<u64>,
}

/// A mover that runs.
pub(crate) struct Mover {
    pub(crate) child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

/// Keys for one session.
pub(crate) struct Keys {
    pub(crate) sender: OneTime,
    pub(crate) receiver: OneTime,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { sender: OneTime::generate().unwrap(), receiver: OneTime::generate().unwrap() }
    }
}

impl Mover {
    pub(crate) fn start(word: &str, order: &impl serde::Serialize, user: Option<&User>) -> Self {
        let mut command = match user {
            Some(user) => Command::new(&user.program),
            None => Command::new(env!("CARGO_BIN_EXE_kubectl-stateful-mover")),
        };
        if let Some(user) = user {
            command.uid(user.id).gid(user.id);
        }
        let mut child = command.arg(word).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = serde_json::to_vec(order).unwrap();
        line.push(b'\n');
        // It may have refused the order by its words alone.
        let _ = child.stdin.take().unwrap().write_all(&line);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Waits for the end; a mover that was killed has none.
    pub(crate) fn end(mut self) -> Option<Event> {
        let mut last = None;
        while let Some(event) = self.next() {
            last = Some(event);
        }
        let status = self.child.wait().unwrap();
        assert!(
            status.success() == !matches!(last, Some(Event::Failed { .. })) || status.code().is_none(),
            "{status}: {last:?}"
        );
        last
    }

    /// Ends it as the kernel would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn outcome(event: Option<Event>) -> Ended<Outcome> {
    match event {
        Some(Event::Done(outcome)) => Ok(outcome),
        Some(Event::Failed { kind, message }) => Err((kind, message)),
        other => panic!("the mover ended with {other:?}"),
    }
}

impl Pair {
    pub(crate) fn new() -> Self {
        let place = TempDir::new().unwrap();
        let [source, target, index] = ["source", "target", "index"].map(|name| place.path().join(name));
        for volume in [&source, &target] {
            std::fs::create_dir(volume).unwrap();
        }
        Self { _place: place, source, target, index, user: None, bytes_per_second: None }
    }

    pub(crate) fn receive_order(&self, keys: &Keys) -> ReceiveOrder {
        ReceiveOrder {
            version: VERSION.to_owned(),
            root: self.target.clone(),
            key: keys.receiver.private.clone(),
            peer: keys.sender.public,
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            wait_seconds: 20,
        }
    }

    pub(crate) fn send_order(&self, keys: &Keys, port: u16, pass: PassKind) -> SendOrder {
        SendOrder {
            version: VERSION.to_owned(),
            root: self.source.clone(),
            key: keys.sender.private.clone(),
            peer: keys.receiver.public,
            connect: SocketAddr::from(([127, 0, 0, 1], port)),
            index: self.index.clone(),
            pass,
            verify: Extent::Unverified,
            streams: 3,
            bytes_per_second: self.bytes_per_second,
        }
    }

    /// Starts a receiver and gives its port.
    pub(crate) fn receiver(&self, keys: &Keys) -> Ended<(Mover, u16)> {
        let mut receiver = Mover::start("receive", &self.receive_order(keys), self.user.as_ref());
        match receiver.next() {
            Some(Event::Listening { port, version }) => {
                assert_eq!(version, VERSION);
                Ok((receiver, port))
            }
            Some(Event::Failed { kind, message }) => Err((kind, message)),
            other => panic!("{other:?}"),
        }
    }

    /// Starts both.
    pub(crate) fn start(&self, word: &str, pass: PassKind, extent: Extent) -> (Mover, Mover) {
        let keys = Keys::new();
        let (receiver, port) = self.receiver(&keys).unwrap();
        let order = SendOrder { verify: extent, ..self.send_order(&keys, port, pass) };
        (receiver, Mover::start(word, &order, self.user.as_ref()))
    }

    fn session(&self, word: &str, pass: PassKind, extent: Extent) -> Ended<Outcome> {
        let (receiver, sender) = self.start(word, pass, extent);
        let sent = outcome(sender.end());
        // A sender that fails may never have called: its receiver would wait, and ends with this.
        if sent.is_ok() {
            let other = receiver.end();
            assert!(matches!(other, Some(Event::Received { .. })), "{other:?}");
        }
        sent
    }

    pub(crate) fn live(&self) -> Ended<Outcome> {
        self.session("send", PassKind::Live, Extent::Unverified)
    }

    pub(crate) fn last(&self) -> Ended<Outcome> {
        self.session("send", PassKind::Final, Extent::Unverified)
    }

    pub(crate) fn verify(&self, extent: Extent) -> Ended<Outcome> {
        self.session("verify", PassKind::Live, extent)
    }
}

//! Driving the two movers: sending them, starting one session after the other, and deciding when little enough is left.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Way;
use super::pods::{Side, VOLUMES, WORK};
use crate::analyze::bytes;
use crate::cluster::{Address, Cluster, ClusterError};
use crate::model::{Answer, PodName, Probe};
use crate::mover::event::{Event, FaultKind, Outcome};
use crate::mover::key::OneTime;
use crate::mover::order::{Extent, PassKind, ReceiveOrder, STREAMS, SendOrder, VERSION};
use crate::plan::{Measure, Relocated};

/// How long sending the mover's program may take.
const SEND_LIMIT: Duration = Duration::from_secs(120);

/// How long a receiver waits for its sender, in seconds.
const SENDER_SECONDS: u32 = 30;

/// How long the other mover may take to give its own reason when one has failed.
const REASON_LIMIT: Duration = Duration::from_secs(5);

/// What a move takes besides the last pass: stopping, exchanging claims, starting.
const BESIDES: Duration = Duration::from_secs(10);

/// A pass that takes more than this part of the one before did not shrink.
const SHRINKS: f64 = 0.9;

/// Why a copy ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotCopied {
    /// It will not come to work by trying again.
    Refused(String),
    /// It may: somebody was away.
    Unsettled(String),
}

impl From<ClusterError> for NotCopied {
    fn from(error: ClusterError) -> Self {
        if error.is_unsettled() { Self::Unsettled(error.to_string()) } else { Self::Refused(error.to_string()) }
    }
}

/// A copy on its way.
pub(crate) struct Copying<'a> {
    /// The cluster.
    pub(crate) cluster: &'a Cluster,
    /// Who goes where.
    pub(crate) way: Way<'a>,
    /// The mover for the source and the one for the target.
    pub(crate) programs: [Vec<u8>; 2],
    /// Told what is being done, and how much of it is left.
    pub(crate) say: &'a dyn Fn(String, Option<Measure>),
}

impl Copying<'_> {
    /// Copies while the member runs, until what is left fits into the time for which it may be down.
    ///
    /// # Errors
    /// When it cannot be copied, or changes faster than it is copied.
    pub(crate) async fn live(&self) -> Result<(), NotCopied> {
        self.send_movers().await?;
        let longest = Duration::from_secs(self.way.of.max_downtime_seconds);
        let mut took: Vec<Duration> = Vec::new();
        loop {
            let began = Instant::now();
            let pass = took.len() + 1;
            for one in &self.way.of.claims {
                self.session(one, "send", PassKind::Live, Extent::Unverified, &format!("pass {pass}")).await?;
            }
            took.push(began.elapsed());
            for one in &self.way.of.claims {
                match self.session(one, "verify", PassKind::Live, Extent::Unverified, "reading back").await {
                    // What differs is sent again by the next pass.
                    Ok(_) | Err(Failed::Mover(FaultKind::Mismatch, _)) => {}
                    Err(failed) => return Err(failed.into()),
                }
            }
            let Some(last) = took.last().filter(|_| pass > 1) else { continue };
            let predicted = *last * 2 + BESIDES;
            if predicted <= longest {
                return Ok(());
            }
            if let [.., first, second, third] = took.as_slice()
                && third.as_secs_f64() > first.as_secs_f64() * SHRINKS
                && second.as_secs_f64() > first.as_secs_f64() * SHRINKS
            {
                return Err(NotCopied::Refused(format!(
                    "the volume changes as fast as it is copied: a pass takes {} s, and {} would be down for some {} s, \
                     which is more than {} s (--max-downtime); it runs, nothing was interrupted",
                    third.as_secs(),
                    self.way.of.member,
                    predicted.as_secs(),
                    longest.as_secs()
                )));
            }
        }
    }

    /// Copies what changed since, now that nobody writes any more, and compares both sides.
    ///
    /// # Errors
    /// When it cannot be copied, somebody writes still, or it takes too long.
    pub(crate) async fn rest(&self) -> Result<(), NotCopied> {
        self.send_movers().await?;
        let longest = Duration::from_secs(self.way.of.max_downtime_seconds);
        let work = async {
            for one in &self.way.of.claims {
                self.session(one, "send", PassKind::Final, Extent::Unverified, "last pass").await?;
                if self.way.of.verify_all {
                    self.session(one, "verify", PassKind::Final, Extent::Full, "reading everything back").await?;
                }
            }
            Ok::<(), Failed>(())
        };
        match tokio::time::timeout(longest, work).await {
            Ok(done) => done.map_err(Into::into),
            Err(_) => Err(NotCopied::Refused(format!(
                "copying what changed takes longer than {} s (--max-downtime)",
                longest.as_secs()
            ))),
        }
    }

    async fn send_movers(&self) -> Result<(), NotCopied> {
        for (side, program) in [Side::Reader, Side::Writer].into_iter().zip(&self.programs) {
            let (pod, file) = (PodName(side.pod(self.way.of)), mover(program));
            let there = format!("test -x {file}");
            let namespace = &self.way.subject.namespace;
            if let Answer::Ended { exit_code: 0, .. } =
                self.cluster.ask(namespace, &pod, &self.shell(&there), SEND_LIMIT).await
            {
                continue;
            }
            (self.say)(format!("the mover is sent to {pod}"), None);
            let take = format!("cat >{file}.new && chmod 755 {file}.new && mv {file}.new {file}");
            match self.cluster.tell(namespace, &pod, &self.shell(&take), program, SEND_LIMIT).await {
                Answer::Ended { exit_code: 0, .. } => {}
                Answer::Ended { exit_code, stderr, .. } => {
                    let why = stderr.lines().next().unwrap_or("no word why").to_owned();
                    return Err(NotCopied::Refused(format!(
                        "the mover cannot be sent to {pod} ({exit_code}: {why}): its image needs `sh`, `cat`, `chmod` and \
                         `mv`, or give another one (--helper-image)"
                    )));
                }
                Answer::Failed(why) => {
                    return Err(NotCopied::Unsettled(format!("the mover cannot be sent to {pod}: {why}")));
                }
            }
        }
        Ok(())
    }

    fn shell(&self, script: &str) -> Probe {
        self.command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    fn command(&self, argv: Vec<String>) -> Probe {
        Probe { id: "mover", container: self.way.of.container.clone(), argv }
    }

    /// Lets the two movers work on one volume, once.
    async fn session(
        &self,
        one: &Relocated,
        work: &str,
        pass: PassKind,
        verify: Extent,
        words: &str,
    ) -> Result<Outcome, Failed> {
        let [reader, writer] = &self.programs;
        let keys = || OneTime::generate().map_err(|error| Failed::Lost(error.to_string()));
        let (own, other) = (keys()?, keys()?);
        let root = PathBuf::from(format!("{VOLUMES}/{}", one.template));
        let address = self.address_of_writer().await?;
        let receive = ReceiveOrder {
            version: VERSION.to_owned(),
            root: root.clone(),
            key: other.private,
            peer: own.public,
            listen: None,
            wait_seconds: SENDER_SECONDS,
        };
        let (tell_port, port) = oneshot::channel();
        let mut tell_port = Some(tell_port);
        let receiving = self.run(Side::Writer, writer, "receive", &receive, |event| {
            if let (Event::Listening { port, .. }, Some(tell)) = (event, tell_port.take()) {
                // Nobody listens any more when the sender was given up.
                let _ = tell.send(*port);
            }
        });
        let sending = async {
            let port = port.await.map_err(|_| Failed::Lost("the mover that writes did not start".to_owned()))?;
            let send = SendOrder {
                version: VERSION.to_owned(),
                root,
                key: own.private,
                peer: other.public,
                connect: SocketAddr::new(address, port),
                index: PathBuf::from(format!("{WORK}/{}.index", one.template)),
                pass,
                verify,
                streams: STREAMS,
                bytes_per_second: self.way.of.bytes_per_second,
            };
            let mut outcome = None;
            self.run(Side::Reader, reader, work, &send, |event| match event {
                Event::Progress { bytes: done, bytes_total, bytes_per_second, .. } => {
                    let rate = bytes(*bytes_per_second);
                    let text =
                        format!("{words}: {} of {} of {}, {rate}/s", bytes(*done), bytes(*bytes_total), one.claim.name);
                    let left = bytes_total.saturating_sub(*done);
                    (self.say)(text, Some(Measure { left, whole: Some(*bytes_total) }));
                }
                Event::Done(done) => outcome = Some(done.clone()),
                Event::Listening { .. }
                | Event::Scanned { .. }
                | Event::Received { .. }
                | Event::Manifest { .. }
                | Event::Failed { .. } => {}
            })
            .await?;
            outcome.ok_or_else(|| Failed::Lost("the mover that reads ended without a word".to_owned()))
        };
        (self.say)(format!("{words}: {} is listed", one.claim.name), None);
        tokio::pin!(receiving, sending);
        tokio::select! {
            sent = &mut sending => {
                let outcome = sent?;
                receiving.await?;
                Ok(outcome)
            }
            received = &mut receiving => match (received, tokio::time::timeout(REASON_LIMIT, sending).await) {
                (Ok(()), Ok(outcome)) | (Err(_), Ok(outcome @ Err(_))) => outcome,
                (Err(failed), _) => Err(failed),
                (Ok(()), Err(_)) => Err(Failed::Lost("the mover that reads does not end".to_owned())),
            },
        }
    }

    async fn address_of_writer(&self) -> Result<IpAddr, Failed> {
        let name = Side::Writer.pod(self.way.of);
        let address = Address::new("/api/v1", &self.way.subject.namespace, "pods", Some(&name));
        let pod = self.cluster.read_object(&address).await.map_err(Failed::Cluster)?;
        let ip = pod.pointer("/status/podIP").and_then(Value::as_str).and_then(|ip| ip.parse().ok());
        ip.ok_or_else(|| Failed::Lost(format!("{name} has no address")))
    }

    /// Runs one mover to its end.
    async fn run(
        &self,
        side: Side,
        program: &[u8],
        work: &str,
        order: &impl Serialize,
        mut heard: impl FnMut(&Event),
    ) -> Result<(), Failed> {
        let pod = PodName(side.pod(self.way.of));
        let order = serde_json::to_string(order).map_err(|error| Failed::Lost(error.to_string()))? + "\n";
        let probe = self.command(vec![mover(program), work.to_owned()]);
        let (mut failed, mut strange) = (None, None);
        let ended = self
            .cluster
            .converse(&self.way.subject.namespace, &pod, &probe, order.as_bytes(), |line| {
                match serde_json::from_str(line) {
                    Ok(Event::Failed { kind, message }) => failed = Some(Failed::Mover(kind, message)),
                    Ok(event) => heard(&event),
                    Err(_) => strange = Some(line.to_owned()),
                }
            })
            .await;
        match (ended, failed, strange) {
            (_, Some(failed), _) => Err(failed),
            (Ok(0), None, None) => Ok(()),
            (Ok(_), None, Some(line)) => Err(Failed::Lost(format!("the mover in {pod} says \"{line}\""))),
            (Ok(code), None, None) => Err(Failed::Lost(format!("the mover in {pod} ended with {code}"))),
            (Err(why), None, _) => Err(Failed::Lost(format!("the mover in {pod}: {why}"))),
        }
    }
}

/// Names the file of a mover in a pod: another version is another file.
fn mover(program: &[u8]) -> String {
    format!("{WORK}/mover-{VERSION}-{}", program.len())
}

/// Why a session ended badly.
enum Failed {
    /// A mover says so.
    Mover(FaultKind, String),
    /// The cluster does.
    Cluster(ClusterError),
    /// Nobody does.
    Lost(String),
}

impl From<Failed> for NotCopied {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Cluster(error) => error.into(),
            Failed::Lost(why) => Self::Unsettled(why),
            Failed::Mover(FaultKind::Changing, why) => {
                Self::Refused(format!("somebody writes to the volume although the pod has ended: {why}"))
            }
            Failed::Mover(FaultKind::Busy | FaultKind::Connection | FaultKind::Protocol | FaultKind::Io, why) => {
                Self::Unsettled(why)
            }
            Failed::Mover(
                FaultKind::Order
                | FaultKind::Version
                | FaultKind::NoRoom
                | FaultKind::Permission
                | FaultKind::Unsupported
                | FaultKind::Mismatch,
                why,
            ) => Self::Refused(why),
        }
    }
}

//! Running one command in a container, bounded in time and size.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::oneshot;

use super::{Cluster, ClusterError, Traffic};
use crate::model::{Answer, Namespace, PodName, Probe};

/// The most that an answer may hold; an engine with more members or slots than that is not understood, not cut.
const ANSWER_LIMIT: u64 = 4 * 1024 * 1024;

impl Cluster {
    /// Runs a probe in a pod and waits for its end, but not longer than `limit`.
    pub(crate) async fn ask(&self, namespace: &Namespace, pod: &PodName, probe: &Probe, limit: Duration) -> Answer {
        let before = self.traffic.get();
        self.traffic.set(Traffic { requests: before.requests + 1, ..before });
        let _asked = self.asked.question(pod.to_string());
        let run = async { self.open(namespace, pod, probe, false).await?.end(None).await };
        within(limit, run).await
    }

    /// Runs a command in a pod that reads this, and waits for its end, but not longer than `limit`.
    pub(crate) async fn tell(
        &self,
        namespace: &Namespace,
        pod: &PodName,
        probe: &Probe,
        text: &[u8],
        limit: Duration,
    ) -> Answer {
        let run = async { self.open(namespace, pod, probe, true).await?.end(Some(text)).await };
        within(limit, run).await
    }

    /// Runs a command in a pod that reads this, hears each line as it prints it, and gives its exit code. It may take as long as
    /// it wants: whoever calls gives up by forgetting it.
    ///
    /// # Errors
    /// When it could not be started, or when it is not known how it ended.
    pub(crate) async fn converse(
        &self,
        namespace: &Namespace,
        pod: &PodName,
        probe: &Probe,
        text: &[u8],
        heard: impl FnMut(&str),
    ) -> Result<i32, String> {
        self.open(namespace, pod, probe, true).await?.lines(text, heard).await
    }

    /// Runs a command in a pod, and another one in another pod, which is told to act by a line that it reads: as soon as
    /// the first one says on its standard error that it waits, and `first` has been done then. Waits for the end of both.
    pub(crate) async fn hand_over(
        &self,
        namespace: &Namespace,
        (waiting, waits): (&PodName, &Probe),
        (acting, acts): (&PodName, &Probe),
        first: impl Future<Output = bool>,
        limit: Duration,
    ) -> (Answer, Answer) {
        let (says, said) = oneshot::channel();
        let wait = async { self.open(namespace, waiting, waits, false).await?.end_saying(None, Some(says)).await };
        let act = async {
            let act = self.open(namespace, acting, acts, true).await?;
            said.await.map_err(|_| "not told: nobody waits for it".to_owned())?;
            if first.await {
                act.end(Some(b"act\n")).await
            } else {
                Err("not told: what comes first was not done".to_owned())
            }
        };
        tokio::join!(within(limit, wait), within(limit, act))
    }

    /// Starts a command in a pod.
    async fn open(&self, namespace: &Namespace, pod: &PodName, probe: &Probe, reads: bool) -> Result<Open, String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace.as_str());
        let params = AttachParams::default().container(probe.container.as_str()).stdin(reads).stdout(true).stderr(true);
        let process =
            pods.exec(pod.as_str(), &probe.argv, &params).await.map_err(|error| explain(&error, &self.server))?;
        Ok(Open(process))
    }
}

/// A command that has been started.
struct Open(AttachedProcess);

impl Open {
    /// Waits for its end. `text` is what it reads.
    async fn end(self, text: Option<&[u8]>) -> Result<Answer, String> {
        self.end_saying(text, None).await
    }

    /// Hears its lines until its end, and gives its exit code.
    async fn lines(self, text: &[u8], mut heard: impl FnMut(&str)) -> Result<i32, String> {
        let Self(mut process) = self;
        let status = process.take_status();
        if let Some(mut stdin) = process.stdin() {
            write(&mut stdin, text).await?;
        }
        let (stdout, stderr) = (process.stdout(), process.stderr());
        let hear = async {
            let Some(stdout) = stdout else { return Ok(()) };
            let mut lines = BufReader::new(stdout).lines();
            while let Some(line) = lines.next_line().await.map_err(|error| format!("the answer broke off: {error}"))? {
                heard(&line);
            }
            Ok::<(), String>(())
        };
        let (heard, complaint) = tokio::join!(hear, read(stderr, None));
        heard?;
        complaint?;
        exit_code(status).await
    }

    /// Waits for its end, and tells when it says its first words on its standard error.
    async fn end_saying(self, text: Option<&[u8]>, says: Option<oneshot::Sender<()>>) -> Result<Answer, String> {
        let Self(mut process) = self;
        let status = process.take_status();
        if let (Some(text), Some(mut stdin)) = (text, process.stdin()) {
            write(&mut stdin, text).await?;
        }
        // Both are read at the same time and before the status: their buffers are tiny, and a full one stops the other.
        let (stdout, stderr) = tokio::join!(read(process.stdout(), None), read(process.stderr(), says));
        let exit_code = exit_code(status).await?;
        Ok(Answer::Ended { exit_code, stdout: stdout?, stderr: stderr? })
    }
}

async fn write(stdin: &mut (impl AsyncWrite + Unpin), text: &[u8]) -> Result<(), String> {
    stdin.write_all(text).await.map_err(|error| format!("it does not read: {error}"))?;
    stdin.shutdown().await.map_err(|error| format!("it does not read: {error}"))
}

async fn within(limit: Duration, run: impl Future<Output = Result<Answer, String>>) -> Answer {
    match tokio::time::timeout(limit, run).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => Answer::Failed(why),
        Err(_) => Answer::Failed(format!("no answer within {limit:?}")),
    }
}

/// Reads to the end. `says` is told when the first bytes are there, and dropped when there are none.
async fn read(stream: Option<impl AsyncRead + Unpin>, says: Option<oneshot::Sender<()>>) -> Result<String, String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let mut limited = stream.take(ANSWER_LIMIT + 1);
        if let Some(says) = says {
            let first = limited.read_buf(&mut bytes).await.map_err(|error| format!("the answer broke off: {error}"))?;
            if first > 0 {
                // Nobody listens any more when the other command was given up.
                let _ = says.send(());
            }
        }
        limited.read_to_end(&mut bytes).await.map_err(|error| format!("the answer broke off: {error}"))?;
    }
    if bytes.len() as u64 > ANSWER_LIMIT {
        return Err(format!("the answer is longer than {} MiB", ANSWER_LIMIT >> 20));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads the exit code. No status means that the connection dropped: how the command ended is not known.
async fn exit_code(status: Option<impl Future<Output = Option<Status>>>) -> Result<i32, String> {
    let status = match status {
        Some(status) => status.await,
        None => None,
    };
    let status = status.ok_or("the connection dropped before the command ended")?;
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code = causes
        .filter(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .find_map(|cause| cause.message.as_deref()?.parse().ok());
    code.ok_or_else(|| status.message.clone().unwrap_or_else(|| "the command could not be started".to_owned()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the client's errors are many, and more are to come")]
fn explain(error: &kube::Error, server: &str) -> String {
    use http::StatusCode;
    use kube::client::UpgradeConnectionError;
    match error {
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(StatusCode::FORBIDDEN)) => {
            "forbidden: create pods/exec".to_owned()
        }
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) => {
            format!("the server answered {} to exec", code.as_u16())
        }
        kube::Error::Api(status) if status.code == 403 => "forbidden: create pods/exec".to_owned(),
        kube::Error::Api(status) => ClusterError::kubelet_away(&status.message, "its node").map_or_else(
            || format!("the server answered {}: {}", status.code, status.message),
            |error| error.to_string(),
        ),
        other => ClusterError::from_client(other, server).to_string(),
    }
}

//! The way to a cluster: connecting, listing, running commands in containers. The only place that knows the client.
#![expect(clippy::disallowed_types, reason = "this is the place that wraps the client")]

mod asked;
mod connect;
mod error;
mod exec;
mod helper;
mod kubeconfig;
mod list;
mod proxy;
mod readdress;
mod relocate;
mod usage;
mod write;

use std::cell::Cell;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;

pub use connect::{ConnectArgs, Questions, parse_duration};
pub use error::ClusterError;
pub(crate) use helper::Helper;
pub use kubeconfig::Entry;
pub(crate) use list::Filter;
pub use list::Scope;
pub(crate) use relocate::{Copying, NotCopied, Wait, Way};
pub(crate) use write::Address;
pub use write::Trial;

use crate::wire;

/// What the API server may answer in, best first.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf, application/json;q=0.5";

/// For servers that know no protobuf, and for objects that are kept as they are.
const JSON: &str = "application/json";

/// For names alone: neither specification nor status is sent.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io, application/json;q=0.5";

/// Pauses before a read is tried again; a read that fails this often is reported.
const RETRY_PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// A cluster that can be read.
pub struct Cluster {
    client: Client,
    server: String,
    namespace: String,
    timeout: Option<Duration>,
    traffic: Cell<Traffic>,
    asked: asked::Asked,
}

/// What was asked of the API server so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent.
    pub requests: u32,
    /// Bytes of answers, after decompression.
    pub bytes: u64,
}

impl Cluster {
    /// Connects as the flags and the kubeconfig say.
    ///
    /// # Errors
    /// When they lead to no cluster or no credentials; the server itself is not asked yet.
    pub async fn connect(args: &ConnectArgs) -> Result<Self, ClusterError> {
        let connection = connect::connect(args).await?;
        Ok(Self {
            client: connection.client,
            server: connection.server,
            namespace: connection.namespace,
            timeout: (!args.request_timeout.is_zero()).then_some(args.request_timeout),
            traffic: Cell::default(),
            asked: asked::Asked::default(),
        })
    }

    /// Wraps a client that somebody else made, for tests on the wire.
    #[must_use]
    pub fn over(client: Client, namespace: &str, timeout: Duration) -> Self {
        Self {
            client,
            server: "test".to_owned(),
            namespace: namespace.to_owned(),
            timeout: Some(timeout),
            traffic: Cell::default(),
            asked: asked::Asked::default(),
        }
    }

    /// Names the namespace of the kubeconfig's context.
    #[must_use]
    pub fn default_namespace(&self) -> &str {
        &self.namespace
    }

    /// Gives the API server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Says that an answer is not what an API server sends.
    fn foreign(&self, action: &str, why: impl std::fmt::Display) -> ClusterError {
        ClusterError::Malformed(format!("the server at {} gave no usable answer to {action}: {why}", self.server))
    }

    /// Counts what was asked so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic.get()
    }

    /// Reads a path, again after a moment when the server is only busy.
    async fn get(&self, path: &str, accept: &'static str, action: &str) -> Result<Bytes, ClusterError> {
        for pause in RETRY_PAUSES {
            match self.get_once(path, accept, action).await {
                Err(error) if error.is_passing() => tokio::time::sleep(pause).await,
                done => return done,
            }
        }
        self.get_once(path, accept, action).await
    }

    async fn get_once(&self, path: &str, accept: &'static str, action: &str) -> Result<Bytes, ClusterError> {
        let mut request = Request::get(path)
            .body(Body::empty())
            .map_err(|error| ClusterError::Malformed(format!("{action}: no such path: {error}")))?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
        self.send(request, action).await
    }

    /// Sends one request, within the limit, and counts it.
    async fn send(&self, request: Request<Body>, action: &str) -> Result<Bytes, ClusterError> {
        let _asked = self.asked.question(format!("the server at {}", self.server));
        let answer = async {
            let response =
                self.client.send(request).await.map_err(|error| ClusterError::from_client(&error, &self.server))?;
            let code = response.status();
            let body = response.into_body().collect().await.map_err(|error| ClusterError::Unreachable {
                server: self.server.clone(),
                why: format!("the answer broke off: {}", error::innermost(&error)),
            })?;
            Ok((code, body.to_bytes()))
        };
        let (code, body) = self.within(answer).await?;
        let before = self.traffic.get();
        self.traffic.set(Traffic { requests: before.requests + 1, bytes: before.bytes + body.len() as u64 });
        if code.is_success() {
            return Ok(body);
        }
        Err(ClusterError::from_answer(code, wire::read_status(&body), action, &self.server))
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, ClusterError>>) -> Result<T, ClusterError> {
        match self.timeout {
            None => answer.await,
            Some(limit) => tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
                Err(ClusterError::TimedOut(format!("{limit:?} from {} (--request-timeout)", self.server)))
            }),
        }
    }
}

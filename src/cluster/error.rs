//! What can go wrong between this program and a cluster, in our own words.

use http::StatusCode;

use crate::wire::Status;

/// Says why the cluster could not be read.
///
/// Foreign errors never get through: they print twice, print secrets, or speak of Rust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig does not lead to a cluster.
    #[error("{0}")]
    Config(String),
    /// The kubeconfig, or a file that it names, cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// No credentials could be got: a plugin is missing or failed, a token file is unreadable.
    #[error("{0}")]
    Credentials(String),
    /// The server does not know who we are.
    #[error("the server at {server} does not accept these credentials (401 Unauthorized)")]
    Unauthorized {
        /// The API server's address.
        server: String,
    },
    /// The server knows who we are and does not let us.
    #[error("forbidden: {action}")]
    Forbidden {
        /// Verb and resource: "list nodes".
        action: String,
    },
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The server does not know this kind of object: it is old, or no API server at all.
    #[error("the server at {server} does not know how to {action} (404)")]
    NotServed {
        /// The API server's address.
        server: String,
        /// Verb and resource: "list nodes".
        action: String,
    },
    /// The server could not be reached.
    #[error("the server at {server} cannot be reached: {why}")]
    Unreachable {
        /// The API server's address.
        server: String,
        /// What happened.
        why: String,
    },
    /// The server did not answer in time.
    #[error("no answer within {0}")]
    TimedOut(String),
    /// Somebody else changed it in between.
    #[error("{0}")]
    Conflict(String),
    /// The place in a paged list is no longer kept.
    #[error("the list changed too much while it was read")]
    Expired,
    /// The server answered with an error of its own.
    #[error("the server at {server} answered {code} to {action}: {message}")]
    Server {
        /// The API server's address.
        server: String,
        /// Verb and resource: "list nodes".
        action: String,
        /// The HTTP status.
        code: u16,
        /// What it says.
        message: String,
    },
    /// The API server does not get through to a node's kubelet.
    #[error("the kubelet of {node} cannot be reached: {why}")]
    KubeletAway {
        /// The node, as far as it is known: "node-3", "its node".
        node: String,
        /// What the API server says.
        why: String,
    },
    /// The server answered something that is not Kubernetes.
    #[error("{0}")]
    Malformed(String),
}

impl ClusterError {
    /// Turns an answer that is not a success into an error; `action` is the verb and the resource.
    pub(super) fn from_answer(code: StatusCode, status: Option<Status>, action: &str, server: &str) -> Self {
        let message = status.map(|status| status.message).filter(|message| !message.is_empty());
        match code {
            StatusCode::UNAUTHORIZED => Self::Unauthorized { server: server.to_owned() },
            StatusCode::FORBIDDEN if !message.as_deref().is_some_and(is_of_admission) => {
                Self::Forbidden { action: action.to_owned() }
            }
            StatusCode::NOT_FOUND => {
                let unknown = || Self::NotServed { server: server.to_owned(), action: action.to_owned() };
                message.map_or_else(unknown, Self::NotFound)
            }
            code if code.is_redirection() => {
                Self::Malformed(format!("the server at {server} does not {action} but points elsewhere ({code})"))
            }
            StatusCode::GONE => Self::Expired,
            StatusCode::CONFLICT => Self::Conflict(message.unwrap_or_else(|| "somebody else changed it".to_owned())),
            _ => Self::Server {
                server: server.to_owned(),
                action: action.to_owned(),
                code: code.as_u16(),
                message: message.unwrap_or_else(|| code.canonical_reason().unwrap_or("an error").to_owned()),
            },
        }
    }

    /// Turns an error of the client into ours.
    pub(super) fn from_client(error: &kube::Error, server: &str) -> Self {
        if let kube::Error::Auth(error) = error {
            return Self::Credentials(describe_auth(error, "of the kubeconfig"));
        }
        Self::Unreachable { server: server.to_owned(), why: innermost(error) }
    }

    /// Tells whether the same request may succeed a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Server { code, .. } => matches!(code, 429 | 500 | 502 | 503 | 504),
            // The user said how long to wait; waiting three times as long is not what was asked for.
            Self::TimedOut(_)
            | Self::Config(_)
            | Self::Unreadable(_)
            | Self::Credentials(_)
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound(_)
            | Self::NotServed { .. }
            | Self::Expired
            | Self::Conflict(_)
            | Self::KubeletAway { .. }
            | Self::Malformed(_) => false,
        }
    }

    /// Tells whether a change may have landed, or may be sent again: the server was busy, or its answer was lost.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.is_passing() || matches!(self, Self::TimedOut(_) | Self::Malformed(_))
    }

    /// Reads in the API server's words whether it did not get through to a kubelet.
    pub(super) fn kubelet_away(message: &str, node: &str) -> Option<Self> {
        let begins = ["error dialing backend: ", "error trying to reach service: "];
        let (_, why) = begins.into_iter().find_map(|begin| message.split_once(begin))?;
        let why = why.strip_prefix("dial tcp ").unwrap_or(why).to_owned();
        Some(Self::KubeletAway { node: node.to_owned(), why })
    }
}

/// Tells a policy's no, which says what it wants, from a missing permission: `pods "x" is forbidden: exceeded quota: ...`.
fn is_of_admission(message: &str) -> bool {
    message.contains(" is forbidden: ") && !message.contains(" cannot ")
}

/// Says what went wrong with a credential plugin, without its command line, environment and standard output: any of
/// them may hold a secret.
#[expect(clippy::wildcard_enum_match_arm, reason = "the client's errors are many, and more are to come")]
pub(super) fn describe_auth(error: &kube::client::AuthError, plugin: &str) -> String {
    use kube::client::AuthError;
    match error {
        AuthError::AuthExecStart(error) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("the credential plugin `{plugin}` is not installed, or not on PATH")
        }
        AuthError::AuthExecStart(error) => format!("the credential plugin `{plugin}` could not be started: {error}"),
        AuthError::AuthExecRun { out, .. } => {
            let complaint = String::from_utf8_lossy(&out.stderr);
            let complaint = complaint.lines().map(str::trim).find(|line| !line.is_empty());
            let complaint = complaint.map_or(String::new(), |line| format!(": {line}"));
            format!("the credential plugin `{plugin}` failed ({}){complaint}", out.status)
        }
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
            format!("the credential plugin `{plugin}` printed something that is no credential")
        }
        other => innermost(other),
    }
}

/// Gives the last cause of an error: the outer ones repeat it or speak of layers that mean nothing to a user.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let unreadable = causes(error).find_map(unreadable);
    unreadable.or_else(|| causes(error).last().map(ToString::to_string)).unwrap_or_default()
}

/// Tells whether the cause is a file that the kubeconfig names.
pub(super) fn names_a_file(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).find_map(unreadable).is_some()
}

fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Says which file cannot be read: the last cause alone would only say that one does not exist.
#[expect(clippy::wildcard_enum_match_arm, reason = "the client's errors are many, and more are to come")]
fn unreadable(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    use kube::client::AuthError;
    use kube::config::LoadDataError;
    let of_kubeconfig = match error.downcast_ref() {
        Some(LoadDataError::ReadFile(why, path)) => Some((path, why)),
        Some(LoadDataError::DecodeBase64(_) | LoadDataError::NoBase64DataOrFile) | None => None,
    };
    let of_token = || match error.downcast_ref()? {
        AuthError::ReadTokenFile(why, path) => Some((path, why)),
        _ => None,
    };
    let (path, why) = of_kubeconfig.or_else(of_token)?;
    Some(format!("{} cannot be read: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_refuses_is_quoted_and_a_missing_permission_is_named() {
        let refused = |message: &str| {
            let status = Status { message: message.to_owned(), ..Status::default() };
            ClusterError::from_answer(StatusCode::FORBIDDEN, Some(status), "create pods", "https://cluster").to_string()
        };
        let quota = "pods \"x\" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=3, limited: cpu=4";
        assert!(refused(quota).contains("exceeded quota: small"), "{}", refused(quota));
        let user = "pods is forbidden: User \"eve\" cannot create resource \"pods\" in API group \"\" in the namespace \"shop\"";
        assert_eq!(refused(user), "forbidden: create pods");
    }
}

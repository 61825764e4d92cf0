//! How a run ends when it does not end well: the one place where errors become text and exit codes.

use std::process::ExitCode;

use crate::archive::ArchiveError;
use crate::cluster::ClusterError;

/// Says how a run ended; each kind has an exit code of its own, which scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Something unexpected: a defect of this program, or an answer that nobody understands.
    Unexpected,
    /// The command line is wrong, or names something that does not exist.
    Usage,
    /// A safety check refused it; nothing was changed.
    Refused,
    /// It stopped part-way and can be resumed.
    Stopped,
    /// Somebody else works on the workload.
    Held,
    /// The cluster or the file cannot be reached or read, or permission is missing; nothing was changed.
    Unreachable,
    /// `status --check` found something.
    Findings,
    /// The user or a signal ended it.
    Interrupted,
}

impl FailureKind {
    /// Every kind, for the documentation's test.
    pub const ALL: [Self; 8] = [
        Self::Unexpected,
        Self::Usage,
        Self::Refused,
        Self::Stopped,
        Self::Held,
        Self::Unreachable,
        Self::Findings,
        Self::Interrupted,
    ];

    /// Gives the exit code. 3 is left to "unchanged", as kubectl reserves it; 130 is 128 + SIGINT, as shells have it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Refused => 4,
            Self::Stopped => 5,
            Self::Held => 6,
            Self::Unreachable => 7,
            Self::Findings => 8,
            Self::Interrupted => 130,
        }
    }
}

/// A run that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How it ended.
    pub kind: FailureKind,
    /// What happened, as a lower-case fragment; empty when everything was said already.
    pub message: String,
    /// What to type or look at next.
    pub hints: Vec<String>,
}

impl Failure {
    /// Makes a failure without a hint.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    /// Makes a failure that says nothing more: only its exit code matters.
    #[must_use]
    pub fn silent(kind: FailureKind) -> Self {
        Self::new(kind, "")
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Gives the exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let message = error.to_string();
        match error {
            ClusterError::Config(_) | ClusterError::NotFound(_) => Self::new(FailureKind::Usage, message),
            ClusterError::Unreadable(_) => Self::new(FailureKind::Unreachable, message)
                .hint("`kubectl config view` reads the same file; name another with --kubeconfig"),
            ClusterError::Credentials(_) => Self::new(FailureKind::Unreachable, message)
                .hint("does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from"),
            ClusterError::Unauthorized { .. } => Self::new(FailureKind::Unreachable, message)
                .hint("credentials expire: log in again, then check with `kubectl auth whoami`"),
            ClusterError::Forbidden { .. } => Self::new(FailureKind::Unreachable, message)
                .hint("docs/rbac.md has the least Role for this command; check with `kubectl auth can-i --list`"),
            ClusterError::Unreachable { .. } | ClusterError::KubeletAway { .. } | ClusterError::TimedOut(_) => {
                Self::new(FailureKind::Unreachable, message)
                    .hint("is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell")
            }
            ClusterError::NotServed { .. } | ClusterError::Malformed(_) => Self::new(FailureKind::Unreachable, message)
                .hint("is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells"),
            ClusterError::Server { .. } => Self::new(FailureKind::Unreachable, message)
                .hint("the API server or what is behind it is in trouble: `kubectl get --raw '/readyz?verbose'` tells"),
            ClusterError::Conflict(_) => Self::new(FailureKind::Unreachable, message),
            ClusterError::Expired => {
                Self::new(FailureKind::Unreachable, message).hint("try again, or ask for less: -n")
            }
        }
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let message = error.to_string();
        match error {
            ArchiveError::Unreadable { .. } | ArchiveError::TooLarge { .. } => {
                Self::new(FailureKind::Unreachable, message)
            }
            ArchiveError::Malformed { .. } | ArchiveError::NothingInIt { .. } => {
                Self::new(FailureKind::Unreachable, message).hint(
                    "make one with `kubectl stateful snapshot -A > dump.json`, \
                     or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`",
                )
            }
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(FailureKind::Unexpected, format!("the result could not be written: {error}"))
    }
}

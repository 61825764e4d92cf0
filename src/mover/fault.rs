//! Why a mover stops: a word to decide by and a sentence to read. Whatever cannot be copied ends up here; nothing is skipped.

use std::fmt;

use rustix::io::Errno;

use super::event::FaultKind;

/// The end of a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Fault {
    /// The word to decide by.
    pub(super) kind: FaultKind,
    /// What happened, as a lower-case fragment.
    pub(super) message: String,
}

/// A path inside of a volume, as text: the volume's own is `.`, and what is not UTF-8 is marked.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str(".") } else { f.write_str(&String::from_utf8_lossy(self.0)) }
    }
}

impl Fault {
    /// Makes one.
    pub(super) fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The other side said what it may not say.
    pub(super) fn protocol(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Protocol, message)
    }

    /// A connection failed.
    pub(super) fn connection(what: &str, error: &std::io::Error) -> Self {
        Self::new(FaultKind::Connection, format!("{what}: {error}"))
    }

    /// A system call on something inside of the volume failed.
    pub(super) fn at(doing: &str, path: &[u8], errno: Errno) -> Self {
        Self::system(&format!("{doing} {}", Shown(path)), errno)
    }

    /// A system call failed.
    pub(super) fn system(doing: &str, errno: Errno) -> Self {
        let kind = match errno {
            Errno::NOSPC | Errno::DQUOT => FaultKind::NoRoom,
            Errno::ACCESS | Errno::PERM => FaultKind::Permission,
            Errno::OPNOTSUPP => FaultKind::Unsupported,
            _ => FaultKind::Io,
        };
        Self::new(kind, format!("cannot {doing}: {}", std::io::Error::from(errno)))
    }
}

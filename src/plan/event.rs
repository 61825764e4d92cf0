//! What an execution says while it goes on. The executor emits, a view words it.

use std::time::Duration;

use serde::Serialize;

/// Something that happened, or is waited for. Steps count from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "event")]
pub enum Event {
    /// A step begins; what it requires is looked at first.
    Begins {
        /// The step.
        step: usize,
    },
    /// A step waits.
    Waits {
        /// The step.
        step: usize,
        /// What for, and why it is not there yet.
        why: String,
        /// Since when, in whole seconds.
        #[serde(serialize_with = "seconds")]
        since: Duration,
        /// How long at most, in whole seconds.
        #[serde(serialize_with = "seconds")]
        limit: Duration,
        /// How much of it is done, where that can be measured.
        #[serde(skip_serializing_if = "Option::is_none")]
        progress: Option<Amount>,
    },
    /// A step is done.
    Done {
        /// The step.
        step: usize,
        /// How long it took, in milliseconds.
        #[serde(serialize_with = "milliseconds")]
        took: Duration,
    },
    /// Something failed that is tried again.
    TriesAgain {
        /// The step.
        step: usize,
        /// What failed.
        why: String,
    },
}

/// How much of something is done, in whatever unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// What is done.
    pub done: u64,
    /// What there was to do, as far as it was seen.
    pub total: u64,
}

fn seconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(span.as_secs())
}

fn milliseconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

//! A value that was measured, or the reason why it was not.

use serde::{Deserialize, Serialize};

/// Holds what was measured, or says why nothing was.
///
/// Nothing is assumed from silence: a missing number is never zero and a missing role never "replica".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Known<T> {
    /// The measured value.
    Value(T),
    /// Why there is none, as a lower-case fragment ("probe timed out after 5s").
    Unknown(String),
}

impl<T> Known<T> {
    /// Makes an unknown with its reason.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// Takes the value of an option, or the reason why there is none.
    pub fn or_unknown(value: Option<T>, why: &str) -> Self {
        value.map_or_else(|| Self::unknown(why), Self::Value)
    }

    /// Borrows the value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Borrows the reason why there is no value.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Value(_) => None,
            Self::Unknown(why) => Some(why),
        }
    }

    /// Changes the value and keeps the reason.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Value(value) => Known::Value(change(value)),
            Self::Unknown(why) => Known::Unknown(why),
        }
    }
}

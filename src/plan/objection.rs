//! A reason not to do something, with what was measured and what the limit is.

use serde::Serialize;

/// How much an objection weighs. At planning every one refuses; while a run waits, only the first ends the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// It stays so until somebody does something.
    No,
    /// What would be needed to say is not known; treated as no.
    Unknown,
    /// It may pass by itself.
    Passing,
}

/// A reason not to do something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Objection {
    /// Stable word for scripts.
    pub code: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// What was measured, as a fragment.
    pub measured: String,
    /// What it is measured against, as a fragment.
    pub limit: String,
    /// The way out, as a sentence or a command in backticks.
    pub way_out: Option<String>,
    /// The word behind `--allow` with which somebody takes the responsibility; `None` where nobody can.
    pub allow: Option<&'static str>,
}

impl Objection {
    /// Makes an objection that nobody can overrule.
    pub fn new(code: &'static str, weight: Weight, measured: impl Into<String>, limit: impl Into<String>) -> Self {
        Self { code, weight, measured: measured.into(), limit: limit.into(), way_out: None, allow: None }
    }

    /// Says the way out.
    #[must_use]
    pub fn way_out(mut self, words: impl Into<String>) -> Self {
        self.way_out = Some(words.into());
        self
    }

    /// Lets somebody overrule it with `--allow WORD`.
    #[must_use]
    pub fn allow(mut self, word: &'static str) -> Self {
        self.allow = Some(word);
        self
    }
}

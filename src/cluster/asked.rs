//! Who was asked and has not answered yet.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::Cluster;

/// An answer that takes less is none that is missing.
const SILENCE: Duration = Duration::from_secs(2);

/// Those who were asked and have not answered yet, in the order in which they were asked.
#[derive(Default)]
pub(super) struct Asked(RefCell<Vec<(Instant, String)>>);

/// One question, until its answer is there or nobody waits for it any more.
pub(super) struct Question<'a> {
    asked: &'a Asked,
    since: Instant,
    whom: String,
}

impl Asked {
    /// Takes down that somebody is asked.
    pub(super) fn question(&self, whom: String) -> Question<'_> {
        let since = Instant::now();
        self.0.borrow_mut().push((since, whom.clone()));
        Question { asked: self, since, whom }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut asked = self.asked.0.borrow_mut();
        if let Some(at) = asked.iter().position(|(since, whom)| *since == self.since && *whom == self.whom) {
            asked.remove(at);
        }
    }
}

impl Cluster {
    /// Says who has not answered for some time, as a fragment: whoever was asked first.
    pub(crate) fn silent(&self) -> Option<String> {
        let asked = self.asked.0.borrow();
        let (since, whom) = asked.first()?;
        (since.elapsed() >= SILENCE).then(|| format!("{whom} does not answer"))
    }
}

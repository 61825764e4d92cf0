//! Where journals are kept, who writes them, and how to go on with what is in them.

use super::Context;
use crate::cluster::{Cluster, ClusterError};
use crate::failure::{Failure, FailureKind};
use crate::journal::{Home, JournalError, Journals};
use crate::plan::Subject;
use crate::ui::Ui;

/// What somebody may do who may keep no journal in the cluster.
pub(super) const LOCAL_HINT: &str = "or keep the journal on this machine only: --journal local";

/// Where the journal is.
#[derive(Clone, Debug, clap::Args)]
pub struct LogArgs {
    /// Where the journal is kept: beside the set in the cluster, or on this machine only
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    journal: Where,
    /// Take the lock of a run over whose process has gone
    #[arg(long)]
    take_over: bool,
}

/// Where the journal is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Where {
    /// In the cluster, and on this machine
    #[default]
    Cluster,
    /// On this machine only
    Local,
}

impl LogArgs {
    /// Says where new journals are kept.
    pub(super) fn home(&self) -> Home {
        match self.journal {
            Where::Cluster => Home::Cluster,
            Where::Local => Home::Local,
        }
    }
}

impl Context {
    /// Opens the journals of a set.
    pub(super) async fn journals<'c>(&self, cluster: &'c Cluster, subject: Subject, log: &LogArgs) -> Journals<'c> {
        self.journals_as(who(cluster).await, cluster, subject, log)
    }

    /// Opens the journals of a set, for somebody whose name is known.
    pub(super) fn journals_as<'c>(
        &self,
        who: String,
        cluster: &'c Cluster,
        subject: Subject,
        log: &LogArgs,
    ) -> Journals<'c> {
        Journals { cluster, subject, home: log.home(), who, now: self.now, take_over: log.take_over }
    }
}

/// Names whoever is at work: `alice@laptop pid 4242`.
pub(super) async fn who(cluster: &Cluster) -> String {
    // A server that does not tell names (before 1.28) leaves the local one.
    let local = || ["USER", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    let user = cluster.user().await.unwrap_or_else(|_| local());
    format!("{user}@{} pid {}", machine(), std::process::id())
}

/// Names this machine, for people.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    name.or_else(|| std::env::var("COMPUTERNAME").ok()).unwrap_or_else(|| "this machine".to_owned())
}

/// Says that not every journal was seen, where that is so.
pub(super) fn warn_unseen(ui: &Ui, why: Option<&str>) {
    if let Some(why) = why {
        ui.warn(&format!("only the journals on this machine are looked at: {why}"));
    }
}

/// Says how a run goes on.
pub(super) fn resume_hint(subject: &Subject, home: Home) -> String {
    format!("continue with `kubectl stateful resume {}`", aim(subject, home))
}

/// Says how a run is taken back.
pub(super) fn undo_hint(subject: &Subject, home: Home) -> String {
    format!("take back with `kubectl stateful undo {}`", aim(subject, home))
}

fn aim(subject: &Subject, home: Home) -> String {
    let local = if home == Home::Local { " --journal local" } else { "" };
    format!("{} -n {}{local}", subject.name, subject.namespace)
}

/// Words why a journal cannot be had.
pub(super) fn held(error: &JournalError) -> Failure {
    match error {
        JournalError::Held { .. } | JournalError::Overtaken => Failure::new(FailureKind::Held, error.to_string())
            .hint("wait for it to end; --take-over breaks the lock of a process that has gone"),
        JournalError::Cluster(error @ ClusterError::Forbidden { .. }) => Failure::from(error.clone()).hint(LOCAL_HINT),
        JournalError::Cluster(error) => Failure::from(error.clone()),
        JournalError::Disk { .. } => {
            Failure::new(FailureKind::Unreachable, error.to_string()).hint("XDG_STATE_HOME names another directory")
        }
    }
}

//! The questions to nodetool, and their answers as text.

use crate::engine::answer;
use crate::model::{ContainerName, Pod, Probe, ProbeOutput};

/// Finds nodetool, port and credentials inside the container, and runs one command.
pub(super) const SCRIPT: &str = concat!(include_str!("../given.sh"), include_str!("ask.sh"));

/// The last line: without it the answer is not whole.
const END: &str = "end";

/// A command of nodetool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// The ring as the node sees it.
    Status,
    /// The node itself.
    Info,
    /// What it does, and what streams.
    Netstats,
    /// Schema versions and the replication of keyspaces.
    DescribeCluster,
    /// What it rewrites.
    CompactionStats,
}

impl Command {
    const ALL: [Self; 5] = [Self::Status, Self::Info, Self::Netstats, Self::DescribeCluster, Self::CompactionStats];

    /// Gives the word by which the answer is known.
    fn id(self) -> &'static str {
        match self {
            Self::Status => "cassandra-status",
            Self::Info => "cassandra-info",
            Self::Netstats => "cassandra-netstats",
            Self::DescribeCluster => "cassandra-describecluster",
            Self::CompactionStats => "cassandra-compactionstats",
        }
    }

    /// Gives the word that nodetool takes.
    fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Info => "info",
            Self::Netstats => "netstats",
            Self::DescribeCluster => "describecluster",
            Self::CompactionStats => "compactionstats",
        }
    }
}

/// Makes the questions.
pub(super) fn probes(container: &ContainerName) -> Vec<Probe> {
    let argv = |command: Command| ["sh", "-c", SCRIPT, "kubectl-stateful", command.word()];
    let probe = |command: Command| Probe {
        id: command.id(),
        container: container.clone(),
        argv: argv(command).map(str::to_owned).to_vec(),
    };
    Command::ALL.map(probe).to_vec()
}

/// Takes what a command printed in a pod, if it is whole.
pub(super) fn said<'a>(outputs: &[&'a ProbeOutput], pod: &Pod, command: Command) -> Result<&'a str, String> {
    let text = answer::printed(outputs, pod, command.id())?;
    if text.is_empty() {
        return Err("empty answer".to_owned());
    }
    let whole = text.trim_end_matches('\n').strip_suffix(END).filter(|text| text.is_empty() || text.ends_with('\n'));
    whole.filter(|_| text.ends_with('\n')).ok_or_else(|| "answer not understood: it has no end".to_owned())
}

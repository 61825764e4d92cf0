//! One file per subcommand: its arguments, and what it does with the layers below.

pub mod asking;
pub mod changing;
pub mod complete;
pub mod completion;
mod log;
pub mod migrate;
pub mod promote;
pub mod runs;
pub mod scale_down;
pub mod snapshot;
pub mod status;
mod subject;
pub mod target;

use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::cluster::ConnectArgs;
use crate::failure::Failure;
use crate::planner::ALLOWED;
use crate::ui::Ui;

/// What every command gets.
pub struct Context {
    /// How to reach the cluster.
    pub connect: ConnectArgs,
    /// Which namespaces were asked for.
    pub place: target::Place,
    /// The terminal.
    pub ui: Ui,
    /// Reads the clock: time enters here and nowhere else.
    pub now: fn() -> jiff::Timestamp,
}

/// Takes the words of the engines that there are.
fn engine_parser() -> PossibleValuesParser {
    PossibleValuesParser::new(crate::engine::ENGINES.iter().map(|engine| engine.name()))
}

/// Takes words behind `--allow`, those that speak of a command.
fn allowed_parser(here: &'static [&'static str]) -> PossibleValuesParser {
    let here = ALLOWED.iter().filter(|(word, _)| here.contains(word));
    PossibleValuesParser::new(here.map(|(word, help)| PossibleValue::new(*word).help(*help)))
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show every ordinal with its pod, claims, volumes, node, sessions, role and lag, and what is wrong
    Status(status::Args),
    /// Save everything that `status` reads, without secrets, to look at it elsewhere
    Snapshot(snapshot::Args),
    /// Make a set smaller, one ordinal at a time, drained first, nothing lost
    ScaleDown(scale_down::Args),
    /// Let another member become the primary, with nothing lost
    Promote(promote::Args),
    /// Move a member with its volumes to another node, down for seconds
    Migrate(migrate::Args),
    /// Continue a run that stopped
    Resume(runs::Args),
    /// Take back what a run did
    Undo(runs::UndoArgs),
    /// List the runs of a set: who, when, what, and how they ended
    History(runs::HistoryArgs),
    /// Print the script that teaches a shell to complete this command
    Completion(completion::Args),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// When it does not end well; the failure knows its exit code.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Status(args) => status::run(args, context).await,
            Self::Snapshot(args) => snapshot::run(args, context).await,
            Self::ScaleDown(args) => Box::pin(scale_down::run(args, context)).await,
            Self::Promote(args) => Box::pin(promote::run(args, context)).await,
            Self::Migrate(args) => Box::pin(migrate::run(args, context)).await,
            Self::Resume(args) => Box::pin(runs::resume(args, context)).await,
            Self::Undo(args) => Box::pin(runs::undo(args, context)).await,
            Self::History(args) => runs::list(args, context).await,
            Self::Completion(args) => completion::run(&args, context),
        }
    }
}

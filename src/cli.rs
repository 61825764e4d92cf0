//! The command line: global flags, and from them the way to a command.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use clap_complete::env::CompleteEnv;

use crate::cluster::ConnectArgs;
use crate::commands::complete;
use crate::commands::completion::{PROGRAM, VARIABLE};
use crate::commands::target::Place;
use crate::commands::{Command, Context};
use crate::failure::{Failure, FailureKind};
use crate::ui::{ColourChoice, Settings, Ui, Verbosity};

/// The name under which kubectl asks for completions.
const COMPLETER: &str = "kubectl_complete-stateful";

/// See and move stateful workloads without losing what they hold
#[derive(Debug, Parser)]
#[command(name = PROGRAM, bin_name = "kubectl stateful", version, max_term_width = 100, propagate_version = false,
          disable_help_subcommand = true, after_help = "Exit codes: 0 done, 1 unexpected, 2 wrong usage, 4 refused, 5 stopped part-way, \
          6 held by another run, 7 unreachable or not permitted, 8 findings exist (status --check), 130 interrupted")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    connect: ConnectArgs,
    /// When to use colour; `NO_COLOR` is honoured
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    color: ColourChoice,
    /// Say nothing but warnings and errors beside the result
    #[arg(long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more beside the result: what was asked of the API server
    #[arg(long, short, global = true)]
    verbose: bool,
}

/// Runs the program on these words; `now` reads the clock.
#[must_use]
pub fn main(words: Vec<OsString>, now: fn() -> jiff::Timestamp) -> ExitCode {
    if let Some(typed) = completion_request(&words) {
        let ui = Ui::of_process(Settings::default());
        return finish(ui.print(&complete::answer(Cli::command(), typed)).map(|_| ()).map_err(Failure::from), &ui);
    }
    if std::env::var_os(VARIABLE).is_some() {
        let mut typed: Vec<OsString> = words.iter().skip_while(|word| *word != "--").skip(2).cloned().collect();
        typed.pop();
        CompleteEnv::with_factory(|| complete::with_names(Cli::command(), &typed)).var(VARIABLE).complete();
    }
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout and is a success, usage errors to stderr; a reader that is gone is no news.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FailureKind::Usage.exit_code()));
        }
    };
    let ui = Ui::of_process(Settings { colour: cli.color, verbosity: cli.verbosity() });
    let context = Context { connect: cli.connect, place: cli.place, ui, now };
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FailureKind::Unexpected, format!("no event loop: {error}")))
        .and_then(|runtime| runtime.block_on(cli.command.run(&context)));
    finish(outcome, &context.ui)
}

impl Cli {
    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        }
    }
}

fn finish(outcome: Result<(), Failure>, ui: &Ui) -> ExitCode {
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    if !failure.message.is_empty() {
        ui.error(&failure.message);
    }
    for hint in &failure.hints {
        ui.hint(hint);
    }
    failure.exit_code()
}

/// Gives the words to complete when kubectl asks: by the name it was started under, or by its first word.
fn completion_request(words: &[OsString]) -> Option<Vec<OsString>> {
    let started_as = Path::new(words.first()?).file_stem()?;
    if started_as == COMPLETER {
        return Some(words[1..].to_vec());
    }
    (words.get(1)? == "__complete").then(|| words[2..].to_vec())
}

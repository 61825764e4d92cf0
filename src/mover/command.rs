//! The mover's command line: what to do is a word, everything else is in the order on stdin.

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::de::DeserializeOwned;

use super::event::{Event, FaultKind};
use super::fault::Fault;
use super::order::{ManifestOrder, ReceiveOrder, SendOrder, VERSION};
use super::progress::Voice;
use super::{manifest, pass, receive};

/// An order is short; whoever sends more means something else.
const LONGEST_ORDER: u64 = 64 * 1024;

/// Copy a volume between two pods, for `kubectl stateful migrate`; the order is one line of JSON on stdin
#[derive(Debug, Parser)]
#[command(name = "kubectl-stateful-mover", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Read a volume and send what changed
    Send,
    /// Write a volume as one sender says
    Receive,
    /// Let the receiver read back what was sent
    Verify,
    /// Say what a volume holds
    Manifest,
}

/// Runs the mover on these words.
pub fn main(words: Vec<OsString>, orders: impl BufRead, out: Box<dyn Write + Send>) -> ExitCode {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout and is a success; a reader that is gone is no news.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let voice = Voice::new(out);
    match run(cli.command, orders, &voice) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            voice.say(&Event::Failed { kind: fault.kind, message: fault.message });
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, orders: impl BufRead, voice: &Voice) -> Result<(), Fault> {
    match command {
        Command::Send => {
            let order: SendOrder = order(orders)?;
            same_version(&order.version)?;
            pass::send(&order, voice)
        }
        Command::Verify => {
            let order: SendOrder = order(orders)?;
            same_version(&order.version)?;
            pass::verify_only(&order, voice)
        }
        Command::Receive => {
            let order: ReceiveOrder = order(orders)?;
            same_version(&order.version)?;
            receive::receive(&order, voice)
        }
        Command::Manifest => {
            let order: ManifestOrder = order(orders)?;
            same_version(&order.version)?;
            manifest::manifest(&order, voice)
        }
    }
}

fn order<T: DeserializeOwned>(orders: impl BufRead) -> Result<T, Fault> {
    let mut line = String::new();
    // One line, not all of stdin: an exec may keep it open for as long as the mover runs.
    orders.take(LONGEST_ORDER).read_line(&mut line).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::from_str(&line).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> Fault {
    Fault::new(FaultKind::Order, format!("the order on stdin cannot be read: {why}"))
}

fn same_version(version: &str) -> Result<(), Fault> {
    if version == VERSION {
        return Ok(());
    }
    let message = format!("this mover is of version {VERSION}, the order was given by version {version}");
    Err(Fault::new(FaultKind::Version, message))
}

//! `completion`: scripts that teach shells to complete this command.

use clap::ValueEnum;
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use super::Context;
use crate::failure::{Failure, FailureKind};
use crate::ui::Written;

/// What kubectl runs to complete a plugin's words: it must be on PATH under the name `kubectl_complete-stateful`.
pub const SHIM: &str = include_str!("../../completions/kubectl_complete-stateful");

/// The program's name when it is called without kubectl.
pub const PROGRAM: &str = "kubectl-stateful";

/// The environment variable by which a shell's script asks for completions.
///
/// A name of its own: others may have set `COMPLETE` for themselves.
pub const VARIABLE: &str = "KUBECTL_STATEFUL_COMPLETE";

/// What `completion` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "kubectl completes plugins by itself once it finds kubectl_complete-stateful on PATH:
  kubectl stateful completion kubectl > ~/.local/bin/kubectl_complete-stateful
  chmod +x ~/.local/bin/kubectl_complete-stateful

The other scripts are for calling the program as kubectl-stateful:
  source <(kubectl stateful completion bash)")]
pub struct Args {
    /// For which shell; `kubectl` is the file that kubectl's own completion looks for
    #[arg(value_enum)]
    shell: Shell,
}

/// The shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// kubectl's own completion, in every shell
    Kubectl,
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// Makes the script of a shell.
///
/// # Errors
/// When the script cannot be made, which would be a defect.
pub fn script(shell: Shell) -> std::io::Result<String> {
    let completer: &dyn EnvCompleter = match shell {
        Shell::Kubectl => return Ok(SHIM.to_owned()),
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
    };
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    String::from_utf8(script).map_err(std::io::Error::other)
}

/// Prints the script.
///
/// # Errors
/// When it cannot be made or printed.
pub fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let script = script(args.shell).map_err(|error| Failure::new(FailureKind::Unexpected, error.to_string()))?;
    let (Written::All | Written::ReaderGone) = context.ui.print(&script)?;
    Ok(())
}

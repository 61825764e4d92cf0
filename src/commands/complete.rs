//! Answers what a shell may offer next: flags and words from the parser, names from the cluster.
//!
//! Silent on every error, and never longer than a second: a person is waiting for the tab key.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, FromArgMatches, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use crate::archive;
use crate::cluster::{Cluster, ClusterError, ConnectArgs, Entry, Questions, Scope};
use crate::commands::target::{KINDS, Place};

/// How long names may take. The rest of the second is for starting up and for the shell.
const LIMIT: Duration = Duration::from_millis(850);

/// kubectl's directive behind the candidates: offer nothing else.
const NO_FILES: &str = ":4";

/// kubectl's directive that lets the shell offer files.
const FILES: &str = ":0";

/// Gives the lines that kubectl's completion of plugins expects for the words typed after `kubectl stateful`.
#[must_use]
pub fn answer(parser: Command, mut words: Vec<OsString>) -> String {
    let current = words.pop().unwrap_or_default();
    let wants_files = Arc::new(AtomicBool::new(false));
    let mut command = leave_files_to_the_shell(with_names(parser, &words), &wants_files);
    let index = words.len() + 1;
    let line = std::iter::once(OsString::from("kubectl-stateful")).chain(words).chain([current.clone()]).collect();
    let candidates = complete(&mut command, line, index, None).unwrap_or_default();
    let mut lines = String::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.is_hide_set()) {
        let value = candidate.get_value().to_string_lossy();
        // As kubectl has it, flags are offered once a dash is typed: they would bury the names.
        if value.chars().any(char::is_control) || (current.is_empty() && value.starts_with('-')) {
            continue;
        }
        lines.push_str(&value);
        if let Some(help) = candidate.get_help() {
            let help = help.to_string();
            lines.push('\t');
            lines.push_str(help.lines().next().unwrap_or_default());
        }
        lines.push('\n');
    }
    let directive = if wants_files.load(Ordering::Relaxed) && lines.is_empty() { FILES } else { NO_FILES };
    lines + directive + "\n"
}

/// Adds completers that look for names where the words already typed say.
#[must_use]
pub fn with_names(parser: Command, words: &[OsString]) -> Command {
    let typed = Arc::new(Typed::read(parser.clone(), words));
    let completer = |wanted: Wanted| {
        let typed = Arc::clone(&typed);
        ArgValueCompleter::new(move |current: &OsStr| typed.offer(wanted, current))
    };
    let sets = |subcommand: Command| subcommand.mut_arg("names", |arg| arg.add(completer(Wanted::Sets)));
    parser
        .mut_arg("namespace", |arg| arg.add(completer(Wanted::Namespaces)))
        .mut_arg("context", |arg| arg.add(completer(Wanted::Entry(Entry::Contexts))))
        .mut_arg("cluster", |arg| arg.add(completer(Wanted::Entry(Entry::Clusters))))
        .mut_arg("user", |arg| arg.add(completer(Wanted::Entry(Entry::Users))))
        .mut_subcommand("status", sets)
        .mut_subcommand("snapshot", sets)
        .mut_subcommand("scale-down", sets)
        .mut_subcommand("resume", sets)
        .mut_subcommand("undo", sets)
        .mut_subcommand("history", sets)
}

/// Notes instead of listing files: the shell does it better, with `~` and spaces.
fn leave_files_to_the_shell(command: Command, wants_files: &Arc<AtomicBool>) -> Command {
    let note = |arg: Arg| {
        if !matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath) {
            return arg;
        }
        let wants_files = Arc::clone(wants_files);
        arg.add(ArgValueCompleter::new(move |_: &OsStr| {
            wants_files.store(true, Ordering::Relaxed);
            Vec::new()
        }))
    };
    command.mut_args(note).mut_subcommands(|subcommand| subcommand.mut_args(note))
}

/// What names are looked for.
#[derive(Clone, Copy)]
enum Wanted {
    Sets,
    Namespaces,
    Entry(Entry),
}

/// What was already typed that says where names are to be looked for.
#[derive(Clone, Debug, Default)]
struct Typed {
    connect: ConnectArgs,
    place: Place,
    from: Option<String>,
    names: Vec<String>,
}

impl Typed {
    /// Reads what can be read: the line is not finished, and may be wrong.
    fn read(parser: Command, words: &[OsString]) -> Self {
        let line = std::iter::once(OsString::from("kubectl-stateful")).chain(join_values(words));
        let parsed = parser.ignore_errors(true).args_override_self(true).try_get_matches_from(line);
        let Ok(matches) = parsed else {
            return Self::default();
        };
        let inner = matches.subcommand().map_or(&matches, |(_, inner)| inner);
        let mut connect = ConnectArgs::from_arg_matches(inner).unwrap_or_default();
        connect.questions = Questions::Never;
        let strings = |id: &str| -> Vec<String> {
            inner.try_get_many::<String>(id).ok().flatten().into_iter().flatten().cloned().collect()
        };
        Self { connect, place: place(inner), from: strings("from").pop(), names: strings("names") }
    }

    fn offer(&self, wanted: Wanted, current: &OsStr) -> Vec<CompletionCandidate> {
        let current = current.to_string_lossy().into_owned();
        // The parser asks for values even where a flag is being typed.
        if current.starts_with('-') {
            return Vec::new();
        }
        let prefix = match (wanted, current.split_once('/')) {
            (Wanted::Sets, Some((kind, _))) if KINDS.contains(&kind.to_lowercase().as_str()) => format!("{kind}/"),
            _ => String::new(),
        };
        let typed = self.clone();
        let names = within(LIMIT, move || typed.names(wanted)).unwrap_or_default();
        let offered = names.into_iter().map(|name| prefix.clone() + &name).filter(|name| name.starts_with(&current));
        let new = offered.filter(|name| !matches!(wanted, Wanted::Sets) || !self.names.contains(name));
        new.map(CompletionCandidate::new).collect()
    }

    fn names(&self, wanted: Wanted) -> Vec<String> {
        match (wanted, &self.from) {
            (Wanted::Entry(entry), _) => self.connect.known(entry),
            (Wanted::Sets | Wanted::Namespaces, Some(path)) => self.names_in(path, wanted),
            // A name and -A do not go together.
            (Wanted::Sets, None) if self.place.all_namespaces => Vec::new(),
            (Wanted::Sets | Wanted::Namespaces, None) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.ok().and_then(|runtime| runtime.block_on(self.names_there(wanted)).ok()).unwrap_or_default()
            }
        }
    }

    async fn names_there(&self, wanted: Wanted) -> Result<Vec<String>, ClusterError> {
        let cluster = Cluster::connect(&self.connect).await?;
        if matches!(wanted, Wanted::Namespaces) {
            return cluster.names::<k8s_openapi::api::core::v1::Namespace>(&Scope::All).await;
        }
        cluster.names::<k8s_openapi::api::apps::v1::StatefulSet>(&self.place.scope(&cluster)).await
    }

    /// Offers what the file of `--from` holds. Standard input is not there yet.
    fn names_in(&self, path: &str, wanted: Wanted) -> Vec<String> {
        let contents = (path != "-").then(|| archive::read(path, std::io::empty(), jiff::Timestamp::UNIX_EPOCH));
        let Some(Ok(contents)) = contents else {
            return Vec::new();
        };
        let scope = self.place.offline_scope();
        let sets = contents.snapshot.workloads.into_iter();
        let mut names: Vec<String> = match wanted {
            Wanted::Namespaces => sets.map(|set| set.meta.namespace.0).collect(),
            Wanted::Sets | Wanted::Entry(_) => {
                sets.filter(|set| scope.covers(&set.meta.namespace)).map(|set| set.meta.name).collect()
            }
        };
        names.sort();
        names.dedup();
        names
    }
}

fn place(matches: &ArgMatches) -> Place {
    Place::from_arg_matches(matches).unwrap_or_default()
}

/// Puts `--namespace`, `=`, `shop` together again: bash takes words apart at `=`.
fn join_values(words: &[OsString]) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut rest = words.iter().filter(|word| *word != "--");
    while let Some(word) = rest.next() {
        match joined.last_mut() {
            Some(flag) if word == "=" && flag.to_string_lossy().starts_with("--") => {
                flag.push("=");
                flag.push(rest.next().map_or(OsStr::new(""), |value| value.as_os_str()));
            }
            _ => joined.push(word.clone()),
        }
    }
    joined
}

/// Does some work, but waits for it only so long; what is late ends with the program.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    let late = move || {
        // Nobody may be waiting any more.
        let _ = sender.send(work());
    };
    std::thread::Builder::new().name("names".to_owned()).spawn(late).ok()?;
    receiver.recv_timeout(limit).ok()
}

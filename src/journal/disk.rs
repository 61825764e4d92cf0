//! The files on this machine: a plan, then one line per entry, each on the disk before anything goes on.
//!
//! A run that is kept here only has another ending than the copy of one that is in the cluster: a copy grows old as soon
//! as somebody goes on elsewhere, and nobody reads it but people.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Home, JournalError, line};
use crate::model::Namespace;
use crate::plan::{Entry, Run, Subject, Unreadable};

/// What the names of files end with whose run is kept here only, and of copies.
const LOCAL: &str = ".local.jsonl";
const COPY: &str = ".jsonl";

fn ending(home: Home) -> &'static str {
    match home {
        Home::Local => LOCAL,
        Home::Cluster => COPY,
    }
}

/// Says where the journals of a set are kept on this machine.
fn directory(subject: &Subject) -> Result<PathBuf, JournalError> {
    Ok(place(&subject.namespace)?.join(subject.uid.as_str()))
}

/// Says where the journals of a namespace are kept on this machine.
fn place(namespace: &Namespace) -> Result<PathBuf, JournalError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .or_else(|| set("LOCALAPPDATA"))
        .ok_or_else(|| JournalError::Disk {
            path: "~/.local/state".to_owned(),
            why: "neither XDG_STATE_HOME nor HOME is set".to_owned(),
        })?;
    Ok(state.join("kubectl-stateful").join(namespace.as_str()))
}

fn broken(path: &Path) -> impl Fn(io::Error) -> JournalError + '_ {
    move |error| JournalError::Disk { path: path.display().to_string(), why: error.to_string() }
}

/// Opens the file of a run, which is made where there is none.
pub(super) fn open(run: &Run, home: Home) -> Result<File, JournalError> {
    let directory = directory(&run.plan.subject)?;
    fs::create_dir_all(&directory).map_err(broken(&directory))?;
    let path = directory.join(format!("{}{}", run.plan.id, ending(home)));
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(broken(&path))?;
    if file.metadata().map_err(broken(&path))?.len() == 0 {
        let mut lines = line(&run.plan);
        run.entries.iter().for_each(|entry| lines.push_str(&line(entry)));
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(broken(&path))?;
        // The name must be on the disk as well. Not every system can do that for a directory.
        let _ = File::open(&directory).and_then(|directory| directory.sync_all());
    }
    Ok(file)
}

/// Writes entries.
pub(super) fn append(file: &mut File, run: &Run, entries: &[Entry]) -> Result<(), JournalError> {
    let path = run.plan.id.to_string();
    let lines: String = entries.iter().map(line).collect();
    file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).map_err(broken(Path::new(&path)))
}

/// A run's name, and the run or why it cannot be read.
type Found = (String, Result<Run, Unreadable>);

/// Reads every run of a set that is kept here only.
pub(super) fn runs(subject: &Subject) -> Result<Vec<Found>, JournalError> {
    runs_in(&directory(subject)?)
}

/// Reads every run of a namespace that is kept here only, whatever became of its set.
pub(super) fn runs_of_namespace(namespace: &Namespace) -> Result<Vec<Found>, JournalError> {
    let runs =
        content(&place(namespace)?)?.iter().map(|directory| runs_in(directory)).collect::<Result<Vec<_>, _>>()?;
    Ok(runs.concat())
}

fn runs_in(directory: &Path) -> Result<Vec<Found>, JournalError> {
    let mut runs = Vec::new();
    let mut paths = content(directory)?;
    paths.sort();
    for path in paths {
        let Some(id) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(LOCAL)) else { continue };
        let text = fs::read_to_string(&path).map_err(broken(&path))?;
        runs.push((id.to_owned(), read(&text)));
    }
    Ok(runs)
}

/// Lists a directory; one that does not exist has nothing in it.
fn content(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(broken(directory)(error)),
    };
    entries.map(|entry| Ok(entry.map_err(broken(directory))?.path())).collect()
}

/// Reads a file. A last line without its end was being written when the machine stopped: it never counted.
fn read(text: &str) -> Result<Run, Unreadable> {
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let (plan, entries) = whole.split_once('\n').unwrap_or((whole, ""));
    Run::read(plan, entries)
}

/// Removes the file of a run.
pub(super) fn remove(subject: &Subject, id: &str, home: Home) -> Result<(), JournalError> {
    let path = directory(subject)?.join(format!("{id}{}", ending(home)));
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(broken(&path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Locks a set on this machine, until the file is closed.
pub(super) fn lock(subject: &Subject) -> Result<File, JournalError> {
    let directory = directory(subject)?;
    fs::create_dir_all(&directory).map_err(broken(&directory))?;
    let path = directory.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(broken(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(JournalError::Held {
            holder: "another process of this machine".to_owned(),
            since: "some time".to_owned(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(broken(&path)(error)),
    }
}

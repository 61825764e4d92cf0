//! Reading snapshots, dumps of kubectl and directories of them, object by object.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::encoding::Encoding;
use super::{API_VERSION, INFO, Info};
use crate::model::{Gap, Resource, Snapshot};
use crate::wire;

/// The largest JSON file that is read. It is read object by object, so this bounds time, not memory.
const JSON_LIMIT: u64 = 4 << 30;

/// The largest YAML file that is read: YAML has to be held as a whole.
const YAML_LIMIT: u64 = 256 << 20;

/// How deep directories are followed; `kubectl cluster-info dump` makes one level.
const DEPTH: usize = 4;

/// What standard input is called in messages.
const STDIN: &str = "standard input";

/// How many problems with single objects are told one by one.
const PROBLEMS_TOLD: usize = 10;

/// Says why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be opened or read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file or directory.
        path: String,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// It is neither JSON nor YAML, or ends early.
    #[error("{path} is not what kubectl prints: {why}")]
    Malformed {
        /// The file.
        path: String,
        /// Where and what.
        why: String,
    },
    /// It is larger than what is read.
    #[error("{path} is larger than {limit_mib} MiB; {hint}")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit.
        limit_mib: u64,
        /// What to do instead.
        hint: &'static str,
    },
    /// It holds nothing that could be shown.
    #[error("{path} holds no StatefulSet{found}")]
    NothingInIt {
        /// The file or directory.
        path: String,
        /// What it holds instead.
        found: String,
    },
}

/// What was read out of files, and what was wrong with single objects of it.
#[derive(Debug, Default)]
pub struct Contents {
    /// What was read.
    pub snapshot: Snapshot,
    /// Objects that could not be understood, one sentence each.
    pub problems: Vec<String>,
}

/// Reads `-` (standard input), a file, or a directory of files, as `kubectl get -o json|yaml`, `snapshot` or
/// `kubectl cluster-info dump` wrote them. Objects that cannot be understood are left out and told.
///
/// # Errors
/// When nothing can be read, or there is no StatefulSet in what was read.
pub fn read(path: &str, stdin: impl Read, now: Timestamp) -> Result<Contents, ArchiveError> {
    let mut reader = Reader { now, ..Reader::default() };
    if path == "-" {
        reader.source(STDIN, BufReader::new(stdin), Timestamp::MIN)?;
        return reader.finish(STDIN);
    }
    let mut files = Vec::new();
    find(Path::new(path), 0, &mut files)?;
    if files.is_empty() {
        let found = ": there is no .json, .yaml or .yml file in it".to_owned();
        return Err(ArchiveError::NothingInIt { path: path.to_owned(), found });
    }
    let is_directory = Path::new(path).is_dir();
    for file in files {
        let before = reader.objects;
        match reader.file(&file) {
            // Not everything in a directory is for us. A file that breaks off is: what it lacks would look deleted.
            Err(error @ ArchiveError::Malformed { .. }) if is_directory && reader.objects == before => {
                reader.problem(error.to_string());
            }
            read => read?,
        }
    }
    reader.finish(path)
}

fn unreadable(path: &Path, error: std::io::Error) -> ArchiveError {
    ArchiveError::Unreadable { path: path.display().to_string(), error }
}

/// Finds the files to read: a file is itself, a directory its `.json`, `.yaml` and `.yml` files, sorted.
fn find(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ArchiveError> {
    let kind = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !kind.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries: Vec<PathBuf> =
        entries.map_err(|error| unreadable(path, error))?.into_iter().map(|entry| entry.path()).collect();
    entries.sort();
    for entry in entries {
        let wanted = entry.extension().is_some_and(|end| end == "json" || end == "yaml" || end == "yml");
        if wanted || (entry.is_dir() && depth < DEPTH) {
            find(&entry, depth + 1, files)?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Reader {
    now: Timestamp,
    contents: Contents,
    problems: usize,
    /// How many objects were met.
    objects: usize,
    /// How many objects of each kind were met that a snapshot has no place for.
    other_kinds: BTreeMap<String, usize>,
    info: Option<Info>,
    newest_file: Option<Timestamp>,
}

impl Reader {
    fn file(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        let written =
            file.metadata().and_then(|metadata| metadata.modified()).map_err(|error| unreadable(path, error))?;
        let written = Timestamp::try_from(written).unwrap_or(self.now);
        self.source(&path.display().to_string(), BufReader::new(file), written)
    }

    fn source(&mut self, path: &str, mut input: impl BufRead, written: Timestamp) -> Result<(), ArchiveError> {
        self.newest_file = self.newest_file.max(Some(written));
        let malformed = |why: String| ArchiveError::Malformed { path: path.to_owned(), why };
        let start = input.fill_buf().map_err(|error| unreadable(Path::new(path), error))?;
        let encoding = Encoding::of(start);
        if let Encoding::Utf8(mark) = encoding {
            input.consume(mark);
        }
        let start = input.fill_buf().map_err(|error| unreadable(Path::new(path), error))?;
        if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            return self.json(path, input);
        }
        let mut bytes = Vec::new();
        let mut input = input.take(YAML_LIMIT);
        input.read_to_end(&mut bytes).map_err(|error| unreadable(Path::new(path), error))?;
        if input.limit() == 0 {
            return Err(too_large(path, YAML_LIMIT, "write it with `-o json`, which has no such limit"));
        }
        let text = encoding.decode(bytes).ok_or_else(|| malformed("it is not text".to_owned()))?;
        if text.trim_start().starts_with('{') { self.json(path, text.as_bytes()) } else { self.yaml(path, &text) }
    }

    fn json(&mut self, path: &str, input: impl Read) -> Result<(), ArchiveError> {
        let mut input = input.take(JSON_LIMIT);
        let mut documents = serde_json::Deserializer::from_reader(&mut input);
        let read = Document { reader: self, path }.deserialize(&mut documents).and_then(|()| documents.end());
        let full = input.limit() == 0;
        read.map_err(|error| {
            if full {
                return too_large(path, JSON_LIMIT, "split it by namespace");
            }
            ArchiveError::Malformed { path: path.to_owned(), why: error.to_string() }
        })
    }

    fn yaml(&mut self, path: &str, text: &str) -> Result<(), ArchiveError> {
        let malformed = |why: &str| ArchiveError::Malformed { path: path.to_owned(), why: why.to_owned() };
        let documents: Vec<Value> =
            serde_saphyr::from_multiple_with_options(text, yaml_options()).map_err(|error| {
                let why = error.to_string();
                malformed(why.lines().next().unwrap_or("not YAML").trim_start_matches("error: "))
            })?;
        for document in documents {
            if !document.is_object() {
                return Err(malformed("it is neither JSON nor YAML objects"));
            }
            Document { reader: self, path }
                .deserialize(document)
                .map_err(|error: serde_json::Error| malformed(&error.to_string()))?;
        }
        Ok(())
    }

    /// Takes one object; a list inside a list is taken apart as well.
    fn object(&mut self, object: Value, path: &str) {
        if object.get("items").is_some_and(Value::is_array) {
            if let Err(error) = (Document { reader: self, path }).deserialize(object) {
                self.problem(format!("{path}: a list was left out: {error}"));
            }
            return;
        }
        self.objects += 1;
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion").to_owned(), text("kind").to_owned());
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if (api_version.as_str(), kind.as_str()) == (API_VERSION, INFO) {
            match Info::deserialize(object) {
                Ok(info) => self.info = Some(info),
                Err(error) => self.problem(format!("{path}: the snapshot's own notes were left out: {error}")),
            }
            return;
        }
        let mut one = Snapshot::default();
        match wire::read_any(object, &mut one) {
            Some(Ok(())) if name.is_empty() => {
                self.problem(format!("{path}: a {} without a name was left out", kind.to_lowercase()));
            }
            Some(Ok(())) => self.contents.snapshot.absorb(one),
            Some(Err(error)) => self.problem(format!("{path}: {} {name} was left out: {error}", kind.to_lowercase())),
            None if kind.is_empty() => self.problem(format!("{path}: an object without a kind was left out")),
            None if kind == "StatefulSet" => self.count(format!("{kind} of {api_version}")),
            None => self.count(kind),
        }
    }

    fn count(&mut self, kind: String) {
        *self.other_kinds.entry(kind).or_default() += 1;
    }

    fn problem(&mut self, problem: String) {
        self.problems += 1;
        if self.problems <= PROBLEMS_TOLD {
            self.contents.problems.push(problem);
        }
    }

    fn finish(mut self, path: &str) -> Result<Contents, ArchiveError> {
        if self.problems > PROBLEMS_TOLD {
            self.contents.problems.push(format!("{} more objects were left out", self.problems - PROBLEMS_TOLD));
        }
        let snapshot = &mut self.contents.snapshot;
        if snapshot.workloads.is_empty() {
            let found = match (self.objects, self.contents.problems.first()) {
                (_, Some(problem)) => format!(" that can be read; {problem}"),
                (0, None) => ": it is empty".to_owned(),
                (_, None) => describe_kinds(snapshot, &self.other_kinds),
            };
            return Err(ArchiveError::NothingInIt { path: path.to_owned(), found });
        }
        if let Some(info) = self.info {
            snapshot.taken_at = info.taken_at;
            snapshot.gaps = info.gaps;
            snapshot.usage = info.usage;
            snapshot.probes = info.probes;
        } else {
            // A dump does not say when it was made; its file mostly does.
            snapshot.taken_at = self.newest_file.filter(|at| *at > Timestamp::MIN).unwrap_or(self.now);
            snapshot.gaps = gaps_of(snapshot);
        }
        snapshot.sort();
        Ok(self.contents)
    }
}

/// Allows files of any length, which is bounded before, but not ones that unfold: kubectl writes no aliases.
fn yaml_options() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    options.budget = None;
    options
}

fn too_large(path: &str, limit: u64, hint: &'static str) -> ArchiveError {
    ArchiveError::TooLarge { path: path.to_owned(), limit_mib: limit >> 20, hint }
}

/// A kind of which a dump holds no object was perhaps not asked for: it is unknown, not absent.
fn gaps_of(snapshot: &Snapshot) -> Vec<Gap> {
    let missing = |resource, asked| Gap { resource, why: "not in the file".to_owned(), asked };
    // Without these the screen says much less than it could, and that is worth a line; the others are details.
    let important = [
        (Resource::Pods, snapshot.pods.is_empty()),
        (Resource::Claims, snapshot.claims.is_empty()),
        (Resource::Volumes, snapshot.volumes.is_empty()),
        (Resource::Nodes, snapshot.nodes.is_empty()),
        (Resource::Budgets, snapshot.budgets.is_empty()),
        (Resource::Services, snapshot.services.is_empty()),
        (Resource::Endpoints, snapshot.endpoints.is_empty()),
    ];
    let details = [
        (Resource::Classes, snapshot.classes.is_empty()),
        (Resource::Autoscalers, snapshot.autoscalers.is_empty()),
        (Resource::Events, snapshot.events.is_empty()),
        (Resource::Usage, true),
        (Resource::Probes, true),
    ];
    let important = important.into_iter().filter(|(_, empty)| *empty).map(|(resource, _)| missing(resource, true));
    let details = details.into_iter().filter(|(_, empty)| *empty).map(|(resource, _)| missing(resource, false));
    important.chain(details).collect()
}

fn describe_kinds(snapshot: &Snapshot, others: &BTreeMap<String, usize>) -> String {
    let ours = [("Pod", snapshot.pods.len()), ("PersistentVolumeClaim", snapshot.claims.len())];
    let found: Vec<String> = ours
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .chain(others.iter().map(|(kind, count)| (kind.as_str(), *count)))
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    if found.is_empty() { String::new() } else { format!(" (it holds {})", found.join(", ")) }
}

/// Reads one document, a list item by item, so that no list is ever held as a whole.
struct Document<'a> {
    reader: &'a mut Reader,
    path: &'a str,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut fields = serde_json::Map::new();
        while let Some(field) = map.next_key::<String>()? {
            // kubectl writes `apiVersion` before `items` and `kind` after: items of typed lists get their kind later.
            if field == "items" {
                let typed = fields.get("kind").and_then(Value::as_str).map(str::to_owned);
                let version = fields.get("apiVersion").and_then(Value::as_str).map(str::to_owned);
                map.next_value_seed(Items { reader: self.reader, path: self.path, typed, version })?;
                fields.insert(field, Value::Bool(true));
            } else if field == "status" && fields.contains_key("items") {
                map.next_value::<IgnoredAny>()?;
            } else {
                fields.insert(field, map.next_value()?);
            }
        }
        if !fields.contains_key("items") {
            self.reader.object(Value::Object(fields), self.path);
        }
        Ok(())
    }
}

struct Items<'a> {
    reader: &'a mut Reader,
    path: &'a str,
    typed: Option<String>,
    version: Option<String>,
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of Kubernetes objects")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let kind = self.typed.as_deref().and_then(|kind| kind.strip_suffix("List")).filter(|kind| !kind.is_empty());
        while let Some(mut item) = items.next_element::<Value>()? {
            if let (Value::Object(fields), Some(kind)) = (&mut item, kind) {
                fields.entry("kind").or_insert_with(|| kind.into());
                fields.entry("apiVersion").or_insert_with(|| self.version.clone().unwrap_or_default().into());
            }
            self.reader.object(item, self.path);
        }
        Ok(())
    }
}

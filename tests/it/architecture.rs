//! The source as text: layers, the places of things, lengths, words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Longer files hold more than one noun.
const LONGEST: usize = 500;

/// One file of the source.
struct File {
    /// From the repository's root, with forward slashes.
    path: String,
    /// What is compiled into the program: no comments, no tests.
    code: Vec<(usize, String)>,
    lines: usize,
    text: String,
}

impl File {
    /// The module of the top level that it belongs to.
    fn module(&self) -> &str {
        // Each program has one of its own.
        if self.path.ends_with("/main.rs") {
            return "main";
        }
        let inside = self.path.trim_start_matches("src/");
        inside.split_once('/').map_or(inside, |(first, _)| first).trim_end_matches(".rs")
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn find(directory: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            find(&entry, files);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            files.push(entry);
        }
    }
}

fn files(directory: &str) -> Vec<File> {
    let mut paths = Vec::new();
    find(&root().join(directory), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().display().to_string().replace('\\', "/");
            let is_test = path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/");
            let program = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let numbered = program.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned()));
            let code = numbered.filter(|(_, line)| !is_test && !line.trim_start().starts_with("//")).collect();
            File { path, code, lines: text.lines().count(), text }
        })
        .collect()
}

/// Lists the modules that a piece of code names with `crate::`.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (_, rest) in code.match_indices("crate::").map(|(at, what)| (at, &code[at + what.len()..])) {
        match rest.strip_prefix('{') {
            None => _ = found.insert(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && depth == 0 && !c.is_whitespace() => {
                            found.insert(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

/// Reads the table of ARCHITECTURE.md: for every module its level and what it may use.
fn table() -> BTreeMap<String, (u32, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let words = |cell: &str| -> BTreeSet<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut levels: BTreeMap<String, (u32, BTreeSet<String>)> = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(level) = cells[1].parse::<u32>() else { continue };
        let below: BTreeSet<String> = levels.keys().cloned().collect();
        let allowed = if cells[3] == "what is below" { below.clone() } else { words(cells[3]) };
        assert!(allowed.is_subset(&below), "ARCHITECTURE.md: level {level} may use what is not below it");
        levels.extend(words(cells[2]).into_iter().map(|module| (module, (level, allowed.clone()))));
    }
    levels
}

fn report(offenders: &[String], rule: &str) {
    let list = offenders.iter().fold(String::new(), |mut list, one| {
        write!(list, "\n  {one}").unwrap();
        list
    });
    assert!(offenders.is_empty(), "{rule}:{list}");
}

/// Lists the lines outside of `place` that hold one of these texts.
fn outside(place: &str, texts: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for file in files("src").iter().filter(|file| file.module() != place) {
        for (line, code) in &file.code {
            if texts.iter().any(|text| code.contains(text)) {
                offenders.push(format!("{}:{line}: {}", file.path, code.trim()));
            }
        }
    }
    offenders
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let table = table();
    let mut offenders = Vec::new();
    for file in files("src") {
        let module = file.module();
        let Some((_, allowed)) = table.get(module) else {
            offenders.push(format!("{}: ARCHITECTURE.md gives `{module}` no level", file.path));
            continue;
        };
        let code: Vec<&str> = file.code.iter().map(|(_, line)| line.as_str()).collect();
        let used = named(&code.join("\n"));
        for other in used.iter().filter(|other| *other != module && !allowed.contains(*other)) {
            offenders.push(format!("{}: `{module}` uses `{other}`", file.path));
        }
    }
    report(&offenders, "a module uses only what lies below it");
}

#[test]
fn every_module_of_the_table_exists() {
    let there: BTreeSet<String> = files("src").iter().map(|file| file.module().to_owned()).collect();
    let named: BTreeSet<String> = table().into_keys().collect();
    assert_eq!(there, named);
}

#[test]
fn the_reader_of_use_lines_sees_them_all() {
    let code = "use crate::model::{A, B};\nuse crate::{\n    wire::{self, X},\n    cli,\n};\nlet x = crate::view::y();\npub(crate) fn z()";
    assert_eq!(named(code), ["cli", "model", "view", "wire"].map(str::to_owned).into());
}

#[test]
fn things_stay_in_their_places() {
    let terminal = [
        "io::stdout",
        "io::stderr",
        "println!",
        "print!(",
        "IsTerminal",
        "indicatif",
        "dialoguer",
        "console::",
        "anstream",
    ];
    // The mover has no terminal: its program hands it what it answers on.
    let mut touching = outside("ui", &terminal);
    touching.retain(|line| !line.starts_with("src/mover/main.rs:"));
    report(&touching, "only `ui` touches the terminal");
    report(&outside("cluster", &["kube::", "hyper_util", "tower"]), "only `cluster` knows the client");
    report(&outside("view", &["comfy_table"]), "only `view` makes tables");
    report(&outside("wire", &["prost::"]), "only `wire` knows protobuf");
    report(&outside("mover", &["rustix::", "rustls::", "blake3::"]), "only `mover` copies files");
    // Spans are measured by tokio's clock, which tests can stop.
    let clocks = ["Timestamp::now()", "SystemTime::now", "std::time::Instant", "std::time::{Duration, Instant}"];
    report(&outside("main", &clocks), "time enters by parameter");
}

#[test]
fn files_are_short() {
    let all = files("src").into_iter().chain(files("tests"));
    let long: Vec<String> =
        all.filter(|file| file.lines > LONGEST).map(|file| format!("{}: {} lines", file.path, file.lines)).collect();
    report(&long, &format!("a file has at most {LONGEST} lines"));
}

#[test]
fn some_words_mean_that_something_is_unfinished_or_unnamed() {
    let words =
        ["TO\u{44}O", "FIX\u{4d}E", "db\u{67}!", "util\u{73}", "helper\u{73}", "unimplemente\u{64}!", "tod\u{6f}!("];
    let mut offenders = Vec::new();
    for file in files("src").into_iter().chain(files("tests")) {
        for (at, line) in file.text.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                offenders.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
            }
        }
        for (line, code) in file.code.iter().filter(|(_, code)| code.contains(".unwrap()")) {
            offenders.push(format!("{}:{line}: {}", file.path, code.trim()));
        }
    }
    report(&offenders, "forbidden words");
}

#[test]
fn every_word_behind_allow_is_taken_by_a_command() {
    let commands: String =
        files("src").iter().filter(|file| file.path.contains("commands")).map(|file| file.text.clone()).collect();
    let mut offenders = Vec::new();
    for file in files("src").iter().filter(|file| !file.path.contains("tests")) {
        for (line, code) in &file.code {
            let words = code.split(".allow(\"").skip(1).filter_map(|rest| rest.split('"').next());
            for word in words.filter(|word| !commands.contains(&format!("\"{word}\""))) {
                offenders.push(format!("{}:{line}: {word}", file.path));
            }
        }
    }
    report(&offenders, "a word that an objection names must be in a command's ALLOWED_HERE");
}

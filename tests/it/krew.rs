//! The manifest for krew, against krew's own rules; and, once `make dist` has run, the archive that it names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubectl_stateful::mover::program;
use serde_json::Value;

const NAME: &str = "stateful";
const HOST: &str = "https://github.com/kubectl-stateful/kubectl-stateful";

/// What the plugin sends to nodes, and the nodes' architecture.
const MOVERS: [(&str, &str); 2] =
    [("kubectl-stateful-mover-linux-amd64", "amd64"), ("kubectl-stateful-mover-linux-arm64", "arm64")];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn template() -> String {
    std::fs::read_to_string(root().join("krew-manifest.yaml")).unwrap()
}

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

/// What `make dist` would make of the template if it had all archives.
fn filled() -> String {
    template().replace("{{version}}", env!("CARGO_PKG_VERSION")).replace("{{sha256}}", &"0123456789abcdef".repeat(4))
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_semver(version: &str) -> bool {
    let core = version.strip_prefix('v').unwrap_or_default().split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (*part == "0" || !part.starts_with('0'))
    };
    parts.len() == 3 && parts.iter().all(number)
}

/// Lists which of krew's rules a manifest breaks; `file` is its name without extension.
fn broken(manifest: &Value, file: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut rule = |holds: bool, what: &str| {
        if !holds {
            broken.push(what.to_owned());
        }
    };
    rule(text(manifest, "/apiVersion") == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion");
    rule(text(manifest, "/kind") == "Plugin", "kind");
    let name = text(manifest, "/metadata/name");
    let safe = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    rule(safe && !name.is_empty() && !name.contains("kube"), "the name is lower-case kebab, without kube");
    rule(name == file, "the file has the name of the plugin");
    rule(is_semver(text(manifest, "/spec/version")), "the version is semver with a v");
    let short = text(manifest, "/spec/shortDescription");
    rule(!short.is_empty() && short.len() <= 50 && !short.contains('\n') && !short.ends_with('.'), "shortDescription");
    rule(!text(manifest, "/spec/description").is_empty(), "description");
    rule(!text(manifest, "/spec/description").contains("--"), "the description lists no flags");
    rule(text(manifest, "/spec/description").lines().all(|line| line.len() <= 90), "the description fits a terminal");
    rule(text(manifest, "/spec/homepage").starts_with("https://"), "homepage");
    rule(!list(manifest, "/spec/platforms").is_empty(), "platforms");
    let mut selectors = BTreeSet::new();
    for platform in list(manifest, "/spec/platforms") {
        let (os, arch) = (text(platform, "/selector/matchLabels/os"), text(platform, "/selector/matchLabels/arch"));
        let labels = platform.pointer("/selector/matchLabels").and_then(Value::as_object);
        let known = ["linux", "darwin", "windows"].contains(&os) && ["amd64", "arm64"].contains(&arch);
        let only = labels.is_some_and(|labels| labels.keys().all(|key| key == "os" || key == "arch"));
        rule(known && only, "a selector names os and arch in Go's words, and nothing else");
        rule(selectors.insert((os.to_owned(), arch.to_owned())), "no platform is there twice");
        let uri = text(platform, "/uri");
        rule(uri.starts_with("https://") && [".tar.gz", ".zip"].iter().any(|end| uri.ends_with(end)), "uri");
        rule(uri.contains(&format!("_{os}_{arch}.")), "the uri is that of the platform");
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let sum = text(platform, "/sha256");
        rule(sum.len() == 64 && sum.bytes().all(hex), "sha256 is 64 lower-case hexadecimal digits");
        let bin = text(platform, "/bin");
        rule(!bin.is_empty() && bin.strip_suffix(".exe").is_some() == (os == "windows"), "bin");
        let files = list(platform, "/files");
        rule(platform.get("files").is_none() || !files.is_empty(), "files is absent or not empty");
        let inside = |path: &str| !path.is_empty() && !path.starts_with('/') && !path.contains("..");
        rule(files.iter().all(|file| inside(text(file, "/from")) && inside(text(file, "/to"))), "from and to");
        let from: Vec<&str> = files.iter().map(|file| text(file, "/from")).collect();
        rule(from.contains(&"LICENSE"), "the licence is installed");
        rule(from.contains(&bin), "bin is among the files");
        rule(from.contains(&"completions/kubectl_complete-stateful"), "the completion shim is installed");
        rule(MOVERS.iter().any(|(mover, _)| from.contains(mover)), "a mover is installed");
    }
    broken
}

#[test]
fn the_template_fills_to_a_manifest_that_krew_takes() {
    let manifest = parse(&filled());
    assert_eq!(broken(&manifest, NAME), [""; 0]);
    let platforms: Vec<String> = list(&manifest, "/spec/platforms")
        .iter()
        .map(|one| format!("{}/{}", text(one, "/selector/matchLabels/os"), text(one, "/selector/matchLabels/arch")))
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"]);
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    for platform in list(&manifest, "/spec/platforms") {
        let start = format!("{HOST}/releases/download/{version}/kubectl-stateful_{version}_");
        assert!(text(platform, "/uri").starts_with(&start), "{}", text(platform, "/uri"));
        let from: Vec<&str> = list(platform, "/files").iter().map(|file| text(file, "/from")).collect();
        assert!(MOVERS.iter().all(|(mover, _)| from.contains(mover)), "{from:?}");
    }
    assert!(!text(&manifest, "/spec/caveats").is_empty());
}

#[test]
fn the_template_itself_cannot_be_taken_for_a_manifest() {
    let found = broken(&parse(&template()), NAME);
    assert!(found.iter().any(|rule| rule.starts_with("sha256")), "{found:?}");
    assert!(found.iter().any(|rule| rule.starts_with("the version")), "{found:?}");
}

#[test]
fn every_rule_notices_when_it_is_broken() {
    let breaks = [
        ("v1alpha2", "v1", "apiVersion"),
        ("kind: Plugin", "kind: Plug", "kind"),
        ("name: stateful", "name: Stateful", "the name"),
        ("name: stateful", "name: other", "the file has"),
        ("version: \"v", "version: \"", "the version"),
        ("version: \"v0.", "version: \"v0", "the version"),
        ("shortDescription: ", "shortDescription: \"\" #", "shortDescription"),
        ("os: linux", "os: Linux", "a selector"),
        ("arch: amd64", "arch: amd64\n          libc: musl", "a selector"),
        ("os: darwin", "os: linux", "no platform is there twice"),
        ("_linux_amd64.tar.gz", "_linux_amd64.rar", "uri"),
        ("_linux_arm64.tar.gz", "_linux_amd64.tar.gz", "the uri is that"),
        ("sha256: \"01", "sha256: \"A1", "sha256"),
        ("sha256: \"01", "sha256: \"1", "sha256"),
        ("bin: kubectl-stateful.exe", "bin: kubectl-stateful", "bin"),
        ("from: LICENSE", "from: README.md", "the licence"),
        ("from: kubectl-stateful\n", "from: other\n", "bin is among"),
        ("to: .\n", "to: ../..\n", "from and to"),
        ("amd64\n          to: .\n        - from: kubectl-stateful-mover-linux-arm64", "x86", "a mover"),
    ];
    for (before, after, rule) in breaks {
        let manifest = filled();
        assert!(manifest.contains(before), "{before}");
        let found = broken(&parse(&manifest.replacen(before, after, 1)), NAME);
        assert!(found.iter().any(|one| one.starts_with(rule)), "{before} -> {after}: {found:?}");
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `make test` runs it by name, after `make dist`.
#[test]
#[ignore = "looks at dist/, which `make dist` makes: cargo test --test it krew -- --ignored"]
fn the_manifest_and_the_archives_in_dist_belong_together() {
    let path = root().join("dist/stateful.yaml");
    let manifest = std::fs::read_to_string(&path).expect("dist/stateful.yaml is not there: run `make dist` first");
    assert!(!manifest.contains("{{"), "{manifest}");
    let manifest = parse(&manifest);
    assert_eq!(broken(&manifest, path.file_stem().unwrap().to_str().unwrap()), [""; 0]);
    assert_eq!(text(&manifest, "/spec/version"), format!("v{}", env!("CARGO_PKG_VERSION")));
    let mut ran = false;
    for platform in list(&manifest, "/spec/platforms") {
        let archive = root().join("dist").join(text(platform, "/uri").rsplit('/').next().unwrap());
        let archive = archive.to_str().unwrap();
        let sum = run("sha256sum", &[archive]);
        assert_eq!(sum.split(' ').next(), Some(text(platform, "/sha256")), "{archive}");
        let there: BTreeSet<String> = run("tar", &["-tzf", archive]).lines().map(str::to_owned).collect();
        let named: BTreeSet<String> =
            list(platform, "/files").iter().map(|file| text(file, "/from").to_owned()).collect();
        assert_eq!(there, named, "{archive}");
        ran |= runs_as_installed(platform, archive);
    }
    assert!(ran, "no archive is for this machine: run `make dist` here");
}

/// Runs a mover where nothing else is: no library, no loader, no resolver's files.
#[expect(clippy::print_stderr, reason = "a test says what it skips")]
fn stands_alone(place: &Path, mover: &str) {
    let version = format!("kubectl-stateful-mover {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(place.join(mover).to_str().unwrap(), &["--version"]), version);
    let alone = tempfile::TempDir::new().unwrap();
    std::fs::copy(place.join(mover), alone.path().join("mover")).unwrap();
    let output = Command::new("chroot").arg(alone.path()).args(["/mover", "--version"]).output().unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("Operation not permitted") {
        eprintln!("skipped: a directory that is the whole world of a program needs root");
        return;
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), version, "{output:?}");
}

/// Unpacks an archive as krew would and starts what it holds, if it is for this machine.
fn runs_as_installed(platform: &Value, archive: &str) -> bool {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let here =
        text(platform, "/selector/matchLabels/os") == "linux" && text(platform, "/selector/matchLabels/arch") == arch;
    if !here {
        return false;
    }
    let place = tempfile::TempDir::new().unwrap();
    run("tar", &["-xzf", archive, "-C", place.path().to_str().unwrap()]);
    let file = |name: &str| place.path().join(name);
    let version = run(file(text(platform, "/bin")).to_str().unwrap(), &["--version"]);
    assert_eq!(version, format!("kubectl-stateful {}\n", env!("CARGO_PKG_VERSION")));
    for (mover, architecture) in MOVERS.iter().filter(|(mover, _)| file(mover).exists()) {
        assert_eq!(program::beside(&file(text(platform, "/bin")), architecture).unwrap(), file(mover));
    }
    stands_alone(place.path(), &format!("kubectl-stateful-mover-linux-{arch}"));
    let same = |name: &str, there: &Path| {
        assert_eq!(std::fs::read(file(name)).unwrap(), std::fs::read(there).unwrap(), "{name}");
    };
    same("LICENSE", &root().join("LICENSE"));
    same("completions/kubectl_complete-stateful", &root().join("completions/kubectl_complete-stateful"));
    let path = format!("{}:/usr/bin:/bin", place.path().display());
    let shim =
        Command::new(file("completions/kubectl_complete-stateful")).arg("stat").env("PATH", path).output().unwrap();
    assert!(String::from_utf8_lossy(&shim.stdout).starts_with("status\t"), "{shim:?}");
    true
}

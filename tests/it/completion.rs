//! Completion: scripts, candidates, silence, and the way through the real kubectl and the real bash.

use std::time::Duration;

use kubectl_stateful::commands::completion::{Shell, script};

use crate::support::program::{Desk, PROGRAM, Said, kubeconfig, needed};
use crate::support::server::{Reply, Request, Server, closed_port, sets};

/// How long the tab key may hang: a second, and what starting a process costs on a busy machine.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Answers what completion asks for: two sets, and as many namespaces.
fn cluster() -> Server {
    Server::start(|request: &Request| {
        let path = request.path.split('?').next().unwrap_or_default();
        match path {
            "/apis/apps/v1/namespaces/shop/statefulsets" => Reply::json(sets(&["cache", "db"])),
            "/apis/apps/v1/namespaces/bank/statefulsets" => Reply::json(sets(&["ledger"])),
            "/api/v1/namespaces" => Reply::json(sets(&["bank", "shop"])),
            _ => Reply::Answer(404, "text/plain", "404 page not found".to_owned()),
        }
    })
}

fn ask(desk: &Desk, words: &[&str]) -> Said {
    desk.finish(desk.command(PROGRAM).arg("__complete").args(words))
}

/// The candidates without their help, and the directive.
fn candidates(said: &Said) -> Vec<String> {
    assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""));
    said.stdout().lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[track_caller]
fn offers(desk: &Desk, words: &[&str], expected: &[&str]) {
    assert_eq!(candidates(&ask(desk, words)), expected, "{words:?}");
}

#[test]
fn scripts_in_the_repository_are_those_that_the_program_prints() {
    let files = [
        (Shell::Bash, "kubectl-stateful.bash"),
        (Shell::Zsh, "kubectl-stateful.zsh"),
        (Shell::Fish, "kubectl-stateful.fish"),
        (Shell::Powershell, "kubectl-stateful.ps1"),
        (Shell::Kubectl, "kubectl_complete-stateful"),
    ];
    for (shell, file) in files {
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == script(shell).unwrap(), "completions/{file} is out of date: run scripts/completions");
    }
}

#[test]
fn scripts_are_valid_in_their_shells() {
    let desk = Desk::new();
    for (shell, extension) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish"), ("sh", "")] {
        let file = if extension.is_empty() {
            "kubectl_complete-stateful".to_owned()
        } else {
            format!("kubectl-stateful.{extension}")
        };
        let path = format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"));
        let said = desk.finish(desk.command(needed(shell)).args(["-n", &path]));
        assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""), "{shell} -n {file}");
    }
}

const ALL: [&str; 10] =
    ["status", "snapshot", "scale-down", "promote", "migrate", "resume", "undo", "history", "completion", ":4"];

#[test]
fn words_of_the_program_are_offered() {
    let desk = Desk::new();
    offers(&desk, &[], &ALL);
    offers(&desk, &[""], &ALL);
    offers(&desk, &["st"], &["status", ":4"]);
    offers(&desk, &["completion", "f"], &["fish", ":4"]);
    offers(&desk, &["status", "-o", ""], &["wide", "json", "yaml", "name", ":4"]);
    offers(&desk, &["status", "--output=j"], &["--output=json", ":4"]);
    offers(&desk, &["status", "--engine", "p"], &["patroni", "postgres", ":4"]);
    offers(&desk, &["status", "--no-h"], &["--no-headers", ":4"]);
    offers(&desk, &["nonsense", ""], &ALL);
}

#[test]
fn names_come_from_the_cluster() {
    let server = cluster();
    let desk = Desk::at(&server.url());
    offers(&desk, &["status", ""], &["cache", "db", ":4"]);
    offers(&desk, &["status", "d"], &["db", ":4"]);
    offers(&desk, &["status", "x"], &[":4"]);
    offers(&desk, &["status", "db", ""], &["cache", ":4"]);
    offers(&desk, &["status", "sts", "d"], &["db", ":4"]);
    offers(&desk, &["status", "sts/"], &["sts/cache", "sts/db", ":4"]);
    offers(&desk, &["status", "statefulset/d"], &["statefulset/db", ":4"]);
    offers(&desk, &["status", "deploy/"], &[":4"]);
    offers(&desk, &["snapshot", ""], &["cache", "db", ":4"]);
    offers(&desk, &["status", "-n", ""], &["bank", "shop", ":4"]);
    offers(&desk, &["status", "--namespace=b"], &["--namespace=bank", ":4"]);
    offers(&desk, &["-n", "b"], &["bank", ":4"]);
    offers(&desk, &["status", "--context", ""], &["here", ":4"]);
    offers(&desk, &["--cluster", ""], &["main", ":4"]);
    offers(&desk, &["status", "--user="], &["--user=me", ":4"]);
}

#[test]
fn only_names_are_asked_for() {
    let server = cluster();
    let desk = Desk::at(&server.url());
    offers(&desk, &["status", ""], &["cache", "db", ":4"]);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].headers.iter().any(|line| line.contains("as=PartialObjectMetadataList")), "{asked:?}");
    offers(&desk, &["status", "--no-probe", "--fr"], &["--from", ":4"]);
    assert_eq!(server.asked().len(), 1, "a flag is being typed: nobody needs names");
}

#[test]
fn flags_already_typed_say_where_names_come_from() {
    let server = cluster();
    let mut desk = Desk::at(&server.url());
    for words in [
        &["status", "-n", "bank", ""][..],
        &["status", "-nbank", ""],
        &["status", "-n=bank", ""],
        &["status", "--namespace", "bank", ""],
        &["status", "--namespace=bank", ""],
        &["status", "--namespace", "=", "bank", ""],
        &["-n", "bank", "status", ""],
        &["status", "-n", "shop", "-n", "bank", ""],
        &["status", "--no-probe", "--max-lag", "1Mi", "-n", "bank", "-l", "a=b", ""],
        &["status", "--watch", "--quiet", "--output=wide", "--namespace=bank", ""],
    ] {
        offers(&desk, words, &["ledger", ":4"]);
    }
    offers(&desk, &["status", "-A", ""], &[":4"]);
    let other = desk.file("other", kubeconfig(&server.url(), "{}"));
    let other = other.to_str().unwrap().to_owned();
    desk.kubeconfig(&kubeconfig(&format!("http://127.0.0.1:{}", closed_port()), "{}"));
    offers(&desk, &["status", "--kubeconfig", &other, "d"], &["db", ":4"]);
    offers(&desk, &["status", "--server", &server.url(), "d"], &["db", ":4"]);
    offers(&desk, &["status", "d"], &[":4"]);
    desk.set("KUBECONFIG", other);
    offers(&desk, &["status", "d"], &["db", ":4"]);
    offers(&desk, &["status", "--context", "nowhere", "d"], &[":4"]);
}

#[test]
fn names_come_from_the_file_that_is_looked_at() {
    let server = cluster();
    let desk = Desk::at(&server.url());
    desk.file(
        "dump.json",
        r#"{"kind":"List","items":[
            {"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"es","namespace":"logs"}},
            {"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"mq","namespace":"shop"}}]}"#,
    );
    offers(&desk, &["status", "--from", "dump.json", ""], &["es", "mq", ":4"]);
    offers(&desk, &["status", "--from=dump.json", "-n", "logs", ""], &["es", ":4"]);
    offers(&desk, &["status", "--from=dump.json", "-n", ""], &["logs", "shop", ":4"]);
    offers(&desk, &["status", "--from", "-", ""], &[":4"]);
    offers(&desk, &["status", "--from", "nothing", ""], &[":4"]);
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn files_are_left_to_the_shell_where_a_path_is_typed_and_nowhere_else() {
    let desk = Desk::new();
    desk.file("dump.json", "{}");
    for words in [
        &["status", "--from", ""][..],
        &["status", "--from", "du"],
        &["status", "--from="],
        &["snapshot", "--file", "d"],
        &["status", "--kubeconfig", ""],
        &["--kubeconfig="],
        &["status", "--certificate-authority", ""],
        &["status", "--client-key", ""],
    ] {
        offers(&desk, words, &[":0"]);
    }
    for words in [&["status", ""][..], &["status", "du"], &["status", "--container", ""], &["status", "-l", ""]] {
        offers(&desk, words, &[":4"]);
    }
}

#[test]
fn nothing_is_said_about_failures_and_nobody_waits_for_them() {
    let hanging = Server::always(Reply::Silence);
    let plugin = |script: &str| {
        let mut desk = Desk::new();
        desk.executable("plugin", &format!("#!/bin/sh\necho complaint >&2\n{script}\n"));
        let user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: plugin, args: [hunter2]}}";
        desk.kubeconfig(&kubeconfig(&hanging.url(), user));
        desk
    };
    let configured = |content: &str| {
        let mut desk = Desk::new();
        desk.kubeconfig(content);
        desk
    };
    let at = |reply: Reply| {
        let server = Server::always(reply);
        (Desk::at(&server.url()), server)
    };
    let servers = [
        at(Reply::Silence),
        at(Reply::json("{}")),
        at(Reply::json("[1, 2")),
        at(Reply::json(r#"{"items":[{"metadata":{"name":["db"]}}, 7, null]}"#)),
        at(Reply::Bytes(b"\x16\x03garbage")),
        at(Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"items\": [")),
        at(Reply::Answer(403, "text/html", "<html>".to_owned())),
        at(Reply::Answer(503, "text/plain", "busy".to_owned())),
    ];
    let desks = [
        Desk::new(),
        Desk::at(&format!("http://127.0.0.1:{}", closed_port())),
        Desk::at("https://no-such-host.invalid"),
        Desk::at("::::"),
        configured("{"),
        configured("contexts: 7"),
        configured(""),
        plugin("sleep 60"),
        plugin("exit 3"),
        plugin("echo hunter2"),
        plugin("echo garbage >&2; cat"),
    ];
    for (number, desk) in servers.iter().map(|(desk, _)| desk).chain(&desks).enumerate() {
        for words in [&["status", ""][..], &["status", "-n", ""], &["status", "--user", "x"]] {
            let said = ask(desk, words);
            assert_eq!((candidates(&said), number), (vec![":4".to_owned()], number), "{words:?}");
            assert!(said.took < PATIENCE, "{number} took {:?}", said.took);
        }
    }
}

#[test]
fn garbage_on_the_line_is_met_with_silence() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let server = cluster();
    let desk = Desk::at(&server.url());
    for words in [
        &["--", "", "status"][..],
        &["status", "--request-timeout", "soon", ""],
        &["status", "--namespace", "--", ""],
        &["status", "=", "=", ""],
        &["status", "--bogus=1", "-Z", ""],
        &["status", "--help", ""],
        &["status", "\u{1b}[31m", "\n", "d\n"],
        &["status", "-"],
    ] {
        let said = ask(&desk, words);
        assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""), "{words:?}");
        assert!(said.stdout().ends_with(":4\n"), "{words:?}: {}", said.stdout());
    }
    let said = desk.finish(desk.command(PROGRAM).arg("__complete").arg("status").arg(OsStr::from_bytes(b"\xff\xfe")));
    assert_eq!(candidates(&said), [":4"]);
}

#[test]
fn the_program_answers_under_the_name_that_kubectl_looks_for() {
    let server = cluster();
    let desk = Desk::at(&server.url());
    desk.file("bin/keep", "");
    let name = desk.path("bin/kubectl_complete-stateful");
    std::os::unix::fs::symlink(PROGRAM, &name).unwrap();
    assert_eq!(candidates(&desk.finish(desk.command(&name).args(["status", ""]))), ["cache", "db", ":4"]);
    // A word of the user's may look like our own hidden one.
    assert_eq!(candidates(&desk.finish(desk.command(&name).args(["__complete"]))), [":4"]);
}

/// A desk with the program and the shim on PATH, as krew and the README install them.
fn installed(server: &Server) -> Desk {
    let mut desk = Desk::at(&server.url());
    let kubectl = needed("kubectl");
    let directories = [desk.path("bin"), kubectl.parent().unwrap().into(), "/usr/bin".into(), "/bin".into()];
    desk.set("PATH", std::env::join_paths(directories).unwrap().into_string().unwrap());
    desk.executable("kubectl_complete-stateful", include_str!("../../completions/kubectl_complete-stateful"));
    std::os::unix::fs::symlink(PROGRAM, desk.path("bin/kubectl-stateful")).unwrap();
    desk
}

#[test]
fn kubectl_passes_words_and_candidates_on() {
    let server = cluster();
    let desk = installed(&server);
    let ask = |words: &[&str]| {
        let said = desk.finish(desk.command(needed("kubectl")).arg("__complete").arg("stateful").args(words));
        assert_eq!(said.code(), Some(0), "{}", said.stderr());
        said.stdout()
    };
    assert_eq!(ask(&["status", ""]), "cache\ndb\n:4\n");
    assert_eq!(ask(&["status", "sts/d"]), "sts/db\n:4\n");
    assert_eq!(ask(&["status", "--namespace=bank", ""]), "ledger\n:4\n");
    assert_eq!(ask(&["status", "-n", "b"]), "bank\n:4\n");
    assert_eq!(ask(&["status", "--from", ""]), ":0\n");
    assert!(ask(&[""]).starts_with("status\tShow every ordinal"), "{}", ask(&[""]));
}

/// Types a line into bash with kubectl's completion loaded, presses tab, and prints what is offered.
const TAB: &str = r#"
kubectl completion bash > kubectl.bash && source kubectl.bash
# What the package bash-completion gives every shell; it takes words apart at blanks only, as asked with -n =:.
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}; }
__ltrim_colon_completions() { :; }
BASH_COMP_DEBUG_FILE=log
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_TYPE=9 COMP_KEY=9
COMP_POINT=${#COMP_LINE}
# Outside of a real completion, bash's own compopt can only complain.
__start_kubectl 2>/dev/null
grep -o 'directive is: .*' log | tail -n 1
printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn the_tab_key_works_in_bash() {
    let server = cluster();
    let desk = installed(&server);
    let tab = |words: &[&str]| {
        let mut bash = desk.command(needed("bash"));
        bash.args(["--norc", "--noprofile", "-c", TAB, "bash", "kubectl", "stateful"]).args(words);
        let said = desk.finish(&mut bash);
        assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""));
        said.stdout().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let no_files = "directive is: 4";
    assert_eq!(tab(&["status", ""]), [no_files, "cache", "db"]);
    assert_eq!(tab(&["status", "sts/d"]), [no_files, "sts/db"]);
    assert_eq!(tab(&["status", "db", "-n", "s"]), [no_files, "shop"]);
    // No word of ours, and bash is not told to keep its own files back.
    assert_eq!(tab(&["status", "--from", ""]), ["directive is: 0", ""]);
    assert_eq!(tab(&["stat"]), [no_files, "status"]);
}

#[test]
fn the_bash_script_completes_the_program_under_its_own_name() {
    let server = cluster();
    let desk = installed(&server);
    let script = format!("{}/completions/kubectl-stateful.bash", env!("CARGO_MANIFEST_DIR"));
    let tab = r#"source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
_clap_complete_kubectl_stateful kubectl-stateful "${COMP_WORDS[COMP_CWORD]}" 2>/dev/null
IFS=$'\013'; printf '%s\n' "${COMPREPLY[@]}""#;
    let run = |words: &[&str]| {
        let mut bash = desk.command(needed("bash"));
        bash.args(["--norc", "--noprofile", "-c", tab, "bash", &script, "kubectl-stateful"]).args(words);
        let said = desk.finish(&mut bash);
        assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""));
        said.stdout().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(run(&["status", "d"]), ["db"]);
    assert_eq!(run(&["status", "-n", "bank", "l"]), ["ledger"]);
    assert_eq!(run(&["stat"]), ["status"]);
}

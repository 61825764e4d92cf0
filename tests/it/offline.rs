//! `status --from`: files that hold what they should, files that do not, and what is said about them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use insta::assert_snapshot;

use crate::support::program::{Desk, PROGRAM, needed};

const SET: &str = r#"{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db","namespace":"shop","uid":"u1"},
 "spec":{"replicas":1,"serviceName":"db","selector":{"matchLabels":{"app":"db"}},
  "template":{"metadata":{"labels":{"app":"db"}},"spec":{"containers":[{"name":"c","image":"busybox"}]}}}}"#;

fn list(items: &[&str]) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(","))
}

fn set(name: &str) -> String {
    SET.replace("\"name\":\"db\",\"namespace\"", &format!("\"name\":\"{name}\",\"namespace\""))
}

/// What `status --from` says about a file with this content.
fn from(content: impl AsRef<[u8]>) -> String {
    let desk = Desk::new();
    desk.file("dump", content);
    desk.run(&["status", "--from", "dump", "-o", "name"]).screen()
}

#[test]
fn files_that_cannot_be_read() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.file("notes/readme.txt", "nothing for us");
    let say = |path: &str| desk.run(&["status", "--from", path]).screen();
    assert_snapshot!(say("nothing.json"), @"
    exit code 7
    --- stderr
    error: nothing.json cannot be read: No such file or directory (os error 2)
    ");
    assert_snapshot!(say("empty"), @"
    exit code 7
    --- stderr
    error: empty holds no StatefulSet: there is no .json, .yaml or .yml file in it
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(say("notes"), @"
    exit code 7
    --- stderr
    error: notes holds no StatefulSet: there is no .json, .yaml or .yml file in it
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(say("/dev/null"), @"
    exit code 7
    --- stderr
    error: /dev/null holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(say(""), @"
    exit code 2
    --- stderr
    error: a value is required for '--from <FILE|DIR|->' but none was supplied

    For more information, try '--help'.
    ");
    std::os::unix::fs::symlink("loop", desk.path("loop")).unwrap();
    assert_snapshot!(say("loop"), @"
    exit code 7
    --- stderr
    error: loop cannot be read: Too many levels of symbolic links (os error 40)
    ");
}

#[test]
fn files_that_are_not_what_kubectl_prints() {
    assert_snapshot!(from(""), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("\n\n"), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(&list(&[SET])[..180]), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: EOF while parsing a string at line 2 column 37
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("{"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: EOF while parsing an object at line 1 column 1
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("[1, 2, 3]"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: it is neither JSON nor YAML objects
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(format!("[{SET}]")), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: it is neither JSON nor YAML objects
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("7"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: it is neither JSON nor YAML objects
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("hello\u{1b}[31m: world: again"), @r"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: line 1 column 1: unexpected character: `\u{1b}'
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(b"\x7fELF\x02\x01\x01\x00\x00\xff\xfe"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: it is not text
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("{} trailing"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: trailing characters at line 1 column 4
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(list(&[SET]).replace("]}", "]} x")), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: expected `,` or `}` at line 3 column 105
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("error: You must be logged in to the server (Unauthorized)\n"), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet that can be read; dump: an object without a kind was left out
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("<!doctype html><title>Sign in</title>"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: it is neither JSON nor YAML objects
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(r#"{"kind":"List","items":{"a":1}}"#), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: invalid type: map, expected a list of Kubernetes objects at line 1 column 25
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("a: &a [*a]\n"), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: line 1 column 8: recursive references require weak recursion types
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("[".repeat(100_000)), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: line 1 column 256: recursion limit exceeded
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("{\"a\":".repeat(100_000)), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: recursion limit exceeded at line 1 column 636
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
}

#[test]
fn files_that_unfold_are_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (last, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        writeln!(bomb, "{next}: &{next} [{}]", vec![format!("*{last}"); 10].join(", ")).unwrap();
    }
    assert_snapshot!(from(bomb), @"
    exit code 7
    --- stderr
    error: dump is not what kubectl prints: line 6 column 36: alias replay limit exceeded: total_replayed_events=1000001 > 1000000
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
}

#[test]
fn files_without_a_statefulset() {
    assert_snapshot!(from(list(&[])), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(r#"{"kind":"List","items":null}"#), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from("{}"), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet that can be read; dump: an object without a kind was left out
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"db-0","namespace":"shop"}}"#;
    let map = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"}}"#;
    assert_snapshot!(from(list(&[pod, map, map])), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet (it holds 1 Pod, 2 ConfigMap)
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    assert_snapshot!(from(SET.replace("apps/v1", "example.com/v1")), @"
    exit code 7
    --- stderr
    error: dump holds no StatefulSet (it holds 1 StatefulSet of example.com/v1)
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
}

#[test]
fn good_objects_are_shown_whatever_lies_beside_them() {
    let broken = set("bad").replace(r#""replicas":1"#, r#""replicas":"many""#);
    assert_snapshot!(from(list(&[SET, &broken, &set("es")])), @r#"
    exit code 0
    --- stdout
    statefulset.apps/db
    statefulset.apps/es
    --- stderr
    warning: dump: statefulset bad was left out: invalid type: string "many", expected i32
    "#);
    assert_snapshot!(from(list(&["7", "null", "\"x\"", "[]", "{}", SET])), @"
    exit code 0
    --- stdout
    statefulset.apps/db
    --- stderr
    warning: dump: an object without a kind was left out
    warning: dump: an object without a kind was left out
    warning: dump: an object without a kind was left out
    warning: dump: an object without a kind was left out
    warning: dump: an object without a kind was left out
    ");
    let unknown = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":7}"#;
    assert_snapshot!(from(list(&[unknown, SET, unknown])), @"
    exit code 0
    --- stdout
    statefulset.apps/db
    ");
    let nameless = SET.replace(r#""name":"db","#, "");
    assert_snapshot!(from(list(&[&nameless, SET])), @"
    exit code 0
    --- stdout
    statefulset.apps/db
    --- stderr
    warning: dump: a statefulset without a name was left out
    ");
    let many: Vec<String> = (0..14).map(|at| broken.replace("bad", &format!("bad-{at}"))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain([SET]).collect();
    assert_snapshot!(from(list(&many)), @r#"
    exit code 0
    --- stdout
    statefulset.apps/db
    --- stderr
    warning: dump: statefulset bad-0 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-1 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-2 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-3 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-4 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-5 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-6 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-7 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-8 was left out: invalid type: string "many", expected i32
    warning: dump: statefulset bad-9 was left out: invalid type: string "many", expected i32
    warning: 4 more objects were left out
    "#);
    let escaped = set("bad").replace("bad", r"\u001b[2Jx").replace(r#""replicas":1"#, r#""replicas":[]"#);
    assert_snapshot!(from(list(&[&escaped, SET])), @r"
    exit code 0
    --- stdout
    statefulset.apps/db
    --- stderr
    warning: dump: statefulset \u{1b}[2Jx was left out: invalid type: sequence, expected i32
    ");
}

#[test]
fn every_form_in_which_kubectl_prints_objects_is_read() {
    let shown = "exit code 0\n--- stdout\nstatefulset.apps/db\n";
    let yaml = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\nspec: {replicas: 1}\n";
    assert_eq!(from(SET), shown);
    assert_eq!(from(list(&[SET])), shown);
    assert_eq!(from(list(&[&list(&[SET])])), shown, "a list in a list");
    assert_eq!(from(yaml), shown);
    assert_eq!(from(format!("---\n{yaml}---\nkind: Other\n")), shown, "several documents");
    assert_eq!(from(format!("\u{feff}{yaml}")), shown, "a byte order mark, as Windows writes it");
    assert_eq!(from(format!("\u{feff}{}", list(&[SET]))), shown);
    assert_eq!(from(format!("  \n\t{SET}\n\n")), shown);
    let typed =
        r#"{"kind":"StatefulSetList","apiVersion":"apps/v1","items":[{"metadata":{"name":"db","namespace":"shop"}}]}"#;
    assert_eq!(from(typed), shown);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(SET.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(from(utf16), shown, "what `>` of PowerShell writes");
}

#[test]
fn a_directory_is_read_as_a_whole() {
    let desk = Desk::new();
    desk.file("dump/shop/sets.json", list(&[SET]));
    desk.file("dump/logs/sets.yaml", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: es, namespace: logs}\n");
    desk.file("dump/shop/db-0/logs.txt", "not for us: {");
    let said = desk.run(&["status", "--from", "dump", "-o", "name"]);
    assert_eq!(said.screen(), "exit code 0\n--- stdout\nstatefulset.apps/es\nstatefulset.apps/db\n");
    desk.file("dump/shop/broken.json", "{\"items\": [");
    assert_snapshot!(desk.run(&["status", "--from", "dump", "-o", "name"]).screen(), @"
    exit code 0
    --- stdout
    statefulset.apps/es
    statefulset.apps/db
    --- stderr
    warning: dump/shop/broken.json is not what kubectl prints: EOF while parsing a list at line 1 column 11
    ");
}

#[test]
fn names_that_the_file_does_not_hold() {
    let desk = Desk::new();
    desk.file("dump.json", list(&[SET, &set("es")]));
    let say = |words: &[&str]| desk.run(&[&["status", "--from", "dump.json", "-o", "name"], words].concat()).screen();
    assert_snapshot!(say(&["mq"]), @"
    exit code 2
    --- stderr
    error: there is no statefulset/mq in any namespace; there is db, es
    ");
    assert_snapshot!(say(&["db", "-n", "logs"]), @"
    exit code 2
    --- stderr
    error: there is no statefulset/db in namespace logs; there is none at all
    ");
    assert_snapshot!(say(&["-n", "logs"]), @"
    exit code 0
    --- stderr
    No StatefulSet in namespace logs.
    ");
    assert_snapshot!(say(&["sts/es"]), @"
    exit code 0
    --- stdout
    statefulset.apps/es
    ");
    assert_snapshot!(say(&["es", "-A"]), @"
    exit code 0
    --- stdout
    statefulset.apps/es
    ");
    assert_snapshot!(say(&["--watch"]), @"
    exit code 2
    --- stderr
    error: the argument '--from <FILE|DIR|->' cannot be used with '--watch'

    Usage: kubectl stateful status --from <FILE|DIR|-> --output <FORMAT> [NAME]...

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["-l", "a=b"]), @"
    exit code 2
    --- stderr
    error: the argument '--from <FILE|DIR|->' cannot be used with '--selector <SELECTOR>'

    Usage: kubectl stateful status --from <FILE|DIR|-> --output <FORMAT> [NAME]...

    For more information, try '--help'.
    ");
}

#[test]
fn standard_input_is_read_and_may_be_closed() {
    let desk = Desk::new();
    let mut child = desk.command(PROGRAM);
    let mut child = child
        .args(["status", "--from", "-", "-o", "name"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(SET.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"statefulset.apps/db\n");
    assert_snapshot!(desk.run(&["status", "--from", "-"]).screen(), @"
    exit code 7
    --- stderr
    error: standard input holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
    let mut bash = desk.command(needed("bash"));
    bash.args(["-c", "exec \"$0\" status --from - <&-", PROGRAM]);
    assert_snapshot!(desk.finish(&mut bash).screen(), @"
    exit code 7
    --- stderr
    error: standard input holds no StatefulSet: it is empty
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
}

#[test]
fn files_that_are_too_large_are_refused_before_they_fill_the_memory() {
    let desk = Desk::new();
    let sparse = |name: &str, start: &str, length: u64| {
        let file = std::fs::File::create(desk.path(name)).unwrap();
        (&file).write_all(start.as_bytes()).unwrap();
        file.set_len(length).unwrap();
    };
    sparse("huge.yaml", "a: b\n", (256 << 20) + 1);
    sparse("huge.json", "{\"items\": [", 5 << 30);
    let said = desk.run(&["status", "--from", "huge.yaml"]);
    assert_snapshot!(said.screen(), @"
    exit code 7
    --- stderr
    error: huge.yaml is larger than 256 MiB; write it with `-o json`, which has no such limit
    ");
    assert!(said.took < Duration::from_secs(10), "{:?}", said.took);
    assert_snapshot!(desk.run(&["status", "--from", "huge.json"]).screen(), @"
    exit code 7
    --- stderr
    error: huge.json is not what kubectl prints: expected value at line 1 column 12
    hint: make one with `kubectl stateful snapshot -A > dump.json`, or `kubectl get sts,pods,pvc,pv,nodes,pdb,svc,endpointslices -A -o json > dump.json`
    ");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    let sets: Vec<String> = (0..3000).map(|at| set(&format!("db-{at}"))).collect();
    desk.file("dump.json", list(&sets.iter().map(String::as_str).collect::<Vec<_>>()));
    for output in ["name", "json", "yaml", "wide"] {
        let mut bash = desk.command(needed("bash"));
        bash.args([
            "-c",
            "set -o pipefail; \"$0\" status --from dump.json -o \"$1\" | head -n 1 > /dev/null",
            PROGRAM,
            output,
        ]);
        let said = desk.finish(&mut bash);
        assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""), "-o {output}");
    }
}

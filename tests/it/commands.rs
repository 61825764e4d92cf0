//! The program as a process: words that are wrong, names that cannot be, readers that go away.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::program::{Desk, PROGRAM, needed};

fn say(words: &[&str]) -> String {
    Desk::new().run(words).screen()
}

#[test]
fn help_speaks_of_kubectl_stateful() {
    for words in [
        &["--help"][..],
        &["-h"],
        &["status", "--help"],
        &["status", "-h"],
        &["snapshot", "--help"],
        &["completion", "--help"],
    ] {
        let said = Desk::new().run(words);
        assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""), "{words:?}");
        let help = said.stdout();
        assert!(help.contains("Usage: kubectl stateful"), "{help}");
        let dashed = help.lines().filter(|line| line.contains("kubectl-stateful"));
        let unexpected: Vec<&str> = dashed.filter(|line| words[0] != "completion" || line.contains("Usage")).collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
    }
    let said = Desk::new().run(&["--version"]);
    assert_eq!((said.code(), said.stdout()), (Some(0), format!("kubectl-stateful {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn words_that_are_no_command() {
    assert_snapshot!(say(&["statsu"]), @"
    exit code 2
    --- stderr
    error: unrecognized subcommand 'statsu'

      tip: a similar subcommand exists: 'status'

    Usage: kubectl stateful [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["status", "--nmaespace", "shop"]), @"
    exit code 2
    --- stderr
    error: unexpected argument '--nmaespace' found

      tip: a similar argument exists: '--namespace'

    Usage: kubectl stateful status --namespace <NAME> [NAME]...

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["status", "-o", "xml"]), @"
    exit code 2
    --- stderr
    error: invalid value 'xml' for '--output <FORMAT>'
      [possible values: wide, json, yaml, name]

      tip: a similar value exists: 'yaml'

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["status", "--request-timeout", "soon"]), @"
    exit code 2
    --- stderr
    error: invalid value 'soon' for '--request-timeout <TIME>': write it as 30s, 2m or 1h

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["status", "--max-lag", "much"]), @"
    exit code 2
    --- stderr
    error: invalid value 'much' for '--max-lag <SIZE>': write it as 16MiB, 500M or a number of bytes

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["completion"]), @"
    exit code 2
    --- stderr
    error: the following required arguments were not provided:
      <SHELL>

    Usage: kubectl stateful completion <SHELL>

    For more information, try '--help'.
    ");
    let nothing = Desk::new().run(&[]);
    assert_eq!(nothing.code(), Some(2));
    assert!(nothing.stderr().contains("Usage: kubectl stateful [OPTIONS] <COMMAND>"), "{}", nothing.stderr());
}

#[test]
fn names_that_cannot_be() {
    assert_snapshot!(say(&["status", "deploy/web"]), @"
    exit code 2
    --- stderr
    error: deploy/web is not a StatefulSet
    hint: name a StatefulSet: NAME, sts/NAME or statefulset/NAME, not a deploy
    ");
    assert_snapshot!(say(&["status", "Web_1"]), @"
    exit code 2
    --- stderr
    error: `Web_1` cannot be the name of a StatefulSet
    hint: names have lower-case letters, digits, dashes and dots; `kubectl stateful status` lists them
    ");
    assert_snapshot!(say(&["status", "db\u{1b}[2J"]), @r"
    exit code 2
    --- stderr
    error: `db\u{1b}[2J` cannot be the name of a StatefulSet
    hint: names have lower-case letters, digits, dashes and dots; `kubectl stateful status` lists them
    ");
    assert_snapshot!(say(&["status", "sts/"]), @"
    exit code 2
    --- stderr
    error: `sts/` cannot be the name of a StatefulSet
    hint: names have lower-case letters, digits, dashes and dots; `kubectl stateful status` lists them
    ");
    assert_snapshot!(say(&["snapshot", "pod/db-0"]), @"
    exit code 2
    --- stderr
    error: pod/db-0 is not a StatefulSet
    hint: name a StatefulSet: NAME, sts/NAME or statefulset/NAME, not a pod
    ");
    assert_snapshot!(say(&["status", "db", "-A"]), @"
    exit code 2
    --- stderr
    error: a name and -A do not go together
    hint: name the namespace with -n, or leave the name out
    ");
    assert_snapshot!(say(&["snapshot", "db", "-A"]), @"
    exit code 2
    --- stderr
    error: a name and -A do not go together
    hint: name the namespace with -n, or leave the name out
    ");
    assert_snapshot!(say(&["status", "-n", "shop", "-A"]), @"
    exit code 2
    --- stderr
    error: the argument '--namespace <NAME>' cannot be used with '--all-namespaces'

    Usage: kubectl stateful status --namespace <NAME> [NAME]...

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["status", "-n", "no/such", "db"]), @"
    exit code 2
    --- stderr
    error: invalid value 'no/such' for '--namespace <NAME>': a namespace has lower-case letters, digits and dashes only

    For more information, try '--help'.
    ");
    assert_snapshot!(say(&["status", "-n", ""]), @"
    exit code 2
    --- stderr
    error: no cluster is configured: there is no kubeconfig file; name one with --kubeconfig or $KUBECONFIG
    ");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for words in [&["completion", "bash"][..], &["--help"], &["status", "--help"], &["__complete", ""]] {
        let desk = Desk::new();
        let mut child = desk.command(PROGRAM);
        let mut child = child.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap()),
            (Some(0), String::new()),
            "{words:?}"
        );
    }
    let said = Desk::new();
    let mut bash = said.command(needed("bash"));
    bash.args(["-c", "set -o pipefail; \"$0\" completion bash | head -n 1", PROGRAM]);
    let said = said.finish(&mut bash);
    assert_eq!((said.code(), said.stderr().as_str()), (Some(0), ""));
}

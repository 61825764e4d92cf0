//! The program as a process: what somebody sees whose cluster cannot be reached, and how long it takes.

use std::time::Duration;

use insta::assert_snapshot;

use crate::support::program::{Desk, Said, kubeconfig};
use crate::support::server::{Reply, Server, closed_port};

/// What three tries with their pauses take, and a busy machine on top.
const RETRY_BUDGET: Duration = Duration::from_secs(6);

fn say(words: &[&str]) -> String {
    Desk::new().run(words).screen()
}

/// `status`, on a cluster that answers this to everything.
fn at(reply: Reply) -> Said {
    let server = Server::always(reply);
    Desk::at(&server.url()).run(&["status"])
}

#[test]
fn kubeconfigs_that_lead_nowhere() {
    assert_snapshot!(say(&["status"]), @"
    exit code 2
    --- stderr
    error: no cluster is configured: there is no kubeconfig file; name one with --kubeconfig or $KUBECONFIG
    ");
    assert_snapshot!(say(&["status", "--kubeconfig", "nothing"]), @"
    exit code 7
    --- stderr
    error: the kubeconfig nothing cannot be read: No such file or directory (os error 2)
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
    assert_snapshot!(say(&["status", "--kubeconfig", "."]), @"
    exit code 7
    --- stderr
    error: the kubeconfig . cannot be read: Is a directory (os error 21)
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
    let with = |content: &str, words: &[&str]| {
        let mut desk = Desk::new();
        desk.kubeconfig(content);
        desk.run(&[&["status"], words].concat()).screen()
    };
    assert_snapshot!(with("{", &[]), @"
    exit code 7
    --- stderr
    error: the kubeconfig HOME/.kube/config is not valid: line 1 column 1: unclosed bracket '{'
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
    assert_snapshot!(with("contexts: 7", &[]), @"
    exit code 7
    --- stderr
    error: the kubeconfig HOME/.kube/config is not valid: line 1 column 11: expected sequence start
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
    assert_snapshot!(with("", &[]), @"
    exit code 2
    --- stderr
    error: the kubeconfig has no current context; choose one with --context or `kubectl config use-context`
    ");
    assert_snapshot!(with("apiVersion: v1\nkind: Config\n", &[]), @"
    exit code 2
    --- stderr
    error: the kubeconfig has no current context; choose one with --context or `kubectl config use-context`
    ");
    let good = kubeconfig("http://127.0.0.1:1", "{}");
    assert_snapshot!(with(&good, &["--context", "there"]), @"
    exit code 2
    --- stderr
    error: the kubeconfig has no context `there`; `kubectl config get-contexts` lists them
    ");
    assert_snapshot!(with(&good, &["--cluster", "other"]), @"
    exit code 2
    --- stderr
    error: the kubeconfig has no cluster `other`; `kubectl config get-clusters` lists them
    ");
    assert_snapshot!(with(&good, &["--user", "somebody"]), @"
    exit code 2
    --- stderr
    error: the kubeconfig has no user `somebody`; `kubectl config get-users` lists them
    ");
    assert_snapshot!(with(&good.replace("cluster: main", "cluster: gone"), &[]), @"
    exit code 2
    --- stderr
    error: the kubeconfig has no cluster `gone`; `kubectl config get-clusters` lists them
    ");
    assert_snapshot!(with(&kubeconfig("", "{}"), &[]), @"
    exit code 2
    --- stderr
    error: the kubeconfig's cluster has no server address; name one with --server
    ");
    assert_snapshot!(with(&kubeconfig("not an address", "{}"), &[]), @"
    exit code 2
    --- stderr
    error: `not an address` is not the address of an API server
    ");
    assert_snapshot!(with(&good, &["--certificate-authority", "nothing.pem"]), @"
    exit code 7
    --- stderr
    error: the certificate authority of http://127.0.0.1:1: nothing.pem cannot be read: No such file or directory (os error 2)
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
    assert_snapshot!(with(&good, &["--client-certificate", "a.pem", "--client-key", "b.pem"]), @"
    exit code 7
    --- stderr
    error: no client can be made for http://127.0.0.1:1: a.pem cannot be read: No such file or directory (os error 2)
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
    assert_snapshot!(with(&kubeconfig("http://127.0.0.1:1", "{tokenFile: /nothing}"), &[]), @"
    exit code 7
    --- stderr
    error: no credentials for http://127.0.0.1:1: /nothing cannot be read: No such file or directory (os error 2)
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
}

#[test]
fn a_kubeconfig_of_several_files_is_read_as_kubectl_reads_it() {
    let server = Server::always(Reply::Answer(401, "text/plain", String::new()));
    let mut desk = Desk::at(&server.url());
    let there = desk.path(".kube/config").display().to_string();
    desk.set("KUBECONFIG", format!("/nothing:{there}:"));
    assert_eq!(desk.run(&["status"]).code(), Some(7));
    assert!(!server.asked().is_empty());
    let mut desk = Desk::new();
    desk.set("KUBECONFIG", "/nothing:/nowhere");
    assert_snapshot!(desk.run(&["status"]).screen(), @"
    exit code 7
    --- stderr
    error: the kubeconfig /nothing cannot be read: No such file or directory (os error 2)
    hint: `kubectl config view` reads the same file; name another with --kubeconfig
    ");
}

#[test]
fn a_server_that_is_not_there_is_given_up_within_the_retry_budget() {
    let server = format!("http://127.0.0.1:{}", closed_port());
    let said = Desk::at(&server).run(&["status"]);
    assert_snapshot!(said.screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER cannot be reached: Connection refused (os error 111)
    hint: is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell
    ");
    assert!(said.took < RETRY_BUDGET, "{:?}", said.took);
    assert_snapshot!(Desk::at("https://no-such-host.invalid:6443").run(&["status"]).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER cannot be reached: failed to lookup address information: Name or service not known
    hint: is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell
    ");
}

#[test]
fn a_server_that_hangs_is_left_after_the_time_that_was_given() {
    let server = Server::always(Reply::Silence);
    let said = Desk::at(&server.url()).run(&["status", "--request-timeout", "1s"]);
    assert_snapshot!(said.screen(), @"
    exit code 7
    --- stderr
    error: no answer within 1s from SERVER (--request-timeout)
    hint: is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell
    ");
    assert!(said.took < Duration::from_secs(3), "{:?}", said.took);
    let half = Server::always(Reply::Bytes(b"HTTP/1.1 200 OK\r\n"));
    let said = Desk::at(&half.url()).run(&["status", "--request-timeout", "1s"]);
    assert!(said.took < RETRY_BUDGET, "{:?}", said.took);
}

#[test]
fn a_server_that_refuses() {
    let status = |code: u16, message: &str| {
        let body =
            format!(r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{message}","code":{code}}}"#);
        Reply::Answer(code, "application/json", body)
    };
    assert_snapshot!(at(status(401, "Unauthorized")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER does not accept these credentials (401 Unauthorized)
    hint: credentials expire: log in again, then check with `kubectl auth whoami`
    ");
    assert_snapshot!(at(status(403, "statefulsets.apps is forbidden: User \\\"me\\\" cannot list")).screen(), @"
    exit code 7
    --- stderr
    error: forbidden: list statefulsets
    hint: docs/rbac.md has the least Role for this command; check with `kubectl auth can-i --list`
    ");
    assert_snapshot!(at(status(500, "etcdserver: request timed out")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER answered 500 to list statefulsets: etcdserver: request timed out
    hint: the API server or what is behind it is in trouble: `kubectl get --raw '/readyz?verbose'` tells
    ");
    assert_snapshot!(at(status(429, "too many requests")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER answered 429 to list statefulsets: too many requests
    hint: the API server or what is behind it is in trouble: `kubectl get --raw '/readyz?verbose'` tells
    ");
    assert_snapshot!(at(Reply::Answer(404, "text/plain", "404 page not found".to_owned())).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER does not know how to list statefulsets (404)
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::Answer(503, "text/html", "<html>busy</html>".to_owned())).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER answered 503 to list statefulsets: Service Unavailable
    hint: the API server or what is behind it is in trouble: `kubectl get --raw '/readyz?verbose'` tells
    ");
}

#[test]
fn a_server_that_is_no_api_server() {
    let page = "<!doctype html><title>Sign in</title>".to_owned();
    assert_snapshot!(at(Reply::Answer(200, "text/html", page)).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER gave no usable answer to list statefulsets: a web page
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::Answer(302, "text/html", String::new())).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER does not list statefulsets but points elsewhere (302 Found)
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::json("{}")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER gave no usable answer to list statefulsets: not a list
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::json("{\"items\": [")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER gave no usable answer to list statefulsets: not JSON: EOF while parsing a list at line 1 column 11
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::json("{\"items\": 7}")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER gave no usable answer to list statefulsets: not a list
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::json("k8s\0\u{1}\u{2}rubbish")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER gave no usable answer to list statefulsets: the answer is cut off or damaged: failed to decode Protobuf message: invalid tag value: 0
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::json("")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER gave no usable answer to list statefulsets: the answer is not what the API server sends (no protobuf envelope)
    hint: is it an API server? a proxy or a login page may answer in its place: `kubectl version` tells
    ");
    assert_snapshot!(at(Reply::Bytes(b"\x16\x03\x01\x02garbage\x1b[31m\r\n\r\n")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER cannot be reached: invalid HTTP version parsed
    hint: is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell
    ");
    assert_snapshot!(at(Reply::Bytes(b"")).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER cannot be reached: connection closed before message completed
    hint: is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell
    ");
    let half = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"items\": [";
    assert_snapshot!(at(Reply::Bytes(half)).screen(), @"
    exit code 7
    --- stderr
    error: the server at SERVER cannot be reached: the answer broke off: end of file before message length reached
    hint: is it the right cluster? `kubectl config current-context` and `kubectl cluster-info` tell
    ");
}

/// A desk whose credentials come from a plugin.
fn with_plugin(script: Option<&str>, more: &str) -> Desk {
    let mut desk = Desk::new();
    if let Some(script) = script {
        desk.executable("cloud-login", &format!("#!/bin/sh\n{script}\n"));
    }
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: cloud-login, args: [--secret, hunter2], \
         env: [{{name: PASSWORD, value: hunter2}}]{more}}}}}"
    );
    desk.kubeconfig(&kubeconfig("https://127.0.0.1:1", &user));
    desk
}

#[test]
fn credential_plugins_that_fail() {
    let say = |script: Option<&str>, more: &str| {
        let said = with_plugin(script, more).run(&["status"]);
        assert!(!said.stderr().contains("hunter2"), "{}", said.stderr());
        said.screen()
    };
    assert_snapshot!(say(None, ""), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` is not installed, or not on PATH
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(None, ", installHint: \"get it from example.com/login\\nthen log in\\n\""), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` is not installed, or not on PATH
    get it from example.com/login
    then log in
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(Some("echo hunter2; exit 3"), ""), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` failed (exit status: 3)
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(Some("echo hunter2; echo session expired >&2; exit 3"), ", interactiveMode: Never"), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` failed (exit status: 3): session expired
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(Some("echo session expired >&2; exit 3"), ""), @"
    exit code 7
    --- stderr
    session expired
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` failed (exit status: 3)
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(Some("echo hunter2"), ""), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` printed something that is no credential
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(Some("echo '{\"kind\":\"ExecCredential\",\"token\":\"hunter2\"}'"), ""), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` printed something that is no credential
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
    assert_snapshot!(say(Some("kill -9 $$"), ""), @"
    exit code 7
    --- stderr
    error: no credentials for https://127.0.0.1:1: the credential plugin `cloud-login` failed (signal: 9 (SIGKILL))
    hint: does `kubectl get pods` work? `kubectl config view --minify` names where credentials come from
    ");
}

#[test]
fn proxies_are_chosen_as_kubectl_chooses_them() {
    let server = Server::always(Reply::Answer(401, "text/plain", String::new()));
    let port = closed_port();
    let elsewhere = format!("http://u:hunter2@127.0.0.1:{port}");
    // A plain server on a loopback address is never asked through a proxy; `--server` names one that is neither.
    let far = "https://api.example.invalid:6443";
    let mut desk = Desk::at(&server.url());
    desk.set("HTTPS_PROXY", &elsewhere);
    desk.set("NO_PROXY", "localhost,");
    let said = desk.run(&["status"]);
    assert_eq!(said.code(), Some(7));
    assert!(said.stderr().contains("401"), "a trailing comma is no error: {}", said.stderr());
    let through = desk.run(&["status", "--server", far]);
    let named = format!("(through the proxy 127.0.0.1:{port})");
    assert!(through.stderr().contains("refused") && through.stderr().contains(&named), "{}", through.stderr());
    assert!(!through.stderr().contains("hunter2"), "{}", through.stderr());
    desk.set("NO_PROXY", "10.0.0.0/8, example.invalid,");
    let around = desk.run(&["status", "--server", far]);
    assert!(!around.stderr().contains("refused"), "NO_PROXY covers the server: {}", around.stderr());
    desk.set("NO_PROXY", "");
    desk.set("HTTPS_PROXY", "http://u:hunter2@[bad");
    assert_snapshot!(desk.run(&["status", "--server", far]).screen(), @"
    exit code 2
    --- stderr
    error: HTTPS_PROXY is not the address of a proxy: invalid authority
    ");
    desk.set("HTTPS_PROXY", "gopher://u:hunter2@127.0.0.1:1");
    assert_snapshot!(desk.run(&["status", "--server", far]).screen(), @"
    exit code 2
    --- stderr
    error: HTTPS_PROXY names a proxy of the kind `gopher`: only http, https and socks5 are understood
    ");
}

//! Pods that do not run as they should.

use crate::support::{Namespace, Ran, finding, plain_set, proves, row, short};

#[test]
fn a_container_that_ends_again_and_again_is_named_with_its_exit_code() {
    let namespace = Namespace::new("crash");
    let manifest = plain_set("q", 1, "");
    let (before, rest) = manifest.split_once("command:").expect("a command");
    let (_, after) = rest.split_once('\n').expect("more lines");
    namespace.apply(&format!("{before}command: [sh, -c, 'echo no disk; exit 3']\n{after}"));
    let report = namespace.until_found("q", "pod-restarting");
    let restarting = finding(&report, "pod-restarting");
    assert_eq!(restarting["subject"], "pod/q-0");
    let message = restarting["message"].as_str().expect("message");
    assert!(message.contains("container main") && message.contains("exit code 3"), "{message}");
    assert_eq!(row(&report, "q-0")["safe"]["answer"], "no", "{}", short(&report));
    namespace.screen("q");
    // The suggested command shows what the container said last.
    let line = restarting["next"].as_str().expect("a command").to_owned();
    let seen = crate::support::eventually("the last words of the container", || {
        let Ran { stdout, stderr, .. } = crate::support::run("sh", &["-c", &line]);
        if stdout.contains("no disk") { Ok(stdout) } else { Err(stderr) }
    });
    proves(format!("`{line}` prints: {}", seen.trim()));
}

#[test]
fn a_pod_that_no_node_takes_is_pending_in_the_schedulers_words() {
    let namespace = Namespace::new("unschedulable");
    let manifest = plain_set("q", 1, "").replace(
        "      terminationGracePeriodSeconds: 1",
        "      terminationGracePeriodSeconds: 1\n      nodeSelector: {disk: nowhere}",
    );
    namespace.apply(&manifest);
    let report = namespace.until_found("q", "pod-pending");
    let message = finding(&report, "pod-pending")["message"].as_str().expect("message");
    assert!(message.contains("node affinity/selector"), "{message}");
    namespace.screen("q");
    proves(message);
}

#[test]
fn a_pod_of_somebody_else_in_an_ordinals_place_is_critical() {
    let namespace = Namespace::new("foreign");
    let image = ["--image=docker.io/library/busybox:1", "--image-pull-policy=Never", "--restart=Never"];
    let run_pod = [&["run", "q-1"][..], &image, &["--command", "--", "sleep", "600"]].concat();
    namespace.kubectl(&run_pod).ok();
    namespace.apply(&plain_set("q", 2, ""));
    let report = namespace.until_found("q", "pod-not-owned");
    assert_eq!(finding(&report, "pod-not-owned")["subject"], "pod/q-1");
    namespace.screen("q");
    namespace.kubectl(&["delete", "pod", "q-1", "--now"]).ok();
    namespace.until_ready("q", 2);
    proves("a foreign pod keeps an ordinal from being made, until it goes");
}

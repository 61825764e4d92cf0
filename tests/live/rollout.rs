//! Rollouts that are stuck, held by a partition, or wait for somebody.

use serde_json::Value;

use crate::support::{Namespace, codes, finding, plain_set, proves, row, short, type_in};

/// Nothing pulls it: images are on the nodes or nowhere.
const BROKEN: &str = "main=docker.io/library/busybox:no-such-tag";
const RIGHT: &str = "main=docker.io/library/busybox:1";

/// Changes the template in a way that changes nothing.
const TOUCH: &str = r#"{"spec":{"template":{"metadata":{"annotations":{"v":"2"}}}}}"#;

fn is_complete(report: &Value, members: u32) -> bool {
    report["head"]["ready"] == members && report["head"]["rollout"]["state"] == "complete"
}

#[test]
fn a_rollout_stuck_behind_a_broken_revision_is_freed_by_the_suggested_commands() {
    let namespace = Namespace::new("stuck");
    namespace.apply(&plain_set("q", 2, ""));
    namespace.until_ready("q", 2);
    namespace.kubectl(&["set", "image", "statefulset/q", BROKEN]).ok();
    let report = namespace.until_found("q", "rollout-stuck");
    let stuck = finding(&report, "rollout-stuck");
    assert_eq!(stuck["subject"], "pod/q-1");
    assert_eq!(report["head"]["rollout"]["pod"], "q-1");
    assert_eq!(row(&report, "q-0")["safe"]["answer"], "no", "it would come back broken: {}", short(&report));
    namespace.screen("q");

    // First the template is taken back. That alone does not help: the controller waits for the broken pod.
    let typed = type_in(stuck);
    let report = namespace.until("q", "the old revision is the broken one", |report| {
        codes(report).contains(&"rollout-stuck")
            && finding(report, "rollout-stuck")["next"].as_str().is_some_and(|next| next.contains("delete pod q-1"))
    });
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_ne!(namespace.report("q", &[])["head"]["ready"], 2, "it was not stuck");
    namespace.screen("q");
    let deleted = type_in(finding(&report, "rollout-stuck"));
    namespace.until("q", "all ready again", |report| is_complete(report, 2));
    proves(format!("`{typed}`, then `{deleted}` free a stuck rollout"));
}

#[test]
fn a_broken_template_that_is_corrected_names_the_pod_to_delete() {
    let namespace = Namespace::new("corrected");
    namespace.apply(&plain_set("q", 2, ""));
    namespace.until_ready("q", 2);
    namespace.kubectl(&["set", "image", "statefulset/q", BROKEN]).ok();
    namespace.until_found("q", "rollout-stuck");
    namespace.kubectl(&["set", "image", "statefulset/q", RIGHT]).ok();
    namespace.patch("statefulset/q", TOUCH);
    let report = namespace.until("q", "a pod to delete", |report| {
        codes(report).contains(&"rollout-stuck")
            && finding(report, "rollout-stuck")["next"].as_str().is_some_and(|next| next.contains("delete pod q-1"))
    });
    type_in(finding(&report, "rollout-stuck"));
    namespace.until("q", "the new revision everywhere", |report| is_complete(report, 2));
    proves("after a correction the broken pod has to be deleted by hand, and that helps");
}

#[test]
fn a_partition_that_was_left_behind_is_said_and_its_command_lets_the_rollout_go_on() {
    let namespace = Namespace::new("partition");
    namespace.apply(&plain_set("q", 2, "  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}"));
    namespace.until_ready("q", 2);
    namespace.patch("statefulset/q", TOUCH);
    let report = namespace.until("q", "a partition left", |report| {
        codes(report).contains(&"partition-left")
            && report["head"]["rollout"]["state"] == "partitioned"
            && report["head"]["ready"] == 2
    });
    assert_ne!(row(&report, "q-0")["revision"], row(&report, "q-1")["revision"]);
    namespace.screen("q");
    let typed = type_in(finding(&report, "partition-left"));
    let report = namespace.until("q", "a complete rollout", |report| is_complete(report, 2));
    assert!(!codes(&report).contains(&"partition-left"));
    proves(format!("`{typed}` lets the rollout go on"));
}

#[test]
fn under_on_delete_the_pods_that_wait_are_named() {
    let namespace = Namespace::new("on-delete");
    namespace.apply(&plain_set("q", 2, "  updateStrategy: {type: OnDelete}"));
    namespace.until_ready("q", 2);
    namespace.patch("statefulset/q", TOUCH);
    let report = namespace.until_found("q", "on-delete-pending");
    let said = |report: &Value| finding(report, "on-delete-pending")["message"].as_str().expect("message").to_owned();
    assert!(said(&report).contains("q-0 and q-1"), "{}", said(&report));
    assert_eq!(report["head"]["rollout"]["state"], "waitsForDeletion");
    namespace.screen("q");
    namespace.kubectl(&["delete", "pod", "q-1", "--now"]).ok();
    let report = namespace.until("q", "q-1 has the new revision", |report| {
        report["head"]["ready"] == 2 && report["head"]["rollout"]["updated"] == 1
    });
    assert!(said(&report).contains("q-0") && !said(&report).contains("q-1"), "{}", said(&report));
    proves(said(&report));
}

//! Claims and volumes that are missing, lost, on their way out, left over, pending, full.

use crate::support::{Made, Namespace, Node, codes, finding, plain_set, proves, row, rows, run, short, type_in};

#[test]
fn claims_left_over_where_members_may_differ_come_without_a_command() {
    let namespace = Namespace::new("left-over");
    namespace.apply(&plain_set("q", 2, ""));
    namespace.until_ready("q", 2);
    namespace.kubectl(&["scale", "statefulset/q", "--replicas=1"]).ok();
    let report = namespace.until_found("q", "claims-left-over");
    assert_eq!(report["leftovers"][0]["claim"]["name"], "data-q-1");
    let left = finding(&report, "claims-left-over");
    assert!(left["next"].is_null(), "nobody knows whether the data is elsewhere: {left}");
    namespace.screen("q");
    proves(&left["message"]);
}

#[test]
fn a_claim_that_is_being_deleted_is_said_with_the_command_that_keeps_its_data() {
    let namespace = Namespace::new("terminating");
    namespace.apply(&plain_set("q", 1, ""));
    let report = namespace.until_ready("q", 1);
    let volume = row(&report, "q-0")["claims"][0]["volume"].as_str().expect("a volume").to_owned();
    namespace.kubectl(&["exec", "q-0", "--", "sh", "-c", "echo precious > /data/file"]).ok();
    namespace.kubectl(&["delete", "pvc", "data-q-0", "--wait=false"]).ok();
    let report = namespace.until_found("q", "claim-terminating");
    assert_eq!(row(&report, "q-0")["claims"][0]["phase"], "Terminating");
    assert_eq!(finding(&report, "claim-terminating")["severity"], "critical");
    assert_eq!(row(&report, "q-0")["safe"]["answer"], "no", "{}", short(&report));
    namespace.screen("q");

    let typed = type_in(finding(&report, "claim-terminating"));
    let _volume = Made::new("persistentvolume", &volume);
    namespace.kubectl(&["delete", "pod", "q-0", "--now"]).ok();
    let report = namespace.until("q", "a new claim, and the old volume beside it", |report| {
        report["head"]["ready"] == 1 && codes(report).contains(&"volume-released")
    });
    assert_eq!(finding(&report, "volume-released")["subject"], format!("persistentvolume/{volume}"));
    namespace.screen("q");
    proves(format!("`{typed}` keeps the data of a claim that is being deleted"));
}

#[test]
fn a_claim_whose_volume_is_gone_is_lost() {
    let namespace = Namespace::new("lost");
    namespace.apply(&plain_set("q", 1, ""));
    let report = namespace.until_ready("q", 1);
    let volume = row(&report, "q-0")["claims"][0]["volume"].as_str().expect("volume").to_owned();
    // Only somebody who removes the protection can lose a volume this way; people do.
    run("kubectl", &["delete", "pv", &volume, "--wait=false"]).ok();
    run("kubectl", &["patch", "pv", &volume, "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]).ok();
    let report = namespace.until_found("q", "claim-lost");
    assert_eq!(finding(&report, "claim-lost")["severity"], "critical");
    assert!(!codes(&report).contains(&"volume-missing"), "said once: {}", short(&report));
    assert_eq!(row(&report, "q-0")["safe"]["answer"], "no", "{}", short(&report));
    let screen = namespace.screen("q");
    assert!(screen.contains(&volume), "{screen}");
    proves(&finding(&report, "claim-lost")["message"]);
}

#[test]
fn a_claim_that_cannot_be_provisioned_is_pending_with_the_events_reason() {
    let namespace = Namespace::new("pending");
    let class = "accessModes: [ReadWriteOnce]\n        storageClassName: no-such-class";
    namespace.apply(&plain_set("q", 1, "").replace("accessModes: [ReadWriteOnce]", class));
    let report = namespace.until("q", "a pending claim with its reason", |report| {
        codes(report).contains(&"claim-pending")
            && finding(report, "claim-pending").to_string().contains("no-such-class")
    });
    assert_eq!(row(&report, "q-0")["claims"][0]["phase"], "Pending");
    assert_eq!(namespace.stateful(&["status", "q", "--check"]).code, 8);
    namespace.screen("q");
    proves(&finding(&report, "claim-pending")["message"]);
}

#[test]
fn a_volume_that_outlives_its_claim_is_released() {
    let namespace = Namespace::new("released");
    let retain = "accessModes: [ReadWriteOnce]\n        storageClassName: local-path-retain";
    let manifest = plain_set("q", 1, "").replace("accessModes: [ReadWriteOnce]", retain);
    namespace.apply(&manifest);
    let report = namespace.until_ready("q", 1);
    let volume = row(&report, "q-0")["claims"][0]["volume"].as_str().expect("volume").to_owned();
    let _old = Made::new("persistentvolume", &volume);
    namespace.kubectl(&["delete", "statefulset/q"]).ok();
    namespace.kubectl(&["delete", "pvc", "data-q-0"]).ok();
    namespace.apply(&manifest);
    let report = namespace.until("q", "the old volume beside the new one", |report| {
        report["head"]["ready"] == 1 && codes(report).contains(&"volume-released")
    });
    let new = row(&report, "q-0")["claims"][0]["volume"].as_str().expect("volume").to_owned();
    let _new = Made::new("persistentvolume", &new);
    assert_ne!(new, volume);
    assert_eq!(finding(&report, "volume-released")["subject"], format!("persistentvolume/{volume}"));
    assert!(namespace.stateful(&["status", "q", "-o", "wide"]).ok().contains("Retain"));
    namespace.screen("q");
    proves(&finding(&report, "volume-released")["message"]);
}

/// A small file system on a node. It ends with the node too, for it is in the node's mount namespace.
struct SmallDisk<'a> {
    node: &'a Node,
    path: String,
}

impl<'a> SmallDisk<'a> {
    fn make(node: &'a Node, name: &str) -> Self {
        let path = format!("/var/lib/volumes/{name}");
        let disk = Self { node, path };
        node.enter(&["mkdir", "-p", &disk.path]);
        node.enter(&["mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", &disk.path]);
        disk
    }

    /// Has a file of so many MiB on it.
    fn fill(&self, mebibytes: u32) {
        let (file, size) = (format!("of={}/fill", self.path), format!("count={mebibytes}"));
        self.node.enter(&["dd", "if=/dev/zero", &file, "bs=1M", &size, "status=none"]);
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        self.node.enter(&["umount", "--lazy", &self.path]);
        self.node.enter(&["rmdir", &self.path]);
    }
}

#[test]
fn a_volume_that_is_nearly_full_is_said_with_what_the_kubelet_measures() {
    let namespace = Namespace::new("full");
    let node = Node::new("node-1");
    let name = namespace.name.clone();
    let disk = SmallDisk::make(&node, &name);
    disk.fill(14);
    namespace.apply(&format!(
        "
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec:
  capacity: {{storage: 16Mi}}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: {name}
  local: {{path: {}}}
  nodeAffinity:
    required:
      nodeSelectorTerms: [{{matchExpressions: [{{key: kubernetes.io/hostname, operator: In, values: [{}]}}]}}]
",
        disk.path, node.name
    ));
    let _volume = Made::new("persistentvolume", &name);
    let class = format!("accessModes: [ReadWriteOnce]\n        storageClassName: {name}");
    let manifest = plain_set("q", 1, "").replace("accessModes: [ReadWriteOnce]", &class).replace("64Mi", "16Mi");
    namespace.apply(&manifest);
    let report = namespace.until_found("q", "volume-full");
    let full = finding(&report, "volume-full");
    assert_eq!(full["severity"], "warning", "{full}");
    let message = full["message"].as_str().expect("message");
    assert!(message.contains("87% full") && message.contains("data-q-0"), "{message}");
    namespace.screen("q");
    proves(message);
    namespace.kubectl(&["delete", "statefulset/q", "--wait=true"]).ok();
    namespace.kubectl(&["delete", "pod/q-0", "--now", "--ignore-not-found"]).ok();
}

#[test]
fn ordinals_that_do_not_begin_at_zero_and_several_templates_are_honoured() {
    let namespace = Namespace::new("ordinals");
    let manifest = plain_set("q", 2, "  ordinals: {start: 5}\n  podManagementPolicy: Parallel");
    let second = "
    - metadata: {name: logs}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: 32Mi}}
";
    namespace.apply(&(manifest + second.trim_start_matches('\n')));
    let report = namespace.until_ready("q", 2);
    let pods: Vec<&str> = rows(&report).iter().map(|row| row["pod"].as_str().expect("pod")).collect();
    assert_eq!(pods, ["q-5", "q-6"]);
    let claims = rows(&report)[0]["claims"].as_array().expect("claims");
    let names: Vec<&str> = claims.iter().map(|claim| claim["name"].as_str().expect("name")).collect();
    assert_eq!(names, ["data-q-5", "logs-q-5"]);
    let screen = namespace.screen("q");
    assert!(screen.contains("ordinals 5-6"), "{screen}");
    proves("ordinals from 5 on, with two claims each");
}

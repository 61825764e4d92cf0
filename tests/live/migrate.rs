//! `migrate` on real nodes: a member goes to another one with what is on its volume, and nobody else is down. Nothing else runs
//! meanwhile: nodes take no pods for a time.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::postgres::{start, streams};
use crate::promote::{Writer, nothing_lost, until_led_by};
use crate::support::{
    Case, FAULTS, Fault, Gate, Namespace, Node, Ran, Running, Way, cases, eventually, finding, look_at, proves, row,
    rows, run,
};

/// How many cases of faults there are, unless `KUBECTL_STATEFUL_CASES` says which.
const CASES: usize = 4;

/// Says what is on a volume in words that are equal for equal trees: names, kinds, modes, owners, links, times, contents.
const LISTING: &str = "cd /var/lib/postgresql/data/odd && find . -printf '%P %y %m %U %G %n %s %l %T@\\n' | grep -v ' d .* 4096 ' | sort \
                       && find . -type f -exec sha256sum {} + | sort -k2";

/// The plugin looks for the mover beside itself.
pub(crate) fn the_mover_is_there() {
    let beside = Path::new(env!("CARGO_BIN_EXE_kubectl-stateful")).parent().expect("a folder");
    let found = std::fs::read_dir(beside).expect("a folder").flatten();
    let there = found
        .map(|one| one.file_name().to_string_lossy().into_owned())
        .any(|name| name.starts_with("kubectl-stateful-mover-linux-"));
    assert!(
        there,
        "no mover beside the plugin in {}: scripts/mover builds it, `make test` puts it there",
        beside.display()
    );
}

pub(crate) fn node_of(report: &Value, pod: &str) -> String {
    row(report, pod)["node"].as_str().expect("a node").to_owned()
}

/// Names another node than this one.
fn another(source: &str) -> String {
    let nodes = run("kubectl", &["get", "nodes", "-l", "type!=kwok", "-o", "jsonpath={.items[*].metadata.name}"]).ok();
    nodes.split_whitespace().find(|node| *node != source).expect("another node").to_owned()
}

/// Makes files on a member's volume that a careless copy would not get right.
fn odd_files(namespace: &Namespace, pod: &str) {
    // A group that owns the volume can write everything on it: the kubelet sees to that whenever a pod starts.
    let script = "umask 0002 && mkdir -m 2770 /var/lib/postgresql/data/odd && cd /var/lib/postgresql/data/odd && \
        truncate -s 64M sparse && printf end >>sparse && head -c 3000000 /dev/urandom >big && ln big twin && \
        ln -s nowhere dangling && mkfifo pipe && : >'a name with  spaces' && chmod 4775 big && \
        mkdir -m 2770 deep && printf x >deep/x && touch -d '2001-02-03 04:05:06.789' deep/x deep";
    namespace.kubectl(&["exec", pod, "-c", "postgres", "--", "bash", "-ec", script]).ok();
}

fn listing(namespace: &Namespace, pod: &str) -> String {
    namespace.kubectl(&["exec", pod, "-c", "postgres", "--", "bash", "-ec", LISTING]).ok()
}

/// Nothing that was made for a move is there any more, but what is kept on purpose.
fn nothing_left(namespace: &Namespace, node: &str) {
    let pods = namespace.kubectl(&["get", "pods", "-o", "name"]).ok();
    assert_eq!(pods.lines().count(), 3, "no pod that copies is left: {pods}");
    assert_eq!(namespace.claims().len(), 3, "no claim of ours is left");
    let taints = run("kubectl", &["get", "node", node, "-o", "jsonpath={.spec.taints[*].key}"]).ok();
    assert!(!taints.contains("kubectl-stateful"), "{taints}");
    let names = "jsonpath={range .items[*]}{.spec.claimRef.namespace} {.metadata.name}{'\\n'}{end}";
    let marked = run("kubectl", &["get", "pv", "-l", "kubectl-stateful.io/run", "-o", names]).ok();
    let marked: Vec<&str> = marked.lines().filter(|line| line.starts_with(&format!("{} ", namespace.name))).collect();
    assert!(marked.is_empty(), "no volume belongs to a run: {marked:?}");
}

fn uids(namespace: &Namespace) -> Vec<String> {
    ["db-0", "db-1"].map(|pod| namespace.field(&format!("pod/{pod}"), "{.metadata.uid}")).to_vec()
}

fn what_cannot_be_moved_is_refused(namespace: &Namespace, source: &str) {
    for (arguments, says) in [
        (&["migrate", "db-2", "--to", source][..], &["is on", "already"][..]),
        (&["migrate", "db-2", "--to", "nowhere"], &["there is no node nowhere"]),
        (&["migrate", "db-2", "--finish"], &["db-2 has no volume of before"]),
    ] {
        namespace.refuses("db", arguments, says);
    }
    proves("the node it is on, and an unknown node are refused, with the way out");
}

#[test]
fn a_replica_moves_with_its_volume_while_clients_write() {
    the_mover_is_there();
    let namespace = Namespace::alone("migrate");
    let report = start(&namespace);
    until_led_by(&namespace, "db-0");
    let source = Node::new(&node_of(&report, "db-2"));
    let _uncordoned = source.uncordoned_at_end();
    let target = another(&source.name);
    what_cannot_be_moved_is_refused(&namespace, &source.name);
    let shown = namespace.changes(&["migrate", "db-0", "--dry-run"]);
    assert!(shown.stdout.contains("planned switchover from db-0 to "), "{shown:?}");
    assert!(shown.stderr.contains("takes over first; then, by a plan of its own, migrate db-0 "), "{shown:?}");

    odd_files(&namespace, "db-2");
    let (before, others_before) = (listing(&namespace, "db-2"), uids(&namespace));
    let generation = namespace.field("sts/db", "{.metadata.generation}");
    let old_volume = namespace.field("pvc/data-db-2", "{.spec.volumeName}");
    let writer = Writer::begin(&namespace, "db-1");
    let done = namespace.changes(&["migrate", "db-2", "--to", &target, "--yes"]);
    look_at(&done.everything());
    assert!(
        done.stdout.contains(&format!("migrate db-2 {} -> {target} done; db-2 was down for at most", source.name)),
        "{done:?}"
    );
    writer.until_more();
    let acknowledged = writer.end();
    let report = namespace.until("db", "db-2 streams on its new node", |report| {
        report["head"]["ready"] == 3 && node_of(report, "db-2") == target && streams(row(report, "db-2"))
    });
    assert_eq!(listing(&namespace, "db-2"), before, "what is on the volume");
    assert_eq!(uids(&namespace), others_before, "no other pod was made anew");
    assert_eq!(namespace.field("sts/db", "{.metadata.generation}"), generation, "the set is as it was");
    let there = || -> BTreeSet<u64> {
        namespace.sql("db-2", "SELECT n FROM written").lines().filter_map(|line| line.trim().parse().ok()).collect()
    };
    eventually("every acknowledged write on the moved member", || {
        let missing = acknowledged.difference(&there()).count();
        if missing == 0 { Ok(()) } else { Err(format!("{missing} missing")) }
    });
    nothing_left(&namespace, &source.name);
    let volume = |path: &str| run("kubectl", &["get", "pv", &old_volume, "-o", path]).ok();
    assert_eq!(volume("jsonpath={.status.phase} {.spec.persistentVolumeReclaimPolicy}"), "Released Retain");
    let new_volume = namespace.field("pvc/data-db-2", "{.spec.volumeName}");
    let new = run(
        "kubectl",
        &["get", "pv", &new_volume, "-o", "jsonpath={.status.phase} {.spec.persistentVolumeReclaimPolicy}"],
    )
    .ok();
    assert_eq!(new, "Bound Delete", "the new volume lives as long as the old one would have");
    let next = finding(&report, "volume-retained")["next"].as_str().unwrap_or_default().to_owned();
    assert!(next.contains("migrate db-2 --finish"), "{next}");
    proves(format!(
        "db-2 went from {} to {target} with hard links, holes, modes, owners and times; {} acknowledged writes are there; nobody \
         else was down; {}",
        source.name,
        acknowledged.len(),
        done.stdout.trim()
    ));

    let removed = namespace.changes(&["migrate", "db-2", "--finish", "--yes"]);
    assert!(removed.stdout.contains("finish the move of db-2 done"), "{removed:?}");
    let gone = run("kubectl", &["get", "pv", &old_volume, "--ignore-not-found", "-o", "name"]).ok();
    assert_eq!(gone, "", "the old volume is gone");
    assert_eq!(namespace.sql("db-2", "SELECT count(*) > 0 FROM written").trim(), "t");
    proves("--finish removes the volume of before, and only that");

    run("kubectl", &["uncordon", &source.name]).ok();
    the_primarys_node_is_emptied(&namespace);
}

/// Moves whatever member is on the primary's node; the primary hands over first.
fn the_primarys_node_is_emptied(namespace: &Namespace) {
    let report = namespace.until_ready("db", 3);
    let emptied = Node::new(&node_of(&report, "db-0"));
    let _uncordoned = emptied.uncordoned_at_end();
    let stays = ["db-1", "db-2"].into_iter().find(|pod| node_of(&report, pod) != emptied.name).expect("another node");
    namespace.sql("db-0", "TRUNCATE written");
    let writer = Writer::begin(namespace, stays);
    // On a busy machine a member may be unready for a moment, which refuses it.
    let said = eventually("db-0 off its node", || {
        let ran = namespace.stateful(&["migrate", "--off-node", &emptied.name, "--yes"]);
        if ran.stdout.contains(&format!("migrate db-0 {} -> ", emptied.name)) { Ok(ran) } else { Err(ran.everything()) }
    });
    assert!(said.stderr.contains(&format!("left to `kubectl drain {}`", emptied.name)), "{said:?}");
    assert_eq!(said.code, 0, "{said:?}");
    let leads = |report: &Value| {
        let mut found = rows(report).iter().filter(|row| row["role"]["value"] == "primary");
        found.next().and_then(|row| row["pod"].as_str()).map(str::to_owned)
    };
    let report = namespace.until("db", "nobody on the node, everybody streams", |report| {
        let streaming = rows(report).iter().filter(|row| streams(row)).count();
        report["head"]["ready"] == 3 && streaming == 2 && rows(report).iter().all(|row| row["node"] != emptied.name)
    });
    let primary = leads(&report).expect("a primary");
    assert_ne!(primary, "db-0", "it handed over");
    writer.until_more();
    let acknowledged = writer.end();
    nothing_lost(namespace, &primary, &acknowledged);
    proves(format!(
        "--off-node moves every member, the primary after it handed over to {primary}: all {} acknowledged writes are there",
        acknowledged.len()
    ));
}

#[test]
fn a_member_that_cannot_be_copied_while_it_is_down_is_let_back_at_once() {
    the_mover_is_there();
    let namespace = Namespace::alone("migrate-back");
    let report = start(&namespace);
    let source = Node::new(&node_of(&report, "db-2"));
    let target = another(&source.name);
    let _uncordoned = source.uncordoned_at_end();
    let claim = namespace.field("pvc/data-db-2", "{.metadata.uid}");

    // On a busy machine a member may be unready for a moment, which refuses it.
    let undone = eventually("a move that stops", || {
        let ran = namespace.stateful(&["migrate", "db-2", "--to", &target, "--yes", "--max-downtime", "3s"]);
        if ran.code == 5 { Ok(ran) } else { Err(ran.everything()) }
    });
    assert!(
        undone.stderr.contains("--max-downtime") && undone.stderr.contains("nothing was interrupted"),
        "{undone:?}"
    );
    assert_eq!(namespace.field("pod/db-2", "{.status.containerStatuses[0].restartCount}"), "0");
    namespace.changes(&["undo", "db", "--yes"]);
    nothing_left(&namespace, &source.name);
    proves("a move that would take longer than it may is not begun, and what was copied is removed");

    let moving = eventually("a move that begins", || {
        let mut moving = Running::begin(&namespace, &["migrate", "db-2", "--to", &target, "--yes"]);
        if moving.says("/11 evict db-2") { Ok(moving) } else { Err(moving.end().everything()) }
    });
    namespace.kubectl(&["delete", "pod", "kubectl-stateful-db-2-target", "--grace-period=1", "--wait=false"]).ok();
    let ended = moving.end();
    look_at(&ended.everything());
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.everything().contains("everything was taken back"), "{ended:?}");
    let report = namespace.until_ready("db", 3);
    assert_eq!(node_of(&report, "db-2"), source.name);
    assert_eq!(namespace.field("pvc/data-db-2", "{.metadata.uid}"), claim, "its claim was not touched");
    let cordoned = run("kubectl", &["get", "node", &source.name, "-o", "jsonpath={.spec.unschedulable}"]).ok();
    assert_eq!(cordoned, "", "the node takes pods again");
    let policy = namespace.field("pvc/data-db-2", "{.spec.volumeName}");
    let policy = run("kubectl", &["get", "pv", &policy, "-o", "jsonpath={.spec.persistentVolumeReclaimPolicy}"]).ok();
    assert_eq!(policy, "Delete");
    nothing_left(&namespace, &source.name);
    proves("a pod that copies and dies while the member is down: the member is back on its volume, by itself");
}

impl Way<'_> {
    /// Moves the member. On a busy machine one may be unready for a moment, which refuses it: then it is tried again, unless
    /// it is what went wrong that refuses it.
    fn migrate(&self, to: &str, fault: Option<(u32, Fault)>) -> Ran {
        eventually("a move that begins", || match self.call(&["migrate", "db-2", "--to", to, "--yes"], fault) {
            refused if refused.code == 4 && !self.proxy.has_happened() => Err(refused.stderr),
            ran => Ok(ran),
        })
    }
}

/// Lets one thing go wrong, then goes on or back; gives whether it happened.
fn case(way: &Way<'_>, to: &str, (at, fault, back): Case) -> bool {
    let case = format!("{fault:?} at {at}, {}", if back { "taken back" } else { "continued" });
    look_at(&case);
    let first = way.migrate(to, Some((at, fault)));
    let happened = way.proxy.has_happened();
    // 4: it was refused before anything was begun; or everything was taken back already.
    if first.code != 0 && first.code != 4 && !first.stderr.contains("everything was taken back") {
        way.on_or_back(&first, back, &case);
    }
    happened
}

#[test]
fn a_move_survives_faults_at_every_request_and_command() {
    the_mover_is_there();
    let namespace = Namespace::alone("migrate-sweep");
    let report = start(&namespace);
    odd_files(&namespace, "db-2");
    let before = listing(&namespace, "db-2");
    let first = node_of(&report, "db-2");
    let second = another(&first);
    let nodes = [Node::new(&first), Node::new(&second)];
    let _uncordoned = [nodes[0].uncordoned_at_end(), nodes[1].uncordoned_at_end()];
    let gate = Gate::open();
    let way = Way::new(&namespace, &gate);
    let clean = way.migrate(&second, None);
    let lines: Vec<&str> = clean.stderr.lines().collect();
    assert_eq!(clean.code, 0, "{}", lines[lines.len().saturating_sub(20)..].join("\n"));
    let requests = way.proxy.seen();
    let (all, chosen) = cases(requests, CASES);
    let (mut ran, mut happened) = (0, 0);
    for chosen in chosen {
        for node in &nodes {
            run("kubectl", &["uncordon", &node.name]).ok();
        }
        let report = namespace
            .until("db", "three that are well", |report| report["head"]["ready"] == 3 && streams(row(report, "db-2")));
        assert_eq!(listing(&namespace, "db-2"), before, "what is on the volume, before {chosen:?}");
        let at = node_of(&report, "db-2");
        let to = if at == first { &second } else { &first };
        happened += usize::from(case(&way, to, chosen));
        nothing_left(&namespace, &at);
        ran += 1;
    }
    namespace.until_ready("db", 3);
    assert_eq!(listing(&namespace, "db-2"), before, "what is on the volume");
    assert!(happened * 2 >= ran, "only {happened} of {ran} faults happened");
    proves(format!(
        "{ran} of {all} cases ({happened} faults happened): {} faults at each of {requests} requests and commands, continued or taken \
         back: the member runs on one of both nodes, with everything on its volume, and nothing else is left",
        FAULTS.len()
    ));
}

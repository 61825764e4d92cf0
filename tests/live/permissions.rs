//! The Roles of docs/rbac.md are enough, and less than them is said, not hidden.

use crate::postgres::{shared, start, streams};
use crate::support::{Made, Namespace, codes, eventually, finding, look_at, proves, row, rows, run, short};

/// Takes the YAML blocks out of docs/rbac.md: the role of a namespace, that of the cluster, and that for changes.
fn documented_roles() -> (String, String, String) {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rbac.md")).expect("docs/rbac.md");
    let mut blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().expect("a block").to_owned());
    let mut block = || blocks.next().expect("a role");
    (block(), block(), block())
}

/// Gives a user the Role, under a name of its own.
fn grant(namespace: &Namespace, role: &str, user: &str) {
    namespace.apply(&role.replace("kubectl-stateful-status", user));
    namespace.kubectl(&["create", "rolebinding", user, "--role", user, "--user", user]).ok();
}

#[test]
fn status_runs_under_exactly_the_documented_roles_and_says_what_it_may_not_read() {
    let namespace = shared();
    let (role, cluster_role, _) = documented_roles();
    grant(&namespace, &role, "reader");
    let limited = namespace.until_with("db", &["--as", "reader"], "the Role works", |report| {
        row(report, "db-1")["role"]["value"] == "replica"
    });
    let notes: Vec<String> = codes(&limited)
        .iter()
        .zip(limited["findings"].as_array().expect("findings"))
        .filter(|(code, _)| **code == "not-read")
        .map(|(_, one)| one["message"].as_str().expect("message").to_owned())
        .collect();
    for resource in ["nodes", "persistentvolumes", "storageclasses"] {
        let said = notes.iter().filter(|note| note.contains(&format!("list {resource}"))).count();
        assert_eq!(said, 1, "{resource}: {notes:?}");
    }
    let invented: Vec<&str> = codes(&limited).into_iter().filter(|code| *code != "not-read").collect();
    assert!(invented.is_empty(), "made up: {invented:?}");
    proves(format!("the documented Role is enough; it says what it may not read: {notes:?}"));
    look_at(&namespace.stateful(&["status", "db", "--as", "reader"]).ok());

    let name = format!("{}-reader", namespace.name);
    namespace.apply(&cluster_role.replace("kubectl-stateful-status-cluster", &name));
    let _role = Made::new("clusterrole", &name);
    run("kubectl", &["create", "clusterrolebinding", &name, "--clusterrole", &name, "--user=reader"]).ok();
    let _binding = Made::new("clusterrolebinding", &name);
    let full = namespace
        .until_with("db", &["--as", "reader"], "nothing is missing", |report| !codes(report).contains(&"not-read"));
    assert!(rows(&full).iter().all(|row| row["zone"].is_string()), "{}", short(&full));
    let reader = namespace.stateful(&["status", "db", "-o", "wide", "--as", "reader"]).ok();
    assert!(reader.contains("local-path") && reader.contains("Delete"), "{reader}");
    proves("with the documented ClusterRole nothing is missing");
}

#[test]
fn who_may_list_no_sets_is_told_so_with_its_own_exit_code() {
    let namespace = shared();
    let refused = namespace.stateful(&["status", "db", "--as", "nobody"]);
    assert_eq!(refused.code, 7, "{refused:?}");
    assert!(refused.stderr.contains("forbidden: list statefulsets"), "{refused:?}");
    proves("who may list no sets is told what is missing");
}

#[test]
fn without_exec_the_roles_are_unknown_and_nothing_is_safe() {
    let namespace = shared();
    let (role, ..) = documented_roles();
    let (with_exec, rest) = role.rsplit_once("  # Asking an engine").expect("the rule of exec is the last one");
    assert!(rest.contains("pods/exec"));
    grant(&namespace, with_exec, "blind");
    let report =
        namespace.until_with("db", &["--as", "blind"], "the Role works", |report| report["head"]["ready"] == 3);
    for pod in ["db-0", "db-1", "db-2"] {
        let why = row(&report, pod)["role"]["unknown"].as_str().expect("a reason");
        assert!(why.contains("forbidden: create pods/exec"), "{why}");
        assert_eq!(row(&report, pod)["safe"]["answer"], "unknown", "{}", short(&report));
    }
    let said = finding(&report, "probe-failed")["message"].as_str().expect("message");
    assert!(said.contains("db-0 to db-2") || said.contains("db-0, db-1 and db-2"), "said once: {said}");
    look_at(&namespace.stateful(&["status", "db", "--as", "blind"]).ok());
    proves("without exec every role is unknown with the missing permission, and nobody may go");
}

/// Gives a service account of its own the Roles of `status` and of changes, and says what it is called.
pub(crate) fn changer(namespace: &Namespace, name: &str, change: impl Fn(&str) -> String) -> String {
    let (status, _, all) = documented_roles();
    namespace.kubectl(&["create", "serviceaccount", name]).ok();
    let account = format!("{}:{name}", namespace.name);
    for (role, kind) in [(status, "status"), (change(&all), "change")] {
        let own = format!("{name}-{kind}");
        namespace.apply(&role.replace(&format!("kubectl-stateful-{kind}"), &own));
        namespace.kubectl(&["create", "rolebinding", &own, "--role", &own, "--serviceaccount", &account]).ok();
    }
    format!("system:serviceaccount:{account}")
}

#[test]
fn scale_down_runs_under_exactly_the_documented_roles_and_names_what_is_missing() {
    let namespace = Namespace::new("down-role");
    start(&namespace);
    let maps = "    resources: [configmaps]\n    verbs: [get, list, create, patch, delete]";
    let with = |verbs: &'static str| {
        move |role: &str| {
            assert!(role.contains(maps), "{role}");
            role.replace(maps, &format!("    resources: [configmaps]\n    verbs: [{verbs}]"))
        }
    };
    let blind = changer(&namespace, "blind", with("watch"));
    let reader = changer(&namespace, "reader", with("get, list"));
    let full = changer(&namespace, "full", str::to_owned);
    let down = |user: &str, more: &[&str]| {
        let words = [&["scale-down", "db", "--replicas=2", "--yes", "--as", user], more].concat();
        eventually("an end other than a refusal", || {
            let ran = namespace.stateful(&words);
            if ran.code == 4 { Err(ran.stderr) } else { Ok(ran) }
        })
    };
    for (user, verbs) in [(&blind, "list configmaps"), (&reader, "create configmaps, patch configmaps")] {
        let refused = down(user, &[]);
        assert_eq!((refused.code, namespace.replicas("db")), (7, 3), "{refused:?}");
        assert!(refused.stderr.contains(verbs) && refused.stderr.contains("--journal local"), "{refused:?}");
    }
    proves("who may keep no journal in the cluster is told the missing verb, and of --journal local");

    let local = down(&blind, &["--journal", "local"]);
    assert_eq!((local.code, namespace.replicas("db")), (0, 2), "{local:?}");
    let history = namespace.stateful(&["history", "db", "--journal", "local", "--as", &blind]).ok();
    assert!(history.contains("scale-down 3 -> 2"), "{history}");
    assert!(namespace.journaled_plans().is_empty());
    namespace.stateful(&["undo", "db", "--journal", "local", "--yes", "--as", &blind]).ok();
    namespace.until("db", "db-2 streams again", |report| report["head"]["ready"] == 3 && streams(row(report, "db-2")));
    proves("--journal local needs no ConfigMap: 3 -> 2 and back");

    let done = down(&full, &[]);
    assert_eq!((done.code, namespace.replicas("db")), (0, 2), "{done:?}");
    assert!(namespace.events("db", "Changed").contains(&format!("by {full}@")));
    namespace.stateful(&["undo", "db", "--yes", "--as", &full]).ok();
    assert_eq!((namespace.replicas("db"), namespace.journaled_plans().len()), (3, 2));
    let claims = down(&full, &["--delete-claims"]);
    assert_eq!(claims.code, 7, "{claims:?}");
    assert!(claims.stderr.contains("missing permission to delete persistentvolumeclaims"), "{claims:?}");
    proves(format!("the Roles of docs/rbac.md are enough for {full}, and not for --delete-claims"));
}

//! Journals, as they are listed: with how many requests, and what is said of those that cannot be seen.

use crate::support::program::Desk;
use crate::support::server::{Reply, Request, Server};

const MAPS: &str = "/api/v1/namespaces/shop/configmaps?";

/// A run of a set, as it is stored in the cluster.
fn map(set: &str, id: &str) -> String {
    let plan = format!(
        r#"{{"format":1,"id":"{id}","madeAt":"2026-01-01T00:00:00Z","goal":{{"scaleDown":{{"from":3,"to":2}}}},"#
    ) + &format!(
        r#""subject":{{"namespace":"shop","name":"{set}","uid":"u-{set}"}},"engine":"generic","container":null,"#
    ) + r#""maxLagBytes":0,"overrides":[],"notes":[],"steps":[]}"#;
    let entry = r#"{"at":"2026-01-01T00:00:00Z","who":"me@here pid 1","what":"finished"}"#;
    let data = serde_json::json!({"plan": plan, "entries": format!("{entry}\n")});
    let labels = serde_json::json!({"kubectl-stateful.io/set-uid": format!("u-{set}")});
    let name = format!("kubectl-stateful.{set}.{id}");
    serde_json::json!({"metadata": {"name": name, "uid": "m", "labels": labels}, "data": data}).to_string()
}

fn list(request: &Request) -> Reply {
    if request.path.starts_with(MAPS) {
        let maps =
            [map("cache", "20260101-000001-000"), map("db", "20260101-000002-000"), map("db", "20260101-000003-000")];
        return Reply::json(format!(r#"{{"kind":"ConfigMapList","items":[{}]}}"#, maps.join(",")));
    }
    Reply::Answer(403, "application/json", r#"{"kind":"Status","message":"no"}"#.to_owned())
}

#[test]
fn all_runs_of_a_namespace_are_listed_with_one_request() {
    let server = Server::start(list);
    let said = Desk::at(&server.url()).run(&["history"]);
    insta::assert_snapshot!(said.screen(), @"
    exit code 0
    --- stdout
    statefulset/cache in shop
    RUN                   WHAT                STEPS   BY        OUTCOME
    20260101-000001-000   scale-down 3 -> 2   0/0     me@here   done

    statefulset/db in shop
    RUN                   WHAT                STEPS   BY        OUTCOME
    20260101-000003-000   scale-down 3 -> 2   0/0     me@here   done
    20260101-000002-000   scale-down 3 -> 2   0/0     me@here   done
    ");
    let asked: Vec<String> = server.asked().iter().map(|request| request.path.clone()).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[test]
fn whoever_keeps_journals_here_is_told_when_those_in_the_cluster_cannot_be_seen() {
    let server =
        Server::always(Reply::Answer(403, "application/json", r#"{"kind":"Status","message":"no"}"#.to_owned()));
    insta::assert_snapshot!(Desk::at(&server.url()).run(&["history", "--journal", "local"]).screen(), @"
    exit code 0
    --- stderr
    warning: only the journals on this machine are looked at: forbidden: list configmaps
    no StatefulSet of this namespace has a run of this program
    ");
    insta::assert_snapshot!(Desk::at(&server.url()).run(&["history"]).screen(), @"
    exit code 7
    --- stderr
    error: forbidden: list configmaps
    hint: docs/rbac.md has the least Role for this command; check with `kubectl auth can-i --list`
    hint: or keep the journal on this machine only: --journal local
    ");
}

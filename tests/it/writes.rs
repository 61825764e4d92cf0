//! What changes look like on the wire: each sent once, with what it must find.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::client::Body;
use kubectl_stateful::cluster::{Cluster, Trial};
use kubectl_stateful::execute::{Live, NotSent};
use kubectl_stateful::plan::{Effect, FORMAT, Goal, Pin, Plan, RunId, Subject};
use serde_json::{Value, json};
use tower_test::mock;

/// A request: method and path with its query, kind of content, and body.
type Asked = (String, String, Value);

fn plan() -> Plan {
    Plan {
        format: FORMAT,
        id: RunId("one".to_owned()),
        made_at: Timestamp::UNIX_EPOCH,
        goal: Goal::ScaleDown { from: 3, to: 2 },
        subject: Subject { namespace: "shop".into(), name: "db".into(), uid: "u-1".into() },
        engine: "generic".to_owned(),
        container: None,
        max_lag_bytes: 0,
        overrides: Vec::new(),
        manner: String::new(),
        notes: Vec::new(),
        typed: Vec::new(),
        pause: None,
        steps: Vec::new(),
    }
}

/// Sends an effect to a service that answers so, and tells what it was asked.
#[expect(clippy::disallowed_types, reason = "the client under test")]
async fn send(
    effect: Effect,
    trial: Trial,
    reply: impl Fn(&str) -> (u16, Value) + Send + 'static,
) -> (Result<(), NotSent>, Vec<Asked>) {
    let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
    let log = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&log);
    let server = tokio::spawn(async move {
        while let Some((request, answer)) = handle.next_request().await {
            let (head, body) = request.into_parts();
            let line = format!("{} {}", head.method, head.uri);
            let content = head.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
            let body = body.collect().await.unwrap().to_bytes();
            let (code, document) = reply(&line);
            asked.lock().unwrap().push((
                line,
                content.unwrap_or_default(),
                serde_json::from_slice(&body).unwrap_or(Value::Null),
            ));
            let document = Body::from(document.to_string().into_bytes());
            answer.send_response(Response::builder().status(code).body(document).unwrap());
        }
    });
    let cluster = Cluster::over(kube::Client::new(service, "shop"), "shop", Duration::from_secs(10));
    let plan = plan();
    let sent = Live::new(&cluster, &plan, || Timestamp::UNIX_EPOCH).send_as(&effect, trial).await;
    server.abort();
    let asked = log.lock().unwrap().clone();
    (sent, asked)
}

const SCALE: &str = "/apis/apps/v1/namespaces/shop/statefulsets/db/scale";

const DOWN: Effect = Effect::SetReplicas { from: 3, to: 2 };

fn scale(uid: &str, replicas: u32) -> (u16, Value) {
    (200, json!({"metadata": {"uid": uid, "resourceVersion": "41"}, "spec": {"replicas": replicas}}))
}

fn failure(code: u16) -> (u16, Value) {
    (code, json!({"kind": "Status", "status": "Failure", "message": format!("no: {code}"), "code": code}))
}

#[tokio::test]
async fn replicas_are_set_upon_the_version_that_was_read() {
    let (sent, asked) = send(DOWN, Trial::No, |_| scale("u-1", 3)).await;
    assert_eq!(sent, Ok(()));
    let patch = json!({"metadata": {"resourceVersion": "41"}, "spec": {"replicas": 2}});
    assert_eq!(asked[0].0, format!("GET {SCALE}"));
    let line = format!("PATCH {SCALE}?fieldManager=kubectl-stateful");
    assert_eq!(asked[1..], [(line.clone(), "application/merge-patch+json".to_owned(), patch)]);
    let (_, asked) = send(DOWN, Trial::ServerDryRun, |_| scale("u-1", 3)).await;
    assert_eq!(asked[1].0, format!("{line}&dryRun=All"));
}

#[tokio::test]
async fn a_set_that_is_another_one_or_has_another_size_is_left_alone() {
    for (uid, replicas) in [("u-2", 3), ("u-1", 4), ("u-1", 2)] {
        let (sent, asked) = send(DOWN, Trial::No, move |_| scale(uid, replicas)).await;
        assert!(matches!(sent, Err(NotSent::Refused(_))), "{uid} {replicas}: {sent:?}");
        assert_eq!(asked.len(), 1, "{uid} {replicas}: only looked");
    }
}

#[tokio::test]
async fn a_change_is_sent_once_whatever_the_answer() {
    for (code, settled) in [(403, true), (409, true), (422, true), (429, false), (500, false), (503, false)] {
        let reply = move |line: &str| if line.starts_with("GET") { scale("u-1", 3) } else { failure(code) };
        let (sent, asked) = send(DOWN, Trial::No, reply).await;
        let as_expected = match &sent {
            Err(NotSent::Refused(_)) => settled,
            Err(NotSent::Unsettled(_)) => !settled,
            Err(NotSent::NotYet(_)) | Ok(()) => false,
        };
        assert!(as_expected, "{code}: {sent:?}");
        assert_eq!(asked.iter().filter(|(line, ..)| line.starts_with("PATCH")).count(), 1, "{code}: {asked:?}");
    }
}

#[tokio::test]
async fn a_claim_is_deleted_by_its_uid_and_may_be_gone() {
    let claim = Pin { name: "data-db-2".to_owned(), uid: "c-1".into() };
    let delete = || Effect::DeleteClaim { claim: claim.clone() };
    let (sent, asked) = send(delete(), Trial::No, |_| (200, json!({"kind": "Status", "status": "Success"}))).await;
    assert_eq!(sent, Ok(()));
    let path = "DELETE /api/v1/namespaces/shop/persistentvolumeclaims/data-db-2";
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, path);
    assert_eq!(asked[0].2["preconditions"], json!({"uid": "c-1"}));
    assert_eq!(asked[0].2["dryRun"], json!([]));
    let (sent, _) = send(delete(), Trial::No, |_| failure(404)).await;
    assert_eq!(sent, Ok(()), "gone is gone");
    let (sent, _) = send(delete(), Trial::No, |_| failure(409)).await;
    assert!(matches!(sent, Err(NotSent::Refused(_))), "another claim of that name: {sent:?}");
    let (_, asked) = send(delete(), Trial::ServerDryRun, |_| failure(404)).await;
    assert_eq!(asked[0].2["dryRun"], json!(["All"]));
}

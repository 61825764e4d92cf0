//! What goes over the wire: paths, headers, pages, and what is tried again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response};
use kube::client::Body;
use kubectl_stateful::cluster::{Cluster, ClusterError, ConnectArgs, Scope, Traffic};
use kubectl_stateful::collect::{Collected, Keep, Probing, Wanted, read_cluster};
use kubectl_stateful::model::Resource;
use tower_test::mock;

use crate::support::program::{Desk, kubeconfig};
use crate::support::server::{Reply, Server};

const SETS: &str = "/apis/apps/v1/namespaces/shop/statefulsets";

/// What was asked: path, query, and what the client would take.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    query: String,
    accept: String,
}

/// What is answered: a status code and a body.
type Answer = (u16, Vec<u8>);

/// Reads everything in namespace shop from a service that answers so, and tells what it was asked.
#[expect(clippy::disallowed_types, reason = "the client under test")]
async fn read(
    reply: impl Fn(&Asked) -> Answer + Send + 'static,
) -> (Result<Collected, ClusterError>, Vec<Asked>, Traffic) {
    let (service, mut handle) = mock::pair::<Request<Body>, Response<Body>>();
    let log = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&log);
    let server = tokio::spawn(async move {
        while let Some((request, answer)) = handle.next_request().await {
            let one = Asked {
                path: request.uri().path().to_owned(),
                query: request.uri().query().unwrap_or_default().to_owned(),
                accept: request.headers()["accept"].to_str().unwrap().to_owned(),
            };
            let (code, body) = reply(&one);
            asked.lock().unwrap().push(one);
            answer.send_response(Response::builder().status(code).body(Body::from(body)).unwrap());
        }
    });
    let cluster = Cluster::over(kube::Client::new(service, "shop"), "shop", Duration::from_secs(10));
    let wanted = Wanted {
        scope: Scope::One("shop".into()),
        names: Vec::new(),
        labels: None,
        probe: Probing::No("not asked".to_owned()),
        usage: false,
        container: None,
        engine: None,
    };
    let collected = read_cluster(&cluster, &wanted, Keep::Nothing, jiff::Timestamp::UNIX_EPOCH, &|_| ()).await;
    let traffic = cluster.traffic();
    server.abort();
    let asked = log.lock().unwrap().clone();
    (collected, asked, traffic)
}

/// A protobuf field that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80).expect("short enough for one byte");
    [&[number << 3 | 2, length][..], content].concat()
}

/// A list in protobuf: objects of these names, and where it goes on.
fn page(names: &[&str], rest: &str) -> Vec<u8> {
    let object = |name: &&str| field(1, &[field(1, name.as_bytes()), field(3, b"shop")].concat());
    let items = names.iter().flat_map(|name| field(2, &object(name)));
    let list: Vec<u8> = field(1, &field(3, rest.as_bytes())).into_iter().chain(items).collect();
    [b"k8s\0".to_vec(), field(2, &list)].concat()
}

fn status(code: u16, message: &str) -> Answer {
    (code, format!(r#"{{"kind":"Status","status":"Failure","message":"{message}","code":{code}}}"#).into_bytes())
}

fn names(collected: &Result<Collected, ClusterError>) -> Vec<&str> {
    collected.as_ref().unwrap().snapshot.workloads.iter().map(|set| set.meta.name.as_str()).collect()
}

fn of_sets(asked: &[Asked]) -> Vec<&Asked> {
    asked.iter().filter(|one| one.path == SETS).collect()
}

#[tokio::test]
async fn lists_are_asked_for_in_protobuf_and_in_pages() {
    let (collected, asked, traffic) = read(|asked| match (asked.path.as_str(), asked.query.as_str()) {
        (SETS, "limit=500") => (200, page(&["a", "b"], "next/+=")),
        (SETS, "limit=500&continue=next%2F%2B%3D") => (200, page(&["c"], "")),
        (SETS, query) => panic!("{query}"),
        _ => (200, page(&[], "")),
    })
    .await;
    assert_eq!(names(&collected), ["a", "b", "c"]);
    assert!(asked.iter().all(|one| one.accept.starts_with("application/vnd.kubernetes.protobuf,")), "{asked:?}");
    assert!(asked.iter().all(|one| one.query.starts_with("limit=")), "{asked:?}");
    let pods = asked.iter().find(|one| one.path.ends_with("/pods")).unwrap();
    assert!(pods.query.contains("labelSelector=statefulset.kubernetes.io%2Fpod-name"), "{}", pods.query);
    assert_eq!(traffic.requests as usize, asked.len());
    let bodies = page(&["a", "b"], "next/+=").len() + page(&["c"], "").len() + (asked.len() - 2) * page(&[], "").len();
    assert_eq!(traffic.bytes, bodies as u64);
}

#[tokio::test]
async fn a_constant_number_of_kinds_is_read_and_never_a_secret() {
    let (collected, asked, _) = read(|_| (200, page(&[], ""))).await;
    assert_eq!(names(&collected), [""; 0]);
    let mut paths: Vec<&str> = asked.iter().map(|one| one.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "/api/v1/namespaces/shop/persistentvolumeclaims",
            "/api/v1/namespaces/shop/pods",
            "/api/v1/namespaces/shop/services",
            "/api/v1/nodes",
            "/api/v1/persistentvolumes",
            SETS,
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
            "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
            "/apis/storage.k8s.io/v1/storageclasses",
        ]
    );
    assert!(!paths.iter().any(|path| path.contains("secret") || path.contains("configmap")));
}

#[tokio::test]
async fn a_server_without_protobuf_is_asked_for_json() {
    let (collected, asked, _) = read(|asked| {
        if asked.accept.contains("protobuf") {
            return status(406, "only the following media types are accepted: application/json");
        }
        let item = if asked.path == SETS { r#"{"metadata":{"name":"db","namespace":"shop"}}"# } else { "" };
        (200, format!(r#"{{"metadata":{{}},"items":[{item}]}}"#).into_bytes())
    })
    .await;
    assert_eq!(names(&collected), ["db"]);
    let accepted: Vec<&str> = of_sets(&asked).iter().map(|one| one.accept.as_str()).collect();
    assert_eq!((accepted.len(), accepted[1]), (2, "application/json"));
}

#[tokio::test]
async fn a_list_whose_place_is_lost_is_begun_anew_and_holds_nothing_twice() {
    let lost = Mutex::new(false);
    let (collected, asked, _) = read(move |asked| match (asked.path.as_str(), asked.query.contains("continue")) {
        (SETS, false) => (200, page(&["a"], "next")),
        (SETS, true) if !std::mem::replace(&mut lost.lock().unwrap(), true) => status(410, "Expired"),
        (SETS, true) => (200, page(&["b"], "")),
        _ => (200, page(&[], "")),
    })
    .await;
    assert_eq!(names(&collected), ["a", "b"]);
    assert_eq!(of_sets(&asked).len(), 4);

    let (collected, asked, _) = read(|asked| match (asked.path.as_str(), asked.query.contains("continue")) {
        (SETS, false) => (200, page(&["a"], "next")),
        (SETS, true) => status(410, "Expired"),
        _ => (200, page(&[], "")),
    })
    .await;
    assert_eq!(collected.unwrap_err(), ClusterError::Expired);
    assert_eq!(of_sets(&asked).len(), 6, "three times, then it is told");
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_then_reported() {
    for code in [429, 503] {
        let times = Mutex::new(0);
        let (collected, asked, _) = read(move |asked| {
            let mut times = times.lock().unwrap();
            *times += i32::from(asked.path == SETS);
            if asked.path == SETS && *times < 3 { status(code, "busy") } else { (200, page(&["db"], "")) }
        })
        .await;
        assert_eq!((names(&collected), of_sets(&asked).len()), (vec!["db"], 3));

        let (collected, asked, _) =
            read(move |asked| if asked.path == SETS { status(code, "busy") } else { (200, page(&[], "")) }).await;
        let error = collected.unwrap_err();
        assert_eq!(error.to_string(), format!("the server at test answered {code} to list statefulsets: busy"));
        assert_eq!(of_sets(&asked).len(), 3);
    }
}

#[tokio::test]
async fn what_is_forbidden_is_named_and_not_asked_again() {
    let (collected, asked, _) =
        read(
            |asked| {
                if asked.path.ends_with("nodes") { status(403, "nodes is forbidden") } else { (200, page(&[], "")) }
            },
        )
        .await;
    let snapshot = collected.unwrap().snapshot;
    assert_eq!(snapshot.gap(Resource::Nodes).map(|gap| gap.why.as_str()), Some("forbidden: list nodes"));
    assert_eq!(asked.iter().filter(|one| one.path.ends_with("nodes")).count(), 1);

    let (collected, asked, _) = read(|_| status(403, "forbidden")).await;
    assert_eq!(collected.unwrap_err(), ClusterError::Forbidden { action: "list statefulsets".to_owned() });
    assert_eq!(of_sets(&asked).len(), 1);
}

#[tokio::test]
async fn a_kind_that_the_server_does_not_know_is_a_gap() {
    let (collected, _, _) = read(|asked| {
        if asked.path.contains("autoscaling") { (404, b"404 page not found\n".to_vec()) } else { (200, page(&[], "")) }
    })
    .await;
    assert!(!collected.unwrap().snapshot.has_read(Resource::Autoscalers));
}

/// The client's own retrying asks 16 times, with pauses that grow to minutes: it must stay off.
#[tokio::test]
async fn the_clients_own_retrying_is_off() {
    let server = Server::always(Reply::Answer(429, "text/plain", "busy".to_owned()));
    let desk = Desk::new();
    let file = desk.file("config", kubeconfig(&server.url(), "{}"));
    let args =
        ConnectArgs { kubeconfig: Some(file), request_timeout: Duration::from_secs(30), ..ConnectArgs::default() };
    let cluster = Cluster::connect(&args).await.unwrap();
    let wanted = Wanted {
        scope: Scope::One("shop".into()),
        names: Vec::new(),
        labels: None,
        probe: Probing::No(String::new()),
        usage: false,
        container: None,
        engine: None,
    };
    let start = Instant::now();
    let collected = read_cluster(&cluster, &wanted, Keep::Nothing, jiff::Timestamp::UNIX_EPOCH, &|_| ()).await;
    assert!(matches!(collected.unwrap_err(), ClusterError::Server { code: 429, .. }));
    let asked = server.asked().iter().filter(|one| one.path.starts_with(SETS)).count();
    assert_eq!(asked, 3, "our three tries, each a single request");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

//! Who is at work on a set: a Lease, renewed while work goes on, taken over when its holder is gone.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{JournalError, process};
use crate::cluster::{Address, Cluster, ClusterError};
use crate::plan::Subject;

/// How long a holder counts as being at work after its last sign of life.
const LASTS: Duration = Duration::from_secs(30);

/// How often a sign of life is given.
const RENEWED: Duration = Duration::from_secs(10);

/// The annotation of a Lease that says which process holds it.
const PROCESS: &str = "kubectl-stateful.io/process";

/// How often a Lease is sought that others take and give up at the same time.
const TRIES: u32 = 5;

const ROOT: &str = "/apis/coordination.k8s.io/v1";

/// A Lease that we hold.
pub(super) struct Lease {
    address: Address,
    holder: String,
    version: String,
    renewed: Instant,
}

/// Whether somebody else's Lease is taken over before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakeOver {
    No,
    Yes,
}

impl Lease {
    /// Takes the Lease of a set.
    pub(super) async fn take(
        cluster: &Cluster,
        subject: &Subject,
        holder: &str,
        now: Timestamp,
        take_over: TakeOver,
    ) -> Result<Self, JournalError> {
        let list = Address::new(ROOT, &subject.namespace, "leases", None);
        let address = address(subject);
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name(subject),
                "annotations": {PROCESS: process::own()},
                "ownerReferences": [super::journals::owner(subject)],
            },
            "spec": spec(holder, now),
        });
        let mut tries = 0;
        let made = loop {
            tries += 1;
            let made = match cluster.create_object(&list, &lease).await {
                Err(ClusterError::Conflict(_)) => take_again(cluster, &address, holder, now, take_over).await,
                made => made.map_err(JournalError::Cluster),
            };
            match made {
                // The one that was in the way has gone meanwhile.
                Err(JournalError::Cluster(ClusterError::NotFound(_))) if tries < TRIES => {}
                made => break made?,
            }
        };
        Ok(Self { address, holder: holder.to_owned(), version: version(&made), renewed: Instant::now() })
    }

    /// Says who holds the Lease of a set, if somebody does.
    pub(super) async fn holder(cluster: &Cluster, subject: &Subject, now: Timestamp) -> Option<JournalError> {
        let found = cluster.read_object(&address(subject)).await.ok()?;
        (!is_free(&found, now)).then(|| held(&found))
    }

    /// Gives a sign of life, if it is time for one. A server that cannot be reached is no reason to stop: nothing is
    /// begun meanwhile, and once it is back, the version says whether somebody else has taken over.
    pub(super) async fn keep(&mut self, cluster: &Cluster, now: Timestamp) -> Result<(), JournalError> {
        if self.renewed.elapsed() < RENEWED {
            return Ok(());
        }
        let patch = json!({"metadata": {"resourceVersion": self.version}, "spec": {"renewTime": micro(now)}});
        match cluster.patch_object(&self.address, &patch).await {
            Ok(lease) => self.renewed(&lease),
            Err(ClusterError::Conflict(_)) => {
                let found = cluster.read_object(&self.address).await.map_err(JournalError::Cluster)?;
                if holder(&found) != self.holder {
                    return Err(held(&found));
                }
                // It was our own earlier sign of life, whose answer was lost.
                self.renewed(&found);
            }
            Err(error) if error.is_unsettled() || self.renewed.elapsed() < LASTS => {}
            Err(error) => return Err(JournalError::Cluster(error)),
        }
        Ok(())
    }

    fn renewed(&mut self, lease: &Value) {
        self.version = version(lease);
        self.renewed = Instant::now();
    }

    /// Gives it back. One that cannot be given back ends by itself.
    pub(super) async fn give_back(self, cluster: &Cluster) {
        let patch = json!({"metadata": {"resourceVersion": self.version}, "spec": {"holderIdentity": ""}});
        let _ = cluster.patch_object(&self.address, &patch).await;
    }
}

/// Takes a Lease that is there already: one that nobody holds any more.
async fn take_again(
    cluster: &Cluster,
    address: &Address,
    who: &str,
    now: Timestamp,
    take_over: TakeOver,
) -> Result<Value, JournalError> {
    let found = cluster.read_object(address).await.map_err(JournalError::Cluster)?;
    if !is_free(&found, now) && take_over == TakeOver::No {
        return Err(held(&found));
    }
    let metadata = json!({"resourceVersion": version(&found), "annotations": {PROCESS: process::own()}});
    let patch = json!({"metadata": metadata, "spec": spec(who, now)});
    match cluster.patch_object(address, &patch).await {
        Err(ClusterError::Conflict(_)) => Err(held(&found)),
        taken => taken.map_err(JournalError::Cluster),
    }
}

fn name(subject: &Subject) -> String {
    format!("kubectl-stateful.{}", subject.name)
}

fn address(subject: &Subject) -> Address {
    Address::new(ROOT, &subject.namespace, "leases", Some(&name(subject)))
}

fn is_free(lease: &Value, now: Timestamp) -> bool {
    let process = lease.pointer("/metadata/annotations").and_then(|all| all.get(PROCESS)).and_then(Value::as_str);
    holder(lease).is_empty() || is_over(lease, now) || process.is_some_and(process::has_ended)
}

fn spec(holder: &str, now: Timestamp) -> Value {
    json!({
        "holderIdentity": holder, "leaseDurationSeconds": LASTS.as_secs(),
        "acquireTime": micro(now), "renewTime": micro(now),
    })
}

/// Writes a time as the API wants it in Leases: with exactly six digits behind the second.
fn micro(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn holder(lease: &Value) -> &str {
    lease.pointer("/spec/holderIdentity").and_then(Value::as_str).unwrap_or_default()
}

fn version(object: &Value) -> String {
    object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_over(lease: &Value, now: Timestamp) -> bool {
    let renewed =
        lease.pointer("/spec/renewTime").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
    let lasts = lease.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64).unwrap_or(0);
    renewed.is_some_and(|renewed| now.duration_since(renewed).as_secs() > lasts)
}

fn held(lease: &Value) -> JournalError {
    let since = lease.pointer("/spec/acquireTime").and_then(Value::as_str).unwrap_or("an unknown time");
    JournalError::Held { holder: holder(lease).to_owned(), since: since.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use kube::client::Body;

    use super::*;

    fn subject() -> Subject {
        Subject { namespace: "shop".into(), name: "db".into(), uid: "set".to_owned().into() }
    }

    /// A server that answers every request by its method.
    #[expect(clippy::disallowed_types, reason = "the client under test")]
    fn answering(reply: impl Fn(&str) -> (u16, &'static str) + Send + 'static) -> Cluster {
        let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
        tokio::spawn(async move {
            while let Some((request, answer)) = handle.next_request().await {
                let (code, body) = reply(request.method().as_str());
                let body = Body::from(body.as_bytes().to_vec());
                answer.send_response(http::Response::builder().status(code).body(body).unwrap());
            }
        });
        Cluster::over(kube::Client::new(service, "shop"), "shop", Duration::from_secs(10))
    }

    #[test]
    fn a_lease_ends_some_time_after_its_last_sign_of_life() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let lease = json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 30}});
        assert!(!is_over(&lease, at("2026-01-01T00:00:30Z")));
        assert!(is_over(&lease, at("2026-01-01T00:00:31Z")));
        assert!(!is_over(&json!({"spec": {}}), at("2026-01-01T00:00:31Z")));
    }

    #[test]
    fn a_lease_is_free_when_its_process_has_ended() {
        let now = Timestamp::UNIX_EPOCH;
        let held = |process: Option<String>| {
            json!({
                "metadata": {"annotations": {PROCESS: process}},
                "spec": {"holderIdentity": "me@here pid 1", "renewTime": micro(now), "leaseDurationSeconds": 30},
            })
        };
        assert!(!is_free(&held(None), now), "a name and a number prove nothing: they come again");
        let Some(own) = process::own() else { return };
        assert!(!is_free(&held(Some(own.clone())), now));
        assert!(is_free(&held(Some(own + "9")), now), "that one began at another time");
    }

    #[tokio::test]
    async fn a_lease_that_goes_while_it_is_sought_is_made_anew() {
        for (vanishes, requests) in [(1, 3), (9, 2 * TRIES)] {
            let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
            let seen = std::sync::Arc::clone(&asked);
            let cluster = answering(move |method| {
                let at = seen.fetch_add(1, Relaxed);
                match method {
                    "POST" if at < 2 * vanishes => (409, r#"{"kind": "Status", "message": "there is one"}"#),
                    "POST" => (201, r#"{"metadata": {"resourceVersion": "7"}}"#),
                    _ => (404, r#"{"kind": "Status", "message": "not found"}"#),
                }
            });
            let taken = Lease::take(&cluster, &subject(), "me", Timestamp::UNIX_EPOCH, TakeOver::No).await;
            assert_eq!(taken.map(|lease| lease.version).ok(), (vanishes == 1).then(|| "7".to_owned()));
            assert_eq!(asked.load(Relaxed), requests);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_ends_no_run_and_a_refusal_does() {
        for (code, goes_on) in [(503, true), (403, false)] {
            let cluster = answering(move |_| (code, ""));
            let (address, holder) = (address(&subject()), "me".to_owned());
            let mut lease = Lease { address, holder, version: "1".to_owned(), renewed: Instant::now() };
            tokio::time::advance(LASTS * 2).await;
            let kept = lease.keep(&cluster, Timestamp::UNIX_EPOCH).await;
            assert_eq!(kept.is_ok(), goes_on, "{code}: {kept:?}");
        }
    }

    #[test]
    fn times_have_six_digits() {
        assert_eq!(micro("2026-01-01T00:00:00Z".parse().unwrap()), "2026-01-01T00:00:00.000000Z");
    }
}

//! Who is at work on a set: a Lease, renewed while work goes on, taken over when its holder is gone.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::JournalError;
use crate::cluster::{Address, Cluster, ClusterError};
use crate::plan::Subject;

/// How long a holder counts as being at work after its last sign of life.
const LASTS: Duration = Duration::from_secs(30);

/// How often a sign of life is given.
const RENEWED: Duration = Duration::from_secs(10);

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
            "metadata": {"name": name(subject), "ownerReferences": [super::journals::owner(subject)]},
            "spec": spec(holder, now),
        });
        let made = match cluster.create_object(&list, &lease).await {
            Err(ClusterError::Conflict(_)) => take_again(cluster, &address, holder, now, take_over).await?,
            made => made.map_err(JournalError::Cluster)?,
        };
        Ok(Self { address, holder: holder.to_owned(), version: version(&made), renewed: Instant::now() })
    }

    /// Says who holds the Lease of a set, if somebody does.
    pub(super) async fn holder(
        cluster: &Cluster,
        subject: &Subject,
        who: &str,
        now: Timestamp,
    ) -> Option<JournalError> {
        let found = cluster.read_object(&address(subject)).await.ok()?;
        (!is_free(&found, who, now)).then(|| held(&found))
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
    if !is_free(&found, who, now) && take_over == TakeOver::No {
        return Err(held(&found));
    }
    let patch = json!({"metadata": {"resourceVersion": version(&found)}, "spec": spec(who, now)});
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

fn is_free(lease: &Value, who: &str, now: Timestamp) -> bool {
    holder(lease).is_empty() || is_over(lease, now) || is_dead(holder(lease), who)
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

/// Tells whether the holder was a process of this machine that has ended.
fn is_dead(holder: &str, own: &str) -> bool {
    let split = |text: &str| text.rsplit_once(" pid ").map(|(place, pid)| (place.to_owned(), pid.to_owned()));
    let (Some((place, pid)), Some((own_place, _))) = (split(holder), split(own)) else { return false };
    place == own_place && Path::new("/proc/self").exists() && !Path::new("/proc").join(pid).exists()
}

fn held(lease: &Value) -> JournalError {
    let since = lease.pointer("/spec/acquireTime").and_then(Value::as_str).unwrap_or("an unknown time");
    JournalError::Held { holder: holder(lease).to_owned(), since: since.to_owned() }
}

#[cfg(test)]
mod tests {
    use kube::client::Body;

    use super::*;

    #[test]
    fn a_lease_ends_and_a_dead_holder_of_this_machine_is_none() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let lease = json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 30}});
        assert!(!is_over(&lease, at("2026-01-01T00:00:30Z")));
        assert!(is_over(&lease, at("2026-01-01T00:00:31Z")));
        assert!(!is_over(&json!({"spec": {}}), at("2026-01-01T00:00:31Z")));
        let own = format!("me@here pid {}", std::process::id());
        assert!(is_dead("me@here pid 4194305", &own));
        assert!(!is_dead(&own, &own));
        assert!(!is_dead("me@there pid 4194305", &own));
    }

    #[tokio::test(start_paused = true)]
    #[expect(clippy::disallowed_types, reason = "the client under test")]
    async fn a_server_that_is_away_ends_no_run_and_a_refusal_does() {
        for (code, goes_on) in [(503, true), (403, false)] {
            let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
            let server = tokio::spawn(async move {
                while let Some((_, answer)) = handle.next_request().await {
                    answer.send_response(http::Response::builder().status(code).body(Body::empty()).unwrap());
                }
            });
            let cluster = Cluster::over(kube::Client::new(service, "shop"), "shop", Duration::from_secs(10));
            let subject = Subject { namespace: "shop".into(), name: "db".into(), uid: "set".to_owned().into() };
            let (address, holder) = (address(&subject), "me".to_owned());
            let mut lease = Lease { address, holder, version: "1".to_owned(), renewed: Instant::now() };
            tokio::time::advance(LASTS * 2).await;
            let kept = lease.keep(&cluster, Timestamp::UNIX_EPOCH).await;
            assert_eq!(kept.is_ok(), goes_on, "{code}: {kept:?}");
            server.abort();
        }
    }

    #[test]
    fn times_have_six_digits() {
        assert_eq!(micro("2026-01-01T00:00:00Z".parse().unwrap()), "2026-01-01T00:00:00.000000Z");
    }
}

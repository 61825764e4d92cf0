//! The real world: a cluster.

use std::time::Duration;

use super::{NotSent, World};
use crate::cluster::{Cluster, ClusterError, Scope, Trial};
use crate::collect::{self, Keep, Probing, Wanted};
use crate::model::{Answer, ContainerName, Namespace, PodName, Probe, Snapshot};
use crate::plan::{Effect, Pin, Plan, Reading};

/// How long an engine may take to answer one question while a plan waits.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// How long a command of a step may take: what takes longer must run by itself, and be waited for by a check.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// A cluster, as one plan sees it.
pub struct Live<'a> {
    cluster: &'a Cluster,
    plan: &'a Plan,
    now: fn() -> jiff::Timestamp,
}

impl<'a> Live<'a> {
    /// Makes the world of a plan.
    #[must_use]
    pub fn new(cluster: &'a Cluster, plan: &'a Plan, now: fn() -> jiff::Timestamp) -> Self {
        Self { cluster, plan, now }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            scope: Scope::One(self.plan.subject.namespace.clone()),
            names: vec![self.plan.subject.name.clone()],
            labels: None,
            probe: Probing::Within(PROBE_LIMIT),
            usage: true,
            container: self.plan.container.clone(),
            engine: Some(self.plan.engine.clone()),
        }
    }

    /// Sends an effect, or lets the server judge it.
    ///
    /// # Errors
    /// When it was refused, or when nobody knows whether it landed.
    pub async fn send_as(&self, effect: &Effect, trial: Trial) -> Result<(), NotSent> {
        let subject = &self.plan.subject;
        match effect {
            Effect::SetReplicas { from, to } => {
                self.cluster.scale(subject, *from, *to, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::DeleteClaim { claim } => {
                self.cluster.delete_claim(&subject.namespace, claim, trial).await.map_err(|error| not_sent(&error))
            }
            // A server cannot judge a command without running it.
            Effect::Command { .. } | Effect::Await { .. } if trial == Trial::ServerDryRun => Ok(()),
            Effect::Command { pod, container, words: _, argv } => self.run(pod, container, argv).await,
            Effect::Await { pod, container, words: _, argv } => {
                let again = |not_sent| match not_sent {
                    NotSent::Refused(why) | NotSent::Unsettled(why) | NotSent::NotYet(why) => NotSent::NotYet(why),
                };
                self.run(pod, container, argv).await.map_err(again)
            }
        }
    }

    async fn run(&self, pod: &Pin, container: &ContainerName, argv: &[String]) -> Result<(), NotSent> {
        let namespace = &self.plan.subject.namespace;
        self.is_same(namespace, pod).await?;
        let probe = Probe { id: "command", container: container.clone(), argv: argv.to_vec() };
        let pod = PodName(pod.name.clone());
        ended(&pod, self.cluster.ask(namespace, &pod, &probe, COMMAND_LIMIT).await)
    }

    async fn is_same(&self, namespace: &Namespace, pod: &Pin) -> Result<(), NotSent> {
        match self.cluster.pod_uid(namespace, &pod.name).await {
            Ok(uid) if uid == pod.uid.as_str() => Ok(()),
            Ok(_) => Err(NotSent::Refused(format!("pod {} is another one than when the plan was made", pod.name))),
            Err(error) => Err(not_sent(&error)),
        }
    }
}

impl World for Live<'_> {
    async fn observe(&self, reading: Reading) -> Result<Snapshot, ClusterError> {
        let wanted = self.wanted();
        if !reading.everything {
            return collect::read_part(self.cluster, &wanted, reading, (self.now)()).await;
        }
        let mut collected = collect::read_cluster(self.cluster, &wanted, Keep::Nothing, (self.now)(), &|_| ()).await?;
        collect::ask_members(self.cluster, &wanted, &mut collected.snapshot, &|_| ()).await;
        Ok(collected.snapshot)
    }

    async fn send(&self, effect: &Effect) -> Result<(), NotSent> {
        self.send_as(effect, Trial::No).await
    }

    fn silent(&self) -> Option<String> {
        self.cluster.silent()
    }
}

fn not_sent(error: &ClusterError) -> NotSent {
    if error.is_unsettled() { NotSent::Unsettled(error.to_string()) } else { NotSent::Refused(error.to_string()) }
}

/// Reads how a command ended. One that was cut off may have done its work.
fn ended(pod: &PodName, answer: Answer) -> Result<(), NotSent> {
    match answer {
        Answer::Ended { exit_code: 0, .. } => Ok(()),
        Answer::Ended { exit_code, stderr, .. } => {
            let line = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no word why");
            Err(NotSent::Refused(format!("the command in {pod} ended with {exit_code}: {line}")))
        }
        Answer::Failed(why) if why.starts_with("forbidden") => Err(NotSent::Refused(why)),
        Answer::Failed(why) => Err(NotSent::Unsettled(format!("the command in {pod}: {why}"))),
    }
}

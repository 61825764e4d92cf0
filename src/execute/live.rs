//! The real world: a cluster.

use std::cell::RefCell;
use std::time::Duration;

use super::{NotSent, World, one_by_one};
use crate::cluster::{Cluster, ClusterError, Copying, Helper, NotCopied, Scope, Trial, Wait, Way};
use crate::collect::{self, Keep, Probing, Wanted};
use crate::model::{Answer, ContainerName, Namespace, PodName, Probe, Snapshot};
use crate::mover::program::beside;
use crate::plan::{Effect, GIVEN, Goal, Help, Measure, Pin, Plan, Process, Reading, Relocation, RunId, Stage};

/// How long an engine may take to answer one question while a plan waits.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// How long a command of a step may take: what takes longer must run by itself, and be waited for by a check.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// With this exit code a command that is waited for says that waiting is in vain.
const GIVEN_UP: i32 = 3;

/// A cluster, as one plan sees it.
pub struct Live<'a> {
    cluster: &'a Cluster,
    plan: &'a Plan,
    now: fn() -> jiff::Timestamp,
    /// What is being copied right now, and how much of it is left.
    doing: RefCell<Option<(String, Option<Measure>)>>,
}

impl<'a> Live<'a> {
    /// Makes the world of a plan.
    #[must_use]
    pub fn new(cluster: &'a Cluster, plan: &'a Plan, now: fn() -> jiff::Timestamp) -> Self {
        Self { cluster, plan, now, doing: RefCell::default() }
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
        let namespace = &subject.namespace;
        match effect {
            Effect::SetReplicas { from, to } => {
                self.cluster.scale(subject, *from, *to, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::DeleteClaim { claim } => {
                self.cluster.delete_claim(namespace, claim, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::Select { service, key, from, to } => {
                let words = (from.as_str(), to.as_str());
                self.cluster.select(namespace, service, key, words, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::Readdress { service: _, list, from, to } => {
                self.cluster.readdress(namespace, list, (from, to), trial).await.map_err(|error| not_sent(&error))
            }
            Effect::Label { pod, key, from, to } => {
                let words = (from.as_deref(), to.as_deref());
                self.cluster.label(namespace, pod, key, words, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::Annotate { key, value } => {
                self.cluster.annotate(subject, key, value, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::Cordon { node, cordoned } => {
                self.cluster.cordon(node, *cordoned, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::DeletePod { pod, grace_seconds } => {
                self.cluster.delete_pod(namespace, pod, *grace_seconds, trial).await.map_err(|error| not_sent(&error))
            }
            Effect::DeleteVolume { .. } if trial == Trial::ServerDryRun => Ok(()),
            Effect::DeleteVolume { volume } => {
                self.cluster.delete_volume(volume).await.map_err(|error| not_sent(&error))
            }
            Effect::Evict { pod } => match self.cluster.evict(namespace, pod, trial).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(NotSent::NotYet("a disruption budget does not allow it now".to_owned())),
                Err(error) => Err(not_sent(&error)),
            },
            // A server cannot judge a command without running it, nor a helper before its member has stopped.
            Effect::Command { .. }
            | Effect::Await { .. }
            | Effect::Pass { .. }
            | Effect::Tell { .. }
            | Effect::Handover { .. }
            | Effect::Help(_)
            | Effect::EndHelp { .. }
            | Effect::Relocate { .. }
                if trial == Trial::ServerDryRun =>
            {
                Ok(())
            }
            Effect::Relocate { stage, relocation } => self.relocate(*stage, relocation).await,
            Effect::Help(help) => self.help(help).await,
            Effect::EndHelp { helper, member: _ } => {
                self.cluster.end_help(subject, helper).await.map_err(|error| not_sent(&error))
            }
            Effect::Pass { from, into, words: _ } => {
                self.is_same(namespace, &into.pod).await?;
                self.pass(from, command(into)).await
            }
            Effect::Tell { from, member, container, words: _, argv } => {
                self.pass(from, (member.clone(), told(container, argv))).await
            }
            Effect::Handover { waits, acts, words: _ } => {
                self.hand_over(waits, acts, &[]).await.map_err(|(_, why)| why)
            }
            Effect::Command { pod, container, words: _, argv } => self.run(pod, container, argv).await,
            Effect::Await { pod, container, words: _, argv } => self.run_again(pod, container, argv).await,
        }
    }

    async fn answer(&self, pod: &Pin, container: &ContainerName, argv: &[String]) -> Answer {
        let probe = Probe { id: "command", container: container.clone(), argv: argv.to_vec() };
        self.cluster.ask(&self.plan.subject.namespace, &PodName(pod.name.clone()), &probe, COMMAND_LIMIT).await
    }

    /// Has one command read what another one prints. It passes through this process' memory and nowhere else.
    async fn pass(&self, from: &Process, (pod, probe): (PodName, Probe)) -> Result<(), NotSent> {
        let namespace = &self.plan.subject.namespace;
        self.is_same(namespace, &from.pod).await?;
        let answer = self.answer(&from.pod, &from.container, &from.argv).await;
        let Answer::Ended { exit_code: 0, stdout, .. } = answer else {
            return ended(&PodName(from.pod.name.clone()), answer);
        };
        ended(&pod, self.cluster.tell(namespace, &pod, &probe, stdout.as_bytes(), COMMAND_LIMIT).await)
    }

    /// Starts a helper, and hands it over what it waits for. It passes through this process' memory and nowhere else.
    async fn help(&self, help: &Help) -> Result<(), NotSent> {
        let subject = &self.plan.subject;
        match self.cluster.help(subject, &self.plan.id, help).await {
            Ok(Helper::Starts(why)) => return Err(NotSent::NotYet(why)),
            Ok(Helper::Done) => return Ok(()),
            Ok(Helper::Runs) => {}
            Err(error) => return Err(not_sent(&error)),
        }
        let Process { pod, container, argv } = &help.reads;
        self.is_same(&subject.namespace, pod).await?;
        let answer = self.answer(pod, container, argv).await;
        let Answer::Ended { exit_code: 0, stdout, .. } = answer else {
            return ended(&PodName(pod.name.clone()), answer);
        };
        let take = format!("umask 077 && cat >{GIVEN}.new && mv {GIVEN}.new {GIVEN}");
        let argv = ["sh", "-c", &take].map(str::to_owned).to_vec();
        let probe = Probe { id: "command", container: help.container.clone(), argv };
        let helper = PodName(help.helper.clone());
        ended(&helper, self.cluster.tell(&subject.namespace, &helper, &probe, stdout.as_bytes(), COMMAND_LIMIT).await)
    }

    /// Goes on with a part of a member's way to another node.
    async fn relocate(&self, stage: Stage, of: &Relocation) -> Result<(), NotSent> {
        let way = Way { subject: &self.plan.subject, run: self.of_run(), of };
        if !stage.may_be_left() {
            return match self.cluster.relocate(way, stage).await {
                Ok(Wait::Over) => Ok(()),
                Ok(Wait::For(why)) => Err(NotSent::NotYet(why)),
                Err(error) => Err(not_sent(&error)),
            };
        }
        let program = |architecture: &str| -> Result<Vec<u8>, NotSent> {
            let own = std::env::current_exe().map_err(|error| NotSent::Refused(error.to_string()))?;
            let path = beside(&own, architecture).map_err(|error| NotSent::Refused(error.to_string()))?;
            std::fs::read(path).map_err(|error| NotSent::Refused(error.to_string()))
        };
        let programs = [program(&of.source.architecture)?, program(&of.target.architecture)?];
        let say = |what, measure| *self.doing.borrow_mut() = Some((what, measure));
        let copying = Copying { cluster: self.cluster, way, programs, say: &say };
        let done = if stage == Stage::Copy { copying.live().await } else { copying.rest().await };
        *self.doing.borrow_mut() = None;
        done.map_err(|error| match error {
            NotCopied::Refused(why) => NotSent::Refused(why),
            NotCopied::Unsettled(why) => NotSent::Unsettled(why),
        })
    }

    /// Names the run that this plan carries out or takes back: what was made for it bears that name.
    fn of_run(&self) -> &RunId {
        if let Goal::Undo { of } = &self.plan.goal { of } else { &self.plan.id }
    }

    /// Lets one command wait for what another one brings about, and sends what comes first as soon as it waits: whatever
    /// of that does not land, the other one does not act. How the one that waits ends, decides; what the other one says is
    /// heard when it was refused.
    async fn hand_over(&self, waits: &Process, acts: &Process, first: &[&Effect]) -> Result<(), (usize, NotSent)> {
        let namespace = &self.plan.subject.namespace;
        let own = |not_sent| (first.len(), not_sent);
        let (one, other) = tokio::join!(self.is_same(namespace, &waits.pod), self.is_same(namespace, &acts.pod));
        one.and(other).map_err(own)?;
        let mut sent = Ok(());
        let before = async {
            sent = Box::pin(one_by_one(self, first)).await;
            sent.is_ok()
        };
        let (waiting, acting) = (command(waits), command(acts));
        let (waited, acted) = self
            .cluster
            .hand_over(namespace, (&waiting.0, &waiting.1), (&acting.0, &acting.1), before, COMMAND_LIMIT)
            .await;
        sent?;
        match (ended(&waiting.0, waited), ended(&acting.0, acted)) {
            (Ok(()), _) => Ok(()),
            (Err(NotSent::Refused(why)), Err(NotSent::Refused(first))) => {
                Err(own(NotSent::Refused(format!("{first}; {why}"))))
            }
            (Err(not_sent), _) => Err(own(not_sent)),
        }
    }

    async fn run(&self, pod: &Pin, container: &ContainerName, argv: &[String]) -> Result<(), NotSent> {
        let namespace = &self.plan.subject.namespace;
        self.is_same(namespace, pod).await?;
        let probe = Probe { id: "command", container: container.clone(), argv: argv.to_vec() };
        let pod = PodName(pod.name.clone());
        ended(&pod, self.cluster.ask(namespace, &pod, &probe, COMMAND_LIMIT).await)
    }

    /// Runs a command that is waited for: whatever it ends with but one code, it is to be run again.
    async fn run_again(&self, pod: &Pin, container: &ContainerName, argv: &[String]) -> Result<(), NotSent> {
        self.is_same(&self.plan.subject.namespace, pod).await?;
        let answer = self.answer(pod, container, argv).await;
        if let Answer::Ended { exit_code: GIVEN_UP, .. } = answer {
            return ended(&PodName(pod.name.clone()), answer);
        }
        let again = |not_sent| match not_sent {
            NotSent::Refused(why) | NotSent::Unsettled(why) | NotSent::NotYet(why) => NotSent::NotYet(why),
        };
        ended(&PodName(pod.name.clone()), answer).map_err(again)
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

    async fn send_all(&self, effects: &[&Effect]) -> Result<(), (usize, NotSent)> {
        if let Some((Effect::Handover { waits, acts, words: _ }, first)) = effects.split_last() {
            return self.hand_over(waits, acts, first).await;
        }
        one_by_one(self, effects).await
    }

    fn doing(&self) -> Option<(String, Option<Measure>)> {
        self.doing.borrow().clone()
    }

    fn silent(&self) -> Option<String> {
        self.cluster.silent()
    }
}

fn command(process: &Process) -> (PodName, Probe) {
    (PodName(process.pod.name.clone()), told(&process.container, &process.argv))
}

fn told(container: &ContainerName, argv: &[String]) -> Probe {
    Probe { id: "command", container: container.clone(), argv: argv.to_vec() }
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

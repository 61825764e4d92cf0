//! What is wrong between the members: primaries, followers, and what they keep for each other.

use std::collections::{BTreeMap, BTreeSet};

use super::Criteria;
use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::scene::{Place, Scene};
use super::slots;
use crate::engine;
use crate::model::{Answer, Code, Known, Member, Node, PodName, Recognised, Resource, Role, Severity, Topology};

/// One workload's members, with what they are judged by.
struct Cluster<'s, 'a> {
    scene: &'s Scene<'a>,
    topology: &'s Topology,
    standing: &'s Standing<'s>,
    max_lag_bytes: u64,
}

/// What the members' answers say when they are laid side by side.
pub(super) struct Standing<'a> {
    pub(super) leadership: Leadership<'a>,
    /// Members on another branch of history than the one that leads, and how that shows.
    pub(super) diverged: Vec<(&'a Member, String)>,
}

impl<'a> Standing<'a> {
    /// Lays the members' answers side by side.
    pub(super) fn new(scene: &Scene<'_>, topology: &'a Topology) -> Self {
        Self { leadership: leadership(scene, topology), diverged: diverged(topology) }
    }

    /// Says how a member is on another branch of history, if it is.
    pub(super) fn apart(&self, pod: &PodName) -> Option<&str> {
        self.diverged.iter().find(|(member, _)| member.pod == *pod).map(|(_, how)| how.as_str())
    }
}

/// Says what is wrong between members.
pub(super) fn find(
    scene: &Scene<'_>,
    topology: &Topology,
    standing: &Standing<'_>,
    criteria: &Criteria,
    findings: &mut Findings,
) {
    let cluster = Cluster { scene, topology, standing, max_lag_bytes: criteria.max_lag_bytes };
    cluster.primaries(findings);
    cluster.data(findings);
    for member in &topology.members {
        cluster.follower(member, findings);
    }
    cluster.confirmations(findings);
    slots::find(topology, findings);
    cluster.membership(findings);
    for finding in &topology.findings {
        findings.add(finding.clone());
    }
}

/// Tells whether a member is known to receive nothing.
fn receives_nothing(member: &Member) -> bool {
    member.receiving.as_ref().is_some_and(|receiving| receiving.value() == Some(&false))
}

/// Tells whether a member is known to receive changes now.
pub(super) fn receives(member: &Member) -> bool {
    member.receiving.as_ref().is_some_and(|receiving| receiving.value() == Some(&true))
}

/// Tells whether a member leads: takes writes, or leads a cluster that follows another one.
pub(super) fn leads(member: &Member) -> bool {
    matches!(member.role.value(), Some(Role::Primary | Role::StandbyLeader))
}

/// Says what is known of there being a primary.
pub(super) enum Leadership<'a> {
    /// Nobody said anything about roles, or nothing runs.
    Unknown,
    /// Exactly one leads.
    One(&'a Member),
    /// Several take writes.
    Several(Vec<&'a Member>),
    /// No member leads, and every running one has said so.
    None,
    /// No member is known to lead, but some have not said.
    NoneKnown(Vec<&'a Member>),
    /// A cluster of equals, which needs no leader.
    Equals,
    /// All follow a primary that is no member of this set.
    Outside,
}

/// Finds out who leads.
fn leadership<'a>(scene: &Scene<'_>, topology: &'a Topology) -> Leadership<'a> {
    if topology.is_of_equals() {
        return Leadership::Equals;
    }
    let primaries: Vec<&Member> = topology.primaries().collect();
    if primaries.len() > 1 {
        return Leadership::Several(primaries);
    }
    if let Some(leader) = topology.members.iter().find(|member| leads(member)) {
        return Leadership::One(leader);
    }
    if topology.upstream.is_some() {
        return Leadership::Outside;
    }
    let said = topology.members.iter().any(|member| member.role.value().is_some());
    if !said {
        return Leadership::Unknown;
    }
    let running = |member: &&Member| scene.place_of(&member.pod).is_some_and(|place| place.pod.is_some());
    let silent: Vec<&Member> =
        topology.members.iter().filter(|member| member.role.value().is_none()).filter(running).collect();
    if silent.is_empty() { Leadership::None } else { Leadership::NoneKnown(silent) }
}

/// Finds members that are on another branch of history than the one primary, or hold another cluster's data.
fn diverged(topology: &Topology) -> Vec<(&Member, String)> {
    let mut leaders = topology.members.iter().filter(|member| leads(member));
    let (Some(leader), None) = (leaders.next(), leaders.next()) else { return Vec::new() };
    let differs = |member: &Member| {
        if let Some((own, other)) = member.system_id.as_ref().zip(leader.system_id.as_ref())
            && own != other
        {
            return Some(format!("holds the data of another cluster than {}: {own}, not {other}", leader.pod));
        }
        let (own, other) = member.timeline.zip(leader.timeline)?;
        let apart = own > other || (own < other && receives_nothing(member));
        apart.then(|| format!("is on timeline {own}, {} on {other}", leader.pod))
    };
    topology.members.iter().filter_map(|member| Some((member, differs(member)?))).collect()
}

fn of_pod(severity: Severity, code: Code, member: &Member, predicate: String) -> Remark {
    Remark::new(severity, code, Kind::Pod, member.pod.as_str(), predicate)
}

impl Cluster<'_, '_> {
    fn set(&self, severity: Severity, code: Code, predicate: String) -> Remark {
        Remark::new(severity, code, Kind::Set, self.scene.workload.meta.name.as_str(), predicate)
    }

    fn primaries(&self, findings: &mut Findings) {
        match &self.standing.leadership {
            Leadership::Unknown | Leadership::One(_) | Leadership::Equals | Leadership::Outside => {}
            Leadership::Several(primaries) => {
                let on = |member: &Member| member.timeline.map(|timeline| format!(" (timeline {timeline})"));
                let names: Vec<String> = primaries
                    .iter()
                    .map(|member| format!("{}{}", member.pod, on(member).unwrap_or_default()))
                    .collect();
                let predicate = format!("has {} primaries: {}", names.len(), phrase::list(&names));
                findings.say(self.set(Severity::Critical, Code::TwoPrimaries, predicate).why(
                    "each takes writes that the others do not have: keep clients away from all but one before \
                     anything else",
                ));
            }
            Leadership::None => {
                let members = self.topology.members.len();
                let none = if members == 1 {
                    "the only member takes".to_owned()
                } else {
                    format!("none of its {members} members takes")
                };
                findings.say(
                    self.set(Severity::Critical, Code::NoPrimary, format!("has no primary: {none} writes"))
                        .why("every write fails"),
                );
            }
            Leadership::NoneKnown(silent) => findings.say(self.no_known_primary(silent)),
        }
    }

    /// A replica that receives changes has somebody to receive from: then only the answer is missing.
    fn no_known_primary(&self, silent: &[&Member]) -> Remark {
        let fed = self.topology.members.iter().any(receives);
        let severity = if fed { Severity::Warning } else { Severity::Critical };
        let names: Vec<String> = silent.iter().map(|member| member.pod.to_string()).collect();
        let mut reasons: Vec<&str> = silent.iter().filter_map(|member| member.role.why()).collect();
        reasons.dedup();
        let predicate = format!("has no known primary: {} unknown ({})", roles_of(&names), reasons.join("; "));
        let why =
            if fed { "a replica still receives changes, so that a primary seems to run" } else { "writes may fail" };
        self.set(severity, Code::NoPrimary, predicate).why(why)
    }

    fn data(&self, findings: &mut Findings) {
        for (member, predicate) in &self.standing.diverged {
            findings.say(
                of_pod(Severity::Critical, Code::TimelineDiverged, member, predicate.clone())
                    .why("it cannot follow as it is, and may hold writes that nobody else has"),
            );
        }
        if self.topology.members.iter().any(leads) {
            return;
        }
        let ids: BTreeMap<&str, &Member> =
            self.topology.members.iter().filter_map(|member| Some((member.system_id.as_deref()?, member))).collect();
        if ids.len() > 1 {
            let predicate = format!("has members of {} different clusters", ids.len());
            findings.say(
                self.set(Severity::Critical, Code::TimelineDiverged, predicate).why("they can never follow each other"),
            );
        }
    }

    fn follower(&self, member: &Member, findings: &mut Findings) {
        let follows = matches!(member.role.value(), Some(Role::Replica | Role::StandbyLeader));
        if !follows {
            return;
        }
        let led = !matches!(self.standing.leadership, Leadership::None);
        let apart = self.standing.apart(&member.pod).is_some();
        if receives_nothing(member) && led && !apart {
            let state = member.replication.as_ref().map(|state| format!(" ({state})")).unwrap_or_default();
            findings.say(
                of_pod(Severity::Warning, Code::ReplicaDisconnected, member, format!("receives no changes{state}"))
                    .why("it falls behind without limit"),
            );
        }
        if member.replay_paused {
            findings.say(
                of_pod(Severity::Warning, Code::ReplayPaused, member, "has its replay paused".to_owned())
                    .why("it receives changes and does not apply them, until somebody resumes it"),
            );
        }
        let Some(lag) = &member.lag else { return };
        if let Some(bytes) = lag.bytes.value().filter(|bytes| **bytes > self.max_lag_bytes) {
            let delay = lag.delay_ms.value().map(|delay| format!(" ({})", span_of(*delay))).unwrap_or_default();
            let limit = phrase::bytes(self.max_lag_bytes);
            findings.say(
                of_pod(
                    Severity::Warning,
                    Code::LagHigh,
                    member,
                    format!("is {}{delay} behind, over {limit} (--max-lag)", phrase::bytes(*bytes)),
                )
                .why("reads from it are old; what it has not even received is lost with the primary"),
            );
        }
    }

    fn confirmations(&self, findings: &mut Findings) {
        let Some(rule) = &self.topology.sync else { return };
        let Some(confirming) = rule.confirming.value().filter(|confirming| **confirming < rule.wanted) else { return };
        let predicate = format!("has {confirming} of {} synchronous standbys ({})", rule.wanted, rule.setting);
        findings.say(
            self.set(Severity::Critical, Code::SyncStandbyMissing, predicate)
                .why("commits wait until enough standbys confirm"),
        );
    }

    fn membership(&self, findings: &mut Findings) {
        for stranger in &self.topology.strangers {
            findings.say(
                self.set(
                    Severity::Warning,
                    Code::MemberWithoutPod,
                    format!("has member {stranger}, for which there is no pod"),
                )
                .why("the engine counts it: quorum, slots and confirmations may wait for it"),
            );
        }
        let known: BTreeSet<_> = self.topology.members.iter().map(|member| &member.pod).collect();
        for place in self.scene.places.iter().filter(|place| place.is_running() && !known.contains(&place.name)) {
            findings.say(
                Remark::new(
                    Severity::Warning,
                    Code::PodWithoutMember,
                    Kind::Pod,
                    place.name.as_str(),
                    "runs and is no member of the cluster",
                )
                .why("it holds no copy that anybody counts on"),
            );
        }
    }
}

fn roles_of(names: &[String]) -> String {
    if names.len() == 1 {
        format!("the role of {} is", names[0])
    } else {
        format!("the roles of {} are", phrase::names(names))
    }
}

fn span_of(delay_ms: u64) -> String {
    phrase::span(i64::try_from(delay_ms / 1000).unwrap_or(i64::MAX))
}

/// Says which engines did not answer, if they were asked.
pub(super) fn find_silent(scene: &Scene<'_>, recognised: &Recognised, topology: &Topology, findings: &mut Findings) {
    if !engine::asks(scene.workload, recognised) {
        return;
    }
    // Of a member on a node that is down everything was said with its pod.
    let reachable = |place: &&Place<'_>| place.node.is_none_or(Node::is_ready);
    for place in scene.places.iter().filter(|place| place.is_running()).filter(reachable) {
        let (Some(pod), Some(member)) = (place.pod, topology.member(&place.name)) else { continue };
        let mut asked = scene.index.outputs(pod).peekable();
        // That nobody was asked is said once, with the other things that were not read.
        if asked.peek().is_none() && !scene.index.has_read(Resource::Probes) {
            continue;
        }
        let failed = asked.find_map(|output| match &output.answer {
            Answer::Failed(why) => Some(why.as_str()),
            Answer::Ended { .. } => None,
        });
        let (severity, reason) = match (&member.role, failed) {
            (Known::Unknown(why), failed) => (Severity::Warning, failed.unwrap_or(why)),
            (Known::Value(_), Some(failed)) => (Severity::Note, failed),
            (Known::Value(_), None) => continue,
        };
        let what = if severity == Severity::Note { "answered only in part" } else { "gave no role" };
        let remark = Remark::new(
            severity,
            Code::ProbeFailed,
            Kind::Pod,
            place.name.as_str(),
            format!("{what}: {}", phrase::clause(reason)),
        );
        findings.say(remark.why("what is not known is taken for unsafe"));
    }
}

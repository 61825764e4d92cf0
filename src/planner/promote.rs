//! The plan of a promotion: who may become the primary, and the way there.

use jiff::Timestamp;

use super::clients::{Clients, clients, clients_of_lost, sessions};
use super::failover;
use super::objections::overruled;
use super::proof;
use super::restart::held_back;
use super::{Refusal, Situation};
use crate::analyze::report::{PodState, Rollout, Row};
use crate::analyze::{bytes, listed};
use crate::engine::{GivenUp, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Known, Pod, PodName, Probe, Resource, Role, SyncState};
use crate::plan::{Check, FORMAT, Goal, Limit, Objection, Pause, Pin, Plan, RunId, Subject, Weight};

/// What somebody wants.
#[derive(Clone, Debug, Default)]
pub struct Promote {
    /// The primary that somebody expects (`--expected-primary`).
    pub expected: Option<PodName>,
    /// What somebody takes the responsibility for (`--allow`).
    pub allowed: Vec<String>,
    /// The path that somebody asked for (`--path`).
    pub path: Path,
    /// How long each step may take, where somebody said so.
    pub step_limit: Option<Limit>,
    /// Whether a write is tried at the end (`--verify-write`).
    pub verify_write: bool,
    /// Whether the primary does not answer and is given up (`--failover`); how much may be lost with it.
    pub failover: Option<Accepted>,
}

/// How much of what only the old primary has may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Somebody is asked once it is measured.
    Asked,
    /// So many bytes of log, if it can be measured.
    Bytes(u64),
    /// Whatever it is.
    Any,
}

/// A member that could become the primary.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The ordinal as `status` shows it.
    pub row: Row,
    /// What speaks against it.
    pub objections: Vec<Objection>,
}

impl Candidate {
    /// Tells whether nothing speaks against it.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        self.objections.is_empty()
    }

    /// Orders candidates: the fit ones first, then those for whom commits wait, then by what they lack.
    fn rank(&self) -> (bool, bool, u64, u32) {
        let confirms = matches!(self.row.sync, Some(SyncState::Sync | SyncState::Quorum));
        let lag = self.row.lag.as_ref().and_then(|lag| lag.bytes.value()).copied().unwrap_or(u64::MAX);
        (!self.is_fit(), !confirms, lag, self.row.ordinal)
    }
}

/// Judges every replica, the best one first.
///
/// # Errors
/// When something speaks against any promotion of this set.
pub fn candidates(situation: &Situation<'_>, wanted: &Promote) -> Result<Vec<Candidate>, Refusal> {
    let objections = overruled(of_set(situation, wanted), &wanted.allowed);
    if !objections.is_empty() {
        return Err(refusal(situation, None, wanted, objections));
    }
    let rows = situation.report.rows.iter().filter(|row| row.role == Known::Value(Role::Replica));
    let mut found: Vec<Candidate> = rows
        .map(|row| {
            let objections = match promotion(situation, &row.pod, wanted) {
                Ok(parts) => against(situation, row, wanted, parts),
                Err(objection) => vec![objection],
            };
            Candidate { row: row.clone(), objections: overruled(objections, &wanted.allowed) }
        })
        .collect();
    found.sort_by_key(Candidate::rank);
    Ok(found)
}

/// Makes the plan that lets a member become the primary, or says everything that speaks against it.
///
/// # Errors
/// When anything speaks against it.
pub fn promote(
    situation: &Situation<'_>,
    to: &PodName,
    wanted: &Promote,
    id: RunId,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let judged = candidates(situation, wanted)?;
    let refuse = |objections| refusal(situation, Some(to), wanted, objections);
    let Some(candidate) = judged.iter().find(|candidate| candidate.row.pod == *to) else {
        return Err(refuse(vec![no_replica(situation, to)]));
    };
    if !candidate.is_fit() {
        return Err(refuse(candidate.objections.clone()));
    }
    let parts = promotion(situation, to, wanted).map_err(|objection| refuse(vec![objection]))?;
    if parts.promotion.lead.is_empty() {
        // Whatever somebody takes the responsibility for: clients must not be led to a member that nobody promotes.
        return Err(refuse(parts.promotion.objections));
    }
    let mut objections = failover::loss(&parts, wanted);
    if wanted.verify_write && parts.promotion.verifies.is_none() {
        let measured = format!("how a write to {} is tried is not known here", situation.engine.title());
        objections
            .push(Objection::new("noVerify", Weight::No, measured, "--verify-write wants one").way_out("leave it out"));
    }
    let objections = overruled(objections, &wanted.allowed);
    if !objections.is_empty() {
        return Err(refuse(objections));
    }
    Ok(plan(situation, to, wanted, parts, id, now))
}

/// Makes the question by which it is measured what only a primary that does not answer has, and says whom to ask.
#[must_use]
pub fn remains(situation: &Situation<'_>, to: &PodName, wanted: &Promote) -> Option<(Pin, Probe)> {
    let promoting = promoting(situation, to, wanted).ok()?;
    let Handing::Up(GivenUp { place: Some(place), .. }) = &promoting.handing else { return None };
    let probe = situation.asked(|asked| situation.engine.remains(asked, &promoting))?;
    Some((place.pod.clone(), probe))
}

/// What a plan is put together from.
pub(super) struct Parts {
    pub(super) handing: Handing,
    pub(super) promotion: Promotion,
    pub(super) clients: Clients,
}

fn plan(situation: &Situation<'_>, to: &PodName, wanted: &Promote, parts: Parts, id: RunId, now: Timestamp) -> Plan {
    let Parts { handing, promotion, mut clients } = parts;
    let (from, given_up) = match &handing {
        Handing::Over(place) => (place.name(), None),
        Handing::Up(given_up) => (given_up.pod.clone(), Some(given_up)),
    };
    let set = situation.workload;
    let mut notes = promotion.notes;
    if !situation.has_parts() {
        notes.extend(sessions(situation, &from));
    }
    let mut steps = promotion.before;
    let first = steps.len();
    if let Some(given_up) = given_up.filter(|_| promotion.returns.is_none()) {
        steps.extend(failover::fence(situation, given_up));
    }
    steps.extend(promotion.fence);
    let together = promotion.at_once.then_some(steps.len());
    let awaited = if promotion.leads_clients { clients.led_by_others() } else { Vec::new() };
    steps.extend(clients.steps);
    notes.extend(clients.notes);
    let leads = steps.len();
    steps.extend(promotion.lead);
    if let (Some(given_up), Some(step)) = (given_up, steps.get_mut(leads)) {
        step.requires.extend(failover::must_be_held(situation, given_up));
        notes.extend(failover::note(situation, given_up));
    }
    if let (Some(given_up), Some(returns)) = (given_up, promotion.returns) {
        steps.extend(failover::end(situation, given_up, returns));
    }
    let last = steps.len().saturating_sub(1);
    steps.extend(promotion.after);
    if let Some(step) = steps.last_mut() {
        step.ensures.extend(awaited);
    }
    steps.extend(promotion.verifies);
    if let (Some(given_up), Some(rejoin)) = (given_up, promotion.failover.and_then(|failover| failover.rejoin)) {
        steps.extend(failover::rejoin(situation, given_up, rejoin));
    }
    if let (Some(given_up), Some(turn)) = (given_up, promotion.turn) {
        steps.extend(failover::turn(situation, given_up, turn));
    }
    steps.extend(promotion.proves.then(|| proof::note(situation, now)));
    if let Some(step) = steps.first_mut() {
        step.requires.push(Check::MayLead { pod: to.clone() });
    }
    if let Some(limit) = wanted.step_limit {
        for step in &mut steps {
            step.limit = limit;
        }
    }
    Plan {
        format: FORMAT,
        id,
        made_at: now,
        goal: Goal::Promote { from: Some(from), to: to.clone(), failover: given_up.is_some() },
        subject: Subject::of(set),
        engine: situation.report.head.engine.engine.clone(),
        container: situation.container.map(str::to_owned),
        max_lag_bytes: situation.max_lag_bytes,
        overrides: wanted.allowed.clone(),
        manner: promotion.manner,
        notes,
        typed: given_up.map(failover::typed).unwrap_or_default(),
        pause: given_up.is_none().then_some(Pause { first, last, together }),
        steps,
    }
}

/// Says what speaks against a promotion right before it begins.
pub(super) fn objections_now(situation: &Situation<'_>, to: &PodName, plan: &Plan) -> Vec<Objection> {
    let (expected, failover) = match &plan.goal {
        Goal::Promote { from, failover, .. } => (from.clone(), failover.then_some(Accepted::Any)),
        Goal::ScaleDown { .. } | Goal::Migrate { .. } | Goal::Finish { .. } | Goal::Undo { .. } => (None, None),
    };
    let wanted = Promote { expected, failover, allowed: plan.overrides.clone(), ..Promote::default() };
    match candidates(situation, &wanted) {
        Err(refusal) => refusal.objections,
        Ok(judged) => match judged.into_iter().find(|candidate| candidate.row.pod == *to) {
            Some(candidate) => candidate.objections,
            None => vec![no_replica(situation, to)],
        },
    }
}

/// Asks the engine, and looks for the ways of clients.
fn promotion(situation: &Situation<'_>, to: &PodName, wanted: &Promote) -> Result<Parts, Objection> {
    let mut promoting = promoting(situation, to, wanted)?;
    let clients = match &promoting.handing {
        Handing::Over(place) => clients(situation, situation.pod(&place.name()), &promoting.candidate),
        Handing::Up(lost) => clients_of_lost(situation, &lost.pod, &promoting.candidate),
    };
    let direct = promoting.candidate.host.clone().unwrap_or_else(|| to.to_string());
    promoting.verify = wanted.verify_write.then(|| clients.service.clone().unwrap_or(direct));
    let promotion = situation.asked(|asked| situation.engine.promotion(asked, &promoting));
    Ok(Parts { handing: promoting.handing, promotion, clients })
}

/// Says who takes over from whom.
fn promoting<'a>(situation: &Situation<'a>, to: &PodName, wanted: &Promote) -> Result<Promoting<'a>, Objection> {
    let handing = match wanted.failover {
        None => Handing::Over(place(situation, &from(situation, to, wanted)?)?),
        Some(_) => Handing::Up(failover::given_up(situation)?),
    };
    let candidate = place(situation, to)?;
    let from = match &handing {
        Handing::Over(place) => place.name(),
        Handing::Up(lost) => lost.pod.clone(),
    };
    let others = situation.report.rows.iter().filter(|row| row.pod != *to && row.pod != from && row.wanted);
    let siblings = others.map(|row| place(situation, &row.pod)).collect::<Result<_, _>>()?;
    let held_back = match (&handing, situation.pod(&from)) {
        (Handing::Over(old), Some(pod)) => held_back(pod, &old.container, situation.snapshot.taken_at),
        (Handing::Over(_), None) => Known::Unknown("it has no pod".to_owned()),
        (Handing::Up(_), _) => Known::Unknown("nobody waits for it".to_owned()),
    };
    Ok(Promoting {
        workload: situation.workload,
        candidate,
        handing,
        siblings,
        max_lag_bytes: situation.max_lag_bytes,
        path: wanted.path,
        proven: proof::is_there(situation),
        held_back,
        verify: None,
    })
}

/// Finds who hands over to a candidate: the one primary, or that of its own part of the data.
fn from(situation: &Situation<'_>, to: &PodName, wanted: &Promote) -> Result<PodName, Objection> {
    let Some(own) = situation.hands_over(to) else { return primary(situation) };
    match wanted.expected.as_ref().filter(|expected| **expected != own) {
        Some(expected) => Err(not_expected(&own, expected)),
        None => Ok(own),
    }
}

fn not_expected(primary: &PodName, expected: &PodName) -> Objection {
    Objection::new(
        "expectedPrimary",
        Weight::No,
        format!("{primary} is the primary"),
        format!("{expected} is expected to be (--expected-primary)"),
    )
}

/// Finds the one primary.
fn primary(situation: &Situation<'_>) -> Result<PodName, Objection> {
    let found: Vec<&PodName> = situation.topology.primaries().map(|member| &member.pod).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] if leads_standbys(situation) => Err(Objection::new(
            "standbyCluster",
            Weight::No,
            "the set follows another cluster: none of its members takes writes",
            "a switchover moves the role of a member that takes writes",
        )),
        [] => Err(Objection::new(
            "noPrimary",
            Weight::Unknown,
            "no member is known to be the primary",
            "a planned switchover is handed over by a primary that answers",
        )
        .way_out(without_primary(situation))),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(Objection::new(
                "twoPrimaries",
                Weight::No,
                format!("{} take writes", listed(&names)),
                "each may hold writes that nobody else has: only a person can say which to keep",
            ))
        }
    }
}

fn leads_standbys(situation: &Situation<'_>) -> bool {
    situation.topology.members.iter().any(|member| member.role == Known::Value(Role::StandbyLeader))
}

/// Says what can be done when the primary does not answer, and what it would cost.
fn without_primary(situation: &Situation<'_>) -> String {
    if !situation.engine.fails_over() {
        return "bring the primary back; `kubectl stateful status` says what is wrong".to_owned();
    }
    format!(
        "bring the primary back, or give it up: `kubectl stateful promote {} -n {} --failover` measures first what only \
         it has, and would be lost",
        situation.workload.meta.name, situation.workload.meta.namespace
    )
}

/// Finds a member's server.
pub(super) fn place(situation: &Situation<'_>, name: &PodName) -> Result<Place, Objection> {
    let row = situation.report.rows.iter().find(|row| row.pod == *name);
    let pod: Option<&Pod> = situation.pod(name);
    let missing = || {
        Objection::new("notReady", Weight::Passing, format!("{name} has no pod that runs"), "every member must answer")
    };
    let pod = pod.ok_or_else(missing)?;
    let container = situation.container(pod).ok_or_else(missing)?;
    Ok(Place { pod: Pin::of(&pod.meta), container, host: row.and_then(|row| row.dns.clone()) })
}

/// What holds for the whole set.
fn of_set(situation: &Situation<'_>, wanted: &Promote) -> Vec<Objection> {
    let mut found = Vec::new();
    if situation.workload.meta.deleting.is_some() {
        found.push(Objection::new("deleting", Weight::No, "the set is being deleted", "only a set that stays"));
    }
    if let Some(gap) = situation.snapshot.gap(Resource::Pods) {
        let measured = format!("pods are not known ({})", gap.why);
        found.push(Objection::new("notRead", Weight::Unknown, measured, "unknown counts as no"));
    }
    found.extend(owner(situation));
    found.extend(rollout(situation));
    if situation.has_parts() {
        let given_up = wanted.failover.and_then(|_| failover::given_up(situation).ok()).map(|lost| lost.pod);
        found.extend(unknown_roles(situation, given_up.as_ref()));
        return found;
    }
    if situation.topology.is_of_equals() {
        found.push(Objection::new(
            "equals",
            Weight::No,
            format!("{} has no primary that moves: no member follows another one", situation.engine.title()),
            "there is nothing to promote",
        ));
        return found;
    }
    let from = match wanted.failover {
        None => primary(situation),
        Some(_) => failover::given_up(situation).map(|lost| lost.pod),
    };
    match (&from, &wanted.expected) {
        (Err(objection), _) => found.push(objection.clone()),
        (Ok(primary), Some(expected)) if primary != expected => found.push(not_expected(primary, expected)),
        (Ok(_), _) => {}
    }
    // Whoever is given up is known not to answer.
    let given_up = from.ok().filter(|_| wanted.failover.is_some());
    found.extend(unknown_roles(situation, given_up.as_ref()));
    found
}

/// A member of which nobody knows the role may take writes.
fn unknown_roles(situation: &Situation<'_>, but: Option<&PodName>) -> Vec<Objection> {
    let unknown = situation.report.rows.iter().filter(|row| row.wanted && row.role.value().is_none());
    let unknown = unknown.filter(|row| Some(&row.pod) != but);
    unknown
        .map(|row| {
            Objection::new(
                "roleUnknown",
                Weight::Unknown,
                format!("role of {} unknown ({})", row.pod, row.role.why().unwrap_or_default()),
                "a member whose role is not known may take writes, too",
            )
        })
        .collect()
}

fn owner(situation: &Situation<'_>) -> Option<Objection> {
    let owner = situation.report.head.owner.as_ref()?;
    // Patroni moves the role by itself, whoever made its set.
    let switch = owner.switch.as_ref().filter(|_| situation.engine.name() != "patroni")?;
    Some(
        Objection::new(
            "owner",
            Weight::No,
            format!("managed by {} ({})", owner.title, owner.by),
            "whoever manages the roles would put them back, or make a second primary",
        )
        .way_out(switch.clone()),
    )
}

fn rollout(situation: &Situation<'_>) -> Option<Objection> {
    let measured = match &situation.report.head.rollout {
        Rollout::Complete | Rollout::Partitioned { .. } | Rollout::WaitsForDeletion { .. } => return None,
        Rollout::InProgress { updated } => format!("a rollout is in progress ({updated} pods have the new revision)"),
        Rollout::Stuck { pod, .. } => format!("a rollout is stuck at {pod}"),
    };
    let limit = "pods must not be replaced while roles move";
    Some(Objection::new("rollout", Weight::Passing, measured, limit).way_out("finish it first"))
}

/// What speaks against one candidate, the engine's own objections last.
fn against(situation: &Situation<'_>, row: &Row, wanted: &Promote, parts: Parts) -> Vec<Objection> {
    let mut found = Vec::new();
    // Who has nobody to follow may count as not ready for just that: it is ready once it leads.
    let orphaned = wanted.failover.is_some() && parts.promotion.leads_clients;
    if row.state != PodState::Ready && !(orphaned && matches!(row.state, PodState::NotReady(_))) {
        let why = match &row.state {
            PodState::NotReady(why) | PodState::Pending(why) | PodState::Failed(why) | PodState::Unknown(why) => why,
            PodState::Terminating => "terminating",
            PodState::Missing | PodState::Ready => "no pod",
        };
        let measured = format!("{} is not ready: {why}", row.pod);
        found.push(Objection::new("notReady", Weight::Passing, measured, "clients are led to ready pods only"));
    }
    if wanted.failover.is_none() {
        found.extend(behind(situation, row));
    }
    found.extend(parts.clients.objections);
    found.extend(parts.promotion.objections);
    found
}

/// A candidate must not be far behind a primary that hands over: writes pause until it has caught up.
fn behind(situation: &Situation<'_>, row: &Row) -> Option<Objection> {
    let limit = situation.max_lag_bytes;
    match row.lag.as_ref().map(|lag| &lag.bytes) {
        Some(Known::Value(lag)) if *lag > limit => Some(
            Objection::new(
                "lag",
                Weight::Passing,
                format!("{} is {} behind", row.pod, bytes(*lag)),
                format!("{} (--max-lag): writes pause until it has caught up", bytes(limit)),
            )
            .way_out("wait, or say --max-lag"),
        ),
        Some(Known::Value(_)) => None,
        Some(Known::Unknown(why)) => Some(unknown_lag(row, why)),
        None => Some(unknown_lag(row, "not reported")),
    }
}

fn unknown_lag(row: &Row, why: &str) -> Objection {
    Objection::new("lag", Weight::Unknown, format!("lag of {} unknown ({why})", row.pod), "unknown counts as no")
}

fn no_replica(situation: &Situation<'_>, name: &PodName) -> Objection {
    let role = situation.report.rows.iter().find(|row| row.pod == *name).map(|row| &row.role);
    let measured = match role {
        None => format!("there is no pod {name} in this set"),
        Some(Known::Value(role)) => format!("{name} is a {}", role.word()),
        Some(Known::Unknown(why)) => format!("role of {name} unknown ({why})"),
    };
    Objection::new("noReplica", Weight::No, measured, "only a replica can become the primary")
}

fn refusal(situation: &Situation<'_>, to: Option<&PodName>, wanted: &Promote, objections: Vec<Objection>) -> Refusal {
    let set = situation.workload;
    let word = if wanted.failover.is_some() { "failover" } else { "switchover" };
    let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
    Refusal { wanted: format!("{} in {}, {word}{to}", set.display(), set.meta.namespace), objections }
}

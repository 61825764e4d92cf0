//! Whether an ordinal could be taken down now.
//!
//! Every reason that speaks against it is collected; none may speak. What would be needed to say and is not known
//! speaks against it as well, but is told apart: [`Safe::Unknown`].

use super::Criteria;
use super::budgets;
use super::phrase;
use super::reach::{self, Reach};
use super::replication::{Leadership, Standing};
use super::report::{Hold, PodState, Rollout, Safe};
use super::rollout;
use super::scene::{Place, Scene};
use crate::model::{Known, Member, PodManagement, Role, SyncState, Topology};

/// What judging needs besides the ordinal itself.
pub(super) struct Judge<'s, 'a> {
    pub(super) scene: &'s Scene<'a>,
    pub(super) topology: &'s Topology,
    pub(super) standing: &'s Standing<'s>,
    pub(super) criteria: &'s Criteria,
    pub(super) rollout: &'s Rollout,
    /// Whether the set's database keeps its data outside claims.
    pub(super) homeless: bool,
}

/// Collects what speaks against an ordinal.
#[derive(Default)]
struct Holds {
    no: Vec<Hold>,
    unknown: Vec<Hold>,
}

impl Holds {
    fn no(&mut self, code: &'static str, why: impl Into<String>) {
        self.no.push(Hold { code, why: why.into(), next: None });
    }

    fn unknown(&mut self, code: &'static str, why: impl Into<String>) {
        self.unknown.push(Hold { code, why: why.into(), next: None });
    }

    fn answer(self) -> Safe {
        if !self.no.is_empty() {
            Safe::No(self.no)
        } else if self.unknown.is_empty() {
            Safe::Yes
        } else {
            Safe::Unknown(self.unknown)
        }
    }
}

impl Judge<'_, '_> {
    /// Judges one ordinal, with all others as they are.
    pub(super) fn judge(&self, place: &Place<'_>) -> Safe {
        let mut holds = Holds::default();
        if let PodState::Unknown(why) = &place.state {
            holds.unknown("notRead", format!("pods are not known ({why})"));
            return holds.answer();
        }
        self.role(place, &mut holds);
        if is_down(place, &mut holds) {
            return holds.answer();
        }
        self.deletion(place, &mut holds);
        match budgets::against(self.scene, place) {
            Ok(None) => {}
            Ok(Some(why)) => holds.no("budget", why),
            Err(why) => holds.unknown("budget", why),
        }
        self.way_back(place, &mut holds);
        self.data(place, &mut holds);
        self.copies(place, &mut holds);
        holds.answer()
    }

    fn member(&self, place: &Place<'_>) -> Option<&Member> {
        self.topology.member(&place.name).filter(|_| place.pod.is_some())
    }

    /// The member that takes writes is never free to go: its data may be ahead of all others.
    fn role(&self, place: &Place<'_>, holds: &mut Holds) {
        match self.member(place).and_then(|member| member.role.value()) {
            Some(Role::Primary) if matches!(self.standing.leadership, Leadership::Several(_)) => {
                holds.no("primary", "takes writes, and it is not the only one: its writes may be nowhere else");
            }
            // The command that moves the role stands here as soon as there is one.
            Some(Role::Primary) => holds.no("primary", "the primary: writes stop until another member is promoted"),
            Some(Role::StandbyLeader) => {
                holds.no("primary", "leads this cluster: the others follow the other cluster through it");
            }
            // What speaks against equals is for their engine to say.
            Some(Role::Peer | Role::Detached | Role::Replica) | None => {}
        }
    }

    fn deletion(&self, place: &Place<'_>, holds: &mut Holds) {
        if self.scene.workload.meta.deleting.is_some() {
            holds.no("deleting", "the set is being deleted: no pod comes back");
        }
        for holding in &place.holdings {
            if holding.claim.is_some_and(|claim| claim.meta.deleting.is_some()) {
                holds.no("claim", format!("claim {} is being deleted: its data goes with the pod", holding.name));
            } else if holding.claim.is_some_and(|claim| claim.phase == "Lost") {
                holds.no("claim", format!("claim {} is lost: the pod could not mount it again", holding.name));
            }
        }
    }

    /// Whether the pod would come back: made again, put on a node, and started.
    fn way_back(&self, place: &Place<'_>, holds: &mut Holds) {
        if self.scene.workload.pod_management == PodManagement::OrderedReady && place.wanted {
            let lower = self.scene.wanted().find(|lower| lower.ordinal < place.ordinal && !lower.is_ready());
            if let Some(lower) = lower {
                holds.no(
                    "lowerOrdinals",
                    format!(
                        "{} is not ready: until it is, OrderedReady does not make {} again",
                        lower.name, place.name
                    ),
                );
            }
        }
        for volume in place.holdings.iter().filter_map(|holding| holding.volume) {
            let why = match reach::of(self.scene.index, volume) {
                Reach::Open => continue,
                Reach::Gone(_) => "does not exist",
                Reach::NotReady(_) => "is not ready",
                Reach::Cordoned(_) => "is cordoned",
            };
            holds.no("node", format!("the node that its volume is kept to {why}: it would not come back"));
        }
        if let Rollout::Stuck { pod, .. } = self.rollout {
            let broken = self.scene.place_of(pod).is_some_and(|place| rollout::is_updated(self.scene, place));
            if broken && !rollout::is_updated(self.scene, place) {
                holds.no("rollout", format!("it would come back with the revision that {pod} fails with"));
            }
        }
    }

    fn data(&self, place: &Place<'_>, holds: &mut Holds) {
        if place.pod.is_some() && self.homeless {
            holds.no("noClaim", "its data is on no claim and goes with the pod");
        }
        if let Some(how) = self.standing.apart(&place.name) {
            holds.no("diverged", format!("it {how}: it may hold writes that nobody else has"));
        }
    }

    /// Whether what is left would be enough: a primary with an up-to-date copy, or a majority where roles are unknown.
    fn copies(&self, place: &Place<'_>, holds: &mut Holds) {
        let role = self.member(place).map(|member| &member.role);
        if let Some(Known::Value(Role::Primary | Role::StandbyLeader)) = role {
            if self.ready_others(place) == 0 {
                holds.no("lastCopy", "no other member is ready");
            }
            return;
        }
        if !self.led(holds) {
            return;
        }
        match role {
            Some(Known::Value(Role::Peer | Role::Detached)) => self.objections(place, holds),
            Some(Known::Value(_)) => {
                self.objections(place, holds);
                self.confirmations(place, holds);
                match self.standing.leadership {
                    // Of what it is a copy only the engine knows; whoever leads from outside has everything.
                    Leadership::Equals | Leadership::Outside => {}
                    Leadership::Unknown
                    | Leadership::One(_)
                    | Leadership::Several(_)
                    | Leadership::None
                    | Leadership::NoneKnown(_) => self.other_copies(place, holds),
                }
            }
            Some(Known::Unknown(why)) => self.majority(place, why, holds),
            None => self.majority(place, "the engine does not know it", holds),
        }
    }

    /// Whether somebody serves writes, so that this copy is not the one that is needed next. `false` when it may be.
    fn led(&self, holds: &mut Holds) -> bool {
        match &self.standing.leadership {
            Leadership::Several(_) => holds.no("twoPrimaries", "several members take writes: each copy may be needed"),
            Leadership::None => holds.no("noPrimary", "there is no primary: this may be the newest copy"),
            Leadership::NoneKnown(silent) if silent.iter().any(|member| self.serves(member)) => {
                holds.unknown("noPrimary", "it is not known which member is the primary");
                return true;
            }
            Leadership::NoneKnown(_) => {
                holds.no("noPrimary", "no member is known to be the primary: this may be the newest copy");
            }
            Leadership::One(leader) if !self.serves(leader) => {
                holds.no(
                    "noPrimary",
                    format!("the primary {} is not ready: this copy may have to take over", leader.pod),
                );
            }
            Leadership::Unknown | Leadership::One(_) | Leadership::Equals | Leadership::Outside => return true,
        }
        false
    }

    /// Whether the other members can carry on, as far as only the engine can tell.
    fn objections(&self, place: &Place<'_>, holds: &mut Holds) {
        for objection in self.topology.objections.iter().filter(|objection| objection.pod == place.name) {
            match &objection.why {
                Known::Value(why) => holds.no(objection.code, why.as_str()),
                Known::Unknown(why) => holds.unknown(objection.code, why.as_str()),
            }
        }
    }

    fn ready_others(&self, place: &Place<'_>) -> usize {
        self.scene.wanted().filter(|other| other.ordinal != place.ordinal && other.is_ready()).count()
    }

    /// Without roles only a known majority could speak for safety, and it is not enough.
    fn majority(&self, place: &Place<'_>, why: &str, holds: &mut Holds) {
        let left = self.ready_others(place);
        let wanted = self.scene.workload.replicas as usize;
        if left == 0 {
            holds.no("lastCopy", "no other member is ready");
        } else if left * 2 <= wanted {
            holds.no("quorum", format!("{left} of {wanted} would stay ready, which is no majority"));
        }
        holds.unknown("roleUnknown", format!("cluster role not known ({why})"));
    }

    /// Whether commits would go on: enough standbys would have to confirm without this one.
    fn confirmations(&self, place: &Place<'_>, holds: &mut Holds) {
        let Some(rule) = self.topology.sync.as_ref().filter(|rule| rule.wanted > 0) else { return };
        match self.member(place).and_then(|member| member.sync) {
            Some(SyncState::Async) => return,
            Some(SyncState::Sync | SyncState::Quorum | SyncState::Potential) => {}
            None => {
                holds.unknown("syncStandby", "it is not known whether commits wait for it");
                return;
            }
        }
        let counts = |member: &&Member| {
            member.pod != place.name && !matches!(member.sync, None | Some(SyncState::Async)) && self.serves(member)
        };
        let left = self.topology.members.iter().filter(counts).count();
        if left < rule.wanted as usize {
            holds.no("syncStandby", format!("commits would hang: {left} of {} standbys would confirm", rule.wanted));
        }
    }

    fn serves(&self, member: &Member) -> bool {
        self.scene.place_of(&member.pod).is_some_and(Place::is_ready)
    }

    /// Whether another replica has what the primary has.
    fn other_copies(&self, place: &Place<'_>, holds: &mut Holds) {
        let limit = self.criteria.max_lag_bytes;
        let others = self.topology.members.iter().filter(|member| {
            member.pod != place.name
                && matches!(member.role, Known::Value(Role::Replica) | Known::Unknown(_))
                && self.serves(member)
                && self.standing.apart(&member.pod).is_none()
        });
        let (mut behind, mut silent) = (None, None);
        for other in others {
            match other.receiving.as_ref().and_then(Known::value) {
                Some(false) => continue,
                Some(true) => {}
                None => {
                    silent = silent.or(Some((other, "whether it receives changes is not known")));
                    continue;
                }
            }
            match other.lag.as_ref().map(|lag| &lag.bytes) {
                Some(Known::Value(bytes)) if *bytes <= limit => return,
                Some(Known::Value(bytes)) => behind = behind.or(Some((other, *bytes))),
                Some(Known::Unknown(_)) | None => silent = silent.or(Some((other, "its lag is not known"))),
            }
        }
        match (silent, behind) {
            (Some((other, why)), _) => holds.unknown("lag", format!("{} may be the only other copy: {why}", other.pod)),
            (None, Some((other, bytes))) => holds.no(
                "lag",
                format!("{} is {} behind, over {} (--max-lag)", other.pod, phrase::bytes(bytes), phrase::bytes(limit)),
            ),
            (None, None) => holds.no("lastCopy", "no other replica is ready and up to date"),
        }
    }
}

/// Says why there is nothing to take down, if so.
fn is_down(place: &Place<'_>, holds: &mut Holds) -> bool {
    let why = match &place.state {
        PodState::Ready | PodState::Unknown(_) => return false,
        PodState::Missing if place.foreign.is_some() => "the pod of that name is not the set's".to_owned(),
        PodState::Missing => "there is no pod".to_owned(),
        PodState::Terminating => "it is already going".to_owned(),
        // As beside READY, so that it is one note: that word says whether it is pending or not ready.
        PodState::NotReady(why) | PodState::Pending(why) | PodState::Failed(why) => why.clone(),
    };
    holds.no("alreadyDown", why);
    true
}

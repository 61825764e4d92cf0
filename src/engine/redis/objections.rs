//! What speaks against taking a server down for a while: followers that writes wait for, slots, the last copy.

use super::cluster::{View, slots};
use super::server::Server;
use super::topology::Subject;
use crate::engine::phrase::few;
use crate::model::{Known, Objection};

/// Lists what speaks against taking down a replica of the one master: writes may need it.
pub(super) fn of_led(subjects: &[Subject<'_>]) -> Vec<Objection> {
    let masters: Vec<&Subject<'_>> = subjects.iter().filter(|subject| subject.leads()).collect();
    let [Subject { server: Ok(master), .. }] = masters.as_slice() else { return Vec::new() };
    let replicas = subjects.iter().filter(|subject| subject.server().is_some_and(|server| server.upstream.is_some()));
    let objection = |subject: &Subject<'_>| {
        let why = too_few(master, &[subject])?;
        Some(Objection { pod: subject.pod.name(), code: "minReplicas", why })
    };
    replicas.filter_map(objection).collect()
}

/// Says whether writes would be refused without some replicas.
pub(super) fn too_few(master: &Server, without: &[&Subject<'_>]) -> Option<Known<String>> {
    let wanted = match &master.wants_followers {
        Known::Value(0) => return None,
        Known::Value(wanted) => *wanted,
        Known::Unknown(why) => return Some(Known::unknown(format!("min-replicas-to-write not known ({why})"))),
    };
    let Some(good) = master.good_followers else {
        return Some(Known::unknown("how many replicas keep up is not known"));
    };
    let listed = |subject: &&&Subject<'_>| master.followers.iter().any(|follower| subject.is_at(&follower.host));
    let left = good.saturating_sub(u32::try_from(without.iter().filter(listed).count()).unwrap_or(u32::MAX));
    let why = format!("writes would be refused: {left} of {wanted} replicas would keep up (min-replicas-to-write)");
    (left < wanted).then_some(Known::Value(why))
}

/// Collects what speaks against one node of a cluster.
struct Against<'s> {
    subject: &'s Subject<'s>,
    found: Vec<Objection>,
}

impl Against<'_> {
    fn no(&mut self, code: &'static str, why: String) {
        self.found.push(Objection { pod: self.subject.pod.name(), code, why: Known::Value(why) });
    }
}

/// Lists what speaks against taking down the node of a pod, with all others as they are.
pub(super) fn of_node(subject: &Subject<'_>, view: &View<'_>) -> Vec<Objection> {
    let mut against = Against { subject, found: Vec::new() };
    // Of a node that said nothing, nothing can be said: its role is unknown, which speaks against it by itself.
    let Some(node) = subject.node() else { return Vec::new() };
    if subject.nodes().is_some_and(super::nodes::Nodes::is_alone) {
        return Vec::new();
    }
    let down = view.down_for();
    if !down.is_empty() {
        against.no("clusterDown", format!("the cluster does not serve, as {} sees it", few(&down)));
    }
    let failing: Vec<String> = view
        .seats
        .values()
        .filter(|seat| !seat.failing_for.is_empty() && seat.node.id != node.id)
        .map(|seat| view.called(seat))
        .collect();
    if !failing.is_empty() {
        against.no("nodeFails", format!("{} already fails", few(&failing)));
    }
    let moving = view.moving();
    if !moving.is_empty() {
        against.no("slotsMoving", format!("slots are being moved to or from {}", few(&moving)));
    }
    match &node.master {
        None if node.slots > 0 => against.no(
            "primary",
            format!("the master of {}: their writes stop until a replica takes over", slots(node.slots)),
        ),
        Some(master) if view.replicas(master).all(|seat| seat.node.id == node.id) => {
            let whose =
                view.seats.get(master.as_str()).map_or_else(|| "its master".to_owned(), |seat| view.called(seat));
            against.no("lastCopy", format!("{whose} would have no replica"));
        }
        None | Some(_) => {}
    }
    against.found
}

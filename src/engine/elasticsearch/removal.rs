//! How a node leaves for good: its shards move away first, and its vote is given up; what was set for that is taken back.

use std::collections::BTreeMap;

use super::node::{self, Settings};
use super::topology::{Subject, View};
use super::{objections, watermark};
use crate::engine::phrase::count;
use crate::engine::{Asked, Leaving, Removal};
use crate::model::{ContainerName, Known};
use crate::plan::{
    Check, Effect, EngineCheck, Limit, Measure, Objection, Pin, Step, Trace, Undo, Verdict, Weight, When,
};

/// Where names of nodes stand that are to hold no shards.
const EXCLUDE: &str = "cluster.routing.allocation.exclude._name";

/// Whether shards may move at all.
const ENABLE: &str = "cluster.routing.allocation.enable";

/// Shards of large nodes take hours.
const MOVE_LIMIT: Limit = Limit::seconds(24 * 60 * 60);

/// A setting or a vote is changed at once, and the master says so within half a minute.
const SETTING_LIMIT: Limit = Limit::seconds(120);

/// Says what has to happen when a node leaves.
pub(super) fn removal(asked: &Asked<'_>, leaving: &Leaving<'_>) -> Removal {
    let subjects = Subject::all(asked.pods, asked.outputs);
    let view = View::of(&subjects);
    let Some(subject) = subjects.iter().find(|subject| subject.pod.meta.name == leaving.name.0) else {
        return Removal { objections: vec![unknown("there is no pod to ask".to_owned())], ..Removal::default() };
    };
    let mut objections = standing(subject, &subjects, &view);
    let going: Vec<&str> = subjects.iter().filter(|one| !leaving.stays(one.pod)).map(Subject::name).collect();
    objections.extend(places(&going, &view));
    objections.extend(settings(subject.name(), &view));
    objections.extend(watermark::objection(subject.name(), &going, &view));
    let Some((pod, container)) = leaving.anywhere() else { return Removal { objections, ..Removal::default() } };
    let excluded = view.settings.value().map(|settings| others(settings, subject.name())).unwrap_or_default();
    let courier = Courier { pod, container, node: subject.name(), excluded };
    let votes = view.row(subject.name()).is_some_and(|row| row.roles.contains('m'));
    let vote = votes.then(|| courier.give_up_vote());
    Removal {
        objections,
        before: std::iter::once(courier.exclude()).chain(vote).collect(),
        settled: vec![courier.check("gone", "gone from the cluster")],
        after: std::iter::once(courier.include()).chain(votes.then(|| courier.forget_vote())).collect(),
        ..Removal::default()
    }
}

fn unknown(measured: String) -> Objection {
    Objection::new("cluster", Weight::Unknown, measured, "a node leaves only a cluster that is known")
}

/// Takes over what speaks against the cluster as it is; copies that are only here will have moved, and votes are given up.
fn standing(subject: &Subject<'_>, subjects: &[Subject<'_>], view: &View) -> Vec<Objection> {
    let of_status = objections::of(subject, subjects, view).into_iter();
    let counts = |one: &crate::model::Objection| !matches!(one.code, "lastCopy" | "quorum");
    of_status
        .filter(counts)
        .map(|one| match one.why {
            Known::Value(why) => {
                Objection::new(one.code, Weight::Passing, why, "a node leaves only a whole, quiet cluster")
            }
            Known::Unknown(why) => unknown(why),
        })
        .collect()
}

/// Every copy needs a node of its own: an index with as many copies as nodes never lets one of them go.
fn places(going: &[&str], view: &View) -> Vec<Objection> {
    let (shards, rows) = match (&view.shards, &view.nodes) {
        (Known::Value(shards), Known::Value(rows)) => (shards, rows),
        (Known::Unknown(why), _) | (_, Known::Unknown(why)) => {
            return vec![unknown(format!("where shards could go is not known ({why})"))];
        }
    };
    let stays = |row: &&node::Row| !going.contains(&row.name.as_str());
    let left = rows.iter().filter(stays).filter(|row| holds_data(row)).count();
    let many = shards.copied_more_than(left);
    let masters = rows.iter().filter(stays).filter(|row| row.roles.contains('m')).count();
    let mut found: Vec<Objection> = many
        .iter()
        .map(|(index, copies)| {
            Objection::new(
                "copies",
                Weight::No,
                format!("{} would be left", count(left, "data node")),
                format!("index {index} has {copies} copies of a shard, each on a node of its own"),
            )
            .way_out(format!("lower index.number_of_replicas of {index} first"))
        })
        .collect();
    if masters == 0 {
        found.push(Objection::new("master", Weight::No, "no master-eligible node would be left", "one must be left"));
    }
    found
}

/// Tells whether a node holds data: by the letters of its roles, of all tiers. Which tier takes what is seen only when
/// shards move.
pub(super) fn holds_data(row: &node::Row) -> bool {
    row.roles.contains(['d', 'h', 'w', 'c', 's', 'f'])
}

fn settings(node: &str, view: &View) -> Vec<Objection> {
    let settings = match &view.settings {
        Known::Value(settings) => settings,
        Known::Unknown(why) => return vec![unknown(format!("settings are not known ({why})"))],
    };
    let mut found = Vec::new();
    if let Some(word) = setting(settings, ENABLE).filter(|word| *word != "all") {
        found.push(
            Objection::new("allocation", Weight::No, format!("{ENABLE} is {word}"), "shards must be allowed to move")
                .way_out("set it to all first"),
        );
    }
    if settings.transient.contains_key(EXCLUDE) {
        let measured = format!("{EXCLUDE} is set transiently");
        let limit = "it would hide the exclusion that a removal sets";
        found.push(Objection::new("exclusion", Weight::No, measured, limit).way_out("take it back first"));
    }
    let others = others(settings, node).len();
    if others > 0 {
        let measured = format!("{} excluded already", count(others, "other node"));
        found.push(
            Objection::new("exclusion", Weight::No, measured, "one node leaves at a time")
                .way_out(format!("take it back first: {EXCLUDE}")),
        );
    }
    found
}

pub(super) fn setting<'s>(settings: &'s Settings, key: &str) -> Option<&'s str> {
    settings.transient.get(key).or_else(|| settings.persistent.get(key)).and_then(serde_json::Value::as_str)
}

fn excluded(settings: &Settings) -> &str {
    settings.persistent.get(EXCLUDE).and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// Names the other nodes that are excluded.
fn others<'s>(settings: &'s Settings, node: &str) -> Vec<&'s str> {
    excluded(settings).split(',').filter(|name| !name.is_empty() && *name != node).collect()
}

/// Sends changes through a node that stays.
struct Courier<'a> {
    pod: Pin,
    container: ContainerName,
    node: &'a str,
    /// Other nodes that are excluded.
    excluded: Vec<&'a str>,
}

impl Courier<'_> {
    fn check(&self, code: &str, words: &str) -> Check {
        Check::Engine(EngineCheck::new(code, &[("node", self.node)], format!("{} {words}", self.node)))
    }

    fn send(&self, words: String, method: &str, path: &str, body: &str) -> Effect {
        Effect::Command {
            pod: self.pod.clone(),
            container: self.container.clone(),
            words,
            argv: ["sh", "-c", node::SCRIPT, "kubectl-stateful", method, path, body].map(str::to_owned).to_vec(),
        }
    }

    fn list(&self, words: String, names: &str) -> Effect {
        let value = if names.is_empty() { serde_json::Value::Null } else { names.into() };
        let body = serde_json::json!({"persistent": BTreeMap::from([(EXCLUDE, value)])});
        self.send(words, "PUT", "/_cluster/settings", &body.to_string())
    }

    /// Lets the node's shards move to the others.
    fn exclude(&self) -> Step {
        let with = self.excluded.iter().copied().chain([self.node]).collect::<Vec<_>>().join(",");
        let on = self.check("excluded", "excluded from allocation");
        let off = self.check("included", "may hold shards again");
        Step {
            when: When::Always,
            requires: vec![Check::MayLeave { pod: self.node.into() }],
            effect: self.list(format!("move the shards of {} to the others (exclude._name)", self.node), &with),
            trace: Trace::Seen(on),
            ensures: vec![self.check("empty", "without shards")],
            undo: Undo::by(
                self.list(format!("let {} hold shards again", self.node), &self.excluded.join(",")),
                Trace::Seen(off.clone()),
                vec![off],
            ),
            limit: MOVE_LIMIT,
        }
    }

    /// Takes the exclusion back, when the node is gone.
    fn include(&self) -> Step {
        let off = self.check("included", "no longer excluded");
        Step {
            when: When::Always,
            requires: Vec::new(),
            effect: self.list(format!("take the exclusion of {} back", self.node), &self.excluded.join(",")),
            trace: Trace::Seen(off.clone()),
            ensures: vec![off],
            undo: Undo::Keep { why: "it served the removal only".to_owned() },
            limit: SETTING_LIMIT,
        }
    }

    fn give_up_vote(&self) -> Step {
        let path = format!("/_cluster/voting_config_exclusions?node_names={}&timeout=30s", self.node);
        let out = self.check("voteless", "without a vote");
        let back = self.check("votes", "free to vote again");
        Step {
            when: When::Always,
            requires: Vec::new(),
            effect: self.send(format!("give up the vote of {} (voting exclusion)", self.node), "POST", &path, ""),
            trace: Trace::Seen(out.clone()),
            ensures: vec![out],
            undo: Undo::by(self.clear(format!("let {} vote again", self.node)), Trace::Seen(back.clone()), vec![back]),
            limit: SETTING_LIMIT,
        }
    }

    /// Clears the exclusion from the vote at once: it would keep the voters of the next election few.
    fn forget_vote(&self) -> Step {
        let back = self.check("votes", "no longer excluded from the vote");
        Step {
            when: When::Always,
            requires: Vec::new(),
            effect: self.clear(format!("clear the voting exclusion of {}", self.node)),
            trace: Trace::Seen(back.clone()),
            ensures: vec![back, self.check("green", "gone, and the cluster green")],
            undo: Undo::Keep { why: "it served the removal only".to_owned() },
            limit: SETTING_LIMIT,
        }
    }

    fn clear(&self, words: String) -> Effect {
        self.send(words, "DELETE", "/_cluster/voting_config_exclusions?wait_for_removal=false", "")
    }
}

/// Judges how far a node's leaving is. What nobody says is not there yet.
pub(super) fn judge(check: &EngineCheck, asked: &Asked<'_>) -> Verdict {
    let subjects = Subject::all(asked.pods, asked.outputs);
    let view = View::of(&subjects);
    let name = check.name("node");
    let verdict = match check.code.as_str() {
        "excluded" | "included" => view.settings.value().map(|settings| {
            let there = excluded(settings).split(',').any(|one| one == name);
            held(there == (check.code == "excluded"), || format!("the exclusion of {name} is not so yet"))
        }),
        "voteless" | "votes" => view.coordination.value().map(|coordination| {
            let excluded = coordination.voting_config_exclusions.iter().any(|one| one.node_name == name);
            held(excluded == (check.code == "voteless"), || format!("the voting exclusion of {name} is not so yet"))
        }),
        "empty" => view.shards.value().zip(view.health.value()).map(|(shards, health)| {
            let left = shards.number_on(name);
            let moving = health.relocating_shards;
            if left == 0 && moving == 0 {
                return Verdict::Holds;
            }
            let why = format!("{} left on {name}, {moving} moving", count(left, "shard"));
            Verdict::measured(why, u64::try_from(left).ok().map(|left| Measure { left, whole: None }))
        }),
        "gone" => view
            .nodes
            .value()
            .map(|rows| held(rows.iter().all(|row| row.name != name), || format!("the cluster still lists {name}"))),
        "green" => view
            .health
            .value()
            .map(|health| held(health.status == "green", || format!("the cluster is {}", health.status))),
        other => return Verdict::broken(format!("Elasticsearch knows no check {other}")),
    };
    verdict.unwrap_or_else(|| Verdict::not_yet("the cluster does not say"))
}

fn held(holds: bool, why: impl FnOnce() -> String) -> Verdict {
    if holds { Verdict::Holds } else { Verdict::not_yet(why()) }
}

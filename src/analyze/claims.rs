//! What is wrong with the claims of ordinals.

use super::findings::{Findings, Kind, Remark};
use super::phrase;
use super::scene::{Holding, Place, Scene};
use super::state::YOUNG_SECONDS;
use crate::model::{Claim, ClaimTemplate, Code, Condition, Event, Resource, Severity};

/// Says what is wrong with claims.
pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    if !scene.index.has_read(Resource::Claims) {
        return;
    }
    let highest = scene.places.iter().rev().find(|place| place.pod.is_some()).map(|place| place.ordinal);
    for place in &scene.places {
        let has_higher = highest.is_some_and(|highest| highest > place.ordinal);
        for holding in &place.holdings {
            match holding.claim {
                Some(claim) => judge(scene, place, holding, claim, findings),
                // The claim of an ordinal that never was is made together with its pod.
                None if place.pod.is_some() || (place.wanted && has_higher) => missing(place, holding, findings),
                None => {}
            }
        }
    }
}

fn judge(scene: &Scene<'_>, place: &Place<'_>, holding: &Holding<'_>, claim: &Claim, findings: &mut Findings) {
    if claim.meta.deleting.is_some() {
        findings.say(terminating(place, holding));
    } else if claim.phase == "Lost" {
        findings.say(lost(holding, claim));
    } else if claim.phase == "Pending" {
        findings.say_some(pending(scene, holding, claim));
    } else {
        findings.say_some(resizing(scene, holding, claim));
    }
    findings.say_some(holding.template.and_then(|template| differing(holding, claim, template)));
}

fn missing(place: &Place<'_>, holding: &Holding<'_>, findings: &mut Findings) {
    let name = holding.name.as_str();
    let remark = Remark::new(Severity::Critical, Code::ClaimMissing, Kind::Claim, name, "does not exist");
    findings.say(match (place.pod, holding.template) {
        (Some(_), None) => remark.why("the pod names it and cannot start without it"),
        (Some(_), Some(_)) | (None, _) => {
            remark.why("a new and empty one is made with the next pod: what was on the old one is not on it")
        }
    });
}

fn terminating(place: &Place<'_>, holding: &Holding<'_>) -> Remark {
    let used = if place.pod.is_some() { format!(" as soon as {} goes", place.name) } else { String::new() };
    let remark = Remark::new(
        Severity::Critical,
        Code::ClaimTerminating,
        Kind::Claim,
        holding.name.as_str(),
        format!("is being deleted and is gone{used}"),
    );
    match holding.volume {
        Some(volume) if volume.reclaim_policy == "Delete" => {
            remark.why("its volume is deleted with it, unless the volume's policy is changed before").next(format!(
                "kubectl patch pv {} --type merge -p '{{\"spec\":{{\"persistentVolumeReclaimPolicy\":\"Retain\"}}}}'",
                volume.meta.name
            ))
        }
        Some(volume) => remark.why(format!("its volume {} stays: its policy is Retain", volume.meta.name)),
        None => remark.why("a deletion cannot be taken back"),
    }
}

fn lost(holding: &Holding<'_>, claim: &Claim) -> Remark {
    let volume = claim.volume.as_ref().map_or_else(|| "its volume".to_owned(), |volume| format!("volume {volume}"));
    let predicate = format!("is lost: {volume} is gone");
    Remark::new(Severity::Critical, Code::ClaimLost, Kind::Claim, holding.name.as_str(), predicate)
        .why("the ordinal's data is out of reach until a volume of that name exists again")
}

fn pending(scene: &Scene<'_>, holding: &Holding<'_>, claim: &Claim) -> Option<Remark> {
    let event = telling(scene, claim);
    let waits = event.is_some_and(|event| event.reason == "WaitForFirstConsumer");
    let young = scene.index.seconds_since(claim.meta.created).is_some_and(|age| age < YOUNG_SECONDS);
    if young && event.is_none_or(|event| event.severity == "Normal") {
        return None;
    }
    let said = event.map(|event| format!(" ({}: {})", event.reason, phrase::clause(&event.message)));
    let unknown = scene.index.gap(Resource::Events).map(|gap| format!(" (reason unknown: events: {})", gap.why));
    let reason = said.or(unknown).unwrap_or_default();
    let severity = if waits { Severity::Note } else { Severity::Warning };
    let (predicate, why) = if waits {
        ("is pending until its pod is scheduled".to_owned(), "the class binds volumes where the pod goes")
    } else {
        (format!("is pending, without a volume{reason}"), "its pod cannot start")
    };
    let remark = Remark::new(severity, Code::ClaimPending, Kind::Claim, holding.name.as_str(), predicate).why(why);
    Some(if waits { remark } else { remark.next(scene.command(&format!("describe pvc {}", holding.name))) })
}

/// Chooses the event that tells most: the newest warning, else the newest of all.
fn telling<'a>(scene: &Scene<'a>, claim: &'a Claim) -> Option<&'a Event> {
    let events = scene.index.events("PersistentVolumeClaim", &claim.meta);
    events.max_by_key(|event| (event.severity == "Warning", event.last_seen))
}

fn resizing(scene: &Scene<'_>, holding: &Holding<'_>, claim: &Claim) -> Option<Remark> {
    let failed = condition(claim, &["ControllerResizeError", "NodeResizeError"]);
    let waiting = condition(claim, &["FileSystemResizePending"]);
    let running = condition(claim, &["Resizing"]);
    let (requested, capacity) = (claim.requested_bytes, claim.capacity_bytes);
    let grows = requested.zip(capacity).is_some_and(|(requested, capacity)| requested > capacity);
    if !grows && failed.is_none() && waiting.is_none() && running.is_none() {
        return None;
    }
    let sizes = match (capacity, requested) {
        (Some(capacity), Some(requested)) if requested > capacity => {
            format!("has {} of the {} asked for", phrase::bytes(capacity), phrase::bytes(requested))
        }
        _ => "is being resized".to_owned(),
    };
    let rigid = claim.class.as_ref().and_then(|class| scene.index.class(class)).filter(|class| !class.expandable);
    let (severity, why) = match (failed, rigid, waiting) {
        (Some(failed), _, _) => (Severity::Warning, format!("resizing failed: {}", phrase::clause(&failed.message))),
        (None, Some(class), _) => (Severity::Warning, format!("class {} does not let volumes grow", class.meta.name)),
        (None, None, Some(_)) => (
            Severity::Warning,
            "the file system grows when the volume is mounted again: if waiting does not help, at the pod's next \
             start"
                .to_owned(),
        ),
        (None, None, None) => (Severity::Note, "the storage has not finished".to_owned()),
    };
    Some(Remark::new(severity, Code::ResizePending, Kind::Claim, holding.name.as_str(), sizes).why(why))
}

fn condition<'a>(claim: &'a Claim, kinds: &[&str]) -> Option<&'a Condition> {
    let mut conditions = claim.conditions.iter();
    conditions.find(|condition| kinds.contains(&condition.kind.as_str()) && condition.status == "True")
}

fn differing(holding: &Holding<'_>, claim: &Claim, template: &ClaimTemplate) -> Option<Remark> {
    let differences: Vec<String> = [
        differs_in_size(claim, template),
        differs_in_class(claim, template),
        differs_in_access(claim, template),
        differs_in_mode(claim, template),
    ]
    .into_iter()
    .flatten()
    .collect();
    if differences.is_empty() {
        return None;
    }
    let predicate = format!("does not fit template {}: {}", template.name, differences.join("; "));
    Some(
        Remark::new(Severity::Warning, Code::ClaimDiffers, Kind::Claim, holding.name.as_str(), predicate)
            .why("the controller takes the claim as it is and never changes it"),
    )
}

/// A claim that grew after it was made is larger than its template, which cannot be changed: only smaller is wrong.
fn differs_in_size(claim: &Claim, template: &ClaimTemplate) -> Option<String> {
    let (have, want) = (claim.requested_bytes?, template.size_bytes?);
    (have < want).then(|| format!("it asks for {}, not {}", phrase::bytes(have), phrase::bytes(want)))
}

/// A template without a class takes the default of the day on which the claim was made: nothing to compare.
fn differs_in_class(claim: &Claim, template: &ClaimTemplate) -> Option<String> {
    let want = template.class.as_ref()?;
    let have = claim.class.as_deref().unwrap_or("none");
    (have != want).then(|| format!("class is {have}, not {want}"))
}

fn differs_in_access(claim: &Claim, template: &ClaimTemplate) -> Option<String> {
    let lacking: Vec<&String> =
        template.access_modes.iter().filter(|mode| !claim.access_modes.contains(mode)).collect();
    (!lacking.is_empty()).then(|| {
        format!("access modes are {}, not {}", claim.access_modes.join(", "), template.access_modes.join(", "))
    })
}

fn differs_in_mode(claim: &Claim, template: &ClaimTemplate) -> Option<String> {
    let or_default = |mode: &str| if mode.is_empty() { "Filesystem".to_owned() } else { mode.to_owned() };
    let (have, want) = (or_default(&claim.volume_mode), or_default(&template.volume_mode));
    (have != want).then(|| format!("volume mode is {have}, not {want}"))
}

//! The answer in words: which ordinals may be taken down now.

use super::phrase;
use super::replication::{Leadership, Standing};
use super::report::{Row, Safe};
use super::scene::Scene;
use crate::model::Resource;

/// Says which ordinals may be taken down. Each row is judged with all others in place, so of several only one may go.
pub(super) fn words(scene: &Scene<'_>, standing: &Standing<'_>, rows: &[Row]) -> String {
    if let Some(gap) = scene.index.gap(Resource::Pods) {
        return format!("not known: pods unknown ({})", gap.why);
    }
    if rows.is_empty() {
        return if scene.workload.replicas == 0 { "scaled to 0".to_owned() } else { "nothing may go".to_owned() };
    }
    if scene.workload.meta.deleting.is_some() {
        return "being deleted, nothing may go".to_owned();
    }
    let begin = match &standing.leadership {
        Leadership::Several(primaries) if primaries.len() == 2 => "TWO PRIMARIES, ".to_owned(),
        Leadership::Several(primaries) => format!("{} PRIMARIES, ", primaries.len()),
        Leadership::None => "NO PRIMARY, ".to_owned(),
        Leadership::NoneKnown(_) => "NO KNOWN PRIMARY, ".to_owned(),
        Leadership::Unknown | Leadership::One(_) | Leadership::Equals | Leadership::Outside => String::new(),
    };
    format!("{begin}{}", which(rows))
}

fn which(rows: &[Row]) -> String {
    let free: Vec<String> = rows.iter().filter(|row| row.safe == Safe::Yes).map(|row| row.pod.to_string()).collect();
    match free.as_slice() {
        [] => none(rows),
        [one] => format!("{one} may go"),
        several if several.len() == rows.len() => format!("any one of {} may go", phrase::names(several)),
        several => format!("one of {} may go", phrase::names(several)),
    }
}

/// Says why nothing may go: that it is not known counts only where nothing known speaks against it.
fn none(rows: &[Row]) -> String {
    let unknown = rows.iter().find_map(|row| match &row.safe {
        Safe::Unknown(holds) => holds.first(),
        Safe::Yes | Safe::No(_) => None,
    });
    unknown.map_or_else(|| "nothing may go".to_owned(), |hold| format!("not known what may go: {}", hold.why))
}

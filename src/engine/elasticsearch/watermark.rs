//! Whether the nodes that stay may take the shards of the one that leaves: above its watermarks a disk takes none.

use super::node::{Disk, Settings};
use super::removal::{holds_data, setting};
use super::topology::View;
use crate::engine::phrase::{bytes, few};
use crate::model::Known;
use crate::plan::{Objection, Weight};

const ENABLED: &str = "cluster.routing.allocation.disk.threshold_enabled";
const LOW: &str = "cluster.routing.allocation.disk.watermark.low";
const HIGH: &str = "cluster.routing.allocation.disk.watermark.high";

/// Says whether the shards of a node would fill those above their watermarks that are not going themselves.
pub(super) fn objection(node: &str, going: &[&str], view: &View) -> Option<Objection> {
    match judge(node, going, view) {
        Ok(found) => found,
        Err(why) => {
            let limit = "the nodes that stay have room below their high watermark";
            Some(Objection::new("watermark", Weight::Unknown, why, limit).allow("room"))
        }
    }
}

fn judge(node: &str, going: &[&str], view: &View) -> Result<Option<Objection>, String> {
    let marks = Marks::of(view)?;
    let Some(Marks { low, high, said }) = marks else { return Ok(None) };
    let rows = known(&view.nodes, "the nodes are not known")?;
    if rows.iter().any(|row| row.name == node && !holds_data(row)) {
        return Ok(None);
    }
    let disks = known(&view.disks, "how full the nodes are is not known")?;
    let figure = |disk: Option<u64>, of: &str| disk.ok_or_else(|| format!("how full {of} is, is not known"));
    let own = disks.iter().find(|disk| disk.node == node);
    let moves = figure(own.and_then(|disk| disk.shards), node)?;
    let (mut room, mut words) = (0_u64, Vec::new());
    for row in rows.iter().filter(|row| !going.contains(&row.name.as_str()) && holds_data(row)) {
        let disk = disks.iter().find(|disk| disk.node == row.name);
        let used = figure(disk.and_then(|disk: &Disk| disk.used), &row.name)?;
        let size = figure(disk.and_then(|disk| disk.size), &row.name)?;
        let takes = if used > low.most(size) { 0 } else { high.most(size).saturating_sub(used) };
        room = room.saturating_add(takes);
        words.push(match takes {
            0 => format!("{} nothing ({}% of its disk is used)", row.name, percent(used, size)),
            some => format!("{} {}", row.name, bytes(some)),
        });
    }
    words.sort_unstable();
    Ok((room < moves).then(|| {
        let measured = format!("{} would move, and the others take: {}", bytes(moves), few(&words));
        let limit = format!("the nodes that stay have room for them below their watermarks ({said})");
        Objection::new("watermark", Weight::No, measured, limit)
            .way_out("make room on the nodes that stay, or give them larger volumes, first")
            .allow("room")
    }))
}

fn known<'k, T>(part: &'k Known<T>, what: &str) -> Result<&'k T, String> {
    match part {
        Known::Value(value) => Ok(value),
        Known::Unknown(why) => Err(format!("{what} ({why})")),
    }
}

/// How full a disk may be: above the low one it gets no more shards, and no shard takes it above the high one.
struct Marks {
    low: Mark,
    high: Mark,
    /// The two as they are written.
    said: String,
}

impl Marks {
    /// Reads the marks; `None` where disks are not watched.
    fn of(view: &View) -> Result<Option<Self>, String> {
        let settings = known(&view.settings, "settings are not known")?;
        let read = |key: &str| {
            effective(settings, view, key).ok_or_else(|| {
                let why = view.defaults.why().unwrap_or("it is not among the settings");
                format!("{key} is not known ({why})")
            })
        };
        if read(ENABLED)? == "false" {
            return Ok(None);
        }
        let mark = |key: &str| {
            let text = read(key)?;
            let headroom = effective(settings, view, &format!("{key}.max_headroom"));
            Mark::read(text, headroom).ok_or_else(|| format!("{key} is not understood: {text}"))
        };
        let said = format!("low {}, high {}", read(LOW)?, read(HIGH)?);
        Ok(Some(Self { low: mark(LOW)?, high: mark(HIGH)?, said }))
    }
}

/// Gives a setting as it is in force: as somebody changed it, else its default.
fn effective<'v>(settings: &'v Settings, view: &'v View, key: &str) -> Option<&'v str> {
    setting(settings, key).or_else(|| view.defaults.value()?.defaults.get(key)?.as_str())
}

/// One mark: what may be used, or what must stay free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// So many millionths of the disk may be used, and no more than so many bytes need to stay free.
    Share { millionths: u64, headroom: Option<u64> },
    /// So many bytes must stay free.
    Free(u64),
}

impl Mark {
    /// Reads `85%`, `0.85`, and `500mb`, which is what must stay free.
    fn read(text: &str, headroom: Option<&str>) -> Option<Self> {
        let headroom = headroom.filter(|text| *text != "-1").and_then(size);
        let share = |millionths| Self::Share { millionths, headroom };
        match text.strip_suffix('%') {
            Some(percent) => Some(share(decimal(percent)? / 100)),
            None => match decimal(text) {
                Some(ratio) if ratio <= 1_000_000 => Some(share(ratio)),
                Some(_) => None,
                None => size(text).map(Self::Free),
            },
        }
    }

    /// Says how many bytes of a disk may be used.
    fn most(self, size: u64) -> u64 {
        match self {
            Self::Free(free) => size.saturating_sub(free),
            Self::Share { millionths, headroom } => {
                let used = u128::from(size) * u128::from(millionths.min(1_000_000)) / 1_000_000;
                let used = u64::try_from(used).unwrap_or(size);
                used.max(headroom.map_or(0, |headroom| size.saturating_sub(headroom)))
            }
        }
    }
}

/// Reads a decimal number as millionths.
fn decimal(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(rest) {
        return None;
    }
    let rest: u64 = format!("{rest:0<6}").get(..6)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(rest)
}

/// Reads a size as the cluster writes it: `500mb`, `1.5gb`.
fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let units = [("kb", 10), ("mb", 20), ("gb", 30), ("tb", 40), ("pb", 50), ("b", 0)];
    let (number, shift) = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?.trim(), *shift)))?;
    let bytes = u128::from(decimal(number)?) * (1_u128 << shift) / 1_000_000;
    u64::try_from(bytes).ok()
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_in_every_form() {
        let half = Mark::Share { millionths: 500_000, headroom: None };
        assert_eq!(Mark::read("50%", None), Some(half));
        assert_eq!(Mark::read("50%", Some("-1")), Some(half));
        assert_eq!(Mark::read("0.5", None), Some(half));
        assert_eq!(Mark::read("500mb", None), Some(Mark::Free(500 << 20)));
        assert_eq!(Mark::read("1.5gb", None), Some(Mark::Free(3 << 29)));
        for bad in ["", "%", "much", "1.2.3", "12", "-5%"] {
            assert_eq!(Mark::read(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn a_mark_says_how_much_may_be_used() {
        let most = |text, headroom, size| Mark::read(text, headroom).unwrap().most(size);
        assert_eq!(most("90%", None, 1000), 900);
        assert_eq!(most("100b", None, 1000), 900);
        assert_eq!(most("2kb", None, 1000), 0);
        // On a large disk no more than the headroom has to stay free.
        assert_eq!(most("90%", Some("10b"), 1000), 990);
        assert_eq!(most("90%", Some("500b"), 1000), 900);
    }
}

//! Why something is not done: what was measured, the limit, and the way out.

use super::Screen;
use super::paragraph::Paragraph;
use super::style::{PLAIN, QUIET};
use crate::planner::Refusal;

/// Draws the reasons of a refusal, without the headline.
#[must_use]
pub fn refusal(refusal: &Refusal, screen: &Screen) -> String {
    let mut out = String::new();
    for objection in &refusal.objections {
        let allow = objection.allow.map(|word| format!("--allow {word} takes the responsibility"));
        let lines = [
            ("  measured  ", Some(&objection.measured)),
            ("  limit     ", Some(&objection.limit)),
            ("  way out   ", objection.way_out.as_ref()),
            ("  or        ", allow.as_ref()),
        ];
        if !out.is_empty() {
            out.push('\n');
        }
        for (lead, body) in lines.into_iter().filter_map(|(lead, body)| Some((lead, body?))) {
            Paragraph { lead, lead_style: QUIET, body, body_style: PLAIN, indent: lead.len() }.write(&mut out, screen);
        }
    }
    out
}

//! Whether the members that stay have room for what the leaving one holds.

use super::Situation;
use crate::analyze::bytes;
use crate::analyze::report::RowClaim;
use crate::engine::Removal;
use crate::model::Known;
use crate::plan::{Objection, Weight};

/// Says which members have too little room. Each must be able to take all of it: how it spreads is the engine's choice.
pub(super) fn objections(situation: &Situation<'_>, removal: &Removal, replicas: u32) -> Vec<Objection> {
    let limit = |moves: &str| format!("each member that stays has room for {moves}");
    let moves = match &removal.moves {
        None => return Vec::new(),
        Some(Known::Unknown(why)) => {
            return vec![Objection::new("room", Weight::Unknown, why.clone(), limit("all of it")).allow("room")];
        }
        Some(Known::Value(moves)) => *moves,
    };
    let judge = |claim: &RowClaim| {
        let free = match (&claim.used_bytes, claim.file_system_bytes.or(claim.size_bytes)) {
            (Known::Value(used), Some(size)) => size.saturating_sub(*used),
            (Known::Unknown(why), _) => {
                let measured = format!("how full {} is, is not known ({why})", claim.name);
                return Some(Objection::new("room", Weight::Unknown, measured, limit(&bytes(moves))).allow("room"));
            }
            (Known::Value(_), None) => return None,
        };
        (free < moves).then(|| {
            let measured = format!("{} has {} left", claim.name, bytes(free));
            Objection::new("room", Weight::No, measured, limit(&bytes(moves))).allow("room")
        })
    };
    situation.staying(replicas).flat_map(|row| &row.claims).filter_map(judge).collect()
}

//! Whether a plan could be begun at all.

use std::slice;

use super::World;
use crate::cluster::ClusterError;
use crate::plan::{Check, Plan, Reading, Trace, Verdict, When};
use crate::planner;

/// Tells why the first step of a plan that was never begun could not be; `None` when it could, or has nothing to do.
///
/// # Errors
/// When the world cannot be read.
pub async fn hindrance(plan: &Plan, world: &impl World) -> Result<Option<String>, ClusterError> {
    let Some(first) = plan.steps.first() else { return Ok(None) };
    let judged = async |checks: &[Check]| {
        Ok::<_, ClusterError>(planner::judge(checks, plan, &world.observe(Reading::of(checks)).await?))
    };
    if first.requires.is_empty() {
        return Ok(None);
    }
    if let (When::UnlessSeen, Trace::Seen(check)) = (first.when, &first.trace)
        && judged(slice::from_ref(check)).await? == Verdict::Holds
    {
        return Ok(None);
    }
    Ok(match judged(&first.requires).await? {
        Verdict::Broken { why } => Some(why),
        Verdict::Holds | Verdict::NotYet { .. } => None,
    })
}

//! How engines are asked: the flags that commands share.

use std::time::Duration;

use super::subject::Look;
use crate::analyze::Criteria;
use crate::cluster::parse_duration;
use crate::collect::Probing;
use crate::model::WorkloadName;

/// Which engine is asked, where, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct EngineArgs {
    /// How long an engine may take to answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    probe_timeout: Duration,
    /// The engine, where it is not recognised
    #[arg(long, value_name = "ENGINE", value_parser = super::engine_parser())]
    pub engine: Option<String>,
    /// The container to ask, where it is not recognised
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
}

impl EngineArgs {
    /// Says what is read for a plan about a set.
    pub(super) fn look(&self, name: &WorkloadName) -> Look {
        Look { name: name.clone(), probe_limit: self.probe_timeout, container: self.container.clone() }
    }

    /// Says what is judged by.
    pub(super) fn criteria(&self, max_lag_bytes: u64) -> Criteria {
        Criteria { max_lag_bytes, engine: self.engine.clone() }
    }
}

/// Whether engines are asked at all, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct AskArgs {
    /// Do not ask the engines: no roles, no lag, no sessions
    #[arg(long)]
    no_probe: bool,
    /// How they are asked.
    #[command(flatten)]
    pub of: EngineArgs,
}

impl AskArgs {
    /// Decides whether engines are asked; `reluctance` says why they would not be unless somebody insists.
    #[must_use]
    pub fn probing(&self, reluctance: Option<&str>) -> Probing {
        match reluctance {
            _ if self.no_probe => Probing::No("not asked (--no-probe)".to_owned()),
            Some(why) => Probing::No(why.to_owned()),
            None => Probing::Within(self.of.probe_timeout),
        }
    }
}

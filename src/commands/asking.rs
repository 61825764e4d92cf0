//! How engines are asked: the flags that `status` and `snapshot` share.

use std::time::Duration;

use crate::cluster::parse_duration;
use crate::collect::Probing;

/// How engines are asked.
#[derive(Clone, Debug, clap::Args)]
pub struct AskArgs {
    /// Do not ask the engines: no roles, no lag, no sessions
    #[arg(long)]
    no_probe: bool,
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

impl AskArgs {
    /// Decides whether engines are asked; `reluctance` says why they would not be unless somebody insists.
    #[must_use]
    pub fn probing(&self, reluctance: Option<&str>) -> Probing {
        match reluctance {
            _ if self.no_probe => Probing::No("not asked (--no-probe)".to_owned()),
            Some(why) => Probing::No(why.to_owned()),
            None => Probing::Within(self.probe_timeout),
        }
    }
}

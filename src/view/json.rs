//! The same reports for programs.

use jiff::Timestamp;
use serde::Serialize;

use super::text;
use crate::analyze::report::Report;

/// Version of what programs get; it changes when a field changes its meaning or goes.
pub const API_VERSION: &str = "kubectl-stateful.io/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusList<'a> {
    api_version: &'static str,
    kind: &'static str,
    taken_at: String,
    items: &'a [Report],
}

impl<'a> StatusList<'a> {
    fn new(items: &'a [Report], taken_at: Timestamp) -> Self {
        let taken_at = taken_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self { api_version: API_VERSION, kind: "StatusList", taken_at, items }
    }
}

/// Says why a report could not be written; nothing that a report can hold should get here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// As JSON.
    #[error("writing the report as JSON")]
    Json(#[from] serde_json::Error),
    /// As YAML.
    #[error("writing the report as YAML")]
    Yaml(#[from] serde_saphyr::SerializeError),
}

/// Writes the reports as one JSON document.
pub fn json(reports: &[Report], taken_at: Timestamp) -> Result<String, Error> {
    let mut text = serde_json::to_string_pretty(&StatusList::new(reports, taken_at))?;
    text.push('\n');
    Ok(text)
}

/// Writes the reports as one YAML document with the same fields.
pub fn yaml(reports: &[Report], taken_at: Timestamp) -> Result<String, Error> {
    // By way of JSON's values: what YAML calls an enum must be the object that JSON has, not a tag.
    let value = serde_json::to_value(StatusList::new(reports, taken_at))?;
    Ok(serde_saphyr::to_string(&value)?)
}

/// Writes the names as `kubectl get -o name` does, which leaves out namespaces.
#[must_use]
pub fn names(reports: &[Report]) -> String {
    let lines: Vec<_> =
        reports.iter().map(|report| format!("statefulset.apps/{}\n", text::clean(report.head.name.as_str()))).collect();
    lines.concat()
}

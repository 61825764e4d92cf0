//! Looking into the reports that the program prints as JSON.

use serde_json::Value;

/// Gives the codes of a report's findings.
#[track_caller]
pub(crate) fn codes(report: &Value) -> Vec<&str> {
    findings(report).iter().map(|one| one["code"].as_str().expect("code")).collect()
}

/// Gives the finding of a code.
#[track_caller]
pub(crate) fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    let found = findings(report).iter().find(|one| one["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} in {}", short(report)))
}

/// Gives a report's rows.
#[track_caller]
pub(crate) fn rows(report: &Value) -> &[Value] {
    report["rows"].as_array().unwrap_or_else(|| panic!("no rows in {report}"))
}

/// Gives the row of a pod.
#[track_caller]
pub(crate) fn row<'a>(report: &'a Value, pod: &str) -> &'a Value {
    rows(report).iter().find(|row| row["pod"] == pod).unwrap_or_else(|| panic!("no {pod} in {}", short(report)))
}

#[track_caller]
fn findings(report: &Value) -> &[Value] {
    report["findings"].as_array().unwrap_or_else(|| panic!("no findings in {report}"))
}

/// Says in some lines what a report says in some hundred.
pub(crate) fn short(report: &Value) -> String {
    let head = &report["head"];
    let mut lines = vec![format!("{} ready, {}; {}", head["ready"], head["rollout"], head["verdict"])];
    for row in report["rows"].as_array().into_iter().flatten() {
        let [pod, state, role, lag, safe] = ["pod", "state", "role", "lag", "safe"].map(|field| &row[field]);
        lines.push(format!("{pod} {state} role {role} lag {lag} safe {safe}"));
    }
    for one in report["findings"].as_array().into_iter().flatten() {
        lines.push(format!("{} {}: {}", one["severity"], one["code"], one["message"]));
    }
    lines.join("\n")
}

/// Drops the one line that always differs: when the screen was made.
pub(crate) fn steady(screen: &str) -> String {
    screen.lines().filter(|line| !line.contains("\"takenAt\"")).collect::<Vec<_>>().join("\n")
}

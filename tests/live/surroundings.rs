//! What stands around a set: its Service, budgets, an autoscaler.

use crate::support::{Namespace, codes, cut, finding, plain_set, proves, row, rows, run, short, type_in};

#[test]
fn a_missing_governing_service_is_said_and_names_come_with_it() {
    let namespace = Namespace::new("service");
    let whole = plain_set("q", 1, "");
    let (service, set) = whole.split_once("---").expect("two documents");
    namespace.apply(set);
    let report = namespace.until_ready("q", 1);
    assert!(codes(&report).contains(&"service-missing"), "{}", short(&report));
    namespace.screen("q");
    namespace.apply(service);
    let report = namespace.until("q", "a name", |report| row(report, "q-0")["dns"].is_string());
    assert!(!codes(&report).contains(&"service-missing"), "{}", short(&report));

    namespace.patch("service/q", r#"{"spec":{"selector":{"app":"other"}}}"#);
    namespace.until_found("q", "service-selects-nothing");
    namespace.screen("q");
    proves("a governing Service that is missing, or selects nothing, is said");
}

fn budget(name: &str, rule: &str) -> String {
    format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {name}}}\n\
         spec: {{{rule}, selector: {{matchLabels: {{app: q}}}}}}\n"
    )
}

/// Tries to evict a pod, as a drain does.
fn evict(namespace: &Namespace, pod: &str) -> crate::support::Ran {
    let eviction = format!(
        r#"{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{pod}","namespace":"{}"}}}}"#,
        namespace.name
    );
    let file = std::env::temp_dir().join(format!("{}.json", namespace.name));
    std::fs::write(&file, eviction).expect("write");
    let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", namespace.name);
    let answer = run("kubectl", &["create", "--raw", &path, "-f", file.to_str().expect("utf-8")]);
    std::fs::remove_file(&file).expect("remove");
    answer
}

#[test]
fn no_budget_a_budget_that_blocks_and_two_budgets_are_told_apart() {
    let namespace = Namespace::new("budgets");
    namespace.apply(&plain_set("q", 2, ""));
    let report = namespace.until_ready("q", 2);
    let missing = finding(&report, "budget-missing");
    let typed = type_in(missing);
    let report = namespace.until("q", "the suggested budget", |report| !codes(report).contains(&"budget-missing"));
    assert_eq!(report["head"]["budgets"]["value"][0]["rule"], "maxUnavailable 1", "{}", short(&report));
    proves(format!("`{typed}` makes the budget that was missing"));
    namespace.kubectl(&["delete", "pdb", "q"]).ok();

    namespace.apply(&budget("one", "minAvailable: 2"));
    let report = namespace.until_found("q", "budget-blocks");
    assert_eq!(row(&report, "q-0")["safe"]["answer"], "no", "{}", short(&report));
    namespace.screen("q");
    let refused = evict(&namespace, "q-0");
    assert!(refused.code != 0 && refused.stderr.contains("disruption budget"), "{refused:?}");

    namespace.apply(&budget("two", "maxUnavailable: 1"));
    let report = namespace.until_found("q", "budgets-overlap");
    assert!(rows(&report).iter().all(|row| row["safe"]["answer"] == "no"), "{}", short(&report));
    namespace.screen("q");
    let refused = evict(&namespace, "q-0");
    assert_ne!(refused.code, 0);
    proves(format!("the API server agrees about two budgets: {}", cut(refused.stderr.trim())));
}

#[test]
fn an_autoscaler_is_said_and_is_critical_where_scaling_deletes_data() {
    let namespace = Namespace::new("autoscaler");
    namespace.apply(&plain_set("q", 1, ""));
    let scaler = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: q-load}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: q}
  minReplicas: 1
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
";
    namespace.apply(scaler);
    let report = namespace.until_found("q", "autoscaler-present");
    let said = finding(&report, "autoscaler-present");
    assert_eq!(
        (said["severity"].as_str(), said["subject"].as_str()),
        (Some("note"), Some("horizontalpodautoscaler/q-load"))
    );
    let deletes = r#"{"spec":{"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete","whenDeleted":"Retain"}}}"#;
    namespace.patch("statefulset/q", deletes);
    let report = namespace.until_found("q", "policy-deletes-data");
    assert_eq!(finding(&report, "autoscaler-present")["severity"], "critical", "{}", short(&report));
    namespace.screen("q");
    let typed = type_in(finding(&report, "policy-deletes-data"));
    let report = namespace.until("q", "claims are kept", |report| !codes(report).contains(&"policy-deletes-data"));
    assert_eq!(finding(&report, "autoscaler-present")["severity"], "note", "{}", short(&report));
    proves(format!("an autoscaler with whenScaled: Delete is critical; `{typed}` takes the danger away"));
}

//! Nodes that go away: a cordon, a power loss. Nothing else runs meanwhile.

use crate::postgres::start;
use crate::support::{Namespace, Node, codes, finding, proves, row, rows, short};

#[test]
fn a_node_that_goes_away_is_said_with_what_it_holds() {
    let namespace = Namespace::alone("power");
    let report = start(&namespace);
    let node = Node::new(row(&report, "db-2")["node"].as_str().expect("node"));

    let cordoned = node.cordon();
    // A probe may fail for a moment on a busy machine: then a budget holds db-1, too.
    let report = namespace.until("db", "a cordoned node that holds only db-2", |report| {
        codes(report).contains(&"volume-node-cordoned") && row(report, "db-1")["safe"]["answer"] == "yes"
    });
    assert!(finding(&report, "volume-node-cordoned")["message"].to_string().contains(&node.name));
    assert_eq!(row(&report, "db-2")["safe"]["answer"], "no", "it would not come back: {}", short(&report));
    namespace.screen("db");
    drop(cordoned);
    namespace.until("db", "the node takes pods again", |report| !codes(report).contains(&"volume-node-cordoned"));
    proves("a member whose volume is kept to a cordoned node may not go");

    let dead = node.kill();
    // Nobody has noticed yet: the control plane still calls the node ready, but its member does not answer.
    let report = namespace.report("db", &["--probe-timeout", "3s"]);
    assert!(row(&report, "db-2")["role"]["unknown"].is_string(), "{}", short(&report));
    assert_ne!(row(&report, "db-1")["safe"]["answer"], "yes", "{}", short(&report));
    namespace.screen("db");
    let report = namespace.until_found("db", "volume-node-not-ready");
    assert!(finding(&report, "volume-node-not-ready")["message"].to_string().contains(&node.name));
    let lost = row(&report, "db-2");
    assert!(lost["role"]["unknown"].is_string(), "a dead member's role is unknown: {lost}");
    assert!(rows(&report).iter().all(|row| row["safe"]["answer"] != "yes"), "{}", short(&report));
    namespace.screen("db");
    proves("a power loss: the member is unknown at once, then its volume is out of reach, and nobody may go");

    // The pod's deletion hangs: nobody on the node confirms it.
    namespace.kubectl(&["delete", "pod", "db-2", "--wait=false", "--grace-period=1"]).ok();
    let report = namespace.until_found("db", "pod-stuck-terminating");
    let stuck = finding(&report, "pod-stuck-terminating");
    assert!(stuck["message"].to_string().contains(&node.name), "{stuck}");
    assert_eq!(stuck["severity"], "critical");
    namespace.screen("db");
    drop(dead);
    namespace.until("db", "everything is back", |report| report["head"]["ready"] == 3 && codes(report).is_empty());
    proves("a pod stuck Terminating names its dead node, and nothing is left to say when the node is back");
}

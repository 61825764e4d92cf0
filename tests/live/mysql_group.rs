//! A group of MySQL: its primary is moved by its own word, a member leaves and comes back, and a lost primary is its own matter.

use crate::failover::{freeze, thaw};
use crate::mysql::{GROUP, hands_over};
use crate::support::{Namespace, codes, eventually, proves, row, short};

/// Gives the members of the group that are online, as one of them sees it.
fn online(namespace: &Namespace, pod: &str) -> String {
    GROUP.sql(
        namespace,
        pod,
        "SELECT COUNT(*) FROM performance_schema.replication_group_members WHERE MEMBER_STATE = 'ONLINE'",
    )
}

#[test]
fn a_group_of_mysql_moves_its_primary_without_losing_a_write() {
    hands_over(GROUP);
}

#[test]
fn a_member_leaves_its_group_and_comes_back_and_a_lost_primary_is_replaced_by_the_group() {
    let namespace = GROUP.start("down");
    let report = namespace.until("gr", "a group", |report| report["head"]["cluster"] == "group of 3 members");
    assert_eq!(report["head"]["engine"]["title"], "MySQL, Group Replication", "{}", short(&report));
    assert_eq!(report["head"]["primaries"]["value"], serde_json::json!(["gr-0"]));
    namespace.screen("gr");

    let down = ["scale-down", "gr", "--replicas", "2"];
    namespace.refuses("gr", &down, &["2 would stay", "fewer than 3 members do not survive the loss of one"]);
    namespace.changes(&[&down[..], &["--allow", "quorum", "--yes"]].concat());
    assert_eq!(online(&namespace, "gr-0"), "2");
    namespace.changes(&["undo", "gr", "--yes"]);
    namespace.until("gr", "three that follow", |report| GROUP.is_healthy(report));
    assert_eq!(online(&namespace, "gr-0"), "3");
    proves("3 -> 2: refused for the majority, then gr-2 has left its group; undo brings it back into it");

    let frozen = freeze(&namespace, "gr-0", |name, _| name == GROUP.server);
    eventually("a failover that is the group's matter", || {
        let ran = namespace.stateful(&["promote", "gr", "--failover", "--to", "1", "--yes", "--accept-loss", "any"]);
        let says = ran.stderr.replace('\n', " ");
        // Until the others miss it, and once they have chosen.
        let words = ["chooses another primary by itself", "is the primary, and answers"];
        if ran.code == 4 && words.iter().any(|word| says.contains(word)) { Ok(()) } else { Err(ran.everything()) }
    });
    namespace.until("gr", "another primary", |report| {
        let led = report["head"]["primaries"]["value"].as_array().cloned().unwrap_or_default();
        led.len() == 1 && led[0] != "gr-0" && !codes(report).contains(&"two-primaries")
    });
    proves("a primary that hangs is given up by the group itself, and by nobody else");
    thaw(&frozen);
    namespace.kubectl(&["delete", "pod", "gr-0"]).ok();
    let report = namespace.until("gr", "gr-0 back in the group", |report| {
        report["head"]["cluster"] == "group of 3 members" && row(report, "gr-0")["role"]["value"] == "replica"
    });
    assert_eq!(report["head"]["primaries"]["value"].as_array().map(Vec::len), Some(1), "{}", short(&report));
    proves("it comes back as a replica");
}

use super::ENGINE;
use crate::engine::tests::{pod, printed, read, recorded, removal, said_against};
use crate::engine::{Engine, recognise};
use crate::model::{Code, ContainerSpec, Known, Pod, ProbeOutput, Role, Severity, Topology, Workload};

fn pods() -> [Pod; 3] {
    ["os-1", "os-2", "os-3"].map(pod)
}

fn text(scene: &str, node: &str) -> String {
    recorded(&format!("elasticsearch/opensearch-2.19.1/{scene}-{node}.txt"))
}

/// Reads what nodes of a real cluster printed.
fn scene(name: &str, answering: &[&str]) -> Topology {
    let outputs: Vec<ProbeOutput> =
        answering.iter().map(|node| printed(node, "elasticsearch", &text(name, node))).collect();
    read(&ENGINE, &pods(), &outputs)
}

fn shown(topology: &Topology) -> Vec<Option<&str>> {
    topology.members.iter().map(|member| member.shown_as.as_deref()).collect()
}

fn shares(topology: &Topology) -> Vec<Option<&str>> {
    topology.members.iter().map(|member| member.share.as_deref()).collect()
}

fn found(topology: &Topology) -> Vec<(Severity, Code, &str)> {
    topology.findings.iter().map(|finding| (finding.severity, finding.code, finding.message.as_str())).collect()
}

/// What speaks against a node: `code: why`, with a question mark where something is only not known.
fn against(topology: &Topology, pod: &str) -> Vec<String> {
    let of = topology.objections.iter().filter(|objection| objection.pod.as_str() == pod);
    let said = of.map(|objection| match &objection.why {
        Known::Value(why) => format!("{}: {why}", objection.code),
        Known::Unknown(why) => format!("{}? {why}", objection.code),
    });
    said.collect()
}

#[test]
fn in_a_healthy_cluster_nothing_speaks_against_any_one() {
    let topology = scene("healthy", &["os-1", "os-2", "os-3"]);
    assert_eq!(topology.version, Known::Value("2.19.1".to_owned()));
    assert_eq!(topology.title.as_deref(), Some("OpenSearch"));
    assert_eq!(topology.cluster.as_deref(), Some("cluster t green, elected cluster manager os-1, 3 nodes, 12 shards"));
    assert!(topology.members.iter().all(|member| member.role == Known::Value(Role::Peer)));
    assert_eq!(shown(&topology), [Some("dimr*"), Some("dimr"), Some("dimr")]);
    assert_eq!(shares(&topology), [Some("4 shards"), Some("4 shards"), Some("4 shards")]);
    // The connection that asked is not counted.
    let sessions: Vec<_> =
        topology.members.iter().map(|member| member.sessions.value().map(|all| all.total())).collect();
    assert_eq!(sessions, [Some(0), Some(0), Some(0)]);
    assert_eq!((found(&topology), &topology.objections), (vec![], &vec![]));
}

#[test]
fn while_shards_move_nobody_may_go() {
    let topology = scene("draining", &["os-1", "os-3"]);
    assert_eq!(shares(&topology), [Some("4 shards"), Some("4 shards"), Some("4 shards, 2 leaving")]);
    for pod in ["os-1", "os-3"] {
        assert_eq!(against(&topology, pod), ["relocating: 2 shards are being moved between nodes"]);
    }
    let message = "statefulset/db keeps shards off os-3 (transient cluster.routing.allocation.exclude._name)";
    assert_eq!(found(&topology), [(Severity::Warning, Code::ExclusionLeft, message)]);
    // os-2 was not asked: what the master says of it is no word of its own.
    assert_eq!((topology.members[1].role.why(), shown(&topology)[1]), (Some("not asked"), None));
}

#[test]
fn an_exclusion_that_cannot_be_carried_out_is_seen_by_what_stays() {
    let topology = scene("stuck", &["os-1"]);
    assert_eq!(shares(&topology), [Some("5 shards"), Some("5 shards"), Some("2 shards")]);
    assert_eq!(found(&topology).len(), 1);
}

#[test]
fn what_was_left_behind_is_found() {
    let topology = scene("left-behind", &["os-1"]);
    let messages: Vec<_> = found(&topology).into_iter().map(|(_, code, message)| (code, message)).collect();
    assert_eq!(
        messages,
        [
            (Code::SingleCopy, "index single of statefulset/db has no second copy (replicas 0)"),
            (Code::ExclusionLeft, "statefulset/db keeps os-3 from voting (voting_config_exclusions)"),
        ]
    );
    // With one of three nodes excluded, the cluster votes with a single one of the two others.
    assert_eq!(against(&topology, "os-1"), ["quorum: 0 of 1 voter would be left, which is no majority"]);
}

#[test]
fn the_only_copy_of_a_shard_speaks_against_its_node() {
    let moved = text("left-behind", "os-1").replace(
        r#""index":"single","shard":"0","prirep":"p","state":"STARTED","node":"os-3""#,
        r#""index":"single","shard":"0","prirep":"p","state":"STARTED","node":"os-1""#,
    );
    let topology = read(&ENGINE, &pods(), &[printed("os-1", "elasticsearch", &moved)]);
    assert!(against(&topology, "os-1").contains(&"lastCopy: single[0] has its only working copy here".to_owned()));
}

#[test]
fn with_a_node_down_nobody_else_may_go() {
    let topology = scene("one-down", &["os-1", "os-2"]);
    assert_eq!(shown(&topology), [Some("dimr*"), Some("dimr"), None]);
    assert_eq!(
        against(&topology, "os-2"),
        [
            "health: the cluster is yellow: 4 shards unassigned",
            "lastCopy: idx[2] has its only working copy here",
            "quorum: 1 of 3 voters would be left, which is no majority",
        ]
    );
    let message = "the cluster of statefulset/db is yellow: 4 of 12 shards unassigned, 0 being copied";
    assert_eq!(found(&topology), [(Severity::Warning, Code::ShardsUnassigned, message)]);
}

#[test]
fn a_red_cluster_is_critical_and_names_what_is_lost() {
    // Not recorded: the yellow cluster, with the last copy of one shard gone as well.
    let red = |node| {
        let copy = r#""index":"idx","shard":"2","prirep":"p","state":"STARTED""#;
        let text = text("one-down", node).replace("yellow", "red");
        printed(node, "elasticsearch", &text.replace(copy, &copy.replace("STARTED", "INITIALIZING")))
    };
    let topology = read(&ENGINE, &pods(), &[red("os-1"), red("os-2")]);
    let message =
        "the cluster of statefulset/db is red: 4 of 12 shards unassigned, 0 being copied; no copy of idx[2] works";
    assert_eq!(found(&topology), [(Severity::Critical, Code::ShardsUnassigned, message)]);
}

#[test]
fn without_a_majority_there_is_no_master() {
    let topology = scene("no-quorum", &["os-1"]);
    assert_eq!(topology.members[0].role, Known::Value(Role::Detached));
    assert_eq!(shown(&topology)[0], Some("no master"));
    let message = "the only node of statefulset/db that answered knows no elected cluster manager";
    assert_eq!(found(&topology), [(Severity::Critical, Code::NoPrimary, message)]);
    assert_eq!(
        against(&topology, "os-1"),
        ["noMaster: it knows no elected master: it may hold what the others do not have"]
    );
}

#[test]
fn a_node_that_was_cut_off_is_no_member() {
    let mut outputs: Vec<_> =
        ["os-2", "os-3"].iter().map(|node| printed(node, "elasticsearch", &text("healthy", node))).collect();
    outputs.push(printed("os-1", "elasticsearch", &text("no-quorum", "os-1")));
    let topology = read(&ENGINE, &pods(), &outputs);
    let message = "pod/os-1 runs and is not in the cluster: it knows no elected cluster manager";
    assert_eq!(found(&topology), [(Severity::Warning, Code::PodWithoutMember, message)]);
    assert_eq!(topology.members[0].role, Known::Value(Role::Detached));
}

#[test]
fn nodes_under_other_names_are_matched_by_their_own_word() {
    let outputs = [printed("db-0", "elasticsearch", &text("healthy", "os-2"))];
    let topology = read(&ENGINE, &[pod("db-0")], &outputs);
    assert_eq!(topology.members[0].name.as_deref(), Some("os-2"));
    assert_eq!(shown(&topology), [Some("dimr")]);
    // Nodes of other sets are members as well, and no strangers: what is dead is in no list.
    assert!(topology.cluster.is_some_and(|words| words.ends_with("3 nodes (2 of other sets), 12 shards")));
    assert_eq!(topology.strangers, Vec::<String>::new());
}

#[test]
fn a_refusal_is_told_in_its_own_words() {
    let denied =
        r#"{"error":{"root_cause":[],"type":"security_exception","reason":"missing credentials"},"status":401}"#;
    let text = format!("root {denied}\nend\n");
    let topology = read(&ENGINE, &pods(), &[printed("os-1", "elasticsearch", &text)]);
    assert_eq!(topology.members[0].role, Known::unknown("refused with 401: security_exception"));
    // A user who may see the node and nothing else.
    let root = self::text("healthy", "os-1").lines().next().unwrap().to_owned();
    let text = format!("{root}\nstate {denied}\nend\n");
    let topology = read(&ENGINE, &pods(), &[printed("os-1", "elasticsearch", &text)]);
    assert_eq!(topology.members[0].role, Known::unknown("refused with 401: security_exception"));
    assert_eq!(topology.version, Known::Value("2.19.1".to_owned()));
}

#[test]
fn every_part_that_is_missing_speaks_against_going() {
    let whole = text("healthy", "os-1");
    for (word, codes) in [
        ("health ", vec!["health?"]),
        ("shards ", vec!["lastCopy?"]),
        ("nodes ", vec!["quorum?"]),
        ("state ", vec!["health?", "lastCopy?", "quorum?"]),
    ] {
        let kept: Vec<_> = whole.lines().filter(|line| !line.starts_with(word)).collect();
        let outputs = [printed("os-1", "elasticsearch", &format!("{}\n", kept.join("\n")))];
        let topology = read(&ENGINE, &pods(), &outputs);
        let said = against(&topology, "os-1");
        let said: Vec<_> = said.iter().map(|words| words.split(' ').next().unwrap()).collect();
        assert_eq!(said, codes, "without {word}");
    }
}

#[test]
fn an_answer_cut_off_anywhere_is_unknown() {
    for name in ["healthy", "no-quorum", "one-down"] {
        let whole = text(name, "os-1");
        for end in (0..whole.trim_end().len()).filter(|end| whole.is_char_boundary(*end)) {
            let topology = read(&ENGINE, &[pod("os-1")], &[printed("os-1", "elasticsearch", &whole[..end])]);
            assert_eq!(topology.members[0].role.value(), None, "{name} cut at {end}");
            assert_eq!(topology.members[0].sessions.value(), None, "{name} cut at {end}");
            assert_eq!((found(&topology), &topology.objections), (vec![], &vec![]), "{name} cut at {end}");
        }
    }
}

fn container(name: &str, image: &str, ports: &[u16], env: &[&str]) -> ContainerSpec {
    ContainerSpec {
        name: name.into(),
        image: image.to_owned(),
        ports: ports.to_vec(),
        env_names: env.iter().map(|name| (*name).to_owned()).collect(),
        ..ContainerSpec::default()
    }
}

#[test]
fn both_products_are_recognised() {
    for (spec, by, title) in [
        (
            container("elasticsearch", "docker.elastic.co/elasticsearch/elasticsearch:8.14.0", &[], &[]),
            "image elasticsearch:8.14.0",
            "Elasticsearch",
        ),
        (container("os", "opensearchproject/opensearch:2.19.1", &[], &[]), "image opensearch:2.19.1", "OpenSearch"),
        (container("db", "example/search", &[9200, 9300], &[]), "ports 9200 and 9300", "Elasticsearch"),
        (
            container("db", "example/search", &[9200], &["discovery.seed_hosts"]),
            "variable discovery.seed_hosts",
            "Elasticsearch",
        ),
    ] {
        let mut workload = Workload::default();
        workload.template.containers = vec![spec];
        let (engine, recognised) = recognise(&workload, None);
        assert_eq!((engine.name(), recognised.by.as_str()), ("elasticsearch", by));
        assert_eq!(engine.read(&workload, &[], &[]).title.as_deref(), Some(title));
    }
    let mut workload = Workload::default();
    for image in ["kibana:8.14.0", "opensearch-dashboards:2", "quay.io/prometheuscommunity/elasticsearch-exporter"] {
        workload.template.containers = vec![container("it", image, &[], &[])];
        assert_eq!(recognise(&workload, None).0.name(), "generic", "{image}");
    }
}

#[test]
fn the_container_of_the_server_is_chosen() {
    let exporter = container("exporter", "elasticsearch-exporter", &[9114], &[]);
    let server = container("elasticsearch", "elasticsearch:8.14.0", &[9200, 9300], &[]);
    let pod = Pod { containers: vec![exporter, server], ..Pod::default() };
    assert_eq!(ENGINE.container(&pod), Some("elasticsearch".into()));
}

/// What the disks of a cluster say against os-2 leaving, some words of the recorded answers changed.
fn disks_against(changes: &[(&str, &str)], staying: &[&str]) -> Vec<String> {
    let pods = ["os-0", "os-1", "os-2"].map(pod);
    let change = |pod: &str| changes.iter().fold(text("disks", pod), |text, (from, to)| text.replace(from, to));
    let outputs: Vec<_> =
        pods.iter().map(|pod| printed(&pod.meta.name, "elasticsearch", &change(&pod.meta.name))).collect();
    let said = said_against(&removal(&ENGINE, &pods, &outputs, "os-2", staying)).into_iter();
    said.filter_map(|line| line.strip_prefix("watermark: ").map(str::to_owned)).collect()
}

#[test]
fn shards_do_not_move_to_disks_above_their_watermarks() {
    let both = ["os-0", "os-1"];
    let rule = "(the nodes that stay have room for them below their watermarks (low 1%, high 99%))";
    let full = "17.5Ki would move, and the others take: os-0 nothing (91% of its disk is used) and os-1 nothing";
    assert_eq!(disks_against(&[], &both), [format!("{full} (91% of its disk is used) {rule}")]);
    let none: [&str; 0] = [];
    assert_eq!(disks_against(&[("low\":\"1%", "low\":\"95%")], &both), none);
    assert_eq!(disks_against(&[("threshold_enabled\":\"true", "threshold_enabled\":\"false")], &both), none);
    // What must stay free, given in bytes: os-1 takes 16.8Ki of the 17.5Ki.
    let free = [("low\":\"1%", "low\":\"1gb"), ("high\":\"99%", "high\":\"23998483564b")];
    assert_eq!(disks_against(&free, &both), none);
    let said = disks_against(&free, &["os-1"]);
    assert!(
        said.len() == 1 && said[0].starts_with("17.5Ki would move, and the others take: os-1 16.8Ki ("),
        "{said:?}"
    );
}

#[test]
fn disks_and_marks_that_are_not_known_speak_against_moving_shards() {
    let both = ["os-0", "os-1"];
    let rule = "(the nodes that stay have room below their high watermark)";
    let unknown = disks_against(&[("\ndisks ", "\nother ")], &both);
    assert_eq!(unknown, [format!("how full the nodes are is not known (not answered) {rule}")]);
    let high = "cluster.routing.allocation.disk.watermark.high";
    let unknown = disks_against(&[(high, "x"), ("\ndefaults ", "\nother ")], &both);
    assert_eq!(unknown, [format!("{high} is not known (not answered) {rule}")]);
    let unknown = disks_against(&[("high\":\"99%", "high\":\"most")], &both);
    assert_eq!(unknown, [format!("{high} is not understood: most {rule}")]);
    let unknown = disks_against(&[("\"disk.used\":\"246554660864\"", "\"disk.used\":null")], &both);
    assert_eq!(unknown, [format!("how full os-0 is, is not known {rule}")]);
}

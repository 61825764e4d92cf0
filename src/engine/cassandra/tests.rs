use super::ENGINE;
use crate::engine::tests::{answered, pod, printed, read, recorded, removal, said_against};
use crate::engine::{Asked, Engine, recognise};
use crate::model::{Answer, Code, ContainerSpec, Known, Pod, ProbeOutput, Role, Severity, Topology, Workload};
use crate::plan::{EngineCheck, Measure, Verdict};

/// The pods of the recorded ring, which has the addresses 127.0.0.21 to 127.0.0.23.
fn pods() -> [Pod; 3] {
    ["ca-1", "ca-2", "ca-3"].map(|name| Pod { ip: Some(name.replace("ca-", "127.0.0.2")), ..pod(name) })
}

/// Reads what a node of a real ring answered to all questions, those included that failed.
fn answers(scene: &str, pod: &str) -> Vec<ProbeOutput> {
    let text = recorded(&format!("cassandra/5.0.6/{scene}-{pod}.txt"));
    let failed = text.lines().filter_map(|line| line.strip_prefix("!! ")).map(|line| {
        let (id, rest) = line.split_once(' ').unwrap();
        let (code, stderr) = rest.split_once(' ').unwrap();
        let answer =
            Answer::Ended { exit_code: code.parse().unwrap(), stdout: String::new(), stderr: stderr.to_owned() };
        answered(pod, id, answer)
    });
    let printed = text.split("== ").skip(1).map(|part| {
        let (id, text) = part.split_once('\n').unwrap();
        printed(pod, id, text)
    });
    failed.collect::<Vec<_>>().into_iter().chain(printed).collect()
}

fn scene(name: &str, answering: &[&str]) -> Topology {
    let outputs: Vec<_> = answering.iter().flat_map(|pod| answers(name, pod)).collect();
    read(&ENGINE, &pods(), &outputs)
}

/// The recorded answers of one node, some of their words changed.
fn changed(name: &str, pod: &str, from: &str, to: &str) -> Vec<ProbeOutput> {
    let change = |mut output: ProbeOutput| {
        if let Answer::Ended { stdout, .. } = &mut output.answer {
            *stdout = stdout.replace(from, to);
        }
        output
    };
    answers(name, pod).into_iter().map(change).collect()
}

fn roles(topology: &Topology) -> Vec<Option<Role>> {
    topology.members.iter().map(|member| member.role.value().copied()).collect()
}

fn shown(topology: &Topology) -> Vec<Option<&str>> {
    topology.members.iter().map(|member| member.shown_as.as_deref()).collect()
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
fn in_a_healthy_ring_nothing_speaks_against_any_one() {
    let topology = scene("healthy", &["ca-1", "ca-2", "ca-3"]);
    assert_eq!(topology.version, Known::Value("5.0.6".to_owned()));
    assert_eq!(topology.cluster.as_deref(), Some("cluster t, 3 of 3 nodes UN in datacenter1"));
    assert_eq!(roles(&topology), [Some(Role::Peer); 3]);
    assert_eq!(shown(&topology), [Some("UN"); 3]);
    assert_eq!(topology.members[1].name.as_deref(), Some("3abee773-d199-4fd0-81a3-0255ea0b2adc"));
    assert_eq!(topology.members[1].share.as_deref(), Some("80.04 KiB, 100.0%"));
    assert_eq!(topology.members[1].sessions.value().map(|sessions| sessions.total()), Some(0));
    assert_eq!((found(&topology), &topology.objections, &topology.strangers), (vec![], &vec![], &vec![]));
}

#[test]
fn replication_that_is_too_low_speaks_against_every_one() {
    let topology = scene("weak", &["ca-1"]);
    assert_eq!(
        against(&topology, "ca-1"),
        [
            "quorum: k1 would keep 0 of 1 copy, and a quorum is 1",
            "quorum: k2 would keep 1 of 2 copies, and a quorum is 2",
        ]
    );
    let message = "keyspace k1 of statefulset/db has replication factor 1";
    assert_eq!(found(&topology), [(Severity::Warning, Code::SingleCopy, message)]);
}

#[test]
fn logins_need_their_keyspace_only_where_they_are_checked() {
    let checked = changed("healthy", "ca-1", "authenticator default", "authenticator org.x.PasswordAuthenticator");
    let said = "quorum: system_auth would keep 0 of 1 copy, and a quorum is 1";
    assert_eq!(against(&read(&ENGINE, &pods(), &checked), "ca-1"), [said]);
    let allowed = changed("healthy", "ca-1", "authenticator default", "authenticator AllowAllAuthenticator");
    assert_eq!(against(&read(&ENGINE, &pods(), &allowed), "ca-1"), Vec::<String>::new());
    let unknown = changed("healthy", "ca-1", "authenticator default\n", "");
    let said = "quorum? whether logins need system_auth is not known (cassandra.yaml was not found)";
    assert_eq!(against(&read(&ENGINE, &pods(), &unknown), "ca-1"), [said]);
}

#[test]
fn a_member_that_is_down_is_seen_by_the_others() {
    let topology = scene("one-down", &["ca-1", "ca-2"]);
    assert_eq!(roles(&topology), [Some(Role::Peer), None, None]);
    assert_eq!(shown(&topology), [Some("UN"), Some("DN"), None]);
    let why = "exit code 1: nodetool: Failed to connect to '127.0.0.1:12199' - ConnectException: 'Connection refused'.";
    assert_eq!(topology.members[1].role, Known::unknown(why));
    assert!(against(&topology, "ca-1").contains(&"memberDown: ca-2 (DN) is not up".to_owned()));
    let down = found(&topology).into_iter().find(|(_, code, _)| *code == Code::MemberDown);
    let message = "pod/ca-2 is DN in the ring: ca-1 sees it down";
    assert_eq!(down, Some((Severity::Warning, Code::MemberDown, message)));
}

#[test]
fn of_two_opinions_the_worse_one_counts() {
    let mut outputs = changed("healthy", "ca-1", "UN  127.0.0.23", "DN  127.0.0.23");
    outputs.extend(answers("healthy", "ca-2"));
    outputs.extend(answers("healthy", "ca-3"));
    let topology = read(&ENGINE, &pods(), &outputs);
    assert_eq!(shown(&topology), [Some("UN"), Some("UN"), Some("DN")]);
    let message = "pod/ca-3 is DN in the ring: ca-1 sees it down, but ca-2 sees it up";
    assert_eq!(found(&topology), [(Severity::Warning, Code::MemberDown, message)]);
    assert_eq!(against(&topology, "ca-2"), ["memberDown: ca-3 (DN) is not up"]);
}

#[test]
fn a_dead_member_without_a_pod_is_a_stranger_and_a_living_one_is_not() {
    let two = &pods()[..2];
    let topology = read(&ENGINE, two, &answers("healthy", "ca-1"));
    assert_eq!(topology.strangers, Vec::<String>::new());
    let words = "cluster t, 3 of 3 nodes UN in datacenter1, 1 of other sets";
    assert_eq!(topology.cluster.as_deref(), Some(words));
    let topology = read(&ENGINE, two, &changed("healthy", "ca-1", "UN  127.0.0.23", "DN  127.0.0.23"));
    assert_eq!(topology.strangers, ["127.0.0.23 (host id 7631e44e-0641-4f76-bca6-e35bb0fd4f89)"]);
    assert_eq!(against(&topology, "ca-1"), ["memberDown: 127.0.0.23 (DN) is not up"]);
}

#[test]
fn while_a_member_leaves_nobody_may_go() {
    let topology = scene("leaving", &["ca-1", "ca-3"]);
    assert_eq!((roles(&topology)[2], shown(&topology)[2]), (Some(Role::Peer), Some("UL")));
    let changes = "membersChanging: ca-3 (UL) is joining, leaving or moving".to_owned();
    assert!(against(&topology, "ca-1").contains(&changes) && against(&topology, "ca-3").contains(&changes));
    let message = "pod/ca-3 is leaving the ring (UL), 40% of its streams done";
    assert!(found(&topology).contains(&(Severity::Note, Code::MembersChanging, message)));
    // Four connections of drivers, none of them its own.
    assert_eq!(topology.members[2].sessions.value().map(|sessions| sessions.unclassified), Some(4));
    // Keyspaces that are kept differently leave no common share.
    assert_eq!(topology.members[0].share.as_deref(), Some("25.35 MiB"));
}

#[test]
fn a_member_that_left_is_believed_by_nobody() {
    let topology = scene("left", &["ca-1", "ca-2", "ca-3"]);
    assert_eq!(roles(&topology), [Some(Role::Peer), Some(Role::Peer), Some(Role::Detached)]);
    assert_eq!(shown(&topology)[2], Some("decommissioned"));
    let message = "pod/ca-3 is decommissioned: it runs and is in no ring";
    assert!(found(&topology).contains(&(Severity::Warning, Code::MemberNotServing, message)));
    assert_eq!(against(&topology, "ca-3"), Vec::<String>::new());
    // It still shows the others as well as ever, and who only hears it hears nothing.
    let topology = scene("left", &["ca-3"]);
    assert_eq!((roles(&topology), topology.version.value()), (vec![None, None, Some(Role::Detached)], None));
}

#[test]
fn a_member_that_is_drained_serves_nobody() {
    let topology = scene("drained", &["ca-1", "ca-2"]);
    assert_eq!(roles(&topology), [Some(Role::Peer), Some(Role::Detached), None]);
    assert_eq!(shown(&topology), [Some("UN"), Some("drained"), None]);
    let message = "pod/ca-2 is drained: it runs and takes neither reads nor writes";
    let codes: Vec<_> = found(&topology).into_iter().filter(|(_, code, _)| *code != Code::SingleCopy).collect();
    assert_eq!(codes, [(Severity::Warning, Code::MemberNotServing, message)]);
    assert!(against(&topology, "ca-1").contains(&"memberDown: ca-2 (DN) is not up".to_owned()));
}

#[test]
fn schemas_that_differ_are_found() {
    // Not recorded: a second version beside the recorded one.
    let from = "Schema versions:\n";
    let to = "Schema versions:\n\t\t0b7fdbca-a5ff-3275-84c6-11080bb0f6de: [127.0.0.22]\n\n";
    let topology = read(&ENGINE, &pods(), &changed("healthy", "ca-1", from, to));
    assert_eq!(against(&topology, "ca-1"), ["schema: the nodes have 2 versions of the schema"]);
    let message = "the members of statefulset/db have 2 versions of the schema";
    assert_eq!(found(&topology), [(Severity::Warning, Code::SchemaDisagreement, message)]);
    // Who cannot be reached has no version.
    assert!(scene("one-down", &["ca-1"]).findings.iter().all(|finding| finding.code != Code::SchemaDisagreement));
}

#[test]
fn a_cleanup_is_found_and_another_compaction_is_not() {
    let code = |topology: &Topology| topology.findings.iter().any(|finding| finding.code == Code::CleanupRunning);
    assert!(!code(&scene("compacting", &["ca-1"])));
    // Not recorded: the recorded compaction under the other name.
    let outputs = changed("compacting", "ca-1", "Major compaction", "Cleanup         ");
    assert!(code(&read(&ENGINE, &pods(), &outputs)));
}

#[test]
fn a_pod_is_known_by_its_host_id_before_its_address() {
    let elsewhere = ["ca-1", "ca-2", "ca-3"].map(pod);
    let outputs: Vec<_> = ["ca-1", "ca-2"].iter().flat_map(|pod| answers("healthy", pod)).collect();
    let topology = read(&ENGINE, &elsewhere, &outputs);
    assert_eq!(shown(&topology), [Some("UN"), Some("UN"), None]);
    // Without `nodetool info` the address of the pod says who it is.
    let status: Vec<_> = outputs.into_iter().filter(|output| output.id == "cassandra-status").collect();
    let topology = read(&ENGINE, &pods(), &status);
    assert_eq!((shown(&topology), roles(&topology)[1]), (vec![Some("UN"); 3], Some(Role::Peer)));
    assert_eq!(against(&topology, "ca-1"), ["schema? schema and replication are not known (not asked)"]);
    let topology = read(&ENGINE, &elsewhere, &status);
    assert_eq!(topology.members[0].role, Known::unknown("which member of the ring it is, is not known"));
}

#[test]
fn a_pod_that_the_ring_does_not_have_is_found() {
    let mut outputs = answers("healthy", "ca-1");
    outputs.extend(changed(
        "healthy",
        "ca-2",
        "3abee773-d199-4fd0-81a3-0255ea0b2adc",
        "00000000-d199-4fd0-81a3-0255ea0b2adc",
    ));
    outputs.retain(|output| output.pod.as_str() == "ca-1" || output.id != "cassandra-status");
    outputs.extend(answers("healthy", "ca-2").into_iter().filter(|output| output.id == "cassandra-status"));
    let topology = read(&ENGINE, &pods(), &outputs);
    assert_eq!(roles(&topology)[1], Some(Role::Detached));
    let message = "pod/ca-2 runs and the ring has no member of its host id 00000000-d199-4fd0-81a3-0255ea0b2adc";
    assert_eq!(found(&topology), [(Severity::Warning, Code::PodWithoutMember, message)]);
}

#[test]
fn every_answer_that_is_missing_speaks_against_going() {
    for (id, codes) in [
        ("cassandra-describecluster", vec!["schema?"]),
        ("cassandra-info", vec!["quorum?"]),
        ("cassandra-netstats", vec![]),
        ("cassandra-compactionstats", vec![]),
    ] {
        let outputs: Vec<_> = answers("healthy", "ca-1").into_iter().filter(|output| output.id != id).collect();
        let said = against(&read(&ENGINE, &pods(), &outputs), "ca-1");
        let said: Vec<_> = said.iter().map(|words| words.split(' ').next().unwrap()).collect();
        assert_eq!(said, codes, "without {id}");
    }
    // nodetool of 3.11 lists no keyspaces.
    let old = changed("healthy", "ca-1", "Keyspaces:", "");
    let said = "quorum? replication is not known (nodetool of this version does not list them)";
    assert_eq!(against(&read(&ENGINE, &pods(), &old), "ca-1"), [said]);
    let strange = changed("healthy", "ca-1", "NetworkTopologyStrategy", "LunarStrategy");
    let said = "quorum? how shop is replicated is not known (LunarStrategy)";
    assert_eq!(against(&read(&ENGINE, &pods(), &strange), "ca-1"), [said]);
}

#[test]
fn an_answer_cut_off_anywhere_adds_nothing_of_its_own() {
    for name in ["healthy", "leaving", "compacting", "drained"] {
        for output in answers(name, "ca-1") {
            let Answer::Ended { stdout, .. } = &output.answer else { continue };
            let without: Vec<_> = answers(name, "ca-1").into_iter().filter(|other| other.id != output.id).collect();
            let missing = read(&ENGINE, &pods()[..1], &without);
            for end in 0..stdout.len() {
                let mut outputs = without.clone();
                outputs.push(printed("ca-1", &output.id, &stdout[..end]));
                let topology = read(&ENGINE, &pods()[..1], &outputs);
                assert_eq!(roles(&topology), roles(&missing), "{name} {} cut at {end}", output.id);
                assert_eq!(found(&topology), found(&missing), "{name} {} cut at {end}", output.id);
                assert_eq!(topology.objections.len(), missing.objections.len(), "{name} {} at {end}", output.id);
            }
        }
    }
}

fn container(image: &str, ports: &[u16], env: &[&str]) -> ContainerSpec {
    ContainerSpec {
        name: "main".into(),
        image: image.to_owned(),
        ports: ports.to_vec(),
        env_names: env.iter().map(|name| (*name).to_owned()).collect(),
        ..ContainerSpec::default()
    }
}

#[test]
fn cassandra_is_recognised_and_what_speaks_its_language_is_not() {
    let mut workload = Workload::default();
    for (spec, by) in [
        (container("cassandra:5.0.6", &[], &[]), "image cassandra:5.0.6"),
        (container("k8ssandra/cass-management-api:4.1", &[], &[]), "image cass-management-api:4.1"),
        (container("datastax/dse-server:6.8", &[], &[]), "image dse-server:6.8"),
        (container("example/db", &[9042, 7000], &[]), "ports 9042 and 7000"),
        (container("example/db", &[9042], &["CASSANDRA_SEEDS"]), "variable CASSANDRA_SEEDS"),
    ] {
        workload.template.containers = vec![spec];
        let (engine, recognised) = recognise(&workload, None);
        assert_eq!((engine.name(), recognised.by.as_str()), ("cassandra", by));
    }
    for spec in [
        container("yugabytedb/yugabyte:2.20", &[9000, 9042, 7000, 5433], &[]),
        container("scylladb/scylla:5", &[9042, 7000], &[]),
        container("criteord/cassandra_exporter:2", &[8080], &[]),
        container("example/app", &[9042], &[]),
    ] {
        workload.template.containers = vec![spec.clone()];
        assert_ne!(recognise(&workload, None).0.name(), "cassandra", "{}", spec.image);
    }
    let helper =
        ContainerSpec { name: "server-system-logger".into(), ..container("k8ssandra/system-logger", &[], &[]) };
    let pod = Pod { containers: vec![helper, container("cassandra:5", &[9042, 7000], &[])], ..Pod::default() };
    assert_eq!(ENGINE.container(&pod), Some("main".into()));
}

/// What speaks against ca-3 leaving a healthy ring, when its nodes name these seeds.
fn against_leaving(seeds: &str, staying: &[&str]) -> Vec<String> {
    let line = format!("authenticator default\n{seeds}");
    let answers = |pod: &&str| changed("healthy", pod, "authenticator default\n", &line);
    let outputs: Vec<_> = ["ca-1", "ca-2", "ca-3"].iter().flat_map(answers).collect();
    said_against(&removal(&ENGINE, &pods(), &outputs, "ca-3", staying))
}

#[test]
fn the_only_seed_of_those_that_stay_does_not_leave() {
    let both = ["ca-1", "ca-2"];
    let rule = "(a node that starts needs a seed that is there)";
    let seeds = |words: &str| -> Vec<String> {
        let said = against_leaving(words, &both).into_iter();
        said.filter_map(|line| line.strip_prefix("seed: ").map(str::to_owned)).collect()
    };
    for only in ["seeds \"ca-3.ca\"\n", "seeds \"127.0.0.23:7000, ca-3.ca.shop.svc\"\n"] {
        assert_eq!(seeds(only), [format!("ca-1 and ca-2 list ca-3 as the only seed {rule}")]);
    }
    for fine in ["seeds \"ca-1.ca,ca-3.ca\"\n", "seeds ca-1.ca}]\n", "seeds 'ca'\n"] {
        assert_eq!(seeds(fine), [] as [&str; 0], "{fine}");
    }
    let unknown = "the seeds of ca-1 are not known (cassandra.yaml was not found, or names none)";
    assert_eq!(seeds(""), [format!("{unknown} {rule}")]);
    assert_eq!(against_leaving("seeds \"ca-3\"\n", &[]).iter().filter(|line| line.starts_with("seed")).count(), 0);
}

#[test]
fn copies_are_counted_at_the_size_that_the_set_will_have() {
    let factors = |staying: &[&str]| -> Vec<String> {
        let said = against_leaving("seeds ca-1\n", staying).into_iter();
        said.filter(|line| line.starts_with("replicationFactor")).collect()
    };
    let (two, one) = (factors(&["ca-1", "ca-2"]), factors(&["ca-1"]));
    assert!(two.iter().all(|line| line.contains("2 nodes would be left")), "{two:?}");
    assert!(one.len() > two.len() && one.iter().all(|line| line.contains("1 node would be left")), "{one:?}");
}

#[test]
fn how_much_a_leaving_node_has_streamed_is_measured() {
    let pods = pods();
    let outputs: Vec<_> = ["ca-1", "ca-3"].iter().flat_map(|pod| answers("leaving", pod)).collect();
    let topology = read(&ENGINE, &pods, &outputs);
    let (pods, outputs): (Vec<_>, Vec<_>) = (pods.iter().collect(), outputs.iter().collect());
    let asked = Asked { pods: &pods, outputs: &outputs, topology: &topology };
    let id = topology.members[2].name.as_deref().unwrap();
    let left = EngineCheck::new("left", &[("pod", "ca-3"), ("id", id)], "");
    let Verdict::NotYet { why, measure: Some(Measure { left, whole: Some(whole) }) } = ENGINE.judge(&left, &asked)
    else {
        panic!("nothing measured");
    };
    assert_eq!(why, "ca-1 still has ca-3 in its ring (UL, 40% of its streams done)");
    assert_eq!((whole - left) * 100 / whole, 40, "{left} of {whole}");
}

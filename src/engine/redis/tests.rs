use super::ENGINE;
use crate::engine::tests::{answered, printed, read, recorded};
use crate::engine::{Asked, Engine, Leaving, Removal};
use crate::model::{
    Answer, Code, ContainerSpec, Known, Member, Pod, PodName, ProbeOutput, Role, Severity, Topology, Workload,
};
use crate::plan::{EngineCheck, Verdict};

/// The addresses that the recorded pods had.
const ADDRESSES: [(&str, &[&str]); 3] = [
    ("redis", &["10.102.130.5", "10.102.131.9", "10.102.129.9"]),
    ("node", &["10.102.129.3", "10.102.131.8", "10.102.130.9"]),
    ("shard", &["10.102.131.3", "10.102.129.6", "10.102.130.6", "10.102.129.7", "10.102.130.7", "10.102.131.7"]),
];

pub(super) fn pods(set: &str) -> Vec<Pod> {
    let (_, addresses) = ADDRESSES.iter().find(|(name, _)| *name == set).unwrap();
    let pod = |(at, ip): (usize, &&str)| {
        let spec =
            |name: &str| ContainerSpec { name: name.into(), image: "redis:7".into(), ..ContainerSpec::default() };
        let mut pod = Pod { ip: Some((*ip).to_owned()), containers: vec![spec("redis")], ..Pod::default() };
        pod.meta.name = format!("{set}-{at}");
        pod.meta.uid = pod.meta.name.as_str().into();
        if set == "node" {
            pod.containers.push(spec("sentinel"));
        }
        pod
    };
    addresses.iter().enumerate().map(pod).collect()
}

pub(super) fn text(scene: &str, pod: &str) -> String {
    let version = if pod.starts_with("shard") { "valkey-8.1" } else { "7.0.15" };
    recorded(&format!("redis/{version}/{scene}-{pod}.txt"))
}

/// Gives what pods of a real set printed.
pub(super) fn answers(scene: &str, pods: &[&str]) -> Vec<ProbeOutput> {
    let server = |pod: &&str| printed(pod, "redis", &text(scene, pod));
    let sentinel = |pod: &&str| printed(pod, "redis-sentinel", &text(scene, &format!("{pod}.sentinel")));
    let sentinels = pods.iter().filter(|pod| pod.starts_with("node"));
    pods.iter().map(server).chain(sentinels.map(sentinel)).collect()
}

pub(super) const REDIS: [&str; 3] = ["redis-0", "redis-1", "redis-2"];
pub(super) const NODE: [&str; 3] = ["node-0", "node-1", "node-2"];
pub(super) const SHARD: [&str; 6] = ["shard-0", "shard-1", "shard-2", "shard-3", "shard-4", "shard-5"];

fn scene(scene: &str, answering: &[&str]) -> Topology {
    let set = answering[0].split('-').next().unwrap();
    read(&ENGINE, &pods(set), &answers(scene, answering))
}

fn roles(topology: &Topology) -> Vec<Option<Role>> {
    topology.members.iter().map(|member| member.role.value().copied()).collect()
}

fn found(topology: &Topology) -> Vec<(Severity, Code, &str)> {
    topology.findings.iter().map(|finding| (finding.severity, finding.code, finding.message.as_str())).collect()
}

fn bytes(member: &Member) -> Option<Result<u64, &str>> {
    member.lag.as_ref().map(|lag| lag.bytes.value().copied().ok_or_else(|| lag.bytes.why().unwrap()))
}

/// What speaks against a member: `code: why`, with a question mark where something is only not known.
fn against(topology: &Topology, pod: &str) -> Vec<String> {
    let of = topology.objections.iter().filter(|objection| objection.pod.as_str() == pod);
    let said = of.map(|objection| match &objection.why {
        Known::Value(why) => format!("{}: {why}", objection.code),
        Known::Unknown(why) => format!("{}? {why}", objection.code),
    });
    said.collect()
}

/// Asks what happens when a pod leaves and those before it stay.
fn removal(outputs: &[ProbeOutput], leaving: &str) -> Removal {
    let pods = pods(leaving.split('-').next().unwrap());
    let topology = read(&ENGINE, &pods, outputs);
    let (pods, outputs): (Vec<_>, Vec<_>) = (pods.iter().collect(), outputs.iter().collect());
    let asked = Asked { pods: &pods, outputs: &outputs, topology: &topology };
    let staying = pods.iter().filter(|pod| pod.meta.name != leaving).map(|pod| (*pod, Some("redis".into()))).collect();
    let workload = Workload { service: "headless".to_owned(), ..Workload::default() };
    let name = PodName::from(leaving);
    ENGINE.removal(&asked, &Leaving { workload: &workload, name, container: Some("redis".into()), staying })
}

fn objections(removal: &Removal) -> Vec<String> {
    removal.objections.iter().map(|objection| format!("{}: {}", objection.code, objection.measured)).collect()
}

fn judge(set: &str, outputs: &[ProbeOutput], check: &EngineCheck) -> Verdict {
    let pods = pods(set);
    let topology = read(&ENGINE, &pods, outputs);
    let (pods, outputs): (Vec<_>, Vec<_>) = (pods.iter().collect(), outputs.iter().collect());
    ENGINE.judge(check, &Asked { pods: &pods, outputs: &outputs, topology: &topology })
}

#[test]
fn a_master_and_its_replicas_are_read() {
    let topology = scene("healthy", &REDIS);
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica), Some(Role::Replica)]);
    assert_eq!((topology.title.as_deref(), &topology.version), (Some("Redis"), &Known::Value("7.0.15".to_owned())));
    let [master, replica, _] = topology.members.as_slice() else { panic!("{topology:?}") };
    assert_eq!((bytes(master), bytes(replica)), (None, Some(Ok(0))));
    assert_eq!(replica.receiving, Some(Known::Value(true)));
    assert_eq!(replica.lag.as_ref().unwrap().delay_ms, Known::Value(0));
    assert_eq!(master.feeds.as_ref().unwrap().len(), 2);
    assert!(master.feeds.iter().flatten().all(|pod| pod.starts_with("redis-")), "{:?}", master.feeds);
    assert_eq!(master.sessions.value().map(|sessions| sessions.total()), Some(0));
    assert_eq!((found(&topology), &topology.objections), (vec![], &vec![]));
}

#[test]
fn a_replica_that_is_cut_off_has_no_lag_and_writes_may_need_the_other_one() {
    let topology = scene("disconnected", &REDIS);
    assert_eq!(topology.members[1].receiving, Some(Known::Value(false)));
    assert_eq!(bytes(&topology.members[1]), Some(Err("disconnected")));
    assert_eq!(topology.members[1].replication.as_deref(), Some("link down"));
    assert!(matches!(bytes(&topology.members[2]), Some(Ok(_))));
    let messages = [
        (Severity::Warning, Code::PersistenceOff, "pod/redis-0 writes nothing to disk (save \"\", appendonly no)"),
        (
            Severity::Critical,
            Code::MinReplicasUnmet,
            "pod/redis-0 has 1 of 2 replicas that keep up (min-replicas-to-write)",
        ),
    ];
    assert_eq!(found(&topology), messages);
    let why = "minReplicas: writes would be refused: 0 of 2 replicas would keep up (min-replicas-to-write)";
    assert_eq!(against(&topology, "redis-2"), [why]);
    let gone = removal(&answers("disconnected", &REDIS), "redis-2");
    assert_eq!(objections(&gone), [why]);
}

#[test]
fn a_replica_that_feeds_another_one_does_not_leave() {
    let topology = scene("chained", &REDIS);
    assert_eq!(topology.members[2].feeds.as_deref(), Some(&["redis-1".to_owned()][..]));
    assert!(matches!(bytes(&topology.members[1]), Some(Ok(0))), "{:?}", topology.members[1].lag);
    let gone = removal(&answers("chained", &REDIS), "redis-2");
    assert_eq!(objections(&gone), ["cascade: redis-1 receives changes through redis-2"]);
    assert_eq!(objections(&removal(&answers("chained", &REDIS), "redis-1")), [] as [&str; 0]);
}

#[test]
fn two_masters_are_told_and_their_replicas_compared_with_neither() {
    let topology = scene("split", &REDIS);
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica), Some(Role::Primary)]);
    assert_eq!(bytes(&topology.members[1]), Some(Err("2 masters")));
}

#[test]
fn replicas_of_a_server_outside_the_set_have_their_primary_there() {
    let outputs = answers("healthy", &["redis-1", "redis-2"]);
    let pods = &pods("redis")[1..];
    let topology = read(&ENGINE, pods, &outputs);
    assert_eq!(topology.upstream.as_deref(), Some("redis-0.redis:6379"));
    assert_eq!(topology.cluster.as_deref(), Some("all follow redis-0.redis:6379 outside this set"));
    assert_eq!(bytes(&topology.members[0]), Some(Err("no master in this set")));
    // A link that is down proves nobody: the master may be a pod that is gone.
    let down = text("healthy", "redis-1").replace("master_link_status:up", "master_link_status:down");
    let topology = read(&ENGINE, &pods[..1], &[printed("redis-1", "redis", &down)]);
    assert_eq!(topology.upstream, None);
    // Nor does anybody who might be the master and has not answered.
    assert_eq!(read(&ENGINE, pods, &outputs[..1]).upstream, None);
}

#[test]
fn sentinels_say_who_watches_and_who_could_not_replace_the_master() {
    let topology = scene("healthy", &NODE);
    assert_eq!(topology.cluster.as_deref(), Some("3 sentinels for mymaster, quorum 2"));
    assert_eq!(found(&topology), []);
    let topology = scene("helpless", &NODE);
    let said: Vec<_> = topology.findings.iter().map(|finding| (finding.code, finding.subject.as_str())).collect();
    assert_eq!(said, [(Code::SentinelAstray, "pod/node-2"), (Code::SentinelQuorum, "statefulset/db")]);
}

#[test]
fn every_sentinel_that_stays_forgets_the_one_that_leaves() {
    let outputs = answers("healthy", &NODE);
    let gone = removal(&outputs, "node-2");
    assert_eq!(objections(&gone), [] as [&str; 0]);
    let steps: Vec<_> = gone.after.iter().map(|step| step.effect.to_string()).collect();
    let forget = |pod: &str| format!("have the sentinel of {pod} forget node-2 (SENTINEL RESET mymaster)");
    assert_eq!(steps, [forget("node-0"), forget("node-1")]);
    let crate::plan::Check::Engine(check) = &gone.after[0].ensures[0] else { panic!("{gone:?}") };
    let Verdict::NotYet { why, .. } = judge("node", &outputs, check) else { panic!("it holds before it was done") };
    assert_eq!(why, "the sentinel of node-0 still knows node-2");
    // A sentinel that was reset and has found nobody yet is not done either.
    let mut silent = text("healthy", "node-0.sentinel");
    for (from, to) in [("== replicas", "== sentinels"), ("== sentinels", "== ckquorum")] {
        let (start, end) = (silent.find(from).unwrap(), silent.find(to).unwrap());
        let heading = silent[start..].lines().next().unwrap().len();
        silent.replace_range(start + heading + 1..end, "");
    }
    let reset = [printed("node-0", "redis-sentinel", &silent)];
    assert!(matches!(judge("node", &reset, check), Verdict::NotYet { .. }));
    // Of two sentinels neither may leave.
    let two = answers("healthy", &["node-0", "node-1"]);
    let two: Vec<_> = two
        .into_iter()
        .map(|output| match &output.answer {
            Answer::Ended { stdout, .. } if output.id == "redis-sentinel" => {
                let quorum = stdout.replace("quorum\n2\n", "quorum\n3\n");
                printed(output.pod.as_str(), "redis-sentinel", &quorum)
            }
            Answer::Ended { .. } | Answer::Failed(_) => output,
        })
        .collect();
    assert_eq!(objections(&removal(&two, "node-1")), ["sentinels: 2 sentinels of 3 would be left"]);
}

#[test]
fn masters_of_a_cluster_are_equals_with_their_slots_and_replicas_copies_of_them() {
    let topology = scene("healthy", &SHARD);
    let (peer, replica) = (Some(Role::Peer), Some(Role::Replica));
    assert_eq!(roles(&topology), [peer, peer, peer, replica, replica, replica]);
    assert_eq!(topology.title.as_deref(), Some("Valkey"));
    assert_eq!(topology.cluster.as_deref(), Some("cluster ok, 3 masters and 3 replicas, all slots served"));
    let shares: Vec<_> = topology.members.iter().filter_map(|member| member.share.as_deref()).collect();
    assert_eq!(
        shares,
        [
            "5461 slots, 0 keys",
            "5462 slots, 0 keys",
            "5461 slots, 0 keys",
            "copy of shard-2",
            "copy of shard-0",
            "copy of shard-1"
        ]
    );
    assert_eq!(bytes(&topology.members[3]), Some(Ok(0)));
    assert_eq!(found(&topology), []);
    let master = "primary: the master of 5461 slots: their writes stop until a replica takes over";
    assert_eq!(against(&topology, "shard-0"), [master]);
    assert_eq!(against(&topology, "shard-5"), ["lastCopy: shard-1 would have no replica"]);
    // Those who did not answer are unknown, whatever the others say of them.
    let topology = scene("healthy", &SHARD[..3]);
    assert_eq!(roles(&topology), [peer, peer, peer, None, None, None]);
}

#[test]
fn what_is_wrong_with_a_cluster_is_found() {
    let topology = scene("failing", &SHARD[..5]);
    let message = "pod/shard-5 fails in the cluster: shard-0, shard-1, shard-2 and 2 more see it so";
    let single = "master shard-1 of statefulset/db has no replica";
    assert_eq!(
        found(&topology),
        [(Severity::Warning, Code::MemberDown, message), (Severity::Warning, Code::SingleCopy, single)]
    );
    assert_eq!(against(&topology, "shard-4")[0], "nodeFails: shard-5 already fails");
    let topology = scene("unserved", &SHARD[..3]);
    let message = "statefulset/db has 1 slot of 16384 that no master serves, as shard-0 sees it";
    assert_eq!(found(&topology)[0], (Severity::Critical, Code::SlotsUnserved, message));
    assert!(against(&topology, "shard-1")[0].starts_with("clusterDown: the cluster does not serve, as shard-0"));
    // Without a majority nothing is served, though every slot has its master.
    let lost = text("healthy", "shard-0").replace("cluster_state:ok", "cluster_state:fail");
    let topology = read(&ENGINE, &pods("shard"), &[printed("shard-0", "redis", &lost)]);
    let message = "statefulset/db serves no slot, as shard-0 sees it (cluster_state fail)";
    assert_eq!(found(&topology)[0], (Severity::Critical, Code::SlotsUnserved, message));
    let topology = scene("moving", &SHARD[..2]);
    assert_eq!(found(&topology)[0].1, Code::MembersChanging);
    assert_eq!(against(&topology, "shard-1")[0], "slotsMoving: slots are being moved to or from shard-0");
}

#[test]
fn a_node_leaves_a_cluster_without_slots_and_when_all_have_forgotten_it() {
    let outputs = answers("healthy", &SHARD);
    let gone = removal(&outputs, "shard-0");
    let said = objections(&gone);
    assert_eq!(said[0], "slots: shard-0 is the master of 5461 slots with 0 keys");
    assert_eq!(said[1..], ["masters: 2 masters with slots would be left", "cascade: shard-4 follows shard-0"]);
    let gone = removal(&outputs, "shard-5");
    assert_eq!(objections(&gone), ["lastCopy: shard-1 would have no replica"]);
    let [step] = gone.before.as_slice() else { panic!("{gone:?}") };
    let [crate::plan::Check::Engine(left)] = step.ensures.as_slice() else { panic!("{step:?}") };
    assert!(matches!(judge("shard", &outputs, left), Verdict::NotYet { .. }));
    let after = answers("left", &SHARD);
    assert_eq!(judge("shard", &after, left), Verdict::Holds);
    assert!(matches!(judge("shard", &after[1..], left), Verdict::NotYet { .. }), "shard-0 did not answer");
    // It is out: nothing speaks against its pod going, and there is nothing left to do.
    let topology = scene("left", &SHARD);
    assert_eq!(roles(&topology)[5], Some(Role::Detached));
    let gone = removal(&after, "shard-5");
    assert_eq!((objections(&gone), gone.before.len(), gone.settled.len()), (vec![], 0, 1));
}

#[test]
fn refusals_of_redis_are_reasons() {
    let pods = &pods("redis")[..1];
    let complaint = "AUTH failed: WRONGPASS invalid username-password pair or user is disabled.\n";
    let answer = Answer::Ended { exit_code: 1, stdout: String::new(), stderr: complaint.to_owned() };
    let topology = read(&ENGINE, pods, &[answered("redis-0", "redis", answer)]);
    let why = format!("exit code 1: {}", complaint.trim());
    assert_eq!(topology.members[0].role, Known::Unknown(why));
    // A part that a user may not read is unknown, and the rest is read.
    let refused = text("healthy", "redis-0").replace("save\n3600 1 300 100 60 10000", "NOPERM no permissions");
    let refused =
        refused.replace("appendonly\nyes", "NOPERM no permissions").replace("== clients\n0", "== clients\nNOPERM");
    let topology = read(&ENGINE, pods, &[printed("redis-0", "redis", &refused)]);
    assert_eq!(roles(&topology), [Some(Role::Primary)]);
    assert_eq!(topology.members[0].sessions, Known::unknown("NOPERM"));
    assert_eq!(found(&topology), []);
}

#[test]
fn an_answer_cut_off_anywhere_is_none() {
    for (scene, pod) in [("healthy", "redis-0"), ("healthy", "redis-1"), ("healthy", "shard-3")] {
        let (text, pods) = (text(scene, pod), pods(pod.split('-').next().unwrap()));
        let at = pods.iter().position(|one| one.meta.name == pod).unwrap();
        for end in (0..text.trim_end().len()).step_by(7) {
            let topology = read(&ENGINE, &pods[at..=at], &[printed(pod, "redis", &text[..end])]);
            assert_eq!((roles(&topology), found(&topology)), (vec![None], vec![]), "{pod} cut at {end}");
        }
    }
}

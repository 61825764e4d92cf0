//! Recorded from Redis 7.0.15, redis-0 the master of redis-1 and redis-2, and from a cluster of Valkey 8.1.1.

use super::super::ENGINE;
use super::super::tests::{NODE, REDIS, SHARD, answers, pods};
use crate::engine::tests::printed;
use crate::engine::{Asked, Engine as _, GivenUp, Handing, Path, Place, Promoting, Promotion};
use crate::model::{Answer, ClaimTemplate, ContainerSpec, Known, Pod, PodName, ProbeOutput, Workload};
use crate::plan::{Effect, EngineCheck, Pin, Step, Undo, Verdict};

fn asked<T>(set: &str, outputs: &[ProbeOutput], use_it: impl FnOnce(&Asked<'_>) -> T) -> T {
    let pods = pods(set);
    let pods: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let topology = ENGINE.read(&Workload::default(), &pods, &outputs);
    use_it(&Asked { pods: &pods, outputs: &outputs, topology: &topology })
}

fn place(name: &str) -> Place {
    let pod = Pin { name: name.to_owned(), uid: format!("uid-{name}").as_str().into() };
    Place { pod, container: "redis".into(), host: Some(format!("{name}.redis")) }
}

fn promotion_in(workload: &Workload, outputs: &[ProbeOutput], from: &str, to: &str) -> Promotion {
    promotion_by(workload, outputs, (from, Handing::Over(place(from))), to)
}

fn promotion_by(workload: &Workload, outputs: &[ProbeOutput], from: (&str, Handing), to: &str) -> Promotion {
    let (from, handing) = from;
    let set = from.split('-').next().expect("a set");
    let pods = pods(set);
    let others = pods.iter().map(|pod| pod.meta.name.as_str()).filter(|name| *name != from && *name != to);
    let promoting = Promoting {
        workload,
        candidate: place(to),
        handing,
        siblings: others.map(place).collect(),
        max_lag_bytes: 0,
        path: Path::Auto,
        proven: false,
        verify: None,
        held_back: Known::Value(0),
    };
    asked(set, outputs, |asked| ENGINE.promotion(asked, &promoting))
}

fn promotion(outputs: &[ProbeOutput], from: &str, to: &str) -> Promotion {
    promotion_in(&Workload::default(), outputs, from, to)
}

/// What the three servers said, with one text in place of another in what one of them did.
fn changed(pod: &str, from: &str, to: &str) -> Vec<ProbeOutput> {
    let text = |name: &str| super::super::tests::text("healthy", name);
    assert!(text(pod).contains(from), "{pod} does not say {from}");
    let said = |name: &&str| if *name == pod { text(name).replace(from, to) } else { text(name) };
    REDIS.iter().map(|name| printed(name, "redis", &said(name))).collect()
}

fn against(promotion: &Promotion) -> Vec<(&'static str, &str)> {
    promotion.objections.iter().map(|one| (one.code, one.measured.as_str())).collect()
}

fn said(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| step.effect.to_string()).collect()
}

#[test]
fn a_master_hands_over_and_everybody_follows_by_the_name_that_stays() {
    let promotion = promotion(&answers("healthy", &REDIS), "redis-0", "redis-1");
    assert_eq!(against(&promotion), []);
    let tries = [
        "see that redis-0 can connect to redis-1 as its replica",
        "see that redis-1 can write down what it is (CONFIG REWRITE)",
    ];
    assert_eq!(said(&promotion.before), tries);
    assert_eq!(said(&promotion.lead), ["let redis-0 hand over to redis-1 (FAILOVER)"]);
    let after = [
        "let redis-1 write down that it is the master (CONFIG REWRITE)",
        "let redis-0 follow redis-1",
        "let redis-2 follow redis-1",
    ];
    assert_eq!(said(&promotion.after), after);
    assert!(matches!(promotion.lead[0].undo, Undo::Barrier { .. }));
    let words = format!("{:?}", promotion.lead[0].effect);
    assert!(words.contains("10.102.131.9"), "as the master lists it: {words}");
    assert!(format!("{:?}", promotion.after[1].effect).contains("redis-1.redis"));
}

#[test]
fn what_would_stop_a_hand_over_is_refused_before() {
    fn one(pod: &str, from: &str, to: &str) -> Vec<(&'static str, String)> {
        let promotion = promotion(&changed(pod, from, to), "redis-0", "redis-1");
        promotion.objections.into_iter().map(|one| (one.code, one.measured)).collect()
    }
    let codes = |pod, from, to| one(pod, from, to).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(codes("redis-1", "master_link_status:up", "master_link_status:down"), ["notReplicating"]);
    assert_eq!(codes("redis-2", "master_link_status:up", "master_link_status:down"), ["notReplicating"]);
    assert_eq!(codes("redis-2", "master_host:redis-0.redis", "master_host:redis-1.redis"), ["chained"]);
    assert_eq!(codes("redis-1", "redis_version:7.0.15", "redis_version:6.0.9"), ["version"]);
    assert_eq!(codes("redis-0", "failover_state:no-failover", "failover_state:waiting-for-sync"), ["failover"]);
    assert_eq!(codes("redis-0", "master_failover_state:no-failover", "x:y"), ["failover"]);
    assert_eq!(codes("redis-0", "10.102.131.9", "10.102.131.99"), ["notListed"]);
    assert_eq!(codes("redis-1", "slave_read_only:1", "slave_read_only:0"), ["writable"]);
    let wants = "redis-1 wants 3 replicas for a write (min-replicas-to-write), and has 2 replicas then";
    let few = one("redis-1", "min-replicas-to-write\n0", "min-replicas-to-write\n3");
    assert_eq!(few, [("minReplicas", wants.to_owned())]);
}

#[test]
fn roles_that_pods_start_with_are_refused() {
    let mut workload = Workload::default();
    let env_names = vec!["REDIS_REPLICATION_MODE".to_owned()];
    workload.template.containers = vec![ContainerSpec { name: "redis".into(), env_names, ..ContainerSpec::default() }];
    let refused = promotion_in(&workload, &answers("healthy", &REDIS), "redis-0", "redis-1");
    let says = "the pods start with their old roles (variable REDIS_REPLICATION_MODE)";
    assert_eq!(against(&refused), [("roleGiven", says)]);
    let silent = promotion(&answers("healthy", &REDIS[..2]), "redis-0", "redis-1");
    assert_eq!(against(&silent), [("silent", "redis-2 does not answer: not asked")]);
}

#[test]
fn without_a_configuration_file_it_is_said_that_a_restart_forgets() {
    let outputs = changed("redis-1", "config_file:/data/redis.conf", "config_file:");
    let notes = promotion(&outputs, "redis-0", "redis-1").notes;
    assert_eq!(notes, ["redis-1 has no configuration file: the new role is lost at a restart"]);
}

#[test]
fn sentinels_replace_the_master_by_the_one_that_they_were_made_to_prefer() {
    let replacing = promotion(&answers("healthy", &NODE), "node-0", "node-1");
    assert_eq!(against(&replacing), []);
    assert_eq!(said(&replacing.before), ["have sentinels choose node-1 first (replica-priority 1)"]);
    let words = "keep writes waiting on node-0 while the sentinel of node-0 makes node-1 the master";
    assert_eq!(said(&replacing.lead), [words]);
    assert_eq!(said(&replacing.after), ["give node-1 its replica-priority 100 back"]);
    let Effect::Handover { waits, acts, .. } = &replacing.lead[0].effect else { panic!("no hand-over") };
    assert_eq!(waits.argv[4..], ["server", "node-1.node", "6379", "node-2.node", "6379"]);
    assert_eq!(
        (acts.container.as_str(), &acts.argv[4..]),
        ("sentinel", &["sentinel", "mymaster"].map(str::to_owned)[..])
    );
    let said = |name: &str, from: &str, to: &str| {
        let change = |output: ProbeOutput| {
            let is_it = output.pod.as_str() == name && output.id == "redis";
            if is_it {
                printed(name, "redis", &super::super::tests::text("healthy", name).replace(from, to))
            } else {
                output
            }
        };
        let outputs: Vec<ProbeOutput> = answers("healthy", &NODE).into_iter().map(change).collect();
        promotion(&outputs, "node-0", "node-1").objections.into_iter().map(|one| one.measured).collect::<Vec<_>>()
    };
    assert_eq!(said("node-1", "slave_priority:100", "slave_priority:0"), ["replica-priority of node-1 is 0"]);
    assert_eq!(said("node-2", "slave_priority:100", "slave_priority:1"), ["replica-priority of node-2 is 1"]);
    let helpless = promotion(&answers("helpless", &NODE), "node-0", "node-1");
    assert!(!helpless.objections.is_empty() && helpless.lead.is_empty(), "{:?}", helpless.objections);
}

#[test]
fn a_replica_of_a_cluster_takes_over_from_its_own_master() {
    let outputs = answers("healthy", &SHARD);
    let pairs: Vec<(String, String)> = asked("shard", &outputs, |asked| {
        let own = |name: &&str| Some(((*name).to_owned(), ENGINE.hands_over(asked, &PodName::from(*name))?.0));
        SHARD.iter().filter_map(own).collect()
    });
    assert_eq!(pairs.len(), 3, "{pairs:?}");
    let (to, from) = &pairs[0];
    let taking = promotion(&outputs, from, to);
    assert_eq!(against(&taking), []);
    assert_eq!(said(&taking.lead), [format!("let {to} take over from its master (CLUSTER FAILOVER)")]);
    assert_eq!(taking.lead[0].ensures.len(), 2, "it leads, and its old master follows");
    assert!(taking.leads_clients && taking.before.is_empty() && taking.after.is_empty());
    // shard-5, the replica of another master, has died.
    let failing = promotion(&answers("failing", &SHARD[..5]), from, to);
    assert_eq!(against(&failing), [("silent", "shard-5 does not answer: not asked")]);
}

#[test]
fn what_a_switchover_waits_for_is_judged_by_what_servers_say() {
    let judge = |scene: &str, code, pod| {
        let check = EngineCheck::new(code, &[("pod", pod), ("master", "redis-0")], "");
        asked("redis", &answers(scene, &REDIS), |asked| ENGINE.judge(&check, asked))
    };
    assert_eq!(judge("healthy", "leads", "redis-0"), Verdict::Holds);
    assert_eq!(judge("healthy", "leads", "redis-1"), Verdict::not_yet("redis-1 is a replica"));
    assert_eq!(judge("healthy", "follows-master", "redis-2"), Verdict::Holds);
    assert_eq!(judge("healthy", "follows-master", "redis-0"), Verdict::broken("redis-0 is a master beside redis-0"));
    assert!(matches!(judge("split", "leads", "redis-0"), Verdict::Broken { .. }));
    assert!(matches!(judge("chained", "follows-master", "redis-1"), Verdict::NotYet { .. }));
}

/// A set whose servers have their configuration on volumes that stay.
fn on_volumes() -> Workload {
    let mut workload = Workload::default();
    let mounts = vec![("data".to_owned(), "/data".to_owned()), ("scripts".to_owned(), "/scripts".to_owned())];
    workload.template.containers = vec![ContainerSpec { name: "redis".into(), mounts, ..ContainerSpec::default() }];
    workload.claim_templates = vec![ClaimTemplate { name: "data".to_owned(), ..ClaimTemplate::default() }];
    workload
}

/// The failover to redis-1, when redis-0 says nothing.
fn failover_in(workload: &Workload, outputs: &[ProbeOutput]) -> Promotion {
    failover(workload, outputs, "redis-0", "redis-1")
}

fn failover(workload: &Workload, outputs: &[ProbeOutput], from: &str, to: &str) -> Promotion {
    let lost = GivenUp {
        pod: from.into(),
        place: None,
        container: "redis".into(),
        claims: Vec::new(),
        node: Pin { name: "node-1".to_owned(), uid: "n1".into() },
        node_ready: true,
    };
    promotion_by(workload, outputs, (from, Handing::Up(lost)), to)
}

const UP: &str = "master_link_status:up";
const DOWN: &str = "master_link_status:down\r\nmaster_link_down_since_seconds:7";

/// What the replicas say that have lost their master, with one text in place of another in what one of them says.
fn orphans(pod: &str, from: &str, to: &str) -> Vec<ProbeOutput> {
    let said = |name: &&str| {
        let text = super::super::tests::text("healthy", name).replace(UP, DOWN);
        assert!(*name != pod || text.contains(from), "{pod} does not say {from}");
        printed(name, "redis", &if *name == pod { text.replace(from, to) } else { text })
    };
    REDIS[1..].iter().map(said).collect()
}

#[test]
fn a_master_that_does_not_answer_is_given_up_and_its_configuration_made_that_of_a_replica() {
    let given_up = failover_in(&on_volumes(), &orphans("", "", ""));
    assert_eq!(against(&given_up), []);
    let manner = "redis-0 is given up, and with it what only it has, which cannot be measured; redis-1 has its log up to 518, \
                  and lost its link to it 7 s ago";
    assert_eq!(given_up.manner, manner);
    let tries = [
        "see that redis-2 can connect to redis-1 as its replica",
        "see that redis-1 can write down what it is (CONFIG REWRITE)",
    ];
    assert_eq!(said(&given_up.before), tries);
    assert!(given_up.fence.is_empty(), "the planner fences");
    assert_eq!(said(&given_up.lead), ["make redis-1 the master (REPLICAOF NO ONE)"]);
    let needs: Vec<String> = given_up.lead[0].requires.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["nobody receiving from redis-0, nobody further than redis-1"]);
    assert!(matches!(given_up.lead[0].undo, Undo::Barrier { .. }));
    assert_eq!(said(&given_up.after), ["let redis-2 follow redis-1"]);
    let failover = given_up.failover.expect("a failover");
    assert_eq!(failover.loss.bytes, Known::unknown("how far redis-0 was, nobody else knows"));
    let rejoin = failover.rejoin.expect("a helper");
    assert_eq!(rejoin.argv[5..], ["/data/redis.conf", "redis-1.redis", "6379"]);
    assert_eq!(rejoin.rejoined.iter().map(ToString::to_string).collect::<Vec<_>>(), ["redis-0 follows redis-1"]);
    assert!(given_up.turn.is_none());
}

#[test]
fn a_master_whose_configuration_does_not_stay_is_turned_as_soon_as_it_answers() {
    let mut elsewhere = on_volumes();
    elsewhere.template.containers[0].mounts.push(("config".to_owned(), "/data/redis.conf".to_owned()));
    for (workload, outputs) in [
        (&elsewhere, orphans("", "", "")),
        (&on_volumes(), orphans("redis-1", "config_file:/data/redis.conf", "config_file:")),
        (&on_volumes(), orphans("redis-2", "config_file:/data/redis.conf", "config_file:/data/2.conf")),
    ] {
        let given_up = failover_in(workload, &outputs);
        assert_eq!(against(&given_up), []);
        assert!(given_up.failover.is_some_and(|failover| failover.rejoin.is_none()));
        let turn = given_up.turn.expect("a step");
        assert_eq!(turn.effect.to_string(), "let redis-0 follow redis-1 as soon as it answers");
        let Effect::Await { pod, argv, .. } = &turn.effect else { panic!("waits for it") };
        assert_eq!(
            (pod.name.as_str(), &argv[5..]),
            ("redis-1", &["redis-0.redis", "6379", "redis-1.redis", "6379"].map(str::to_owned)[..])
        );
        assert!(given_up.notes[0].contains("it comes back as a master"), "{:?}", given_up.notes);
    }
}

#[test]
fn who_could_not_lead_without_a_master_is_refused_with_the_reason() {
    let codes = |outputs: &[ProbeOutput]| {
        let objections = failover_in(&on_volumes(), outputs).objections;
        objections.into_iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(codes(&answers("healthy", &REDIS[1..])), ["alive", "alive"]);
    assert_eq!(codes(&orphans("redis-2", "slave_repl_offset:518", "slave_repl_offset:519")), ["behind"]);
    assert_eq!(codes(&orphans("redis-1", "slave_repl_offset:518", "slave_repl_offset:519")), [] as [&str; 0]);
    assert_eq!(codes(&orphans("redis-1", "slave_repl_offset:518", "slave_repl_offset:1")), ["position"]);
    assert_eq!(codes(&orphans("redis-2", "master_replid:3a", "master_replid:3b")), ["position"]);
    assert_eq!(codes(&orphans("redis-2", "master_host:redis-0", "master_host:redis-1")), ["chained"]);
    assert_eq!(codes(&orphans("redis-2", "sync_in_progress:0", "sync_in_progress:1")), ["notReplicating"]);
    assert_eq!(codes(&orphans("redis-1", "slave_read_only:1", "slave_read_only:0")), ["writable"]);
    let three = "min-replicas-to-write\n3";
    assert_eq!(codes(&orphans("redis-1", "min-replicas-to-write\n0", three)), ["minReplicas"]);
    let two = orphans("redis-1", "min-replicas-to-write\n0", "min-replicas-to-write\n2");
    let notes = failover_in(&on_volumes(), &two).notes;
    assert!(notes[1].starts_with("redis-1 refuses writes until redis-0 follows it"), "{notes:?}");
    assert_eq!(codes(&orphans("", "", "")[..1]), ["silent"]);
}

#[test]
fn nobody_leads_alone_while_somebody_receives_or_has_more() {
    let judge = |outputs: &[ProbeOutput]| {
        let check = EngineCheck::new("furthest", &[("pod", "redis-1"), ("from", "redis-0")], "");
        asked("redis", outputs, |asked| ENGINE.judge(&check, asked))
    };
    assert_eq!(judge(&orphans("", "", "")), Verdict::Holds);
    let receiving = judge(&orphans("redis-2", "master_link_status:down", "master_link_status:up"));
    assert_eq!(receiving, Verdict::not_yet("redis-2 still has a link to redis-0"));
    let more = judge(&orphans("redis-2", "slave_repl_offset:518", "slave_repl_offset:600"));
    assert_eq!(more, Verdict::broken("redis-2 has more of the log than redis-1: promote that one"));
    let other = judge(&orphans("redis-2", "master_replid:3a", "master_replid:3b"));
    assert_eq!(other, Verdict::broken("redis-2 has another history than redis-1"));
    let master = judge(&orphans("redis-1", "role:slave", "role:master"));
    assert_eq!(master, Verdict::broken("redis-1 is a master already"));
    assert!(matches!(judge(&orphans("", "", "")[..1]), Verdict::NotYet { .. }));
}

/// What is said of node-0 that does not answer: its sentinel does, and says something else in place of something.
fn told(sentinel: &str, from: &str, to: &str) -> Vec<ProbeOutput> {
    let said = |name: &str| {
        let text = super::super::tests::text("healthy", &format!("{name}.sentinel"));
        assert!(name != sentinel || text.contains(from), "{name} does not say {from}");
        printed(name, "redis-sentinel", &if name == sentinel { text.replace(from, to) } else { text })
    };
    let server = |name: &&str| printed(name, "redis", &super::super::tests::text("healthy", name).replace(UP, DOWN));
    NODE[1..].iter().map(server).chain(NODE.iter().map(|name| said(name))).collect()
}

#[test]
fn a_sentinel_that_is_told_needs_no_other() {
    let codes = |outputs: &[ProbeOutput]| {
        let objections = failover(&Workload::default(), outputs, "node-0", "node-1").objections;
        objections.into_iter().map(|one| one.code).collect::<Vec<_>>()
    };
    let telling = failover(&Workload::default(), &told("node-1", "quorum\n2", "quorum\n4"), "node-0", "node-1");
    assert_eq!(against(&telling), []);
    assert_eq!(said(&telling.before), ["have the sentinel of node-1 choose node-1 first (replica-priority 1)"]);
    assert_eq!(said(&telling.lead), ["let the sentinel of node-1 make node-1 the master (SENTINEL FAILOVER)"]);
    let Effect::Command { container, argv, .. } = &telling.lead[0].effect else { panic!("no command") };
    assert_eq!((container.as_str(), &argv[4..]), ("sentinel", &["sentinel", "mymaster"].map(str::to_owned)[..]));
    assert_eq!(said(&telling.after), ["give node-1 its replica-priority 100 back"]);
    assert_eq!(telling.returns.map(|check| check.to_string()).as_deref(), Some("node-0 follows node-1"));
    assert!(telling.turn.is_none() && telling.failover.is_some_and(|failover| failover.rejoin.is_none()));
    assert_eq!(codes(&told("node-2", "flags\nmaster", "flags\nmaster,failover_in_progress")), ["failover"]);
    assert_eq!(codes(&told("node-2", "node-0.node", "node-9.node")), ["sentinel"]);
    let mut silent = told("", "", "")[..2].to_vec();
    silent.extend(NODE.map(|name| printed(name, "redis-sentinel", "")));
    assert_eq!(codes(&silent), ["sentinel"], "no sentinel answers");
    assert_eq!(codes(&answers("healthy", &NODE)[1..]), ["alive", "alive"]);
    let check = EngineCheck::new("watched", &[("pod", "node-1"), ("sentinel", "node-2")], "");
    let judge = |outputs: &[ProbeOutput]| asked("node", outputs, |asked| ENGINE.judge(&check, asked));
    let not_yet = Verdict::not_yet("the sentinel of node-2 has node-0.node for the master");
    assert_eq!(judge(&told("", "", "")), not_yet);
    assert_eq!(
        judge(&told("node-2", "node-0.node\nport", "node-1.node\nport")),
        Verdict::Holds,
        "others are not asked"
    );
}

#[test]
fn a_replica_of_a_cluster_is_made_to_take_over_by_a_majority() {
    let healthy = answers("healthy", &SHARD);
    let own = |name: &str| asked("shard", &healthy, |asked| ENGINE.hands_over(asked, &PodName::from(name)));
    let pairs: Vec<(&str, PodName)> = SHARD.iter().filter_map(|name| Some((*name, own(name)?))).collect();
    let (to, from) = (pairs[0].0, pairs[0].1.as_str());
    let (other, _) = pairs[1];
    let at = pods("shard").into_iter().find(|pod| pod.meta.name == from).and_then(|pod| pod.ip).expect("an address");
    let line = format!("{at}:6379@16379 master -");
    let failing = |up: &str, away: &[&str]| -> Vec<ProbeOutput> {
        let said = |name: &&&str| {
            let text = super::super::tests::text("healthy", name);
            assert!(text.contains(&line), "{name} does not see {from}");
            let text = text.replace(&line, &format!("{at}:6379@16379 master,fail -"));
            printed(name, "redis", &if **name == to { text.replace(UP, up) } else { text })
        };
        SHARD.iter().filter(|name| **name != from && !away.contains(name)).map(|name| said(&name)).collect()
    };
    let codes = |outputs: &[ProbeOutput], to: &str| {
        let objections = failover(&Workload::default(), outputs, from, to).objections;
        objections.into_iter().map(|one| one.code).collect::<Vec<_>>()
    };
    let forcing = failover(&Workload::default(), &failing(DOWN, &[]), from, to);
    assert_eq!(against(&forcing), []);
    assert_eq!(said(&forcing.lead), [format!("let {to} take over from its master (CLUSTER FAILOVER FORCE)")]);
    let Effect::Command { argv, .. } = &forcing.lead[0].effect else { panic!("no command") };
    assert_eq!(argv[4..], ["server", "FORCE"]);
    let returns = forcing.returns.map(|check| check.to_string());
    assert_eq!(returns, Some(format!("{from} follows {to}")));
    assert!(forcing.leads_clients && forcing.before.is_empty() && forcing.after.is_empty());
    assert_eq!(codes(&failing(UP, &[]), to), ["alive"]);
    assert_eq!(codes(&failing(DOWN, &[]), other), ["otherMaster"]);
    assert_eq!(codes(&failing(DOWN, &["shard-5"]), to), ["silent"]);
    let mut alone = failing(DOWN, &[]);
    for output in &mut alone {
        let Answer::Ended { stdout, .. } = &mut output.answer else { panic!("an answer") };
        *stdout = stdout.replace(" master - ", " master,fail - ");
    }
    assert_eq!(codes(&alone, to), ["majority"]);
    let words = asked("shard", &alone, |asked| ENGINE.without_most(asked));
    assert!(words.is_some_and(|words| words.contains("CLUSTER FAILOVER TAKEOVER")));
    let check = EngineCheck::new("furthest", &[("pod", to), ("from", from)], "");
    let judged = asked("shard", &failing(DOWN, &[]), |asked| ENGINE.judge(&check, asked));
    assert_eq!(judged, Verdict::Holds, "replicas of other masters have links");
}

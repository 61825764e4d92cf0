use super::ENGINE;
use crate::engine::tests::{pod, printed, read, recorded};
use crate::engine::{Engine, recognise};
use crate::model::{
    Code, ContainerSpec, Known, Member, Pod, ProbeOutput, Role, Sessions, Severity, SyncRule, SyncState, Topology,
    Workload,
};

fn document(file: &str) -> String {
    recorded(&format!("patroni/4/{file}.json")).trim().to_owned()
}

fn rest(pod: &str, own: &str, cluster: Option<&str>) -> ProbeOutput {
    let own = document(own).replace("\"name\": \"pg-1\"", &format!("\"name\": \"{pod}\""));
    let own = own.replace("\"name\": \"pg-2\"", &format!("\"name\": \"{pod}\""));
    let cluster = cluster.map(|file| format!("cluster {}\n", document(file))).unwrap_or_default();
    printed(pod, "patroni", &format!("patroni {own}\n{cluster}"))
}

/// Lets a recorded server answer for a Patroni member: `db-0` was the primary of its recording.
fn sql(pod: &str, file: &str) -> ProbeOutput {
    let text = recorded(&format!("postgres/15/{file}.json"));
    printed(pod, "postgres", &text.replace("\"db-1\"", "\"pg-0\"").replace("\"db-2\"", "\"pg-2\""))
}

fn pods() -> [Pod; 3] {
    ["pg-0", "pg-1", "pg-2"].map(pod)
}

fn servers() -> Vec<ProbeOutput> {
    vec![sql("pg-0", "healthy-db-1"), sql("pg-1", "healthy-db-0"), sql("pg-2", "healthy-db-2")]
}

fn with_cluster(cluster: &str) -> Topology {
    let mut outputs = servers();
    outputs.push(rest("pg-0", "patroni-on-replica", Some(cluster)));
    outputs.push(rest("pg-1", "patroni-on-leader", Some(cluster)));
    outputs.push(rest("pg-2", "patroni-on-replica", Some(cluster)));
    read(&ENGINE, &pods(), &outputs)
}

fn roles(topology: &Topology) -> Vec<Option<Role>> {
    topology.members.iter().map(|member| member.role.value().copied()).collect()
}

fn found(topology: &Topology) -> Vec<(Severity, Code, &str)> {
    topology.findings.iter().map(|finding| (finding.severity, finding.code, finding.message.as_str())).collect()
}

#[test]
fn a_healthy_cluster_has_nothing_to_say() {
    let topology = with_cluster("cluster-healthy");
    assert_eq!(roles(&topology), [Some(Role::Replica), Some(Role::Primary), Some(Role::Replica)]);
    assert_eq!(found(&topology), []);
    assert_eq!(topology.strangers, Vec::<String>::new());
    assert_eq!(topology.members[0].replication.as_deref(), Some("streaming"));
    assert_eq!(topology.members[0].name, None);
    assert!(topology.slots.iter().all(|slot| slot.pod.as_str() == "pg-1"));
}

/// Reads what both probes printed on members of a real cluster.
fn scene(name: &str, answering: &[&str]) -> Topology {
    let both = |pod: &&str| {
        let own = recorded(&format!("patroni/4/{name}-{pod}.rest.txt"));
        let server = recorded(&format!("patroni/4/{name}-{pod}.sql.json"));
        [printed(pod, "patroni", &own), printed(pod, "postgres", &server)]
    };
    let outputs: Vec<_> = answering.iter().flat_map(both).collect();
    read(&ENGINE, &pods(), &outputs)
}

fn rule(setting: &str, confirming: u32) -> SyncRule {
    SyncRule { setting: setting.to_owned(), wanted: 1, confirming: Known::Value(confirming) }
}

#[test]
fn synchronous_mode_is_read_from_postgres() {
    let topology = scene("sync", &["pg-0", "pg-1", "pg-2"]);
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica), Some(Role::Replica)]);
    let states: Vec<_> = topology.members.iter().map(|member| member.sync).collect();
    assert_eq!(states, [None, Some(SyncState::Async), Some(SyncState::Sync)]);
    assert_eq!(topology.sync, Some(rule("\"pg-2\"", 1)));
    assert_eq!((found(&topology), &topology.strangers), (vec![], &vec![]));
    // Patroni's own sessions are nobody's work, and the slots that it keeps on replicas are no leftovers.
    assert!(topology.members.iter().all(|member| member.sessions == Known::Value(Sessions::default())));
    let slots: Vec<_> =
        topology.slots.iter().map(|slot| (slot.pod.as_str(), slot.name.as_str(), slot.active)).collect();
    assert_eq!(slots, [("pg-0", "pg_1", true), ("pg-0", "pg_2", true)]);
}

#[test]
fn quorum_mode_is_read_from_postgres() {
    let topology = scene("quorum", &["pg-0", "pg-1", "pg-2"]);
    let states: Vec<_> = topology.members.iter().map(|member| member.sync).collect();
    assert_eq!(states, [None, Some(SyncState::Quorum), Some(SyncState::Quorum)]);
    assert_eq!(topology.sync, Some(rule("ANY 1 (\"pg-1\",\"pg-2\")", 2)));
}

#[test]
fn a_member_that_has_just_died_is_unknown_though_the_list_says_running() {
    assert!(
        recorded("patroni/4/died-pg-0.rest.txt")
            .contains(r#""name": "pg-2", "role": "quorum_standby", "state": "running""#)
    );
    let topology = scene("died", &["pg-0", "pg-1"]);
    let silent = Member { slot: Some("pg_2".to_owned()), ..Member::unknown("pg-2".into(), "not asked") };
    assert_eq!(topology.members[2], silent);
    assert_eq!(topology.sync, Some(rule("ANY 1 (\"pg-1\",\"pg-2\")", 1)));
    assert_eq!((found(&topology), &topology.strangers), (vec![], &vec![]));
}

#[test]
fn a_pause_is_found() {
    let topology = with_cluster("cluster-paused");
    let message = "Patroni is paused on statefulset/db";
    assert_eq!(found(&topology), [(Severity::Warning, Code::FailoverPaused, message)]);
}

#[test]
fn a_planned_switchover_is_found() {
    let topology = with_cluster("cluster-with-scheduled-switchover");
    let message = "Patroni will switch statefulset/db over from pg-1 to pg-2 at 2030-01-01T00:00:00+00:00";
    assert_eq!(found(&topology), [(Severity::Note, Code::SwitchoverScheduled, message)]);
}

#[test]
fn a_member_that_the_cluster_lost_is_found() {
    let topology = with_cluster("cluster-replica-down");
    let message = "pod/pg-0 runs and Patroni's cluster has no member pg-0";
    assert_eq!(found(&topology), [(Severity::Warning, Code::PodWithoutMember, message)]);
}

#[test]
fn a_member_without_a_pod_is_a_stranger() {
    let two = [pod("pg-0"), pod("pg-1")];
    let outputs = [rest("pg-0", "patroni-on-replica", Some("cluster-healthy"))];
    assert_eq!(read(&ENGINE, &two, &outputs).strangers, ["pg-2"]);
}

#[test]
fn roles_come_from_postgres_and_not_from_the_list() {
    // The list says that pg-1 leads and pg-0 streams; their servers say otherwise.
    let mut outputs = vec![sql("pg-0", "split-db-1"), sql("pg-1", "disconnected-db-1")];
    outputs.push(rest("pg-1", "patroni-on-leader", Some("cluster-healthy")));
    let topology = read(&ENGINE, &pods(), &outputs);
    assert_eq!(roles(&topology), [Some(Role::Primary), Some(Role::Replica), None]);
    assert_eq!(topology.members[1].receiving, Some(Known::Value(false)));
    // pg-2 did not answer; that the list shows it as healthy proves nothing.
    assert_eq!(topology.members[2].role, Known::unknown("not asked"));
}

#[test]
fn commits_wait_for_whom_the_list_names_while_no_primary_answers() {
    let outputs = [sql("pg-2", "healthy-db-2"), rest("pg-2", "patroni-on-replica", Some("cluster-sync"))];
    let topology = read(&ENGINE, &pods(), &outputs);
    let states: Vec<_> = topology.members.iter().map(|member| member.sync).collect();
    assert_eq!(states, [None, None, Some(SyncState::Sync)]);
}

#[test]
fn a_store_that_is_down_leaves_the_members_own_answers() {
    let mut outputs = servers();
    outputs.extend(["pg-0", "pg-1", "pg-2"].map(|pod| rest(pod, "patroni-dcs-down", None)));
    let topology = read(&ENGINE, &pods(), &outputs);
    assert_eq!(roles(&topology), [Some(Role::Replica), Some(Role::Primary), Some(Role::Replica)]);
    assert_eq!(found(&topology), []);
}

#[test]
fn a_standby_cluster_has_a_leader_that_takes_no_writes() {
    // Not recorded: the role is put into a recorded answer as Patroni's source writes it.
    let leads = document("patroni-on-replica").replace("\"role\": \"replica\"", "\"role\": \"standby_leader\"");
    let outputs = [sql("pg-2", "healthy-db-2"), printed("pg-2", "patroni", &format!("patroni {leads}\n"))];
    assert_eq!(roles(&read(&ENGINE, &pods(), &outputs)), [None, None, Some(Role::StandbyLeader)]);
    let outputs = [sql("pg-2", "healthy-db-0"), printed("pg-2", "patroni", &format!("patroni {leads}\n"))];
    assert_eq!(roles(&read(&ENGINE, &pods(), &outputs)), [None, None, Some(Role::Primary)]);
}

#[test]
fn a_member_under_another_name_is_matched_by_its_own_answer() {
    let mut outputs = vec![sql("db-0", "sync-first-db-0"), sql("db-1", "healthy-db-1")];
    let own = document("patroni-on-replica").replace("\"name\": \"pg-2\"", "\"name\": \"pg-0\"");
    let listed = document("cluster-healthy");
    outputs.push(printed("db-1", "patroni", &format!("patroni {own}\ncluster {listed}\n")));
    let topology = read(&ENGINE, &["db-0", "db-1"].map(pod), &outputs);
    assert_eq!(topology.members[1].name.as_deref(), Some("pg-0"));
    assert_eq!(topology.members[1].sync, Some(SyncState::Sync));
    assert_eq!(topology.strangers, ["pg-1", "pg-2"]);
}

#[test]
fn a_silent_patroni_beside_a_server_that_answers_is_found() {
    let topology = read(&ENGINE, &[pod("pg-1")], &[sql("pg-1", "healthy-db-0"), printed("pg-1", "patroni", "")]);
    let message = "Patroni of pod/pg-1 did not answer: empty answer";
    assert_eq!(found(&topology), [(Severity::Warning, Code::ProbeFailed, message)]);
    assert_eq!(roles(&topology), [Some(Role::Primary)]);
}

#[test]
fn patroni_tells_why_a_server_is_silent() {
    let starting = document("patroni-on-replica").replace("\"state\": \"running\"", "\"state\": \"starting\"");
    let topology = read(&ENGINE, &[pod("pg-2")], &[printed("pg-2", "patroni", &format!("patroni {starting}\n"))]);
    assert_eq!(topology.members[0].role, Known::unknown("not asked; Patroni says starting"));
}

#[test]
fn an_answer_cut_off_anywhere_adds_nothing_of_its_own() {
    let own = document("patroni-on-replica");
    let whole = format!("patroni {own}\ncluster {}", document("cluster-with-scheduled-switchover"));
    let kept = own.len() + "patroni ".len();
    for end in 0..whole.len() {
        let outputs = [sql("pg-2", "healthy-db-2"), printed("pg-2", "patroni", &whole[..end])];
        let topology = read(&ENGINE, &[pod("pg-2")], &outputs);
        let codes: Vec<_> = topology.findings.iter().map(|finding| finding.code).collect();
        let complete = end == kept || end == kept + 1;
        let expected = if complete { vec![] } else { vec![Code::ProbeFailed] };
        assert_eq!((codes, &topology.strangers), (expected, &vec![]), "cut at {end}");
    }
}

#[test]
fn patroni_is_recognised_before_postgres() {
    let mut workload = Workload::default();
    let container = |name: &str, image: &str, ports: &[u16], env: &[&str]| ContainerSpec {
        name: name.into(),
        image: image.to_owned(),
        ports: ports.to_vec(),
        env_names: env.iter().map(|name| (*name).to_owned()).collect(),
        ..ContainerSpec::default()
    };
    for (spec, by) in [
        (container("postgres", "ghcr.io/zalando/spilo-16:3.2-p3", &[5432, 8008], &[]), "image spilo-16:3.2-p3"),
        (container("database", "crunchy-postgres:15", &[5432], &["PATRONI_NAME"]), "variable PATRONI_NAME"),
        (container("db", "example/postgres:15", &[8008, 5432], &[]), "ports 5432 and 8008"),
        (container("patroni", "example/db", &[5432], &[]), "container patroni"),
    ] {
        workload.template.containers = vec![spec];
        let (engine, recognised) = recognise(&workload, None);
        assert_eq!((engine.name(), recognised.by.as_str()), ("patroni", by));
    }
    workload.template.labels.insert("application".to_owned(), "spilo".to_owned());
    assert_eq!(recognise(&workload, None).1.by, "label application=spilo");
}

#[test]
fn the_container_of_patroni_is_chosen_among_those_of_its_image() {
    let container = |name: &str, image: &str, ports: &[u16]| ContainerSpec {
        name: name.into(),
        image: image.to_owned(),
        ports: ports.to_vec(),
        ..ContainerSpec::default()
    };
    let chosen = |containers: Vec<ContainerSpec>| ENGINE.container(&Pod { containers, ..Pod::default() });
    let helper = container("replication-cert-copy", "crunchy-postgres:15", &[]);
    let server = container("database", "crunchy-postgres:15", &[5432]);
    assert_eq!(chosen(vec![helper, server]), Some("database".into()));
    let sidecar = container("metrics", "postgres-exporter", &[9187]);
    let spilo = container("postgres", "spilo-16", &[8008, 5432, 8080]);
    assert_eq!(chosen(vec![sidecar, spilo]), Some("postgres".into()));
}

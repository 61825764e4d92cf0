//! What holds for every engine, and what the engines' own tests share.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::model::{Answer, ContainerSpec, Known};

/// Reads a recording.
pub(super) fn recorded(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Makes a pod with a name and an address of its own.
pub(super) fn pod(name: &str) -> Pod {
    let mut pod = Pod { ip: Some(format!("10.0.0.{}", name.len())), ..Pod::default() };
    pod.meta.name = name.to_owned();
    pod
}

/// Makes an answer that a pod gave.
pub(super) fn answered(pod: &str, id: &str, answer: Answer) -> ProbeOutput {
    ProbeOutput {
        namespace: String::new().into(),
        pod: pod.into(),
        pod_uid: String::new().into(),
        id: id.to_owned(),
        answer,
    }
}

/// Makes the answer of a command that ended well.
pub(super) fn printed(pod: &str, id: &str, stdout: &str) -> ProbeOutput {
    answered(pod, id, Answer::Ended { exit_code: 0, stdout: stdout.to_owned(), stderr: String::new() })
}

/// Lets an engine read what pods answered.
pub(super) fn read(engine: &dyn Engine, pods: &[Pod], outputs: &[ProbeOutput]) -> Topology {
    let mut workload = Workload::default();
    workload.meta.name = "db".to_owned();
    engine.read(&workload, &pods.iter().collect::<Vec<_>>(), &outputs.iter().collect::<Vec<_>>())
}

/// Asks an engine how a member leaves, when only the pods of these names stay.
pub(super) fn removal(
    engine: &dyn Engine,
    pods: &[Pod],
    outputs: &[ProbeOutput],
    leaving: &str,
    staying: &[&str],
) -> Removal {
    let mut pods = pods.to_vec();
    for pod in &mut pods {
        pod.meta.uid = pod.meta.name.as_str().into();
    }
    let topology = read(engine, &pods, outputs);
    let all: Vec<&Pod> = pods.iter().collect();
    let outputs: Vec<&ProbeOutput> = outputs.iter().collect();
    let container = || Some(ContainerName::from("main"));
    let staying = all.iter().filter(|pod| staying.contains(&pod.meta.name.as_str())).map(|pod| (*pod, container()));
    let workload = Workload::default();
    let leaving =
        Leaving { workload: &workload, name: leaving.into(), container: container(), staying: staying.collect() };
    engine.removal(&Asked { pods: &all, outputs: &outputs, topology: &topology }, &leaving)
}

/// Says what speaks against a removal: `code: measured (limit)`.
pub(super) fn said_against(removal: &Removal) -> Vec<String> {
    let said = |one: &crate::plan::Objection| format!("{}: {} ({})", one.code, one.measured, one.limit);
    removal.objections.iter().map(said).collect()
}

#[test]
fn names_are_words_of_their_own() {
    let names: BTreeSet<_> = ENGINES.iter().map(|engine| engine.name()).collect();
    assert_eq!(names.len(), ENGINES.len());
    for engine in ENGINES {
        let word = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        assert!(!engine.name().is_empty() && engine.name().chars().all(word), "{}", engine.name());
        assert!(!engine.title().is_empty());
        let found = by_name(engine.name()).expect("in the list");
        assert_eq!(found.name(), engine.name());
    }
}

#[test]
fn generic_is_last_and_the_only_one_that_takes_anything() {
    let takes: Vec<_> = ENGINES.iter().filter(|engine| engine.recognise(&Workload::default()).is_some()).collect();
    assert_eq!(takes.iter().map(|engine| engine.name()).collect::<Vec<_>>(), ["generic"]);
    assert_eq!(ENGINES.last().map(|engine| engine.name()), Some("generic"));
}

#[test]
fn without_answers_every_pod_is_an_unknown_member() {
    let pods = [pod("db-0"), pod("db-1"), pod("db-10")];
    for engine in ENGINES {
        let topology = read(*engine, &pods, &[]);
        let names: Vec<_> = topology.members.iter().map(|member| member.pod.as_str()).collect();
        assert_eq!(names, ["db-0", "db-1", "db-10"], "{}", engine.name());
        assert!(topology.version.why().is_some_and(|why| !why.is_empty()), "{}", engine.name());
        for member in &topology.members {
            assert!(member.role.why().is_some_and(|why| !why.is_empty()), "{}", engine.name());
            assert!(member.sessions.why().is_some_and(|why| !why.is_empty()), "{}", engine.name());
            assert_eq!((&member.lag, &member.receiving, &member.sync), (&None, &None, &None), "{}", engine.name());
        }
        assert_eq!((topology.sync, topology.findings), (None, Vec::new()), "{}", engine.name());
        assert_eq!((topology.slots, topology.strangers), (Vec::new(), Vec::new()), "{}", engine.name());
    }
}

#[test]
fn without_pods_there_are_no_members() {
    for engine in ENGINES {
        assert_eq!(read(*engine, &[], &[]).members, [], "{}", engine.name());
    }
}

#[test]
fn foreign_answers_never_become_values() {
    let texts = [
        "",
        "\n",
        "{",
        "{}",
        "null",
        "[]",
        "true",
        "patroni {}",
        "psql (15.3)\n{}",
        "\u{0}\u{1b}[2J",
        "{\"in_recovery\":true}",
    ];
    let pods = [pod("db-0")];
    let container = ContainerName::from("main");
    for engine in ENGINES {
        for text in texts {
            let ids = engine.probes(&Workload::default(), &pods[0], &container).into_iter().map(|probe| probe.id);
            let outputs: Vec<_> = ids.map(|id| printed("db-0", id, text)).collect();
            let topology = read(*engine, &pods, &outputs);
            assert_eq!(topology.members[0].role.value(), None, "{}: {text:?}", engine.name());
            assert_eq!(topology.members[0].sessions.value(), None, "{}: {text:?}", engine.name());
        }
    }
}

#[test]
fn reasons_of_failures_are_passed_on() {
    let pods = [pod("db-0")];
    let container = ContainerName::from("main");
    for engine in ENGINES.iter().filter(|engine| !engine.probes(&Workload::default(), &pods[0], &container).is_empty())
    {
        let probes = engine.probes(&Workload::default(), &pods[0], &container);
        let failed = |probe: &Probe| answered("db-0", probe.id, Answer::Failed("no answer within 5s".to_owned()));
        let outputs: Vec<_> = probes.iter().map(failed).collect();
        let topology = read(*engine, &pods, &outputs);
        assert_eq!(topology.members[0].role, Known::unknown("no answer within 5s"), "{}", engine.name());
    }
}

#[test]
fn probes_are_asked_where_they_are_told_and_carry_no_secret() {
    let container = ContainerName::from("main");
    for engine in ENGINES {
        let probes = engine.probes(&Workload::default(), &pod("db-0"), &container);
        let ids: BTreeSet<_> = probes.iter().map(|probe| probe.id).collect();
        assert_eq!(ids.len(), probes.len(), "{}", engine.name());
        for probe in probes {
            assert_eq!(probe.container, container, "{}", engine.name());
            assert_eq!(probe.argv[..2], ["sh", "-c"], "{}", engine.name());
        }
    }
}

#[test]
fn an_engine_that_is_named_comes_before_one_that_is_recognised() {
    let mut workload = Workload::default();
    let image = |image: &str| ContainerSpec { image: image.to_owned(), ..ContainerSpec::default() };
    workload.template.containers = vec![image("postgres:15")];
    let found = |workload: &Workload, asked| recognise(workload, asked).1;
    assert_eq!(
        (found(&workload, None).engine.as_str(), found(&workload, None).by.as_str()),
        ("postgres", "image postgres:15")
    );
    workload.meta.annotations.insert(ENGINE_ANNOTATION.to_owned(), "patroni".to_owned());
    assert_eq!(found(&workload, None).by, "annotation kubectl-stateful.io/engine");
    assert_eq!(found(&workload, Some("generic")).by, "--engine");
}

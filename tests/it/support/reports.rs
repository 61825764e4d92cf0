//! Reports written by hand.

use kubectl_stateful::analyze::report::{
    BudgetHead, Head, Hold, Leftover, Owner, PodState, Report, Rollout, Row, RowClaim, Safe, ServiceHead,
};
use kubectl_stateful::model::{
    Code, Finding, Known, Lag, NodeName, PodName, Recognised, Role, Sessions, Severity, SyncRule, SyncState,
};

const GI: u64 = 1 << 30;

/// A healthy PostgreSQL: a primary and two replicas, one claim each.
pub(crate) fn healthy() -> Report {
    let rows = vec![
        Row {
            role: Known::Value(Role::Primary),
            lag: None,
            sync: None,
            sessions: sessions(3, 9, 0),
            position: Some("0/5A2D1F8".to_owned()),
            safe: Safe::No(vec![hold(
                "primary",
                "the primary: move it first",
                Some("kubectl stateful promote db -n shop"),
            )]),
            ..row("db", 0)
        },
        Row {
            lag: Some(lag(0, 0)),
            sessions: sessions(0, 4, 0),
            position: Some("0/5A2D1F8".to_owned()),
            ..row("db", 1)
        },
        Row {
            lag: Some(lag(18 << 20, 4000)),
            sessions: sessions(0, 0, 0),
            position: Some("0/48F0000".to_owned()),
            ..row("db", 2)
        },
    ];
    Report { head: head("db", "one of db-1 and db-2 may go"), rows, leftovers: Vec::new(), findings: Vec::new() }
}

/// The same set after its first node died, with a claim left over from better days.
pub(crate) fn broken() -> Report {
    let mut report = healthy();
    let nothing = || hold("noPrimary", "no member accepts writes", None);
    report.head.ready = 2;
    report.head.primaries = Known::Value(Vec::new());
    report.head.sessions = Known::unknown("db-0 did not answer within 5s");
    report.head.service.names_answering = Known::Value(2);
    report.head.budgets = Known::Value(vec![budget(0)]);
    report.head.verdict = "NO PRIMARY, nothing may go".into();
    report.rows[0] = Row {
        state: PodState::Terminating,
        role: Known::unknown("no answer within 5s"),
        sessions: Known::unknown("no answer within 5s"),
        claims: vec![RowClaim { used_bytes: Known::unknown("node-1 does not answer"), ..claim("data-db-0") }],
        safe: Safe::No(vec![hold("alreadyDown", "already down", None), nothing()]),
        position: None,
        timeline: None,
        dns: None,
        ..row("db", 0)
    };
    for (at, bytes) in [(1, 0), (2, 2 << 20)] {
        report.rows[at].lag = Some(Lag { bytes: Known::Value(bytes), delay_ms: Known::unknown("no primary to ask") });
        report.rows[at].safe = Safe::No(vec![nothing(), hold("budget", "budget pdb/db allows no eviction now", None)]);
    }
    report.leftovers =
        vec![Leftover { ordinal: 3, claim: claim("data-db-3"), node: Some(NodeName::from("node-2")), used_by: None }];
    report.findings = vec![
        Finding {
            severity: Severity::Critical,
            code: Code::NoPrimary,
            subject: "statefulset/db".to_owned(),
            message: "no member accepts writes; db-0 has been terminating for 4m on node-1, which stopped answering \
                      5m ago (NotReady)"
                .to_owned(),
            why: "Kubernetes will not replace db-0 until node-1 is back or is declared dead".to_owned(),
            next: Some("kubectl stateful promote db --failover -n shop".to_owned()),
        },
        Finding {
            severity: Severity::Warning,
            code: Code::ClaimsLeftOver,
            subject: "persistentvolumeclaim/data-db-3".to_owned(),
            message: "claim data-db-3 is left over".to_owned(),
            why: "db-3 would start on this old data when the set is scaled up to 4".to_owned(),
            next: Some("kubectl delete pvc data-db-3 -n shop".to_owned()),
        },
        Finding {
            severity: Severity::Note,
            code: Code::VolumesInOneZone,
            subject: "statefulset/db".to_owned(),
            message: "all volumes are in zone b".to_owned(),
            why: String::new(),
            next: None,
        },
    ];
    report
}

/// A set of an engine that nobody knows, with three claims per ordinal, one of them without a volume.
pub(crate) fn generic() -> Report {
    let claims = |pod: &str, phase: &str| {
        let logs = RowClaim { phase: phase.to_owned(), ..claim(&format!("logs-{pod}")) };
        vec![claim(&format!("data-{pod}")), logs, claim(&format!("meta-{pod}"))]
    };
    let unknown = |claims| Row {
        role: Known::unknown("no engine recognised"),
        lag: None,
        sync: None,
        sessions: Known::unknown("no engine recognised"),
        timeline: None,
        position: None,
        claims,
        ..row("queue", 0)
    };
    let mut rows: Vec<Row> = [(0, "Bound"), (1, "Bound"), (2, "Pending")]
        .into_iter()
        .map(|(ordinal, phase)| {
            let named = row("queue", ordinal);
            let kept = unknown(claims(named.pod.as_str(), phase));
            Row { ordinal, pod: named.pod, node: named.node, zone: named.zone, dns: named.dns, ip: named.ip, ..kept }
        })
        .collect();
    for row in &mut rows {
        row.safe = Safe::Unknown(vec![hold("roleUnknown", "roles are not known", None)]);
    }
    rows[2].state = PodState::Pending("pod has unbound immediate PersistentVolumeClaims".to_owned());
    rows[2].node = None;
    rows[2].zone = None;
    rows[2].dns = None;
    let mut head = head("queue", "which may go is unknown");
    head.ready = 2;
    head.engine = recognised("generic", "no engine recognised", "nothing else fits");
    head.version = Known::unknown("no engine recognised");
    head.primaries = Known::unknown("no engine recognised");
    head.sessions = Known::unknown("no engine recognised");
    head.timeline = None;
    head.service.names_answering = Known::Value(2);
    head.budgets = Known::Value(Vec::new());
    head.pod_management = "Parallel".into();
    head.rollout = Rollout::InProgress { updated: 2 };
    Report { head, rows, leftovers: Vec::new(), findings: Vec::new() }
}

/// A set scaled to nothing, with what it kept.
pub(crate) fn empty() -> Report {
    let mut report = healthy();
    report.head.replicas = 0;
    report.head.ready = 0;
    report.head.primaries = Known::Value(Vec::new());
    report.head.sessions = Known::unknown("no pod to ask");
    report.head.version = Known::unknown("no pod to ask");
    report.head.timeline = None;
    report.head.verdict = "scaled to 0".into();
    report.head.budgets = Known::Value(Vec::new());
    report.rows = Vec::new();
    report.leftovers = (0..2)
        .map(|ordinal| Leftover {
            ordinal,
            claim: claim(&format!("data-db-{ordinal}")),
            node: Some(NodeName(format!("node-{}", ordinal + 1))),
            used_by: None,
        })
        .collect();
    report
}

/// A database of which nobody answered.
pub(crate) fn silent() -> Report {
    let why = "no answer within 5s";
    let mut report = healthy();
    report.head.version = Known::unknown(why);
    report.head.primaries = Known::unknown(why);
    report.head.sessions = Known::unknown(why);
    report.head.timeline = None;
    report.head.verdict = "which may go is unknown".into();
    for row in &mut report.rows {
        row.role = Known::unknown(why);
        row.sessions = Known::unknown(why);
        row.lag = None;
        row.position = None;
        row.timeline = None;
        row.safe = Safe::Unknown(vec![hold("roleUnknown", "its role is not known", None)]);
    }
    report
}

/// A set of twelve.
pub(crate) fn twelve() -> Report {
    let mut report = healthy();
    report.rows.extend((3..12).map(|ordinal| Row { lag: Some(lag(0, 0)), ..row("db", ordinal) }));
    report.head.replicas = 12;
    report.head.ready = 12;
    report.head.service.names_answering = Known::Value(12);
    report.head.verdict = "any one of db-1 to db-11 may go".into();
    report
}

/// Names as long as Kubernetes allows.
pub(crate) fn long_names() -> Report {
    let name = "a-very-long-name-that-somebody-once-thought-to-be-a-good-name";
    let mut report = healthy();
    report.head.name = name.into();
    report.head.service.name = name.into();
    report.head.primaries = Known::Value(vec![PodName(format!("{name}-0"))]);
    report.head.verdict = format!("one of {name}-1 and {name}-2 may go");
    for row in &mut report.rows {
        row.pod = PodName(format!("{name}-{}", row.ordinal));
        row.node = Some(NodeName(format!("ip-10-0-0-{}.eu-central-1.compute.internal", row.ordinal)));
        row.claims = vec![claim(&format!("data-{}", row.pod))];
    }
    report
}

/// Messages as they may come from anywhere.
pub(crate) fn hostile() -> Report {
    let mut report = healthy();
    report.rows[2].state =
        PodState::NotReady("Readiness probe failed:\n\u{1b}[2J\u{1b}]0;owned\u{7} 😀\r\n".to_owned());
    report.head.ready = 2;
    report.findings = vec![Finding {
        severity: Severity::Warning,
        code: Code::ProbeFailed,
        subject: "pod/db-1".to_owned(),
        message:
            "db-1 は応答しませんデータベースシステムは起動処理中ですしばらくしてからもう一度試してください致命的エラー \
                      🐘🔥 and \u{202e}desrever\u{202c}, then\u{200b}nothing"
                .to_owned(),
        why: "\u{1b}[31mred\u{1b}[0m \u{9b}2J".to_owned(),
        next: Some("kubectl logs db-1 -n shop\u{1b}[A".to_owned()),
    }];
    report
}

/// A row of a healthy replica.
pub(crate) fn row(set: &str, ordinal: u32) -> Row {
    let pod = format!("{set}-{ordinal}");
    Row {
        ordinal,
        wanted: true,
        pod: PodName(pod.clone()),
        state: PodState::Ready,
        role: Known::Value(Role::Replica),
        shown_as: None,
        share: None,
        sync: Some(SyncState::Async),
        lag: None,
        sessions: sessions(0, 0, 0),
        claims: vec![claim(&format!("data-{pod}"))],
        node: Some(NodeName(format!("node-{}", ordinal % 3 + 1))),
        zone: Some(["a", "b", "c"][ordinal as usize % 3].to_owned()),
        revision: Some(format!("{set}-6d5f8b7c9")),
        restarts: 0,
        ip: Some(format!("10.42.{}.{}", ordinal % 3, ordinal + 10)),
        dns: Some(format!("{pod}.{set}.shop.svc")),
        position: None,
        timeline: Some(4),
        safe: Safe::Yes,
    }
}

/// A bound claim.
pub(crate) fn claim(name: &str) -> RowClaim {
    RowClaim {
        name: name.into(),
        phase: "Bound".to_owned(),
        volume: Some("pvc-93651c5a-7b1e-4f5e-9a43-2f1d1c0c7a11".into()),
        size_bytes: Some(20 * GI),
        used_bytes: Known::Value(24 * GI / 10),
        file_system_bytes: Some(20 * GI),
        class: Some("fast-local".to_owned()),
        access_modes: "RWO".to_owned(),
        reclaim_policy: Some("Delete".to_owned()),
    }
}

pub(crate) fn hold(code: &'static str, why: &str, next: Option<&str>) -> Hold {
    Hold { code, why: why.to_owned(), next: next.map(str::to_owned) }
}

fn lag(bytes: u64, delay_ms: u64) -> Lag {
    Lag { bytes: Known::Value(bytes), delay_ms: Known::Value(delay_ms) }
}

fn sessions(active: u32, idle: u32, idle_in_transaction: u32) -> Known<Sessions> {
    Known::Value(Sessions { active, idle, idle_in_transaction, unclassified: 0 })
}

fn budget(allowed: i32) -> BudgetHead {
    BudgetHead { name: "db".to_owned(), disruptions_allowed: allowed, rule: "maxUnavailable 1".to_owned() }
}

fn recognised(engine: &str, title: &str, by: &str) -> Recognised {
    Recognised { engine: engine.to_owned(), title: title.to_owned(), by: by.to_owned() }
}

/// The head of a healthy set of three.
pub(crate) fn head(name: &str, verdict: &str) -> Head {
    Head {
        namespace: "shop".into(),
        name: name.into(),
        uid: "6f0c1d9e".into(),
        replicas: 3,
        ready: 3,
        first_ordinal: 0,
        pod_management: "OrderedReady".to_owned(),
        update_strategy: "RollingUpdate".to_owned(),
        partition: None,
        max_unavailable: None,
        when_deleted: "Retain".to_owned(),
        when_scaled: "Retain".to_owned(),
        rollout: Rollout::Complete,
        update_revision: format!("{name}-6d5f8b7c9"),
        owner: None,
        engine: recognised("postgres", "PostgreSQL", "image postgres:15"),
        version: Known::Value("15.18".to_owned()),
        primaries: Known::Value(vec![PodName(format!("{name}-0"))]),
        cluster: None,
        timeline: Some(4),
        sync: None,
        sessions: sessions(3, 13, 0),
        service: ServiceHead { name: name.to_owned(), names_answering: Known::Value(3) },
        classes: vec!["fast-local".to_owned()],
        node_bound: Known::Value(true),
        budgets: Known::Value(vec![budget(1)]),
        verdict: verdict.to_owned(),
    }
}

/// A set in the middle of everything: scaled down, rolled out in part, with somebody who owns it.
pub(crate) fn busy() -> Report {
    let mut report = healthy();
    report.head.sync =
        Some(SyncRule { setting: "ANY 1 (db_1, db_2)".to_owned(), wanted: 1, confirming: Known::Value(2) });
    report.head.sessions = sessions(3, 13, 1);
    report.head.rollout = Rollout::Partitioned { updated: 1, partition: 2 };
    report.head.partition = Some(2);
    report.head.max_unavailable = Some("50%".to_owned());
    report.head.when_scaled = "Delete".into();
    report.head.owner = Some(Owner {
        title: "Zalando postgres-operator".to_owned(),
        by: "label application=spilo".to_owned(),
        instead: Some("numberOfInstances of postgresql/db".to_owned()),
        switch: None,
        reverts: true,
        delivers: false,
    });
    report.rows.push(Row { wanted: false, lag: Some(lag(300, 40)), ..row("db", 3) });
    report.rows[0].sessions = sessions(3, 9, 1);
    for row in &mut report.rows {
        row.sync = (row.role == Known::Value(Role::Replica)).then_some(SyncState::Quorum);
        row.claims[0].file_system_bytes = Some(97 * GI);
    }
    report
}

/// Every report of this file.
pub(crate) fn all() -> Vec<Report> {
    vec![healthy(), broken(), generic(), empty(), silent(), twelve(), long_names(), hostile(), busy()]
}

//! What only PostgreSQL can find wrong.

use super::server::Server;
use crate::engine::answer::one_line;
use crate::model::{Code, Finding, Pod, Severity};

/// A coordinator that lives finishes its transactions within seconds; one this old was forgotten.
const FORGOTTEN_MS: i64 = 60 * 60 * 1000;

/// Lists what one server shows.
pub(super) fn of_server(pod: &Pod, server: &Server) -> Vec<Finding> {
    let subject = format!("pod/{}", pod.meta.name);
    if server.in_recovery {
        delayed(&subject, server).into_iter().collect()
    } else {
        archiving(&subject, server).into_iter().chain(prepared(&subject, server)).collect()
    }
}

/// A replica that is told to be late.
fn delayed(subject: &str, server: &Server) -> Option<Finding> {
    let delay_ms = server.settings.recovery_min_apply_delay.as_deref()?.parse().ok().filter(|delay| *delay > 0)?;
    Some(Finding {
        severity: Severity::Note,
        code: Code::ReplayDelayed,
        subject: subject.to_owned(),
        message: format!("{subject} applies changes {} late by `recovery_min_apply_delay`", span(delay_ms)),
        why: "its delay is wanted, and it would have to catch up before it could be promoted".to_owned(),
        next: None,
    })
}

/// A primary whose log cannot be archived.
fn archiving(subject: &str, server: &Server) -> Option<Finding> {
    let archiver = server.archiver.as_ref().filter(|archiver| archiver.fails == Some(true))?;
    let file = archiver.last_failed_wal.as_deref().map(one_line).unwrap_or_default();
    let failures = archiver.failed_count.map(|count| format!(" ({count} failed attempts)")).unwrap_or_default();
    Some(Finding {
        severity: Severity::Warning,
        code: Code::ArchivingFails,
        subject: subject.to_owned(),
        message: format!("{subject} cannot archive {file}{failures}"),
        why: "log stays on the volume until archiving works, and a clean stop waits for it".to_owned(),
        next: None,
    })
}

/// A primary with prepared transactions that nobody finishes.
fn prepared(subject: &str, server: &Server) -> Option<Finding> {
    let prepared = server.prepared.as_ref()?;
    let oldest_ms = prepared.oldest_ms.filter(|age| *age >= FORGOTTEN_MS)?;
    Some(Finding {
        severity: Severity::Warning,
        code: Code::PreparedTransactions,
        subject: subject.to_owned(),
        message: format!(
            "{subject} has {} prepared transactions, the oldest since {}",
            prepared.count,
            span(oldest_ms)
        ),
        why: "they hold locks and keep vacuum from cleaning up, also after a restart or a promotion".to_owned(),
        next: None,
    })
}

/// Writes a span of time with its two largest units.
fn span(milliseconds: i64) -> String {
    let (seconds, minutes, hours) = (milliseconds / 1000, milliseconds / 60_000, milliseconds / 3_600_000);
    match (hours, minutes % 60, seconds % 60) {
        (0, 0, 0) => format!("{milliseconds}ms"),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_at_most_two_units() {
        let cases = [
            (20, "20ms"),
            (5_000, "5s"),
            (600_000, "10m"),
            (90_000, "1m30s"),
            (7_200_000, "2h"),
            (11_520_000, "3h12m"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(span(milliseconds), text);
        }
    }
}

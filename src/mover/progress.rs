//! What is told while it happens: events as lines of JSON, and about once a second how far the files are.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::Moment;
use super::event::{Event, Stage};

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);

/// Where events go. Whoever listened may be gone; the copy goes on all the same, between the two pods.
pub(super) struct Voice(Mutex<Box<dyn Write + Send>>);

impl Voice {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self(Mutex::new(out))
    }

    /// Says one event.
    pub(super) fn say(&self, event: &Event) {
        if let Ok(mut line) = serde_json::to_vec(event) {
            line.push(b'\n');
            let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = out.write_all(&line).and_then(|()| out.flush());
        }
    }
}

/// How far a stage is.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: AtomicU64,
    /// Finished, holes included.
    pub(super) bytes: AtomicU64,
    /// Read from the disk.
    pub(super) read: AtomicU64,
    pub(super) sent: AtomicU64,
}

impl Tally {
    /// Does something while saying how far it is, out of so many files and bytes.
    pub(super) fn during<T>(
        &self,
        voice: &Voice,
        stage: Stage,
        (files_total, bytes_total): (u64, u64),
        work: impl FnOnce() -> T,
    ) -> T {
        std::thread::scope(|scope| {
            let (finished, waiting) = channel::<()>();
            scope.spawn(move || {
                let (mut moment, mut before) = (Moment::now(), 0);
                while waiting.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    let bytes = self.bytes.load(Ordering::Relaxed);
                    voice.say(&Event::Progress {
                        stage,
                        files: self.files.load(Ordering::Relaxed),
                        files_total,
                        bytes,
                        bytes_total,
                        bytes_sent: self.sent.load(Ordering::Relaxed),
                        bytes_per_second: rate(bytes.saturating_sub(before), moment.lap()),
                    });
                    before = bytes;
                }
            });
            let done = work();
            drop(finished);
            done
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is no more exact than that, and never negative"
)]
fn rate(bytes: u64, seconds: f64) -> u64 {
    if seconds > 0.0 { (bytes as f64 / seconds) as u64 } else { 0 }
}

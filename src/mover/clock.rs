//! The kernel's clocks. A pass compares the time it began with the times of files, which the same kernel wrote; so it reads that
//! clock itself, and here only.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A time as file systems keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Time {
    /// Since 1970, possibly negative.
    pub(super) seconds: i64,
    /// Below a thousand million.
    pub(super) nanoseconds: u32,
}

impl Time {
    /// Reads the clock that file times come from.
    pub(super) fn now() -> Self {
        let now = clock_gettime(ClockId::Realtime);
        Self { seconds: now.tv_sec, nanoseconds: u32::try_from(now.tv_nsec).unwrap_or(0) }
    }

    /// Gives the time this many seconds earlier.
    pub(super) fn less(self, seconds: i64) -> Self {
        Self { seconds: self.seconds.saturating_sub(seconds), ..self }
    }

    /// Gives it as the kernel takes it.
    pub(super) fn timespec(self) -> Timespec {
        Timespec { tv_sec: self.seconds, tv_nsec: self.nanoseconds.into() }
    }
}

/// A point on the clock that only goes forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(Timespec);

impl Moment {
    /// Reads it.
    pub(super) fn now() -> Self {
        Self(clock_gettime(ClockId::Monotonic))
    }

    /// Gives the seconds since then.
    #[expect(clippy::cast_precision_loss, reason = "spans of a pass are far below 2^52 nanoseconds")]
    pub(super) fn elapsed_seconds(self) -> f64 {
        let now = clock_gettime(ClockId::Monotonic);
        (now.tv_sec - self.0.tv_sec) as f64 + (now.tv_nsec - self.0.tv_nsec) as f64 / 1e9
    }

    /// Gives the seconds since then, and begins anew.
    pub(super) fn lap(&mut self) -> f64 {
        let seconds = self.elapsed_seconds();
        *self = Self::now();
        seconds
    }
}

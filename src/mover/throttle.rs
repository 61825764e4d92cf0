//! A limit on what is read from the source in a second, for all connections together: a volume in use has other readers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::Moment;

/// How much may be saved up, in seconds: a pause must not become a burst.
const SAVED_SECONDS: f64 = 0.1;

/// A limit, or none.
#[derive(Debug)]
pub(super) struct Throttle {
    bytes_per_second: Option<f64>,
    /// When it was last looked at, and what may be read at once, or is owed.
    account: Mutex<(Moment, f64)>,
}

impl Throttle {
    /// Begins with nothing saved.
    #[expect(clippy::cast_precision_loss, reason = "a limit is no more exact than that")]
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        let limit = bytes_per_second.map(|limit| limit.max(1) as f64);
        Self { bytes_per_second: limit, account: Mutex::new((Moment::now(), 0.0)) }
    }

    /// Waits until what was read is paid for.
    pub(super) fn pay(&self, bytes: usize) {
        let Some(limit) = self.bytes_per_second else { return };
        let owed = {
            let mut account = self.account.lock().unwrap_or_else(PoisonError::into_inner);
            let earned = account.0.lap() * limit;
            #[expect(clippy::cast_precision_loss, reason = "a block is small")]
            let spent = bytes as f64;
            account.1 = (account.1 + earned).min(limit * SAVED_SECONDS) - spent;
            -account.1
        };
        if owed > 0.0 {
            std::thread::sleep(Duration::from_secs_f64(owed / limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;
    use crate::mover::clock::Moment;

    #[test]
    fn readers_together_keep_to_the_limit() {
        let throttle = Throttle::new(Some(1_000_000));
        let began = Moment::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).for_each(|_| throttle.pay(10_000)));
            }
        });
        assert!(began.elapsed_seconds() > 0.25, "{}", began.elapsed_seconds());
        let unlimited = Moment::now();
        (0..1000).for_each(|_| Throttle::new(None).pay(1 << 30));
        assert!(unlimited.elapsed_seconds() < 0.25);
    }
}

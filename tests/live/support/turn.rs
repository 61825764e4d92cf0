//! Tests that take nodes away exclude all others.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Now {
    beside: usize,
    alone: bool,
    waiting_alone: usize,
}

static NOW: Mutex<Now> = Mutex::new(Now { beside: 0, alone: false, waiting_alone: 0 });
static CHANGED: Condvar = Condvar::new();

/// The right to use the cluster, given back when dropped. A lock of the standard library would not do: its guards stay
/// on their thread, and tests share a database.
pub(super) enum Turn {
    Beside,
    Alone,
    /// Part of another one, which lasts longer.
    Within,
}

fn now() -> MutexGuard<'static, Now> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turn {
    /// Waits until no test runs alone, and none waits to.
    pub(super) fn beside() -> Self {
        let mut now =
            CHANGED.wait_while(now(), |now| now.alone || now.waiting_alone > 0).unwrap_or_else(PoisonError::into_inner);
        now.beside += 1;
        Self::Beside
    }

    /// Waits until no other test runs.
    pub(super) fn alone() -> Self {
        let mut now = now();
        now.waiting_alone += 1;
        let mut now =
            CHANGED.wait_while(now, |now| now.alone || now.beside > 0).unwrap_or_else(PoisonError::into_inner);
        now.waiting_alone -= 1;
        now.alone = true;
        Self::Alone
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut now = now();
        match self {
            Self::Beside => now.beside -= 1,
            Self::Alone => now.alone = false,
            Self::Within => {}
        }
        CHANGED.notify_all();
    }
}

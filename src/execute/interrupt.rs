//! Somebody's wish to stop: the first signal ends it in order, the second at once.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;

/// Somebody's wish to stop.
#[derive(Clone, Default)]
pub struct Interrupt {
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    asked: Cell<bool>,
    bell: Notify,
}

impl Interrupt {
    /// Wishes to stop.
    pub fn ask(&self) {
        self.shared.asked.set(true);
        self.shared.bell.notify_waiters();
    }

    /// Tells whether somebody wishes to stop.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.shared.asked.get()
    }

    /// Waits until somebody wishes to stop.
    pub async fn asked(&self) {
        let bell = self.shared.bell.notified();
        if !self.is_asked() {
            bell.await;
        }
    }

    /// Listens to signals; ends with the second one. Ctrl-C, and on Unix also SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// When signals cannot be listened to: then nothing may be begun that could not be stopped.
    pub async fn listen(&self, first: impl Fn()) -> std::io::Result<()> {
        let mut signals = Signals::new()?;
        signals.next().await;
        first();
        self.ask();
        signals.next().await;
        Ok(())
    }
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a listener Ctrl-C would end the program at once, which is safe as well.
        let _ = tokio::signal::ctrl_c().await;
    }
}

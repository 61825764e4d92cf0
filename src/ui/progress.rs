//! A line on standard error that says what is waited for, and goes away again.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::plan::Amount;
use crate::view::text;

/// A line without and one with a bar: behind the words, which are cut where the terminal is narrow.
const LINE: &str = "{spinner} {wide_msg}";
const LINE_WITH_BAR: &str = "{spinner} {wide_msg} [{bar:16}] {percent:>3}%";

/// Nothing is shown before it: what is quick needs no explanation.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often the line moves, as a sign of life.
const TICK: Duration = Duration::from_millis(120);

/// Columns that a line leaves free for the `^C` that a terminal writes behind it: a line that it makes longer than the
/// terminal would leave a ghost.
const MARGIN: u16 = 4;

/// Standard error, a little narrower than it is.
#[derive(Debug)]
struct Narrow(Term);

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(MARGIN)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Shows what is waited for until it is dropped.
#[derive(Default)]
pub struct Progress {
    shown: Option<Shown>,
}

struct Shown {
    bar: ProgressBar,
    /// Dropping it calls the thread off that would show the line.
    wanted: Option<Sender<()>>,
    late: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows nothing: there is no terminal, or somebody does not want it.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Shows `message` once it takes long enough.
    pub(super) fn begin(message: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        dress(&bar, LINE);
        bar.set_message(message.to_owned());
        let (wanted, called_off) = mpsc::channel::<()>();
        let line = bar.clone();
        let late = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            if called_off.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                line.set_draw_target(ProgressDrawTarget::term_like(Box::new(Narrow(Term::buffered_stderr()))));
                line.enable_steady_tick(TICK);
            }
        });
        Self { shown: Some(Shown { bar, wanted: Some(wanted), late: late.ok() }) }
    }

    /// Takes the line away while something else is written.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.shown {
            Some(shown) => shown.bar.suspend(write),
            None => write(),
        }
    }

    /// Says something else.
    pub fn set(&self, message: &str) {
        self.set_with(message, None);
    }

    /// Says something else, with a bar where it is known how much is done.
    pub fn set_with(&self, message: &str, progress: Option<Amount>) {
        let Some(Shown { bar, .. }) = &self.shown else { return };
        dress(bar, if progress.is_some() { LINE_WITH_BAR } else { LINE });
        if let Some(Amount { done, total }) = progress {
            bar.set_length(total);
            bar.set_position(done);
        }
        bar.set_message(text::clean(message).into_owned());
    }
}

fn dress(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.tick_chars("|/-\\ ").progress_chars("=> "));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some(mut shown) = self.shown.take() else { return };
        drop(shown.wanted.take());
        if let Some(late) = shown.late.take() {
            // It ends at once; without waiting it might draw after the line was cleared.
            let _ = late.join();
        }
        shown.bar.finish_and_clear();
    }
}

//! The terminal. Nothing else in the program reads or writes it.
//!
//! What was asked for goes to standard output, everything said beside it to standard error. Each of the two is
//! looked at on its own: one may be a terminal while the other is a file.

mod colour;
mod draft;
mod progress;
mod prompt;
mod redraw;
mod size;

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

pub use colour::ColourChoice;
pub use progress::Progress;
pub use redraw::Redraw;

use crate::view::{Screen, text};
use size::Size;

/// How much is said beside the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Warnings and errors only (`--quiet`).
    Quiet,
    /// What helps.
    #[default]
    Normal,
    /// Everything, and no progress lines that would get into its way (`-v`).
    Verbose,
}

/// What the user asked of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `--color`.
    pub colour: ColourChoice,
    /// `--quiet`, `-v`.
    pub verbosity: Verbosity,
}

/// Whether a text was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// Somebody may read it.
    All,
    /// The reader has gone (`| head`): no error, and no reason to go on.
    ReaderGone,
}

type Sink = AutoStream<Box<dyn Write + Send>>;

/// Reads and writes the terminal.
pub struct Ui {
    out: Mutex<Sink>,
    err: Mutex<Sink>,
    size: Size,
    err_is_terminal: bool,
    colour: bool,
    unicode: bool,
    verbosity: Verbosity,
}

impl Ui {
    /// Takes the streams and the environment of this process.
    #[must_use]
    pub fn of_process(settings: Settings) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let out_colour = settings.colour.decide(AutoStream::choice(&out));
        let err_colour = settings.colour.decide(AutoStream::choice(&err));
        Self {
            size: if out.is_terminal() { Size::of_terminal() } else { Size::None },
            err_is_terminal: err.is_terminal(),
            // Views colour nothing where they must not; redrawing moves the cursor even then.
            out: Mutex::new(AutoStream::always(Box::new(out))),
            err: Mutex::new(AutoStream::new(Box::new(err), err_colour)),
            colour: out_colour != anstream::ColorChoice::Never,
            unicode: size::speaks_unicode(|name| std::env::var(name).ok()),
            verbosity: settings.verbosity,
        }
    }

    /// Writes into buffers, for tests; a screen with a width stands for a terminal.
    #[must_use]
    pub fn into_buffers(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        screen: Screen,
        verbosity: Verbosity,
    ) -> Self {
        let choice = if screen.colour { anstream::ColorChoice::AlwaysAnsi } else { anstream::ColorChoice::Never };
        Self {
            out: Mutex::new(AutoStream::always_ansi(Box::new(out))),
            err: Mutex::new(AutoStream::new(Box::new(err), choice)),
            size: screen.width.map_or(Size::None, |columns| Size::Fixed { columns, rows: size::USUAL_ROWS }),
            err_is_terminal: false,
            colour: screen.colour,
            unicode: screen.unicode,
            verbosity,
        }
    }

    /// Describes standard output as it is now: a terminal may have been resized.
    #[must_use]
    pub fn screen(&self) -> Screen {
        Screen { width: self.size.now().map(|(columns, _)| columns), colour: self.colour, unicode: self.unicode }
    }

    /// Describes standard error; a stream without colours leaves them out by itself.
    #[must_use]
    pub fn aside_screen(&self) -> Screen {
        let size = if self.err_is_terminal { Size::of_terminal() } else { Size::None };
        let width = self.size.now().or(size.now()).map(|(columns, _)| columns);
        Screen { width, colour: true, unicode: self.unicode }
    }

    /// Tells whether standard output is a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        !matches!(self.size, Size::None)
    }

    /// Writes a result to standard output, as it is.
    pub fn print(&self, result: &str) -> io::Result<Written> {
        let mut out = lock(&self.out);
        written(out.write_all(result.as_bytes()).and_then(|()| out.flush()))
    }

    /// Says what is going on.
    pub fn status(&self, message: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.say("", Style::new(), message);
        }
    }

    /// Says what only somebody who looks for a fault wants to know.
    pub fn detail(&self, message: &str) {
        if self.verbosity == Verbosity::Verbose {
            self.say("", Style::new().dimmed(), message);
        }
    }

    /// Warns.
    pub fn warn(&self, message: &str) {
        self.say("warning: ", AnsiColor::Yellow.on_default().bold(), message);
    }

    /// Says what failed.
    pub fn error(&self, message: &str) {
        self.say("error: ", AnsiColor::Red.on_default().bold(), message);
    }

    /// Says what to do next.
    pub fn hint(&self, message: &str) {
        if self.verbosity != Verbosity::Quiet {
            self.say("hint: ", AnsiColor::Cyan.on_default().bold(), message);
        }
    }

    /// Shows a text beside the result, laid out already.
    pub fn aside(&self, laid_out: &str) {
        let mut err = lock(&self.err);
        // There is nobody to tell that standard error cannot be written.
        let _ = err.write_all(laid_out.as_bytes()).and_then(|()| err.flush());
    }

    /// Tells whether somebody watches what is said beside the result.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.err_is_terminal && self.verbosity == Verbosity::Normal
    }

    /// Begins to say what is waited for, on a line that goes away again.
    ///
    /// Drop it before anything else is said.
    #[must_use]
    pub fn progress(&self, message: &str) -> Progress {
        if self.err_is_terminal && self.verbosity == Verbosity::Normal {
            Progress::begin(&text::clean(message))
        } else {
            Progress::none()
        }
    }

    /// Begins to show one screen after another (`--watch`).
    #[must_use]
    pub fn redraw(&self) -> Redraw<'_> {
        Redraw::new(self)
    }

    fn say(&self, lead: &str, style: Style, message: &str) {
        let width = self.aside_screen().width.unwrap_or(usize::MAX);
        let mut err = lock(&self.err);
        // Line by line: what a server sends must not steer the terminal, but our own line breaks stay.
        let lines = message.lines().enumerate().flat_map(|(at, line)| {
            let line = text::clean(line);
            let laid_out = line.starts_with(' ') || lead.starts_with("hint");
            if laid_out { vec![line.into_owned()] } else { text::wrap(&line, room(width, at, lead), width) }
        });
        for (at, line) in lines.enumerate() {
            // There is nobody to tell that standard error cannot be written.
            let _ = match at {
                0 if lead.is_empty() => writeln!(err, "{style}{line}{style:#}"),
                0 => writeln!(err, "{style}{lead}{style:#}{line}"),
                _ => writeln!(err, "{line}"),
            };
        }
        let _ = err.flush();
    }
}

/// Counts the columns that the first line of a message has beside its lead.
fn room(width: usize, line: usize, lead: &str) -> usize {
    if line == 0 { width.saturating_sub(lead.len()) } else { width }
}

fn lock(sink: &Mutex<Sink>) -> MutexGuard<'_, Sink> {
    // A panic elsewhere leaves at worst half a line.
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}

fn written(result: io::Result<()>) -> io::Result<Written> {
    match result {
        Ok(()) => Ok(Written::All),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::ReaderGone),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;

//! Questions, for people at a terminal only.

use std::io::{self, IsTerminal};

use console::Term;
use dialoguer::{Confirm, Input, Select};

use super::Ui;

/// Shows the cursor again, however the question ended: the library leaves it hidden after Ctrl-C.
struct CursorGuard(Term);

impl Drop for CursorGuard {
    fn drop(&mut self) {
        // Without a terminal there is no cursor to show.
        let _ = self.0.show_cursor();
    }
}

impl Ui {
    /// Lets one of several be chosen, the first one being the default. `None` where nobody can be asked, and for Ctrl-C.
    ///
    /// # Errors
    /// When the terminal breaks.
    pub fn choose(&self, question: &str, items: &[String]) -> io::Result<Option<usize>> {
        if !self.err_is_terminal || !io::stdin().is_terminal() {
            return Ok(None);
        }
        let guard = CursorGuard(Term::stderr());
        let items: Vec<_> = items.iter().map(|item| crate::view::text::clean(item).into_owned()).collect();
        let question = crate::view::text::clean(question).into_owned();
        match Select::new().with_prompt(question).items(&items).default(0).interact_on_opt(&guard.0) {
            Ok(chosen) => Ok(chosen),
            Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(dialoguer::Error::IO(error)) => Err(error),
        }
    }

    /// Asks for a word to be typed. `None` where nobody can be asked, and for Ctrl-C.
    ///
    /// # Errors
    /// When the terminal breaks.
    pub fn typed(&self, question: &str) -> io::Result<Option<String>> {
        if !self.err_is_terminal || !io::stdin().is_terminal() {
            return Ok(None);
        }
        let guard = CursorGuard(Term::stderr());
        let question = crate::view::text::clean(question).into_owned();
        match Input::<String>::new().with_prompt(question).allow_empty(true).interact_on(&guard.0) {
            Ok(typed) => Ok(Some(typed.trim().to_owned())),
            Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(dialoguer::Error::IO(error)) => Err(error),
        }
    }

    /// Asks a yes-no question, where no is the default and one stray key is no answer. `None` where nobody can be
    /// asked; Ctrl-C is no.
    ///
    /// # Errors
    /// When the terminal breaks.
    pub fn confirm(&self, question: &str) -> io::Result<Option<bool>> {
        if !self.err_is_terminal || !io::stdin().is_terminal() {
            return Ok(None);
        }
        let guard = CursorGuard(Term::stderr());
        let question = crate::view::text::clean(question);
        match Confirm::new().with_prompt(question).default(false).wait_for_newline(true).interact_on_opt(&guard.0) {
            Ok(answer) => Ok(Some(answer.unwrap_or(false))),
            Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(Some(false)),
            Err(dialoguer::Error::IO(error)) => Err(error),
        }
    }
}

//! How large the terminal is, and what it can show.

use console::Term;

/// Columns of a terminal that does not say.
const USUAL_COLUMNS: usize = 80;
/// Rows of a terminal that does not say.
pub(super) const USUAL_ROWS: usize = 24;

/// Where the size comes from.
pub(super) enum Size {
    /// There is no terminal.
    None,
    /// The terminal, asked each time.
    Terminal { term: Term, columns: Option<usize> },
    /// What a test says.
    Fixed { columns: usize, rows: usize },
}

impl Size {
    /// Takes the terminal of standard output; `COLUMNS` overrules its width, as everywhere.
    pub(super) fn of_terminal() -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        Self::Terminal { term: Term::stdout(), columns: columns.filter(|columns| *columns > 0) }
    }

    /// Gives columns and rows as they are now.
    pub(super) fn now(&self) -> Option<(usize, usize)> {
        match self {
            Self::None => None,
            Self::Fixed { columns, rows } => Some((*columns, *rows)),
            Self::Terminal { term, columns } => {
                let (rows, found) = term
                    .size_checked()
                    .map(|(rows, found)| (usize::from(rows), usize::from(found)))
                    // Pseudo-terminals that nobody sized say 0 x 0.
                    .filter(|(rows, found)| *rows > 0 && *found > 0)
                    .unwrap_or((USUAL_ROWS, USUAL_COLUMNS));
                Some((columns.unwrap_or(found), rows))
            }
        }
    }
}

/// Tells whether the locale shows more than ASCII, looking at what the C library would look at.
pub(super) fn speaks_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    if cfg!(windows) {
        return true;
    }
    let set =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let locale = set.unwrap_or_default().to_ascii_lowercase();
    // macOS sets no locale in many sessions and shows Unicode in all of them.
    locale.contains("utf-8") || locale.contains("utf8") || (locale.is_empty() && cfg!(target_os = "macos"))
}

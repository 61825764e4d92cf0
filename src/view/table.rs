//! A table of columns that give way when there is no room.

use anstyle::Style;
use comfy_table::{ContentArrangement, Table as Layouter, presets};

use super::style::{PLAIN, QUIET, paint};
use super::{Screen, text};

/// Blanks between two columns, as kubectl has them.
const GAP: usize = 3;
/// Blanks between two columns where a column would be lost otherwise.
const NARROW_GAP: usize = 2;

/// Ranks from here on belong to columns that are only nice to have.
pub(super) const NICE_TO_HAVE: u8 = 9;

/// One cell, harmless and coloured.
pub(super) struct Cell {
    text: String,
    style: Style,
    says_something: bool,
}

impl Cell {
    /// Makes a cell of a text that may come from a cluster.
    pub(super) fn new(content: impl AsRef<str>) -> Self {
        Self::styled(content, PLAIN)
    }

    /// Makes a cell with a style.
    pub(super) fn styled(content: impl AsRef<str>, style: Style) -> Self {
        Self { text: text::clean(content.as_ref()).into_owned(), style, says_something: true }
    }

    /// Makes the cell of what does not apply.
    pub(super) fn none() -> Self {
        Self::silent("-")
    }

    /// Makes the cell of what is not known, where a column of nothing else would only repeat the head lines.
    pub(super) fn unknown() -> Self {
        Self::silent("unknown")
    }

    /// Makes a cell that stays blank, on a line that goes on from the one above.
    pub(super) fn blank() -> Self {
        Self::silent("")
    }

    fn silent(text: &str) -> Self {
        Self { text: text.to_owned(), style: QUIET, says_something: false }
    }
}

/// One column with all of its cells.
pub(super) struct Column {
    /// The header.
    pub(super) title: &'static str,
    /// Who gives way: the column with the highest rank first, those with rank 0 never.
    pub(super) rank: u8,
    /// The cells, from top to bottom.
    pub(super) cells: Vec<Cell>,
}

impl Column {
    /// Tells whether any cell says something.
    pub(super) fn is_filled(&self) -> bool {
        self.cells.iter().any(|cell| cell.says_something)
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| text::width(&cell.text)).max().unwrap_or(0);
        cells.max(text::width(self.title))
    }
}

/// Leaves out the least important columns until the rest fits into `width`.
///
/// Columns that are only nice to have go first; before one of the others goes, all move closer.
pub(super) fn fit(columns: &mut Vec<Column>, width: Option<usize>) {
    let Some(width) = width else { return };
    for (gap, dispensable) in [(GAP, NICE_TO_HAVE), (NARROW_GAP, 1)] {
        while needed(columns, gap) > width {
            let ranks = (0..columns.len()).filter(|at| columns[*at].rank >= dispensable);
            let Some(least) = ranks.max_by_key(|at| columns[*at].rank) else { break };
            columns.remove(least);
        }
    }
}

/// Counts how wide the last column may become in a table that fits into `width`.
pub(super) fn room_for_last(columns: &[Column], width: usize) -> usize {
    let last = columns.last().map_or(0, Column::width);
    width.saturating_sub(needed(columns, gap(columns, Some(width))).saturating_sub(last))
}

/// Writes the columns below each other; `headers` puts their titles above.
///
/// `width` is that of the screen, where the table should keep to it.
pub(super) fn write(out: &mut String, columns: &[Column], headers: bool, width: Option<usize>, screen: &Screen) {
    let mut table = Layouter::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
    if headers {
        table.set_header(columns.iter().map(|column| paint(QUIET, column.title, screen.colour)));
    }
    for at in 0..columns.iter().map(|column| column.cells.len()).max().unwrap_or(0) {
        table.add_row(columns.iter().map(|column| {
            column.cells.get(at).map_or_else(String::new, |cell| paint(cell.style, &cell.text, screen.colour))
        }));
    }
    let gap = u16::try_from(gap(columns, width)).unwrap_or(u16::MAX);
    for column in table.column_iter_mut() {
        column.set_padding((0, gap));
    }
    for line in table.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn gap(columns: &[Column], width: Option<usize>) -> usize {
    if width.is_some_and(|width| needed(columns, GAP) > width) { NARROW_GAP } else { GAP }
}

fn needed(columns: &[Column], gap: usize) -> usize {
    columns.iter().map(|column| column.width() + gap).sum::<usize>().saturating_sub(gap)
}

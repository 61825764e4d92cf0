//! Strings from a cluster, made harmless, and how wide they are.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Makes a string from a cluster harmless for a terminal.
///
/// Line breaks and tabs become one space; what could steer the terminal (control characters), reorder what is read
/// (bidirectional overrides) or hide in it (zero-width characters) is written out as `\u{1b}`.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_break(c) || is_treacherous(c)) {
        return Cow::Borrowed(text);
    }
    let mut harmless = String::with_capacity(text.len() + 16);
    for c in text.trim_end_matches(is_break).chars() {
        if is_break(c) {
            if !harmless.ends_with(' ') {
                harmless.push(' ');
            }
        } else if is_treacherous(c) {
            // Writing to a String cannot fail.
            let _ = write!(harmless, "{}", c.escape_unicode());
        } else {
            harmless.push(c);
        }
    }
    Cow::Owned(harmless)
}

fn is_break(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r')
}

fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Counts the columns that a harmless string takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a harmless string to `columns`, and says so with dots.
#[must_use]
pub fn cut(text: &str, columns: usize, unicode: bool) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let dots = if unicode { "…" } else { "..." };
    let (head, _) = split_at_width(text, columns.saturating_sub(width(dots)));
    Cow::Owned(format!("{}{dots}", head.trim_end()))
}

/// Breaks a harmless string into lines at spaces: the first has `first` columns, the others `rest`.
///
/// A word that is too long for a line stays whole, because names and commands are there to be copied. Scripts that
/// are written without spaces are broken between wide characters.
#[must_use]
pub fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for (index, piece) in pieces(word, rest).into_iter().enumerate() {
            let room = if lines.is_empty() { first } else { rest };
            let gap = usize::from(used > 0 && index == 0);
            if used > 0 && used + gap + width(piece) > room {
                lines.push(std::mem::take(&mut line));
                used = 0;
            } else if gap == 1 {
                line.push(' ');
                used += 1;
            }
            line.push_str(piece);
            used += width(piece);
        }
    }
    lines.push(line);
    lines
}

/// Gives a word whole if it fits into a line, and else in the pieces that it may be broken into.
fn pieces(word: &str, room: usize) -> Vec<&str> {
    if width(word) <= room {
        return vec![word];
    }
    word.split_inclusive(|c: char| c.width() == Some(2)).collect()
}

fn split_at_width(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_written_out() {
        assert_eq!(clean("plain"), "plain");
        assert_eq!(clean("a\u{1b}[31mb\u{7}"), "a\\u{1b}[31mb\\u{7}");
        assert_eq!(clean("two\r\nlines\tand\n"), "two lines and");
        assert_eq!(clean("\u{202e}evil\u{200b}\u{9b}2J"), "\\u{202e}evil\\u{200b}\\u{9b}2J");
    }

    #[test]
    fn other_scripts_stay_as_they_are() {
        assert_eq!(clean("数据库 déjà 🐘"), "数据库 déjà 🐘");
        assert_eq!(width("数据库"), 6);
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 7, 5), ["one two", "three"]);
        assert_eq!(wrap("a supercalifragilistic b", 5, 5), ["a", "supercalifragilistic", "b"]);
        assert_eq!(wrap("", 5, 5), [""]);
        assert_eq!(wrap("数据库已经停止了", 6, 4), ["数据库", "已经", "停止", "了"]);
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(cut("one two three", 8, true), "one two…");
        assert_eq!(cut("one two three", 8, false), "one t...");
        assert_eq!(cut("数据库", 4, true), "数…");
        assert_eq!(cut("fits", 4, true), "fits");
    }
}

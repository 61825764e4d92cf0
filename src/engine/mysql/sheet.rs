//! The tables that a client prints in batch mode, each after the two lines that name it.

use std::collections::BTreeMap;

/// The column that stands above the name of the next table.
const MARK: &str = "kubectl_stateful";

/// The name of what comes last: without it the answer was cut off.
const END: &str = "end";

/// One row, by the names of its columns, which differ between versions in number and order.
pub(super) type Row = BTreeMap<String, String>;

/// The tables by their names. One without rows is there and empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sheet(BTreeMap<String, Vec<Row>>);

impl Sheet {
    /// Reads a whole answer or nothing.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let mut tables = BTreeMap::new();
        let (mut name, mut header, mut rows) = (None::<String>, None::<Vec<String>>, Vec::new());
        while let Some(line) = lines.next() {
            if line == MARK {
                let next = lines.next().ok_or("answer cut off")?.to_owned();
                if let Some(name) = name.replace(next) {
                    tables.insert(name, std::mem::take(&mut rows));
                }
                header = None;
            } else if name.is_none() {
                return Err("answer not understood: it names no table".to_owned());
            } else if let Some(header) = &header {
                rows.push(row(header, line)?);
            } else {
                header = Some(line.split('\t').map(plain).collect());
            }
        }
        let ended = name.as_deref() == Some(END) && header.is_none();
        if ended { Ok(Self(tables)) } else { Err("answer cut off".to_owned()) }
    }

    /// Gives the rows of a table.
    pub(super) fn rows(&self, name: &str) -> Result<&[Row], String> {
        self.0.get(name).map(Vec::as_slice).ok_or_else(|| format!("answer not understood: it has no {name}"))
    }

    /// Gives a table of names and values.
    pub(super) fn pairs(&self, name: &str) -> Result<BTreeMap<String, String>, String> {
        let pair = |row: &Row| Some((row.get("Variable_name")?.clone(), row.get("Value")?.clone()));
        Ok(self.rows(name)?.iter().filter_map(pair).collect())
    }
}

fn row(header: &[String], line: &str) -> Result<Row, String> {
    let cells: Vec<_> = line.split('\t').map(plain).collect();
    if cells.len() != header.len() {
        return Err(format!("answer not understood: {} cells below {} columns", cells.len(), header.len()));
    }
    Ok(header.iter().cloned().zip(cells).collect())
}

/// Undoes what batch mode does to letters that would break its lines.
fn plain(cell: &str) -> String {
    let mut letters = cell.chars();
    let mut text = String::with_capacity(cell.len());
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('t')) => text.push('\t'),
            ('\\', Some('0')) => text.push('\0'),
            ('\\', Some(other)) => text.push(other),
            (letter, _) => text.push(letter),
        }
    }
    text
}

/// Gives a cell that is neither missing, nor empty, nor NULL.
pub(super) fn cell<'r>(row: &'r Row, names: &[&str]) -> Option<&'r str> {
    let found = names.iter().find_map(|name| row.get(*name))?;
    (!found.is_empty() && found != "NULL").then_some(found.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_by_name_and_column() {
        let text =
            "kubectl_stateful\none\na\tb\n1\tx\\ny\\\\z\\t\n2\t\nkubectl_stateful\nnone\nkubectl_stateful\nend\n";
        let sheet = Sheet::read(text).unwrap();
        let rows = sheet.rows("one").unwrap();
        assert_eq!(rows[0]["b"], "x\ny\\z\t");
        assert_eq!((cell(&rows[1], &["b"]), cell(&rows[1], &["c", "a"])), (None, Some("2")));
        assert_eq!(sheet.rows("none").unwrap().len(), 0);
        assert!(sheet.rows("two").is_err());
    }

    #[test]
    fn tables_that_do_not_fit_are_no_answer() {
        for text in [
            "",
            "a\tb\n1\t2\nkubectl_stateful\nend\n",
            "kubectl_stateful\none\na\tb\n1\nkubectl_stateful\nend\n",
            "kubectl_stateful\none\na\n1\n",
            "kubectl_stateful\nend\nmore\n",
            "kubectl_stateful\n",
        ] {
            assert!(Sheet::read(text).is_err(), "{text:?}");
        }
    }
}

//! Headings as publishers write them, found by name: full-width or half-width, with spaces or line
//! breaks inside or without.

use unicode_normalization::UnicodeNormalization;

use crate::rows::Row;

/// A name as it is compared: NFKC, nothing blank in it, one kind of wave dash.
pub(super) fn fold(name: &str) -> String {
    name.nfkc()
        .filter(|c| !c.is_whitespace() && *c != '\u{FEFF}')
        .map(|c| if matches!(c, '〜' | '～' | '∼') { '~' } else { c })
        .collect()
}

/// The names of a row's cells.
#[derive(Debug, Clone, Default)]
pub(super) struct Heading {
    names: Vec<String>,
}

impl Heading {
    pub(super) fn of(row: &Row) -> Self {
        Self { names: row.cells().map(fold).collect() }
    }

    /// The column that has one of these names, the first of them that there is.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| {
            let name = fold(name);
            self.names.iter().position(|found| *found == name)
        })
    }

    /// The columns that have any of these names.
    pub(super) fn find_each(&self, names: &[&str]) -> Vec<usize> {
        names.iter().filter_map(|name| self.find(&[name])).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(&[name]).is_some()
    }

    pub(super) fn has_all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.has(name))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// A cell by its column, empty where there is no such column.
pub(super) fn cell(row: &Row, column: Option<usize>) -> &str {
    column.map_or("", |column| row.get(column))
}

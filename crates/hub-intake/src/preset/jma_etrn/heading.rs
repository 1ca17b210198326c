//! Where the heading is, and which element each column holds.

use unicode_normalization::UnicodeNormalization;

use super::{Kind, elements::element};
use crate::rows::Row;

/// Where the heading is, and what the columns are.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) first: usize,
    /// The first row after it.
    pub(super) end: usize,
    pub(super) columns: Vec<Option<usize>>,
}

/// Finds the heading: rows before the first day of which every column's words name an element, each
/// element once. None if any column is not understood, since leaving one out would lose it.
pub(super) fn header(kind: Kind, rows: &[Row]) -> Option<Header> {
    let end = rows.iter().position(|row| kind.is_row(row.get(0)))?;
    let is_heading = |row: &Row| {
        let first = plain(row.get(0));
        (first.is_empty() || kind.names().contains(&first.as_str()))
            && (1..row.len()).any(|at| !row.get(at).is_empty())
    };
    let first = end - rows[..end].iter().rev().take_while(|row| is_heading(row)).count();
    if first == end || end - first > 4 {
        return None;
    }
    // Days alone are named by nothing in some mirrors; hours would be taken for days.
    let is_named = rows[first..end].iter().any(|row| !row.get(0).is_empty());
    if kind != Kind::Daily && !is_named {
        return None;
    }
    let paths = paths(&rows[first..end]);
    let mut columns = vec![None; paths.len()];
    for (column, path) in paths.iter().enumerate().skip(1) {
        if path.is_empty() {
            // A column without a name may only be an empty one.
            if rows[end..].iter().any(|row| !row.get(column).is_empty()) {
                return None;
            }
            continue;
        }
        let index = element(kind, path)?;
        if columns.contains(&Some(index)) {
            return None;
        }
        columns[column] = Some(index);
    }
    let known = columns.iter().flatten().count();
    let has_main = columns.iter().flatten().any(|index| {
        let main = ["precipitation", "temperature_mean", "snow_depth_max", "temperature"];
        main.contains(&kind.elements()[*index].alias)
    });
    (known > 0 && has_main).then_some(Header { first, end, columns })
}

/// For each column its words from the top down. A cell that spanned several columns left all but its
/// first blank, so a blank takes the word on its left where the words above are the same and something
/// stands below.
fn paths(rows: &[Row]) -> Vec<Vec<String>> {
    let width = rows.iter().map(Row::len).max().unwrap_or(0);
    let mut filled: Vec<Vec<String>> = Vec::new();
    for (depth, row) in rows.iter().enumerate() {
        let mut words: Vec<String> = Vec::with_capacity(width);
        for column in 0..width {
            let word = plain(row.get(column));
            let below = rows[depth + 1..].iter().any(|row| !row.get(column).is_empty());
            let same_above =
                column > 1 && filled.iter().all(|above| above[column] == above[column - 1]);
            let spans = word.is_empty() && column > 1 && below && same_above;
            words.push(if spans { words[column - 1].clone() } else { word });
        }
        filled.push(words);
    }
    (0..width)
        .map(|column| {
            let mut path: Vec<String> = Vec::new();
            for words in &filled {
                if !words[column].is_empty() && path.last() != Some(&words[column]) {
                    path.push(words[column].clone());
                }
            }
            path
        })
        .collect()
}

fn plain(cell: &str) -> String {
    cell.nfkc().filter(|c| !c.is_whitespace()).collect()
}

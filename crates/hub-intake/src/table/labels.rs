//! What columns are called whose headings stand in several rows.

use super::cell::is_unit;
use crate::rows::Row;

/// Whether a row holds units alone.
pub(super) fn is_units(row: &Row) -> bool {
    let mut filled = row.cells().filter(|cell| !cell.is_empty()).peekable();
    filled.peek().is_some() && filled.all(is_unit)
}

/// The name of each column: its headings from the top down, each but the last also standing for the
/// empty ones to its right.
pub(super) fn labels(rows: &[Row], width: usize) -> Vec<String> {
    let units = rows.len() > 1 && rows.last().is_some_and(is_units);
    let (headings, units) = rows.split_at(rows.len() - usize::from(units));
    let mut spread: Vec<Vec<String>> = headings
        .iter()
        .map(|row| (0..width).map(|column| clean(row.get(column))).collect())
        .collect();
    let bottom = spread.len().saturating_sub(1);
    for level in 0..bottom {
        for column in 1..width {
            let lower_is_named = spread[level + 1..].iter().any(|row| !row[column].is_empty());
            let same_group = (0..level).all(|up| spread[up][column] == spread[up][column - 1]);
            if spread[level][column].is_empty() && lower_is_named && same_group {
                // A heading that reaches down to its own column's data names no group.
                let own_below = spread[level + 1..].iter().any(|row| !row[column - 1].is_empty());
                if own_below {
                    spread[level][column] = spread[level][column - 1].clone();
                }
            }
        }
    }
    (0..width)
        .map(|column| {
            let mut parts: Vec<&str> = Vec::new();
            for row in &spread {
                let part = row[column].as_str();
                if !part.is_empty() && parts.last() != Some(&part) {
                    parts.push(part);
                }
            }
            let mut name = parts.join("_");
            for unit in units.iter().map(|row| clean(row.get(column))) {
                let inner = unit.trim_matches([
                    '(', ')', '（', '）', '[', ']', '［', '］', '〔', '〕', '【', '】',
                ]);
                if !inner.is_empty() && !name.is_empty() {
                    name = format!("{name}({inner})");
                }
            }
            name
        })
        .collect()
}

/// A heading in one line: line ends within it go, and join words with a space where both are of ASCII.
fn clean(cell: &str) -> String {
    let mut name = String::with_capacity(cell.len());
    for part in cell.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()) {
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if joins(name.chars().next_back()) && joins(part.chars().next()) {
            name.push(' ');
        }
        name.push_str(part);
    }
    name
}

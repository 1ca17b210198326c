//! Where in its rows a file's table lies: which rows are headings, where the data begins, and which
//! columns belong to it. Agencies put titles above a table, write headings over several rows, units
//! below them and notes at the foot; what is decided here is told in the report, and can be overridden.

mod cell;
mod find;
mod labels;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use cell::is_undecodable;
pub(crate) use find::{Found, find};
pub(crate) use rows::{HOLLOW, Kind, classify, is_sentence, looks_like_foot};

use crate::{IntakeError, show::show_text};

/// How many rows are looked at to find a table.
pub(crate) const LOOKED_AT: usize = 200;

/// Reads `2` or `2-3`: the first and the last row of the headings.
pub(crate) fn parse_header_rows(text: &str) -> Result<(u64, u64), IntakeError> {
    let text = text.trim();
    let (first, last) = text.split_once(['-', '–', '~', '～']).unwrap_or((text, text));
    let parsed = first.trim().parse().ok().zip(last.trim().parse().ok());
    parsed
        .filter(|(first, last): &(u64, u64)| {
            *first > 0 && first <= last && *last <= LOOKED_AT as u64 && last - first < 10
        })
        .ok_or_else(|| {
            let text = show_text(text);
            IntakeError::unsupported(
                format!(
                    "見出しの行「{text}」が読めません。「2」や「2-3」のように、行の番号で指定してください（{LOOKED_AT}行目まで）"
                ),
                format!(
                    "the header rows {text:?} can't be read; give row numbers such as 2 or 2-3, up to {LOOKED_AT}"
                ),
            )
        })
}

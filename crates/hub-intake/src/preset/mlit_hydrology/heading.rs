//! What stands above the data: the gauge, and what else is said of it.

use hub_model::{LayoutReport, Text};

use super::HEADING;
use crate::{
    IntakeError,
    rows::{Ahead, Row, Rows},
    show::show_text,
};

/// What the heading says of the gauge.
#[derive(Debug, Default)]
pub(super) struct Site {
    pub(super) water_system: String,
    pub(super) river: String,
    pub(super) name: String,
    pub(super) code: String,
}

impl Site {
    /// Takes a row of the heading; false if it is none.
    pub(super) fn take(&mut self, row: &Row) -> bool {
        let target = match row.get(0) {
            "水系名" => &mut self.water_system,
            "河川名" => &mut self.river,
            "観測所名" => &mut self.name,
            "観測所記号" => &mut self.code,
            _ => return false,
        };
        row.get(1).clone_into(target);
        true
    }
}

/// Reads the heading off the rows; where it does not say the gauge's code, the file's name may.
pub(super) fn read(
    file_name: Option<&str>,
    rows: &mut Ahead,
) -> Result<(Site, LayoutReport), IntakeError> {
    let mut site = Site::default();
    let mut notes = Vec::new();
    let mut heading = (0, 1);
    for (index, row) in rows.peek(HEADING)?.iter().enumerate() {
        if site.take(row) {
            heading = (index + 1, row.number());
        } else if is_said(row) && row.get(0).contains("零点高") {
            // Levels are heights above it.
            let (ja, en) = (show_text(row.get(0)), show_text(row.get(1)));
            notes.push(Text::new(
                format!("{ja}：{en}"),
                format!("height of the gauge's zero: {en}"),
            ));
        }
    }
    let (count, last) = heading;
    for _ in 0..count {
        rows.next_row(&mut Row::default())?;
    }
    if !is_code(&site.code) {
        let named = file_name.map(|name| name.split(['_', '.']).next().unwrap_or(name));
        match named.filter(|code| code.len() == 15 && is_code(code)) {
            Some(code) => {
                notes.push(Text::new(
                    format!("観測所記号はファイル名から{code}としました"),
                    format!("the gauge's code {code} is from the file's name"),
                ));
                code.clone_into(&mut site.code);
            }
            None => return Err(code_lost(&site.code)),
        }
    }
    notes.push(Text::new(
        format!("観測所：{}（{}、{}）", site.name, site.river, site.code),
        format!("gauge: {} on {} ({})", site.name, site.river, site.code),
    ));
    Ok((site, LayoutReport { header_rows: Some((1, last)), notes, ..LayoutReport::default() }))
}

fn is_code(code: &str) -> bool {
    (6..=20).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())
}

/// A spreadsheet shows fifteen digits as `3.01011E+14`, and saves what it shows.
fn code_lost(code: &str) -> IntakeError {
    let code = show_text(code);
    IntakeError::unreadable(
        format!(
            "観測所記号「{code}」が読めません（表計算ソフトで保存すると15桁の番号は失われます）。ダウンロードしたままのファイルを送るか、ファイル名を「301011281104010_2004.dat」のように記号で始めてください"
        ),
        format!(
            "the gauge's code {code:?} can't be read (a spreadsheet that saves the file loses it); send the file as it was downloaded, or let its name begin with the code, as in 301011281104010_2004.dat"
        ),
    )
}

/// Whether a row says something of the gauge, as `零点高` does, and holds no values.
pub(super) fn is_said(row: &Row) -> bool {
    let first = row.get(0);
    !first.is_empty()
        && !first.starts_with(|c: char| c.is_ascii_digit())
        && row.cells().filter(|cell| !cell.is_empty()).count() <= 3
}

//! The Japan Meteorological Agency's daily table of one station and month, as its page of past weather
//! ("etrn") shows it and as mirrors save it.
//!
//! What a station observes varies, the elements that there are do not: the table is wide, and each value
//! has its quality beside it, so that "below zero and above on the same day" is one plain condition.
//! Station and month are in no cell of the table; they come from a title above it or from the file's name.

mod elements;
mod place;
#[cfg(test)]
mod tests;

use std::mem;

use hub_model::{
    ChangeExample, ChangeKind, Contract, FieldRole, FieldType, Label, LayoutReport, Quality, Text,
};

use self::{
    elements::{ELEMENTS, Element, header},
    place::{Place, of_name, of_title},
};
use super::{
    Context, Head, Layout, Preset,
    fields::{described, field, quality, text, time, value},
    jma_marks,
    when::{When, iso},
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
    show::show_text,
};

pub(super) const PRESET: Preset = Preset {
    id: "jma_etrn_daily",
    title: (
        "気象庁 過去の気象データ検索（日ごとの値）",
        "JMA daily weather of a station and month",
    ),
    publisher: &super::publisher::JMA,
    layout: Layout::Rows { recognise, open },
};

/// How many rows the heading and the first day are looked for in.
const LOOKED_AT: usize = 16;

fn recognise(head: &Head<'_>) -> bool {
    header(head.rows).is_some()
}

fn open(context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let looked_at = rows.peek(LOOKED_AT)?;
    let Some(header) = header(looked_at) else {
        return Err(IntakeError::unreadable(
            "「日」と気象の要素の見出しが見つかりません。表の見出しから送ってください",
            "the heading with the day and the elements is not found; send the table with its heading",
        ));
    };
    let titled = looked_at[..header.first].iter().find_map(|row| of_title(row.get(0)));
    let named = context.file_name.and_then(of_name);
    let Some(place) = titled.or(named) else { return Err(unnamed(context.file_name)) };
    let first = looked_at[header.first].number();
    let last = looked_at[header.end - 1].number();
    for _ in 0..header.end {
        rows.next_row(&mut Row::default())?;
    }
    let Place { station, year, month, .. } = &place;
    let notes = vec![Text::new(
        format!("{station}の{year}年{month}月の表です"),
        format!("the table of {station} for {year}-{month:02}"),
    )];
    let layout =
        LayoutReport { header_rows: Some((first, last)), notes, ..LayoutReport::default() };
    let columns = header.columns;
    Ok(Box::new(Daily {
        contract: contract(),
        place,
        columns,
        layout,
        changes: Changes::default(),
    }))
}

fn unnamed(file_name: Option<&str>) -> IntakeError {
    let name = show_text(file_name.unwrap_or("?"));
    IntakeError::unreadable(
        format!(
            "気象庁の日ごとの値の表ですが、どの地点の何年何月かが分かりません（ファイル名「{name}」）。「倶知安2020_1.csv」か「倶知安_2020-01.csv」のように、地点名と年月をファイル名に付けて送ってください"
        ),
        format!(
            "this is a daily table, and neither a title nor the file's name ({name:?}) says of which station and month; name it like 倶知安2020_1.csv or 倶知安_2020-01.csv and send it again"
        ),
    )
}

fn contract() -> Contract {
    let mut fields = vec![
        time("年月日", "date", FieldType::Date, ("P1D", Label::Start)),
        field("地点", "station", FieldType::String, FieldRole::Place),
        described(text("地域", "region"), "地方または都道府県。分からないときは空"),
    ];
    for Element { name, alias, unit } in ELEMENTS {
        fields.push(if unit.is_empty() { text(name, alias) } else { value(name, alias, unit) });
        fields.push(quality(&format!("{name}の品質"), &format!("{alias}_quality"), name));
    }
    fields.push(described(text("記号", "marks"), "値に付いていた記号。「要素 記号」を；で区切る"));
    Contract {
        fields,
        primary_key: vec!["地点".to_owned(), "年月日".to_owned()],
        missing_values: vec![String::new()],
    }
}

struct Daily {
    contract: Contract,
    place: Place,
    /// For each column of the file the place of its element.
    columns: Vec<Option<usize>>,
    layout: LayoutReport,
    changes: Changes,
}

impl Transform for Daily {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        let first = row.get(0);
        if row.is_blank() {
            return Ok(());
        }
        let is_note = || (1..row.len()).all(|at| row.get(at).is_empty());
        if !is_day(first) && (is_summary(first) || is_note()) {
            self.left_out(row);
            return Ok(());
        }
        let date = self.date(first);
        let mut cells = vec![(String::new(), ""); ELEMENTS.len()];
        let mut marks = String::new();
        for (column, element) in self.columns.iter().enumerate() {
            let Some(index) = *element else { continue };
            let Element { name, unit, .. } = &ELEMENTS[index];
            let marked = jma_marks::read(row.get(column), matches!(*unit, "mm" | "cm" | "h"));
            if !marked.mark.is_empty() {
                marks.push_str(if marks.is_empty() { "" } else { "；" });
                marks.push_str(&format!("{name} {}", marked.mark));
                let word = marked.quality.map_or("", |quality: Quality| quality.as_str());
                self.changes.add(ChangeKind::QualityMark, || ChangeExample {
                    row: Some(row.number()),
                    column: Some((*name).to_owned()),
                    cell: None,
                    before: row.get(column).to_owned(),
                    after: format!("{} {word}", marked.value).trim().to_owned(),
                });
            }
            let word = marked.quality.map_or("", |quality: Quality| quality.as_str());
            cells[index] = (marked.value.to_owned(), word);
        }
        let mut given: Vec<&str> = vec![&date, &self.place.station, &self.place.region];
        for (value, quality) in &cells {
            given.push(value);
            given.push(quality);
        }
        given.push(&marks);
        out.push(row.number(), None, &given);
        Ok(())
    }

    fn layout(&self) -> LayoutReport {
        self.layout.clone()
    }

    fn changes(&mut self) -> Changes {
        mem::take(&mut self.changes)
    }
}

impl Daily {
    /// The day as contracts read it; a day that is none, or of another month than the table's, as it stands.
    fn date(&self, first: &str) -> String {
        let Place { year, month, .. } = self.place;
        if let Some(day) = day_number(first) {
            return format!("{year:04}-{month:02}-{day:02}");
        }
        let date = When::parse(first).and_then(When::date).map(iso);
        let of_month = format!("{year:04}-{month:02}-");
        match date {
            Some(date) if date.starts_with(&of_month) => date,
            _ => first.to_owned(),
        }
    }

    fn left_out(&mut self, row: &Row) {
        self.changes.add(ChangeKind::LeftOut, || ChangeExample {
            row: Some(row.number()),
            column: None,
            cell: None,
            before: row.get(0).to_owned(),
            after: String::new(),
        });
    }
}

/// The rows below the days: of ten days, of the month, and of how it compares.
fn is_summary(first: &str) -> bool {
    ["上旬", "中旬", "下旬", "旬", "月", "合計", "平均", "極値", "平年"]
        .iter()
        .any(|word| first.starts_with(word) || first.ends_with(word))
        && !first.starts_with(|c: char| c.is_ascii_digit())
}

fn day_number(first: &str) -> Option<u32> {
    let digits = first.strip_suffix('日').unwrap_or(first);
    let is_short = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_short)
}

fn is_day(first: &str) -> bool {
    day_number(first).is_some() || When::parse(first).and_then(When::date).is_some()
}

//! The Japan Meteorological Agency's tables of one station as its pages of past weather ("etrn") show them
//! and as mirrors save them: days of a month, and hours or ten minutes of a day.
//!
//! What a station observes varies, the elements that there are do not: the tables are wide, and each value
//! has its quality beside it, so that "below zero and above on the same day" is one plain condition.
//! Station and month are in no cell of the table; they come from a title above it or from the file's name.

mod elements;
mod heading;
mod place;
#[cfg(test)]
mod tests;

use std::mem;

use chrono::NaiveDate;
use hub_model::{
    ChangeExample, ChangeKind, Contract, Field, FieldRole, FieldType, Label, LayoutReport, Quality,
    Text,
};

use self::{
    elements::Element,
    heading::header,
    place::{Place, of_name, of_title},
};
use super::{
    Context, Head, Layout, Preset,
    column::{Describe, column, number, quality, text, time},
    jma_marks,
    when::{self, When, iso},
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
    show::show_text,
};

/// One preset an interval.
macro_rules! preset {
    ($name:ident, $id:literal, $ja:literal, $en:literal, $kind:expr) => {
        pub(super) const $name: Preset = Preset {
            id: $id,
            title: (
                concat!("気象庁 過去の気象データ検索（", $ja, "）"),
                concat!("JMA weather of a station, ", $en),
            ),
            publisher: &super::publisher::JMA,
            layout: Layout::Rows {
                recognise: |head| recognise(head, $kind),
                open: |context, rows| open(context, rows, $kind),
            },
        };
    };
}

preset!(DAILY, "jma_etrn_daily", "日ごとの値", "days of a month", Kind::Daily);
preset!(HOURLY, "jma_etrn_hourly", "1時間ごとの値", "hours of a day", Kind::Hourly);
preset!(TEN_MINUTES, "jma_etrn_10min", "10分ごとの値", "ten minutes of a day", Kind::TenMinutes);

/// What a row of a table stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Daily,
    Hourly,
    TenMinutes,
}

impl Kind {
    /// What titles call it.
    fn title(self) -> &'static str {
        match self {
            Self::Daily => "日ごとの値",
            Self::Hourly => "1時間ごとの値",
            Self::TenMinutes => "10分ごとの値",
        }
    }

    /// The headings of its first column.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Daily => &["日", "年月日", "日付"],
            Self::Hourly => &["時", "時刻", "時間"],
            Self::TenMinutes => &["時分", "時刻"],
        }
    }

    /// Whether a first cell is one of a row of data.
    fn is_row(self, first: &str) -> bool {
        match self {
            Self::Daily => is_day(first),
            Self::Hourly => {
                let whole = || when::clock(first).filter(|(_, minute)| *minute == 0);
                hour(first).is_some() || first.contains(':') && whole().is_some()
            }
            Self::TenMinutes => first.contains(':') && when::clock(first).is_some(),
        }
    }
}

/// How many rows the heading and the first row are looked for in.
const LOOKED_AT: usize = 16;

/// A table of days is known by its elements, and told how to be named. Hours are in many tables: only one
/// that says its station and day is this.
fn recognise(head: &Head<'_>, kind: Kind) -> bool {
    header(kind, head.rows).is_some_and(|header| {
        kind == Kind::Daily || place_of(kind, &head.rows[..header.first], head.file_name).is_some()
    })
}

/// The station and the time that titles say, or the file's name.
fn place_of(kind: Kind, titles: &[Row], file_name: Option<&str>) -> Option<Place> {
    let titled = titles.iter().find_map(|row| of_title(kind, row.get(0)));
    titled.or_else(|| file_name.and_then(|name| of_name(kind, name)))
}

fn open(
    context: &Context<'_>,
    rows: &mut Ahead,
    kind: Kind,
) -> Result<Box<dyn Transform>, IntakeError> {
    let looked_at = rows.peek(LOOKED_AT)?;
    let Some(header) = header(kind, looked_at) else {
        return Err(IntakeError::unreadable(
            "「日」や「時」と気象の要素の見出しが見つかりません。表の見出しから送ってください",
            "the heading with the day or the hour and the elements is not found; send the table with its heading",
        ));
    };
    let place = place_of(kind, &looked_at[..header.first], context.file_name);
    let Some(place) = place else { return Err(unnamed(kind, context.file_name)) };
    let first = looked_at[header.first].number();
    let last = looked_at[header.end - 1].number();
    for _ in 0..header.end {
        rows.next_row(&mut Row::default())?;
    }
    let Place { station, year, month, day, .. } = &place;
    let (day_ja, day_en) =
        day.map_or_else(Default::default, |day| (format!("{day}日"), format!("-{day:02}")));
    let notes = vec![Text::new(
        format!("{station}の{year}年{month}月{day_ja}の表です"),
        format!("the table of {station} for {year}-{month:02}{day_en}"),
    )];
    let layout =
        LayoutReport { header_rows: Some((first, last)), notes, ..LayoutReport::default() };
    let columns = header.columns;
    Ok(Box::new(Table {
        contract: contract(kind),
        kind,
        place,
        columns,
        layout,
        changes: Changes::default(),
    }))
}

fn unnamed(kind: Kind, file_name: Option<&str>) -> IntakeError {
    let name = show_text(file_name.unwrap_or("?"));
    let title = kind.title();
    let (ja, en, like) = match kind {
        Kind::Daily => ("何年何月", "month", ["倶知安2020_1.csv", "倶知安_2020-01.csv"]),
        _ => ("何年何月何日", "day", ["倶知安2020_1_15.csv", "倶知安_2020-01-15.csv"]),
    };
    let [a, b] = like;
    IntakeError::unreadable(
        format!(
            "気象庁の{title}の表ですが、どの地点の{ja}かが分かりません（ファイル名「{name}」）。「{a}」か「{b}」のように、地点名と日付をファイル名に付けて送ってください"
        ),
        format!(
            "this is a table of one station, and neither a title nor the file's name ({name:?}) says of which station and {en}; name it like {a} or {b} and send it again"
        ),
    )
}

fn contract(kind: Kind) -> Contract {
    let mut fields = vec![
        match kind {
            Kind::Daily => time("年月日", "date", FieldType::Date, Some(("P1D", Label::Start))),
            Kind::Hourly => time("日時", "time", FieldType::Datetime, Some(("PT1H", Label::End))),
            Kind::TenMinutes => {
                time("日時", "time", FieldType::Datetime, Some(("PT10M", Label::End)))
            }
        },
        column("地点", "station", FieldType::String).role(FieldRole::Place),
        text("地域", "region").described("地方または都道府県。分からないときは空"),
    ];
    for element in kind.elements() {
        let Element { name, alias, unit } = element;
        let described =
            if unit.is_empty() { text(name, alias) } else { number(name, alias).value(unit) };
        fields.push(Field { aggregate: element.aggregate(), ..described });
        fields.push(quality(&format!("{name}の品質"), &format!("{alias}_quality"), name));
    }
    fields.push(text("記号", "marks").described("値に付いていた記号。「要素 記号」を；で区切る"));
    let primary_key = vec!["地点".to_owned(), fields[0].name.clone()];
    Contract { fields, primary_key, missing_values: vec![String::new()] }
}

struct Table {
    contract: Contract,
    kind: Kind,
    place: Place,
    /// For each column of the file the place of its element.
    columns: Vec<Option<usize>>,
    layout: LayoutReport,
    changes: Changes,
}

impl Transform for Table {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        let first = row.get(0);
        if row.is_blank() {
            return Ok(());
        }
        let is_note = || (1..row.len()).all(|at| row.get(at).is_empty());
        if !self.kind.is_row(first) && (is_summary(first) || is_note()) {
            self.left_out(row);
            return Ok(());
        }
        let time = self.time(row);
        let elements = self.kind.elements();
        let mut cells = vec![(String::new(), ""); elements.len()];
        let mut marks = String::new();
        for (column, element) in self.columns.iter().enumerate() {
            let Some(index) = *element else { continue };
            let Element { name, unit, .. } = &elements[index];
            let is_sum = matches!(*unit, "mm" | "cm" | "h" | "min");
            let marked = jma_marks::read(row.get(column), is_sum);
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
        let mut given: Vec<&str> = vec![&time, &self.place.station, &self.place.region];
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

impl Table {
    /// The time of a row as contracts read it; as it stands where it is none, or of another month than the
    /// table's.
    fn time(&mut self, row: &Row) -> String {
        let first = row.get(0);
        let Place { year, month, day, .. } = self.place;
        if let Some(day) = day {
            let at = hour(first).map(|hour| (hour, 0)).or_else(|| when::clock(first));
            let date = NaiveDate::from_ymd_opt(year, month, day);
            let time = date.zip(at).and_then(|(date, at)| when::instant(date, at));
            if let Some(time) = &time
                && at == Some((24, 0))
            {
                self.changes.of_cell(ChangeKind::Hour24, (row.number(), "日時"), first, time);
            }
            return time.unwrap_or_else(|| first.to_owned());
        }
        if let Some(day) = day_number(first) {
            return format!("{year:04}-{month:02}-{day:02}");
        }
        let date = When::parse(first).and_then(When::date).map(iso);
        let of_month = format!("{year:04}-{month:02}-");
        match date {
            Some(date) if date.starts_with(&of_month) => date,
            // A day that is one and can't be right would go in as it stands.
            Some(_) => format!("{first}（{year}年{month}月の表）"),
            None => first.to_owned(),
        }
    }

    fn left_out(&mut self, row: &Row) {
        self.changes.of_cell(ChangeKind::LeftOut, (row.number(), ""), row.get(0), "");
    }
}

/// The rows below the days: of ten days, of the month, and of how it compares.
fn is_summary(first: &str) -> bool {
    ["上旬", "中旬", "下旬", "旬", "月", "合計", "平均", "極値", "平年"]
        .iter()
        .any(|word| first.starts_with(word) || first.ends_with(word))
        && !first.starts_with(|c: char| c.is_ascii_digit())
}

/// `1` to `24`, with or without its word.
fn hour(first: &str) -> Option<u32> {
    let digits = first.strip_suffix('時').unwrap_or(first);
    let is_short = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|hour| is_short && (1..=24).contains(hour))
}

fn day_number(first: &str) -> Option<u32> {
    let digits = first.strip_suffix('日').unwrap_or(first);
    let is_short = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_short)
}

fn is_day(first: &str) -> bool {
    day_number(first).is_some() || When::parse(first).and_then(When::date).is_some()
}

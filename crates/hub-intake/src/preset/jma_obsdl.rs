//! The Japan Meteorological Agency's download of past weather ("obsdl"): any stations and elements side by
//! side, by the hour, day, dekad, month or year.
//! (<https://www.data.jma.go.jp/risk/obsdl/top/help3.html>)
//!
//! Which stations and elements there are is the downloader's choice, so the tables are long: one row a
//! time, station and element, with the time of an extreme, its wind direction, and the publisher's
//! numbers beside the value. There is one preset an interval, since a day is no instant. The publisher's
//! quality number decides the quality; where the download has none, the marks do.

mod contract;
mod heading;
#[cfg(test)]
mod tests;

use std::mem;

use hub_model::{ChangeExample, ChangeKind, Contract, LayoutReport, Quality, Text};

use self::heading::{Group, Heading, Sort};
use super::{
    Context, Head, Layout, Preset, jma_marks, quality_word,
    when::{When, iso},
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

/// One preset an interval.
macro_rules! preset {
    ($name:ident, $id:literal, $ja:literal, $en:literal, $kind:expr) => {
        pub(super) const $name: Preset = Preset {
            id: $id,
            title: (
                concat!("気象庁 過去の気象データ・ダウンロード（", $ja, "）"),
                concat!("JMA past weather download, ", $en),
            ),
            publisher: &super::publisher::JMA,
            layout: Layout::Rows {
                recognise: |head| recognise(head, $kind),
                open: |context, rows| open(context, rows, $kind),
            },
        };
    };
}

preset!(TEN_MINUTES, "jma_obsdl_10min", "10分値", "10-minute values", Kind::TenMinutes);
preset!(HOURLY, "jma_obsdl_hourly", "時別値", "hourly values", Kind::Hourly);
preset!(DAILY, "jma_obsdl_daily", "日別値", "daily values", Kind::Daily);
preset!(
    PERIOD,
    "jma_obsdl_period",
    "旬・半旬・任意の期間",
    "dekads and other periods",
    Kind::Period
);
preset!(MONTHLY, "jma_obsdl_monthly", "月別値", "monthly values", Kind::Monthly);
preset!(YEARLY, "jma_obsdl_yearly", "年別値", "yearly values", Kind::Yearly);

/// What a row of the file stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    TenMinutes,
    Hourly,
    Daily,
    Period,
    Monthly,
    Yearly,
}

/// How many rows the heading and the first rows of data are looked for in.
const LOOKED_AT: usize = 16;

fn recognise(head: &Head<'_>, kind: Kind) -> bool {
    Heading::find(head.rows).is_some_and(|heading| heading.kind == kind)
}

fn open(
    _context: &Context<'_>,
    rows: &mut Ahead,
    kind: Kind,
) -> Result<Box<dyn Transform>, IntakeError> {
    let looked_at = rows.peek(LOOKED_AT)?;
    let Some(heading) = Heading::find(looked_at) else {
        return Err(IntakeError::unreadable(
            "地点名と項目名の見出しが見つかりません。ダウンロードしたままのファイルを送ってください",
            "the rows that name stations and elements are not found; send the file as it was downloaded",
        ));
    };
    let header_rows = looked_at.get(heading.rows - 1).map(|row| (1, row.number()));
    for _ in 0..heading.rows {
        rows.next_row(&mut Row::default())?;
    }
    let layout = LayoutReport { header_rows, notes: notes(&heading), ..LayoutReport::default() };
    let contract = contract::contract(kind);
    Ok(Box::new(Obsdl { contract, kind, heading, layout, changes: Changes::default() }))
}

fn notes(heading: &Heading) -> Vec<Text> {
    let mut notes = Vec::new();
    if let Some(time) = &heading.downloaded_at {
        notes.push(Text::new(
            format!("ダウンロードした時刻：{time}"),
            format!("downloaded at {time}"),
        ));
    }
    if !heading.prefectures.is_empty() {
        let prefectures = heading.prefectures.join("、");
        notes.push(Text::new(
            format!("地点名の上の都道府県名（{prefectures}）は表に入れていません"),
            format!("the prefectures above the stations ({prefectures}) are not in the table"),
        ));
    }
    let mut twins: Vec<&str> = heading
        .groups
        .iter()
        .filter(|group| group.order > 1)
        .map(|group| group.station.as_str())
        .collect();
    twins.dedup();
    if !twins.is_empty() {
        let twins = twins.join("、");
        notes.push(Text::new(
            format!("同じ名前の地点が並んでいるので、左から番号を付けました：{twins}"),
            format!("stations of the same name are numbered from the left: {twins}"),
        ));
    }
    notes
}

struct Obsdl {
    contract: Contract,
    kind: Kind,
    heading: Heading,
    layout: LayoutReport,
    changes: Changes,
}

impl Transform for Obsdl {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() {
            return Ok(());
        }
        let lead = self.heading.lead;
        let (start, end) = self.times(row);
        let is_note = (lead..row.len()).all(|column| row.get(column).is_empty());
        if is_note && start.when.is_none() {
            self.changes.of_cell(ChangeKind::LeftOut, (row.number(), ""), row.get(0), "");
            return Ok(());
        }
        let order: Vec<String> =
            self.heading.groups.iter().map(|group| group.order.to_string()).collect();
        for (group, order) in self.heading.groups.iter().zip(&order) {
            let read = read_group(group, row, start.when, &mut self.changes);
            let origin = if start.is_sound { read.origin } else { 0 };
            let mut cells: Vec<&str> = vec![&start.text];
            if self.kind == Kind::Period {
                cells.push(&end);
            }
            cells.extend([group.station.as_str(), order, &group.element]);
            cells.extend([read.value, read.text, group.unit.code, &group.unit.label]);
            cells.extend([read.quality, read.number, read.homogeneity, read.absent, &read.mark]);
            cells.extend([read.occurred.as_str(), read.occurred_quality, read.occurred_number]);
            cells.extend([read.direction, read.direction_quality, read.direction_number]);
            out.push(row.number(), Some(origin), &cells);
        }
        self.changes.count(ChangeKind::Reshaped, self.heading.groups.len() as u64);
        Ok(())
    }

    fn layout(&self) -> LayoutReport {
        self.layout.clone()
    }

    fn changes(&mut self) -> Changes {
        mem::take(&mut self.changes)
    }
}

/// A row's time.
struct Start {
    when: Option<When>,
    /// As the contract reads it, or as it stands where it can't be understood.
    text: String,
    is_sound: bool,
}

impl Obsdl {
    /// The time of a row, and the last day of its period.
    fn times(&mut self, row: &Row) -> (Start, String) {
        let weekday_at = self.heading.weekday_at;
        let of_time = |column: &usize| Some(*column) != weekday_at;
        let joined = |columns: std::ops::Range<usize>| {
            let mut text = String::new();
            for column in columns.filter(of_time) {
                text.push_str(if text.is_empty() { "" } else { " " });
                text.push_str(row.get(column));
            }
            text
        };
        let split = self.heading.end_at.unwrap_or(self.heading.lead);
        let written = joined(0..split);
        let when = When::parse(&written);
        let end = When::parse(&joined(split..self.heading.lead));
        let span = when.and_then(When::span);
        let text = match self.kind {
            Kind::TenMinutes | Kind::Hourly => when.and_then(When::instant),
            Kind::Daily => when
                .filter(|when| when.hour.is_none_or(|hour| hour == 0) && when.minute == 0)
                .and_then(When::date)
                .map(iso),
            Kind::Period => span.map(|(first, _)| iso(first)),
            Kind::Monthly => when
                .and_then(|when| Some((when, when.month?)))
                .map(|(when, month)| format!("{:04}-{month:02}", when.year)),
            Kind::Yearly => when.map(|when| format!("{:04}", when.year)),
        };
        let end = end.and_then(When::span).or(span).map(|(_, last)| iso(last));
        if let Some(text) = &text {
            let kind = if when.and_then(|when| when.hour) == Some(24) {
                Some(ChangeKind::Hour24)
            } else if (0..split).filter(of_time).count() > 1 {
                Some(ChangeKind::TimeJoined)
            } else {
                None
            };
            if let Some(kind) = kind {
                self.changes.of_cell(kind, (row.number(), ""), &written, text);
            }
        }
        let is_sound = text.is_some();
        (Start { when, text: text.unwrap_or(written), is_sound }, end.unwrap_or_default())
    }
}

/// What a row says of one station and element.
#[derive(Default)]
struct Read<'a> {
    origin: usize,
    value: &'a str,
    text: &'a str,
    quality: &'a str,
    number: &'a str,
    homogeneity: &'a str,
    absent: &'a str,
    mark: String,
    occurred: String,
    occurred_quality: &'a str,
    occurred_number: &'a str,
    direction: &'a str,
    direction_quality: &'a str,
    direction_number: &'a str,
}

fn read_group<'a>(
    group: &Group,
    row: &'a Row,
    when: Option<When>,
    changes: &mut Changes,
) -> Read<'a> {
    let cell = |column: Option<usize>| column.map_or("", |column| row.get(column));
    let columns = &group.columns;
    let marked = jma_marks::read(cell(columns.value), group.unit.is_sum);
    let number = cell(columns.number);
    let quality = match (columns.number, number) {
        // Downloads without quality numbers leave what is missing blank.
        (None, _) => Some(marked.quality.unwrap_or(Quality::Missing)),
        (Some(_), "") => marked.quality,
        (Some(_), number) => jma_marks::of_number(number),
    };
    let quality_of = |number: &'a str| quality_word(jma_marks::of_number(number), number);
    let is_text = match group.unit.sort {
        Sort::Number => false,
        Sort::Text => true,
        Sort::Unknown => marked.value.parse::<f64>().is_err(),
    };
    let (value, text) = if is_text { ("", marked.value) } else { (marked.value, "") };
    if !marked.mark.is_empty() || !number.is_empty() {
        changes.add(ChangeKind::QualityMark, || ChangeExample {
            row: Some(row.number()),
            column: Some(group.element.clone()),
            cell: None,
            before: if number.is_empty() { marked.mark.clone() } else { number.to_owned() },
            after: quality_word(quality, number).to_owned(),
        });
    }
    let occurred = jma_marks::read(cell(columns.occurred), false);
    let direction = jma_marks::read(cell(columns.direction), false);
    let faulty_number = quality.is_none() && !number.is_empty();
    Read {
        origin: if faulty_number { columns.number } else { columns.value }.unwrap_or(0),
        value,
        text,
        quality: quality_word(quality, number),
        number,
        homogeneity: cell(columns.homogeneity),
        absent: cell(columns.absent),
        mark: marked.mark,
        occurred: occurred_at(occurred.value, when),
        occurred_quality: quality_of(cell(columns.occurred_number)),
        occurred_number: cell(columns.occurred_number),
        direction: direction.value,
        direction_quality: quality_of(cell(columns.direction_number)),
        direction_number: cell(columns.direction_number),
    }
}

/// The time of an extreme: with its day, or as a time of the row's own day.
fn occurred_at(cell: &str, when: Option<When>) -> String {
    let whole = When::parse(cell).and_then(When::instant);
    let of_day = || {
        let date = when?.date()?;
        When::parse(&format!("{} {cell}", iso(date)))?.instant()
    };
    if cell.is_empty() {
        return String::new();
    }
    whole.or_else(of_day).unwrap_or_else(|| cell.to_owned())
}

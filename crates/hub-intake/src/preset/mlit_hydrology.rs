//! The Water Information System of Japan's Ministry of Land (水文水質データベース): the `.dat` files of level,
//! discharge and rain, by the hour (a month a file) and by the day (a year a file).
//!
//! A heading names the kind, the river and the gauge; each row then holds pairs of a value and a flag,
//! side by side. The tables are long, one row a value: `24時` ends its day, so hours name the end of their
//! interval. Values go by their flag and never by their number, but for the publisher's own `-9999`.

use std::mem;

use chrono::NaiveDate;
use hub_model::{ChangeExample, ChangeKind, Contract, LayoutReport, Quality, Text};

use super::{
    Context, Head, Layout, Preset,
    fields::quality_word,
    when::{When, days_in_month, iso},
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
    show::show_text,
};

mod contract;
#[cfg(test)]
mod tests;

/// One preset a kind, since units and intervals differ.
macro_rules! preset {
    ($name:ident, $id:literal, $ja:literal, $en:literal, $kind:expr) => {
        pub(super) const $name: Preset = Preset {
            id: $id,
            title: (
                concat!("国土交通省 水文水質データベース ", $ja),
                concat!("MLIT hydrology, ", $en),
            ),
            publisher: &super::publisher::HYDROLOGY,
            layout: Layout::Rows {
                recognise: |head| recognise(head, $kind),
                open: |context, rows| open(context, rows, $kind),
            },
        };
    };
}

preset!(
    HOURLY_LEVEL,
    "mlit_hydrology_hourly_level",
    "時刻水位月表",
    "hourly water level",
    Kind { hourly: true, item: Item::Level }
);
preset!(
    DAILY_LEVEL,
    "mlit_hydrology_daily_level",
    "日水位年表",
    "daily water level",
    Kind { hourly: false, item: Item::Level }
);
preset!(
    HOURLY_DISCHARGE,
    "mlit_hydrology_hourly_discharge",
    "時刻流量月表",
    "hourly discharge",
    Kind { hourly: true, item: Item::Discharge }
);
preset!(
    DAILY_DISCHARGE,
    "mlit_hydrology_daily_discharge",
    "日流量年表",
    "daily discharge",
    Kind { hourly: false, item: Item::Discharge }
);
preset!(
    HOURLY_RAIN,
    "mlit_hydrology_hourly_rain",
    "時刻雨量月表",
    "hourly rain",
    Kind { hourly: true, item: Item::Rain }
);
preset!(
    DAILY_RAIN,
    "mlit_hydrology_daily_rain",
    "日雨量年表",
    "daily rain",
    Kind { hourly: false, item: Item::Rain }
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Level,
    Discharge,
    Rain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    hourly: bool,
    item: Item,
}

/// How many rows at most stand before the data.
const HEADING: usize = 20;

/// The kind that a title such as `時刻流量月表検索結果` names.
fn kind_of(title: &str) -> Option<Kind> {
    let title = title.strip_suffix("検索結果").unwrap_or(title);
    let (hourly, rest) = match (title.strip_suffix("月表"), title.strip_suffix("年表")) {
        (Some(rest), _) => (true, rest.strip_prefix("時刻")?),
        (_, Some(rest)) => (false, rest.strip_prefix('日')?),
        _ => return None,
    };
    let item = match rest {
        "水位" => Item::Level,
        "流量" => Item::Discharge,
        "雨量" => Item::Rain,
        _ => return None,
    };
    Some(Kind { hourly, item })
}

fn recognise(head: &Head<'_>, kind: Kind) -> bool {
    let mut rows = head.rows.iter().filter(|row| !row.is_blank());
    rows.next().and_then(|row| kind_of(row.get(0))) == Some(kind)
        && rows.any(|row| row.get(0) == "観測所記号")
}

/// What the heading says of the gauge.
#[derive(Debug, Default)]
struct Site {
    water_system: String,
    river: String,
    name: String,
    code: String,
}

impl Site {
    /// Takes a row of the heading; false if it is none.
    fn take(&mut self, row: &Row) -> bool {
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

fn open(
    context: &Context<'_>,
    rows: &mut Ahead,
    kind: Kind,
) -> Result<Box<dyn Transform>, IntakeError> {
    let mut site = Site::default();
    let mut notes = Vec::new();
    let mut heading = (0, 1);
    for (index, row) in rows.peek(HEADING)?.iter().enumerate() {
        if site.take(row) {
            heading = (index + 1, row.number());
        }
    }
    let (count, last) = heading;
    for _ in 0..count {
        rows.next_row(&mut Row::default())?;
    }
    if !is_code(&site.code) {
        let named = context.file_name.map(|name| name.split(['_', '.']).next().unwrap_or(name));
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
    Ok(Box::new(Hydrology {
        contract: contract::contract(kind),
        kind,
        site,
        year: None,
        layout: LayoutReport { header_rows: Some((1, last)), notes, ..LayoutReport::default() },
        changes: Changes::default(),
    }))
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

struct Hydrology {
    contract: Contract,
    kind: Kind,
    site: Site,
    year: Option<i32>,
    layout: LayoutReport,
    changes: Changes,
}

impl Transform for Hydrology {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        let first = row.get(0);
        if row.is_blank() || first.starts_with('#') || self.is_heading(row) {
            return Ok(());
        }
        if self.kind.hourly {
            self.hours(row, out)
        } else {
            self.days(row, out)
        }
        Ok(())
    }

    fn layout(&self) -> LayoutReport {
        self.layout.clone()
    }

    fn changes(&mut self) -> Changes {
        mem::take(&mut self.changes)
    }
}

impl Hydrology {
    /// Files of one kind are sometimes joined end to end, each with its heading.
    fn is_heading(&mut self, row: &Row) -> bool {
        self.site.take(row)
            || kind_of(row.get(0)) == Some(self.kind)
            || (row.get(0).is_empty() && row.get(1).ends_with(['時', '日']))
    }

    fn hours(&mut self, row: &Row, out: &mut Output) {
        let date = When::parse(row.get(0)).and_then(When::date);
        for hour in 1..=24u32 {
            let column = hour as usize * 2 - 1;
            let end = date.and_then(|day| hour_end(day, hour));
            let raw = || format!("{} {hour:02}:00", row.get(0));
            let time = end.unwrap_or_else(raw);
            if self.pair(row, column, &time, out) && hour == 24 {
                self.changes.add(ChangeKind::Hour24, || ChangeExample {
                    row: Some(row.number()),
                    column: Some("24時".to_owned()),
                    cell: None,
                    before: raw(),
                    after: time.clone(),
                });
            }
        }
        self.leftover(row, 49, out);
    }

    fn days(&mut self, row: &Row, out: &mut Output) {
        let first = row.get(0);
        if let Some(year) = first.strip_suffix('年').and_then(|year| year.parse().ok()) {
            self.year = Some(year);
            return;
        }
        let month = first.strip_suffix('月').and_then(|month| month.parse::<u32>().ok());
        let days = self.year.zip(month).and_then(|(year, month)| days_in_month(year, month));
        let (Some(year), Some(month), Some(days)) = (self.year, month, days) else {
            return self.raw(row, 1, first, out);
        };
        for day in 1..=days {
            if let Some(date) = NaiveDate::from_ymd_opt(year, month, day) {
                self.pair(row, day as usize * 2 - 1, &iso(date), out);
            }
        }
        // The month's mean follows its last day where there is one, and no day of the month is left.
        let mean = days as usize * 2 + 1;
        if !row.get(mean).is_empty() && (mean + 2..row.len()).all(|at| row.get(at).is_empty()) {
            self.changes.add(ChangeKind::LeftOut, || ChangeExample {
                row: Some(row.number()),
                column: Some("月平均".to_owned()),
                cell: None,
                before: row.get(mean).to_owned(),
                after: String::new(),
            });
        } else {
            self.leftover(row, mean, out);
        }
    }

    /// What stands beyond the last pair that there can be is shown as it is.
    fn leftover(&mut self, row: &Row, from: usize, out: &mut Output) {
        if let Some(column) = (from..row.len()).find(|column| !row.get(*column).is_empty()) {
            let cell = row.get(column).to_owned();
            self.raw(row, column, &cell, out);
        }
    }

    /// A row of the table that the report will find fault with, at this cell.
    fn raw(&mut self, row: &Row, column: usize, cell: &str, out: &mut Output) {
        let column = if cell == row.get(0) { 0 } else { column };
        self.push(row, column, cell, ("", "", ""), out);
    }

    /// One value with its flag; false where the file says nothing at all.
    fn pair(&mut self, row: &Row, column: usize, time: &str, out: &mut Output) -> bool {
        let (cell, flag) = (row.get(column), row.get(column + 1));
        if cell.is_empty() && flag.is_empty() {
            return false;
        }
        let none = is_none(cell);
        let quality = match flag {
            "" if none => Some(Quality::Missing),
            "" => Some(Quality::Normal),
            "*" if none => Some(Quality::Missing),
            "*" => Some(Quality::Provisional),
            "$" | "-" => Some(Quality::Missing),
            "#" => Some(Quality::Closed),
            _ => None,
        };
        let has_value =
            matches!(quality, Some(Quality::Normal | Quality::Provisional)) || quality.is_none();
        let value = if has_value && !none { cell } else { "" };
        if !flag.is_empty() {
            self.changes.add(ChangeKind::QualityMark, || ChangeExample {
                row: Some(row.number()),
                column: Some(time.to_owned()),
                cell: None,
                before: flag.to_owned(),
                after: quality_word(quality, flag).to_owned(),
            });
        }
        if value.is_empty() && !cell.is_empty() {
            self.changes.add(ChangeKind::MissingMark, || ChangeExample {
                row: Some(row.number()),
                column: Some(time.to_owned()),
                cell: None,
                before: cell.to_owned(),
                after: String::new(),
            });
        }
        self.changes.count(ChangeKind::Reshaped, 1);
        let origin = if quality.is_none() { column + 1 } else { column };
        let word = quality_word(quality, flag);
        self.push(row, origin, time, (value, word, flag), out);
        true
    }

    fn push(
        &self,
        row: &Row,
        column: usize,
        time: &str,
        (value, quality, flag): (&str, &str, &str),
        out: &mut Output,
    ) {
        let Site { water_system, river, name, code } = &self.site;
        let cells = [time, code, name, water_system, river, value, quality, flag];
        out.push(row.number(), Some(column), &cells);
    }
}

/// Whether a cell says that there is no value: blank, or -9999 with any fraction of zeros.
fn is_none(cell: &str) -> bool {
    let rest = cell.strip_prefix("-9999").map(|rest| rest.trim_start_matches('.'));
    cell.is_empty() || rest.is_some_and(|rest| rest.bytes().all(|b| b == b'0'))
}

/// The end of a day's nth hour.
fn hour_end(day: NaiveDate, hour: u32) -> Option<String> {
    let end = day.and_hms_opt(0, 0, 0)? + chrono::TimeDelta::hours(i64::from(hour));
    Some(end.format("%Y-%m-%d %H:%M:%S").to_string())
}

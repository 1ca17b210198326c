//! The Water Information System of Japan's Ministry of Land (水文水質データベース): the `.dat` files of level,
//! discharge and rain, by the hour (a month a file) and by the day (a year a file).
//!
//! A heading names the kind, the river and the gauge; each row then holds pairs of a value and a flag,
//! side by side. The tables are long, one row a value: `24時` ends its day, so hours name the end of their
//! interval. Values go by their flag and never by their number, but for the publisher's own `-9999`.

use std::mem;

use chrono::NaiveDate;
use hub_model::{ChangeKind, Contract, LayoutReport, Quality};

use super::{
    Context, Head, Layout, Preset, quality_word,
    when::{self, days_in_month, iso},
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row},
};

mod contract;
mod heading;
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

/// The kind that a title such as `時刻流量月表検索結果` or `任意期間時刻水位検索結果` names.
fn kind_of(title: &str) -> Option<Kind> {
    let title = title.strip_suffix("検索結果").unwrap_or(title);
    let title = title.strip_prefix("任意期間").unwrap_or(title);
    let (hourly, rest) = match (title.strip_prefix("時刻"), title.strip_prefix('日')) {
        (Some(rest), _) => (true, rest.strip_suffix("月表").unwrap_or(rest)),
        (_, Some(rest)) => (false, rest.strip_suffix("年表").unwrap_or(rest)),
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

fn open(
    context: &Context<'_>,
    rows: &mut Ahead,
    kind: Kind,
) -> Result<Box<dyn Transform>, IntakeError> {
    let (site, layout) = heading::read(context.file_name, rows)?;
    let contract = contract::contract(kind);
    Ok(Box::new(Hydrology {
        contract,
        kind,
        site,
        year: None,
        layout,
        changes: Changes::default(),
    }))
}

struct Hydrology {
    contract: Contract,
    kind: Kind,
    site: heading::Site,
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
        if heading::is_said(row) {
            self.left_out(row, first, first);
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
            || (!row.get(0).starts_with(|c: char| c.is_ascii_digit())
                && row.get(1).ends_with(['時', '日']))
    }

    /// Counts a row or a cell that is left out.
    fn left_out(&mut self, row: &Row, column: &str, cell: &str) {
        self.changes.of_cell(ChangeKind::LeftOut, (row.number(), column), cell, "");
    }

    fn hours(&mut self, row: &Row, out: &mut Output) {
        let date = when::day(row.get(0));
        // Files of a period that was asked for have a row an hour.
        if row.get(1).contains([':', '時']) {
            let time =
                date.zip(when::clock(row.get(1))).and_then(|(day, at)| when::instant(day, at));
            let time = time.unwrap_or_else(|| format!("{} {}", row.get(0), row.get(1)));
            self.pair(row, 2, &time, out);
            return self.leftover(row, 4, out);
        }
        for hour in 1..=24u32 {
            let column = hour as usize * 2 - 1;
            let end = date.and_then(|day| hour_end(day, hour));
            let raw = || format!("{} {hour:02}:00", row.get(0));
            let time = end.unwrap_or_else(raw);
            if self.pair(row, column, &time, out) && hour == 24 {
                self.changes.of_cell(ChangeKind::Hour24, (row.number(), "24時"), &raw(), &time);
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
        if let Some(date) = when::day(first) {
            self.pair(row, 1, &iso(date), out);
            return self.leftover(row, 3, out);
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
        // Behind the last day there may be days that the month has not, without values, and the month's
        // mean, behind its own last day or where the 32nd would be.
        let own = days as usize * 2 + 1;
        let mut beyond = (own..row.len()).step_by(2).filter(|column| {
            let (cell, flag) = (row.get(*column), row.get(*column + 1));
            !is_none(cell) && !matches!(flag, "$" | "-" | "#") || !is_flag(flag)
        });
        match (beyond.next(), beyond.next()) {
            (None, _) => {}
            (Some(column), None) if column == own || column == MEAN => {
                self.left_out(row, "月平均", row.get(column));
            }
            (Some(column), _) => self.leftover(row, column, out),
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
            self.changes.of_cell(
                ChangeKind::QualityMark,
                (row.number(), time),
                flag,
                quality_word(quality, flag),
            );
        }
        if value.is_empty() && !cell.is_empty() {
            self.changes.of_cell(ChangeKind::MissingMark, (row.number(), time), cell, "");
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
        let heading::Site { water_system, river, name, code } = &self.site;
        let cells = [time, code, name, water_system, river, value, quality, flag];
        out.push(row.number(), Some(column), &cells);
    }
}

/// Where the mean stands of a month that has 31 days, or is filled up to them.
const MEAN: usize = 63;

/// Whether a cell is one of the publisher's flags, or none.
fn is_flag(cell: &str) -> bool {
    matches!(cell, "" | "*" | "$" | "#" | "-")
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

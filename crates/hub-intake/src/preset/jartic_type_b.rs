//! JARTIC's cross-section traffic in the "type B" layout: one row a counter and interval, with nine
//! columns, or ten (a link version) since February 2018. Texts are CP932.
//!
//! The table keeps the file's columns, which never vary. Volumes are of five minutes as a rule; files that
//! were summed to hours by those who pass them on are told by their times, as no column says so. The time
//! is an interval's start: the publisher cuts minutes down to the five that they lie in.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use hub_model::{ChangeKind, Contract, FieldRole, FieldType, Label, LayoutReport, Quality, Text};
use unicode_normalization::UnicodeNormalization;

use super::{
    Context, Head, Layout, Preset,
    column::{self, Describe, count, quality, text},
    heading::{Heading, cell, fold},
    when,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub(super) const PRESET: Preset = Preset {
    id: "jartic_type_b",
    title: ("JARTIC 断面交通量 タイプB", "JARTIC cross-section traffic, type B"),
    publisher: &super::publisher::JARTIC,
    layout: Layout::Rows { recognise, open },
};

/// How many rows are looked at for a second time: all counters of a region have a row before it.
const LOOKED_AT: usize = 20_000;

const MESH2: &str = "[2-7][0-9][2-5][0-9][0-7]{2}";

/// Whether a text is as [`MESH2`].
fn is_mesh2(text: &str) -> bool {
    let ranges = [b'2'..=b'7', b'0'..=b'9', b'2'..=b'5', b'0'..=b'9', b'0'..=b'7', b'0'..=b'7'];
    text.len() == 6 && text.bytes().zip(ranges).all(|(byte, range)| range.contains(&byte))
}

/// Where a file's cells are.
struct Columns {
    time: usize,
    /// The time of day, where it has a column of its own.
    clock: Option<usize>,
    source: usize,
    point: usize,
    name: usize,
    mesh: usize,
    link_kind: usize,
    link: usize,
    volume: usize,
    distance: Option<usize>,
    version: Option<usize>,
}

impl Columns {
    fn find(row: &Row) -> Option<Self> {
        let heading = Heading::of(row);
        let day = heading.find(&["年月日", "日付", "観測年月日"]);
        let time = heading.find(&["時刻", "日時", "時間"])?;
        let distance = heading.names().iter().position(|n| n.starts_with("リンク終端からの距離"));
        Some(Self {
            time: day.unwrap_or(time),
            clock: day.map(|_| time),
            source: heading.find(&["情報源コード"])?,
            point: heading.find(&["計測地点番号"])?,
            name: heading.find(&["計測地点名称", "計測地点名"])?,
            mesh: heading.find(&["2次メッシュコード", "2次メッシュ番号"])?,
            link_kind: heading.find(&["リンク区分"])?,
            link: heading.find(&["リンク番号", "交通管理リンク番号"])?,
            volume: heading.find(&["断面交通量"])?,
            distance,
            version: heading.find(&["リンクバージョン"]),
        })
    }

    fn time(&self, row: &Row) -> Option<NaiveDateTime> {
        let whole = row.get(self.time);
        let (day, clock) = match self.clock {
            Some(clock) => (whole, row.get(clock)),
            None => whole.split_once([' ', 'T', '　']).unwrap_or((whole, "")),
        };
        let (day, (hour, minute)) = (when::day(day)?, when::clock(clock)?);
        let day: NaiveDate = if hour == 24 { day.succ_opt()? } else { day };
        Some(day.and_time(NaiveTime::from_hms_opt(hour % 24, minute, 0)?))
    }
}

fn recognise(head: &Head<'_>) -> bool {
    head.rows
        .iter()
        .find(|row| !row.is_blank())
        .is_some_and(|row| row.len() <= 12 && Columns::find(row).is_some())
}

fn open(_context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let mut row = Row::default();
    while rows.next_row(&mut row)? && row.is_blank() {}
    let Some(columns) = Columns::find(&row) else {
        return Err(super::not_the_layout("JARTIC 断面交通量 タイプB", "JARTIC type B"));
    };
    let interval = interval(&columns, rows)?;
    Ok(Box::new(TypeB {
        contract: contract(interval),
        columns,
        interval,
        header: row.number(),
        changes: Changes::default(),
    }))
}

/// How long the file's intervals are: the least step between its times, or what a single time shows.
fn interval(columns: &Columns, rows: &mut Ahead) -> Result<Option<&'static str>, IntakeError> {
    let mut times = BTreeSet::new();
    let mut looked = 0;
    // A file with several times shows so early or after all of its counters.
    for count in [500, LOOKED_AT] {
        let seen = rows.peek(count)?;
        times.extend(seen[looked..].iter().filter_map(|row| columns.time(row)));
        looked = seen.len();
        if times.len() > 1 {
            break;
        }
    }
    let steps = times.iter().zip(times.iter().skip(1)).map(|(a, b)| (*b - *a).num_minutes());
    Ok(match steps.min() {
        Some(minutes) if minutes % 60 == 0 => Some("PT1H"),
        Some(minutes) if minutes % 15 == 0 => Some("PT15M"),
        Some(_) => Some("PT5M"),
        None => times.iter().any(|time| time.minute() != 0).then_some("PT5M"),
    })
}

fn contract(interval: Option<&'static str>) -> Contract {
    let unit = match interval {
        Some("PT1H") => "{vehicles}/h",
        Some("PT15M") => "{vehicles}/(15.min)",
        Some(_) => "{vehicles}/(5.min)",
        None => "{vehicles}",
    };
    let length = interval.map(|length| (length, Label::Start));
    Contract {
        fields: vec![
            column::time("時刻", "time", FieldType::Datetime, length),
            text("情報源コード", "source_code").role(FieldRole::Key),
            text("計測地点番号", "point_number").role(FieldRole::Key),
            text("計測地点名称", "point_name"),
            // Latitude × 1.5 and longitude − 100 of Japan, then an eighth of each.
            text("2次メッシュコード", "mesh2").role(FieldRole::Place).pattern(MESH2),
            text("リンク区分", "link_kind"),
            text("リンク番号", "link_number"),
            count("断面交通量", "volume").value(unit),
            quality("断面交通量の品質", "volume_quality", "断面交通量").required(),
            text("リンク終端からの距離（×10m）", "distance_from_link_end"),
            text("リンクバージョン", "link_version"),
        ],
        primary_key: ["情報源コード", "計測地点番号", "時刻"].map(str::to_owned).into(),
        missing_values: vec![String::new()],
    }
}

struct TypeB {
    contract: Contract,
    columns: Columns,
    interval: Option<&'static str>,
    header: u64,
    changes: Changes,
}

impl Transform for TypeB {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let notes = if self.interval.is_none() {
            vec![Text::new(
                "時刻が1つしかないので、区間の長さは分かりません。契約で確かめてください",
                "there is only one time, so the interval's length is not known; say it in the contract",
            )]
        } else {
            Vec::new()
        };
        LayoutReport {
            header_rows: Some((self.header, self.header)),
            notes,
            ..LayoutReport::default()
        }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() {
            return Ok(());
        }
        let columns = &self.columns;
        let written = match columns.clock {
            Some(clock) => format!("{} {}", row.get(columns.time), row.get(clock)),
            None => row.get(columns.time).to_owned(),
        };
        let read = columns.time(row);
        let time = match read {
            Some(time) => time.format("%Y-%m-%d %H:%M:%S").to_string(),
            None => written.clone(),
        };
        let kind = match columns.clock {
            _ if written.contains("24:") || written.contains("24時") => Some(ChangeKind::Hour24),
            Some(_) => Some(ChangeKind::TimeJoined),
            None => None,
        };
        if let Some(kind) = kind.filter(|_| time != written) {
            self.changes.of_cell(kind, (row.number(), "時刻"), &written, &time);
        }
        // The same counter is written in full width and half width in files of different months.
        let name = row.get(columns.name);
        let plain: String = name.nfkc().collect();
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        if plain != name {
            self.changes.of_cell(
                ChangeKind::FullWidth,
                (row.number(), "計測地点名称"),
                name,
                &plain,
            );
        }
        let volume = row.get(columns.volume);
        let quality = if volume.is_empty() { Quality::Missing } else { Quality::Normal };
        let mesh = fold(row.get(columns.mesh));
        let cells = [
            time.as_str(),
            row.get(columns.source),
            row.get(columns.point),
            &plain,
            &mesh,
            row.get(columns.link_kind),
            row.get(columns.link),
            volume,
            quality.as_str(),
            cell(row, columns.distance),
            cell(row, columns.version),
        ];
        // The cell to look at if the row is found wrong.
        let origin = match read {
            None => columns.time,
            Some(_) if !mesh.is_empty() && !is_mesh2(&mesh) => columns.mesh,
            Some(_) => columns.volume,
        };
        out.push(row.number(), Some(origin), &cells);
        Ok(())
    }
}

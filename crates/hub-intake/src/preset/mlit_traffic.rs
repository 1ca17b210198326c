//! Traffic volumes of national roads, as MLIT's counters give them through JARTIC: by 5 minutes, by hour,
//! or summed by day.
//!
//! Each row of the file has both directions side by side; the table has a row a counter, time and
//! direction, so that volumes, the share of heavy vehicles, quality and coverage each are one column,
//! and a direction whose volumes are missing takes nothing from the other. Published volumes stay as they
//! are, and so do the flags. Where the ultrasonic sensor fails, every vehicle counts as unclassified: the
//! total is as good as ever and the classes are doubtful.

mod answer;
mod layout;
#[cfg(test)]
mod tests;

use hub_model::{ChangeExample, ChangeKind, Contract, LayoutReport, Quality};
use layout::{Columns, Direction};

use super::{Context, Head, Layout, Preset, heading::cell, when};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub(super) const FIVE_MINUTES: Preset = Preset {
    id: "mlit_traffic_5m",
    title: ("国土交通省・JARTIC 交通量（5分間）", "MLIT and JARTIC traffic volumes, 5 minutes"),
    publisher: &super::publisher::JARTIC,
    layout: Layout::Rows {
        recognise: |head| kind_of(head) == Some(Kind::FiveMinutes),
        open: |context, rows| open(Kind::FiveMinutes, context, rows),
    },
};

pub(super) const HOURLY: Preset = Preset {
    id: "mlit_traffic_hourly",
    title: ("国土交通省・JARTIC 交通量（1時間）", "MLIT and JARTIC traffic volumes, hourly"),
    publisher: &super::publisher::JARTIC,
    layout: Layout::Rows {
        recognise: |head| kind_of(head) == Some(Kind::Hourly),
        open: |context, rows| open(Kind::Hourly, context, rows),
    },
};

pub(super) const DAILY: Preset = Preset {
    id: "mlit_traffic_daily",
    title: ("国土交通省・JARTIC 交通量（日合計）", "MLIT and JARTIC traffic volumes, daily sums"),
    publisher: &super::publisher::JARTIC,
    layout: Layout::Rows {
        recognise: |head| kind_of(head) == Some(Kind::Daily),
        open: |context, rows| open(Kind::Daily, context, rows),
    },
};

/// What a row's volumes are counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    FiveMinutes,
    Hourly,
    Daily,
}

/// The layout of a file that begins like one of the publisher's, by what its rows say of themselves
/// before what it is called.
fn kind_of(head: &Head<'_>) -> Option<Kind> {
    let first = head.rows.iter().position(|row| !row.is_blank())?;
    let answer = answer::rows(&head.rows[first]).map(|answer| answer.head(head.rows.len().max(20)));
    let rows = answer.as_deref().unwrap_or(&head.rows[first..]);
    let mut rows = rows.iter().filter(|row| !row.is_blank());
    let columns = Columns::find(rows.next()?)?;
    if columns.clock.is_none() && columns.time_code.is_none() {
        return Some(Kind::Daily);
    }
    let mut hourly = false;
    for row in rows {
        if columns.time(row).is_some_and(|(_, (_, minute))| minute != 0) {
            return Some(Kind::FiveMinutes);
        }
        hourly |= cell(row, columns.flag) == "2";
    }
    let name = head.file_name.unwrap_or_default().to_lowercase();
    let named_hourly = ["_1h", "1h_", "-1h", "hourly", "1時間"].iter().any(|n| name.contains(n));
    Some(if hourly || named_hourly { Kind::Hourly } else { Kind::FiveMinutes })
}

fn open(
    kind: Kind,
    _context: &Context<'_>,
    rows: &mut Ahead,
) -> Result<Box<dyn Transform>, IntakeError> {
    let mut row = Row::default();
    while rows.next_row(&mut row)? {
        if row.is_blank() {
            continue;
        }
        if let Some(answer) = answer::rows(&row) {
            *rows = Ahead::new(Box::new(answer));
            continue;
        }
        if let Some(columns) = Columns::find(&row) {
            let header = row.number();
            let changes = Changes::default();
            let contract = layout::contract(kind);
            return Ok(Box::new(Traffic { kind, columns, contract, header, changes }));
        }
        break;
    }
    Err(super::not_the_layout("交通量", "traffic volumes"))
}

struct Traffic {
    kind: Kind,
    columns: Columns,
    contract: Contract,
    header: u64,
    changes: Changes,
}

impl Transform for Traffic {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        LayoutReport {
            header_rows: Some((self.header, self.header)),
            notes: super::unused_columns(&self.columns.unused),
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
        let time = self.time(row);
        let place = self.columns.place(row);
        for index in 0..self.columns.directions.len() {
            let direction = self.columns.directions[index].clone();
            self.push(row, &direction, &time, &place, out);
        }
        self.changes.count(ChangeKind::Reshaped, 1);
        Ok(())
    }
}

/// A row's time as the table has it; as it stands, and the column to look at, where it is not understood.
struct Time {
    text: String,
    wrong: Option<usize>,
}

/// The volumes of a direction, read.
struct Volumes<'r> {
    cells: [&'r str; 3],
    total: String,
    /// The column of the first cell that is no count, or of the first volume.
    origin: Option<usize>,
    empty: usize,
}

impl Traffic {
    fn time(&mut self, row: &Row) -> Time {
        let columns = &self.columns;
        if self.kind == Kind::Daily {
            let text = cell(row, columns.day);
            return match when::day(text) {
                Some(day) => Time { text: day.to_string(), wrong: None },
                None => Time { text: text.to_owned(), wrong: columns.day },
            };
        }
        let written = format!("{} {}", cell(row, columns.day), cell(row, columns.clock));
        let read = columns.time(row).and_then(|(day, clock)| when::instant(day, clock));
        let Some(time) = read else {
            let wrong = match when::day(cell(row, columns.day)) {
                Some(_) => columns.clock.or(columns.time_code),
                None => columns.day,
            };
            return Time { text: written, wrong };
        };
        if columns.clock.is_some() {
            self.changes.add(ChangeKind::TimeJoined, || ChangeExample {
                row: Some(row.number()),
                column: Some("観測年月日・時間帯".to_owned()),
                cell: None,
                before: written,
                after: time.clone(),
            });
        }
        Time { text: time, wrong: None }
    }

    fn push(
        &mut self,
        row: &Row,
        direction: &Direction,
        time: &Time,
        place: &(String, String),
        out: &mut Output,
    ) {
        let columns = &self.columns;
        let volumes = volumes(row, direction);
        let flags = direction.flags.map(|column| cell(row, column));
        let counts = flags.map(|flag| flag.parse::<i64>().unwrap_or(0).clamp(0, 1_000_000));
        let [_, _, _, missing] = counts;
        let taken: Option<i64> = cell(row, columns.count).parse().ok().filter(|n| *n >= 0);
        let expected: i64 = if cell(row, columns.flag) == "2" { 24 } else { 288 };
        let troubled = columns.trouble(row);
        let (total_quality, class_quality) = match self.kind {
            Kind::Daily => daily_quality(&volumes, counts, taken, expected),
            _ => quality(&volumes, counts, troubled),
        };
        if counts.iter().any(|count| *count > 0) || troubled {
            self.changes.add(ChangeKind::QualityMark, || ChangeExample {
                row: Some(row.number()),
                column: Some(direction.word.to_owned()),
                cell: None,
                before: layout::shown_flags(flags),
                after: format!("{} / {}", total_quality.as_str(), class_quality.as_str()),
            });
        }
        let [small, large, unclassified] = volumes.cells;
        let present = taken.map(|taken| (taken - missing).max(0).to_string());
        let present = present.unwrap_or_default();
        let expected = expected.to_string();
        let mut cells: Vec<&str> = vec![
            cell(row, columns.counter),
            &time.text,
            direction.word,
            small,
            large,
            unclassified,
            &volumes.total,
            total_quality.as_str(),
            class_quality.as_str(),
        ];
        if self.kind == Kind::Daily {
            cells.extend([present.as_str(), expected.as_str()]);
        }
        cells.extend(flags);
        cells.extend(columns.said(row));
        cells.extend([place.0.as_str(), place.1.as_str()]);
        cells.extend(columns.camera(row));
        out.push(row.number(), time.wrong.or(volumes.origin), &cells);
    }
}

/// A direction's volumes; the total is the published one, or the classes' sum where all are there.
fn volumes<'r>(row: &'r Row, direction: &Direction) -> Volumes<'r> {
    let cells = direction.volumes.map(|column| cell(row, column));
    let empty = cells.iter().filter(|text| text.is_empty()).count();
    let read = cells.map(|text| text.parse::<i64>().ok().filter(|n| (0..1 << 40).contains(n)));
    let wrong = (0..3).find(|at| !cells[*at].is_empty() && read[*at].is_none());
    let published = cell(row, direction.total);
    let total = match (read, published) {
        // A total of nothing is published as 0; it is missing.
        _ if empty == 3 && (published == "0" || published.is_empty()) => String::new(),
        (_, published) if !published.is_empty() => published.to_owned(),
        ([Some(small), Some(large), Some(unclassified)], _) => {
            (small + large + unclassified).to_string()
        }
        _ => String::new(),
    };
    let origin = match wrong {
        Some(at) => direction.volumes[at],
        None if empty == 3 => direction.total.or(direction.volumes[0]),
        None => direction.volumes[0],
    };
    Volumes { cells, total, origin, empty }
}

/// How good an interval's total and classes are.
fn quality(volumes: &Volumes<'_>, flags: [i64; 4], troubled: bool) -> (Quality, Quality) {
    let [power, sensor, ultrasonic, missing] = flags;
    let total = if volumes.empty == 3 && volumes.total.is_empty() {
        Quality::Missing
    } else if power > 0 || sensor > 0 || missing > 0 || troubled {
        Quality::Doubtful
    } else if volumes.total.is_empty() {
        Quality::Insufficient
    } else {
        Quality::Normal
    };
    let classes = match total {
        _ if volumes.empty == 3 => Quality::Missing,
        Quality::Normal if ultrasonic > 0 => Quality::Doubtful,
        total => total,
    };
    (total, classes)
}

/// How good a day's total and classes are, by how many of its intervals they stand for.
fn daily_quality(
    volumes: &Volumes<'_>,
    flags: [i64; 4],
    taken: Option<i64>,
    expected: i64,
) -> (Quality, Quality) {
    let [power, sensor, ultrasonic, missing] = flags;
    if volumes.empty == 3 {
        let total = if volumes.total.is_empty() { Quality::Missing } else { Quality::Doubtful };
        return (total, Quality::Missing);
    }
    // Without a count of intervals, all of them are taken to be there.
    let sound = taken.unwrap_or(expected) - missing - power - sensor;
    let by_share = |sound: i64| match sound {
        _ if sound >= expected => Quality::Normal,
        // Four fifths of the intervals.
        _ if sound * 5 >= expected * 4 => Quality::QuasiNormal,
        1.. => Quality::Insufficient,
        _ => Quality::Doubtful,
    };
    (by_share(sound), by_share(sound - ultrasonic))
}

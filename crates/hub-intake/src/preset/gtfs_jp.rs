//! One table of a bus or rail timetable feed in GTFS, with the tables that GTFS-JP adds. UTF-8, one file a
//! table: `stops.txt`, `stop_times.txt`, `routes_jp.txt`, …
//!
//! The table has the file's columns under their own names, which are ASCII already. Days become dates.
//! Times of day pass 24:00 where a service runs into the next day, so they stay texts, always of two-digit
//! hours so that they sort, and stand again as seconds from the service day's beginning in a column of
//! their own. Which tables a feed has, and how they hang together, is the feed's business, not this.

mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use hub_model::{Contract, Field, FieldRole, FieldType, LayoutReport, Text};

use tables::{Form, Table};

use super::{
    Context, Head, Layout, Preset,
    column::{self, Describe, count, text},
    heading::Heading,
    when,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub use tables::GtfsLink;
pub(crate) use tables::{TABLES, links};

pub(super) const PRESET: Preset = Preset {
    id: "gtfs_jp",
    title: ("GTFS-JP（標準的なバス情報フォーマット）", "GTFS-JP timetable feed"),
    publisher: &super::publisher::OPERATOR,
    layout: Layout::Rows { recognise, open },
};

/// The table that a file of this name is.
fn table_of(file_name: Option<&str>) -> Option<&'static Table> {
    let stem = file_name?.to_ascii_lowercase();
    let stem = stem.strip_suffix(".txt").or_else(|| stem.strip_suffix(".csv"))?;
    TABLES.iter().find(|table| table.name == stem)
}

fn heading_of(row: &Row) -> Vec<String> {
    Heading::of(row).names().iter().map(|name| name.to_ascii_lowercase()).collect()
}

fn recognise(head: &Head<'_>) -> bool {
    let Some(table) = table_of(head.file_name) else { return false };
    head.rows.iter().find(|row| !row.is_blank()).is_some_and(|row| has_required(table, row))
}

fn has_required(table: &Table, row: &Row) -> bool {
    let names = heading_of(row);
    table.required.iter().all(|name| names.iter().any(|found| found == name))
}

fn open(context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let mut header = Row::default();
    while rows.next_row(&mut header)? && header.is_blank() {}
    let table = table_of(context.file_name).filter(|table| has_required(table, &header));
    let Some(table) = table else {
        return Err(super::not_the_layout("GTFS-JP", "GTFS-JP"));
    };
    let names = heading_of(&header);
    let has_key =
        !table.key.is_empty() && table.key.iter().all(|key| names.iter().any(|n| n == key));
    let key: &[&str] = if has_key { table.key } else { &[] };
    let mut columns = Vec::new();
    let mut fields = Vec::new();
    let mut taken = HashSet::new();
    let mut unused = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if !column::is_usable(name) || !taken.insert(name.clone()) {
            unused.extend((!name.is_empty()).then(|| name.clone()));
            continue;
        }
        let form = tables::form(name);
        let mut field = tables::field(table.name, name, form);
        if key.contains(&name.as_str()) {
            field = if field.role == FieldRole::Time { field } else { field.role(FieldRole::Key) };
        }
        fields.push(field);
        columns.push((at, form));
    }
    let seconds: Vec<usize> =
        (0..columns.len()).filter(|at| columns[*at].1 == Form::Clock).collect();
    for at in &seconds {
        let name = fields[*at].name.replace("_time", "_seconds");
        let field = count(&name, &name).unit("s");
        fields.push(
            field.described("営業日の0時からの秒。 Seconds from the service day's beginning."),
        );
    }
    let mut notes = super::unused_columns(&unused);
    notes.extend(agency_note(table, &names, rows.peek(20)?));
    let primary_key = key.iter().map(|name| (*name).to_owned()).collect();
    let contract = Contract { fields, primary_key, missing_values: vec![String::new()] };
    let header = header.number();
    Ok(Box::new(Feed { contract, columns, seconds, header, notes, changes: Changes::default() }))
}

/// GTFS-JP names an agency by its 法人番号.
fn agency_note(table: &Table, names: &[String], rows: &[Row]) -> Option<Text> {
    if table.name != "agency" {
        return None;
    }
    let at = names.iter().position(|name| name == "agency_id")?;
    let wrong = rows.iter().map(|row| row.get(at)).find(|id| {
        let number = id.split('_').next().unwrap_or_default();
        !id.is_empty() && !is_corporate_number(number)
    })?;
    let wrong = crate::show::show_text(wrong);
    Some(Text::new(
        format!("事業者ID「{wrong}」は法人番号（検査数字を含む13桁）ではありません"),
        format!(
            "the agency id {wrong:?} is no corporate number (13 digits, the first a check digit)"
        ),
    ))
}

/// Whether a text is a 法人番号: the first of 13 digits is 9 less the remainder by 9 of the others' sum,
/// every second from the right counted twice.
fn is_corporate_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 13 || text.len() != 13 {
        return false;
    }
    let sum: u32 = digits[1..]
        .iter()
        .rev()
        .zip([1, 2].iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    digits[0] == 9 - sum % 9
}

struct Feed {
    contract: Contract,
    columns: Vec<(usize, Form)>,
    /// Which of the columns are times of day.
    seconds: Vec<usize>,
    header: u64,
    notes: Vec<Text>,
    changes: Changes,
}

impl Transform for Feed {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let header_rows = Some((self.header, self.header));
        LayoutReport { header_rows, notes: self.notes.clone(), ..LayoutReport::default() }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() {
            return Ok(());
        }
        let mut origin = None;
        let mut cells: Vec<String> = Vec::with_capacity(self.contract.fields.len());
        for (at, form) in &self.columns {
            let text = row.get(*at);
            let read = match form {
                _ if text.is_empty() => Some(String::new()),
                Form::Day => when::day(text).map(|day| day.to_string()),
                Form::Clock => clock(text)
                    .map(|(hour, minute, second)| format!("{hour:02}:{minute:02}:{second:02}")),
                _ => Some(text.to_owned()),
            };
            if read.is_none() {
                origin = origin.or(Some(*at));
            }
            cells.push(read.unwrap_or_else(|| text.to_owned()));
        }
        for column in &self.seconds {
            let seconds = clock(row.get(self.columns[*column].0))
                .map(|(hour, minute, second)| (hour * 3_600 + minute * 60 + second).to_string());
            cells.push(seconds.unwrap_or_default());
        }
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let first = self.columns.first().map_or(0, |(at, _)| *at);
        out.push(row.number(), Some(origin.unwrap_or(first)), &cells);
        Ok(())
    }
}

/// `8:05:00`, `25:10:00`; days of more than 99 hours are none.
fn clock(text: &str) -> Option<(u32, u32, u32)> {
    let (hour, rest) = when::digits(text, 2)?;
    let (minute, rest) = when::digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = when::digits(rest.strip_prefix(':')?, 2)?;
    (rest.is_empty() && minute < 60 && second < 60).then_some((hour, minute, second))
}

/// A column that no rule is known for.
fn plain(name: &str) -> Field {
    text(name, name)
}

fn typed(name: &str, field_type: FieldType) -> Field {
    Field::new(name, field_type)
}

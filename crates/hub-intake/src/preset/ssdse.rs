//! SSDSE, the standard data sets for education of the National Statistics Center: A (municipalities), B
//! (prefectures by year), C (spending), D (use of time) and E (prefectures). CP932, two or three rows of
//! headings: codes of items, in A and E the year of each, and names.
//!
//! The table is long, a row an area, item and year: each edition has other items and other years, so a
//! wide table would be another contract every year, and a question over two editions another join.
//! Areas have the six digits that join, made of the publisher's `R01400`.

#[cfg(test)]
mod tests;

use hub_model::{
    ChangeExample, ChangeKind, Contract, FieldRole, FieldType, Label, LayoutReport,
    municipality_code,
};

use super::{
    Context, Head, Layout, Preset, civil,
    column::{self, Describe, number, text},
    figure,
    heading::{cell, fold},
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub(super) const PRESET: Preset = Preset {
    id: "ssdse",
    title: ("統計センター SSDSE（教育用標準データセット）", "NSTAC, SSDSE"),
    publisher: &super::publisher::NSTAC,
    layout: Layout::Rows { recognise, open },
};

/// How many rows of headings there can be.
const HEADINGS: usize = 6;

/// One item: its column, code, name, and year where the item has one of its own.
#[derive(Debug, Clone)]
struct Item {
    column: usize,
    code: String,
    name: String,
    year: String,
}

/// What the headings say.
#[derive(Debug)]
struct Headings {
    edition: String,
    /// How many rows they are.
    rows: usize,
    area: usize,
    prefecture: Option<usize>,
    municipality: Option<usize>,
    sex: Option<usize>,
    /// The column of years, where rows have years.
    year: Option<usize>,
    items: Vec<Item>,
}

impl Headings {
    fn find(rows: &[Row]) -> Option<Self> {
        let edition = rows.first()?.get(0);
        let (kind, _) = edition.strip_prefix("SSDSE-")?.split_once('-')?;
        if !matches!(kind, "A" | "B" | "C" | "D" | "E") {
            return None;
        }
        let (first, area) =
            rows.iter().take(HEADINGS).enumerate().find_map(|(at, row)| {
                Some((at, (0..4).find(|column| is_area(row.get(*column)))?))
            })?;
        let codes = rows.first()?;
        let names = rows.get(first.checked_sub(1)?).filter(|_| first > 1)?;
        let years = rows[1..first].iter().find(|row| {
            let years = row.cells().filter(|cell| is_year(cell)).count();
            years > 0 && years * 2 > row.cells().filter(|cell| !cell.is_empty()).count()
        });
        let label = |words: &[&str]| {
            (0..names.len().min(6))
                .find(|column| words.contains(&fold(names.get(*column)).as_str()))
        };
        let mut headings = Self {
            edition: edition.to_owned(),
            rows: first,
            area,
            prefecture: label(&["都道府県"]),
            municipality: label(&["市区町村", "市町村", "市"]),
            sex: label(&["男女の別", "男女別", "性別"]),
            year: label(&["年度", "年", "調査年"]),
            items: Vec::new(),
        };
        let labels =
            [Some(area), headings.prefecture, headings.municipality, headings.sex, headings.year];
        let item = |column: usize| Item {
            column,
            code: codes.get(column).to_owned(),
            name: names.get(column).to_owned(),
            year: years.map_or("", |years| years.get(column)).to_owned(),
        };
        headings.items = (0..codes.len())
            .filter(|column| !labels.contains(&Some(*column)))
            .map(item)
            .filter(|item| !item.code.is_empty())
            .collect();
        (!headings.items.is_empty()).then_some(headings)
    }

    /// Whether values have years.
    fn has_years(&self) -> bool {
        self.year.is_some() || self.items.iter().any(|item| !item.year.is_empty())
    }
}

/// `R01400`, the publisher's form of a code.
fn is_area(text: &str) -> bool {
    text.len() == 6 && text.starts_with('R') && text[1..].bytes().all(|b| b.is_ascii_digit())
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit())
}

fn recognise(head: &Head<'_>) -> bool {
    Headings::find(head.rows).is_some()
}

fn open(_context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let Some(headings) = Headings::find(rows.peek(HEADINGS)?) else {
        return Err(super::not_the_layout("SSDSE", "SSDSE"));
    };
    for _ in 0..headings.rows {
        rows.next_row(&mut Row::default())?;
    }
    let contract = contract(&headings);
    Ok(Box::new(Ssdse { headings, contract, changes: Changes::default() }))
}

fn contract(headings: &Headings) -> Contract {
    let mut fields = vec![
        column::municipality_code("地域コード"),
        text("都道府県", "prefecture"),
        text("市区町村", "municipality"),
    ];
    let mut primary_key = vec!["地域コード".to_owned(), "項目コード".to_owned()];
    if headings.sex.is_some() {
        fields.push(text("男女の別", "sex").role(FieldRole::Key));
        primary_key.push("男女の別".to_owned());
    }
    fields.push(text("項目コード", "item_code").role(FieldRole::Key));
    fields.push(text("項目", "item"));
    if headings.has_years() {
        let year = column::time("年", "year", FieldType::Year, Some(("P1Y", Label::Start)));
        fields.push(year.described(
            "調査の年か年度。 The year of the survey, calendar or fiscal as the item has it.",
        ));
        primary_key.push("年".to_owned());
    }
    fields.push(number("値", "value").role(FieldRole::Value));
    fields.push(text("版", "edition"));
    Contract { fields, primary_key, missing_values: vec![String::new()] }
}

struct Ssdse {
    headings: Headings,
    contract: Contract,
    changes: Changes,
}

impl Transform for Ssdse {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let header_rows = Some((1, self.headings.rows as u64));
        LayoutReport { header_rows, ..LayoutReport::default() }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() {
            return Ok(());
        }
        let headings = &self.headings;
        let written = row.get(headings.area);
        let code = area_code(written);
        if code != written {
            self.changes.add(ChangeKind::Code, || ChangeExample {
                row: Some(row.number()),
                column: Some("地域コード".to_owned()),
                cell: None,
                before: written.to_owned(),
                after: code.clone(),
            });
        }
        self.changes.count(ChangeKind::Reshaped, 1);
        let own_year = cell(row, headings.year);
        // B writes fiscal years as they are; a year of an era or with its word is brought to digits.
        let own_year = match civil::year(own_year) {
            Some((year, "年" | "年度")) => year.to_string(),
            _ => own_year.to_owned(),
        };
        let has_years = headings.has_years();
        for item in &headings.items {
            let text = row.get(item.column);
            let value = figure::plain(text, row.number(), &item.name, &mut self.changes);
            let mut cells: Vec<&str> = vec![
                code.as_str(),
                cell(row, headings.prefecture),
                cell(row, headings.municipality),
            ];
            cells.extend(headings.sex.map(|column| row.get(column)));
            cells.extend([item.code.as_str(), item.name.as_str()]);
            if has_years {
                cells.push(if item.year.is_empty() { &own_year } else { &item.year });
            }
            cells.extend([&*value, headings.edition.as_str()]);
            out.push(row.number(), Some(item.column), &cells);
        }
        Ok(())
    }
}

/// Six digits; those of the whole country, which has no code, are zeros.
fn area_code(text: &str) -> String {
    match text {
        "R00000" => "000000".to_owned(),
        _ => municipality_code(text).unwrap_or_else(|| text.to_owned()),
    }
}

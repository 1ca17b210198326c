//! SSDSE, the standard data sets for education of the National Statistics Center: A (municipalities), B
//! (prefectures by year), C (spending), D (use of time), E (prefectures) and F (climate by month). CP932,
//! two or three rows of headings: codes of items, in A and E the year of each, and names. What else an
//! edition says of a row before its items, as its month, becomes a column of the key.
//!
//! The table is long, a row an area, item and year: each edition has other items and other years, so a
//! wide table would be another contract every year, and a question over two editions another join.
//! Areas have the six digits that join, made of the publisher's `R01400`.

#[cfg(test)]
mod tests;

use hub_model::{
    ChangeKind, Contract, FieldRole, FieldType, Label, LayoutReport, municipality_code,
};

use super::{
    Context, Head, Layout, Preset,
    column::{self, Describe, number, text},
    figure,
    heading::{cell, fold},
    when,
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

/// What names a row besides its area and year, and the stable name of each.
const OTHERS: [(&[&str], &str); 2] =
    [(&["男女の別", "男女別", "性別"], "sex"), (&["月", "月別"], "month")];

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
    /// What else names a row: the column, its name, and a stable one.
    others: Vec<(usize, String, Option<&'static str>)>,
    /// The column of years, where rows have years.
    year: Option<usize>,
    items: Vec<Item>,
}

impl Headings {
    fn find(rows: &[Row]) -> Option<Self> {
        let edition = rows.first()?.get(0);
        let (kind, _) = edition.strip_prefix("SSDSE-")?.split_once('-')?;
        if kind.len() != 1 || !kind.bytes().all(|b| b.is_ascii_uppercase()) {
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
            municipality: label(&["市区町村", "市町村", "市", "地点", "都市"]),
            others: Vec::new(),
            year: label(&["年度", "年", "調査年"]),
            items: Vec::new(),
        };
        let labels = [Some(area), headings.prefecture, headings.municipality, headings.year];
        // Codes of items are capitals and digits; those of what names a row are words.
        let is_item = |column: usize| {
            let code = codes.get(column);
            !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let first_item = (1..codes.len()).find(|column| is_item(*column))?;
        headings.others = (0..first_item)
            .filter(|column| !labels.contains(&Some(*column)))
            .map(|column| (column, fold(names.get(column))))
            .filter(|(_, name)| !name.is_empty() && column::is_usable(name))
            .map(|(column, name)| {
                let known = OTHERS.iter().find(|(names, _)| names.contains(&name.as_str()));
                (column, name, known.map(|(_, alias)| *alias))
            })
            .collect();
        let item = |column: usize| Item {
            column,
            code: codes.get(column).to_owned(),
            name: names.get(column).to_owned(),
            year: years.map_or("", |years| years.get(column)).to_owned(),
        };
        headings.items = (first_item..codes.len())
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
    for (_, name, alias) in &headings.others {
        fields.push(text(name, alias.unwrap_or(name)).role(FieldRole::Key));
        primary_key.push(name.clone());
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
            self.changes.of_cell(ChangeKind::Code, (row.number(), "地域コード"), written, &code);
        }
        self.changes.count(ChangeKind::Reshaped, 1);
        let own_year = cell(row, headings.year);
        // B writes fiscal years as they are; a year of an era or with its word is brought to digits.
        let own_year = match when::year(own_year) {
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
            cells.extend(headings.others.iter().map(|(column, ..)| row.get(*column)));
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

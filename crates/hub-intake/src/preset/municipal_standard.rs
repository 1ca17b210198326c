//! 自治体標準オープンデータセット: tourist sites, public facilities, events, population by area and age,
//! and emergency evacuation sites, in the present generation of headings (全国地方公共団体コード, ID, …) and
//! the one before (都道府県コード又は市区町村コード, NO, …).
//!
//! The table has the file's own columns, under the same ASCII names for both generations. A dataset is
//! recognised by headings that only it has; columns that the standard does not know are passed on as
//! texts. What the standard gives a form is brought to it or shown: codes, places, days, times of day,
//! telephone numbers.

mod headings;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use hub_model::{ChangeKind, Contract, LayoutReport, Text, municipality_code};
use unicode_normalization::UnicodeNormalization;

use headings::Form;

use super::{Context, Head, Layout, Preset, column, figure, heading::Heading, when};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

macro_rules! standard {
    ($name:ident, $dataset:ident, $id:literal, $ja:literal, $en:literal) => {
        pub(super) const $name: Preset = Preset {
            id: $id,
            title: (
                concat!("自治体標準オープンデータセット ", $ja),
                concat!("Municipal standard open data, ", $en),
            ),
            publisher: &super::publisher::MUNICIPALITY,
            layout: Layout::Rows {
                recognise: |head| dataset(head) == Some(Dataset::$dataset),
                open: |_: &Context<'_>, rows| open(Dataset::$dataset, rows),
            },
        };
    };
}

standard!(SHELTERS, Shelters, "municipal_shelters", "指定緊急避難場所一覧", "evacuation sites");
standard!(EVENTS, Events, "municipal_events", "イベント一覧", "events");
standard!(POPULATION, Population, "municipal_population", "地域・年齢別人口", "population");
standard!(TOURISM, Tourism, "municipal_tourism", "観光施設一覧", "tourist sites");
standard!(FACILITIES, Facilities, "municipal_facilities", "公共施設一覧", "public facilities");

/// The datasets of the standard that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dataset {
    Shelters,
    Events,
    Population,
    Tourism,
    Facilities,
}

fn dataset(head: &Head<'_>) -> Option<Dataset> {
    dataset_of(&Heading::of(head.rows.iter().find(|row| !row.is_blank())?))
}

fn dataset_of(heading: &Heading) -> Option<Dataset> {
    let first = heading.names().first()?;
    if !headings::CODE.contains(&first.as_str()) {
        return None;
    }
    let is_listed = heading.find(&["ID", "NO", "No", "No.", "番号"]).is_some();
    let hazards = heading.names().iter().filter(|name| name.starts_with("災害種別_")).count();
    let has_name = heading.has("名称");
    if heading.has_all(&["地域名", "総人口", "男性", "女性"]) {
        Some(Dataset::Population)
    } else if !is_listed {
        None
    } else if has_name && hazards >= 3 {
        Some(Dataset::Shelters)
    } else if heading.has_all(&["イベント名", "開始日"]) {
        Some(Dataset::Events)
    } else if has_name && heading.has_all(&["アクセス方法", "駐車場情報", "料金（基本）"])
    {
        Some(Dataset::Tourism)
    } else if has_name
        && heading.has_all(&["利用可能曜日", "緯度", "経度"])
        && (heading.has("名称_通称") || heading.has("団体名"))
        && !heading.has("設置位置")
    {
        Some(Dataset::Facilities)
    } else {
        None
    }
}

/// How many rows are looked at for what names a row.
const LOOKED_AT: usize = 2_000;

fn open(dataset: Dataset, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let mut header = Row::default();
    while rows.next_row(&mut header)? && header.is_blank() {}
    if dataset_of(&Heading::of(&header)) != Some(dataset) {
        return Err(super::not_the_layout(
            "自治体標準オープンデータセット",
            "municipal standard open data",
        ));
    }
    let mut unused = Vec::new();
    let mut taken = HashSet::new();
    let mut columns = Vec::new();
    let mut fields = Vec::new();
    for at in 0..header.len() {
        let name = header.get(at).trim_start_matches('\u{FEFF}');
        let (mut field, form) = headings::field(dataset, name);
        let is_new = taken.insert(field.name.to_lowercase());
        if !is_new || !column::is_usable(name) {
            unused.extend((!name.is_empty()).then(|| name.to_owned()));
            continue;
        }
        if let Some(alias) = &field.alias
            && *alias != field.name.to_lowercase()
            && !taken.insert(alias.clone())
        {
            field.alias = None;
        }
        fields.push(field);
        columns.push((at, form));
    }
    let head = rows.peek(LOOKED_AT)?;
    let key = key(dataset, &columns, head);
    let primary_key = key
        .iter()
        .filter_map(|at| {
            columns.iter().position(|(column, _)| column == at).map(|at| fields[at].name.clone())
        })
        .collect();
    let wrong_codes = wrong_codes(&columns, head);
    let contract = Contract { fields, primary_key, missing_values: vec![String::new()] };
    let header = header.number();
    let changes = Changes::default();
    Ok(Box::new(Standard { contract, columns, header, unused, wrong_codes, changes }))
}

/// The columns that name a row, if they do so in every row looked at. Ids are often left empty.
fn key(dataset: Dataset, columns: &[(usize, Form)], head: &[Row]) -> Vec<usize> {
    let find = |form: Form| columns.iter().find(|(_, own)| *own == form).map(|(at, _)| *at);
    let code = find(Form::Code);
    let candidates = match dataset {
        Dataset::Population => vec![
            vec![code, find(Form::Time), find(Form::Id)],
            vec![code, find(Form::Time), find(Form::Name)],
        ],
        Dataset::Events => {
            vec![vec![code, find(Form::Id)], vec![code, find(Form::Id), find(Form::Time)]]
        }
        _ => vec![vec![code, find(Form::Id)]],
    };
    let names_rows = |key: &[usize]| {
        let mut seen = HashSet::new();
        head.iter().filter(|row| !row.is_blank()).all(|row| {
            let cells: Vec<&str> = key.iter().map(|at| row.get(*at)).collect();
            cells.iter().all(|cell| !cell.is_empty()) && seen.insert(cells)
        })
    };
    candidates
        .into_iter()
        .filter_map(|key| key.into_iter().collect::<Option<Vec<usize>>>())
        .find(|key| names_rows(key))
        .unwrap_or_default()
}

/// Codes of the rows looked at whose check digit is wrong.
fn wrong_codes(columns: &[(usize, Form)], head: &[Row]) -> Vec<String> {
    let mut wrong: Vec<String> = Vec::new();
    for (at, form) in columns {
        if !matches!(form, Form::Code | Form::OtherCode) {
            continue;
        }
        for row in head {
            let code = row.get(*at);
            if !code.is_empty()
                && municipality_code(code).is_none()
                && !wrong.iter().any(|w| w == code)
            {
                wrong.push(code.to_owned());
            }
        }
    }
    wrong
}

struct Standard {
    contract: Contract,
    /// The file's column for each of the table's, and the form of its cells.
    columns: Vec<(usize, Form)>,
    header: u64,
    unused: Vec<String>,
    wrong_codes: Vec<String>,
    changes: Changes,
}

impl Transform for Standard {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let mut notes = super::unused_columns(&self.unused);
        if !self.wrong_codes.is_empty() {
            let shown: Vec<String> =
                self.wrong_codes.iter().take(5).map(|code| crate::show::show_text(code)).collect();
            let shown = shown.join(", ");
            notes.push(Text::new(
                format!("検査数字の合わない団体コードがあります（{shown}）。確かめてください"),
                format!("some municipality codes have a wrong check digit ({shown}); check them"),
            ));
        }
        let header_rows = Some((self.header, self.header));
        LayoutReport { header_rows, notes, ..LayoutReport::default() }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() {
            return Ok(());
        }
        let fields = &self.contract.fields;
        let changes = &mut self.changes;
        let mut origin = None;
        let cells: Vec<String> = self
            .columns
            .iter()
            .zip(fields)
            .map(|((at, form), field)| {
                let text = row.get(*at);
                match canonical(*form, text, row.number(), &field.name, changes) {
                    Some(cell) => cell,
                    None => {
                        origin = origin.or(Some(*at));
                        text.to_owned()
                    }
                }
            })
            .collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        out.push(row.number(), Some(origin.unwrap_or(0)), &cells);
        Ok(())
    }
}

/// A cell in the form that the standard gives it, or none where it is not in such a form.
fn canonical(
    form: Form,
    text: &str,
    row: u64,
    column: &str,
    changes: &mut Changes,
) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let (kind, after) = match form {
        Form::Text | Form::Name | Form::Id => return Some(text.to_owned()),
        Form::Code | Form::OtherCode => (ChangeKind::Code, municipality_code(text)?),
        Form::Number => {
            let number = figure::plain(text, row, column, changes);
            return (number.is_empty() || number.parse::<f64>().is_ok())
                .then(|| number.into_owned());
        }
        Form::Time | Form::Day => {
            let kind = if text.contains(['令', '平', '昭', 'R', 'H', 'S']) {
                ChangeKind::JapaneseEra
            } else {
                ChangeKind::FullWidth
            };
            let day = when::day(text)?.to_string();
            // Another mark between the numbers is no change to speak of.
            let same = text.replace('/', "-");
            if kind == ChangeKind::FullWidth && same.is_ascii() {
                return Some(day);
            }
            (kind, day)
        }
        Form::Clock => {
            let (hour, minute) = when::clock(text)?;
            let after = format!("{hour:02}:{minute:02}");
            if text.is_ascii() {
                return Some(after);
            }
            (ChangeKind::FullWidth, after)
        }
        Form::Phone => {
            (ChangeKind::FullWidth, text.nfkc().collect::<String>().replace(['‐', '−', 'ー'], "-"))
        }
        Form::Flag => {
            return Some(
                match text {
                    "1" | "○" | "〇" | "◯" | "●" | "有" | "TRUE" | "true" => "true",
                    "0" | "×" | "✕" | "無" | "-" | "FALSE" | "false" => "false",
                    _ => return None,
                }
                .to_owned(),
            );
        }
    };
    if after != text {
        changes.of_cell(kind, (row, column), text, &after);
    }
    Some(after)
}

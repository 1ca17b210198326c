//! Population by the basic resident register (住民基本台帳に基づく人口、人口動態及び世帯数): a title with
//! the day, three to five rows of headings over merged cells, then a row a municipality.
//!
//! The table is wide, since men, women, all and households are there in every year; the year's births,
//! deaths and moves, whose columns vary, are left out and said so. Rows of whole prefectures stay, under
//! the prefecture's code; the one of the whole country has no code and is left out.

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use hub_model::{
    ChangeKind, Contract, Field, FieldRole, FieldType, LayoutReport, Text, municipality_code,
};

use super::{
    Context, Head, Layout, Preset,
    column::{self, Describe, count, text},
    figure,
    heading::fold,
    when,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row},
};

pub(super) const PRESET: Preset = Preset {
    id: "jumin_daicho",
    title: ("総務省 住民基本台帳に基づく人口・世帯数", "MIC, population by the resident register"),
    publisher: &super::publisher::SOUMU,
    layout: Layout::Rows { recognise, open },
};

const LOOKED_AT: usize = 20;

/// Where a cell says one of these words: its row and column.
pub(super) fn find_heading(rows: &[Row], words: &[&str]) -> Option<(usize, usize)> {
    rows.iter().enumerate().find_map(|(at, row)| {
        Some((at, row.cells().position(|cell| words.contains(&fold(cell).as_str()))?))
    })
}

/// The columns that say which municipality a row is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) code: usize,
    prefecture: usize,
    municipality: usize,
}

/// A municipality, or a prefecture.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) code: String,
    pub(super) prefecture: String,
    /// Empty for a whole prefecture.
    pub(super) municipality: String,
}

impl Columns {
    /// The columns, and which of the rows names them.
    pub(super) fn find(rows: &[Row]) -> Option<(usize, Self)> {
        let (at, code) =
            find_heading(rows, &["団体コード", "市区町村コード", "全国地方公共団体コード"])?;
        let (_, prefecture) = find_heading(rows, &["都道府県名", "都道府県"])?;
        let (_, municipality) = find_heading(rows, &["市区町村名", "市区町村"])?;
        Some((at, Self { code, prefecture, municipality }))
    }

    /// Whom a row is of; none where it has no code, as the country's sum and notes have not.
    pub(super) fn read(self, row: &Row, changes: &mut Changes) -> Option<Place> {
        let written = row.get(self.code);
        if !written.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        }
        let code = municipality_code(written).unwrap_or_else(|| written.to_owned());
        if code != written {
            changes.of_cell(ChangeKind::Code, (row.number(), "団体コード"), written, &code);
        }
        let municipality = row.get(self.municipality);
        let municipality = if municipality == "-" { "" } else { municipality };
        let prefecture = row.get(self.prefecture).to_owned();
        Some(Place { code, prefecture, municipality: municipality.to_owned() })
    }
}

/// Whom a file counts, as its title says it.
pub(super) const RESIDENTS: [&str; 3] = ["日本人住民", "外国人住民", "総計"];

/// The day that titles and the file's name say, and whom the file counts; none where they do not speak of
/// the register.
pub(super) fn residents_and_day(
    titles: &[Row],
    file_name: Option<&str>,
) -> Option<(NaiveDate, &'static str)> {
    let title = titles.iter().flat_map(Row::cells).collect::<Vec<_>>();
    let title = format!("{} {}", fold(&title.join("")), fold(file_name.unwrap_or_default()));
    if !title.contains("住民基本台帳") {
        return None;
    }
    let residents = RESIDENTS.into_iter().find(|word| title.contains(word));
    Some((date(&title)?, residents.unwrap_or("総計")))
}

/// The column that says whom a row counts.
pub(super) fn residents_column() -> Field {
    let mut residents = text("区分", "residents").role(FieldRole::Key);
    residents.constraints.allowed = Some(RESIDENTS.map(|word| word.into()).to_vec());
    residents
}

/// What the titles and headings say.
#[derive(Debug)]
struct Headings {
    date: NaiveDate,
    residents: &'static str,
    columns: Columns,
    /// Men, women, all, households.
    values: [usize; 4],
    last: u64,
    header: u64,
    more: bool,
}

impl Headings {
    fn find(rows: &[Row], file_name: Option<&str>) -> Option<Self> {
        let (code_row, columns) = Columns::find(rows)?;
        let first = rows.iter().enumerate().skip(code_row + 1).find_map(|(at, row)| {
            let code = row.get(columns.code);
            let is_country = fold(row.get(columns.prefecture)) == "合計";
            let is_data = municipality_code(code).is_some() || is_country;
            is_data.then_some(at)
        })?;
        let (date, residents) = residents_and_day(&rows[..=code_row], file_name)?;
        let header_row = rows.iter().position(|row| {
            row.cells().filter(|cell| matches!(fold(cell).as_str(), "男" | "女" | "計")).count()
                >= 3
        })?;
        let word = |word: &str, from: usize| {
            (from..rows[header_row].len()).find(|at| fold(rows[header_row].get(*at)) == word)
        };
        let male = word("男", 0)?;
        let female = word("女", male)?;
        let total = word("計", female)?;
        // The heading of households may stand in any of the rows, once for merged cells.
        let households = (total + 1..)
            .take(6)
            .find(|at| rows[..first].iter().any(|row| fold(row.get(*at)).starts_with("世帯数")))?;
        let titled = rows.iter().position(|row| fold(row.get(0)).contains("住民基本台帳"));
        let heading_from = titled.map_or(0, |at| at + 1).min(code_row.min(header_row));
        Some(Self {
            date,
            residents,
            columns,
            values: [male, female, total, households],
            header: rows[heading_from].number(),
            last: rows[first - 1].number(),
            more: rows[..first].iter().map(Row::len).max().unwrap_or(0) > households + 1,
        })
    }
}

/// The day that a title names; of a year alone, the day for which its register was counted: 1 January
/// since 2014, 31 March before.
fn date(title: &str) -> Option<NaiveDate> {
    let starts: Vec<usize> = title.char_indices().map(|(at, _)| at).collect();
    for (end, _) in title.match_indices('日') {
        let to = end + '日'.len_utf8();
        let near = starts.iter().filter(|start| **start < end && end - **start <= 36);
        if let Some(day) = near.filter_map(|start| when::day(&title[*start..to])).next() {
            return Some(day);
        }
    }
    for (end, _) in title.match_indices('年') {
        let near = starts.iter().filter(|start| **start < end && end - **start <= 12);
        let year = near.filter_map(|start| match when::year(&title[*start..end]) {
            Some((year, "")) => Some(year),
            _ => None,
        });
        if let Some(year) = year.into_iter().next() {
            let (month, day) = if year >= 2014 { (1, 1) } else { (3, 31) };
            return NaiveDate::from_ymd_opt(year, month, day);
        }
    }
    None
}

fn recognise(head: &Head<'_>) -> bool {
    Headings::find(head.rows, head.file_name).is_some()
}

fn open(context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let Some(headings) = Headings::find(rows.peek(LOOKED_AT)?, context.file_name) else {
        return Err(super::not_the_layout("住民基本台帳に基づく人口", "population by register"));
    };
    Ok(Box::new(Register {
        date: headings.date.to_string(),
        headings,
        contract: contract(),
        changes: Changes::default(),
    }))
}

fn contract() -> Contract {
    Contract {
        fields: vec![
            column::municipality_code("団体コード"),
            text("都道府県名", "prefecture"),
            text("市区町村名", "municipality")
                .described("空なら都道府県の計。 Empty for the sum of a prefecture."),
            column::time("基準日", "date", FieldType::Date, None),
            residents_column(),
            count("男", "male").value("{person}"),
            count("女", "female").value("{person}"),
            count("計", "population").value("{person}"),
            count("世帯数", "households").value("{household}"),
        ],
        primary_key: ["団体コード", "基準日", "区分"].map(str::to_owned).into(),
        missing_values: vec![String::new()],
    }
}

struct Register {
    headings: Headings,
    date: String,
    contract: Contract,
    changes: Changes,
}

impl Transform for Register {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let headings = &self.headings;
        let mut notes = vec![Text::new(
            format!("基準日は{}としました", self.date),
            format!("the figures are of {}", self.date),
        )];
        if headings.more {
            notes.push(Text::new(
                "人口動態などの列は読みませんでした。男女別の人口と世帯数だけを読みました",
                "only population by sex and households were read, not the columns of births, deaths and moves",
            ));
        }
        let header_rows = Some((headings.header, headings.last));
        LayoutReport { header_rows, notes, ..LayoutReport::default() }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        let headings = &self.headings;
        if row.number() <= headings.last || row.is_blank() {
            return Ok(());
        }
        let Some(place) = headings.columns.read(row, &mut self.changes) else {
            self.changes.count(ChangeKind::LeftOut, 1);
            return Ok(());
        };
        let names = ["男", "女", "計", "世帯数"];
        let changes = &mut self.changes;
        let values = [0, 1, 2, 3].map(|at| {
            let text = row.get(headings.values[at]);
            figure::plain(text, row.number(), names[at], changes)
        });
        let wrong =
            (0..4).find(|at| values[*at].parse::<u64>().is_err() && !values[*at].is_empty());
        let cells = [
            place.code.as_str(),
            &place.prefecture,
            &place.municipality,
            &self.date,
            headings.residents,
            &values[0],
            &values[1],
            &values[2],
            &values[3],
        ];
        let origin = wrong.map_or(headings.columns.code, |at| headings.values[at]);
        out.push(row.number(), Some(origin), &cells);
        Ok(())
    }
}

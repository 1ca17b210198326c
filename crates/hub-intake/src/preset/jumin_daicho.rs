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
    ChangeExample, ChangeKind, Contract, FieldRole, FieldType, LayoutReport, Text,
    municipality_code,
};

use super::{
    Context, Head, Layout, Preset, civil,
    column::{self, Describe, count, text},
    figure,
    heading::fold,
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

/// Whom a file counts, by the words of its title.
const RESIDENTS: [(&str, &str); 3] =
    [("日本人住民", "日本人住民"), ("外国人住民", "外国人住民"), ("総計", "総計")];

/// What the titles and headings say.
#[derive(Debug)]
struct Headings {
    date: NaiveDate,
    residents: &'static str,
    code: usize,
    prefecture: usize,
    municipality: usize,
    /// Men, women, all, households.
    values: [usize; 4],
    last: u64,
    header: u64,
    more: bool,
}

impl Headings {
    fn find(rows: &[Row], file_name: Option<&str>) -> Option<Self> {
        let find = |words: &[&str]| {
            rows.iter().enumerate().find_map(|(at, row)| {
                let found = row.cells().position(|cell| words.contains(&fold(cell).as_str()))?;
                Some((at, found))
            })
        };
        let (code_row, code) = find(&["団体コード", "市区町村コード", "全国地方公共団体コード"])?;
        let (_, prefecture) = find(&["都道府県名", "都道府県"])?;
        let (_, municipality) = find(&["市区町村名", "市区町村"])?;
        let first = rows.iter().enumerate().skip(code_row + 1).find_map(|(at, row)| {
            let code = row.get(code);
            let is_data = municipality_code(code).is_some() || fold(row.get(prefecture)) == "合計";
            is_data.then_some(at)
        })?;
        let title = rows.iter().take(code_row + 1).flat_map(Row::cells).collect::<Vec<_>>();
        let title = format!("{} {}", fold(&title.join("")), fold(file_name.unwrap_or_default()));
        if !title.contains("住民基本台帳") {
            return None;
        }
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
        let residents = RESIDENTS.iter().find(|(word, _)| title.contains(word));
        Some(Self {
            date: date(&title)?,
            residents: residents.map_or("総計", |(_, residents)| residents),
            code,
            prefecture,
            municipality,
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
        if let Some(day) = near.filter_map(|start| civil::day(&title[*start..to])).next() {
            return Some(day);
        }
    }
    for (end, _) in title.match_indices('年') {
        let near = starts.iter().filter(|start| **start < end && end - **start <= 12);
        let year = near.filter_map(|start| match civil::year(&title[*start..end]) {
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
    let mut residents = text("区分", "residents").role(FieldRole::Key);
    residents.constraints.allowed = Some(RESIDENTS.map(|(_, word)| word.into()).to_vec());
    Contract {
        fields: vec![
            column::municipality_code("団体コード"),
            text("都道府県名", "prefecture"),
            text("市区町村名", "municipality")
                .described("空なら都道府県の計。 Empty for the sum of a prefecture."),
            column::time("基準日", "date", FieldType::Date, None),
            residents,
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
        let written = row.get(headings.code);
        let is_code = written.bytes().any(|b| b.is_ascii_digit());
        if !is_code {
            // The country's sum, or a note under the table.
            self.changes.count(ChangeKind::LeftOut, 1);
            return Ok(());
        }
        let code = municipality_code(written).unwrap_or_else(|| written.to_owned());
        if code != written {
            self.changes.add(ChangeKind::Code, || ChangeExample {
                row: Some(row.number()),
                column: Some("団体コード".to_owned()),
                cell: None,
                before: written.to_owned(),
                after: code.clone(),
            });
        }
        let names = ["男", "女", "計", "世帯数"];
        let changes = &mut self.changes;
        let values = [0, 1, 2, 3].map(|at| {
            let text = row.get(headings.values[at]);
            figure::plain(text, row.number(), names[at], changes)
        });
        let wrong =
            (0..4).find(|at| values[*at].parse::<u64>().is_err() && !values[*at].is_empty());
        let municipality = row.get(headings.municipality);
        let municipality = if municipality == "-" { "" } else { municipality };
        let cells = [
            code.as_str(),
            row.get(headings.prefecture),
            municipality,
            &self.date,
            headings.residents,
            &values[0],
            &values[1],
            &values[2],
            &values[3],
        ];
        let origin = wrong.map_or(headings.code, |at| headings.values[at]);
        out.push(row.number(), Some(origin), &cells);
        Ok(())
    }
}

//! Population by the basic resident register, by sex and age class (住民基本台帳年齢階級別人口): a title
//! with the day, one or two rows of headings, then three rows a municipality, one each for both sexes, men
//! and women, with a column a class.
//!
//! The table is long, since the classes change: the last was 80 and over until 2014 and is 100 and over
//! now, and some files have single years. `総数` is the publisher's sum of all classes, as `計` is that of
//! both sexes.

#[cfg(test)]
mod tests;

use hub_model::{ChangeKind, Contract, FieldRole, FieldType, LayoutReport, Text};

use super::{
    Context, Head, Layout, Preset,
    column::{self, Describe, count, text},
    figure,
    heading::fold,
    jumin_daicho::{Columns, Place, find_heading, residents_and_day, residents_column},
    when,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row},
};

pub(super) const PRESET: Preset = Preset {
    id: "jumin_daicho_ages",
    title: (
        "総務省 住民基本台帳年齢階級別人口",
        "MIC, population by the resident register, by sex and age",
    ),
    publisher: &super::publisher::SOUMU,
    layout: Layout::Rows { recognise, open },
};

const LOOKED_AT: usize = 20;

/// Fewer classes make no such table.
const LEAST_CLASSES: usize = 5;

const SEXES: [&str; 3] = ["計", "男", "女"];
const ALL: &str = "総数";
const UNKNOWN: &str = "不詳";

/// A class of ages: its column, its name, and the ages that it reaches from and to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Class {
    column: usize,
    name: String,
    from: String,
    to: String,
}

/// Reads `0歳～4歳`, `0～4歳`, `100歳以上`, `65歳`, `総数` and `年齢不詳`.
fn class(column: usize, heading: &str) -> Option<Class> {
    let folded = fold(heading);
    let class = |name: String, from: String, to: String| Some(Class { column, name, from, to });
    match folded.as_str() {
        "総数" | "総計" | "合計" => {
            return class(ALL.to_owned(), String::new(), String::new());
        }
        "不詳" | "年齢不詳" => {
            return class(UNKNOWN.to_owned(), String::new(), String::new());
        }
        _ => {}
    }
    let (from, rest) = when::digits(&folded, 3)?;
    let open = rest.strip_prefix('歳').unwrap_or(rest);
    if open == "以上" {
        return class(format!("{from}歳以上"), from.to_string(), String::new());
    }
    if open.is_empty() {
        let is_age = rest == "歳";
        return if is_age {
            class(format!("{from}歳"), from.to_string(), from.to_string())
        } else {
            None
        };
    }
    let (to, rest) = when::digits(open.strip_prefix(['~', '-'])?, 3)?;
    if !matches!(rest, "" | "歳") || to < from {
        return None;
    }
    class(format!("{from}～{to}歳"), from.to_string(), to.to_string())
}

/// What the titles and headings say.
#[derive(Debug)]
struct Headings {
    date: String,
    residents: &'static str,
    columns: Columns,
    sex: usize,
    classes: Vec<Class>,
    header: u64,
    last: u64,
}

impl Headings {
    fn find(rows: &[Row], file_name: Option<&str>) -> Option<Self> {
        let (header, columns) = Columns::find(rows)?;
        let (_, sex) = find_heading(rows, &["性別", "男女別", "男女の別"])?;
        let classes_of = |row: &Row| -> Vec<Class> {
            (sex + 1..row.len()).filter_map(|column| class(column, row.get(column))).collect()
        };
        let (last, classes) = rows.iter().enumerate().skip(header).find_map(|(at, row)| {
            let classes = classes_of(row);
            (classes.len() >= LEAST_CLASSES).then_some((at, classes))
        })?;
        let (date, residents) = residents_and_day(&rows[..=header], file_name)?;
        Some(Self {
            date: when::iso(date),
            residents,
            columns,
            sex,
            classes,
            header: rows[header].number(),
            last: rows[last].number(),
        })
    }
}

fn recognise(head: &Head<'_>) -> bool {
    Headings::find(head.rows, head.file_name).is_some()
}

fn open(context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let Some(headings) = Headings::find(rows.peek(LOOKED_AT)?, context.file_name) else {
        return Err(super::not_the_layout("住民基本台帳年齢階級別人口", "population by age"));
    };
    let changes = Changes::default();
    Ok(Box::new(Ages { headings, contract: contract(), of: Place::default(), changes }))
}

fn contract() -> Contract {
    let mut sex = text("性別", "sex").role(FieldRole::Key);
    sex.constraints.allowed = Some(SEXES.map(|sex| sex.into()).to_vec());
    Contract {
        fields: vec![
            column::municipality_code("団体コード"),
            text("都道府県名", "prefecture"),
            text("市区町村名", "municipality")
                .described("空なら都道府県の計。 Empty for the sum of a prefecture."),
            column::time("基準日", "date", FieldType::Date, None),
            residents_column(),
            sex.described("計は男女の合計。 計 is both sexes."),
            text("年齢階級", "age_class")
                .role(FieldRole::Key)
                .described("総数は全年齢の合計。 総数 is the sum of all classes."),
            count("年齢（下限）", "age_from").unit("a"),
            count("年齢（上限）", "age_to").unit("a"),
            count("人口", "population").value("{person}"),
        ],
        primary_key: ["団体コード", "基準日", "区分", "性別", "年齢階級"].map(str::to_owned).into(),
        missing_values: vec![String::new()],
    }
}

struct Ages {
    headings: Headings,
    contract: Contract,
    /// That of the last row, for rows under merged cells that lack it.
    of: Place,
    changes: Changes,
}

impl Transform for Ages {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let Headings { date, header, last, .. } = &self.headings;
        LayoutReport {
            header_rows: Some((*header, *last)),
            notes: vec![Text::new(
                format!("基準日は{date}としました"),
                format!("the figures are of {date}"),
            )],
            ..LayoutReport::default()
        }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        let headings = &self.headings;
        if row.number() <= headings.last || row.is_blank() {
            return Ok(());
        }
        let sex = fold(row.get(headings.sex));
        let is_sex = SEXES.contains(&sex.as_str());
        if row.get(headings.columns.code).is_empty() && is_sex && !self.of.code.is_empty() {
            self.changes.count(ChangeKind::MergedCell, 1);
        } else if let Some(place) = headings.columns.read(row, &mut self.changes) {
            self.of = place;
        } else {
            self.of = Place::default();
            self.changes.count(ChangeKind::LeftOut, 1);
            return Ok(());
        }
        self.changes.count(ChangeKind::Reshaped, 1);
        for class in &headings.classes {
            let cell = row.get(class.column);
            let value = figure::plain(cell, row.number(), &class.name, &mut self.changes);
            let cells = [
                self.of.code.as_str(),
                &self.of.prefecture,
                &self.of.municipality,
                &headings.date,
                headings.residents,
                &sex,
                &class.name,
                &class.from,
                &class.to,
                &value,
            ];
            let origin = if is_sex { class.column } else { headings.sex };
            out.push(row.number(), Some(origin), &cells);
        }
        Ok(())
    }
}

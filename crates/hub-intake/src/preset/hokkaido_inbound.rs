//! Hokkaido's overnight guests from abroad (様式4-3): the form that a municipality fills in for a fiscal
//! year, a transcript of it, and a list of several municipalities' months.
//!
//! The table is long: nationalities vary from year to year. So are the measures, since guests and guest
//! nights are different things: each row says its own unit. `計` is the publisher's total of all
//! nationalities and stands beside them, as some files have nothing else. Months are the calendar's; the
//! fiscal year stays beside them. Rows of yearly totals and of the year before are left out: they are sums
//! of months that are there, or another file's.

mod form;
mod list;
#[cfg(test)]
mod tests;

use hub_model::{
    ChangeExample, ChangeKind, Contract, FieldRole, FieldType, Label, Municipality,
    municipality_code,
};

use super::{
    Context, Head, Layout, Preset,
    column::{self, Describe, text},
    heading::fold,
};
use crate::{IntakeError, changes::Changes, decode::Transform, rows::Ahead};

pub(super) const PRESET: Preset = Preset {
    id: "hokkaido_inbound",
    title: (
        "北海道 訪日外国人宿泊客数（様式4-3）",
        "Hokkaido, overnight guests from abroad (form 4-3)",
    ),
    publisher: &super::publisher::HOKKAIDO,
    layout: Layout::Rows { recognise, open },
};

const GUESTS: &str = "宿泊客数";
const NIGHTS: &str = "宿泊客延数";
const TOTAL: &str = "計";

fn recognise(head: &Head<'_>) -> bool {
    list::Columns::find(head.rows).is_some() || form::Form::find(head.rows).is_some()
}

fn open(_context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let head = rows.peek(form::LOOKED_AT)?;
    if let Some(columns) = list::Columns::find(head) {
        return Ok(Box::new(list::List::new(columns)));
    }
    match form::Form::find(head) {
        Some(form) => Ok(Box::new(form::Filled::new(form))),
        None => Err(super::not_the_layout("様式4-3", "form 4-3")),
    }
}

fn contract() -> Contract {
    let mut measure = text("項目", "measure").role(FieldRole::Key);
    measure.constraints.allowed = Some(vec![GUESTS.into(), NIGHTS.into()]);
    let mut unit = text("単位", "unit");
    unit.constraints.allowed = Some(vec!["{person}".into(), "{person}.d".into()]);
    Contract {
        fields: vec![
            column::municipality_code("全国地方公共団体コード"),
            text("市町村名", "municipality"),
            column::time("年月", "month", FieldType::Yearmonth, Some(("P1M", Label::Start))),
            column::column("年度", "fiscal_year", FieldType::Year)
                .described("4月に始まる年度。 The fiscal year, from April."),
            measure.described(
                "宿泊客数は人、宿泊客延数は人泊で、別の量です。 Guests and guest nights are different measures.",
            ),
            text("国・地域", "nationality").role(FieldRole::Key).described(
                "「計」は全体の合計で、国・地域と足し合わせません。 計 is the total of all; never add it to the others.",
            ),
            column::count("値", "value").role(FieldRole::Value),
            unit,
            column::count("対象宿泊施設数", "inns_surveyed").unit("1"),
            column::count("回答施設数", "inns_answered").unit("1"),
        ],
        primary_key: ["全国地方公共団体コード", "年月", "項目", "国・地域"].map(str::to_owned).into(),
        missing_values: vec![String::new()],
    }
}

/// What a cell says is measured, in its usual word.
fn measure(text: &str) -> Option<&'static str> {
    match fold(text).as_str() {
        "宿泊客数" | "宿泊者数" | "宿泊人数" | "宿泊客数(人)" => Some(GUESTS),
        "宿泊客延数"
        | "宿泊客延べ数"
        | "宿泊延数"
        | "延べ宿泊客数"
        | "延宿泊客数"
        | "宿泊延人数"
        | "宿泊延べ人数"
        | "宿泊客延数(人泊)"
        | "宿泊客延数(人)" => Some(NIGHTS),
        _ => None,
    }
}

fn unit(measure: &str) -> &'static str {
    if measure == NIGHTS { "{person}.d" } else { "{person}" }
}

/// The code of a municipality by its name, or by what its file says; the name as it stands where it is
/// not known, so that the report shows it.
fn place(code: &str, name: &str, row: u64, changes: &mut Changes) -> String {
    if !code.is_empty() {
        return municipality_code(code).unwrap_or_else(|| code.to_owned());
    }
    let Some(found) = Municipality::by_name(name) else { return name.to_owned() };
    changes.add(ChangeKind::PlaceName, || ChangeExample {
        row: Some(row),
        column: Some("市町村名".to_owned()),
        cell: None,
        before: name.to_owned(),
        after: found.code(),
    });
    found.code()
}

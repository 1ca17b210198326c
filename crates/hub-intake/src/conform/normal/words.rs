//! How people are told of a cell that was understood and can't be a value.

use hub_model::{Field, FieldType, Text};

use super::{code, date, fold_width, number};
use crate::{
    conform::fault::FaultKind,
    units::{InCell, in_cell},
};

/// What is wrong and what to do, of the faults that come from here.
pub(crate) fn describe(
    kind: FaultKind,
    field: &Field,
    column: &str,
    value: &str,
) -> Option<(Text, Text)> {
    let (folded, _) = fold_width(value);
    Some(match kind {
        FaultKind::OtherUnit => other_unit(field, column, value, &folded),
        FaultKind::TwoReadings => two_readings(field, column, value, &folded),
        FaultKind::EraEnd => {
            let right = date::Said::of(&folded).and_then(|said| said.right_era());
            let (fix_ja, fix_en) = match right {
                Some(right) => (
                    format!("{right}です。和暦を直すか、西暦で書いてください"),
                    format!("it is {right}; correct the era, or write the year of the common era"),
                ),
                None => (
                    "西暦で書いてください".to_owned(),
                    "write the year of the common era".to_owned(),
                ),
            };
            (
                Text::new(
                    format!("「{column}」列の「{value}」は、その元号にない日付です"),
                    format!("{value:?} in the column {column:?} is not within its era"),
                ),
                Text::new(fix_ja, fix_en),
            )
        }
        FaultKind::Weekday => {
            const NAMES: [&str; 7] = ["月", "火", "水", "木", "金", "土", "日"];
            let said = date::Said::of(&folded).and_then(|said| said.weekday());
            let (ja, en) = said.map_or(("別の", "another day".to_owned()), |day| {
                (NAMES[day.num_days_from_monday() as usize], format!("a {day}"))
            });
            (
                Text::new(
                    format!(
                        "「{column}」列の「{value}」は、曜日が合いません。その日は{ja}曜日です"
                    ),
                    format!(
                        "{value:?} in the column {column:?} has the wrong day of the week: it is {en}"
                    ),
                ),
                Text::new(
                    "日付と曜日のどちらが正しいかを確かめてください",
                    "find out which of the two is right",
                ),
            )
        }
        FaultKind::CheckDigit => {
            let right = folded
                .get(..5)
                .and_then(|five| Some(format!("{five}{}", code::municipality_check_digit(five)?)))
                .unwrap_or_default();
            (
                Text::new(
                    format!("「{column}」列の「{value}」は、検査数字（最後の桁）が合いません"),
                    format!(
                        "the last digit of {value:?} in the column {column:?} does not check the others"
                    ),
                ),
                Text::new(
                    format!(
                        "はじめの5桁が正しければ「{right}」です。団体コードの一覧で確かめてください"
                    ),
                    format!(
                        "if the first five digits are right, it is {right}; look it up in the list of codes"
                    ),
                ),
            )
        }
        FaultKind::UnknownPlace => (
            Text::new(
                format!(
                    "「{column}」列の「{value}」は、市区町村のコードでも、知っている市町村の名前でもありません"
                ),
                format!(
                    "{value:?} in the column {column:?} is neither a code of a municipality nor the name of one that is known"
                ),
            ),
            Text::new(
                "「014001」のように、6桁の全国地方公共団体コードで書いてください",
                "write the six digits of the municipality's code, as in 014001",
            ),
        ),
        FaultKind::ExcelNumber => (
            Text::new(
                format!(
                    "「{column}」列の「{value}」は、表計算ソフトが番号を指数の数値に変えたもので、下の桁が失われています"
                ),
                format!(
                    "{value:?} in the column {column:?} is an id that a spreadsheet made into a number with an exponent; its last digits are lost"
                ),
            ),
            Text::new(
                "元のデータに戻り、この列を「文字列」にしてから書き出し直してください",
                "go back to the original data, make the column text, and write the file anew",
            ),
        ),
        _ => return None,
    })
}

fn other_unit(field: &Field, column: &str, value: &str, folded: &str) -> (Text, Text) {
    let behind = number::Parts::of(folded).map_or("", |parts| parts.rest.trim());
    let unit = field.unit.as_ref().map(hub_model::Unit::as_str);
    let code = match in_cell(behind, unit) {
        InCell::Other(code) => code,
        _ => behind,
    };
    match unit {
        Some(unit) => (
            Text::new(
                format!("「{column}」列の単位は{unit}ですが「{value}」の単位は{code}です"),
                format!("the column {column:?} is in {unit}, and {value:?} is in {code}"),
            ),
            Text::new(
                format!("{unit}に換算して書くか、単位の違う値は別の列にしてください"),
                format!(
                    "convert the value to {unit}, or put values of another unit into a column of their own"
                ),
            ),
        ),
        None => (
            Text::new(
                format!(
                    "「{column}」列は契約に単位がありませんが「{value}」には単位（{code}）があります"
                ),
                format!(
                    "the contract gives the column {column:?} no unit, and {value:?} has one ({code})"
                ),
            ),
            Text::new(
                format!(
                    "契約のこの列に単位（unit: {code}）を加えるか、セルから単位を取ってください"
                ),
                format!(
                    "give the column the unit {code} in the contract, or take the unit out of the cell"
                ),
            ),
        ),
    }
}

fn two_readings(field: &Field, column: &str, value: &str, folded: &str) -> (Text, Text) {
    let (first, second) = readings(field, folded);
    (
        Text::new(
            format!("「{column}」列の「{value}」は、{}とも{}とも読めます", first.ja, second.ja),
            format!(
                "{value:?} in the column {column:?} can be read as {} or as {}",
                first.en, second.en
            ),
        ),
        Text::new(
            "どちらの意味かがはっきりする書き方にしてください",
            "write it so that it is plain which is meant",
        ),
    )
}

/// The two readings of a cell that has two.
fn readings(field: &Field, folded: &str) -> (Text, Text) {
    let same = |text: String| Text::new(format!("「{text}」"), text);
    if field.field_type == FieldType::Boolean {
        return (
            Text::new("「いいえ」（false）", "no (false)"),
            Text::new("値がないこと", "a mark that there is no value"),
        );
    }
    if folded.chars().all(|c| !c.is_ascii_alphanumeric() && c != ',') && folded.chars().count() <= 4
    {
        return (
            Text::new("値がないこと（欠測）", "a mark that there is no value"),
            Text::new("現象がなかったこと（0）", "the phenomenon's not having occurred (0)"),
        );
    }
    if field.field_type == FieldType::String {
        let bare = folded.strip_prefix(['R', 'r']).unwrap_or(folded);
        let mut found =
            code::completions(bare, bare.len() < folded.len()).into_iter().map(|code| {
                match code::name_of(&code) {
                    Some(name) => {
                        Text::new(format!("「{code}」（{name}）"), format!("{code} ({name})"))
                    }
                    None => Text::new(format!("「{code}」"), code),
                }
            });
        return (found.next().unwrap_or_default(), found.next().unwrap_or_default());
    }
    if !field.field_type.is_temporal() {
        let (whole, fraction) = folded.split_once(',').unwrap_or((folded, ""));
        return (
            same(folded.replace(',', "")),
            same(format!("{whole}.{}", fraction.replace(',', ""))),
        );
    }
    if let Some(said) = date::Said::of(folded)
        && let Some(year) = said.fiscal_year()
    {
        return (
            Text::new(
                format!("{year}年度（{year}年4月〜{}年3月）", year + 1),
                format!("the fiscal year {year} (April {year} to March {})", year + 1),
            ),
            Text::new(format!("{year}年"), format!("the year {year}")),
        );
    }
    match date::readings(folded) {
        Some((first, second)) => (same(first), same(second)),
        None => (Text::new("正午", "noon"), Text::new("真夜中", "midnight")),
    }
}

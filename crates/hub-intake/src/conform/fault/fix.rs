//! How a cell that is not of its type can be mended.

use hub_model::{Field, FieldType, Text};

use crate::conform::{normal::fold_width, number::parse_number};

/// What to write in place of a value, which is the cell as a person reads it.
pub(super) fn fix_type(field: &Field, value: &str, is_text: bool) -> Text {
    if !is_text {
        return Text::new(
            "値がないなら null にしてください。値があるなら、契約の型で書き出してください",
            "where there is no value, write null; where there is one, write it in the contract's type",
        );
    }
    let numeric = matches!(field.field_type, FieldType::Integer | FieldType::Number);
    if let Some(plain) = numeric.then(|| plain_number(value)).flatten() {
        return Text::new(
            format!("「{plain}」のように、半角の数字だけで書いてください"),
            format!("write it in plain digits, as in {plain}"),
        );
    }
    // A word may mean that there is no value; what has digits in it means one.
    let is_word = !value.chars().any(|c| c.is_ascii_digit() || matches!(c, '０'..='９'));
    let (form_ja, form_en) = match (field.field_type, &field.format) {
        (FieldType::Date | FieldType::Datetime | FieldType::Yearmonth, Some(format))
            if format != "default" =>
        {
            (format!("契約の書式（{format}）"), format!("the contract's format ({format})"))
        }
        (FieldType::Date, _) => example("2024-05-01"),
        (FieldType::Datetime, _) => example("2024-05-01 13:00"),
        (FieldType::Yearmonth, _) => example("2024-05"),
        (FieldType::Year, _) => example("2024"),
        (FieldType::Boolean, _) => example("true"),
        _ if is_word => {
            return Text::new(
                format!("欠測なら空欄にするか、契約の missingValues に「{value}」を加えてください"),
                format!(
                    "if nothing was observed, leave the cell empty or add {value:?} to the contract's missingValues"
                ),
            );
        }
        _ => {
            return Text::new(
                "数を1つだけ、半角の数字で書いてください。「約」などの言い添えや範囲は、備考など別の列に書いてください",
                "write one number in plain digits; words such as \"about\", and ranges, belong into another column",
            );
        }
    };
    if is_word {
        return Text::new(
            format!(
                "{form_ja}の形で書いてください。値がないなら空欄にするか、契約の missingValues に「{value}」を加えてください"
            ),
            format!(
                "write it as {form_en}; where there is no value, leave the cell empty or add {value:?} to the contract's missingValues"
            ),
        );
    }
    let is_day = matches!(field.field_type, FieldType::Date | FieldType::Datetime);
    if let Some(day) = is_day.then(|| of_spreadsheet(value)).flatten() {
        return Text::new(
            format!(
                "表計算ソフトの日付の通し番号のようです（{day} に当たります）。セルの書式を日付にしてから、書き出し直してください"
            ),
            format!(
                "this seems to be a spreadsheet's number of a day ({day}); format the cells as dates and write the file anew"
            ),
        );
    }
    if is_day && lacks_year(value) {
        return Text::new(
            format!("年を付けて、{form_ja}の形で書いてください"),
            format!("write it with its year, as {form_en}"),
        );
    }
    Text::new(format!("{form_ja}の形で書いてください"), format!("write it as {form_en}"))
}

/// The day that a number of days since 1899-12-30 means, of those that files are about.
fn of_spreadsheet(value: &str) -> Option<String> {
    let days: f64 = value.parse().ok().filter(|days| (18_000.0..80_000.0).contains(days))?;
    let start = chrono::NaiveDate::from_ymd_opt(1899, 12, 30)?.and_hms_opt(0, 0, 0)?;
    // Fractions of a day are rounded to the minute that they stand for.
    let minutes = (days * 1_440.0).round() as i64;
    let time = start.checked_add_signed(chrono::TimeDelta::minutes(minutes))?;
    let form = if minutes % 1_440 == 0 { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
    Some(time.format(form).to_string())
}

/// Whether a day is written without its year.
fn lacks_year(value: &str) -> bool {
    let longest = value.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    longest < 3
        && value.contains(['月', '/'])
        && !value.contains('年')
        && value.starts_with(|c: char| c.is_ascii_digit())
        && value.matches('/').count() < 2
}

fn example(text: &str) -> (String, String) {
    (format!("「{text}」"), text.to_owned())
}

/// The number that a text means if its full-width digits and thousands commas are made plain; `10³` is none.
fn plain_number(value: &str) -> Option<String> {
    let (folded, _) = fold_width(value);
    let plain: String = folded
        .chars()
        .filter(|c| *c != ',' && !c.is_whitespace())
        .map(|c| if matches!(c, '▲' | '△' | '−' | '‐') { '-' } else { c })
        .collect();
    let number = parse_number(plain.as_bytes()).is_ok();
    (number && plain != value).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_proposed_for_what_is_no_digit() {
        for (value, proposed) in [
            ("１２ ３", Some("123")),
            ("▲ 1,2", Some("-12")),
            ("10³", None),
            ("①", None),
            ("½", None),
        ] {
            assert_eq!(plain_number(value).as_deref(), proposed, "{value}");
        }
    }
}

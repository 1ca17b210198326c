//! How a cell that is not of its type can be mended.

use hub_model::{Field, FieldType, Text};
use unicode_normalization::UnicodeNormalization;

use crate::conform::number::parse_number;

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
        _ => {
            return Text::new(
                format!("欠測なら空欄にするか、契約の missingValues に「{value}」を加えてください"),
                format!(
                    "if nothing was observed, leave the cell empty or add {value:?} to the contract's missingValues"
                ),
            );
        }
    };
    Text::new(
        format!(
            "{form_ja}の形で書いてください。値がないなら空欄にするか、契約の missingValues に「{value}」を加えてください"
        ),
        format!(
            "write it as {form_en}; where there is no value, leave the cell empty or add {value:?} to the contract's missingValues"
        ),
    )
}

fn example(text: &str) -> (String, String) {
    (format!("「{text}」"), text.to_owned())
}

/// The number that a text means if its full-width digits and thousands commas are made plain.
fn plain_number(value: &str) -> Option<String> {
    let plain: String = value
        .nfkc()
        .filter(|c| *c != ',' && !c.is_whitespace())
        .map(|c| if matches!(c, '▲' | '△' | '−' | '‐') { '-' } else { c })
        .collect();
    let number = parse_number(plain.as_bytes()).is_ok();
    (number && plain != value).then_some(plain)
}

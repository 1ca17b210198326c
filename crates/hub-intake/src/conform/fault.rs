//! What can be wrong with a cell, and how people are told.

mod digits;
mod fix;

use fix::fix_type;
use hub_model::{Field, FieldType, Rule, Text};

/// What is wrong with one cell or row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// Not of the type at all.
    Type,
    /// NaN or an infinity.
    NotFinite,
    /// Of the type, and beyond what can be kept.
    OutOfRange,
    /// A whole number that a 64-bit float can't hold.
    Rounded,
    /// A fraction where whole numbers are kept.
    Fraction,
    /// Finer than a microsecond.
    TooFine,
    /// A time of day where days are kept.
    TimeOfDay,
    /// A day within a month where months are kept.
    DayOfMonth,
    /// A day without a time where instants are kept.
    TimeUnsaid,
    /// A date that is in no calendar.
    NoSuchDay,
    /// Bytes that are not UTF-8.
    Encoding,
    /// Nothing where a value must be.
    Required,
    /// Under the minimum.
    Minimum,
    /// Over the maximum.
    Maximum,
    /// Too short.
    MinLength,
    /// Too long.
    MaxLength,
    /// Not of the pattern.
    Pattern,
    /// Not among the values allowed.
    Enum,
    /// Not a word of the hub's quality vocabulary.
    QualityWord,
    /// A number in another unit than the column's.
    OtherUnit,
    /// What can be read in two ways.
    TwoReadings,
    /// A day that its era does not have.
    EraEnd,
    /// A date with the wrong day of the week.
    Weekday,
    /// A code whose last digit does not check the others.
    CheckDigit,
    /// Neither a code nor a name of a place.
    UnknownPlace,
    /// An id that a spreadsheet made a number with an exponent.
    ExcelNumber,
    /// 24 o'clock, which is told as a change; never a fault of a cell.
    NextDay,
    /// A row of another number of cells.
    Cells(u64),
    /// A row with text after a closing quote.
    TextAfterQuote,
}

impl FaultKind {
    pub(crate) fn rule(self) -> Rule {
        match self {
            Self::Type
            | Self::NotFinite
            | Self::TimeUnsaid
            | Self::NoSuchDay
            | Self::EraEnd
            | Self::Weekday
            | Self::NextDay => Rule::Type,
            Self::OtherUnit => Rule::Unit,
            Self::TwoReadings => Rule::TwoReadings,
            Self::CheckDigit => Rule::CheckDigit,
            Self::UnknownPlace => Rule::KnownPlace,
            Self::ExcelNumber
            | Self::OutOfRange
            | Self::Rounded
            | Self::Fraction
            | Self::TooFine
            | Self::TimeOfDay
            | Self::DayOfMonth => Rule::Lossless,
            Self::Encoding => Rule::Encoding,
            Self::Required => Rule::Required,
            Self::Minimum => Rule::Minimum,
            Self::Maximum => Rule::Maximum,
            Self::MinLength => Rule::MinLength,
            Self::MaxLength => Rule::MaxLength,
            Self::Pattern => Rule::Pattern,
            Self::Enum | Self::QualityWord => Rule::Enum,
            Self::Cells(_) | Self::TextAfterQuote => Rule::RowShape,
        }
    }
}

/// What a type is called, in Japanese and English.
pub(crate) fn type_words(field_type: FieldType) -> (&'static str, &'static str) {
    match field_type {
        FieldType::String => ("文字", "text"),
        FieldType::Integer => ("整数", "whole numbers"),
        FieldType::Number => ("数値", "numbers"),
        FieldType::Boolean => ("真偽（true か false）", "true or false"),
        FieldType::Date => ("日付", "dates"),
        FieldType::Datetime => ("日時", "dates with times"),
        FieldType::Year => ("年", "years"),
        FieldType::Yearmonth => ("年月", "months"),
    }
}

/// What is wrong and what to do, of a row that has no cells to speak of.
pub(crate) fn describe_row(kind: FaultKind, width: usize) -> (Text, Text) {
    match kind {
        FaultKind::Cells(found) => (
            Text::new(
                format!("見出しは{width}列ですが、この行は{found}列です"),
                format!("the header has {width} columns and this row has {found}"),
            ),
            Text::new(
                "足りない列や余分なコンマがないか確かめてください。値の中のコンマは、値を引用符（\"）で囲めば使えます",
                "check for missing cells and stray commas; a value with a comma in it needs quotes (\") around it",
            ),
        ),
        _ => (
            Text::new(
                "引用符（\"）を閉じたあとに文字が続いています",
                "there is text between a closing quote and the next comma",
            ),
            Text::new(
                "値の中の引用符は2つ重ねて（\"\"）書いてください",
                "write a quote within a value twice (\"\")",
            ),
        ),
    }
}

/// What is wrong with a cell and what to do about it. `value` is the cell as a person reads it; `is_text`
/// says whether the file is of a text format.
pub(crate) fn describe(
    kind: FaultKind,
    field: &Field,
    column: &str,
    value: &str,
    is_text: bool,
) -> (Text, Text) {
    let limits = &field.constraints;
    let (type_ja, type_en) = type_words(field.field_type);
    let bound =
        |bound: &Option<serde_json::Value>| bound.as_ref().map(show_json).unwrap_or_default();
    if let Some(told) = super::normal::describe(kind, field, column, value) {
        return told;
    }
    match kind {
        FaultKind::Encoding if value.contains('\u{FFFD}') && is_text => (
            Text::new(
                format!("「{column}」列に、文字として読めないバイトがあります（{value}）"),
                format!("a cell of the column {column:?} holds bytes that are no text ({value})"),
            ),
            Text::new(
                "この行だけほかの文字コード（Shift_JISなど）で書かれていないか確かめ、全体を1つの文字コードにそろえて保存し直してください",
                "see whether this row is in another encoding than the others, such as Shift_JIS, and save the whole file anew in one",
            ),
        ),
        FaultKind::Type | FaultKind::NotFinite | FaultKind::NextDay => (
            Text::new(
                format!("「{column}」列は{type_ja}ですが「{value}」と書かれています"),
                format!("the column {column:?} holds {type_en}, and this cell says {value:?}"),
            ),
            fix_type(field, value, is_text),
        ),
        FaultKind::NoSuchDay => (
            Text::new(
                format!("「{column}」列の「{value}」は、暦にない日付です"),
                format!("{value:?} in the column {column:?} is no date of the calendar"),
            ),
            Text::new("年・月・日を確かめてください", "check year, month and day"),
        ),
        FaultKind::TimeUnsaid => (
            Text::new(
                format!("「{column}」列は日時ですが「{value}」には時刻がありません"),
                format!("the column {column:?} holds dates with times, and {value:?} has no time"),
            ),
            Text::new(
                "「2024-05-01 13:00」のように時刻まで書くか、契約の型を date にしてください",
                "write the time too, as in 2024-05-01 13:00, or make the column's type date in the contract",
            ),
        ),
        FaultKind::OutOfRange => (
            Text::new(
                format!("「{column}」列の「{value}」は、扱える範囲を超えています"),
                format!("{value:?} in the column {column:?} is beyond what can be kept"),
            ),
            Text::new(
                "値を確かめてください。番号やコードなら、契約の型を string にしてください",
                "check the value; if it is an id or a code, make the column's type string in the contract",
            ),
        ),
        FaultKind::Rounded => (
            Text::new(
                format!("「{column}」列の「{value}」は桁が多く、数値にすると値が変わります"),
                format!(
                    "{value:?} in the column {column:?} has so many digits that it would be rounded"
                ),
            ),
            Text::new(
                "番号やコードなら契約の型を string に、整数なら integer にしてください",
                "if it is an id or a code, make the column's type string in the contract; if a whole number, integer",
            ),
        ),
        FaultKind::Fraction => (
            Text::new(
                format!("「{column}」列は整数ですが「{value}」には小数があります"),
                format!("the column {column:?} holds whole numbers, and {value:?} has a fraction"),
            ),
            Text::new(
                "小数が正しければ、契約の型を number にしてください",
                "if the fraction is right, make the column's type number in the contract",
            ),
        ),
        FaultKind::TooFine => (
            Text::new(
                format!("「{column}」列の「{value}」は、マイクロ秒より細かい時刻です"),
                format!("{value:?} in the column {column:?} is finer than a microsecond"),
            ),
            Text::new(
                "秒の小数は6桁までで書き出してください",
                "write seconds with six decimals at most",
            ),
        ),
        FaultKind::TimeOfDay => (
            Text::new(
                format!("「{column}」列は日付ですが「{value}」には時刻があります"),
                format!("the column {column:?} holds dates, and {value:?} has a time"),
            ),
            Text::new(
                "日付だけを書くか、契約の型を datetime にしてください",
                "write the date alone, or make the column's type datetime in the contract",
            ),
        ),
        FaultKind::DayOfMonth => (
            Text::new(
                format!("「{column}」列は年月ですが「{value}」は月の途中の日です"),
                format!("the column {column:?} holds months, and {value:?} is a day within one"),
            ),
            Text::new(
                "「2024-05」のように年月だけを書くか、契約の型を date にしてください",
                "write the month alone, as in 2024-05, or make the column's type date in the contract",
            ),
        ),
        FaultKind::Encoding => (
            Text::new(
                format!("「{column}」列に、UTF-8として読めない文字があります（{value}）"),
                format!("a cell of the column {column:?} is not text in UTF-8 ({value})"),
            ),
            Text::new(
                "ファイル全体をUTF-8で保存し直してください",
                "save the whole file anew in UTF-8",
            ),
        ),
        FaultKind::Required => (
            Text::new(
                format!("「{column}」列に値がありません"),
                format!("the column {column:?} has no value here"),
            ),
            // Merged cells leave their value in the first of their rows.
            if field.field_type == FieldType::String && is_text {
                Text::new(
                    "値を入れるか、この行を削ってください。この列は必須です。上のセルと結合されていたのなら、上と同じ値を入れてください",
                    "fill the value in, or take the row out; the column is required. If the cell was merged with the one above, repeat that one's value",
                )
            } else {
                Text::new(
                    "値を入れるか、この行を削ってください。この列は必須です",
                    "fill the value in, or take the row out; the column is required",
                )
            },
        ),
        FaultKind::Minimum | FaultKind::Maximum => {
            let (limit, ja, en) = if kind == FaultKind::Minimum {
                (bound(&limits.minimum), "下限", "under the minimum")
            } else {
                (bound(&limits.maximum), "上限", "over the maximum")
            };
            let way = if kind == FaultKind::Minimum { "下回って" } else { "超えて" };
            (
                Text::new(
                    format!("「{column}」列の「{value}」は、{ja}の{limit}を{way}います"),
                    format!("{value:?} in the column {column:?} is {en}, {limit}"),
                ),
                Text::new(
                    format!("値を確かめてください。正しければ、契約の{ja}を見直してください"),
                    "check the value; if it is right, change the limit in the contract",
                ),
            )
        }
        FaultKind::MinLength | FaultKind::MaxLength => {
            let length = value.chars().count();
            let (limit, ja, en) = if kind == FaultKind::MinLength {
                (limits.min_length.unwrap_or_default(), "文字以上", "at least")
            } else {
                (limits.max_length.unwrap_or_default(), "文字以内", "at most")
            };
            (
                Text::new(
                    format!("「{column}」列は{limit}{ja}ですが「{value}」は{length}文字です"),
                    format!(
                        "the column {column:?} holds {en} {limit} characters, and {value:?} has {length}"
                    ),
                ),
                Text::new(
                    "値を確かめてください。コードなら、先頭の0が落ちていないか見てください",
                    "check the value; if it is a code, see whether leading zeros were lost",
                ),
            )
        }
        FaultKind::Pattern => {
            let pattern = limits.pattern.clone().unwrap_or_default();
            if let Some(told) = digits::describe(&pattern, column, value) {
                return told;
            }
            (
                Text::new(
                    format!(
                        "「{column}」列の「{value}」は、決められた形（{pattern}）ではありません"
                    ),
                    format!("{value:?} in the column {column:?} is not of the form {pattern}"),
                ),
                Text::new(
                    "値の書き方を、契約の形に合わせてください",
                    "write the value in the form that the contract gives",
                ),
            )
        }
        FaultKind::Enum => {
            let words = allowed_words(limits.allowed.iter().flatten().map(show_json));
            describe_enum(column, value, &words)
        }
        FaultKind::QualityWord => {
            let words =
                allowed_words(hub_model::Quality::ALL.iter().map(|q| q.as_str().to_owned()));
            let (message, _) = describe_enum(column, value, &words);
            (
                message,
                Text::new(
                    format!(
                        "品質の語（{words}）に直すか、契約のこの列に enum で独自の語を定めてください"
                    ),
                    format!(
                        "use one of the words of quality ({words}), or give the column an enum of its own in the contract"
                    ),
                ),
            )
        }
        FaultKind::Cells(_)
        | FaultKind::TextAfterQuote
        | FaultKind::OtherUnit
        | FaultKind::TwoReadings
        | FaultKind::EraEnd
        | FaultKind::Weekday
        | FaultKind::CheckDigit
        | FaultKind::UnknownPlace
        | FaultKind::ExcelNumber => describe_row(kind, 0),
    }
}

fn describe_enum(column: &str, value: &str, words: &str) -> (Text, Text) {
    (
        Text::new(
            format!("「{column}」列の「{value}」は、決められた値ではありません"),
            format!("{value:?} in the column {column:?} is not among the values allowed"),
        ),
        Text::new(format!("次のどれかにしてください：{words}"), format!("use one of: {words}")),
    )
}

fn allowed_words(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.take(13).collect();
    if words.len() == 13 {
        words[12] = "…".to_owned();
    }
    words.join(", ")
}

fn show_json(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

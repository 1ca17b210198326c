//! Types from values, and roles from types and headings.

use hub_model::{Field, FieldRole, FieldType};

use super::{Column, Notes, profile::Profile};
use crate::conform::{fault::type_words, mapping::fold};

/// Words of a heading that say its values are names of things and never amounts.
const CODE_WORDS: [&str; 3] = ["コード", "番号", "code"];
const TIME_WORDS: [&str; 7] = ["時刻", "日時", "観測", "年月", "time", "date", "日付"];
const PLACE_WORDS: [&str; 12] = [
    "市町村",
    "市区町村",
    "自治体",
    "団体コード",
    "地点",
    "観測所",
    "地域",
    "メッシュ",
    "mesh",
    "station",
    "municipality",
    "location",
];

/// The type that all values of a column have.
pub(super) fn by_values(name: &str, profile: &Profile, notes: &mut Notes) -> Field {
    let header = fold(name).to_lowercase();
    let (field_type, format, why) = decide(&header, profile);
    let mut field = Field::new(name, field_type);
    field.format = format.map(ToOwned::to_owned);
    let (type_ja, type_en) = type_words(field_type);
    notes.add(name, format!("{type_ja}としました。{}", why.0), format!("{type_en}: {}", why.1));
    if field_type != FieldType::String && !profile.markers.is_empty() {
        let markers: Vec<&str> = profile.markers.iter().map(String::as_str).collect();
        let markers = markers.join(" ");
        notes.add(
            name,
            format!("「{markers}」は値がないことを表すとみなし、missingValues に加えました。違う意味なら直してください"),
            format!("{markers:?} is taken to mean that there is no value and is added to missingValues; correct this if it means something else"),
        );
    }
    field
}

type Why = (String, String);

fn decide(header: &str, profile: &Profile) -> (FieldType, Option<&'static str>, Why) {
    let why = |ja: &str, en: &str| (ja.to_owned(), en.to_owned());
    let all = || {
        (
            format!("{}個の値がすべてそう読めました", profile.values),
            format!("all {} values can be read as such", profile.values),
        )
    };
    let has = |words: &[&str]| words.iter().any(|word| header.contains(word));
    if profile.values == 0 {
        return (
            FieldType::String,
            None,
            why(
                "値が1つもないので、型はわかりません。確かめてください",
                "there is no value to tell the type from; please check",
            ),
        );
    }
    if profile.datetime {
        return (FieldType::Datetime, None, all());
    }
    if profile.date {
        return (FieldType::Date, None, all());
    }
    if profile.month {
        return (FieldType::Yearmonth, None, all());
    }
    if profile.boolean {
        return (FieldType::Boolean, None, all());
    }
    if profile.integer && (has(&CODE_WORDS) || is_id(header)) {
        return (
            FieldType::String,
            None,
            why(
                "見出しからコードや番号とみなし、先頭の0を失わないよう文字のままにします",
                "the heading speaks of codes, which stay text so that leading zeros are kept",
            ),
        );
    }
    if let Some((format, field_type)) = profile.format()
        && (!profile.digits_only || has(&TIME_WORDS) || header.contains('日') || header == "年月")
    {
        let (ja, en) = all();
        return (
            field_type,
            Some(format),
            (format!("{ja}（書式 {format}）"), format!("{en}, in the form {format}")),
        );
    }
    if profile.year && (header.contains('年') || header.contains("year")) {
        return (FieldType::Year, None, all());
    }
    if profile.digits_only && profile.leading_zero {
        return (
            FieldType::String,
            None,
            why(
                "0で始まる数字があるので、コードとみなし文字のままにします",
                "some values begin with 0, so they are codes and stay text",
            ),
        );
    }
    if profile.looks_like_codes() {
        return (
            FieldType::String,
            None,
            why(
                "同じ桁数の少ない種類の数字が繰り返されるので、コードとみなし文字のままにします。量なら integer に直してください",
                "a few numbers of one length repeat, so they are taken for codes and stay text; make it integer if they are amounts",
            ),
        );
    }
    if profile.integer {
        return (FieldType::Integer, None, all());
    }
    if profile.number {
        return (FieldType::Number, None, all());
    }
    (
        FieldType::String,
        None,
        why("数値や日時として読めない値があります", "some values are neither numbers nor times"),
    )
}

/// Whether a heading is `id` or ends in it as a word.
fn is_id(header: &str) -> bool {
    header
        .strip_suffix("id")
        .is_some_and(|stem| stem.chars().last().is_none_or(|c| !c.is_ascii_alphabetic()))
}

/// Gives each column without one its role.
pub(super) fn assign_roles(columns: &mut [Column], notes: &mut Notes) {
    assign_time(columns, notes);
    assign_qualities(columns, notes);
    for column in columns {
        if column.field.role != FieldRole::Attribute {
            continue;
        }
        let header = fold(&column.field.name).to_lowercase();
        let name = column.field.name.clone();
        match column.field.field_type {
            FieldType::Integer | FieldType::Number => column.field.role = FieldRole::Value,
            FieldType::String if column.profile.values > 0 => {
                if column.profile.municipality && column.profile.digits_only {
                    column.field.role = FieldRole::Place;
                    notes.add(
                        &name,
                        "すべての値が市区町村コードなので、場所の列としました",
                        "all values are codes of municipalities, so the column says where",
                    );
                } else if PLACE_WORDS.iter().any(|word| header.contains(word)) {
                    column.field.role = FieldRole::Place;
                    notes.add(
                        &name,
                        "見出しから、場所の列としました",
                        "the heading says that the column tells where",
                    );
                }
            }
            _ => {}
        }
    }
}

fn assign_time(columns: &mut [Column], notes: &mut Notes) {
    if columns.iter().any(|column| column.field.role == FieldRole::Time) {
        return;
    }
    let rank = |column: &Column| {
        let header = fold(&column.field.name).to_lowercase();
        let unnamed = !TIME_WORDS.iter().any(|word| header.contains(word));
        let type_rank = match column.field.field_type {
            FieldType::Datetime => 0,
            FieldType::Date => 1,
            FieldType::Yearmonth => 2,
            _ => 3,
        };
        (type_rank, unnamed)
    };
    let temporal = columns
        .iter_mut()
        .filter(|c| c.field.field_type.is_temporal() && c.field.role == FieldRole::Attribute);
    let Some(time) = temporal.min_by_key(|column| rank(column)) else {
        notes.add_for_all(
            "時刻の列が見つかりませんでした。あれば role を time にしてください",
            "no column says when; if there is one, give it the role time",
        );
        return;
    };
    time.field.role = FieldRole::Time;
    notes.add(
        &time.field.name,
        "時刻の列としました。観測の間隔（interval）と、時刻がその始まりか終わりか（label）を書き加えてください",
        "the column says when; please add the interval of observations and whether the time is its start or end (label)",
    );
}

fn assign_qualities(columns: &mut [Column], notes: &mut Notes) {
    for index in 0..columns.len() {
        let column = &columns[index];
        if column.field.role != FieldRole::Attribute
            || column.field.field_type != FieldType::String
            || !column.profile.quality
            || column.profile.values == 0
        {
            continue;
        }
        let is_value = |column: &&Column| {
            matches!(column.field.field_type, FieldType::Integer | FieldType::Number)
        };
        let of = columns[..index]
            .iter()
            .rev()
            .find(is_value)
            .or_else(|| columns[index + 1..].iter().find(is_value))
            .map(|column| column.field.name.clone());
        let Some(of) = of else { continue };
        let field = &mut columns[index].field;
        field.role = FieldRole::Quality;
        notes.add(
            &field.name,
            format!("値がすべて品質の語なので、「{of}」の品質の列としました"),
            format!("all values are words of quality, so the column tells the quality of {of:?}"),
        );
        field.quality_of = Some(of);
    }
}

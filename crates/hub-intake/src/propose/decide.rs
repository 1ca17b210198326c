//! Types from values, and roles from types and headings.

use hub_model::{CodeList, Field, FieldRole, FieldType};

use super::{Column, Notes, profile::Profile};
use crate::conform::{fault::type_words, mapping::fold};

/// Words of a heading that say its values are names of things and never amounts.
const CODE_WORDS: [&str; 3] = ["コード", "番号", "code"];
const TIME_WORDS: [&str; 7] = ["時刻", "日時", "観測", "年月", "time", "date", "日付"];
const QUALITY_WORDS: [&str; 5] = ["品質", "フラグ", "flag", "quality", "均質番号"];

/// How many different marks a column of marks may have.
const MAX_MARKS: usize = 20;
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
    if !profile.fillers.is_empty() && matches!(field_type, FieldType::Integer | FieldType::Number) {
        let fillers: Vec<&str> = profile.fillers.iter().map(String::as_str).collect();
        let fillers = fillers.join(" ");
        notes.add(
            name,
            format!("「{fillers}」があります。欠測の印なら missingValues に加えてください（数値のままでは値として扱います）"),
            format!("there is {fillers}; add it to missingValues if it means that nothing was observed, since it is a value otherwise"),
        );
    }
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
        let reason = if profile.markers.is_empty() {
            why(
                "値が1つもないので、型はわかりません。確かめてください",
                "there is no value to tell the type from; please check",
            )
        } else {
            why(
                "欠測などを表すことの多い語のほかに値がないので、型はわかりません。確かめてください",
                "there are only words that often mean that there is no value, so the type is not known; please check",
            )
        };
        return (FieldType::String, None, reason);
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
    let loose = &profile.loose;
    let kind = [
        (loose.datetime, FieldType::Datetime),
        (loose.date, FieldType::Date),
        (loose.month, FieldType::Yearmonth),
        (loose.year, FieldType::Year),
        (loose.integer && loose.units.len() < 2, FieldType::Integer),
        (loose.number && loose.units.len() < 2, FieldType::Number),
    ];
    if let Some((_, field_type)) = kind.into_iter().find(|(fits, _)| *fits) {
        let example = loose.example.as_deref().unwrap_or_default();
        let (ja, en) = all();
        return (
            field_type,
            None,
            (
                format!("{ja}（「{example}」のような書き方も読み替えます）"),
                format!("{en}, ways of writing such as {example:?} included"),
            ),
        );
    }
    if loose.number && loose.units.len() > 1 {
        let units: Vec<&str> = loose.units.iter().copied().collect();
        let units = units.join(", ");
        return (
            FieldType::String,
            None,
            (
                format!(
                    "単位の違う数値（{units}）が混ざっているので、文字のままにします。単位をそろえれば数値にできます"
                ),
                format!(
                    "numbers of several units ({units}) are mixed, so they stay text; bring them to one unit to make them numbers"
                ),
            ),
        );
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
    assign_marks(columns, notes);
    for column in columns {
        if column.field.role != FieldRole::Attribute {
            continue;
        }
        let header = fold(&column.field.name).to_lowercase();
        let name = column.field.name.clone();
        match column.field.field_type {
            FieldType::Integer | FieldType::Number => column.field.role = FieldRole::Value,
            FieldType::String if column.profile.values > 0 => {
                if column.profile.municipality {
                    column.field.role = FieldRole::Place;
                    column.field.code = Some(CodeList::Municipality);
                    notes.add(
                        &name,
                        "すべての値が市区町村コードなので、場所の列とし、6桁のコードにそろえます（code: municipality）",
                        "all values are codes of municipalities, so the column says where, and they are brought to six digits (code: municipality)",
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
    notes.add(&time.field.name, "時刻の列としました", "the column says when");
}

/// Marks of a publisher's own beside a value: their heading says so, and they are few.
fn assign_marks(columns: &mut [Column], notes: &mut Notes) {
    for index in 1..columns.len() {
        let header = fold(&columns[index].field.name).to_lowercase();
        let says = QUALITY_WORDS.iter().any(|word| header.contains(word));
        let column = &columns[index];
        let is_mark = says
            && column.field.role == FieldRole::Attribute
            && matches!(column.field.field_type, FieldType::String | FieldType::Integer);
        // Marks stand behind their value, other marks between them.
        let value = columns[..index].iter().rev().find(|other| {
            matches!(other.field.field_type, FieldType::Integer | FieldType::Number)
                && other.field.role != FieldRole::Quality
                && !QUALITY_WORDS
                    .iter()
                    .any(|word| fold(&other.field.name).to_lowercase().contains(word))
        });
        let (true, Some(of)) = (is_mark, value.map(|value| value.field.name.clone())) else {
            continue;
        };
        let Some(words) = column.profile.few(MAX_MARKS).filter(|words| !words.is_empty()) else {
            continue;
        };
        let field = &mut columns[index].field;
        field.field_type = FieldType::String;
        field.role = FieldRole::Quality;
        field.constraints.allowed =
            Some(words.iter().cloned().map(serde_json::Value::String).collect());
        let words = words.join(", ");
        notes.add(
            &field.name,
            format!("見出しと位置から「{of}」の品質の列とし、ファイルにある印（{words}）を enum としました。ほかの印もあれば加えてください"),
            format!("the heading and its place say that the column tells the quality of {of:?}; the marks of the file ({words}) are its enum, to which others may be added"),
        );
        field.quality_of = Some(of);
    }
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

//! The standard's headings, in both generations: what each is called in ASCII, and the form of its cells.

use hub_model::{Field, FieldRole, FieldType};

use super::{
    super::{
        column::{self, Describe, column as typed, count, latitude, longitude, number, text},
        heading::fold,
    },
    Dataset,
};

/// The form of a column's cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// The code of the municipality that publishes.
    Code,
    /// Another place's code.
    OtherCode,
    /// What names a row within a municipality.
    Id,
    /// What a row is called.
    Name,
    Number,
    /// The day that a row is of.
    Time,
    Day,
    Clock,
    Phone,
    /// 1 or nothing.
    Flag,
}

/// The first column, as it is compared.
pub(super) const CODE: [&str; 4] = [
    "全国地方公共団体コード",
    "都道府県コード又は市区町村コード",
    "市区町村コード",
    "都道府県コードまたは市区町村コード",
];

/// Texts, by heading and ASCII name.
const TEXTS: [(&str, &str); 64] = [
    ("地方公共団体名", "municipality"),
    ("都道府県名", "prefecture"),
    ("市区町村名", "municipality"),
    ("名称", "name"),
    ("名称_カナ", "name_kana"),
    ("名称_英語", "name_en"),
    ("名称_通称", "name_common"),
    ("イベント名", "name"),
    ("イベント名_カナ", "name_kana"),
    ("イベント名_英語", "name_en"),
    ("イベント名_通称", "name_common"),
    ("地域名", "area"),
    ("POIコード", "poi_code"),
    ("町字ID", "town_id"),
    ("所在地_連結表記", "address"),
    ("住所", "address"),
    ("所在地_都道府県", "address_prefecture"),
    ("所在地_市区町村", "address_municipality"),
    ("所在地_町字", "address_town"),
    ("所在地_番地以下", "address_number"),
    ("建物名等(方書)", "building"),
    ("方書", "building"),
    ("高度の種別", "altitude_kind"),
    ("内線番号", "extension"),
    ("連絡先内線番号", "extension"),
    ("連絡先メールアドレス", "contact_mail"),
    ("連絡先FormURL", "contact_form"),
    ("連絡先備考(その他、SNSなど)", "contact_note"),
    ("連絡先名称", "contact_name"),
    ("郵便番号", "postcode"),
    ("法人番号", "corporate_number"),
    ("団体名", "organisation"),
    ("利用可能曜日", "open_days"),
    ("利用可能日時特記事項", "open_note"),
    ("開始日時特記事項", "time_note"),
    ("料金(基本)", "fee"),
    ("料金(詳細)", "fee_note"),
    ("説明", "description"),
    ("説明_英語", "description_en"),
    ("アクセス方法", "access"),
    ("駐車場情報", "parking"),
    ("バリアフリー情報", "barrier_free"),
    ("画像", "image"),
    ("画像_ライセンス", "image_licence"),
    ("URL", "url"),
    ("備考", "note"),
    ("主催者", "organiser"),
    ("場所名称", "venue"),
    ("参加申込方法", "application"),
    ("参加申込終了日特記事項", "application_note"),
    ("カテゴリー", "category"),
    ("区", "ward"),
    ("子育て情報", "childcare"),
    ("施設No.", "facility_number"),
    ("対象となる町会・自治会", "neighbourhoods"),
    ("指定避難所との重複", "also_shelter"),
    ("観光施設分類", "site_kind"),
    ("施設種別", "facility_kind"),
    ("データ提供元", "provider"),
    ("イベント分類", "event_kind"),
    ("状態", "state"),
    ("文化財分類", "heritage_kind"),
    ("多言語対応", "languages"),
    ("決済方法", "payment"),
];

/// Hazards that a site is safe from, by the heading's end.
const HAZARDS: [(&str, &str); 8] = [
    ("洪水", "hazard_flood"),
    ("崖崩れ、土石流及び地滑り", "hazard_landslide"),
    ("高潮", "hazard_storm_surge"),
    ("地震", "hazard_earthquake"),
    ("津波", "hazard_tsunami"),
    ("大規模な火事", "hazard_fire"),
    ("内水氾濫", "hazard_inland_flood"),
    ("火山現象", "hazard_volcano"),
];

/// A column of a file: as the standard has it, or as a text where the standard does not know it.
pub(super) fn field(dataset: Dataset, name: &str) -> (Field, Form) {
    let folded = fold(name);
    let folded = folded.as_str();
    if CODE.contains(&folded) {
        return (column::municipality_code(name), Form::Code);
    }
    let (field, form) = match folded {
        "ID" | "NO" | "No" | "No." | "番号" => (text(name, "id").role(FieldRole::Key), Form::Id),
        "地域コード" => (text(name, "area_code").role(FieldRole::Key), Form::Id),
        "所在地_全国地方公共団体コード" => (
            text(name, "address_municipality_code").role(FieldRole::Place).pattern("[0-9]{6}"),
            Form::OtherCode,
        ),
        "緯度" => (latitude(name, "latitude"), Form::Number),
        "経度" => (longitude(name, "longitude"), Form::Number),
        "高度の値" | "標高" => (number(name, "altitude").unit("m"), Form::Number),
        "電話番号" | "連絡先電話番号" => (
            // Parentheses, hyphens or spaces between the parts; the country's code or a leading zero.
            text(name, "phone").pattern(r"(\+81[- ]?|\(?0)[0-9() -]{8,14}"),
            Form::Phone,
        ),
        "開始時間" | "終了時間" | "参加申込終了時間" => {
            let alias = match folded {
                "開始時間" => "opens",
                "終了時間" => "closes",
                _ => "application_closes",
            };
            (text(name, alias).pattern("([01][0-9]|2[0-4]):[0-5][0-9]"), Form::Clock)
        }
        "開始日" => (column::time(name, "start_date", FieldType::Date, None), Form::Time),
        "調査年月日" => (column::time(name, "date", FieldType::Date, None), Form::Time),
        "終了日" => (typed(name, "end_date", FieldType::Date), Form::Day),
        "参加申込終了日" => (typed(name, "application_ends", FieldType::Date), Form::Day),
        "公開日" => (typed(name, "published", FieldType::Date), Form::Day),
        "更新日" => (typed(name, "updated", FieldType::Date), Form::Day),
        "定員" | "想定収容人数" | "収容人数" => {
            (count(name, "capacity").unit("{person}"), Form::Number)
        }
        _ => return other(dataset, name, folded),
    };
    // What names an event and a day is there in every row.
    (if form == Form::Time { field.required() } else { field }, form)
}

fn other(dataset: Dataset, name: &str, folded: &str) -> (Field, Form) {
    if let Some(hazard) = folded.strip_prefix("災害種別_") {
        let alias = HAZARDS.iter().find(|(word, _)| *word == hazard).map(|(_, alias)| *alias);
        let mut field = typed(name, alias.unwrap_or_default(), FieldType::Boolean);
        field.alias = alias.map(str::to_owned);
        return (field, Form::Flag);
    }
    if dataset == Dataset::Population
        && let Some(alias) = residents(folded)
    {
        let unit = if alias == "households" { "{household}" } else { "{person}" };
        return (count(name, &alias).value(unit), Form::Number);
    }
    match TEXTS.iter().find(|(heading, _)| *heading == folded) {
        Some((_, alias)) => {
            let form = if matches!(*alias, "name" | "area") { Form::Name } else { Form::Text };
            let field = text(name, alias);
            (if *alias == "name" { field.required() } else { field }, form)
        }
        None => (Field::new(name, FieldType::String), Form::Text),
    }
}

/// `0-4歳の男性` is `male_0_4`, `85歳以上の女性` is `female_85_over`.
fn residents(folded: &str) -> Option<String> {
    match folded {
        "総人口" => return Some("population".to_owned()),
        "男性" => return Some("male".to_owned()),
        "女性" => return Some("female".to_owned()),
        "世帯数" => return Some("households".to_owned()),
        _ => {}
    }
    let (ages, sex) = match folded.strip_suffix("の男性") {
        Some(ages) => (ages, "male"),
        None => (folded.strip_suffix("の女性")?, "female"),
    };
    if matches!(ages, "年齢不詳" | "不詳者" | "不詳" | "年齢不明") {
        return Some(format!("{sex}_unknown"));
    }
    let is_age = |age: &str| !age.is_empty() && age.bytes().all(|b| b.is_ascii_digit());
    if let Some(age) = ages.strip_suffix("歳以上") {
        return is_age(age).then(|| format!("{sex}_{age}_over"));
    }
    let (from, to) = ages.strip_suffix('歳')?.split_once(['-', '~'])?;
    let from = from.trim_end_matches('歳');
    (is_age(from) && is_age(to)).then(|| format!("{sex}_{from}_{to}"))
}

//! The Japan Meteorological Agency's latest observations as its disaster pages read them: one instant of
//! all stations (`map_YYYYMMDDHHMMSS.json`), and some hours of one station (`44132_20250628_15.json`).
//!
//! Elements differ from station to station, so the table is long. A value stands beside a quality number
//! (AQC) that decides whether it is one: `[0, null]` and `[0, 6]` are no data although a number is there.

use hub_model::{Contract, FieldRole, FieldType, Label, Quality};
use serde_json::Value;

use super::{
    Context, Head, Layout, Preset,
    column::{Describe, column, number, quality, text, time},
    json_table::{JsonRows, Rejected, first_keys, is_digits, open_table},
    when::When,
};
use crate::IntakeError;

pub(super) const MAP: Preset = Preset {
    id: "jma_bosai_map",
    title: ("気象庁 アメダス（全国の1時点）", "JMA AMeDAS, one instant of all stations"),
    publisher: &super::publisher::JMA,
    layout: Layout::Json { recognise: recognise_map, open: open_map },
};

pub(super) const POINT: Preset = Preset {
    id: "jma_bosai_point",
    title: ("気象庁 アメダス（1地点の推移）", "JMA AMeDAS, hours of one station"),
    publisher: &super::publisher::JMA,
    layout: Layout::Json { recognise: recognise_point, open: open_point },
};

fn recognise_map(head: &Head<'_>) -> bool {
    first_keys(head.text).is_some_and(|(station, _, rest)| {
        is_digits(station, 5) && rest.starts_with('[') && !head.text.contains("\"kjName\"")
    })
}

fn recognise_point(head: &Head<'_>) -> bool {
    first_keys(head.text).is_some_and(|(time, element, rest)| {
        is_digits(time, 14) && (rest.starts_with('[') || element == "prefNumber")
    })
}

/// The publisher's elements: key, Japanese name, UCUM unit. Codes have no unit.
const ELEMENTS: &[(&str, &str, &str)] = &[
    ("pressure", "現地気圧", "hPa"),
    ("normalPressure", "海面気圧", "hPa"),
    ("temp", "気温", "Cel"),
    ("maxTemp", "最高気温", "Cel"),
    ("minTemp", "最低気温", "Cel"),
    ("humidity", "湿度", "%"),
    ("visibility", "視程", "m"),
    ("snow", "積雪深", "cm"),
    ("snow1h", "前1時間降雪量", "cm"),
    ("snow6h", "前6時間降雪量", "cm"),
    ("snow12h", "前12時間降雪量", "cm"),
    ("snow24h", "前24時間降雪量", "cm"),
    ("sun10m", "前10分間日照時間", "min"),
    ("sun1h", "前1時間日照時間", "h"),
    ("precipitation10m", "前10分間降水量", "mm"),
    ("precipitation1h", "前1時間降水量", "mm"),
    ("precipitation3h", "前3時間降水量", "mm"),
    ("precipitation24h", "前24時間降水量", "mm"),
    ("windDirection", "風向", ""),
    ("wind", "風速", "m/s"),
    ("gustDirection", "最大瞬間風速の風向", ""),
    ("gust", "最大瞬間風速", "m/s"),
    ("weather", "天気", ""),
];

/// The names of wind directions by the publisher's numbers.
const DIRECTIONS: [&str; 17] = [
    "静穏",
    "北北東",
    "北東",
    "東北東",
    "東",
    "東南東",
    "南東",
    "南南東",
    "南",
    "南南西",
    "南西",
    "西南西",
    "西",
    "西北西",
    "北西",
    "北北西",
    "北",
];

fn contract() -> Contract {
    Contract {
        fields: vec![
            time("日時", "time", FieldType::Datetime, Some(("PT10M", Label::End))),
            column("観測所番号", "station_id", FieldType::String).role(FieldRole::Place),
            column("要素", "element", FieldType::String).role(FieldRole::Key).described("気象庁のファイルでの要素名（temp, snow など）"),
            text("要素名", "element_name"),
            number("値", "value").role(FieldRole::Value),
            text("文字の値", "text").described("風向の名前"),
            text("単位", "unit").described("UCUMの単位。風向と天気は番号なので空"),
            quality("品質", "quality", "値"),
            text("AQC", "aqc").described("0:正常, 1:やや疑わしい, 2:かなり疑わしい, 3:利用に適さない, 4:資料不足, 5:計画休止, 6:障害, 7:観測しない"),
            text("起時", "occurred_at").described("最高・最低・最大の時刻。ファイルのまま（時:分）"),
        ],
        primary_key: ["日時", "観測所番号", "要素"].map(str::to_owned).into(),
        missing_values: vec![String::new()],
    }
}

fn open_map(
    context: &Context<'_>,
    text: Box<dyn std::io::Read + Send>,
) -> Result<Box<dyn crate::decode::Decode>, IntakeError> {
    let name = context.file_name.unwrap_or("");
    let Some(time) = digit_runs(name).find(|run| run.len() == 14).and_then(instant) else {
        let name = crate::show::show_text(name);
        return Err(IntakeError::unreadable(
            format!(
                "気象庁のアメダスのファイルですが、いつの観測か分かりません（ファイル名「{name}」）。「map_20250628180000.json」のように、年月日時分秒の14桁をファイル名に付けて送ってください"
            ),
            format!(
                "this is a map of AMeDAS, and the file's name ({name:?}) does not say of which instant; name it with 14 digits, like map_20250628180000.json, and send it again"
            ),
        ));
    };
    open_table(context, text, MAP.name(), contract(), |station, entry, out| {
        observations(&time, station, entry, out)
    })
}

fn open_point(
    context: &Context<'_>,
    text: Box<dyn std::io::Read + Send>,
) -> Result<Box<dyn crate::decode::Decode>, IntakeError> {
    let name = context.file_name.unwrap_or("").to_owned();
    let named = digit_runs(&name).next().filter(|run| run.len() == 5).map(str::to_owned);
    open_table(context, text, POINT.name(), contract(), move |key, entry, out| {
        let number = |key: &str| entry.get(key).and_then(Value::as_u64);
        let stated = number("prefNumber").zip(number("observationNumber"));
        let stated = stated.map(|(prefecture, station)| format!("{prefecture:02}{station:03}"));
        let Some(station) = stated.or_else(|| named.clone()) else {
            return Err(Rejected::Unreadable(
                format!(
                    "どの観測所のファイルか分かりません（ファイル名「{name}」）。「44132_20250628_15.json」のように、観測所番号の5桁をファイル名の始めに付けて送ってください"
                ),
                format!(
                    "the file ({name:?}) does not say of which station it is; let its name begin with the station's five digits, like 44132_20250628_15.json"
                ),
            ));
        };
        let time = instant(key).unwrap_or_else(|| key.to_owned());
        observations(&time, &station, entry, out)
    })
}

/// The runs of digits in a name.
fn digit_runs(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty())
}

/// Fourteen digits as contracts read an instant.
fn instant(digits: &str) -> Option<String> {
    let part = |range: std::ops::Range<usize>| digits.get(range);
    let (date, hour) = (part(0..8)?, part(8..10)?);
    let text = format!(
        "{}-{}-{} {hour}:{}:{}",
        &date[..4],
        &date[4..6],
        &date[6..],
        part(10..12)?,
        part(12..14)?
    );
    When::parse(&text)?.instant()
}

/// A row for each element of one station at one time.
fn observations(
    time: &str,
    station: &str,
    entry: &Value,
    out: &mut JsonRows,
) -> Result<(), Rejected> {
    let Value::Object(elements) = entry else { return Err(Rejected::Shape) };
    for (element, observed) in elements {
        let Value::Array(pair) = observed else { continue };
        let (value, aqc) = (shown(pair.first()), shown(pair.get(1)));
        let quality = of_aqc(&aqc);
        let is_there =
            !value.is_empty() && !matches!(quality, Some(Quality::Missing | Quality::NotObserved));
        let known = ELEMENTS.iter().find(|(key, ..)| key == element);
        let (name, unit) = known.map_or(("", ""), |(_, name, unit)| (*name, *unit));
        let quality = match quality {
            // A null is never an observation, whatever stands beside it.
            Some(Quality::Normal | Quality::Doubtful | Quality::Insufficient)
                if value.is_empty() =>
            {
                Quality::Missing.as_str()
            }
            Some(quality) => quality.as_str(),
            None => aqc.as_str(),
        };
        let number = if is_there { value.as_str() } else { "" };
        let direction = match element.as_str() {
            "windDirection" | "gustDirection" => {
                number.parse().ok().and_then(|at: usize| DIRECTIONS.get(at)).copied().unwrap_or("")
            }
            _ => "",
        };
        let occurred = elements.get(&format!("{element}Time")).map_or_else(String::new, clock);
        out.push(&[
            time, station, element, name, number, direction, unit, quality, &aqc, &occurred,
        ]);
    }
    Ok(())
}

/// The quality that an AQC number stands for; null is no observed item.
fn of_aqc(aqc: &str) -> Option<Quality> {
    Some(match aqc {
        "0" => Quality::Normal,
        "1" | "2" | "3" => Quality::Doubtful,
        "4" => Quality::Insufficient,
        "5" | "6" => Quality::Missing,
        "7" | "" => Quality::NotObserved,
        _ => return None,
    })
}

/// A JSON value as a cell: null is empty.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// `{"hour": 4, "minute": 5}` as `4:05`.
fn clock(time: &Value) -> String {
    let part = |key: &str| time.get(key).and_then(Value::as_u64);
    match (part("hour"), part("minute")) {
        (Some(hour), Some(minute)) => format!("{hour}:{minute:02}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::taken::{take, taken_real};

    #[test]
    fn a_map_is_read_and_what_is_no_data_has_no_value() {
        let Some(taken) = taken_real("jma/bosai/map_20250628180000.json") else { return };
        assert_eq!(taken.preset, Some("jma_bosai_map"));
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        assert_eq!(taken.rows.len(), 16_349);
        let of = |station: &str, element: &str| {
            taken
                .select(
                    &["value", "quality", "aqc"],
                    &[("station_id", station), ("element", element)],
                )
                .concat()
                .join(" ")
        };
        assert_eq!(of("11001", "snow1h"), "∅ not_observed ∅");
        assert_eq!(of("11016", "snow1h"), "∅ missing 6");
        assert_eq!(of("11016", "snow"), "∅ missing 5");
        assert_eq!(of("11016", "precipitation1h"), "0.0 normal 0");
        insta::assert_snapshot!(taken.head(14));
    }

    #[test]
    fn hours_of_a_station_are_read() {
        let text = r#"{"20250628150000":{"prefNumber":44,"observationNumber":132,"temp":[30.1,0],
            "windDirection":[0,0],"wind":[0.2,0],"maxTemp":[31.2,0],"maxTempTime":{"hour":4,"minute":5},
            "gustDirection":[16,1],"gust":[null,6]},
            "20250628240000":{"prefNumber":4,"observationNumber":12,"temp":[29,4]}}"#;
        let taken = take("20250628_15.json", text.as_bytes()).unwrap();
        assert_eq!(taken.preset, Some("jma_bosai_point"));
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        insta::assert_snapshot!(taken.head(9));
        let text = r#"{"20250628150000":{"temp":[30.1,0]}}"#;
        assert_eq!(take("44132_20250628_15.json", text.as_bytes()).unwrap().rows[0][1], "44132");
        let refused = take("20250628_15.json", text.as_bytes()).unwrap_err();
        assert!(refused.to_string().contains("44132_"), "{refused}");
    }

    #[test]
    fn a_map_without_its_instant_is_refused_with_what_to_do() {
        let refused = take("map.json", br#"{"11001":{"temp":[19.4,0]}}"#).unwrap_err();
        assert!(refused.text().unwrap().ja.contains("map_20250628180000.json"), "{refused}");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let text = br#"{"11001":{"temp":[19.4,0],"wind":["?",0],"snow":[1,"9"]}}"#;
        let taken = take("map_20250628180000.json", text).unwrap();
        let wrong: Vec<_> =
            taken.report.errors.iter().map(|e| (e.row, e.column.as_deref().unwrap())).collect();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        for text in
            [&b"{\"11001\":{\"temp\":[19.4,0]"[..], b"{\"11001\":{\"temp\":[1,0]},\"11002\":3}"]
        {
            assert!(take("map_20250628180000.json", text).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn no_bytes_make_it_panic(at in 0usize..70, text in "[\\[\\]{}:,\"0-9a-z. ]{0,30}") {
            let mut whole = r#"{"11001":{"temp":[19.4,0],"windDirection":[12,0],"maxTempTime":{"hour":1}}}"#.to_owned();
            whole.insert_str(at, &text);
            let _ = take("map_20250628180000.json", whole.as_bytes());
        }
    }
}

//! The Japan Meteorological Agency's table of AMeDAS stations as its disaster pages read it
//! (`amedastable.json`). Latitude and longitude are pairs of degrees and minutes.

use hub_model::{Contract, FieldRole, FieldType};
use serde_json::Value;

use super::{
    Context, Head, Layout, Preset,
    column::{Describe, column, number, text},
    json_table::{JsonRows, Rejected, first_keys, is_digits, open_table},
};
use crate::{IntakeError, decode::Decode};

pub(super) const PRESET: Preset = Preset {
    id: "jma_bosai_amedastable",
    title: ("気象庁 アメダス観測所（amedastable）", "JMA AMeDAS stations (amedastable)"),
    publisher: &super::publisher::JMA,
    layout: Layout::Json { recognise, open },
};

fn recognise(head: &Head<'_>) -> bool {
    first_keys(head.text).is_some_and(|(station, ..)| {
        is_digits(station, 5)
            && ["\"kjName\"", "\"lat\"", "\"lon\""].iter().all(|key| head.text.contains(key))
    })
}

fn contract() -> Contract {
    Contract {
        fields: vec![
            column("観測所番号", "station_id", FieldType::String).role(FieldRole::Place),
            text("観測所名", "name"),
            text("観測所名_カナ", "name_kana"),
            text("観測所名_英語", "name_english"),
            text("種類", "type").described("気象庁の記号（A〜F）"),
            text("観測要素", "elements").described(
                "8桁。左から気温・降水量・風向・風速・日照・積雪・湿度・気圧（気象庁の記号）",
            ),
            number("緯度", "latitude").unit("deg"),
            number("経度", "longitude").unit("deg"),
            number("標高", "altitude").unit("m"),
        ],
        primary_key: vec!["観測所番号".to_owned()],
        missing_values: vec![String::new()],
    }
}

fn open(
    context: &Context<'_>,
    text: Box<dyn std::io::Read + Send>,
) -> Result<Box<dyn Decode>, IntakeError> {
    open_table(context, text, PRESET.name(), contract(), station)
}

fn station(id: &str, entry: &Value, out: &mut JsonRows) -> Result<(), Rejected> {
    let Value::Object(entry) = entry else { return Err(Rejected::Shape) };
    let text = |key: &str| match entry.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(pair)) => degrees(pair),
        Some(other) => other.to_string(),
    };
    let cells: Vec<String> =
        ["kjName", "knName", "enName", "type", "elems", "lat", "lon", "alt"].map(text).into();
    let mut row = vec![id];
    row.extend(cells.iter().map(String::as_str));
    out.push(&row);
    Ok(())
}

/// Degrees and minutes as degrees; as it stands where it is neither.
fn degrees(pair: &[Value]) -> String {
    match pair {
        [degrees, minutes] => match (degrees.as_f64(), minutes.as_f64()) {
            (Some(degrees), Some(minutes)) => super::jma_ame_master::degrees(degrees, minutes),
            _ => format!("{degrees} {minutes}"),
        },
        other => Value::from(other.to_vec()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::taken::{take, taken_real};

    #[test]
    fn the_table_of_stations_is_read() {
        let Some(taken) = taken_real("jma/bosai/amedastable.json") else { return };
        assert_eq!(taken.preset, Some("jma_bosai_amedastable"));
        assert_eq!((taken.report.error_count, taken.rows.len()), (0, 1_295));
        insta::assert_snapshot!(taken.head(2));
    }

    #[test]
    fn a_pair_that_is_no_latitude_is_named() {
        let text = br#"{"11001":{"type":"C","lat":[45],"lon":[141,56.1],"kjName":"a"}}"#;
        let taken = take("amedastable.json", text).unwrap();
        assert_eq!(taken.preset, Some("jma_bosai_amedastable"));
        assert_eq!(taken.report.errors[0].column.as_deref(), Some("緯度"));
    }
}

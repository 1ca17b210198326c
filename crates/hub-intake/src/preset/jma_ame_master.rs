//! The Japan Meteorological Agency's master of AMeDAS stations (`ame_master.csv`), in the publisher's own
//! heading and in that of a mirror which translates and extends it.
//!
//! The mirror's heading calls the latitudes longitude and the other way round. Degrees tell which is
//! which: Japan lies south of 46° north and east of 122°.

use hub_model::{ChangeKind, Contract, FieldRole, FieldType};
use unicode_normalization::UnicodeNormalization;

use super::{
    Context, Head, Layout, Preset,
    column::{Describe, column, number, text},
    when,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::{Ahead, Row, Rows},
};

pub(super) const PRESET: Preset = Preset {
    id: "jma_ame_master",
    title: ("気象庁 地域気象観測所一覧（ame_master）", "JMA AMeDAS stations (ame_master)"),
    publisher: &super::publisher::JMA,
    layout: Layout::Rows { recognise, open },
};

/// The table's columns but for the two degrees: name, alias, and the headings that files have, under NFKC.
const COLUMNS: [(&str, &str, &[&str]); 25] = [
    ("観測所番号", "station_id", &["観測所番号", "amedas_id"]),
    ("枝番", "station_subid", &["amedas_subid"]),
    ("観測所名", "name", &["観測所名", "station_name"]),
    ("観測所名_カナ", "name_kana", &["カタカナ名", "station_name_kana"]),
    ("表記名", "display_name", &["気象情報等に表記する名称"]),
    ("都府県振興局", "prefecture", &["都府県振興局", "都道府県振興局"]),
    ("都府県振興局番号", "prefecture_id", &["fuken_id"]),
    ("種類", "type", &["種類", "type"]),
    ("降水量の観測", "observes_precipitation", &["f_pre"]),
    ("気温の観測", "observes_temperature", &["f_tem"]),
    ("風の観測", "observes_wind", &["f_wsd"]),
    ("日照の観測", "observes_sunshine", &["f_sun"]),
    ("積雪の観測", "observes_snow", &["f_snc"]),
    ("所在地", "location", &["所在地", "location"]),
    ("海面上の高さ", "height", &["海面上の高さ(m)", "height"]),
    ("風速計の高さ", "anemometer_height", &["風速計の高さ(m)", "height_wsd"]),
    ("温度計の高さ", "thermometer_height", &["温度計の高さ(m)", "height_tem"]),
    ("観測開始（表記）", "started_text", &["観測開始年月日"]),
    ("観測開始_降水量", "started_precipitation", &["obs_started_pre"]),
    ("観測開始_その他", "started_others", &["obs_started_others"]),
    ("備考1", "note1", &["備考1", "note1"]),
    ("備考2", "note2", &["備考2", "note2"]),
    ("管轄", "supervisor", &["supervisor"]),
    ("地点番号", "block_number", &["station_id"]),
    ("旧地点番号", "old_block_number", &["old_station_id"]),
];

/// What a file has to have, in either heading.
const OWN: [&str; 3] = ["観測所番号", "観測所名", "緯度(度)"];
const MIRROR: [&str; 4] = ["amedas_id", "amedas_subid", "station_name", "latitude"];

/// Where a file has what.
struct Columns {
    plain: [Option<usize>; COLUMNS.len()],
    /// Degrees and minutes, of latitude or longitude.
    first: (usize, usize),
    second: (usize, usize),
}

fn columns(heading: &Row) -> Option<Columns> {
    let names: Vec<String> =
        heading.cells().map(|cell| cell.nfkc().collect::<String>().trim().to_owned()).collect();
    let at = |name: &str| names.iter().position(|found| found == name);
    let has = |wanted: &[&str]| wanted.iter().all(|name| at(name).is_some());
    let mut plain = COLUMNS.map(|(_, _, headings)| headings.iter().find_map(|heading| at(heading)));
    if has(&OWN) {
        let first = (at("緯度(度)")?, at("緯度(分)")?);
        let second = (at("経度(度)")?, at("経度(分)")?);
        return Some(Columns { plain, first, second });
    }
    if !has(&MIRROR) {
        return None;
    }
    // The mirror leaves the name of the prefecture and the two columns before each degree unnamed.
    let started = at("obs_started_pre")?.checked_sub(1)?;
    for (column, place) in [(at("fuken_id")?.checked_sub(1)?, 5), (started, 17)] {
        if names[column].is_empty() {
            plain[place] = Some(column);
        }
    }
    let pair = |name: &str| {
        let degrees = at(name)?.checked_sub(2)?;
        names[degrees].is_empty().then_some((degrees, degrees + 1))
    };
    Some(Columns { plain, first: pair("longitude")?, second: pair("latitude")? })
}

fn recognise(head: &Head<'_>) -> bool {
    head.rows.iter().find(|row| !row.is_blank()).is_some_and(|row| columns(row).is_some())
}

fn open(_context: &Context<'_>, rows: &mut Ahead) -> Result<Box<dyn Transform>, IntakeError> {
    let mut heading = Row::default();
    while rows.next_row(&mut heading)? && heading.is_blank() {}
    let Some(columns) = columns(&heading) else {
        return Err(IntakeError::unreadable(
            "観測所一覧の見出しが見つかりません。ダウンロードしたままのファイルを送ってください",
            "the heading of the station master is not found; send the file as it was downloaded",
        ));
    };
    Ok(Box::new(Master { contract: contract(), columns, changes: Changes::default() }))
}

fn contract() -> Contract {
    let mut fields: Vec<_> = COLUMNS
        .iter()
        .map(|(name, alias, _)| match *alias {
            "station_id" => column(name, alias, FieldType::String).role(FieldRole::Place),
            "station_subid" => column(name, alias, FieldType::String).role(FieldRole::Key),
            "height" | "anemometer_height" | "thermometer_height" => number(name, alias).unit("m"),
            alias if alias.starts_with("observes_") => column(name, alias, FieldType::Boolean),
            "started_precipitation" | "started_others" => column(name, alias, FieldType::Date),
            "block_number" => {
                text(name, alias).described("過去の気象データ検索での番号。5桁は国際地点番号")
            }
            "started_text" => text(name, alias).described("気象庁の表記のまま"),
            _ => text(name, alias),
        })
        .collect();
    fields.push(number("緯度", "latitude").unit("deg"));
    fields.push(number("経度", "longitude").unit("deg"));
    Contract {
        fields,
        primary_key: vec!["観測所番号".to_owned(), "枝番".to_owned()],
        missing_values: vec![String::new()],
    }
}

struct Master {
    contract: Contract,
    columns: Columns,
    changes: Changes,
}

/// A day written by its era, as a few of the mirror's are: `H.18.3.6` or `平18.3.6`.
fn of_era(cell: &str) -> Option<String> {
    let is_era = cell.starts_with(|c: char| !c.is_ascii_digit());
    when::day(cell).filter(|_| is_era).map(when::iso)
}

impl Transform for Master {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() {
            return Ok(());
        }
        let eras: Vec<Option<String>> = self
            .columns
            .plain
            .iter()
            .map(|column| column.and_then(|column| of_era(row.get(column))))
            .collect();
        let mut cells = Vec::with_capacity(COLUMNS.len() + 2);
        for ((column, (name, alias, _)), era) in self.columns.plain.iter().zip(&COLUMNS).zip(&eras)
        {
            let cell = column.map_or("", |column| row.get(column));
            if let Some(date) = era
                && matches!(*alias, "started_precipitation" | "started_others")
            {
                self.changes.of_cell(ChangeKind::JapaneseEra, (row.number(), name), cell, date);
                cells.push(date.as_str());
                continue;
            }
            cells.push(match (*alias, cell) {
                ("station_subid", "") => "0",
                (alias, "Y") if alias.starts_with("observes_") => "true",
                (alias, "N") if alias.starts_with("observes_") => "false",
                _ => cell,
            });
        }
        let place = |(degrees, minutes): (usize, usize)| {
            let (degrees, minutes) = (row.get(degrees), row.get(minutes));
            match (degrees.parse::<f64>(), minutes.parse::<f64>()) {
                (Ok(degrees), Ok(minutes)) => self::degrees(degrees, minutes),
                _ => format!("{degrees} {minutes}").trim().to_owned(),
            }
        };
        let (mut latitude, mut longitude) = (place(self.columns.first), place(self.columns.second));
        let is_east = |degrees: &str| degrees.parse::<f64>().is_ok_and(|degrees| degrees > 100.0);
        if is_east(&latitude) && !is_east(&longitude) {
            std::mem::swap(&mut latitude, &mut longitude);
        }
        cells.push(&latitude);
        cells.push(&longitude);
        out.push(row.number(), None, &cells);
        Ok(())
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }
}

/// Degrees and minutes as degrees, to the fifth place: a tenth of a minute is some 180 metres.
pub(super) fn degrees(degrees: f64, minutes: f64) -> String {
    let sum = format!("{:.5}", degrees + minutes / 60.0);
    sum.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::taken::{cp932, take, taken_real};

    #[test]
    fn the_mirrors_master_is_read_with_north_as_latitude() {
        let Some(taken) = taken_real("jma/ame_master.csv") else { return };
        assert_eq!(taken.preset, Some("jma_ame_master"));
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        assert_eq!(taken.rows.len(), 1_610);
        insta::assert_snapshot!(taken.head(2));
        let found =
            taken.select(&["latitude", "longitude", "block_number"], &[("station_id", "16217")]);
        assert_eq!(found, [["42.9", "140.75667", "47433"]]);
    }

    #[test]
    fn the_publishers_own_master_is_read() {
        let text = "都府県振興局,観測所番号,種類,観測所名,ｶﾀｶﾅ名,気象情報等に表記する名称,所在地,緯度(度),緯度(分),経度(度),経度(分),海面上の高さ(ｍ),風速計の高さ(ｍ),温度計の高さ(ｍ),観測開始年月日,備考1,備考2\r\n\
            後志,16217,官,倶知安,ｸｯﾁｬﾝ,倶知安,虻田郡倶知安町南1条東　倶知安特別地域気象観測所,42,54.0,140,45.4,176,31.5,1.5,#昭50.4.1,16917,\r\n";
        let taken = take("ame_master.csv", &cp932(text)).unwrap();
        assert_eq!(taken.preset, Some("jma_ame_master"));
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        let wanted = [
            "station_id",
            "station_subid",
            "prefecture",
            "latitude",
            "longitude",
            "height",
            "started_text",
        ];
        let found = taken.select(&wanted, &[]);
        assert_eq!(found, [["16217", "0", "後志", "42.9", "140.75667", "176.0", "#昭50.4.1"]]);
    }
}

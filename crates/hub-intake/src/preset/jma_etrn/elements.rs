//! The elements of daily tables, and which column of a file is which.

use unicode_normalization::UnicodeNormalization;

use super::is_day;
use crate::rows::Row;

/// One element; its unit is empty where its values are text.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: &'static str,
    pub(super) alias: &'static str,
    pub(super) unit: &'static str,
}

macro_rules! elements {
    ($(($name:literal, $alias:literal, $unit:literal),)*) => {
        &[$(Element { name: $name, alias: $alias, unit: $unit },)*]
    };
}

/// Every element that the publisher's main daily tables have, of any kind of station.
pub(super) const ELEMENTS: &[Element] = elements![
    ("平均現地気圧", "station_pressure_mean", "hPa"),
    ("平均海面気圧", "sea_level_pressure_mean", "hPa"),
    ("降水量", "precipitation", "mm"),
    ("最大1時間降水量", "precipitation_max_1h", "mm"),
    ("最大10分間降水量", "precipitation_max_10min", "mm"),
    ("平均気温", "temperature_mean", "Cel"),
    ("最高気温", "temperature_max", "Cel"),
    ("最低気温", "temperature_min", "Cel"),
    ("平均湿度", "humidity_mean", "%"),
    ("最小湿度", "humidity_min", "%"),
    ("平均風速", "wind_speed_mean", "m/s"),
    ("最大風速", "wind_speed_max", "m/s"),
    ("最大風速の風向", "wind_speed_max_direction", ""),
    ("最大瞬間風速", "gust_speed", "m/s"),
    ("最大瞬間風速の風向", "gust_direction", ""),
    ("最多風向", "prevailing_wind_direction", ""),
    ("日照時間", "sunshine", "h"),
    ("降雪の深さ", "snowfall", "cm"),
    ("最深積雪", "snow_depth_max", "cm"),
    ("天気概況（昼）", "weather_day", ""),
    ("天気概況（夜）", "weather_night", ""),
];

/// How a file's units are written, under NFKC, for each code.
const UNITS: &[(&str, &str)] = &[
    ("hPa", "hPa"),
    ("mm", "mm"),
    ("℃", "Cel"),
    ("°C", "Cel"),
    ("%", "%"),
    ("m/s", "m/s"),
    ("h", "h"),
    ("時間", "h"),
    ("cm", "cm"),
];

/// Where the heading is, and what the columns are.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) first: usize,
    /// The first row after it.
    pub(super) end: usize,
    pub(super) columns: Vec<Option<usize>>,
}

/// Finds the heading: rows before the first day of which every column's words name an element, each
/// element once. None if any column is not understood, since leaving one out would lose it.
pub(super) fn header(rows: &[Row]) -> Option<Header> {
    let end = rows.iter().position(|row| is_day(row.get(0)))?;
    let is_heading = |row: &Row| {
        matches!(row.get(0), "" | "日") && (1..row.len()).any(|at| !row.get(at).is_empty())
    };
    let first = end - rows[..end].iter().rev().take_while(|row| is_heading(row)).count();
    if first == end || end - first > 4 {
        return None;
    }
    let paths = paths(&rows[first..end]);
    let mut columns = vec![None; paths.len()];
    for (column, path) in paths.iter().enumerate().skip(1) {
        if path.is_empty() {
            // A column without a name may only be an empty one.
            if rows[end..].iter().any(|row| !row.get(column).is_empty()) {
                return None;
            }
            continue;
        }
        let index = element(path)?;
        if columns.contains(&Some(index)) {
            return None;
        }
        columns[column] = Some(index);
    }
    let known = columns.iter().flatten().count();
    let has_main = columns.iter().flatten().any(|index| {
        matches!(ELEMENTS[*index].alias, "precipitation" | "temperature_mean" | "snow_depth_max")
    });
    (known > 0 && has_main).then_some(Header { first, end, columns })
}

/// For each column its words from the top down. A cell that spanned several columns left all but its
/// first blank, so a blank takes the word on its left where the words above are the same and something
/// stands below.
fn paths(rows: &[Row]) -> Vec<Vec<String>> {
    let width = rows.iter().map(Row::len).max().unwrap_or(0);
    let mut filled: Vec<Vec<String>> = Vec::new();
    for (depth, row) in rows.iter().enumerate() {
        let mut words: Vec<String> = Vec::with_capacity(width);
        for column in 0..width {
            let word = plain(row.get(column));
            let below = rows[depth + 1..].iter().any(|row| !row.get(column).is_empty());
            let same_above =
                column > 1 && filled.iter().all(|above| above[column] == above[column - 1]);
            let spans = word.is_empty() && column > 1 && below && same_above;
            words.push(if spans { words[column - 1].clone() } else { word });
        }
        filled.push(words);
    }
    (0..width)
        .map(|column| {
            let mut path: Vec<String> = Vec::new();
            for words in &filled {
                if !words[column].is_empty() && path.last() != Some(&words[column]) {
                    path.push(words[column].clone());
                }
            }
            path
        })
        .collect()
}

fn plain(cell: &str) -> String {
    cell.nfkc().filter(|c| !c.is_whitespace()).collect()
}

/// The element that a column's words name, if its unit is that element's.
fn element(path: &[String]) -> Option<usize> {
    let all = path.concat();
    // The group over all that is of wind has both words in it.
    let joined = all.replace("風向・風速", "");
    let last = path.last()?.as_str();
    let has = |word: &str| joined.contains(word);
    let alias = if has("気圧") && has("現地") {
        "station_pressure_mean"
    } else if has("気圧") && has("海面") {
        "sea_level_pressure_mean"
    } else if has("降水") && has("10分") {
        "precipitation_max_10min"
    } else if has("降水") && has("1時間") {
        "precipitation_max_1h"
    } else if has("降水") && !has("最大") {
        "precipitation"
    } else if has("気温") {
        by_word(
            &joined,
            &[
                ("最高", "temperature_max"),
                ("最低", "temperature_min"),
                ("平均", "temperature_mean"),
            ],
        )?
    } else if has("湿度") {
        by_word(&joined, &[("最小", "humidity_min"), ("平均", "humidity_mean")])?
    } else if has("最多風向") {
        "prevailing_wind_direction"
    } else if has("瞬間") {
        if is_direction(last) { "gust_direction" } else { "gust_speed" }
    } else if has("最大") && (has("風速") || has("風向")) {
        if is_direction(last) { "wind_speed_max_direction" } else { "wind_speed_max" }
    } else if has("平均風速") || (has("平均") && has("風速")) {
        "wind_speed_mean"
    } else if has("日照") {
        "sunshine"
    } else if has("積雪") {
        "snow_depth_max"
    } else if has("降雪") {
        "snowfall"
    } else if has("天気概況") {
        by_word(
            &joined,
            &[("夜(", "weather_night"), ("昼", "weather_day"), ("夜", "weather_night")],
        )?
    } else {
        return None;
    };
    let index = ELEMENTS.iter().position(|element| element.alias == alias)?;
    let expected = ELEMENTS[index].unit;
    let stated = UNITS.iter().filter(|(label, _)| all.contains(&format!("({label})")));
    let mut stated = stated.map(|(_, code)| *code).peekable();
    let fits =
        stated.peek().is_none() || expected.is_empty() || stated.any(|code| code == expected);
    fits.then_some(index)
}

fn by_word(words: &str, choices: &[(&str, &'static str)]) -> Option<&'static str> {
    choices.iter().find(|(word, _)| words.contains(word)).map(|(_, alias)| *alias)
}

/// Whether the lowest word of a column says that it holds directions, as `風向` and `最大風速の風向` do.
fn is_direction(last: &str) -> bool {
    last.ends_with("風向") || last.ends_with("風向(16方位)")
}

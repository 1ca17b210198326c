//! The elements of the tables, and which of them a column's words name.

use hub_model::Aggregate;

use super::Kind;

/// One element; its unit is empty where its values are text.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: &'static str,
    pub(super) alias: &'static str,
    pub(super) unit: &'static str,
}

impl Element {
    /// How values of several times are put together, where the unit would suggest another way: the greatest of
    /// greatest ones, and all the snow that fell.
    pub(super) fn aggregate(&self) -> Option<Aggregate> {
        let begins = |words: &[&str]| words.iter().any(|word| self.name.starts_with(word));
        if self.unit.is_empty() {
            None
        } else if begins(&["最大", "最高", "最深"]) {
            Some(Aggregate::Max)
        } else if begins(&["最低", "最小"]) {
            Some(Aggregate::Min)
        } else {
            (self.name == "降雪の深さ").then_some(Aggregate::Sum)
        }
    }
}

macro_rules! elements {
    ($(($name:literal, $alias:literal, $unit:literal),)*) => {
        &[$(Element { name: $name, alias: $alias, unit: $unit },)*]
    };
}

impl Kind {
    /// Every element that the publisher's main tables have, of any kind of station.
    pub(super) fn elements(self) -> &'static [Element] {
        match self {
            Self::Daily => DAILY,
            Self::Hourly => HOURLY,
            Self::TenMinutes => TEN_MINUTES,
        }
    }
}

const DAILY: &[Element] = elements![
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

const HOURLY: &[Element] = elements![
    ("現地気圧", "station_pressure", "hPa"),
    ("海面気圧", "sea_level_pressure", "hPa"),
    ("降水量", "precipitation", "mm"),
    ("気温", "temperature", "Cel"),
    ("露点温度", "dew_point", "Cel"),
    ("蒸気圧", "vapour_pressure", "hPa"),
    ("湿度", "humidity", "%"),
    ("風速", "wind_speed", "m/s"),
    ("風向", "wind_direction", ""),
    ("日照時間", "sunshine", "h"),
    ("全天日射量", "solar_radiation", "MJ/m2"),
    ("降雪の深さ", "snowfall", "cm"),
    ("積雪", "snow_depth", "cm"),
    ("天気", "weather", ""),
    ("雲量", "cloud_cover", "{tenths}"),
    ("視程", "visibility", "km"),
];

const TEN_MINUTES: &[Element] = elements![
    ("現地気圧", "station_pressure", "hPa"),
    ("海面気圧", "sea_level_pressure", "hPa"),
    ("降水量", "precipitation", "mm"),
    ("気温", "temperature", "Cel"),
    ("湿度", "humidity", "%"),
    ("風速", "wind_speed", "m/s"),
    ("風向", "wind_direction", ""),
    ("最大瞬間風速", "gust_speed", "m/s"),
    ("最大瞬間風速の風向", "gust_direction", ""),
    ("日照時間", "sunshine", "min"),
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
    ("分", "min"),
    ("km", "km"),
    ("MJ/m2", "MJ/m2"),
    ("10分比", "{tenths}"),
];

/// The element that a column's words name, if its unit is that element's.
pub(super) fn element(kind: Kind, path: &[String]) -> Option<usize> {
    let all = path.concat();
    // The group over all that is of wind has both words in it.
    let joined = all.replace("風向・風速", "");
    let last = path.last()?.as_str();
    let alias = match kind {
        Kind::Daily => of_a_day(&joined, last),
        Kind::Hourly | Kind::TenMinutes => of_an_instant(&joined, last),
    }?;
    let elements = kind.elements();
    let index = elements.iter().position(|element| element.alias == alias)?;
    let expected = elements[index].unit;
    let stated = UNITS.iter().filter(|(label, _)| all.contains(&format!("({label})")));
    let mut stated = stated.map(|(_, code)| *code).peekable();
    let fits =
        stated.peek().is_none() || expected.is_empty() || stated.any(|code| code == expected);
    fits.then_some(index)
}

fn of_a_day(joined: &str, last: &str) -> Option<&'static str> {
    let has = |word: &str| joined.contains(word);
    Some(if has("気圧") && has("現地") {
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
            joined,
            &[
                ("最高", "temperature_max"),
                ("最低", "temperature_min"),
                ("平均", "temperature_mean"),
            ],
        )?
    } else if has("湿度") {
        by_word(joined, &[("最小", "humidity_min"), ("平均", "humidity_mean")])?
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
            joined,
            &[("夜(", "weather_night"), ("昼", "weather_day"), ("夜", "weather_night")],
        )?
    } else {
        return None;
    })
}

/// Of an hour or ten minutes, where values are of the time itself but for sums.
fn of_an_instant(joined: &str, last: &str) -> Option<&'static str> {
    let has = |word: &str| joined.contains(word);
    Some(if has("蒸気圧") {
        "vapour_pressure"
    } else if has("気圧") {
        by_word(joined, &[("現地", "station_pressure"), ("海面", "sea_level_pressure")])?
    } else if has("降水") {
        "precipitation"
    } else if has("露点") {
        "dew_point"
    } else if has("気温") {
        "temperature"
    } else if has("湿度") {
        "humidity"
    } else if has("瞬間") {
        if is_direction(last) { "gust_direction" } else { "gust_speed" }
    } else if has("風速") || has("風向") {
        if is_direction(last) { "wind_direction" } else { "wind_speed" }
    } else if has("日照") {
        "sunshine"
    } else if has("日射") {
        "solar_radiation"
    } else if has("降雪") {
        "snowfall"
    } else if has("積雪") {
        "snow_depth"
    } else if has("天気") {
        "weather"
    } else if has("雲量") {
        "cloud_cover"
    } else if has("視程") {
        "visibility"
    } else {
        return None;
    })
}

fn by_word(words: &str, choices: &[(&str, &'static str)]) -> Option<&'static str> {
    choices.iter().find(|(word, _)| words.contains(word)).map(|(_, alias)| *alias)
}

/// Whether the lowest word of a column says that it holds directions, as `風向` and `最大風速の風向` do.
fn is_direction(last: &str) -> bool {
    last.ends_with("風向") || last.ends_with("風向(16方位)")
}

//! Units as headings and cells write them, to UCUM.

use hub_model::Unit;
use unicode_normalization::UnicodeNormalization;

/// A unit as headings have it after NFKC, and its UCUM code.
const UNITS: &[(&str, &str)] = &[
    ("°C", "Cel"),
    ("度C", "Cel"),
    ("mm", "mm"),
    ("cm", "cm"),
    ("m", "m"),
    ("km", "km"),
    ("mm/h", "mm/h"),
    ("m/s", "m/s"),
    ("km/h", "km/h"),
    ("m3/s", "m3/s"),
    ("m^3/s", "m3/s"),
    ("m3", "m3"),
    ("m2", "m2"),
    ("km2", "km2"),
    ("ha", "har"),
    ("hPa", "hPa"),
    ("%", "%"),
    ("°", "deg"),
    ("度", "deg"),
    ("時間", "h"),
    ("h", "h"),
    ("分", "min"),
    ("min", "min"),
    ("秒", "s"),
    ("s", "s"),
    ("日", "d"),
    ("台", "{vehicles}"),
    ("人", "{person}"),
    ("人泊", "{person}.d"),
    ("世帯", "{household}"),
    ("戸", "{household}"),
    ("件", "{case}"),
    ("円", "{JPY}"),
    ("t", "t"),
    ("kg", "kg"),
    ("g", "g"),
    ("L", "L"),
    ("mg/L", "mg/L"),
    ("W/m2", "W/m2"),
    ("MJ/m2", "MJ/m2"),
    ("kWh", "kW.h"),
    ("dB", "dB"),
    ("lx", "lx"),
    ("ppm", "[ppm]"),
];

/// Spellings of cells that can stand for more than one code, or for less than a heading would.
const LOOSE: &[(&str, &str)] = &[
    ("度", "Cel"),
    ("C", "Cel"),
    ("メートル", "m"),
    ("センチ", "cm"),
    ("ミリ", "mm"),
    ("ミリメートル", "mm"),
    ("センチメートル", "cm"),
    ("キロメートル", "km"),
    ("トン", "t"),
    ("ヘクタール", "har"),
    ("ヘクトパスカル", "hPa"),
    ("パーセント", "%"),
    ("名", "{person}"),
    ("人/泊", "{person}.d"),
];

/// What a unit behind a number is to a column of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InCell {
    /// The column's own.
    Own,
    /// Another one, by its code.
    Other(&'static str),
    /// No unit that is known.
    Unknown,
}

/// Compares what stands behind a number with a column's unit.
pub(crate) fn in_cell(written: &str, unit: Option<&str>) -> InCell {
    let plain: String = written.nfkc().filter(|c| !c.is_whitespace()).collect();
    let known = || UNITS.iter().chain(LOOSE).filter(|(spelling, _)| *spelling == plain);
    if let Some(unit) = unit {
        // `{vehicles}/(5.min)` is counted in vehicles: a cell names only what is counted.
        let counted = unit.split_once("}/").map(|(counted, _)| format!("{counted}}}"));
        let is_own = |code: &str| code == unit || counted.as_deref() == Some(code);
        if plain == unit || known().any(|(_, code)| is_own(code)) {
            return InCell::Own;
        }
    }
    known().next().map_or(InCell::Unknown, |(_, code)| InCell::Other(code))
}

/// The unit in the last brackets of a heading, such as `水位(m)`, `流量[m3/s]`, `気温（℃）`.
pub(crate) fn from_header(header: &str) -> Option<Unit> {
    let plain: String = header.nfkc().collect();
    let plain = plain.trim();
    let (open, close) = match plain.chars().last()? {
        ')' => ('(', ')'),
        ']' => ('[', ']'),
        '〕' => ('〔', '〕'),
        '】' => ('【', '】'),
        _ => return None,
    };
    let inner = plain.strip_suffix(close)?.rsplit_once(open)?.1.trim();
    let inner = inner.strip_prefix("単位:").unwrap_or(inner).trim();
    let code = UNITS.iter().find(|(written, _)| *written == inner)?.1;
    Unit::parse(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_headings_become_ucum() {
        for (header, code) in [
            ("水位(m)", "m"),
            ("流量[m3/s]", "m3/s"),
            ("流量（㎥/s）", "m3/s"),
            ("気温(℃)", "Cel"),
            ("湿度 （％）", "%"),
            ("宿泊(延べ)（単位：人泊）", "{person}.d"),
        ] {
            assert_eq!(from_header(header).map(String::from).as_deref(), Some(code), "{header}");
        }
        for header in ["水位", "水位(右岸)", "m", "()"] {
            assert_eq!(from_header(header), None, "{header}");
        }
    }

    #[test]
    fn a_unit_in_a_cell_is_the_columns_own_another_or_none() {
        for (written, unit, expected) in [
            ("m", Some("m"), InCell::Own),
            ("ｍ", Some("m"), InCell::Own),
            ("℃", Some("Cel"), InCell::Own),
            ("度", Some("Cel"), InCell::Own),
            ("度", Some("deg"), InCell::Own),
            ("㎥/s", Some("m3/s"), InCell::Own),
            ("m³/s", Some("m3/s"), InCell::Own),
            ("台", Some("{vehicles}/(5.min)"), InCell::Own),
            ("人", Some("{person}"), InCell::Own),
            ("人", Some("{person}.d"), InCell::Other("{person}")),
            ("cm", Some("m"), InCell::Other("cm")),
            ("m", None, InCell::Other("m")),
            ("以上", Some("m"), InCell::Unknown),
        ] {
            assert_eq!(in_cell(written, unit), expected, "{written} {unit:?}");
        }
    }

    #[test]
    fn every_code_is_one_that_contracts_accept() {
        for (written, code) in UNITS.iter().chain(LOOSE) {
            assert!(Unit::parse(code).is_ok(), "{written}");
        }
    }
}

//! Units by their UCUM codes, and how values in one become values in another.
//!
//! Sizes are fractions of whole numbers, so that 150 cm are 1.5 m and not nearly that. Two things differ from
//! UCUM, where a conversion would say something untrue: what is counted is a dimension of its own (persons are
//! not vehicles), and a temperature inside of a product is a difference (degree-days).

mod atoms;
mod measure;
mod parse;
mod ratio;

use serde::{Deserialize, Serialize};

use crate::ModelError;

pub use measure::Conversion;

/// A unit's UCUM code, such as `m3/s`, `Cel` or `{vehicles}/(5.min)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unit(String);

impl Unit {
    /// Reads a code: printable ASCII without spaces, its brackets closed in the order they open.
    pub fn parse(value: &str) -> Result<Self, ModelError> {
        let refuse = || {
            ModelError::invalid(
                "unit",
                value,
                (
                    "mm、Cel、m3/s、{person} のようなUCUMの記号で書いてください",
                    "use a UCUM code such as mm, Cel, m3/s or {person}",
                ),
            )
        };
        if value.is_empty() || value.len() > 64 || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(refuse());
        }
        let mut open = Vec::new();
        for c in value.chars() {
            match c {
                '{' | '[' | '(' => open.push(c),
                '}' | ']' | ')' => {
                    let expected = match c {
                        '}' => '{',
                        ']' => '[',
                        _ => '(',
                    };
                    if open.pop() != Some(expected) {
                        return Err(refuse());
                    }
                }
                '<' | '>' | '"' | '\\' | ',' | ';' => return Err(refuse()),
                _ => {}
            }
        }
        if open.is_empty() { Ok(Self(value.to_owned())) } else { Err(refuse()) }
    }

    /// How values in this unit become values in another. An error where one of the two is not a unit that
    /// is known here, or where they measure different things; it names them.
    pub fn conversion_to(&self, other: &Self) -> Result<Conversion, ModelError> {
        let (from, to) = (self.measure()?, other.measure()?);
        from.conversion(&to)
            .ok_or_else(|| ModelError::UnitsDiffer { from: self.0.clone(), to: other.0.clone() })
    }

    /// Whether values in both units are the same numbers of the same thing, however the units are written.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self == other || self.conversion_to(other).is_ok_and(Conversion::is_none)
    }

    /// Whether values are counted from a zero of their own, as in degrees Celsius. A difference of two is then
    /// no value of the unit.
    pub fn has_own_zero(&self) -> bool {
        self.measure().is_ok_and(|measure| measure.has_own_zero())
    }

    fn measure(&self) -> Result<measure::Measure, ModelError> {
        parse::measure(&self.0)
            .map_err(|part| ModelError::UnknownUnit { unit: self.0.clone(), part })
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Unit {
    type Error = ModelError;
    fn try_from(value: String) -> Result<Self, ModelError> {
        Self::parse(&value)
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperatures_alone_are_counted_from_zeros_of_their_own() {
        let own = |code: &str| Unit::parse(code).unwrap().has_own_zero();
        assert!(own("Cel") && own("[degF]"));
        assert!(["K", "m", "Cel.d", "J/Cel", "no-such"].iter().all(|code| !own(code)));
    }

    #[test]
    fn units_of_the_domain_are_read_and_prose_is_not() {
        for good in ["Cel", "mm", "m3/s", "deg", "%", "{vehicles}/(5.min)", "{person}.d", "1"] {
            assert!(Unit::parse(good).is_ok(), "{good} was refused");
        }
        for bad in ["", "m3 / s", "℃", "{person", "a}b{", "<b>", "(m]"] {
            assert!(Unit::parse(bad).is_err(), "{bad} was accepted");
        }
    }

    fn converted(value: f64, from: &str, to: &str) -> f64 {
        let (from, to) = (Unit::parse(from).unwrap(), Unit::parse(to).unwrap());
        from.conversion_to(&to).unwrap().apply(value)
    }

    #[test]
    fn values_are_converted_to_the_last_digit() {
        for (value, from, to, expected) in [
            (150.0, "cm", "m", 1.5),
            (0.1, "m", "cm", 10.0),
            (12.0, "mm/h", "mm/(10.min)", 2.0),
            (3.5, "m3/s", "m3/h", 12_600.0),
            (1.0, "m3/s", "m3/d", 86_400.0),
            (25.0, "Cel", "K", 298.15),
            (273.15, "K", "Cel", 0.0),
            (0.0, "Cel", "[degF]", 32.0),
            (212.0, "[degF]", "Cel", 100.0),
            (10.0, "Cel.d", "K.h", 240.0),
            (1013.25, "hPa", "atm", 1.0),
            (1.0, "hPa", "mbar", 1.0),
            (50.0, "%", "1", 0.5),
            (60.0, "{vehicles}/(5.min)", "{vehicles}/h", 720.0),
            (2.0, "{person}.d", "{person}.h", 48.0),
            (1.0, "har", "m2", 10_000.0),
            (2.0, "t/har", "kg/(10.ar)", 200.0),
            (36.0, "km/h", "m/s", 10.0),
            (1.0, "[kn_i]", "km/h", 1.852),
            (180.0, "deg", "rad", std::f64::consts::PI),
            (1.0, "deg", "'", 60.0),
            (1.0, "MJ/m2", "kW.h/m2", 1.0 / 3.6),
            (3.0, "cm{snow}", "mm", 30.0),
            (0.05, "uSv/h", "nGy/h", 50.0),
            (1.0, "mg/L", "g/m3", 1.0),
            (5.0, "/s", "Hz", 5.0),
            (2.0, "10*3.m3", "m3", 2_000.0),
            (2.0, "10*-3.m", "mm", 2.0),
        ] {
            assert_eq!(converted(value, from, to), expected, "{value} {from} in {to}");
        }
    }

    #[test]
    fn what_measures_something_else_is_refused_by_name() {
        let error = |from: &str, to: &str| {
            let (from, to) = (Unit::parse(from).unwrap(), Unit::parse(to).unwrap());
            from.conversion_to(&to).unwrap_err()
        };
        for (from, to) in [
            ("cm", "s"),
            ("mm", "mm/h"),
            ("{person}", "{vehicles}"),
            ("{person}", "1"),
            ("deg", "Cel"),
            ("m3/s", "m3"),
        ] {
            let differ = ModelError::UnitsDiffer { from: from.to_owned(), to: to.to_owned() };
            assert_eq!(error(from, to), differ);
        }
        for (unit, part) in [
            ("furlong", "furlong"),
            ("m/parsec", "parsec"),
            ("kmin", "kmin"),
            ("0.m", "0.m"),
            ("m2x", "x"),
            ("m..s", ".s"),
            ("m-", "m-"),
            // A number is no prefix.
            ("mm/10min", "10min"),
            ("mm/(10min)", "10min"),
        ] {
            let unknown = ModelError::UnknownUnit { unit: unit.to_owned(), part: part.to_owned() };
            assert_eq!(error(unit, "m"), unknown);
        }
    }

    #[test]
    fn units_are_the_same_however_they_are_written() {
        let same = |a: &str, b: &str| Unit::parse(a).unwrap().is_same_as(&Unit::parse(b).unwrap());
        assert!(same("m3/s", "m3.s-1") && same("L", "dm3") && same("furlong", "furlong"));
        assert!(!same("m", "cm") && !same("Cel", "K") && !same("furlong", "m"));
    }
}

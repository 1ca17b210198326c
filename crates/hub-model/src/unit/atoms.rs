//! The units that UCUM names and observations use, each as a fraction of base units.

use super::{measure::Measure, ratio::Ratio};

/// What a unit's name stands for.
pub(super) enum Meaning {
    /// So many times this product of other units.
    Of(Ratio, &'static str),
    /// One of the base units, by its place among the dimensions.
    Base(usize),
    /// A temperature that is counted from elsewhere: the size of its degree, and where its zero lies, both
    /// in kelvins.
    From(Ratio, Ratio),
    /// A number, with a power of π.
    Number(Ratio, i8),
}

use Meaning::{Base, From, Number, Of};

/// Whether the unit takes prefixes, and what it means.
pub(super) fn meaning(name: &str) -> Option<(bool, Meaning)> {
    let whole = |n: i128| Ratio::of(n, 1);
    let (metric, plain) = (true, false);
    Some(match name {
        "m" => (metric, Base(0)),
        "s" => (metric, Base(1)),
        "g" => (metric, Base(2)),
        "rad" => (metric, Base(3)),
        "K" => (metric, Base(4)),
        "cd" => (metric, Base(5)),
        "C" => (metric, Base(6)),
        "min" => (plain, Of(whole(60), "s")),
        "h" => (plain, Of(whole(3_600), "s")),
        "d" => (plain, Of(whole(86_400), "s")),
        "wk" => (plain, Of(whole(7), "d")),
        // Julian years and their twelfths, as UCUM has them.
        "a" | "a_j" => (plain, Of(Ratio::of(1_461, 4), "d")),
        "mo" | "mo_j" => (plain, Of(Ratio::of(487, 16), "d")),
        "l" | "L" => (metric, Of(whole(1), "dm3")),
        "ar" => (metric, Of(whole(100), "m2")),
        "t" => (metric, Of(whole(1_000), "kg")),
        "N" => (metric, Of(whole(1), "kg.m/s2")),
        "Pa" => (metric, Of(whole(1), "N/m2")),
        "bar" => (metric, Of(whole(100_000), "Pa")),
        "atm" => (plain, Of(whole(101_325), "Pa")),
        "J" => (metric, Of(whole(1), "N.m")),
        "W" => (metric, Of(whole(1), "J/s")),
        "A" => (metric, Of(whole(1), "C/s")),
        "V" => (metric, Of(whole(1), "J/C")),
        "Ohm" => (metric, Of(whole(1), "V/A")),
        "S" => (metric, Of(whole(1), "Ohm-1")),
        "Hz" => (metric, Of(whole(1), "s-1")),
        "Bq" => (metric, Of(whole(1), "s-1")),
        "Gy" | "Sv" => (metric, Of(whole(1), "J/kg")),
        "lm" => (metric, Of(whole(1), "cd.sr")),
        "lx" => (metric, Of(whole(1), "lm/m2")),
        "sr" => (metric, Of(whole(1), "rad2")),
        "deg" => (plain, Number(Ratio::of(1, 180), 1)),
        "'" => (plain, Number(Ratio::of(1, 10_800), 1)),
        "''" => (plain, Number(Ratio::of(1, 648_000), 1)),
        "mol" => (metric, Number(whole(602_213_670_000_000_000_000_000), 0)),
        "%" => (plain, Number(Ratio::of(1, 100), 0)),
        "[ppth]" => (plain, Number(Ratio::of(1, 1_000), 0)),
        "[ppm]" => (plain, Number(Ratio::of(1, 1_000_000), 0)),
        "[ppb]" => (plain, Number(Ratio::of(1, 1_000_000_000), 0)),
        "10*" | "10^" => (plain, Number(whole(10), 0)),
        "[pi]" => (plain, Number(whole(1), 1)),
        "[kn_i]" => (plain, Of(whole(1), "[nmi_i]/h")),
        "[nmi_i]" => (plain, Of(whole(1_852), "m")),
        "[in_i]" => (plain, Of(Ratio::of(254, 100), "cm")),
        "[ft_i]" => (plain, Of(whole(12), "[in_i]")),
        "[mi_i]" => (plain, Of(whole(5_280), "[ft_i]")),
        "Cel" => (metric, From(whole(1), Ratio::of(27_315, 100))),
        "[degF]" => (plain, From(Ratio::of(5, 9), Ratio::of(229_835, 900))),
        _ => return None,
    })
}

/// What a prefix multiplies with.
pub(super) fn prefix(name: &str) -> Option<Ratio> {
    let ten = |power: u32| 10i128.pow(power);
    Some(match name {
        "T" => Ratio::of(ten(12), 1),
        "G" => Ratio::of(ten(9), 1),
        "M" => Ratio::of(ten(6), 1),
        "k" => Ratio::of(ten(3), 1),
        "h" => Ratio::of(ten(2), 1),
        "da" => Ratio::of(10, 1),
        "d" => Ratio::of(1, 10),
        "c" => Ratio::of(1, ten(2)),
        "m" => Ratio::of(1, ten(3)),
        "u" => Ratio::of(1, ten(6)),
        "n" => Ratio::of(1, ten(9)),
        "p" => Ratio::of(1, ten(12)),
        _ => return None,
    })
}

/// The unit of this name, with its prefix if it has one.
pub(super) fn unit(name: &str) -> Option<Measure> {
    let (known, times) = match meaning(name) {
        Some((_, known)) => (known, Ratio::ONE),
        None => {
            // No prefix has more than two letters.
            (1..=2).find_map(|length| {
                let (before, rest) = name.split_at_checked(length)?;
                match meaning(rest)? {
                    (true, known) => Some((known, prefix(before)?)),
                    (false, _) => None,
                }
            })?
        }
    };
    let measure = match known {
        Base(place) => Measure::base(place),
        Number(ratio, pi) => {
            let number = Measure::number(ratio, pi);
            // Degrees and their parts are angles; other numbers have no dimension.
            if matches!(name, "deg" | "'" | "''") {
                number.product(&Measure::base(3), 1)?
            } else {
                number
            }
        }
        From(size, zero) => Measure::counted_from(size, zero),
        Of(ratio, of) => super::parse::measure(of).ok()?.scaled(ratio)?,
    };
    measure.scaled(times)
}

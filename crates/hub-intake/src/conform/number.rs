//! Numbers and truth values as text.

use super::fault::FaultKind;

/// The greatest whole number up to which every whole number is a 64-bit float of its own.
pub(crate) const MAX_EXACT: i64 = 1 << 53;

/// A number in its usual form: sign, digits, point, exponent. A fraction is rounded to the nearest 64-bit
/// float, as numbers of a contract are such; a whole number must be one exactly. Nought has no sign: to what
/// compares bits, `-0.0` would be another number than `0.0`.
pub(crate) fn parse_number(text: &[u8]) -> Result<f64, FaultKind> {
    if let Some(value) = short_decimal(text) {
        return Ok(value);
    }
    let value: f64 = lexical_core::parse(text).map_err(|_| FaultKind::Type)?;
    if !value.is_finite() {
        let spelt = text.iter().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E'));
        return Err(if spelt { FaultKind::NotFinite } else { FaultKind::OutOfRange });
    }
    // Whole numbers this long are ids more often than measures.
    if value.abs() >= MAX_EXACT as f64
        && let Some(digits) = whole_digits(text)
        && lexical_core::parse::<i128>(digits).ok() != Some(value as i128)
    {
        return Err(FaultKind::Rounded);
    }
    Ok(value + 0.0)
}

/// The digits of a number that is written as a whole one, with its sign; `12.0` is one too.
fn whole_digits(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = text.split_at(end);
    let is_whole = !whole.iter().any(|byte| matches!(byte, b'e' | b'E'))
        && fraction.iter().skip(1).all(|byte| *byte == b'0');
    is_whole.then_some(whole)
}

/// The value of up to fifteen digits with a point or without: the quotient of two exact floats, which is
/// rounded once and so correctly.
#[inline]
fn short_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.len() > 16 {
        return None;
    }
    let mut value = 0u64;
    let mut count = 0usize;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
            count += 1;
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let scale = point.map_or(0, |at| digits.len() - 1 - at);
    let value = value as f64 / POWERS[scale];
    Some(if negative { 0.0 - value } else { value })
}

/// A whole number; `12.0` is one too.
pub(crate) fn parse_integer(text: &[u8]) -> Result<i64, FaultKind> {
    if let Ok(value) = lexical_core::parse(text) {
        return Ok(value);
    }
    let whole = match text.iter().position(|b| *b == b'.') {
        Some(at) if at > 0 && text[at + 1..].iter().all(|b| *b == b'0') => &text[..at],
        Some(_) => {
            return Err(if parse_number(text).is_ok() {
                FaultKind::Fraction
            } else {
                FaultKind::Type
            });
        }
        None => text,
    };
    if let Ok(value) = lexical_core::parse(whole) {
        return Ok(value);
    }
    let digits = whole.strip_prefix(b"-").or(whole.strip_prefix(b"+")).unwrap_or(whole);
    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        return Err(FaultKind::OutOfRange);
    }
    // 1e3 is a whole number in another form.
    match parse_number(text) {
        Ok(value) => whole_float(value),
        Err(kind) => Err(kind),
    }
}

/// The whole number that a float is.
#[inline]
pub(crate) fn whole_float(value: f64) -> Result<i64, FaultKind> {
    if !value.is_finite() {
        Err(FaultKind::NotFinite)
    } else if value.fract() != 0.0 {
        Err(FaultKind::Fraction)
    } else if value.abs() > MAX_EXACT as f64 {
        Err(FaultKind::OutOfRange)
    } else {
        Ok(value as i64)
    }
}

/// True or false, in the words of Table Schema.
pub(crate) fn parse_boolean(text: &[u8]) -> Result<bool, FaultKind> {
    match text {
        b"true" | b"True" | b"TRUE" | b"1" => Ok(true),
        b"false" | b"False" | b"FALSE" | b"0" => Ok(false),
        _ => Err(FaultKind::Type),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_in_their_usual_forms_only() {
        for (text, value) in [
            ("1", 1.0),
            ("-0.5", -0.5),
            ("1e3", 1000.0),
            ("+2", 2.0),
            ("123456789012345", 123456789012345.0),
        ] {
            assert_eq!(parse_number(text.as_bytes()), Ok(value), "{text}");
        }
        for text in ["-0", "-0.00", "-0.00000000000000000", "-0e5", "0"] {
            assert_eq!(parse_number(text.as_bytes()).map(f64::to_bits), Ok(0), "{text}");
        }
        for text in ["", "-", ".", "1,234", "1 2", "１", "0x10", "1.2.3", "欠測", "--1"] {
            assert_eq!(parse_number(text.as_bytes()), Err(FaultKind::Type), "{text}");
        }
        for text in ["NaN", "nan", "inf", "-Infinity"] {
            assert_eq!(parse_number(text.as_bytes()), Err(FaultKind::NotFinite), "{text}");
        }
        assert_eq!(parse_number(b"1e999"), Err(FaultKind::OutOfRange));
        let longer = format!("1{}1", "0".repeat(45));
        for text in ["9007199254740993", "-9007199254740993.0", &longer] {
            assert_eq!(parse_number(text.as_bytes()), Err(FaultKind::Rounded), "{text}");
        }
        assert_eq!(parse_number(b"9007199254740992.5"), Ok(9007199254740992.0));
        assert_eq!(parse_number(b"9007199254740992"), Ok(9007199254740992.0));
    }

    #[test]
    fn a_whole_number_is_never_rounded() {
        assert_eq!(parse_integer(b"12.0"), Ok(12));
        assert_eq!(parse_integer(b"007"), Ok(7));
        assert_eq!(parse_integer(b"1e3"), Ok(1000));
        assert_eq!(parse_integer(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(parse_integer(b"9223372036854775808"), Err(FaultKind::OutOfRange));
        assert_eq!(parse_integer(b"12.5"), Err(FaultKind::Fraction));
        assert_eq!(parse_integer(b"twelve"), Err(FaultKind::Type));
        assert_eq!(parse_integer(b""), Err(FaultKind::Type));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            for text in [format!("{value}"), format!("{value:e}")] {
                match parse_number(text.as_bytes()) {
                    Ok(read) => prop_assert_eq!(read.to_bits(), (value + 0.0).to_bits()),
                    // The plain form of a large float is a whole number that says more than it holds.
                    Err(kind) => prop_assert!(kind == FaultKind::Rounded && value.abs() > 1e15),
                }
            }
        }

        #[test]
        fn short_decimals_are_rounded_like_any_other(whole in -999_999_999i64..999_999_999, cents in 0u32..1_000_000) {
            let text = format!("{whole}.{cents:06}");
            prop_assert_eq!(parse_number(text.as_bytes()), Ok(text.parse::<f64>().unwrap()));
        }
    }
}

//! Numbers as people write them: full-width digits, commas between thousands, triangles for minus, a
//! unit behind them.

use hub_model::ChangeKind;

use super::{FaultKind, Reading, fold_width};
use crate::units::{InCell, in_cell};

/// A number and what stands behind it.
pub(super) struct Parts<'a> {
    negative: bool,
    plus: bool,
    /// Digits and commas.
    whole: &'a str,
    /// The point and the digits behind it.
    fraction: &'a str,
    /// The rest.
    pub(super) rest: &'a str,
}

pub(super) fn read(text: &str, unit: Option<&str>) -> Reading {
    let (folded, changed) = fold_width(text);
    let Some(parts) = Parts::of(&folded) else { return Reading::Unread };
    let mut kinds = Vec::new();
    // A full-width minus is told as a sign and not as a letter.
    let sign = text.trim_start().chars().next().unwrap_or(' ');
    if changed && text.chars().any(|c| c != '－' && matches!(c, '\u{FF01}'..='\u{FF5E}')) {
        kinds.push(ChangeKind::FullWidth);
    }
    if parts.negative && sign != '-' {
        kinds.push(ChangeKind::MinusSign);
    }
    let mut number = String::with_capacity(folded.len());
    if parts.negative {
        number.push('-');
    } else if parts.plus {
        number.push('+');
    }
    if parts.whole.contains(',') {
        if !is_grouped(parts.whole) {
            let may_be_point = parts.whole.matches(',').count() == 1;
            return if may_be_point {
                Reading::Refused(FaultKind::TwoReadings)
            } else {
                Reading::Unread
            };
        }
        kinds.push(ChangeKind::Thousands);
    }
    number.extend(parts.whole.chars().filter(|c| *c != ','));
    number.push_str(parts.fraction);
    let rest = parts.rest.trim();
    if is_exponent(rest) && !parts.whole.contains(',') {
        number.push_str(rest);
    } else if !rest.is_empty() {
        match in_cell(rest, unit) {
            InCell::Own => kinds.push(ChangeKind::UnitInCell),
            InCell::Other(_) => return Reading::Refused(FaultKind::OtherUnit),
            InCell::Unknown => return Reading::Unread,
        }
    }
    // Spaces that only Unicode knows may be all that stood around it.
    if kinds.is_empty() && number == text { Reading::Unread } else { Reading::Value(number, kinds) }
}

impl<'a> Parts<'a> {
    /// Takes apart a text of ordinary width.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut chars = text.chars();
        let (negative, plus, body) = match chars.next()? {
            '▲' | '△' => (true, false, chars.as_str().trim_start()),
            '-' | '−' | '‐' | '‑' | '–' => (true, false, chars.as_str()),
            '+' => (false, true, chars.as_str()),
            _ => (false, false, text),
        };
        let end = |text: &str, is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
        let (whole, rest) = body.split_at(end(body, |c| c.is_ascii_digit() || c == ','));
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(after) => {
                let length = end(after, |c| c.is_ascii_digit());
                if length == 0 {
                    return None;
                }
                rest.split_at(length + 1)
            }
            None => ("", rest),
        };
        if !whole.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Some(Self { negative, plus, whole, fraction, rest })
    }
}

/// Whether commas stand between thousands and nowhere else.
fn is_grouped(whole: &str) -> bool {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    matches!(first.len(), 1..=3) && (first == "0" || !first.starts_with('0')) && {
        let mut rest = groups.peekable();
        // A zero leads no thousands.
        first != "0" && rest.peek().is_some() && rest.all(|group| group.len() == 3)
    }
}

fn is_exponent(rest: &str) -> bool {
    rest.strip_prefix(['e', 'E']).is_some_and(|power| {
        let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

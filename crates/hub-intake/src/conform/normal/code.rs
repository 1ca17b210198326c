//! Codes of municipalities as files write them: with and without the check digit, the leading zero, the
//! `R` of statistics; and names of places that stand for one.

use hub_model::{ChangeKind, Municipality};

use super::{FaultKind, Reading, fold_width};

/// The check digit of a code's first five digits: `(11 − Σ digit·weight mod 11) mod 10` with the weights
/// 6, 5, 4, 3, 2 (総務省「全国地方公共団体コード」).
pub(crate) fn municipality_check_digit(five: &str) -> Option<char> {
    let digits: Vec<u32> = five.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
    if digits.len() != 5 {
        return None;
    }
    let sum: u32 = digits.iter().zip([6, 5, 4, 3, 2]).map(|(digit, weight)| digit * weight).sum();
    char::from_digit((11 - sum % 11) % 10, 10)
}

/// Whether a text is a code in its full form.
pub(super) fn is_municipality_code(text: &str) -> bool {
    text.len() == 6
        && text.is_char_boundary(5)
        && is_prefecture(text)
        && municipality_check_digit(&text[..5]) == text.chars().last()
}

fn is_prefecture(text: &str) -> bool {
    text.get(..2)
        .and_then(|head| head.parse::<u8>().ok())
        .is_some_and(|prefecture| (1..=47).contains(&prefecture))
}

pub(super) fn read(text: &str) -> Reading {
    let (folded, changed) = fold_width(text);
    if changed && is_municipality_code(&folded) {
        return Reading::Value(folded, vec![ChangeKind::FullWidth]);
    }
    let code = |code: String| {
        let mut kinds = vec![ChangeKind::Code];
        if changed {
            kinds.insert(0, ChangeKind::FullWidth);
        }
        Reading::Value(code, kinds)
    };
    let bare = folded.strip_prefix(['R', 'r']).unwrap_or(&folded);
    let is_marked = bare.len() < folded.len();
    if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
        return match completions(bare, is_marked).as_slice() {
            [one] if is_municipality_code(one) => {
                if *one == text {
                    Reading::Unread
                } else {
                    code(one.clone())
                }
            }
            [_] => Reading::Refused(FaultKind::CheckDigit),
            [_, ..] => Reading::Refused(FaultKind::TwoReadings),
            [] => Reading::Refused(FaultKind::UnknownPlace),
        };
    }
    match by_name(text) {
        Some(code) => Reading::Value(code, vec![ChangeKind::PlaceName]),
        None if folded.is_empty() => Reading::Missing(hub_model::Quality::Missing),
        None => Reading::Refused(FaultKind::UnknownPlace),
    }
}

/// The full codes that digits can stand for; one of six digits is given as it is, right or wrong.
pub(super) fn completions(digits: &str, is_marked: bool) -> Vec<String> {
    let with_check =
        |five: &str| municipality_check_digit(five).map(|check| format!("{five}{check}"));
    let mut found = Vec::new();
    match digits.len() {
        6 if is_prefecture(digits) && !is_marked => found.push(digits.to_owned()),
        5 => {
            // No municipality has a number under 100 or from 700 on, but for 000, the prefecture.
            let number = digits.get(2..).and_then(|number| number.parse::<u32>().ok());
            let is_number = matches!(number, Some(0 | 100..700)) || is_marked;
            if is_prefecture(digits) && is_number {
                found.extend(with_check(digits));
            }
            // 12033 may be 012033 whose zero was lost.
            let whole = format!("0{digits}");
            if !is_marked && is_municipality_code(&whole) {
                found.push(whole);
            }
        }
        4 => {
            let five = format!("0{digits}");
            if is_prefecture(&five) {
                found.extend(with_check(&five));
            }
        }
        _ => {}
    }
    found
}

/// The name of the municipality that a code stands for, where it is known.
pub(super) fn name_of(code: &str) -> Option<&'static str> {
    Municipality::by_code(code).map(|found| found.name)
}

/// The code that a name stands for: as it is usually written or misspelt, also without 市, 町 or 村 where
/// only one can be meant.
fn by_name(text: &str) -> Option<String> {
    if let Some(found) = Municipality::by_name(text) {
        return Some(found.code());
    }
    let bare = text.trim();
    let mut found = Municipality::all().filter(|known| {
        known.name.strip_suffix(['市', '町', '村']).is_some_and(|name| name == bare)
    });
    let only = found.next()?;
    found.next().is_none().then(|| only.code())
}

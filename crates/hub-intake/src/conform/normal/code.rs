//! Codes of municipalities as files write them: with and without the check digit, the leading zero, the
//! `R` of statistics; and names of places that stand for one.

use hub_model::ChangeKind;
use unicode_normalization::UnicodeNormalization;

use super::{FaultKind, Reading, fold_width};

/// Municipalities of Shiribeshi, whose names its files write in many ways.
const NAMES: [(&str, &str); 20] = [
    ("012033", "小樽市"),
    ("013919", "島牧村"),
    ("013927", "寿都町"),
    ("013935", "黒松内町"),
    ("013943", "蘭越町"),
    ("013951", "ニセコ町"),
    ("013960", "真狩村"),
    ("013978", "留寿都村"),
    ("013986", "喜茂別町"),
    ("013994", "京極町"),
    ("014001", "倶知安町"),
    ("014010", "共和町"),
    ("014028", "岩内町"),
    ("014036", "泊村"),
    ("014044", "神恵内村"),
    ("014052", "積丹町"),
    ("014061", "古平町"),
    ("014079", "仁木町"),
    ("014087", "余市町"),
    ("014095", "赤井川村"),
];

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
        Some(found) => Reading::Value(found.to_owned(), vec![ChangeKind::PlaceName]),
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
            if is_prefecture(digits) {
                found.extend(with_check(digits));
            }
            // 12033 may be 012033 whose zero was lost.
            let whole = format!("0{digits}");
            if !is_marked && is_municipality_code(&whole) {
                found.push(whole);
            }
            // Where only one of the two is a place of whose name the hub knows, it is meant.
            if found.len() == 2 {
                let known: Vec<String> =
                    found.iter().filter(|code| name_of(code).is_some()).cloned().collect();
                if known.len() == 1 {
                    found = known;
                }
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

/// What is known of a code.
pub(super) fn name_of(code: &str) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// The code that a name stands for, as it is usually written or misspelt.
fn by_name(text: &str) -> Option<&'static str> {
    let plain: String = text
        .nfkc()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            // Not the same under NFKC, and yet the same town.
            '俱' => '倶',
            other => other,
        })
        .collect();
    let plain = plain.replace("二セコ", "ニセコ");
    let plain = plain.strip_prefix("北海道").unwrap_or(&plain);
    let name = plain.split_once('郡').map_or(plain, |(_, name)| name);
    let is = |known: &str| known == name || known.trim_end_matches(['市', '町', '村']) == name;
    let mut found = NAMES.iter().filter(|(_, known)| is(known));
    let (code, _) = found.next()?;
    found.next().is_none().then_some(*code)
}

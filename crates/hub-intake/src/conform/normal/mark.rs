//! Marks that stand where there is no value.

use hub_model::Quality;

use super::{FaultKind, Reading, fold_width};

/// Nothing came of an observation that was meant to be.
const MISSING: [&str; 18] = [
    "×",
    "✕",
    "✖",
    "***",
    "x",
    "X",
    "欠測",
    "欠",
    "欠測値",
    "データなし",
    "不明",
    "点検",
    "点検中",
    "故障",
    "停電",
    "異常",
    "秘匿",
    "調整中",
];

/// Nothing was to be observed.
const NOT_OBSERVED: [&str; 11] =
    ["///", "//", "/", "…", "……", "...", "・・・", "未観測", "未測定", "観測なし", "対象外"];

/// The instrument or the place was closed.
const CLOSED: [&str; 11] = [
    "閉局",
    "閉鎖",
    "閉鎖中",
    "冬期閉鎖",
    "冬季閉鎖",
    "休止",
    "休止中",
    "停止",
    "停止中",
    "休測",
    "廃局",
];

/// Why there is no value, if the text is a mark. Two dashes are none: where a phenomenon is reported
/// they say that it did not occur, and elsewhere that nothing was observed.
pub(super) fn read(text: &str) -> Reading {
    // The longest mark is of five characters.
    if text.trim().chars().count() > 8 {
        return Reading::Unread;
    }
    let (folded, _) = fold_width(text);
    let plain: String = folded.chars().filter(|c| !c.is_whitespace()).collect();
    let is = |marks: &[&str]| marks.contains(&plain.as_str());
    if is(&MISSING) {
        Reading::Missing(Quality::Missing)
    } else if is(&NOT_OBSERVED) {
        Reading::Missing(Quality::NotObserved)
    } else if is(&CLOSED) {
        Reading::Missing(Quality::Closed)
    } else if !plain.is_empty() && plain.chars().all(is_dash) {
        match plain.chars().count() {
            2 => Reading::Refused(FaultKind::TwoReadings),
            _ => Reading::Missing(Quality::Missing),
        }
    } else if plain.is_empty() && !text.is_empty() {
        Reading::Missing(Quality::Missing)
    } else {
        Reading::Unread
    }
}

/// A dash or what looks like one, of those that are no full-width form of another character.
pub(crate) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '–' | '—' | '―' | '−' | 'ー' | '─')
}

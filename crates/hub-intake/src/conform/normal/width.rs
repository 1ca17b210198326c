//! Full-width letters and digits. Only those: under NFKC `10³` would become 103.

use hub_model::ChangeKind;

use super::Reading;

/// A text with full-width letters, digits, signs and spaces as their ordinary forms, and without the
/// spaces around it; and whether a letter, a digit or a sign was changed.
pub(crate) fn fold_width(text: &str) -> (String, bool) {
    let mut changed = false;
    let folded: String = text
        .trim()
        .chars()
        .map(|c| match c {
            '\u{FF01}'..='\u{FF5E}' => {
                changed = true;
                char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)
            }
            '\u{3000}' => ' ',
            other => other,
        })
        .collect();
    (folded, changed)
}

/// A text in ordinary width, and as `adapt` changes it further.
pub(super) fn read(text: &str, adapt: impl Fn(&str) -> Option<String>) -> Reading {
    let (folded, changed) = fold_width(text);
    let mut kinds = Vec::new();
    if changed {
        kinds.push(ChangeKind::FullWidth);
    }
    match adapt(&folded) {
        Some(adapted) => {
            kinds.push(ChangeKind::TimeForm);
            Reading::Value(adapted, kinds)
        }
        None if folded != text => Reading::Value(folded, kinds),
        None => Reading::Unread,
    }
}

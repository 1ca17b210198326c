//! Numbers as publishers write them, as tables have them.

use std::borrow::Cow;

use hub_model::ChangeKind;

use super::heading::fold;
use crate::changes::Changes;

/// A number without what people write around it, empty for a mark of no value, and as it stands where it
/// is neither.
pub(super) fn plain<'t>(
    text: &'t str,
    row: u64,
    column: &str,
    changes: &mut Changes,
) -> Cow<'t, str> {
    if text.len() != 1 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        || text.bytes().all(|b| b.is_ascii_digit())
    {
        return Cow::Borrowed(text);
    }
    // What spaces separate may be several numbers, never one.
    if text.trim().contains(char::is_whitespace) {
        return Cow::Borrowed(text);
    }
    let folded = fold(text);
    let is_mark = matches!(
        folded.as_str(),
        "-" | "ー" | "―" | "—" | "…" | "..." | "*" | "**" | "***" | "x" | "X" | "χ" | "−"
    );
    let number = folded.replace(',', "");
    let number = match number.strip_prefix(['▲', '△', '−']) {
        Some(rest) => format!("-{rest}"),
        None => number,
    };
    let (kind, after) = if is_mark {
        (ChangeKind::MissingMark, String::new())
    } else if number.parse::<f64>().is_err() {
        return Cow::Borrowed(text);
    } else if text.contains(['▲', '△', '−', '－']) {
        (ChangeKind::MinusSign, number)
    } else if folded.contains(',') {
        (ChangeKind::Thousands, number)
    } else {
        (ChangeKind::FullWidth, number)
    };
    changes.of_cell(kind, (row, column), text, &after);
    Cow::Owned(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_what_is_around_them_and_marks_become_nothing() {
        let mut changes = Changes::default();
        for (text, expected) in [
            ("12", "12"),
            ("", ""),
            ("-1.5", "-1.5"),
            ("1,234", "1234"),
            ("１２３", "123"),
            ("▲3", "-3"),
            ("－", ""),
            ("-", ""),
            ("***", ""),
            ("x", ""),
            ("…", ""),
            ("-1,000", "-1000"),
            ("約10", "約10"),
            ("10 20", "10 20"),
            ("12人", "12人"),
        ] {
            assert_eq!(plain(text, 1, "値", &mut changes), expected, "{text}");
        }
        let kinds: Vec<_> = changes.finish().iter().map(|c| (c.kind, c.count)).collect();
        assert_eq!(
            kinds,
            [
                (ChangeKind::FullWidth, 1),
                (ChangeKind::Thousands, 2),
                (ChangeKind::MinusSign, 1),
                (ChangeKind::MissingMark, 5),
            ]
        );
    }
}

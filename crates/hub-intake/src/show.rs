//! Cells as people can read them in a report, however hostile their bytes.

/// How many characters of a value a report shows.
const SHOWN: usize = 100;

/// The bytes as text: what is not UTF-8 becomes U+FFFD, control characters and marks that change the
/// direction of text are written as escapes, and what is longer than a line is cut with an ellipsis.
pub(crate) fn show_bytes(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(SHOWN * 4 + 4)];
    show_text(&String::from_utf8_lossy(head))
}

/// The same for what is text already.
pub(crate) fn show_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(SHOWN * 4));
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push('…');
            break;
        }
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_invisible(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out_and_what_is_long_is_cut() {
        assert_eq!(show_bytes("欠測".as_bytes()), "欠測");
        assert_eq!(show_bytes(b"a\tb\x00\r\n"), "a\\tb\\u{0}\\r\\n");
        assert_eq!(show_text("abc\u{202e}def"), "abc\\u{202e}def");
        assert_eq!(show_bytes(&[0x90, 0x85, b'x']), "\u{fffd}\u{fffd}x");
        let long = show_text(&"水".repeat(300));
        assert_eq!(long.chars().count(), 101);
        assert!(long.ends_with('…'));
    }
}

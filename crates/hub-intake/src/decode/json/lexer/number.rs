//! Numbers, kept as they are written.

use std::io::Read;

use super::{Event, Lexer, MAX_TEXT};
use crate::{IntakeError, show::show_text};

impl<R: Read> Lexer<R> {
    /// Reads a number, which begins with the next byte.
    pub(super) fn number(&mut self) -> Result<Event, IntakeError> {
        self.text.clear();
        while let Some(byte @ (b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) = self.peek()? {
            if self.text.len() == MAX_TEXT {
                return Err(self.too_long());
            }
            self.text.push(byte);
            self.at += 1;
        }
        if is_number(&self.text) {
            return Ok(Event::Number);
        }
        let shown = show_text(&String::from_utf8_lossy(&self.text));
        Err(self.refusal(
            &format!(
                "「{shown}」はJSONの数値ではありません。数値を直すか、引用符（\"）で囲んでください"
            ),
            &format!("{shown:?} is no number of JSON; mend it, or put it in quotes"),
        ))
    }
}

/// Whether the text is a number as JSON has them.
fn is_number(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> Option<&[u8]> {
        let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
        (end > 0).then(|| &text[end..])
    }
    let parse = || {
        let text = text.strip_prefix(b"-").unwrap_or(text);
        let mut rest = match text.strip_prefix(b"0") {
            Some(rest) => rest,
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix(b".") {
            rest = digits(fraction)?;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            let exponent = match exponent {
                [b'+' | b'-', digits @ ..] => digits,
                digits => digits,
            };
            rest = digits(exponent)?;
        }
        Some(rest.is_empty())
    };
    parse().unwrap_or(false)
}

//! What is wrong with JSON that can't be read, with the line it is in.

use super::{Lexer, MAX_TEXT};
use crate::{IntakeError, show::show_text};

impl<R> Lexer<R> {
    /// An error of this line.
    pub(crate) fn refusal(&self, ja: &str, en: &str) -> IntakeError {
        let line = self.line;
        IntakeError::unreadable(format!("{line}行目: {ja}"), format!("line {line}: {en}"))
    }

    pub(super) fn too_long(&self) -> IntakeError {
        let limit = crate::decode::show_size(MAX_TEXT as u64);
        let line = self.line;
        IntakeError::too_large(
            format!("{line}行目に{limit}を超える値があります。短くするか、削ってください"),
            format!("line {line} has a value longer than {limit}; shorten it or leave it out"),
        )
    }

    /// The error of the next character, where something else is expected.
    pub(super) fn odd(&self, wanted_ja: &str, wanted_en: &str) -> IntakeError {
        let found = self.found();
        self.refusal(
            &format!("{wanted_ja}があるはずの場所に「{found}」があります。JSONとして正しい形に直してください"),
            &format!("there is {found:?} where {wanted_en} is expected; write it as valid JSON"),
        )
    }

    /// The error of a value that neither a comma nor the end of what it stands in follows, of the line in
    /// which it ends.
    pub(super) fn unclosed(&self, close: char) -> IntakeError {
        let before = self.buffer[..self.at].iter().rev();
        let blank = before.take_while(|byte| byte.is_ascii_whitespace());
        let line = self.line - blank.filter(|byte| **byte == b'\n').count() as u64;
        let found = self.found();
        IntakeError::unreadable(
            format!(
                "{line}行目: 値の後に「,」か「{close}」があるはずですが、「{found}」が続いています。JSONとして正しい形に直してください"
            ),
            format!(
                "line {line}: a comma or {close:?} is expected behind the value, and {found:?} follows; write it as valid JSON"
            ),
        )
    }

    /// The next character, as far as it was read.
    fn found(&self) -> String {
        let rest = &self.buffer[self.at..self.end.min(self.at + 4)];
        let found = String::from_utf8_lossy(rest).chars().next();
        show_text(&found.map(String::from).unwrap_or_default())
    }

    pub(super) fn cut(&self) -> IntakeError {
        self.refusal(
            "JSONが途中で終わっています。書き出しが終わっているかを確かめて、もう一度送ってください",
            "the JSON ends before it is complete; check that it was written to its end and send it again",
        )
    }
}

//! Texts and keys, with their escapes.

use std::io::Read;

use super::{Lexer, MAX_TEXT};
use crate::IntakeError;

impl<R: Read> Lexer<R> {
    /// Reads a text whose opening quote comes next.
    pub(super) fn string(&mut self) -> Result<(), IntakeError> {
        self.at += 1;
        self.text.clear();
        loop {
            if self.at == self.end && !self.fill()? {
                return Err(self.cut());
            }
            let rest = &self.buffer[self.at..self.end];
            let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            if rest[..plain].iter().any(|byte| *byte < 0x20) {
                return Err(self.refusal(
                    "文字列の中に改行などの制御文字があります。引用符（\"）が閉じられているか確かめ、改行は\\nと書いてください",
                    "there is a line end or another control character within a text; check that its quote is closed, and write line ends as \\n",
                ));
            }
            if self.text.len() + plain > MAX_TEXT {
                return Err(self.too_long());
            }
            self.text.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.peek()? {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), IntakeError> {
        let Some(byte) = self.peek()? else { return Err(self.cut()) };
        self.at += 1;
        let plain = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let first = self.hex()?;
                let c = match first {
                    0xD800..0xDC00 => {
                        if self.peek()? != Some(b'\\') {
                            return Err(self.bad_escape());
                        }
                        self.at += 1;
                        if self.peek()? != Some(b'u') {
                            return Err(self.bad_escape());
                        }
                        self.at += 1;
                        let second = self.hex()?;
                        char::decode_utf16([first, second]).next().and_then(Result::ok)
                    }
                    unit => char::from_u32(u32::from(unit)),
                };
                let c = c.ok_or_else(|| self.bad_escape())?;
                self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.bad_escape()),
        };
        self.text.push(plain);
        Ok(())
    }

    fn hex(&mut self) -> Result<u16, IntakeError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek()?.and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.bad_escape())?;
            unit = unit * 16 + digit as u16;
            self.at += 1;
        }
        Ok(unit)
    }

    fn bad_escape(&self) -> IntakeError {
        self.refusal(
            "文字列の「\\」の後が正しくありません。「\\」そのものは「\\\\」と書いてください",
            "what follows a backslash is not right; write a backslash itself as \\\\",
        )
    }
}

//! JSON as it is read, event by event and in bounded memory: RFC 8259 to the letter, numbers as they are
//! written, with the line that each event stands in.

mod fault;
mod number;
mod text;

use std::io::Read;

use crate::IntakeError;

/// How much is read at once.
const READ: usize = 128 << 10;

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// The longest text or number.
const MAX_TEXT: usize = 8 << 20;

/// One step through JSON. What a key, a text or a number says is in [`Lexer::text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Key,
    Text,
    Number,
    True,
    False,
    Null,
    /// The end of the file.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// Within an object or an array that was just opened.
    First,
    Next,
}

#[derive(Debug, Clone, Copy)]
enum Frame {
    Object(Expect),
    Array(Expect),
}

pub(crate) struct Lexer<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    line: u64,
    frames: Vec<Frame>,
    /// A key was read, whose value comes next.
    after_key: bool,
    text: Vec<u8>,
}

impl<R: Read> Lexer<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; READ],
            at: 0,
            end: 0,
            line: 1,
            frames: Vec::new(),
            after_key: false,
            text: Vec::new(),
        }
    }

    /// The line of the last event, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// How deep the next event stands: 0 at the top.
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The last key, text or number.
    pub(crate) fn text(&self) -> Result<&str, IntakeError> {
        std::str::from_utf8(&self.text).map_err(|_| {
            self.refusal(
                "UTF-8ではない文字があります。文字コードをUTF-8にして保存し直してください",
                "there are bytes that are not UTF-8; save the file in UTF-8",
            )
        })
    }

    #[inline]
    fn peek(&mut self) -> Result<Option<u8>, IntakeError> {
        if self.at == self.end && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.buffer[self.at]))
    }

    #[cold]
    fn fill(&mut self) -> Result<bool, IntakeError> {
        loop {
            match self.reader.read(&mut self.buffer) {
                Ok(read) => {
                    (self.at, self.end) = (0, read);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn after_space(&mut self) -> Result<Option<u8>, IntakeError> {
        while let Some(byte) = self.peek()? {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                _ => return Ok(Some(byte)),
            }
            self.at += 1;
        }
        Ok(None)
    }

    /// The next event. At the top values follow one another, as in files of one value a line.
    pub(crate) fn next(&mut self) -> Result<Event, IntakeError> {
        let Some(mut byte) = self.after_space()? else {
            return if self.frames.is_empty() && !self.after_key {
                Ok(Event::End)
            } else {
                Err(self.cut())
            };
        };
        if self.after_key {
            self.after_key = false;
            return self.value(byte);
        }
        match self.frames.last().copied() {
            None => self.value(byte),
            Some(Frame::Object(expect)) => {
                if byte == b'}' {
                    return Ok(self.close(Event::ObjectEnd));
                }
                if expect == Expect::Next {
                    byte = self.after_comma(byte, b'}')?;
                }
                self.set(Frame::Object(Expect::Next));
                if byte != b'"' {
                    return Err(self.odd("キー（\"…\"）", "a key in quotes"));
                }
                self.string()?;
                match self.after_space()? {
                    Some(b':') => self.at += 1,
                    Some(_) => return Err(self.odd("「:」", "a colon")),
                    None => return Err(self.cut()),
                }
                self.after_key = true;
                Ok(Event::Key)
            }
            Some(Frame::Array(expect)) => {
                if byte == b']' {
                    return Ok(self.close(Event::ArrayEnd));
                }
                if expect == Expect::Next {
                    byte = self.after_comma(byte, b']')?;
                }
                self.set(Frame::Array(Expect::Next));
                self.value(byte)
            }
        }
    }

    fn set(&mut self, frame: Frame) {
        if let Some(last) = self.frames.last_mut() {
            *last = frame;
        }
    }

    fn close(&mut self, event: Event) -> Event {
        self.at += 1;
        self.frames.pop();
        event
    }

    fn after_comma(&mut self, byte: u8, close: u8) -> Result<u8, IntakeError> {
        if byte != b',' {
            return Err(self.unclosed(char::from(close)));
        }
        self.at += 1;
        match self.after_space()? {
            Some(byte) if byte == close => Err(self.refusal(
                "最後の値の後に「,」があります。「,」を取り除いてください",
                "there is a comma after the last value; take it out",
            )),
            Some(byte) => Ok(byte),
            None => Err(self.cut()),
        }
    }

    fn value(&mut self, byte: u8) -> Result<Event, IntakeError> {
        match byte {
            b'{' | b'[' => {
                if self.frames.len() == MAX_DEPTH {
                    return Err(self.refusal(
                        &format!(
                            "入れ子が{MAX_DEPTH}段を超えています。表にできる形に直してください"
                        ),
                        &format!("it is nested more than {MAX_DEPTH} deep; write it as a table"),
                    ));
                }
                self.at += 1;
                let is_object = byte == b'{';
                self.frames.push(if is_object {
                    Frame::Object(Expect::First)
                } else {
                    Frame::Array(Expect::First)
                });
                Ok(if is_object { Event::ObjectStart } else { Event::ArrayStart })
            }
            b'"' => self.string().map(|()| Event::Text),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Event::True),
            b'f' => self.word(b"false", Event::False),
            b'n' => self.word(b"null", Event::Null),
            _ => Err(self.odd("値", "a value")),
        }
    }

    fn word(&mut self, word: &[u8], event: Event) -> Result<Event, IntakeError> {
        for expected in word {
            match self.peek()? {
                Some(byte) if byte == *expected => self.at += 1,
                Some(_) => return Err(self.odd("値", "a value")),
                None => return Err(self.cut()),
            }
        }
        Ok(event)
    }

    /// Passes over the value that the given event begins.
    pub(crate) fn skip(&mut self, event: Event) -> Result<(), IntakeError> {
        if !matches!(event, Event::ObjectStart | Event::ArrayStart) {
            return Ok(());
        }
        let depth = self.depth();
        while self.depth() >= depth {
            self.next()?;
        }
        Ok(())
    }

    /// Adds the value that the given event begins as compact JSON, at most so many bytes.
    pub(crate) fn copy(
        &mut self,
        event: Event,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), IntakeError> {
        let depth = self.depth();
        let opens = matches!(event, Event::ObjectStart | Event::ArrayStart);
        let mut event = event;
        loop {
            if out.len() > limit {
                return Err(self.too_long());
            }
            match event {
                Event::ObjectStart => out.push(b'{'),
                Event::ArrayStart => out.push(b'['),
                Event::ObjectEnd | Event::ArrayEnd => {
                    if out.last() == Some(&b',') {
                        out.pop();
                    }
                    out.push(if event == Event::ObjectEnd { b'}' } else { b']' });
                }
                Event::Key | Event::Text => {
                    let text = self.text()?;
                    serde_json::to_writer(&mut *out, text).map_err(std::io::Error::from)?;
                }
                Event::Number => out.extend_from_slice(&self.text),
                Event::True => out.extend_from_slice(b"true"),
                Event::False => out.extend_from_slice(b"false"),
                Event::Null => out.extend_from_slice(b"null"),
                Event::End => return Err(self.cut()),
            }
            if !opens || self.depth() < depth {
                return Ok(());
            }
            match event {
                Event::Key => out.push(b':'),
                Event::ObjectStart | Event::ArrayStart => {}
                _ => out.push(b','),
            }
            event = self.next()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> Result<Vec<String>, IntakeError> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            match lexer.next()? {
                Event::End => return Ok(found),
                event @ (Event::Key | Event::Text | Event::Number) => {
                    found.push(format!("{event:?} {}", lexer.text()?));
                }
                event => found.push(format!("{event:?}")),
            }
        }
    }

    #[test]
    fn events_come_in_order_and_numbers_as_written() {
        let found = events(r#"{"a":[1.50,-0e+2,"\u3042\ud83c\udf00\n"],"b":{}} true"#).unwrap();
        assert_eq!(
            found,
            [
                "ObjectStart",
                "Key a",
                "ArrayStart",
                "Number 1.50",
                "Number -0e+2",
                "Text あ🌀\n",
                "ArrayEnd",
                "Key b",
                "ObjectStart",
                "ObjectEnd",
                "ObjectEnd",
                "True"
            ]
        );
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_line() {
        for (text, word) in [
            ("{\n\"a\" 1}", "colon"),
            ("[\n1,]", "comma"),
            ("[\n1 2]", "comma"),
            ("[\n1，2]", "，"),
            ("[\n“a”]", "“"),
            ("[\n01]", "number"),
            ("[\n1.]", "number"),
            ("[\nNaN]", "value"),
            ("[\n\"a\nb\"]", "control character"),
            ("[\n\"\\x\"]", "backslash"),
            ("[\n\"\\ud800\"]", "backslash"),
            ("{\n", "ends before"),
            ("{\n\"a\":", "ends before"),
            ("{\na:1}", "key in quotes"),
        ] {
            let error = events(text).unwrap_err().to_string();
            assert!(error.starts_with("line 2: ") && error.contains(word), "{text:?}: {error}");
        }
        assert!(events(&"[".repeat(100)).unwrap_err().to_string().contains("nested"));
    }

    #[test]
    fn values_are_copied_compactly() {
        let text = r#" { "a" : [ 1 , { } , [ ] , "x\"y" ] , "b" : null } "#;
        let mut lexer = Lexer::new(text.as_bytes());
        let event = lexer.next().unwrap();
        let mut out = Vec::new();
        lexer.copy(event, &mut out, 1_000).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":[1,{},[],"x\"y"],"b":null}"#);
    }
}

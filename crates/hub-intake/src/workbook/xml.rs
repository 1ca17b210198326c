//! XML as workbooks have it, tag by tag and in bounded memory: a document type is refused, so that there
//! are no entities but XML's own, and no tag or text is longer than a limit. Namespaces are not looked
//! up: parts are small languages whose local names are enough.

mod escape;
mod tag;

use std::io::Read;

pub(crate) use escape::{escape, unescape};
pub(crate) use tag::Tag;
use tag::local;

use super::archive::part_error;
use crate::{IntakeError, decode::damaged};

/// How much is read at once.
const READ: usize = 128 << 10;

/// The longest tag or text. A cell of Excel holds 32,767 characters.
pub(crate) const MAX_TOKEN: usize = 8 << 20;

/// One piece of XML.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Token<'a> {
    /// A tag that opens an element; where the element is empty none closes it.
    Open(Tag<'a>),
    /// The local name of a tag that closes an element.
    Close(&'a [u8]),
    /// Text between two tags, as it is written.
    Text(&'a [u8]),
    /// Text in which nothing is escaped.
    Verbatim(&'a [u8]),
    End,
}

/// XML as it is read.
pub(crate) struct Xml<R> {
    reader: R,
    buffer: Vec<u8>,
    /// What of the buffer is not yet given out.
    start: usize,
    end: usize,
    ended: bool,
    begun: bool,
    /// How many bytes were dropped from the buffer's front, and where in it the last piece began.
    passed: u64,
    piece: u64,
}

impl<R: Read> Xml<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; READ],
            start: 0,
            end: 0,
            ended: false,
            begun: false,
            passed: 0,
            piece: 0,
        }
    }

    /// Reads more behind what is there; false at the end.
    fn fill(&mut self) -> Result<bool, IntakeError> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.passed += self.start as u64;
            self.start = 0;
        }
        if self.end > MAX_TOKEN {
            return Err(too_long());
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(part_error(error)),
            }
            break;
        }
        Ok(!self.ended)
    }

    /// Finds a byte from `from` on, counted from the start of what is not given out.
    fn find(&mut self, byte: u8, mut from: usize) -> Result<Option<usize>, IntakeError> {
        loop {
            let window = &self.buffer[self.start..self.end];
            if let Some(at) = window.get(from..).and_then(|rest| memchr::memchr(byte, rest)) {
                return Ok(Some(from + at));
            }
            from = from.max(window.len());
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Makes at least so many bytes available, where the file has them.
    fn need(&mut self, bytes: usize) -> Result<bool, IntakeError> {
        while self.end - self.start < bytes {
            if !self.fill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What of the file is here and not yet given out: as much as was read, cut anywhere.
    pub(crate) fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Passes over bytes of the window that were read there.
    pub(crate) fn advance(&mut self, bytes: usize) {
        self.start += bytes.min(self.end - self.start);
    }

    /// Where the next piece begins, in bytes from the start.
    pub(crate) fn position(&self) -> u64 {
        self.passed + self.start as u64
    }

    /// Where the last piece began.
    pub(crate) fn piece(&self) -> u64 {
        self.piece
    }

    /// The next piece.
    pub(crate) fn next(&mut self) -> Result<Token<'_>, IntakeError> {
        if !self.begun {
            self.begun = true;
            if self.need(3)? && self.buffer[self.start..].starts_with(b"\xEF\xBB\xBF") {
                self.start += 3;
            }
            if self.need(2)?
                && matches!(self.buffer[self.start..][..2], [0xFF, 0xFE] | [0xFE, 0xFF])
            {
                return Err(IntakeError::unsupported(
                    "ブックの中がUTF-16で書かれています。Excelで開いて保存し直してから送ってください",
                    "the workbook's parts are in UTF-16; open it in Excel, save it and send that",
                ));
            }
        }
        loop {
            if !self.need(1)? {
                self.piece = self.position();
                return Ok(Token::End);
            }
            self.piece = self.position();
            if self.buffer[self.start] != b'<' {
                let end = match self.find(b'<', 0)? {
                    Some(end) => end,
                    None => self.end - self.start,
                };
                let from = self.start;
                self.start += end;
                return Ok(Token::Text(&self.buffer[from..from + end]));
            }
            self.need(9)?;
            let head = &self.buffer[self.start..self.end];
            if head.starts_with(b"<!--") {
                self.pass(b"-->", 4)?;
            } else if head.starts_with(b"<![CDATA[") {
                let end = self.until(b"]]>", 9)?;
                let from = self.start;
                self.start += end + 3;
                return Ok(Token::Verbatim(&self.buffer[from + 9..from + end]));
            } else if head.starts_with(b"<!") {
                return Err(IntakeError::unreadable(
                    "ブックの中に文書型宣言（DTD）があります。Excelはこれを書きません。Excelで保存し直してから送ってください",
                    "the workbook has a document type declaration, which Excel never writes; save it anew in Excel and send that",
                ));
            } else if head.starts_with(b"<?") {
                self.pass(b"?>", 2)?;
            } else {
                return self.tag();
            }
        }
    }

    fn until(&mut self, mark: &[u8; 3], mut from: usize) -> Result<usize, IntakeError> {
        loop {
            let at = self.find(mark[0], from)?.ok_or_else(|| damaged("XML ends within a mark"))?;
            self.need(at + mark.len())?;
            if self.buffer[self.start..self.end][at..].starts_with(mark) {
                return Ok(at);
            }
            from = at + 1;
        }
    }

    /// Passes over a comment or an instruction.
    fn pass(&mut self, mark: &[u8], from: usize) -> Result<(), IntakeError> {
        let mut from = from;
        loop {
            let at = self.find(b'>', from)?.ok_or_else(|| damaged("XML ends within a mark"))?;
            if self.buffer[self.start..][..=at].ends_with(mark) {
                self.start += at + 1;
                return Ok(());
            }
            from = at + 1;
        }
    }

    #[inline]
    fn tag(&mut self) -> Result<Token<'_>, IntakeError> {
        let (mut from, mut quote) = (1, None);
        let end = loop {
            let end = self.find(b'>', from)?.ok_or_else(|| damaged("XML ends within a tag"))?;
            // A `>` may stand within quotes, and any number of them.
            quote = open_quote(quote, &self.buffer[self.start..][from..end]);
            if quote.is_none() {
                break end;
            }
            from = end + 1;
        };
        let from = self.start;
        self.start += end + 1;
        let inner = &self.buffer[from + 1..from + end];
        Ok(match inner.strip_prefix(b"/") {
            Some(name) => Token::Close(local(name.trim_ascii_end())),
            None => Token::Open(Tag::of(inner)),
        })
    }

    /// Passes over what is within an element that was just opened.
    pub(crate) fn skip(&mut self) -> Result<(), IntakeError> {
        let mut depth = 1usize;
        while depth > 0 {
            match self.next()? {
                Token::Open(tag) if !tag.empty => depth += 1,
                Token::Close(_) => depth -= 1,
                Token::End => return Err(damaged("XML ends within an element")),
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds the text within an element that was just opened, other elements within it left out.
    pub(crate) fn text(&mut self, out: &mut String) -> Result<(), IntakeError> {
        let start = out.len();
        loop {
            if out.len() - start > MAX_TOKEN {
                return Err(too_long());
            }
            match self.next()? {
                Token::Text(raw) => unescape(raw, out),
                Token::Verbatim(raw) => out.push_str(&String::from_utf8_lossy(raw)),
                Token::Open(tag) if !tag.empty => self.skip()?,
                Token::Open(_) => {}
                Token::Close(_) => return Ok(()),
                Token::End => return Err(damaged("XML ends within an element")),
            }
        }
    }

    /// Reads what is left, so that the part's checksum is checked.
    pub(crate) fn finish(&mut self) -> Result<(), IntakeError> {
        loop {
            self.start = self.end;
            if !self.fill()? {
                return Ok(());
            }
        }
    }
}

/// The error of a text that no cell can hold.
pub(crate) fn too_long() -> IntakeError {
    IntakeError::too_large(
        "ブックの中に、Excelのセルには入らない長さの文字があります。Excelで保存し直してから送ってください",
        "the workbook has a text longer than a cell of Excel can hold; save it anew in Excel and send that",
    )
}

/// The quote that is open at the end of a part of a tag, by the one that is open at its beginning.
fn open_quote(mut quote: Option<u8>, part: &[u8]) -> Option<u8> {
    for byte in part {
        match quote {
            None if matches!(byte, b'"' | b'\'') => quote = Some(*byte),
            Some(open) if open == *byte => quote = None,
            _ => {}
        }
    }
    quote
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<String>, IntakeError> {
        let mut xml = Xml::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            found.push(match xml.next()? {
                Token::Open(tag) => format!(
                    "<{}{}{}",
                    String::from_utf8_lossy(tag.name),
                    tag.attributes().fold(String::new(), |all, (name, value)| format!(
                        "{all} {}={}",
                        String::from_utf8_lossy(name),
                        String::from_utf8_lossy(value)
                    )),
                    if tag.empty { "/" } else { "" }
                ),
                Token::Close(name) => format!("/{}", String::from_utf8_lossy(name)),
                Token::Text(raw) | Token::Verbatim(raw) => String::from_utf8_lossy(raw).into(),
                Token::End => return Ok(found),
            });
        }
    }

    #[test]
    fn tags_texts_and_what_is_between_them() {
        let found = tokens(
            "\u{FEFF}<?xml version='1.0'?><x:a r=\"1>2\" b = 'c'><!-- <no> --><b/>t&amp;<![CDATA[<>]]></x:a>",
        )
        .unwrap();
        assert_eq!(found, ["<a r=1>2 b=c", "<b/", "t&amp;", "<>", "/a"]);
    }

    #[test]
    fn a_tag_is_taken_apart_once_however_many_ends_of_tags_its_quotes_hold() {
        let ends = ">".repeat(4 << 20);
        let found = tokens(&format!("<a b='\"{ends}' c=\"'>\">")).unwrap();
        assert_eq!(found, [format!("<a b=\"{ends} c='>")]);
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>";
        let error = tokens(text).unwrap_err();
        assert!(error.to_string().contains("document type"), "{error}");
    }

    #[test]
    fn a_text_without_end_is_refused_before_it_fills_memory() {
        let endless = std::io::Read::chain(&b"<a>"[..], std::io::repeat(b'x'));
        let mut xml = Xml::new(endless);
        xml.next().unwrap();
        let error = xml.next().unwrap_err();
        assert!(matches!(error, IntakeError::TooLarge { .. }), "{error}");
        assert!(xml.buffer.len() <= 2 * MAX_TOKEN + READ);
    }

    #[test]
    fn escapes_are_resolved_and_others_left() {
        let mut text = String::new();
        unescape("a&lt;&#12354;&#x3042;&b;&amp;lt;& c".as_bytes(), &mut text);
        assert_eq!(text, "a<ああ&b;&lt;& c");
        assert_eq!(escape("a<\"b\u{1}"), "a&lt;&quot;b\u{FFFD}");
    }
}

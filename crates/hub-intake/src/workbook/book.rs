//! What an `.xlsx` workbook says of itself: its sheets, its dates' epoch, what its formats show and the
//! texts that its sheets share. Links to other files are never followed.

use std::{collections::HashMap, io::Read};

use super::{
    archive::{Archive, Part, Source},
    number::Epoch,
    shown::{Shown, built_in, of_code},
    unpack::Unpacked,
    xml::{MAX_TOKEN, Token, Xml, too_long},
};
use crate::{IntakeError, decode::damaged};

/// The most bytes that a workbook's shared texts may take in memory.
const MAX_SHARED_BYTES: usize = 384 << 20;

/// The most sheets, and the most cell formats, of a workbook that people made. Excel has 64,000 formats.
const MAX_SHEETS: usize = 10_000;
const MAX_FORMATS: usize = 100_000;

/// Packed bytes from which a sheet is worth a thread to unpack it: some 10,000 rows.
const WORTH_A_THREAD: u64 = 256 << 10;

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    /// The archive's part, for `.xlsx`.
    pub(crate) part: String,
    pub(crate) hidden: bool,
    /// Where the sheet begins, for `.xls`.
    pub(crate) offset: u64,
}

/// Texts that share one buffer.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        Some(&self.text[start..end])
    }

    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    /// Adds a text by letting `write` append it.
    pub(crate) fn add(
        &mut self,
        write: impl FnOnce(&mut String) -> Result<(), IntakeError>,
    ) -> Result<(), IntakeError> {
        write(&mut self.text)?;
        if self.text.len() + self.ends.len() * 4 > MAX_SHARED_BYTES {
            return Err(IntakeError::too_large(
                "ブックの文字が多すぎます。シートを分けるか、CSVで保存して送ってください",
                "the workbook holds too much text; split it, or save it as CSV and send that",
            ));
        }
        self.ends.push(self.text.len() as u32);
        Ok(())
    }
}

/// An `.xlsx` workbook without its sheets' cells.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) archive: Archive,
    pub(crate) sheets: Vec<Sheet>,
    pub(crate) epoch: Epoch,
    pub(crate) formats: Vec<Shown>,
    pub(crate) texts: Texts,
}

impl Book {
    pub(crate) fn open(source: Source) -> Result<Self, IntakeError> {
        let archive = Archive::open(source)?;
        let main = main_part(&archive)?;
        let links = links(&archive, &main)?;
        let (sheets, epoch) = read_workbook(&archive, &main, &links)?;
        let of_kind = |kind: &str| links.values().find(|link| link.kind == kind);
        let formats = match of_kind("styles") {
            Some(link) => read_formats(&archive, &link.part)?,
            None => Vec::new(),
        };
        let texts = match of_kind("sharedStrings") {
            Some(link) => read_texts(&archive, &link.part)?,
            None => Texts::default(),
        };
        Ok(Self { archive, sheets, epoch, formats, texts })
    }

    /// A sheet's XML, unpacked as it is read.
    pub(crate) fn sheet(&self, sheet: &Sheet) -> Result<Xml<Box<dyn Read + Send>>, IntakeError> {
        Ok(Xml::new(Box::new(part(&self.archive, &sheet.part)?)))
    }

    /// The XML of a sheet that is read to its end, unpacked ahead where it is large.
    pub(crate) fn whole_sheet(
        &self,
        sheet: &Sheet,
    ) -> Result<Xml<Box<dyn Read + Send>>, IntakeError> {
        let part = part(&self.archive, &sheet.part)?;
        if part.packed() < WORTH_A_THREAD {
            return Ok(Xml::new(Box::new(part)));
        }
        Ok(Xml::new(Box::new(Unpacked::new(part)?)))
    }
}

/// The archive's workbook part, by the archive's own links, or where it usually is.
pub(crate) fn main_part(archive: &Archive) -> Result<String, IntakeError> {
    let named = links(archive, "")?
        .into_values()
        .find(|link| link.kind == "officeDocument")
        .map(|link| link.part);
    Ok(named.filter(|part| archive.has(part)).unwrap_or_else(|| "xl/workbook.xml".to_owned()))
}

pub(crate) fn xml(archive: &Archive, name: &str) -> Result<Xml<Part>, IntakeError> {
    Ok(Xml::new(part(archive, name)?))
}

fn part(archive: &Archive, name: &str) -> Result<Part, IntakeError> {
    archive.part(name)?.ok_or_else(|| damaged(&format!("{name} is missing")))
}

/// A link from one part to another.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) part: String,
    /// The last word of the link's type.
    pub(crate) kind: String,
}

/// The part's links to other parts of the archive, by id.
pub(crate) fn links(archive: &Archive, part: &str) -> Result<HashMap<String, Link>, IntakeError> {
    let mut found = HashMap::new();
    let Some(bytes) = archive.part(&links_part(part))? else { return Ok(found) };
    let mut xml = Xml::new(bytes);
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"Relationship" => {
                let (Some(id), Some(kind), Some(target)) =
                    (tag.attribute(b"Id"), tag.attribute(b"Type"), tag.attribute(b"Target"))
                else {
                    continue;
                };
                if tag.raw(b"TargetMode") == Some(b"External") || found.len() > MAX_SHEETS * 2 {
                    continue;
                }
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                found.insert(id, Link { part: resolve(part, &target), kind });
            }
            Token::End => return Ok(found),
            _ => {}
        }
    }
}

/// The part that holds another part's links.
pub(crate) fn links_part(part: &str) -> String {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}_rels/{name}.rels")
}

/// A target as a part's name: relative to the folder of the part that names it, unless it begins with a
/// slash.
fn resolve(part: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let folder = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn read_workbook(
    archive: &Archive,
    main: &str,
    links: &HashMap<String, Link>,
) -> Result<(Vec<Sheet>, Epoch), IntakeError> {
    let mut xml = xml(archive, main)?;
    let mut sheets = Vec::new();
    let mut epoch = Epoch::Y1900;
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"workbookPr" && tag.flag(b"date1904") => {
                epoch = Epoch::Y1904;
            }
            Token::Open(tag) if tag.name == b"sheet" => {
                let hidden = matches!(tag.raw(b"state"), Some(b"hidden" | b"veryHidden"));
                let name = tag.attribute(b"name").unwrap_or_default();
                let id = tag.attribute(b"id").unwrap_or_default();
                // Sheets of charts and of macros have no cells.
                let Some(link) = links.get(&id).filter(|link| link.kind == "worksheet") else {
                    continue;
                };
                if sheets.len() == MAX_SHEETS {
                    return Err(damaged("it has too many sheets"));
                }
                sheets.push(Sheet { name, part: link.part.clone(), hidden, offset: 0 });
            }
            Token::End => break,
            _ => {}
        }
    }
    if sheets.is_empty() {
        return Err(IntakeError::unreadable(
            "ブックにワークシートがありません。表のあるシートを加えて送ってください",
            "the workbook has no worksheet; add one with the table and send it",
        ));
    }
    Ok((sheets, epoch))
}

/// What each cell format shows numbers as.
fn read_formats(archive: &Archive, part: &str) -> Result<Vec<Shown>, IntakeError> {
    let mut codes: HashMap<u32, Shown> = HashMap::new();
    let mut formats = Vec::new();
    let mut within = false;
    let mut xml = xml(archive, part)?;
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"numFmt" => {
                let id = tag.attribute(b"numFmtId").and_then(|id| id.parse().ok());
                if let (Some(id), Some(code)) = (id, tag.attribute(b"formatCode"))
                    && codes.len() < MAX_FORMATS
                {
                    codes.insert(id, of_code(&code));
                }
            }
            Token::Open(tag) if tag.name == b"cellXfs" => within = !tag.empty,
            Token::Close(b"cellXfs") => within = false,
            Token::Open(tag) if within && tag.name == b"xf" => {
                if formats.len() >= MAX_FORMATS {
                    return Err(damaged("it has too many cell formats"));
                }
                let id = tag.attribute(b"numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
                formats.push(codes.get(&id).copied().unwrap_or_else(|| built_in(id)));
            }
            Token::End => return Ok(formats),
            _ => {}
        }
    }
}

/// The texts that sheets share.
fn read_texts(archive: &Archive, part: &str) -> Result<Texts, IntakeError> {
    let mut texts = Texts::default();
    let mut xml = xml(archive, part)?;
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"si" => {
                let empty = tag.empty;
                texts.add(|out| if empty { Ok(()) } else { read_rich(&mut xml, out) })?;
            }
            Token::End => return Ok(texts),
            _ => {}
        }
    }
}

/// Adds the text within `si` or `is`: that of all its runs, without the readings written above it.
pub(crate) fn read_rich<R: Read>(xml: &mut Xml<R>, out: &mut String) -> Result<(), IntakeError> {
    let start = out.len();
    let mut depth = 1usize;
    while depth > 0 {
        if out.len() - start > MAX_TOKEN {
            return Err(too_long());
        }
        match xml.next()? {
            Token::Open(tag) if tag.empty => {}
            Token::Open(tag) if tag.name == b"t" => xml.text(out)?,
            Token::Open(tag) if tag.name == b"rPh" => xml.skip()?,
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth -= 1,
            Token::End => return Err(damaged("XML ends within a text")),
            Token::Text(_) | Token::Verbatim(_) => {}
        }
    }
    undo_escapes(out, start);
    Ok(())
}

/// Excel writes characters that XML can't hold as `_x000D_`, and what looks like that with `_x005F_` in
/// front.
pub(crate) fn undo_escapes(text: &mut String, start: usize) {
    if !text[start..].contains("_x") {
        return;
    }
    let tail = text.split_off(start);
    let mut rest = tail.as_str();
    while let Some(at) = rest.find("_x") {
        let code = rest.get(at + 2..at + 7).and_then(|five| five.strip_suffix('_'));
        let code = code.filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                text.push_str(&rest[..at]);
                text.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                text.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_from_the_part_that_names_them() {
        assert_eq!(resolve("xl/workbook.xml", "worksheets/sheet1.xml"), "xl/worksheets/sheet1.xml");
        assert_eq!(resolve("xl/worksheets/sheet1.xml", "../comments1.xml"), "xl/comments1.xml");
        assert_eq!(resolve("xl/workbook.xml", "/xl/styles.xml"), "xl/styles.xml");
        assert_eq!(resolve("", "../../xl/workbook.xml"), "xl/workbook.xml");
        assert_eq!(links_part("xl/workbook.xml"), "xl/_rels/workbook.xml.rels");
        assert_eq!(links_part(""), "_rels/.rels");
    }

    #[test]
    fn readings_are_left_out_and_escapes_undone() {
        let text = "<r><t>余市</t></r><r><rPr/><t xml:space=\"preserve\"> 町</t></r><rPh sb=\"0\" eb=\"2\"><t>ヨイチ</t></rPh><phoneticPr/></si>";
        let mut out = String::new();
        read_rich(&mut Xml::new(text.as_bytes()), &mut out).unwrap();
        assert_eq!(out, "余市 町");
        let mut out = "a_x000D__x005F_x0041_ _x00ZZ_ _x".to_owned();
        undo_escapes(&mut out, 0);
        assert_eq!(out, "a\r_x0041_ _x00ZZ_ _x");
    }
}

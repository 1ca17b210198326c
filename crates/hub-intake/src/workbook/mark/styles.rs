//! Styles that mark a cell: each is a style of the book with nothing but its fill changed, so that dates
//! stay dates.

use std::collections::BTreeMap;

use super::{
    super::{
        archive::Archive,
        book::links,
        xml::{Tag, Token, Xml},
    },
    Edits,
    parts::{Parts, prefix_of, with_link},
};
use crate::{IntakeError, decode::damaged};

/// A light red that keeps black text readable.
const COLOUR: &str = "FFFFC7CE";

/// The styles of a book that has none.
const PLAIN: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#;

/// What was found of the styles' XML.
#[derive(Default)]
struct Found {
    fills: u64,
    fills_end: Option<u64>,
    /// From where to where each cell format is written.
    formats: Vec<(u64, u64)>,
    formats_end: Option<u64>,
    prefix: String,
    edits: Edits,
}

/// Adds a marked form of each style; answers which style marks which.
pub(super) fn with_marks(
    archive: &Archive,
    parts: &mut Parts,
    styles: &[usize],
) -> Result<BTreeMap<usize, usize>, IntakeError> {
    let part = links(archive, &parts.main)?
        .into_values()
        .find(|link| link.kind == "styles")
        .map(|link| link.part);
    let part = match part {
        Some(part) => part,
        None => {
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml";
            let part = parts.add("xl/styles", "xml", Some(kind), PLAIN.as_bytes().to_vec());
            let main = std::mem::take(&mut parts.main_links);
            parts.main_links = with_link(Some(main), "styles", &part)?.0;
            part
        }
    };
    let bytes = parts.get(archive, &part)?.ok_or_else(|| damaged("its styles are missing"))?;
    let mut found = find(&bytes)?;
    let (Some(fills_end), Some(formats_end)) = (found.fills_end, found.formats_end) else {
        return Err(damaged("its styles are incomplete"));
    };
    let prefix = &found.prefix;
    found.edits.insert(
        fills_end,
        format!("<{prefix}fill><{prefix}patternFill patternType=\"solid\"><{prefix}fgColor rgb=\"{COLOUR}\"/><{prefix}bgColor indexed=\"64\"/></{prefix}patternFill></{prefix}fill>"),
    );
    let mut marks = BTreeMap::new();
    for style in styles {
        if marks.contains_key(style) {
            continue;
        }
        let (from, to) = found
            .formats
            .get(*style)
            .or(found.formats.first())
            .ok_or_else(|| damaged("it has no cell formats"))?;
        let format = &bytes[*from as usize..*to as usize];
        found.edits.insert(formats_end, marked(format, found.fills)?);
        marks.insert(*style, found.formats.len() + marks.len());
    }
    parts.put(&part, found.edits.apply(&bytes)?);
    Ok(marks)
}

fn find(bytes: &[u8]) -> Result<Found, IntakeError> {
    let mut found = Found::default();
    let mut xml = Xml::new(bytes);
    let mut within: &[u8] = b"";
    loop {
        match xml.next()? {
            Token::Open(tag) if matches!(tag.name, b"fills" | b"cellXfs") && !tag.empty => {
                within = if tag.name == b"fills" { b"fills" } else { b"cellXfs" };
                found.prefix = prefix_of(tag.full_name);
                let opened = without(&tag, &[b"count"]);
                let (from, to) = (xml.piece(), xml.position());
                // A count is optional, and a wrong one would be an error.
                found.edits.replace(from, to, format!("<{opened}>"));
            }
            Token::Open(tag) if within == b"fills" && tag.name == b"fill" => {
                found.fills += 1;
                if !tag.empty {
                    xml.skip()?;
                }
            }
            Token::Open(tag) if within == b"cellXfs" && tag.name == b"xf" => {
                let from = (!tag.empty, xml.piece());
                if from.0 {
                    xml.skip()?;
                }
                found.formats.push((from.1, xml.position()));
            }
            Token::Close(b"fills") => {
                (found.fills_end, within) = (Some(xml.piece()), b"");
            }
            Token::Close(b"cellXfs") => {
                (found.formats_end, within) = (Some(xml.piece()), b"");
            }
            Token::End => return Ok(found),
            _ => {}
        }
    }
}

/// A tag's name and its attributes, as they are written, but for those named.
fn without(tag: &Tag<'_>, names: &[&[u8]]) -> String {
    let mut written = String::from_utf8_lossy(tag.full_name).into_owned();
    for (name, value) in tag.attributes().filter(|(name, _)| !names.contains(name)) {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        let quote = if value.contains('"') { '\'' } else { '"' };
        written.push_str(&format!(" {name}={quote}{value}{quote}"));
    }
    written
}

/// A cell format with another fill.
fn marked(format: &[u8], fill: u64) -> Result<Vec<u8>, IntakeError> {
    let mut xml = Xml::new(format);
    let Token::Open(tag) = xml.next()? else { return Err(damaged("a cell format is odd")) };
    let end = if tag.empty { "/>" } else { ">" };
    let written = without(&tag, &[b"fillId", b"applyFill"]);
    let mut out = format!("<{written} fillId=\"{fill}\" applyFill=\"1\"{end}").into_bytes();
    let rest = xml.position() as usize;
    out.extend_from_slice(&format[rest..]);
    Ok(out)
}

//! The comments of a sheet, and the drawing that says where each is shown. A sheet that has some keeps
//! them, and a cell's own comment has the report's words added to it.

use std::collections::BTreeMap;

use hub_model::CellError;

use super::{
    super::{
        archive::Archive,
        book::{links, links_part},
        xml::{Token, Xml, escape},
    },
    AUTHOR, Edits, Place,
    parts::{Parts, prefix_of, read_whole, with_link},
    words,
};
use crate::{IntakeError, decode::damaged, rows::cell_name};

const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors></authors><commentList></commentList></comments>"#;

const EMPTY_DRAWING: &str = r#"<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="9"/></o:shapelayout></xml>"#;

/// How a comment's box looks, once a drawing.
const SHAPE: &str = r##"<v:shapetype xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" id="_x0000_t202_mochiyori" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>"##;

/// A sheet's comments as they are being changed.
pub(super) struct Comments {
    sheet: String,
    /// The parts where there are such by now.
    part: Option<String>,
    drawing: Option<String>,
    text: Vec<u8>,
    shapes: Vec<u8>,
    links: Option<Vec<u8>>,
    link: Option<String>,
}

impl Comments {
    pub(super) fn read(
        archive: &Archive,
        parts: &mut Parts,
        sheet: &str,
    ) -> Result<Self, IntakeError> {
        let found = links(archive, sheet)?;
        let of_kind = |kind: &str| {
            found.values().find(|link| link.kind == kind).map(|link| link.part.clone())
        };
        let (part, drawing) = (of_kind("comments"), of_kind("vmlDrawing"));
        let whole = |part: &Option<String>, empty: &str| match part {
            Some(part) => read_whole(archive, part)?
                .ok_or_else(|| damaged("a part that is linked is missing")),
            None => Ok(empty.as_bytes().to_vec()),
        };
        let text = whole(&part, EMPTY)?;
        let shapes = whole(&drawing, EMPTY_DRAWING)?;
        let mut comments = Self {
            sheet: sheet.to_owned(),
            part,
            drawing,
            text,
            shapes,
            links: read_whole(archive, &links_part(sheet))?,
            link: None,
        };
        comments.link(parts)?;
        Ok(comments)
    }

    /// Names new parts and links them.
    fn link(&mut self, parts: &mut Parts) -> Result<(), IntakeError> {
        if self.part.is_none() {
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml";
            let part = parts.add("xl/comments", "xml", Some(kind), Vec::new());
            self.links = Some(with_link(self.links.take(), "comments", &part)?.0);
            self.part = Some(part);
        }
        if self.drawing.is_none() {
            let part = parts.add("xl/drawings/vmlDrawing", "vml", None, Vec::new());
            parts.ending("vml", "application/vnd.openxmlformats-officedocument.vmlDrawing");
            let (links, id) = with_link(self.links.take(), "vmlDrawing", &part)?;
            (self.links, self.link, self.drawing) = (Some(links), Some(id), Some(part));
        }
        Ok(())
    }

    /// The id of the link to a drawing that the sheet does not link to by now.
    pub(super) fn drawing_to_link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Adds the errors' words to each cell.
    pub(super) fn add(
        &mut self,
        errors: &BTreeMap<Place, Vec<&CellError>>,
    ) -> Result<(), IntakeError> {
        let mut left: BTreeMap<String, (Place, String)> = errors
            .iter()
            .map(|(place, errors)| {
                (cell_name(u64::from(place.0), place.1), (*place, words(errors)))
            })
            .collect();
        let mut edits = Edits::default();
        let mut xml = Xml::new(self.text.as_slice());
        let (mut prefix, mut authors, mut cell) = (String::new(), 0, None);
        let mut listed = false;
        loop {
            match xml.next()? {
                Token::Open(tag) if tag.name == b"comments" => prefix = prefix_of(tag.full_name),
                Token::Open(tag) if tag.name == b"author" => authors += 1,
                Token::Open(tag) if tag.name == b"authors" && tag.empty => {
                    let (from, to) = (xml.piece(), xml.position());
                    let author = format!(
                        "<{prefix}authors><{prefix}author>{AUTHOR}</{prefix}author></{prefix}authors>"
                    );
                    edits.replace(from, to, author);
                }
                Token::Close(b"authors") => {
                    let author = format!("<{prefix}author>{AUTHOR}</{prefix}author>");
                    edits.insert(xml.piece(), author);
                }
                Token::Open(tag) if tag.name == b"comment" => {
                    cell = tag.attribute(b"ref").and_then(|name| left.remove(&name));
                }
                Token::Close(b"text") => {
                    if let Some((_, words)) = cell.take() {
                        edits.insert(xml.piece(), run(&prefix, &format!("\n\n{words}")));
                    }
                }
                Token::Open(tag) if tag.name == b"commentList" && tag.empty => {
                    let (from, to) = (xml.piece(), xml.position());
                    let all = list(&prefix, &left, authors);
                    edits.replace(
                        from,
                        to,
                        format!("<{prefix}commentList>{all}</{prefix}commentList>"),
                    );
                    listed = true;
                }
                Token::Close(b"commentList") => {
                    edits.insert(xml.piece(), list(&prefix, &left, authors));
                    listed = true;
                }
                Token::End => break,
                _ => {}
            }
        }
        if !listed {
            return Err(damaged("its comments are cut"));
        }
        self.text = edits.apply(&self.text)?;
        self.draw(left.values().map(|(place, _)| *place))
    }

    fn draw(&mut self, places: impl Iterator<Item = Place>) -> Result<(), IntakeError> {
        let end = memchr::memmem::rfind(&self.shapes, b"</xml>")
            .ok_or_else(|| damaged("a drawing of comments is cut"))?;
        let mut shapes = String::from(SHAPE);
        for (index, (row, column)) in places.enumerate() {
            let id = 9_000 + index;
            let (top, left) = (row.saturating_sub(1), column + 1);
            let (bottom, right, line) = (top + 7, left + 4, row - 1);
            shapes.push_str(&format!(
                r##"<v:shape xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel" id="_x0000_s{id}m" type="#_x0000_t202_mochiyori" style="position:absolute;width:280pt;height:110pt;z-index:{index};visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox/><x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{left}, 10, {top}, 4, {right}, 10, {bottom}, 4</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{line}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"##
            ));
        }
        let mut edits = Edits::default();
        edits.insert(end as u64, shapes);
        self.shapes = edits.apply(&self.shapes)?;
        Ok(())
    }

    pub(super) fn finish(self, _archive: &Archive, parts: &mut Parts) -> Result<(), IntakeError> {
        if let Some(part) = &self.part {
            parts.put(part, self.text);
        }
        if let Some(part) = &self.drawing {
            parts.put(part, self.shapes);
        }
        if let Some(links) = self.links {
            parts.put(&links_part(&self.sheet), links);
        }
        Ok(())
    }
}

fn run(prefix: &str, words: &str) -> String {
    let words = escape(words);
    format!("<{prefix}r><{prefix}t xml:space=\"preserve\">{words}</{prefix}t></{prefix}r>")
}

fn list(prefix: &str, left: &BTreeMap<String, (Place, String)>, author: u32) -> String {
    let mut all = String::new();
    for (cell, (_, words)) in left {
        let run = run(prefix, words);
        all.push_str(&format!(
            "<{prefix}comment ref=\"{cell}\" authorId=\"{author}\"><{prefix}text>{run}</{prefix}text></{prefix}comment>"
        ));
    }
    all
}

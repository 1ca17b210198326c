//! Where in a sheet's XML the marked cells stand, or would stand, and the edits that mark them.

use std::collections::{BTreeMap, VecDeque};

use super::{
    super::{
        archive::Archive,
        book::xml,
        xlsx::column_of,
        xml::{Tag, Token},
    },
    Edits, Place,
    parts::prefix_of,
};
use crate::{IntakeError, decode::damaged, rows::cell_name};

/// What stands behind the link to a drawing of comments, in the order that the format asks for.
const BEHIND_DRAWING: [&[u8]; 9] = [
    b"legacyDrawingHF",
    b"drawingHF",
    b"picture",
    b"oleObjects",
    b"controls",
    b"webPublishItems",
    b"tableParts",
    b"extLst",
    b"AlternateContent",
];

/// What is done for one marked cell.
#[derive(Debug)]
enum Mark {
    /// The cell's tag is written anew, with these other attributes and this end.
    Tag { from: u64, to: u64, name: String, attributes: String, end: &'static str },
    /// There is no such cell: it is inserted here, within a row of its own where there is none.
    New { at: u64, before: String, after: String },
}

/// The marked cells as they were found.
pub(super) struct Found {
    marks: Vec<(Place, usize, Mark)>,
    prefix: String,
    /// Where a link to a drawing goes.
    drawing_at: u64,
}

/// Reads the sheet and finds the cells, which are in ascending order.
pub(super) fn find(
    archive: &Archive,
    part: &str,
    mut cells: VecDeque<Place>,
) -> Result<Found, IntakeError> {
    let mut found = Found { marks: Vec::new(), prefix: String::new(), drawing_at: 0 };
    let mut xml = xml(archive, part)?;
    let (mut row, mut column) = (0u32, 0u32);
    let mut within = false;
    loop {
        match xml.next()? {
            Token::Open(tag) if tag.name == b"sheetData" => {
                found.prefix = prefix_of(tag.full_name);
                let tag = Owned::new(&tag);
                let (from, to) = (xml.piece(), xml.position());
                if tag.empty {
                    tag.open_up(&mut found, &mut cells, from, to, None);
                    break;
                }
                within = true;
            }
            Token::Open(tag) if within && tag.name == b"row" => {
                row = match tag.raw(b"r") {
                    Some(raw) => {
                        lexical_core::parse(raw).map_err(|_| damaged("a row has no number"))?
                    }
                    None => row + 1,
                };
                column = 0;
                let tag = Owned::new(&tag);
                let (from, to) = (xml.piece(), xml.position());
                found.new_rows(&mut cells, row, from);
                if tag.empty {
                    tag.open_up(&mut found, &mut cells, from, to, Some(row));
                }
            }
            Token::Open(tag) if within && tag.name == b"c" => {
                if let Some(raw) = tag.raw(b"r") {
                    column = column_of(raw)?;
                }
                let place = (row, column);
                if cells.front().is_some_and(|first| *first <= place) {
                    let tag = Owned::new(&tag);
                    let (from, to) = (xml.piece(), xml.position());
                    while let Some(cell) = cells.pop_front_if(|cell| *cell < place) {
                        found.new_cell(cell, from, "", "");
                    }
                    if cells.pop_front_if(|cell| *cell == place).is_some() {
                        found.marks.push((place, tag.style, tag.mark(from, to)));
                    }
                }
                column += 1;
            }
            Token::Close(b"row") if within => {
                let at = xml.piece();
                while let Some(cell) = cells.pop_front_if(|cell| cell.0 <= row) {
                    found.new_cell(cell, at, "", "");
                }
            }
            Token::Close(b"sheetData") => {
                let at = xml.piece();
                found.new_rows(&mut cells, u32::MAX, at);
                break;
            }
            Token::End => return Err(damaged("a sheet ends before its cells do")),
            _ => {}
        }
    }
    found.find_drawing(&mut xml)?;
    Ok(found)
}

/// A tag that outlives the reading on.
struct Owned {
    name: String,
    attributes: String,
    style: usize,
    empty: bool,
}

impl Owned {
    fn new(tag: &Tag<'_>) -> Self {
        let mut attributes = String::new();
        let mut style = 0;
        let written = String::from_utf8_lossy(tag.written()).into_owned();
        for (name, value) in tag.attributes() {
            if name == b"s" && tag.name == b"c" {
                style = lexical_core::parse(value).unwrap_or(0);
            }
        }
        if tag.name == b"c" {
            // The style is given anew; the others stay.
            for (name, value) in tag.attributes().filter(|(name, _)| *name != b"s") {
                let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
                let quote = if value.contains('"') { '\'' } else { '"' };
                attributes.push_str(&format!(" {name}={quote}{value}{quote}"));
            }
        } else {
            attributes = written;
        }
        let name = String::from_utf8_lossy(tag.full_name).into_owned();
        Self { name, attributes, style, empty: tag.empty }
    }

    fn mark(self, from: u64, to: u64) -> Mark {
        let end = if self.empty { "/>" } else { ">" };
        Mark::Tag { from, to, name: self.name, attributes: self.attributes, end }
    }

    /// Opens an element that was written as empty, puts the cells into it that belong there, and closes it.
    fn open_up(
        self,
        found: &mut Found,
        cells: &mut VecDeque<Place>,
        from: u64,
        to: u64,
        row: Option<u32>,
    ) {
        let belongs = |cell: &Place| row.is_none_or(|row| cell.0 == row);
        if !cells.front().is_some_and(belongs) {
            return;
        }
        found.marks.push((
            (0, 0),
            usize::MAX,
            Mark::Tag { from, to, name: self.name.clone(), attributes: self.attributes, end: ">" },
        ));
        match row {
            Some(_) => {
                while let Some(cell) = cells.pop_front_if(|cell| belongs(cell)) {
                    found.new_cell(cell, to, "", "");
                }
            }
            None => found.new_rows(cells, u32::MAX, to),
        }
        let close = format!("</{}>", self.name);
        found.marks.push((
            (0, 0),
            usize::MAX,
            Mark::New { at: to, before: close, after: String::new() },
        ));
    }
}

impl Found {
    fn new_cell(&mut self, cell: Place, at: u64, before: &str, after: &str) {
        let mark = Mark::New { at, before: before.to_owned(), after: after.to_owned() };
        self.marks.push((cell, 0, mark));
    }

    /// Inserts rows for the cells above `row`.
    fn new_rows(&mut self, cells: &mut VecDeque<Place>, row: u32, at: u64) {
        while let Some(cell) = cells.pop_front_if(|cell| cell.0 < row) {
            let prefix = self.prefix.clone();
            let before = format!("<{prefix}row r=\"{}\">", cell.0);
            let after = format!("</{prefix}row>");
            let is_last = cells.front().is_none_or(|next| next.0 != cell.0);
            let is_first = !matches!(
                self.marks.last(),
                Some(((last, _), _, Mark::New { after, at: place, .. }))
                    if *last == cell.0 && after.is_empty() && *place == at
            );
            let before = if is_first { before } else { String::new() };
            let after = if is_last { after } else { String::new() };
            self.new_cell(cell, at, &before, &after);
        }
    }

    fn find_drawing<R: std::io::Read>(
        &mut self,
        xml: &mut super::super::xml::Xml<R>,
    ) -> Result<(), IntakeError> {
        loop {
            match xml.next()? {
                Token::Open(tag) => {
                    let (behind, empty) = (BEHIND_DRAWING.contains(&tag.name), tag.empty);
                    self.drawing_at = xml.piece();
                    if behind {
                        return Ok(());
                    }
                    if !empty {
                        xml.skip()?;
                    }
                }
                Token::Close(_) => {
                    self.drawing_at = xml.piece();
                    return Ok(());
                }
                Token::End => return Err(damaged("a sheet is cut")),
                _ => {}
            }
        }
    }

    /// The styles that the marked cells have by now.
    pub(super) fn styles(&self) -> Vec<usize> {
        self.marks.iter().map(|(_, style, _)| *style).filter(|style| *style != usize::MAX).collect()
    }

    /// The edits; `styles` tells the style that marks a cell for each style that it may have, and
    /// `drawing` is the id of the link to a new drawing of comments.
    pub(super) fn edits(
        self,
        styles: &BTreeMap<usize, usize>,
        drawing: Option<&str>,
    ) -> Result<Edits, IntakeError> {
        let mut edits = Edits::default();
        let prefix = &self.prefix;
        for ((row, column), style, mark) in self.marks {
            let marked = styles.get(&style).copied().unwrap_or(0);
            match mark {
                Mark::Tag { from, to, name, attributes, end } => {
                    let style = if style == usize::MAX {
                        String::new()
                    } else {
                        format!(" s=\"{marked}\"")
                    };
                    edits.replace(from, to, format!("<{name}{attributes}{style}{end}"));
                }
                Mark::New { at, before, .. } if style == usize::MAX => edits.insert(at, before),
                Mark::New { at, before, after } => {
                    let cell = cell_name(u64::from(row), column);
                    edits.insert(
                        at,
                        format!("{before}<{prefix}c r=\"{cell}\" s=\"{marked}\"/>{after}"),
                    );
                }
            }
        }
        if let Some(id) = drawing {
            edits.insert(
                self.drawing_at,
                format!("<{prefix}legacyDrawing xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" r:id=\"{id}\"/>"),
            );
        }
        Ok(edits)
    }
}

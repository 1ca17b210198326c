//! JSON as a table: an array of objects, alone or within an object that holds one such array; an object
//! of objects, each of which is then a row with its key; or objects one after another, as in NDJSON.
//!
//! Objects within a row are taken apart, their keys joined with a point; arrays stay JSON text. Numbers
//! stay as they are written. The file is read twice, so that a key that only later rows have is a column
//! too.

pub(crate) mod columns;
mod find;
mod kind;
pub(crate) mod lexer;
#[cfg(test)]
pub(crate) mod tests;

use std::io::Read;

use columns::Columns;
use find::{Found, Place};
use hub_model::{LayoutReport, Text};
pub(crate) use kind::kind;
use lexer::{Event, Lexer};

use super::{Block, Decode, SourceColumn, TextBlock, Understood};
use crate::{
    Format, IntakeError, IntakeOptions, Recognised, encoding::TextEncoding, show::show_text,
};

/// The most bytes of a row's text.
pub(crate) const MAX_ROW_BYTES: usize = 16 << 20;

pub(crate) type Text8 = Box<dyn Read + Send>;

pub(crate) struct Json {
    lexer: Lexer<Text8>,
    place: Place,
    columns: Columns,
    sources: Vec<SourceColumn>,
    encoding: TextEncoding,
    notes: Vec<Text>,
    begun: bool,
    ended: bool,
    number: u64,
    by_line: bool,
    batch_rows: usize,
    batch_bytes: usize,
}

/// Looks through the whole file for its rows and their columns, and begins to read them.
pub(crate) fn open(recognised: &Recognised, options: &IntakeOptions) -> Result<Json, IntakeError> {
    let Found { place, mut columns } = find::find(recognised, options)?;
    columns.finish()?;
    let sources = columns.names().map(|name| SourceColumn::text(name, None)).collect::<Vec<_>>();
    let mut notes = Vec::new();
    if let Place::Array(path) = &place
        && !path.is_empty()
    {
        let path = show_text(&path.join("."));
        notes.push(Text::new(
            format!("「{path}」の配列を表として読みました"),
            format!("the array {path:?} was read as the table"),
        ));
    }
    if let Place::Members(key) = &place {
        notes.push(Text::new(
            format!("オブジェクトのキーを列「{key}」とし、値を1行ずつ読みました"),
            format!("the object's keys became the column {key:?}, and each value a row"),
        ));
    }
    Ok(Json {
        lexer: Lexer::new(recognised.text()?),
        place,
        batch_rows: options.rows_for(sources.len()),
        batch_bytes: options.batch_bytes,
        columns,
        sources,
        encoding: recognised.encoding(),
        notes,
        begun: false,
        ended: false,
        number: 0,
        by_line: recognised.format() == Format::NdJson,
    })
}

impl Json {
    /// The next row's object, opened; its key where it has one.
    fn next_object(&mut self) -> Result<Option<Option<String>>, IntakeError> {
        if !self.begun {
            self.begun = true;
            if let Place::Array(path) = &self.place {
                find::enter(&mut self.lexer, path)?;
            } else if let Place::Members(_) = &self.place {
                self.lexer.next()?;
            }
        }
        let mut event = self.lexer.next()?;
        let mut key = None;
        match (&self.place, event) {
            (Place::Lines, Event::End) | (Place::Array(_), Event::ArrayEnd) => return Ok(None),
            (Place::Members(_), Event::ObjectEnd) => return Ok(None),
            (Place::Members(_), _) => {
                key = Some(self.lexer.text()?.to_owned());
                event = self.lexer.next()?;
            }
            _ => {}
        }
        if event != Event::ObjectStart {
            return Err(columns::not_an_object(&self.lexer));
        }
        Ok(Some(key))
    }
}

impl Decode for Json {
    fn columns(&self) -> &[SourceColumn] {
        &self.sources
    }

    fn understood(&self) -> Understood {
        let layout = LayoutReport { notes: self.notes.clone(), ..LayoutReport::default() };
        Understood { encoding: Some(self.encoding.name().to_owned()), layout: Some(layout) }
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let mut block = TextBlock { width: self.sources.len(), ..TextBlock::default() };
        while !self.ended && block.rows() < self.batch_rows && block.bytes.len() < self.batch_bytes
        {
            let Some(key) = self.next_object()? else {
                self.ended = true;
                break;
            };
            self.number += 1;
            let line = self.lexer.line();
            if let (Place::Members(name), Some(key)) = (&self.place, key) {
                self.columns.begin_with(name, &key);
            } else {
                self.columns.begin();
            }
            self.columns.read_object(&mut self.lexer)?;
            self.columns.write_row(&mut block);
            block.lines.push(if self.by_line { line } else { self.number });
        }
        Ok((block.rows() > 0).then_some(Block::Text(block)))
    }
}

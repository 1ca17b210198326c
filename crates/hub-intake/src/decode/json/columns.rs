//! The columns of objects, and one object's values: keys of objects within objects are joined with a
//! point, and arrays are JSON text.

use std::{collections::HashMap, io::Read};

use hub_model::MAX_FIELDS;

use super::{
    super::TextBlock,
    MAX_ROW_BYTES,
    lexer::{Event, Lexer},
};
use crate::{IntakeError, show::show_text};

/// How many columns are looked at before the file is refused: keys that never hold a value are no columns
/// in the end.
const MAX_LOOKED_AT: usize = 4 * MAX_FIELDS;

#[derive(Debug)]
struct Column {
    name: String,
    /// Whether any row has a value that is not null.
    valued: bool,
    /// Whether it is left out, as its values are objects that have columns of their own.
    dropped: bool,
    /// The row in which it was met last, and where its value lies.
    row: u64,
    value: (usize, usize),
}

/// The columns met so far, and the values of the row that is being read.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    columns: Vec<Column>,
    by_name: HashMap<String, usize>,
    bytes: Vec<u8>,
    row: u64,
    path: String,
}

impl Columns {
    /// Begins a row.
    pub(crate) fn begin(&mut self) {
        self.row += 1;
        self.bytes.clear();
        self.path.clear();
    }

    /// Begins a row that has a value already.
    pub(crate) fn begin_with(&mut self, name: &str, value: &str) {
        self.begin();
        let index = self.index(name);
        self.bytes.extend_from_slice(value.as_bytes());
        let column = &mut self.columns[index];
        (column.row, column.valued, column.value) = (self.row, true, (0, value.len()));
    }

    /// Gives the row that is being read one more value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let index = self.index(name);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(value.as_bytes());
        let column = &mut self.columns[index];
        (column.row, column.valued) = (self.row, true);
        column.value = (start, self.bytes.len());
    }

    fn index(&mut self, name: &str) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = self.columns.len();
        self.columns.push(Column {
            name: name.to_owned(),
            valued: false,
            dropped: false,
            row: 0,
            value: (0, 0),
        });
        self.by_name.insert(name.to_owned(), index);
        index
    }

    /// Reads the object that was just opened, to its end.
    pub(crate) fn read_object<R: Read>(&mut self, lexer: &mut Lexer<R>) -> Result<(), IntakeError> {
        loop {
            match lexer.next()? {
                Event::ObjectEnd => return Ok(()),
                Event::Key => {
                    let had = self.path.len();
                    if had > 0 {
                        self.path.push('.');
                    }
                    self.path.push_str(lexer.text()?);
                    match lexer.next()? {
                        Event::ObjectStart => self.read_object(lexer)?,
                        event => self.read_value(lexer, event)?,
                    }
                    self.path.truncate(had);
                }
                _ => return Err(not_an_object(lexer)),
            }
        }
    }

    fn read_value<R: Read>(
        &mut self,
        lexer: &mut Lexer<R>,
        event: Event,
    ) -> Result<(), IntakeError> {
        let index = match self.by_name.get(&self.path) {
            Some(index) => *index,
            None if self.columns.len() >= MAX_LOOKED_AT => return Err(too_wide()),
            None => {
                let path = std::mem::take(&mut self.path);
                let index = self.index(&path);
                self.path = path;
                index
            }
        };
        if self.columns[index].row == self.row {
            let path = show_text(&self.path);
            return Err(lexer.refusal(
                &format!(
                    "1つのオブジェクトにキー「{path}」が2回あります。どちらかを削ってください"
                ),
                &format!("an object has the key {path:?} twice; take one of them out"),
            ));
        }
        let start = self.bytes.len();
        match event {
            Event::Null => {}
            Event::Text | Event::Number => self.bytes.extend_from_slice(lexer.text()?.as_bytes()),
            event => lexer.copy(event, &mut self.bytes, MAX_ROW_BYTES)?,
        }
        if self.bytes.len() > MAX_ROW_BYTES {
            let line = lexer.line();
            let limit = crate::decode::show_size(MAX_ROW_BYTES as u64);
            return Err(IntakeError::too_large(
                format!(
                    "{line}行目のオブジェクトが{limit}を超えています。分けるか、値を短くしてください"
                ),
                format!(
                    "the object in line {line} is longer than {limit}; split it or shorten its values"
                ),
            ));
        }
        let column = &mut self.columns[index];
        column.row = self.row;
        column.valued |= event != Event::Null;
        column.value = (start, self.bytes.len());
        Ok(())
    }

    /// Settles which columns there are, once every row was read.
    pub(crate) fn finish(&mut self) -> Result<(), IntakeError> {
        let mut within: Vec<String> = Vec::new();
        for column in &self.columns {
            let mut name = column.name.as_str();
            while let Some((outer, _)) = name.rsplit_once('.') {
                within.push(outer.to_owned());
                name = outer;
            }
        }
        within.sort_unstable();
        for column in &mut self.columns {
            column.dropped = !column.valued && within.binary_search(&column.name).is_ok();
            column.row = 0;
        }
        self.row = 0;
        match self.names().count() {
            0 => Err(IntakeError::unreadable(
                "オブジェクトに値がありません。列にする値を書いてください",
                "the objects hold no values; write the values that are to be columns",
            )),
            count if count > MAX_FIELDS => Err(too_wide()),
            _ => Ok(()),
        }
    }

    /// The columns' names, in the order in which they were met.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| !column.dropped).map(|column| column.name.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// How many rows were begun.
    pub(crate) fn rows(&self) -> u64 {
        self.row
    }

    /// Adds the row's cells to a block.
    pub(crate) fn write_row(&self, block: &mut TextBlock) {
        for column in self.columns.iter().filter(|column| !column.dropped) {
            let start = block.bytes.len() as u32;
            if column.row == self.row {
                block.bytes.extend_from_slice(&self.bytes[column.value.0..column.value.1]);
            }
            block.spans.push((start, block.bytes.len() as u32));
        }
    }
}

/// The error of a row that is no object.
pub(crate) fn not_an_object<R: Read>(lexer: &Lexer<R>) -> IntakeError {
    lexer.refusal(
        "行となるオブジェクト（{…}）ではない値があります。列名と値を持つオブジェクトの並びにしてください",
        "there is a value that is no object and so no row; write a list of objects with the columns' names and values",
    )
}

pub(crate) fn too_wide() -> IntakeError {
    IntakeError::unreadable(
        format!(
            "キーが{MAX_FIELDS}種類を超えています。キーに観測所や日時を使っている場合は、それを値として持つオブジェクトの並びにしてください"
        ),
        format!(
            "there are more than {MAX_FIELDS} different keys; where keys are stations or times, write a list of objects that have them as values"
        ),
    )
}

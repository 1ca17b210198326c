//! Reads a JSON answer while it comes, keeping the rows that a table shows and counting the others.

use std::{
    fmt,
    io::{self, Read},
};

use bytes::{Buf, Bytes};
use hub_model::Source;
use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

/// How much of an answer is kept and read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Rows that are kept.
    pub(crate) kept: usize,
    /// Rows after which reading stops, so that a large answer is not fetched to be counted.
    pub(crate) counted: u64,
}

/// One column of an answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AnswerColumn {
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
}

/// What was read of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) columns: Vec<AnswerColumn>,
    pub(crate) sources: Vec<Source>,
    pub(crate) rows: Vec<Map<String, Value>>,
    /// Rows that were read.
    pub(crate) row_count: u64,
    /// Whether there may be more rows than were read.
    pub(crate) stopped: bool,
    pub(crate) next_cursor: Option<String>,
}

/// Reads an answer from its bytes.
pub(crate) fn read(bytes: impl Read, bounds: Bounds) -> Result<Answer, serde_json::Error> {
    let mut answer = Answer::default();
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(bytes));
    let result =
        AnswerSeed { answer: &mut answer, bounds }.deserialize(&mut json).and_then(|()| json.end());
    match result {
        Err(_) if answer.stopped => Ok(answer),
        other => other.map(|()| answer),
    }
}

struct AnswerSeed<'a> {
    answer: &'a mut Answer,
    bounds: Bounds,
}

impl<'de> DeserializeSeed<'de> for AnswerSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for AnswerSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer with columns and rows")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "columns" => self.answer.columns = map.next_value()?,
                "sources" => self.answer.sources = map.next_value()?,
                "next_cursor" => self.answer.next_cursor = map.next_value()?,
                "rows" => {
                    map.next_value_seed(RowsSeed { answer: self.answer, bounds: self.bounds })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct RowsSeed<'a> {
    answer: &'a mut Answer,
    bounds: Bounds,
}

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        loop {
            if self.answer.rows.len() < self.bounds.kept {
                match rows.next_element()? {
                    Some(row) => self.answer.rows.push(row),
                    None => return Ok(()),
                }
            } else if rows.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
            self.answer.row_count += 1;
            if self.answer.row_count >= self.bounds.counted {
                self.answer.stopped = true;
                return Err(de::Error::custom("enough was read"));
            }
        }
    }
}

/// Bytes that come in pieces from an asynchronous sender, read by a thread that may wait.
#[derive(Debug)]
pub(crate) struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Pieces {
    pub(crate) fn new(receiver: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { receiver, piece: Bytes::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let read = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"columns":[{"name":"n","type":"integer","unit":"mm"}],"sources":[],
        "query_id":"q","rows":[{"n":1},{"n":2},{"n":3}],"row_count":3,"next_cursor":"c"}"#;

    #[test]
    fn only_the_rows_that_are_shown_are_kept() {
        let answer = read(ANSWER.as_bytes(), Bounds { kept: 2, counted: 100 }).unwrap();
        assert_eq!((answer.rows.len(), answer.row_count, answer.stopped), (2, 3, false));
        assert_eq!(answer.columns[0].unit.as_deref(), Some("mm"));
        assert_eq!(answer.next_cursor.as_deref(), Some("c"));
    }

    #[test]
    fn reading_stops_where_counting_would_fetch_too_much() {
        let start = &ANSWER.as_bytes()[..ANSWER.find("{\"n\":3").unwrap()];
        let endless = Read::chain(start, io::repeat(b'x'));
        let answer = read(endless, Bounds { kept: 1, counted: 2 }).unwrap();
        assert_eq!((answer.rows.len(), answer.row_count, answer.stopped), (1, 2, true));
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        for end in [10, ANSWER.len() / 2, ANSWER.len() - 1] {
            assert!(read(&ANSWER.as_bytes()[..end], Bounds { kept: 9, counted: 9 }).is_err());
        }
    }
}

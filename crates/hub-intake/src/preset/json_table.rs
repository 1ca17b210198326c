//! Publishers' JSON whose outermost object has an entry a station or a time. Entries are read one by one;
//! the rows made of them are held, so the text's size is bounded.

use std::{collections::VecDeque, fmt, io::Read, mem};

use hub_model::{Contract, LayoutReport, PresetName};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::Context;
use crate::{
    IntakeError,
    decode::{Block, Decode, SourceColumn, TextBlock, Understood, show_size},
};

/// The longest text that is read: some forty times a map of all of the country's stations.
const MAX_BYTES: u64 = 16 << 20;

/// The keys of the outermost object's first entry and of that entry's own first, and the text of its value.
pub(super) fn first_keys(text: &str) -> Option<(&str, &str, &str)> {
    fn key(text: &str) -> Option<(&str, &str)> {
        let text = text.trim_start().strip_prefix('{')?.trim_start().strip_prefix('"')?;
        let (key, rest) = text.split_once('"')?;
        Some((key, rest.trim_start().strip_prefix(':')?.trim_start()))
    }
    let (outer, rest) = key(text.trim_start_matches('\u{FEFF}'))?;
    let (inner, rest) = key(rest)?;
    Some((outer, inner, rest))
}

/// Whether a text is so many digits.
pub(super) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// Why an entry is no row.
#[derive(Debug)]
pub(super) enum Rejected {
    /// It is not an object.
    Shape,
    /// Something of the whole file is not known; in Japanese and English.
    Unreadable(String, String),
}

/// Rows as they are made. Each counts from 1, since JSON has no rows that a person could count.
pub(super) struct JsonRows {
    blocks: VecDeque<TextBlock>,
    open: TextBlock,
    rows: u64,
    most: usize,
}

impl JsonRows {
    /// Adds a row; there must be a cell for each column.
    pub(super) fn push(&mut self, cells: &[&str]) {
        debug_assert_eq!(cells.len(), self.open.width, "a cell for each column");
        for cell in cells {
            let start = self.open.bytes.len() as u32;
            self.open.bytes.extend_from_slice(cell.as_bytes());
            self.open.spans.push((start, self.open.bytes.len() as u32));
        }
        self.rows += 1;
        self.open.lines.push(self.rows);
        if self.open.rows() >= self.most {
            self.close();
        }
    }

    fn close(&mut self) {
        let next = TextBlock { width: self.open.width, ..TextBlock::default() };
        self.blocks.push_back(mem::replace(&mut self.open, next));
    }
}

/// Reads the whole text; `entry` makes rows of each entry.
pub(super) fn open_table(
    context: &Context<'_>,
    text: Box<dyn Read + Send>,
    preset: PresetName,
    contract: Contract,
    entry: impl FnMut(&str, &Value, &mut JsonRows) -> Result<(), Rejected>,
) -> Result<Box<dyn Decode>, IntakeError> {
    let mut bytes = Vec::new();
    text.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let most = show_size(MAX_BYTES);
        return Err(IntakeError::too_large(
            format!("このJSONは{most}を超えています。時刻ごとか地点ごとに分けて送ってください"),
            format!("this JSON is longer than {most}; send it by the instant or by the station"),
        ));
    }
    let width = contract.fields.len();
    let open = TextBlock { width, ..TextBlock::default() };
    let most = context.options.rows_for(width);
    let mut rows = JsonRows { blocks: VecDeque::new(), open, rows: 0, most };
    let mut rejected = None;
    let mut reader =
        serde_json::Deserializer::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes));
    let seed = Entries { rows: &mut rows, entry, rejected: &mut rejected };
    let read = seed.deserialize(&mut reader).and_then(|()| reader.end());
    match (read, rejected) {
        (_, Some(Rejected::Unreadable(ja, en))) => return Err(IntakeError::unreadable(ja, en)),
        (Err(error), _) => return Err(broken(&error)),
        (Ok(()), _) => rows.close(),
    }
    let columns = contract.fields.iter().map(|f| SourceColumn::text(&f.name, None)).collect();
    let layout = LayoutReport { preset: Some(preset), ..LayoutReport::default() };
    let understood = Understood { encoding: Some("UTF-8".to_owned()), layout: Some(layout) };
    Ok(Box::new(JsonTable { contract, columns, understood, blocks: rows.blocks }))
}

fn broken(error: &serde_json::Error) -> IntakeError {
    let (line, column) = (error.line(), error.column());
    IntakeError::unreadable(
        format!(
            "{line}行{column}文字目でJSONとして読めません。書き出しが終わっているかを確かめて、もう一度送ってください"
        ),
        format!(
            "line {line}, column {column} can't be read as the JSON that it should be; check that the file was written to its end and send it again"
        ),
    )
}

struct Entries<'a, F> {
    rows: &'a mut JsonRows,
    entry: F,
    rejected: &'a mut Option<Rejected>,
}

impl<'de, F> DeserializeSeed<'de> for Entries<'_, F>
where
    F: FnMut(&str, &Value, &mut JsonRows) -> Result<(), Rejected>,
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F> Visitor<'de> for Entries<'_, F>
where
    F: FnMut(&str, &Value, &mut JsonRows) -> Result<(), Rejected>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an entry for each station or time")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let value: Value = map.next_value()?;
            if let Err(rejected) = (self.entry)(&key, &value, self.rows) {
                *self.rejected = Some(rejected);
                return Err(A::Error::custom("an entry is not what it should be"));
            }
        }
        Ok(())
    }
}

/// The rows of a publisher's JSON.
struct JsonTable {
    contract: Contract,
    columns: Vec<SourceColumn>,
    understood: Understood,
    blocks: VecDeque<TextBlock>,
}

impl Decode for JsonTable {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn understood(&self) -> Understood {
        self.understood.clone()
    }

    fn contract(&self) -> Option<&Contract> {
        Some(&self.contract)
    }

    fn select(&mut self, _wanted: &[usize]) -> Result<(), IntakeError> {
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        Ok(self.blocks.pop_front().filter(|block| block.rows() > 0).map(Block::Text))
    }
}

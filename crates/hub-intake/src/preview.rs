//! A first look at a file: what it was taken for, what else it could be, and its first rows, for a person
//! to confirm or to correct before anything is checked or published.

use arrow::array::Array;
use hub_model::{LayoutReport, PresetName};
use serde::{Deserialize, Serialize};

use crate::{
    IntakeError, IntakeOptions, Recognised,
    conform::show_value,
    decode::{self, Block, guarded},
    encoding::tell,
    propose::readable,
    rows::cell_name,
    show::show_bytes,
};

/// How many rows are shown.
const ROWS: usize = 20;

/// What a file was taken for, and its first rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The format.
    pub format: String,
    /// The text encoding it is read in, for text formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The encodings that it could be in by its bytes, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encodings: Vec<EncodingGuess>,
    /// What separates the cells of a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// What the file came packed in: `gzip` or `zip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The files in it that are read, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The publisher's layout, where it is a known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetName>,
    /// How the table lies in the file, where that is more than a header and rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutReport>,
    /// The columns of the table.
    pub columns: Vec<PreviewColumn>,
    /// The first rows.
    pub rows: Vec<PreviewRow>,
    /// Whether these are all rows.
    pub is_complete: bool,
}

/// An encoding that a file could be in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodingGuess {
    /// Its name, as a hint takes it too.
    pub name: String,
    /// Places that mean nothing in it, in what was looked at.
    pub undecodable: u64,
}

/// A column as it was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewColumn {
    /// Its name.
    pub name: String,
    /// Its letters in a spreadsheet, such as `C`, where the file has cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<String>,
}

/// One of the first rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// The file within an archive of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The row as a person counts it in the file.
    pub row: u64,
    /// A text for each column, cut to a readable length. What could not be decoded is U+FFFD.
    pub cells: Vec<String>,
}

/// Takes a first look at a file. Only its first rows are read, and all of it only where that is needed to
/// tell the encoding.
pub fn preview(recognised: &Recognised, options: &IntakeOptions) -> Result<Preview, IntakeError> {
    let is_text = recognised.format().is_text();
    let mut encodings = Vec::new();
    if is_text {
        for guess in tell(&mut recognised.file()?)? {
            let (name, undecodable) = (guess.encoding.name().to_owned(), guess.undecodable);
            encodings.push(EncodingGuess { name, undecodable });
        }
    }
    let mut decoder = decode::open(recognised, options)?;
    let understood = decoder.understood();
    let columns = decoder.columns().to_vec();
    let shown = readable(&columns);
    guarded(|| decoder.select(&shown))?;
    let mut rows = Vec::new();
    let mut is_complete = true;
    while let Some(block) = guarded(|| decoder.next_block())? {
        options.check_stop()?;
        take(&block, columns.len(), &shown, &mut rows);
        if rows.len() > ROWS {
            rows.truncate(ROWS);
            is_complete = false;
            break;
        }
    }
    let separated = is_text && recognised.format().has_rows();
    let all = std::iter::once(recognised).chain(recognised.others());
    Ok(Preview {
        format: recognised.format().to_string(),
        encoding: understood.encoding,
        encodings,
        delimiter: separated.then(|| recognised.dialect().name()),
        container: recognised.container().map(|container| container.kind.to_owned()),
        files: all.filter_map(|one| one.place().map(|place| place.to_string())).collect(),
        preset: recognised.known_layout().map(|preset| preset.name()),
        layout: understood.layout,
        columns: columns
            .iter()
            .map(|column| PreviewColumn {
                name: column.name.clone(),
                letters: column.position.map(|place| {
                    cell_name(1, place).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
                }),
            })
            .collect(),
        rows,
        is_complete,
    })
}

/// Adds a block's rows until there is one more than is shown.
fn take(block: &Block, width: usize, shown: &[usize], rows: &mut Vec<PreviewRow>) {
    match block {
        Block::Text(block) => {
            for row in 0..block.rows() {
                if rows.len() > ROWS {
                    return;
                }
                rows.push(PreviewRow {
                    file: block.file.as_deref().map(str::to_owned),
                    row: block.lines[row],
                    cells: (0..width).map(|column| show_bytes(block.cell(row, column))).collect(),
                });
            }
        }
        Block::Typed { batch, first_row } => {
            for row in 0..batch.num_rows() {
                if rows.len() > ROWS {
                    return;
                }
                let mut cells = vec![String::new(); width];
                for (array, column) in batch.columns().iter().zip(shown) {
                    if array.is_valid(row) {
                        cells[*column] = show_value(array, row);
                    }
                }
                rows.push(PreviewRow { file: None, row: first_row + row as u64, cells });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FormatHint, conform::tests::file_of, recognise};

    #[test]
    fn a_preview_says_what_was_decided_and_shows_the_first_rows() {
        let mut text = String::from("題名\n\n観測所\t水位\n");
        (0..50).for_each(|row| text.push_str(&format!("余市川\t{row}\n")));
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
        let recognised = recognise(file_of(&bytes), &FormatHint::default()).unwrap();
        let mut shown = preview(&recognised, &IntakeOptions::default()).unwrap();
        assert_eq!((shown.rows.len(), shown.is_complete), (20, false));
        shown.rows.truncate(2);
        insta::assert_json_snapshot!(shown);
        let recognised = recognise(file_of(b"a,b\n1,2\n"), &FormatHint::default()).unwrap();
        let shown = preview(&recognised, &IntakeOptions::default()).unwrap();
        assert_eq!((shown.rows.len(), shown.is_complete), (1, true));
        assert_eq!(shown.rows[0].cells, ["1", "2"]);
    }
}

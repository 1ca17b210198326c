//! Whether the cells of a text file are enclosed in `'`. That is shown by its rows: an apostrophe stands
//! within words (it's, O'Brien), behind feet (6'11") and before what a spreadsheet is to take for text
//! (`'0123`), and must not swallow what follows it.

use super::{CUT, LOOKED_AT, Regularity};

/// How many lines a cell may go on for where the part that is looked at ends within it.
const OPEN_LINES: usize = 20;

/// What stands for no value in a column of texts.
const NOTHINGS: [&str; 7] = ["NULL", "null", "\\N", "NA", "N/A", "-", "None"];

/// What a cell is, where `'` encloses cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Nothing, or what has no letters: writers that enclose texts alone leave it bare.
    Bare,
    Text,
    Enclosed {
        holds_delimiter: bool,
        holds_line_end: bool,
    },
}

/// How evenly the delimiter cuts rows whose cells are enclosed in `'`; none where they are not. `otherwise`
/// is how many cells the same rows have where they are enclosed in `"`.
pub(super) fn single(
    head: &str,
    whole: bool,
    delimiter: u8,
    otherwise: &[usize],
) -> Option<Regularity> {
    if !head.contains('\'') {
        return None;
    }
    let rows = rows(head, whole, delimiter)?;
    let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
    let Regularity { share, cells: width } = Regularity::of_counts(&counts, 1);
    let share_otherwise = Regularity::of_counts(otherwise, 1).share;
    let body = rows.iter().filter(|row| row.len() == width).skip(1);
    let body: Vec<&Vec<Cell>> = body.collect();
    let is_better = share > share_otherwise && share >= 0.9 && rows.iter().flatten().any(is_needed);
    let is_regular = share >= share_otherwise && encloses_texts(&body, width);
    (is_better || is_regular).then(|| Regularity::of_counts(&counts, CUT))
}

/// Whether the cell would be two without its quotes.
fn is_needed(cell: &Cell) -> bool {
    matches!(cell, Cell::Enclosed { holds_delimiter: true, .. })
}

/// Whether at least half of the rows have an enclosed cell, and columns with such cells have hardly any text
/// that is not enclosed.
fn encloses_texts(body: &[&Vec<Cell>], width: usize) -> bool {
    let in_one_line = |cell: &Cell| matches!(cell, Cell::Enclosed { holds_line_end: false, .. });
    let rows = body.iter().filter(|row| row.iter().any(in_one_line)).count();
    if rows == 0 || rows * 2 < body.len() {
        return false;
    }
    (0..width).all(|column| {
        let cells = body.iter().map(|row| row[column]);
        let enclosed = cells.clone().filter(|cell| matches!(cell, Cell::Enclosed { .. })).count();
        let texts = cells.filter(|cell| *cell == Cell::Text).count();
        enclosed == 0 || texts * 10 <= enclosed
    })
}

/// The rows with anything in them; none where a `'` opens a cell that it does not close, or `"` opens one.
fn rows(head: &str, whole: bool, delimiter: u8) -> Option<Vec<Vec<Cell>>> {
    let bytes = head.as_bytes();
    let (mut rows, mut row) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < bytes.len() && rows.len() < LOOKED_AT {
        let (cell, end) = match bytes[at] {
            b'"' => return None,
            b'\'' => match enclosed(bytes, at, delimiter) {
                Enclosure::Closed(cell, end) => (cell, end),
                Enclosure::Open { lines } if !whole && lines <= OPEN_LINES => return Some(rows),
                Enclosure::Open { .. } | Enclosure::Apostrophe => return None,
            },
            _ => {
                let is_end = |b: &u8| *b == delimiter || matches!(b, b'\n' | b'\r');
                let length = bytes[at..].iter().position(is_end);
                let end = length.map_or(bytes.len(), |length| at + length);
                (bare(&head[at..end]), end)
            }
        };
        row.push(cell);
        at = end + 1;
        if bytes.get(end) == Some(&delimiter) {
            // A delimiter at a line's end has an empty cell behind it.
            if matches!(bytes.get(at), None | Some(b'\n' | b'\r')) {
                row.push(Cell::Bare);
                at += 1;
            } else {
                continue;
            }
        }
        let row = std::mem::take(&mut row);
        if row.iter().any(|cell| *cell != Cell::Bare) || row.len() > 1 {
            rows.push(row);
        }
    }
    Some(rows)
}

enum Enclosure {
    /// A cell, and where the delimiter or line end behind it stands.
    Closed(Cell, usize),
    Open {
        lines: usize,
    },
    Apostrophe,
}

/// The cell that the `'` at this place opens.
fn enclosed(bytes: &[u8], open: usize, delimiter: u8) -> Enclosure {
    let (mut holds_delimiter, mut lines) = (false, 0);
    let mut at = open + 1;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 1,
            b'\'' => {
                let is_blank = |b: &&u8| matches!(b, b' ' | b'\t') && **b != delimiter;
                let blanks = bytes[at + 1..].iter().take_while(is_blank).count();
                let end = at + 1 + blanks;
                let is_end = |b: &u8| *b == delimiter || matches!(b, b'\n' | b'\r');
                if !bytes.get(end).is_none_or(is_end) {
                    return Enclosure::Apostrophe;
                }
                let holds_line_end = lines > 0;
                return Enclosure::Closed(Cell::Enclosed { holds_delimiter, holds_line_end }, end);
            }
            byte if byte == delimiter => holds_delimiter = true,
            b'\n' => lines += 1,
            _ => {}
        }
        at += 1;
    }
    Enclosure::Open { lines }
}

fn bare(cell: &str) -> Cell {
    let cell = cell.trim();
    let is_text = cell.chars().any(char::is_alphabetic) && !NOTHINGS.contains(&cell);
    if is_text { Cell::Text } else { Cell::Bare }
}

#[cfg(test)]
mod tests {
    use super::super::{Delimiter, Dialect};

    fn found(head: &str, whole: bool) -> (Delimiter, char) {
        let dialect = Dialect::find(head, whole, None, None);
        (dialect.delimiter, char::from(dialect.quote))
    }

    #[test]
    fn the_rows_show_that_cells_are_enclosed_in_single_quotes() {
        for (head, delimiter) in [
            ("'a','b'\n'1','2'\n", b','),
            ("name,note\n'a,b','c'\n'd','e'\n", b','),
            ("name,note\r\n'a,b','c'\r\n", b','),
            ("観測所,備考\n'余市,本町','x'\n'小樽','it''s'\n", b','),
            // Texts alone are enclosed.
            (
                "地点,日,水位\n'余市',2026-04-01,1.5\n'小樽',2026-04-02,\n'蘭越',2026-04-03,NULL\n",
                b',',
            ),
            // Only what needs it is.
            ("name,level\nyoichi,1\n'otaru, port',2\nkutchan,3\n", b','),
            ("name;place\n'a;b';'x'\n'c';'y, z'\n", b';'),
            ("name\tplace\n'a'\t'x'\n'c'\t'y'\n", b'\t'),
            ("'6\"','a'\n'7\"','b'\n", b','),
            ("題名\n\n名称,値\n'余市,a','1'\n'小樽','2'\n出典：X\n", b','),
            ("'only'\n'a,b'\n'c,d'\n", b','),
            ("name,note\n'a','two\nlines'\n'b','c'\n", b','),
        ] {
            assert_eq!(found(head, true), (Delimiter::Byte(delimiter), '\''), "{head:?}");
        }
        // The part that is looked at may end within a cell.
        assert_eq!(found("a,b\n'1','2'\n'3','x\n", false).1, '\'');
    }

    #[test]
    fn an_apostrophe_of_ordinary_text_encloses_nothing() {
        for head in [
            "name,note\nit's,O'Brien\nx,rock 'n' roll\n",
            "name,feet\na,6'11\"\nb,5'\nc,6'\n",
            "code,name\n'0123,a\n'0456,b\n",
            "code,name\n'0123,a\n0456,b\n",
            "code,name\n'0123,John'\n'0456,Mary\n",
            "code,name\n'0123,a'\n",
            "name,note\n'90s,'80s\n'70s,'60s\n",
            "name,note\n'tis,1\nJohn',2\n",
            "name,note\n\"a\",'b'\n\"c\",'d'\n",
            "name,remark\na,\nb,'closed'\nc,\nd,\ne,\n",
            "name,remark\na,'x'\nb,y\nc,'z'\n",
            "a,b\n'1','2'\nx,y\n",
            "name\nO'Brien\n'tis\n",
            "'",
            "',\n",
        ] {
            assert_eq!(found(head, true).1, '"', "{head:?}");
        }
        let later = format!("code,name\n'0123,a\n{}", "4,b\n".repeat(50));
        assert_eq!(found(&later, false).1, '"');
    }
}

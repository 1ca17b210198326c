//! What separates the cells of a text file, and what encloses them: found from its first part, in which
//! the right separator cuts most rows into the same number of cells.

use crate::{IntakeError, show::show_text};

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delimiter {
    /// One ASCII character.
    Byte(u8),
    /// Any number of spaces, as where columns are lined up with them.
    Spaces,
}

/// How a text file writes its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: Delimiter,
    /// What encloses a cell; doubled within one, it is itself.
    pub(crate) quote: u8,
}

/// What cells may be separated by, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How many rows are looked at.
const LOOKED_AT: usize = 200;

impl Dialect {
    pub(crate) const COMMAS: Self = Self { delimiter: Delimiter::Byte(b','), quote: b'"' };

    /// Finds it in a file's first part; `whole` says whether that is all of the file.
    pub(crate) fn find(head: &str, whole: bool, file_name: Option<&str>) -> Self {
        let head = match head.rfind('\n') {
            Some(end) if !whole => &head[..=end],
            _ => head,
        };
        let quote = if single_quoted(head) { b'\'' } else { b'"' };
        let tables =
            DELIMITERS.map(|delimiter| (delimiter, Regularity::of(head, delimiter, quote)));
        let is_tsv = file_name.is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.ends_with(".tsv") || name.ends_with(".tab")
        });
        if is_tsv && tables[1].1.share > 0.3 {
            return Self { delimiter: Delimiter::Byte(b'\t'), quote };
        }
        // The first of the best: commas win where others do as well.
        let best = tables.iter().rev().max_by(|a, b| a.1.rank().total_cmp(&b.1.rank()));
        let delimiter = match best {
            Some((delimiter, found)) if found.share >= 0.5 => Delimiter::Byte(*delimiter),
            _ if lined_up(head) => Delimiter::Spaces,
            _ => Delimiter::Byte(b','),
        };
        Self { delimiter, quote }
    }

    /// Reads the delimiter as people name it.
    pub(crate) fn parse(name: &str) -> Result<Delimiter, IntakeError> {
        let word = name.trim_matches(' ').to_ascii_lowercase();
        Ok(match word.as_str() {
            "," | "comma" | "commas" | "csv" => Delimiter::Byte(b','),
            "\t" | "\\t" | "tab" | "tabs" | "tsv" => Delimiter::Byte(b'\t'),
            ";" | "semicolon" | "semicolons" => Delimiter::Byte(b';'),
            "|" | "pipe" | "pipes" => Delimiter::Byte(b'|'),
            "" if name.contains(' ') => Delimiter::Spaces,
            "space" | "spaces" | "whitespace" => Delimiter::Spaces,
            word => match word.as_bytes() {
                [byte] if byte.is_ascii_punctuation() && *byte != b'"' => Delimiter::Byte(*byte),
                _ => return Err(unknown(name)),
            },
        })
    }

    /// What people call the delimiter.
    pub(crate) fn name(self) -> String {
        match self.delimiter {
            Delimiter::Byte(b',') => "comma".to_owned(),
            Delimiter::Byte(b'\t') => "tab".to_owned(),
            Delimiter::Byte(b';') => "semicolon".to_owned(),
            Delimiter::Byte(b'|') => "pipe".to_owned(),
            Delimiter::Byte(byte) => char::from(byte).to_string(),
            Delimiter::Spaces => "space".to_owned(),
        }
    }
}

fn unknown(name: &str) -> IntakeError {
    let name = show_text(name);
    IntakeError::unsupported(
        format!(
            "区切り「{name}」はわかりません。comma、tab、semicolon、pipe、space のどれかを指定するか、指定を外してください"
        ),
        format!(
            "the delimiter {name:?} is not known; give comma, tab, semicolon, pipe or space, or leave it out"
        ),
    )
}

/// How evenly a delimiter cuts rows.
#[derive(Debug, Clone, Copy, Default)]
struct Regularity {
    /// Of the rows with anything in them, the share of those with the most usual number of cells.
    share: f64,
    cells: usize,
}

impl Regularity {
    fn of(head: &str, delimiter: u8, quote: u8) -> Self {
        Self::of_counts(&cell_counts(head.as_bytes(), delimiter, quote))
    }

    fn of_counts(counts: &[usize]) -> Self {
        let mut best = Self::default();
        let mut sorted: Vec<usize> = counts.to_vec();
        sorted.sort_unstable();
        for same in sorted.chunk_by(|a, b| a == b) {
            let share = same.len() as f64 / counts.len() as f64;
            if same[0] > 1 && share >= best.share {
                best = Self { share, cells: same[0] };
            }
        }
        best
    }

    /// Evenness first, then the number of cells.
    fn rank(self) -> f64 {
        self.share + 1e-6 * (self.cells.min(1_000) as f64)
    }
}

/// The number of cells in each row that has anything in it.
fn cell_counts(head: &[u8], delimiter: u8, quote: u8) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut cells, mut length, mut in_quotes, mut at_start) = (1, 0usize, false, true);
    for byte in head {
        match *byte {
            byte if byte == quote && (in_quotes || at_start) => {
                in_quotes = !in_quotes;
                length += 1;
                at_start = false;
            }
            _ if in_quotes => {}
            byte if byte == delimiter => {
                cells += 1;
                length += 1;
                at_start = true;
            }
            b'\n' => {
                if length > 0 {
                    counts.push(cells);
                    if counts.len() == LOOKED_AT {
                        return counts;
                    }
                }
                (cells, length, at_start) = (1, 0, true);
            }
            b'\r' => {}
            _ => {
                length += 1;
                at_start = false;
            }
        }
    }
    if length > 0 {
        counts.push(cells);
    }
    counts
}

/// Whether the columns are lined up with spaces: the heading and nearly all rows have the same number of
/// words, and some column but the first is of numbers.
fn lined_up(head: &str) -> bool {
    let rows: Vec<Vec<&str>> = head
        .lines()
        .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .take(LOOKED_AT)
        .collect();
    let counts: Vec<usize> = rows.iter().map(Vec::len).collect();
    let found = Regularity::of_counts(&counts);
    if rows.len() < 4 || found.share < 0.9 || counts[0] != found.cells {
        return false;
    }
    (1..found.cells).any(|column| {
        let cells = rows[1..].iter().filter_map(|row| row.get(column));
        let numbers = cells.filter(|cell| cell.parse::<f64>().is_ok()).count();
        numbers * 10 >= (rows.len() - 1) * 8
    })
}

/// Whether cells are enclosed in `'`: no row has `"`, and most begin and end with the other.
fn single_quoted(head: &str) -> bool {
    if head.contains('"') {
        return false;
    }
    let rows: Vec<&str> =
        head.lines().map(str::trim).filter(|line| !line.is_empty()).take(LOOKED_AT).collect();
    let enclosed = |line: &&&str| line.len() > 1 && line.starts_with('\'') && line.ends_with('\'');
    rows.len() > 1 && rows.iter().filter(enclosed).count() * 10 > rows.len() * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(head: &str) -> String {
        Dialect::find(head, true, None).name()
    }

    #[test]
    fn the_delimiter_is_the_one_that_cuts_rows_evenly() {
        for (head, expected) in [
            ("a,b\n1,2\n", "comma"),
            ("a\tb\tc\n1,5\t2\t3\n4\t5\t6\n", "tab"),
            ("地点;水位;流量\n余市川;1,5;2,3\n尻別川;0,5;1,0\n", "semicolon"),
            ("a|b\n1|2\n", "pipe"),
            ("名称,分類\nx,a;b;c\ny,d;e;f\nz,g;h;i\n", "comma"),
            ("題名\n\n観測所,水位\n余市,1\n小樽,2\n出典：X\n", "comma"),
            ("\"a;b\",c\n\"x;\ny\",2\n", "comma"),
            ("name\nfoo bar\nbaz qux\n", "comma"),
            (
                "station  level  flow\nyoichi    1.5   2\notaru     0.5  10\nkutchan   2.5  11\n",
                "space",
            ),
            ("", "comma"),
            ("one\n", "comma"),
        ] {
            assert_eq!(found(head), expected, "{head:?}");
        }
    }

    #[test]
    fn names_are_read_and_others_refused_with_what_to_give() {
        for name in ["comma", "tab", "semicolon", "pipe", "space"] {
            let delimiter = Dialect::parse(name).unwrap();
            assert_eq!(Dialect { delimiter, quote: b'"' }.name(), name);
        }
        assert_eq!(Dialect::parse("\t").unwrap(), Delimiter::Byte(b'\t'));
        assert_eq!(Dialect::parse(" ").unwrap(), Delimiter::Spaces);
        for name in ["\"", "ab", "水", "\n", ""] {
            assert!(Dialect::parse(name).unwrap_err().to_string().contains("semicolon"), "{name}");
        }
    }

    #[test]
    fn cells_in_single_quotes_are_seen() {
        assert_eq!(Dialect::find("'a','b'\n'1','2'\n", true, None).quote, b'\'');
        assert_eq!(Dialect::find("a,b\n'1','2'\nx,y\n", true, None).quote, b'"');
    }
}

//! What separates the cells of a text file, and what encloses them: found from its first part, in which
//! the right separator cuts most rows into the same number of cells.

mod quotes;

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

/// A character that stands in no text: where nothing encloses cells, or no single one separates them.
pub(crate) const NO_CHARACTER: u8 = 0x1F;

/// What cells may be separated by, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How many rows are looked at.
const LOOKED_AT: usize = 200;

/// How many cells a row has at least that a delimiter cuts.
const CUT: usize = 2;

impl Dialect {
    pub(crate) const COMMAS: Self = Self { delimiter: Delimiter::Byte(b','), quote: b'"' };

    /// Finds it in a file's first part; `whole` says whether that is all of the file. The sender may have
    /// said what separates cells.
    pub(crate) fn find(
        head: &str,
        whole: bool,
        file_name: Option<&str>,
        asked: Option<Delimiter>,
    ) -> Self {
        let head = match head.rfind('\n') {
            Some(end) if !whole => &head[..=end],
            _ => head,
        };
        let cut = |delimiter| Cut::of(head, whole, delimiter);
        match asked {
            Some(Delimiter::Byte(delimiter)) => return cut(delimiter).dialect(),
            Some(Delimiter::Spaces) => return Self { delimiter: Delimiter::Spaces, quote: b'"' },
            None => {}
        }
        let cuts = DELIMITERS.map(cut);
        let is_tsv = file_name.is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.ends_with(".tsv") || name.ends_with(".tab")
        });
        if is_tsv && cuts[1].found.share > 0.3 {
            return cuts[1].dialect();
        }
        // The first of the best: commas win where others do as well.
        let best = cuts.iter().rev().max_by(|a, b| a.found.rank().total_cmp(&b.found.rank()));
        match best {
            Some(best) if best.found.share >= 0.5 => best.dialect(),
            _ if lined_up(head) => Self { delimiter: Delimiter::Spaces, quote: b'"' },
            _ => cuts[0].dialect(),
        }
    }

    /// Reads what encloses cells as people name it.
    pub(crate) fn parse_quote(name: &str) -> Result<u8, IntakeError> {
        match name.trim().to_ascii_lowercase().as_str() {
            "\"" | "double" => Ok(b'"'),
            "'" | "single" => Ok(b'\''),
            "none" => Ok(NO_CHARACTER),
            _ => {
                let name = show_text(name);
                Err(IntakeError::unsupported(
                    format!(
                        "引用符「{name}」はわかりません。double（\"）、single（'）、none（なし）のどれかを指定するか、指定を外してください"
                    ),
                    format!(
                        "the quote {name:?} is not known; give double (\"), single (') or none, or leave it out"
                    ),
                ))
            }
        }
    }

    /// What people call the quote, where it is another than the usual one.
    pub(crate) fn quote_name(self) -> Option<String> {
        match self.quote {
            b'"' => None,
            b'\'' => Some("single".to_owned()),
            _ => Some("none".to_owned()),
        }
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

/// What a delimiter makes of a file's first part, with the quote that suits it.
#[derive(Debug, Clone, Copy)]
struct Cut {
    delimiter: u8,
    quote: u8,
    found: Regularity,
}

impl Cut {
    fn of(head: &str, whole: bool, delimiter: u8) -> Self {
        let counts = cell_counts(head.as_bytes(), delimiter);
        match quotes::single(head, whole, delimiter, &counts) {
            Some(found) => Self { delimiter, quote: b'\'', found },
            None => Self { delimiter, quote: b'"', found: Regularity::of_counts(&counts, CUT) },
        }
    }

    fn dialect(self) -> Dialect {
        Dialect { delimiter: Delimiter::Byte(self.delimiter), quote: self.quote }
    }
}

/// How evenly a delimiter cuts rows.
#[derive(Debug, Clone, Copy, Default)]
struct Regularity {
    /// Of the rows with anything in them, the share of those with the most usual number of cells.
    share: f64,
    cells: usize,
}

impl Regularity {
    /// Of rows with so many cells each; the most usual number is one of at least `least`.
    fn of_counts(counts: &[usize], least: usize) -> Self {
        let mut best = Self::default();
        let mut sorted: Vec<usize> = counts.to_vec();
        sorted.sort_unstable();
        for same in sorted.chunk_by(|a, b| a == b) {
            let share = same.len() as f64 / counts.len() as f64;
            if same[0] >= least && share >= best.share {
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

/// The number of cells in each row that has anything in it, where `"` encloses cells.
fn cell_counts(head: &[u8], delimiter: u8) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut cells, mut length, mut in_quotes, mut at_start) = (1, 0usize, false, true);
    for byte in head {
        match *byte {
            b'"' if in_quotes || at_start => {
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
    let found = Regularity::of_counts(&counts, CUT);
    if rows.len() < 4 || found.share < 0.9 || counts[0] != found.cells {
        return false;
    }
    (1..found.cells).any(|column| {
        let cells = rows[1..].iter().filter_map(|row| row.get(column));
        let numbers = cells.filter(|cell| cell.parse::<f64>().is_ok()).count();
        numbers * 10 >= (rows.len() - 1) * 8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(head: &str) -> String {
        Dialect::find(head, true, None, None).name()
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
    fn what_encloses_cells_can_be_named() {
        for (name, quote, told) in [
            ("\"", b'"', None),
            ("double", b'"', None),
            ("'", b'\'', Some("single")),
            ("Single", b'\'', Some("single")),
            ("none", NO_CHARACTER, Some("none")),
        ] {
            assert_eq!(Dialect::parse_quote(name).unwrap(), quote);
            let dialect = Dialect { quote, ..Dialect::COMMAS };
            assert_eq!(dialect.quote_name().as_deref(), told);
        }
        assert!(Dialect::parse_quote("`").unwrap_err().to_string().contains("single"));
    }
}

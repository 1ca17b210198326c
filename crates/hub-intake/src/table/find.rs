//! The headings, the columns and the first row of data.

use hub_model::{MAX_FIELDS, Text};

use super::{
    cell::{CellKind, is_aside, is_unit_note, kind_of},
    labels::{is_units, labels},
};
use crate::{
    IntakeError,
    decode::{SourceColumn, headings},
    rows::Row,
    show::show_text,
};

/// The most rows that headings take where nothing is said of them.
const MAX_HEADER_ROWS: usize = 6;

/// A table in rows.
#[derive(Debug)]
pub(crate) struct Found {
    /// The first and the last row of the headings, as a person counts them.
    pub(crate) header_rows: (u64, u64),
    /// How many of the rows looked at stand before the data.
    pub(crate) before_data: usize,
    /// How many of them stand above the headings.
    pub(crate) above: usize,
    pub(crate) columns: Vec<SourceColumn>,
    /// One past the last column that belongs to the table.
    pub(crate) width: usize,
    /// The rows of the headings, to know them again.
    pub(crate) headings: Vec<Vec<String>>,
    /// What was decided.
    pub(crate) notes: Vec<Text>,
    /// Whether columns or rows were passed over, or headings joined.
    pub(crate) is_plain: bool,
}

/// Finds the table in a file's first rows. `asked` are the rows of the headings where the sender names
/// them.
pub(crate) fn find(rows: &[Row], asked: Option<(u64, u64)>) -> Result<Found, IntakeError> {
    let sketch = Sketch::of(rows);
    let mut notes = Vec::new();
    let (first, last) = match asked {
        Some(asked) => named(rows, asked)?,
        None => sketch.header(rows).ok_or_else(nothing_found)?,
    };
    if asked.is_none() && sketch.is_data(&rows[last]) && rows.len() > 1 {
        let row = rows[last].number();
        notes.push(Text::new(
            format!("{row}行目を見出しとしましたが、データのように見えます。見出しがあるか確かめてください"),
            format!("row {row} was taken as the headings and looks like data; check that there are headings"),
        ));
    }
    let above = first;
    let body = &rows[last + 1..];
    let extent =
        |row: &Row| (0..row.len()).rev().find(|c| !row.get(*c).is_empty()).map_or(0, |c| c + 1);
    let of_header = rows[first..=last].iter().map(extent).max().unwrap_or(0);
    // Columns on the right without a heading are columns where most rows have something in them.
    let filled = body.iter().filter(|row| !row.is_blank()).count();
    let wider = |column: usize| body.iter().filter(|row| !row.get(column).is_empty()).count();
    let mut width = of_header;
    while filled > 0 && width < MAX_FIELDS && wider(width) * 2 > filled {
        width += 1;
    }
    if width > MAX_FIELDS {
        return Err(headings::too_many());
    }
    let labels = labels(&rows[first..=last], width);
    let is_spacer = |column: &usize| labels[*column].is_empty() && wider(*column) == 0;
    let spacers: Vec<usize> = (0..width).filter(|c| body.len() > 1 && is_spacer(c)).collect();
    let kept: Vec<usize> = (0..width).filter(|column| !spacers.contains(column)).collect();
    if kept.is_empty() {
        return Err(nothing_found());
    }
    let has_trailing = rows[first..=last].iter().any(|row| row.len() > width);
    if !spacers.is_empty() {
        let listed: Vec<String> = spacers.iter().take(5).map(|c| (c + 1).to_string()).collect();
        let listed = listed.join("・");
        notes.push(Text::new(
            format!("見出しも値もない列（{listed}列目）は読み飛ばしました"),
            format!(
                "columns without heading and values were left out (column {})",
                listed.replace('・', ", ")
            ),
        ));
    }
    let headings = kept.into_iter().map(|column| (column, labels[column].clone())).collect();
    let columns = headings::columns(headings, &mut notes);
    let header_rows = (rows[first].number(), rows[last].number());
    if first < last {
        notes.push(Text::new(
            format!(
                "見出しは{}行目から{}行目までとし、「_」でつなぎました",
                header_rows.0, header_rows.1
            ),
            format!("the headings are rows {} to {}, joined with _", header_rows.0, header_rows.1),
        ));
    }
    if rows[..above].iter().any(|row| !row.is_blank()) {
        let cells = rows[..above].iter().flat_map(Row::cells).filter(|cell| !cell.is_empty());
        let mut title: Vec<&str> = cells.collect();
        title.dedup();
        title.truncate(3);
        let title = show_text(&title.join(" "));
        notes.push(Text::new(
            format!("見出しより上の行は表題として読み飛ばしました（{title}）"),
            format!("rows above the headings were taken as titles and left out ({title})"),
        ));
    }
    let headings = rows[first..=last]
        .iter()
        .map(|row| (0..extent(row)).map(|c| row.get(c).to_owned()).collect())
        .collect();
    let is_plain = first == last
        && !has_trailing
        && spacers.is_empty()
        && width == of_header
        && rows[..above].iter().all(|row| row.len() == 0);
    Ok(Found {
        header_rows,
        before_data: last + 1,
        above,
        columns,
        width,
        headings,
        notes,
        is_plain,
    })
}

/// The rows that the sender names.
fn named(rows: &[Row], (first, last): (u64, u64)) -> Result<(usize, usize), IntakeError> {
    let place = |number: u64| rows.iter().position(|row| row.number() == number);
    match (place(first), place(last)) {
        (Some(first), Some(last)) if rows[first..=last].iter().any(|row| !row.is_blank()) => {
            Ok((first, last))
        }
        _ => Err(IntakeError::unreadable(
            format!(
                "見出しとして指定された{first}～{last}行目に、何も書かれていません。行の番号を確かめてください"
            ),
            format!(
                "rows {first} to {last}, given as the headings, have nothing in them; check the row numbers"
            ),
        )),
    }
}

fn nothing_found() -> IntakeError {
    IntakeError::unreadable(
        "表が見つかりません。1行目に列の見出しを書くか、見出しの行の番号を指定してください",
        "no table was found; write the columns' names in the first line, or give the number of the row that holds them",
    )
}

/// What the columns hold in most rows.
struct Sketch {
    /// For each column, the kind of most of its cells where that is not text.
    kinds: Vec<Option<CellKind>>,
    /// How many cells a usual row has something in.
    usual: usize,
}

impl Sketch {
    fn of(rows: &[Row]) -> Self {
        let counts = |row: &Row| row.cells().filter(|cell| !cell.is_empty()).count();
        let mut filled: Vec<usize> = rows.iter().map(counts).filter(|n| *n > 1).collect();
        filled.sort_unstable();
        let usual = filled.get(filled.len() / 2).copied().unwrap_or(1);
        let body: Vec<&Row> =
            rows.iter().filter(|row| counts(row) * 2 >= usual && counts(row) > 0).collect();
        // The later half holds no headings.
        let later = &body[body.len() / 2..];
        let width = later.iter().map(|row| row.len()).max().unwrap_or(0).min(MAX_FIELDS);
        let kinds = (0..width)
            .map(|column| {
                let mut tally = [0usize; 3];
                for row in later {
                    match kind_of(row.get(column)) {
                        CellKind::Number => tally[0] += 1,
                        CellKind::Time => tally[1] += 1,
                        CellKind::Text => tally[2] += 1,
                        CellKind::Empty | CellKind::Mark => {}
                    }
                }
                let all: usize = tally.iter().sum();
                let most = |count: usize| all > 0 && count * 10 >= all * 7;
                if body.len() < 2 {
                    None
                } else if most(tally[0]) {
                    Some(CellKind::Number)
                } else if most(tally[1]) {
                    Some(CellKind::Time)
                } else {
                    None
                }
            })
            .collect();
        Self { kinds, usual }
    }

    /// How many cells are of their column's kind, and how many are of another.
    fn compare(&self, row: &Row) -> (usize, usize) {
        let (mut agree, mut differ) = (0, 0);
        let years = is_years(row);
        for (column, kind) in self.kinds.iter().enumerate() {
            let Some(kind) = kind else { continue };
            match kind_of(row.get(column)) {
                CellKind::Empty | CellKind::Mark => {}
                CellKind::Number if years => differ += 1,
                found if found == *kind => agree += 1,
                _ => differ += 1,
            }
        }
        (agree, differ)
    }

    fn is_data(&self, row: &Row) -> bool {
        let (agree, differ) = self.compare(row);
        agree > differ
    }

    /// The first and the last row of the headings.
    fn header(&self, rows: &[Row]) -> Option<(usize, usize)> {
        if let Some(first) = rows.iter().position(|row| !row.is_blank())
            && is_full(&rows[first])
            && rows[first].cells().all(|cell| kind_of(cell) == CellKind::Text)
            && rows.iter().all(|row| row.len() <= rows[first].len())
            && (rows[first].len() > 1 || self.usual == 1)
        {
            // A file that begins with a full heading needs no search: sparse or faulty data below it
            // must not be taken for more headings.
            let more = rows[first + 1..].iter().take(MAX_HEADER_ROWS - 1);
            let is_more = |row: &&Row| {
                is_units(row) && self.compare(row).1 > 0 || self.is_second_heading(row)
            };
            let more = more.take_while(is_more).count();
            return Some((first, first + more));
        }
        let enough = |row: &Row| {
            let filled = row.cells().filter(|cell| !cell.is_empty()).count();
            filled >= self.usual.min(2) && filled * 2 >= self.usual && !is_one_text(row)
        };
        let top =
            rows.iter().position(enough).or_else(|| rows.iter().position(|row| !row.is_blank()))?;
        if self.kinds.iter().all(Option::is_none) {
            return Some((top, top));
        }
        let data = (top..rows.len()).find(|row| enough(&rows[*row]) && self.is_data(&rows[*row]));
        let Some(data) = data.filter(|data| *data > top) else { return Some((top, top)) };
        // Rows above the data, up to a blank one.
        let block = (top..data).rev().take_while(|row| !rows[*row].is_blank());
        let mut block: Vec<usize> = block.take(MAX_HEADER_ROWS).collect();
        block.reverse();
        let Some(mut last) = block.last().copied() else {
            let above = (top..data).rev().find(|row| !rows[*row].is_blank())?;
            return Some((above, above));
        };
        let mut first = last;
        if is_units(&rows[last]) && block.len() > 1 {
            first = last - 1;
        }
        let mut bottom = first;
        while first > block[0] && is_heading_above(&rows[first - 1], &rows[bottom]) {
            first -= 1;
            bottom = first;
        }
        // What follows a full heading is data with faults unless it can't be taken for that.
        if first < last && !is_units(&rows[last]) && self.is_doubtful(rows, first, last) {
            last = first;
        }
        // A row of data with faults may have been taken for the last heading.
        if first == last && last > top && self.is_doubtful(rows, top, last) && is_full(&rows[top]) {
            (first, last) = (top, top);
        }
        // Headings that are cut off below may still be led by a row of groups above the first full row.
        while first > 0
            && last + 1 - first < MAX_HEADER_ROWS
            && first <= top
            && is_group_row(&rows[first - 1], &rows[first])
        {
            first -= 1;
        }
        Some((first, last))
    }

    /// Whether a row below a full heading names the columns once more: texts throughout, also where the
    /// data is none.
    fn is_second_heading(&self, row: &Row) -> bool {
        let (agree, differ) = self.compare(row);
        let known = self.kinds.iter().flatten().count();
        agree == 0 && differ > 1 && differ == known && is_full(row)
    }

    /// Whether the rows below a full heading could be faulty data as well: fewer than two cells there
    /// differ from their columns.
    fn is_doubtful(&self, rows: &[Row], first: usize, last: usize) -> bool {
        is_full(&rows[first])
            && rows[first + 1..=last].iter().any(|row| {
                let (_, differ) = self.compare(row);
                let known = self.kinds.iter().flatten().count();
                differ < 2 || differ * 2 < known
            })
    }
}

/// Whether every cell up to the last has something in it, and no two the same.
fn is_full(row: &Row) -> bool {
    let mut cells: Vec<&str> = row.cells().collect();
    while cells.last().is_some_and(|cell| cell.is_empty()) {
        cells.pop();
    }
    let count = cells.len();
    cells.sort_unstable();
    cells.dedup();
    cells.len() == count && !cells.contains(&"")
}

/// Whether a row is one text from its first cell on, as a title over merged cells.
fn is_one_text(row: &Row) -> bool {
    let first = row.get(0);
    let others: Vec<&str> = row.cells().skip(1).filter(|cell| !cell.is_empty()).collect();
    // Two short headings may be the same by mistake.
    let is_title = others.len() > 1 || first.chars().count() > 4;
    is_title && !others.is_empty() && !first.is_empty() && others.iter().all(|cell| *cell == first)
}

/// Whether the numbers of a row are years one after another, as headings of columns are.
fn is_years(row: &Row) -> bool {
    let numbers: Vec<i32> = row.cells().filter_map(|cell| cell.parse().ok()).collect();
    let others = row.cells().filter(|cell| kind_of(cell) == CellKind::Number).count();
    numbers.len() > 1
        && numbers.len() == others
        && numbers.windows(2).all(|two| two[1] == two[0] + 1 || two[1] == two[0])
        && numbers.first() != numbers.last()
        && numbers.iter().all(|year| (1868..2100).contains(year))
}

/// Whether a row of texts belongs to the headings below it.
fn is_heading_above(above: &Row, below: &Row) -> bool {
    let filled: Vec<usize> = (0..above.len()).filter(|c| !above.get(*c).is_empty()).collect();
    if filled.iter().any(|c| kind_of(above.get(*c)) == CellKind::Number) && !is_years(above) {
        return false;
    }
    if is_one_text(above) {
        return false;
    }
    let width = below.len().max(1);
    // Cells that were one with those below them, or that stand over several.
    let completes = filled.iter().any(|c| below.get(*c).is_empty());
    filled.len() > 1 && (completes || filled.len() * 10 >= width * 8) || is_group_row(above, below)
}

/// Whether a row names groups of the columns below it: not its first cell alone, as a title, and not a
/// unit of the whole.
fn is_group_row(above: &Row, below: &Row) -> bool {
    let filled: Vec<usize> = (0..above.len()).filter(|c| !above.get(*c).is_empty()).collect();
    let Some(first) = filled.first() else { return false };
    if filled.len() == 1 && is_aside(above.get(*first)) {
        return false;
    }
    let texts = filled.iter().all(|c| {
        let cell = above.get(*c);
        !is_unit_note(cell) && !matches!(kind_of(cell), CellKind::Number | CellKind::Mark)
    });
    let within = filled.iter().all(|c| *c < below.len());
    let under_first =
        above.get(0) == below.get(0) || above.get(0).is_empty() || below.get(0).is_empty();
    texts && !is_one_text(above) && within && under_first && (filled.len() > 1 || *first > 0)
}

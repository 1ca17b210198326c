//! Tables of text, aligned also where characters are two columns wide, and fitted to a terminal.
//!
//! They are drawn with plain ASCII: the width of lines drawn by Unicode differs between terminals
//! that are set to Japanese and others.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: usize = 2;
/// The narrowest a column is made so that others fit.
const NARROWEST: usize = 8;
/// The widest a column grows while the width is limited at all.
const WIDEST: usize = 60;

#[derive(Debug, Clone)]
struct Column {
    header: String,
    right: bool,
    wrap: bool,
    whole: bool,
}

/// Rows of text under headers.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<S: Into<String>>(headers: impl IntoIterator<Item = S>) -> Self {
        let columns = headers
            .into_iter()
            .map(|header| Column { header: header.into(), right: false, wrap: false, whole: false })
            .collect();
        Self { columns, rows: Vec::new() }
    }

    /// Sets a column's cells to the right, as numbers are.
    pub(crate) fn right(mut self, column: usize) -> Self {
        self.columns[column].right = true;
        self
    }

    /// Lets a column's cells go on in further lines, rather than be cut, where there is no room.
    pub(crate) fn wrap(mut self, column: usize) -> Self {
        self.columns[column].wrap = true;
        self
    }

    /// Cuts a column's cells only where cutting all others is not enough: one has to type what it says.
    pub(crate) fn whole(mut self, column: usize) -> Self {
        self.columns[column].whole = true;
        self
    }

    /// Adds a row; it must have as many cells as there are columns, without line breaks.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// Whether it has no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, at most `width` columns wide. Answers how many columns had to be left out.
    pub(crate) fn write(&self, out: &mut dyn Write, width: Option<usize>) -> io::Result<usize> {
        let mut widths = self.natural_widths();
        if let Some(width) = width {
            let whole: Vec<bool> = self.columns.iter().map(|column| column.whole).collect();
            fit(&mut widths, &whole, width);
        }
        let header: Vec<&str> = self.columns.iter().map(|c| c.header.as_str()).collect();
        self.write_row(out, &header, &widths)?;
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        writeln!(out, "{}", rule.join(&" ".repeat(GAP)))?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.write_row(out, &cells, &widths)?;
        }
        Ok(self.columns.len() - widths.len())
    }

    fn natural_widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| c.header.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths.iter_mut().for_each(|width| *width = (*width).max(1));
        widths
    }

    fn write_row(&self, out: &mut dyn Write, cells: &[&str], widths: &[usize]) -> io::Result<()> {
        let shown: Vec<Vec<String>> = cells
            .iter()
            .zip(&self.columns)
            .zip(widths)
            .map(
                |((cell, column), width)| {
                    if column.wrap { wrap(cell, *width) } else { vec![cut(cell, *width)] }
                },
            )
            .collect();
        for line in 0..shown.iter().map(Vec::len).max().unwrap_or(0) {
            let mut text = String::new();
            for ((cell, width), column) in shown.iter().zip(widths).zip(&self.columns) {
                let part = cell.get(line).map_or("", String::as_str);
                let padding = " ".repeat(width.saturating_sub(part.width()));
                if column.right {
                    text.push_str(&padding);
                    text.push_str(part);
                } else {
                    text.push_str(part);
                    text.push_str(&padding);
                }
                text.push_str(&" ".repeat(GAP));
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// Narrows the widest columns until all fit; columns that find no room at all are dropped at the end.
fn fit(widths: &mut Vec<usize>, whole: &[bool], width: usize) {
    let total =
        |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    widths.iter_mut().for_each(|w| *w = (*w).min(WIDEST));
    for whole_too in [false, true] {
        while total(widths) > width {
            let open = widths.iter_mut().zip(whole).filter(|(_, whole)| whole_too || !**whole);
            match open.map(|(width, _)| width).max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
    }
    while widths.len() > 1 && total(widths) > width {
        widths.pop();
    }
}

/// The text within a width; what is cut ends in two dots.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let dots = width.min(2);
    let mut shown = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        if next > width - dots {
            break;
        }
        used = next;
        shown.push(c);
    }
    shown.push_str("..".get(..dots).unwrap_or_default());
    shown
}

/// The text in lines of a width, broken at spaces where there are any, as Japanese has none.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width && !line.is_empty() {
            let rest = match line.rfind(' ') {
                // A break far to the left would waste more of the line than it saves.
                Some(space) if c != ' ' && line[..space].width() * 2 > width => {
                    let rest = line.split_off(space + 1);
                    line.truncate(space);
                    rest
                }
                _ => String::new(),
            };
            lines.push(std::mem::replace(&mut line, rest));
            used = line.width();
            if c == ' ' && line.is_empty() {
                continue;
            }
        }
        line.push(c);
        used += wide;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(table: &Table, width: Option<usize>) -> String {
        let mut out = Vec::new();
        let left_out = table.write(&mut out, width).unwrap();
        let mut text = String::from_utf8(out).unwrap();
        if left_out > 0 {
            text.push_str(&format!("(left out: {left_out})\n"));
        }
        text
    }

    fn stations() -> Table {
        let mut table = Table::new(["観測所", "level", "note"]).right(1).wrap(2);
        table.push(vec!["小樽".into(), "2.5".into(), "measured by hand in the morning".into()]);
        table.push(vec!["Kutchan 倶知安".into(), "-12.25".into(), "朝に手で測ったもの".into()]);
        table
    }

    #[test]
    fn wide_characters_take_two_columns() {
        insta::assert_snapshot!(drawn(&stations(), None), @r"
    観測所           level  note
    --------------  ------  -------------------------------
    小樽               2.5  measured by hand in the morning
    Kutchan 倶知安  -12.25  朝に手で測ったもの
    ");
    }

    #[test]
    fn a_narrow_terminal_wraps_cuts_and_leaves_out() {
        insta::assert_snapshot!(drawn(&stations(), Some(40)), @r"
    観測所           level  note
    --------------  ------  ----------------
    小樽               2.5  measured by hand
                            in the morning
    Kutchan 倶知安  -12.25  朝に手で測ったも
                            の
    ");
        insta::assert_snapshot!(drawn(&stations(), Some(20)), @r"
    観測所     level
    --------  ------
    小樽         2.5
    Kutcha..  -12.25
    (left out: 1)
    ");
    }

    #[test]
    fn what_is_to_be_typed_stays_whole_as_long_as_it_can() {
        let mut table = Table::new(["dataset", "title"]).whole(0);
        table.push(vec!["otaru_kaihatsu.river_hourly".into(), "Hourly level and discharge".into()]);
        insta::assert_snapshot!(drawn(&table, Some(40)), @r"
        dataset                      title
        ---------------------------  -----------
        otaru_kaihatsu.river_hourly  Hourly le..
        ");
        insta::assert_snapshot!(drawn(&table, Some(30)), @r"
        dataset               title
        --------------------  --------
        otaru_kaihatsu.riv..  Hourly..
        ");
    }

    #[test]
    fn a_table_without_rows_has_its_headers() {
        insta::assert_snapshot!(drawn(&Table::new(["a", "b"]), Some(80)), @r"
    a  b
    -  -
    ");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            cells in proptest::collection::vec("[ a-z0-9流域観測]{0,30}", 12),
            width in 10usize..100,
        ) {
            let mut table = Table::new(["一", "two", "three"]).right(1).wrap(2);
            for row in cells.chunks(3) {
                table.push(row.to_vec());
            }
            let mut out = Vec::new();
            table.write(&mut out, Some(width)).unwrap();
            for line in String::from_utf8(out).unwrap().lines() {
                prop_assert!(line.width() <= width, "{line:?} in {width}");
            }
        }

        #[test]
        fn wrapping_loses_nothing_but_spaces(text in "[ a-z流域]{0,60}", width in 2usize..20) {
            let without = |s: &str| s.replace(' ', "");
            prop_assert_eq!(without(&wrap(&text, width).concat()), without(&text));
        }
    }
}

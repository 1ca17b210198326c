//! The filled-in form: titles that say the fiscal year, the inns and the municipality, then two rows a
//! month with a column a nationality.
//!
//! In a transcript that separates cells by spaces, the empty ones are gone, and with them the columns that
//! the numbers stood in. There a month's row gives its total alone, which is always its last number, and
//! only if the others add up to it; nationalities are read where a row has a number for each of them.

use hub_model::{ChangeExample, ChangeKind, Contract, LayoutReport, Text};

use super::{
    super::{figure, heading::fold, when},
    TOTAL,
    list::usual_name,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::Row,
};

/// How many rows are looked at: the whole form.
pub(super) const LOOKED_AT: usize = 80;

/// Nationalities that every year's form has.
const ALWAYS: [&str; 5] = ["中国", "韓国", "台湾", "香港", "アメリカ"];

/// What the titles and the headings of a form say.
#[derive(Debug, Clone)]
pub(super) struct Form {
    fiscal_year: i32,
    municipality: String,
    /// The row that names the municipality.
    named_in: u64,
    surveyed: String,
    answered: String,
    /// Nationalities and the total, by column; in a transcript in their order, the total left out.
    values: Vec<(usize, String)>,
    header: (u64, u64),
    is_transcript: bool,
}

impl Form {
    pub(super) fn find(rows: &[Row]) -> Option<Self> {
        let at = rows.iter().position(|row| {
            let cells: Vec<String> = cells(row).iter().map(|cell| fold(cell)).collect();
            ALWAYS.iter().filter(|name| cells.iter().any(|cell| cell == *name)).count() >= 3
        })?;
        let titles: Vec<String> = rows[..at].iter().map(spaced).collect();
        let title = titles.join(" ");
        if !title.contains("訪日外国人宿泊") && !title.contains("4-3号様式") {
            return None;
        }
        let fiscal_year = fiscal_year(&title)?;
        let named = titles.iter().position(|title| municipality(title).is_some())?;
        let body = &rows[at + 1..];
        let first = body.iter().position(|row| measure_at(&cells(row)).is_some())?;
        let is_transcript = is_transcript(body);
        let header = &rows[at];
        let mut form = Self {
            fiscal_year,
            municipality: municipality(&titles[named])?,
            named_in: rows[named].number(),
            surveyed: number_after(&title, "対象宿泊施設"),
            answered: number_after(&title, "回答施設"),
            values: Vec::new(),
            header: (header.number(), header.number()),
            is_transcript,
        };
        if is_transcript {
            form.values = transcribed_names(&cells(header));
        } else {
            let (measure, _) = measure_at(&cells(&body[first]))?;
            // The total's heading may stand above or below, beside a group's name.
            let around = [at.checked_sub(1).map(|above| &rows[above]), body[..first].first()];
            let width = body.iter().map(Row::len).max().unwrap_or(0).max(header.len());
            let name = |column: usize| {
                let own = fold(header.get(column));
                let near = around.iter().flatten().map(|row| fold(row.get(column)));
                let mut near = near.filter(|name| usual_name(name) == TOTAL);
                if own.is_empty() { near.next_back().unwrap_or_default() } else { own }
            };
            form.values = (measure + 1..width)
                .map(|column| (column, usual_name(&name(column))))
                .filter(|(_, name)| !name.is_empty())
                .collect();
            form.header.1 = header.number() + first as u64;
            let last = form.values.last().map_or(0, |(column, _)| *column);
            let has_total = form.values.iter().any(|(_, name)| name == TOTAL);
            if !has_total && width == last + 2 {
                form.values.push((last + 1, TOTAL.to_owned()));
            }
        }
        Some(form)
    }

    /// A month of the fiscal year in the calendar.
    fn month(&self, month: u32) -> String {
        let year = self.fiscal_year + i32::from(month <= 3);
        format!("{year:04}-{month:02}")
    }
}

/// A row's cells; of a row of one cell, what spaces separate in it.
fn cells(row: &Row) -> Vec<String> {
    let filled = row.cells().filter(|cell| !cell.is_empty()).count();
    if filled == 1 && row.len() == 1 {
        return row.get(0).split_whitespace().map(str::to_owned).collect();
    }
    row.cells().map(str::to_owned).collect()
}

/// A row's text with its cells apart, in ordinary width.
fn spaced(row: &Row) -> String {
    use unicode_normalization::UnicodeNormalization;
    row.cells().collect::<Vec<_>>().join(" ").nfkc().collect()
}

/// The column that says what is measured, and what it is.
fn measure_at(cells: &[String]) -> Option<(usize, &'static str)> {
    cells.iter().take(4).enumerate().find_map(|(at, cell)| Some((at, super::measure(cell)?)))
}

/// Whether empty cells have vanished: no row of numbers has one, and yet the rows differ in length.
fn is_transcript(body: &[Row]) -> bool {
    let mut lengths = Vec::new();
    for row in body {
        let cells = cells(row);
        let Some((at, _)) = measure_at(&cells) else { continue };
        let numbers = &cells[at + 1..];
        if numbers.iter().any(String::is_empty) {
            return false;
        }
        lengths.push(numbers.len());
    }
    lengths.iter().any(|length| *length != lengths[0])
}

/// The nationalities of a transcript's heading, in which one name may be broken in two.
fn transcribed_names(cells: &[String]) -> Vec<(usize, String)> {
    let mut names: Vec<String> = Vec::new();
    for cell in cells.iter().map(|cell| fold(cell)) {
        if matches!(cell.as_str(), "月別" | "月" | "人数" | "区分" | "項目") {
            continue;
        }
        match names.last_mut() {
            Some(last) if cell == "ネシア" => last.push_str(&cell),
            _ => names.push(usual_name(&cell)),
        }
    }
    names.retain(|name| name != TOTAL);
    names.into_iter().enumerate().collect()
}

/// `平成29年度`, `令和元年度`, `R5年度`, `2017年度`, wherever it stands first.
fn fiscal_year(text: &str) -> Option<i32> {
    for (at, _) in text.match_indices("年度") {
        let before: String = text[..at].chars().filter(|c| !c.is_whitespace()).collect();
        let starts = before.char_indices().map(|(start, _)| start).rev().take(6);
        let year = starts.filter_map(|start| match when::year(&before[start..]) {
            Some((year, "")) => Some(year),
            _ => None,
        });
        if let Some(year) = year.last() {
            return Some(year);
        }
    }
    None
}

/// The number that follows a word, within a few characters.
fn number_after(text: &str, word: &str) -> String {
    let Some((_, rest)) = text.split_once(word) else { return String::new() };
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '数' | ':'));
    rest.chars().take_while(char::is_ascii_digit).collect()
}

/// The name after `市町村名`.
fn municipality(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("市町村名")?;
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '['));
    let name = rest.split([' ', '　', ']', '[', '】']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// What the rows are about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    /// Above the first month.
    Titles,
    /// A month, and the measures that it had so far.
    Month(u32, Vec<&'static str>),
    /// Totals and what follows them.
    Totals,
}

pub(super) struct Filled {
    form: Form,
    contract: Contract,
    changes: Changes,
    block: Block,
    /// The municipality's code.
    code: String,
}

impl Filled {
    pub(super) fn new(form: Form) -> Self {
        let mut changes = Changes::default();
        let code = super::place("", &form.municipality, form.named_in, &mut changes);
        Self { form, contract: super::contract(), changes, block: Block::Titles, code }
    }

    fn push(
        &mut self,
        row: u64,
        column: usize,
        month: u32,
        measure: &str,
        (nationality, text): (&str, &str),
        out: &mut Output,
    ) {
        let value = figure::plain(text, row, nationality, &mut self.changes);
        let form = &self.form;
        let fiscal_year = form.fiscal_year.to_string();
        let cells = [
            self.code.as_str(),
            &form.municipality,
            &form.month(month),
            &fiscal_year,
            measure,
            nationality,
            &value,
            super::unit(measure),
            &form.surveyed,
            &form.answered,
        ];
        out.push(row, Some(column), &cells);
    }
}

/// `4月`, `4`, `平成29年4月`.
fn month(text: &str) -> Option<u32> {
    let text = text.rsplit_once('年').map_or(text, |(_, month)| month);
    match when::digits(text, 2)? {
        (month @ 1..=12, "" | "月" | "月分") => Some(month),
        _ => None,
    }
}

impl Transform for Filled {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let mut notes = Vec::new();
        if self.form.is_transcript {
            notes.push(Text::new(
                "空のセルが消えていて、数がどの国・地域のものか分かりません。すべてそろった行のほかは、計だけを読みました。元の表計算ファイルなら国・地域別に読めます",
                "empty cells are gone, so it can't be told which nationality a number belongs to; except for complete rows only the totals were read. The original workbook can be read by nationality",
            ));
        }
        LayoutReport { header_rows: Some(self.form.header), notes, ..LayoutReport::default() }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        if row.is_blank() || row.number() <= self.form.header.0 {
            return Ok(());
        }
        let cells = cells(row);
        let Some((at, measure)) = measure_at(&cells) else {
            if row.number() > self.form.header.1 {
                self.changes.count(ChangeKind::LeftOut, 1);
            }
            return Ok(());
        };
        let label: String = cells[..at].iter().map(|cell| fold(cell)).collect();
        let same = match &self.block {
            Block::Month(of, seen) if label.is_empty() || month(&label) == Some(*of) => {
                (!seen.contains(&measure)).then_some((*of, seen.clone()))
            }
            _ => None,
        };
        let (of, mut seen) = match (same, month(&label)) {
            (Some(same), _) => same,
            (None, Some(of)) => (of, Vec::new()),
            (None, None) => {
                self.block = Block::Totals;
                self.changes.count(ChangeKind::LeftOut, 1);
                return Ok(());
            }
        };
        seen.push(measure);
        self.block = Block::Month(of, seen);
        let number = row.number();
        if label.is_empty() {
            self.changes.count(ChangeKind::MergedCell, 1);
        }
        let calendar = self.form.month(of);
        let fiscal_year = self.form.fiscal_year;
        self.changes.add(ChangeKind::FiscalYear, || ChangeExample {
            row: Some(number),
            column: Some("月別".to_owned()),
            cell: None,
            before: format!("{fiscal_year}年度{of}月"),
            after: calendar,
        });
        if self.form.is_transcript {
            self.transcribed(number, of, measure, (at, &cells[at + 1..]), out);
            return Ok(());
        }
        self.changes.count(ChangeKind::Reshaped, 1);
        for (column, nationality) in self.form.values.clone() {
            let text = cells.get(column).map_or("", String::as_str);
            if !text.is_empty() {
                self.push(number, column, of, measure, (&nationality, text), out);
            }
        }
        Ok(())
    }
}

impl Filled {
    fn transcribed(
        &mut self,
        row: u64,
        month: u32,
        measure: &str,
        (at, numbers): (usize, &[String]),
        out: &mut Output,
    ) {
        let Some((total, others)) = numbers.split_last() else { return };
        let read = |text: &String| fold(text).replace(',', "").parse::<i64>().ok();
        let sum: Option<i64> = others.iter().map(read).sum();
        let adds_up = sum.is_some() && sum == read(total);
        let names = self.form.values.clone();
        if adds_up && others.len() == names.len() {
            for ((column, nationality), text) in names.iter().zip(others) {
                self.push(row, at + 1 + column, month, measure, (nationality, text), out);
            }
        }
        // Numbers that do not add up are shown as they stand.
        let all = numbers.join(" ");
        let total = if adds_up { total.as_str() } else { all.as_str() };
        self.push(row, at + numbers.len(), month, measure, (TOTAL, total), out);
    }
}

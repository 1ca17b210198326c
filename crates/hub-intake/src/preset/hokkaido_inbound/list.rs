//! Months of several municipalities in one list: a row a municipality, month and measure, with a total,
//! and with nationalities where the list has them.

use hub_model::{ChangeKind, Contract, LayoutReport};

use super::{
    super::{
        figure,
        heading::{Heading, cell, fold},
        when,
    },
    TOTAL,
};
use crate::{
    IntakeError,
    changes::Changes,
    decode::{Output, Transform},
    rows::Row,
};

/// Where a list's cells are.
#[derive(Debug)]
pub(super) struct Columns {
    code: Option<usize>,
    name: usize,
    month: usize,
    fiscal_year: Option<usize>,
    measure: usize,
    surveyed: Option<usize>,
    answered: Option<usize>,
    /// Nationalities, and the total.
    values: Vec<(usize, String)>,
    header: u64,
}

impl Columns {
    pub(super) fn find(head: &[Row]) -> Option<Self> {
        let row = head.iter().find(|row| !row.is_blank())?;
        let heading = Heading::of(row);
        let mut columns = Self {
            code: heading.find(&["全国地方公共団体コード", "市町村コード", "団体コード"]),
            name: heading.find(&["市町村名", "市町村"])?,
            month: heading.find(&["年月"])?,
            fiscal_year: heading.find(&["年度"]),
            measure: heading.find(&["項目", "区分"])?,
            surveyed: heading.find(&["対象宿泊施設数", "対象施設数"]),
            answered: heading.find(&["回答施設数", "回答宿泊施設数"]),
            values: Vec::new(),
            header: row.number(),
        };
        let others = [columns.code, columns.fiscal_year, columns.surveyed, columns.answered];
        let named = [columns.name, columns.month, columns.measure];
        columns.values = heading
            .names()
            .iter()
            .enumerate()
            .filter(|(at, name)| {
                !name.is_empty() && !named.contains(at) && !others.contains(&Some(*at))
            })
            .map(|(at, name)| (at, usual_name(name)))
            .collect();
        // Without a total and its inns this may be anyone's list.
        let is_total = columns.values.iter().any(|(_, name)| name == TOTAL);
        (is_total && columns.surveyed.is_some() && columns.answered.is_some()).then_some(columns)
    }
}

/// A nationality, or the total by its usual word.
pub(super) fn usual_name(name: &str) -> String {
    match fold(name).as_str() {
        "計" | "合計" | "総計" | "総数" => TOTAL.to_owned(),
        name => name.to_owned(),
    }
}

pub(super) struct List {
    columns: Columns,
    contract: Contract,
    changes: Changes,
    begun: bool,
}

impl List {
    pub(super) fn new(columns: Columns) -> Self {
        let changes = Changes::default();
        Self { columns, contract: super::contract(), changes, begun: false }
    }
}

impl Transform for List {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn layout(&self) -> LayoutReport {
        let header = self.columns.header;
        LayoutReport { header_rows: Some((header, header)), ..LayoutReport::default() }
    }

    fn changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn row(&mut self, row: &Row, out: &mut Output) -> Result<(), IntakeError> {
        // The heading is among the rows still.
        if row.is_blank() || !std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let columns = &self.columns;
        let number = row.number();
        let name = row.get(columns.name);
        let code = super::place(cell(row, columns.code), name, number, &mut self.changes);
        let written = cell(row, columns.fiscal_year);
        let plain = fold(written);
        let fiscal_year = match when::year(&plain) {
            Some((year, "" | "年" | "年度")) => year.to_string(),
            _ => written.to_owned(),
        };
        let measure = row.get(columns.measure);
        let measure = super::measure(measure).unwrap_or(measure);
        let month = row.get(columns.month);
        for (at, nationality) in &columns.values {
            let text = row.get(*at);
            if text.is_empty() && nationality != TOTAL {
                continue;
            }
            let value = figure::plain(text, number, nationality, &mut self.changes);
            let cells = [
                code.as_str(),
                name,
                month,
                &fiscal_year,
                measure,
                nationality,
                &value,
                super::unit(measure),
                cell(row, columns.surveyed),
                cell(row, columns.answered),
            ];
            out.push(number, Some(*at), &cells);
        }
        if columns.values.len() > 1 {
            self.changes.count(ChangeKind::Reshaped, 1);
        }
        Ok(())
    }
}

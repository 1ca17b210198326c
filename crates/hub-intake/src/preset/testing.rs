//! Files of publishers taken in whole, as tests look at them.

use std::{
    fs::File,
    io::{Seek, Write},
};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use hub_model::{ChangeKind, UploadReport};

use crate::{FormatHint, IntakeError, IntakeOptions, conform, propose, recognise};

/// What became of a file.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) preset: Option<&'static str>,
    pub(super) report: UploadReport,
    /// The stored names, and each row's cells as text; what is missing is `∅`.
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Taken {
    fn at(&self, name: &str) -> usize {
        self.names.iter().position(|found| found == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The named cells of the rows in which other cells are as given.
    pub(super) fn select(&self, wanted: &[&str], given: &[(&str, &str)]) -> Vec<Vec<&str>> {
        let wanted: Vec<usize> = wanted.iter().map(|name| self.at(name)).collect();
        let given: Vec<_> = given.iter().map(|(name, cell)| (self.at(name), *cell)).collect();
        self.rows
            .iter()
            .filter(|row| given.iter().all(|(at, cell)| row[*at] == *cell))
            .map(|row| wanted.iter().map(|at| row[*at].as_str()).collect())
            .collect()
    }

    /// The numbers of a column by the cell of another, those that are missing left out.
    pub(super) fn numbers(&self, by: &str, name: &str) -> Vec<(&str, f64)> {
        let found = self.select(&[by, name], &[]);
        let numbers = found.into_iter().filter(|cells| cells[1] != "∅");
        numbers.map(|cells| (cells[0], cells[1].parse().unwrap())).collect()
    }

    /// How many changes of a kind were counted.
    pub(super) fn changed(&self, kind: ChangeKind) -> u64 {
        self.report.changes.iter().filter(|change| change.kind == kind).map(|c| c.count).sum()
    }

    /// The cells that were found wrong, as a spreadsheet names them.
    pub(super) fn wrong(&self) -> Vec<&str> {
        self.report.errors.iter().map(|error| error.cell.as_deref().unwrap_or("-")).collect()
    }

    /// The first rows as lines.
    pub(super) fn head(&self, rows: usize) -> String {
        let rows = self.rows.iter().take(rows).map(|row| row.join(" | "));
        std::iter::once(self.names.join(" | ")).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

/// A file of this name and content, under the contract that is proposed for it.
pub(super) fn take(name: &str, bytes: &[u8]) -> Result<Taken, IntakeError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    take_file(name, file)
}

/// A real file, where it is there.
pub(super) fn take_real(path: &str) -> Option<Taken> {
    let path = hub_testkit::shared::data_file(path)?;
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    Some(take_file(&name, File::open(&path).unwrap()).unwrap())
}

/// The text of a real file, where it is there.
pub(super) fn real_text(path: &str) -> Option<String> {
    let bytes = std::fs::read(hub_testkit::shared::data_file(path)?).unwrap();
    Some(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => encoding_rs::SHIFT_JIS.decode(error.as_bytes()).0.into_owned(),
    })
}

fn take_file(name: &str, file: File) -> Result<Taken, IntakeError> {
    let hint = FormatHint { file_name: Some(name.to_owned()), ..FormatHint::default() };
    let recognised = recognise(file, &hint)?;
    let options = IntakeOptions::default();
    let contract = propose(&recognised, &options)?.contract.validated().unwrap();
    let names = contract.fields.iter().map(|field| field.storage_name().to_owned()).collect();
    let mut rows = Vec::new();
    let report = conform(&recognised, &contract, &options, &mut |conformed| {
        let options = FormatOptions::default().with_null("∅");
        let columns: Vec<_> = conformed
            .batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..conformed.batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
        }
        Ok(())
    })?;
    Ok(Taken { preset: recognised.preset(), report, names, rows })
}

/// The text as the publishers' servers write it.
pub(super) fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, lost) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!lost, "not in CP932: {text}");
    bytes.into_owned()
}

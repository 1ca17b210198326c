//! Publishers' files taken in whole, as an agency would send them, and what became of them.

use std::{fs::File, io::Write};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use hub_model::{ChangeKind, Contract, UploadReport};

use crate::{FormatHint, IntakeError, IntakeOptions, Recognised, conform, propose, recognise};

/// What became of a file.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) preset: Option<&'static str>,
    pub(super) contract: Contract,
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

    /// Some columns of every row, a row a line.
    pub(super) fn columns(&self, names: &[&str]) -> Vec<String> {
        self.select(names, &[]).into_iter().map(|cells| cells.join(" ")).collect()
    }

    /// One column.
    pub(super) fn column(&self, name: &str) -> Vec<&str> {
        self.select(&[name], &[]).into_iter().flatten().collect()
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

    /// The first rows as lines, below one of the names.
    pub(super) fn head(&self, rows: usize) -> String {
        let rows = self.rows.iter().take(rows).map(|row| row.join(" | "));
        std::iter::once(self.names.join(" | ")).chain(rows).collect::<Vec<_>>().join("\n")
    }
}

/// Bytes as a file.
pub(super) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Bytes taken in as a file of this name, under the contract that is proposed for it.
pub(super) fn take(name: &str, bytes: &[u8]) -> Result<Taken, IntakeError> {
    take_file(name, file(bytes))
}

/// The same of what is not refused.
pub(super) fn taken(name: &str, bytes: &[u8]) -> Taken {
    take(name, bytes).unwrap()
}

/// The same in the publishers' usual encoding.
pub(super) fn taken_in_cp932(name: &str, text: &str) -> Taken {
    taken(name, &cp932(text))
}

/// A real file, where it is there.
pub(super) fn taken_real(path: &str) -> Option<Taken> {
    let path = hub_testkit::shared::data_file(path)?;
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    Some(take_file(&name, File::open(&path).unwrap()).unwrap())
}

fn take_file(name: &str, file: File) -> Result<Taken, IntakeError> {
    let hint = FormatHint { file_name: Some(name.to_owned()), ..FormatHint::default() };
    conformed(&recognise(file, &hint)?)
}

/// A recognised file under the contract that is proposed for it.
pub(super) fn conformed(recognised: &Recognised) -> Result<Taken, IntakeError> {
    let options = IntakeOptions::default();
    let contract = propose(recognised, &options)?.contract.validated().unwrap();
    let names = contract.fields.iter().map(|field| field.storage_name().to_owned()).collect();
    let mut rows = Vec::new();
    let report = conform(recognised, &contract, &options, &mut |conformed| {
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
    Ok(Taken { preset: recognised.preset(), contract, report, names, rows })
}

/// The text of a real file, where it is there.
pub(super) fn real_text(path: &str) -> Option<String> {
    let bytes = std::fs::read(hub_testkit::shared::data_file(path)?).unwrap();
    Some(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => encoding_rs::SHIFT_JIS.decode(error.as_bytes()).0.into_owned(),
    })
}

/// The text as the publishers' servers write it.
pub(super) fn cp932(text: &str) -> Vec<u8> {
    let (bytes, _, lost) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!lost, "not in CP932: {text}");
    bytes.into_owned()
}

/// Reads bytes under a layout, whether they are in it or not: any answer will do, but no panic. A panic
/// would show as an error of the kind that no other way leads to.
pub(super) fn survives(preset: Option<&str>, file_name: &str, bytes: &[u8]) -> Result<(), String> {
    let hint = FormatHint {
        file_name: Some(file_name.to_owned()),
        preset: preset.map(str::to_owned),
        ..FormatHint::default()
    };
    let options = IntakeOptions::default();
    let read = || -> Result<(), IntakeError> {
        let recognised = recognise(file(bytes), &hint)?;
        let contract = propose(&recognised, &options)?.contract;
        let contract = contract.validated().map_err(|e| IntakeError::Internal(e.to_string()))?;
        conform(&recognised, &contract, &options, &mut |_| Ok(()))?;
        Ok(())
    };
    match read() {
        Err(error) if error.to_string().contains("contradict each other") => Err(error.to_string()),
        Err(IntakeError::Internal(detail)) => Err(detail),
        _ => Ok(()),
    }
}

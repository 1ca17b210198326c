//! Files of tests' own, taken in as an agency would send them.

use std::{fs::File, io::Write};

use hub_model::{Change, ChangeKind, Contract, UploadReport};

use super::tests::show;
use crate::{FormatHint, IntakeError, IntakeOptions, Recognised, conform, propose, recognise};

/// What became of a file.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) preset: Option<&'static str>,
    pub(super) contract: Contract,
    pub(super) report: UploadReport,
    /// The stored names, then the rows, a line each.
    pub(super) lines: Vec<String>,
}

impl Taken {
    /// The rows' values in one column.
    pub(super) fn column(&self, name: &str) -> Vec<String> {
        let at = self.lines[0].split(" | ").position(|found| found == name).unwrap();
        self.lines[1..].iter().map(|l| l.split(" | ").nth(at).unwrap().to_owned()).collect()
    }

    /// The rows' values in some columns, those of the rows that `keep` takes.
    pub(super) fn rows(&self, names: &[&str]) -> Vec<String> {
        let columns: Vec<Vec<String>> = names.iter().map(|name| self.column(name)).collect();
        (0..self.lines.len() - 1)
            .map(|row| columns.iter().map(|c| c[row].clone()).collect::<Vec<_>>().join(" "))
            .collect()
    }

    pub(super) fn changes(&self, kind: ChangeKind) -> u64 {
        self.report.changes.iter().find(|c| c.kind == kind).map_or(0, |c: &Change| c.count)
    }

    /// The file's own cells that the report names.
    pub(super) fn wrong_cells(&self) -> Vec<String> {
        self.report.errors.iter().filter_map(|error| error.cell.clone()).collect()
    }
}

/// Bytes as a file of this name.
pub(super) fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// A file taken in under the contract that is proposed for it.
pub(super) fn taken(file_name: &str, bytes: &[u8]) -> Taken {
    let hint = FormatHint { file_name: Some(file_name.to_owned()), ..FormatHint::default() };
    conformed(&recognise(file(bytes), &hint).unwrap())
}

/// The same in the publishers' usual encoding.
pub(super) fn taken_in_cp932(file_name: &str, text: &str) -> Taken {
    taken(file_name, &encoding_rs::SHIFT_JIS.encode(text).0)
}

/// A real file; none where it is not there.
pub(super) fn taken_real(path: &str) -> Option<Taken> {
    let path = hub_testkit::shared::data_file(path)?;
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let hint = FormatHint { file_name: Some(name), ..FormatHint::default() };
    Some(conformed(&recognise(File::open(&path).unwrap(), &hint).unwrap()))
}

pub(super) fn conformed(recognised: &Recognised) -> Taken {
    let options = IntakeOptions::default();
    let contract = propose(recognised, &options).unwrap().contract.validated().unwrap();
    let mut lines = Vec::new();
    let report = conform(recognised, &contract, &options, &mut |conformed| {
        let text = show(&conformed.batch, conformed.batch.num_rows());
        let skip = usize::from(!lines.is_empty());
        lines.extend(text.lines().skip(skip).map(str::to_owned));
        Ok(())
    })
    .unwrap();
    Taken { preset: recognised.preset(), contract, report, lines }
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

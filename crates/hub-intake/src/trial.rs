//! A file tried: what it is taken for, what its contract is or could be, how its first rows would be
//! published, and all that is wrong with it. It is read as an upload is, and nothing comes of it.

use std::fs::File;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use chrono::DateTime;
use hub_model::{Contract, OnError, UploadReport, format_instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ArchiveTables, ConformedBatch, FormatHint, IntakeError, IntakeOptions, Preview, Proposal,
    archive_tables, conform::show_value, conform_keeping, preview, propose, recognise_within,
};

/// How many rows are shown as they would be published.
const ROWS: usize = 20;

/// What trying a file came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The tables, where the file is an archive of several; nothing else is there then.
    pub archive: Option<ArchiveTables>,
    /// What the file was taken for, and its first rows as they stand in it.
    pub preview: Option<Preview>,
    /// The names of a workbook's sheets.
    pub sheets: Vec<String>,
    /// A contract for the file, where none was given.
    pub proposal: Option<Proposal>,
    /// The first rows as they would be published: a value for each column of the contract.
    pub rows: Vec<Vec<Value>>,
    /// What an upload's report would be.
    pub report: Option<UploadReport>,
}

/// Tries a file against this contract, or against the one that is proposed for it where none is given.
pub fn try_file(
    file: File,
    hint: &FormatHint,
    contract: Option<&Contract>,
    options: &IntakeOptions,
) -> Result<Trial, IntakeError> {
    let mut trial = Trial {
        archive: None,
        preview: None,
        sheets: Vec::new(),
        proposal: None,
        rows: Vec::new(),
        report: None,
    };
    let recognised = match recognise_within(file.try_clone()?, hint, options) {
        Ok(recognised) => recognised,
        Err(error) => {
            let is_open = hint.table.is_none() && hint.preset.is_none();
            // Whatever else is wrong with an archive, the first error says it best.
            let archive = is_open.then(|| archive_tables(file, hint, options).ok().flatten());
            let Some(archive) = archive.flatten().filter(|archive| archive.is_mixture) else {
                return Err(error);
            };
            trial.archive = Some(archive);
            return Ok(trial);
        }
    };
    trial.preview = Some(preview(&recognised, options)?);
    trial.sheets = recognised.sheets()?;
    let contract = match contract {
        Some(contract) => contract.clone(),
        None => {
            let proposal = propose(&recognised, options)?;
            let contract = proposal.contract.clone().validated();
            trial.proposal = Some(proposal);
            contract.map_err(|error| IntakeError::Internal(error.to_string()))?
        }
    };
    // Rows beside a wrong cell are shown too, so such rows are set aside and not the whole file.
    let options = IntakeOptions { on_error: OnError::Quarantine, ..options.clone() };
    let rows = &mut trial.rows;
    let mut take = |conformed: ConformedBatch| {
        for row in 0..conformed.batch.num_rows().min(ROWS - rows.len()) {
            rows.push(conformed.batch.columns().iter().map(|cells| value(cells, row)).collect());
        }
        Ok(())
    };
    let mut report = conform_keeping(&recognised, &contract, &options, &mut take, &mut |_| Ok(()))?;
    (report.on_error, report.answered, report.kept_back) = (OnError::Reject, 0, 0);
    trial.report = Some(report);
    Ok(trial)
}

/// A cell of the storage schema as readers get it in JSON.
fn value(cells: &ArrayRef, row: usize) -> Value {
    if cells.is_null(row) {
        return Value::Null;
    }
    match cells.data_type() {
        DataType::Boolean => cells.as_boolean().value(row).into(),
        DataType::Int64 => cells.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => cells.as_primitive::<Int32Type>().value(row).into(),
        DataType::Float64 => cells.as_primitive::<Float64Type>().value(row).into(),
        DataType::Timestamp(..) => {
            let micros = cells.as_primitive::<TimestampMicrosecondType>().value(row);
            DateTime::from_timestamp_micros(micros)
                .map_or(Value::Null, |instant| format_instant(instant).into())
        }
        _ => show_value(cells, row).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conform::tests::file_of;

    fn tried(text: &str, contract: Option<&str>) -> Trial {
        let contract = contract.map(|json| Contract::parse(json.as_bytes()).unwrap());
        let (hint, options) = (FormatHint::default(), IntakeOptions::default());
        try_file(file_of(text.as_bytes()), &hint, contract.as_ref(), &options).unwrap()
    }

    #[test]
    fn a_trial_shows_rows_as_published_and_what_was_changed_to_read_them() {
        let trial = tried(
            "観測所,日時,水位(m)\n余市,令和8年4月1日 24時,１．５\n余市,2026/4/2 1:00,▲0.5\n",
            None,
        );
        let proposal = trial.proposal.unwrap();
        let names: Vec<_> = proposal.contract.fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["観測所", "日時", "水位(m)"]);
        assert_eq!(proposal.contract.fields[2].unit.as_ref().unwrap().as_str(), "m");
        assert_eq!(
            json!(trial.rows),
            json!([
                ["余市", "2026-04-02T00:00:00+09:00", 1.5],
                ["余市", "2026-04-02T01:00:00+09:00", -0.5],
            ])
        );
        let report = trial.report.unwrap();
        assert!(report.is_publishable() && !report.changes.is_empty(), "{report:?}");
        assert_eq!(trial.preview.unwrap().rows[0].cells[2], "１．５");
    }

    #[test]
    fn a_trial_against_a_contract_lists_what_breaks_it_and_shows_the_other_rows() {
        let contract = r#"{"fields":[{"name":"a","type":"string"},{"name":"b","type":"integer"}]}"#;
        let trial = tried("a,b\nx,many\ny,2\n", Some(contract));
        assert_eq!(trial.proposal, None);
        assert_eq!(json!(trial.rows), json!([["y", 2]]));
        let report = trial.report.unwrap();
        assert_eq!((report.error_count, report.on_error), (1, OnError::Reject));
        assert!(!report.is_publishable());
        // What travels from a worker comes whole.
        let again = tried("a,b\nx,many\ny,2\n", Some(contract));
        let sent = serde_json::to_vec(&again).unwrap();
        assert_eq!(serde_json::from_slice::<Trial>(&sent).unwrap(), again);
    }
}

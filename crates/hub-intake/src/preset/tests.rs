//! Publishers' layouts, read from real files where they are there.

use std::fs::File;

use arrow::{
    record_batch::RecordBatch,
    util::display::{ArrayFormatter, FormatOptions},
};
use hub_model::{Contract, UploadReport};

use crate::{FormatHint, IntakeOptions, conform, propose, recognise};

/// A real file taken in under the contract that is proposed for it: its layout's id, the report, and the
/// first rows as a table of text. None where the file is not there.
pub(super) fn read(
    path: &str,
    rows: usize,
) -> Option<(Option<&'static str>, UploadReport, String)> {
    let path = hub_testkit::shared::data_file(path)?;
    let hint = FormatHint {
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
        ..FormatHint::default()
    };
    let recognised = recognise(File::open(&path).unwrap(), &hint).unwrap();
    let options = IntakeOptions::default();
    let contract: Contract = propose(&recognised, &options).unwrap().contract.validated().unwrap();
    let mut batches = Vec::new();
    let report = conform(&recognised, &contract, &options, &mut |conformed| {
        batches.push(conformed.batch);
        Ok(())
    })
    .unwrap();
    let head = batches.first().map(|batch| show(batch, rows)).unwrap_or_default();
    Some((recognised.preset(), report, head))
}

/// The columns' stored names, then the first rows, a cell a column.
pub(super) fn show(batch: &RecordBatch, rows: usize) -> String {
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut lines = vec![names.join(" | ")];
    let options = FormatOptions::default().with_null("∅");
    let columns: Vec<_> = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
        .collect();
    for row in 0..rows.min(batch.num_rows()) {
        let cells: Vec<String> =
            columns.iter().map(|column| column.value(row).to_string()).collect();
        lines.push(cells.join(" | "));
    }
    lines.join("\n")
}

#[test]
fn jartic_type_b() {
    let Some((preset, report, head)) = read("traffic/jartic_typeB_dummy_type_b.csv", 2) else {
        return;
    };
    assert_eq!(preset, Some("jartic_type_b"));
    assert_eq!(report.error_count, 0, "{:?}", report.errors);
    insta::assert_snapshot!(head);
}

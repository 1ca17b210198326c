//! Rows of a file whose keys the dataset holds already. Only the store, which has those rows, finds them.

use hub_model::{CellError, Contract, ReportBuilder, Rule, Text, UploadReport};

/// The report with `count` rows whose primary key the dataset holds already, of which the first have the
/// numbers `rows`. At most `cap` errors are listed in all.
pub fn report_stored_keys(
    report: UploadReport,
    contract: &Contract,
    count: u64,
    rows: &[u64],
    cap: usize,
) -> UploadReport {
    let mut builder = ReportBuilder::resume(report, cap);
    let key = contract.primary_key.join(", ");
    let key_ja = contract.primary_key.join("・");
    let listed = &rows[..rows.len().min(usize::try_from(count).unwrap_or(usize::MAX))];
    for row in listed {
        builder.error(Rule::UniqueKey, || CellError {
            row: Some(*row),
            column: (contract.primary_key.len() == 1).then(|| contract.primary_key[0].clone()),
            cell: None,
            file: None,
            value: None,
            rule: Rule::UniqueKey,
            message: Text::new(
                format!("{row}行目と同じキー（{key_ja}）の行が、すでに公開されています"),
                format!("a row with the key ({key}) of row {row} is published already"),
            ),
            fix: Text::new(
                "公開済みの値を改めるときは mode=upsert で送ってください。同じ値なら、この行を削ってください",
                "to revise what is published, use mode=upsert; if it is the same, take the row out",
            ),
        });
    }
    builder.count(Rule::UniqueKey, count - listed.len() as u64);
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_counted_and_some_are_shown() {
        let contract = Contract::parse(
            r#"{"fields":[{"name":"駅","type":"string"}],"primaryKey":["駅"]}"#.as_bytes(),
        )
        .unwrap();
        let clean = ReportBuilder::new("csv", 10).finish();
        let report = report_stored_keys(clean, &contract, 5, &[2, 7], 10);
        assert_eq!((report.error_count, report.errors.len()), (5, 2));
        assert_eq!(report.errors[1].row, Some(7));
        assert!(report.errors[1].fix.en.contains("mode=upsert"));
        assert!(report.errors[1].message.ja.contains("キー（駅）"));
    }
}

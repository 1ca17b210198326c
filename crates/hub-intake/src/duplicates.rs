//! Rows of a file that have the same key. Only the store, which sorts the rows, finds them.

use hub_model::{CellError, Contract, ReportBuilder, Rule, Text, UploadReport};

/// The report with `count` rows whose primary key an earlier row has, of which `examples` are pairs of
/// (first row, row that repeats it). At most `cap` errors are listed in all.
pub fn report_duplicates(
    report: UploadReport,
    contract: &Contract,
    count: u64,
    examples: &[(u64, u64)],
    cap: usize,
) -> UploadReport {
    let mut builder = ReportBuilder::resume(report, cap);
    let key = contract.primary_key.join(", ");
    let key_ja = contract.primary_key.join("・");
    let listed = &examples[..examples.len().min(usize::try_from(count).unwrap_or(usize::MAX))];
    for &(first, again) in listed {
        builder.error(Rule::UniqueKey, || CellError {
            file: None,
            row: Some(again),
            column: (contract.primary_key.len() == 1).then(|| contract.primary_key[0].clone()),
            cell: None,
            value: None,
            rule: Rule::UniqueKey,
            message: Text::new(
                format!("{first}行目と{again}行目は、キー（{key_ja}）の値が同じです"),
                format!("rows {first} and {again} have the same key ({key})"),
            ),
            fix: Text::new(
                "どちらの行が正しいかを確かめ、もう一方を削ってください",
                "find out which of the two rows is right and take the other out",
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
    fn every_pair_is_counted_and_some_are_shown() {
        let contract = Contract::parse(
            r#"{"fields":[{"name":"駅","type":"string"}],"primaryKey":["駅"]}"#.as_bytes(),
        )
        .unwrap();
        let clean = ReportBuilder::new("csv", 10).finish();
        let report = report_duplicates(clean, &contract, 5, &[(2, 7), (3, 4)], 10);
        assert_eq!(report.error_count, 5);
        assert_eq!(report.errors_by_rule[&Rule::UniqueKey], 5);
        let rows: Vec<_> = report.errors.iter().map(|e| e.row).collect();
        assert_eq!(rows, [Some(4), Some(7)]);
        assert_eq!(report.errors[1].message.ja, "2行目と7行目は、キー（駅）の値が同じです");
    }
}

//! Rows whose key stands elsewhere too: in another row of the file, or in the dataset already. Only the store,
//! which sorts the rows and has those before, finds them.

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
    let fix = Text::new(
        "どちらの行が正しいかを確かめ、もう一方を削ってください",
        "find out which of the two rows is right and take the other out",
    );
    listed(report, contract, (count, examples), cap, &fix, |(first, again), key_ja, key| {
        let message = Text::new(
            format!("{first}行目と{again}行目は、キー（{key_ja}）の値が同じです"),
            format!("rows {first} and {again} have the same key ({key})"),
        );
        (*again, message)
    })
}

/// The report with `count` rows whose primary key the dataset holds already, of which the first have the
/// numbers `rows`. At most `cap` errors are listed in all.
pub fn report_stored_keys(
    report: UploadReport,
    contract: &Contract,
    count: u64,
    rows: &[u64],
    cap: usize,
) -> UploadReport {
    let fix = Text::new(
        "公開済みの値を改めるときは mode=upsert で送ってください。同じ値なら、この行を削ってください",
        "to revise what is published, use mode=upsert; if it is the same, take the row out",
    );
    listed(report, contract, (count, rows), cap, &fix, |row, key_ja, key| {
        let message = Text::new(
            format!("{row}行目と同じキー（{key_ja}）の行が、すでに公開されています"),
            format!("a row with the key ({key}) of row {row} is published already"),
        );
        (*row, message)
    })
}

/// The report with so many rows more, of which those found are listed: `told` gives the number of each and
/// what is wrong, from the names of the key in Japanese and English.
fn listed<T>(
    report: UploadReport,
    contract: &Contract,
    (count, found): (u64, &[T]),
    cap: usize,
    fix: &Text,
    told: impl Fn(&T, &str, &str) -> (u64, Text),
) -> UploadReport {
    let mut builder = ReportBuilder::resume(report, cap);
    let key = contract.primary_key.join(", ");
    let key_ja = contract.primary_key.join("・");
    let listed = &found[..found.len().min(usize::try_from(count).unwrap_or(usize::MAX))];
    for one in listed {
        builder.error(Rule::UniqueKey, || {
            let (row, message) = told(one, &key_ja, &key);
            CellError {
                file: None,
                row: Some(row),
                column: (contract.primary_key.len() == 1).then(|| contract.primary_key[0].clone()),
                cell: None,
                value: None,
                rule: Rule::UniqueKey,
                message,
                fix: fix.clone(),
            }
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

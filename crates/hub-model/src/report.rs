//! The report of an upload: what was understood of the file, what was changed to read it, and every cell
//! that breaks the contract.

mod answer;
mod change;
mod coverage;
mod layout;

pub use answer::OnError;
pub use change::{Change, ChangeExample, ChangeKind};
pub use coverage::{Coverage, Gap, Gaps};
pub use layout::{LayoutReport, PresetName};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::Text;

/// The rule that a cell, a row or a file breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The value is not of the column's type.
    Type,
    /// The value cannot be kept without loss, such as a fraction in a column of whole numbers.
    Lossless,
    /// A value must be there.
    Required,
    /// The value is under the least allowed.
    Minimum,
    /// The value is over the greatest allowed.
    Maximum,
    /// The text is too short.
    MinLength,
    /// The text is too long.
    MaxLength,
    /// The text is not of the pattern.
    Pattern,
    /// The value is not among those allowed.
    Enum,
    /// The code's check digit is not that of the other digits.
    CheckDigit,
    /// The place is not one that is known.
    KnownPlace,
    /// The number is in another unit than the column.
    Unit,
    /// The cell can be read in two ways.
    TwoReadings,
    /// The file looks as if it were about persons.
    PersonalData,
    /// Another row of the file has the same key.
    UniqueKey,
    /// The bytes are not text in the file's encoding.
    Encoding,
    /// The row has more or fewer cells than the header.
    RowShape,
    /// The file lacks a column of the contract.
    MissingColumn,
    /// The file has a column that the contract does not.
    UnknownColumn,
}

/// One place in the file that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellError {
    /// The file within an archive of several, as the archive names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The row as a person counts it in the file: line 1 is a CSV file's header; rows of other formats
    /// count from 1. None where the whole file is meant.
    pub row: Option<u64>,
    /// The column, as the file names it.
    pub column: Option<String>,
    /// The cell as a spreadsheet names it, such as `C12`, where the file's own cell is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// The value as it stands in the file, cut to a readable length.
    pub value: Option<String>,
    /// The rule it breaks.
    pub rule: Rule,
    /// What is wrong.
    pub message: Text,
    /// What to do about it.
    pub fix: Text,
}

/// Something that is likely not meant and yet keeps the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The row as in [`CellError`]; none where a column or the whole file is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column, as the file names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The value as it stands in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What looks wrong.
    pub message: Text,
    /// What to look at.
    pub fix: Text,
}

/// How one column was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// The contract's name of it.
    pub name: String,
    /// The file's name of it, where the file has it.
    pub source: Option<String>,
    /// Cells without a value.
    pub missing: u64,
}

/// From the first to the last instant of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The earliest.
    #[serde(serialize_with = "in_japanese_time")]
    pub first: DateTime<Utc>,
    /// The latest.
    #[serde(serialize_with = "in_japanese_time")]
    pub last: DateTime<Utc>,
}

fn in_japanese_time<S: Serializer>(
    instant: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::format_instant(*instant))
}

/// What the hub understood of a file, and what is wrong with it. It is kept with the upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadReport {
    /// The format the file was read as.
    pub format: String,
    /// The text encoding, for text formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// How the table lies in the file, where that is more than a header and rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutReport>,
    /// Rows read.
    pub rows: u64,
    /// The contract's columns, and where each was found.
    pub columns: Vec<ColumnReport>,
    /// The span of the time column, where there is one and it has values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// How many places break a rule, also those past the list's cap.
    pub error_count: u64,
    /// The first of them, in the order of the file.
    pub errors: Vec<CellError>,
    /// How many there are of each rule, over the whole file.
    pub errors_by_rule: std::collections::BTreeMap<Rule, u64>,
    /// What was asked to be done with errors.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_error: OnError,
    /// How many of the errors were answered as asked, so that the rest of the file can be published.
    #[serde(default, skip_serializing_if = "is_default")]
    pub answered: u64,
    /// Rows kept back from publication.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kept_back: u64,
    /// Values whose quality was set to doubtful because of an error.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flagged: u64,
    /// How completely the file covers its period, where its contract has a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// What was changed of the file's cells to read them, by kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What keeps the contract and looks wrong all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

impl UploadReport {
    /// Whether the file keeps the contract.
    pub fn is_clean(&self) -> bool {
        self.error_count == 0
    }

    /// Whether the rows that were given out may be published: every error was answered by keeping its
    /// row back or by flagging its value, and some row is left unless the file has none.
    pub fn is_publishable(&self) -> bool {
        self.error_count == self.answered && (self.rows == 0 || self.rows > self.kept_back)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Gathers a report while a file is read; holds at most `cap` errors however many there are.
#[derive(Debug)]
pub struct ReportBuilder {
    report: UploadReport,
    cap: usize,
}

impl ReportBuilder {
    /// A report for a file of this format that lists at most `cap` errors.
    pub fn new(format: impl Into<String>, cap: usize) -> Self {
        Self {
            report: UploadReport {
                format: format.into(),
                encoding: None,
                layout: None,
                rows: 0,
                columns: Vec::new(),
                period: None,
                error_count: 0,
                errors: Vec::new(),
                errors_by_rule: std::collections::BTreeMap::new(),
                on_error: OnError::default(),
                answered: 0,
                kept_back: 0,
                flagged: 0,
                coverage: None,
                changes: Vec::new(),
                warnings: Vec::new(),
            },
            cap,
        }
    }

    /// Goes on with a report that was finished before, as when a later step finds more.
    pub fn resume(report: UploadReport, cap: usize) -> Self {
        Self { report, cap }
    }

    /// The report so far, to set what was understood.
    pub fn report_mut(&mut self) -> &mut UploadReport {
        &mut self.report
    }

    /// Counts one error; `describe` runs only while the list has room.
    pub fn error(&mut self, rule: Rule, describe: impl FnOnce() -> CellError) {
        self.count(rule, 1);
        if self.report.errors.len() < self.cap {
            self.report.errors.push(describe());
        }
    }

    /// Counts errors of a rule that are not listed one by one.
    pub fn count(&mut self, rule: Rule, errors: u64) {
        if errors > 0 {
            self.report.error_count += errors;
            *self.report.errors_by_rule.entry(rule).or_default() += errors;
        }
    }

    /// How many errors were counted.
    pub fn error_count(&self) -> u64 {
        self.report.error_count
    }

    /// The finished report, its errors in the order of the file.
    pub fn finish(mut self) -> UploadReport {
        self.report.errors.sort_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_capped_and_the_count_is_not() {
        let mut builder = ReportBuilder::new("csv", 2);
        for row in [5, 3, 4] {
            builder.error(Rule::Type, || CellError {
                file: None,
                row: Some(row),
                column: Some("level".to_owned()),
                cell: None,
                value: Some("x".to_owned()),
                rule: Rule::Type,
                message: Text::default(),
                fix: Text::default(),
            });
        }
        builder.count(Rule::UniqueKey, 7);
        let report = builder.finish();
        assert_eq!(report.error_count, 10);
        assert_eq!(report.errors.iter().map(|e| e.row).collect::<Vec<_>>(), [Some(3), Some(5)]);
        assert_eq!(report.errors_by_rule[&Rule::UniqueKey], 7);
    }
}

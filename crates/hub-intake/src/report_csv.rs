//! A report as CSV, such as spreadsheet programs open.

use std::io::{self, Write};

use hub_model::{Rule, Text, UploadReport};

use crate::sheet::SheetWriter;

/// In which language a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// Japanese.
    #[default]
    Japanese,
    /// English.
    English,
}

impl Language {
    fn pick(self, text: &Text) -> &str {
        match self {
            Self::Japanese => &text.ja,
            Self::English => &text.en,
        }
    }

    fn of<'a>(self, ja: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Japanese => ja,
            Self::English => en,
        }
    }
}

/// Writes the errors, the warnings and the changes of a report, one a row, with the place in the file that
/// each is about. `out` should be buffered; it is given back flushed.
pub fn report_csv<W: Write>(report: &UploadReport, language: Language, out: W) -> io::Result<W> {
    let mut sheet = SheetWriter::new(out);
    let header = match language {
        Language::Japanese => ["種類", "行", "列", "セル", "値", "規則", "内容", "直し方"],
        Language::English => ["kind", "row", "column", "cell", "value", "rule", "message", "fix"],
    };
    sheet.row(header.into_iter())?;
    let number = |row: Option<u64>| row.map(|row| row.to_string()).unwrap_or_default();
    for error in &report.errors {
        let cells = [
            language.of("誤り", "error"),
            &number(error.row),
            error.column.as_deref().unwrap_or_default(),
            error.cell.as_deref().unwrap_or_default(),
            error.value.as_deref().unwrap_or_default(),
            rule_word(error.rule, language),
            language.pick(&error.message),
            language.pick(&error.fix),
        ];
        sheet.row(cells.into_iter())?;
    }
    let unlisted = report.error_count.saturating_sub(report.errors.len() as u64);
    if unlisted > 0 {
        let note = match language {
            Language::Japanese => format!("ほかに{unlisted}か所あります"),
            Language::English => format!("{unlisted} more are not listed"),
        };
        let kind = language.of("誤り", "error");
        sheet.row([kind, "", "", "", "", "", &note, ""].into_iter())?;
    }
    for warning in &report.warnings {
        let cells = [
            language.of("注意", "warning"),
            &number(warning.row),
            warning.column.as_deref().unwrap_or_default(),
            "",
            warning.value.as_deref().unwrap_or_default(),
            "",
            language.pick(&warning.message),
            language.pick(&warning.fix),
        ];
        sheet.row(cells.into_iter())?;
    }
    for change in &report.changes {
        let what = match language {
            Language::Japanese => format!("{}（{}か所）", change.message.ja, change.count),
            Language::English => format!("{} ({} in all)", change.message.en, change.count),
        };
        let kind = language.of("変更", "change");
        if change.examples.is_empty() {
            sheet.row([kind, "", "", "", "", "", &what, ""].into_iter())?;
        }
        for example in &change.examples {
            let after = match language {
                Language::Japanese if example.after.is_empty() => what.clone(),
                Language::English if example.after.is_empty() => what.clone(),
                Language::Japanese => format!("{what}：「{}」と読みました", example.after),
                Language::English => format!("{what}: read as {:?}", example.after),
            };
            let cells = [
                kind,
                &number(example.row),
                example.column.as_deref().unwrap_or_default(),
                example.cell.as_deref().unwrap_or_default(),
                &example.before,
                "",
                &after,
                "",
            ];
            sheet.row(cells.into_iter())?;
        }
    }
    sheet.finish()
}

/// What a rule is called.
fn rule_word(rule: Rule, language: Language) -> &'static str {
    let (ja, en) = match rule {
        Rule::Type => ("型", "type"),
        Rule::Lossless => ("値が失われる", "lossless"),
        Rule::Required => ("必須", "required"),
        Rule::Minimum => ("下限", "minimum"),
        Rule::Maximum => ("上限", "maximum"),
        Rule::MinLength => ("文字数の下限", "shortest"),
        Rule::MaxLength => ("文字数の上限", "longest"),
        Rule::Pattern => ("形", "pattern"),
        Rule::Enum => ("決められた値", "allowed values"),
        Rule::CheckDigit => ("検査数字", "check digit"),
        Rule::KnownPlace => ("知られた場所", "known place"),
        Rule::Unit => ("単位", "unit"),
        Rule::TwoReadings => ("2通りの読み方", "two readings"),
        Rule::PersonalData => ("個人情報", "personal data"),
        Rule::UniqueKey => ("キーの重なり", "unique key"),
        Rule::Encoding => ("文字コード", "encoding"),
        Rule::RowShape => ("列の数", "cells of the row"),
        Rule::MissingColumn => ("足りない列", "missing column"),
        Rule::UnknownColumn => ("契約にない列", "unknown column"),
    };
    match language {
        Language::Japanese => ja,
        Language::English => en,
    }
}

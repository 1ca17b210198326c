//! The report on a refused file, as a table that can be worked through beside the file.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::Value;

use crate::cli::{
    output::{Language, clean, count, counted, text_in},
    table::Table,
};

/// How many errors are printed; the whole report can be saved.
const SHOWN: usize = 100;

/// What is read of a report. It is not the model's own type, so that a hub that knows more rules than
/// this program still has its report shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReportView {
    rows: u64,
    error_count: u64,
    errors: Vec<ErrorView>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorView {
    row: Option<u64>,
    column: Option<String>,
    value: Option<String>,
    message: Value,
    fix: Value,
}

/// Writes a report's errors, one a line; `width` is the terminal's.
pub(crate) fn write(
    out: &mut dyn Write,
    report: &Value,
    language: Language,
    width: Option<usize>,
) -> io::Result<()> {
    let Ok(report) = ReportView::deserialize(report) else {
        return writeln!(out, "{report:#}");
    };
    let headers = match language {
        Language::Ja => ["行", "列", "値", "誤り", "直し方"],
        Language::En => ["row", "column", "value", "what is wrong", "what to do"],
    };
    let mut table = Table::new(headers).right(0).wrap(3).wrap(4);
    for error in report.errors.iter().take(SHOWN) {
        table.push(vec![
            error.row.map(|row| row.to_string()).unwrap_or_default(),
            clean(error.column.as_deref().unwrap_or_default()).into_owned(),
            clean(error.value.as_deref().unwrap_or_default()).into_owned(),
            text_in(Some(&error.message), language),
            text_in(Some(&error.fix), language),
        ]);
    }
    table.write(out, width)?;
    let shown = report.errors.len().min(SHOWN) as u64;
    let (errors, rows) = (count(report.error_count), count(report.rows));
    match language {
        Language::Ja => {
            write!(out, "\n{rows} 行を読み、誤りは {errors} か所でした。")?;
            if shown < report.error_count {
                write!(out, "そのうち初めの {} か所を示しています。", count(shown))?;
            }
            writeln!(out, "何も公開されていません。")
        }
        Language::En => {
            let verb = if report.error_count == 1 { "is" } else { "are" };
            let (places, rows) =
                (counted(report.error_count, "place"), counted(report.rows, "row"));
            write!(out, "\n{places} {verb} wrong in {rows}")?;
            if shown < report.error_count {
                write!(out, "; the first {} are shown", count(shown))?;
            }
            writeln!(out, ". Nothing was published.")
        }
    }
}

#[cfg(test)]
mod tests {
    use hub_model::{CellError, ReportBuilder, Rule, Text};

    use super::*;

    fn report() -> Value {
        let mut builder = ReportBuilder::new("csv", 2);
        builder.report_mut().rows = 8_760;
        builder.error(Rule::Type, || CellError {
            file: None,
            row: Some(12),
            column: Some("流量".into()),
            cell: None,
            value: Some("欠測".into()),
            rule: Rule::Type,
            message: Text::new("数値ではありません", "this is not a number"),
            fix: Text::new(
                "値がないときは空にしてください",
                "leave the cell empty where there is no value",
            ),
        });
        builder.error(Rule::MissingColumn, || CellError {
            file: None,
            row: None,
            column: Some("station".into()),
            cell: None,
            value: None,
            rule: Rule::MissingColumn,
            message: Text::new("", "the file has no such column"),
            fix: Text::new("", "add the column"),
        });
        builder.count(Rule::Type, 40);
        serde_json::to_value(builder.finish()).unwrap()
    }

    fn shown(report: &Value, language: Language, width: Option<usize>) -> String {
        let mut out = Vec::new();
        write(&mut out, report, language, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report_says_where_what_and_what_to_do() {
        insta::assert_snapshot!(shown(&report(), Language::En, None), @r"
    row  column   value  what is wrong                what to do
    ---  -------  -----  ---------------------------  --------------------------------------------
         station         the file has no such column  add the column
     12  流量     欠測   this is not a number         leave the cell empty where there is no value

    42 places are wrong in 8,760 rows; the first 2 are shown. Nothing was published.
    ");
        insta::assert_snapshot!(shown(&report(), Language::Ja, None), @r"
    行  列       値    誤り                         直し方
    --  -------  ----  ---------------------------  ------------------------------
        station        the file has no such column  add the column
    12  流量     欠測  数値ではありません           値がないときは空にしてください

    8,760 行を読み、誤りは 42 か所でした。そのうち初めの 2 か所を示しています。何も公開されていません。
    ");
    }

    #[test]
    fn a_report_fits_a_narrow_terminal() {
        insta::assert_snapshot!(shown(&report(), Language::En, Some(60)), @r"
    row  column   value  what is wrong        what to do
    ---  -------  -----  -------------------  ------------------
         station         the file has no      add the column
                         such column
     12  流量     欠測   this is not a        leave the cell
                         number               empty where there
                                              is no value

    42 places are wrong in 8,760 rows; the first 2 are shown. Nothing was published.
    ");
    }

    #[test]
    fn a_rule_this_program_does_not_know_is_still_shown() {
        let mut report = report();
        report["errors"][0]["rule"] = "leap_second".into();
        report["errors_by_rule"]["leap_second"] = 1.into();
        assert!(shown(&report, Language::En, None).contains("this is not a number"));
    }
}

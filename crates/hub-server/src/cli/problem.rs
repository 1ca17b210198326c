//! Problems (RFC 9457) as the hub answers them, and how they are told. Whatever a hub of another
//! version leaves out or adds, what is there is shown.

use serde::Deserialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::cli::output::{clean, clean_lines, show_value};

/// An error answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) status: u16,
    pub(crate) detail: Option<String>,
    /// The request's id in the hub's log.
    pub(crate) instance: Option<String>,
    pub(crate) errors: Vec<Item>,
    pub(crate) position: Option<Position>,
    pub(crate) suggestions: Vec<Value>,
    /// Of refused uploads: which one.
    pub(crate) upload_id: Option<String>,
    /// Of refused uploads.
    pub(crate) report: Option<Value>,
    /// Of refused archives: each table that breaks its contract.
    pub(crate) tables: Vec<Value>,
}

/// One of many things that are wrong.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    pub(crate) pointer: Option<String>,
    pub(crate) message: String,
}

/// A place in an SQL text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Problem {
    /// Whether it is a statement that is wrong, rather than data.
    pub(crate) fn is_about_sql(&self) -> bool {
        self.position.is_some()
            || self.kind.rsplit('/').next().is_some_and(|slug| slug.starts_with("sql"))
    }

    /// The problem as it is told; `sql` is the statement that was sent, if one was.
    pub(crate) fn show(&self, sql: Option<&str>) -> String {
        let mut text =
            clean(if self.title.is_empty() { "the hub refused" } else { &self.title }).into_owned();
        if let Some(detail) = self.detail.as_ref().filter(|d| !d.is_empty()) {
            for line in clean_lines(detail).lines() {
                text.push_str(&format!("\n  {line}"));
            }
        }
        if let (Some(sql), Some(position)) = (sql, self.position)
            && let Some(marked) = caret(sql, position)
        {
            text.push_str(&format!("\n\n{marked}"));
        }
        if !self.suggestions.is_empty() {
            let names: Vec<String> = self.suggestions.iter().map(show_value).collect();
            text.push_str(&format!("\n  Did you mean {}?", names.join(" or ")));
        }
        for item in &self.errors {
            let message = clean(&item.message);
            match item.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
                Some(pointer) => text.push_str(&format!("\n  - {}: {message}", clean(pointer))),
                None => text.push_str(&format!("\n  - {message}")),
            }
        }
        if let Some(id) = &self.instance {
            text.push_str(&format!("\n  request id: {}", clean(id)));
        }
        text
    }
}

/// How much of a long line is shown on either side of the place that is meant, in characters.
const BESIDE: usize = 60;

/// The line of a statement with a caret under the place that is meant; nothing where there is no such
/// place.
fn caret(sql: &str, position: Position) -> Option<String> {
    let line = sql.split('\n').nth(position.line.checked_sub(1)?)?.trim_end();
    let characters: Vec<char> = line.chars().collect();
    let at = position.column.checked_sub(1)?.min(characters.len());
    let shown = |from: usize, to: usize| {
        let part: String = characters[from..to].iter().collect();
        clean(&part.replace('\t', " ")).into_owned()
    };
    let from = at.saturating_sub(BESIDE);
    let to = characters.len().min(at + BESIDE);
    let before = format!("{}{}", if from > 0 { ".." } else { "" }, shown(from, at));
    let after = format!("{}{}", shown(at, to), if to < characters.len() { ".." } else { "" });
    let number = format!("  {} | ", position.line);
    let margin = " ".repeat(number.len() - 2);
    Some(format!("{number}{before}{after}\n{margin}| {}^", " ".repeat(before.width())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(json: Value) -> Problem {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_sql_problem_shows_the_place_and_the_nearest_names() {
        let problem = problem(serde_json::json!({
            "type": "/problems/sql-invalid", "title": "the SQL can't be run", "status": 400,
            "detail": "There is no column \"levle\".", "instance": "0198-77",
            "position": {"line": 2, "column": 12}, "suggestions": ["level", "level_max"],
        }));
        let sql = "SELECT station,\n  avg(流量), levle\nFROM kaihatsu.river";
        insta::assert_snapshot!(problem.show(Some(sql)), @r#"
    the SQL can't be run
      There is no column "levle".

      2 |   avg(流量), levle
        |              ^
      Did you mean level or level_max?
      request id: 0198-77
    "#);
        assert!(problem.is_about_sql());
    }

    #[test]
    fn a_problem_lists_all_that_is_wrong() {
        let problem = problem(serde_json::json!({
            "title": "the contract is not valid", "status": 422,
            "errors": [
                {"pointer": "/contract/fields/3/unit", "message": "not a UCUM code"},
                {"message": "there is no time column\u{1b}[31m"},
            ],
            "something_new": {"a": 1},
        }));
        insta::assert_snapshot!(problem.show(None), @r"
    the contract is not valid
      - /contract/fields/3/unit: not a UCUM code
      - there is no time column\u{1b}[31m
    ");
        assert!(!problem.is_about_sql());
    }

    #[test]
    fn a_caret_stands_under_the_place_in_long_lines_too() {
        let sql = format!("SELECT {} FROM river.flow", "観測所, ".repeat(40));
        let marked = caret(&sql, Position { line: 1, column: 140 }).unwrap();
        insta::assert_snapshot!(marked, @r"
    1 | ..所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測所, 観測..
      |                                                                                                   ^
    ");
    }

    #[test]
    fn a_place_outside_the_statement_is_not_shown() {
        assert_eq!(caret("SELECT 1", Position { line: 2, column: 1 }), None);
        assert_eq!(caret("SELECT 1", Position { line: 0, column: 1 }), None);
        let end = caret("SELECT", Position { line: 1, column: 99 }).unwrap();
        assert_eq!(end, "  1 | SELECT\n    |       ^");
    }

    proptest! {
        #[test]
        fn any_place_of_any_text_can_be_asked_for(sql in ".{0,200}", line in 0usize..4, column in 0usize..300) {
            if let Some(marked) = caret(&sql, Position { line, column }) {
                prop_assert!(marked.ends_with('^'));
            }
        }
    }
}

//! An `.slt` file as its records; what they ask is not run here.

use serde_json::Value;

/// One thing that a file says, with the line it begins at.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub(super) line: usize,
    pub(super) step: Step,
}

#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// A public dataset is made, with these rows.
    Dataset { id: String, contract: Value, csv: String },
    /// A statement is asked.
    Query { sql: String, expected: Expected },
}

#[derive(Debug, PartialEq)]
pub(super) enum Expected {
    /// These rows, in this order unless they are sorted first.
    Rows { types: Option<String>, sorted: bool, rows: Vec<String> },
    /// A problem of this kind whose detail holds each of these texts.
    Error { slug: String, said: Vec<String> },
}

const DIVIDER: &str = "----";

/// Reads a file's records. Between records there are empty lines and comments.
pub(super) fn parse(text: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut lines = text.lines().zip(1..).peekable();
    while let Some((head, line)) = lines.next() {
        if head.trim().is_empty() || head.starts_with('#') {
            continue;
        }
        let mut body: Vec<&str> = Vec::new();
        while let Some((text, _)) = lines.next_if(|(text, _)| !text.trim().is_empty()) {
            body.push(text);
        }
        let step = step(head, &body).map_err(|problem| format!("line {line}: {problem}"))?;
        records.push(Record { line, step });
    }
    Ok(records)
}

fn step(head: &str, body: &[&str]) -> Result<Step, String> {
    let divider = body
        .iter()
        .position(|line| *line == DIVIDER)
        .ok_or_else(|| format!("the record has no line {DIVIDER}; empty lines end a record"))?;
    let (before, after) = (body[..divider].join("\n"), &body[divider + 1..]);
    let words: Vec<&str> = head.split_whitespace().collect();
    match words.as_slice() {
        ["dataset", id] => Ok(Step::Dataset {
            id: (*id).to_owned(),
            contract: serde_json::from_str(&before).map_err(|e| format!("the contract: {e}"))?,
            csv: after.iter().flat_map(|line| [line, "\n"]).collect(),
        }),
        ["query", "error", slug] => Ok(Step::Query {
            sql: before,
            expected: Expected::Error {
                slug: (*slug).to_owned(),
                said: after.iter().map(|line| (*line).to_owned()).collect(),
            },
        }),
        ["query", options @ ..] => {
            let (sorted, types) = match options {
                [] => (false, None),
                ["rowsort"] => (true, None),
                [types] => (false, Some(types)),
                [types, "rowsort"] => (true, Some(types)),
                _ => return Err(format!("{head:?} is no query; write query, its types, rowsort")),
            };
            let rows = after.iter().map(|line| (*line).to_owned()).collect();
            let types = types.map(|types| (*types).to_owned());
            Ok(Step::Query { sql: before, expected: Expected::Rows { types, sorted, rows } })
        }
        _ => Err(format!("{head:?} begins no record; write query, query error or dataset")),
    }
}

#[test]
fn records_are_read_with_their_lines() {
    let text = "# a comment\n\nquery IT rowsort\nSELECT 1,\n 'a b'\n----\n1 a b\n\n\
                query error sql-invalid\nSELEC\n----\n\n\
                dataset a.b\n{\"fields\":\n[]}\n----\nx,y\n1,2\n";
    let records = parse(text).expect("it is well formed");
    assert_eq!(records.iter().map(|record| record.line).collect::<Vec<_>>(), [3, 9, 13]);
    let rows = Expected::Rows {
        types: Some("IT".to_owned()),
        sorted: true,
        rows: vec!["1 a b".to_owned()],
    };
    assert_eq!(
        records[0].step,
        Step::Query { sql: "SELECT 1,\n 'a b'".to_owned(), expected: rows }
    );
    let refused = Expected::Error { slug: "sql-invalid".to_owned(), said: Vec::new() };
    assert_eq!(records[1].step, Step::Query { sql: "SELEC".to_owned(), expected: refused });
    let Step::Dataset { id, contract, csv } = &records[2].step else { panic!("{records:?}") };
    assert_eq!((id.as_str(), csv.as_str()), ("a.b", "x,y\n1,2\n"));
    assert_eq!(contract["fields"], serde_json::json!([]));
    for (wrong, told) in [
        ("query\nSELECT 1\n", "no line ----"),
        ("ask\nSELECT 1\n----\n", "begins no record"),
        ("query I rowsort twice\nSELECT 1\n----\n", "is no query"),
        ("dataset a.b\n{\n----\n", "the contract"),
    ] {
        let problem = parse(wrong).expect_err(wrong);
        assert!(problem.starts_with("line 1: ") && problem.contains(told), "{problem}");
    }
}

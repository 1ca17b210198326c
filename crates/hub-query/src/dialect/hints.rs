//! Another way, for what people write and the hub does not read.

use datafusion::common::{DataFusionError, Result};

use crate::error::QueryError;

/// Refuses a statement while it is planned, in words for who wrote it.
pub(crate) fn refused<T>(message: impl Into<String>) -> Result<T> {
    Err(DataFusionError::External(Box::new(QueryError::invalid(message, None))))
}

/// What may be written instead of a statement that begins with this word.
pub(crate) fn instead_of_statement(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_uppercase().as_str() {
        "PIVOT" => {
            "PIVOT stands behind a table here: SELECT * FROM (SELECT key, month, x FROM t) PIVOT (sum(x) \
             FOR month IN (1, 2, 3))"
        }
        "UNPIVOT" => {
            "UNPIVOT stands behind a table here: SELECT * FROM t UNPIVOT (value FOR name IN (a, b, c))"
        }
        "SUMMARIZE" => {
            "SUMMARIZE is not offered; select count(*), min, max and avg of the columns, or see the \
             dataset's page"
        }
        "TABLE" => "write SELECT * FROM … for TABLE …",
        _ => return None,
    })
}

/// What may be done instead, for an error of the planner that tells what it can't do.
pub(crate) fn instead_of_plan(message: &str) -> Option<&'static str> {
    const WAYS: [(&str, &str); 2] = [
        (
            "logical expression",
            "EXISTS and IN (SELECT …) are asked in WHERE; among the columns write (SELECT count(*) FROM … \
             WHERE …) > 0. A subquery that depends on the row outside of it can only be asked for equal \
             columns, without LIMIT; for the nearest row before or after use ASOF JOIN, for the first rows of \
             each key row_number() OVER (PARTITION BY key ORDER BY time) in a WITH clause",
        ),
        ("MATCH_RECOGNIZE", "MATCH_RECOGNIZE is not offered; use lag() and lead() windows"),
    ];
    WAYS.iter().find(|(theirs, _)| message.contains(theirs)).map(|(_, way)| *way)
}

/// What may be called instead of a function of another database.
pub(crate) fn instead_of_function(name: &str) -> Option<&'static str> {
    Some(match name {
        "date_diff" | "datediff" | "timestampdiff" => {
            "subtract the times, b - a, or their parts: date_part('epoch', b - a) / 3600 are hours"
        }
        "age" => "subtract the times: b - a",
        "format" | "printf" => "join the parts by ||, and write times by to_char(time, '%Y-%m-%d')",
        "mode" => {
            "group by the value and take the first: SELECT x … GROUP BY x ORDER BY count(*) DESC LIMIT 1"
        }
        "dateadd" | "date_add" => "add an interval: time + INTERVAL '1 day'",
        "isnull" => "write x IS NULL, or coalesce(x, other)",
        "getdate" | "sysdate" => "call now()",
        "columns" => "name the columns, or leave some out: SELECT * EXCLUDE (a, b)",
        "to_number" => "cast the text: x::double",
        "convert_timezone" => "write time AT TIME ZONE 'UTC'",
        "read_csv" | "read_parquet" | "read_json" | "glob" => {
            "only datasets are read here; upload the file to one first"
        }
        _ => return None,
    })
}

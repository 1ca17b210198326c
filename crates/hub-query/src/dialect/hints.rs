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

/// What may be written instead of a sign that another database reads, behind the character before it.
pub(crate) fn instead_of_sign(before: Option<char>, sign: &str) -> Option<&'static str> {
    Some(match (before, sign) {
        (Some('/'), "/") => "there is no //; a / b of whole numbers is whole",
        (Some('*'), "*") => "there is no **; a power is a ^ b",
        (_, "?") => {
            "there is no ?; parameters are $1, $2 and so on, with their values beside the SQL"
        }
        (_, "{") => "there is no {'a': 1}; write named_struct('a', 1), or the values as columns",
        _ => return None,
    })
}

/// What may be done instead, for an error of the planner that tells what it can't do.
pub(crate) fn instead_of_plan(message: &str) -> Option<&'static str> {
    const WAYS: [(&str, &str); 3] = [
        (
            "logical expression",
            "EXISTS and IN (SELECT …) are asked in WHERE; among the columns write (SELECT count(*) FROM … \
             WHERE …) > 0. A subquery that depends on the row outside of it has its own table, equal columns as its \
             conditions, and ORDER BY and LIMIT where it is LATERAL or gives one value, without OFFSET; \
             values computed of the outer row alone stand in a subquery around its table. For the nearest \
             row before or after use ASOF JOIN, for the first rows of each key row_number() OVER (PARTITION \
             BY key ORDER BY time) in a WITH clause",
        ),
        (
            "Operator #>",
            "there is no #> and no #>>; a part is x -> 'a' -> 'b', as plain text x -> 'a' ->> 'b'",
        ),
        ("MATCH_RECOGNIZE", "MATCH_RECOGNIZE is not offered; use lag() and lead() windows"),
    ];
    if message == "TOP" {
        return Some("there is no TOP; write LIMIT 5 at the end");
    }
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
        "getdate" | "sysdate" | "localtimestamp" | "localtime" => "call now()",
        "group_concat" | "wm_concat" => "call string_agg(x, ',' ORDER BY x)",
        "row_to_json" | "to_json" | "to_jsonb" | "json_object" | "json_build_object" => {
            "JSON is looked into and not made here; select the columns, and ask for the answer in JSON"
        }
        "st_makepoint" => "write ST_Point(longitude, latitude)",
        "st_transform" | "st_setsrid" | "st_srid" => {
            "geometries are in degrees of longitude and latitude, and lengths in metres: leave it out"
        }
        "st_extent" => "write min(ST_XMin(g)), min(ST_YMin(g)), max(ST_XMax(g)), max(ST_YMax(g))",
        "columns" => "name the columns, or leave some out: SELECT * EXCLUDE (a, b)",
        "to_number" => "cast the text: x::double",
        "convert_timezone" => "write time AT TIME ZONE 'UTC'",
        "read_csv" | "read_parquet" | "read_json" | "glob" => {
            "only datasets are read here; upload the file to one first"
        }
        _ => return None,
    })
}

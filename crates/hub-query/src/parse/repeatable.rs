//! Whether a statement asks for the same rows each time it is run on the same versions.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, FunctionArguments, Statement, visit_expressions};
use hub_model::Text;

use super::ties::{self, PrimaryKeys, Tie};
use crate::functions;

/// Aggregates whose value follows the order in which rows come, unless they are told one.
const BY_ORDER: [&str; 7] =
    ["array_agg", "string_agg", "first_value", "last_value", "nth_value", "any_value", "listagg"];

/// Aggregates that estimate, and estimate otherwise where the rows are parted otherwise.
const ESTIMATED: [&str; 4] = [
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
];

/// The first function that the statement calls and whose answer depends on more than its arguments.
pub(super) fn volatile_call(statement: &Statement) -> Option<&'static str> {
    called(statement, |name| functions::volatile().get(name).map(String::as_str))
}

/// The first of the statement's calls that is sought, by the name that it is sought by.
fn called(
    statement: &Statement,
    sought: impl Fn(&str) -> Option<&'static str>,
) -> Option<&'static str> {
    let found = visit_expressions(statement, |expression| {
        if let Expr::Function(call) = expression
            && let Some(ident) = call.name.0.last().and_then(|part| part.as_ident())
            && let Some(found) = sought(&ident.value.to_lowercase())
        {
            return ControlFlow::Break(found);
        }
        ControlFlow::Continue(())
    });
    found.break_value()
}

/// Why the rows may differ although the versions are the same, a sentence each.
pub(super) fn doubts(statement: &Statement, keys: &PrimaryKeys) -> Vec<Text> {
    let told = |tie| match tie {
        Tie::Unordered => Text::new(
            "ORDER BYのないLIMITは、どの行を返すかが決まりません。",
            "A LIMIT without ORDER BY may return other rows each time.",
        ),
        Tie::Cut => Text::new(
            "ORDER BYで同じ順位になる行があると、LIMITでどの行が残るかが決まりません。行を一つに定める列もORDER BYに加えてください。",
            "Where rows are equal in ORDER BY, LIMIT may keep others of them each time; add to ORDER BY what tells \
             rows apart.",
        ),
        Tie::Distinct => Text::new(
            "ORDER BYで同じ順位になる行があると、DISTINCT ONでどの行が残るかが決まりません。行を一つに定める列もORDER BYに加えてください。",
            "Where rows are equal in ORDER BY, DISTINCT ON may keep another of them each time; add to ORDER BY what \
             tells rows apart.",
        ),
        Tie::Window => Text::new(
            "窓関数のORDER BYがないか、同じ順位になる行があると、行の番号や前後の値が決まりません。OVERの中のORDER BYに、行を一つに定める列を加えてください。",
            "A window without ORDER BY, or with rows that are equal in it, may number them otherwise each time; name \
             in the ORDER BY of OVER what tells rows apart.",
        ),
    };
    let mut doubts: Vec<Text> = ties::of(statement, keys).into_iter().map(told).collect();
    let unordered = visit_expressions(statement, |expression| {
        if let Expr::Function(call) = expression {
            let told = !call.within_group.is_empty()
                || call.over.is_some()
                || matches!(&call.args, FunctionArguments::List(list) if !list.clauses.is_empty());
            let name = call.name.to_string().to_lowercase();
            if !told && BY_ORDER.contains(&name.as_str()) {
                return ControlFlow::Break(name);
            }
        }
        ControlFlow::Continue(())
    });
    if let Some(name) = unordered.break_value() {
        doubts.push(Text::new(
            format!("{name}は行の順序に左右されます。関数の中にORDER BYを書くと定まります。"),
            format!("{name} follows the order of its rows; an ORDER BY inside of it settles that."),
        ));
    }
    if let Some(name) = called(statement, |name| ESTIMATED.into_iter().find(|known| *known == name))
    {
        doubts.push(Text::new(
            format!("{name}は推定値で、実行のたびにわずかに異なることがあります。"),
            format!("{name} estimates, and may differ a little each time."),
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::PrimaryKeys;
    use crate::{SqlBounds, functions, parse};

    fn doubts(sql: &str) -> Vec<String> {
        let query = parse(sql, &SqlBounds::default()).unwrap();
        let key = ["k", "t"].map(|name| vec![name.to_owned(), format!("{name}_ja")]);
        let keys = PrimaryKeys::from([("b.c".to_owned(), key.to_vec())]);
        query.doubts(&keys).into_iter().map(|text| text.en).collect()
    }

    #[test]
    fn what_may_differ_is_told() {
        for (sql, word) in [
            ("SELECT a FROM b.c LIMIT 3", "LIMIT"),
            ("SELECT * FROM (SELECT a FROM b.c LIMIT 3) ORDER BY a", "LIMIT"),
            ("SELECT array_agg(a) FROM b.c", "array_agg"),
            ("SELECT approx_distinct(a) FROM b.c", "approx_distinct"),
            ("SELECT a, x FROM b.c ORDER BY a LIMIT 3", "equal in ORDER BY"),
            ("SELECT * FROM b.c ORDER BY k LIMIT 3", "equal in ORDER BY"),
            ("SELECT a, x FROM b.c JOIN b.d USING (k) ORDER BY k, t LIMIT 3", "equal in ORDER BY"),
            ("SELECT k, max(a) FROM b.c GROUP BY k, a ORDER BY k LIMIT 1", "equal in ORDER BY"),
            ("SELECT a FROM b.c UNION SELECT a FROM b.d LIMIT 1", "without ORDER BY"),
            ("SELECT a FROM b.c ORDER BY k OFFSET 3", "equal in ORDER BY"),
            ("SELECT DISTINCT ON (k) k, a FROM b.c ORDER BY k", "DISTINCT ON"),
            ("SELECT a, (SELECT max(x) FROM b.d) FROM b.c LIMIT 1", "without ORDER BY"),
            ("SELECT ntile(4) OVER (ORDER BY a) FROM b.c", "A window"),
            ("SELECT row_number() OVER () FROM b.c", "A window without ORDER BY"),
            ("SELECT a, lag(a) OVER (PARTITION BY x ORDER BY t) FROM b.c", "A window"),
            (
                "SELECT x FROM b.c QUALIFY row_number() OVER (PARTITION BY k ORDER BY a) = 1",
                "A window",
            ),
        ] {
            let told = doubts(sql);
            assert!(told.len() == 1 && told[0].contains(word), "{sql}: {told:?}");
        }
        for sql in [
            "SELECT a FROM b.c ORDER BY a LIMIT 3",
            "SELECT array_agg(a ORDER BY a) FROM b.c",
            "SELECT first_value(a) OVER (ORDER BY a) FROM b.c",
            "SELECT sum(a) FROM b.c",
            "SELECT count(*) FROM b.c LIMIT 1",
            "SELECT a, x FROM b.c ORDER BY 2, a LIMIT 3",
            "SELECT a, x FROM b.c ORDER BY k, c.t LIMIT 3",
            "SELECT a, k_ja AS station FROM b.c ORDER BY station, t_ja LIMIT 3",
            "SELECT a FROM b.c WHERE k = '1' AND (t = $1) LIMIT 3",
            "SELECT k AS s, max(a) FROM b.c GROUP BY 1 ORDER BY s LIMIT 1",
            "SELECT k, max(a) FROM b.c GROUP BY ALL ORDER BY k LIMIT 1",
            "FROM b.c ORDER BY ALL LIMIT 1",
            "SELECT DISTINCT ON (k) k, a FROM b.c ORDER BY k, t DESC",
            "SELECT lag(a) OVER (PARTITION BY k ORDER BY t), rank() OVER (ORDER BY a) FROM b.c",
            "SELECT a FROM with_quality('b.c') ORDER BY k, t LIMIT 3",
            "SELECT 1 LIMIT 1",
            "VALUES (1), (2) LIMIT 1",
        ] {
            assert_eq!(doubts(sql), [""; 0], "{sql}");
        }
    }

    #[test]
    fn the_clock_and_dice_are_named_wherever_they_stand() {
        for (sql, name) in [
            ("SELECT now()", "now"),
            ("SELECT a FROM b.c WHERE t > CURRENT_TIMESTAMP", "current_timestamp"),
            ("WITH x AS (SELECT RANDOM() AS r) SELECT * FROM x", "random"),
            ("SELECT a FROM b.c ORDER BY uuid()", "uuid"),
            ("SELECT CURRENT_DATE", "current_date"),
        ] {
            let query = parse(sql, &SqlBounds::default()).unwrap();
            assert_eq!(query.volatile_call(), Some(name), "{sql}");
        }
        let functions = functions::volatile();
        assert!(!functions.is_empty());
        for function in functions {
            let query = parse(&format!("SELECT \"{function}\"()"), &SqlBounds::default()).unwrap();
            assert_eq!(query.volatile_call(), Some(function.as_str()));
        }
        let query = parse("SELECT 'now()' AS now FROM b.c ORDER BY 1", &SqlBounds::default());
        let query = query.unwrap();
        assert!(query.is_repeatable() && query.is_ordered());
    }
}

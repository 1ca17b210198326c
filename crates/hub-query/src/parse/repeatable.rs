//! Whether a statement asks for the same rows each time it is run on the same versions.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArguments, Query, Statement, Visit, Visitor, visit_expressions,
};
use hub_model::Text;

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
pub(super) fn doubts(statement: &Statement) -> Vec<Text> {
    let mut doubts = Vec::new();
    if statement.visit(&mut CutAnywhere).is_break() {
        doubts.push(Text::new(
            "ORDER BYのないLIMITは、どの行を返すかが決まりません。",
            "A LIMIT without ORDER BY may return other rows each time.",
        ));
    }
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

/// Stops at a query that takes some rows and does not say which.
struct CutAnywhere;

impl Visitor for CutAnywhere {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let cut = query.limit_clause.is_some() || query.fetch.is_some();
        if cut && query.order_by.is_none() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{SqlBounds, functions, parse};

    fn doubts(sql: &str) -> Vec<String> {
        let query = parse(sql, &SqlBounds::default()).unwrap();
        query.doubts().into_iter().map(|text| text.en).collect()
    }

    #[test]
    fn what_may_differ_is_told() {
        for (sql, word) in [
            ("SELECT a FROM b.c LIMIT 3", "LIMIT"),
            ("SELECT * FROM (SELECT a FROM b.c LIMIT 3) ORDER BY a", "LIMIT"),
            ("SELECT array_agg(a) FROM b.c", "array_agg"),
            ("SELECT approx_distinct(a) FROM b.c", "approx_distinct"),
        ] {
            let told = doubts(sql);
            assert!(told.len() == 1 && told[0].contains(word), "{sql}: {told:?}");
        }
        for sql in [
            "SELECT a FROM b.c ORDER BY a LIMIT 3",
            "SELECT array_agg(a ORDER BY a) FROM b.c",
            "SELECT first_value(a) OVER (ORDER BY a) FROM b.c",
            "SELECT sum(a) FROM b.c",
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

//! Plans that are shown: in the form that was asked for, and without the keys of the store's files, which say nothing to who asks and belong
//! to the store.

use std::sync::Arc;

use datafusion::{
    common::{
        display::StringifiedPlan,
        format::{ExplainFormat, ExplainStatementOptions},
    },
    physical_plan::{ExecutionPlan, explain::ExplainExec},
    sql::{
        parser::{ExplainStatement, Statement},
        sqlparser::ast::{self, AnalyzeFormat, AnalyzeFormatKind},
    },
};

/// The statement as the planner takes it. Left to itself it takes no format's name in EXPLAIN.
pub(crate) fn plannable(statement: ast::Statement) -> Statement {
    let ast::Statement::Explain { verbose, format, statement, .. } = statement else {
        return Statement::Statement(Box::new(statement));
    };
    let format = format.map(|format| {
        let (AnalyzeFormatKind::Keyword(format) | AnalyzeFormatKind::Assignment(format)) = format;
        match format {
            AnalyzeFormat::TEXT | AnalyzeFormat::TRADITIONAL => ExplainFormat::Indent,
            AnalyzeFormat::TREE => ExplainFormat::Tree,
            AnalyzeFormat::JSON => ExplainFormat::PostgresJSON,
            AnalyzeFormat::GRAPHVIZ => ExplainFormat::Graphviz,
        }
    });
    let options = ExplainStatementOptions { verbose, format, ..Default::default() };
    let statement = Box::new(Statement::Statement(statement));
    Statement::Explain(ExplainStatement { options, statement })
}

/// What a plan begins the list of its files with; after the colon are their keys.
const FILES: &str = "file_groups={";

/// The plan itself, or for EXPLAIN the same with the files only counted.
pub(crate) fn without_keys(plan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    let Some(explain) = plan.downcast_ref::<ExplainExec>() else { return plan };
    let shown = explain
        .stringified_plans()
        .iter()
        .map(|shown| StringifiedPlan::new(shown.plan_type.clone(), without_lists(&shown.plan)));
    Arc::new(ExplainExec::new(plan.schema(), shown.collect(), explain.verbose()))
}

fn without_lists(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, list)) = rest.split_once(FILES) {
        let (list, after) = list.split_once('}').unwrap_or((list, ""));
        let count = list.split(':').next().unwrap_or_default();
        shown.extend([before, FILES, count, "}"]);
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_and_not_named() {
        let shown = "DataSourceExec: file_groups={2 groups: [[a/b/part-1.parquet:0..9], [c]]}, projection=[x]\n\
                     DataSourceExec: file_groups={1 group: [[d]]}, limit=3";
        assert_eq!(
            without_lists(shown),
            "DataSourceExec: file_groups={2 groups}, projection=[x]\nDataSourceExec: file_groups={1 group}, limit=3"
        );
        assert_eq!(without_lists("EmptyExec"), "EmptyExec");
    }
}

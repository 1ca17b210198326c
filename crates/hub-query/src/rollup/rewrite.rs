//! One aggregate, over companions where they tell and over rows where they don't.

use std::sync::Arc;

use datafusion::{
    common::{
        Column, Result, TableReference,
        metadata::FieldMetadata,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    datasource::provider_as_source,
    logical_expr::{
        Aggregate, BinaryExpr, Expr, Filter, LogicalPlan, Projection, TableScanBuilder, Union, col,
        lit,
        utils::{conjunction, disjunction},
        when,
    },
    scalar::ScalarValue,
};
use hub_lake::{BUCKET, EDGE};
use hub_model::ZONE_NAME;

use super::{
    cover::{Covered, Files},
    grain::microsecond,
    input::Input,
    measures::{Measure, Part},
    question::Question,
    range::Range,
};
use crate::table::{Exposed, SnapshotTable};

/// The aggregate over rollups; none where these can't tell, or would spare little.
pub(crate) fn rewritten(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    rewritten_with(aggregate, None)
}

/// As [`rewritten`], for an aggregate whose meaning and arguments are known.
pub(crate) fn rewritten_as(
    aggregate: &Aggregate,
    measures: Vec<(Measure, Expr)>,
) -> Result<Option<LogicalPlan>> {
    rewritten_with(aggregate, Some(measures))
}

fn rewritten_with(
    aggregate: &Aggregate,
    measures: Option<Vec<(Measure, Expr)>>,
) -> Result<Option<LogicalPlan>> {
    let Some(input) = Input::of(&aggregate.input)? else { return Ok(None) };
    input.with_table(|table| {
        let Some(question) = Question::of(aggregate, measures, &input, table)? else {
            return Ok(None);
        };
        let Some(files) = question.files(table) else { return Ok(None) };
        question.plan(aggregate, &input, table, &files).map(Some)
    })
}

impl Question {
    fn plan(
        &self,
        aggregate: &Aggregate,
        input: &Input,
        table: &SnapshotTable,
        files: &Files,
    ) -> Result<LogicalPlan> {
        let mut branches = Vec::new();
        for covered in &files.levels {
            branches.push(self.kept(aggregate, table, covered)?);
            if !covered.beside.is_empty() {
                let time = &self.known.time;
                let times =
                    covered.beside.iter().map(|range| within(*range, Expr::Column(time.clone())));
                let scan = self.part_of_rows(input, table, &covered.files, disjunction(times))?;
                branches.push(self.counted(aggregate, &scan)?);
            }
        }
        if files.rows.contains(&true) {
            let scan = self.part_of_rows(input, table, &files.rows, None)?;
            branches.push(self.counted(aggregate, &scan)?);
        }
        let all = match branches.len() {
            1 => branches.remove(0),
            _ => LogicalPlan::Union(Union::try_new_with_loose_types(
                branches.into_iter().map(Arc::new).collect(),
            )?),
        };
        self.joined(aggregate, all)
    }

    /// The groups and parts that companions give.
    fn kept(
        &self,
        aggregate: &Aggregate,
        table: &SnapshotTable,
        covered: &Covered,
    ) -> Result<LogicalPlan> {
        let set = &covered.set;
        let mut only = vec![false; set.prepared.files.len()];
        for (place, asked) in set.places.iter().zip(&covered.files) {
            if let (Some(place), true) = (place, asked) {
                only[*place] = true;
            }
        }
        let count = only.iter().filter(|asked| **asked).count();
        let dataset = &set.prepared.snapshot.dataset;
        let all = covered.set.places.len();
        let name = format!("{dataset} rollup={} files={count}/{all}", covered.level.as_str());
        let name = TableReference::bare(name);
        let contract = table.contract();
        let exposed = set.prepared.scan_schema.fields().iter().enumerate().map(|(index, field)| {
            let own = table
                .exposed()
                .iter()
                .find(|exposed| contract.fields[exposed.index].storage_name() == field.name());
            let name = own.map_or(field.name(), |exposed| &exposed.name).clone();
            Exposed { index, name, judged_by: None }
        });
        let provider = table.of_files(Arc::clone(&set.prepared), exposed.collect(), only);
        let scan = TableScanBuilder::new(name.clone(), provider_as_source(Arc::new(provider)));
        let scan = LogicalPlan::TableScan(scan.build()?);
        let column = |wanted: &str| Expr::Column(Column::new(Some(name.clone()), wanted));
        let mapped = |expr: &Expr| -> Result<Expr> {
            let mapped = expr.clone().transform_down(|expr| {
                let meant = match &expr {
                    Expr::Column(own) if *own == self.known.time => column(BUCKET),
                    Expr::Column(own) => column(&own.name),
                    Expr::BinaryExpr(BinaryExpr { right, .. }) if self.known.is_before(&expr) => {
                        let before = column(BUCKET) - right.as_ref().clone();
                        when(column(EDGE), before).otherwise(column(BUCKET))?
                    }
                    _ => return Ok(Transformed::no(expr)),
                };
                Ok(Transformed::new(meant, true, TreeNodeRecursion::Jump))
            });
            Ok(mapped?.data)
        };
        let mut conditions: Vec<Expr> =
            self.conditions.iter().map(mapped).collect::<Result<_>>()?;
        if covered.whole != Range::default() {
            let mut reached = covered.whole;
            if self.before {
                // Rows that are not kept apart are later than their stretch's first instant.
                let later = column(BUCKET) + lit(microsecond());
                let stands_for = when(column(EDGE), column(BUCKET)).otherwise(later)?;
                conditions.push(within(covered.whole, stands_for));
                // Files and pages are passed over by the plain column.
                reached.from = reached.from.and_then(|from| covered.level.start_us(from));
            }
            conditions.push(within(reached, column(BUCKET)));
        }
        let scan = filtered(scan, conjunction(conditions))?;
        // With all that is said of the groups that rows give: a union casts what differs in that.
        let groups = self.groups.iter().zip(aggregate.schema.fields()).enumerate();
        let groups = groups.map(|(at, (group, field))| {
            let said = Some(FieldMetadata::from(field.as_ref()));
            Ok(mapped(group)?.alias_with_metadata(group_name(at), said))
        });
        let parts = self.parts.iter().enumerate();
        let parts = parts.map(|(at, (part, _))| Ok(part.kept(column)?.alias(part_name(at))));
        project(groups.chain(parts).collect::<Result<_>>()?, scan)
    }

    /// The scan over these files alone, and where there is one with a condition of its own.
    fn part_of_rows(
        &self,
        input: &Input,
        table: &SnapshotTable,
        files: &[bool],
        condition: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let part =
            table.of_files(Arc::clone(table.prepared()), table.exposed().to_vec(), files.to_vec());
        let mut scan = input.scan.clone();
        scan.source = provider_as_source(Arc::new(part));
        filtered(LogicalPlan::TableScan(scan), condition)
    }

    /// The groups and parts that rows give.
    fn counted(&self, aggregate: &Aggregate, scan: &LogicalPlan) -> Result<LogicalPlan> {
        let input = Input::over(&aggregate.input, scan)?;
        // Two parts may count the same expression, so each has a name of its own.
        let parts = self
            .parts
            .iter()
            .enumerate()
            .map(|(at, (part, argument))| part.of_rows(argument.clone()).alias(part_name(at)));
        let counted =
            Aggregate::try_new(Arc::new(input), aggregate.group_expr.clone(), parts.collect())?;
        let groups = self.groups.len();
        let columns = counted.schema.columns().into_iter().enumerate().map(|(at, column)| {
            let name = if at < groups { group_name(at) } else { part_name(at - groups) };
            Expr::Column(column).alias(name)
        });
        project(columns.collect(), LogicalPlan::Aggregate(counted))
    }

    /// The answer, in the form of the aggregate that was asked for.
    fn joined(&self, aggregate: &Aggregate, all: LogicalPlan) -> Result<LogicalPlan> {
        let groups = (0..self.groups.len()).map(|at| col(group_name(at))).collect();
        let parts = self.parts.iter().enumerate();
        let parts: Vec<Expr> =
            parts.map(|(at, (part, _))| part.joined(col(part_name(at)))).collect();
        let joined = Aggregate::try_new(Arc::new(all), groups, parts)?;
        let columns = joined.schema.columns();
        let (groups, parts) = columns.split_at(self.groups.len());
        let part = |wanted: &Part| {
            let at = self.parts.iter().position(|(part, _)| part == wanted).unwrap_or_default();
            Expr::Column(parts[at].clone())
        };
        let measures = self.measures.iter().map(|measure| measure.put_together(part));
        let all = groups.iter().map(|group| Ok(Expr::Column(group.clone()))).chain(measures);
        let named = aggregate.schema.iter().zip(all).map(|((qualifier, field), expr)| {
            let said = Some(FieldMetadata::from(field.as_ref()));
            Ok(expr?.alias_qualified_with_metadata(qualifier.cloned(), field.name(), said))
        });
        project(named.collect::<Result<_>>()?, LogicalPlan::Aggregate(joined))
    }
}

/// The condition that a time is in a range.
fn within(range: Range, time: Expr) -> Expr {
    let instant =
        |at: i64| lit(ScalarValue::TimestampMicrosecond(Some(at), Some(ZONE_NAME.into())));
    let from = range.from.map(|from| time.clone().gt_eq(instant(from)));
    let until = range.until.map(|until| time.clone().lt(instant(until)));
    conjunction(from.into_iter().chain(until)).unwrap_or_else(|| lit(true))
}

fn group_name(at: usize) -> String {
    format!("__group_{at}")
}

fn part_name(at: usize) -> String {
    format!("__part_{at}")
}

fn filtered(plan: LogicalPlan, condition: Option<Expr>) -> Result<LogicalPlan> {
    match condition {
        None => Ok(plan),
        Some(condition) => Filter::try_new(condition, Arc::new(plan)).map(LogicalPlan::Filter),
    }
}

fn project(columns: Vec<Expr>, plan: LogicalPlan) -> Result<LogicalPlan> {
    Projection::try_new(columns, Arc::new(plan)).map(LogicalPlan::Projection)
}

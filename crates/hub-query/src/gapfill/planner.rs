//! From the node to its operator: columns by place, and the range of time in whole buckets.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{DataType, Schema},
};
use async_trait::async_trait;
use datafusion::{
    catalog::Session,
    common::{Result, ScalarValue, internal_datafusion_err, internal_err},
    logical_expr::{
        LogicalPlan, UserDefinedLogicalNode, physical_planning_context::PhysicalPlanningContext,
    },
    physical_plan::ExecutionPlan,
    physical_planner::{ExtensionPlanner, PhysicalPlanner},
};

use super::{
    MAX_MADE_ROWS,
    exec::{GapFillExec, Pattern},
    node::{Bound, GapFill},
    too_many,
};
use crate::functions::{Buckets, Step};

const DAY_US: i64 = 86_400_000_000;

pub(crate) struct GapFillPlanner;

#[async_trait]
impl ExtensionPlanner for GapFillPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(fill) = node.as_any().downcast_ref::<GapFill>() else { return Ok(None) };
        let [input] = physical_inputs else { return internal_err!("gap filling has one input") };
        let (terms, schema) = (&fill.terms, fill.input.schema());
        let place = |expr: &datafusion::logical_expr::Expr| {
            let column =
                expr.try_as_col().ok_or_else(|| internal_datafusion_err!("{expr} is no column"))?;
            schema.index_of_column(column)
        };
        let keys = terms.keys.iter().map(place).collect::<Result<Vec<_>>>()?;
        let bucket = place(&terms.bucket)?;
        let data_type = schema.field(bucket).data_type();
        let is_date = matches!(data_type, DataType::Date32);
        let zoned = matches!(data_type, DataType::Timestamp(_, Some(_)));
        let step = Step::of(&terms.width)?;
        if is_date && matches!(step, Step::Micros(length) if length % DAY_US != 0) {
            return Err(crate::functions::refused(
                "time_bucket_gapfill of a date takes whole days, months or years".to_owned(),
            ));
        }
        let buckets = Buckets::new(step, zoned)?;
        let instant = |bound: &Bound, later: bool| -> Result<Option<i64>> {
            let expr = planner.create_physical_expr(&bound.at, schema, session, planning)?;
            let nothing = RecordBatch::try_new_with_options(
                Arc::new(Schema::empty()),
                Vec::new(),
                &RecordBatchOptions::new().with_row_count(Some(1)),
            )?;
            let value = expr.evaluate(&nothing)?.into_array(1)?;
            let (time, least) = match ScalarValue::try_from_array(&value, 0)? {
                ScalarValue::TimestampMicrosecond(time, _) => (time, 1),
                ScalarValue::Date32(day) => (day.map(|day| i64::from(day) * DAY_US), DAY_US),
                other => return internal_err!("{other} bounds a time"),
            };
            let moved = match (bound.inclusive, later) {
                (true, _) => 0,
                (false, true) => least,
                (false, false) => -least,
            };
            Ok(time.and_then(|time| time.checked_add(moved)))
        };
        let all = |bounds: &[Bound], later| {
            let times = bounds.iter().map(|bound| instant(bound, later));
            times.collect::<Result<Option<Vec<i64>>>>()
        };
        let start = all(&terms.starts, true)?.and_then(|times| times.into_iter().max());
        let finish = all(&terms.finishes, false)?.and_then(|times| times.into_iter().min());
        let range = match (start, finish) {
            (Some(start), Some(finish)) if start <= finish => {
                if buckets.most_between(start, finish) > MAX_MADE_ROWS {
                    return Err(too_many());
                }
                let first = buckets.around(start).map(|(begin, _)| begin);
                first.map(|first| (first, finish))
            }
            _ => None,
        };
        let filled = terms
            .filled
            .iter()
            .map(|filled| {
                Ok((schema.index_of_column(&filled.column)?, filled.fill, filled.max_gap))
            })
            .collect::<Result<_>>()?;
        let pattern = Pattern { keys, bucket, buckets, range, filled };
        let schema = Arc::new(node.schema().as_arrow().clone());
        Ok(Some(Arc::new(GapFillExec::new(Arc::clone(input), Arc::new(pattern), schema)?)))
    }
}

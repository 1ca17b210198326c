//! What an aggregate asks, where companions can answer it at all.

use datafusion::{
    common::{Column, Result},
    logical_expr::{Aggregate, Expr, expr::AggregateFunction},
};
use hub_lake::RollupLevel;
use hub_model::{FieldRole, FieldType, Label};

use super::{
    grain::Known,
    input::Input,
    measures::{Columns, Measure, Part, Value},
    range::Range,
};
use crate::table::SnapshotTable;

/// What is asked, in terms of the scan.
pub(crate) struct Question {
    pub(crate) groups: Vec<Expr>,
    /// The aggregates, in their order.
    pub(crate) measures: Vec<Measure>,
    /// What must be known of each group for them, each once, with the argument that rows give.
    pub(crate) parts: Vec<(Part, Expr)>,
    /// Conditions that are the same over whole stretches.
    pub(crate) conditions: Vec<Expr>,
    /// The times that the others let through.
    pub(crate) range: Range,
    /// The longest stretches over which all is the same.
    pub(crate) grain: RollupLevel,
    pub(crate) known: Known,
    /// Whether it matters which rows are at the very beginning of a stretch, so that these must be kept apart:
    /// the microsecond before the time is spoken of, or a range begins or ends just after such a beginning.
    pub(crate) before: bool,
}

impl Question {
    /// What is asked of the input. `asked` gives the aggregates' meaning and arguments where these are known.
    pub(crate) fn of(
        aggregate: &Aggregate,
        asked: Option<Vec<(Measure, Expr)>>,
        input: &Input,
        table: &SnapshotTable,
    ) -> Result<Option<Self>> {
        let contract = table.contract();
        let Some(time) = contract.time_field() else { return Ok(None) };
        let column = |name: &str| {
            table
                .exposed()
                .iter()
                .find(|e| contract.fields[e.index].name == name)
                .map(|exposed| input.column(&exposed.name))
        };
        let Some(time_column) = column(&time.name) else { return Ok(None) };
        let judged = |field: &hub_model::Field| {
            let mut exposed =
                table.exposed().iter().filter(|e| contract.fields[e.index].name == field.name);
            exposed.any(|exposed| exposed.judged_by.is_some())
        };
        if judged(time) || contract.series_fields().any(judged) {
            return Ok(None);
        }
        let series = contract.series_fields().filter_map(|field| column(&field.name));
        let known = Known { series: series.collect(), time: time_column.clone() };
        let schema = aggregate.input.schema();
        let mut grain = RollupLevel::Series;
        let mut before = false;
        let mut groups = Vec::with_capacity(aggregate.group_expr.len());
        for group in &aggregate.group_expr {
            let group = known.spelled_out(input.resolved(group.clone(), schema)?)?;
            let Some(own) = known.grain(&group) else { return Ok(None) };
            grain = grain.min(own);
            before |= known.speaks_of_before(&group);
            groups.push(group);
        }
        let mut range = Range::default();
        let mut conditions = Vec::new();
        for condition in &input.conditions {
            if time.field_type == FieldType::Datetime && range.narrow(condition, &time_column) {
                continue;
            }
            let condition = known.spelled_out(condition.clone())?;
            let Some(own) = known.grain(&condition) else { return Ok(None) };
            grain = grain.min(own);
            before |= known.speaks_of_before(&condition);
            conditions.push(condition);
        }
        // Where times name the end of an interval, days are asked for from just after midnight.
        before |= time.label == Some(Label::End) && range.leaves_out_a_beginning();
        let exposed =
            |column: &Column| table.exposed().iter().find(|exposed| exposed.name == column.name);
        let field = |column: &Column| contract.fields.get(exposed(column)?.index);
        let columns = Columns {
            time: &time_column,
            timed: contract.is_required(time),
            value: &|column| {
                let field = field(column).filter(|field| field.role == FieldRole::Value)?;
                let stored = field.storage_name().to_owned();
                let judge = exposed(column)?.judged_by.and_then(|judge| contract.fields.get(judge));
                let judge = judge.map(|field| field.storage_name().to_owned());
                Some(Value { stored, field_type: field.field_type, judge })
            },
            judged: &|judge| {
                let judge = field(judge).filter(|judge| judge.role == FieldRole::Quality)?;
                let of = contract.field(judge.quality_of.as_deref()?)?;
                let field = Some(of).filter(|field| field.role == FieldRole::Value)?;
                Some(Value {
                    stored: field.storage_name().to_owned(),
                    field_type: field.field_type,
                    judge: Some(judge.storage_name().to_owned()),
                })
            },
            required: &|column| {
                exposed(column).is_some_and(|exposed| exposed.judged_by.is_none())
                    && field(column).is_some_and(|field| contract.is_required(field))
            },
        };
        let asked = match asked {
            Some(asked) => asked,
            None => {
                let resolved = |expr| input.resolved(expr, schema);
                let mut asked = Vec::with_capacity(aggregate.aggr_expr.len());
                for expr in &aggregate.aggr_expr {
                    let Some(function) = function(expr) else { return Ok(None) };
                    let Some(measure) = columns.measure(function, resolved)? else {
                        return Ok(None);
                    };
                    asked.push(measure);
                }
                asked
            }
        };
        let mut measures = Vec::with_capacity(asked.len());
        let mut parts: Vec<(Part, Expr)> = Vec::new();
        for (measure, argument) in asked {
            for part in measure.parts() {
                if !parts.iter().any(|(known, _)| known == part) {
                    parts.push((part.clone(), uncast(&argument, part)));
                }
            }
            measures.push(measure);
        }
        let from_statistics = groups.is_empty()
            && input.conditions.is_empty()
            && parts.iter().all(|(part, _)| !matches!(part, Part::Sum(_) | Part::FloatSum(_)));
        if from_statistics {
            return Ok(None);
        }
        Ok(Some(Self { groups, measures, parts, conditions, range, grain, known, before }))
    }
}

fn function(expr: &Expr) -> Option<&AggregateFunction> {
    match expr {
        Expr::Alias(alias) => function(&alias.expr),
        Expr::AggregateFunction(function) => Some(function),
        _ => None,
    }
}

/// The argument without the cast that a mean of whole numbers brings, which its parts don't need.
fn uncast(argument: &Expr, part: &Part) -> Expr {
    match (argument, part) {
        (Expr::Cast(cast), Part::Count(_) | Part::FloatSum(_)) => cast.expr.as_ref().clone(),
        _ => argument.clone(),
    }
}

//! Which conditions of a nested-loop join are ones of place, and which sides they speak of.

use std::sync::Arc;

use datafusion::{
    common::{
        JoinSide, JoinType, Result, ScalarValue,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    logical_expr::Operator,
    physical_expr::{
        ScalarFunctionExpr, conjunction,
        expressions::{BinaryExpr, CastExpr, Column, Literal},
        split_conjunction,
        utils::collect_columns,
    },
    physical_plan::{
        PhysicalExpr,
        joins::{
            NestedLoopJoinExec,
            utils::{ColumnIndex, JoinFilter},
        },
    },
};

use super::{
    exec::{Keeps, SpatialJoinExec},
    near::{Source, Test},
};
use crate::{functions::is_point_function, geometry::Relation};

/// The same join by place; none where no condition is one of place, or the kind of join has no such form.
pub(super) fn spatial(join: &NestedLoopJoinExec) -> Result<Option<SpatialJoinExec>> {
    // The side whose rows are kept without a match is the one that streams; otherwise it is the right one,
    // which the planner takes for the larger.
    let (keeps, probe_side) = match join.join_type() {
        JoinType::Inner => (Keeps::Pairs, JoinSide::Right),
        JoinType::Right => (Keeps::All, JoinSide::Right),
        JoinType::RightSemi => (Keeps::Matched, JoinSide::Right),
        JoinType::RightAnti => (Keeps::Unmatched, JoinSide::Right),
        JoinType::Left => (Keeps::All, JoinSide::Left),
        JoinType::LeftSemi => (Keeps::Matched, JoinSide::Left),
        JoinType::LeftAnti => (Keeps::Unmatched, JoinSide::Left),
        JoinType::Full | JoinType::LeftMark | JoinType::RightMark => return Ok(None),
    };
    let Some(filter) = join.filter() else { return Ok(None) };
    let parts = split_conjunction(filter.expression());
    for (place, part) in parts.iter().enumerate() {
        let Some(condition) = condition(part, filter, probe_side)? else { continue };
        let rest = parts.iter().enumerate().filter(|(other, _)| *other != place);
        let rest: Vec<_> = rest.map(|(_, part)| Arc::clone(part)).collect();
        let residual = (!rest.is_empty()).then(|| {
            JoinFilter::new(
                conjunction(rest),
                filter.column_indices().to_vec(),
                Arc::clone(filter.schema()),
            )
        });
        let said = part.to_string();
        return SpatialJoinExec::new(join, keeps, probe_side, condition, residual, said).map(Some);
    }
    Ok(None)
}

/// A condition of place: what is tested, and where the places of both sides come from.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) test: Test,
    pub(super) held: Source,
    pub(super) probe: Source,
}

fn condition(
    part: &Arc<dyn PhysicalExpr>,
    filter: &JoinFilter,
    probe_side: JoinSide,
) -> Result<Option<Condition>> {
    if let Some(comparison) = part.downcast_ref::<BinaryExpr>() {
        let (call, limit, inclusive) = match comparison.op() {
            Operator::LtEq => (comparison.left(), comparison.right(), true),
            Operator::Lt => (comparison.left(), comparison.right(), false),
            Operator::GtEq => (comparison.right(), comparison.left(), true),
            Operator::Gt => (comparison.right(), comparison.left(), false),
            _ => return Ok(None),
        };
        let (Some((name, args)), Some(metres)) = (call_of(call), number(limit)) else {
            return Ok(None);
        };
        let test = Test::Apart { metres, inclusive };
        return match (name, args) {
            ("distance_m", [lat1, lon1, lat2, lon2]) => {
                let point = |latitude: &Arc<dyn PhysicalExpr>,
                             longitude: &Arc<dyn PhysicalExpr>| {
                    Source::Point {
                        latitude: Arc::clone(latitude),
                        longitude: Arc::clone(longitude),
                    }
                };
                sides(test, point(lat1, lon1), point(lat2, lon2), filter, probe_side)
            }
            ("st_distance", [a, b]) => sides(test, source(a), source(b), filter, probe_side),
            _ => Ok(None),
        };
    }
    let Some((name, args)) = call_of(part) else { return Ok(None) };
    let (test, a, b) = match (name, args) {
        ("st_dwithin", [a, b, limit]) => {
            let Some(metres) = number(limit) else { return Ok(None) };
            (Test::Apart { metres, inclusive: true }, a, b)
        }
        (name, [a, b]) => {
            let Some(relation) = Relation::named(name) else { return Ok(None) };
            (Test::Relation { relation, probe_first: true }, a, b)
        }
        _ => return Ok(None),
    };
    sides(test, source(a), source(b), filter, probe_side)
}

fn call_of(expr: &Arc<dyn PhysicalExpr>) -> Option<(&str, &[Arc<dyn PhysicalExpr>])> {
    let call = expr.downcast_ref::<ScalarFunctionExpr>()?;
    Some((call.fun().name(), call.args()))
}

fn number(expr: &Arc<dyn PhysicalExpr>) -> Option<f64> {
    let expr = match expr.downcast_ref::<CastExpr>() {
        Some(cast) => cast.expr(),
        None => expr,
    };
    let value = expr.downcast_ref::<Literal>()?.value();
    match value.cast_to(&arrow::datatypes::DataType::Float64).ok()? {
        ScalarValue::Float64(number) => number.filter(|number| number.is_finite()),
        _ => None,
    }
}

/// A geometry, or the numbers that a point is made of, which spares writing and reading it.
fn source(expr: &Arc<dyn PhysicalExpr>) -> Source {
    match call_of(expr) {
        Some((name, [longitude, latitude])) if is_point_function(name) => {
            Source::Point { latitude: Arc::clone(latitude), longitude: Arc::clone(longitude) }
        }
        _ => Source::Geometry(Arc::clone(expr)),
    }
}

/// The condition, where each of the two places comes from one side, and from another.
fn sides(
    test: Test,
    first: Source,
    second: Source,
    filter: &JoinFilter,
    probe_side: JoinSide,
) -> Result<Option<Condition>> {
    let side = |source: &Source| {
        let columns = source.expressions().into_iter().flat_map(collect_columns);
        let mut sides = columns
            .map(|column| filter.column_indices().get(column.index()).map(|known| known.side));
        let first = sides.next()??;
        sides.all(|side| side == Some(first)).then_some(first)
    };
    let (Some(one), Some(other)) = (side(&first), side(&second)) else { return Ok(None) };
    if one == other {
        return Ok(None);
    }
    let is_probe_first = one == probe_side;
    let (probe, held) = if is_probe_first { (first, second) } else { (second, first) };
    let test = match test {
        Test::Relation { relation, .. } => Test::Relation { relation, probe_first: is_probe_first },
        apart => apart,
    };
    Ok(Some(Condition {
        test,
        held: of_side(held, filter.column_indices())?,
        probe: of_side(probe, filter.column_indices())?,
    }))
}

/// The same in terms of the side's own columns.
fn of_side(source: Source, indices: &[ColumnIndex]) -> Result<Source> {
    let own = |expr: Arc<dyn PhysicalExpr>| {
        expr.transform_up(|expr| {
            let Some(column) = expr.downcast_ref::<Column>() else {
                return Ok(Transformed::no(expr));
            };
            let Some(known) = indices.get(column.index()) else { return Ok(Transformed::no(expr)) };
            let own = Column::new(column.name(), known.index);
            Ok(Transformed::yes(Arc::new(own) as Arc<dyn PhysicalExpr>))
        })
        .data()
    };
    Ok(match source {
        Source::Point { latitude, longitude } => {
            Source::Point { latitude: own(latitude)?, longitude: own(longitude)? }
        }
        Source::Geometry(geometry) => Source::Geometry(own(geometry)?),
    })
}

//! Aggregates, each as parts that can be kept: counts, sums and extremes, put together again at the end.

use datafusion::{
    common::{Column, Result},
    functions_aggregate::expr_fn::{count, max, min},
    logical_expr::{
        Expr, cast,
        expr::{AggregateFunction, ScalarFunction},
        lit, when,
    },
};
use hub_lake::{FIRST_TIME, LAST_TIME, ROWS, RollupValue};
use hub_model::FieldType;

use arrow_schema::DataType;

use crate::{
    functions::sum,
    quality::{GOOD_VALUE, WAS_DUE},
};

/// A value column of the dataset that an aggregate is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// Its stored name.
    pub(crate) stored: String,
    pub(crate) field_type: FieldType,
    /// The stored column by whose word values are left out; none where all are asked for.
    pub(crate) judge: Option<String>,
}

/// One kept number of each group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Rows,
    Count(Value),
    /// Rows with a value of good quality; asked for by the hub itself.
    Good(Value),
    /// Rows in which a value was due.
    Due(Value),
    Sum(Value),
    /// The sum in floating point, as a mean needs it.
    FloatSum(Value),
    Min(Value),
    Max(Value),
    FirstTime,
    LastTime,
}

impl Part {
    /// The value column that it is of.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Rows | Self::FirstTime | Self::LastTime => None,
            Self::Count(value)
            | Self::Good(value)
            | Self::Due(value)
            | Self::Sum(value)
            | Self::FloatSum(value)
            | Self::Min(value)
            | Self::Max(value) => Some(value),
        }
    }

    /// It as a companion has it, where `column` gives the companion's columns.
    pub(crate) fn kept(&self, column: impl Fn(&str) -> Expr) -> Result<Expr> {
        let of = |what: RollupValue, value: &Value| column(&what.column(&value.stored));
        Ok(match self {
            // Files in which a value was not due everywhere are not asked by their companions.
            Self::Rows | Self::Due(_) => column(ROWS),
            Self::Count(value) => or_zero(of(RollupValue::Count, value))?,
            Self::Good(value) => or_zero(of(RollupValue::Good, value))?,
            Self::Sum(value) => of(RollupValue::Sum, value),
            Self::FloatSum(value) => cast(of(RollupValue::Sum, value), DataType::Float64),
            Self::Min(value) => of(RollupValue::Min, value),
            Self::Max(value) => of(RollupValue::Max, value),
            Self::FirstTime => column(FIRST_TIME),
            Self::LastTime => column(LAST_TIME),
        })
    }

    /// It of rows, whose aggregate has this argument.
    pub(crate) fn of_rows(&self, argument: Expr) -> Expr {
        match self {
            Self::Rows => count(lit(1i64)),
            Self::Count(_) | Self::Good(_) | Self::Due(_) => count(argument),
            Self::Sum(_) => sum(argument),
            Self::FloatSum(_) => sum(cast(argument, DataType::Float64)),
            Self::Min(_) | Self::FirstTime => min(argument),
            Self::Max(_) | Self::LastTime => max(argument),
        }
    }

    /// It of several groups, from theirs.
    pub(crate) fn joined(&self, part: Expr) -> Expr {
        match self {
            Self::Rows
            | Self::Count(_)
            | Self::Good(_)
            | Self::Due(_)
            | Self::Sum(_)
            | Self::FloatSum(_) => sum(part),
            Self::Min(_) | Self::FirstTime => min(part),
            Self::Max(_) | Self::LastTime => max(part),
        }
    }
}

/// One aggregate of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Measure {
    /// A count, which is nought where there is nothing.
    Count(Part),
    /// As it is kept.
    Plain(Part),
    /// A sum over a count.
    Mean(Part, Part),
}

impl Measure {
    pub(crate) fn parts(&self) -> Vec<&Part> {
        match self {
            Self::Count(part) | Self::Plain(part) => vec![part],
            Self::Mean(sum, count) => vec![sum, count],
        }
    }

    /// The aggregate from its joined parts.
    pub(crate) fn put_together(&self, part: impl Fn(&Part) -> Expr) -> Result<Expr> {
        Ok(match self {
            Self::Count(count) => or_zero(part(count))?,
            Self::Plain(plain) => part(plain),
            Self::Mean(sum, count) => part(sum) / cast(part(count), DataType::Float64),
        })
    }
}

fn or_zero(count: Expr) -> Result<Expr> {
    when(count.clone().is_not_null(), count).otherwise(lit(0i64))
}

/// What the columns of a scan are to an aggregate.
pub(crate) struct Columns<'a> {
    pub(crate) time: &'a Column,
    /// Whether rows always have a time.
    pub(crate) timed: bool,
    /// The value column of this name.
    pub(crate) value: &'a dyn Fn(&Column) -> Option<Value>,
    /// Whether rows always have a value in the column.
    pub(crate) required: &'a dyn Fn(&Column) -> bool,
    /// The value column whose quality this column tells, left out by it.
    pub(crate) judged: &'a dyn Fn(&Column) -> Option<Value>,
}

impl Columns<'_> {
    /// An aggregate as one of what is kept, and its argument as it stands; none where it is not of these.
    /// `resolved` gives expressions in terms of the scan.
    pub(crate) fn measure(
        &self,
        aggregate: &AggregateFunction,
        resolved: impl Fn(Expr) -> Result<Expr>,
    ) -> Result<Option<(Measure, Expr)>> {
        let params = &aggregate.params;
        let name = aggregate.func.name();
        let distinct = params.distinct && !matches!(name, "min" | "max");
        if distinct
            || params.filter.is_some()
            || !params.order_by.is_empty()
            || params.null_treatment.is_some()
        {
            return Ok(None);
        }
        let [argument] = params.args.as_slice() else { return Ok(None) };
        let meant = resolved(argument.clone())?;
        let of_time = matches!(&meant, Expr::Column(column) if column == self.time);
        let measure = match (name, &meant) {
            ("count", Expr::ScalarFunction(call)) => self.judged(call).map(Measure::Count),
            ("count", Expr::Literal(value, _)) if !value.is_null() => {
                Some(Measure::Count(Part::Rows))
            }
            ("count", Expr::Column(column)) if of_time && self.timed || (self.required)(column) => {
                Some(Measure::Count(Part::Rows))
            }
            ("count", Expr::Column(column)) => {
                (self.value)(column).map(|value| Measure::Count(Part::Count(value)))
            }
            ("min", _) if of_time => Some(Measure::Plain(Part::FirstTime)),
            ("max", _) if of_time => Some(Measure::Plain(Part::LastTime)),
            ("sum" | "min" | "max" | "avg", _) => self.number(&meant).and_then(|(value, cast)| {
                let whole = value.field_type == FieldType::Integer;
                Some(match name {
                    "avg" if cast == whole => {
                        Measure::Mean(Part::FloatSum(value.clone()), Part::Count(value))
                    }
                    "sum" if !cast => Measure::Plain(Part::Sum(value)),
                    "min" if !cast => Measure::Plain(Part::Min(value)),
                    "max" if !cast => Measure::Plain(Part::Max(value)),
                    _ => return None,
                })
            }),
            _ => None,
        };
        Ok(measure.map(|measure| (measure, argument.clone())))
    }

    /// The counts of which a share of good values is made.
    fn judged(&self, call: &ScalarFunction) -> Option<Part> {
        let column = |at: usize| match call.args.get(at)? {
            Expr::Column(column) => Some(column),
            _ => None,
        };
        match call.name() {
            GOOD_VALUE => {
                let (value, judged) = ((self.value)(column(0)?)?, (self.judged)(column(1)?)?);
                (value.stored == judged.stored).then_some(Part::Count(judged))
            }
            WAS_DUE => {
                let present = call.args.len() == 1 || (self.required)(column(1)?);
                (self.judged)(column(0)?).filter(|_| present).map(Part::Due)
            }
            _ => None,
        }
    }

    /// A number column, and whether it is turned into floating point first.
    fn number(&self, expr: &Expr) -> Option<(Value, bool)> {
        let (expr, is_cast) = match expr {
            Expr::Cast(cast) if cast.field.data_type() == &DataType::Float64 => {
                (cast.expr.as_ref(), true)
            }
            expr => (expr, false),
        };
        let Expr::Column(column) = expr else { return None };
        let value = (self.value)(column)?;
        matches!(value.field_type, FieldType::Integer | FieldType::Number)
            .then_some((value, is_cast))
    }
}

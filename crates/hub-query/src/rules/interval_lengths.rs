//! Intervals are compared by how long they are: a day has 24 hours, as every day of Japan has, and a month
//! counts as 30 days, as in PostgreSQL. The engine compares months first, then days, then the rest, so that
//! no number of hours is ever more than a day; and the time between two instants has hours alone.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{AsArray, DurationMicrosecondArray},
    datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit},
};
use datafusion::{
    common::{DFSchema, DataFusionError, Result, utils::take_function_args},
    logical_expr::{
        Cast, ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility,
    },
    scalar::ScalarValue,
};

use crate::error::QueryError;

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const LENGTH: DataType = DataType::Duration(TimeUnit::Microsecond);

const HOUR_US: i128 = 3_600_000_000;
const DAY_US: i128 = 24 * HOUR_US;
const MONTH_US: i128 = 30 * DAY_US;

static INTERVAL_LENGTH: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Arc::new(ScalarUDF::from(IntervalLength::new())));

/// Where one of those that are compared is an interval, or a length beside a text, all become lengths. Answers
/// whether any did.
pub(super) fn to_lengths(sides: &mut [&mut Expr], schema: &DFSchema) -> bool {
    let types: Vec<_> = sides.iter().map(|side| side.get_type(schema)).collect();
    let some = |is: fn(&DataType) -> bool| types.iter().flatten().any(is);
    let of_interval = some(|of| matches!(of, DataType::Interval(_)));
    let of_length = some(|of| matches!(of, DataType::Duration(_)));
    let of_text = of_length && some(DataType::is_string);
    if !of_interval && !of_text {
        return false;
    }
    let cast = |of, to| Expr::Cast(Cast::new(Box::new(of), to));
    for (side, of) in sides.iter_mut().zip(types) {
        let Ok(of) = of else { continue };
        let given = std::mem::take(*side);
        **side = match of {
            INTERVAL => INTERVAL_LENGTH.call(vec![given]),
            DataType::Interval(_) => INTERVAL_LENGTH.call(vec![cast(given, INTERVAL)]),
            of if of.is_string() => INTERVAL_LENGTH.call(vec![cast(given, INTERVAL)]),
            LENGTH => given,
            DataType::Duration(_) => cast(given, LENGTH),
            _ => given,
        };
    }
    true
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalLength {
    signature: Signature,
}

impl IntervalLength {
    fn new() -> Self {
        Self { signature: Signature::exact(vec![INTERVAL], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(LENGTH)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [given] = take_function_args(self.name(), args.args)?;
        let is_constant = matches!(given, ColumnarValue::Scalar(_));
        let intervals = given.into_array(if is_constant { 1 } else { args.number_rows })?;
        let lengths = intervals.as_primitive::<IntervalMonthDayNanoType>().iter();
        let lengths: DurationMicrosecondArray =
            lengths.map(|one| one.map(length).transpose()).collect::<Result<_>>()?;
        Ok(if is_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&lengths, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(lengths))
        })
    }
}

fn length(interval: IntervalMonthDayNano) -> Result<i64> {
    let days = i128::from(interval.months) * MONTH_US + i128::from(interval.days) * DAY_US;
    let length = days + i128::from(interval.nanoseconds).div_euclid(1_000);
    i64::try_from(length).map_err(|_| {
        let message = "an interval is too long to be compared with another".to_owned();
        DataFusionError::External(Box::new(QueryError::Execution { message }))
    })
}

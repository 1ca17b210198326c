//! `date_bin` by Japan's clock. The engine's own counts from instants in UTC, so that bins of a day would begin
//! at nine o'clock, bins of a month on another day than the first, and bins from an origin without a zone
//! nine hours late.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, ArrowPrimitiveType, AsArray},
    datatypes::{
        DataType, IntervalUnit, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
    },
};
use datafusion::{
    common::{Result, ScalarValue, plan_err},
    logical_expr::{
        ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility,
        sort_properties::{ExprProperties, SortProperties},
    },
};
use hub_model::{TOKYO, ZONE_NAME};

const SYNTAX: &str = "date_bin(interval, time [, origin])";

/// The function in the place of the engine's own; any other stays.
pub(super) fn in_japan(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    if function.name() == "date_bin" {
        Arc::new(ScalarUDF::new_from_impl(DateBin::new(function)))
    } else {
        function
    }
}

/// Bins of Japanese times are those of their wall clock; all else is the inner function's.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DateBin {
    inner: Arc<ScalarUDF>,
    signature: Signature,
    documentation: Documentation,
}

impl DateBin {
    fn new(inner: Arc<ScalarUDF>) -> Self {
        let section =
            DocSection { include: true, label: "Time and Date Functions", description: None };
        let documentation = Documentation::builder(
            section,
            "The beginning of the bin that a time lies in, counted from the origin, or from 1970-01-01T00:00 on Japan's clock",
            SYNTAX,
        )
        .with_argument("interval", "The length of a bin, a constant, such as INTERVAL '6 hours'.")
        .with_argument("time", "A timestamp, a date or a time of the day.")
        .with_argument("origin", "A constant time at which a bin begins; without a zone it is Japanese.");
        Self {
            inner,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation.build(),
        }
    }
}

impl ScalarUDFImpl for DateBin {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let ([_, time] | [_, time, _]) = given else {
            return plan_err!("date_bin takes two or three arguments; write {SYNTAX}");
        };
        let zoneless = DataType::Timestamp(TimeUnit::Microsecond, None);
        let time = match time {
            DataType::Timestamp(TimeUnit::Nanosecond, _)
            | DataType::Time32(_)
            | DataType::Time64(_) => time.clone(),
            DataType::Timestamp(_, zone) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            DataType::Date32 | DataType::Date64 | DataType::Null => zoneless,
            time if time.is_string() => zoneless,
            other => {
                return plan_err!("date_bin takes a time, and {other} is none; write {SYNTAX}");
            }
        };
        // A text or a time without a zone is cast to the zone of the times, which reads it as their clock.
        let origin = match &time {
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
            of_day => of_day.clone(),
        };
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        Ok([interval, time, origin].into_iter().take(given.len()).collect())
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [_, time, origin @ ..] = args.args.as_mut_slice() else {
            return plan_err!("date_bin takes two or three arguments; write {SYNTAX}");
        };
        let japanese = |data_type: &DataType| matches!(data_type, DataType::Timestamp(_, Some(zone)) if &**zone == ZONE_NAME);
        if !japanese(&time.data_type()) {
            return self.inner.invoke_with_args(args);
        }
        *time = by_clock(time, Clock::Wall)?;
        let wall = time.data_type();
        for origin in origin {
            *origin = by_clock(origin, Clock::Wall)?;
        }
        args.return_field = Arc::new(args.return_field.as_ref().clone().with_data_type(wall));
        by_clock(&self.inner.invoke_with_args(args)?, Clock::Instant)
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(input)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// How times are counted.
#[derive(Clone, Copy)]
enum Clock {
    /// As Japan's clocks show them, without a zone.
    Wall,
    /// As instants.
    Instant,
}

/// Times by the other clock.
fn by_clock(times: &ColumnarValue, clock: Clock) -> Result<ColumnarValue> {
    Ok(match times {
        ColumnarValue::Array(times) => ColumnarValue::Array(counted(times, clock)?),
        ColumnarValue::Scalar(time) => {
            let counted = counted(&time.to_array()?, clock)?;
            ColumnarValue::Scalar(ScalarValue::try_from_array(&counted, 0)?)
        }
    })
}

fn counted(times: &ArrayRef, clock: Clock) -> Result<ArrayRef> {
    match times.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Ok(moved::<TimestampMicrosecondType>(times, clock, TimeUnit::Microsecond, 1_000_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Ok(moved::<TimestampNanosecondType>(times, clock, TimeUnit::Nanosecond, 1_000_000_000))
        }
        other => plan_err!("date_bin takes a time, and {other} is none; write {SYNTAX}"),
    }
}

fn moved<T: ArrowPrimitiveType<Native = i64>>(
    times: &ArrayRef,
    clock: Clock,
    unit: TimeUnit,
    per_second: i64,
) -> ArrayRef {
    let ahead = i64::from(TOKYO.local_minus_utc()) * per_second;
    let (by, zone) = match clock {
        Clock::Wall => (ahead, None),
        Clock::Instant => (-ahead, Some(ZONE_NAME.into())),
    };
    let moved = times.as_primitive::<T>().unary::<_, T>(|time| time.saturating_add(by));
    Arc::new(moved.with_data_type(DataType::Timestamp(unit, zone)))
}

//! The instants at which a clock shows a time, as a function of our own. The engine's cast gives the same, but
//! where it is compared with a constant instant the engine takes the cast off and gives the constant the clock
//! of UTC, nine hours off; and it knows no midnight that summer time left out.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, TimestampMicrosecondArray, timezone::Tz},
    datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType},
};
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use datafusion::{
    common::{Result, exec_datafusion_err, utils::take_function_args},
    logical_expr::{
        Cast, ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, Volatility,
    },
    scalar::ScalarValue,
};
use hub_model::ZONE_NAME;

const CLOCK: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Since 1952 there has been no summer time in Japan.
const MODERN_FROM_US: i64 = -568_080_000_000_000;
const AHEAD_US: i64 = 9 * 3_600_000_000;

/// The instants of times without a zone, or of dates, which begin at midnight. Where the zone has no such name
/// the expression stays as it is, and the engine says so.
pub(super) fn in_zone(clock: Expr, zone: &str) -> Expr {
    let Ok(parsed) = zone.parse() else { return clock };
    let clock = Expr::Cast(Cast::new(Box::new(clock), CLOCK));
    ScalarUDF::from(InZone::new(zone.into(), parsed)).call(vec![clock])
}

#[derive(Debug)]
struct InZone {
    zone: Arc<str>,
    parsed: Tz,
    signature: Signature,
}

impl InZone {
    fn new(zone: Arc<str>, parsed: Tz) -> Self {
        Self { zone, parsed, signature: Signature::exact(vec![CLOCK], Volatility::Immutable) }
    }

    fn instants(&self, clock: &TimestampMicrosecondArray) -> Result<TimestampMicrosecondArray> {
        let is_japan = &*self.zone == ZONE_NAME;
        clock.try_unary(|at| match is_japan && at >= MODERN_FROM_US {
            true => Ok(at - AHEAD_US),
            false => self.instant(at).ok_or_else(|| {
                exec_datafusion_err!("a time is out of the range that times can have")
            }),
        })
    }

    /// Of two instants the first, and where the clock was put forward over a time it is as if it had not been.
    fn instant(&self, at: i64) -> Option<i64> {
        let clock: NaiveDateTime = DateTime::from_timestamp_micros(at)?.naive_utc();
        match self.parsed.from_local_datetime(&clock) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => {
                Some(instant.timestamp_micros())
            }
            LocalResult::None => {
                let day_before = clock.checked_sub_signed(TimeDelta::days(1))?;
                let offset = self.parsed.offset_from_local_datetime(&day_before).earliest()?.fix();
                at.checked_sub(i64::from(offset.local_minus_utc()) * 1_000_000)
            }
        }
    }
}

impl PartialEq for InZone {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone
    }
}

impl Eq for InZone {}

impl std::hash::Hash for InZone {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.zone.hash(state);
    }
}

impl ScalarUDFImpl for InZone {
    fn name(&self) -> &str {
        "in_zone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::clone(&self.zone))))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [clock] = take_function_args(self.name(), args.arg_fields)?;
        let field = Field::new(clock.name(), self.return_type(&[])?, clock.is_nullable());
        // As of a cast, so that what is said of the column stays.
        let said: HashMap<_, _> = clock.metadata().clone();
        Ok(Arc::new(field.with_metadata(said)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [given] = take_function_args(self.name(), args.args)?;
        let is_constant = matches!(given, ColumnarValue::Scalar(_));
        let clock = given.into_array(if is_constant { 1 } else { args.number_rows })?;
        let instants = self.instants(clock.as_primitive::<TimestampMicrosecondType>())?;
        let instants: ArrayRef = Arc::new(instants.with_timezone(Arc::clone(&self.zone)));
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&instants, 0)?),
            false => ColumnarValue::Array(instants),
        })
    }
}

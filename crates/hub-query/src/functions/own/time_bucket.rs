//! `time_bucket`: the beginning of the bucket that a time lies in, with buckets aligned to Japanese midnight.
//!
//! It keeps the order of times, so that sorted files are grouped as they stream, and a comparison with it
//! becomes one with the time itself, by which files and pages are passed over.

use std::{cell::Cell, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Date32Type, IntervalMonthDayNano, IntervalUnit, TimestampMicrosecondType,
    },
};
use chrono::{DateTime, Datelike, Months, NaiveDate};
use datafusion::{
    common::{Result, ScalarValue},
    logical_expr::Expr,
};
use hub_model::Interval;

use super::{
    Call, Definition, Gives, PLAIN, Takes,
    call::{AHEAD_US, DAY_US, refused},
};

pub(super) const FUNCTIONS: &[&Definition] = &[&Definition {
    name: "time_bucket",
    title: "time_bucket",
    syntax: "time_bucket(interval, time [, origin])",
    ja: "時刻が入る区間の始まり。区間は日本時間の0時にそろう。月・年もよい。originを与えればそこから数える（年度なら DATE '2000-04-01'）",
    en: "The beginning of the bucket that a time lies in. Buckets are aligned to Japanese midnight, weeks to Mondays, months and years to the calendar, or all of them to an origin (DATE '2000-04-01' with '1 year' gives fiscal years)",
    arguments: &[
        (
            "interval",
            "a constant, such as INTERVAL '10 minutes', '1 hour', '7 days', '1 month' or 'P1Y'",
        ),
        ("time", "a timestamp or a date"),
        ("origin", "a constant time at which a bucket begins"),
    ],
    example: (
        "SELECT time_bucket(INTERVAL '6 hours', TIMESTAMP '2026-04-01 16:20:00')",
        "2026-04-01T12:00:00",
    ),
    takes: &[Takes::Interval, Takes::Instant, Takes::Instant],
    optional: 1,
    gives: Gives::Same(1),
    work: time_bucket,
    follows: Some(1),
    preimage: Some(preimage),
    ..PLAIN
}];

/// A length of time: months differ in length, all else does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Micros(i64),
    Months(i64),
}

impl Step {
    /// Reads an interval of SQL or its text: `1 hour`, or `PT1H` as contracts have it.
    pub(crate) fn of(value: &ScalarValue) -> Result<Self> {
        if let Some(Some(text)) = value.try_as_str()
            && text.starts_with('P')
        {
            let interval = Interval::parse(text).map_err(|error| refused(error.to_string()))?;
            let micros =
                i64::try_from(interval.seconds()).ok().and_then(|s| s.checked_mul(1_000_000));
            return Self::new(i64::from(interval.months()), micros.unwrap_or(i64::MAX));
        }
        let whole = value.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano))?;
        let ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano {
            months,
            days,
            nanoseconds,
        })) = whole
        else {
            return Err(refused(format!("{value} is not an interval; write INTERVAL '1 hour'")));
        };
        if nanoseconds % 1_000 != 0 {
            return Err(refused("an interval of less than a microsecond cuts nothing".to_owned()));
        }
        let micros =
            i64::from(days).checked_mul(DAY_US).and_then(|d| d.checked_add(nanoseconds / 1_000));
        Self::new(i64::from(months), micros.unwrap_or(i64::MAX))
    }

    fn new(months: i64, micros: i64) -> Result<Self> {
        match (months, micros) {
            (0, 1..) => Ok(Self::Micros(micros)),
            (1.., 0) => Ok(Self::Months(months)),
            (0, 0) => {
                Err(refused("an interval of nothing cuts nothing; write '1 hour'".to_owned()))
            }
            (1.., 1..) => Err(refused(
                "an interval has months and years, or days and less, and not both".to_owned(),
            )),
            _ => Err(refused("an interval must be greater than nothing".to_owned())),
        }
    }
}

/// How times are cut: the length of the buckets, and a time at which one begins, in the times' own
/// counting.
#[derive(Debug, Clone, Copy)]
struct Cut {
    step: Step,
    origin: i64,
    /// How far local time is ahead of the counting.
    ahead: i64,
}

impl Cut {
    /// Cuts of microseconds; Mondays begin weeks, as elsewhere.
    fn new(step: Step, origin: Option<i64>, zoned: bool) -> Result<Self> {
        let ahead = if zoned { AHEAD_US } else { 0 };
        let first = match step {
            Step::Micros(_) => NaiveDate::from_ymd_opt(2000, 1, 3),
            Step::Months(_) => NaiveDate::from_ymd_opt(2000, 1, 1),
        };
        let usual = first.map_or(0, |day| i64::from(day.to_epoch_days()) * DAY_US) - ahead;
        let cut = Self { step, origin: origin.unwrap_or(usual), ahead };
        if let Step::Months(_) = step
            && cut.month_of(cut.origin).is_none_or(|(_, rest)| rest != 0)
        {
            return Err(refused(
                "months and years are counted from the first of a month; give such an origin"
                    .to_owned(),
            ));
        }
        Ok(cut)
    }

    /// The local month of a time, counted from year 0, and how far into it the time is.
    fn month_of(self, time: i64) -> Option<(i64, i64)> {
        let local = time.checked_add(self.ahead)?;
        let day =
            i32::try_from(local.div_euclid(DAY_US)).ok().and_then(NaiveDate::from_epoch_days)?;
        let first = day.with_day(1)?;
        let month = i64::from(first.year()) * 12 + i64::from(first.month0());
        Some((month, local - i64::from(first.to_epoch_days()) * DAY_US))
    }

    fn time_of(self, month: i64) -> Option<i64> {
        let year = i32::try_from(month.div_euclid(12)).ok()?;
        let first =
            NaiveDate::from_ymd_opt(year, u32::try_from(month.rem_euclid(12)).ok()? + 1, 1)?;
        i64::from(first.to_epoch_days()).checked_mul(DAY_US)?.checked_sub(self.ahead)
    }

    /// The bucket's beginning and the next one's; none beyond all calendars.
    fn bucket(self, time: i64) -> Option<(i64, i64)> {
        match self.step {
            Step::Micros(step) => {
                let begin = time.checked_sub(time.checked_sub(self.origin)?.rem_euclid(step))?;
                Some((begin, begin.checked_add(step)?))
            }
            Step::Months(step) => {
                let (origin, _) = self.month_of(self.origin)?;
                let (month, _) = self.month_of(time)?;
                let month = month - (month - origin).rem_euclid(step);
                Some((self.time_of(month)?, self.time_of(month + step)?))
            }
        }
    }

    /// The bucket's beginning, looked up only where the time is in another bucket than the last.
    fn bucket_near(self, time: i64, last: &Cell<(i64, i64)>) -> Option<i64> {
        let (begin, end) = last.get();
        if (begin..end).contains(&time) {
            return Some(begin);
        }
        last.set(self.bucket(time)?);
        Some(last.get().0)
    }

    /// Every time's bucket; what repeats is not worked out again.
    fn cut(self, times: &arrow::array::PrimitiveArray<TimestampMicrosecondType>) -> ArrayRef {
        let (step, origin) = (self.step, self.origin);
        let begins = match step {
            Step::Micros(step) => times.unary::<_, TimestampMicrosecondType>(|time: i64| {
                time.saturating_sub(time.saturating_sub(origin).rem_euclid(step))
            }),
            Step::Months(_) => {
                let last = Cell::new((0, 0));
                times.unary_opt(|time: i64| self.bucket_near(time, &last))
            }
        };
        Arc::new(begins.with_data_type(times.data_type().clone()))
    }
}

pub(super) fn time_bucket(call: &Call<'_>) -> Result<ArrayRef> {
    let times = call.values(1)?.array;
    let Some(step) = call.constant(0)? else {
        return Ok(arrow::array::new_null_array(times.data_type(), call.rows()));
    };
    let step = Step::of(step)?;
    let origin = if call.count() > 2 { call.constant(2)?.map(micros).transpose()? } else { None };
    match times.data_type() {
        DataType::Date32 => {
            if let Step::Micros(step) = step
                && step % DAY_US != 0
            {
                return Err(call.refused("of a date takes whole days, months or years"));
            }
            let origin =
                origin.map(|(origin, zoned)| if zoned { origin + AHEAD_US } else { origin });
            let cut = Cut::new(step, origin, false)?;
            let days = times.as_primitive::<Date32Type>();
            let last = Cell::new((0, 0));
            let begins = days.unary_opt::<_, Date32Type>(|day| {
                let begin = cut.bucket_near(i64::from(day) * DAY_US, &last)?;
                i32::try_from(begin.div_euclid(DAY_US)).ok()
            });
            Ok(Arc::new(begins))
        }
        data_type => {
            let zoned = matches!(data_type, DataType::Timestamp(_, Some(_)));
            let cut = Cut::new(step, origin.map(|origin| counted(origin, zoned)), zoned)?;
            Ok(cut.cut(times.as_primitive::<TimestampMicrosecondType>()))
        }
    }
}

/// The buckets of Japanese days and clocks, or of times without a zone, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buckets(Cut);

impl Buckets {
    /// Those of this length; `zoned` tells whether times are counted in UTC.
    pub(crate) fn new(step: Step, zoned: bool) -> Result<Self> {
        Cut::new(step, None, zoned).map(Self)
    }

    /// The beginnings of the bucket that a time lies in, in microseconds, and of the next one; none beyond
    /// all calendars.
    pub(crate) fn around(self, time: i64) -> Option<(i64, i64)> {
        self.0.bucket(time)
    }

    /// How many buckets begin from one time to another, at most.
    pub(crate) fn most_between(self, from: i64, to: i64) -> u64 {
        const SHORTEST_MONTH: i64 = 28 * DAY_US;
        let length = match self.0.step {
            Step::Micros(length) => length,
            Step::Months(months) => months.saturating_mul(SHORTEST_MONTH),
        };
        u64::try_from(to.saturating_sub(from) / length).unwrap_or(0).saturating_add(1)
    }
}

/// The multiples of which length, from which instant, are where buckets of Japanese times begin, in
/// microseconds since 1970-01-01T00:00Z; not every multiple needs to begin one, as days do not begin months.
/// None where the arguments do not tell.
pub(crate) fn bucket_steps(args: &[Expr]) -> Option<(i64, i64)> {
    let literal = |place: usize| match args.get(place) {
        Some(Expr::Literal(value, _)) if !value.is_null() => Some(value),
        _ => None,
    };
    let step = Step::of(literal(0)?).ok()?;
    let origin = match args.len() {
        2 => None,
        _ => Some(counted(micros(literal(2)?).ok()?, true)),
    };
    let cut = Cut::new(step, origin, true).ok()?;
    let length = match step {
        Step::Micros(length) => length,
        Step::Months(_) => DAY_US,
    };
    Some((length, cut.origin))
}

/// A constant time in microseconds, and whether they are counted in UTC.
fn micros(value: &ScalarValue) -> Result<(i64, bool)> {
    Ok(match value {
        ScalarValue::Date32(Some(day)) => (i64::from(*day) * DAY_US, false),
        ScalarValue::TimestampMicrosecond(Some(time), zone) => (*time, zone.is_some()),
        other => return Err(refused(format!("{other} is no time that buckets can begin at"))),
    })
}

/// The same time as the other way of counting has it.
fn counted((time, in_utc): (i64, bool), zoned: bool) -> i64 {
    match (in_utc, zoned) {
        (true, false) => time.saturating_add(AHEAD_US),
        (false, true) => time.saturating_sub(AHEAD_US),
        _ => time,
    }
}

/// Times that a bucket's beginning stands for; none for a time that begins no bucket.
fn preimage(
    args: &[Expr],
    value: &ScalarValue,
    data_type: &DataType,
) -> Option<(ScalarValue, ScalarValue)> {
    let literal = |place: usize| match args.get(place) {
        Some(Expr::Literal(value, _)) if !value.is_null() => Some(value),
        _ => None,
    };
    let step = Step::of(literal(0)?).ok()?;
    let origin = match args.len() {
        2 => None,
        _ => Some(micros(literal(2)?).ok()?),
    };
    let zoned = matches!(data_type, DataType::Timestamp(_, Some(_)));
    let is_date = matches!(data_type, DataType::Date32);
    if is_date && matches!(step, Step::Micros(step) if step % DAY_US != 0) {
        return None;
    }
    let cut = Cut::new(step, origin.map(|origin| counted(origin, zoned)), zoned).ok()?;
    let (time, _) = micros(value).ok()?;
    let (begin, end) = cut.bucket(time)?;
    if begin != time || value.data_type() != *data_type {
        return None;
    }
    let made = |time: i64| match value {
        ScalarValue::TimestampMicrosecond(_, zone) => {
            Some(ScalarValue::TimestampMicrosecond(Some(time), zone.clone()))
        }
        _ => Some(ScalarValue::Date32(Some(i32::try_from(time.div_euclid(DAY_US)).ok()?))),
    };
    Some((made(begin)?, made(end)?))
}

/// A time, so many months or microseconds later or earlier, by the local calendar.
pub(super) fn moved(time: i64, step: Step, back: bool, ahead: i64) -> Option<i64> {
    match step {
        Step::Micros(step) if back => time.checked_sub(step),
        Step::Micros(step) => time.checked_add(step),
        Step::Months(months) => {
            let local = DateTime::from_timestamp_micros(time.checked_add(ahead)?)?;
            let months = Months::new(u32::try_from(months).ok()?);
            let local = if back {
                local.checked_sub_months(months)?
            } else {
                local.checked_add_months(months)?
            };
            local.timestamp_micros().checked_sub(ahead)
        }
    }
}

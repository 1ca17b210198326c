//! Observations and the periods they speak for: which day an hour belongs to when its time names its end,
//! and where a period begins and ends. What a contract says of a time column is read off its field.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Date32Array, PrimitiveArray},
    datatypes::{DataType, Date32Type, TimestampMicrosecondType},
};
use arrow_schema::FieldRef;
use chrono::NaiveDate;
use datafusion::{
    common::{Result, ScalarValue},
    logical_expr::{Expr, ExprSchemable, ReturnFieldArgs, lit, simplify::SimplifyContext},
};

use crate::classify::spoken;

use super::{
    Call, Definition, Gives, PLAIN, Takes,
    call::{AHEAD_US, DAY_US, refused},
    season::day_value,
    time_bucket::{Step, moved},
};

pub(super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "observed_day",
        title: "observed_day",
        syntax: "observed_day(time [, label])",
        ja: "観測が属する日（日本時間）。時刻が区間の終わりを指す列（水文の1〜24時など）では24時は前の日に入る。列の契約のlabelに従う",
        en: "The Japanese day that an observation belongs to. Where times name the end of their interval, as in hourly hydrology, 00:00 belongs to the day before. The contract of the column says which end; where it does not, give it",
        arguments: &[
            (
                "time",
                "a column of times whose contract has a label, or any time with a label given",
            ),
            ("label", "'start' or 'end'"),
        ],
        example: ("SELECT observed_day(TIMESTAMP '2026-04-02 00:00:00', 'end')", "2026-04-01"),
        takes: &[Takes::Instant, Takes::Word],
        optional: 1,
        gives: Gives::Day,
        work: observed_day,
        follows: Some(0),
        field: Some(|args| {
            label_of("observed_day", args)?;
            said(args, "observed_day", DataType::Date32)
        }),
        complete: Some(|args, info| complete(args, info, &["label"])),
        preimage: Some(|args, value, data_type| {
            let ScalarValue::Date32(Some(day)) = value else { return None };
            let day = NaiveDate::from_epoch_days(*day)?;
            let next = day.succ_opt()?;
            let later = match args.get(1) {
                _ if *data_type == DataType::Date32 => 0,
                Some(Expr::Literal(label, _)) if label.try_as_str() == Some(Some("end")) => 1,
                Some(Expr::Literal(label, _)) if label.try_as_str() == Some(Some("start")) => 0,
                _ => return None,
            };
            let moved = |day| match day_value(day, data_type)? {
                ScalarValue::TimestampMicrosecond(Some(time), zone) => {
                    Some(ScalarValue::TimestampMicrosecond(Some(time.checked_add(later)?), zone))
                }
                other => Some(other),
            };
            Some((moved(day)?, moved(next)?))
        }),
        ..PLAIN
    },
    &Definition {
        name: "period_start",
        title: "period_start",
        syntax: "period_start(time [, interval [, label]])",
        ja: "観測の区間の始まり。区間の長さと、時刻が始まりと終わりのどちらを指すかは列の契約に従う",
        en: "Where the interval of an observation begins. Its length, and the end that the time names, come from the column's contract where they are not given",
        arguments: PERIOD_ARGUMENTS,
        example: (
            "SELECT period_start(TIMESTAMP '2026-04-02 00:00:00', INTERVAL '1 hour', 'end')",
            "2026-04-01T23:00:00",
        ),
        takes: &[Takes::Instant, Takes::Interval, Takes::Word],
        optional: 2,
        gives: Gives::Same(0),
        work: |call| period(call, "end", true),
        follows: Some(0),
        field: Some(|args| period_field("period_start", args)),
        complete: Some(|args, info| complete(args, info, &["interval", "label"])),
        ..PLAIN
    },
    &Definition {
        name: "period_end",
        title: "period_end",
        syntax: "period_end(time [, interval [, label]])",
        ja: "観測の区間の終わり。区間の長さと、時刻が始まりと終わりのどちらを指すかは列の契約に従う",
        en: "Where the interval of an observation ends. Its length, and the end that the time names, come from the column's contract where they are not given",
        arguments: PERIOD_ARGUMENTS,
        example: (
            "SELECT period_end(TIMESTAMP '2026-02-01 00:00:00', INTERVAL '1 month', 'start')",
            "2026-03-01T00:00:00",
        ),
        takes: &[Takes::Instant, Takes::Interval, Takes::Word],
        optional: 2,
        gives: Gives::Same(0),
        work: |call| period(call, "start", false),
        follows: Some(0),
        field: Some(|args| period_field("period_end", args)),
        complete: Some(|args, info| complete(args, info, &["interval", "label"])),
        ..PLAIN
    },
];

const PERIOD_ARGUMENTS: &[(&str, &str)] = &[
    ("time", "a timestamp or a date"),
    ("interval", "a constant, such as INTERVAL '1 hour'"),
    ("label", "'start' or 'end': what the time names"),
];

/// The field of the result: as the time's, without what a contract said of that.
fn said(args: &ReturnFieldArgs<'_>, name: &str, data_type: DataType) -> Result<FieldRef> {
    let missing = args.arg_fields.iter().any(|field| field.is_nullable());
    Ok(Arc::new(arrow::datatypes::Field::new(name, data_type, missing)))
}

fn period_field(name: &str, args: &ReturnFieldArgs<'_>) -> Result<FieldRef> {
    let Some(time) = args.arg_fields.first() else { return said(args, name, DataType::Null) };
    let knows = |key: &str| time.metadata().contains_key(key);
    let given = args.arg_fields.len();
    if given < 2 && !knows("interval") || given < 3 && !knows("label") {
        return Err(refused(format!(
            "nothing says how long an interval of {} is and which end it names; write {name}(time, \
             INTERVAL '1 hour', 'end')",
            spoken(time.name())
        )));
    }
    said(args, name, time.data_type().clone())
}

fn label_of(name: &str, args: &ReturnFieldArgs<'_>) -> Result<()> {
    let Some(time) = args.arg_fields.first() else { return Ok(()) };
    let is_instant = !matches!(time.data_type(), DataType::Date32);
    if args.arg_fields.len() < 2 && is_instant && !time.metadata().contains_key("label") {
        return Err(refused(format!(
            "nothing says whether {} names the start or the end of its interval; write {name}(time, \
             'start') or {name}(time, 'end')",
            spoken(time.name())
        )));
    }
    Ok(())
}

/// Adds what the column's field says, so that it stands in the plan.
fn complete(args: &mut Vec<Expr>, info: &SimplifyContext, keys: &[&str]) -> Result<bool> {
    let Some(time) = args.first() else { return Ok(false) };
    let (_, field) = time.to_field(info.schema().as_ref())?;
    let mut added = false;
    for key in keys.iter().skip(args.len() - 1) {
        let Some(value) = field.metadata().get(*key) else { break };
        args.push(lit(value.as_str()));
        added = true;
    }
    Ok(added)
}

/// A constant argument, or what the time's field says.
fn setting(call: &Call<'_>, place: usize, key: &str) -> Result<Option<String>> {
    if place < call.count() {
        return Ok(call.word(place)?.map(str::to_owned));
    }
    Ok(call.field(0).and_then(|field| field.metadata().get(key)).cloned())
}

fn label(call: &Call<'_>, place: usize) -> Result<Option<bool>> {
    match setting(call, place, "label")?.as_deref() {
        None => Ok(None),
        Some("start") => Ok(Some(false)),
        Some("end") => Ok(Some(true)),
        Some(other) => {
            Err(call.refused(&format!("takes the label 'start' or 'end', not {other:?}")))
        }
    }
}

fn observed_day(call: &Call<'_>) -> Result<ArrayRef> {
    let times = call.values(0)?.array;
    let DataType::Timestamp(_, zone) = times.data_type() else { return Ok(times) };
    let Some(names_end) = label(call, 1)? else {
        return Ok(Arc::new(Date32Array::new_null(call.rows())));
    };
    let ahead = if zone.is_some() { AHEAD_US } else { 0 } - i64::from(names_end);
    let days =
        times.as_primitive::<TimestampMicrosecondType>().unary_opt::<_, Date32Type>(|time| {
            i32::try_from(time.checked_add(ahead)?.div_euclid(DAY_US)).ok()
        });
    Ok(Arc::new(days))
}

/// The times themselves where they name the other end, moved by the interval where they name this one.
fn period(call: &Call<'_>, moves: &str, back: bool) -> Result<ArrayRef> {
    let times = call.values(0)?.array;
    let nothing = || arrow::array::new_null_array(times.data_type(), call.rows());
    let step = if call.count() > 1 {
        match call.constant(1)? {
            Some(value) => Step::of(value)?,
            None => return Ok(nothing()),
        }
    } else {
        match setting(call, 1, "interval")? {
            Some(text) => Step::of(&ScalarValue::from(text))?,
            None => return Ok(nothing()),
        }
    };
    let Some(names_end) = label(call, 2)? else { return Ok(nothing()) };
    if names_end != (moves == "end") {
        return Ok(times);
    }
    Ok(match times.data_type() {
        DataType::Date32 => {
            if let Step::Micros(step) = step
                && step % DAY_US != 0
            {
                return Err(call.refused("of a date takes whole days, months or years"));
            }
            let days = times.as_primitive::<Date32Type>();
            Arc::new(days.unary_opt::<_, Date32Type>(|day| {
                let time = moved(i64::from(day) * DAY_US, step, back, 0)?;
                i32::try_from(time.div_euclid(DAY_US)).ok()
            }))
        }
        data_type => {
            let ahead =
                if matches!(data_type, DataType::Timestamp(_, Some(_))) { AHEAD_US } else { 0 };
            let times: &PrimitiveArray<TimestampMicrosecondType> = times.as_primitive();
            let ends = times
                .unary_opt::<_, TimestampMicrosecondType>(|time| moved(time, step, back, ahead));
            Arc::new(ends.with_data_type(data_type.clone()))
        }
    })
}

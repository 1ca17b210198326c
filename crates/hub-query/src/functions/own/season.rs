//! Parts of the Japanese year: 旬, 年度, winters, eras and holidays.

use std::sync::Arc;

use arrow::{
    array::Date32Array,
    compute::cast,
    datatypes::{DataType, TimeUnit},
};
use chrono::{Datelike, NaiveDate};
use datafusion::common::ScalarValue;
use hub_model::{
    ZONE_NAME, fiscal_year, jp_holiday, jun, jun_name, jun_start, wareki, wareki_date,
    winter_season,
};

use super::{
    Definition, Gives, PLAIN, Takes,
    call::{AHEAD_US, DAY_US},
};

pub(super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: "jun",
        title: "jun",
        syntax: "jun(date)",
        ja: "旬の番号。1＝上旬（1〜10日）、2＝中旬（11〜20日）、3＝下旬（21日〜月末）",
        en: "The third of the month that a day lies in: 1 (days 1-10), 2 (11-20) or 3 (the rest)",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT jun(DATE '2024-02-11')", "2"),
        takes: &[Takes::Day],
        gives: Gives::Whole,
        work: |call| call.of_days(|day| Some(i32::from(jun(day)))),
        ..PLAIN
    },
    &Definition {
        name: "jun_name",
        title: "jun_name",
        syntax: "jun_name(date)",
        ja: "旬の名前。上旬・中旬・下旬",
        en: "The name of the third of the month that a day lies in: 上旬, 中旬 or 下旬",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT jun_name(DATE '2024-02-29')", "下旬"),
        takes: &[Takes::Day],
        gives: Gives::Text,
        work: |call| call.texts_of_days(|day| Some(jun_name(day))),
        ..PLAIN
    },
    &Definition {
        name: "jun_start",
        title: "jun_start",
        syntax: "jun_start(date)",
        ja: "旬の最初の日。旬ごとの集計はこれでまとめる",
        en: "The first day of the third of the month that a day lies in; group by it for sums and means by 旬",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT jun_start(TIMESTAMP '2024-02-29 23:00:00')", "2024-02-21"),
        takes: &[Takes::Day],
        gives: Gives::Day,
        work: |call| {
            let days = call.of_days(|day| Some(jun_start(day).to_epoch_days()))?;
            Ok(cast(&days, &DataType::Date32)?)
        },
        follows: Some(0),
        preimage: Some(|_, value, data_type| {
            let ScalarValue::Date32(Some(day)) = value else { return None };
            let day = NaiveDate::from_epoch_days(*day).filter(|day| jun_start(*day) == *day)?;
            let next = (8..12).find_map(|days| {
                let later = day.checked_add_days(chrono::Days::new(days))?;
                (jun_start(later) == later).then_some(later)
            });
            between(day, next?, data_type)
        }),
        ..PLAIN
    },
    &Definition {
        name: "fiscal_year",
        title: "fiscal_year",
        syntax: "fiscal_year(date)",
        ja: "年度（4月〜翌年3月）",
        en: "The Japanese fiscal year (年度), which begins on 1 April",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT fiscal_year(DATE '2024-03-31')", "2023"),
        takes: &[Takes::Day],
        gives: Gives::Whole,
        work: |call| call.of_days(|day| Some(fiscal_year(day))),
        follows: Some(0),
        preimage: Some(|_, value, data_type| {
            let ScalarValue::Int32(Some(year)) = value else { return None };
            between(first_of(*year, 4)?, first_of(year.checked_add(1)?, 4)?, data_type)
        }),
        ..PLAIN
    },
    &Definition {
        name: "winter_season",
        title: "winter_season",
        syntax: "winter_season(date)",
        ja: "寒候年（前年8月〜当年7月）。一冬の積雪や最低気温を年末で分けずにまとめる",
        en: "The cold season by the year it ends in (寒候年 of the JMA, August to July), so that one winter is not cut at New Year",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT winter_season(DATE '2023-12-15')", "2024"),
        takes: &[Takes::Day],
        gives: Gives::Whole,
        work: |call| call.of_days(|day| Some(winter_season(day))),
        follows: Some(0),
        preimage: Some(|_, value, data_type| {
            let ScalarValue::Int32(Some(year)) = value else { return None };
            between(first_of(year.checked_sub(1)?, 8)?, first_of(*year, 8)?, data_type)
        }),
        ..PLAIN
    },
    &Definition {
        name: "wareki",
        title: "wareki",
        syntax: "wareki(date)",
        ja: "和暦の日付（令和6年4月1日）。1872年以前はNULL",
        en: "The date by Japanese era, such as 令和6年4月1日; NULL before 1873",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT wareki(DATE '2019-05-01')", "令和元年5月1日"),
        takes: &[Takes::Day],
        gives: Gives::Text,
        may_be_missing: true,
        work: |call| call.texts_of_days(wareki),
        ..PLAIN
    },
    &Definition {
        name: "wareki_date",
        title: "wareki_date",
        syntax: "wareki_date(text)",
        ja: "和暦の文字（令和6年4月1日、R6.4.1、昭53.10.30、令和6年4月）を日付にする。読めなければNULL",
        en: "The date that a text with an era names (令和6年4月1日, R6.4.1, 昭53.10.30; a month without a day is its first); NULL where it is none",
        arguments: &[("text", "a date by era, in full or half width")],
        example: ("SELECT wareki_date('令和6年4月1日')", "2024-04-01"),
        takes: &[Takes::Text],
        gives: Gives::Day,
        may_be_missing: true,
        work: |call| {
            let texts = call.texts(0)?;
            let days = (0..call.rows())
                .map(|row| texts.get(row).and_then(wareki_date).map(|day| day.to_epoch_days()));
            Ok(Arc::new(days.collect::<Date32Array>()))
        },
        ..PLAIN
    },
    &Definition {
        name: "jp_holiday",
        title: "jp_holiday",
        syntax: "jp_holiday(date)",
        ja: "国民の祝日・振替休日・国民の休日の名前。祝日でなければNULL。1948年7月20日〜2150年",
        en: "The name of the Japanese national holiday on a day, substitute holidays included; NULL on other days, before 20 July 1948 and after 2150. Equinoxes to come are computed, not yet announced",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT jp_holiday(DATE '2026-09-22')", "国民の休日"),
        takes: &[Takes::Day],
        gives: Gives::Text,
        may_be_missing: true,
        work: |call| call.texts_of_days(jp_holiday),
        ..PLAIN
    },
    &Definition {
        name: "is_jp_holiday",
        title: "is_jp_holiday",
        syntax: "is_jp_holiday(date)",
        ja: "祝日（振替休日・国民の休日を含む）ならtrue。土日は含まない。1948年7月20日〜2150年の外はNULL",
        en: "Whether a day is a Japanese national holiday; weekends by themselves are not. NULL before 20 July 1948 and after 2150",
        arguments: &[("date", "a date, or a timestamp by its day in Japan")],
        example: ("SELECT is_jp_holiday(DATE '2024-02-12')", "true"),
        takes: &[Takes::Day],
        gives: Gives::Boolean,
        may_be_missing: true,
        work: |call| {
            let begins = NaiveDate::from_ymd_opt(1948, 7, 20);
            call.whether(|day| {
                let known = begins.is_some_and(|begins| begins <= day) && day.year() <= 2150;
                known.then(|| jp_holiday(day).is_some())
            })
        },
        ..PLAIN
    },
];

fn first_of(year: i32, month: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, 1)
}

/// From one day's beginning to another's, as values of the first argument.
fn between(
    from: NaiveDate,
    before: NaiveDate,
    data_type: &DataType,
) -> Option<(ScalarValue, ScalarValue)> {
    Some((day_value(from, data_type)?, day_value(before, data_type)?))
}

/// The beginning of a day in Japan as a value of this type.
pub(super) fn day_value(day: NaiveDate, data_type: &DataType) -> Option<ScalarValue> {
    let days = day.to_epoch_days();
    let midnight = || i64::from(days).checked_mul(DAY_US);
    match data_type {
        DataType::Date32 => Some(ScalarValue::Date32(Some(days))),
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            Some(ScalarValue::TimestampMicrosecond(Some(midnight()?), None))
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let instant = midnight()?.checked_sub(AHEAD_US)?;
            Some(ScalarValue::TimestampMicrosecond(Some(instant), Some(ZONE_NAME.into())))
        }
        _ => None,
    }
}

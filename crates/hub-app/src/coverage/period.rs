//! Between which times a dataset version has data, told from its files' statistics alone.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use hub_lake::{Bound, Snapshot};
use hub_model::{Contract, FieldType, Interval, Label, TOKYO};

/// The times of a version's first and last rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPeriod {
    first: NaiveDateTime,
    last: NaiveDateTime,
    field_type: FieldType,
    interval: Option<Interval>,
    label: Option<Label>,
}

impl DataPeriod {
    /// The period of a version; none where it has no rows with a time, or its files don't tell.
    pub(crate) fn of(contract: &Contract, snapshot: &Snapshot) -> Option<Self> {
        let time = contract.time_field()?;
        let mut span: Option<(NaiveDateTime, NaiveDateTime)> = None;
        for file in snapshot.files.iter() {
            let known = file.columns.get(time.storage_name())?;
            if known.nulls == Some(file.rows) {
                continue;
            }
            let (least, greatest) =
                (local(known.minimum.as_ref()?)?, local(known.maximum.as_ref()?)?);
            span = Some(match span {
                Some((first, last)) => (first.min(least), last.max(greatest)),
                None => (least, greatest),
            });
        }
        let (first, last) = span?;
        let (interval, label) = (time.interval, time.label);
        Some(Self { first, last, field_type: time.field_type, interval, label })
    }

    /// The time of the first row, as the column shows times.
    pub fn first(&self) -> String {
        shown(self.first, self.field_type)
    }

    /// The time of the last row.
    pub fn last(&self) -> String {
        shown(self.last, self.field_type)
    }

    /// The days that the first and the last row's intervals are in, in Japanese time.
    pub fn days(&self) -> (NaiveDate, NaiveDate) {
        let ends = self.label == Some(Label::End) && self.field_type == FieldType::Datetime;
        let within = |time: NaiveDateTime| {
            if ends { (time - TimeDelta::microseconds(1)).date() } else { time.date() }
        };
        (within(self.first), within(self.last))
    }

    /// The same days, to the end of the last interval: a year's row lasts until December.
    pub(crate) fn days_to_the_end(&self) -> (NaiveDate, NaiveDate) {
        let (first, last) = self.days();
        let until = self.until().filter(|until| *until > self.last);
        (first, until.map_or(last, |until| (until - TimeDelta::microseconds(1)).date()))
    }

    /// When the interval ends that the last row is of, in Japanese time.
    pub(crate) fn until(&self) -> Option<NaiveDateTime> {
        match (self.label, self.interval) {
            (Some(Label::End), _) => Some(self.last),
            (_, Some(interval)) => interval.after(self.last),
            (_, None) => match self.field_type {
                FieldType::Date => self.last.checked_add_signed(TimeDelta::days(1)),
                FieldType::Year => self.last.checked_add_months(chrono::Months::new(12)),
                FieldType::Yearmonth => self.last.checked_add_months(chrono::Months::new(1)),
                _ => Some(self.last),
            },
        }
    }
}

/// A bound in Japanese time. One that the log rounded is told to the second.
fn local(bound: &Bound) -> Option<NaiveDateTime> {
    match bound {
        Bound::Instant(at) => {
            let instant = DateTime::from_timestamp(at.div_euclid(1_000_000), 0)?;
            Some(instant.with_timezone(&TOKYO).naive_local())
        }
        Bound::Date(days) => {
            let epoch = DateTime::UNIX_EPOCH.naive_utc();
            epoch.checked_add_signed(TimeDelta::try_days(i64::from(*days))?)
        }
        Bound::Integer(year) => {
            NaiveDate::from_ymd_opt(i32::try_from(*year).ok()?, 1, 1)?.and_hms_opt(0, 0, 0)
        }
        Bound::Boolean(_) | Bound::Number(_) | Bound::Text(_) => None,
    }
}

/// A time in the form in which answers show a column of the type.
pub(crate) fn shown(time: NaiveDateTime, field_type: FieldType) -> String {
    match field_type {
        FieldType::Year => time.format("%Y").to_string(),
        FieldType::Yearmonth => time.format("%Y-%m").to_string(),
        FieldType::Datetime => match time.and_local_timezone(TOKYO).single() {
            Some(instant) => hub_model::format_instant(instant.to_utc()),
            None => time.to_string(),
        },
        _ => time.format("%Y-%m-%d").to_string(),
    }
}

//! Whether a feed is as new as its metadata promises.
//!
//! A cadence says how often new data comes. For data that comes daily or more often, the newest observation
//! tells whether it did: with a cadence of ten minutes, what is known up to 12:00 is to be known up to 12:10
//! at 12:10. Yearly and monthly figures come out long after the time that they speak of, so that there the
//! newest version tells: a year after one edition the next is due. What is due may take one cadence more on
//! its way, but no longer than 30 days; after that it is late, since the time that it was due.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::{Interval, TOKYO};

/// The longest cadence whose feed is judged by its observations.
const DAY_S: u64 = 86_400;

/// The longest that data which is due may be on its way.
const MOST_GRACE: TimeDelta = TimeDelta::days(30);

/// By what a feed was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedBy {
    /// The end of its newest observation.
    Observation,
    /// When its newest version was published, or the dataset made where there is none.
    Version,
}

impl JudgedBy {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observation => "observation",
            Self::Version => "version",
        }
    }
}

/// How a feed stands against its cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The cadence that is promised.
    pub cadence: Interval,
    /// What tells.
    pub judged_by: JudgedBy,
    /// When new data is due next, or was.
    pub due_at: DateTime<Utc>,
    /// How long ago it was due, where it is late. In whole minutes for cadences below a day, in whole hours
    /// for others, so that two who ask shortly after one another are told the same.
    pub late_by: Option<TimeDelta>,
}

impl Freshness {
    /// How a feed stands at `now`. `observed_until` is the end of its newest observation in Japanese time,
    /// where it has any, and `published` when its newest version came. None where a time is beyond the
    /// calendar.
    pub fn of(
        cadence: Interval,
        observed_until: Option<NaiveDateTime>,
        published: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let now_there = now.with_timezone(&TOKYO).naive_local();
        let frequent = cadence.months() == 0 && cadence.seconds() <= DAY_S;
        // A time that lies ahead tells nothing of what came until now.
        let observed = observed_until
            .filter(|end| frequent && cadence.after(now_there).is_some_and(|ahead| *end <= ahead));
        let (base, judged_by) = match observed {
            Some(end) => (end, JudgedBy::Observation),
            None => (published.with_timezone(&TOKYO).naive_local(), JudgedBy::Version),
        };
        let due = cadence.after(base)?;
        let bearable = cadence.after(due)?.min(due.checked_add_signed(MOST_GRACE)?);
        let unit = if frequent && cadence.seconds() < DAY_S { 60 } else { 3_600 };
        let late_by = (now_there > bearable).then(|| {
            let seconds = (now_there - due).num_seconds();
            TimeDelta::seconds(seconds - seconds % unit)
        });
        let due_at = due.and_local_timezone(TOKYO).single()?.to_utc();
        Some(Self { cadence, judged_by, due_at, late_by })
    }

    /// Whether new data should be there by now and is not.
    pub fn is_late(&self) -> bool {
        self.late_by.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn instant(text: &str) -> DateTime<Utc> {
        at(text).and_local_timezone(TOKYO).unwrap().to_utc()
    }

    fn judged(cadence: &str, until: Option<&str>, published: &str, now: &str) -> Freshness {
        let cadence = Interval::parse(cadence).unwrap();
        Freshness::of(cadence, until.map(at), instant(published), instant(now)).unwrap()
    }

    #[test]
    fn a_frequent_feed_is_late_by_its_observations() {
        let of = |now| judged("PT10M", Some("2026-04-01 12:00"), "2026-04-01 12:25", now);
        let fresh = of("2026-04-01 12:20");
        assert_eq!(fresh.judged_by, JudgedBy::Observation);
        assert_eq!(fresh.due_at, instant("2026-04-01 12:10"));
        assert_eq!(fresh.late_by, None);
        assert_eq!(of("2026-04-01 12:21").late_by, Some(TimeDelta::minutes(11)));
        // A file that brings nothing new makes it no fresher.
        let daily = |now| judged("P1D", Some("2026-04-02 00:00"), "2026-04-09 00:00", now);
        assert!(!daily("2026-04-04 00:00").is_late());
        assert_eq!(daily("2026-04-04 01:59").late_by, Some(TimeDelta::hours(25)));
    }

    #[test]
    fn yearly_figures_are_late_by_their_editions() {
        // Those of 2024 came in June 2026, and are the newest there are.
        let of = |now| judged("P1Y", Some("2025-01-01 00:00"), "2026-06-10 09:00", now);
        assert_eq!(of("2027-07-10 09:00").late_by, None);
        let late = of("2027-07-10 09:01");
        assert_eq!(late.judged_by, JudgedBy::Version);
        assert_eq!(late.due_at, instant("2027-06-10 09:00"));
        assert_eq!(late.late_by, Some(TimeDelta::days(30)));
        let monthly = |now| judged("P1M", None, "2026-01-31 09:00", now);
        assert_eq!(monthly("2026-03-28 09:00").late_by, None);
        assert_eq!(monthly("2026-03-29 09:00").late_by, Some(TimeDelta::days(29)));
    }

    #[test]
    fn a_time_that_lies_ahead_is_not_believed() {
        let late = judged("PT1H", Some("2062-04-01 00:00"), "2026-04-01 00:00", "2026-04-02 00:00");
        assert_eq!((late.judged_by, late.is_late()), (JudgedBy::Version, true));
        let empty = judged("PT1H", None, "2026-04-01 00:00", "2026-04-01 02:00");
        assert_eq!((empty.judged_by, empty.is_late()), (JudgedBy::Version, false));
    }
}

//! Two datasets' times on one grid: the coarser one's hours, days, months or years, with every row in the
//! stretch that its interval is in.

use hub_model::{Contract, Field, FieldType, Interval, Label};

use super::statement::quoted;

/// The grids, the finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grid {
    /// The times as they are: both have the same interval, of less than an hour.
    Times,
    Hour,
    Day,
    Month,
    Year,
}

/// How often a dataset speaks against another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// As often.
    Equal,
    /// This one more often.
    Coarser,
    /// The other one more often.
    Finer,
    /// This one whenever something happens: each row goes with the other's last one before it.
    AsOf,
}

impl Relation {
    /// What the other one is, in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Coarser => "coarser",
            Self::Finer => "finer",
            Self::AsOf => "as_of",
        }
    }
}

impl Grid {
    /// The grid that both columns of times can be brought to.
    pub(super) fn common(own: &Field, other: &Field) -> Self {
        let coarser = own_grid(own).max(own_grid(other));
        let alike = own.field_type == other.field_type
            && own.interval == other.interval
            && own.label == other.label;
        if coarser == Self::Times && !alike { Self::Hour } else { coarser }
    }

    /// The word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Times => "time",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The stretch of a row's time, in SQL.
    pub(super) fn stretch(self, time: &Field) -> String {
        let column = quoted(time);
        let is_instant = time.field_type == FieldType::Datetime;
        let instant = match time.label {
            // The microsecond before its end is in the interval. Rollups know this form.
            Some(Label::End) if is_instant => format!("{column} - INTERVAL '1 microsecond'"),
            _ => column.clone(),
        };
        let own = own_grid(time);
        match self {
            Self::Times => column,
            Self::Hour => format!("date_trunc('hour', {instant})"),
            _ if self == own && !is_instant => column,
            Self::Day if is_instant && time.label.is_some() => format!("observed_day({column})"),
            Self::Day => format!("CAST({instant} AS DATE)"),
            Self::Month => format!("CAST(date_trunc('month', {instant}) AS DATE)"),
            Self::Year => format!("CAST(date_part('year', {instant}) AS INT)"),
        }
    }

    /// About how many stretches a time of so many days has.
    pub(super) fn stretches(self, days: u64, interval: Option<Interval>) -> u64 {
        match self {
            Self::Times => {
                let width = interval.map_or(3_600, |interval| interval.seconds().max(1));
                days * 86_400 / width
            }
            Self::Hour => days * 24,
            Self::Day => days,
            Self::Month => days / 30 + 1,
            Self::Year => days / 365 + 1,
        }
    }
}

/// The finest grid that the times of a column fill.
fn own_grid(time: &Field) -> Grid {
    let by_type = match time.field_type {
        FieldType::Year => Grid::Year,
        FieldType::Yearmonth => Grid::Month,
        FieldType::Date => Grid::Day,
        _ => Grid::Times,
    };
    let by_interval = match time.interval {
        // What happens at any moment is counted by the day.
        None => Grid::Day,
        Some(interval) => match (interval.months(), interval.seconds()) {
            (12.., _) => Grid::Year,
            (1.., _) => Grid::Month,
            (_, 86_400..) => Grid::Day,
            (_, 3_600..) => Grid::Hour,
            _ => Grid::Times,
        },
    };
    // A column of days can't fill a finer grid than days, whatever is said of its interval.
    by_type.max(by_interval)
}

/// How the other dataset speaks against this one.
pub(super) fn relation(own: &Field, other: &Field) -> Relation {
    match own_grid(own).cmp(&own_grid(other)) {
        std::cmp::Ordering::Less => Relation::Coarser,
        std::cmp::Ordering::Greater => Relation::Finer,
        std::cmp::Ordering::Equal => match (width(own), width(other)) {
            (Some(a), Some(b)) if a < b => Relation::Coarser,
            (Some(a), Some(b)) if a > b => Relation::Finer,
            _ => Relation::Equal,
        },
    }
}

/// Whether rows of the one stand for moments, and those of the other for what lasts between.
pub(super) fn is_as_of(own: &Contract, other: &Contract) -> bool {
    let instant = |contract: &Contract| {
        contract.time_field().filter(|time| time.field_type == FieldType::Datetime).cloned()
    };
    match (instant(own), instant(other)) {
        (Some(own), Some(other)) => own.interval.is_none() && other.interval.is_some(),
        _ => false,
    }
}

fn width(time: &Field) -> Option<(u32, u64)> {
    time.interval.map(|interval| (interval.months(), interval.seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(field_type: FieldType, interval: Option<&str>, label: Option<Label>) -> Field {
        let interval = interval.map(|text| Interval::parse(text).unwrap());
        Field { interval, label, ..Field::new("t", field_type) }
    }

    #[test]
    fn two_times_meet_on_the_coarser_ones_grid() {
        let five = time(FieldType::Datetime, Some("PT5M"), Some(Label::Start));
        let hour = time(FieldType::Datetime, Some("PT1H"), Some(Label::End));
        let day = time(FieldType::Date, Some("P1D"), Some(Label::Start));
        let month = time(FieldType::Yearmonth, Some("P1M"), None);
        let year = time(FieldType::Year, None, None);
        let call = time(FieldType::Datetime, None, None);
        for (a, b, grid) in [
            (&five, &five, Grid::Times),
            (&five, &hour, Grid::Hour),
            (&hour, &hour, Grid::Hour),
            (&hour, &day, Grid::Day),
            (&day, &month, Grid::Month),
            (&five, &year, Grid::Year),
            (&call, &hour, Grid::Day),
        ] {
            assert_eq!((Grid::common(a, b), Grid::common(b, a)), (grid, grid));
        }
        let other_end = Field { label: Some(Label::End), ..five.clone() };
        assert_eq!(Grid::common(&five, &other_end), Grid::Hour);
        assert_eq!(relation(&five, &hour), Relation::Coarser);
        assert_eq!(relation(&month, &day), Relation::Finer);
        assert_eq!(relation(&day, &day), Relation::Equal);
    }

    #[test]
    fn a_stretch_is_written_for_the_type_and_the_label() {
        let hour = time(FieldType::Datetime, Some("PT1H"), Some(Label::End));
        assert_eq!(Grid::Day.stretch(&hour), "observed_day(t)");
        let before = "t - INTERVAL '1 microsecond'";
        assert_eq!(Grid::Year.stretch(&hour), format!("CAST(date_part('year', {before}) AS INT)"));
        let day = time(FieldType::Date, Some("P1D"), None);
        assert_eq!(Grid::Day.stretch(&day), "t");
        assert_eq!(Grid::Month.stretch(&day), "CAST(date_trunc('month', t) AS DATE)");
        assert_eq!(Grid::Year.stretch(&time(FieldType::Year, None, None)), "t");
    }
}

//! Rollups: what the rows of one data file come to by series and hour, day, or over the whole file.
//!
//! Each data file may have companions: small Parquet files under `_rollups/`, made from its rows before
//! anything names it, and named by it in the log. They say nothing that the rows don't say, so a file
//! without companions is only slower to ask. Being made of one immutable file they never age: what
//! writes data files anew makes their companions anew, and vacuum lets both go together.
//!
//! Hours and days are those of the Japanese clock. A row belongs to the stretch that its time is in;
//! where times name the end of an interval, rows at the very beginning of a stretch are kept apart
//! (`__edge`), so that they can be counted to the stretch before as well.

mod backfill;
mod group;
mod kept;
mod roller;
mod values;
mod write;

use std::{collections::BTreeMap, sync::Arc};

use arrow_schema::DataType;
use hub_model::{Contract, Field, FieldRole, FieldType, Label};
use object_store::path::Path;

pub(crate) use kept::{ROLLUPS_TAG, read_tag, tag};
pub(crate) use roller::Roller;
pub(crate) use write::put;

/// The folder of companions in a dataset's folder. Other tools pass over names that begin so.
pub(crate) const FOLDER: &str = "_rollups";

/// The column of a companion that says which stretch: its first instant. Missing for rows without a time.
pub const BUCKET: &str = "__bucket";
/// The column that is true for rows at the very beginning of their stretch, where these are kept apart.
pub const EDGE: &str = "__edge";
/// The column with the number of rows.
pub const ROWS: &str = "__rows";
/// The columns with the least and the greatest time of the rows.
pub const FIRST_TIME: &str = "__first_time";
/// See [`FIRST_TIME`].
pub const LAST_TIME: &str = "__last_time";

/// A companion is kept where it has so many times fewer rows than its data file.
const LEAST_GAIN: u64 = 3;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// Until 1951 the Japanese clock had summer time, and before 1888 other minutes; files with such times
/// have no hours and days.
const STEADY_SINCE_US: i64 = -568_112_400_000_000;

/// How long a rollup's stretches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RollupLevel {
    /// An hour.
    Hour,
    /// A day of the Japanese clock.
    Day,
    /// All rows of the file, so that there is one row a series.
    Series,
}

impl RollupLevel {
    /// Every level, the finest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Series];

    /// The word for it in names of files and in plans.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Series => "series",
        }
    }

    /// Microseconds of a stretch; none where it is the whole file.
    pub fn width_us(self) -> Option<i64> {
        match self {
            Self::Hour => Some(HOUR_US),
            Self::Day => Some(DAY_US),
            Self::Series => None,
        }
    }

    /// The first instant of the stretch that an instant is in, in microseconds since 1970-01-01T00:00Z.
    /// Instants before 1952 may not have a stretch; see [`RollupLevel::first_us`].
    pub fn start_us(self, instant_us: i64) -> Option<i64> {
        let (width, offset) = (self.width_us()?, i64::from(hub_model::TOKYO.local_minus_utc()));
        let offset = offset * 1_000_000;
        let local = instant_us.checked_add(offset)?;
        local.checked_sub(local.rem_euclid(width))?.checked_sub(offset)
    }

    /// Hours and days before this instant are not rolled up.
    pub fn first_us(self) -> i64 {
        STEADY_SINCE_US
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == word)
    }
}

/// What a companion says of one value column, of those values that their quality does not leave out (see
/// [`hub_model::Quality::is_left_out`]). Counts are whole numbers; the others have the column's
/// type and are there for number columns only. `min` and `max` order numbers totally, NaN at the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RollupValue {
    /// Rows with a value.
    Count,
    /// Rows with a value of quality `normal` or `quasi_normal`; where no quality is kept, as `Count`.
    Good,
    /// The sum of the values.
    Sum,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The value of the earliest row with a value, and that row's time.
    First,
    /// See [`Self::First`].
    FirstTime,
    /// The value of the latest row with a value, and that row's time.
    Last,
    /// See [`Self::Last`].
    LastTime,
}

impl RollupValue {
    /// The companion's column for a value column of this stored name. No stored name has a colon.
    pub fn column(self, value: &str) -> String {
        let what = match self {
            Self::Count => "count",
            Self::Good => "good",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::FirstTime => "first_time",
            Self::Last => "last",
            Self::LastTime => "last_time",
        };
        format!("{value}:{what}")
    }
}

/// The companions of one data file, and what they speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRollups {
    /// The stored columns of the series, in the order in which companions are sorted.
    pub series: Vec<String>,
    /// The stored column of the time.
    pub time: String,
    /// Whether rows at the beginning of a stretch are kept apart.
    pub edges: bool,
    /// The stored value columns.
    pub values: BTreeMap<String, RolledValue>,
    /// The companions, one a level at most.
    pub files: Vec<RollupFile>,
}

impl FileRollups {
    /// The companion of this level.
    pub fn file(&self, level: RollupLevel) -> Option<&RollupFile> {
        self.files.iter().find(|file| file.level == level)
    }
}

/// A value column that companions speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolledValue {
    /// The stored column that says the quality of its values.
    pub quality: Option<String>,
    /// Values of the file that their quality leaves out; companions speak of the others.
    pub left_out: u64,
    /// Rows of the file in which no value was due (see [`hub_model::Quality::was_due`]); none where it was
    /// not counted.
    pub not_due: Option<u64>,
}

/// One companion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupFile {
    /// How long its stretches are.
    pub level: RollupLevel,
    /// Its key in the object store, from the store's root.
    pub path: Path,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its bytes, in hexadecimal; none of companions written before it was noted.
    pub sha256: Option<String>,
}

/// What a file's column has that companions do not speak of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// Values that are left out by their quality.
    pub(crate) left_out: u64,
    /// Rows in which none was due.
    pub(crate) not_due: u64,
}

/// What is to be rolled up of a dataset's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RollupSpec {
    pub(crate) series: Vec<String>,
    pub(crate) time: String,
    pub(crate) time_type: DataType,
    pub(crate) edges: bool,
    pub(crate) values: Vec<RolledColumn>,
    pub(crate) levels: Vec<RollupLevel>,
}

/// One value column that is rolled up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolledColumn {
    pub(crate) name: String,
    pub(crate) quality: Option<String>,
}

impl RollupSpec {
    /// What a contract asks for; none where rows have no time.
    pub(crate) fn of(contract: &Contract) -> Option<Arc<Self>> {
        let time = contract.time_field()?;
        let schema = contract.storage_schema();
        let time_type = schema.field_with_name(time.storage_name()).ok()?.data_type().clone();
        let at_least =
            |seconds: u64| time.interval.is_some_and(|i| i.months() > 0 || i.seconds() >= seconds);
        let mut levels = vec![RollupLevel::Series];
        if time.field_type == FieldType::Datetime {
            if !at_least(24 * 3600) {
                levels.insert(0, RollupLevel::Day);
            }
            if !at_least(3600) {
                levels.insert(0, RollupLevel::Hour);
            }
        }
        let series: Vec<&Field> = contract.series_fields().collect();
        let is_value = |field: &&Field| {
            field.role == FieldRole::Value && !series.iter().any(|key| key.name == field.name)
        };
        let values = contract.fields.iter().filter(is_value).map(|field| RolledColumn {
            name: field.storage_name().to_owned(),
            quality: quality_of(contract, field),
        });
        Some(Arc::new(Self {
            series: series.iter().map(|field| field.storage_name().to_owned()).collect(),
            time: time.storage_name().to_owned(),
            time_type,
            edges: time.label == Some(Label::End),
            values: values.collect(),
            levels,
        }))
    }

    /// What the log keeps of companions with these files.
    pub(crate) fn rollups(&self, files: Vec<RollupFile>, lacking: &[Lacking]) -> FileRollups {
        let values = self.values.iter().zip(lacking).map(|(value, lacking)| {
            let Lacking { left_out, not_due } = *lacking;
            let quality = value.quality.clone();
            let rolled = RolledValue { quality, left_out, not_due: Some(not_due) };
            (value.name.clone(), rolled)
        });
        FileRollups {
            series: self.series.clone(),
            time: self.time.clone(),
            edges: self.edges,
            values: values.collect(),
            files,
        }
    }
}

/// The stored column that says the quality of a value in the hub's words.
fn quality_of(contract: &Contract, value: &Field) -> Option<String> {
    let says = |field: &&Field| {
        field.role == FieldRole::Quality
            && field.quality_of.as_deref().and_then(|of| contract.field(of)) == Some(value)
    };
    contract.fields.iter().find(says).map(|field| field.storage_name().to_owned())
}

/// The name of a data file's companion, from the dataset's folder.
pub(crate) fn companion(data_file: &str, level: RollupLevel) -> String {
    let stem = data_file.strip_suffix(".parquet").unwrap_or(data_file);
    format!("{stem}.{}-1.parquet", level.as_str())
}

/// The name of the data file that a companion of this name belongs to; none where it is no such name.
pub(crate) fn owner(companion: &str) -> Option<String> {
    let (stem, rest) = companion.split_once('.')?;
    let level = rest.strip_suffix("-1.parquet")?;
    RollupLevel::parse(level)?;
    Some(format!("{stem}.parquet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_begin_by_the_japanese_clock() {
        let midnight = 1_711_897_200_000_000;
        for (level, before, start) in [
            (RollupLevel::Day, midnight - DAY_US, midnight),
            (RollupLevel::Hour, midnight - HOUR_US, midnight),
        ] {
            assert_eq!(level.start_us(midnight), Some(start));
            assert_eq!(level.start_us(midnight + 1), Some(start));
            assert_eq!(level.start_us(midnight - 1), Some(before));
        }
        assert_eq!(RollupLevel::Day.start_us(i64::MAX), None);
        assert_eq!(RollupLevel::Series.start_us(0), None);
    }

    #[test]
    fn a_companion_is_known_by_its_data_file() {
        let name = crate::log::new_data_file();
        for level in RollupLevel::ALL {
            assert_eq!(owner(&companion(&name, level)).as_deref(), Some(name.as_str()));
        }
        for other in [name.as_str(), "part-1.month-1.parquet", "part-1.day-2.parquet", "day-1"] {
            assert_eq!(owner(other), None, "{other}");
        }
    }

    #[test]
    fn a_contract_says_what_is_rolled_up() {
        let contract = |interval: &str| {
            let json = format!(
                r#"{{"fields":[{{"name":"時刻","type":"datetime","role":"time","interval":"{interval}","label":"end","alias":"t"}},
                {{"name":"s","type":"string","role":"key"}},{{"name":"v","type":"number","role":"value"}},
                {{"name":"q","type":"string","role":"quality","quality_of":"v"}},{{"name":"n","type":"integer"}}],
                "primaryKey":["s","時刻"]}}"#
            );
            RollupSpec::of(&Contract::parse(json.as_bytes()).unwrap()).unwrap()
        };
        let spec = contract("PT10M");
        assert_eq!(
            (spec.time.as_str(), spec.series.as_slice()),
            ("t", ["s".to_owned()].as_slice())
        );
        assert!(spec.edges);
        let value = RolledColumn { name: "v".to_owned(), quality: Some("q".to_owned()) };
        assert_eq!(spec.values, [value]);
        assert_eq!(spec.levels, RollupLevel::ALL);
        assert_eq!(contract("PT1H").levels, [RollupLevel::Day, RollupLevel::Series]);
        for long in ["P1D", "P1M"] {
            assert_eq!(contract(long).levels, [RollupLevel::Series]);
        }
        let timeless = Contract::parse(br#"{"fields":[{"name":"a","type":"string"}]}"#).unwrap();
        assert_eq!(RollupSpec::of(&timeless), None);
    }
}

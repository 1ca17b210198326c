//! One column's promise.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Interval, Unit};

/// The type of a column's values, in Table Schema's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text; codes and ids too, so that leading zeros stay.
    String,
    /// Whole numbers of 64 bits.
    Integer,
    /// Numbers in 64-bit floating point.
    Number,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// An instant; a text without an offset is Japanese time.
    Datetime,
    /// A calendar year.
    Year,
    /// A calendar month, kept as its first day.
    Yearmonth,
}

impl FieldType {
    /// The word used in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Year => "year",
            Self::Yearmonth => "yearmonth",
        }
    }

    /// Whether values of the type say when.
    pub fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Datetime | Self::Year | Self::Yearmonth)
    }
}

/// What a column is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRole {
    /// When the row was observed.
    Time,
    /// Which series the row belongs to.
    Key,
    /// Where: a municipality code, a mesh code, a station.
    Place,
    /// What was observed.
    Value,
    /// How good an observed value is.
    Quality,
    /// Anything else that is known of the row.
    #[default]
    Attribute,
}

impl FieldRole {
    /// The word used in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Key => "key",
            Self::Place => "place",
            Self::Value => "value",
            Self::Quality => "quality",
            Self::Attribute => "attribute",
        }
    }
}

/// Which end of its interval a time names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// The interval begins at the time.
    Start,
    /// The interval ends at the time, as in hourly hydrology.
    End,
}

/// A list of codes that the hub knows by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeList {
    /// Codes of municipalities and prefectures (全国地方公共団体コード): six digits, the last of which
    /// checks the others.
    Municipality,
}

impl CodeList {
    /// The word used in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Municipality => "municipality",
        }
    }
}

/// A way of putting several values of a column together, such as a day's into a month's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// Their mean.
    Mean,
    /// All of them added up.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The first in time.
    First,
    /// The last in time.
    Last,
    /// How many there are.
    Count,
}

impl Aggregate {
    /// Every way.
    pub const ALL: [Self; 7] =
        [Self::Mean, Self::Sum, Self::Min, Self::Max, Self::First, Self::Last, Self::Count];

    /// The words for them, in the same order.
    pub const WORDS: [&str; 7] = ["mean", "sum", "min", "max", "first", "last", "count"];

    /// The word used in contracts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::First => "first",
            Self::Last => "last",
            Self::Count => "count",
        }
    }

    /// The way that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == word)
    }
}

/// What every value of a column must satisfy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Constraints {
    /// A row must have a value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The least value: a number, or a text in the type's default form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Value>,
    /// The greatest value, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Value>,
    /// The fewest characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// The most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// A regular expression the whole text must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The values allowed.
    #[serde(default, rename = "enum", skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<Value>>,
}

/// One column of a contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The column's name, as its files and SQL have it; Japanese is welcome.
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// How text gives the values: `default`, or a strptime pattern such as `%Y/%m/%d %H:%M` for times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What it is called, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A value such as the column holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// What every value must satisfy.
    #[serde(default, skip_serializing_if = "is_default")]
    pub constraints: Constraints,
    /// What the column is for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub role: FieldRole,
    /// The unit of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// How values of several times are put together; as the unit suggests where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// For times: how long an observation's interval is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// For times: which end of the interval they name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// For quality: the column it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_of: Option<String>,
    /// For text: the list that its values are codes of. Files may write them in any of the list's usual
    /// ways, names of places included; stored is the code's full form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeList>,
    /// A second name in ASCII; also the column's name in stored files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

impl Field {
    /// A column of this name and type, with nothing else said of it.
    pub fn new(name: impl Into<String>, field_type: FieldType) -> Self {
        Self {
            name: name.into(),
            field_type,
            format: None,
            title: None,
            description: None,
            example: None,
            constraints: Constraints::default(),
            role: FieldRole::default(),
            unit: None,
            aggregate: None,
            interval: None,
            label: None,
            quality_of: None,
            code: None,
            alias: None,
        }
    }

    /// The column's name in stored files: the alias, or the name where it needs none.
    pub fn storage_name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

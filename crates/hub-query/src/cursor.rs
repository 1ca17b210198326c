//! Where a reader of rows stopped: opaque to the reader, and bound to one version, order and filter.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use datafusion::scalar::ScalarValue;
use hub_model::ZONE_NAME;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::QueryError;

/// The longest cursor that is read; a row's values are in it.
const MAX_BYTES: usize = 64 * 1024;

/// A place between two rows of one version of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The log entry of the version.
    #[serde(rename = "v")]
    pub(crate) log_version: u64,
    /// A digest of the order and the filters.
    #[serde(rename = "q")]
    pub(crate) query: u64,
    /// The values of the last row, in the total order of the columns.
    #[serde(rename = "k")]
    pub(crate) last: Vec<Value>,
    /// How many rows equal to it were read.
    #[serde(rename = "s")]
    pub(crate) read: u64,
}

impl Cursor {
    /// Reads a cursor as an answer gave it.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let refuse = || {
            QueryError::request(
                "the cursor is not one that an answer gave; start from the beginning",
            )
        };
        if text.len() > MAX_BYTES {
            return Err(refuse());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| refuse())?;
        serde_json::from_slice(&json).map_err(|_| refuse())
    }

    /// The log entry of the version that must be read on.
    pub fn log_version(&self) -> u64 {
        self.log_version
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

/// A value of a row as the cursor keeps it, without loss.
pub(crate) fn keep(value: &ScalarValue) -> Option<Value> {
    Some(match value {
        ScalarValue::Boolean(value) => value.map_or(Value::Null, Value::Bool),
        ScalarValue::Int32(value) | ScalarValue::Date32(value) => {
            value.map_or(Value::Null, Value::from)
        }
        ScalarValue::Int64(value) | ScalarValue::TimestampMicrosecond(value, _) => {
            value.map_or(Value::Null, Value::from)
        }
        // The bits, since JSON has no NaN. The sum makes the two zeros one, as comparisons do.
        ScalarValue::Float64(value) => {
            value.map_or(Value::Null, |v| Value::from((v + 0.0).to_bits()))
        }
        ScalarValue::Utf8(value) | ScalarValue::Utf8View(value) => {
            value.clone().map_or(Value::Null, Value::String)
        }
        _ => return None,
    })
}

/// The value that was kept, of the type that `like` has.
pub(crate) fn restore(value: &Value, like: &arrow_schema::DataType) -> Option<ScalarValue> {
    use arrow_schema::DataType;
    if value.is_null() {
        return ScalarValue::try_from(like).ok();
    }
    Some(match like {
        DataType::Boolean => ScalarValue::Boolean(Some(value.as_bool()?)),
        DataType::Int32 => ScalarValue::Int32(Some(i32::try_from(value.as_i64()?).ok()?)),
        DataType::Date32 => ScalarValue::Date32(Some(i32::try_from(value.as_i64()?).ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.as_i64()?)),
        DataType::Timestamp(..) => {
            ScalarValue::TimestampMicrosecond(Some(value.as_i64()?), Some(ZONE_NAME.into()))
        }
        DataType::Float64 => ScalarValue::Float64(Some(f64::from_bits(value.as_u64()?))),
        DataType::Utf8View => ScalarValue::Utf8View(Some(value.as_str()?.to_owned())),
        _ => return None,
    })
}

/// A digest that is the same in every process and release (FNV-1a).
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            if let Ok(cursor) = Cursor::parse(&text) {
                proptest::prop_assert_eq!(Cursor::parse(&cursor.to_string()).unwrap(), cursor);
            }
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let cursor = Cursor {
            log_version: 7,
            query: digest("q"),
            last: vec![Value::from("余市"), Value::Null, Value::from(i64::MIN)],
            read: 2,
        };
        assert_eq!(Cursor::parse(&cursor.to_string()).unwrap(), cursor);
        assert!(Cursor::parse("e30").is_err());
    }
}

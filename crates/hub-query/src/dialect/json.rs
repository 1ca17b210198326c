//! Texts that hold JSON: `column -> 'key'`, `column ->> 'key'`, and functions under the names that
//! PostgreSQL and DuckDB have for them.
//!
//! There is no JSON type: parts come out as texts that hold JSON, or as plain text. What is no JSON has no
//! parts, so that one bad row does not end a query.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Array, Int64Builder,
        StringBuilder, StringViewArray,
    },
    compute::cast,
    datatypes::{DataType, Field, FieldRef, Int64Type},
};
use datafusion::{
    common::{DFSchema, DataFusionError, Result, plan_err},
    logical_expr::{
        ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr, TypePlanner},
    },
    scalar::ScalarValue,
    sql::sqlparser::ast::{BinaryOperator, DataType as WrittenType},
};
use serde_json::Value;

use crate::error::QueryError;

/// Plans `->` and `->>`.
#[derive(Debug)]
pub(super) struct JsonOperators;

impl ExprPlanner for JsonOperators {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        _schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let function = match expr.op {
            BinaryOperator::Arrow => &FUNCTIONS[0],
            BinaryOperator::LongArrow => &FUNCTIONS[1],
            _ => return Ok(PlannerResult::Original(expr)),
        };
        Ok(PlannerResult::Planned(function.call(vec![expr.left, expr.right])))
    }
}

/// `x::json` says of a text that it holds JSON, which changes nothing about it.
#[derive(Debug)]
pub(super) struct JsonType;

impl TypePlanner for JsonType {
    fn plan_type_field(&self, written: &WrittenType) -> Result<Option<FieldRef>> {
        Ok(match written {
            WrittenType::JSON | WrittenType::JSONB => {
                Some(Arc::new(Field::new("json", DataType::Utf8View, true)))
            }
            _ => None,
        })
    }
}

/// Every function of JSON; the first two are those of the operators.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS.clone()
}

static FUNCTIONS: LazyLock<Vec<Arc<ScalarUDF>>> = LazyLock::new(|| {
    [
        Json::new("json_get", &["json_extract", "json_extract_path"], Taken::Part),
        Json::new("json_get_text", &["json_extract_string", "json_extract_path_text"], Taken::Text),
        Json::new("json_get_int", &[], Taken::Whole),
        Json::new("json_get_float", &[], Taken::Double),
        Json::new("json_get_bool", &[], Taken::Truth),
        Json::new("json_length", &["json_array_length"], Taken::Length),
        Json::new("json_type", &["json_typeof"], Taken::Kind),
        Json::new("json_valid", &[], Taken::Validity),
    ]
    .into_iter()
    .map(|function| Arc::new(ScalarUDF::new_from_impl(function)))
    .collect()
});

/// What is taken of the value at the end of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Taken {
    /// Itself, as JSON.
    Part,
    /// A text without its quotes, and everything else as JSON; nothing of a null.
    Text,
    Whole,
    Double,
    Truth,
    /// How many elements or keys it has.
    Length,
    /// The word for its kind.
    Kind,
    /// Whether the text is JSON at all.
    Validity,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Json {
    name: &'static str,
    aliases: Vec<String>,
    taken: Taken,
    signature: Signature,
}

impl Json {
    fn new(name: &'static str, aliases: &[&str], taken: Taken) -> Self {
        let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        Self { name, aliases, taken, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Json {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.taken {
            Taken::Part | Taken::Text | Taken::Kind => DataType::Utf8,
            Taken::Whole | Taken::Length => DataType::Int64,
            Taken::Double => DataType::Float64,
            Taken::Truth | Taken::Validity => DataType::Boolean,
        })
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let Some((text, keys)) = given.split_first() else {
            return plan_err!("{} takes a text that holds JSON, and keys", self.name);
        };
        let is_text = |given: &DataType| given.is_string() || given.is_null();
        if !is_text(text) || !keys.iter().all(|key| is_text(key) || key.is_integer()) {
            return plan_err!(
                "{} takes a text that holds JSON, and keys that are texts or whole numbers",
                self.name
            );
        }
        let keys = keys
            .iter()
            .map(|key| if key.is_integer() { DataType::Int64 } else { DataType::Utf8View });
        Ok(std::iter::once(DataType::Utf8View).chain(keys).collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let columns: Vec<ArrayRef> =
            args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<_>>()?;
        let Some((texts, keys)) = columns.split_first() else {
            return plan_err!("{} takes a text that holds JSON, and keys", self.name);
        };
        let texts = cast(texts, &DataType::Utf8View)?;
        let keys = keys.iter().map(Keys::of).collect::<Result<Vec<_>>>()?;
        let taken = self.take(texts.as_string_view(), &keys);
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&taken, 0)?)
        } else {
            ColumnarValue::Array(taken)
        })
    }
}

/// One step of the path, for every row.
enum Keys {
    Names(StringViewArray),
    Places(Int64Array),
}

impl Keys {
    fn of(column: &ArrayRef) -> Result<Self> {
        Ok(match column.data_type() {
            DataType::Int64 => Self::Places(column.as_primitive::<Int64Type>().clone()),
            _ => {
                let names = cast(column, &DataType::Utf8View)?.as_string_view().clone();
                check_paths(&names)?;
                Self::Names(names)
            }
        })
    }

    fn step(&self, value: Value, row: usize) -> Option<Value> {
        match self {
            Self::Names(names) if names.is_valid(row) => named(value, names.value(row)),
            Self::Places(places) if places.is_valid(row) => at(value, places.value(row)),
            Self::Names(_) | Self::Places(_) => None,
        }
    }
}

/// The value of a key, or the one that a path such as `$.a[0].b` leads to.
fn named(value: Value, name: &str) -> Option<Value> {
    if !is_path(name) {
        return key(value, name);
    }
    steps(name)?.into_iter().try_fold(value, |value, step| match step {
        Step::Key(name) => key(value, name),
        Step::Place(place) => at(value, place),
    })
}

fn key(mut value: Value, name: &str) -> Option<Value> {
    value.as_object_mut()?.remove(name)
}

/// Whether a text is a path; any other is a key, also one that begins with a dollar.
fn is_path(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// One step of a path.
enum Step<'a> {
    Key(&'a str),
    Place(i64),
}

/// The steps of a path; none where it can't be followed, as with `*`.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(quoted) = rest.strip_prefix(".\"") {
            let (name, after) = quoted.split_once('"')?;
            (Step::Key(name), after)
        } else if let Some(plain) = rest.strip_prefix('.') {
            let (name, after) = plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()));
            if name.is_empty() || name.contains(['*', '"']) {
                return None;
            }
            (Step::Key(name), after)
        } else {
            let (place, after) = rest.strip_prefix('[')?.split_once(']')?;
            (Step::Place(place.trim().parse().ok()?), after)
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// Refuses a path that can't be followed: nothing of a path would look like nothing in the data.
fn check_paths(names: &StringViewArray) -> Result<()> {
    let mut last = None;
    for name in names.iter().flatten() {
        if last != Some(name) && is_path(name) && steps(name).is_none() {
            let message = format!(
                "the path '{name}' can't be followed; paths are of keys and places, as '$.a[0].b' and \
                 '$.\"a.b\"[-1]'"
            );
            return Err(DataFusionError::External(Box::new(QueryError::Execution { message })));
        }
        last = Some(name);
    }
    Ok(())
}

/// An element, counted from 0, or from the end where the place is negative.
fn at(mut value: Value, place: i64) -> Option<Value> {
    let elements = value.as_array_mut()?;
    let place = if place < 0 {
        elements.len().checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(place).ok()?
    };
    (place < elements.len()).then(|| elements.swap_remove(place))
}

impl Json {
    fn take(&self, texts: &StringViewArray, keys: &[Keys]) -> ArrayRef {
        let values = (0..texts.len()).map(|row| {
            let text = texts.is_valid(row).then(|| texts.value(row))?;
            let whole: Value = serde_json::from_str(text).ok()?;
            keys.iter().try_fold(whole, |value, keys| keys.step(value, row))
        });
        match self.taken {
            Taken::Part | Taken::Text | Taken::Kind => {
                let mut built = StringBuilder::new();
                values.for_each(|value| built.append_option(value.and_then(|v| self.text(v))));
                Arc::new(built.finish())
            }
            Taken::Whole | Taken::Length => {
                let mut built = Int64Builder::new();
                values.for_each(|value| built.append_option(value.and_then(|v| self.whole(&v))));
                Arc::new(built.finish())
            }
            Taken::Double => {
                let mut built = Float64Builder::new();
                values.for_each(|value| built.append_option(value.and_then(|v| double(&v))));
                Arc::new(built.finish())
            }
            Taken::Truth => {
                let mut built = BooleanBuilder::new();
                values.for_each(|value| built.append_option(value.and_then(|v| v.as_bool())));
                Arc::new(built.finish())
            }
            Taken::Validity => {
                let mut built = BooleanBuilder::new();
                for (row, value) in values.enumerate() {
                    built.append_option(texts.is_valid(row).then_some(value.is_some()));
                }
                Arc::new(built.finish())
            }
        }
    }

    fn text(&self, value: Value) -> Option<String> {
        match (self.taken, value) {
            (Taken::Kind, value) => Some(kind(&value).to_owned()),
            (Taken::Text, Value::Null) => None,
            (Taken::Text, Value::String(text)) => Some(text),
            (_, value) => Some(value.to_string()),
        }
    }

    fn whole(&self, value: &Value) -> Option<i64> {
        match (self.taken, value) {
            (Taken::Length, Value::Array(elements)) => i64::try_from(elements.len()).ok(),
            (Taken::Length, Value::Object(keys)) => i64::try_from(keys.len()).ok(),
            (Taken::Whole, Value::Number(number)) => number.as_i64(),
            (Taken::Whole, Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

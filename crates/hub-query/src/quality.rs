//! What SQL shows of values whose quality is bad: nothing, unless the query asks for everything by
//! `with_quality('agency.dataset')`. The answer says which columns that may have touched.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray, make_array},
    buffer::{BooleanBuffer, NullBuffer},
    compute::cast,
    datatypes::{DataType, FieldRef, Schema},
};
use datafusion::{
    common::{Result, config::ConfigOptions, exec_err, utils::take_function_args},
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
    },
    physical_expr::{PhysicalExpr, ScalarFunctionExpr},
};
use hub_lake::Snapshot;
use hub_model::{Contract, Field, FieldRole, Quality};
use serde_json::json;

use crate::parse::Names;

/// The key of an answer's metadata under which it says what was left out, as JSON.
pub const QUALITY_KEY: &str = "mochiyori:quality";

/// The functions of shares of good values, which only the hub itself writes into statements.
pub(crate) const GOOD_VALUE: &str = "good_value";
pub(crate) const WAS_DUE: &str = "was_due";

/// Both.
pub(crate) fn functions() -> [Arc<ScalarUDF>; 2] {
    [ScalarUDF::from(GoodValue::new()), ScalarUDF::from(WasDue::new())].map(Arc::new)
}

/// The place of the column that tells the quality of a value column; none where there is no such column.
pub(crate) fn judge(contract: &Contract, value: &Field) -> Option<usize> {
    contract.fields.iter().position(|field| {
        field.role == FieldRole::Quality
            && field.quality_of.as_deref().and_then(|of| contract.field(of)) == Some(value)
    })
}

/// Whether a query uses a column, as far as its words tell.
pub(crate) fn uses(names: &Names, field: &Field) -> bool {
    names.wildcard
        || names.columns.contains(&field.name)
        || field.alias.as_ref().is_some_and(|alias| names.columns.contains(alias))
}

/// The columns of a dataset of which a query sees good values only, for the answer to tell. How many values of
/// the whole version are left out is told where the log counts them; how many of the rows that are asked for
/// nobody knows, as pages and rows that no answer needs are not read.
pub(crate) fn left_out(
    snapshot: &Snapshot,
    contract: &Contract,
    used: impl Fn(&Field) -> bool,
) -> Vec<serde_json::Value> {
    let words: Vec<&str> =
        Quality::ALL.into_iter().filter(|q| q.is_left_out()).map(Quality::as_str).collect();
    let fields = contract.fields.iter().filter(|field| used(field));
    fields
        .filter_map(|field| Some((field, &contract.fields[judge(contract, field)?])))
        .map(|(field, judge)| {
            let mut said = json!({
                "dataset": snapshot.dataset.to_string(),
                "column": field.name,
                "quality_column": judge.name,
                "left_out": words,
            });
            if let Some(count) = in_version(snapshot, field, judge) {
                said["left_out_in_version"] = json!(count);
            }
            said
        })
        .collect()
}

/// How many values of a column are left out in all of a version; none where not each of its files tells.
fn in_version(snapshot: &Snapshot, value: &Field, judge: &Field) -> Option<u64> {
    let counts = snapshot.files.iter().map(|file| {
        let rolled = file.rollups.as_ref()?.values.get(value.storage_name())?;
        (rolled.quality.as_deref() == Some(judge.storage_name())).then_some(rolled.left_out)
    });
    counts.sum()
}

/// What is left out, as metadata of the answer; nothing is said where nothing can be.
pub(crate) fn metadata(left_out: Vec<serde_json::Value>) -> HashMap<String, String> {
    if left_out.is_empty() {
        return HashMap::new();
    }
    HashMap::from([(QUALITY_KEY.to_owned(), serde_json::Value::Array(left_out).to_string())])
}

/// The values whose quality does not leave them out; the others become missing.
pub(crate) fn good_value(
    value: Arc<dyn PhysicalExpr>,
    quality: Arc<dyn PhysicalExpr>,
    schema: &Schema,
    options: &Arc<ConfigOptions>,
) -> Result<Arc<dyn PhysicalExpr>> {
    let function = Arc::new(ScalarUDF::from(GoodValue::new()));
    let arguments = vec![value, quality];
    let call = ScalarFunctionExpr::try_new(function, arguments, schema, Arc::clone(options))?;
    Ok(Arc::new(call))
}

/// The values of an array whose quality, beside them, does not leave them out.
pub(crate) fn good(value: &ArrayRef, quality: &ArrayRef) -> Result<ArrayRef> {
    without(value, words(quality)?.as_string_view(), &LEFT_OUT)
}

/// The stored value that an expression shows where its quality is good; none of any other expression.
pub(crate) fn value_of(shown: &Arc<dyn PhysicalExpr>) -> Option<&Arc<dyn PhysicalExpr>> {
    let call = shown.downcast_ref::<ScalarFunctionExpr>()?;
    call.fun().inner().is::<GoodValue>().then(|| call.args().first())?
}

/// The words that leave values out, as a view array holds them.
static LEFT_OUT: LazyLock<Vec<u128>> = LazyLock::new(|| {
    let words = Quality::ALL.into_iter().filter(|q| q.is_left_out()).map(Quality::as_str);
    StringViewArray::from_iter_values(words).views().to_vec()
});

/// `good_value(value, quality)`. It shares the values and only adds to what is missing of them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct GoodValue {
    signature: Signature,
}

impl GoodValue {
    fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for GoodValue {
    fn name(&self) -> &str {
        GOOD_VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [value, _] = take_function_args(self.name(), arguments)?;
        Ok(value.clone())
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let [value, _] = take_function_args(self.name(), arguments.arg_fields)?;
        Ok(Arc::new(value.as_ref().clone().with_nullable(true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [value, quality] = take_function_args(self.name(), arguments.args)?;
        Ok(ColumnarValue::Array(good(&value.into_array(rows)?, &quality.into_array(rows)?)?))
    }
}

/// `was_due(quality, present)`: true where a value was due, and missing where none was, by the word for its
/// quality, or because there is no row: `present` has a value in every row, if it is given.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WasDue {
    signature: Signature,
    /// The words as a view array holds them.
    not_due: Vec<u128>,
}

impl WasDue {
    fn new() -> Self {
        let words = Quality::ALL.into_iter().filter(|q| !q.was_due()).map(Quality::as_str);
        let not_due = StringViewArray::from_iter_values(words).views().to_vec();
        Self { signature: Signature::variadic_any(Volatility::Immutable), not_due }
    }
}

impl ScalarUDFImpl for WasDue {
    fn name(&self) -> &str {
        WAS_DUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let mut arguments = arguments.args.into_iter();
        let Some(quality) = arguments.next() else {
            return exec_err!("{WAS_DUE} takes a quality");
        };
        let present = arguments.next().map(|present| present.into_array(rows)).transpose()?;
        let nulls = present.and_then(|present| present.nulls().cloned());
        let due: ArrayRef = Arc::new(BooleanArray::new(BooleanBuffer::new_set(rows), nulls));
        let words = words(&quality.into_array(rows)?)?;
        Ok(ColumnarValue::Array(without(&due, words.as_string_view(), &self.not_due)?))
    }
}

/// Words of quality as a view array.
fn words(quality: &ArrayRef) -> Result<ArrayRef> {
    match quality.data_type() {
        DataType::Utf8View => Ok(Arc::clone(quality)),
        DataType::Utf8 | DataType::LargeUtf8 => Ok(cast(quality, &DataType::Utf8View)?),
        other => exec_err!("a quality must be text and is {other}"),
    }
}

/// The value without those whose word is one of `left_out`. Words of up to twelve bytes stand inside their
/// view, and all that leave out are, so that one comparison of numbers tells. A word is mostly the one
/// before it.
fn without(value: &ArrayRef, words: &StringViewArray, left_out: &[u128]) -> Result<ArrayRef> {
    let views = words.views();
    let said = words.nulls();
    let Some(mut before) = views.first().copied() else { return Ok(Arc::clone(value)) };
    let mut bad = left_out.contains(&before);
    let mut any = false;
    let kept = BooleanBuffer::collect_bool(views.len(), |row| {
        let view = views[row];
        if view != before {
            before = view;
            bad = left_out.contains(&view);
        }
        let left = bad && said.is_none_or(|said| said.is_valid(row));
        any |= left;
        !left
    });
    if !any {
        return Ok(Arc::clone(value));
    }
    let kept = NullBuffer::new(kept);
    let nulls = NullBuffer::union(value.nulls(), Some(&kept));
    let data = value.to_data().into_builder().nulls(nulls).build()?;
    Ok(make_array(data))
}

#[cfg(test)]
mod tests {
    use arrow::{array::Float64Array, datatypes::Float64Type};

    use super::*;

    #[test]
    fn values_of_bad_quality_are_missing_and_all_others_stay() {
        let words = Quality::ALL.map(|quality| Some(quality.as_str()));
        let words = words.into_iter().chain([None, Some("*"), Some("")]);
        let words = StringViewArray::from_iter(words);
        let value: ArrayRef = Arc::new(Float64Array::from_iter_values((0..13).map(f64::from)));
        let words: ArrayRef = Arc::new(words);
        let good = good(&value, &words).unwrap();
        let kept: Vec<_> = good.as_primitive::<Float64Type>().iter().flatten().collect();
        assert_eq!(kept, [0.0, 1.0, 2.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
        let middle = super::good(&value.slice(3, 5), &words.slice(3, 5)).unwrap();
        assert_eq!(middle.null_count(), 4);
        assert!(LEFT_OUT.iter().all(|view| *view as u32 <= 12), "a word is too long for its view");
    }
}

//! What an answer says of a measure on a grid: how the values of a bucket were put together.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::{
    common::{Result, exec_err, utils::take_function_args},
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
    },
};

/// The key of a field's metadata under which the way stands.
pub(crate) const PUT_TOGETHER_KEY: &str = "put_together";

/// The function that says it, which only the hub itself writes into statements.
pub(super) const PUT_TOGETHER: &str = "put_together";

/// It.
pub(crate) fn function() -> Arc<ScalarUDF> {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(ScalarUDF::from(PutTogether { signature }))
}

/// `put_together(value, way)`: the values as they are, of whose column the way is said.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PutTogether {
    signature: Signature,
}

impl ScalarUDFImpl for PutTogether {
    fn name(&self) -> &str {
        PUT_TOGETHER
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
        let Some(Some(way)) = arguments.scalar_arguments.get(1) else {
            return exec_err!("{PUT_TOGETHER} takes a word");
        };
        let way = way.try_as_str().flatten().unwrap_or_default().to_owned();
        let mut metadata = value.metadata().clone();
        metadata.insert(PUT_TOGETHER_KEY.to_owned(), way);
        Ok(Arc::new(value.as_ref().clone().with_metadata(metadata)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, _] = take_function_args(self.name(), arguments.args)?;
        Ok(value)
    }
}

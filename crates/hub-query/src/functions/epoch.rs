//! Instants of numbers since 1970. The engine takes a whole number for the clock of the session's zone, and so
//! is nine hours early here; and `from_unixtime` gives the clock of UTC without saying so.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use arrow_schema::FieldRef;
use datafusion::{
    common::{Result, config::ConfigOptions},
    logical_expr::{
        ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature,
    },
};
use hub_model::ZONE_NAME;

/// The function with whole numbers as what they count; any other stays.
pub(super) fn of_instants(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let unit = match function.name() {
        "to_timestamp" | "to_timestamp_seconds" | "from_unixtime" => TimeUnit::Second,
        "to_timestamp_millis" => TimeUnit::Millisecond,
        "to_timestamp_micros" => TimeUnit::Microsecond,
        "to_timestamp_nanos" => TimeUnit::Nanosecond,
        _ => return function,
    };
    Arc::new(ScalarUDF::new_from_impl(Epoch { inner: function, unit }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Epoch {
    inner: Arc<ScalarUDF>,
    /// What a whole number counts.
    unit: TimeUnit,
}

impl ScalarUDFImpl for Epoch {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let alone = args.arg_fields.len() == 1;
        let field = self.inner.return_field_from_args(args)?;
        if self.name() == "from_unixtime" && alone {
            let zoned = DataType::Timestamp(TimeUnit::Second, Some(ZONE_NAME.into()));
            return Ok(Arc::new(field.as_ref().clone().with_data_type(zoned)));
        }
        Ok(field)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::new_from_impl(Self { inner, unit: self.unit }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [numbers] if numbers.data_type().is_integer() => {
                let counted = DataType::Timestamp(self.unit, Some("UTC".into()));
                let instants = numbers.cast_to(&DataType::Int64, None)?.cast_to(&counted, None)?;
                instants.cast_to(args.return_field.data_type(), None)
            }
            _ => self.inner.invoke_with_args(args),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

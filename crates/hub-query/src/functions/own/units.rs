//! `convert`: values from one unit to another. The unit that values have is read off their column's
//! contract, and the result bears the one they were converted to.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array},
    datatypes::{DataType, Field, Float64Type},
};
use arrow_schema::FieldRef;
use datafusion::{common::Result, logical_expr::ReturnFieldArgs};
use hub_model::{Conversion, ModelError, Unit};

use crate::classify::spoken;

use super::{Call, Definition, Family, Gives, PLAIN, Takes, call::refused};

/// The key of a field's metadata under which its unit stands.
const UNIT: &str = "unit";

pub(super) const FUNCTIONS: &[&Definition] = &[&Definition {
    name: "convert",
    title: "convert",
    family: Family::Units,
    syntax: "convert(value, [from,] to)",
    ja: "単位を換算する（UCUMコード）。元の単位は列の契約から。契約に単位がなければfromで与える。量の種類が違えばエラー",
    en: "Values in another unit, by UCUM codes. The unit they have is the column's own, or is given as from where nothing says it. Units that measure different things are refused",
    arguments: &[
        ("value", "numbers"),
        ("from", "the unit they have, such as 'cm'; must agree with the column's own"),
        ("to", "the unit wanted, such as 'm', 'm3/h' or '{vehicles}/h'"),
    ],
    example: ("SELECT convert(150, 'cm', 'm')", "1.5"),
    takes: &[Takes::Number, Takes::Word, Takes::Word],
    optional: 1,
    gives: Gives::Number,
    work: convert,
    follows: Some(0),
    field: Some(field),
    ..PLAIN
}];

fn convert(call: &Call<'_>) -> Result<ArrayRef> {
    let values = call.numbers(0)?.array;
    let has = call.field(0).and_then(|field| field.metadata().get(UNIT).cloned());
    let (from, to) = match call.count() {
        2 => (has, call.word(1)?),
        _ => (call.word(1)?.map(str::to_owned), call.word(2)?),
    };
    let (Some(from), Some(to)) = (from, to) else {
        return Ok(Arc::new(Float64Array::new_null(call.rows())));
    };
    let conversion = conversion(&from, to)?;
    let converted = values.unary::<_, Float64Type>(|value| conversion.apply(value));
    Ok(Arc::new(converted))
}

fn conversion(from: &str, to: &str) -> Result<Conversion> {
    unit(from)?.conversion_to(&unit(to)?).map_err(in_words)
}

fn unit(code: &str) -> Result<Unit> {
    Unit::parse(code).map_err(in_words)
}

fn in_words(error: ModelError) -> datafusion::common::DataFusionError {
    refused(error.to_string())
}

/// The result's field: what is said of the values, with the unit they have now. Units that do not fit are
/// refused here, before anything runs.
fn field(args: &ReturnFieldArgs<'_>) -> Result<FieldRef> {
    let missing = args.arg_fields.iter().any(|field| field.is_nullable());
    let mut result = Field::new("convert", DataType::Float64, missing);
    let Some(value) = args.arg_fields.first() else { return Ok(Arc::new(result)) };
    let word = |place: usize| match args.scalar_arguments.get(place).copied().flatten() {
        Some(value) => value.try_as_str().flatten(),
        None => None,
    };
    let has = value.metadata().get(UNIT).map(String::as_str);
    let (from, to) = match args.arg_fields.len() {
        // The unit that a value has of its own is written down once the whole statement is read.
        2 => (has, word(1)),
        _ => (word(1), word(2)),
    };
    let Some(to) = to else { return Ok(Arc::new(result)) };
    if let Some(from) = from {
        conversion(from, to)?;
        if let Some(has) = has
            && !unit(from)?.is_same_as(&unit(has)?)
        {
            return Err(refused(format!(
                "{} is in {has}, not in {from}; write convert(value, '{to}')",
                spoken(value.name())
            )));
        }
    }
    let mut metadata = value.metadata().clone();
    metadata.remove("alias");
    metadata.insert(UNIT.to_owned(), to.to_owned());
    result.set_metadata(metadata);
    Ok(Arc::new(result))
}

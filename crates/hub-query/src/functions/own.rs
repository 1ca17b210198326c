//! Functions of the hub's own: what the catalog says of each stands beside how it is computed, one file a
//! family. Arguments arrive in the types that a function names, and a missing argument gives a missing
//! result.

mod call;
mod gap_filling;
mod geometry;
mod mesh;
mod municipality;
mod period;
mod season;
mod time_bucket;
mod units;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::ArrayRef,
    datatypes::{DataType, Field, IntervalUnit, TimeUnit},
};
use arrow_schema::FieldRef;
use datafusion::{
    common::{Result, ScalarValue, plan_err},
    logical_expr::{
        ColumnarValue, DocSection, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs,
        ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        interval_arithmetic::Interval,
        preimage::PreimageResult,
        simplify::{ExprSimplifyResult, SimplifyContext},
        sort_properties::{ExprProperties, SortProperties},
    },
};
use hub_model::ZONE_NAME;

pub(super) use call::Call;
pub(crate) use call::refused;
pub(crate) use gap_filling::{GAPFILL, INTERPOLATE, LOCF};
use geometry::GEOMETRY;
pub(crate) use geometry::{geometry_metadata, is_point_function};
pub(crate) use time_bucket::{Buckets, Step, bucket_steps};

use crate::units::UNIT_KEY;

/// What a function is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Time,
    Place,
    Geometry,
    Units,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Place => "place",
            Self::Geometry => "geometry",
            Self::Units => "units",
        }
    }
}

/// What a function takes in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A day; of an instant, its day in Japan.
    Day,
    /// An instant, or a day.
    Instant,
    /// An interval of SQL, or its text.
    Interval,
    Text,
    /// A text, or a whole number that lost its zeros.
    Code,
    /// A text that is written in the query.
    Word,
    Number,
    Whole,
    /// A value of any type.
    Any,
}

impl Takes {
    fn words(self) -> &'static str {
        match self {
            Self::Day => "a date or a timestamp",
            Self::Instant => "a timestamp or a date",
            Self::Interval => "an interval such as INTERVAL '1 hour'",
            Self::Text => "a text",
            Self::Code => "a text",
            Self::Word => "a text written in the query",
            Self::Number => "a number",
            Self::Whole => "a whole number",
            Self::Any => "a value",
        }
    }

    /// The type that values of a given type arrive in; none where they are not taken.
    fn type_of(self, given: &DataType) -> Option<DataType> {
        let zoned = || DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE_NAME.into()));
        let given = match given {
            DataType::Dictionary(_, value) => value.as_ref(),
            other => other,
        };
        Some(match (self, given) {
            (Self::Any, given) => given.clone(),
            (Self::Day, DataType::Null) => DataType::Date32,
            (Self::Instant, DataType::Null) => zoned(),
            (Self::Interval, DataType::Null) => DataType::Interval(IntervalUnit::MonthDayNano),
            (Self::Text | Self::Code | Self::Word, DataType::Null) => DataType::Utf8View,
            (Self::Number, DataType::Null) => DataType::Float64,
            (Self::Whole, DataType::Null) => DataType::Int64,
            (Self::Day | Self::Instant, DataType::Date32 | DataType::Date64) => DataType::Date32,
            (Self::Day | Self::Instant, DataType::Timestamp(_, Some(_))) => zoned(),
            (Self::Day | Self::Instant, DataType::Timestamp(_, None)) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            (Self::Day, given) if given.is_string() => DataType::Date32,
            (Self::Instant, given) if given.is_string() => zoned(),
            // What is written in the query stays a literal, which a cast would hide.
            (Self::Interval, DataType::Interval(_)) => given.clone(),
            (Self::Interval | Self::Word, given) if given.is_string() => given.clone(),
            (Self::Text | Self::Code, given) if given.is_string() => DataType::Utf8View,
            (Self::Code, given) if given.is_integer() => DataType::Utf8View,
            (Self::Number, given) if given.is_numeric() => DataType::Float64,
            (Self::Whole, given) if given.is_integer() => DataType::Int64,
            _ => return None,
        })
    }
}

/// What a function gives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gives {
    Day,
    Whole,
    Number,
    Boolean,
    Text,
    /// Geometries as WKT, marked as such.
    Geometry,
    /// Numbers that bear this unit.
    In(&'static str),
    /// Values of the type of this argument.
    Same(usize),
    /// West, south, east and north in degrees.
    Bounds,
}

type FieldOf = fn(&ReturnFieldArgs<'_>) -> Result<FieldRef>;
type Complete = fn(&mut Vec<Expr>, &SimplifyContext) -> Result<bool>;
type Preimage = fn(&[Expr], &ScalarValue, &DataType) -> Option<(ScalarValue, ScalarValue)>;

/// A function: what is said of it, and how it works.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    /// The name as documents write it.
    pub(super) title: &'static str,
    pub(super) family: Family,
    pub(super) syntax: &'static str,
    pub(super) ja: &'static str,
    pub(super) en: &'static str,
    /// The arguments' names and meanings.
    pub(super) arguments: &'static [(&'static str, &'static str)],
    /// A query, and its first value as text.
    pub(super) example: (&'static str, &'static str),
    pub(super) takes: &'static [Takes],
    /// How many of the last arguments may be left out.
    pub(super) optional: usize,
    pub(super) gives: Gives,
    /// Whether the result can be missing where no argument is.
    pub(super) may_be_missing: bool,
    pub(super) work: fn(&Call<'_>) -> Result<ArrayRef>,
    /// The argument whose order the result keeps, where every other is a constant.
    pub(super) follows: Option<usize>,
    /// The result's field, where more is said of it than its type.
    pub(super) field: Option<FieldOf>,
    /// Writes down what the function would otherwise look up in its arguments' fields, which are known
    /// while planning and lost on the way. Whether anything was added.
    pub(super) complete: Option<Complete>,
    /// Of a result, the least value of the argument it follows that gives it, and the least one beyond. The
    /// arguments are at hand, and that argument's type.
    pub(super) preimage: Option<Preimage>,
}

/// What most functions have in common.
pub(super) const PLAIN: Definition = Definition {
    name: "",
    title: "",
    family: Family::Time,
    syntax: "",
    ja: "",
    en: "",
    arguments: &[],
    example: ("", ""),
    takes: &[],
    optional: 0,
    gives: Gives::Text,
    may_be_missing: false,
    work: |_| datafusion::common::internal_err!("a function without work"),
    follows: None,
    field: None,
    complete: None,
    preimage: None,
};

/// Every function of the hub's own, family by family.
pub(super) fn definitions() -> Vec<&'static Definition> {
    let families = [
        time_bucket::FUNCTIONS,
        gap_filling::FUNCTIONS,
        period::FUNCTIONS,
        season::FUNCTIONS,
        municipality::FUNCTIONS,
        mesh::FUNCTIONS,
    ];
    [families.concat(), geometry::FUNCTIONS.concat(), units::FUNCTIONS.to_vec()].concat()
}

/// Whether all that a function of the hub's own sees of an instant is its day in Japan.
pub(crate) fn is_of_days(name: &str) -> bool {
    let mut known = definitions().into_iter();
    known.any(|definition| definition.name == name && definition.takes == [Takes::Day])
}

/// Every function of the hub's own, for a session.
pub(super) fn functions() -> impl Iterator<Item = Arc<ScalarUDF>> {
    definitions()
        .into_iter()
        .map(|definition| Arc::new(ScalarUDF::new_from_impl(Own::new(definition))))
}

#[derive(Debug)]
struct Own {
    definition: &'static Definition,
    signature: Signature,
    documentation: Documentation,
}

impl Own {
    fn new(definition: &'static Definition) -> Self {
        let section =
            DocSection { include: true, label: definition.family.name(), description: None };
        let mut documentation = Documentation::builder(section, definition.en, definition.syntax)
            .with_sql_example(definition.example.0);
        for (name, meaning) in definition.arguments {
            documentation = documentation.with_argument(*name, *meaning);
        }
        Self {
            definition,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation: documentation.build(),
        }
    }

    fn type_of(&self, arg_types: &[DataType]) -> Result<DataType> {
        Ok(match self.definition.gives {
            Gives::Day => DataType::Date32,
            Gives::Whole => DataType::Int32,
            Gives::Number | Gives::In(_) => DataType::Float64,
            Gives::Boolean => DataType::Boolean,
            Gives::Text | Gives::Geometry => DataType::Utf8View,
            Gives::Same(place) => arg_types.get(place).cloned().unwrap_or(DataType::Null),
            Gives::Bounds => mesh::bounds_type(),
        })
    }
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for Own {}

impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for Own {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.type_of(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        if let Some(field) = self.definition.field {
            return field(&args);
        }
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let missing = self.definition.may_be_missing
            || args.arg_fields.iter().any(|field| field.is_nullable());
        let field = Field::new(self.name(), self.type_of(&types)?, missing);
        let said = match self.definition.gives {
            Gives::Geometry => Some(GEOMETRY),
            Gives::In(unit) => Some((UNIT_KEY, unit)),
            _ => None,
        };
        let said = said.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Ok(Arc::new(field.with_metadata(said.into_iter().collect())))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let Definition { takes, optional, syntax, .. } = self.definition;
        if arg_types.len() > takes.len() || arg_types.len() + optional < takes.len() {
            return plan_err!(
                "{} takes {} argument(s), not {}; write {syntax}",
                self.definition.title,
                if *optional == 0 {
                    takes.len().to_string()
                } else {
                    format!("{} to {}", takes.len() - optional, takes.len())
                },
                arg_types.len()
            );
        }
        let types = arg_types.iter().zip(*takes).zip(1..);
        types
            .map(|((given, takes), number)| match takes.type_of(given) {
                Some(taken) => Ok(taken),
                None => plan_err!(
                    "argument {number} of {} must be {}, not {}; write {syntax}",
                    self.definition.title,
                    takes.words(),
                    words(given)
                ),
            })
            .collect()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let call = Call::new(self.definition.title, &args);
        let result = (self.definition.work)(&call)?;
        if call.is_constant() {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }

    fn simplify(&self, mut args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let added = match self.definition.complete {
            Some(complete) => complete(&mut args, info)?,
            None => false,
        };
        if added {
            let whole = ScalarUDF::new_from_impl(Self::new(self.definition)).call(args);
            return Ok(ExprSimplifyResult::Simplified(whole));
        }
        Ok(ExprSimplifyResult::Original(args))
    }

    fn preimage(
        &self,
        args: &[Expr],
        literal: &Expr,
        info: &SimplifyContext,
    ) -> Result<PreimageResult> {
        let (Some(preimage), Expr::Literal(value, _), Some(place)) =
            (self.definition.preimage, literal, self.definition.follows)
        else {
            return Ok(PreimageResult::None);
        };
        let Some(decides) = args.get(place) else { return Ok(PreimageResult::None) };
        let data_type = info.get_data_type(decides)?;
        Ok(match preimage(args, value, &data_type) {
            Some((from, before)) => PreimageResult::Range {
                expr: decides.clone(),
                interval: Box::new(Interval::try_new(from, before)?),
            },
            None => PreimageResult::None,
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let Some(place) = self.definition.follows else { return Ok(SortProperties::Unordered) };
        let others = inputs.iter().enumerate().filter(|(other, _)| *other != place);
        let constant = others
            .map(|(_, input)| input.sort_properties)
            .all(|order| order == SortProperties::Singleton);
        match inputs.get(place) {
            Some(input) if constant => Ok(input.sort_properties),
            _ => Ok(SortProperties::Unordered),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// A type as a person would call it.
fn words(given: &DataType) -> &'static str {
    match given {
        given if given.is_string() => "a text",
        given if given.is_numeric() => "a number",
        DataType::Boolean => "a boolean",
        DataType::Date32 | DataType::Date64 => "a date",
        DataType::Timestamp(..) => "a timestamp",
        DataType::Interval(_) | DataType::Duration(_) => "an interval",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "a list",
        DataType::Struct(_) => "an object",
        _ => "a value of another type",
    }
}

//! Which columns are measured, and how the values of each are put together where nobody says: amounts of an
//! interval are added up, states are averaged, directions are averaged as vectors.

use hub_model::{Aggregate, Contract, Field, FieldRole, FieldType, Interval, Unit};

use super::AlignCall;
use crate::{error::QueryError, suggest::nearest};

/// How values of one column are put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way<'a> {
    As(Aggregate),
    /// The direction of the mean vector, whose lengths are those of the speed column, or one where there is
    /// none.
    Vector(Option<&'a Field>),
}

impl<'a> Way<'a> {
    /// The way that is asked for, or else that of the contract, or else the one that the unit suggests.
    fn of(
        contract: &'a Contract,
        field: &Field,
        asked: Option<Aggregate>,
        interval: Option<Interval>,
    ) -> Self {
        match asked.or(field.aggregate) {
            Some(Aggregate::Mean) if is_direction(field) => Self::Vector(speed(contract, field)),
            Some(method) => Self::As(method),
            None => usual(contract, field, interval),
        }
    }

    /// The word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::As(method) => method.as_str(),
            Self::Vector(_) => "vector_mean",
        }
    }
}

/// One column of the grid.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure<'a> {
    pub(crate) field: &'a Field,
    pub(super) way: Way<'a>,
    /// What is added to the column's name, where a way was named with it.
    pub(super) suffix: Option<Aggregate>,
}

impl<'a> Measure<'a> {
    /// What the measure is called, where its column is called so.
    pub(super) fn shown(&self, name: &str) -> String {
        match self.suffix {
            Some(method) => format!("{name}_{}", method.as_str()),
            None => name.to_owned(),
        }
    }

    /// Those that a call asks for.
    pub(super) fn of(call: &AlignCall, contract: &'a Contract) -> Result<Vec<Self>, QueryError> {
        let invalid = |said: String| QueryError::invalid(said, Some(call.position));
        let interval = contract.time_field().and_then(|time| time.interval);
        let way = |field, method: Option<Aggregate>| {
            Way::of(contract, field, method.or(call.method), interval)
        };
        if call.measures.is_empty() {
            let measured =
                contract.fields.iter().filter(|f| f.role == FieldRole::Value && is_number(f));
            let measures: Vec<_> =
                measured.map(|field| Self { field, way: way(field, None), suffix: None }).collect();
            if measures.is_empty() {
                return Err(invalid(format!(
                    "{} has no column with the role \"value\" and numbers in it, so align needs to be told \
                     what to put on the grid",
                    call.dataset
                )));
            }
            return Ok(measures);
        }
        let mut measures: Vec<Self> = Vec::new();
        for (name, method) in &call.measures {
            let Some(field) = contract.field(name) else {
                let known = contract.fields.iter().filter(|field| field.role == FieldRole::Value);
                let known =
                    known.flat_map(|field| [Some(field.name.as_str()), field.alias.as_deref()]);
                let suggestions = nearest(name, known.flatten());
                return Err(QueryError::InvalidSql {
                    message: crate::classify::asking(
                        &format!("{} has no column {name:?}", call.dataset),
                        &suggestions,
                    ),
                    position: Some(call.position),
                    suggestions,
                });
            };
            let measure = Self { field, way: way(field, *method), suffix: *method };
            let counts = matches!(
                measure.way,
                Way::As(
                    Aggregate::Count
                        | Aggregate::First
                        | Aggregate::Last
                        | Aggregate::Min
                        | Aggregate::Max
                )
            );
            let named = contract.series_fields().chain(contract.time_field());
            if named.into_iter().any(|other| other == field) {
                return Err(invalid(format!("{name:?} names rows and is no measure of theirs")));
            }
            if !is_number(field) && !counts {
                return Err(invalid(format!(
                    "{name:?} holds no numbers; put it on the grid as '{name}:first', '{name}:last' or \
                     '{name}:count'"
                )));
            }
            if measures.contains(&measure) {
                return Err(invalid(format!("{name:?} is named twice")));
            }
            measures.push(measure);
        }
        Ok(measures)
    }
}

/// The aggregate of SQL that fits a column of numbers: what its contract says, or else `sum` of amounts and
/// `avg` of states. None does for directions.
pub fn fitting_aggregate(contract: &Contract, field: &Field) -> Option<&'static str> {
    let interval = contract.time_field().and_then(|time| time.interval);
    match Way::of(contract, field, None, interval) {
        Way::As(Aggregate::Sum) => Some("sum"),
        Way::As(Aggregate::Mean) => Some("avg"),
        Way::As(Aggregate::Max) => Some("max"),
        Way::As(Aggregate::Min) => Some("min"),
        Way::As(Aggregate::First | Aggregate::Last | Aggregate::Count) | Way::Vector(_) => None,
    }
}

fn is_number(field: &Field) -> bool {
    matches!(field.field_type, FieldType::Integer | FieldType::Number)
}

fn unit(code: &str) -> Option<Unit> {
    Unit::parse(code).ok()
}

fn measures_same(one: &Unit, code: &str) -> bool {
    unit(code).is_some_and(|other| one.conversion_to(&other).is_ok())
}

fn is_direction(field: &Field) -> bool {
    let degrees = unit("deg");
    is_number(field)
        && field.unit.as_ref().zip(degrees).is_some_and(|(own, deg)| own.is_same_as(&deg))
}

fn usual<'a>(contract: &'a Contract, field: &Field, interval: Option<Interval>) -> Way<'a> {
    if is_direction(field) {
        return Way::Vector(speed(contract, field));
    }
    let adds = match &field.unit {
        Some(unit) => is_amount(unit) || amount_of_rate(unit, interval).is_some(),
        // What is counted often has no unit.
        None => field.field_type == FieldType::Integer,
    };
    Way::As(if adds { Aggregate::Sum } else { Aggregate::Mean })
}

/// Whether values in the unit are amounts that came together in an interval: depths of rain, times of
/// sunshine, counts, volumes, masses, energies by area. Other lengths are heights, levels and depths.
fn is_amount(unit: &Unit) -> bool {
    let code = unit.as_str();
    code == "mm"
        || code.starts_with('{') && !code.contains('/')
        || ["s", "m3", "kg", "J/m2"].iter().any(|known| measures_same(unit, known))
}

/// Of a rate by just the interval, such as `{vehicles}/(5.min)` each five minutes, the unit of the amount
/// that it is each time.
pub(super) fn amount_of_rate(unit: &Unit, interval: Option<Interval>) -> Option<&str> {
    let (amount, per) = unit.as_str().rsplit_once('/')?;
    let per = per.strip_prefix('(').and_then(|per| per.strip_suffix(')')).unwrap_or(per);
    let seconds = Unit::parse(per).ok()?.conversion_to(&Unit::parse("s").ok()?).ok()?.apply(1.0);
    let interval = interval.filter(|interval| interval.months() == 0)?;
    let counts = amount == "mm" || amount.starts_with('{') && amount.ends_with('}');
    (counts && seconds == interval.seconds() as f64).then_some(amount)
}

/// The column of speeds that belongs to a column of directions: the only one, or the one whose name begins
/// alike.
fn speed<'a>(contract: &'a Contract, direction: &Field) -> Option<&'a Field> {
    let speeds = contract.fields.iter().filter(|field| {
        let unit = field.unit.as_ref();
        field.role == FieldRole::Value
            && is_number(field)
            && unit.is_some_and(|u| measures_same(u, "m/s"))
    });
    let speeds: Vec<_> = speeds.collect();
    if let [only] = speeds.as_slice() {
        return Some(only);
    }
    let alike = |field: &Field| {
        let pairs = field.storage_name().chars().zip(direction.storage_name().chars());
        pairs.take_while(|(one, other)| one == other).count()
    };
    let most = speeds.iter().map(|field| alike(field)).max().filter(|most| *most > 2)?;
    match speeds.iter().filter(|field| alike(field) == most).collect::<Vec<_>>().as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

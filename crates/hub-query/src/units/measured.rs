//! What is known of a value: its unit, and whether it is a difference.

use std::sync::Arc;

/// A unit as contracts write it, in UCUM.
pub(crate) type Unit = Option<Arc<str>>;

/// Values in a unit, or differences of such values where the unit has a zero of its own: 5 degrees more are
/// no temperature of 5 degrees.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) unit: Arc<str>,
    pub(super) is_difference: bool,
}

impl Measured {
    pub(super) fn in_unit(unit: &str) -> Self {
        Self { unit: Arc::from(unit), is_difference: false }
    }

    /// Of the difference of two such values. Only units with a zero of their own tell the two apart.
    pub(super) fn difference(self) -> Self {
        let has_own_zero = hub_model::Unit::parse(&self.unit).is_ok_and(|unit| unit.has_own_zero());
        Self { is_difference: has_own_zero, ..self }
    }

    /// Whether values are the same numbers in both units, however these are written.
    pub(super) fn is_in(&self, unit: &str) -> bool {
        if *self.unit == *unit {
            return true;
        }
        let [one, other] = [&*self.unit, unit].map(|code: &str| hub_model::Unit::parse(code).ok());
        one.zip(other).is_some_and(|(one, other)| one.is_same_as(&other))
    }

    /// Whether values can be converted to the unit.
    pub(super) fn converts_to(&self, unit: &str) -> bool {
        let [one, other] = [&*self.unit, unit].map(|code: &str| hub_model::Unit::parse(code).ok());
        one.zip(other).is_some_and(|(one, other)| one.conversion_to(&other).is_ok())
    }

    /// The unit that an answer says: that of differences in Celsius is the kelvin, those of others have none.
    pub(super) fn shown(&self) -> Unit {
        match (self.is_difference, &*self.unit) {
            (false, _) => Some(Arc::clone(&self.unit)),
            (true, "Cel") => Some(Arc::from("K")),
            (true, _) => None,
        }
    }
}

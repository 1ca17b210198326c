//! What a unit measures, and how much of the base units it is.

use std::{collections::BTreeMap, f64::consts::PI};

use super::ratio::Ratio;

/// Metre, second, gram, radian, kelvin, candela, coulomb.
const BASES: usize = 7;

/// A unit taken apart: its dimension and its size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measure {
    size: Ratio,
    /// The power of π that the size is multiplied with.
    pi: i8,
    /// Where a temperature is counted from, in kelvins.
    zero: Ratio,
    bases: [i8; BASES],
    /// What is counted, such as vehicles or persons. UCUM gives these no dimension; here persons do not
    /// become vehicles.
    counted: BTreeMap<String, i8>,
}

impl Measure {
    pub(super) fn number(size: Ratio, pi: i8) -> Self {
        Self { size, pi, zero: Ratio::ZERO, bases: [0; BASES], counted: BTreeMap::new() }
    }

    pub(super) fn base(place: usize) -> Self {
        let mut measure = Self::number(Ratio::ONE, 0);
        if let Some(exponent) = measure.bases.get_mut(place) {
            *exponent = 1;
        }
        measure
    }

    pub(super) fn has_own_zero(&self) -> bool {
        self.zero != Ratio::ZERO
    }

    pub(super) fn counted_from(size: Ratio, zero: Ratio) -> Self {
        Self { size, zero, ..Self::base(4) }
    }

    pub(super) fn counting(what: &str) -> Self {
        let counted = BTreeMap::from([(what.to_owned(), 1)]);
        Self { counted, ..Self::number(Ratio::ONE, 0) }
    }

    /// So many times as much; none where numbers grow beyond all measure.
    pub(super) fn scaled(mut self, times: Ratio) -> Option<Self> {
        self.size = self.size.times(times)?;
        Some(self)
    }

    /// The product with a power of another. In a product a temperature is a difference, such as the degrees
    /// of degree-days.
    pub(super) fn product(&self, other: &Self, exponent: i8) -> Option<Self> {
        let add = |own: i8, theirs: i8| own.checked_add(theirs.checked_mul(exponent)?);
        let mut bases = self.bases;
        for (own, theirs) in bases.iter_mut().zip(other.bases) {
            *own = add(*own, theirs)?;
        }
        let mut counted = self.counted.clone();
        for (what, theirs) in &other.counted {
            let own = counted.entry(what.clone()).or_default();
            *own = add(*own, *theirs)?;
        }
        counted.retain(|_, exponent| *exponent != 0);
        let alone = exponent == 1 && *self == Self::number(Ratio::ONE, 0);
        Some(Self {
            size: self.size.times(other.size.power(exponent)?)?,
            pi: add(self.pi, other.pi)?,
            zero: if alone { other.zero } else { Ratio::ZERO },
            bases,
            counted,
        })
    }

    /// How values in this unit become values in another; none where they measure different things.
    pub(super) fn conversion(&self, to: &Self) -> Option<Conversion> {
        if self.bases != to.bases || self.counted != to.counted {
            return None;
        }
        let per = to.size.inverse()?;
        let ratio = self.size.times(per)?;
        let (multiply, add, divide) = ratio.and(per.times(self.zero.minus(to.zero)?)?)?;
        let turns = PI.powi(i32::from(self.pi) - i32::from(to.pi));
        Some(Conversion { multiply: multiply * turns, add, divide })
    }
}

/// How values in one unit become values in another: multiplied, added to, then divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conversion {
    multiply: f64,
    add: f64,
    divide: f64,
}

impl Conversion {
    /// One value in the other unit, rounded once.
    pub fn apply(self, value: f64) -> f64 {
        (value * self.multiply + self.add) / self.divide
    }

    /// Whether values stay as they are.
    pub fn is_none(self) -> bool {
        self.multiply == self.divide && self.add == 0.0
    }
}

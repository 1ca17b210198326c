//! Fractions of whole numbers, so that a hundredth stays one.

/// A fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ratio {
    over: i128,
    under: i128,
}

impl Ratio {
    pub(super) const ONE: Self = Self { over: 1, under: 1 };
    pub(super) const ZERO: Self = Self { over: 0, under: 1 };

    /// `under` is above zero.
    pub(super) fn of(over: i128, under: i128) -> Self {
        let divisor = gcd(over.unsigned_abs(), under.unsigned_abs()).max(1);
        let divisor = i128::try_from(divisor).unwrap_or(1);
        Self { over: over / divisor, under: under / divisor }
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        // Crosswise first, so that what cancels cannot overflow.
        let (a, b) = (Self::of(self.over, other.under), Self::of(other.over, self.under));
        Some(Self { over: a.over.checked_mul(b.over)?, under: a.under.checked_mul(b.under)? })
    }

    /// None for the inverse of nothing.
    pub(super) fn inverse(self) -> Option<Self> {
        (self.over > 0).then_some(Self { over: self.under, under: self.over })
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        let over = self.over.checked_mul(other.under)?;
        let over = over.checked_sub(other.over.checked_mul(self.under)?)?;
        Some(Self::of(over, self.under.checked_mul(other.under)?))
    }

    pub(super) fn power(self, exponent: i8) -> Option<Self> {
        let base = if exponent < 0 { self.inverse()? } else { self };
        (0..exponent.unsigned_abs()).try_fold(Self::ONE, |product, _| product.times(base))
    }

    /// Both over one number: this one's whole number, the other's, and what they are over.
    pub(super) fn and(self, other: Self) -> Option<(f64, f64, f64)> {
        let shared = gcd(self.under.unsigned_abs(), other.under.unsigned_abs());
        let shared = i128::try_from(shared).ok()?;
        let under = self.under.checked_mul(other.under / shared)?;
        let over = |ratio: Self| ratio.over.checked_mul(under / ratio.under);
        Some((over(self)? as f64, over(other)? as f64, under as f64))
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

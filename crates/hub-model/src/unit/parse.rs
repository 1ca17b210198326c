//! UCUM's grammar: products and quotients of units with prefixes, whole exponents and annotations.

use super::{atoms, measure::Measure, ratio::Ratio};

/// What a code means, or the part of it that is not understood.
pub(super) fn measure(code: &str) -> Result<Measure, String> {
    let mut reader = Reader { rest: code };
    let measure = reader.term()?;
    if reader.rest.is_empty() { Ok(measure) } else { Err(reader.rest.to_owned()) }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn takes(&mut self, c: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(c) else { return false };
        self.rest = rest;
        true
    }

    fn term(&mut self) -> Result<Measure, String> {
        let nothing = Measure::number(Ratio::ONE, 0);
        let mut exponent = if self.takes('/') { -1 } else { 1 };
        let mut product = nothing;
        loop {
            let part = self.rest;
            let component = self.component()?;
            product = product.product(&component, exponent).ok_or_else(|| part.to_owned())?;
            exponent = match self.rest.chars().next() {
                Some('.') => 1,
                Some('/') => -1,
                _ => return Ok(product),
            };
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
    }

    fn component(&mut self) -> Result<Measure, String> {
        let part = self.rest;
        let unknown = || part.to_owned();
        if self.takes('(') {
            let inner = self.term()?;
            return if self.takes(')') { Ok(inner) } else { Err(unknown()) };
        }
        if let Some(what) = self.annotation() {
            return Ok(Measure::counting(what));
        }
        let digits = self.split(|c: char| !c.is_ascii_digit());
        if !digits.is_empty() && !self.rest.starts_with(['*', '^']) {
            let number: i128 = digits.parse().map_err(|_| unknown())?;
            // A number is a factor of its own, as in mm/(10.min).
            if self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let end = part.find(['.', '/', ')']).unwrap_or(part.len());
                return Err(part[..end].to_owned());
            }
            return if number > 0 {
                Ok(Measure::number(Ratio::of(number, 1), 0))
            } else {
                Err(unknown())
            };
        }
        self.rest = part;
        let name = self.name();
        let unit = atoms::unit(name).ok_or_else(|| name.to_owned());
        let unit = unit.map_err(|name| if name.is_empty() { unknown() } else { name })?;
        let exponent = self.exponent().ok_or_else(unknown)?;
        // A remark on a unit, such as the snow of cm{snow}, changes nothing.
        self.annotation();
        if exponent == 1 {
            return Ok(unit);
        }
        let nothing = Measure::number(Ratio::ONE, 0);
        nothing.product(&unit, exponent).ok_or_else(unknown)
    }

    fn split(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn annotation(&mut self) -> Option<&'a str> {
        let (inside, rest) = self.rest.strip_prefix('{')?.split_once('}')?;
        self.rest = rest;
        Some(inside)
    }

    /// A unit's name: letters and signs, or anything in square brackets.
    fn name(&mut self) -> &'a str {
        if let Some(rest) = self.rest.strip_prefix("10*").or_else(|| self.rest.strip_prefix("10^"))
        {
            let (name, _) = self.rest.split_at(3);
            self.rest = rest;
            return name;
        }
        let mut in_brackets = false;
        let end = self.rest.find(|c: char| {
            in_brackets = match c {
                '[' => true,
                ']' => false,
                _ => in_brackets,
            };
            !(in_brackets || c.is_ascii_alphabetic() || matches!(c, ']' | '%' | '\'' | '_'))
        });
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        name
    }

    /// One where none is written; none where it is not a small whole number.
    fn exponent(&mut self) -> Option<i8> {
        let signed = self.rest.strip_prefix('+').unwrap_or(self.rest);
        let digits = signed.trim_start_matches('-');
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if length == 0 {
            return (signed.len() == self.rest.len() && digits.len() == signed.len()).then_some(1);
        }
        let end = self.rest.len() - digits.len() + length;
        let (exponent, rest) = self.rest.split_at(end);
        self.rest = rest;
        exponent.parse().ok().filter(|exponent: &i8| exponent.unsigned_abs() <= 20)
    }
}

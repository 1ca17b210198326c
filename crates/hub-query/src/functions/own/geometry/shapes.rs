//! Geometries as arguments: texts that are read where they are needed, and not again where they repeat.

use std::{cell::RefCell, rc::Rc};

use arrow::array::StringViewArray;
use datafusion::common::Result;
use geo::Geometry;

use super::super::{Call, call::Values};
use crate::geometry::from_wkt;

/// The form of most arguments.
pub(super) const WKT: &str = "WKT such as POINT (140.7567 42.9)";

/// Geometries of one argument. One that repeats from row to row, or is a constant, is read once.
pub(super) struct Shapes<'a, 'b> {
    call: &'a Call<'b>,
    texts: Values<StringViewArray>,
    read: fn(&str) -> Option<Geometry>,
    form: &'static str,
    last: RefCell<Option<(usize, Rc<Geometry>)>>,
}

impl<'a, 'b> Shapes<'a, 'b> {
    pub(super) fn of(
        call: &'a Call<'b>,
        place: usize,
        read: fn(&str) -> Option<Geometry>,
        form: &'static str,
    ) -> Result<Self> {
        Ok(Self { call, texts: call.texts(place)?, read, form, last: RefCell::default() })
    }

    pub(super) fn get(&self, row: usize) -> Result<Option<Rc<Geometry>>> {
        let Some(place) = self.texts.place(row) else { return Ok(None) };
        let text = self.texts.array.value(place);
        if let Some((known, geometry)) = self.last.borrow().as_ref()
            && (*known == place || self.texts.array.value(*known) == text)
        {
            return Ok(Some(Rc::clone(geometry)));
        }
        let Some(geometry) = (self.read)(text) else {
            let begin: String = text.chars().take(40).collect();
            let message = format!("can't read {begin:?} as a geometry; it must be {}", self.form);
            return Err(self.call.refused(&message));
        };
        let geometry = Rc::new(geometry);
        *self.last.borrow_mut() = Some((place, Rc::clone(&geometry)));
        Ok(Some(geometry))
    }
}

/// The geometries of two arguments.
pub(super) struct Two<'a, 'b>(Shapes<'a, 'b>, Shapes<'a, 'b>);

impl<'a, 'b> Two<'a, 'b> {
    pub(super) fn of(call: &'a Call<'b>) -> Result<Self> {
        Ok(Self(Shapes::of(call, 0, from_wkt, WKT)?, Shapes::of(call, 1, from_wkt, WKT)?))
    }

    pub(super) fn get(&self, row: usize) -> Result<Option<(Rc<Geometry>, Rc<Geometry>)>> {
        Ok(self.0.get(row)?.zip(self.1.get(row)?))
    }
}

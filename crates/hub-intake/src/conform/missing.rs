//! The texts and the numbers of a contract that mean "no value".

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, PrimitiveArray},
    datatypes::{DataType, Float64Type, Int64Type},
};

use super::number::parse_number;

/// The texts of a contract that mean "no value".
#[derive(Debug)]
pub(crate) struct MissingTexts {
    texts: Vec<Vec<u8>>,
    /// Those that are numbers, which files also write in other ways: -9999 is -9999.00 too.
    numbers: Vec<f64>,
    /// Bit n: a text of n bytes is among them; the last bit stands for all that are longer.
    lengths: u64,
}

impl MissingTexts {
    pub(crate) fn new(texts: &[String]) -> Self {
        let lengths = texts.iter().fold(0, |bits, text| bits | (1 << text.len().min(63)));
        let numbers = texts.iter().filter_map(|text| parse_number(text.as_bytes()).ok()).collect();
        let texts = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        Self { texts, numbers, lengths }
    }

    /// The array without the numbers that mean that there is no value.
    pub(crate) fn without_numbers(&self, array: ArrayRef) -> ArrayRef {
        if self.numbers.is_empty() {
            return array;
        }
        let is_none = |value: f64| self.numbers.contains(&value);
        match array.data_type() {
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>();
                if !values.values().iter().any(|value| is_none(*value)) {
                    return array;
                }
                let kept = values.iter().map(|value| value.filter(|value| !is_none(*value)));
                Arc::new(kept.collect::<PrimitiveArray<Float64Type>>())
            }
            DataType::Int64 => {
                let values = array.as_primitive::<Int64Type>();
                if !values.values().iter().any(|value| is_none(*value as f64)) {
                    return array;
                }
                let kept = values.iter().map(|value| value.filter(|value| !is_none(*value as f64)));
                Arc::new(kept.collect::<PrimitiveArray<Int64Type>>())
            }
            _ => array,
        }
    }

    #[inline]
    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        self.lengths & (1 << text.len().min(63)) != 0
            && (text.is_empty() || self.texts.iter().any(|missing| missing == text))
    }
}

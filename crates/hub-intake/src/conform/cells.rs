//! Cells of text, wherever they lie, to arrays of a contract's types. Nothing is allocated for a cell.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, BinaryViewArray, BooleanArray, BooleanBufferBuilder,
        GenericByteArray, NullBufferBuilder, PrimitiveArray, StringArray, StringViewArray,
    },
    buffer::{Buffer, OffsetBuffer},
    datatypes::{
        ByteArrayType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    },
};
use hub_model::FieldType;

use super::{
    fault::FaultKind,
    faults::ColumnFaults,
    number::{parse_boolean, parse_integer, parse_number},
    time::{TimeFormat, parse_year},
};
use crate::decode::TextBlock;

/// The zone that stored instants carry.
pub(crate) const UTC: &str = "UTC";

/// A column of text cells.
pub(crate) trait Cells {
    fn len(&self) -> usize;

    /// The cell's bytes, or `None` where there is no value.
    fn get(&self, row: usize) -> Option<&[u8]>;

    /// Whether a text means that there is no value.
    fn is_missing(&self, text: &[u8]) -> bool;
}

/// The texts of a contract that mean "no value".
#[derive(Debug)]
pub(crate) struct MissingTexts {
    texts: Vec<Vec<u8>>,
    /// Bit n: a text of n bytes is among them; the last bit stands for all that are longer.
    lengths: u64,
}

impl MissingTexts {
    pub(crate) fn new(texts: &[String]) -> Self {
        let lengths = texts.iter().fold(0, |bits, text| bits | (1 << text.len().min(63)));
        Self { texts: texts.iter().map(|text| text.as_bytes().to_vec()).collect(), lengths }
    }

    #[inline]
    pub(crate) fn contains(&self, text: &[u8]) -> bool {
        self.lengths & (1 << text.len().min(63)) != 0
            && (text.is_empty() || self.texts.iter().any(|missing| missing == text))
    }
}

/// One column of a block of text.
pub(crate) struct BlockCells<'a> {
    pub(crate) block: &'a TextBlock,
    pub(crate) column: usize,
    pub(crate) missing: &'a MissingTexts,
}

impl Cells for BlockCells<'_> {
    fn len(&self) -> usize {
        self.block.rows()
    }

    #[inline]
    fn get(&self, row: usize) -> Option<&[u8]> {
        let cell = self.block.cell(row, self.column);
        (!self.missing.contains(cell)).then_some(cell)
    }

    fn is_missing(&self, text: &[u8]) -> bool {
        self.missing.contains(text)
    }
}

/// Texts of a typed file, in which only null means that there is no value.
macro_rules! typed_cells {
    ($array:ty $(, $t:ident: $bound:path)?) => {
        impl$(<$t: $bound>)? Cells for $array {
            fn len(&self) -> usize {
                Array::len(self)
            }

            #[inline]
            fn get(&self, row: usize) -> Option<&[u8]> {
                self.is_valid(row).then(|| self.value(row).as_ref())
            }

            fn is_missing(&self, _text: &[u8]) -> bool {
                false
            }
        }
    };
}

typed_cells!(GenericByteArray<T>, T: ByteArrayType);
typed_cells!(StringViewArray);
typed_cells!(BinaryViewArray);

/// The column as an array of the type that a field is stored in. A cell that can't be one is null there
/// and a fault.
pub(crate) fn convert(
    cells: &impl Cells,
    field_type: FieldType,
    format: &TimeFormat,
    faults: &mut ColumnFaults,
) -> ArrayRef {
    match field_type {
        FieldType::String => Arc::new(texts(cells, faults)),
        FieldType::Integer => Arc::new(primitives::<Int64Type>(cells, parse_integer, faults)),
        FieldType::Number => Arc::new(primitives::<Float64Type>(cells, parse_number, faults)),
        FieldType::Boolean => Arc::new(booleans(cells, faults)),
        FieldType::Year => Arc::new(primitives::<Int32Type>(cells, parse_year, faults)),
        FieldType::Date => {
            Arc::new(primitives::<Date32Type>(cells, |text| format.parse_date(text), faults))
        }
        FieldType::Yearmonth => {
            Arc::new(primitives::<Date32Type>(cells, |text| format.parse_month(text), faults))
        }
        FieldType::Datetime => {
            let parse = |text: &[u8]| format.parse_instant(text);
            let array = primitives::<TimestampMicrosecondType>(cells, parse, faults);
            Arc::new(array.with_timezone(UTC))
        }
    }
}

fn primitives<T: ArrowPrimitiveType>(
    cells: &impl Cells,
    parse: impl Fn(&[u8]) -> Result<T::Native, FaultKind>,
    faults: &mut ColumnFaults,
) -> PrimitiveArray<T> {
    let mut values = Vec::with_capacity(cells.len());
    let mut nulls = NullBufferBuilder::new(cells.len());
    for row in 0..cells.len() {
        let value = match cells.get(row) {
            Some(text) => match parse(text) {
                Ok(value) => Some(value),
                Err(kind) => retry(cells, row, text, kind, &parse, faults),
            },
            None => None,
        };
        nulls.append(value.is_some());
        values.push(value.unwrap_or_default());
    }
    PrimitiveArray::new(values.into(), nulls.finish())
}

fn booleans(cells: &impl Cells, faults: &mut ColumnFaults) -> BooleanArray {
    let mut values = BooleanBufferBuilder::new(cells.len());
    let mut nulls = NullBufferBuilder::new(cells.len());
    for row in 0..cells.len() {
        let value = match cells.get(row) {
            Some(text) => match parse_boolean(text) {
                Ok(value) => Some(value),
                Err(kind) => retry(cells, row, text, kind, &parse_boolean, faults),
            },
            None => None,
        };
        nulls.append(value.is_some());
        values.append(value.unwrap_or_default());
    }
    BooleanArray::new(values.finish(), nulls.finish())
}

/// A cell that is not a value as it stands may be one without the spaces around it, or mean none.
#[cold]
fn retry<V>(
    cells: &impl Cells,
    row: usize,
    text: &[u8],
    kind: FaultKind,
    parse: &impl Fn(&[u8]) -> Result<V, FaultKind>,
    faults: &mut ColumnFaults,
) -> Option<V> {
    let trimmed = text.trim_ascii();
    if trimmed.len() < text.len() {
        if cells.is_missing(trimmed) {
            return None;
        }
        if let Ok(value) = parse(trimmed) {
            return Some(value);
        }
    }
    let kind = if std::str::from_utf8(text).is_err() { FaultKind::Encoding } else { kind };
    faults.fail(row, kind);
    None
}

fn texts(cells: &impl Cells, faults: &mut ColumnFaults) -> StringArray {
    let mut bytes: Vec<u8> = Vec::new();
    let mut offsets: Vec<i32> = Vec::with_capacity(cells.len() + 1);
    let mut nulls = NullBufferBuilder::new(cells.len());
    offsets.push(0);
    for row in 0..cells.len() {
        let cell = cells.get(row);
        nulls.append(cell.is_some());
        bytes.extend_from_slice(cell.unwrap_or_default());
        offsets.push(bytes.len() as i32);
    }
    let nulls = nulls.finish();
    let offsets = OffsetBuffer::new(offsets.into());
    // All cells are validated at once; each by itself only where that fails.
    match StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls) {
        Ok(array) => array,
        Err(_) => (0..cells.len())
            .map(|row| {
                let cell = cells.get(row)?;
                let text = std::str::from_utf8(cell).ok();
                if text.is_none() {
                    faults.fail(row, FaultKind::Encoding);
                }
                text
            })
            .collect(),
    }
}

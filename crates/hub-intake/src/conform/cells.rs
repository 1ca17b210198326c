//! Cells of text, wherever they lie, to arrays of a contract's types. Nothing is allocated for a cell.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, BinaryViewArray, BooleanArray, BooleanBufferBuilder,
        GenericByteArray, NullBufferBuilder, PrimitiveArray, StringArray, StringBuilder,
        StringViewArray,
    },
    buffer::{Buffer, OffsetBuffer},
    datatypes::{
        ByteArrayType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    },
};
use hub_model::{ChangeKind, CodeList, FieldType};

use super::{
    fault::FaultKind,
    faults::ColumnFaults,
    missing::MissingTexts,
    normal::{Normal, Reading},
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
/// and a fault. With `normal`, a cell that is no value as it stands is read as people write such values.
pub(crate) fn convert(
    cells: &impl Cells,
    field_type: FieldType,
    format: &TimeFormat,
    normal: Option<&Normal<'_>>,
    faults: &mut ColumnFaults,
) -> ArrayRef {
    let retry = Retry { normal, format };
    match field_type {
        FieldType::String => match normal.and_then(|normal| Some((normal, normal.code_list()?))) {
            Some((normal, list)) => Arc::new(codes(cells, normal, list, faults)),
            None => Arc::new(texts(cells, normal, faults)),
        },
        FieldType::Integer => {
            Arc::new(primitives::<Int64Type>(cells, parse_integer, parse_integer, &retry, faults))
        }
        FieldType::Number => {
            Arc::new(primitives::<Float64Type>(cells, parse_number, parse_number, &retry, faults))
        }
        FieldType::Boolean => Arc::new(booleans(cells, &retry, faults)),
        FieldType::Year => {
            Arc::new(primitives::<Int32Type>(cells, parse_year, parse_year, &retry, faults))
        }
        FieldType::Date => {
            let parse = |text: &[u8]| format.parse_date(text);
            Arc::new(primitives::<Date32Type>(cells, parse, parse, &retry, faults))
        }
        FieldType::Yearmonth => {
            let parse = |text: &[u8]| format.parse_month(text);
            Arc::new(primitives::<Date32Type>(cells, parse, parse, &retry, faults))
        }
        FieldType::Datetime => {
            let first = |text: &[u8]| format.parse_instant_of_day(text);
            let parse = |text: &[u8]| format.parse_instant(text);
            let array = primitives::<TimestampMicrosecondType>(cells, first, parse, &retry, faults);
            Arc::new(array.with_timezone(UTC))
        }
    }
}

/// `first` reads nearly every cell; `parse` is as strict or less, for cells that are looked at again.
fn primitives<T: ArrowPrimitiveType>(
    cells: &impl Cells,
    first: impl Fn(&[u8]) -> Result<T::Native, FaultKind>,
    parse: impl Fn(&[u8]) -> Result<T::Native, FaultKind>,
    retry: &Retry<'_>,
    faults: &mut ColumnFaults,
) -> PrimitiveArray<T> {
    let mut values = Vec::with_capacity(cells.len());
    let mut nulls = NullBufferBuilder::new(cells.len());
    for row in 0..cells.len() {
        let value = match cells.get(row) {
            Some(text) => match first(text) {
                Ok(value) => Some(value),
                Err(kind) => retry.cell(cells, row, text, kind, &parse, faults),
            },
            None => None,
        };
        nulls.append(value.is_some());
        values.push(value.unwrap_or_default());
    }
    PrimitiveArray::new(values.into(), nulls.finish())
}

fn booleans(cells: &impl Cells, retry: &Retry<'_>, faults: &mut ColumnFaults) -> BooleanArray {
    let mut values = BooleanBufferBuilder::new(cells.len());
    let mut nulls = NullBufferBuilder::new(cells.len());
    for row in 0..cells.len() {
        let value = match cells.get(row) {
            Some(text) => match parse_boolean(text) {
                Ok(value) => Some(value),
                Err(kind) => retry.cell(cells, row, text, kind, &parse_boolean, faults),
            },
            None => None,
        };
        nulls.append(value.is_some());
        values.append(value.unwrap_or_default());
    }
    BooleanArray::new(values.finish(), nulls.finish())
}

/// How cells are looked at again that are no values as they stand.
struct Retry<'a> {
    normal: Option<&'a Normal<'a>>,
    format: &'a TimeFormat,
}

impl Retry<'_> {
    /// The cell may be a value without the spaces around it, or in another way of writing it, or mean
    /// that there is none.
    #[cold]
    #[inline(never)]
    fn cell<V>(
        &self,
        cells: &impl Cells,
        row: usize,
        bytes: &[u8],
        kind: FaultKind,
        parse: &impl Fn(&[u8]) -> Result<V, FaultKind>,
        faults: &mut ColumnFaults,
    ) -> Option<V> {
        let trimmed = bytes.trim_ascii();
        if trimmed.len() < bytes.len() && cells.is_missing(trimmed) {
            return None;
        }
        if (trimmed.len() < bytes.len() || kind == FaultKind::NextDay)
            && let Ok(value) = parse(trimmed)
        {
            if let Ok(text) = std::str::from_utf8(trimmed)
                && let Some(next_day) = self.format.next_day(text)
            {
                faults.normalised.change(ChangeKind::Hour24, row, text, &next_day);
            }
            return Some(value);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            faults.fail(row, FaultKind::Encoding);
            return None;
        };
        let Some(normal) = self.normal else {
            faults.fail(row, kind);
            return None;
        };
        if normal.lost_bytes(text.as_bytes()) {
            faults.fail(row, FaultKind::Encoding);
            return None;
        }
        match normal.read(text, self.format) {
            Reading::Value(plain, kinds) => match parse(plain.as_bytes()) {
                Ok(value) => {
                    for kind in kinds {
                        faults.normalised.change(kind, row, text, &plain);
                    }
                    return Some(value);
                }
                Err(kind) => faults.fail(row, kind),
            },
            Reading::Missing(quality) => faults.normalised.missing(row, text, quality),
            Reading::Refused(kind) => faults.fail(row, kind),
            Reading::Unread => faults.fail(row, kind),
        }
        None
    }
}

/// Codes of a list in their full form.
pub(crate) fn codes(
    cells: &impl Cells,
    normal: &Normal<'_>,
    list: CodeList,
    faults: &mut ColumnFaults,
) -> StringArray {
    let mut array = StringBuilder::with_capacity(cells.len(), cells.len() * 6);
    // Codes repeat from row to row, so that the last reading often serves again.
    let mut last: Option<(Vec<u8>, Reading)> = None;
    for row in 0..cells.len() {
        let Some(bytes) = cells.get(row) else {
            array.append_null();
            continue;
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            faults.fail(row, FaultKind::Encoding);
            array.append_null();
            continue;
        };
        if last.as_ref().is_none_or(|(same, _)| same != bytes) {
            let reading = if normal.lost_bytes(text.as_bytes()) {
                Reading::Refused(FaultKind::Encoding)
            } else {
                normal.read_code(text, list)
            };
            last = Some((bytes.to_vec(), reading));
        }
        match last.as_ref().map(|(_, reading)| reading) {
            Some(Reading::Value(code, kinds)) => {
                for kind in kinds {
                    faults.normalised.change(*kind, row, text, code);
                }
                array.append_value(code);
            }
            Some(Reading::Missing(_)) => array.append_null(),
            Some(Reading::Refused(kind)) => {
                faults.fail(row, *kind);
                array.append_null();
            }
            Some(Reading::Unread) | None => array.append_value(text),
        }
    }
    array.finish()
}

fn texts(
    cells: &impl Cells,
    normal: Option<&Normal<'_>>,
    faults: &mut ColumnFaults,
) -> StringArray {
    let array = plain_texts(cells, faults);
    match normal {
        Some(normal) => looked_over(array, normal, faults),
        None => array,
    }
}

/// Finds what is wrong with a text though any text is one: bytes that were lost when the file's encoding
/// was changed, and ids that a spreadsheet made numbers. All texts are looked through at once first.
fn looked_over(array: StringArray, normal: &Normal<'_>, faults: &mut ColumnFaults) -> StringArray {
    let all = array.values().as_slice();
    let is_spoilt = normal.names_things() && memchr::memmem::find(all, b"E+").is_some();
    let is_lost = normal.lost_bytes(all);
    if !is_spoilt && !is_lost {
        return array;
    }
    let mut faults_found = Vec::new();
    let kept = array
        .iter()
        .enumerate()
        .map(|(row, text)| {
            let text = text?;
            let kind = if is_lost && normal.lost_bytes(text.as_bytes()) {
                FaultKind::Encoding
            } else if is_spoilt && is_spoilt_id(text) {
                FaultKind::ExcelNumber
            } else {
                return Some(text);
            };
            faults_found.push((row, kind));
            None
        })
        .collect();
    faults.fail_more(faults_found);
    kept
}

/// `1.23E+12`, as spreadsheets write long ids.
fn is_spoilt_id(text: &str) -> bool {
    let Some((mantissa, power)) = text.trim().split_once("E+") else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    whole.len() == 1 && digits(whole) && digits(fraction) && digits(power) && power.len() == 2
}

fn plain_texts(cells: &impl Cells, faults: &mut ColumnFaults) -> StringArray {
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

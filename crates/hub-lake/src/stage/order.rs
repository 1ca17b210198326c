//! The order of rows by several columns, by sorting small integers instead of rows.
//!
//! Each column's values become integers of the same order in as few bits as they need: texts by their
//! rank among the distinct ones, numbers by their distance from the least in units of what divides all
//! distances. The integers and the row's index are packed into one word, and words are sorted. Columns
//! that need more bits than the widest word has are compared in arrow's row format.

use std::{
    collections::HashMap,
    ops::{BitOr, Shl, Shr},
};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::SortOptions,
    datatypes::{
        ArrowPrimitiveType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    },
    row::{RowConverter, SortField},
};
use arrow_schema::{ArrowError, DataType};

/// Missing values come last.
pub(crate) const ASCENDING: SortOptions = SortOptions { descending: false, nulls_first: false };

/// The order of some rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The rows' indices in their order, or `None` where they lie in order already.
    pub(crate) indices: Option<Vec<u32>>,
    /// Rows whose key is that of an earlier one: (the first with the key, this one), both as indices.
    pub(crate) repeated: Vec<(u32, u32)>,
}

/// Orders rows by columns, missing values last, equal ones as they lie, and finds those that are equal
/// in the first `key` columns.
pub(crate) fn order(columns: &[ArrayRef], rows: usize, key: usize) -> Result<Order, ArrowError> {
    if columns.is_empty() {
        return Ok(Order { indices: None, repeated: Vec::new() });
    }
    let index_bits = bits(rows as u64);
    let Some(codes) = columns.iter().map(code).collect::<Option<Vec<_>>>() else {
        return by_rows(columns, rows, key);
    };
    let all: u32 = codes.iter().map(|code| code.bits).sum();
    let beside_key: u32 = codes[key..].iter().map(|code| code.bits).sum();
    let key_at = (key > 0).then_some(beside_key + index_bits);
    match all + index_bits {
        0..=64 => Ok(by_words::<u64>(&codes, rows, index_bits, key_at)),
        65..=128 => Ok(by_words::<u128>(&codes, rows, index_bits, key_at)),
        _ => by_rows(columns, rows, key),
    }
}

/// Bits that values from 0 to `greatest` need.
fn bits(greatest: u64) -> u32 {
    64 - greatest.leading_zeros()
}

/// A column as integers of the same order.
struct Code {
    bits: u32,
    values: Vec<u64>,
}

fn code(column: &ArrayRef) -> Option<Code> {
    match column.data_type() {
        DataType::Utf8 => texts(column),
        DataType::Boolean => {
            let values = column.as_boolean().iter().map(|v| v.map_or(2, u64::from)).collect();
            Some(Code { bits: 2, values })
        }
        DataType::Int64 => numbers::<Int64Type>(column, |v| v),
        DataType::Int32 => numbers::<Int32Type>(column, i64::from),
        DataType::Date32 => numbers::<Date32Type>(column, i64::from),
        DataType::Timestamp(..) => numbers::<TimestampMicrosecondType>(column, |v| v),
        // The bits of floating-point numbers, turned so that they order like `f64::total_cmp`.
        DataType::Float64 => numbers::<Float64Type>(column, |v| {
            let bits = v.to_bits().cast_signed();
            bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
        }),
        _ => None,
    }
}

fn texts(column: &ArrayRef) -> Option<Code> {
    let array = column.as_string::<i32>();
    let mut ranks: HashMap<&str, u64> = HashMap::new();
    let mut values = Vec::with_capacity(array.len());
    let mut last: Option<(&str, u64)> = None;
    const MISSING: u64 = u64::MAX;
    for value in array {
        let Some(value) = value else {
            values.push(MISSING);
            continue;
        };
        // Neighbours are often of the same series.
        let number = match last {
            Some((text, number)) if text == value => number,
            _ => {
                let next = ranks.len() as u64;
                *ranks.entry(value).or_insert(next)
            }
        };
        last = Some((value, number));
        values.push(number);
        // Nearly all distinct: looking each up costs more than comparing them would.
        if ranks.len() > (1 << 17) && ranks.len() > values.len() / 2 {
            return None;
        }
    }
    let mut sorted: Vec<(&str, u64)> = ranks.into_iter().collect();
    sorted.sort_unstable();
    let mut rank_of = vec![0u64; sorted.len()];
    for (rank, (_, number)) in sorted.iter().enumerate() {
        rank_of[*number as usize] = rank as u64;
    }
    let missing = sorted.len() as u64;
    for value in &mut values {
        *value = if *value == MISSING { missing } else { rank_of[*value as usize] };
    }
    Some(Code { bits: bits(missing), values })
}

fn numbers<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    ordered: impl Fn(T::Native) -> i64,
) -> Option<Code> {
    let array = column.as_primitive::<T>();
    let known = || array.iter().flatten().map(&ordered);
    let Some(least) = known().min() else {
        return Some(Code { bits: 0, values: vec![0; array.len()] });
    };
    let greatest = known().max().unwrap_or(least);
    let distance = |value: i64| value.abs_diff(least);
    let mut unit = 0u64;
    for value in known() {
        let distance = distance(value);
        if unit == 0 || !distance.is_multiple_of(unit) {
            unit = greatest_common_divisor(unit, distance);
            if unit == 1 {
                break;
            }
        }
    }
    let unit = unit.max(1);
    let missing = (distance(greatest) / unit).checked_add(u64::from(array.null_count() > 0))?;
    let coded = |value: T::Native| distance(ordered(value)) / unit;
    let values = if array.null_count() == 0 {
        array.values().iter().map(|value| coded(*value)).collect()
    } else {
        array.iter().map(|value| value.map_or(missing, coded)).collect()
    };
    Some(Code { bits: bits(missing), values })
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

trait Word:
    Copy + Ord + From<u64> + Shl<u32, Output = Self> + Shr<u32, Output = Self> + BitOr<Output = Self>
{
    fn low(self) -> u64;
}

impl Word for u64 {
    fn low(self) -> u64 {
        self
    }
}

impl Word for u128 {
    fn low(self) -> u64 {
        self as u64
    }
}

fn by_words<W: Word>(codes: &[Code], rows: usize, index_bits: u32, key_at: Option<u32>) -> Order {
    let mut words: Vec<W> = codes[0].values.iter().map(|value| W::from(*value)).collect();
    for code in &codes[1..] {
        for (word, value) in words.iter_mut().zip(&code.values) {
            *word = (*word << code.bits) | W::from(*value);
        }
    }
    for (index, word) in words.iter_mut().enumerate() {
        *word = (*word << index_bits) | W::from(index as u64);
    }
    debug_assert_eq!(words.len(), rows);
    let in_order = words.is_sorted();
    if !in_order {
        words.sort_unstable();
    }
    let mask = (1u64 << index_bits) - 1;
    let index = |word: W| (word.low() & mask) as u32;
    let mut repeated = Vec::new();
    if let Some(key_at) = key_at {
        // Two words of equal keys lie beside each other, since the key's columns come first.
        let equal = |a: &W, b: &W| *a >> key_at == *b >> key_at;
        for run in words.chunk_by(equal).filter(|run| run.len() > 1) {
            add_repeated(run.iter().map(|word| index(*word)), &mut repeated);
        }
    }
    let indices = (!in_order).then(|| words.iter().map(|word| index(*word)).collect());
    Order { indices, repeated }
}

fn by_rows(columns: &[ArrayRef], rows: usize, key: usize) -> Result<Order, ArrowError> {
    let convert = |columns: &[ArrayRef]| {
        let fields = columns
            .iter()
            .map(|column| SortField::new_with_options(column.data_type().clone(), ASCENDING));
        RowConverter::new(fields.collect())?.convert_columns(columns)
    };
    let all = convert(columns)?;
    let row = |index: u32| all.row(index as usize);
    let mut indices: Vec<u32> = (0..rows as u32).collect();
    let in_order = indices.is_sorted_by(|a, b| row(*a) <= row(*b));
    if !in_order {
        indices.sort_unstable_by(|a, b| row(*a).cmp(&row(*b)).then(a.cmp(b)));
    }
    let mut repeated = Vec::new();
    if key > 0 {
        let keys = convert(&columns[..key])?;
        let equal = |a: &u32, b: &u32| keys.row(*a as usize) == keys.row(*b as usize);
        for run in indices.chunk_by(equal).filter(|run| run.len() > 1) {
            add_repeated(run.iter().copied(), &mut repeated);
        }
    }
    Ok(Order { indices: (!in_order).then_some(indices), repeated })
}

/// Where the key is followed by other columns, rows of one key need not lie as they came.
fn add_repeated(run: impl Iterator<Item = u32>, repeated: &mut Vec<(u32, u32)>) {
    let mut run: Vec<u32> = run.collect();
    run.sort_unstable();
    repeated.extend(run[1..].iter().map(|again| (run[0], *again)));
}

#[cfg(test)]
mod tests {
    use std::{cmp::Ordering, sync::Arc};

    use arrow::array::{
        BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    struct Row {
        text: Option<String>,
        time: Option<i64>,
        number: Option<f64>,
        whole: Option<i64>,
        flag: Option<bool>,
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (
            proptest::option::of("[a-cあ]{0,3}"),
            proptest::option::of(prop_oneof![
                (-50i64..50).prop_map(|hour| hour * 3_600_000_000),
                any::<i64>()
            ]),
            proptest::option::of(prop_oneof![any::<f64>(), Just(0.0), Just(-0.0), Just(f64::NAN)]),
            proptest::option::of(prop_oneof![-3i64..3, Just(i64::MIN), Just(i64::MAX)]),
            any::<Option<bool>>(),
        );
        let row = row.prop_map(|(text, time, number, whole, flag)| Row {
            text,
            time,
            number,
            whole,
            flag,
        });
        proptest::collection::vec(row, 1..60)
    }

    fn last<T>(a: &Option<T>, b: &Option<T>, by: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => by(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }

    fn compare(a: &Row, b: &Row, column: usize) -> Ordering {
        match column {
            0 => last(&a.text, &b.text, Ord::cmp),
            1 => last(&a.time, &b.time, Ord::cmp),
            2 => last(&a.number, &b.number, f64::total_cmp),
            3 => last(&a.whole, &b.whole, Ord::cmp),
            _ => last(&a.flag, &b.flag, Ord::cmp),
        }
    }

    fn array(rows: &[Row], column: usize) -> ArrayRef {
        match column {
            0 => Arc::new(rows.iter().map(|r| r.text.clone()).collect::<StringArray>()),
            1 => Arc::new(rows.iter().map(|r| r.time).collect::<TimestampMicrosecondArray>()),
            2 => Arc::new(rows.iter().map(|r| r.number).collect::<Float64Array>()),
            3 => Arc::new(rows.iter().map(|r| r.whole).collect::<Int64Array>()),
            _ => Arc::new(rows.iter().map(|r| r.flag).collect::<BooleanArray>()),
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_a_plain_sort(
            rows in rows(),
            columns in proptest::sample::subsequence(vec![0usize, 1, 2, 3, 4], 1..=5).prop_shuffle(),
            key in 0usize..=5,
        ) {
            let key = key.min(columns.len());
            let arrays: Vec<_> = columns.iter().map(|c| array(&rows, *c)).collect();
            let mut expected: Vec<u32> = (0..rows.len() as u32).collect();
            expected.sort_by(|a, b| {
                columns.iter().fold(Ordering::Equal, |order, column| {
                    order.then_with(|| compare(&rows[*a as usize], &rows[*b as usize], *column))
                })
            });
            let mut repeated = Vec::new();
            for again in 0..rows.len() {
                let equal = |first: &usize| key > 0 && columns[..key].iter().all(|column| {
                    compare(&rows[*first], &rows[again], *column) == Ordering::Equal
                });
                if let Some(first) = (0..again).find(equal) {
                    repeated.push((first as u32, again as u32));
                }
            }
            let packed = order(&arrays, rows.len(), key).unwrap();
            let compared = by_rows(&arrays, rows.len(), key).unwrap();
            for mut order in [packed, compared] {
                let indices = order.indices.clone().unwrap_or_else(|| (0..rows.len() as u32).collect());
                // A NaN may have several forms; arrow's rows and total_cmp agree on all of them.
                prop_assert_eq!(&indices, &expected);
                order.repeated.sort_by_key(|(_, again)| *again);
                prop_assert_eq!(&order.repeated, &repeated);
            }
        }
    }

    #[test]
    fn rows_in_order_are_left_where_they_are() {
        let array: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
        let found = order(&[array], 3, 1).unwrap();
        assert_eq!(found, Order { indices: None, repeated: vec![] });
    }
}

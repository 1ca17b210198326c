//! The keys and times of a batch, in a form that is quickly compared.

use std::{fmt, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt32Array},
    buffer::{NullBuffer, ScalarBuffer},
    compute::{SortOptions, cast, filter_record_batch, partition, take},
    datatypes::{DataType, Float64Type, Int64Type, Schema},
    row::{Row, RowConverter, Rows, SortField},
};
use datafusion::{
    common::{Result, internal_datafusion_err},
    physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr},
};

use super::{Direction, Kind};

/// How rows are ordered by keys and time where both sides are merged; as the lake's files are.
pub(super) const ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// What of one input is compared.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) keys: Vec<Arc<dyn PhysicalExpr>>,
    pub(super) time: Arc<dyn PhysicalExpr>,
}

/// What makes two rows a match.
#[derive(Debug, Clone)]
pub(super) struct Matching {
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) direction: Direction,
    pub(super) kind: Kind,
    pub(super) gap: Option<Gap>,
}

/// The greatest gap between the times of a match.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gap {
    /// In the unit of the times.
    Whole(u64),
    /// Between doubles.
    Double(f64),
}

impl Gap {
    /// Whether two times, as [`Compared`] has them, are no further apart.
    pub(super) fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Whole(gap) => left.abs_diff(right) <= gap,
            Self::Double(gap) => (unordered(left) - unordered(right)).abs() <= gap,
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(gap) => write!(f, "{gap}"),
            Self::Double(gap) => write!(f, "{gap}"),
        }
    }
}

/// A whole number in whose order doubles are; both zeros are one.
fn ordered(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ (bits >> 63).cast_unsigned().wrapping_shr(1).cast_signed()
}

fn unordered(bits: i64) -> f64 {
    f64::from_bits(
        (bits ^ (bits >> 63).cast_unsigned().wrapping_shr(1).cast_signed()).cast_unsigned(),
    )
}

impl Side {
    /// The order that merging needs of the input.
    pub(super) fn ordering(&self) -> Option<LexOrdering> {
        let parts = self.keys.iter().chain([&self.time]);
        LexOrdering::new(parts.map(|expr| PhysicalSortExpr::new(Arc::clone(expr), ORDER)))
    }

    pub(super) fn converter(&self, schema: &Schema) -> Result<Option<RowConverter>> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let fields = self.keys.iter().map(|key| {
            let data_type = key.data_type(schema)?;
            Ok(SortField::new_with_options(data_type, ORDER))
        });
        Ok(Some(RowConverter::new(fields.collect::<Result<_>>()?)?))
    }

    pub(super) fn compared(
        &self,
        batch: &RecordBatch,
        converter: Option<&RowConverter>,
    ) -> Result<Compared> {
        let rows = batch.num_rows();
        let column = |expr: &Arc<dyn PhysicalExpr>| -> Result<ArrayRef> {
            expr.evaluate(batch)?.into_array(rows)
        };
        let (times, no_time) = whole_times(&column(&self.time)?)?;
        let Some(converter) = converter else {
            let runs = if rows == 0 { Vec::new() } else { std::iter::once(0..rows).collect() };
            return Ok(Compared { runs, keys: None, no_key: None, times, no_time });
        };
        let keys = self.keys.iter().map(column).collect::<Result<Vec<_>>>()?;
        let runs = partition(&keys)?.ranges();
        let firsts = runs.iter().map(|run| u32::try_from(run.start));
        let firsts = UInt32Array::from(
            firsts.collect::<Result<Vec<_>, _>>().map_err(|e| internal_datafusion_err!("{e}"))?,
        );
        let keys: Vec<ArrayRef> =
            keys.iter().map(|key| take(key, &firsts, None)).collect::<Result<_, _>>()?;
        let nulls = keys.iter().fold(None, |nulls: Option<NullBuffer>, key| {
            NullBuffer::union(nulls.as_ref(), key.logical_nulls().as_ref())
        });
        let no_key = nulls.filter(|nulls| nulls.null_count() > 0);
        Ok(Compared { runs, keys: Some(converter.convert_columns(&keys)?), no_key, times, no_time })
    }

    /// Leaves out rows without a time or without a key; they are nobody's match.
    pub(super) fn matchable(
        &self,
        batch: RecordBatch,
        converter: Option<&RowConverter>,
    ) -> Result<(RecordBatch, Compared)> {
        let compared = self.compared(&batch, converter)?;
        if compared.no_key.is_none() && compared.no_time.is_none() {
            return Ok((batch, compared));
        }
        let keep: BooleanArray = (0..compared.runs.len())
            .flat_map(|run| {
                let key = compared.has_key(run);
                let compared = &compared;
                compared.runs[run].clone().map(move |row| Some(key && compared.time(row).is_some()))
            })
            .collect();
        let batch = filter_record_batch(&batch, &keep)?;
        let compared = self.compared(&batch, converter)?;
        Ok((batch, compared))
    }
}

/// The rows of a batch as runs of one key each, and their times.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) runs: Vec<Range<usize>>,
    keys: Option<Rows>,
    no_key: Option<NullBuffer>,
    pub(super) times: ScalarBuffer<i64>,
    no_time: Option<NullBuffer>,
}

impl Compared {
    /// The key of a run; none where rows are matched without keys.
    pub(super) fn key(&self, run: usize) -> Option<Row<'_>> {
        self.keys.as_ref().map(|keys| keys.row(run))
    }

    pub(super) fn has_key(&self, run: usize) -> bool {
        self.no_key.as_ref().is_none_or(|nulls| nulls.is_valid(run))
    }

    /// Bytes of what is kept here.
    pub(super) fn size(&self) -> usize {
        self.keys.as_ref().map_or(0, Rows::size)
            + self.times.inner().capacity()
            + self.runs.capacity() * size_of::<Range<usize>>()
    }

    /// Lets go of everything once it is not compared any more.
    pub(super) fn forget(&mut self) {
        *self = Self {
            runs: Vec::new(),
            keys: None,
            no_key: None,
            times: ScalarBuffer::default(),
            no_time: None,
        };
    }

    pub(super) fn time(&self, row: usize) -> Option<i64> {
        self.no_time.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then(|| self.times[row])
    }
}

/// Times as whole numbers of their own unit, and doubles as whole numbers in their order.
fn whole_times(times: &ArrayRef) -> Result<(ScalarBuffer<i64>, Option<NullBuffer>)> {
    let whole: Int64Array = if times.data_type().is_floating() {
        let doubles = cast(times, &DataType::Float64)?;
        let doubles = doubles.as_primitive::<Float64Type>();
        // What is no number is at no time.
        doubles.iter().map(|v| v.filter(|v| !v.is_nan()).map(ordered)).collect()
    } else {
        cast(times, &DataType::Int64)?.as_primitive::<Int64Type>().clone()
    };
    let nulls = whole.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
    Ok((whole.values().clone(), nulls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_keep_their_order_as_whole_numbers() {
        let values = [
            f64::NEG_INFINITY,
            -2.5,
            -f64::MIN_POSITIVE,
            0.0,
            f64::MIN_POSITIVE,
            2.5,
            f64::INFINITY,
        ];
        assert!(values.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        assert!(values.iter().all(|value| unordered(ordered(*value)) == *value));
        assert_eq!(ordered(-0.0), ordered(0.0));
    }
}

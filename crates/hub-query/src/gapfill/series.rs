//! One series while it passes: rows that wait for what comes after them, and what gaps are filled from.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Date32Array, Float64Array, Float64Builder, RecordBatch,
        TimestampMicrosecondArray, UInt32Array, new_null_array,
    },
    compute::{concat, concat_batches, take},
    datatypes::{DataType, Date32Type, Float64Type, SchemaRef, TimestampMicrosecondType},
};
use datafusion::common::{Result, internal_err};

use super::{Fill, exec::Pattern};

const DAY_US: i64 = 86_400_000_000;

/// Rows of one batch that is handed out.
const BATCH_ROWS: usize = 8_192;

/// A series under way. Its rows come in the order of their buckets, one a bucket.
pub(super) struct Series {
    pattern: Arc<Pattern>,
    /// The row that the keys of made rows are taken from; none where there are no keys and no rows.
    example: Option<RecordBatch>,
    /// Rows that were not handed out yet.
    held: Vec<RecordBatch>,
    /// Rows whose bucket is missing; they come last and are passed on as they are.
    unplaced: Option<RecordBatch>,
    /// How many of the held rows have all that their gaps need.
    ready: usize,
    /// The bucket that is handed out next; none before the first.
    next: Option<i64>,
    /// Of each filled column the last value that was passed, with its bucket.
    passed: Vec<Option<(ArrayRef, i64)>>,
    ended: bool,
}

/// Where the rows of a batch come from: a held row or none, and their buckets.
#[derive(Default)]
struct Slots {
    rows: Vec<Option<u32>>,
    buckets: Vec<i64>,
}

impl Slots {
    fn push(&mut self, row: Option<u32>, bucket: i64) {
        self.rows.push(row);
        self.buckets.push(bucket);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS
    }
}

/// What was handed out.
pub(super) struct Handed {
    pub(super) batch: RecordBatch,
    /// How many of its rows were made.
    pub(super) made: u64,
}

impl Series {
    pub(super) fn new(pattern: Arc<Pattern>) -> Self {
        let passed = vec![None; pattern.filled.len()];
        Self {
            pattern,
            example: None,
            held: Vec::new(),
            unplaced: None,
            ready: 0,
            next: None,
            passed,
            ended: false,
        }
    }

    /// Bytes that its waiting rows take.
    pub(super) fn size(&self) -> usize {
        self.held.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// More rows of the series.
    pub(super) fn add(&mut self, rows: RecordBatch) -> Result<()> {
        if self.example.is_none() {
            let first = UInt32Array::from(vec![0]);
            let columns = rows.columns().iter().map(|column| take(column, &first, None));
            let columns = columns.collect::<Result<_, _>>()?;
            self.example = Some(RecordBatch::try_new(rows.schema(), columns)?);
        }
        let placed = rows.num_rows() - rows.column(self.pattern.bucket).null_count();
        if placed < rows.num_rows() {
            self.unplaced = Some(rows.slice(placed, rows.num_rows() - placed));
        }
        if placed == 0 {
            return Ok(());
        }
        let rows = rows.slice(0, placed);
        let before: usize = self.held.iter().map(RecordBatch::num_rows).sum();
        // A row is complete once every interpolated column has a value at it or after it.
        let mut ready = before + placed;
        for (column, fill, _) in &self.pattern.filled {
            if *fill == Fill::Interpolated {
                let values = rows.column(*column);
                let last = (0..placed).rev().find(|row| values.is_valid(*row));
                ready = ready.min(last.map_or(0, |last| before + last + 1));
            }
        }
        self.ready = self.ready.max(ready);
        self.held.push(rows);
        Ok(())
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Tells that no more rows of the series come.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.ready = self.held.iter().map(RecordBatch::num_rows).sum();
    }

    /// The next rows that can be handed out; none where there are none, or none yet.
    pub(super) fn hand_out(&mut self, schema: &SchemaRef) -> Result<Option<Handed>> {
        if self.ready == 0 && !self.ended {
            return Ok(None);
        }
        if self.held.len() > 1 {
            self.held = vec![concat_batches(&self.held[0].schema(), &self.held)?];
        }
        let held = self.held.first().cloned();
        let places =
            held.as_ref().map(|held| micros(held.column(self.pattern.bucket))).transpose()?;
        let places = places.unwrap_or_default();
        let (slots, row) = self.slots(&places)?;
        if slots.rows.is_empty() {
            let Some(unplaced) = self.unplaced.take().filter(|_| self.ended) else {
                return Ok(None);
            };
            let batch = RecordBatch::try_new(Arc::clone(schema), unplaced.columns().to_vec())?;
            return Ok(Some(Handed { batch, made: 0 }));
        }
        let columns = schema.fields().iter().enumerate().map(|(place, field)| {
            let values = match &held {
                Some(held) => Arc::clone(held.column(place)),
                None => new_null_array(field.data_type(), 0),
            };
            if place == self.pattern.bucket {
                return bucket_array(&slots.buckets, field.data_type());
            }
            if self.pattern.keys.contains(&place) {
                let Some(example) = &self.example else {
                    return internal_err!("keys without rows");
                };
                let all = UInt32Array::from(vec![0; slots.rows.len()]);
                return Ok(take(example.column(place), &all, None)?);
            }
            let filled = self.pattern.filled.iter().position(|(column, ..)| *column == place);
            match filled.map(|at| (self.pattern.filled[at], &mut self.passed[at])) {
                None => Ok(take(&values, &UInt32Array::from(slots.rows.clone()), None)?),
                Some(((_, Fill::Carried, gap), passed)) => {
                    carried(&slots, &values, &places, gap, passed)
                }
                Some(((_, Fill::Interpolated, gap), passed)) => {
                    interpolated(&slots, &values, &places, row, gap, passed)
                }
            }
        });
        let batch = RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?)?;
        let made = slots.rows.iter().filter(|row| row.is_none()).count() as u64;
        self.held = held.into_iter().map(|held| held.slice(row, held.num_rows() - row)).collect();
        self.ready -= row;
        Ok(Some(Handed { batch, made }))
    }

    /// The rows of the next batch, and how many held rows are among them.
    fn slots(&mut self, places: &[i64]) -> Result<(Slots, usize)> {
        let buckets = self.pattern.buckets;
        let range = self.pattern.range;
        let mut slots = Slots::default();
        let mut row = 0;
        while !slots.is_full() {
            let bucket = places.get(row).filter(|_| row < self.ready).copied();
            let first = range.map(|(first, _)| first);
            let next = match (self.next, bucket) {
                (Some(next), _) => next,
                (None, Some(bucket)) => first.map_or(bucket, |first| first.min(bucket)),
                (None, None) if self.ended && self.unplaced.is_none() => match first {
                    Some(first) => first,
                    None => break,
                },
                (None, None) => break,
            };
            let end = match (bucket, range) {
                (Some(bucket), _) => bucket,
                (None, Some((_, last))) if self.ended && next <= last => i64::MAX,
                (None, _) => break,
            };
            let current = if next < end {
                slots.push(None, next);
                next
            } else {
                slots.push(u32::try_from(row).ok(), end);
                row += 1;
                end
            };
            let Some((_, following)) = buckets.around(current) else {
                return internal_err!("a bucket is beyond all calendars");
            };
            self.next = Some(following);
        }
        Ok((slots, row))
    }
}

/// Times or days in microseconds.
fn micros(times: &ArrayRef) -> Result<Vec<i64>> {
    Ok(match times.data_type() {
        DataType::Date32 => {
            let days = times.as_primitive::<Date32Type>().values();
            days.iter().map(|day| i64::from(*day) * DAY_US).collect()
        }
        DataType::Timestamp(..) => {
            times.as_primitive::<TimestampMicrosecondType>().values().to_vec()
        }
        other => return internal_err!("{other} is no time"),
    })
}

fn bucket_array(buckets: &[i64], data_type: &DataType) -> Result<ArrayRef> {
    Ok(match data_type {
        DataType::Date32 => {
            let days = buckets.iter().map(|time| i32::try_from(time.div_euclid(DAY_US)).ok());
            Arc::new(days.collect::<Date32Array>())
        }
        _ => {
            let times = TimestampMicrosecondArray::from(buckets.to_vec());
            Arc::new(times.with_data_type(data_type.clone()))
        }
    })
}

/// Values, and the last one before where there is none. What was passed at last is kept for the next batch.
fn carried(
    slots: &Slots,
    values: &ArrayRef,
    places: &[i64],
    max_gap: Option<i64>,
    passed: &mut Option<(ArrayRef, i64)>,
) -> Result<ArrayRef> {
    let before = match passed {
        Some((value, _)) => Arc::clone(value),
        None => new_null_array(values.data_type(), 1),
    };
    let all = concat(&[before.as_ref(), values.as_ref()])?;
    let mut last: Option<(u32, i64)> = passed.as_ref().map(|(_, bucket)| (0, *bucket));
    let picked = slots.rows.iter().zip(&slots.buckets).map(|(row, bucket)| {
        if let Some(row) = row.filter(|row| values.is_valid(*row as usize)) {
            last = Some((row + 1, places[row as usize]));
        }
        last.filter(|(_, since)| max_gap.is_none_or(|gap| bucket - since <= gap)).map(|(at, _)| at)
    });
    let picked: UInt32Array = picked.collect();
    let filled = take(&all, &picked, None)?;
    if let Some((at, bucket)) = last.filter(|(at, _)| *at > 0) {
        *passed = Some((take(&all, &UInt32Array::from(vec![at]), None)?, bucket));
    }
    Ok(filled)
}

/// Values, and those on the line between their neighbours where there is none. `row` held rows are among
/// the slots; the neighbour after the last of them may be among those that still wait.
fn interpolated(
    slots: &Slots,
    values: &ArrayRef,
    places: &[i64],
    row: usize,
    max_gap: Option<i64>,
    passed: &mut Option<(ArrayRef, i64)>,
) -> Result<ArrayRef> {
    let values = values.as_primitive::<Float64Type>();
    let mut before = passed
        .as_ref()
        .map(|(value, bucket)| (value.as_primitive::<Float64Type>().value(0), *bucket));
    let mut ahead = 0;
    let mut filled = Float64Builder::with_capacity(slots.rows.len());
    for (slot, bucket) in slots.rows.iter().zip(&slots.buckets) {
        if let Some(here) = slot.map(|slot| slot as usize).filter(|here| values.is_valid(*here)) {
            before = Some((values.value(here), *bucket));
            filled.append_value(values.value(here));
            continue;
        }
        while ahead < values.len() && (places[ahead] <= *bucket || values.is_null(ahead)) {
            ahead += 1;
        }
        let line = before.zip((ahead < values.len()).then(|| (values.value(ahead), places[ahead])));
        let line = line.filter(|((_, from), (_, to))| max_gap.is_none_or(|gap| to - from <= gap));
        filled.append_option(line.map(|((left, from), (right, to))| {
            let share = (bucket - from) as f64 / (to - from) as f64;
            left + (right - left) * share
        }));
    }
    let last = (0..row).rev().find(|row| values.is_valid(*row));
    if let Some(last) = last {
        *passed = Some((Arc::new(Float64Array::from(vec![values.value(last)])), places[last]));
    }
    Ok(Arc::new(filled.finish()))
}

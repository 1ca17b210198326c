//! The rows of one file, taken in as they are written, and what they come to at each level. Rows come in
//! the file's order, so that what is kept of those that passed is one row a series and stretch.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch,
        TimestampMicrosecondArray, UInt32Array, new_empty_array,
    },
    compute::{concat, take},
    datatypes::{Date32Type, Int32Type, TimestampMicrosecondType},
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::{
    BUCKET, EDGE, FIRST_TIME, LAST_TIME, LEAST_GAIN, Lacking, ROWS, RollupLevel, RollupSpec,
    group::{self, Group, Last, Stretch},
    values::{Judged, Values},
};

/// How many groups are kept before a level that gains little is given up.
const HOPELESS_GROUPS: usize = 65_536;

/// Takes in a file's rows.
pub(crate) struct Roller {
    spec: Arc<RollupSpec>,
    series_fields: Vec<Field>,
    levels: Vec<Level>,
    last: Option<Last>,
    rows: u64,
    /// What companions do not speak of, of each column.
    lacking: Vec<Lacking>,
}

struct Level {
    level: RollupLevel,
    /// The series of the groups, as they came in.
    series: Vec<Vec<ArrayRef>>,
    stretches: Vec<Stretch>,
    rows: Vec<i64>,
    first_time: Vec<Option<i64>>,
    last_time: Vec<Option<i64>>,
    values: Vec<Values>,
}

impl Roller {
    /// For files of this schema. None where it lacks a column that tells series or time.
    pub(crate) fn new(spec: &Arc<RollupSpec>, schema: &SchemaRef) -> Option<Self> {
        let field = |name: &String| schema.field_with_name(name).ok().cloned();
        let series_fields = spec.series.iter().map(field).collect::<Option<Vec<Field>>>()?;
        field(&spec.time)?;
        let levels = spec.levels.iter().map(|level| {
            let values = spec.values.iter().map(|column| {
                Values::new(column, field(&column.name).as_ref().map(Field::data_type))
            });
            Level {
                level: *level,
                series: vec![Vec::new(); series_fields.len()],
                stretches: Vec::new(),
                rows: Vec::new(),
                first_time: Vec::new(),
                last_time: Vec::new(),
                values: values.collect(),
            }
        });
        let levels = levels.collect();
        let lacking = vec![Lacking::default(); spec.values.len()];
        Some(Self { spec: Arc::clone(spec), series_fields, levels, last: None, rows: 0, lacking })
    }

    /// Takes in rows that come after all before.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let rows = batch.num_rows();
        if rows == 0 || self.levels.is_empty() {
            return Ok(());
        }
        let column = |name: &String| batch.column_by_name(name).cloned();
        let Some(columns) = self.spec.series.iter().map(column).collect::<Option<Vec<_>>>() else {
            self.levels.clear();
            return Ok(());
        };
        let times = column(&self.spec.time);
        let Some(times) = times.as_ref().and_then(Times::of) else {
            self.levels.clear();
            return Ok(());
        };
        let time = |row: usize| times.at(row);
        let (series, continues) = group::series(&columns, rows, self.last.as_ref())?;
        self.rows += rows as u64;
        let fits = |level: &Level| {
            level.level.width_us().is_none()
                || (0..rows)
                    .filter_map(time)
                    .all(|at| at >= level.level.first_us() && level.level.start_us(at).is_some())
        };
        self.levels.retain(fits);
        let judged = self.spec.values.iter().map(|column| Judged::of(column, batch));
        let judged = judged.collect::<Result<Vec<_>, _>>()?;
        for (all, judged) in self.lacking.iter_mut().zip(&judged) {
            all.left_out += judged.lacking.left_out;
            all.not_due += judged.lacking.not_due;
        }
        let mut groups = Vec::new();
        for level in &mut self.levels {
            let before = level.stretches.last().copied().filter(|_| continues);
            group::stretches(level.level, self.spec.edges, &series, before, time, &mut groups);
            level.add(&judged, &columns, &groups, &time)?;
        }
        let seen = self.rows;
        self.levels.retain(|level| {
            level.stretches.len() < HOPELESS_GROUPS || (level.stretches.len() as u64) < seen / 2
        });
        self.last = Some(Last::of(&columns, rows));
        Ok(())
    }

    /// What companions do not speak of, of each column.
    pub(crate) fn lacking(&self) -> Vec<Lacking> {
        self.lacking.clone()
    }

    /// The rows of the companions that are worth having.
    pub(crate) fn finish(self) -> Result<Vec<(RollupLevel, RecordBatch)>, ArrowError> {
        let mut found = Vec::new();
        for level in self.levels {
            if level.stretches.is_empty() || level.stretches.len() as u64 * LEAST_GAIN > self.rows {
                continue;
            }
            let name = level.level;
            if let Some(batch) = level.finish(&self.spec, &self.series_fields)? {
                found.push((name, batch));
            }
        }
        Ok(found)
    }
}

impl Level {
    fn add(
        &mut self,
        judged: &[Judged],
        columns: &[ArrayRef],
        groups: &[Group],
        time: &dyn Fn(usize) -> Option<i64>,
    ) -> Result<(), ArrowError> {
        let mut begun = Vec::new();
        let mut numbered: Vec<(usize, Range<usize>)> = Vec::with_capacity(groups.len());
        for group in groups {
            if !group.continues {
                begun.push(group.rows.start as u32);
                self.stretches.push(group.stretch);
                self.rows.push(0);
                self.first_time.push(None);
                self.last_time.push(None);
            }
            let number = self.stretches.len() - 1;
            self.rows[number] += group.rows.len() as i64;
            let mut known = group.rows.clone().filter_map(time);
            // Times are in their order, missing ones last.
            if let Some(first) = known.next() {
                let last = group.rows.clone().rev().find_map(time).unwrap_or(first);
                let least = first.min(last);
                let before = self.first_time[number];
                self.first_time[number] = Some(before.map_or(least, |known| known.min(least)));
                let greatest = first.max(last);
                let before = self.last_time[number];
                self.last_time[number] = Some(before.map_or(greatest, |known| known.max(greatest)));
            }
            numbered.push((number, group.rows.clone()));
        }
        let begun = UInt32Array::from(begun);
        for (pieces, column) in self.series.iter_mut().zip(columns) {
            pieces.push(take(column, &begun, None)?);
        }
        for (values, judged) in self.values.iter_mut().zip(judged) {
            values.add(judged, &numbered, time);
        }
        Ok(())
    }

    fn finish(
        self,
        spec: &RollupSpec,
        series_fields: &[Field],
    ) -> Result<Option<RecordBatch>, ArrowError> {
        let mut columns: Vec<(Field, ArrayRef)> = Vec::new();
        for (field, pieces) in series_fields.iter().zip(&self.series) {
            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            let whole = match pieces.as_slice() {
                [] => new_empty_array(field.data_type()),
                several => concat(several)?,
            };
            columns.push((field.clone(), whole));
        }
        let mut put = |name: &str, column: ArrayRef, nullable: bool| {
            columns.push((Field::new(name, column.data_type().clone(), nullable), column));
        };
        if self.level.width_us().is_some() {
            let buckets: Vec<Option<i64>> = self.stretches.iter().map(|s| s.bucket).collect();
            put(BUCKET, time_array(&buckets, &spec.time_type), true);
            if spec.edges {
                let edges: BooleanArray = self.stretches.iter().map(|s| Some(s.edge)).collect();
                put(EDGE, Arc::new(edges), false);
            }
        }
        put(ROWS, Arc::new(Int64Array::from(self.rows)), false);
        put(FIRST_TIME, time_array(&self.first_time, &spec.time_type), true);
        put(LAST_TIME, time_array(&self.last_time, &spec.time_type), true);
        for values in self.values {
            let Some(more) = values.finish(&spec.time_type) else { return Ok(None) };
            columns.extend(more);
        }
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map(Some)
    }
}

/// A time column's values as numbers in the column's own unit.
enum Times<'a> {
    Instants(&'a TimestampMicrosecondArray),
    Days(&'a Date32Array),
    Years(&'a Int32Array),
}

impl<'a> Times<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        Some(match column.data_type() {
            DataType::Timestamp(..) => {
                Self::Instants(column.as_primitive_opt::<TimestampMicrosecondType>()?)
            }
            DataType::Date32 => Self::Days(column.as_primitive_opt::<Date32Type>()?),
            DataType::Int32 => Self::Years(column.as_primitive_opt::<Int32Type>()?),
            _ => return None,
        })
    }

    fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Instants(values) => values.is_valid(row).then(|| values.value(row)),
            Self::Days(values) => values.is_valid(row).then(|| i64::from(values.value(row))),
            Self::Years(values) => values.is_valid(row).then(|| i64::from(values.value(row))),
        }
    }
}

/// Numbers as a column of times; what is out of the type's range, as what stands for no time, is missing.
pub(crate) fn time_array(values: &[Option<i64>], data_type: &DataType) -> ArrayRef {
    let narrow = || values.iter().map(|v| v.and_then(|v| i32::try_from(v).ok()));
    match data_type {
        DataType::Date32 => Arc::new(narrow().collect::<Date32Array>()),
        DataType::Int32 => Arc::new(narrow().collect::<Int32Array>()),
        other => {
            let zone = match other {
                DataType::Timestamp(_, Some(zone)) => Some(Arc::clone(zone)),
                _ => None,
            };
            let known = values.iter().map(|v| v.filter(|v| *v != i64::MAX));
            Arc::new(known.collect::<TimestampMicrosecondArray>().with_timezone_opt(zone))
        }
    }
}

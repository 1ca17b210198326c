//! A snapshot's companions of one level as a table of their own, made when a query first asks for it.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use hub_lake::{
    BUCKET, Bound, ColumnStatistics, DataFile, EDGE, FIRST_TIME, LAST_TIME, ROWS, RollupLevel,
    RollupValue, Snapshot,
};
use hub_model::{Contract, FieldRole, FieldType, ZONE_NAME};

use crate::table::Prepared;

/// The companions of one level.
#[derive(Debug)]
pub(crate) struct RollupSet {
    /// They as files of a scan.
    pub(crate) prepared: Arc<Prepared>,
    /// For each file of the snapshot, the place of its companion in the set.
    pub(crate) places: Vec<Option<usize>>,
}

impl RollupSet {
    /// The companion of the snapshot's file at this place.
    pub(crate) fn kept(&self, place: usize) -> Option<&DataFile> {
        self.prepared.snapshot.files.get(self.places[place]?)
    }
}

/// The companions of a snapshot, by level.
#[derive(Debug, Default)]
pub(crate) struct RollupSets {
    sets: [OnceLock<Option<Arc<RollupSet>>>; RollupLevel::ALL.len()],
}

impl RollupSets {
    /// The companions of this level that speak of the contract's series and time; none where there are none.
    pub(crate) fn of(&self, level: RollupLevel, prepared: &Prepared) -> Option<Arc<RollupSet>> {
        let place = RollupLevel::ALL.iter().position(|known| *known == level)?;
        self.sets[place].get_or_init(|| set(level, prepared).map(Arc::new)).clone()
    }
}

fn set(level: RollupLevel, prepared: &Prepared) -> Option<RollupSet> {
    let contract = &prepared.contract;
    let series: Vec<String> =
        contract.series_fields().map(|field| field.storage_name().to_owned()).collect();
    let time = contract.time_field()?.storage_name();
    let mut files = Vec::new();
    let places = prepared.snapshot.files.iter().map(|file| {
        let rollups = file.rollups.as_ref()?;
        let rollup = rollups.file(level)?;
        if rollups.series != series || rollups.time != time {
            return None;
        }
        let mut columns: HashMap<String, ColumnStatistics> = series
            .iter()
            .filter_map(|name| Some((name.clone(), file.columns.get(name)?.clone())))
            // How many rows lack a value is another number here.
            .map(|(name, known)| {
                (name, ColumnStatistics { nulls: known.nulls.filter(|n| *n == 0), ..known })
            })
            .collect();
        if let Some(bucket) = file.columns.get(time).and_then(|time| bucket(level, time)) {
            columns.insert(BUCKET.to_owned(), bucket);
        }
        files.push(DataFile {
            path: rollup.path.clone(),
            bytes: rollup.bytes,
            rows: rollup.rows,
            written_at_ms: file.written_at_ms,
            columns,
            rollups: None,
        });
        Some(files.len() - 1)
    });
    let places: Vec<Option<usize>> = places.collect();
    if files.is_empty() {
        return None;
    }
    let schema = schema(level, contract, &prepared.scan_schema)?;
    let mut sort_columns = series.clone();
    sort_columns.extend(level.width_us().map(|_| BUCKET.to_owned()));
    let snapshot = Snapshot {
        schema: Arc::clone(&schema),
        sort_columns: sort_columns.into(),
        files: files.into(),
        ..prepared.snapshot.clone()
    };
    let prepared = Arc::new(Prepared::of(Arc::clone(contract), snapshot, schema));
    Some(RollupSet { prepared, places })
}

/// The least and the greatest stretch of a file.
fn bucket(level: RollupLevel, time: &ColumnStatistics) -> Option<ColumnStatistics> {
    let start = |bound: &Option<Bound>, slack: i64| match bound {
        Some(Bound::Instant(at)) => level
            .start_us(at.saturating_add(if time.exact { 0 } else { slack }))
            .map(Bound::Instant),
        _ => None,
    };
    // The log rounds instants outwards, by less than this.
    const SLACK_US: i64 = 2_000;
    Some(ColumnStatistics {
        minimum: Some(start(&time.minimum, -SLACK_US)?),
        maximum: Some(start(&time.maximum, SLACK_US)?),
        exact: time.exact,
        nulls: time.nulls.filter(|nulls| *nulls == 0),
    })
}

/// The columns of companions. Those of values may be missing: of columns that were added since, and where
/// there was no value.
fn schema(level: RollupLevel, contract: &Contract, scan_schema: &Schema) -> Option<SchemaRef> {
    let mut fields: Vec<Field> = Vec::new();
    for field in contract.series_fields() {
        fields.push(scan_schema.field_with_name(field.storage_name()).ok()?.clone());
    }
    let time = contract.time_field()?;
    let stored = scan_schema.field_with_name(time.storage_name()).ok()?;
    let time_type = stored.data_type().clone();
    if level.width_us().is_some() {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE_NAME.into()));
        fields.push(Field::new(BUCKET, instant, stored.is_nullable()));
    }
    fields.push(Field::new(EDGE, DataType::Boolean, true));
    fields.push(Field::new(ROWS, DataType::Int64, false));
    fields.push(Field::new(FIRST_TIME, time_type.clone(), true));
    fields.push(Field::new(LAST_TIME, time_type, true));
    for value in contract.fields.iter().filter(|field| field.role == FieldRole::Value) {
        let name = value.storage_name();
        let mut put = |what: RollupValue, data_type: &DataType| {
            fields.push(Field::new(what.column(name), data_type.clone(), true));
        };
        put(RollupValue::Count, &DataType::Int64);
        put(RollupValue::Good, &DataType::Int64);
        let own = match value.field_type {
            FieldType::Number => DataType::Float64,
            FieldType::Integer => DataType::Int64,
            _ => continue,
        };
        put(RollupValue::Sum, &own);
        put(RollupValue::Min, &own);
        put(RollupValue::Max, &own);
    }
    Some(Arc::new(Schema::new(fields)))
}

//! A contract as Arrow schemas: the one its files are stored with, and the one its readers see.

use std::{collections::HashMap, sync::Arc};

use arrow_schema::{DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};

use super::{Contract, Field, FieldType};
use crate::ZONE_NAME;

/// The zone that stored instants carry; the log format knows no other.
const STORED_ZONE: &str = "UTC";

/// One stored column and the field it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StorageColumn<'a> {
    /// The column's name in stored files.
    pub name: &'a str,
    /// The contract's field.
    pub field: &'a Field,
}

impl Contract {
    /// The schema of stored files: storage names, instants in UTC microseconds.
    pub fn storage_schema(&self) -> SchemaRef {
        let fields = self.fields.iter().map(|field| {
            ArrowField::new(
                field.storage_name(),
                arrow_type(field.field_type, STORED_ZONE),
                !self.is_required(field),
            )
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The schema readers see: contract names, instants in Japanese time, and what the contract says of
    /// each column as Arrow field metadata (`role`, `unit`, `title`, `description`, `interval`, `label`,
    /// `quality_of`, `code`, `alias`).
    pub fn reader_schema(&self) -> SchemaRef {
        let fields = self.fields.iter().map(|field| {
            ArrowField::new(
                &field.name,
                arrow_type(field.field_type, ZONE_NAME),
                !self.is_required(field),
            )
            .with_metadata(metadata(field))
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The stored columns by which files are sorted: those of the series, then time. Readers rely on it.
    pub fn sort_columns(&self) -> Vec<StorageColumn<'_>> {
        self.series_fields()
            .chain(self.time_field())
            .map(|field| StorageColumn { name: field.storage_name(), field })
            .collect()
    }
}

fn arrow_type(field_type: FieldType, zone: &str) -> DataType {
    match field_type {
        FieldType::String => DataType::Utf8,
        FieldType::Integer => DataType::Int64,
        FieldType::Number => DataType::Float64,
        FieldType::Boolean => DataType::Boolean,
        FieldType::Date | FieldType::Yearmonth => DataType::Date32,
        FieldType::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into())),
        FieldType::Year => DataType::Int32,
    }
}

fn metadata(field: &Field) -> HashMap<String, String> {
    let mut metadata = HashMap::from([("role".to_owned(), field.role.as_str().to_owned())]);
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            metadata.insert(key.to_owned(), value);
        }
    };
    put("unit", field.unit.as_ref().map(|unit| unit.as_str().to_owned()));
    put("title", field.title.clone());
    put("description", field.description.clone());
    put("interval", field.interval.map(|interval| interval.to_string()));
    put(
        "label",
        field.label.map(|label| match label {
            super::Label::Start => "start".to_owned(),
            super::Label::End => "end".to_owned(),
        }),
    );
    put("quality_of", field.quality_of.clone());
    put("code", field.code.map(|code| code.as_str().to_owned()));
    put("alias", field.alias.clone());
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_stored_in_utc_under_safe_names_and_read_in_japanese_time() {
        let contract = Contract::parse(
            r#"{"fields":[{"name":"観測所","type":"string","role":"key","alias":"station"},
                {"name":"時刻","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
                {"name":"level","type":"number","unit":"m"}],
                "primaryKey":["時刻","観測所"]}"#
                .as_bytes(),
        )
        .unwrap();
        let stored = contract.storage_schema();
        assert_eq!(
            stored.field(1).data_type(),
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        );
        assert!(!stored.field(0).is_nullable());
        let read = contract.reader_schema();
        assert_eq!(read.field(0).name(), "観測所");
        assert_eq!(read.field(2).metadata()["unit"], "m");
        let sort: Vec<_> = contract.sort_columns().iter().map(|c| c.name.to_owned()).collect();
        assert_eq!(sort, ["station", "time"]);
    }
}

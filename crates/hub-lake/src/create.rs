//! Making a dataset's table, and letting its contract grow.

use std::collections::HashMap;

use arrow_schema::{DataType as ArrowType, Schema};
use deltalake_core::{
    kernel::{Action, DataType, MetadataExt, Protocol, StructField, StructType, new_metadata},
    protocol::{DeltaOperation, SaveMode},
};
use hub_model::{Contract, DatasetId};
use serde_json::json;

use crate::{
    Lake, LakeError,
    commit::Backoff,
    log::{Attempt, CONTRACT_PROPERTY, NewEntry, Table, TableState},
};

/// Versions can be cited, so neither log nor files expire by themselves; vacuum alone decides.
const PROPERTIES: [(&str, &str); 5] = [
    ("delta.logRetentionDuration", "interval 36500 days"),
    ("delta.deletedFileRetentionDuration", "interval 36500 days"),
    ("delta.enableExpiredLogCleanup", "false"),
    ("delta.checkpointInterval", "20"),
    ("delta.dataSkippingNumIndexedCols", "-1"),
];

impl Lake {
    /// Makes the dataset's table, empty. It is no error if it is there with the same columns.
    pub async fn create(&self, dataset: &DatasetId, contract: &Contract) -> Result<(), LakeError> {
        let table = self.table(dataset)?;
        let _writing = table.writing.lock().await;
        let schema = log_schema(dataset, &contract.storage_schema())?;
        let properties = PROPERTIES
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .chain([(CONTRACT_PROPERTY.to_owned(), contract_json(dataset, contract)?)]);
        let metadata = new_metadata(&schema, Vec::<String>::new(), properties)
            .map_err(|e| LakeError::log(dataset)(e.into()))?;
        let protocol: Protocol =
            serde_json::from_value(json!({"minReaderVersion": 1, "minWriterVersion": 2}))
                .map_err(|e| LakeError::corrupt(dataset, e.to_string()))?;
        let entry = NewEntry {
            actions: vec![Action::Protocol(protocol.clone()), Action::Metadata(metadata.clone())],
            operation: DeltaOperation::Create {
                mode: SaveMode::ErrorIfExists,
                location: table.url().clone(),
                protocol,
                metadata,
            },
            metadata: HashMap::new(),
            transactions: Vec::new(),
        };
        match table.add_entry(0, entry).await? {
            Attempt::Added => Ok(()),
            Attempt::Taken => {
                let there = table.latest().await?;
                if there.contract.storage_schema() == contract.storage_schema() {
                    Ok(())
                } else {
                    Err(LakeError::incompatible(
                        dataset,
                        "it exists with other columns; change its contract, or choose another id",
                    ))
                }
            }
        }
    }

    /// Lets the stored table take on a grown contract: more columns that may be empty, or more said
    /// of those it has. It makes no new version. Call it before staging rows of the new contract.
    pub async fn change_contract(
        &self,
        dataset: &DatasetId,
        contract: &Contract,
    ) -> Result<(), LakeError> {
        let table = self.table(dataset)?;
        let _writing = table.writing.lock().await;
        let mut backoff = Backoff::new(&table);
        loop {
            let state = table.latest().await?;
            if state.contract == *contract {
                return Ok(());
            }
            let entry = contract_entry(&table, &state, contract)?;
            match table.add_entry(state.log_version() + 1, entry).await? {
                Attempt::Added => return Ok(()),
                Attempt::Taken => backoff.wait().await?,
            }
        }
    }
}

fn contract_entry(
    table: &Table,
    state: &TableState,
    contract: &Contract,
) -> Result<NewEntry, LakeError> {
    let dataset = &table.dataset;
    let (old, new) = (state.contract.storage_schema(), contract.storage_schema());
    check_growth(dataset, &old, &new)?;
    let added = new.fields().iter().filter(|field| old.field_with_name(field.name()).is_err());
    let added: Result<Vec<StructField>, LakeError> =
        added.map(|field| log_field(dataset, field)).collect();
    let metadata = state
        .delta
        .metadata()
        .clone()
        .with_schema(&log_schema(dataset, &new)?)
        .and_then(|metadata| {
            let json = serde_json::to_string(contract)?;
            metadata.add_config_key(CONTRACT_PROPERTY.to_owned(), json)
        })
        .map_err(|e| LakeError::log(dataset)(e.into()))?;
    Ok(NewEntry {
        actions: vec![Action::Metadata(metadata)],
        operation: DeltaOperation::AddColumn { fields: added? },
        metadata: HashMap::new(),
        transactions: Vec::new(),
    })
}

/// Every old column must stay as it is, and every new one must allow rows without a value: the log
/// would take a required column and readers of older files would fail on it.
fn check_growth(dataset: &DatasetId, old: &Schema, new: &Schema) -> Result<(), LakeError> {
    for field in old.fields() {
        let same = new.field_with_name(field.name()).is_ok_and(|candidate| {
            candidate.data_type() == field.data_type()
                && (candidate.is_nullable() || !field.is_nullable())
        });
        if !same {
            return Err(LakeError::incompatible(
                dataset,
                format!("the column {:?} can't be dropped or changed", field.name()),
            ));
        }
    }
    for field in new.fields() {
        if old.field_with_name(field.name()).is_err() && !field.is_nullable() {
            return Err(LakeError::incompatible(
                dataset,
                format!("the new column {:?} can't be required", field.name()),
            ));
        }
    }
    Ok(())
}

fn contract_json(dataset: &DatasetId, contract: &Contract) -> Result<String, LakeError> {
    serde_json::to_string(contract).map_err(|e| LakeError::corrupt(dataset, e.to_string()))
}

fn log_schema(dataset: &DatasetId, schema: &Schema) -> Result<StructType, LakeError> {
    let fields: Result<Vec<_>, _> =
        schema.fields().iter().map(|field| log_field(dataset, field)).collect();
    StructType::try_new(fields?).map_err(|e| LakeError::incompatible(dataset, e.to_string()))
}

fn log_field(dataset: &DatasetId, field: &arrow_schema::Field) -> Result<StructField, LakeError> {
    let data_type = match field.data_type() {
        ArrowType::Utf8 => DataType::STRING,
        ArrowType::Int64 => DataType::LONG,
        ArrowType::Int32 => DataType::INTEGER,
        ArrowType::Float64 => DataType::DOUBLE,
        ArrowType::Boolean => DataType::BOOLEAN,
        ArrowType::Date32 => DataType::DATE,
        ArrowType::Timestamp(..) => DataType::TIMESTAMP,
        other => {
            return Err(LakeError::incompatible(
                dataset,
                format!("the column {:?} has the type {other}, which is not stored", field.name()),
            ));
        }
    };
    Ok(StructField::new(field.name(), data_type, field.is_nullable()))
}

//! Columns by which rows can be joined, and what their values mean.

use std::collections::BTreeMap;

use hub_lake::RollupLevel;
use hub_model::{CodeList, Contract, Field, FieldRole, FieldType, MeshCell, municipality_code};

use crate::{coverage::DataPeriod, snapshots::OpenDataset};

/// The most values of a column that are looked at.
pub(super) const VALUES: usize = 5_000;

/// The most columns of a dataset that are looked at.
const COLUMNS: usize = 6;

/// The most rows that are read to list a column's values.
const ROWS: u64 = 1_000_000;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Codes of municipalities.
    Municipality,
    /// Codes of mesh cells.
    Mesh,
    /// Ids of another kind.
    Key,
}

impl Meaning {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Municipality => "municipality",
            Self::Mesh => "mesh",
            Self::Key => "key",
        }
    }
}

/// A column that rows can be joined by.
#[derive(Debug)]
pub(super) struct KeyColumn {
    /// Its name in the contract.
    pub(super) name: String,
    pub(super) meaning: Meaning,
    pub(super) field_type: FieldType,
    /// Whether it is among those that name a series, or a row.
    pub(super) is_key: bool,
    /// In how many rows each value is, as text.
    pub(super) values: BTreeMap<String, u64>,
}

/// What is to be known of a dataset to join it.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(super) columns: Vec<KeyColumn>,
    pub(super) period: Option<DataPeriod>,
}

impl Profile {
    pub(super) fn of(opened: &OpenDataset) -> Self {
        let period = DataPeriod::of(&opened.known.contract, &opened.snapshot);
        Self { columns: Vec::new(), period }
    }

    pub(super) fn add(&mut self, contract: &Contract, name: &str, values: BTreeMap<String, u64>) {
        let Some(field) = contract.field(name) else { return };
        if values.is_empty() {
            return;
        }
        self.columns.push(KeyColumn {
            name: field.name.clone(),
            meaning: meaning(field, &values),
            field_type: field.field_type,
            is_key: contract.series_fields().any(|key| key.name == field.name),
            values,
        });
    }

    /// What keeping it takes, in bytes, about.
    pub(crate) fn bytes(&self) -> u32 {
        let of = |column: &KeyColumn| {
            column.values.keys().map(|value| value.len() + 56).sum::<usize>() + 128
        };
        let bytes = self.columns.iter().map(of).sum::<usize>() + 256;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

fn meaning(field: &Field, values: &BTreeMap<String, u64>) -> Meaning {
    let whole_code = |value: &String| municipality_code(value).as_ref() == Some(value);
    if field.code == Some(CodeList::Municipality) || values.keys().all(whole_code) {
        Meaning::Municipality
    } else if field.role == FieldRole::Place && values.keys().all(|v| MeshCell::parse(v).is_some())
    {
        Meaning::Mesh
    } else {
        Meaning::Key
    }
}

/// The columns of a dataset whose values are looked at, by name: those of keys and places, and others that
/// are named as ids and codes are, as far as few rows tell.
pub(super) fn worth_listing(opened: &OpenDataset) -> Vec<String> {
    let contract = &opened.known.contract;
    let mut found: Vec<&Field> =
        contract.fields.iter().filter(|field| is_candidate(field)).collect();
    found.sort_by_key(|field| !matches!(field.role, FieldRole::Key | FieldRole::Place));
    let found = found.into_iter().filter(|field| rows_read(opened, field) <= ROWS);
    found.take(COLUMNS).map(|field| field.name.clone()).collect()
}

fn is_candidate(field: &Field) -> bool {
    let typed = matches!(field.field_type, FieldType::String | FieldType::Integer);
    let named = || {
        [Some(&field.name), field.alias.as_ref()].into_iter().flatten().any(|name| {
            name.ends_with("_id") || name.ends_with("_code") || name.ends_with("コード")
        })
    };
    typed
        && match field.role {
            FieldRole::Key | FieldRole::Place => true,
            FieldRole::Attribute => {
                field.code.is_some() || field.field_type == FieldType::String && named()
            }
            FieldRole::Time | FieldRole::Value | FieldRole::Quality => false,
        }
}

/// How many rows, of rollups where these tell, listing a column's values reads.
fn rows_read(opened: &OpenDataset, field: &Field) -> u64 {
    let in_series = opened.known.contract.series_fields().any(|key| key.name == field.name);
    let files = opened.snapshot.files.iter().map(|file| {
        let rollups = file.rollups.as_ref().filter(|_| in_series);
        let kept = rollups.and_then(|rollups| rollups.file(RollupLevel::Series));
        kept.map_or(file.rows, |kept| kept.rows)
    });
    files.sum()
}

//! What is to be done with each column, settled before the first row is read.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use hub_model::{CellError, Contract, Field, FieldRole, FieldType, Quality, Rule, Text};

use super::{
    fault::type_words, limits::Limits, mapping::map_columns, missing::MissingTexts, normal::Normal,
    time::TimeFormat, typed::can_convert,
};
use crate::{Format, IntakeError, Recognised, decode::SourceColumn, show::show_text};

/// One field of the contract and where its values come from.
#[derive(Debug)]
pub(crate) struct PlannedField<'a> {
    pub(crate) field: &'a Field,
    pub(crate) source: Option<Source>,
    pub(crate) format: TimeFormat,
    pub(crate) limits: Limits,
    pub(crate) normal: Normal<'a>,
    /// The field that says how good this one's values are, if it can say so in the hub's words.
    pub(crate) quality: Option<usize>,
}

/// A column of the file that a field is read from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file's name of it, as it can be shown.
    pub(crate) name: String,
    /// Its place in the person's file, where that has cells.
    pub(crate) position: Option<u32>,
    /// Its place among all columns of the file.
    pub(crate) column: usize,
    /// Its place among the columns that are read.
    pub(crate) selected: usize,
}

#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) fields: Vec<PlannedField<'a>>,
    pub(crate) schema: SchemaRef,
    pub(crate) missing: MissingTexts,
    /// What of the header is wrong.
    pub(crate) errors: Vec<CellError>,
    /// How many columns the file has.
    pub(crate) width: usize,
    /// The file's columns as it names them.
    pub(crate) columns: Arc<[String]>,
    wanted: Vec<usize>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(
        contract: &'a Contract,
        columns: &[SourceColumn],
        recognised: &Recognised,
        header_row: Option<u64>,
    ) -> Result<Self, IntakeError> {
        let is_plain = recognised.format() == Format::Csv && recognised.preset().is_none();
        let header_row = header_row.or(is_plain.then_some(1));
        let mut mapping = map_columns(columns, contract, header_row);
        let mut readable = mapping.sources.clone();
        for (field, source) in contract.fields.iter().zip(&mut readable) {
            let Some(column) = source.map(|column| &columns[column]) else { continue };
            if let Some(data_type) = &column.data_type
                && !can_convert(data_type, field.field_type)
            {
                mapping.errors.push(unfit(field, column, &data_type.to_string()));
                *source = None;
            }
        }
        let mut wanted: Vec<usize> = readable.iter().flatten().copied().collect();
        wanted.sort_unstable();
        let fields = contract
            .fields
            .iter()
            .zip(&readable)
            .map(|(field, source)| {
                Ok(PlannedField {
                    field,
                    source: source.map(|column| Source {
                        name: show_text(&columns[column].name),
                        position: columns[column].position,
                        column,
                        selected: wanted.partition_point(|wanted| *wanted < column),
                    }),
                    format: TimeFormat::new(field.format.as_deref()),
                    limits: Limits::new(contract, field)?,
                    normal: Normal::new(field, recognised.encoding().is_changed()),
                    quality: quality_of(contract, field),
                })
            })
            .collect::<Result<Vec<_>, IntakeError>>()?;
        Ok(Self {
            fields,
            schema: contract.storage_schema(),
            missing: MissingTexts::new(&contract.missing_values),
            errors: mapping.errors,
            width: columns.len(),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            wanted,
        })
    }

    /// The columns of the file that are read, in ascending order.
    pub(crate) fn wanted(&self) -> &[usize] {
        &self.wanted
    }
}

/// The field that tells a value's quality in the words of [`Quality`].
fn quality_of(contract: &Contract, value: &Field) -> Option<usize> {
    if value.role == FieldRole::Quality {
        return None;
    }
    contract.fields.iter().position(|field| {
        let speaks = |allowed: &Vec<serde_json::Value>| {
            [Quality::Doubtful, Quality::Missing]
                .iter()
                .all(|quality| allowed.iter().any(|word| word.as_str() == Some(quality.as_str())))
        };
        field.quality_of.as_deref() == Some(value.name.as_str())
            && field.field_type == FieldType::String
            && field.constraints.allowed.as_ref().is_none_or(speaks)
    })
}

/// A column whose type in the file is never that of the contract is one error and not one a row.
fn unfit(field: &Field, column: &SourceColumn, data_type: &str) -> CellError {
    let name = show_text(&column.name);
    let data_type = show_text(data_type);
    let (type_ja, type_en) = type_words(field.field_type);
    let fix = if field.field_type == hub_model::FieldType::String {
        Text::new(
            "数値にしたコードは先頭の0が失われていることがあります。元のデータから、この列を文字として書き出してください",
            "a code that became a number may have lost leading zeros; write the column as text, from the original data",
        )
    } else {
        Text::new(
            format!("この列を{type_ja}の型で書き出すか、契約の型を見直してください"),
            format!("write the column as {type_en}, or change its type in the contract"),
        )
    };
    CellError {
        file: None,
        row: None,
        column: Some(name.clone()),
        cell: None,
        value: None,
        rule: Rule::Type,
        message: Text::new(
            format!("「{name}」列は契約では{type_ja}ですが、ファイルでは{data_type}です"),
            format!(
                "the column {name:?} holds {type_en} in the contract and {data_type} in the file"
            ),
        ),
        fix,
    }
}

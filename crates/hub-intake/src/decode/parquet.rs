//! Parquet, with every page validated. Texts are read as views into the pages, so that a long value
//! which many rows repeat takes its place in memory once.

mod header;
mod thrift;

use std::fs::File;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
};

use super::{Block, Decode, SourceColumn, damaged, unpacks_too_large};
use crate::{IntakeError, IntakeOptions};

pub(crate) struct ParquetDecoder {
    file: File,
    metadata: ArrowReaderMetadata,
    columns: Vec<SourceColumn>,
    options: IntakeOptions,
    reader: Option<ParquetRecordBatchReader>,
    next_row: u64,
    declared_rows: u64,
}

impl ParquetDecoder {
    pub(crate) fn open(file: File, options: &IntakeOptions) -> Result<Self, IntakeError> {
        header::check_footer(&file)?;
        let loaded = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(refuse)?;
        let schema = with_views(loaded.schema());
        let metadata = ArrowReaderMetadata::try_new(
            loaded.metadata().clone(),
            ArrowReaderOptions::new().with_schema(schema),
        )
        .map_err(refuse)?;
        let mut declared_rows = 0u64;
        let mut unpacked = 0u64;
        for group in metadata.metadata().row_groups() {
            let rows = u64::try_from(group.num_rows())
                .map_err(|_| damaged("a row group has fewer than no rows"))?;
            let bytes = u64::try_from(group.total_byte_size())
                .map_err(|_| damaged("a row group is smaller than nothing"))?;
            declared_rows = declared_rows.saturating_add(rows);
            unpacked = unpacked.saturating_add(bytes);
        }
        if unpacked > options.max_decoded_bytes {
            return Err(unpacks_too_large(options.max_decoded_bytes));
        }
        let columns = super::source_columns(metadata.schema())?;
        Ok(Self {
            file,
            metadata,
            columns,
            options: options.clone(),
            reader: None,
            next_row: 1,
            declared_rows,
        })
    }
}

/// The schema with views in place of texts and bytes; a dictionary becomes what it stands for.
fn with_views(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Dictionary(_, value) => value.as_ref(),
            other => other,
        };
        let data_type = match data_type {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, field.is_nullable())
            .with_metadata(field.metadata().clone())
    });
    std::sync::Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn refuse(error: ParquetError) -> IntakeError {
    match error {
        ParquetError::NYI(detail) => IntakeError::unsupported(
            format!(
                "このParquetは、まだ読めない書き方を使っています（{detail}）。zstdかsnappyの圧縮で書き出し直してください"
            ),
            format!(
                "the Parquet file uses something that can't be read yet ({detail}); write it anew with zstd or snappy compression"
            ),
        ),
        ParquetError::ArrowError(detail) | ParquetError::General(detail)
            if detail.contains("encrypt") =>
        {
            encrypted()
        }
        error => damaged(&error.to_string()),
    }
}

fn encrypted() -> IntakeError {
    IntakeError::unsupported(
        "暗号化されたParquetは読めません。暗号化せずに書き出して送ってください",
        "encrypted Parquet can't be read; write it without encryption and send that",
    )
}

impl Decode for ParquetDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn select(&mut self, wanted: &[usize]) -> Result<(), IntakeError> {
        header::check_pages(
            &self.file,
            self.metadata.metadata(),
            wanted,
            self.options.max_piece_bytes,
            self.options.max_decoded_bytes,
        )?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), wanted.iter().copied());
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.try_clone()?,
            self.metadata.clone(),
        )
        .with_projection(mask)
        .with_batch_size(self.options.rows_for(wanted.len()))
        .build()
        .map_err(refuse)?;
        self.reader = Some(reader);
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        let Some(reader) = &mut self.reader else {
            return Err(IntakeError::Internal("no columns were selected".to_owned()));
        };
        match reader.next() {
            Some(Ok(batch)) => {
                let first_row = self.next_row;
                self.next_row += batch.num_rows() as u64;
                Ok(Some(Block::Typed { batch, first_row }))
            }
            Some(Err(error)) => Err(damaged(&error.to_string())),
            None if self.next_row - 1 != self.declared_rows => Err(damaged(&format!(
                "{} rows are declared and {} are there",
                self.declared_rows,
                self.next_row - 1
            ))),
            None => Ok(None),
        }
    }
}

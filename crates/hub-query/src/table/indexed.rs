//! Readers whose metadata has the page index from the beginning. A scan asks for metadata without it and
//! for the index afterwards, so that what is kept of a file would lack it, and every scan read it again.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use datafusion::{
    common::Result,
    datasource::{
        listing::PartitionedFile,
        physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetFileReaderFactory},
    },
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use futures::future::BoxFuture;
use parquet::{
    arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
    errors::Result as ParquetResult,
    file::metadata::ParquetMetaData,
};

/// Makes readers of files in the store.
#[derive(Debug)]
pub(crate) struct IndexedReaders(pub(crate) CachedParquetFileReaderFactory);

impl ParquetFileReaderFactory for IndexedReaders {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let reader = self.0.create_reader(partition, file, size_hint, metrics)?;
        Ok(Box::new(Indexed(reader)))
    }
}

struct Indexed(Box<dyn AsyncFileReader + Send>);

impl AsyncFileReader for Indexed {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.0.get_bytes(range)
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.0.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        // Without options the cache's own choice holds, which is to read the index too.
        self.0.get_metadata(None)
    }
}

//! Results that were kept as Parquet, read back as answers.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::{FutureExt, TryFutureExt, TryStreamExt, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parquet::{
    arrow::{
        ParquetRecordBatchStreamBuilder, arrow_reader::ArrowReaderOptions,
        async_reader::AsyncFileReader,
    },
    errors::ParquetError,
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};

use crate::{engine::QueryEngine, error::QueryError, stream::QueryStream};

/// Rows of a batch, as queries have them.
const BATCH_ROWS: usize = 8_192;

impl QueryEngine {
    /// Opens a kept result of this size in the engine's store.
    pub async fn kept_result(&self, path: &Path, bytes: u64) -> Result<QueryStream, QueryError> {
        let store = Arc::clone(&self.inner.scans.store);
        let file = Kept::new(store, path.clone(), bytes);
        let builder =
            ParquetRecordBatchStreamBuilder::new(file).await.map_err(QueryError::storage)?;
        let schema = Arc::clone(builder.schema());
        let batches = builder.with_batch_size(BATCH_ROWS).build().map_err(QueryError::internal)?;
        self.inner.stream_from(schema, batches.map_err(QueryError::storage))
    }
}

/// A file of known size, read without the engine's scan.
pub(crate) struct Kept {
    store: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
}

impl Kept {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, path: Path, bytes: u64) -> Self {
        Self { store, path, bytes }
    }
}

impl AsyncFileReader for Kept {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store.get_range(&self.path, range).map_err(external).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let size = self.bytes;
            let metadata = ParquetMetaDataReader::new().load_and_finish(self, size).await?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(error.into())
}

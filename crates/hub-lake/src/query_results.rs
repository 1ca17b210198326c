//! Results of queries that ran as jobs, kept for a while under `_queries/` at the root of the store, where no
//! dataset can be. What is in them, whose they are and how long they stay is not known here.

use bytes::Bytes;
use futures::TryStreamExt;
use hub_model::QueryId;
use object_store::{ObjectStoreExt, buffered::BufWriter, path::Path};
use tokio::io::AsyncWriteExt;

use crate::{Lake, LakeError};

/// The folder of all kept results.
const FOLDER: &str = "_queries";

/// A result that is being written. Nobody sees it before it is finished.
pub struct ResultWriter {
    writer: BufWriter,
    bytes: u64,
}

impl std::fmt::Debug for ResultWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultWriter").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl ResultWriter {
    /// Appends bytes.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), LakeError> {
        self.bytes += bytes.len() as u64;
        self.writer.put(bytes).await.map_err(LakeError::store("keeping a query's result"))
    }

    /// Makes the result visible, and answers its size in bytes.
    pub async fn finish(mut self) -> Result<u64, LakeError> {
        self.writer.shutdown().await.map_err(|error| LakeError::Store {
            action: "keeping a query's result",
            source: object_store::Error::Generic { store: "lake", source: error.into() },
        })?;
        Ok(self.bytes)
    }

    /// Leaves nothing of it behind.
    pub async fn abort(mut self) {
        // The store may be away; what is left there is not seen by anybody.
        let _ = self.writer.abort().await;
    }
}

impl Lake {
    /// Where the result of a query's nth attempt is kept, from the root of the store.
    pub fn query_result_path(&self, query: &QueryId, attempt: u64) -> Path {
        Path::from(FOLDER).join(query.to_string()).join(format!("{attempt}.parquet"))
    }

    /// Begins to keep a result.
    pub fn write_query_result(&self, query: &QueryId, attempt: u64) -> ResultWriter {
        let path = self.query_result_path(query, attempt);
        ResultWriter { writer: BufWriter::new(self.object_store(), path), bytes: 0 }
    }

    /// Deletes whatever is kept of a query.
    pub async fn forget_query_results(&self, query: &QueryId) -> Result<(), LakeError> {
        let folder = Path::from(FOLDER).join(query.to_string());
        let store = self.object_store();
        let listed: Vec<_> = store
            .list(Some(&folder))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(LakeError::store("listing a query's results"))?;
        for path in listed {
            match store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => {
                    return Err(LakeError::Store { action: "deleting a query's result", source });
                }
            }
        }
        Ok(())
    }
}

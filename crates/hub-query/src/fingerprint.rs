//! The hash of a result: the same rows have the same hash, whatever batches, partitions or files they came
//! in, and in whatever order unless the statement orders them. `docs/CITING.md` has the form in full, so
//! that others can compute it; a change of it is another form with another name.
//!
//! Rows are hashed as they come and never kept.

mod canonical;

use arrow::array::RecordBatch;
use futures::StreamExt;
use hub_model::ResultHash;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    encode::describe_columns,
    error::QueryError,
    stream::{AbortOnDrop, QueryStream},
};
use canonical::Grid;

/// A result, told without its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    /// Name, type, unit and meaning of each column, as answers in JSON have them.
    pub columns: Vec<Value>,
    /// How many rows there are.
    pub rows: u64,
    /// The hash of the rows.
    pub hash: ResultHash,
}

/// Takes an answer to its end and tells it by its hash; by the sequence of its rows too where that is
/// `ordered`. Dropping this stops the query.
pub async fn fingerprint(answer: QueryStream, ordered: bool) -> Result<Fingerprint, QueryError> {
    let work = answer.runtime().spawn(consume(answer, ordered));
    let _stop = AbortOnDrop::new(work.abort_handle());
    work.await.map_err(|error| QueryError::internal(error.to_string()))?
}

async fn consume(mut answer: QueryStream, ordered: bool) -> Result<Fingerprint, QueryError> {
    let columns = describe_columns(&answer.schema());
    let mut hasher = Hasher::new(ordered);
    while let Some(batch) = answer.next().await {
        hasher.add(&batch?)?;
    }
    Ok(Fingerprint { columns, rows: hasher.rows, hash: hasher.finish() })
}

/// Adds rows up to a hash.
struct Hasher {
    sums: [u128; 2],
    sequence: Option<[u128; 2]>,
    rows: u64,
    row: Vec<u8>,
}

impl Hasher {
    fn new(ordered: bool) -> Self {
        Self { sums: [0; 2], sequence: ordered.then_some([0; 2]), rows: 0, row: Vec::new() }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        for row in 0..batch.num_rows() {
            let first = self.hash_row(batch, row, Grid::Nearest)?;
            // Rows without fractions are the same on both grids, and are hashed once.
            let second = match first.1 {
                true => self.hash_row(batch, row, Grid::Shifted)?.0,
                false => first.0,
            };
            for (place, hash) in [first.0, second].into_iter().enumerate() {
                self.sums[place] = self.sums[place].wrapping_add(hash);
                if let Some(sequence) = &mut self.sequence {
                    let mut both = [0; 32];
                    both[..16].copy_from_slice(&sequence[place].to_be_bytes());
                    both[16..].copy_from_slice(&hash.to_be_bytes());
                    sequence[place] = short(&both);
                }
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// The hash of a row on a grid, and whether the row has fractions, which grids differ on.
    fn hash_row(
        &mut self,
        batch: &RecordBatch,
        row: usize,
        grid: Grid,
    ) -> Result<(u128, bool), QueryError> {
        self.row.clear();
        let mut fractions = false;
        for column in batch.columns() {
            fractions |= canonical::write(column.as_ref(), row, grid, &mut self.row)?;
        }
        Ok((short(&self.row), fractions))
    }

    fn finish(self) -> ResultHash {
        ResultHash { rows: self.sums, sequence: self.sequence }
    }
}

/// The first 128 bits of SHA-256, the first byte being the highest.
fn short(bytes: &[u8]) -> u128 {
    Sha256::digest(bytes)[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests;

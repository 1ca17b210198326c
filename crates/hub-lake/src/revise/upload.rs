//! The rows of an upload in the order of their keys, from all its staged files at once.

use arrow::{
    array::{ArrayRef, BooleanArray, RecordBatch},
    compute::filter_record_batch,
    row::{Row, RowConverter, Rows, SortField},
};
use object_store::path::Path;

use crate::{
    LakeError,
    revise::{
        reach::Stretch,
        reader::{Batches, Source, Wanted},
    },
    stage::{Plan, StagedFile, chunk::times, order::ASCENDING},
};

/// How keys are compared: as the stored files are sorted.
pub(crate) struct Keys {
    /// The key's columns, in the order that files are sorted by.
    pub(crate) names: Vec<String>,
    converter: RowConverter,
}

impl Keys {
    pub(crate) fn new(plan: &Plan) -> Result<Self, LakeError> {
        let fields: Vec<_> =
            plan.sort[..plan.key].iter().map(|place| plan.schema.field(*place)).collect();
        let sort = fields
            .iter()
            .map(|field| SortField::new_with_options(field.data_type().clone(), ASCENDING));
        let converter =
            RowConverter::new(sort.collect()).map_err(LakeError::rows(plan.dataset(), "sorted"))?;
        Ok(Self { names: fields.iter().map(|field| field.name().clone()).collect(), converter })
    }

    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Rows, arrow_schema::ArrowError> {
        let columns: Vec<ArrayRef> =
            self.names.iter().filter_map(|name| batch.column_by_name(name).cloned()).collect();
        self.converter.convert_columns(&columns)
    }
}

/// Which rows of an upload are of interest.
pub(crate) struct Part<'a> {
    /// Columns to read; all where nothing is said.
    pub(crate) columns: Option<&'a [String]>,
    /// A column and the values of it that the other side may have.
    pub(crate) stretch: Option<(&'a str, Stretch)>,
}

/// One staged file's rows, as far as they were read.
struct Cursor {
    batches: Batches,
    /// Which of the staged files it is.
    file: usize,
    batch: RecordBatch,
    keys: Option<Rows>,
    /// The batch's rows' places in the file.
    places: Vec<u32>,
    /// Where in the batch the next row is.
    at: usize,
    /// How many rows of the file were read.
    read: usize,
    /// How often a batch was begun.
    epoch: u64,
}

/// The rows of an upload, least key first.
pub(crate) struct UploadRows<'a> {
    keys: &'a Keys,
    source: &'a Source,
    part: Part<'a>,
    cursors: Vec<Cursor>,
    /// The cursor whose row comes next.
    head: Option<usize>,
}

/// Where a row of the upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The staged file.
    pub(crate) file: usize,
    /// The row's place in it.
    pub(crate) place: usize,
}

impl<'a> UploadRows<'a> {
    /// Opens the staged files of these places.
    pub(crate) fn open(
        keys: &'a Keys,
        source: &'a Source,
        plan: &Plan,
        files: impl Iterator<Item = (usize, &'a StagedFile)>,
        part: Part<'a>,
    ) -> Result<Self, LakeError> {
        let mut cursors = Vec::new();
        for (place, file) in files {
            let path: Path = plan.table.folder.clone().join(file.name.as_str());
            // Groups of rows are not passed over, since rows are known by their places in the file.
            let wanted = Wanted { columns: part.columns, reach: &[] };
            let batches = source.read(&path, file.bytes, &wanted)?;
            cursors.push(Cursor {
                batches,
                file: place,
                batch: RecordBatch::new_empty(std::sync::Arc::clone(&source.schema)),
                keys: None,
                places: Vec::new(),
                at: 0,
                read: 0,
                epoch: 0,
            });
        }
        let mut rows = Self { keys, source, part, cursors, head: None };
        for index in (0..rows.cursors.len()).rev() {
            if !rows.fill(index)? {
                rows.cursors.swap_remove(index);
            }
        }
        rows.choose();
        Ok(rows)
    }

    /// Reads the cursor's next batch with rows of interest; `false` at its end.
    fn fill(&mut self, index: usize) -> Result<bool, LakeError> {
        let cursor = &mut self.cursors[index];
        loop {
            let Some(batch) = cursor.batches.next()? else { return Ok(false) };
            let begin = cursor.read;
            cursor.read += batch.num_rows();
            let failed = || LakeError::rows(&self.source.dataset, "sorted");
            let (batch, places) = match self.part.stretch {
                Some((name, stretch)) if batch.column_by_name(name).is_some() => {
                    let kept: Vec<bool> = batch
                        .column_by_name(name)
                        .map(times)
                        .unwrap_or_default()
                        .into_iter()
                        .map(|time| stretch.holds(time))
                        .collect();
                    let places = (0..kept.len()).filter(|place| kept[*place]);
                    let places: Vec<u32> = places.map(|place| (begin + place) as u32).collect();
                    let batch =
                        filter_record_batch(&batch, &BooleanArray::from(kept)).map_err(failed())?;
                    (batch, places)
                }
                _ => {
                    let places = (begin..cursor.read).map(|place| place as u32).collect();
                    (batch, places)
                }
            };
            if batch.num_rows() == 0 {
                continue;
            }
            cursor.keys = Some(self.keys.of(&batch).map_err(failed())?);
            cursor.batch = batch;
            cursor.places = places;
            cursor.at = 0;
            cursor.epoch += 1;
            return Ok(true);
        }
    }

    fn choose(&mut self) {
        let key = |index: &usize| {
            let cursor = &self.cursors[*index];
            cursor.keys.as_ref().map(|keys| keys.row(cursor.at))
        };
        self.head = (0..self.cursors.len()).min_by(|a, b| key(a).cmp(&key(b)));
    }

    /// The key of the next row.
    pub(crate) fn key(&self) -> Option<Row<'_>> {
        let cursor = &self.cursors[self.head?];
        cursor.keys.as_ref().map(|keys| keys.row(cursor.at))
    }

    /// Where the next row is.
    pub(crate) fn found(&self) -> Option<Found> {
        let cursor = &self.cursors[self.head?];
        Some(Found { file: cursor.file, place: cursor.places[cursor.at] as usize })
    }

    /// The batch of the next row with a name that no other batch has, and the row's place in it.
    pub(crate) fn values(&self) -> Option<((usize, u64), &RecordBatch, usize)> {
        let cursor = &self.cursors[self.head?];
        Some(((cursor.file, cursor.epoch), &cursor.batch, cursor.at))
    }

    /// Goes on to the row after the next.
    pub(crate) fn advance(&mut self) -> Result<(), LakeError> {
        let Some(index) = self.head else { return Ok(()) };
        self.cursors[index].at += 1;
        if self.cursors[index].at == self.cursors[index].batch.num_rows() && !self.fill(index)? {
            self.cursors.swap_remove(index);
        }
        self.choose();
        Ok(())
    }

    /// Goes on to the first row whose key is not less.
    pub(crate) fn advance_to(&mut self, key: Row<'_>) -> Result<(), LakeError> {
        while self.key().is_some_and(|own| own < key) {
            self.advance()?;
        }
        Ok(())
    }
}

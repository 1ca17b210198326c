//! Two streams of rows in the order of their key, walked side by side. It holds one batch of each and
//! nothing else, however many rows differ.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray, UInt32Array},
    compute::{SortOptions, interleave, take},
    datatypes::{DataType, Field, Schema, SchemaRef},
    row::{RowConverter, Rows, SortField},
};
use datafusion::{
    common::{Result, internal_datafusion_err},
    execution::{
        SendableRecordBatchStream, TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_plan::{
        ExecutionPlan, execute_stream, stream::RecordBatchStreamAdapter, streaming::PartitionStream,
    },
};
use futures::{StreamExt, stream};

/// The difference of two plans whose rows come in the order of their key.
#[derive(Debug)]
pub(super) struct Difference {
    old: Arc<dyn ExecutionPlan>,
    new: Arc<dyn ExecutionPlan>,
    form: Arc<Form>,
}

/// Where the columns of both sides are, and what the answer's are called.
#[derive(Debug)]
struct Form {
    schema: SchemaRef,
    key: Vec<usize>,
    rest: Vec<usize>,
}

impl Difference {
    /// Compares rows of these plans, which have the same columns; `key` are the places of those that name
    /// a row, in the order in which both sides are sorted, and `rest` the others with their two labels.
    pub(super) fn new(
        old: Arc<dyn ExecutionPlan>,
        new: Arc<dyn ExecutionPlan>,
        change: String,
        key: Vec<usize>,
        rest: Vec<(usize, [String; 2])>,
    ) -> Self {
        let columns = new.schema();
        let mut fields = vec![Field::new(change, DataType::Utf8, false)];
        fields.extend(key.iter().map(|place| columns.field(*place).clone()));
        for (place, labels) in &rest {
            let field = columns.field(*place);
            fields.extend(labels.iter().map(|l| field.clone().with_name(l).with_nullable(true)));
        }
        let rest = rest.into_iter().map(|(place, _)| place).collect();
        let form = Form { schema: Arc::new(Schema::new(fields)), key, rest };
        Self { old, new, form: Arc::new(form) }
    }
}

impl PartitionStream for Difference {
    fn schema(&self) -> &SchemaRef {
        &self.form.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let merge = Merge::start(self, context);
        let batches = stream::try_unfold(merge, async |merge| {
            let mut merge = merge?;
            Ok(merge.next().await?.map(|batch| (batch, Ok(merge))))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.form.schema), batches.boxed()))
    }
}

/// One row of each side, or of one of them.
type Pair = (Option<u32>, Option<u32>);

struct Merge {
    old: Side,
    new: Side,
    form: Arc<Form>,
}

impl Merge {
    fn start(difference: &Difference, context: Arc<TaskContext>) -> Result<Self> {
        let form = &difference.form;
        Ok(Self {
            old: Side::start(&difference.old, form, Arc::clone(&context))?,
            new: Side::start(&difference.new, form, context)?,
            form: Arc::clone(form),
        })
    }

    /// The next rows that differ.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let (old, new) = (self.old.fill().await?, self.new.fill().await?);
            if !old && !new {
                return Ok(None);
            }
            let pairs = self.walk();
            if !pairs.is_empty() {
                return self.tell(&pairs).map(Some);
            }
        }
    }

    /// Walks to the end of either batch; where one side has ended, to that of the other.
    fn walk(&mut self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        loop {
            match (self.old.head(), self.new.head()) {
                (Some(old), Some(new)) => match self.old.key(old).cmp(&self.new.key(new)) {
                    Ordering::Less => pairs.push((self.old.step(), None)),
                    Ordering::Greater => pairs.push((None, self.new.step())),
                    Ordering::Equal => {
                        let differs = self.old.values(old) != self.new.values(new);
                        let pair = (self.old.step(), self.new.step());
                        pairs.extend(differs.then_some(pair));
                    }
                },
                (Some(_), None) if self.new.has_ended => pairs.push((self.old.step(), None)),
                (None, Some(_)) if self.old.has_ended => pairs.push((None, self.new.step())),
                _ => return pairs,
            }
        }
    }

    fn tell(&self, pairs: &[Pair]) -> Result<RecordBatch> {
        let change = pairs.iter().map(|pair| match pair {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        });
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(change))];
        let (old, new) = (self.old.columns(), self.new.columns());
        // A side of which there is no batch has no row in a pair.
        let side = |columns: Option<&[ArrayRef]>, other: Option<&[ArrayRef]>, place: usize| {
            let columns = columns.or(other).and_then(|columns| columns.get(place));
            columns.cloned().ok_or_else(|| internal_datafusion_err!("a column is gone"))
        };
        let chosen: Vec<(usize, usize)> = pairs
            .iter()
            .map(|(old, new)| match new {
                Some(row) => (1, *row as usize),
                None => (0, old.unwrap_or_default() as usize),
            })
            .collect();
        for place in &self.form.key {
            let sides = (side(old, new, *place)?, side(new, old, *place)?);
            columns.push(interleave(&[sides.0.as_ref(), sides.1.as_ref()], &chosen)?);
        }
        let rows: [UInt32Array; 2] =
            [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()];
        for place in &self.form.rest {
            columns.push(take(side(old, new, *place)?.as_ref(), &rows[0], None)?);
            columns.push(take(side(new, old, *place)?.as_ref(), &rows[1], None)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.form.schema), columns)?)
    }
}

/// One side, and the batch of it that is being walked.
struct Side {
    stream: SendableRecordBatchStream,
    form: Arc<Form>,
    keys: RowConverter,
    values: RowConverter,
    current: Option<Current>,
    has_ended: bool,
    memory: MemoryReservation,
}

struct Current {
    batch: RecordBatch,
    keys: Rows,
    values: Rows,
    at: usize,
}

impl Side {
    fn start(
        plan: &Arc<dyn ExecutionPlan>,
        form: &Arc<Form>,
        context: Arc<TaskContext>,
    ) -> Result<Self> {
        let schema = plan.schema();
        let converter = |places: &[usize]| {
            let order = SortOptions { descending: false, nulls_first: false };
            let fields = places.iter().map(|place| {
                SortField::new_with_options(schema.field(*place).data_type().clone(), order)
            });
            RowConverter::new(fields.collect())
        };
        Ok(Self {
            keys: converter(&form.key)?,
            values: converter(&form.rest)?,
            memory: MemoryConsumer::new("difference").register(context.memory_pool()),
            stream: execute_stream(Arc::clone(plan), context)?,
            form: Arc::clone(form),
            current: None,
            has_ended: false,
        })
    }

    /// Takes the next batch in where the last one was walked. Answers whether there is a row.
    async fn fill(&mut self) -> Result<bool> {
        while self.head().is_none() && !self.has_ended {
            match self.stream.next().await.transpose()? {
                Some(batch) => self.take_in(batch)?,
                None => {
                    self.has_ended = true;
                    self.current = None;
                    self.memory.free();
                }
            }
        }
        Ok(self.head().is_some())
    }

    fn take_in(&mut self, batch: RecordBatch) -> Result<()> {
        let columns =
            |places: &[usize]| places.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        let (key, rest): (Vec<_>, Vec<_>) = (columns(&self.form.key), columns(&self.form.rest));
        let keys = self.keys.convert_columns(&key)?;
        let values = if rest.is_empty() {
            // A converter of no columns makes no rows, and rows of a key alone never differ.
            self.keys.empty_rows(0, 0)
        } else {
            self.values.convert_columns(&rest)?
        };
        self.memory.try_resize(batch.get_array_memory_size() + keys.size() + values.size())?;
        let walked = self.current.as_ref().filter(|walked| walked.at > 0);
        let mut before = walked.map(|walked| walked.keys.row(walked.at - 1));
        for key in keys.iter() {
            // Out of order, rows would be told to differ that do not.
            if before.is_some_and(|before| before > key) {
                return Err(internal_datafusion_err!("a file's rows are not in their order"));
            }
            before = Some(key);
        }
        self.current = Some(Current { batch, keys, values, at: 0 });
        Ok(())
    }

    /// The place of the row to be looked at next.
    fn head(&self) -> Option<usize> {
        let current = self.current.as_ref()?;
        (current.at < current.batch.num_rows()).then_some(current.at)
    }

    fn step(&mut self) -> Option<u32> {
        let current = self.current.as_mut()?;
        current.at += 1;
        u32::try_from(current.at - 1).ok()
    }

    fn key(&self, row: usize) -> Option<&[u8]> {
        self.current.as_ref().map(|current| current.keys.row(row).data())
    }

    fn values(&self, row: usize) -> Option<&[u8]> {
        let values = &self.current.as_ref()?.values;
        (row < values.num_rows()).then(|| values.row(row).data())
    }

    fn columns(&self) -> Option<&[ArrayRef]> {
        self.current.as_ref().map(|current| current.batch.columns())
    }
}

//! The operator that fills gaps: a stream over rows in the order of series and bucket, which holds of one
//! series what waits for its next value.

use std::{fmt, sync::Arc};

use arrow::{
    array::RecordBatch,
    compute::SortOptions,
    datatypes::SchemaRef,
    row::{OwnedRow, RowConverter, Rows, SortField},
};
use datafusion::{
    common::{Result, Statistics, internal_err, tree_node::TreeNodeRecursion},
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::{
        EquivalenceProperties, LexOrdering, OrderingRequirements, Partitioning, PhysicalExpr,
        PhysicalSortExpr, expressions::Column,
    },
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution, ExecutionPlan,
        InputDistributionRequirements, PlanProperties, ReplaceChildrenOptions,
        SendableRecordBatchStream,
        execution_plan::{Boundedness, EmissionType},
        metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
        statistics::StatisticsArgs,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{Fill, MAX_MADE_ROWS, series::Series, too_many};
use crate::functions::Buckets;

/// The order of the input; as the lake's files are.
const ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// Which columns are what, and how far gaps are filled.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) keys: Vec<usize>,
    pub(super) bucket: usize,
    pub(super) buckets: Buckets,
    /// The beginning of the first bucket, and the time after which none begins; each series' own where there
    /// is none.
    pub(super) range: Option<(i64, i64)>,
    /// Columns that are filled, how, and over which gap at most in microseconds.
    pub(super) filled: Vec<(usize, Fill, Option<i64>)>,
}

/// Rows for the buckets of each series that have none.
#[derive(Debug)]
pub(crate) struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    pattern: Arc<Pattern>,
    schema: SchemaRef,
    metrics: ExecutionPlanMetricsSet,
    properties: Arc<PlanProperties>,
}

impl GapFillExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        pattern: Arc<Pattern>,
        schema: SchemaRef,
    ) -> Result<Self> {
        let ordering = ordering(&pattern, &schema);
        let equivalences = EquivalenceProperties::new_with_orderings(Arc::clone(&schema), ordering);
        let properties = PlanProperties::new(
            equivalences,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            input,
            pattern,
            schema,
            metrics: ExecutionPlanMetricsSet::new(),
            properties: Arc::new(properties),
        })
    }
}

fn ordering(pattern: &Pattern, schema: &SchemaRef) -> Option<LexOrdering> {
    LexOrdering::new(pattern.keys.iter().chain([&pattern.bucket]).map(|place| {
        PhysicalSortExpr::new(Arc::new(Column::new(schema.field(*place).name(), *place)), ORDER)
    }))
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |place: usize| self.schema.field(place).name();
        let keys: Vec<&str> = self.pattern.keys.iter().map(|key| name(*key).as_str()).collect();
        let (bucket, keys) = (name(self.pattern.bucket), keys.join(", "));
        if form == DisplayFormatType::TreeRender {
            writeln!(f, "bucket={bucket}")?;
            return writeln!(f, "by={keys}");
        }
        write!(f, "GapFillExec: bucket={bucket}, by=[{keys}]")?;
        for (place, fill, _) in &self.pattern.filled {
            write!(f, ", {fill:?} {}", name(*place))?;
        }
        Ok(())
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &'static str {
        "GapFillExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![ordering(&self.pattern, &self.input.schema()).map(OrderingRequirements::from)]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) else {
            return internal_err!("gap filling has one input");
        };
        let (pattern, schema) = (Arc::clone(&self.pattern), Arc::clone(&self.schema));
        Ok(Arc::new(Self::new(input, pattern, schema)?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let memory =
            MemoryConsumer::new(format!("GapFill[{partition}]")).register(context.memory_pool());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let filling = Filling::new(
            input,
            Arc::clone(&self.pattern),
            Arc::clone(&self.schema),
            memory,
            metrics.clone(),
        )?;
        let rows = stream::try_unfold(filling, |mut filling| async move {
            Ok(filling.next().await?.map(|batch| (batch, filling)))
        });
        let rows = rows.inspect_ok(move |batch| metrics.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema())))
    }
}

/// Rows of one input batch that were not given to a series yet.
struct Coming {
    batch: RecordBatch,
    keys: Option<Rows>,
    row: usize,
}

impl Coming {
    /// The row after the last of the series that the next row is of.
    fn end_of_series(&self) -> usize {
        let Some(keys) = &self.keys else { return self.batch.num_rows() };
        let first = keys.row(self.row);
        (self.row..self.batch.num_rows())
            .find(|row| keys.row(*row) != first)
            .unwrap_or(self.batch.num_rows())
    }
}

/// Fills one partition.
struct Filling {
    input: SendableRecordBatchStream,
    pattern: Arc<Pattern>,
    schema: SchemaRef,
    converter: Option<RowConverter>,
    coming: Option<Coming>,
    key: Option<OwnedRow>,
    series: Option<Series>,
    ended: bool,
    made: u64,
    memory: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Filling {
    fn new(
        input: SendableRecordBatchStream,
        pattern: Arc<Pattern>,
        schema: SchemaRef,
        memory: MemoryReservation,
        metrics: BaselineMetrics,
    ) -> Result<Self> {
        let keys = pattern.keys.iter();
        let fields: Vec<SortField> =
            keys.map(|key| SortField::new(schema.field(*key).data_type().clone())).collect();
        let converter = if fields.is_empty() { None } else { Some(RowConverter::new(fields)?) };
        // Without keys there is one series, also where it has no rows.
        let series = converter.is_none().then(|| Series::new(Arc::clone(&pattern)));
        Ok(Self {
            input,
            pattern,
            schema,
            converter,
            coming: None,
            key: None,
            series,
            ended: false,
            made: 0,
            memory,
            metrics,
        })
    }

    /// The next rows; none at the end.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let time = self.metrics.elapsed_compute().clone();
            let timer = time.timer();
            if let Some(series) = &mut self.series
                && let Some(handed) = series.hand_out(&self.schema)?
            {
                self.made += handed.made;
                if self.made > MAX_MADE_ROWS {
                    return Err(too_many());
                }
                return Ok(Some(handed.batch));
            }
            if self.ended {
                return Ok(None);
            }
            if self.coming.is_some() {
                self.take_rows()?;
                continue;
            }
            timer.done();
            match self.input.next().await {
                Some(batch) => {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        let keys =
                            self.pattern.keys.iter().map(|key| Arc::clone(batch.column(*key)));
                        let keys: Vec<_> = keys.collect();
                        let converter = self.converter.as_ref();
                        let keys =
                            converter.map(|known| known.convert_columns(&keys)).transpose()?;
                        self.coming = Some(Coming { batch, keys, row: 0 });
                    }
                }
                None => {
                    self.ended = true;
                    if let Some(series) = &mut self.series {
                        series.end();
                    }
                }
            }
        }
    }

    /// Gives rows to the series under way, or ends it where the next are another's.
    fn take_rows(&mut self) -> Result<()> {
        let Some(coming) = &mut self.coming else { return Ok(()) };
        let key = coming.keys.as_ref().map(|keys| keys.row(coming.row));
        let is_of = self.key.as_ref().map(OwnedRow::row) == key;
        match &mut self.series {
            Some(series) if is_of => {
                let end = coming.end_of_series();
                series.add(coming.batch.slice(coming.row, end - coming.row))?;
                coming.row = end;
                self.memory.try_resize(series.size())?;
                if coming.row == coming.batch.num_rows() {
                    self.coming = None;
                }
            }
            Some(series) if !series.is_ended() => series.end(),
            _ => {
                self.key = key.map(|key| key.owned());
                self.series = Some(Series::new(Arc::clone(&self.pattern)));
            }
        }
        Ok(())
    }
}

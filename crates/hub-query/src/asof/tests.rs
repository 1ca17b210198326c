//! The operator in both of its modes beside a comparison of all rows with all.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray},
    datatypes::{DataType, Field, Int64Type, Schema, SchemaRef},
};
use datafusion::{
    datasource::memory::MemorySourceConfig,
    execution::{TaskContext, runtime_env::RuntimeEnvBuilder},
    physical_expr::PhysicalExpr,
    physical_plan::{ExecutionPlan, collect_partitioned, expressions::Column},
    prelude::SessionConfig,
};
use proptest::prelude::*;

use super::{
    Direction, Kind,
    exec::{AsOfJoinExec, Mode},
    sides::{Gap, Matching, Side},
};

/// A key, a time and a value; in that order rows are compared where all else is equal.
type Row = (Option<String>, Option<i64>, Option<i64>);

#[derive(Debug, Clone)]
struct Case {
    left: Vec<Row>,
    right: Vec<Row>,
    direction: Direction,
    kind: Kind,
    gap: Option<u64>,
    keyed: bool,
    doubles: bool,
    batch_rows: usize,
    partitions: usize,
}

fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let key = prop_oneof![1 => Just(None), 9 => (0..4_u8).prop_map(|k| Some(name(k)))];
    let time = prop_oneof![1 => Just(None), 12 => (-30..30_i64).prop_map(Some)];
    let value = prop_oneof![1 => Just(None), 5 => (0..5_i64).prop_map(Some)];
    prop::collection::vec((key, time, value), 0..most)
}

/// Short names, and one that does not fit into a view.
fn name(number: u8) -> String {
    if number == 3 { "a station with a long name".to_owned() } else { format!("s{number}") }
}

prop_compose! {
    fn case()(
        left in rows(60),
        right in rows(60),
        direction in prop::sample::select(vec![
            Direction::AtOrBefore, Direction::Before, Direction::AtOrAfter, Direction::After,
        ]),
        kind in prop::sample::select(vec![Kind::Left, Kind::Inner]),
        gap in prop::option::of(0..12_u64),
        keyed in prop::bool::weighted(0.8),
        doubles in any::<bool>(),
        batch_rows in 1..20_usize,
        partitions in 1..4_usize,
    ) -> Case {
        Case { left, right, direction, kind, gap, keyed, doubles, batch_rows, partitions }
    }
}

/// What each left row is joined with: none where it is left out.
fn expected(case: &Case, left: &Row) -> Option<(Row, Option<Row>)> {
    let fits = |right: &&Row| {
        let (Some(here), Some(there)) = (left.1, right.1) else { return false };
        let keys = !case.keyed || left.0.is_some() && left.0 == right.0;
        let sides = match case.direction {
            Direction::AtOrBefore => here >= there,
            Direction::Before => here > there,
            Direction::AtOrAfter => here <= there,
            Direction::After => here < there,
        };
        keys && sides && case.gap.is_none_or(|gap| here.abs_diff(there) <= gap)
    };
    let nearest = case.right.iter().filter(fits).max_by_key(|right| {
        let time = right.1.unwrap_or_default();
        let near = if case.direction.looks_back() { time } else { -time };
        (near, right.0.clone(), right.2)
    });
    match (nearest, case.kind) {
        (None, Kind::Inner) => None,
        (nearest, _) => Some((left.clone(), nearest.cloned())),
    }
}

fn schema(doubles: bool) -> SchemaRef {
    let time = if doubles { DataType::Float64 } else { DataType::Int64 };
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8View, true),
        Field::new("time", time, true),
        Field::new("value", DataType::Int64, true),
    ]))
}

fn batches(rows: &[Row], case: &Case) -> Vec<RecordBatch> {
    let batch = |rows: &[Row]| {
        let times = rows.iter().map(|row| row.1);
        let times: ArrayRef = if case.doubles {
            Arc::new(times.map(|t| t.map(|t| t as f64)).collect::<Float64Array>())
        } else {
            Arc::new(times.collect::<Int64Array>())
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.0.as_deref()).collect::<StringViewArray>()),
            times,
            Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()),
        ];
        RecordBatch::try_new(schema(case.doubles), columns).unwrap()
    };
    rows.chunks(case.batch_rows).map(batch).collect()
}

fn scan(parts: &[Vec<RecordBatch>], case: &Case) -> Arc<dyn ExecutionPlan> {
    MemorySourceConfig::try_new_exec(parts, schema(case.doubles), None).unwrap()
}

/// Rows spread over partitions as they come.
fn spread(rows: &[Row], case: &Case) -> Vec<Vec<Row>> {
    let size = rows.len().div_ceil(case.partitions).max(1);
    let mut parts: Vec<Vec<Row>> = rows.chunks(size).map(<[Row]>::to_vec).collect();
    parts.resize(case.partitions, Vec::new());
    parts
}

/// Rows in the order that merging needs, without a value last.
fn in_order(rows: &[Row], keyed: bool) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| {
        let key = (keyed && row.0.is_none(), row.0.clone().filter(|_| keyed));
        (key, row.1.is_none(), row.1)
    });
    rows
}

fn read(batches: &[RecordBatch], case: &Case) -> Vec<(Row, Option<Row>)> {
    let mut rows = Vec::new();
    for batch in batches {
        let side = |first: usize, row: usize| -> Row {
            let keys = batch.column(first).as_string_view();
            let time = batch.column(first + 1);
            let time = if case.doubles {
                let doubles = time.as_primitive::<arrow::datatypes::Float64Type>();
                doubles.is_valid(row).then(|| doubles.value(row) as i64)
            } else {
                let whole = time.as_primitive::<Int64Type>();
                whole.is_valid(row).then(|| whole.value(row))
            };
            let values = batch.column(first + 2).as_primitive::<Int64Type>();
            (
                keys.is_valid(row).then(|| keys.value(row).to_owned()),
                time,
                values.is_valid(row).then(|| values.value(row)),
            )
        };
        for row in 0..batch.num_rows() {
            // A match has a time.
            let right = side(3, row);
            rows.push((side(0, row), right.1.is_some().then_some(right)));
        }
    }
    rows
}

fn joined(
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    case: &Case,
    mode: Mode,
) -> Arc<dyn ExecutionPlan> {
    let column = |name: &str, at: usize| Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>;
    let side = || Side {
        keys: if case.keyed { vec![column("key", 0)] } else { Vec::new() },
        time: column("time", 1),
    };
    let matching = Matching {
        left: side(),
        right: side(),
        direction: case.direction,
        kind: case.kind,
        gap: case.gap.map(
            |gap| {
                if case.doubles { Gap::Double(gap as f64) } else { Gap::Whole(gap) }
            },
        ),
    };
    Arc::new(AsOfJoinExec::new(left, right, matching, mode, None).unwrap())
}

async fn run(case: &Case, mode: Mode) -> Vec<Vec<(Row, Option<Row>)>> {
    let parts = |rows: &[Row]| -> Vec<Vec<RecordBatch>> {
        match mode {
            Mode::Lookup => spread(rows, case).iter().map(|part| batches(part, case)).collect(),
            Mode::Merge => vec![batches(&in_order(rows, case.keyed), case)],
        }
    };
    let (left, right) = (scan(&parts(&case.left), case), scan(&parts(&case.right), case));
    let join = joined(left, right, case, mode);
    let config = SessionConfig::new().with_batch_size(case.batch_rows);
    let context = Arc::new(TaskContext::default().with_session_config(config));
    let memory = Arc::clone(context.memory_pool());
    let answer = collect_partitioned(join, context).await.unwrap();
    assert_eq!(memory.reserved(), 0, "memory is given back");
    answer.iter().map(|batches| read(batches, case)).collect()
}

/// Rows of one key at these times.
fn at(times: impl Iterator<Item = i64>) -> Vec<Row> {
    times.map(|time| (Some("s".to_owned()), Some(time), Some(time))).collect()
}

#[tokio::test]
async fn a_merge_holds_few_batches_of_either_side() {
    let case = Case {
        left: Vec::new(),
        right: Vec::new(),
        direction: Direction::AtOrBefore,
        kind: Kind::Left,
        gap: None,
        keyed: true,
        doubles: false,
        batch_rows: 1_000,
        partitions: 1,
    };
    // The right side is some eight megabytes, and one may be held.
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(1 << 20, 1.0).build_arc().unwrap();
    for (left, right) in [
        (at([0, 199_999].into_iter()), at(0..200_000)),
        (at((0..200_000).step_by(1_000)), at(0..200_000)),
        (at(0..200_000), at((0..200_000).step_by(1_000))),
    ] {
        let (left, right) = (Case { left, ..case.clone() }, Case { right, ..case.clone() });
        let join = joined(
            scan(&[batches(&left.left, &case)], &case),
            scan(&[batches(&right.right, &case)], &case),
            &case,
            Mode::Merge,
        );
        let context = Arc::new(TaskContext::default().with_runtime(Arc::clone(&runtime)));
        let answer = collect_partitioned(join, context).await.unwrap();
        let found = read(&answer[0], &case);
        assert_eq!(found.len(), left.left.len());
        assert!(found.iter().all(|(left, right)| {
            let right = right.as_ref().and_then(|right| right.1).unwrap();
            (0..1_000).contains(&(left.1.unwrap() - right))
        }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_row_gets_the_match_that_comparing_all_finds(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let looked_up = runtime.block_on(run(&case, Mode::Lookup));
        for (rows, found) in spread(&case.left, &case).iter().zip(&looked_up) {
            let wanted: Vec<_> = rows.iter().filter_map(|row| expected(&case, row)).collect();
            prop_assert_eq!(found, &wanted);
        }
        let merged = runtime.block_on(run(&case, Mode::Merge));
        let wanted: Vec<_> = in_order(&case.left, case.keyed)
            .iter()
            .filter_map(|row| expected(&case, row))
            .collect();
        prop_assert_eq!(&merged[0], &wanted);
    }
}

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
        StringArray, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray,
        UInt32Array,
    },
    compute::take_record_batch,
};
use hub_model::Agreement;
use proptest::prelude::*;

use super::*;

type Row = (Option<i64>, Option<f64>, Option<String>, Option<bool>, Option<i64>);

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 5] = [
        ("n", Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>())),
        ("x", Arc::new(rows.iter().map(|r| r.1).collect::<Float64Array>())),
        ("t", Arc::new(rows.iter().map(|r| r.2.as_deref()).collect::<StringArray>())),
        ("b", Arc::new(rows.iter().map(|r| r.3).collect::<BooleanArray>())),
        ("at", Arc::new(rows.iter().map(|r| r.4).collect::<TimestampMicrosecondArray>())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn hash(batches: &[RecordBatch], ordered: bool) -> ResultHash {
    let mut hasher = Hasher::new(ordered);
    for batch in batches {
        hasher.add(batch).unwrap();
    }
    hasher.finish()
}

fn of_column(column: ArrayRef) -> ResultHash {
    hash(&[RecordBatch::try_from_iter([("c", column)]).unwrap()], false)
}

fn row() -> impl Strategy<Value = Row> {
    (
        proptest::option::of(-3_i64..3),
        proptest::option::of(prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), -1e9..1e9]),
        proptest::option::of("[a-c,\u{0}\"]{0,2}|余市"),
        proptest::option::of(any::<bool>()),
        proptest::option::of(-10_i64..10),
    )
}

/// A value of the row that differs from the one that is there.
fn changed(row: &Row, place: usize) -> Row {
    let mut row = row.clone();
    match place {
        0 => row.0 = row.0.map_or(Some(0), |n| Some(n + 1)),
        1 => row.1 = row.1.map_or(Some(0.0), |x| if x.is_nan() { None } else { Some(x + 1.0) }),
        2 => row.2 = row.2.map_or(Some(String::new()), |t| Some(t + "x")),
        3 => row.3 = row.3.map_or(Some(false), |b| if b { None } else { Some(true) }),
        _ => row.4 = row.4.map_or(Some(0), |at| Some(at + 1)),
    }
    row
}

proptest! {
    #[test]
    fn neither_order_nor_batches_matter(
        rows in proptest::collection::vec(row(), 1..40),
        keys in proptest::collection::vec(any::<u32>(), 40),
        cuts in proptest::collection::vec(0_usize..40, 0..4),
    ) {
        let whole = batch(&rows);
        let mut order: Vec<u32> = (0..u32::try_from(rows.len()).unwrap()).collect();
        order.sort_by_key(|row| keys[*row as usize]);
        let turned = take_record_batch(&whole, &UInt32Array::from(order)).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (rows.len() + 1)).collect();
        cuts.extend([0, rows.len()]);
        cuts.sort_unstable();
        let parts: Vec<_> =
            cuts.windows(2).map(|ends| turned.slice(ends[0], ends[1] - ends[0])).collect();
        prop_assert_eq!(hash(&[whole], false), hash(&parts, false));
    }

    #[test]
    fn any_changed_cell_and_any_row_more_or_less_is_seen(
        rows in proptest::collection::vec(row(), 1..20),
        at in any::<prop::sample::Index>(),
        place in 0_usize..5,
    ) {
        let before = hash(&[batch(&rows)], false);
        let mut other = rows.clone();
        let index = at.index(rows.len());
        other[index] = changed(&rows[index], place);
        prop_assert_eq!(hash(&[batch(&other)], false).compare(&before), Agreement::Different);
        let mut twice = rows.clone();
        twice.push(rows[index].clone());
        prop_assert_eq!(hash(&[batch(&twice)], false).compare(&before), Agreement::Different);
        other.remove(index);
        prop_assert_eq!(hash(&[batch(&other)], false).compare(&before), Agreement::Different);
    }

    #[test]
    fn values_that_change_places_between_rows_are_seen(a in row(), b in row()) {
        let swapped = [
            (b.0, a.1, a.2.clone(), a.3, a.4),
            (a.0, b.1, b.2.clone(), b.3, b.4),
        ];
        let before = hash(&[batch(&[a.clone(), b.clone()])], false);
        let rest_alike = format!("{:?}", (a.1, &a.2, a.3, a.4)) == format!("{:?}", (b.1, &b.2, b.3, b.4));
        prop_assume!(a.0 != b.0 && !rest_alike && a.1 != b.1);
        prop_assert_eq!(hash(&[batch(&swapped)], false).compare(&before), Agreement::Different);
    }

    #[test]
    fn sums_are_the_same_whatever_the_order_of_adding(
        tenths in proptest::collection::vec(1_i32..100_000, 2..200),
        by in 1_u32..400,
    ) {
        let values: Vec<f64> = tenths.iter().map(|n| f64::from(*n) / 10.0).collect();
        let forward: f64 = values.iter().sum::<f64>() / f64::from(by);
        let backward: f64 = values.iter().rev().sum::<f64>() / f64::from(by);
        let halves: f64 = values.chunks(7).map(|part| part.iter().sum::<f64>()).sum::<f64>() / f64::from(by);
        // What cancels out has no digits left to agree in; these don't.
        let of = |value: f64| of_column(Arc::new(Float64Array::from(vec![value])));
        prop_assert_eq!(of(forward).compare(&of(backward)), Agreement::Same);
        prop_assert_eq!(of(forward).compare(&of(halves)), Agreement::Same);
    }
}

#[test]
fn a_sequence_is_seen_where_the_rows_are_ordered() {
    let rows = |order: [i64; 3]| {
        let column: ArrayRef = Arc::new(Int64Array::from(order.to_vec()));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    };
    let (up, turned) = (rows([1, 2, 3]), rows([1, 3, 2]));
    let ordered = hash(std::slice::from_ref(&up), true);
    assert_eq!(
        hash(std::slice::from_ref(&turned), true).compare(&ordered),
        Agreement::OtherSequence
    );
    assert_eq!(hash(&[up.slice(0, 1), up.slice(1, 2)], true), ordered);
    assert_eq!(hash(&[turned], false).compare(&hash(&[up], false)), Agreement::Same);
}

#[test]
fn kinds_differ_and_widths_do_not() {
    let one = of_column(Arc::new(Int64Array::from(vec![1])));
    assert_eq!(of_column(Arc::new(Int32Array::from(vec![1]))), one);
    let text = of_column(Arc::new(StringArray::from(vec!["1"])));
    assert_eq!(of_column(Arc::new(StringViewArray::from(vec!["1"]))), text);
    let ms = TimestampMillisecondArray::from(vec![1]);
    let us = TimestampMicrosecondArray::from(vec![1_000]);
    assert_eq!(of_column(Arc::new(ms)), of_column(Arc::new(us.clone())));
    let zoned = of_column(Arc::new(us.clone().with_timezone("Asia/Tokyo")));
    assert_eq!(zoned, of_column(Arc::new(us.clone().with_timezone("UTC"))));
    let decimal = |value, scale| {
        let column = Decimal128Array::from(vec![value]).with_precision_and_scale(10, scale);
        of_column(Arc::new(column.unwrap()))
    };
    assert_eq!(decimal(150, 2), decimal(15, 1));
    assert_ne!(decimal(150, 2), decimal(15, 2));
    let kinds = [
        one,
        text,
        zoned,
        of_column(Arc::new(us)),
        of_column(Arc::new(Float64Array::from(vec![1.0]))),
        of_column(Arc::new(BooleanArray::from(vec![true]))),
        of_column(Arc::new(Date32Array::from(vec![1]))),
        decimal(1, 0),
        of_column(Arc::new(Int64Array::from(vec![None]))),
        of_column(Arc::new(Int64Array::from(vec![0]))),
        of_column(Arc::new(StringArray::from(vec![""]))),
    ];
    for (place, kind) in kinds.iter().enumerate() {
        assert!(kinds[..place].iter().all(|other| other.compare(kind) == Agreement::Different));
    }
}

#[test]
fn the_form_stays_as_it_is_published() {
    let rows = [
        (Some(-3), Some(12.345_678_901_259_9), Some("余市".to_owned()), Some(true), Some(0)),
        (None, Some(-0.0), None, None, None),
    ];
    assert_eq!(
        hash(&[batch(&rows)], true).to_string(),
        "mrh1-08840e3fc9ec75c515669ca8f9552e8c-ff06c5a0456b96695a7fd55397492cc2-\
         ffc5c235c99629c73c6460efd00f5b48-5129235850fc2d539865345a8b655348"
    );
    assert_eq!(hash(&[], true).to_string(), format!("mrh1-{0}-{0}-{0}-{0}", "0".repeat(32)));
}

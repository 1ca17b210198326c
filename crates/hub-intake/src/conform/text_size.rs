//! How much text an array stands for, which views and dictionaries can make far more than they hold.

use arrow::{
    array::{Array, ArrayRef, AsArray, OffsetSizeTrait},
    datatypes::DataType,
};

/// How many bytes of text an array stands for once it is written out.
pub(crate) fn text_bytes(array: &ArrayRef) -> u64 {
    use DataType as D;
    match array.data_type() {
        D::Utf8 => span(array.as_string::<i32>().offsets()),
        D::Binary => span(array.as_binary::<i32>().offsets()),
        D::LargeUtf8 => span(array.as_string::<i64>().offsets()),
        D::LargeBinary => span(array.as_binary::<i64>().offsets()),
        D::Utf8View => view_bytes(array.as_string_view().views()),
        D::BinaryView => view_bytes(array.as_binary_view().views()),
        D::FixedSizeBinary(width) => array.len() as u64 * u64::from(width.unsigned_abs()),
        D::Dictionary(..) => dictionary_bytes(array),
        _ => 0,
    }
}

fn span<O: OffsetSizeTrait>(offsets: &[O]) -> u64 {
    match offsets {
        [first, .., last] => (last.as_usize() - first.as_usize()) as u64,
        _ => 0,
    }
}

/// A view begins with its length.
fn view_bytes(views: &[u128]) -> u64 {
    views.iter().map(|view| u64::from(*view as u32)).sum()
}

/// Only the values that the keys name are asked: a batch is cut into parts that all have its whole
/// dictionary.
fn dictionary_bytes(array: &ArrayRef) -> u64 {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return 0 };
    let values = dictionary.values();
    let Some(length) = lengths(values).filter(|_| !values.is_empty()) else { return 0 };
    dictionary.normalized_keys().into_iter().map(length).sum()
}

/// How much text each value of an array stands for; none where it is no array of texts.
fn lengths(values: &ArrayRef) -> Option<Box<dyn Fn(usize) -> u64 + '_>> {
    fn of_spans<O: OffsetSizeTrait>(offsets: &[O]) -> Box<dyn Fn(usize) -> u64 + '_> {
        Box::new(|index| span(&offsets[index..index + 2]))
    }
    fn of_views(views: &[u128]) -> Box<dyn Fn(usize) -> u64 + '_> {
        Box::new(|index| view_bytes(&views[index..=index]))
    }
    use DataType as D;
    Some(match values.data_type() {
        D::Utf8 => of_spans(values.as_string::<i32>().offsets()),
        D::Binary => of_spans(values.as_binary::<i32>().offsets()),
        D::LargeUtf8 => of_spans(values.as_string::<i64>().offsets()),
        D::LargeBinary => of_spans(values.as_binary::<i64>().offsets()),
        D::Utf8View => of_views(values.as_string_view().views()),
        D::BinaryView => of_views(values.as_binary_view().views()),
        D::FixedSizeBinary(_) | D::Dictionary(..) => {
            Box::new(|index| text_bytes(&values.slice(index, 1)))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{
        array::{BinaryArray, DictionaryArray, Int32Array, StringArray},
        compute::cast,
        datatypes::{DataType as D, Int32Type},
    };

    use super::*;

    #[test]
    fn a_dictionary_stands_for_the_texts_that_its_keys_name() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["水位", "", "x", "unused"]));
        let keys = Int32Array::from(vec![Some(0), Some(2), Some(0), Some(1), None, Some(2)]);
        for of in [D::Utf8, D::LargeUtf8, D::Utf8View, D::Binary, D::LargeBinary, D::BinaryView] {
            let values = cast(&texts, &of).unwrap();
            let all: ArrayRef = Arc::new(DictionaryArray::new(keys.clone(), values));
            let parts = [(0, 2, 7), (2, 2, 6), (3, 1, 0), (5, 1, 1)];
            for (start, rows, bytes) in parts {
                assert_eq!(text_bytes(&all.slice(start, rows)), bytes, "{of} {start}");
            }
            let within = DictionaryArray::new(Int32Array::from(vec![0, 1, 1]), all);
            assert_eq!(text_bytes(&(Arc::new(within) as ArrayRef)), 8, "{of}");
        }
        let wide = BinaryArray::from_vec(vec![b"abc", b"def"]);
        let wide = cast(&wide, &D::FixedSizeBinary(3)).unwrap();
        let wide = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0, 0, 1]), wide);
        assert_eq!(text_bytes(&(Arc::new(wide) as ArrayRef)), 9);
    }
}

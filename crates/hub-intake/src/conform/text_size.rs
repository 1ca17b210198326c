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

fn dictionary_bytes(array: &ArrayRef) -> u64 {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return 0 };
    let values = dictionary.values();
    let all = text_bytes(values);
    if all == 0 || values.is_empty() {
        return 0;
    }
    let lengths: Vec<u64> =
        (0..values.len()).map(|index| text_bytes(&values.slice(index, 1))).collect();
    dictionary
        .normalized_keys()
        .into_iter()
        .map(|key| lengths.get(key).copied().unwrap_or_default())
        .sum()
}

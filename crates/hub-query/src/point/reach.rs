//! What filters say of the columns that files are sorted by.

use std::ops::{Bound, Range};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType},
};
use arrow_schema::Schema;
use datafusion::scalar::ScalarValue;
use hub_lake::DataFile;
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::{
    error::QueryError,
    filter::{FilterOperator, FilterValue, RowFilter, field, parse_value},
    table::{Exposed, Prepared, widened_maximum, widened_minimum},
};

/// The rows that filters leave of sorted files: those with these values of the leading sort columns, and
/// with values of the next one in a span.
#[derive(Debug)]
pub(crate) struct Reach {
    spans: Vec<Span>,
}

/// Values of one column.
#[derive(Debug)]
pub(crate) struct Span {
    column: usize,
    from: Bound<Key>,
    to: Bound<Key>,
}

/// How many values of a page are of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    None,
    /// Perhaps some.
    Some,
    All,
}

/// A value of a sort column. Only values of one column are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Text(String),
    Whole(i64),
}

/// The same, where it stands in a file or in an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum KeyRef<'a> {
    Text(&'a [u8]),
    Whole(i64),
}

impl Key {
    fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Text(text) => KeyRef::Text(text.as_bytes()),
            Self::Whole(number) => KeyRef::Whole(*number),
        }
    }

    fn of(value: ScalarValue) -> Option<Self> {
        Some(match value {
            ScalarValue::Utf8View(Some(text)) => Self::Text(text),
            ScalarValue::Int64(Some(number))
            | ScalarValue::TimestampMicrosecond(Some(number), _) => Self::Whole(number),
            ScalarValue::Int32(Some(number)) | ScalarValue::Date32(Some(number)) => {
                Self::Whole(i64::from(number))
            }
            _ => return None,
        })
    }
}

impl<'a> KeyRef<'a> {
    fn of_bound(bound: &'a hub_lake::Bound) -> Option<Self> {
        Some(match bound {
            hub_lake::Bound::Text(text) => Self::Text(text.as_bytes()),
            hub_lake::Bound::Integer(number) | hub_lake::Bound::Instant(number) => {
                Self::Whole(*number)
            }
            hub_lake::Bound::Date(day) => Self::Whole(i64::from(*day)),
            hub_lake::Bound::Boolean(_) | hub_lake::Bound::Number(_) => return None,
        })
    }
}

impl Reach {
    /// What the filters come to, and those that it does not stand for; none where they say nothing of the
    /// column that files are sorted by first.
    pub(crate) fn of<'a>(
        prepared: &Prepared,
        shown: &[Exposed],
        filters: &'a [RowFilter],
    ) -> Result<Option<(Self, Vec<&'a RowFilter>)>, QueryError> {
        let contract = &prepared.contract;
        let mut rest: Vec<&RowFilter> = filters.iter().collect();
        let mut spans = Vec::new();
        for column in &prepared.sorted_by {
            let sorted = &contract.fields[*column];
            if shown[*column].judged_by.is_some() {
                break;
            }
            let mut span = Span { column: *column, from: Bound::Unbounded, to: Bound::Unbounded };
            let mut kept = Vec::with_capacity(rest.len());
            for filter in rest {
                let is_of_it = field(contract, &filter.column)?.name == sorted.name;
                let key = match &filter.value {
                    FilterValue::One(value) if is_of_it && !span.is_one_value() => {
                        Key::of(parse_value(sorted, value)?)
                    }
                    _ => None,
                };
                if !key.is_some_and(|key| span.take(filter.operator, key)) {
                    kept.push(filter);
                }
            }
            rest = kept;
            let goes_on = span.is_one_value();
            if span.says_something() {
                spans.push(span);
            }
            if !goes_on {
                break;
            }
        }
        Ok((!spans.is_empty()).then_some((Self { spans }, rest)))
    }

    /// The leading columns of which it wants one value, and what it wants of the one after them.
    pub(super) fn fixed_and_last(&self) -> (&[Span], Option<&Span>) {
        match self.spans.split_last() {
            Some((last, before)) if !last.is_one_value() => (before, Some(last)),
            _ => (&self.spans, None),
        }
    }

    /// Whether all rows within reach have one value of this column.
    pub(crate) fn is_fixed(&self, column: usize) -> bool {
        self.spans.iter().any(|span| span.column == column && span.is_one_value())
    }

    /// Whether a file can have rows within reach, by what the log says of it.
    pub(super) fn may_touch(&self, file: &DataFile, schema: &Schema) -> bool {
        self.spans.iter().all(|span| {
            let Some(known) = file.columns.get(schema.field(span.column).name()) else {
                return true;
            };
            // Exact bounds need no copy.
            let widened = |bound: &Option<hub_lake::Bound>, widen: fn(&_, bool) -> Option<_>| {
                bound.as_ref().filter(|_| !known.exact).and_then(|bound| widen(bound, false))
            };
            let wide = (
                widened(&known.minimum, widened_minimum),
                widened(&known.maximum, widened_maximum),
            );
            let (least, greatest) = match known.exact {
                true => (known.minimum.as_ref(), known.maximum.as_ref()),
                false => (wide.0.as_ref(), wide.1.as_ref()),
            };
            least.and_then(KeyRef::of_bound).is_none_or(|least| !span.ends_before(least))
                && greatest.and_then(KeyRef::of_bound).is_none_or(|most| !span.begins_after(most))
        })
    }
}

impl Span {
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// Its one value; none where it may have others.
    pub(super) fn value(&self) -> Option<&Key> {
        match &self.from {
            Bound::Included(value) if self.is_one_value() => Some(value),
            _ => None,
        }
    }

    fn says_something(&self) -> bool {
        !matches!((&self.from, &self.to), (Bound::Unbounded, Bound::Unbounded))
    }

    fn is_one_value(&self) -> bool {
        matches!((&self.from, &self.to), (Bound::Included(from), Bound::Included(to)) if from == to)
    }

    /// Narrows the span by a comparison; false where it is none that a span can stand for.
    fn take(&mut self, operator: FilterOperator, key: Key) -> bool {
        match operator {
            FilterOperator::Eq => {
                self.begin(Bound::Included(key.clone()));
                self.end(Bound::Included(key));
            }
            FilterOperator::Gt => self.begin(Bound::Excluded(key)),
            FilterOperator::Gte => self.begin(Bound::Included(key)),
            FilterOperator::Lt => self.end(Bound::Excluded(key)),
            FilterOperator::Lte => self.end(Bound::Included(key)),
            _ => return false,
        }
        true
    }

    fn begin(&mut self, from: Bound<Key>) {
        let (Bound::Included(key) | Bound::Excluded(key)) = &from else { return };
        let is_later = match &self.from {
            Bound::Unbounded => true,
            Bound::Included(before) => {
                key > before || key == before && matches!(from, Bound::Excluded(_))
            }
            Bound::Excluded(before) => key > before,
        };
        if is_later {
            self.from = from;
        }
    }

    fn end(&mut self, to: Bound<Key>) {
        let (Bound::Included(key) | Bound::Excluded(key)) = &to else { return };
        let is_earlier = match &self.to {
            Bound::Unbounded => true,
            Bound::Included(before) => {
                key < before || key == before && matches!(to, Bound::Excluded(_))
            }
            Bound::Excluded(before) => key < before,
        };
        if is_earlier {
            self.to = to;
        }
    }

    /// Whether the span lies after this value.
    fn begins_after(&self, value: KeyRef<'_>) -> bool {
        match &self.from {
            Bound::Unbounded => false,
            Bound::Included(from) => value < from.as_ref(),
            Bound::Excluded(from) => value <= from.as_ref(),
        }
    }

    /// Whether the span lies before this value.
    fn ends_before(&self, value: KeyRef<'_>) -> bool {
        match &self.to {
            Bound::Unbounded => false,
            Bound::Included(to) => value > to.as_ref(),
            Bound::Excluded(to) => value >= to.as_ref(),
        }
    }

    /// How many values of a page are of the span, as far as a file's own index tells.
    pub(super) fn touches_page(&self, index: &ColumnIndexMetaData, page: usize) -> Touch {
        if index.is_null_page(page) {
            return Touch::None;
        }
        let (least, greatest) = match index {
            ColumnIndexMetaData::BYTE_ARRAY(index) => {
                (index.min_value(page).map(KeyRef::Text), index.max_value(page).map(KeyRef::Text))
            }
            ColumnIndexMetaData::INT64(index) => {
                let whole = |value: Option<&i64>| value.copied().map(KeyRef::Whole);
                (whole(index.min_value(page)), whole(index.max_value(page)))
            }
            ColumnIndexMetaData::INT32(index) => {
                let whole = |value: Option<&i32>| value.map(|v| KeyRef::Whole(i64::from(*v)));
                (whole(index.min_value(page)), whole(index.max_value(page)))
            }
            _ => (None, None),
        };
        let (Some(least), Some(greatest)) = (least, greatest) else { return Touch::Some };
        if self.ends_before(least) || self.begins_after(greatest) {
            return Touch::None;
        }
        // Long texts are cut in the index, to bounds that still hold all values between them.
        let is_whole = !self.begins_after(least) && !self.ends_before(greatest);
        if is_whole && index.null_count(page) == Some(0) { Touch::All } else { Touch::Some }
    }

    /// The places of the span's values in a sorted column whose missing values come last; none where the
    /// column is of another type.
    pub(super) fn within(&self, column: &ArrayRef) -> Option<Range<usize>> {
        let present = column.len() - column.null_count();
        let find = |value: &dyn Fn(usize) -> i64| {
            self.places(present, |place| KeyRef::Whole(value(place)))
        };
        Some(match column.data_type() {
            DataType::Utf8View => {
                let texts = column.as_string_view();
                self.places(present, |place| KeyRef::Text(texts.value(place).as_bytes()))
            }
            DataType::Int64 => find(&|place| column.as_primitive::<Int64Type>().value(place)),
            DataType::Timestamp(..) => {
                let instants = column.as_primitive_opt::<TimestampMicrosecondType>()?;
                find(&|place| instants.value(place))
            }
            DataType::Int32 => {
                find(&|place| i64::from(column.as_primitive::<Int32Type>().value(place)))
            }
            DataType::Date32 => {
                find(&|place| i64::from(column.as_primitive::<Date32Type>().value(place)))
            }
            _ => return None,
        })
    }

    fn places<'v>(&self, count: usize, value: impl Fn(usize) -> KeyRef<'v>) -> Range<usize> {
        let first = |is_before: &dyn Fn(KeyRef<'v>) -> bool| {
            let (mut from, mut to) = (0, count);
            while from < to {
                let middle = from + (to - from) / 2;
                if is_before(value(middle)) { from = middle + 1 } else { to = middle }
            }
            from
        };
        let from = first(&|value| self.begins_after(value));
        let to = first(&|value| !self.ends_before(value));
        from..to.max(from)
    }
}

//! Qualities that the hub sets itself: `doubtful` where a value with an error is published all the same,
//! and what a mark without a value says.

use std::{collections::BTreeSet, sync::Arc};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use hub_model::{FieldRole, Quality, Text};

use super::{
    fault::FaultKind,
    faults::ColumnFaults,
    plan::{Plan, PlannedField},
};

/// What was set.
#[derive(Debug, Default)]
pub(crate) struct Flagged {
    /// Values that are doubtful now.
    pub(crate) values: u64,
    /// Errors that are answered by that.
    pub(crate) errors: u64,
}

/// Whether a value's error can be answered by its quality: there must be a column to say it in, and the
/// row must be one that can be stored.
fn can_flag(planned: &PlannedField<'_>, required: bool, kind: FaultKind) -> bool {
    let is_null = !matches!(
        kind,
        FaultKind::Minimum
            | FaultKind::Maximum
            | FaultKind::Enum
            | FaultKind::MinLength
            | FaultKind::MaxLength
            | FaultKind::Pattern
    );
    planned.field.role == FieldRole::Value
        && planned.quality.is_some()
        && kind != FaultKind::Required
        && !(is_null && required)
}

/// Sets the quality of every value that has an error and can be flagged.
pub(crate) fn set_doubtful(
    plan: &Plan<'_>,
    columns: &mut [ArrayRef],
    found: &[ColumnFaults],
) -> Flagged {
    let mut flagged = Flagged::default();
    for (index, planned) in plan.fields.iter().enumerate() {
        let Some(quality) = planned.quality else { continue };
        let required = !plan.schema.field(index).is_nullable();
        let mut rows = BTreeSet::new();
        for (row, kind) in found[index].listed() {
            if can_flag(planned, required, *kind) {
                rows.insert(*row);
                flagged.errors += 1;
            }
        }
        if rows.is_empty() {
            continue;
        }
        flagged.values += rows.len() as u64;
        let words = columns[quality].as_string::<i32>();
        let words: StringArray = (0..words.len())
            .map(|row| {
                if rows.contains(&row) {
                    Some(Quality::Doubtful.as_str())
                } else {
                    words.is_valid(row).then(|| words.value(row))
                }
            })
            .collect();
        columns[quality] = Arc::new(words);
    }
    flagged
}

/// The qualities with those that marks stand for, where there was none; marks are in ascending order.
pub(crate) fn fill(words: &StringArray, marks: &[(usize, Quality)]) -> ArrayRef {
    let mut marks = marks.iter().peekable();
    let filled: StringArray = (0..words.len())
        .map(|row| {
            let mark = marks.next_if(|(at, _)| *at == row).map(|(_, quality)| quality.as_str());
            if words.is_valid(row) { Some(words.value(row)) } else { mark }
        })
        .collect();
    Arc::new(filled)
}

/// What to do about a value that could not be flagged.
pub(crate) fn advice(planned: &PlannedField<'_>, kind: FaultKind) -> Option<Text> {
    if kind == FaultKind::Required {
        return None;
    }
    if planned.field.role != FieldRole::Value {
        return Some(Text::new(
            "。「疑わしい値」として受け取れるのは観測値の列だけなので、直すか、quarantine を選んでください",
            "; only values can be published as doubtful, so mend it, or choose quarantine",
        ));
    }
    planned.quality.is_none().then(|| {
        let name = &planned.field.name;
        Text::new(
            format!("。「疑わしい値」として受け取るには、契約に「{name}」の品質の列（role: quality）を加えるか、quarantine を選んでください"),
            format!("; to publish it as doubtful, give the contract a column for the quality of {name:?} (role: quality), or choose quarantine"),
        )
    })
}

//! One stored file without its rows of a stretch of time.

use std::sync::Arc;

use arrow::{array::BooleanArray, compute::filter_record_batch};

use crate::{
    DataFile, LakeError,
    revise::{
        reach::{Columns, Stretch},
        reader::{Source, Wanted},
        writer::FileWriter,
    },
    stage::{Plan, chunk::times},
};

/// What leaves a file.
pub(crate) enum Leaving {
    /// Nothing.
    Nothing,
    /// All of it.
    Everything,
    /// Some rows; what stays is in a new file.
    Some(Box<FileWriter>),
}

/// Takes the rows of a stretch out of a file. A file that statistics tell to lie inside or outside of it
/// is not read.
pub(crate) fn without(
    plan: &Arc<Plan>,
    source: &Source,
    file: &DataFile,
    name: &str,
    stretch: Stretch,
) -> Result<Leaving, LakeError> {
    let column = file.columns.get(name);
    if !stretch.may_hold_some(column) {
        return Ok(Leaving::Nothing);
    }
    if stretch.holds_all(column) {
        return Ok(Leaving::Everything);
    }
    if !holds_any(source, file, name, stretch)? {
        return Ok(Leaving::Nothing);
    }
    let mut batches = source.read(&file.path, file.bytes, &Wanted { columns: None, reach: &[] })?;
    let mut writer = FileWriter::create(plan, &source.schema)?;
    while let Some(batch) = batches.next()? {
        let times = batch.column_by_name(name).map(times).unwrap_or_default();
        let stays: Vec<bool> = times.into_iter().map(|time| !stretch.holds(time)).collect();
        let stays = filter_record_batch(&batch, &BooleanArray::from(stays))
            .map_err(LakeError::rows(plan.dataset(), "sorted"))?;
        writer.write(&stays)?;
    }
    Ok(if writer.rows() == 0 { Leaving::Everything } else { Leaving::Some(Box::new(writer)) })
}

fn holds_any(
    source: &Source,
    file: &DataFile,
    name: &str,
    stretch: Stretch,
) -> Result<bool, LakeError> {
    let columns = [name.to_owned()];
    let reach: Vec<Columns> = stretch
        .column(&source.schema, name)
        .map(|column| Columns::from([(name.to_owned(), column)]))
        .into_iter()
        .collect();
    let wanted = Wanted { columns: Some(&columns), reach: &reach };
    let mut batches = source.read(&file.path, file.bytes, &wanted)?;
    while let Some(batch) = batches.next()? {
        let times = batch.column_by_name(name).map(times).unwrap_or_default();
        if times.into_iter().any(|time| stretch.holds(time)) {
            return Ok(true);
        }
    }
    Ok(false)
}

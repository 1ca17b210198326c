//! What is said of a published file.

use hub_model::DatasetId;
use serde_json::Value;

use super::Mode;
use crate::cli::{
    error::CliError,
    output::{Console, bytes, clean, count, counted, instant, member, text_in},
};

/// Tells what became of the upload of a file of `size` bytes.
pub(super) fn tell(
    console: &mut Console<'_>,
    (to, mode): (&DatasetId, Mode),
    dataset: &Value,
    upload: &Value,
    size: u64,
    replayed: bool,
) -> Result<(), CliError> {
    let number = |name: &str| upload.get(name).and_then(Value::as_u64).map(count);
    let title = text_in(dataset.pointer("/metadata/title"), console.look.language);
    let rows = upload.get("rows_added").and_then(Value::as_u64).unwrap_or_default();
    let of_version = |name: &str| {
        let count_of = upload.pointer(&format!("/published/{name}")).and_then(Value::as_u64);
        count_of.map(count).unwrap_or_default()
    };
    let answered = |name: &str| upload.get(name).and_then(Value::as_u64).unwrap_or_default();
    let version = number("version").unwrap_or_else(|| member(upload, "version"));
    if replayed {
        console.line(format_args!(
            "{to}: this very file was published before, as version {version}; nothing was added now"
        ))?;
        return Ok(console.remark("  To publish it once more: --again")?);
    }
    console.line(format_args!(
        "{to}: version {version} published, {}",
        match mode {
            Mode::Append => format!("{} added", counted(rows, "row")),
            Mode::Replace => format!("{} in place of all before", counted(rows, "row")),
            Mode::Upsert => format!(
                "{} added, {} changed, {} unchanged",
                counted(rows, "row"),
                of_version("rows_changed"),
                of_version("rows_unchanged")
            ),
            Mode::ReplacePeriod => format!(
                "{} in place of {} of their period",
                counted(rows, "row"),
                of_version("rows_removed")
            ),
        }
    ))?;
    if !title.is_empty() {
        console.remark(format_args!("  {title}, {}", bytes(size)))?;
    }
    let (kept_back, flagged) = (answered("kept_back"), answered("flagged"));
    if kept_back > 0 {
        let id = member(upload, "id");
        console.line(format_args!(
            "  {} kept back, since they break the contract",
            counted(kept_back, "row")
        ))?;
        console.remark(format_args!(
            "  To mend them and send them again: mochiyori download {} --from {to} --kept-back",
            clean(&id)
        ))?;
    }
    if flagged > 0 {
        console.line(format_args!(
            "  {} published as doubtful, since they break the contract",
            counted(flagged, "value")
        ))?;
    }
    let period = |name: &str| {
        upload.pointer(&format!("/report/period/{name}")).and_then(Value::as_str).map(instant)
    };
    if let (Some(first), Some(last)) = (period("first"), period("last")) {
        console.remark(format_args!("  from {first} to {last}"))?;
    }
    for column in upload.pointer("/report/columns").and_then(Value::as_array).into_iter().flatten()
    {
        let missing = column.get("missing").and_then(Value::as_u64).unwrap_or_default();
        if missing > 0 {
            let name = member(column, "name");
            console.remark(format_args!(
                "  {}: {} without a value",
                clean(&name),
                count(missing)
            ))?;
        }
    }
    Ok(())
}

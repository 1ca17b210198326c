//! What is said of a published file.

use hub_model::DatasetId;
use serde_json::Value;

use super::Mode;
use crate::cli::{
    error::CliError,
    findings::findings,
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
    let language = console.look.language;
    if replayed {
        let said = language.say(
            format!("{to}：同じファイルが版{version}として公開済みなので、何も加えていません"),
            format!(
                "{to}: this very file was published before, as version {version}; nothing was added now"
            ),
        );
        let again = language.say(
            "  もう一度公開するには --again を付けてください".to_owned(),
            "  To publish it once more: --again".to_owned(),
        );
        console.line(said)?;
        return Ok(console.remark(again)?);
    }
    let (changed, unchanged) = (of_version("rows_changed"), of_version("rows_unchanged"));
    let removed = of_version("rows_removed");
    let (ja, en) = match mode {
        Mode::Append => {
            (format!("{}行を加えました", count(rows)), format!("{} added", counted(rows, "row")))
        }
        Mode::Replace => (
            format!("前の行すべてに代えて{}行としました", count(rows)),
            format!("{} in place of all before", counted(rows, "row")),
        ),
        Mode::Upsert => (
            format!("{}行を加え、{changed}行を改めました（同じままは{unchanged}行）", count(rows)),
            format!("{} added, {changed} changed, {unchanged} unchanged", counted(rows, "row")),
        ),
        Mode::ReplacePeriod => (
            format!("期間の{removed}行に代えて{}行としました", count(rows)),
            format!("{} in place of {removed} of their period", counted(rows, "row")),
        ),
    };
    let said = language.say(
        format!("{to}：版{version}を公開しました。{ja}"),
        format!("{to}: version {version} published, {en}"),
    );
    console.line(said)?;
    if !title.is_empty() {
        console.remark(format_args!("  {title}, {}", bytes(size)))?;
    }
    let (kept_back, flagged) = (answered("kept_back"), answered("flagged"));
    if kept_back > 0 {
        let id = member(upload, "id");
        let id = clean(&id);
        let said = language.say(
            format!("  契約に合わない{}行を取り置きました", count(kept_back)),
            format!("  {} kept back, since they break the contract", counted(kept_back, "row")),
        );
        let next = language.say(
            format!("  直して送り直すには：mochiyori download {id} --from {to} --kept-back"),
            format!(
                "  To mend them and send them again: mochiyori download {id} --from {to} --kept-back"
            ),
        );
        console.line(said)?;
        console.remark(next)?;
    }
    if flagged > 0 {
        let said = language.say(
            format!("  契約に合わない{}個の値を「疑わしい」として公開しました", count(flagged)),
            format!(
                "  {} published as doubtful, since they break the contract",
                counted(flagged, "value")
            ),
        );
        console.line(said)?;
    }
    let period = |name: &str| {
        upload.pointer(&format!("/report/period/{name}")).and_then(Value::as_str).map(instant)
    };
    if let (Some(first), Some(last)) = (period("first"), period("last")) {
        let said = language
            .say(format!("  {first} から {last} まで"), format!("  from {first} to {last}"));
        console.remark(said)?;
    }
    let report = upload.get("report").unwrap_or(&Value::Null);
    for column in upload.pointer("/report/columns").and_then(Value::as_array).into_iter().flatten()
    {
        let missing = column.get("missing").and_then(Value::as_u64).unwrap_or_default();
        let is_in_file = column.get("source") != Some(&Value::Null);
        if missing > 0 && is_in_file {
            let name = member(column, "name");
            let (name, missing) = (clean(&name), count(missing));
            let said = language.say(
                format!("  {name}：値のない行が{missing}行"),
                format!("  {name}: {missing} without a value"),
            );
            console.remark(said)?;
        }
    }
    for finding in findings(report, language) {
        console.remark(format_args!("  ! {finding}"))?;
    }
    Ok(())
}

//! The file read once more as the proposed contract says: its rhythm in time, and whether it would be
//! taken in.

use hub_model::{ChangeKind, Contract, FieldRole, FieldType, Label, UploadReport};

use super::Notes;
use crate::{IntakeError, IntakeOptions, Recognised, conform::conform, conform::mapping::fold};

/// Of so many steps one may be missing where the cadence is still taken for the interval.
const FEW_GAPS: u64 = 2;

/// Says so where the hours of a day are columns, which a contract can't make times of.
pub(super) fn tell_hours_in_columns(contract: &Contract, notes: &mut Notes) {
    let has = |hour: u32| {
        let plain = |name: &str| fold(name).replace(' ', "") == format!("{hour}時");
        contract.fields.iter().any(|field| plain(&field.name))
    };
    let (first, last) = if has(1) && has(24) {
        (1, 24)
    } else if has(0) && has(23) {
        (0, 23)
    } else {
        return;
    };
    let (label_ja, label_en) = if last == 24 {
        ("終わり（label: end）", "end (label: end)")
    } else {
        ("始まり（label: start）", "start (label: start)")
    };
    notes.add_for_all(
        format!("{first}時から{last}時までが横に並んでいます。1行に1つの時刻の表（時刻・値）にすると、期間での検索や結合ができます。{last}時までの時刻は、ふつう間隔の{label_ja}です"),
        format!("the hours {first} to {last} are columns; a table with one time a row can be searched by period and joined, and hours up to {last} usually name the {label_en} of an interval"),
    );
}

/// How many rows a file has.
pub(super) fn rows(
    recognised: &Recognised,
    contract: &Contract,
    options: &IntakeOptions,
) -> Result<u64, IntakeError> {
    Ok(read(recognised, contract, options)?.rows)
}

/// Adds the interval and the label that the file shows to the time of the contract; answers the file's
/// rows.
pub(super) fn add(
    recognised: &Recognised,
    contract: &mut Contract,
    options: &IntakeOptions,
    notes: &mut Notes,
) -> Result<u64, IntakeError> {
    let report = read(recognised, contract, options)?;
    if report.error_count > 0 {
        let count = report.error_count;
        let (ja, en) = report.errors.first().map_or((String::new(), String::new()), |error| {
            (format!("（{}）", error.message.ja), format!(" ({})", error.message.en))
        });
        notes.add_for_all(
            format!(
                "このファイルには、この契約のままでは受け取れないところが{count}か所あります{ja}"
            ),
            format!("{count} places of the file break this contract{en}"),
        );
    }
    for warning in report.warnings.iter().take(5) {
        notes.add_for_all(warning.message.ja.clone(), warning.message.en.clone());
    }
    let rows = report.rows;
    let time = contract.fields.iter_mut().find(|field| field.role == FieldRole::Time);
    let Some(time) = time.filter(|time| time.interval.is_none()) else { return Ok(rows) };
    let name = time.name.clone();
    let cadence = report.coverage.as_ref().and_then(|coverage| {
        let missing = coverage.gaps.as_ref().map_or(0, |gaps| gaps.missing_steps);
        coverage.cadence.filter(|_| missing <= rows * FEW_GAPS)
    });
    let Some(cadence) = cadence else {
        notes.add(
            &name,
            "時刻の並びからは観測の間隔がわかりません。間隔（interval）と、時刻がその始まりか終わりか（label）を書き加えてください",
            "the steps of the times do not show how long an observation is; please add its interval and whether the time is its start or end (label)",
        );
        return Ok(rows);
    };
    time.interval = Some(cadence);
    notes.add(
        &name,
        format!("時刻の並びから、観測の間隔（interval）を{cadence}としました"),
        format!("the interval {cadence} is from the steps of the times"),
    );
    let ends_at_24 = report.changes.iter().any(|change| change.kind == ChangeKind::Hour24);
    let header = fold(&name).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| header.contains(word));
    if time.field_type == FieldType::Datetime && ends_at_24 {
        time.label = Some(Label::End);
        notes.add(
            &name,
            "24時があるので、時刻は間隔の終わり（label: end）としました",
            "there is a 24 o'clock, so a time is the end of its interval (label: end)",
        );
    } else if says(&["開始", "始", "から", "start", "begin"]) {
        time.label = Some(Label::Start);
        notes.add(
            &name,
            "見出しから、時刻は間隔の始まり（label: start）としました",
            "the heading says that a time is the start of its interval (label: start)",
        );
    } else if says(&["終了", "終", "まで", "end"]) {
        time.label = Some(Label::End);
        notes.add(
            &name,
            "見出しから、時刻は間隔の終わり（label: end）としました",
            "the heading says that a time is the end of its interval (label: end)",
        );
    } else if time.field_type == FieldType::Datetime {
        notes.add(
            &name,
            "時刻が間隔の始まりか終わりか（label）は、ファイルからはわかりません。書き加えてください",
            "the file does not show whether a time is the start or the end of its interval (label); please add it",
        );
    }
    Ok(rows)
}

fn read(
    recognised: &Recognised,
    contract: &Contract,
    options: &IntakeOptions,
) -> Result<UploadReport, IntakeError> {
    let contract =
        contract.clone().validated().map_err(|e| IntakeError::Internal(e.to_string()))?;
    let options = IntakeOptions { error_cap: 10, ..options.clone() };
    let options = IntakeOptions { on_error: hub_model::OnError::Reject, ..options };
    conform(recognised, &contract, &options, &mut |_| Ok(()))
}

//! The columns whose values together name a row: candidates from what the columns are, proved by a
//! second reading of the file in bounded memory.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use arrow::{
    array::{Array, ArrayRef},
    row::{RowConverter, SortField},
};
use hub_model::{FieldRole, FieldType};

use super::{Column, Notes};
use crate::{
    IntakeError, IntakeOptions, Recognised,
    conform::{
        cells::{self, BlockCells},
        faults::ColumnFaults,
        missing::MissingTexts,
        text_size::text_bytes,
        time::TimeFormat,
    },
    decode::{self, Block, guarded},
};

/// How many hashes of keys are kept in all.
const MAX_HASHES: usize = 8_000_000;

/// How many columns beside the time are tried.
const MAX_SERIES: usize = 6;

/// Rows that are turned into keys at once, and the most text they may hold.
const ROWS: usize = 4_096;
const MAX_TEXT: u64 = 64 << 20;

struct Candidate {
    /// Positions among the columns.
    columns: Vec<usize>,
    seen: HashSet<u64>,
    full: bool,
}

/// The first candidate whose values no two rows share; the columns of it become the keys of the series.
pub(super) fn find(
    recognised: &Recognised,
    options: &IntakeOptions,
    columns: &mut [Column],
    notes: &mut Notes,
) -> Result<Vec<String>, IntakeError> {
    let mut candidates = candidates(columns);
    if !candidates.is_empty() {
        prove(recognised, options, columns, &mut candidates)?;
    }
    let Some(found) = candidates.iter().find(|candidate| !candidate.full) else {
        if candidates.is_empty() {
            notes.add_for_all(
                "1行を特定できる列の組が見つからなかったので、primaryKey は空です。同じ行が二度送られても見分けられません",
                "no columns were found that name a row, so primaryKey is empty; a row that is sent twice can't be told",
            );
        } else {
            notes.add_for_all(
                "行が多く、キーに重なりがないかを確かめきれませんでした。primaryKey を書き加えてください",
                "there are too many rows to prove a key; please add primaryKey",
            );
        }
        return Ok(Vec::new());
    };
    let mut found = found.columns.clone();
    if let Some(constant) = constant_place(columns, &found) {
        found.insert(0, constant);
        let name = &columns[constant].field.name;
        notes.add(
            name,
            "ファイルの中ではどの行も同じですが、ほかの場所のファイルと見分けられるよう、キーに入れました",
            "it is the same in every row of the file, and part of the key so that files of other places can be told from it",
        );
    }
    let names: Vec<String> =
        found.iter().map(|column| columns[*column].field.name.clone()).collect();
    for column in &found {
        let field = &mut columns[*column].field;
        if field.role == FieldRole::Attribute {
            field.role = FieldRole::Key;
        }
    }
    notes.add_for_all(
        format!("「{}」の組が同じ行はないので、primaryKey としました", names.join("・")),
        format!("no two rows share {}, so it is the primaryKey", names.join(", ")),
    );
    Ok(names)
}

/// The column that says where, of a file of one place whose key would not say it; a code sooner than a
/// name.
fn constant_place(columns: &[Column], key: &[usize]) -> Option<usize> {
    let is_series = |column: usize| {
        matches!(columns[column].field.role, FieldRole::Place | FieldRole::Key)
            || columns[column].is_series_like()
    };
    if key.iter().any(|column| is_series(*column)) {
        return None;
    }
    let is_constant = |column: &usize| {
        let column = &columns[*column];
        column.field.role == FieldRole::Place
            && column.field.field_type == FieldType::String
            && column.profile.missing == 0
            && column.profile.distinct() == Some(1)
    };
    let is_code = |column: &usize| {
        let name = columns[*column].field.name.to_lowercase();
        ["コード", "番号", "記号", "code", "id"].iter().any(|word| name.contains(word))
    };
    let mut constant: Vec<usize> = (0..columns.len()).filter(is_constant).collect();
    constant.sort_by_key(|column| !is_code(column));
    constant.first().copied()
}

/// Sets of columns without missing values, the fewest columns first: with the time where there is one.
fn candidates(columns: &[Column]) -> Vec<Candidate> {
    let complete = |column: &Column| column.profile.missing == 0 && column.profile.values > 0;
    let time = columns.iter().position(|c| c.field.role == FieldRole::Time && complete(c));
    let series: Vec<usize> = (0..columns.len())
        .filter(|index| {
            let column = &columns[*index];
            let is_code = column.field.field_type == FieldType::String
                && column.field.role != FieldRole::Quality;
            complete(column) && if time.is_some() { column.is_series_like() } else { is_code }
        })
        .take(MAX_SERIES)
        .collect();
    let mut sets: Vec<Vec<usize>> = Vec::new();
    sets.extend(time.map(|time| vec![time]));
    for one in &series {
        sets.push([*one].into_iter().chain(time).collect());
    }
    for (at, one) in series.iter().enumerate() {
        for other in &series[at + 1..] {
            sets.push([*one, *other].into_iter().chain(time).collect());
        }
    }
    if series.len() > 2 {
        sets.push(series.iter().copied().chain(time).collect());
    }
    sets.into_iter()
        .map(|columns| Candidate { columns, seen: HashSet::new(), full: false })
        .collect()
}

/// Drops every candidate of which two rows share the values.
fn prove(
    recognised: &Recognised,
    options: &IntakeOptions,
    columns: &[Column],
    candidates: &mut Vec<Candidate>,
) -> Result<(), IntakeError> {
    let mut decoder = decode::open(recognised, options)?;
    let mut used: Vec<usize> = candidates.iter().flat_map(|c| c.columns.iter().copied()).collect();
    used.sort_unstable();
    used.dedup();
    let mut places: Vec<(usize, usize)> =
        used.iter().map(|column| (columns[*column].place, *column)).collect();
    places.sort_unstable();
    guarded(|| decoder.select(&places.iter().map(|(place, _)| *place).collect::<Vec<_>>()))?;
    let nothing_missing = MissingTexts::new(&[]);
    let state = RandomState::new();
    while !candidates.is_empty() {
        options.check_stop()?;
        let arrays: Vec<ArrayRef> = match guarded(|| decoder.next_block())? {
            None => break,
            Some(Block::Text(block)) => places
                .iter()
                .map(|(place, _)| {
                    let cells =
                        BlockCells { block: &block, column: *place, missing: &nothing_missing };
                    let mut faults = ColumnFaults::new(0);
                    cells::convert(
                        &cells,
                        FieldType::String,
                        &TimeFormat::Default,
                        None,
                        &mut faults,
                    )
                })
                .collect(),
            Some(Block::Typed { batch, .. }) => batch.columns().to_vec(),
        };
        guarded(|| {
            check(&arrays, &places, candidates, &state);
            Ok(())
        })?;
    }
    Ok(())
}

fn check(
    arrays: &[ArrayRef],
    places: &[(usize, usize)],
    candidates: &mut Vec<Candidate>,
    state: &RandomState,
) {
    let rows = arrays.first().map_or(0, |array| array.len());
    let cap = MAX_HASHES / candidates.len().max(1);
    candidates.retain_mut(|candidate| {
        let chosen: Vec<&ArrayRef> = places
            .iter()
            .zip(arrays)
            .filter(|((_, column), _)| candidate.columns.contains(column))
            .map(|(_, array)| array)
            .collect();
        let fields = chosen.iter().map(|array| SortField::new(array.data_type().clone())).collect();
        let Ok(converter) = RowConverter::new(fields) else { return false };
        for start in (0..rows).step_by(ROWS) {
            if candidate.full {
                return true;
            }
            let parts: Vec<ArrayRef> =
                chosen.iter().map(|array| array.slice(start, ROWS.min(rows - start))).collect();
            if parts.iter().map(text_bytes).sum::<u64>() > MAX_TEXT {
                candidate.full = true;
                continue;
            }
            let Ok(keys) = converter.convert_columns(&parts) else { return false };
            for key in &keys {
                if !candidate.seen.insert(state.hash_one(key.as_ref())) {
                    return false;
                }
            }
            if candidate.seen.len() > cap {
                candidate.full = true;
                candidate.seen = HashSet::new();
            }
        }
        true
    });
}

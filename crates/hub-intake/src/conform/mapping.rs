//! Which column of the file is which field of the contract.

use hub_model::{CellError, Contract, Field, Rule, Text};
use unicode_normalization::UnicodeNormalization;

use crate::{decode::SourceColumn, show::show_text};

/// Where each field is found, and what of the header is wrong.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// For each field of the contract, the file's column.
    pub(crate) sources: Vec<Option<usize>>,
    /// What is wrong with the header.
    pub(crate) errors: Vec<CellError>,
}

/// Finds the fields by name, then by alias, then by either as they look alike under NFKC. Two columns
/// for a field, or two fields for a column, are an error and never a choice.
pub(crate) fn map_columns(
    columns: &[SourceColumn],
    contract: &Contract,
    header_row: Option<u64>,
) -> Mapping {
    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
    // Each once: every field is held against every column.
    let fields: Vec<String> = contract.fields.iter().map(|field| fold(&field.name)).collect();
    let mut errors = Vec::new();
    let mut ambiguous = vec![false; columns.len()];
    let mut sources = vec![None; contract.fields.len()];
    let mut settled = vec![false; contract.fields.len()];
    let mut taken = vec![false; columns.len()];
    type Looks<'a> = &'a dyn Fn(usize, usize) -> bool;
    let alias = |field: usize| contract.fields[field].alias.as_deref();
    let by_name = |field: usize, column: usize| contract.fields[field].name == names[column];
    let by_alias = |field: usize, column: usize| alias(field) == Some(names[column]);
    let by_look = |field: usize, column: usize| {
        fields[field] == folded[column] || alias(field) == Some(folded[column].as_str())
    };
    for looks in [&by_name as Looks<'_>, &by_alias, &by_look] {
        let mut claims: Vec<(usize, Vec<usize>)> = Vec::new();
        for index in (0..contract.fields.len()).filter(|index| !settled[*index]) {
            let found: Vec<usize> =
                (0..columns.len()).filter(|c| !taken[*c] && looks(index, *c)).collect();
            if !found.is_empty() {
                claims.push((index, found));
            }
        }
        for (index, found) in &claims {
            let field = &contract.fields[*index];
            settled[*index] = true;
            let contested =
                claims.iter().any(|(other, theirs)| other != index && theirs.contains(&found[0]));
            if found.len() == 1 && !contested {
                sources[*index] = Some(found[0]);
            } else {
                let shown: Vec<String> = found.iter().map(|c| show_text(names[*c])).collect();
                errors.push(ambiguity(field, &shown, header_row));
                found.iter().for_each(|column| ambiguous[*column] = true);
            }
        }
        for (_, found) in claims {
            found.into_iter().for_each(|column| taken[column] = true);
        }
    }
    for (index, field) in contract.fields.iter().enumerate() {
        let Some(source) = sources[index] else { continue };
        let is_twin =
            |other: &usize| columns[*other].shared_heading.as_deref() == Some(names[source]);
        let twins: Vec<usize> = (0..columns.len()).filter(|c| !taken[*c] && is_twin(c)).collect();
        if !twins.is_empty() {
            let shown = vec![show_text(names[source]); twins.len() + 1];
            errors.push(ambiguity(field, &shown, header_row));
            twins.into_iter().for_each(|column| taken[column] = true);
            sources[index] = None;
        }
    }
    for (index, field) in contract.fields.iter().enumerate() {
        if !settled[index] && contract.is_required(field) {
            errors.push(missing(field, columns, &taken));
        }
    }
    for (column, name) in names.iter().enumerate() {
        let is_ours = super::kept_back::ADDED.contains(&folded[column].as_str());
        if !taken[column] && !ambiguous[column] && !is_ours {
            let meant = (0..contract.fields.len())
                .find(|index| !settled[*index] && is_alike(&fields[*index], &folded[column]))
                .map(|index| contract.fields[index].name.as_str());
            errors.push(unknown(name, header_row, meant));
        }
    }
    Mapping { sources, errors }
}

/// A name as it looks: full-width letters and half-width kana are one with their usual forms, and the
/// spaces go by which a heading is spread out over its cell.
pub(crate) fn fold(name: &str) -> String {
    let plain = name.nfkc().collect::<String>();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let mut folded = String::with_capacity(plain.len());
    for word in words {
        let is_ascii = |c: Option<char>| c.is_some_and(|c| c.is_ascii());
        if is_ascii(folded.chars().next_back()) || is_ascii(word.chars().next()) {
            folded.push_str(if folded.is_empty() { "" } else { " " });
        }
        folded.push_str(word);
    }
    folded
}

fn ambiguity(field: &Field, found: &[String], row: Option<u64>) -> CellError {
    let name = &field.name;
    let (message, fix) = if found.len() > 1 {
        let listed = found.join(", ");
        (
            Text::new(
                format!("契約の「{name}」に当たる列が{}つあります（{listed}）", found.len()),
                format!(
                    "{} columns of the file could be the contract's {name:?} ({listed})",
                    found.len()
                ),
            ),
            Text::new(
                "1つだけを残し、ほかは削るか、別の見出しにしてください",
                "keep one of them, and take the others out or rename them",
            ),
        )
    } else {
        (
            Text::new(
                format!("列「{}」が、契約の「{name}」かほかの列かを決められません", found[0]),
                format!(
                    "the column {:?} could be the contract's {name:?} or another of its columns",
                    found[0]
                ),
            ),
            Text::new(
                "見出しを、契約の列の名前とまったく同じに書いてください",
                "write the heading exactly as the contract names the column",
            ),
        )
    };
    CellError {
        file: None,
        row,
        column: found.first().cloned(),
        cell: None,
        value: None,
        rule: Rule::UnknownColumn,
        message,
        fix,
    }
}

fn missing(field: &Field, columns: &[SourceColumn], taken: &[bool]) -> CellError {
    let name = &field.name;
    let spare: Vec<String> = columns
        .iter()
        .zip(taken)
        .filter(|(_, taken)| !**taken)
        .take(5)
        .map(|(column, _)| show_text(&column.name))
        .collect();
    let fix = if spare.is_empty() {
        Text::new(
            format!("見出しが「{name}」の列を加えてください"),
            format!("add a column with the heading {name}"),
        )
    } else {
        let spare = spare.join(", ");
        Text::new(
            format!(
                "契約にない列（{spare}）のどれかがそれなら、見出しを「{name}」に直してください。なければ列を加えてください"
            ),
            format!(
                "if one of the columns that the contract does not know ({spare}) is meant, change its heading to {name}; otherwise add the column"
            ),
        )
    };
    CellError {
        file: None,
        row: None,
        column: Some(name.clone()),
        cell: None,
        value: None,
        rule: Rule::MissingColumn,
        message: Text::new(
            format!("必須の列「{name}」がファイルにありません"),
            format!("the file has no column {name:?}, which is required"),
        ),
        fix,
    }
}

/// Whether one heading is the other with something added, such as a unit.
fn is_alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.chars().count() > 1 && long.contains(short)
}

/// A column that no field is read from; `meant` is the field that its heading is nearly that of.
fn unknown(name: &str, row: Option<u64>, meant: Option<&str>) -> CellError {
    let shown = show_text(name);
    let fix = match meant {
        Some(meant) => Text::new(
            format!(
                "契約の「{meant}」のことなら、見出しを「{meant}」に直してください。要らない列なら削ってください"
            ),
            format!(
                "if the contract's {meant:?} is meant, change the heading to that; take the column out if it is not needed"
            ),
        ),
        None => Text::new(
            format!("要らない列なら削り、要る列なら契約に「{shown}」を加えてから送ってください"),
            format!(
                "take the column out if it is not needed; otherwise add {shown:?} to the contract and send the file again"
            ),
        ),
    };
    CellError {
        file: None,
        row,
        column: Some(shown.clone()),
        cell: None,
        value: None,
        rule: Rule::UnknownColumn,
        message: Text::new(
            format!("列「{shown}」は契約にありません"),
            format!("the contract has no column {shown:?}"),
        ),
        fix,
    }
}

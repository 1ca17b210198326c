//! A contract for a file that has none yet: types decided over all of its values, roles, units and a key
//! found where the file shows them, and a note on every choice, for a person to confirm or correct.

mod decide;
mod keys;
mod place;
mod profile;
mod rhythm;
#[cfg(test)]
mod tests;
mod typed;

use std::collections::HashSet;

use hub_model::{Contract, DatasetMetadata, Field, FieldRole, FieldType, PresetName, Text, Unit};
use profile::Profile;
use serde::{Deserialize, Serialize};

use crate::{
    IntakeError, IntakeOptions, Recognised,
    conform::{kept_back, mapping::fold},
    decode::{self, Block, Decode, SourceColumn, Understood, guarded},
    personal::{self, Sampler},
    show::show_text,
    units,
};

/// Why the proposal is as it is, or what it leaves to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalNote {
    /// The column it is about, as the contract names it; none where the whole file is meant.
    pub column: Option<String>,
    /// What was found and chosen.
    pub message: Text,
}

/// A contract to confirm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// What the file shows. It keeps every rule of contracts, and has no aliases but those that the file
    /// itself gives: [`Contract::validated`] adds the others once a person has confirmed it.
    pub contract: Contract,
    /// How many rows the file has.
    pub rows: u64,
    /// A note on each choice, in the order of the columns.
    pub notes: Vec<ProposalNote>,
    /// The publisher's layout, where it is a known one.
    pub preset: Option<PresetName>,
    /// What a dataset of that layout says of itself, unless a person says otherwise.
    pub metadata: Option<DatasetMetadata>,
}

/// What is known of a column once the whole file was read.
struct Column {
    /// Its place in the file.
    place: usize,
    profile: Profile,
    field: Field,
}

/// Reads the whole file, twice where a key is looked for and once more as the contract says, and proposes
/// a contract for it.
pub fn propose(recognised: &Recognised, options: &IntakeOptions) -> Result<Proposal, IntakeError> {
    let mut notes = Notes::default();
    let decoder = decode::open(recognised, options)?;
    if let (Some(contract), Some(preset)) = (decoder.contract(), recognised.known_layout()) {
        let (ja, en) = preset.title;
        notes.add_for_all(
            format!("「{ja}」の様式と分かったので、その契約としました"),
            format!("the file is in the layout {en:?}, whose contract this is"),
        );
        let contract = contract.clone();
        let rows = rhythm::rows(recognised, &contract, options)?;
        let name = preset.name();
        let metadata = preset.publisher.metadata(name.title.clone());
        return Ok(Proposal { contract, rows, notes: notes.0, preset: Some(name), metadata });
    }
    let headings: Vec<String> = decoder.columns().iter().map(|c| c.name.clone()).collect();
    if let Some(found) = personal::by_headings(&headings) {
        return Err(about_persons(&found));
    }
    notes.add_understood(decoder.understood());
    let (sources, profiles) = read_profiles(decoder, options, &mut notes)?;
    let names = names(&sources, &mut notes);
    let mut missing_values = vec![String::new()];
    let mut columns = Vec::new();
    for (place, ((source, profile), name)) in
        sources.into_iter().zip(profiles).zip(names).enumerate()
    {
        let decided = match &source.data_type {
            None => Some(decide::by_values(&name, &profile, &mut notes)),
            Some(data_type) => typed::by_type(&name, data_type, &source.metadata, &mut notes),
        };
        let Some(mut field) = decided else { continue };
        if field.field_type != FieldType::String {
            for marker in &profile.markers {
                if !missing_values.contains(marker) {
                    missing_values.push(marker.clone());
                }
            }
        }
        if field.unit.is_none()
            && let Some(unit) = units::from_header(&name)
            && matches!(field.field_type, FieldType::Integer | FieldType::Number)
        {
            notes.add(
                &name,
                format!("見出しから、単位を{}としました", unit.as_str()),
                format!("the unit {} is from the heading", unit.as_str()),
            );
            field.unit = Some(unit);
        }
        if field.unit.is_none()
            && let Some(unit) = profile.loose.units.first().and_then(|unit| Unit::parse(unit).ok())
            && matches!(field.field_type, FieldType::Integer | FieldType::Number)
        {
            notes.add(
                &name,
                format!("セルの中の単位から、単位を{}としました", unit.as_str()),
                format!("the unit {} is from the cells", unit.as_str()),
            );
            field.unit = Some(unit);
        }
        if kept_back::ADDED.contains(&source.name.as_str()) {
            continue;
        }
        columns.push(Column { place, profile, field });
    }
    if columns.is_empty() {
        return Err(IntakeError::unreadable(
            "ファイルに、表として扱える列がありません",
            "the file has no column that can be part of a table",
        ));
    }
    decide::assign_roles(&mut columns, &mut notes);
    let primary_key = keys::find(recognised, options, &mut columns, &mut notes)?;
    let fields = columns.into_iter().map(|column| column.field).collect();
    let mut contract = Contract { fields, primary_key, missing_values };
    let internal = |e: hub_model::ModelError| IntakeError::Internal(e.to_string());
    contract.clone().validated().map_err(internal)?;
    rhythm::tell_hours_in_columns(&contract, &mut notes);
    let rows = rhythm::add(recognised, &mut contract, options, &mut notes)?;
    contract.clone().validated().map_err(internal)?;
    Ok(Proposal { contract, rows, notes: notes.0, preset: None, metadata: None })
}

fn about_persons(found: &personal::Found) -> IntakeError {
    let (message, fix) = found.text();
    IntakeError::PersonalData {
        detail: Text::new(
            format!("{}。{}", message.ja, fix.ja),
            format!("{}; {}", message.en, fix.en),
        ),
    }
}

/// What every column holds.
fn read_profiles(
    mut decoder: Box<dyn Decode>,
    options: &IntakeOptions,
    notes: &mut Notes,
) -> Result<(Vec<SourceColumn>, Vec<Profile>), IntakeError> {
    let sources = decoder.columns().to_vec();
    let mut profiles: Vec<Profile> = sources.iter().map(|_| Profile::new()).collect();
    let readable = readable(&sources);
    guarded(|| decoder.select(&readable))?;
    let headings: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
    let mut sampler = Sampler::new(&headings);
    let mut broken = 0u64;
    let mut first_broken = None;
    loop {
        options.check_stop()?;
        match guarded(|| decoder.next_block())? {
            None => break,
            Some(Block::Text(block)) => {
                broken += block.broken.len() as u64;
                first_broken = first_broken.or(block.broken.first().map(|row| row.line));
                for row in (0..block.rows()).step_by(block.rows().div_ceil(64).max(1)) {
                    (0..block.width).for_each(|c| sampler.add(c, block.cell(row, c)));
                }
                if let Some(found) = sampler.verdict() {
                    return Err(about_persons(&found));
                }
                for (column, profile) in profiles.iter_mut().enumerate() {
                    (0..block.rows()).for_each(|row| profile.add(block.cell(row, column)));
                }
            }
            Some(Block::Typed { batch, .. }) => guarded(|| {
                for (array, column) in batch.columns().iter().zip(&readable) {
                    typed::add(array, &mut profiles[*column]);
                }
                Ok(())
            })?,
        }
    }
    for warning in decoder.warnings() {
        notes.add_for_all(warning.message.ja, warning.message.en);
    }
    if let Some(line) = first_broken {
        notes.add_for_all(
            format!("列の数が見出しと違う行が{broken}行あります（最初は{line}行目）。そのままでは受け取れません"),
            format!("{broken} rows have another number of cells than the header (the first in line {line}); the file can't be taken in like this"),
        );
    }
    Ok((sources, profiles))
}

/// The columns whose types a contract can have.
pub(crate) fn readable(sources: &[SourceColumn]) -> Vec<usize> {
    let known = |source: &SourceColumn| {
        source.data_type.as_ref().is_none_or(|data_type| typed::field_type(data_type).is_some())
    };
    (0..sources.len()).filter(|column| known(&sources[*column])).collect()
}

/// Names that a contract can have, as near to the file's as they can be.
fn names(sources: &[SourceColumn], notes: &mut Notes) -> Vec<String> {
    let mut taken = HashSet::new();
    sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let clean: String = source
                .name
                .chars()
                .filter(|c| show_text(&c.to_string()) == c.to_string())
                .take(100)
                .collect();
            let mut name = clean.trim().trim_start_matches('_').to_owned();
            if !source.name.starts_with("__") && clean.trim() == source.name.trim() {
                name = source.name.trim().to_owned();
            }
            if name.is_empty() {
                name = format!("column_{}", index + 1);
            }
            let stem = name.clone();
            let mut count = 2;
            while !taken.insert(name.to_lowercase()) {
                name = format!("{stem}_{count}");
                count += 1;
            }
            if fold(&source.name) != fold(&name) {
                notes.add(
                    &name,
                    format!(
                        "見出し「{}」はそのままでは使えません。ファイルの見出しを「{name}」に直してください",
                        show_text(&source.name)
                    ),
                    format!(
                        "the heading {:?} can't be a column's name; change it to {name} in the file",
                        show_text(&source.name)
                    ),
                );
            }
            name
        })
        .collect()
}

/// Notes as they are gathered.
#[derive(Debug, Default)]
struct Notes(Vec<ProposalNote>);

impl Notes {
    fn add(&mut self, column: &str, ja: impl Into<String>, en: impl Into<String>) {
        self.0.push(ProposalNote { column: Some(column.to_owned()), message: Text::new(ja, en) });
    }

    /// How the file was read, where that was not the usual way.
    fn add_understood(&mut self, understood: Understood) {
        if let Some(encoding) = understood.encoding.filter(|name| !name.starts_with("UTF-8")) {
            self.add_for_all(
                format!("文字コードは{encoding}として読みました"),
                format!("the text was read as {encoding}"),
            );
        }
        for note in understood.layout.into_iter().flat_map(|layout| layout.notes) {
            self.add_for_all(note.ja, note.en);
        }
    }

    fn add_for_all(&mut self, ja: impl Into<String>, en: impl Into<String>) {
        self.0.push(ProposalNote { column: None, message: Text::new(ja, en) });
    }
}

impl Column {
    fn is_series_like(&self) -> bool {
        matches!(self.field.role, FieldRole::Key | FieldRole::Place | FieldRole::Attribute)
            && self.field.field_type == FieldType::String
            && self.profile.distinct().is_some()
    }
}

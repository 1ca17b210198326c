//! The files of a container, decoded one after another as if they were one: all have the same columns,
//! and each block says which file its rows are of.

use std::{collections::VecDeque, sync::Arc};

use hub_model::{Contract, LayoutReport, Text, Warning};

use super::{Block, Decode, SourceColumn, Understood, guarded, open_one};
use crate::{
    IntakeError, IntakeOptions, Recognised, changes::Changes, container::list, show::show_text,
};

pub(crate) struct Contained {
    current: Box<dyn Decode>,
    place: Option<Arc<str>>,
    waiting: VecDeque<Recognised>,
    options: IntakeOptions,
    wanted: Option<Vec<usize>>,
    understood: Understood,
    changes: Changes,
    warnings: Vec<Warning>,
}

impl Contained {
    pub(crate) fn open(
        recognised: &Recognised,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        let current = open_one(recognised, options)
            .map_err(|error| in_file(error, recognised.place().as_deref()))?;
        let mut waiting = VecDeque::new();
        for other in recognised.others() {
            options.check_stop()?;
            let decoder = open_one(other, options)
                .map_err(|error| in_file(error, other.place().as_deref()))?;
            if let Some(difference) = difference(current.columns(), decoder.columns()) {
                return Err(unlike(recognised, other, &difference));
            }
            waiting.push_back(other.share()?);
        }
        let mut understood = current.understood();
        let layout = understood.layout.get_or_insert_with(LayoutReport::default);
        if let Some(container) = recognised.container() {
            layout.container = Some(container.kind.to_owned());
            layout.notes.splice(0..0, container.notes.iter().cloned());
        }
        Ok(Self {
            current,
            place: recognised.place(),
            waiting,
            options: options.clone(),
            wanted: None,
            understood,
            changes: Changes::default(),
            warnings: Vec::new(),
        })
    }

    /// Takes up the next file; false where there is none.
    fn next_file(&mut self) -> Result<bool, IntakeError> {
        self.changes.merge(self.current.changes());
        self.warnings.extend(self.current.warnings());
        let Some(next) = self.waiting.pop_front() else { return Ok(false) };
        self.place = next.place();
        self.current = open_one(&next, &self.options)?;
        if let Some(wanted) = &self.wanted {
            self.current.select(wanted)?;
        }
        Ok(true)
    }
}

impl Decode for Contained {
    fn columns(&self) -> &[SourceColumn] {
        self.current.columns()
    }

    fn understood(&self) -> Understood {
        self.understood.clone()
    }

    fn contract(&self) -> Option<&Contract> {
        self.current.contract()
    }

    fn changes(&mut self) -> Changes {
        let mut changes = std::mem::take(&mut self.changes);
        changes.merge(self.current.changes());
        changes
    }

    fn warnings(&mut self) -> Vec<Warning> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.extend(self.current.warnings());
        warnings
    }

    fn select(&mut self, wanted: &[usize]) -> Result<(), IntakeError> {
        self.wanted = Some(wanted.to_vec());
        self.current.select(wanted)
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        loop {
            let place = self.place.clone();
            let block = guarded(|| self.current.next_block())
                .map_err(|error| in_file(error, place.as_deref()))?;
            match block {
                Some(Block::Text(mut block)) => {
                    block.file = place;
                    return Ok(Some(Block::Text(block)));
                }
                Some(block) => return Ok(Some(block)),
                None => {
                    if !self.next_file()? {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// How the columns of two files differ.
fn difference(first: &[SourceColumn], other: &[SourceColumn]) -> Option<Text> {
    if first.len() != other.len() {
        let (one, two) = (first.len(), other.len());
        return Some(Text::new(
            format!("列の数が{one}と{two}で違います"),
            format!("one has {one} columns and the other {two}"),
        ));
    }
    let (one, two) = first.iter().zip(other).find(|(one, two)| one.name != two.name)?;
    let (one, two) = (show_text(&one.name), show_text(&two.name));
    Some(Text::new(
        format!("列の見出しが「{one}」と「{two}」で違います"),
        format!("the column {one:?} of one is {two:?} in the other"),
    ))
}

fn unlike(first: &Recognised, other: &Recognised, difference: &Text) -> IntakeError {
    let listed = [first.place(), other.place()];
    let listed = list(listed.iter().flatten().map(|name| &**name));
    IntakeError::unsupported(
        format!(
            "ZIPの中のファイルの列がそろっていません（{listed}）。{}。同じ様式のファイルだけを1つのZIPにして送ってください",
            difference.ja
        ),
        format!(
            "the files in the ZIP archive do not have the same columns ({listed}): {}; put only files of one layout into a ZIP",
            difference.en
        ),
    )
}

/// The same error, saying which file of several it is of.
pub(crate) fn in_file(error: IntakeError, name: Option<&str>) -> IntakeError {
    let Some(name) = name else { return error };
    let name = show_text(name);
    let within =
        |text: Text| Text::new(format!("「{name}」：{}", text.ja), format!("{name}: {}", text.en));
    match error {
        IntakeError::UnsupportedFormat { detail } => {
            IntakeError::UnsupportedFormat { detail: within(detail) }
        }
        IntakeError::UnreadableFile { detail } => {
            IntakeError::UnreadableFile { detail: within(detail) }
        }
        IntakeError::TooLarge { detail } => IntakeError::TooLarge { detail: within(detail) },
        other => other,
    }
}

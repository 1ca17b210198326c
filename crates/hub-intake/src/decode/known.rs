//! A file in a known layout that is a table as it stands: read by its format, under the layout's contract.

use hub_model::{Contract, PresetName, Warning};

use super::{Block, Decode, SourceColumn, Understood};
use crate::{IntakeError, changes::Changes};

pub(crate) struct Known {
    inner: Box<dyn Decode>,
    contract: Contract,
    preset: PresetName,
}

impl Known {
    pub(crate) fn new(inner: Box<dyn Decode>, contract: Contract, preset: PresetName) -> Self {
        Self { inner, contract, preset }
    }
}

impl Decode for Known {
    fn columns(&self) -> &[SourceColumn] {
        self.inner.columns()
    }

    fn understood(&self) -> Understood {
        let mut understood = self.inner.understood();
        understood.layout.get_or_insert_default().preset = Some(self.preset.clone());
        understood
    }

    fn contract(&self) -> Option<&Contract> {
        Some(&self.contract)
    }

    fn changes(&mut self) -> Changes {
        self.inner.changes()
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.inner.warnings()
    }

    fn select(&mut self, wanted: &[usize]) -> Result<(), IntakeError> {
        self.inner.select(wanted)
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        self.inner.next_block()
    }
}

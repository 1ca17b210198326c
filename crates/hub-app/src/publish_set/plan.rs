//! Which dataset each table of an archive is for, and what is said of those that are to be made.

use hub_intake::{ArchiveTable, ArchiveTables, FormatHint, Proposal};
use hub_model::{Agency, Contract, DatasetId, DatasetMetadata, Text};

use super::SetRequest;
use crate::{App, AppError, Publication, UploadRequest, modes, publish_upload::Publishable};
use hub_registry::UploadRecord;

/// A table on its way.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) table: String,
    pub(super) dataset: DatasetId,
    pub(super) contract: Contract,
    /// What is said of the dataset, where it is to be made.
    pub(super) new: Option<DatasetMetadata>,
    pub(super) request: UploadRequest,
    /// What is recorded of its upload, and whether it is in the registry.
    pub(super) upload: UploadRecord,
    pub(super) is_recorded: bool,
    /// What this very request published before.
    pub(super) replayed: Option<Publication>,
    pub(super) staged: Option<Publishable>,
}

/// A table's dataset as it is, or as it is to be made.
pub(super) struct Target {
    pub(super) dataset: DatasetId,
    pub(super) contract: Contract,
    pub(super) new: Option<DatasetMetadata>,
}

impl App {
    /// The dataset of a table, or what it is to be; none where there is none and the layout is not known.
    pub(super) async fn target(
        &self,
        set: &DatasetId,
        request: &SetRequest,
        archive: &ArchiveTables,
        table: &ArchiveTable,
        propose: impl AsyncFnOnce(FormatHint) -> Result<Proposal, AppError>,
    ) -> Result<Option<Target>, AppError> {
        let dataset = member(set, &table.name)?;
        let existing = self.inner.registry.dataset(&dataset).await?;
        let target = match existing {
            Some(record) => Target { dataset, contract: record.contract, new: None },
            None => {
                let proposal = propose(hint(request, table)).await?;
                let Some(metadata) = proposal.metadata.filter(|_| proposal.preset.is_some()) else {
                    return Ok(None);
                };
                let agency = self.agency(set.agency()).await?;
                let new = Some(describe(metadata, set, archive, table, &agency));
                Target { dataset, contract: proposal.contract.validated()?, new }
            }
        };
        modes::check_mode(request.mode, &target.contract)?;
        Ok(Some(target))
    }
}

/// The dataset of a set that is for this table.
pub(super) fn member(set: &DatasetId, table: &str) -> Result<DatasetId, AppError> {
    Ok(DatasetId::new(set.agency().clone(), &format!("{}_{table}", set.name()))?)
}

/// What is known of one table of the archive.
pub(super) fn hint(request: &SetRequest, table: &ArchiveTable) -> FormatHint {
    FormatHint { table: Some(table.name.clone()), format: None, ..request.hint.clone() }
}

/// What a layout says of its datasets, with what only the archive knows.
fn describe(
    metadata: DatasetMetadata,
    set: &DatasetId,
    archive: &ArchiveTables,
    table: &ArchiveTable,
    agency: &Agency,
) -> DatasetMetadata {
    let links: Vec<String> = archive
        .links
        .iter()
        .filter(|link| link.table == table.name)
        .map(|link| format!("{} → {set}_{}.{}", link.column, link.to_table, link.to_column))
        .collect();
    let description = match links.as_slice() {
        [] => metadata.description,
        links => {
            let links = links.join("\n");
            Text::new(
                format!("他の表との関係：\n{links}"),
                format!("Columns that lead to other tables:\n{links}"),
            )
        }
    };
    // A feed's file does not say who publishes it; here it is the agency whose set this is.
    let attribution = if archive.is_feed {
        format!("出典：{}", agency.name.ja_or_en())
    } else {
        metadata.attribution
    };
    let title = |layout: &str| format!("{} {}（{layout}）", set.name(), table.name);
    DatasetMetadata {
        title: Text::new(title(&metadata.title.ja), title(&metadata.title.en)),
        description,
        attribution,
        ..metadata
    }
}

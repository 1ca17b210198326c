//! What a use case answers when it cannot do what was asked.

mod japanese;

use hub_model::{DatasetId, ErrorKind, UploadId, UploadReport, VersionNumber};

use crate::RefusedTable;

/// An error of a use case. Its text is fit for callers where `kind()` is not `Internal` or
/// `Unavailable`; the sources are for the log.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller gave no token, or one that is unknown, expired or revoked.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller is known and may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// It does not exist, or the caller may not see that it does.
    #[error("there is no {what} {id}, or you may not see it")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// By which id.
        id: String,
    },
    /// The version was published and withdrawn.
    #[error("version {version} of {dataset} was withdrawn at {at}: {reason}")]
    Withdrawn {
        /// The dataset.
        dataset: DatasetId,
        /// The version.
        version: VersionNumber,
        /// When, in Japanese time.
        at: String,
        /// Why, in the words of who withdrew it.
        reason: String,
    },
    /// The version is withdrawn already.
    #[error("version {version} is withdrawn already; the list of versions says by whom and why")]
    AlreadyWithdrawn {
        /// The version.
        version: VersionNumber,
    },
    /// A parameter of the request is wrong.
    #[error("{0}")]
    InvalidRequest(String),
    /// Rows can't be renewed by a key that the contract does not have.
    #[error(
        "mode=upsert renews rows by their primary key, and the contract has none; name the columns of the \
         key in \"primaryKey\", or use mode=append, replace or replace_period"
    )]
    NoKey,
    /// A period can't be replaced where no column tells it.
    #[error(
        "mode=replace_period replaces the rows of the file's period, and the contract has no column with \
         the role time to tell it by; use mode=upsert or replace"
    )]
    NoTime,
    /// The idempotency key came before with another body.
    #[error(
        "the idempotency key {key:?} was used for another file; use a new key for a new file, or send \
         the same file to get the first answer again"
    )]
    IdempotencyMismatch {
        /// The key.
        key: String,
    },
    /// The upload with this idempotency key is still being worked on.
    #[error(
        "the upload with the idempotency key {key:?} is still being checked; ask again shortly"
    )]
    StillRunning {
        /// The key.
        key: String,
    },
    /// The upload has not come to its end.
    #[error("the upload {upload} is still being checked; ask again shortly")]
    StillChecked {
        /// The upload.
        upload: UploadId,
    },
    /// Another piece of the same file is coming.
    #[error("another piece of the upload {upload} is coming; send this one when it has ended")]
    PieceUnderWay {
        /// The upload.
        upload: UploadId,
    },
    /// A piece does not begin where the part that is here ends.
    #[error(
        "the piece begins at byte {received}, and the file is here up to byte {expected}; go on from there"
    )]
    OffsetMismatch {
        /// Where the next piece begins.
        expected: u64,
        /// Where this one was said to.
        received: u64,
    },
    /// A piece is not that of its checksum.
    #[error("the piece is not that of its checksum; send it again")]
    PieceMismatch,
    /// The object store is a folder, which has no links.
    #[error(
        "this hub keeps files in a folder of its own, so nothing can be sent to it by a link; send the \
         file to the dataset's uploads, in one piece or in several"
    )]
    NoLinks,
    /// Nothing was kept back of an upload, or its rows were removed.
    #[error(
        "no rows are kept back of the upload {upload}; there are some where a file was published with \
         on_error=quarantine and some of its rows break the contract"
    )]
    NoKeptBack {
        /// The upload.
        upload: UploadId,
    },
    /// Only workbooks can be marked.
    #[error(
        "a marked copy is made of Excel workbooks, and this file was read as {format}; ask for the report \
         with format=csv or format=json"
    )]
    NoWorkbook {
        /// What the file was read as.
        format: String,
    },
    /// A link's file is not there.
    #[error("no file came by the link of the upload {upload}; send it by PUT, then complete it")]
    NotSent {
        /// The upload.
        upload: UploadId,
    },
    /// A link's file was taken in before.
    #[error("the upload {upload} was completed before; read what became of it")]
    AlreadyComplete {
        /// The upload.
        upload: UploadId,
    },
    /// A file that is here whole can't be taken in just now.
    #[error(
        "the file of the upload {upload} is here whole, and a store behind the hub does not answer; ask again \
         shortly, nothing need be sent again"
    )]
    NotTakenIn {
        /// The upload.
        upload: UploadId,
        /// What stands against it.
        #[source]
        source: Box<AppError>,
    },
    /// The upload that a whole file became has failed, and the file is gone.
    #[error(
        "the upload {upload} failed after all of its file had come, and the file is not kept; read why at \
         the upload's address, and send the file again as a new upload"
    )]
    CameToNothing {
        /// The upload.
        upload: UploadId,
    },
    /// The bytes are not those of the checksum.
    #[error(
        "the file arrived with SHA-256 {received}, but its Content-Digest says {expected}; send it again"
    )]
    ChecksumMismatch {
        /// In hexadecimal, as announced.
        expected: String,
        /// In hexadecimal, as computed.
        received: String,
    },
    /// The file is larger than allowed.
    #[error(
        "the file is larger than {max_bytes} bytes, the most that this hub takes; split it by time"
    )]
    UploadTooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The body stopped coming or broke off.
    #[error("the file did not arrive whole: {0}; send it again")]
    BodyBroken(String),
    /// The file's cells break the contract.
    #[error(
        "the file breaks the contract in {}; nothing was published, and the report says where and what \
         to do", places(.report.error_count)
    )]
    ContractViolated {
        /// The upload, whose report is kept.
        upload: UploadId,
        /// What is wrong and where.
        report: Box<UploadReport>,
    },
    /// Tables of an archive have no dataset, and none can be made for them.
    #[error(
        "there is no dataset yet for {}, and the layout is not a known one; propose and make a dataset \
         {set}_… named after each file, then send the archive again; nothing was published",
        .files.join(", ")
    )]
    UnknownTables {
        /// What the datasets' names begin with.
        set: DatasetId,
        /// The tables' files.
        files: Vec<String>,
    },
    /// Tables of an archive break their contracts.
    #[error("{}; nothing was published", refused(.tables))]
    SetRefused {
        /// Those that do.
        tables: Vec<RefusedTable>,
    },
    /// The tables of an archive were being published when it broke off.
    #[error(
        "{failed} could not be published: {cause}. Published before it: {}. Not begun: {}. Send the same \
         request again to publish the others",
        published_ones(.published), ids(.left)
    )]
    SetIncomplete {
        /// The datasets that have a new version.
        published: Vec<(DatasetId, VersionNumber)>,
        /// The one that met an error.
        failed: DatasetId,
        /// The error.
        #[source]
        cause: Box<AppError>,
        /// Those that were not begun.
        left: Vec<DatasetId>,
    },
    /// A statement whose answer says nothing of its next.
    #[error("no permalink can be made: {0}")]
    NotRepeatable(String),
    /// The caller did this as often as it may within an hour.
    #[error("{limit} {what} are made within an hour at most; try again later")]
    TooOften {
        /// What was made.
        what: &'static str,
        /// How many may be.
        limit: u64,
    },
    /// The token keeps as many queries as it may.
    #[error(
        "{limit} queries are kept for a token at most; remove some of yours (DELETE /v1/queries/ID), or wait \
         until they expire"
    )]
    TooManyQueries {
        /// How many may be.
        limit: u64,
    },
    /// The query has no result yet.
    #[error("the query is {state}, and has no result yet; ask again when it is done")]
    NotDone {
        /// Where it stands.
        state: &'static str,
    },
    /// The query came to no result.
    #[error("{detail}")]
    QueryFailed {
        /// What kind of problem it ended with.
        kind: ErrorKind,
        /// What happened.
        detail: String,
    },
    /// As many run at once as are allowed.
    #[error("the hub is working on as many {0} as it takes at once; try again shortly")]
    Busy(&'static str),
    /// The hub is stopping.
    #[error("the hub is stopping; try again shortly")]
    Stopping,
    /// A rule of the model.
    #[error(transparent)]
    Model(#[from] hub_model::ModelError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] hub_registry::RegistryError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] hub_lake::LakeError),
    /// The intake.
    #[error(transparent)]
    Intake(#[from] hub_intake::IntakeError),
    /// The query engine.
    #[error(transparent)]
    Query(#[from] hub_query::QueryError),
    /// The scratch folder cannot be used.
    #[error("the scratch folder can't be used")]
    Scratch(#[source] std::io::Error),
    /// A step of ours ended unexpectedly.
    #[error("a step ended unexpectedly: {0}")]
    Broken(String),
}

impl AppError {
    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// The same of an upload whose file waits where it came to.
    pub(crate) fn of_file_at_hand(self, upload: UploadId) -> Self {
        match self.kind() {
            ErrorKind::Unavailable => Self::NotTakenIn { upload, source: Box::new(self) },
            _ => self,
        }
    }

    /// The kind a caller acts on.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unauthenticated(_) => ErrorKind::Unauthenticated,
            Self::Forbidden(_) => ErrorKind::Forbidden,
            Self::NotFound { .. } | Self::NoKeptBack { .. } | Self::CameToNothing { .. } => {
                ErrorKind::NotFound
            }
            Self::NoWorkbook { .. } => ErrorKind::NotAcceptable,
            Self::Withdrawn { .. } => ErrorKind::Withdrawn,
            Self::AlreadyWithdrawn { .. } => ErrorKind::AlreadyExists,
            Self::InvalidRequest(_) | Self::BodyBroken(_) | Self::NoKey | Self::NoTime => {
                ErrorKind::InvalidRequest
            }
            Self::IdempotencyMismatch { .. } => ErrorKind::IdempotencyMismatch,
            Self::StillRunning { .. }
            | Self::StillChecked { .. }
            | Self::PieceUnderWay { .. }
            | Self::OffsetMismatch { .. }
            | Self::NoLinks
            | Self::NotSent { .. }
            | Self::AlreadyComplete { .. } => ErrorKind::Conflict,
            Self::ChecksumMismatch { .. } | Self::PieceMismatch => ErrorKind::ChecksumMismatch,
            Self::UploadTooLarge { .. } => ErrorKind::UploadTooLarge,
            Self::ContractViolated { .. } | Self::SetRefused { .. } => ErrorKind::ContractViolated,
            Self::UnknownTables { .. } => ErrorKind::InvalidRequest,
            Self::SetIncomplete { cause, .. } => cause.kind(),
            Self::NotRepeatable(_) => ErrorKind::SqlNotAllowed,
            Self::TooOften { .. } | Self::TooManyQueries { .. } => ErrorKind::RateLimited,
            Self::NotDone { .. } => ErrorKind::Conflict,
            Self::QueryFailed { kind, .. } => *kind,
            Self::Busy(_) => ErrorKind::Busy,
            Self::Stopping | Self::NotTakenIn { .. } => ErrorKind::Unavailable,
            Self::Model(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::Lake(error) => error.kind(),
            Self::Intake(error) => error.kind(),
            Self::Query(error) => error.kind(),
            Self::Scratch(_) => ErrorKind::Unavailable,
            Self::Broken(_) => ErrorKind::Internal,
        }
    }
}

fn refused(tables: &[RefusedTable]) -> String {
    let told = tables.iter().map(|table| {
        format!("{} cell(s) of {} break its contract", table.report.error_count, table.table)
    });
    told.collect::<Vec<_>>().join("; ")
}

fn published_ones(published: &[(DatasetId, VersionNumber)]) -> String {
    let told: Vec<String> =
        published.iter().map(|(id, version)| format!("{id} (version {version})")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn ids(ids: &[DatasetId]) -> String {
    let told: Vec<String> = ids.iter().map(ToString::to_string).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn places(count: u64) -> String {
    if count == 1 { "one place".to_owned() } else { format!("{count} places") }
}

//! The hub's nouns and rules, free of I/O: ids, contracts, licences, quality, the upload report,
//! versions, principals, and the one list of error kinds. This crate opens nothing, awaits nothing
//! and knows no protocol.

mod calendar;
mod citation;
mod contract;
mod error;
mod freshness;
mod ids;
mod licence;
mod metadata;
mod permalink;
mod place;
mod principal;
mod quality;
mod report;
mod source;
mod unit;
mod version;

pub use calendar::{
    Interval, TOKYO, ZONE_NAME, fiscal_year, format_instant, jp_holiday, jp_holidays, jun,
    jun_name, jun_start, wareki, wareki_date, winter_season,
};
pub use citation::{Citation, CitedResult, CitedSource, Language};
pub use contract::{
    Aggregate, BreakingChange, CodeList, Constraints, Contract, ContractProblem, Field, FieldRole,
    FieldType, Label, MAX_FIELDS, StorageColumn,
};
pub use error::{ErrorKind, ModelError};
pub use freshness::{Freshness, JudgedBy};
pub use ids::{AgencyId, DatasetId, PermalinkId, QueryId, TokenId, UploadId, VersionNumber};
pub use licence::{
    CombinedTerms, Licence, LicenceTerms, Obligation, ObligationKind, SourceLine, TermsConflict,
};
pub use metadata::{Agency, DatasetMetadata, Text, Visibility};
pub use permalink::{Agreement, EngineVersion, MadeBy, Permalink, ResultHash};
pub use place::{MeshBounds, MeshCell, Municipality, municipality_check_digit, municipality_code};
pub use principal::{Principal, Role};
pub use quality::Quality;
pub use report::{
    CellError, Change, ChangeExample, ChangeKind, ColumnReport, Coverage, Gap, Gaps, LayoutReport,
    OnError, Period, PresetName, ReportBuilder, Rule, UploadReport, Warning,
};
pub use source::Source;
pub use unit::{Conversion, Unit};
pub use version::{UploadMode, VersionRecord, Withdrawal};

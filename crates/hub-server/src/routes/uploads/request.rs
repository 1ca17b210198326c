//! What is asked for with a file: how it changes a dataset, and what is done with its errors.

use axum::http::HeaderMap;
use hub_app::UploadRequest;
use hub_model::{DatasetId, OnError, UploadMode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    problem::Problem,
    routes::{
        headers::{content_digest, idempotency_key},
        hints::FileQuery,
    },
};

/// How a file is to be taken. What is said of the file itself goes with it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// `append` adds the file's rows, whose keys must be new; `upsert` puts them in the place of those
    /// with the same primary key and adds the others; `replace_period` puts them in the place of all,
    /// of every series, from the file's first instant to its last; `replace` in the place of all that
    /// are there.
    #[serde(default)]
    mode: ModeBody,
    /// `reject`, which is the default, publishes nothing where a cell breaks the contract; `quarantine`
    /// publishes the other rows and keeps back those with such cells, to be mended and sent again; `flag`
    /// publishes values that break it with the quality `doubtful`.
    pub(crate) on_error: Option<OnErrorBody>,
    /// Answer once the file is received and not once it is checked; `Prefer: respond-async` asks for the
    /// same.
    #[serde(default, rename = "async")]
    #[param(rename = "async")]
    pub(crate) is_async: bool,
    #[serde(flatten)]
    #[param(ignore)]
    file: FileQuery,
}

impl UploadQuery {
    /// What is asked for with a file, as far as the address and these headers say it.
    pub(crate) fn request(
        &self,
        dataset: DatasetId,
        headers: &HeaderMap,
    ) -> Result<UploadRequest, Problem> {
        Ok(UploadRequest {
            dataset,
            mode: self.mode.into(),
            on_error: self.on_error.unwrap_or_default().into(),
            hint: self.file.hint(headers)?,
            idempotency_key: idempotency_key(headers)?,
            expected_sha256: content_digest(headers)?,
        })
    }
}

/// How a file changes a dataset.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeBody {
    /// Its rows are added.
    #[default]
    Append,
    /// Its rows take the place of all that are there.
    Replace,
    /// Its rows take the place of those with the same primary key, and the others are added.
    Upsert,
    /// Its rows take the place of all from its first instant to its last.
    #[serde(alias = "replace-period")]
    ReplacePeriod,
}

impl From<ModeBody> for UploadMode {
    fn from(mode: ModeBody) -> Self {
        match mode {
            ModeBody::Append => Self::Append,
            ModeBody::Replace => Self::Replace,
            ModeBody::Upsert => Self::Upsert,
            ModeBody::ReplacePeriod => Self::ReplacePeriod,
        }
    }
}

/// What is done with cells that break the contract.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnErrorBody {
    /// One refuses the file.
    #[default]
    Reject,
    /// Their rows are kept back, the others are published.
    Quarantine,
    /// They are published as doubtful.
    Flag,
}

impl From<OnErrorBody> for OnError {
    fn from(on_error: OnErrorBody) -> Self {
        match on_error {
            OnErrorBody::Reject => Self::Reject,
            OnErrorBody::Quarantine => Self::Quarantine,
            OnErrorBody::Flag => Self::Flag,
        }
    }
}

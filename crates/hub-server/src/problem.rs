//! Errors as RFC 9457 problems: the one place that turns a kind into a status and a body, and the one
//! place that logs what callers are not told.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_app::AppError;
use hub_model::{ErrorKind, ModelError, Text, UploadId, UploadReport};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong, as RFC 9457 has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/not-found", "title": "Not found", "status": 404,
    "detail": "there is no dataset kisho.weather, or you may not see it",
    "instance": "0199e1c2-7a55-7d10-9e0a-0d6f6d1c5c11"
}))]
pub(crate) struct Problem {
    /// The kind of problem, as a path that stays the same.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and what to do.
    pub detail: String,
    /// The request's id, to be quoted when asking for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Every place that is wrong, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemItem>,
    /// For SQL: where in the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<SqlPosition>,
    /// For names that are not there: the nearest that are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
    /// For uploads: which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// For uploads that break their contract: every cell that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub report: Option<Box<UploadReport>>,
    /// For archives of several tables: each that breaks its contract.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<RefusedTableBody>,
    /// Title and detail in Japanese, for those who read that; the detail is the English one where there is no
    /// other.
    #[serde(skip)]
    japanese: Option<Box<(&'static str, String)>>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

/// One table of an archive that breaks its contract.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RefusedTableBody {
    /// The table's name.
    #[schema(example = "stops")]
    pub table: String,
    /// The dataset it is for.
    #[schema(example = "otaru.bus_stops")]
    pub dataset: String,
    /// Its upload, where the dataset is there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_id: Option<String>,
    /// Every cell that breaks the contract.
    #[schema(value_type = Object)]
    pub report: Box<UploadReport>,
}

/// One of several things that are wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProblemItem {
    /// Where, as a JSON pointer or a parameter's name.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// The same in Japanese.
    #[serde(skip)]
    japanese: Option<String>,
}

impl ProblemItem {
    fn told(pointer: impl Into<String>, message: Text) -> Self {
        let (pointer, japanese) = (pointer.into(), Some(message.ja));
        Self { pointer, message: message.en, japanese }
    }
}

/// A place in a statement, both counted from 1.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct SqlPosition {
    /// The line.
    pub line: u64,
    /// The character in the line.
    pub column: u64,
}

/// The status, type and title of each kind.
pub(crate) fn outline(kind: ErrorKind) -> (StatusCode, &'static str, &'static str) {
    use ErrorKind as K;
    match kind {
        K::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid-request", "Invalid request"),
        K::InvalidDescriptor => {
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid-descriptor", "Invalid description")
        }
        K::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Token needed"),
        K::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
        K::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
        K::Withdrawn => (StatusCode::GONE, "withdrawn", "The version was withdrawn"),
        K::AlreadyExists => (StatusCode::CONFLICT, "already-exists", "Already there"),
        K::Conflict => (StatusCode::CONFLICT, "conflict", "Conflict"),
        K::IdempotencyMismatch => {
            (StatusCode::CONFLICT, "idempotency-mismatch", "Idempotency key used before")
        }
        K::BreakingChange => (StatusCode::CONFLICT, "breaking-change", "The change breaks readers"),
        K::ChecksumMismatch => (StatusCode::BAD_REQUEST, "checksum-mismatch", "Checksum differs"),
        K::UploadTooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, "upload-too-large", "The file is too large")
        }
        K::UnsupportedFormat => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format", "Format not read")
        }
        K::UnreadableFile => {
            (StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file", "The file can't be read")
        }
        K::ContractViolated => {
            (StatusCode::UNPROCESSABLE_ENTITY, "contract-violated", "The file breaks the contract")
        }
        K::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "not-acceptable", "Format not offered"),
        K::SqlInvalid => (StatusCode::BAD_REQUEST, "sql-invalid", "The SQL can't be understood"),
        K::SqlNotAllowed => (StatusCode::BAD_REQUEST, "sql-not-allowed", "The SQL is not allowed"),
        K::SqlTooComplex => (StatusCode::BAD_REQUEST, "sql-too-complex", "The SQL is too complex"),
        K::SqlExecution => {
            (StatusCode::UNPROCESSABLE_ENTITY, "sql-execution", "The query met a bad value")
        }
        K::MemoryLimit => {
            (StatusCode::UNPROCESSABLE_ENTITY, "memory-limit", "The query needs too much memory")
        }
        K::TimeLimit => {
            (StatusCode::UNPROCESSABLE_ENTITY, "time-limit", "The query takes too long")
        }
        K::OutputLimit => {
            (StatusCode::UNPROCESSABLE_ENTITY, "output-limit", "The answer is too large")
        }
        K::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "The hub is busy"),
        K::RateLimited => {
            (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many within the hour")
        }
        K::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now"),
        K::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "A fault of the hub"),
    }
}

/// The title of each kind in Japanese.
fn japanese_title(kind: ErrorKind) -> &'static str {
    use ErrorKind as K;
    match kind {
        K::InvalidRequest => "リクエストが正しくありません",
        K::InvalidDescriptor => "記述が正しくありません",
        K::Unauthenticated => "トークンが必要です",
        K::Forbidden => "許可されていません",
        K::NotFound => "見つかりません",
        K::Withdrawn => "版は取り下げられています",
        K::AlreadyExists => "すでにあります",
        K::Conflict => "ほかの操作と重なりました",
        K::IdempotencyMismatch => "冪等キーが前に使われています",
        K::BreakingChange => "読む側が困る変更です",
        K::ChecksumMismatch => "チェックサムが違います",
        K::UploadTooLarge => "ファイルが大きすぎます",
        K::UnsupportedFormat => "読めない形式です",
        K::UnreadableFile => "ファイルを読めません",
        K::ContractViolated => "ファイルが契約に合いません",
        K::NotAcceptable => "その形式では答えられません",
        K::SqlInvalid => "SQLを理解できません",
        K::SqlNotAllowed => "そのSQLは許可されていません",
        K::SqlTooComplex => "SQLが複雑すぎます",
        K::SqlExecution => "値のために問い合わせが止まりました",
        K::MemoryLimit => "問い合わせに必要なメモリーが多すぎます",
        K::TimeLimit => "問い合わせに時間がかかりすぎます",
        K::OutputLimit => "答えが大きすぎます",
        K::Busy => "ハブが混み合っています",
        K::RateLimited => "1時間の上限に達しました",
        K::Unavailable => "いまは使えません",
        K::Internal => "ハブの側の問題です",
    }
}

impl Problem {
    /// A problem of this kind with what happened.
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let (status, slug, title) = outline(kind);
        let detail = detail.into();
        let untold = format!("英語の説明：{detail}");
        Self {
            problem_type: format!("/problems/{slug}"),
            title,
            status: status.as_u16(),
            detail,
            instance: None,
            errors: Vec::new(),
            position: None,
            suggestions: Vec::new(),
            upload_id: None,
            report: None,
            tables: Vec::new(),
            japanese: Some(Box::new((japanese_title(kind), untold))),
            retry_after_s: match kind {
                ErrorKind::Busy | ErrorKind::Unavailable => Some(2),
                ErrorKind::RateLimited => Some(600),
                _ => None,
            },
        }
    }

    /// A problem of HTTP itself, which no use case knows.
    pub(crate) fn of_status(
        status: StatusCode,
        slug: &str,
        title: &'static str,
        detail: &str,
    ) -> Self {
        let mut problem = Self::new(ErrorKind::InvalidRequest, detail);
        problem.status = status.as_u16();
        problem.problem_type = format!("/problems/{slug}");
        problem.title = title;
        problem.japanese = None;
        problem
    }

    fn tell_report(&mut self, upload: &UploadId, report: Box<UploadReport>) {
        self.upload_id = Some(upload.to_string());
        self.report = Some(report);
    }

    /// The same in Japanese; as it is where there is only the English text.
    pub(crate) fn in_japanese(mut self) -> (Self, bool) {
        let Some(japanese) = self.japanese.take() else { return (self, false) };
        (self.title, self.detail) = *japanese;
        for item in &mut self.errors {
            if let Some(japanese) = item.japanese.take() {
                item.message = japanese;
            }
        }
        (self, true)
    }

    /// A request that is wrong.
    pub(crate) fn wrong_request(detail: Text) -> Self {
        let mut problem = Self::new(ErrorKind::InvalidRequest, detail.en);
        problem.japanese = Some(Box::new((japanese_title(ErrorKind::InvalidRequest), detail.ja)));
        problem
    }

    /// A parameter whose value is not what it must be.
    pub(crate) fn parameter_of(name: &str, error: ModelError) -> Self {
        let error = AppError::from(error);
        let en = error.to_string();
        Self::parameter(name, Text { ja: error.ja().unwrap_or_else(|| en.clone()), en })
    }

    /// A parameter that is wrong.
    pub(crate) fn parameter(name: &str, message: Text) -> Self {
        let ja = format!("{name}：{}", message.ja);
        let en = format!("{name}: {}", message.en);
        let mut problem = Self::wrong_request(Text { ja, en });
        problem.errors.push(ProblemItem::told(name, message));
        problem
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let kind = error.kind();
        let detail = match kind {
            ErrorKind::Internal => {
                tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
                "the hub could not do this, and it is not your doing; quote the instance when you ask for help"
                    .to_owned()
            }
            ErrorKind::Unavailable => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a store does not answer");
                match &error {
                    AppError::Stopping | AppError::NotTakenIn { .. } => error.to_string(),
                    _ => "a store behind the hub does not answer; try again shortly".to_owned(),
                }
            }
            _ => error.to_string(),
        };
        let mut problem = Self::new(kind, detail);
        let detail = match kind {
            ErrorKind::Internal => Some(
                "ハブの側の問題で、処理できませんでした。問い合わせるときは instance の値を伝えてください".to_owned(),
            ),
            ErrorKind::Unavailable
                if !matches!(error, AppError::Stopping | AppError::NotTakenIn { .. }) => Some(
                "ハブの後ろの保管先が応答しません。少し待ってから、もう一度送ってください".to_owned(),
            ),
            _ => error.ja(),
        };
        if let Some(detail) = detail {
            problem.japanese = Some(Box::new((japanese_title(kind), detail)));
        }
        match error {
            AppError::Model(ModelError::InvalidContract { problems }) => {
                problem.errors = problems
                    .into_iter()
                    .map(|p| ProblemItem::told(format!("/contract{}", p.pointer), p.message))
                    .collect();
            }
            AppError::Model(ModelError::BreakingChange { changes }) => {
                problem.errors =
                    changes.into_iter().map(|c| ProblemItem::told(c.column, c.reason)).collect();
            }
            AppError::ContractViolated { upload, report } => problem.tell_report(&upload, report),
            AppError::SetIncomplete { cause, .. } => {
                if let AppError::ContractViolated { upload, report } = *cause {
                    problem.tell_report(&upload, report);
                }
            }
            AppError::SetRefused { tables } => {
                problem.tables = tables
                    .into_iter()
                    .map(|refused| RefusedTableBody {
                        table: refused.table,
                        dataset: refused.dataset.to_string(),
                        upload_id: refused.upload.map(|id| id.to_string()),
                        report: Box::new(refused.report),
                    })
                    .collect();
            }
            AppError::Query(error) => {
                problem.position =
                    error.position().map(|p| SqlPosition { line: p.line, column: p.column });
                problem.suggestions = error.suggestions().to_vec();
            }
            _ => {}
        }
        problem
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        AppError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_s;
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"mochiyori\""),
            );
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The request's id is known to the outermost layer only, which writes it into the body.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_type_of_its_own_and_an_error_status() {
        let mut slugs = HashSet::new();
        for kind in ErrorKind::ALL {
            let (status, slug, _) = outline(kind);
            assert!(status.is_client_error() || status.is_server_error(), "{kind:?}");
            assert!(slugs.insert(slug), "{slug} stands for two kinds");
        }
    }
}

//! Citations: of what a statement reads, and of dataset versions by their names.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use hub_model::{
    Citation, CitedSource, ErrorKind, Language, ObligationKind, Source, Text, format_instant,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{BodyProblems, QueryProblems, agencies::TextBody, sql};
use crate::{
    auth::Caller,
    extract::{JsonBody, NoParams, Params, listed},
    problem::Problem,
    public_base::PublicBase,
    state::ServerState,
};

const FORMATS: &str = "json, text, bibtex, ris or csl";

/// The forms of a citation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CitationFormat {
    /// All of them in one object, with the terms.
    Json,
    /// Text for a list of references.
    Text,
    /// BibTeX.
    Bibtex,
    /// RIS.
    Ris,
    /// CSL-JSON.
    Csl,
}

impl CitationFormat {
    const ALL: [Self; 5] = [Self::Json, Self::Text, Self::Bibtex, Self::Ris, Self::Csl];

    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Bibtex => "bibtex",
            Self::Ris => "ris",
            Self::Csl => "csl",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Bibtex => "application/x-bibtex; charset=utf-8",
            Self::Ris => "application/x-research-info-systems; charset=utf-8",
            Self::Csl => "application/vnd.citationstyles.csl+json",
        }
    }

    fn of_media_type(media_type: &str) -> Option<Self> {
        if matches!(media_type, "*/*" | "application/*") {
            return Some(Self::Json);
        }
        let essence = |form: &Self| form.media_type().split(';').next() == Some(media_type);
        Self::ALL.into_iter().find(essence)
    }
}

/// In which form and language.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormQuery {
    /// `json`, `text`, `bibtex`, `ris` or `csl`; goes before `Accept`.
    #[param(example = "bibtex")]
    format: Option<String>,
    /// `ja` or `en`, for forms that are in one language; `ja` where nothing is said.
    #[param(example = "en")]
    lang: Option<String>,
}

impl FormQuery {
    /// The form and language that are asked for.
    pub(crate) fn choose(
        &self,
        headers: &HeaderMap,
    ) -> Result<(CitationFormat, Language), Problem> {
        choose(self.format.as_deref(), self.lang.as_deref(), headers)
    }
}

fn choose(
    format: Option<&str>,
    language: Option<&str>,
    headers: &HeaderMap,
) -> Result<(CitationFormat, Language), Problem> {
    let language = match language {
        None | Some("ja") => Language::Ja,
        Some("en") => Language::En,
        Some(_) => {
            return Err(Problem::parameter("lang", Text::new(listed("ja or en"), "use ja or en")));
        }
    };
    if let Some(name) = format {
        let known = CitationFormat::ALL.into_iter().find(|form| form.name() == name);
        return known.map(|form| (form, language)).ok_or_else(|| {
            Problem::parameter("format", Text::new(listed(FORMATS), format!("use {FORMATS}")))
        });
    }
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .filter(|range| !range.is_empty())
        .collect();
    if accepted.is_empty() {
        return Ok((CitationFormat::Json, language));
    }
    let form = accepted.into_iter().find_map(CitationFormat::of_media_type);
    form.map(|form| (form, language)).ok_or_else(|| {
        Problem::new(
            ErrorKind::NotAcceptable,
            format!("none of the accepted media types is offered; use ?format= with {FORMATS}"),
        )
    })
}

/// Which versions to cite.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourcesQuery {
    /// Dataset versions as `agency.dataset@3`, separated by commas.
    #[param(example = "kisho.weather_hourly@1,otaru_kaihatsu.river_hourly@1")]
    sources: String,
    /// `json`, `text`, `bibtex`, `ris` or `csl`; goes before `Accept`.
    #[param(example = "json")]
    format: Option<String>,
    /// `ja` or `en`, for forms that are in one language; `ja` where nothing is said.
    lang: Option<String>,
}

/// A statement whose sources are to be cited.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "sql": "SELECT r.time, r.flow, w.precipitation FROM otaru_kaihatsu.river_hourly r JOIN kisho.weather_hourly w ON w.time = r.time",
    "format": "bibtex", "lang": "en"
}))]
pub(crate) struct CitationRequest {
    /// One read-only statement. It is not run.
    sql: String,
    /// Values of `$1`, `$2` …; they change nothing here and are taken so that the body can be that of `/v1/sql`.
    #[serde(default)]
    parameters: Vec<serde_json::Value>,
    /// Which versions it reads, as for `/v1/sql`.
    #[serde(default)]
    #[schema(value_type = Object)]
    versions: BTreeMap<String, serde_json::Value>,
    /// Read datasets that `versions` does not name as they were known at this instant.
    as_of: Option<String>,
    /// `json`, `text`, `bibtex`, `ris` or `csl`; goes before `Accept`.
    format: Option<String>,
    /// `ja` or `en`.
    lang: Option<String>,
}

/// What the sources' licences together oblige to. It tells what they ask; it is no legal advice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TermsResponse {
    /// The line to show of each dataset whose licence asks for one.
    attributions: Vec<AttributionBody>,
    /// Ids of the licences under which what is made of the result must be given on.
    share_alike: Vec<String>,
    /// Whether commercial use is ruled out.
    non_commercial: bool,
    /// Whether what is made of the data must not be passed on.
    no_derivatives: bool,
    /// Whether who edited the data must be named apart from the sources.
    edited_by: bool,
    /// Licences whose terms can't be kept together when the result is passed on.
    conflicts: Vec<ConflictBody>,
    /// What to do, a sentence each.
    obligations: Vec<ObligationBody>,
}

/// The line to show of a dataset.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttributionBody {
    /// The dataset.
    dataset: String,
    /// The line.
    text: String,
}

/// Licences that stand against one another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConflictBody {
    /// Their ids.
    licences: Vec<String>,
    /// Why.
    message: TextBody,
}

/// One thing to do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ObligationBody {
    /// `attribution`, `licence_notice`, `edited_by`, `share_alike`, `non_commercial`, `no_derivatives`,
    /// `synthetic` or `read_the_licence`.
    #[schema(value_type = String)]
    kind: ObligationKind,
    /// Ids of the licences that ask for it.
    licences: Vec<String>,
    /// The sentence.
    text: TextBody,
}

impl From<hub_model::CombinedTerms> for TermsResponse {
    fn from(terms: hub_model::CombinedTerms) -> Self {
        let lines = terms.attributions.into_iter();
        let conflicts = terms.conflicts.into_iter();
        let obligations = terms.obligations.into_iter();
        Self {
            attributions: lines
                .map(|l| AttributionBody { dataset: l.dataset.to_string(), text: l.text })
                .collect(),
            share_alike: terms.share_alike,
            non_commercial: terms.non_commercial,
            no_derivatives: terms.no_derivatives,
            edited_by: terms.edited_by,
            conflicts: conflicts
                .map(|c| ConflictBody { licences: c.licences, message: c.message.into() })
                .collect(),
            obligations: obligations
                .map(|o| ObligationBody { kind: o.kind, licences: o.licences, text: o.text.into() })
                .collect(),
        }
    }
}

/// A citation in every form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CitationResponse {
    /// When the data was viewed.
    #[schema(example = "2026-11-26T12:34:56+09:00")]
    viewed_at: String,
    /// For lists of references, a line for each thing that is cited.
    text: TextBody,
    /// BibTeX, in the language that was asked for; so are the next two.
    bibtex: String,
    /// RIS.
    ris: String,
    /// CSL-JSON items.
    #[schema(value_type = Vec<Object>)]
    csl: serde_json::Value,
    /// What the licences together oblige to.
    terms: TermsResponse,
    /// The dataset versions that are cited.
    #[schema(value_type = Vec<Object>)]
    sources: Vec<Source>,
}

impl CitationResponse {
    /// Every form of a citation.
    pub(crate) fn of(citation: &Citation, language: Language) -> Self {
        Self {
            viewed_at: format_instant(citation.viewed_at),
            text: TextBody { ja: citation.text(Language::Ja), en: citation.text(Language::En) },
            bibtex: citation.bibtex(language),
            ris: citation.ris(language),
            csl: citation.csl(language),
            terms: citation.terms().into(),
            sources: citation.sources.iter().map(|cited| cited.source.clone()).collect(),
        }
    }
}

/// Each source with the address of its version.
pub(crate) fn cited(base: &str, sources: Vec<Source>) -> Vec<CitedSource> {
    let address = |source: &Source| {
        let (agency, name) = (source.dataset.agency(), source.dataset.name());
        format!("{base}/v1/datasets/{agency}/{name}/versions/{}", source.version)
    };
    sources.into_iter().map(|source| CitedSource { url: address(&source), source }).collect()
}

/// A citation in one form.
pub(crate) fn show(citation: &Citation, form: CitationFormat, language: Language) -> Response {
    let mut response = match form {
        CitationFormat::Json => Json(CitationResponse::of(citation, language)).into_response(),
        CitationFormat::Text => (citation.text(language) + "\n").into_response(),
        CitationFormat::Bibtex => citation.bibtex(language).into_response(),
        CitationFormat::Ris => citation.ris(language).into_response(),
        CitationFormat::Csl => Json(citation.csl(language)).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    // It says when the data was viewed, which is another time each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Cite dataset versions
///
/// Names every dataset, agency, version, licence and the time of viewing, with what the licences together
/// oblige to. The `citation` of an answer in JSON is such an address.
#[utoipa::path(get, path = "/v1/citations", tag = "citing", params(SourcesQuery),
    responses((status = 200, description = "The citation", content(
        (CitationResponse = "application/json"), (String = "text/plain"), (String = "application/x-bibtex"),
        (String = "application/x-research-info-systems"), (Vec<Object> = "application/vnd.citationstyles.csl+json"))),
        QueryProblems))]
pub(crate) async fn cite_versions(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    PublicBase(base): PublicBase,
    Params(query): Params<SourcesQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (form, language) = choose(query.format.as_deref(), query.lang.as_deref(), &headers)?;
    let versions = sql::versions_of_text("sources", Some(&query.sources))?;
    let sources = state.app.sources_of_versions(&principal, &versions).await?;
    let citation =
        Citation { result: None, sources: cited(&base, sources), viewed_at: state.app.now() };
    Ok(show(&citation, form, language))
}

/// Cite what a statement reads
///
/// The statement is not run; the versions are those that it would read now.
#[utoipa::path(post, path = "/v1/citations", tag = "citing", request_body = CitationRequest,
    responses((status = 200, description = "The citation", content(
        (CitationResponse = "application/json"), (String = "text/plain"), (String = "application/x-bibtex"),
        (String = "application/x-research-info-systems"), (Vec<Object> = "application/vnd.citationstyles.csl+json"))),
        QueryProblems, BodyProblems))]
pub(crate) async fn cite_statement(
    State(state): State<ServerState>,
    Caller(principal): Caller,
    PublicBase(base): PublicBase,
    Params(NoParams {}): Params<NoParams>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CitationRequest>,
) -> Result<Response, Problem> {
    let (form, language) = choose(body.format.as_deref(), body.lang.as_deref(), &headers)?;
    let request = sql::statement(body.sql, body.parameters, &body.versions, body.as_of.as_deref())?;
    let sources = state.app.sources_of_query(&principal, request).await?;
    let citation =
        Citation { result: None, sources: cited(&base, sources), viewed_at: state.app.now() };
    Ok(show(&citation, form, language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_follows_the_parameter_then_the_accepted_types() {
        let accept =
            |value| HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))]);
        let form = |format, headers: &HeaderMap| choose(format, None, headers).map(|form| form.0);
        assert_eq!(form(None, &HeaderMap::new()).unwrap(), CitationFormat::Json);
        assert_eq!(form(Some("ris"), &accept("text/plain")).unwrap(), CitationFormat::Ris);
        let bibtex = accept("text/html, application/x-bibtex;q=0.9");
        assert_eq!(form(None, &bibtex).unwrap(), CitationFormat::Bibtex);
        assert_eq!(form(None, &accept("text/html, */*;q=0.1")).unwrap(), CitationFormat::Json);
        assert_eq!(form(None, &accept("image/png")).unwrap_err().status, 406);
        assert_eq!(form(Some("xml"), &HeaderMap::new()).unwrap_err().status, 400);
        assert_eq!(choose(None, Some("fr"), &HeaderMap::new()).unwrap_err().status, 400);
    }
}

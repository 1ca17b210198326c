//! A small page at `/`: who takes part, what there is, how to read it.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use hub_model::Principal;

use crate::{problem::Problem, state::ServerState};

/// How many datasets the page lists; the rest are said and reached by search.
const LISTED: usize = 100;

/// Shows what anyone may see.
pub(crate) async fn show_home(
    State(state): State<ServerState>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = state.app.datasets(&Principal::Anonymous, None, None, None, LISTED).await?;
    let mut rows = String::new();
    for dataset in &page.datasets {
        let id = dataset.record.id.to_string();
        let (agency, name) = (dataset.record.id.agency().as_str(), dataset.record.id.name());
        let metadata = &dataset.record.metadata;
        let (version, count) =
            dataset.latest.as_ref().map_or((0, 0), |latest| (latest.number, latest.rows_total));
        let synthetic = if metadata.synthetic {
            " <span class=\"mark\">合成データ synthetic</span>"
        } else {
            ""
        };
        rows.push_str(&format!(
            "<tr><td><a href=\"/v1/datasets/{agency}/{name}\"><code>{id}</code></a>{synthetic}</td>\
             <td lang=\"ja\">{}</td><td lang=\"ja\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{version}</td><td class=\"whole\">{}</td>\
             <td><a href=\"/v1/datasets/{agency}/{name}/rows?limit=10\">rows</a></td></tr>\n",
            escape(metadata.title.ja_or_en()),
            escape(dataset.publisher.ja_or_en()),
            grouped(count),
            metadata.licence.terms().id,
        ));
    }
    let first = page.datasets.iter().find(|dataset| dataset.latest.is_some());
    let example =
        first.map_or("agency.dataset".to_owned(), |dataset| dataset.record.id.to_string());
    let more = if page.next.is_some() {
        "<p>More are found by <a href=\"/v1/datasets\">/v1/datasets</a>?q=…</p>"
    } else {
        ""
    };
    let empty = if page.datasets.is_empty() {
        "<p>Nothing is published yet. <code>mochiyori demo</code> shows the hub with sample data.</p>"
    } else {
        ""
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let base = match host {
        Some(host) if state.public_url.is_empty() => format!("http://{host}"),
        _ => state.public_url.to_string(),
    };
    let html = include_str!("home.html")
        .replace("{{base}}", &escape(&base))
        .replace("{{example}}", &escape(&example))
        .replace("{{rows}}", &rows)
        .replace("{{more}}", more)
        .replace("{{empty}}", empty);
    Ok(html_page(html))
}

/// A page that anyone may see and that runs nothing.
pub(super) fn html_page(html: String) -> Response {
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
        ),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=10"));
    response
}

/// Text as HTML shows it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // A brace could be taken for one of the page's own places.
            '{' => escaped.push_str("&#123;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_cannot_carry_script() {
        assert_eq!(escape("<script>'{{rows}}'"), "&lt;script&gt;&#39;&#123;&#123;rows}}&#39;");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}

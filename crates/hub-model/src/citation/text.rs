//! Citations to be read by people: one paragraph for each thing that is cited, ready to be copied into a
//! list of references.

use super::{
    Citation, CitedResult, CitedSource, Language, date_parts, hub, licence_name, moment, one_line,
    result_title, titled,
};
use crate::Source;

pub(super) fn write(citation: &Citation, language: Language) -> String {
    let result = citation.result.iter().map(|result| match language {
        Language::Ja => result_ja(citation, result),
        Language::En => result_en(citation, result),
    });
    let sources = citation.sources.iter().map(|source| match language {
        Language::Ja => source_ja(citation, source),
        Language::En => source_en(citation, source),
    });
    result.chain(sources).map(|paragraph| one_line(&paragraph)).collect::<Vec<_>>().join("\n")
}

fn result_ja(citation: &Citation, result: &CitedResult) -> String {
    let language = Language::Ja;
    format!(
        "「{}」（{}作成，{}行，ハッシュ値 {}）．{}．{}{}",
        result_title(citation, result, language),
        moment(result.created_at, language),
        result.rows,
        result.hash,
        hub(language),
        result.url,
        citation.read_from().map_or_else(String::new, |ids| format!("．対象：{ids}")),
    )
}

fn result_en(citation: &Citation, result: &CitedResult) -> String {
    let language = Language::En;
    format!(
        "{} ({}). [Query result: {} row(s), hash {}, made {}]. {}. {}.{}",
        result_title(citation, result, language),
        date_parts(result.created_at).0,
        result.rows,
        result.hash,
        moment(result.created_at, language),
        hub(language),
        result.url,
        citation.read_from().map_or_else(String::new, |ids| format!(" Read from {ids}.")),
    )
}

fn source_ja(citation: &Citation, cited: &CitedSource) -> String {
    let (source, language) = (&cited.source, Language::Ja);
    let published = source.committed_at.map_or_else(
        || "未公開".to_owned(),
        |instant| format!("{}公開", moment(instant, language)),
    );
    let mut text = format!(
        "{}「{}」（{} 第{}版，{published}）．{}．{}，{}閲覧．ライセンス：{}（{}）",
        source.publisher.ja_or_en(),
        titled(source, language),
        source.dataset,
        source.version,
        hub(language),
        cited.url,
        moment(citation.viewed_at, language),
        licence_name(source, language),
        source.licence_url,
    );
    close(&mut text, source, "．", ["（", "）"]);
    text
}

fn source_en(citation: &Citation, cited: &CitedSource) -> String {
    let (source, language) = (&cited.source, Language::En);
    let (year, published) = match source.committed_at {
        Some(instant) => {
            (date_parts(instant).0.to_string(), format!("published {}", moment(instant, language)))
        }
        None => ("n.d.".to_owned(), "nothing published".to_owned()),
    };
    let mut text = format!(
        "{} ({year}). {} [Data set]. {}, version {}, {published}. {}. {}. Viewed {}. Licence: {}, {}.",
        source.publisher.en_or_ja(),
        titled(source, language),
        source.dataset,
        source.version,
        hub(language),
        cited.url,
        moment(citation.viewed_at, language),
        licence_name(source, language),
        source.licence_url,
    );
    close(&mut text, source, " Attribution: ", [" (", ")"]);
    text
}

/// What the publisher wants said, and its page.
fn close(text: &mut String, source: &Source, before: &str, brackets: [&str; 2]) {
    let attribution = source.attribution.trim();
    if !attribution.is_empty() {
        text.push_str(before);
        text.push_str(attribution);
    }
    if let Some(page) = &source.homepage {
        let [open, shut] = brackets;
        text.push_str(&format!("{open}{page}{shut}"));
    }
}

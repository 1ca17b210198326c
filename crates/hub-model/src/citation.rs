//! Citations: what was read, whose it is, in which version, under which licence, and when it was viewed,
//! as text and as the forms that reference managers take. Every form is written from the same entries.

mod bibtex;
mod csl;
mod ris;
mod text;

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;

use crate::{CombinedTerms, PermalinkId, Source, TOKYO, Text, licence::Licence};

/// What the hub is called where it is named as the place data was read at.
const HUB: (&str, &str) = ("持ち寄り", "Mochiyori");

/// The language that a citation is written in. A text that is there in the other one only is taken from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

impl Language {
    /// The language's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    fn of(self, text: &Text) -> &str {
        match self {
            Self::Ja => text.ja_or_en(),
            Self::En => text.en_or_ja(),
        }
    }
}

/// A dataset version to be cited, and where it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitedSource {
    /// The version, with what is said of it.
    pub source: Source,
    /// Its address.
    pub url: String,
}

/// A result that has an address of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitedResult {
    /// Its id.
    pub id: PermalinkId,
    /// What its maker called it.
    pub title: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Its address.
    pub url: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its hash, as text.
    pub hash: String,
}

/// A citation: of one result with its sources, or of sources alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The result, where one is cited.
    pub result: Option<CitedResult>,
    /// The dataset versions behind it.
    pub sources: Vec<CitedSource>,
    /// When they were viewed.
    pub viewed_at: DateTime<Utc>,
}

/// One thing to be cited, in one language. The forms differ only in how they write it.
struct Entry {
    /// A key for bibliographies: letters, digits and underscores.
    key: String,
    title: String,
    author: Option<String>,
    /// When it was published.
    issued: Option<DateTime<Utc>>,
    version: Option<String>,
    publisher: &'static str,
    url: String,
    viewed_at: DateTime<Utc>,
    /// What else must be said.
    notes: Vec<String>,
    language: Language,
}

impl Citation {
    /// The terms of all sources together.
    pub fn terms(&self) -> CombinedTerms {
        let sources: Vec<Source> = self.sources.iter().map(|cited| cited.source.clone()).collect();
        CombinedTerms::of(&sources)
    }

    /// As text, one paragraph for each thing that is cited.
    pub fn text(&self, language: Language) -> String {
        text::write(self, language)
    }

    /// As BibTeX, UTF-8.
    pub fn bibtex(&self, language: Language) -> String {
        self.entries(language).iter().map(bibtex::write).collect::<Vec<_>>().join("\n")
    }

    /// As RIS, UTF-8.
    pub fn ris(&self, language: Language) -> String {
        self.entries(language).iter().map(ris::write).collect()
    }

    /// As CSL-JSON: an array of items.
    pub fn csl(&self, language: Language) -> Value {
        self.entries(language).iter().map(csl::write).collect()
    }

    fn entries(&self, language: Language) -> Vec<Entry> {
        let result = self.result.iter().map(|result| self.result_entry(result, language));
        result.chain(self.sources.iter().map(|s| self.source_entry(s, language))).collect()
    }

    fn result_entry(&self, result: &CitedResult, language: Language) -> Entry {
        let (hash, rows) = (&result.hash, result.rows);
        let notes = match (language, self.read_from()) {
            (Language::Ja, Some(ids)) => {
                format!("{ids} への問い合わせの結果．{rows}行．ハッシュ値 {hash}")
            }
            (Language::Ja, None) => format!("問い合わせの結果．{rows}行．ハッシュ値 {hash}"),
            (Language::En, Some(ids)) => {
                format!("Result of a query over {ids}. {rows} row(s). Hash {hash}")
            }
            (Language::En, None) => format!("Result of a query. {rows} row(s). Hash {hash}"),
        };
        Entry {
            key: format!("mochiyori_{}", result.id),
            title: result_title(self, result, language),
            author: None,
            issued: Some(result.created_at),
            version: None,
            publisher: hub(language),
            url: result.url.clone(),
            viewed_at: self.viewed_at,
            notes: vec![notes],
            language,
        }
    }

    /// The versions that were read; none where the statement reads no dataset.
    fn read_from(&self) -> Option<String> {
        (!self.sources.is_empty())
            .then(|| list(self.sources.iter().map(|cited| versioned(&cited.source))))
    }

    fn source_entry(&self, cited: &CitedSource, language: Language) -> Entry {
        let source = &cited.source;
        let licence = licence_name(source, language);
        let mut notes = Vec::new();
        let mut note = |ja: String, en: String| {
            notes.push(match language {
                Language::Ja => ja,
                Language::En => en,
            });
        };
        let (id, version) = (&source.dataset, source.version);
        note(
            format!("データセット {id} 第{version}版"),
            format!("Dataset {id}, version {version}"),
        );
        if source.synthetic {
            note("合成データ".to_owned(), "Synthetic data".to_owned());
        }
        let url = &source.licence_url;
        note(format!("ライセンス：{licence}（{url}）"), format!("Licence: {licence}, {url}"));
        if !source.attribution.trim().is_empty() {
            let line = source.attribution.trim();
            note(format!("出典の表示：{line}"), format!("Attribution: {line}"));
        }
        if let Some(page) = &source.homepage {
            note(format!("公開元：{page}"), format!("Publisher's page: {page}"));
        }
        let viewed = moment(self.viewed_at, language);
        note(format!("閲覧日時：{viewed}"), format!("Viewed: {viewed}"));
        Entry {
            key: format!("{}_{}_v{version}", id.agency(), id.name()),
            title: titled(source, language),
            author: Some(language.of(&source.publisher).to_owned()).filter(|name| !name.is_empty()),
            issued: source.committed_at,
            version: Some(version.to_string()),
            publisher: hub(language),
            url: cited.url.clone(),
            viewed_at: self.viewed_at,
            notes,
            language,
        }
    }
}

fn hub(language: Language) -> &'static str {
    match language {
        Language::Ja => HUB.0,
        Language::En => HUB.1,
    }
}

fn versioned(source: &Source) -> String {
    format!("{} v{}", source.dataset, source.version)
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn titled(source: &Source, language: Language) -> String {
    let title = language.of(&source.title);
    // A title that says so itself needs no word more.
    let said = ["合成データ", "synthetic"].iter().any(|word| title.to_lowercase().contains(word));
    match (source.synthetic && !said, language) {
        (false, _) => title.to_owned(),
        (true, Language::Ja) => format!("{title}（合成データ）"),
        (true, Language::En) => format!("{title} (synthetic data)"),
    }
}

fn result_title(citation: &Citation, result: &CitedResult, language: Language) -> String {
    if let Some(title) = &result.title {
        return title.clone();
    }
    let titles = citation.sources.iter().map(|cited| titled(&cited.source, language));
    match language {
        Language::Ja if citation.sources.is_empty() => "問い合わせ結果".to_owned(),
        Language::En if citation.sources.is_empty() => "Query result".to_owned(),
        Language::Ja => {
            format!("{} からの問い合わせ結果", titles.collect::<Vec<_>>().join("、"))
        }
        Language::En => format!("Query result from {}", list(titles)),
    }
}

fn licence_name(source: &Source, language: Language) -> String {
    match (Licence::parse(&source.licence), language) {
        (Ok(licence), Language::Ja) => licence.terms().name_ja.to_owned(),
        (Ok(licence), Language::En) => licence.terms().name_en.to_owned(),
        (Err(_), _) => source.licence.clone(),
    }
}

/// An instant in Japanese time, to the second, as citations write it.
fn moment(instant: DateTime<Utc>, language: Language) -> String {
    let local = instant.with_timezone(&TOKYO);
    match language {
        Language::Ja => local.format("%Y年%-m月%-d日 %H時%M分%S秒").to_string(),
        Language::En => local.format("%Y-%m-%d %H:%M:%S JST").to_string(),
    }
}

fn date_parts(instant: DateTime<Utc>) -> (i32, u32, u32) {
    let local = instant.with_timezone(&TOKYO);
    (local.year(), local.month(), local.day())
}

/// A text on one line: line breaks and other control characters become single spaces.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || (c.is_whitespace() && c != '\u{3000}'))
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;

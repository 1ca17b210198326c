//! What is said of agencies and datasets, beside their data.

use serde::{Deserialize, Serialize};

use crate::{AgencyId, Interval, Licence, ModelError};

/// A text in Japanese, in English, or in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// In Japanese; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ja: String,
    /// In English; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

impl Text {
    /// A text in both languages.
    pub fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ja: ja.into(), en: en.into() }
    }

    /// Whether neither language has a text.
    pub fn is_empty(&self) -> bool {
        self.ja.is_empty() && self.en.is_empty()
    }

    /// The Japanese text, or the English one where there is no Japanese.
    pub fn ja_or_en(&self) -> &str {
        if self.ja.is_empty() { &self.en } else { &self.ja }
    }

    /// The English text, or the Japanese one where there is no English.
    pub fn en_or_ja(&self) -> &str {
        if self.en.is_empty() { &self.ja } else { &self.en }
    }
}

/// An organisation with its own space in the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agency {
    /// Its id, which never changes.
    pub id: AgencyId,
    /// What it is called.
    pub name: Text,
    /// Where it can be reached, as an address people can write to.
    pub contact: Option<String>,
}

/// Who may read a dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everyone.
    #[default]
    Public,
    /// The holders of the owning agency's tokens.
    Private,
}

/// What is said of a dataset, beside its contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetMetadata {
    /// What it is called.
    pub title: Text,
    /// What it holds, how it was observed, what to mind.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub description: Text,
    /// Words people search by, in any language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// The licence the data is given under.
    pub licence: Licence,
    /// The line a user must show, as the publisher words it.
    pub attribution: String,
    /// Whom to ask about the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The publisher's own page of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// How often new data comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence: Option<Interval>,
    /// Who may read it.
    #[serde(default)]
    pub visibility: Visibility,
    /// Whether the data was generated rather than observed; shown wherever the data shows.
    #[serde(default)]
    pub synthetic: bool,
}

/// The longest text a metadata field may hold, in characters.
const MAX_TEXT: usize = 10_000;

impl DatasetMetadata {
    /// Checks what the types leave open: a title, an attribution where the licence asks for one, lengths.
    pub fn validate(&self) -> Result<(), ModelError> {
        if self.title.is_empty() {
            return Err(ModelError::invalid(
                "title",
                "",
                (
                    "題（title）を日本語か英語か両方で書いてください",
                    "give a title in ja, en or both",
                ),
            ));
        }
        if self.attribution.trim().is_empty() && self.licence.terms().attribution {
            return Err(ModelError::invalid(
                "attribution",
                "",
                (
                    "このライセンスでは利用者が出典を示します。示してもらう一行（attribution）を書いてください",
                    "the licence asks users to name the source: give the line they must show",
                ),
            ));
        }
        let texts = [
            &self.title.ja,
            &self.title.en,
            &self.description.ja,
            &self.description.en,
            &self.attribution,
        ];
        for text in
            texts.into_iter().chain(&self.keywords).chain(&self.contact).chain(&self.homepage)
        {
            if text.chars().count() > MAX_TEXT {
                return Err(ModelError::invalid(
                    "text",
                    text,
                    ("10,000文字までにしてください", "keep it within 10,000 characters"),
                ));
            }
        }
        if self.keywords.len() > 100 {
            return Err(ModelError::invalid(
                "keywords",
                "",
                ("キーワード（keywords）は100個までにしてください", "give at most 100"),
            ));
        }
        match &self.homepage {
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
                Err(ModelError::invalid(
                    "homepage",
                    url,
                    ("http か https のアドレスを書いてください", "give an http or https address"),
                ))
            }
            _ => Ok(()),
        }
    }
}

//! Licences of open data, and what they ask of those who use it.

mod combined;

use serde::{Deserialize, Serialize};

pub use combined::{CombinedTerms, Obligation, ObligationKind, SourceLine, TermsConflict};

use crate::ModelError;

/// A dataset's licence: one of those whose terms the hub knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Licence(&'static LicenceTerms);

/// What a licence is called and what it obliges.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LicenceTerms {
    /// The id used in metadata; SPDX's where it has one.
    pub id: &'static str,
    /// Its name in Japanese.
    pub name_ja: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
    /// Where it can be read.
    pub url: &'static str,
    /// The source must be named.
    pub attribution: bool,
    /// What is made from the data must be given on under the same licence.
    pub share_alike: bool,
    /// The data, and what is made from it, must not be used commercially.
    pub non_commercial: bool,
    /// What is made from the data must not be passed on.
    pub no_derivatives: bool,
    /// Edited data must say by whom it was edited, apart from the source.
    pub edited_by: bool,
}

static KNOWN: [LicenceTerms; 12] = [
    LicenceTerms {
        id: "CC-BY-4.0",
        name_ja: "クリエイティブ・コモンズ 表示 4.0 国際",
        name_en: "Creative Commons Attribution 4.0 International",
        url: "https://creativecommons.org/licenses/by/4.0/",
        attribution: true,
        share_alike: false,
        non_commercial: false,
        no_derivatives: false,
        edited_by: false,
    },
    LicenceTerms {
        id: "CC-BY-SA-4.0",
        name_ja: "クリエイティブ・コモンズ 表示-継承 4.0 国際",
        name_en: "Creative Commons Attribution-ShareAlike 4.0 International",
        url: "https://creativecommons.org/licenses/by-sa/4.0/",
        attribution: true,
        share_alike: true,
        non_commercial: false,
        no_derivatives: false,
        edited_by: false,
    },
    LicenceTerms {
        id: "CC-BY-NC-4.0",
        name_ja: "クリエイティブ・コモンズ 表示-非営利 4.0 国際",
        name_en: "Creative Commons Attribution-NonCommercial 4.0 International",
        url: "https://creativecommons.org/licenses/by-nc/4.0/",
        attribution: true,
        share_alike: false,
        non_commercial: true,
        no_derivatives: false,
        edited_by: false,
    },
    LicenceTerms {
        id: "CC-BY-NC-SA-4.0",
        name_ja: "クリエイティブ・コモンズ 表示-非営利-継承 4.0 国際",
        name_en: "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International",
        url: "https://creativecommons.org/licenses/by-nc-sa/4.0/",
        attribution: true,
        share_alike: true,
        non_commercial: true,
        no_derivatives: false,
        edited_by: false,
    },
    LicenceTerms {
        id: "CC-BY-ND-4.0",
        name_ja: "クリエイティブ・コモンズ 表示-改変禁止 4.0 国際",
        name_en: "Creative Commons Attribution-NoDerivatives 4.0 International",
        url: "https://creativecommons.org/licenses/by-nd/4.0/",
        attribution: true,
        share_alike: false,
        non_commercial: false,
        no_derivatives: true,
        edited_by: false,
    },
    LicenceTerms {
        id: "CC-BY-NC-ND-4.0",
        name_ja: "クリエイティブ・コモンズ 表示-非営利-改変禁止 4.0 国際",
        name_en: "Creative Commons Attribution-NonCommercial-NoDerivatives 4.0 International",
        url: "https://creativecommons.org/licenses/by-nc-nd/4.0/",
        attribution: true,
        share_alike: false,
        non_commercial: true,
        no_derivatives: true,
        edited_by: false,
    },
    LicenceTerms {
        id: "ODbL-1.0",
        name_ja: "オープンデータベースライセンス（ODbL）1.0",
        name_en: "Open Database License 1.0",
        url: "https://opendatacommons.org/licenses/odbl/1-0/",
        attribution: true,
        share_alike: true,
        non_commercial: false,
        no_derivatives: false,
        edited_by: false,
    },
    LicenceTerms {
        id: "CC0-1.0",
        name_ja: "CC0 1.0 全世界 パブリック・ドメイン提供",
        name_en: "CC0 1.0 Universal",
        url: "https://creativecommons.org/publicdomain/zero/1.0/",
        attribution: false,
        share_alike: false,
        non_commercial: false,
        no_derivatives: false,
        edited_by: false,
    },
    LicenceTerms {
        id: "PDL-1.0",
        name_ja: "公共データ利用規約（第1.0版）",
        name_en: "Public Data License (Version 1.0)",
        url: "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0",
        attribution: true,
        share_alike: false,
        non_commercial: false,
        no_derivatives: false,
        edited_by: true,
    },
    LicenceTerms {
        id: "GJSTU-2.0",
        name_ja: "政府標準利用規約（第2.0版）",
        name_en: "Government of Japan Standard Terms of Use (Version 2.0)",
        url: "https://www.digital.go.jp/resources/open_data",
        attribution: true,
        share_alike: false,
        non_commercial: false,
        no_derivatives: false,
        edited_by: true,
    },
    LicenceTerms {
        id: "JARTIC-API",
        name_ja: "JARTIC 交通量API利用規約",
        name_en: "Terms of use of the JARTIC traffic volume API",
        url: "https://www.jartic-open-traffic.org/",
        attribution: true,
        share_alike: false,
        non_commercial: false,
        no_derivatives: false,
        edited_by: true,
    },
    LicenceTerms {
        id: "SSDSE",
        name_ja: "SSDSE（教育用標準データセット）利用規約",
        name_en: "Terms of use of the Standardized Statistical Data Set for Education",
        url: "https://www.nstac.go.jp/use/literacy/ssdse/",
        attribution: true,
        share_alike: false,
        non_commercial: false,
        no_derivatives: false,
        edited_by: true,
    },
];

impl Licence {
    /// Finds a licence by its id, whatever the case of its letters.
    pub fn parse(id: &str) -> Result<Self, ModelError> {
        KNOWN.iter().find(|known| known.id.eq_ignore_ascii_case(id)).map(Self).ok_or_else(|| {
            ModelError::invalid(
                "licence",
                id,
                (
                    "ライセンスはCC-BY-4.0、CC-BY-SA-4.0、CC-BY-NC-4.0、CC-BY-NC-SA-4.0、CC-BY-ND-4.0、\
                     CC-BY-NC-ND-4.0、ODbL-1.0、CC0-1.0、PDL-1.0、GJSTU-2.0、JARTIC-API、SSDSEから選んでください",
                    "use one of CC-BY-4.0, CC-BY-SA-4.0, CC-BY-NC-4.0, CC-BY-NC-SA-4.0, CC-BY-ND-4.0, \
                     CC-BY-NC-ND-4.0, ODbL-1.0, CC0-1.0, PDL-1.0, GJSTU-2.0, JARTIC-API, SSDSE",
                ),
            )
        })
    }

    /// Every licence the hub knows.
    pub fn known() -> impl Iterator<Item = &'static LicenceTerms> {
        KNOWN.iter()
    }

    /// What the licence is called and asks.
    pub fn terms(&self) -> &'static LicenceTerms {
        self.0
    }
}

impl TryFrom<String> for Licence {
    type Error = ModelError;
    fn try_from(value: String) -> Result<Self, ModelError> {
        Self::parse(&value)
    }
}

impl From<Licence> for String {
    fn from(licence: Licence) -> Self {
        licence.0.id.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_of_an_unknown_licence_names_every_known_one() {
        let refusal = Licence::parse("MIT").unwrap_err().to_string();
        for known in Licence::known() {
            assert!(refusal.contains(known.id), "{} is missing: {refusal}", known.id);
            assert_eq!(Licence::parse(&known.id.to_lowercase()).unwrap().terms(), known);
        }
    }
}

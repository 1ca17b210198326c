//! What a result that was joined of several datasets obliges one to: everyone's attribution, and the
//! strictest of their terms. It tells what the licences ask; it is no legal advice and decides nothing.

use serde::{Deserialize, Serialize};

use super::{Licence, LicenceTerms};
use crate::{DatasetId, Source, Text};

/// The terms of all sources of a result, taken together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombinedTerms {
    /// The line to show of each dataset whose licence asks for one, in the order of the sources.
    pub attributions: Vec<SourceLine>,
    /// Ids of the licences, one of which what is made from the result must be given on under.
    pub share_alike: Vec<String>,
    /// The result must not be used commercially.
    pub non_commercial: bool,
    /// What is made from the data must not be passed on.
    pub no_derivatives: bool,
    /// Who passes it on says that they edited it, apart from the sources.
    pub edited_by: bool,
    /// Licences whose terms can't be kept together when the result is passed on.
    pub conflicts: Vec<TermsConflict>,
    /// What to do, a sentence each in both languages.
    pub obligations: Vec<Obligation>,
}

/// A dataset and the line that its publisher wants shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// The dataset.
    pub dataset: DatasetId,
    /// The line.
    pub text: String,
}

/// Licences that stand against one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsConflict {
    /// Their ids.
    pub licences: Vec<String>,
    /// Why, and what to do.
    pub message: Text,
}

/// What kind of thing one is obliged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObligationKind {
    /// Show the sources.
    Attribution,
    /// Name the licences and where they can be read.
    LicenceNotice,
    /// Say who edited, apart from the sources.
    EditedBy,
    /// Give on under the same licence.
    ShareAlike,
    /// No commercial use.
    NonCommercial,
    /// Nothing made from it may be passed on.
    NoDerivatives,
    /// Say that the data was generated.
    Synthetic,
    /// A licence whose terms the hub does not know must be read.
    ReadTheLicence,
}

/// One thing to do, and which licences ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// What kind of thing.
    pub kind: ObligationKind,
    /// The ids of the licences that ask for it; none where no licence does.
    pub licences: Vec<String>,
    /// The sentence.
    pub text: Text,
}

impl CombinedTerms {
    /// The terms of a result that was read from these sources.
    pub fn of(sources: &[Source]) -> Self {
        let known: Vec<&'static LicenceTerms> = distinct(
            sources.iter().filter_map(|s| Licence::parse(&s.licence).ok()).map(|l| l.terms()),
        );
        let unknown = distinct(
            sources.iter().map(|s| s.licence.as_str()).filter(|id| Licence::parse(id).is_err()),
        );
        let asking = |asks: fn(&LicenceTerms) -> bool| -> Vec<String> {
            known.iter().filter(|terms| asks(terms)).map(|terms| terms.id.to_owned()).collect()
        };
        let attributions: Vec<SourceLine> = sources
            .iter()
            .filter(|source| !source.attribution.trim().is_empty())
            .filter(|source| {
                Licence::parse(&source.licence).map_or(true, |l| l.terms().attribution)
            })
            .map(|s| SourceLine { dataset: s.dataset.clone(), text: s.attribution.clone() })
            .collect();
        let share_alike = asking(|terms| terms.share_alike);
        let non_commercial = asking(|terms| terms.non_commercial);
        let no_derivatives = asking(|terms| terms.no_derivatives);
        let edited_by = asking(|terms| terms.edited_by);
        let mut terms = Self {
            conflicts: conflicts(&known),
            obligations: Vec::new(),
            non_commercial: !non_commercial.is_empty(),
            no_derivatives: !no_derivatives.is_empty(),
            edited_by: !edited_by.is_empty(),
            share_alike,
            attributions,
        };
        let mut oblige = |kind, licences: Vec<String>, text: Text| {
            terms.obligations.push(Obligation { kind, licences, text });
        };
        let lines = distinct(terms.attributions.iter().map(|line| line.text.as_str()));
        if !lines.is_empty() {
            oblige(ObligationKind::Attribution, asking(|terms| terms.attribution), shown(&lines));
        }
        if let Some(text) = licence_notice(&known) {
            oblige(ObligationKind::LicenceNotice, asking(|terms| terms.attribution), text);
        }
        if !edited_by.is_empty() {
            oblige(ObligationKind::EditedBy, edited_by, edited());
        }
        if terms.conflicts.is_empty() && !terms.share_alike.is_empty() {
            let text = given_on(&terms.share_alike);
            oblige(ObligationKind::ShareAlike, terms.share_alike.clone(), text);
        }
        // What can't be done is not asked for: each conflict is of a licence that asks for its own.
        for TermsConflict { licences, message } in &terms.conflicts {
            oblige(ObligationKind::ShareAlike, licences.clone(), message.clone());
        }
        if !non_commercial.is_empty() {
            oblige(ObligationKind::NonCommercial, non_commercial, not_commercially());
        }
        if !no_derivatives.is_empty() {
            oblige(ObligationKind::NoDerivatives, no_derivatives, not_passed_on());
        }
        if sources.iter().any(|source| source.synthetic) {
            oblige(ObligationKind::Synthetic, Vec::new(), generated());
        }
        if !unknown.is_empty() {
            let ids: Vec<String> = unknown.iter().map(|id| (*id).to_owned()).collect();
            let text = read_it(&ids);
            oblige(ObligationKind::ReadTheLicence, ids, text);
        }
        terms
    }
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

/// Each pair of licences that can't both be kept when something joined of both is passed on. Terms that
/// forbid passing on are told as an obligation of their own, not as a conflict.
fn conflicts(known: &[&LicenceTerms]) -> Vec<TermsConflict> {
    let mut found = Vec::new();
    for (place, first) in known.iter().enumerate() {
        for second in &known[place + 1..] {
            let message = if first.share_alike && second.share_alike {
                Text::new(
                    format!(
                        "{}と{}は、どちらも同じライセンスでの提供を求めるため、両方から作成したものを公開・再配布することはできません。自分で利用するにとどめるか、データを分けて提供してください。",
                        first.id, second.id
                    ),
                    format!(
                        "{} and {} each ask that what is made from the data be given on under their own \
                         licence, so what is made from both can't be passed on. Keep it to yourself, or \
                         give the datasets on apart.",
                        first.id, second.id
                    ),
                )
            } else {
                let (sharing, limiting) = match (first, second) {
                    (a, b) if a.share_alike && b.non_commercial && !a.non_commercial => (a, b),
                    (a, b) if b.share_alike && a.non_commercial && !b.non_commercial => (b, a),
                    _ => continue,
                };
                Text::new(
                    format!(
                        "{}は営利利用も許す同じライセンスでの提供を求め、{}は営利利用を認めないため、両方から作成したものを公開・再配布することはできません。",
                        sharing.id, limiting.id
                    ),
                    format!(
                        "{} asks that what is made from the data be given on under a licence that allows \
                         commercial use, and {} does not allow it, so what is made from both can't be \
                         passed on.",
                        sharing.id, limiting.id
                    ),
                )
            };
            let licences = vec![first.id.to_owned(), second.id.to_owned()];
            found.push(TermsConflict { licences, message });
        }
    }
    found
}

fn shown(lines: &[&str]) -> Text {
    Text::new(
        format!("結果を示すところに、次の出典を表示してください：{}", lines.join("／")),
        format!("Show these sources where the result is shown: {}", lines.join(" / ")),
    )
}

fn licence_notice(known: &[&LicenceTerms]) -> Option<Text> {
    let asking: Vec<_> = known.iter().filter(|terms| terms.attribution).collect();
    if asking.is_empty() {
        return None;
    }
    let ja: Vec<_> = asking.iter().map(|t| format!("{}（{}）", t.name_ja, t.url)).collect();
    let en: Vec<_> = asking.iter().map(|t| format!("{} ({})", t.name_en, t.url)).collect();
    Some(Text::new(
        format!("ライセンスの名称とURLを示してください：{}", ja.join("／")),
        format!("Name the licences and where they can be read: {}", en.join(" / ")),
    ))
}

fn edited() -> Text {
    Text::new(
        "加工して利用するときは、出典とは別に、加工した者と加工したことを示し（例：「（上記の出典）をもとに〇〇が加工して作成」）、公開した国や自治体等が作成したかのように見せないでください。",
        "Where the data is edited, say by whom and that it was, apart from the sources (such as \"edited \
         by … from the sources above\"), and do not make it look as if the publisher had made the result.",
    )
}

fn given_on(licences: &[String]) -> Text {
    Text::new(
        format!(
            "この結果から作成したものを公開・再配布するときは、同じライセンス（{}）で提供してください。",
            licences.join("、")
        ),
        format!(
            "Give what is made from the result on under the same licence ({}).",
            licences.join(", ")
        ),
    )
}

fn not_commercially() -> Text {
    Text::new("営利目的で利用することはできません。", "Commercial use is not allowed.")
}

fn not_passed_on() -> Text {
    Text::new(
        "改変したもの（集計・結合した結果を含みます）を公開・再配布することはできません。",
        "What is made from the data, aggregates and joins among it, must not be passed on.",
    )
}

fn generated() -> Text {
    Text::new(
        "合成データ（観測ではなく生成した値）を含むことを示してください。",
        "Say that data is among it that was generated and not observed.",
    )
}

fn read_it(ids: &[String]) -> Text {
    Text::new(
        format!("次のライセンスの条件は、原文を確認してください：{}", ids.join("、")),
        format!("Read the terms of these licences yourself: {}", ids.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(dataset: &str, licence: &str) -> Source {
        let terms = Licence::parse(licence).unwrap().terms();
        Source {
            dataset: DatasetId::parse(dataset).unwrap(),
            version: 1,
            committed_at: None,
            title: Text::new("水位", "Level"),
            publisher: Text::new("局", "Office"),
            homepage: None,
            licence: terms.id.to_owned(),
            licence_url: terms.url.to_owned(),
            attribution: format!("出典：{dataset}"),
            synthetic: false,
        }
    }

    fn combined(licences: &[&str]) -> CombinedTerms {
        let named = licences.iter().enumerate();
        let sources: Vec<_> = named.map(|(n, id)| source(&format!("a.d{n}"), id)).collect();
        CombinedTerms::of(&sources)
    }

    fn kinds(terms: &CombinedTerms) -> Vec<ObligationKind> {
        terms.obligations.iter().map(|obligation| obligation.kind).collect()
    }

    #[test]
    fn every_attribution_is_owed_once_and_none_under_cc0() {
        let terms = combined(&["CC-BY-4.0", "CC0-1.0", "PDL-1.0"]);
        let lines: Vec<_> = terms.attributions.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["出典：a.d0", "出典：a.d2"]);
        assert!(terms.edited_by && terms.conflicts.is_empty());
        assert_eq!(
            kinds(&terms),
            [ObligationKind::Attribution, ObligationKind::LicenceNotice, ObligationKind::EditedBy]
        );
        let notice = &terms.obligations[1].text;
        assert!(
            notice
                .ja
                .contains("https://www.digital.go.jp/resources/open_data/public_data_license_v1.0")
        );
        assert_eq!(terms.obligations[2].licences, ["PDL-1.0"]);
        assert_eq!(kinds(&combined(&["CC0-1.0"])), []);
        assert_eq!(kinds(&combined(&[])), []);
    }

    #[test]
    fn two_that_ask_for_their_own_licence_conflict_and_one_does_not() {
        let one = combined(&["CC-BY-SA-4.0", "CC-BY-4.0", "CC-BY-SA-4.0"]);
        assert_eq!(
            (one.share_alike.as_slice(), one.conflicts.len()),
            (["CC-BY-SA-4.0".to_owned()].as_slice(), 0)
        );
        for pair in [
            ["CC-BY-SA-4.0", "ODbL-1.0"],
            ["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"],
            ["CC-BY-SA-4.0", "CC-BY-NC-4.0"],
            ["CC-BY-NC-4.0", "ODbL-1.0"],
        ] {
            let terms = combined(&pair);
            assert_eq!(terms.conflicts.len(), 1, "{pair:?}");
            assert_eq!(terms.conflicts[0].licences, pair);
            // Nobody is told to give on under both.
            let asked: Vec<_> =
                terms.obligations.iter().filter(|o| o.kind == ObligationKind::ShareAlike).collect();
            assert_eq!(asked.len(), 1, "{pair:?}");
            assert_eq!(asked[0].text, terms.conflicts[0].message);
        }
        for pair in [["CC-BY-NC-SA-4.0", "CC-BY-NC-4.0"], ["CC-BY-4.0", "CC-BY-NC-4.0"]] {
            let terms = combined(&pair);
            assert!(terms.conflicts.is_empty() && terms.non_commercial, "{pair:?}");
        }
    }

    #[test]
    fn what_may_not_be_changed_may_not_be_joined_and_passed_on() {
        let terms = combined(&["CC-BY-4.0", "CC-BY-NC-ND-4.0"]);
        assert!(terms.no_derivatives && terms.non_commercial);
        assert!(kinds(&terms).contains(&ObligationKind::NoDerivatives));
    }

    #[test]
    fn generated_data_and_unknown_licences_are_said() {
        let mut made = source("a.b", "CC0-1.0");
        made.synthetic = true;
        let mut other = source("a.c", "CC0-1.0");
        other.licence = "X-1".to_owned();
        let terms = CombinedTerms::of(&[made, other]);
        assert_eq!(
            kinds(&terms),
            [
                ObligationKind::Attribution,
                ObligationKind::Synthetic,
                ObligationKind::ReadTheLicence
            ]
        );
        assert_eq!(terms.attributions.len(), 1, "what an unknown licence asks is not left out");
    }
}

use super::*;
use crate::DatasetId;

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn source(title: Text, publisher: Text, attribution: &str) -> CitedSource {
    CitedSource {
        source: Source {
            dataset: DatasetId::parse("otaru_kaihatsu.river_hourly").unwrap(),
            version: 3,
            committed_at: Some(instant("2026-03-31T16:00:00Z")),
            title,
            publisher,
            homepage: Some("https://example.jp/river".to_owned()),
            licence: "PDL-1.0".to_owned(),
            licence_url: "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0"
                .to_owned(),
            attribution: attribution.to_owned(),
            synthetic: true,
        },
        url: "https://hub.example.jp/v1/datasets/otaru_kaihatsu/river_hourly/versions/3".to_owned(),
    }
}

fn plain() -> Citation {
    Citation {
        result: Some(CitedResult {
            id: PermalinkId::of_random(7),
            title: None,
            created_at: instant("2026-11-26T03:04:05Z"),
            url: "https://hub.example.jp/v1/permalinks/922222222222".to_owned(),
            rows: 24,
            hash: "mrh1-00-00".to_owned(),
        }),
        sources: vec![source(
            Text::new("時間水位・流量", "Hourly level and discharge"),
            Text::new("小樽開発建設部", "Otaru Development Office"),
            "出典：小樽開発建設部",
        )],
        viewed_at: instant("2026-11-26T03:04:05Z"),
    }
}

#[test]
fn the_texts_name_everything_that_is_to_be_named() {
    let ja = plain().text(Language::Ja);
    assert_eq!(
        ja,
        "「時間水位・流量（合成データ） からの問い合わせ結果」（2026年11月26日 12時04分05秒作成，24行，ハッシュ値 mrh1-00-00）．持ち寄り．https://hub.example.jp/v1/permalinks/922222222222．対象：otaru_kaihatsu.river_hourly v3\n小樽開発建設部「時間水位・流量（合成データ）」（otaru_kaihatsu.river_hourly 第3版，2026年4月1日 01時00分00秒公開）．持ち寄り．https://hub.example.jp/v1/datasets/otaru_kaihatsu/river_hourly/versions/3，2026年11月26日 12時04分05秒閲覧．ライセンス：公共データ利用規約（第1.0版）（https://www.digital.go.jp/resources/open_data/public_data_license_v1.0）．出典：小樽開発建設部（https://example.jp/river）"
    );
    let en = plain().text(Language::En);
    assert_eq!(
        en,
        "Query result from Hourly level and discharge (synthetic data) (2026). [Query result: 24 row(s), hash mrh1-00-00, made 2026-11-26 12:04:05 JST]. Mochiyori. https://hub.example.jp/v1/permalinks/922222222222. Read from otaru_kaihatsu.river_hourly v3.\nOtaru Development Office (2026). Hourly level and discharge (synthetic data) [Data set]. otaru_kaihatsu.river_hourly, version 3, published 2026-04-01 01:00:00 JST. Mochiyori. https://hub.example.jp/v1/datasets/otaru_kaihatsu/river_hourly/versions/3. Viewed 2026-11-26 12:04:05 JST. Licence: Public Data License (Version 1.0), https://www.digital.go.jp/resources/open_data/public_data_license_v1.0. Attribution: 出典：小樽開発建設部 (https://example.jp/river)"
    );
}

#[test]
fn a_title_that_says_what_the_data_is_says_it_once() {
    let mut citation = plain();
    citation.sources[0].source.title =
        Text::new("時間水位・流量（合成データ）", "Hourly level (synthetic)");
    for written in [
        citation.text(Language::Ja),
        citation.bibtex(Language::Ja),
        citation.ris(Language::Ja),
        citation.csl(Language::Ja).to_string(),
    ] {
        assert!(written.contains("時間水位・流量（合成データ）"), "{written}");
        assert!(!written.contains("（合成データ）（"), "{written}");
    }
    let en = citation.text(Language::En);
    assert!(en.contains("Hourly level (synthetic) [Data set]"), "{en}");
}

#[test]
fn a_result_that_was_read_from_nothing_names_nothing() {
    let mut citation = plain();
    citation.sources.clear();
    assert_eq!(
        citation.text(Language::Ja),
        "「問い合わせ結果」（2026年11月26日 12時04分05秒作成，24行，ハッシュ値 mrh1-00-00）．持ち寄り．https://hub.example.jp/v1/permalinks/922222222222"
    );
    assert_eq!(
        citation.text(Language::En),
        "Query result (2026). [Query result: 24 row(s), hash mrh1-00-00, made 2026-11-26 12:04:05 JST]. Mochiyori. https://hub.example.jp/v1/permalinks/922222222222."
    );
    assert!(citation.ris(Language::En).contains("Result of a query. 24 row(s)"));
}

#[test]
fn bibtex_stays_balanced_whatever_a_title_holds() {
    let mut citation = plain();
    citation.sources = vec![source(
        Text::new("100% {川} \\ $5 & a_b #1 ~^\n@misc{x", ""),
        Text::new("局, 第一", ""),
        "}",
    )];
    let bibtex = citation.bibtex(Language::Ja);
    let (open, closed) = (bibtex.matches('{').count(), bibtex.matches('}').count());
    assert_eq!(open, closed, "{bibtex}");
    assert!(bibtex.contains("100\\% \\textbraceleft{}川\\textbraceright{}"), "{bibtex}");
    assert!(bibtex.contains("url = {https://hub.example.jp/v1/datasets/otaru_kaihatsu/river"));
    assert_eq!(bibtex.lines().filter(|line| line.starts_with('@')).count(), 2);
}

#[test]
fn no_value_of_ris_begins_a_line_of_its_own() {
    let mut citation = plain();
    citation.sources =
        vec![source(Text::new("水位\r\nER  - ", ""), Text::new("局, 第一", ""), "a\nTY  - BOOK")];
    let ris = citation.ris(Language::Ja);
    assert_eq!(ris.matches("\r\nER  - \r\n").count(), 2, "{ris}");
    assert!(ris.lines().all(|line| &line[2..6] == "  - "), "{ris}");
    assert!(ris.contains("AU  - 局， 第一\r\n"), "{ris}");
}

#[test]
fn csl_has_dates_in_japanese_time_and_organisations_as_they_are_called() {
    let csl = plain().csl(Language::En);
    assert_eq!(csl[1]["issued"]["date-parts"], serde_json::json!([[2026, 4, 1]]));
    assert_eq!(csl[1]["author"], serde_json::json!([{"literal": "Otaru Development Office"}]));
    assert_eq!(csl[1]["version"], "3");
    assert!(csl[1]["note"].as_str().unwrap().contains("Viewed: 2026-11-26 12:04:05 JST"));
}

proptest::proptest! {
    #[test]
    fn any_text_keeps_the_forms_whole(title in "\\PC*|[\\x00-\\x7f]*", line in "\\PC*|[\\x00-\\x7f]*") {
        let mut citation = plain();
        citation.sources = vec![source(Text::new(title, ""), Text::new(line.clone(), ""), &line)];
        let bibtex = citation.bibtex(Language::Ja);
        let mut depth = 0_i64;
        for c in bibtex.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            proptest::prop_assert!(depth >= 0);
        }
        proptest::prop_assert_eq!(depth, 0);
        let ris = citation.ris(Language::Ja);
        proptest::prop_assert!(ris.split("\r\n").filter(|l| !l.is_empty()).all(|l| l.get(2..6) == Some("  - ")));
        proptest::prop_assert_eq!(citation.text(Language::Ja).lines().count(), 2);
    }
}

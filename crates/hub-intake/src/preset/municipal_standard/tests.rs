//! Lists of both generations, as municipalities publish them.

use hub_model::{ChangeKind, FieldRole};
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932};

const TOURISM: &str = "都道府県コード又は市区町村コード,NO,都道府県名,市区町村名,名称,名称_カナ,名称_英語,POIコード,住所,方書,緯度,経度,利用可能曜日,開始時間,終了時間,利用可能日時特記事項,料金（基本）,料金（詳細）,説明,説明_英語,アクセス方法,駐車場情報,バリアフリー情報,連絡先名称,連絡先電話番号,連絡先内線番号,画像,画像_ライセンス,URL,備考";

#[test]
fn tourist_sites_of_the_old_generation() {
    let text = format!(
        "{TOURISM}\r\n\
         14087,1,北海道,余市町,蒸溜所,ジョウリュウショ,Distillery,,北海道余市郡余市町黒川町7-6,,43.1866,140.7917,月火水木金土日,9:00,17:00,,無料,,,,JR余市駅から徒歩3分,有,,,0135-23-3131,,,,https://example.jp/,\r\n\
         014087,2,北海道,余市町,水産博物館,,,,北海道余市郡余市町入舟町21,,43.1967,140.7836,火水木金土日,9時,16:30,,300円,,,,,,,,０１３５－２２－６１８７,,,,,\r\n"
    );
    let taken = taken_in_cp932("014087_tourism.csv", &text);
    assert_eq!(taken.preset, Some("municipal_tourism"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert_eq!(
        taken.columns(&["municipality_code", "id", "name", "latitude", "opens", "closes", "phone"]),
        [
            "014087 1 蒸溜所 43.1866 09:00 17:00 0135-23-3131",
            "014087 2 水産博物館 43.1967 09:00 16:30 0135-22-6187",
        ]
    );
    assert_eq!(taken.contract.primary_key, ["都道府県コード又は市区町村コード", "NO"]);
    assert_eq!((taken.changed(ChangeKind::Code), taken.changed(ChangeKind::FullWidth)), (1, 2));
}

#[test]
fn facilities_of_the_new_generation_with_a_column_of_their_own() {
    let text = "\u{FEFF}全国地方公共団体コード,ID,地方公共団体名,名称,名称_カナ,名称_英語,名称_通称,POIコード,所在地_全国地方公共団体コード,町字ID,所在地_連結表記,所在地_都道府県,所在地_市区町村,所在地_町字,所在地_番地以下,建物名等(方書),緯度,経度,高度の種別,高度の値,電話番号,内線番号,連絡先メールアドレス,連絡先FormURL,連絡先備考（その他、SNSなど）,郵便番号,法人番号,団体名,利用可能曜日,開始時間,終了時間,利用可能日時特記事項,説明,URL,備考,除雪担当\n\
        014001,0010000001,北海道倶知安町,総合体育館,ソウゴウタイイクカン,,,,014001,,北海道虻田郡倶知安町南3条東4丁目,北海道,倶知安町,,,,42.9,140.7567,,,(0136)22-2288,,,,,044-0033,,,月火水木金,09:00,21:00,,,,,第1班\n";
    let taken = taken("014001_public_facility.csv", text.as_bytes());
    assert_eq!(taken.preset, Some("municipal_facilities"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert_eq!(
        taken.columns(&["id", "address_municipality_code", "phone"]),
        ["0010000001 014001 (0136)22-2288"]
    );
    assert_eq!(taken.contract.fields.last().unwrap().name, "除雪担当");
    assert!(taken.rows[0].last().unwrap() == "第1班");
}

#[test]
fn wrong_forms_are_named_by_their_cells() {
    let row = |code: &str, no: &str, latitude: &str, opens: &str, phone: &str| {
        format!(
            "{code},{no},北海道,余市町,場所,,,,住所,,{latitude},140.79,,{opens},,,,,,,,,,,{phone},,,,,\n"
        )
    };
    let text = format!(
        "{TOURISM}\n{}{}{}{}{}",
        row("014087", "1", "43.1", "9:00", "0135-23-3131"),
        row("0140", "2", "43.1", "9:00", ""),
        row("014087", "3", "434.1", "9:00", ""),
        row("014087", "4", "43.1", "朝から", ""),
        row("014087", "5", "43.1", "9:00", "不明"),
    );
    let taken = taken("x.csv", text.as_bytes());
    let mut named: Vec<(u64, &str)> = taken
        .report
        .errors
        .iter()
        .map(|e| (e.row.unwrap(), e.column.as_deref().unwrap()))
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            (3, "都道府県コード又は市区町村コード"),
            (4, "緯度"),
            (5, "開始時間"),
            (6, "連絡先電話番号"),
        ]
    );
}

#[test]
fn a_wrong_check_digit_is_said() {
    let text = format!("{TOURISM}\n014088,1,北海道,余市町,場所,,,,住所,,,,,,,,,,,,,,,,,,,,,\n");
    let notes = taken("x.csv", text.as_bytes()).report.layout.unwrap().notes;
    assert!(notes.iter().any(|note| note.ja.contains("014088")), "{notes:?}");
}

#[test]
fn events_population_and_shelters_are_told_apart() {
    let events = "都道府県コード又は市区町村コード,NO,都道府県名,市区町村名,イベント名,イベント名_カナ,イベント名_英語,開始日,終了日,開始時間,終了時間,開始日時特記事項,説明,料金（基本）,料金（詳細）,連絡先名称,連絡先電話番号,連絡先内線番号,主催者,場所名称,住所,方書,緯度,経度,アクセス方法,駐車場情報,定員,参加申込終了日,参加申込終了時間,参加申込方法,URL,備考,カテゴリー,区,公開日,更新日,子育て情報,施設No.\n\
        014061,1,北海道,古平町,たらつり節全国大会,,,令和6年7月6日,2024/7/7,10:00,24:00,,,,,,,,,,,,,,,,120人,,,,,,,,2024-06-01,,,\n";
    let taken_events = taken("events.csv", events.replace("120人", "120").as_bytes());
    assert_eq!(taken_events.preset, Some("municipal_events"));
    assert_eq!(taken_events.report.error_count, 0, "{:?}", taken_events.report.errors);
    assert_eq!(
        taken_events.columns(&[
            "name",
            "start_date",
            "end_date",
            "closes",
            "capacity",
            "published"
        ]),
        ["たらつり節全国大会 2024-07-06 2024-07-07 24:00 120 2024-06-01"]
    );
    assert_eq!(taken_events.changed(ChangeKind::JapaneseEra), 1);

    let population = "全国地方公共団体コード,地域コード,地方公共団体名,調査年月日,地域名,総人口,男性,女性,0-4歳の男性,0-4歳の女性,85歳以上の男性,85歳以上の女性,年齢不詳の男性,世帯数,備考\n\
        014052,,北海道積丹町,2025/1/1,美国町,\"1,015\",480,535,8,9,40,80,0,560,\n\
        014052,,北海道積丹町,2025/1/1,入舸町,-,,,,,,,,,秘匿\n";
    let taken_population = taken_in_cp932("population.csv", population);
    assert_eq!(taken_population.preset, Some("municipal_population"));
    assert_eq!(taken_population.report.error_count, 0, "{:?}", taken_population.report.errors);
    assert_eq!(
        taken_population.columns(&[
            "area",
            "date",
            "population",
            "male_0_4",
            "female_85_over",
            "male_unknown",
            "households"
        ]),
        ["美国町 2025-01-01 1015 8 80 0 560", "入舸町 2025-01-01 ∅ ∅ ∅ ∅ ∅"]
    );
    assert_eq!(
        taken_population.contract.primary_key,
        ["全国地方公共団体コード", "調査年月日", "地域名"]
    );
    assert_eq!(taken_population.contract.time_field().unwrap().role, FieldRole::Time);

    let shelters = "全国地方公共団体コード,ID,地方公共団体名,名称,名称_カナ,名称_英語,所在地_連結表記,緯度,経度,電話番号,災害種別_洪水,災害種別_崖崩れ、土石流及び地滑り,災害種別_高潮,災害種別_地震,災害種別_津波,災害種別_大規模な火事,災害種別_内水氾濫,災害種別_火山現象,指定避難所との重複,想定収容人数,URL,備考\n\
        014036,1,北海道泊村,公民館,コウミンカン,,北海道古宇郡泊村,43.06,140.5,,1,,0,〇,,,,,1,200,,\n";
    let taken_shelters = taken("shelter.csv", shelters.as_bytes());
    assert_eq!(taken_shelters.preset, Some("municipal_shelters"));
    assert_eq!(taken_shelters.report.error_count, 0, "{:?}", taken_shelters.report.errors);
    assert_eq!(
        taken_shelters.columns(&[
            "hazard_flood",
            "hazard_landslide",
            "hazard_storm_surge",
            "hazard_earthquake",
            "capacity"
        ]),
        ["true ∅ false true 200"]
    );
}

#[test]
fn lists_that_are_merely_alike_are_plain_tables() {
    for text in [
        "名称,住所,緯度,経度,利用可能曜日\na,b,43,140,月\n",
        "全国地方公共団体コード,ID,地方公共団体名,名称,設置位置,緯度,経度,団体名,利用可能曜日\n014001,1,倶知安町,a,b,43,140,c,月\n",
    ] {
        assert_eq!(taken("x.csv", text.as_bytes()).preset, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_rows_make_it_panic(rows in proptest::collection::vec("[0-9A,令和年月日:.○-]{0,60}", 0..8)) {
        let text = format!("{TOURISM}\n{}\n", rows.join("\n"));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
    }

    #[test]
    fn no_headings_make_it_panic(names in proptest::collection::vec("[A-Z名称URLurlid緯度開始日\t]{0,6}", 0..20)) {
        let text = format!("全国地方公共団体コード,ID,イベント名,開始日,{}\n014001,1,a,2024/1/1\n", names.join(","));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
        for id in ["municipal_events", "municipal_population", "municipal_shelters"] {
            prop_assert_eq!(survives(Some(id), "x.csv", text.as_bytes()), Ok(()));
        }
    }
}

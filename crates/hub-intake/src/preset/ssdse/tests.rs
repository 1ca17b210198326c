//! The real edition where it is there, and the other sets' headings.

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932, taken_real};

#[test]
fn municipalities_of_2025() {
    let Some(taken) = taken_real("municipal/SSDSE-A-2025.csv") else { return };
    assert_eq!(taken.preset, Some("ssdse"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors.first());
    assert_eq!(taken.report.rows, 1_741 * 125);
    assert_eq!(taken.changed(ChangeKind::Code), 1_741);
    let of = taken.rows.iter().filter(|row| row[0] == "014001").take(3);
    insta::assert_snapshot!(of.map(|row| row.join(" | ")).collect::<Vec<_>>().join("\n"));
}

#[test]
fn other_sets_have_years_in_rows_or_none() {
    let b = "SSDSE-B-2024,Code,Prefecture,A1101,A110101\r\n年度,地域コード,都道府県,総人口,総人口（男）\r\n\
        2021,R01000,北海道,5183000,2446000\r\n2020,R01000,北海道,\"5,224,614\",-\r\n";
    let taken_b = taken_in_cp932("SSDSE-B-2024.csv", b);
    assert_eq!((taken_b.preset, taken_b.report.error_count), (Some("ssdse"), 0));
    assert_eq!(
        taken_b.columns(&["municipality_code", "prefecture", "item_code", "item", "year", "value"]),
        [
            "010006 北海道 A1101 総人口 2021 5183000.0",
            "010006 北海道 A110101 総人口（男） 2021 2446000.0",
            "010006 北海道 A1101 総人口 2020 5224614.0",
            "010006 北海道 A110101 総人口（男） 2020 ∅",
        ]
    );
    assert_eq!(taken_b.changed(ChangeKind::MissingMark), 1);
    let c = "SSDSE-C-2024,Prefecture,City,LA03,LB00\r\n地域コード,都道府県,市,世帯人員,食料（合計）\r\n\
        R00000,全国,全国,2.91,965536\r\nR01100,北海道,札幌市,2.85,903576\r\n";
    let taken_c = taken_in_cp932("SSDSE-C-2024.csv", c);
    assert_eq!(taken_c.report.error_count, 0, "{:?}", taken_c.report.errors);
    assert_eq!(
        taken_c.columns(&["municipality_code", "municipality", "item", "value"])[1..3],
        ["000000 全国 食料（合計） 965536.0", "011002 札幌市 世帯人員 2.85"]
    );
    let d = "SSDSE-D-2023,Code,Prefecture,MA00\r\n男女の別,地域コード,都道府県,推定人口\r\n0_総数,R01000,北海道,4725\r\n1_男,R01000,北海道,2218\r\n";
    let taken_d = taken_in_cp932("SSDSE-D-2023.csv", d);
    assert_eq!(taken_d.report.error_count, 0, "{:?}", taken_d.report.errors);
    assert_eq!(taken_d.columns(&["sex", "value"]), ["0_総数 4725.0", "1_男 2218.0"]);
}

#[test]
fn climate_has_months_and_what_is_new_names_rows_too() {
    let f = "SSDSE-F-2023v3,Prefecture,City,Month,CN100,CN500\r\n地域コード,都道府県,地点,月,平均気温,降水量の合計\r\n\
        R01000,北海道,札幌市,01月,-3.2,108.4\r\nR01000,北海道,札幌市,年,9.2,1146.1\r\n";
    let taken_f = taken_in_cp932("SSDSE-F-2023v3.csv", f);
    assert_eq!((taken_f.preset, taken_f.report.error_count), (Some("ssdse"), 0));
    assert_eq!(
        taken_f.columns(&["municipality", "month", "item_code", "value"])[1..3],
        ["札幌市 01月 CN500 108.4", "札幌市 年 CN100 9.2"]
    );
    let new = "SSDSE-G-2027,Code,Prefecture,Season,A1101\n年度,地域コード,都道府県,季節,人口\n\
        2024,R01000,北海道,冬,5\n2024,R01000,北海道,夏,6\n";
    let taken_new = taken("SSDSE-G-2027.csv", new.as_bytes());
    assert_eq!(taken_new.report.error_count, 0, "{:?}", taken_new.report.errors);
    assert_eq!(taken_new.contract.primary_key, ["地域コード", "項目コード", "季節", "年"]);
}

#[test]
fn what_is_no_code_or_number_is_named() {
    let text = "SSDSE-A-2025,Prefecture,Municipality,A1101,A1102\n,,年度,2020,2020\n地域コード,都道府県,市区町村,総人口,日本人人口\n\
        R01400,北海道,倶知安町,15129,約1万\nR99999,北海道,架空町,1,2\n";
    let taken = taken("SSDSE-A-2025.csv", text.as_bytes());
    assert_eq!(taken.preset, Some("ssdse"));
    assert!(taken.wrong().contains(&"E4"), "{:?}", taken.report.errors);
    assert!(taken.report.errors.iter().any(|e| e.value.as_deref() == Some("R99999")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_headings_or_rows_make_it_panic(
        rows in proptest::collection::vec("[R0-9A,年度地域コード.\"]{0,40}", 0..8)
    ) {
        let text = format!("SSDSE-A-2025,{}", rows.join("\n"));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
        prop_assert_eq!(survives(Some("ssdse"), "x.csv", rows.join("\n").as_bytes()), Ok(()));
    }
}

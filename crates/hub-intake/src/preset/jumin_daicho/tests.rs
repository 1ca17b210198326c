//! Tables as the ministry's workbooks and files are written.

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932};

/// The heading of a workbook: merged cells are blank after the first.
const WORKBOOK: &str = "令和6年1月1日住民基本台帳人口・世帯数、令和5年（1月1日から同年12月31日まで）人口動態（市区町村別）（総計）,,,,,,,,\r\n\
    団体コード,都道府県名,市区町村名,令和6年,,,,令和5年,\r\n\
    ,,,人口,,,世帯数,住民票記載数,\r\n\
    ,,,,,,,転入者数（国内）,転入者数（国外）\r\n\
    ,,,男,女,計,世帯数,計,計\r\n";

#[test]
fn a_workbook_becomes_a_row_a_municipality() {
    let text = format!(
        "{WORKBOOK}-,合計,-,\"60,977,000\",\"63,908,000\",\"124,885,175\",\"60,779,141\",1,2\r\n\
         010006,北海道,-,\"2,406,000\",\"2,687,983\",\"5,093,983\",\"2,791,000\",1,2\r\n\
         014001,北海道,倶知安町,\"8,700\",\"8,200\",\"16,900\",\"9,900\",3,4\r\n\
         14087,北海道,余市町,\"8,000\",\"9,100\",\"17,100\",\"9,000\",3,-\r\n\
         注）外国人を含む。,,,,,,,,\r\n"
    );
    let taken = taken_in_cp932("2401ssjin.csv", &text);
    assert_eq!(taken.preset, Some("jumin_daicho"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert_eq!(
        taken.head(4).lines().collect::<Vec<_>>(),
        [
            "municipality_code | prefecture | municipality | date | residents | male | female | population | households",
            "010006 | 北海道 | ∅ | 2024-01-01 | 総計 | 2406000 | 2687983 | 5093983 | 2791000",
            "014001 | 北海道 | 倶知安町 | 2024-01-01 | 総計 | 8700 | 8200 | 16900 | 9900",
            "014087 | 北海道 | 余市町 | 2024-01-01 | 総計 | 8000 | 9100 | 17100 | 9000",
        ]
    );
    assert_eq!((taken.changed(ChangeKind::LeftOut), taken.changed(ChangeKind::Code)), (2, 1));
    let layout = taken.report.layout.unwrap();
    assert_eq!((layout.header_rows, layout.notes.len()), (Some((2, 5)), 2));
}

#[test]
fn the_title_says_whom_and_when() {
    let plain = |title: &str| {
        format!(
            "{title}\n団体コード,都道府県名,市区町村名,男,女,計,世帯数\n014001,北海道,倶知安町,1,2,3,1\n"
        )
    };
    for (title, expected) in [
        ("平成25年3月31日住民基本台帳人口・世帯数（日本人住民）", "2013-03-31 日本人住民"),
        ("【外国人住民】令和5年住民基本台帳人口・世帯数", "2023-01-01 外国人住民"),
        ("【総計】平成25年住民基本台帳人口・世帯数", "2013-03-31 総計"),
    ] {
        let taken = taken("x.csv", plain(title).as_bytes());
        assert_eq!(taken.preset, Some("jumin_daicho"), "{title}");
        assert_eq!(taken.columns(&["date", "residents"]), [expected], "{title}");
    }
    // A table without its day, or of something else, is not this.
    for title in ["住民基本台帳人口・世帯数", "令和5年国勢調査"] {
        assert_ne!(taken("x.csv", plain(title).as_bytes()).preset, Some("jumin_daicho"), "{title}");
    }
}

#[test]
fn wrong_cells_are_named() {
    let text = format!("{WORKBOOK}014001,北海道,倶知安町,多数,2,3,4,,\n");
    let taken = taken("x.csv", text.as_bytes());
    assert_eq!(taken.wrong(), ["D6"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_headings_or_rows_make_it_panic(
        title in "[令和平成元0-9年月日住民基本台帳 ]{0,30}",
        rows in proptest::collection::vec("[0-9,男女計世帯数団体コード-]{0,40}", 0..8)
    ) {
        let text = format!("{title}住民基本台帳\n団体コード,都道府県名,市区町村名,男,女,計,世帯数\n{}\n", rows.join("\n"));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
        prop_assert_eq!(survives(Some("jumin_daicho"), "x.csv", rows.join("\n").as_bytes()), Ok(()));
    }
}

//! What holds for every layout.

use proptest::prelude::*;

use super::{PRESETS, taken::survives};

const DOCUMENT: &str = include_str!("../../../../docs/presets.md");

/// The ids that the document lists: whole ones, and endings that stand for the last whole one's.
fn documented() -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let mut whole = "";
    let cells = DOCUMENT.lines().filter_map(|line| {
        let rest = line.strip_prefix("| `").or(line.strip_prefix("### `"))?;
        rest.split(['|', ':']).next()
    });
    for id in cells.flat_map(|cell| cell.split('`')).filter(|id| !id.trim().is_empty()) {
        if let Some(ending) = id.strip_prefix('_') {
            let words = whole.matches('_').count() - ending.matches('_').count();
            let head: Vec<&str> = whole.split('_').take(words).collect();
            ids.push(format!("{}_{ending}", head.join("_")));
        } else if id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            whole = id;
            ids.push(id.to_owned());
        }
    }
    ids
}

#[test]
fn every_layout_is_in_the_list_for_people() {
    let documented = documented();
    for preset in PRESETS {
        assert!(documented.iter().any(|id| id == preset.id), "{} is not listed", preset.id);
    }
    for id in &documented {
        assert!(PRESETS.iter().any(|preset| preset.id == id), "{id} is listed and is none");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A file that is said to be in a layout, and is anything, is read or refused.
    #[test]
    fn no_layout_is_broken_by_any_bytes(
        at in any::<prop::sample::Index>(),
        name in "(map_20250628180000|44132_20250628_15|倶知安2020_1|stop_times)[.](csv|json|txt)",
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"", "\n", " ", "44132", "temp", "lat", "0", "-1.5", "null",
                "\"type\":\"FeatureCollection\",\"features\":", "\"N03_001\"", "\"N03_004\"", "\"N03_007\"",
                "\"geometry\"", "\"coordinates\"", "gauge_id", "latitude", "観測所番号", "観測所名",
                "緯度(度)", "年月日", "時", "降水量", "R01400", "団体コード", "計",
            ]),
            0..60,
        ),
    ) {
        let id = at.get(PRESETS).id;
        prop_assert_eq!(survives(Some(id), &name, &bytes), Ok(()));
        prop_assert_eq!(survives(Some(id), &name, words.concat().as_bytes()), Ok(()));
        prop_assert_eq!(survives(None, &name, words.concat().as_bytes()), Ok(()));
    }
}

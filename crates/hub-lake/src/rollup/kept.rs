//! What the log keeps of companions: one tag of a file's entry, as JSON that is added to and never changed.

use std::collections::BTreeMap;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::{FOLDER, FileRollups, RolledValue, RollupFile, RollupLevel, companion};

/// The tag of a file's entry.
pub(crate) const ROLLUPS_TAG: &str = "mochiyori.rollups";

#[derive(Debug, Serialize, Deserialize)]
struct RollupsV1 {
    series: Vec<String>,
    time: String,
    edges: bool,
    values: BTreeMap<String, ValueV1>,
    levels: BTreeMap<String, SizeV1>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ValueV1 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quality: Option<String>,
    #[serde(default)]
    left_out: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_due: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SizeV1 {
    rows: u64,
    bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// The tag's text.
pub(crate) fn tag(rollups: &FileRollups) -> Option<String> {
    let levels = rollups.files.iter().map(|file| {
        let RollupFile { rows, bytes, .. } = *file;
        (file.level.as_str().to_owned(), SizeV1 { rows, bytes, sha256: file.sha256.clone() })
    });
    let values = rollups.values.iter().map(|(name, value)| {
        let RolledValue { quality, left_out, not_due } = value.clone();
        (name.clone(), ValueV1 { quality, left_out, not_due })
    });
    let kept = RollupsV1 {
        series: rollups.series.clone(),
        time: rollups.time.clone(),
        edges: rollups.edges,
        values: values.collect(),
        levels: levels.collect(),
    };
    serde_json::to_string(&kept).ok()
}

/// Reads the tag of a data file in this folder. A text that is not understood, as of a later release,
/// and a level that is not known, are as if they were not there.
pub(crate) fn read_tag(text: &str, folder: &Path, data_file: &str) -> Option<FileRollups> {
    let kept: RollupsV1 = serde_json::from_str(text).ok()?;
    let files = kept.levels.into_iter().filter_map(|(word, size)| {
        let level = RollupLevel::parse(&word)?;
        let path = folder.clone().join(FOLDER).join(companion(data_file, level));
        let SizeV1 { rows, bytes, sha256 } = size;
        Some(RollupFile { level, path, bytes, rows, sha256 })
    });
    let mut files: Vec<_> = files.collect();
    files.sort_by_key(|file| file.level);
    let RollupsV1 { series, time, edges, values, .. } = kept;
    let values = values.into_iter().map(|(name, value)| {
        let ValueV1 { quality, left_out, not_due } = value;
        (name, RolledValue { quality, left_out, not_due })
    });
    Some(FileRollups { series, time, edges, values: values.collect(), files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_written_in_the_known_form_and_comes_back() {
        let folder = Path::from("otaru/river");
        let name = "part-019ab0c5-0000-7000-8000-000000000001.parquet";
        let file = |level, rows| RollupFile {
            level,
            path: Path::from("otaru/river/_rollups").join(companion(name, level)),
            bytes: rows * 10,
            rows,
            sha256: Some(format!("{rows:064x}")),
        };
        let rollups = FileRollups {
            series: vec!["station".to_owned()],
            time: "time".to_owned(),
            edges: true,
            values: BTreeMap::from([
                ("flow".to_owned(), RolledValue::default()),
                (
                    "level".to_owned(),
                    RolledValue {
                        quality: Some("level_quality".to_owned()),
                        left_out: 3,
                        not_due: Some(2),
                    },
                ),
            ]),
            files: vec![file(RollupLevel::Day, 30), file(RollupLevel::Series, 1)],
        };
        let text = tag(&rollups).unwrap();
        insta::assert_snapshot!(text, @r#"{"series":["station"],"time":"time","edges":true,"values":{"flow":{"left_out":0},"level":{"quality":"level_quality","left_out":3,"not_due":2}},"levels":{"day":{"rows":30,"bytes":300,"sha256":"000000000000000000000000000000000000000000000000000000000000001e"},"series":{"rows":1,"bytes":10,"sha256":"0000000000000000000000000000000000000000000000000000000000000001"}}}"#);
        assert_eq!(read_tag(&text, &folder, name), Some(rollups));
        // The first tags had no hashes.
        let first = r#"{"series":["station"],"time":"time","edges":true,"values":{"flow":{"left_out":0}},"levels":{"day":{"rows":30,"bytes":300}}}"#;
        let first = read_tag(first, &folder, name).unwrap();
        assert_eq!((first.files[0].rows, &first.files[0].sha256), (30, &None));
        let later = text.replace("\"series\":{\"rows\"", "\"month\":{\"rows\"");
        assert_eq!(read_tag(&later, &folder, name).unwrap().files.len(), 1);
        assert_eq!(read_tag("{}", &folder, name), None);
    }
}

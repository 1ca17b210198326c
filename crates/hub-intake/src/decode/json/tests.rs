//! JSON as services and people write it.

use proptest::prelude::*;

use crate::{
    Format, FormatHint, IntakeError, IntakeOptions,
    conform::tests::file_of,
    decode::{self, Block},
    recognise,
};

pub(in crate::decode) struct Table {
    pub(in crate::decode) format: Format,
    pub(in crate::decode) names: Vec<String>,
    pub(in crate::decode) rows: Vec<String>,
    pub(in crate::decode) notes: Vec<String>,
}

pub(in crate::decode) fn read(bytes: &[u8]) -> Result<Table, IntakeError> {
    let recognised = recognise(file_of(bytes), &FormatHint::default())?;
    let options = IntakeOptions { batch_rows: 2, ..IntakeOptions::default() };
    let mut decoder = decode::open(&recognised, &options)?;
    let names = decoder.columns().iter().map(|column| column.name.clone()).collect();
    let notes = decoder.understood().layout.unwrap_or_default().notes;
    let mut rows = Vec::new();
    while let Some(Block::Text(block)) = decoder.next_block()? {
        for row in 0..block.rows() {
            let cells: Vec<_> = (0..block.width)
                .map(|column| String::from_utf8_lossy(block.cell(row, column)).into_owned())
                .collect();
            rows.push(format!("{}: {}", block.lines[row], cells.join("|")));
        }
    }
    let notes = notes.into_iter().map(|note| note.en).collect();
    Ok(Table { format: recognised.format(), names, rows, notes })
}

fn refusal(text: &str) -> String {
    match read(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(table) => panic!("{text}: {:?} {:?}", table.names, table.rows),
    }
}

#[test]
fn an_array_of_objects_is_a_table_with_the_columns_of_all() {
    let table = read(
        r#"[{"id":"0101","v":1.50,"at":{"lat":43.1,"lon":141}},
            {"v":12345678901234567890,"id":null,"tags":["a",{"b":[]}]},
            {"late":true,"at":null}]"#
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(table.format, Format::Json);
    assert_eq!(table.names, ["id", "v", "at.lat", "at.lon", "tags", "late"]);
    assert_eq!(
        table.rows,
        [
            "1: 0101|1.50|43.1|141||",
            r#"2: |12345678901234567890|||["a",{"b":[]}]|"#,
            "3: |||||true"
        ]
    );
}

#[test]
fn an_array_within_objects_is_found_and_named() {
    let table = read(
        r#"{"help":"x","result":{"fields":[{"id":"a"}],"records":[{"a":1},{"a":2}]},"n":[1,2]}"#
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (table.names, table.rows),
        (vec!["a".to_owned()], vec!["1: 1".into(), "2: 2".into()])
    );
    assert!(table.notes[0].contains("result.records"), "{:?}", table.notes);
    let error = refusal(r#"{"x":[{"a":1}],"y":[{"a":2}]}"#);
    assert!(error.contains("x, y"), "{error}");
}

#[test]
fn an_object_of_objects_is_a_table_of_its_members() {
    let table =
        read(r#"{"11001":{"name":"宗谷岬","lat":[45,31.2]},"11016":{"name":"稚内"}}"#.as_bytes())
            .unwrap();
    assert_eq!(table.names, ["key", "name", "lat"]);
    assert_eq!(table.rows, ["1: 11001|宗谷岬|[45,31.2]", "2: 11016|稚内|"]);
}

#[test]
fn lines_of_objects_are_rows_by_their_lines() {
    let table = read(b"{\"a\":1}\r\n\r\n{\"a\":2,\"b\":\"x\"}\n{\"b\":\"y\"}").unwrap();
    assert_eq!(table.format, Format::NdJson);
    assert_eq!(table.rows, ["1: 1|", "3: 2|x", "4: |y"]);
    let one = read(b"{\"a\":1,\"b\":{\"c\":\"x\"}}").unwrap();
    assert_eq!((one.names, one.rows), (vec!["a".to_owned(), "b.c".into()], vec!["1: 1|x".into()]));
}

#[test]
fn what_is_no_table_is_refused_with_its_line() {
    for (text, words) in [
        ("[{\"a\":1},\n{\"a\":1,\"a\":2}]", "line 2: an object has the key \"a\" twice"),
        ("[{\"a\":{\"b\":1},\"a.b\":2}]", "twice"),
        ("[{\"a\":1},\n3]", "line 2: there is a value that is no object"),
        ("[[1,2]]", "no object"),
        ("[]", "no objects"),
        ("[{\"a\":1}]\n[{}]", "line 2: there is another value"),
        ("[{\"a\":1},{\"b\":", "ends before"),
        ("[{}]", "no values"),
        ("{\"a\":1}\n{\"a\":\n", "line 3: the JSON ends"),
        ("{\"a\":1}\n{\"a\":1\n \n{\"a\":2}", "line 2: a comma or '}' is expected"),
        ("[{\"a\":[1 2]}]", "line 1: a comma or ']' is expected"),
    ] {
        let error = refusal(text);
        assert!(error.contains(words), "{text}: {error}");
    }
    let wide: Vec<String> = (0..5_000).map(|key| format!("\"k{key}\":1")).collect();
    assert!(refusal(&format!("[{{{}}}]", wide.join(","))).contains("1000 different keys"));
    assert!(refusal(&format!("[{}", "{\"a\":[".repeat(100))).contains("nested"));
}

#[test]
fn a_text_or_a_row_without_end_is_refused_in_bounded_memory() {
    let long = format!("[{{\"a\":\"{}\"}}]", "x".repeat(9 << 20));
    assert!(refusal(&long).contains("8 MiB"));
    let wide = format!("[{{\"a\":[{}1]}}]", "1,".repeat(9 << 20));
    assert!(matches!(read(wide.as_bytes()), Err(IntakeError::TooLarge { .. })));
}

#[test]
fn a_real_station_table_is_read_without_a_layout() {
    let Some(path) = hub_testkit::shared::data_file("jma/bosai/amedastable.json") else { return };
    let hint = FormatHint { preset: Some("none".to_owned()), ..FormatHint::default() };
    let recognised = recognise(std::fs::File::open(path).unwrap(), &hint).unwrap();
    let mut decoder = decode::open(&recognised, &IntakeOptions::default()).unwrap();
    let names: Vec<_> = decoder.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["key", "type", "elems", "lat", "lon", "alt", "kjName", "knName", "enName"]);
    let Some(Block::Text(block)) = decoder.next_block().unwrap() else { panic!() };
    assert_eq!(block.cell(0, 0), b"11001");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes_are_read_or_refused(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-0.5e3", "null", "true", "\n", "\\u00", "\"",
                "{\"a\":", "[{", "}]", "\"type\":\"Feature\"", "\"geometry\":", "\"coordinates\":",
            ]),
            0..40,
        ),
        stray in any::<u8>(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut bytes = format!("{{{}", pieces.concat()).into_bytes();
        let at = at.index(bytes.len());
        let _ = read(&bytes);
        bytes[at] = stray;
        let _ = read(&bytes);
    }

    // Without the controls from U+0080 on: bytes that can be those are taken for text in CP932.
    #[test]
    fn objects_keep_their_values(rows in proptest::collection::vec(
        proptest::collection::btree_map("[a-z]{1,3}", "[^|\u{80}-\u{9f}]{0,12}", 1..5), 1..20)
    ) {
        let text = serde_json::to_string(&rows).unwrap();
        let table = read(text.as_bytes()).unwrap();
        for (row, written) in rows.iter().zip(&table.rows) {
            let cells: Vec<String> =
                table.names.iter().map(|name| row.get(name).cloned().unwrap_or_default()).collect();
            let (_, found) = written.split_once(": ").unwrap();
            prop_assert_eq!(found, cells.join("|"));
        }
    }
}
